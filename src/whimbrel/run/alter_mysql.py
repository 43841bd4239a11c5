"""How tables of MySQL and MariaDB are altered: from what stands there, losing nothing.

https://dev.mysql.com/doc/refman/8.4/en/alter-table.html,
https://mariadb.com/kb/en/alter-table/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from alembic.ddl.mysql import MySQLImpl as AlembicMySQLImpl
from alembic.operations.batch import BatchOperationsImpl
from alembic.util.sqla_compat import _ensure_scope_for_ddl, _is_type_bound
from sqlalchemy import Column, Constraint, Index, MetaData, Table
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from whimbrel.catalog.mysql_table_text import (
    ColumnText,
    ItemKind,
    ItemText,
    Kind,
    folded,
)
from whimbrel.errors import MigrationFailed
from whimbrel.plan.items import text
from whimbrel.run.alter_mysql_column import (
    Said,
    edited,
    renamed,
    without_what_no_type_keeps,
)
from whimbrel.run.alter_mysql_names import (
    KINDS,
    Convention,
    find_index,
    find_item,
    no_such_constraint,
)
from whimbrel.run.alter_mysql_table import LiveTable, read_live
from whimbrel.run.failure import explained


UNFIT = (1063, 1067, 1101, 1294)
"""The server's numbers for what a type forbids: AUTO_INCREMENT, DEFAULT, ON UPDATE."""

NULLS = (1048, 1138, 1265)
"""Its numbers for NULL where none may be."""

PARTED = 3855
"""Its number for a column by which a table is partitioned."""

NEEDED = 1553
"""Its number for an index that a foreign key needs."""

STORED_AS_GIVEN = 2
"""The value of ``lower_case_table_names`` where names differ in case, but not twice."""


class ColumnsImpl(AlembicMySQLImpl):
    """Alembic's implementation, altering columns from their live definition."""

    @property
    def _is_live(self) -> bool:
        """Whether there is a database to look at; not so in ``--sql`` mode."""
        return not self.as_sql and isinstance(self.connection, Connection)

    def _read(self, table_name: str, schema: str | None) -> LiveTable:
        assert self.connection is not None
        return read_live(
            self.connection, str(table_name), str(schema) if schema else None
        )

    def _alter(self, table: LiveTable, *clauses: str) -> None:
        self._exec(text(table.altering(*clauses)))

    def alter_column(
        self,
        table_name: str,
        column_name: str,
        *,
        name: str | None = None,
        schema: str | None = None,
        **kw: Any,
    ) -> None:
        """Alter a column; what the script does not mention stays as it is."""
        if not self._is_live:
            super().alter_column(
                table_name, column_name, name=name, schema=schema, **kw
            )
            return
        known = {key: kw[key] for key in Said.__dataclass_fields__ if key in kw}
        said = Said(**known)
        table = self._read(table_name, schema)
        found = table.column(str(column_name))
        if found is None:
            with _telling(_no_such_column(table, str(column_name))):
                super().alter_column(
                    table_name, column_name, name=name, schema=schema, **kw
                )
            return
        before = found
        is_renamed = name is not None and str(name) != before.name
        after = edited(before, said, self.dialect, is_renamed=is_renamed)
        if is_renamed:
            after = renamed(after, str(name))
        if after != before:
            self._modify(table, before, after, said)

    def _modify(
        self, table: LiveTable, before: ColumnText, after: ColumnText, said: Said
    ) -> None:
        try:
            self._alter(
                table,
                table.modifying(before, after),
                *table.speaking(before, after.name),
            )
        except DBAPIError as error:
            if _number(error) in UNFIT and said.type_ is not None:
                fitting = without_what_no_type_keeps(after, said)
                if fitting != after:
                    self._modify(table, before, fitting, said)
                    return
            if _number(error) == PARTED:
                raise explained(error, _parted(table, before, after)) from None
            if _number(error) in NULLS and not after.is_nullable:
                _refuse_nulls(table, before.name, error)
            raise

    def drop_column(self, table_name: str, column: Column[Any], **kw: Any) -> None:
        """Drop a column, with the foreign keys in which it stands."""
        if not self._is_live:
            super().drop_column(table_name, column, **kw)
            return
        table = self._read(table_name, kw.get("schema"))
        for key in table.keys_of(str(column.name)):
            self._alter(table, *table.dropping(key))
        super().drop_column(table_name, column, **kw)

    def add_column(
        self,
        table_name: str,
        column: Column[Any],
        *,
        insert_before: str | None = None,
        insert_after: str | None = None,
        **kw: Any,
    ) -> None:
        """Add a column, at the place that a batch gives it."""
        super().add_column(table_name, column, **kw)
        if self._is_live and (insert_before or insert_after):
            table = self._read(table_name, kw.get("schema"))
            place = _place(table, insert_before, insert_after)
            added = _column_of(table, column.name)
            self._alter(table, f"{table.modifying(added, added)} {place}")


class MySQLImpl(ColumnsImpl):
    """The same with batches, constraints and indexes.

    That it is made registers it with Alembic, in the place of Alembic's own.
    """

    __dialect__ = "mysql"

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._batch_conventions: tuple[Convention, ...] = ()
        self._stand_ins: dict[tuple[str, str], list[ItemText]] = {}
        self._stopped: dict[tuple[str, str], str] = {}

    # -- batches --------------------------------------------------------------------

    def alter_table(self, batch: BatchOperationsImpl) -> None:
        """Carry out all that a batch says of its table, without copying the table."""
        if batch.table_args or batch.partial_reordering or batch.copy_from is not None:
            BatchOperationsImpl.flush(batch)
            return
        given = batch.naming_convention
        self._batch_conventions = (given,) if given else ()
        try:
            with _ensure_scope_for_ddl(self.connection):
                for name, args, kw in batch.batch:
                    getattr(self, name)(*args, **kw)
                self._set_options(batch)
        finally:
            self._batch_conventions = ()

    def _set_options(self, batch: BatchOperationsImpl) -> None:
        """Set what ``table_kwargs`` says of the table as a whole."""
        given = {
            key: value
            for key, value in batch.table_kwargs.items()
            if key.startswith(("mysql_", "mariadb_"))
        }
        table = Table(str(batch.table_name), MetaData(), **given)
        compiler = self.dialect.ddl_compiler(self.dialect, None)  # type: ignore[arg-type]  # no statement
        options = compiler.post_create_table(table).strip()
        if options:
            self._alter(self._read(batch.table_name, batch.schema), options)

    # -- constraints and indexes ----------------------------------------------------

    def add_constraint(self, const: Constraint, **kw: Any) -> None:
        """Add a constraint; a key gives back AUTO_INCREMENT to its column."""
        super().add_constraint(const, **kw)
        if self._is_live:
            self._count_again(const.table)

    def drop_constraint(self, const: Constraint, **kw: Any) -> None:
        """Drop a constraint, by the name that it has here."""
        if not self._is_live or _is_type_bound(const):
            super().drop_constraint(const, **kw)
            return
        name = str(const.name) if isinstance(const.name, str) else None
        kind = next((k for cls, k in KINDS.items() if isinstance(const, cls)), None)
        table = self._read(const.table.name, const.table.schema)
        item = find_item(table.text, table.name, name, kind, tuple(self._conventions()))
        if item is not None:
            self._drop(table, item)
        elif not kw.get("if_exists"):
            told = no_such_constraint(table.text, table.name, name)
            if name is None:
                raise told
            with _telling(told):
                super().drop_constraint(const, **kw)

    def create_index(self, index: Index, **kw: Any) -> None:
        """Make an index; what stood in for it goes."""
        super().create_index(index, **kw)
        if self._is_live and index.table is not None:
            table = self._read(index.table.name, index.table.schema)
            self._drop_stand_ins(table)
            self._count_again(index.table)

    def drop_index(self, index: Index, **kw: Any) -> None:
        """Drop an index; a foreign key that needs one gets an index of its own."""
        if self._is_live and index.table is not None and index.name:
            table = self._read(index.table.name, index.table.schema)
            item = find_index(table.text, str(index.name))
            if item is not None:
                self._drop(table, item)
                return
        super().drop_index(index, **kw)

    def rename_table(
        self, old_table_name: str, new_table_name: str, schema: str | None = None
    ) -> None:
        """Rename a table; one whose name only changes its case goes two steps."""
        old, new = str(old_table_name), str(new_table_name)
        if self._is_live and old != new and folded(old) == folded(new):
            assert self.connection is not None
            rule = self.connection.exec_driver_sql("SELECT @@lower_case_table_names")
            if rule.scalar_one() == STORED_AS_GIVEN:
                super().rename_table(old, f"{old}_renamed", schema)
                old = f"{old}_renamed"
        super().rename_table(old, new, schema)

    def _drop(self, table: LiveTable, item: ItemText) -> None:
        in_need = table.keys_in_need_of(item)
        stand_ins = [_stand_in(table, key) for key in in_need]
        clauses = [*table.dropping(item), *(_adding(table, each) for each in stand_ins)]
        key = (table.schema or "", folded(table.name))
        stopped = table.counting_only_in(item)
        try:
            self._alter(table, *clauses)
        except DBAPIError as error:
            if _number(error) == NEEDED:
                raise explained(error, _needed(table, item, error)) from None
            raise
        self._stand_ins.setdefault(key, []).extend(stand_ins)
        if stopped is not None:
            self._stopped[key] = stopped
        if item.kind is ItemKind.FOREIGN_KEY:
            self._drop_stand_ins(self._read(table.name, table.schema))

    def _drop_stand_ins(self, table: LiveTable) -> None:
        """Drop the indexes that stood in for others, where nothing needs them now."""
        left = []
        key = (table.schema or "", folded(table.name))
        for each in self._stand_ins.pop(key, []):
            item = find_index(table.text, each.name)
            if item is None:
                continue
            if table.keys_in_need_of(item):
                left.append(each)
            else:
                self._alter(table, *table.dropping(item))
        if left:
            self._stand_ins[key] = left

    def _count_again(self, const_table: Table) -> None:
        """Give AUTO_INCREMENT back to a column that has a key again."""
        key = (const_table.schema or "", folded(const_table.name))
        if key not in self._stopped:
            return
        table = self._read(const_table.name, const_table.schema)
        column = table.column(self._stopped[key])
        if column is not None and any(
            e.serves([column.name]) for e in table.text.items
        ):
            counting = column.with_clause(Kind.AUTO_INCREMENT, "AUTO_INCREMENT")
            self._alter(table, table.modifying(column, counting))
            del self._stopped[key]

    def _conventions(self) -> Iterator[Convention]:
        """Yield the naming conventions that may have made a name."""
        yield from self._batch_conventions
        metadata = self.context_opts.get("target_metadata")
        several = metadata if isinstance(metadata, list | tuple) else [metadata]
        for each in several:
            convention: Mapping[str, str] | None
            convention = getattr(each, "naming_convention", None)
            if convention:
                yield convention


class MariaDBImpl(MySQLImpl):
    """The same, where a URL says ``mariadb``."""

    __dialect__ = "mariadb"


def _number(error: DBAPIError) -> int:
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0


@contextmanager
def _telling(told: MigrationFailed) -> Iterator[None]:
    """Let the server refuse what is not there, and *told* be what the user reads."""
    try:
        yield
    except DBAPIError as error:
        raise explained(error, told) from None


def _column_of(table: LiveTable, name: str) -> ColumnText:
    column = table.column(name)
    if column is None:
        raise _no_such_column(table, name)
    return column


def _no_such_column(table: LiveTable, name: str) -> MigrationFailed:
    there = ", ".join(each.name for each in table.text.columns)
    return MigrationFailed(
        f"Table {table.name} has no column {name}. It has: {there}.",
        "Name one of them in the script.",
        table=table.name,
        column=name,
    )


def _parted(table: LiveTable, before: ColumnText, after: ColumnText) -> MigrationFailed:
    return MigrationFailed(
        f"MySQL cannot rename {table.name}.{before.name}: the table is partitioned by"
        " it.",
        "Let the script do it together with the partitions, which writes the table"
        f" anew: ALTER TABLE {table.name} RENAME COLUMN {before.name} TO {after.name}"
        " PARTITION BY ...",
        table=table.name,
        column=before.name,
    )


def _place(table: LiveTable, before: str | None, after: str | None) -> str:
    if after is not None:
        return f"AFTER {table.quoted(after)}"
    names = [each.name for each in table.text.columns]
    place = [folded(each) for each in names].index(folded(str(before)))
    return f"AFTER {table.quoted(names[place - 1])}" if place else "FIRST"


def _stand_in(table: LiveTable, key: ItemText) -> ItemText:
    """Return an index for a foreign key, called as the server would call it."""
    taken = {folded(each.name) for each in table.text.items if not each.target}
    name, number = key.name, 2
    while folded(name) in taken:
        name, number = f"{key.name}_{number}", number + 1
    return ItemText(kind=ItemKind.INDEX, name=name, columns=key.columns)


def _adding(table: LiveTable, index: ItemText) -> str:
    columns = ", ".join(table.quoted(each) for each in index.columns_named)
    return f"ADD INDEX {table.quoted(index.name)} ({columns})"


def _refuse_nulls(table: LiveTable, column: str, error: DBAPIError) -> None:
    """Raise if rows have no value in a column that is to be NOT NULL."""
    count = table.nulls(column)
    if count:
        rows = "1 row" if count == 1 else f"{count} rows"
        verb = "has" if count == 1 else "have"
        told = MigrationFailed(
            f"{rows} of {table.name} {verb} no {column}, so it cannot be NOT NULL.",
            f"Fill {column} before, for instance with --fill"
            f" {table.name}.{column}=VALUE when the script is made.",
            table=table.name,
            column=column,
        )
        raise explained(error, told)


def _needed(table: LiveTable, item: ItemText, error: DBAPIError) -> MigrationFailed:
    referring = ", ".join(table.referring()) or "a foreign key"
    return MigrationFailed(
        f"{item.name} of {table.name} cannot be dropped: it is needed by {referring}"
        f" ({error.orig}).",
        "Drop the foreign key before, and create it again afterwards if it shall stay.",
        table=table.name,
        index=item.name,
    )
