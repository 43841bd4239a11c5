"""Renames in an order in which each new name is free: chains, swaps and rings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import TypeVar

from whimbrel.schema.changes import ValueChange
from whimbrel.schema.renames import ColumnRename, Rename, TableRename, in_order
from whimbrel.schema.state import State, TableName


Named = TypeVar("Named", TableRename, ColumnRename)


def untangled(renames: Iterable[Rename], current: State) -> tuple[Rename, ...]:
    """Return *renames* so that each finds its new name free when its turn comes.

    In a chain the last one begins.  In a ring one thing takes another name meanwhile.
    """
    ordered = in_order(renames)
    tables = [each for each in ordered if isinstance(each, TableRename)]
    columns = [each for each in ordered if isinstance(each, ColumnRename)]
    values = [each for each in ordered if isinstance(each, ValueChange)]
    names = {table.name.name for table in current.tables}
    names |= {column.name for table in current.tables for column in table.columns}
    found: list[Rename] = []
    found += _one_by_one(tables, lambda each: _table_aside(each, names))
    for table in dict.fromkeys(each.table for each in columns):
        side_by_side = [each for each in columns if each.table == table]
        found += _one_by_one(side_by_side, lambda each: _column_aside(each, names))
    return (*found, *values)


def _one_by_one(
    renames: Sequence[Named], aside: Callable[[Named], Named]
) -> Iterator[Named]:
    """Yield the renames of things that stand side by side.

    Args:
        renames: one for each of these things.
        aside: gives a thing another name for the time being.
    """
    left = list(renames)
    while left:
        held = {each.before for each in left}
        free = [each for each in left if each.after not in held]
        if free:
            yield from free
            left = [each for each in left if each not in free]
        else:
            first = left.pop(0)
            yield (meanwhile := aside(first))
            left.append(replace(first, before=meanwhile.after))


def _table_aside(rename: TableRename, names: set[str]) -> TableRename:
    name = _free(rename.before.name, names)
    return replace(rename, after=TableName(name, rename.before.schema))


def _column_aside(rename: ColumnRename, names: set[str]) -> ColumnRename:
    return replace(rename, after=_free(rename.before, names))


def _free(name: str, names: set[str]) -> str:
    """Return a name that nothing has."""
    return next(each for n in count(1) if (each := f"{name}_{n}") not in names)
