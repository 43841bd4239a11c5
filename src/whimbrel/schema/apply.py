"""A state and a change in, the next state out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias, TypeVar

from whimbrel.schema.carried import follow_column, follow_table
from whimbrel.schema.changes import (
    Change,
    ColumnChange,
    ConstraintChange,
    EnumChange,
    FactsChange,
    FootingChange,
    IndexChange,
    SequenceChange,
    TableChange,
    ValueChange,
)
from whimbrel.schema.enum_renames import follow_enum
from whimbrel.schema.state import Column, State, Table, TableName


T = TypeVar("T")
TableContent: TypeAlias = ColumnChange | ConstraintChange | IndexChange | FactsChange


def apply_all(state: State, changes: Iterable[Change]) -> State:
    """Return *state* after all *changes*; the cost is linear in both."""
    draft = _Draft(state)
    for change in changes:
        draft.apply(change)
    return draft.state


def apply(state: State, change: Change) -> State:
    """Return *state* after one change."""
    return apply_all(state, (change,))


class _Draft:
    """A state that is being changed: its tables by name."""

    def __init__(self, state: State) -> None:
        self._origin = state
        self._enums = state.enums
        self._sequences = state.sequences
        self._tables = {table.name: table for table in state.tables}

    @property
    def state(self) -> State:
        """The state as it is by now."""
        return replace(
            self._origin,
            tables=frozenset(self._tables.values()),
            enums=self._enums,
            sequences=self._sequences,
        )

    def apply(self, change: Change) -> None:
        """Carry out one change."""
        match change:
            case TableChange():
                self._apply_to_tables(change.before, change.after)
            case EnumChange():
                self._become(follow_enum(self.state, change))
            case ValueChange() | FootingChange():
                pass
            case SequenceChange():
                sequences = _swap(self._sequences, change.before, change.after)
                self._sequences = frozenset(sequences)
            case _:
                self._apply_within(change)

    def _apply_to_tables(self, before: Table | None, after: Table | None) -> None:
        if before is not None and after is not None:
            self._become(follow_table(self.state, before.name, after.name))
        elif before is not None:
            self._tables.pop(before.name)
        elif after is not None:
            self._tables[after.name] = after

    def _apply_within(self, change: TableContent) -> None:
        if isinstance(change, ColumnChange) and change.before and change.after:
            old, new = change.before.name, change.after.name
            if old != new:
                self._become(follow_column(self.state, change.table, old, new))
                change = replace(change, before=self._column(change.table, new))
        self._tables[change.table] = _altered(self._table(change.table), change)

    def _become(self, state: State) -> None:
        self._enums = state.enums
        self._tables = {table.name: table for table in state.tables}

    def _table(self, name: TableName) -> Table:
        if name not in self._tables:
            raise KeyError(f"There is no table {name} to change.")
        return self._tables[name]

    def _column(self, table: TableName, name: str) -> Column:
        return next(each for each in self._table(table).columns if each.name == name)


def _altered(table: Table, change: TableContent) -> Table:
    match change:
        case ColumnChange():
            columns = _swap(table.columns, change.before, change.after)
            return replace(table, columns=tuple(columns))
        case ConstraintChange():
            constraints = _swap(table.constraints, change.before, change.after)
            return replace(table, constraints=frozenset(constraints))
        case IndexChange():
            indexes = _swap(table.indexes, change.before, change.after)
            return replace(table, indexes=frozenset(indexes))
        case FactsChange():
            after = change.after
            return replace(table, options=after.options, comment=after.comment)


def _swap(family: Iterable[T], before: T | None, after: T | None) -> Iterator[T]:
    """Yield the family with *after* in the place of *before*."""
    for thing in family:
        if thing != before:
            yield thing
        elif after is not None:
            yield after
    if before is None and after is not None:
        yield after
