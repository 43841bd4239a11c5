"""Names of the server's making that follow those of tables and columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from whimbrel.schema.state import (
    Constraint,
    Following,
    ForeignKey,
    Table,
    TableName,
    Unique,
)


def retargeted(
    constraint: Constraint, before: TableName, after: TableName
) -> Constraint:
    """Return *constraint*, a foreign key to the table *before* leading to *after*."""
    if isinstance(constraint, ForeignKey) and constraint.target == before:
        return replace(constraint, target=after)
    return constraint


def with_name(table: Table, name: TableName, following: frozenset[Following]) -> Table:
    """Return *table* under another name, with what the server calls after it."""
    numbered = following & {Following.KEYS, Following.CHECKS}
    words = "|".join(sorted(each.value for each in numbered))
    made = re.compile(rf"{re.escape(table.name.name)}_((?:{words})_\d+)")

    def called(constraint: Constraint) -> Constraint:
        match = made.fullmatch(constraint.name) if words else None
        if match is None:
            return constraint
        return replace(constraint, name=f"{name.name}_{match[1]}")

    constraints = frozenset(called(each) for each in table.constraints)
    return replace(table, name=name, constraints=constraints)


def indexes_called(table: Table, before: str, after: str) -> Iterator[tuple[str, str]]:
    """Yield the indexes of keys that the server called after a column, and anew.

    Args:
        table: their table.
        before: the column's name until then.
        after: its name from then on.
    """
    taken = {each.name for each in (*table.indexes, *_keys(table))}
    for key in sorted(_keys(table), key=lambda each: each.name):
        name = key.index if isinstance(key, ForeignKey) else key.name
        match = re.fullmatch(rf"{re.escape(before)}(_\d+)?", name or "")
        if match is not None and key.columns[0] == before:
            fresh = f"{after}{match[1] or ''}"
            if fresh not in taken:
                yield match[0], fresh


def _keys(table: Table) -> list[ForeignKey | Unique]:
    """Return the constraints whose index the server may have called by itself."""
    return [e for e in table.constraints if isinstance(e, ForeignKey | Unique)]


def with_indexes_called(table: Table, before: str, after: str) -> Table:
    """Return *table* with the indexes of keys that follow a column's name."""
    names = dict(indexes_called(table, before, after))

    def called(constraint: Constraint) -> Constraint:
        if isinstance(constraint, Unique):
            name = names.get(constraint.name, constraint.name)
            return replace(constraint, name=name)
        if isinstance(constraint, ForeignKey) and constraint.index is not None:
            index = names.get(constraint.index, constraint.index)
            return replace(constraint, index=index)
        return constraint

    constraints = frozenset(called(each) for each in table.constraints)
    return replace(table, constraints=constraints)
