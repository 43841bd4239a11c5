"""The forms of what stands beside PostgreSQL's tables: schemas, types, sequences."""

# ruff: noqa: ARG002  # what others ask of a thing, PostgreSQL need not

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from alembic.operations import ops

from whimbrel.plan.order import Key, Task
from whimbrel.plan.postgresql_column_forms import ColumnForms
from whimbrel.plan.postgresql_composites import refuse_held_rows
from whimbrel.plan.postgresql_enums import (
    enum_operations,
    multirange_change,
    set_aside_as,
)
from whimbrel.plan.postgresql_footings import (
    footing_dropped,
    footing_followed,
    footing_made,
    footing_operations,
    footings_dropped,
    is_ended,
    is_remade,
)
from whimbrel.plan.postgresql_held_rows import (
    around,
    demanded,
    holding,
    holds_going,
    waits,
)
from whimbrel.plan.postgresql_names import names_taken
from whimbrel.plan.postgresql_partitions import is_key, parted_early
from whimbrel.plan.postgresql_sequence_names import names_freed, names_given
from whimbrel.plan.postgresql_sequences import sequence_changes, sequence_operations
from whimbrel.plan.postgresql_typed_tables import (
    is_typed,
    let_go,
    let_go_of,
    made_of_type,
    taken_in,
)
from whimbrel.plan.postgresql_words import quoted, statement
from whimbrel.plan.standing_forms import Around
from whimbrel.schema.changes import Change, EnumChange, FootingChange, SequenceChange
from whimbrel.schema.state import Column, Enum, Footing, State, Table, TableName


class StandingForms(ColumnForms):
    """How what stands beside PostgreSQL's tables is made, altered and dropped."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._typed: set[TableName] = set()

    def schema_operations(
        self, start: State, end: State
    ) -> Iterator[ops.MigrateOperation]:
        """Yield what makes the schemas of what is to be there, and room for things."""
        refuse_held_rows(start, end, holding(self.footings))
        yield from self._let_go(start, end)
        yield from names_freed(start, end)
        yield from parted_early(start, end)
        for name in sorted(_schemas(end) - _schemas(start)):
            yield statement(f"CREATE SCHEMA IF NOT EXISTS {quoted(name)}")

    def _let_go(self, start: State, end: State) -> Iterator[ops.MigrateOperation]:
        """Yield what lets tables go that are of types, and note which shall be."""
        for table in let_go(start, end):
            if table not in self._typed:
                yield let_go_of(table)
                self._typed.add(table)
        self._typed.update(taken_in(start, end))

    def rename_column(
        self, table: Table, before: Column, after: Column
    ) -> Iterable[ops.MigrateOperation]:
        """Return what gives a column another name, be its table of a type or not."""
        renamed = super().rename_column(table, before, after)
        if not is_typed(table) or table.name in self._typed:
            return renamed
        self._typed.add(table.name)
        return (let_go_of(table.name), *renamed)

    def types_made(self, start: State, end: State) -> Iterator[ops.MigrateOperation]:
        """Yield what makes that on which tables stand."""
        for footing in _coming(start, end):
            if not self.waits(footing, start, end):
                yield from footing_made(footing)

    def followed(
        self, footing: Footing, names: Mapping[TableName, TableName]
    ) -> Footing:
        """Return a type as it is said when what it is made of has other names."""
        return footing_followed(footing, names)

    def waits(self, footing: Footing, start: State, end: State) -> bool:
        """Whether a type holds rows of tables that are yet to be made."""
        return waits(footing, start, end, holding(self.footings))

    def demanded(self, tasks: list[Task]) -> Iterable[tuple[Task, Task]]:
        """Return pairs of tasks of which the one must come first, for rows are held."""
        return demanded(tasks, holding(self.footings))

    def around(
        self,
        tasks: tuple[Task, ...],
        changes: Iterable[Change],
        start: State,
        end: State,
    ) -> Mapping[Key, Around]:
        """Return what is done with types that hold rows of the tables of *tasks*."""
        holds = holding(self.footings)
        altered = (each for each in changes if isinstance(each, FootingChange))
        going = [each for each in self.leaving if holds_going(each, tasks, holds)]
        self.leaving = tuple(each for each in self.leaving if each not in going)
        return around(tasks, altered, going, _coming(start, end), holds)

    def types_dropped(self) -> Iterator[ops.MigrateOperation]:
        """Yield what drops the types that came with the tables."""
        return map(footing_dropped, reversed(self.leaving))

    def closing_operations(
        self, start: State, end: State
    ) -> Iterator[ops.MigrateOperation]:
        """Yield what calls sequences as they shall be called, and drops schemas."""
        before, after = ({each.name for each in e.tables} for e in (start, end))
        yield from made_of_type(end, self._typed | (after - before))
        yield from names_given(start, end)
        yield from footings_dropped(start, end, "schema")

    def is_remade(self, change: FootingChange, *, is_held: bool) -> bool:
        """Whether a type that columns have can only be replaced by another one."""
        return is_remade(change, is_held=is_held)

    def renamed_beside(self, change: EnumChange) -> Iterable[EnumChange]:
        """Yield the type of several ranges beside a range type."""
        found = multirange_change(change)
        return () if found is None else (found,)

    def ends_type(self, change: Change) -> bool:
        """Whether a type goes, or another one takes its place."""
        if isinstance(change, FootingChange):
            return is_ended(change)
        if not isinstance(change, EnumChange):
            return False
        return change.after is None or self.sets_aside(change) is not None

    def names_taken(
        self, changes: Iterable[Change], start: State, end: State
    ) -> Iterable[Change]:
        """Return renames of what goes, and whose name a thing of another kind takes."""
        return names_taken(start, end)

    def footing_operations(
        self, change: FootingChange
    ) -> Iterable[ops.MigrateOperation]:
        """Return what alters a domain, or makes a type that nothing has anew."""
        return footing_operations(change)

    def sets_aside(self, change: EnumChange) -> Enum | None:
        """Return the type under another name, if a new one must take its place."""
        return set_aside_as(change, self.enums)

    def left_on_way_back(
        self, changes: Iterable[Change], state: State
    ) -> Iterator[EnumChange]:
        """Yield the types that lose values, and by which tables are partitioned."""
        for change in changes:
            if isinstance(change, EnumChange) and change.before is not None:
                parts_any = is_key(change.before, state.tables)
                if parts_any and self.sets_aside(change) is not None:
                    yield change

    def enum_operations(self, change: EnumChange) -> Iterable[ops.MigrateOperation]:
        """Return what makes, alters or drops an enumerated type."""
        return enum_operations(change)

    def sequence_changes(self, changes: Iterable[Change]) -> Iterable[SequenceChange]:
        """Return what becomes of sequences, those of serial columns among them."""
        return sequence_changes(tuple(changes))

    def sequence_operations(
        self, change: SequenceChange, *, are_tables_done: bool
    ) -> Iterable[ops.MigrateOperation]:
        """Return what a sequence needs before the tables, and after them."""
        return sequence_operations(change, are_tables_done=are_tables_done)


def _coming(start: State, end: State) -> list[Footing]:
    return [e for e in end.footings if e.is_needed and e not in start.footings]


def _schemas(state: State) -> set[str]:
    """Return the schemas in which something stands, but for the default one."""
    named = {table.name.schema for table in state.tables}
    named |= {enum.schema for enum in state.enums}
    named |= {sequence.schema for sequence in state.sequences}
    named |= {each.schema for each in state.footings if each.is_needed}
    return {name for name in named if name is not None}
