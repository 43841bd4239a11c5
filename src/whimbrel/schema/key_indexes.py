"""The indexes that foreign keys use, where two databases call them otherwise."""

from __future__ import annotations

from dataclasses import replace

from whimbrel.schema.state import (
    Constraint,
    ForeignKey,
    Index,
    IndexPart,
    State,
    Table,
    TableName,
)


def with_indexes_told(current: State, wanted: State) -> tuple[State, State]:
    """Return two states of databases with those indexes among the others.

    What a server makes for a foreign key by itself is not listed, as models do not
    speak of it; between two databases, its name is a difference.
    """
    old, new = _by_name(current), _by_name(wanted)
    for name in old.keys() & new.keys():
        keys, others = (_indexed(each[name]) for each in (old, new))
        columns = {each for each in keys.keys() & others if keys[each] != others[each]}
        if columns:
            old[name] = _told(old[name], columns)
            new[name] = _told(new[name], columns)
    return (
        replace(current, tables=frozenset(old.values())),
        replace(wanted, tables=frozenset(new.values())),
    )


def _by_name(state: State) -> dict[TableName, Table]:
    return {table.name: table for table in state.tables}


def _indexed(table: Table) -> dict[tuple[str, ...], str]:
    """Return by its columns what the index of each foreign key is called."""
    keys = (each for each in table.constraints if isinstance(each, ForeignKey))
    return {key.columns: key.index for key in keys if key.index is not None}


def _told(table: Table, columns: set[tuple[str, ...]]) -> Table:
    """Return *table* with the indexes of its foreign keys on *columns* listed."""
    constraints: set[Constraint] = set()
    indexes = set(table.indexes)
    for each in table.constraints:
        if isinstance(each, ForeignKey) and each.columns in columns and each.index:
            parts = tuple(IndexPart(column=column) for column in each.columns)
            indexes.add(Index(name=each.index, parts=parts))
            constraints.add(replace(each, index=None))
        else:
            constraints.add(each)
    return replace(
        table, constraints=frozenset(constraints), indexes=frozenset(indexes)
    )
