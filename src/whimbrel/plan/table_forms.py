"""What one dialect wants of an altered table as a whole; where others differ."""

# ruff: noqa: ARG002  # what a dialect asks of a thing, all the others need not

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from alembic.operations import ops

from whimbrel.plan.order import Arrangement, Task, Together
from whimbrel.plan.step import Moment
from whimbrel.schema.state import Check, Column, Constraint, Index, Table, TableName


class TableForms:
    """The forms of altered tables: nothing here is special."""

    sharing: tuple[type[Constraint | Index], ...] = (Index,)
    """Of what two tables cannot have one of the same name."""
    any_index_serves = False
    """Whether a foreign key may refer to what stands first in an index."""
    needs_column: bool = False
    """Whether a table must have a column at every moment."""

    def entailed(self, task: Task) -> Task:
        """Return *task* with all that it entails on this database."""
        return task

    def arranged(self, arrangement: Arrangement) -> Arrangement:
        """Return *arrangement* as this database needs it."""
        return arrangement

    def check_beside(self, column: Column, table: Table) -> Check | None:
        """Return the check that stands in the definition of a column of *table*."""
        return None

    def made(self, table: Table, late: frozenset[Constraint]) -> Table:
        """Return a new *table* as its script makes it; *late* constraints follow."""
        return table

    def recall(self, there: TableForms) -> None:
        """Know what was done on the way that is gone back now."""

    def rename_column(
        self, table: Table, before: Column, after: Column
    ) -> Iterable[ops.MigrateOperation] | None:
        """Return what gives a column another name; None: what all others do."""
        return None

    def after_indexes(self, table: Table) -> Iterable[ops.MigrateOperation]:
        """Return what a new table needs once its indexes are there."""
        return ()

    def turned_more(
        self,
        table: TableName,
        before: Constraint | Index,
        after: Constraint | Index,
    ) -> Iterable[ops.MigrateOperation]:
        """Return what a turned thing needs that one statement cannot say."""
        return ()

    def remarks(
        self, table: TableName, thing: Constraint | Index
    ) -> Iterable[ops.MigrateOperation]:
        """Return what a new constraint or index needs that it cannot say itself."""
        return ()

    def parents(self, table: Table) -> frozenset[TableName]:
        """Return the tables that must be there before *table*, and gone after it."""
        return frozenset()

    def table_made(
        self, table: Table, late: frozenset[Constraint]
    ) -> Iterable[ops.MigrateOperation]:
        """Return what makes a table, where ``create_table()`` has no words for it."""
        return ()

    def hands_down(self, table: Table) -> bool:
        """Whether what is made from a table has its keys and indexes too."""
        return False

    def handed(self, whole: Table, heir: Table) -> Iterable[Constraint | Index]:
        """Return the keys and indexes of *whole* as *heir*, made from it, has them."""
        return ()

    def own_defaults(self, table: Table) -> Mapping[str, str | None]:
        """Return the defaults that a table says of columns that it inherits."""
        return {}

    def with_own_defaults(
        self, table: Table, defaults: Mapping[str, str | None]
    ) -> Table:
        """Return *table*, which says *defaults* of columns that it inherits."""
        return table

    def as_inherited(self, column: Column, whole: TableName, heir: Table) -> Column:
        """Return a column of *whole* as *heir*, made from that, has it."""
        return column

    def are_enough(self, columns: Collection[Column], task: Task) -> bool:
        """Whether a table may have no more than *columns* for a while."""
        return bool(columns)

    def moment(self, before: Column, after: Column) -> Moment | None:
        """Return when a column changes, where that is not for all to say."""
        return None

    def ahead(self, task: Task) -> Iterable[ops.MigrateOperation]:
        """Return what happens to the table before its constraints and indexes go."""
        return ()

    def first(self, task: Task) -> Iterable[ops.MigrateOperation]:
        """Return what happens to the table as a whole before its columns change."""
        return ()

    def last(self, task: Task) -> Iterable[ops.MigrateOperation]:
        """Return what is said of the table once more when it is altered."""
        return ()

    def together(self, task: Task) -> Together | None:
        """Return what alters columns and their keys in one, if it must be so."""
        return None

    def after_add(
        self, table: TableName, column: Column
    ) -> Iterable[ops.MigrateOperation]:
        """Return what a new column needs that cannot be said as it is added."""
        return ()

    def add_index(self, table: TableName, index: Index) -> ops.MigrateOperation | None:
        """Return what makes an index; None: what all others do."""
        return None

    def drop_constraint(
        self, table: TableName, constraint: Constraint
    ) -> Iterable[ops.MigrateOperation] | None:
        """Return what drops a constraint; None: what all others do."""
        return None
