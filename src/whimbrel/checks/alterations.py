"""What an ALTER TABLE in MySQL's words says, as the operations that it stands for.

Scripts have such a statement where Alembic has no words, as for a primary key that
begins or ends to count.  Its rows can be asked like those of any operation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alembic.operations import ops

from whimbrel.catalog.mysql_tokens import Cursor, name_of, split
from whimbrel.checks.outlook import Outlook, Standing
from whimbrel.plan.mysql_types import type_of
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import Column, Type


class _SaysMore(Exception):
    """A clause is not of those that are understood."""


def alterations(
    text: str, outlook: Outlook, dialect: Dialect
) -> tuple[ops.MigrateOperation, ...]:
    """Return the operations that *text* stands for; none if it says anything else.

    Args:
        text: a statement of a script.
        outlook: what will stand there by then.
        dialect: the database.
    """
    cursor = Cursor(text)
    if not dialect.has_charsets or not cursor.takes("ALTER", "TABLE"):
        return ()
    schema, name = None, name_of(cursor.take())
    if cursor.takes("."):
        schema, name = name, name_of(cursor.take())
    standing = outlook.table(name, schema)
    if standing is None:
        return ()
    said = _Said(name, schema, standing)
    try:
        clauses = split(text[cursor.peek().start :])
        return tuple(each for clause in clauses for each in said.by(Cursor(clause)))
    except _SaysMore:
        return ()


class _Said:
    """What the clauses of a statement about one table say.

    Args:
        name: the table.
        schema: where it stands, if the statement says so.
        standing: the table as it will stand by then.
    """

    def __init__(self, name: str, schema: str | None, standing: Standing) -> None:
        self._place = (name, schema)
        self._standing = standing

    def by(self, clause: Cursor) -> Iterator[ops.MigrateOperation]:
        """Yield what a clause says; what has no rows to ask is nothing.

        Raises:
            _SaysMore: it is of another kind.
        """
        if clause.takes("MODIFY"):
            name = name_of(clause.take())
            yield from self._column(name, name, clause)
        elif clause.takes("CHANGE"):
            yield from self._column(
                name_of(clause.take()), name_of(clause.take()), clause
            )
        elif clause.takes("ADD", "PRIMARY", "KEY"):
            parts = [Cursor(each) for each in split(clause.group())]
            names = [name_of(each.take()) for each in parts]
            is_more = any(each.peek().kind != "end" for each in (*parts, clause))
            if is_more or not all(names):
                raise _SaysMore
            table, schema = self._place
            yield ops.CreatePrimaryKeyOp("PRIMARY", table, names, schema=schema)
        elif clause.takes("RENAME", "COLUMN"):
            yield self._renamed(clause)
        elif clause.takes("DROP", "COLUMN"):
            clause.takes("IF", "EXISTS")
            table, schema = self._place
            name = name_of(clause.take())
            yield ops.DropColumnOp(table, name, schema=schema)
        elif not clause.takes("DROP", "PRIMARY", "KEY"):
            raise _SaysMore

    def _renamed(self, names: Cursor) -> ops.MigrateOperation:
        before = name_of(names.take())
        if not names.takes("TO"):
            raise _SaysMore
        table, schema = self._place
        return ops.AlterColumnOp(
            table, before, schema=schema, modify_name=name_of(names.take())
        )

    def _column(
        self, before: str, after: str, definition: Cursor
    ) -> Iterator[ops.MigrateOperation]:
        held = self._standing.columns.get(before)
        if held is None or held.live is None:
            raise _SaysMore
        type_, nullable = _defined(definition)
        live = held.live
        facts: dict[str, Any] = {
            "modify_name": after if after != before else None,
            "modify_nullable": nullable if nullable != live.nullable else None,
        }
        if type_.casefold() != live.type.spelling.casefold():
            facts["modify_type"] = type_of(Column(name=after, type=Type(type_)))
        table, schema = self._place
        yield ops.AlterColumnOp(table, before, schema=schema, **facts)


_ENDS = ("NULL", "NOT", "COLLATE", "GENERATED", "COMPRESSED", "CHECK")


def _defined(definition: Cursor) -> tuple[str, bool]:
    """Return the type of a column as it is written, and whether it may be NULL."""
    start = end = definition.peek().start
    while definition.peek().kind != "end" and definition.peek().word not in _ENDS:
        end = definition.take().end
    type_ = definition.text[start:end]
    if definition.takes("NOT", "NULL"):
        return type_, False
    if definition.takes("NULL"):
        return type_, True
    raise _SaysMore
