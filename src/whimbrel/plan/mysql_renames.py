"""How MySQL and MariaDB give columns and indexes other names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from alembic.operations import ops

from whimbrel.plan.generic import Thing
from whimbrel.plan.mysql_columns import MySQLColumns, is_unalterable
from whimbrel.plan.mysql_escapes import unless_escaped
from whimbrel.plan.mysql_partitions import refuse_new_name
from whimbrel.plan.mysql_speaking import speaking
from whimbrel.plan.mysql_text import altering, check_beside, modifying, quoted
from whimbrel.plan.step import Step
from whimbrel.schema.following import indexes_called
from whimbrel.schema.state import Column, Index, Table, TableName, Unique


RENAMES_COLUMNS = {True: (10, 5, 2), False: (8, 0, 3)}
"""Since when a column can be renamed without its definition: MariaDB, MySQL."""

RENAMES_INDEXES = {True: (10, 5, 2), False: (5, 7)}
"""Since when an index can be renamed."""


class MySQLRenames(MySQLColumns):
    """Columns and indexes that get another name where they stand."""

    def spoken(self, steps: Iterable[Step]) -> Iterable[Step]:
        """Return *steps*, unless a script could not say one as it is meant."""
        return unless_escaped(steps, self.dialect)

    def rename_column(
        self, table: Table, before: Column, after: Column
    ) -> Iterable[ops.MigrateOperation]:
        """Yield what gives a column another name, and the indexes called after it."""
        if not self.dialect.is_mariadb:
            refuse_new_name(table, before.name, after.name)
        check = check_beside(before, table)
        spoken = self._speaking(table, before, after)
        if spoken:
            names = f"{quoted(before.name)} TO {quoted(after.name)}"
            yield altering(table.name, f"RENAME COLUMN {names}", *spoken)
        elif check is None and not is_unalterable(before):
            yield self.alteration(table.name, before, after, {})
        elif self._has(RENAMES_COLUMNS):
            names = f"{quoted(before.name)} TO {quoted(after.name)}"
            yield altering(table.name, f"RENAME COLUMN {names}")
        else:
            yield altering(table.name, modifying(before, after, check))
        if self._has(RENAMES_INDEXES):
            for old, new in indexes_called(table, before.name, after.name):
                names = f"{quoted(old)} TO {quoted(new)}"
                yield altering(table.name, f"RENAME INDEX {names}")

    def _speaking(self, table: Table, before: Column, after: Column) -> list[str]:
        """Return the clauses for what must speak of a new name at once."""
        if self.dialect.is_mariadb:
            return []
        return speaking(table, before.name, after.name, self.part_words)

    def _has(self, since: Mapping[bool, tuple[int, ...]]) -> bool:
        """Whether the server is of a version that can do something."""
        version = self.dialect.version
        return not version or version >= since[self.dialect.is_mariadb]

    def in_place(
        self, table: TableName, before: Thing, after: Thing
    ) -> ops.MigrateOperation | None:
        """Return what gives an index, or the one of a constraint, another name."""
        if not isinstance(before, Index | Unique) or type(before) is not type(after):
            return None
        if replace(before, name=after.name, naming=after.naming) != after:
            return None
        if not self._has(RENAMES_INDEXES):
            return None
        names = f"{quoted(before.name)} TO {quoted(after.name)}"
        return altering(table, f"RENAME INDEX {names}")
