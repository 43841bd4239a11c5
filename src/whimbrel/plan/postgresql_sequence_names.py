"""What the sequences of PostgreSQL's identity columns are called."""

from __future__ import annotations

from collections.abc import Iterator

from alembic.operations import ops

from whimbrel.plan.postgresql_columns import of_sequence, serial_name
from whimbrel.plan.postgresql_words import quoted, values_of
from whimbrel.schema.names import unique_name
from whimbrel.schema.state import Column, State, TableName


Place = tuple[TableName, str]


def names_freed(start: State, end: State) -> Iterator[ops.MigrateOperation]:
    """Yield what gives sequences another name whose own something else takes."""
    olds, news = _names(start), _names(end)
    taken = _standing(end) | {(table.schema, name) for (table, _), name in news.items()}
    used = {name for _, name in taken} | {*olds.values()}
    for (table, column), name in sorted(olds.items()):
        if news.get((table, column)) != name and (table.schema, name) in taken:
            other = unique_name(f"{name}_old", used)
            used.add(other)
            yield _renaming(table, column, other)


def names_given(start: State, end: State) -> Iterator[ops.MigrateOperation]:
    """Yield what calls sequences as they shall be called."""
    olds, news = _names(start), _names(end)
    for (table, column), name in sorted(news.items()):
        is_made_so = (table, column) not in olds and name in _usual(table, column)
        if olds.get((table, column)) != name and not is_made_so:
            yield _renaming(table, column, name)


def _names(state: State) -> dict[Place, str]:
    """Return the names of sequences by their columns, as the server gives them."""
    standing = _standing(state)
    return {
        (table.name, column.name): _name(table.name, column, standing)
        for table in state.tables
        for column in table.columns
        if column.identity is not None
    }


def _standing(state: State) -> set[tuple[str | None, str]]:
    """Return the names of what no sequence of an identity column can be called."""
    return {
        *((each.name.schema, each.name.name) for each in state.tables),
        *((each.schema, each.name) for each in state.sequences),
    }


def _name(table: TableName, column: Column, others: set[tuple[str | None, str]]) -> str:
    said = values_of(column.options).get("sequence_name")
    usual, numbered = _usual(table, column.name)
    return said or (numbered if (table.schema, usual) in others else usual)


def _usual(table: TableName, column: str) -> tuple[str, str]:
    """Return what the server calls a sequence, and what if that is taken."""
    usual = serial_name(table, column)
    return usual, f"{usual}1"


def _renaming(table: TableName, column: str, name: str) -> ops.ExecuteSQLOp:
    words = quoted(name).replace("%", "%%")
    return of_sequence(table, column, f"ALTER SEQUENCE %s RENAME TO {words}")
