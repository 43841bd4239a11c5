"""Renames that come behind all else, so that what looks on is made by its old names.

The server lets a view follow a rename, but a view that was dropped is made again from
its text, which has the names of before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from whimbrel.schema.apply import apply, apply_all
from whimbrel.schema.changes import (
    Change,
    ColumnChange,
    FootingChange,
    TableChange,
    reverse_all,
)
from whimbrel.schema.diff import diff
from whimbrel.schema.state import Column, State, Table


def with_renames_last(
    renames: Sequence[Change], others: Sequence[Change], current: State, wanted: State
) -> tuple[Change, ...] | None:
    """Return what leads from *current* to *wanted*, renames last; None if it cannot be.

    Args:
        renames: those of tables and columns, as they stand first.
        others: what follows them.
        current: the state that is there.
        wanted: the state that shall be there.
    """
    known = (TableChange, ColumnChange)
    if not renames or not all(isinstance(each, known) for each in renames):
        return None
    back = tuple(_in_place(reverse_all(renames), wanted))
    called = apply_all(wanted, back)
    footings = (each for each in others if isinstance(each, FootingChange))
    return (*footings, *diff(current, called), *reverse_all(back))


def _in_place(renames: Sequence[Change], state: State) -> Iterator[Change]:
    """Yield *renames* of what is in a state by then, and stays what it is there."""
    for change in renames:
        after = apply(state, change)
        match change:
            case ColumnChange(before=Column() as old, after=Column() as new):
                column = _column(state.table(change.table), old.name)
                yield replace(
                    change, before=column, after=replace(column, name=new.name)
                )
            case TableChange(before=Table() as old, after=Table() as new):
                yield replace(
                    change, before=state.table(old.name), after=after.table(new.name)
                )
            case _:
                yield change
        state = after


def _column(table: Table | None, name: str) -> Column:
    columns = table.columns if table is not None else ()
    return next(each for each in columns if each.name == name)
