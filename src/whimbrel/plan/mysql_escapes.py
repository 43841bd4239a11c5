"""What generated scripts cannot say where a backslash escapes nothing.

Under the SQL mode NO_BACKSLASH_ESCAPES a backslash in a string is one, and the server
tells strings with escapes all the same.  Strings that SQLAlchemy writes are right in
either mode; SQL of the server's own is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alembic.operations import ops
from sqlalchemy import text

from whimbrel.errors import Unalterable
from whimbrel.plan.mysql_text import QUOTED, STRING, values
from whimbrel.plan.step import Step
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import (
    NO_OPTIONS,
    Check,
    Column,
    Constraint,
    Index,
    State,
    Table,
    Unique,
)


def refuse_escapes(start: State, end: State, server: Dialect) -> None:
    """Let the way between two states pass, unless SQLAlchemy would say other strings.

    Raises:
        Unalterable: SQL of the server's with a backslash would be in a script.
    """
    if server.has_escapes:
        return
    was, becomes = ({t.name: t for t in each.tables} for each in (start, end))
    for name in sorted(was.keys() | becomes.keys(), key=str):
        if any("\\" in each for each in _said(was.get(name), becomes.get(name))):
            raise _refused(str(name))


def unless_escaped(steps: Iterable[Step], server: Dialect) -> Iterator[Step]:
    """Yield *steps*, unless a statement of ours would say other strings.

    Such a statement says a column again with all that it has, be it none of the change.

    Raises:
        Unalterable: a backslash is in a string of one.
    """
    for step in steps:
        if not server.has_escapes and isinstance(step.operation, ops.ExecuteSQLOp):
            sql = str(text(str(step.operation.sqltext)))
            found = (each[0] for each in QUOTED.finditer(sql))
            if any(each[0] == "'" and "\\" in each for each in found):
                raise _refused(f"The statement {' '.join(sql.split())[:60]}...")
        yield step


def _refused(what: str) -> Unalterable:
    return Unalterable(
        f"{what} has SQL with a backslash in a string, and this connection"
        " takes none for an escape (sql_mode NO_BACKSLASH_ESCAPES): a"
        " generated script would say another string there.",
        "Generate and run such a script on a connection without that mode, or"
        " leave the table out: --exclude.",
    )


def _said(before: Table | None, after: Table | None) -> Iterator[str]:
    """Yield the SQL in which the one table says what the other one does not have."""
    things, others = map(_things, (before, after))
    for thing in things ^ others:
        yield from _of_column(thing) if isinstance(thing, Column) else _of_thing(thing)
    olds, news = (each.options if each else NO_OPTIONS for each in (before, after))
    yield from values(olds ^ news).values()


def _things(table: Table | None) -> frozenset[Column | Constraint | Index]:
    if table is None:
        return frozenset()
    return frozenset((*table.columns, *table.constraints, *table.indexes))


def _of_column(column: Column) -> Iterator[str]:
    yield column.type.spelling
    if column.computed is not None:
        yield column.computed.expression.canonical
    if column.default is not None and not STRING.fullmatch(column.default.canonical):
        yield column.default.canonical


def _of_thing(thing: Constraint | Index) -> Iterator[str]:
    match thing:
        case Check():
            yield thing.expression.canonical
        case Index() | Unique():
            yield from values(thing.options).values()
        case _:
            return
    if isinstance(thing, Index):
        for part in thing.parts:
            if part.expression is not None:
                yield part.expression.canonical
