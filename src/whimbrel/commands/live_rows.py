"""What the rows of the live database tell, asked by the names that are wanted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from whimbrel.catalog.rows import Fullness, fullness, has_nulls, has_rows
from whimbrel.schema.renames import ColumnRename, Rename, TableRename
from whimbrel.schema.state import TableName


@dataclass(frozen=True, kw_only=True)
class LiveRows:
    """The rows, under the names that things have after some renames.

    Args:
        connection: the live database; None where it does not stand at the head of
            the history, so that its rows tell nothing.
        renames: the renames that the database does not know of yet.
    """

    connection: Connection | None
    renames: tuple[Rename, ...] = ()

    def has_rows(self, table: TableName) -> bool | None:
        """Whether *table* has a row; None if nobody knows."""
        if self.connection is None:
            return None
        return has_rows(self.connection, self._old_table(table))

    def has_nulls(self, table: TableName, column: str) -> bool | None:
        """Whether a row of *table* has no value in *column*; None if nobody knows."""
        if self.connection is None:
            return None
        old = _old_column(self.renames, table, column)
        return has_nulls(self.connection, self._old_table(table), old)

    def fullness(self, table: TableName, column: str) -> Fullness | None:
        """Return how full *column* is; None if nobody knows."""
        if self.connection is None:
            return None
        old = _old_column(self.renames, table, column)
        return fullness(self.connection, self._old_table(table), old)

    def _old_table(self, table: TableName) -> TableName:
        for rename in self.renames:
            if isinstance(rename, TableRename) and rename.after == table:
                return rename.before
        return table


def _old_column(renames: Iterable[Rename], table: TableName, column: str) -> str:
    for rename in renames:
        if not isinstance(rename, ColumnRename):
            continue
        if (rename.table, rename.after) == (table, column):
            return rename.before
    return column
