"""What generated scripts cannot say where a backslash escapes nothing.

Under the SQL mode NO_BACKSLASH_ESCAPES a backslash in a string is one, and the server
tells strings with escapes all the same.  Strings that SQLAlchemy writes are right in
either mode; SQL of the server's own is not.
"""

from __future__ import annotations

from collections.abc import Iterator

from whimbrel.errors import Unalterable
from whimbrel.plan.mysql_text import STRING, values
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import (
    Check,
    Column,
    Constraint,
    Index,
    State,
    Table,
    Unique,
)


def refuse_escapes(start: State, end: State, server: Dialect) -> None:
    """Let the way between two states pass, unless a script would say other strings.

    Raises:
        Unalterable: SQL of the server's with a backslash would be in it.
    """
    if server.has_escapes:
        return
    was, becomes = ({t.name: t for t in each.tables} for each in (start, end))
    for name in sorted(was.keys() | becomes.keys(), key=str):
        said = _said(was.get(name)) ^ _said(becomes.get(name))
        if any("\\" in each for each in said):
            raise Unalterable(
                f"{name} has SQL with a backslash in a string, and this connection"
                " takes none for an escape (sql_mode NO_BACKSLASH_ESCAPES): a"
                " generated script would say another string there.",
                "Generate and run such a script on a connection without that mode, or"
                " leave the table out: --exclude.",
                table=str(name),
            )


def _said(table: Table | None) -> frozenset[str]:
    """Return the SQL in which a table says what it has."""
    if table is None:
        return frozenset()
    found = list(values(table.options).values())
    for column in table.columns:
        found += _of_column(column)
    for thing in (*table.constraints, *table.indexes):
        found += _of_thing(thing)
    return frozenset(found)


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
