"""What stands beside tables, as one dialect wants it: schemas, types, sequences."""

# ruff: noqa: ARG002  # what a dialect asks of a thing, all the others need not

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alembic.operations import ops

from whimbrel.plan.order import Key, Task
from whimbrel.schema.changes import Change, EnumChange, FootingChange, SequenceChange
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import Enum, Footing, State, TableName


@dataclass(frozen=True, slots=True)
class Around:
    """What is done with types right ahead of a task, and right behind it."""

    ahead: list[ops.MigrateOperation]
    behind: list[ops.MigrateOperation]


NOTHING_AROUND = Around([], [])


class StandingForms:
    """The forms of what stands beside tables: most databases have none of it."""

    dialect: Dialect
    footings: tuple[Footing, ...] = ()
    """What tables stand on before, or after."""
    leaving: tuple[Footing, ...] = ()
    """The types among it that are to go and are still there."""

    def schema_operations(
        self, start: State, end: State
    ) -> Iterable[ops.MigrateOperation]:
        """Return what makes the schemas that are there no sooner than their tables."""
        return ()

    def followed(
        self, footing: Footing, names: Mapping[TableName, TableName]
    ) -> Footing:
        """Return what tables stand on when what it is made of has other names."""
        return footing

    def waits(self, footing: Footing, start: State, end: State) -> bool:
        """Whether a type is of tables that are yet to be made."""
        return False

    def demanded(self, tasks: list[Task]) -> Iterable[tuple[Task, Task]]:
        """Return pairs of tasks of which the one must come first, for types of both."""
        return ()

    def around(
        self,
        tasks: tuple[Task, ...],
        changes: Iterable[Change],
        start: State,
        end: State,
    ) -> Mapping[Key, Around]:
        """Return what is done with types that are of the tables of *tasks*."""
        return {}

    def types_made(self, start: State, end: State) -> Iterable[ops.MigrateOperation]:
        """Return what makes the types, not enumerated ones, that tables need."""
        return ()

    def types_dropped(self) -> Iterable[ops.MigrateOperation]:
        """Return what drops the types that are left of those that leave."""
        return ()

    def closing_operations(
        self, start: State, end: State
    ) -> Iterable[ops.MigrateOperation]:
        """Return what drops the schemas in which nothing stands any more."""
        return ()

    def is_remade(self, change: FootingChange, *, is_held: bool) -> bool:
        """Whether a type that columns have can only be replaced by another one.

        Args:
            change: what becomes of it.
            is_held: its values are within others, of an array for instance.
        """
        return False

    def renamed_beside(self, change: EnumChange) -> Iterable[EnumChange]:
        """Return what else is named after a type, and gets another name with it."""
        return ()

    def ends_type(self, change: Change) -> bool:
        """Whether a type goes, or another one takes its place."""
        return False

    def names_taken(
        self, changes: Iterable[Change], start: State, end: State
    ) -> Iterable[Change]:
        """Return renames of what goes, and whose name a thing of another kind takes."""
        return ()

    def footing_operations(
        self, change: FootingChange
    ) -> Iterable[ops.MigrateOperation]:
        """Return what makes something that tables stand on another."""
        return ()

    def sets_aside(self, change: EnumChange) -> Enum | None:
        """Return the type under another name, if a new one must take its place."""
        return None

    def left_on_way_back(
        self, changes: Iterable[Change], state: State
    ) -> Iterable[EnumChange]:
        """Return what a way back from *state* cannot undo, and leaves as it is."""
        return ()

    def enum_operations(self, change: EnumChange) -> Iterable[ops.MigrateOperation]:
        """Return what makes, alters or drops an enumerated type."""
        raise ValueError(f"{self.dialect.name} has no enumerated types: {change}.")

    def sequence_changes(self, changes: Iterable[Change]) -> Iterable[SequenceChange]:
        """Return what becomes of sequences, be it by the change of a column."""
        return (each for each in changes if isinstance(each, SequenceChange))

    def sequence_operations(
        self, change: SequenceChange, *, are_tables_done: bool
    ) -> Iterable[ops.MigrateOperation]:
        """Return what a sequence needs before the tables that ask it, or after."""
        if are_tables_done == (change.after is None):
            yield self.sequence_operation(change)

    def sequence_operation(self, change: SequenceChange) -> ops.MigrateOperation:
        """Return what makes, alters or drops a sequence."""
        raise ValueError(f"{self.dialect.name} has no sequences: {change}.")
