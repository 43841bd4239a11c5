"""How SQLite's tables are altered: Alembic's operations in, one alteration out.

All that a script says of one table becomes edits of the table's stored text; what
then is the cheapest sound way to that text, the alteration finds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from alembic.operations.batch import BatchOperationsImpl
from alembic.util.sqla_compat import _ensure_scope_for_ddl
from sqlalchemy import Column, Constraint, Table, TextClause
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from whimbrel.catalog.sqlite_ddl import folded, quote
from whimbrel.errors import MigrationFailed, ended
from whimbrel.run.alteration import carry_out
from whimbrel.run.batch_edits import BatchEdits
from whimbrel.run.column_edits import Said
from whimbrel.run.sql_for_sqlite import WritingSQLite
from whimbrel.run.stored_table import read_table
from whimbrel.run.transaction import (
    in_one_piece,
    is_open,
    without_foreign_keys,
)


_TAKES_BACK = re.compile(r"\s*(?P<word>BEGIN|COMMIT|END)\b", re.IGNORECASE)


class SQLiteImpl(WritingSQLite):
    """Alembic's implementation for SQLite, altering tables by their stored text.

    That it is made registers it with Alembic, in the place of Alembic's own.
    """

    __dialect__ = "sqlite"

    def alter_table(self, batch: BatchOperationsImpl) -> None:
        """Carry out all that a batch says of its table."""
        options: dict[str, Any] = {
            "recreate": batch.recreate,
            "copy_from": batch.copy_from,
            "table_args": batch.table_args,
            "table_kwargs": batch.table_kwargs,
            "reflect_args": batch.reflect_args,
            "naming_convention": batch.naming_convention,
            "partial_reordering": batch.partial_reordering,
        }
        said = [Said(name, args, dict(kw)) for name, args, kw in batch.batch]
        self._alter(str(batch.table_name), batch.schema, said, options)

    def requires_recreate_in_batch(self, batch_op: BatchOperationsImpl) -> bool:
        """Whether Alembic's own batch, which is not ours, must copy the table."""
        if self.as_sql and batch_op.copy_from is None:
            return not all(
                map(_is_plain_rename, batch_op.batch)
            ) and super().requires_recreate_in_batch(batch_op)
        if self.as_sql or batch_op.copy_from is not None or batch_op.table_args:
            return super().requires_recreate_in_batch(batch_op)
        return bool(batch_op.partial_reordering)

    def _exec(self, construct: Any, *args: Any, **kw: Any) -> Any:
        """Run a statement, unless it begins or ends what is not there to be.

        Scripts that say BEGIN and COMMIT were written for a driver that began no
        transaction before DDL; under us there is one.
        """
        if self._is_live and isinstance(construct, str | TextClause):
            match = _TAKES_BACK.match(str(construct))
            if match and self._is_idle_word(match["word"].upper()):
                return None
        return super()._exec(construct, *args, **kw)

    def _is_idle_word(self, word: str) -> bool:
        assert self.connection is not None
        if not self.connection.in_transaction():
            self.connection.begin()  # as running the statement would; a hook may BEGIN
        if word == "BEGIN":
            is_idle = is_open(self.connection)
            self._unopened += is_idle
            return is_idle
        if self._unopened:
            self._unopened -= 1
            return True
        return not is_open(self.connection)

    _unopened = 0

    def alter_column(self, table_name: str, column_name: str, **kw: Any) -> None:
        """Alter a column."""
        if not self.knows(table_name, kw.get("schema")):
            super().alter_column(table_name, column_name, **kw)
            return
        schema = kw.pop("schema", None)
        self._alter_by(
            table_name, schema, "alter_column", table_name, column_name, **kw
        )

    def add_column(self, table_name: str, column: Column[Any], **kw: Any) -> None:
        """Add a column."""
        if not self.knows(table_name, kw.get("schema")):
            super().add_column(table_name, column, **kw)
            return
        schema = kw.pop("schema", None)
        self._alter_by(table_name, schema, "add_column", table_name, column, **kw)

    def drop_column(self, table_name: str, column: Column[Any], **kw: Any) -> None:
        """Drop a column."""
        if not self.knows(table_name, kw.get("schema")):
            super().drop_column(table_name, column, **kw)
            return
        schema = kw.pop("schema", None)
        self._alter_by(table_name, schema, "drop_column", table_name, column, **kw)

    def add_constraint(self, const: Constraint, **kw: Any) -> None:
        """Add a constraint."""
        table = _table_of(const)
        if not self.knows(table.name, table.schema):
            super().add_constraint(const, **kw)
            return
        self._alter_by(table.name, table.schema, "add_constraint", const, **kw)

    def drop_constraint(self, const: Constraint, **kw: Any) -> None:
        """Drop a constraint."""
        table = _table_of(const)
        if not self.knows(table.name, table.schema):
            super().drop_constraint(const, **kw)
            return
        self._alter_by(table.name, table.schema, "drop_constraint", const, **kw)

    def rename_table(
        self, old_table_name: str, new_table_name: str, schema: str | None = None
    ) -> None:
        """Rename a table, and tell all that refers to it."""
        try:
            super().rename_table(old_table_name, new_table_name, schema)
        except DBAPIError as error:
            raise MigrationFailed(
                ended(
                    f"Table {old_table_name} cannot be renamed to {new_table_name}:"
                    f" {error.orig}"
                ),
                "Nothing was changed. Mend the script, or drop what refers to it.",
                table=old_table_name,
            ) from error

    def _alter_by(
        self, table_name: str, schema: str | None, operation: str, *args: Any, **kw: Any
    ) -> None:
        self._alter(str(table_name), schema, [Said(operation, args, kw)], {})

    def _alter(
        self,
        table_name: str,
        schema: str | None,
        said: Sequence[Said],
        options: Mapping[str, Any],
    ) -> None:
        if self.shadow is not None:
            self.write_down(lambda impl: impl._alter(table_name, schema, said, options))
            return
        connection = self.connection
        assert connection is not None
        # like Alembic, a batch outside of any transaction commits what it did
        scope = _ensure_scope_for_ddl(connection) if options else nullcontext()
        with _cascading_nothing(connection), scope, in_one_piece(connection):
            self._drop_indexes(said)
            for part in _parts(said):
                table_name = self._alter_part(table_name, schema, part, options)
            self._create_indexes(said)

    def _alter_part(
        self,
        table_name: str,
        schema: str | None,
        said: Sequence[Said],
        options: Mapping[str, Any],
    ) -> str:
        """Carry out what can be done in one alteration; return the table's name."""
        connection = self.connection
        assert connection is not None
        if said and said[0].operation == "rename_table":
            new_name = str(said[0].args[1])
            self.rename_table(table_name, new_name, schema)
            return new_name
        edits = BatchEdits(self, read_table(connection, table_name, schema), options)
        edits.rename_columns(said, self._renaming(edits.table.full_name))
        for each in said:
            edits.apply(each)
        draft = edits.finished()
        carry_out(edits.table, draft, options.get("recreate", "auto"))
        for index in edits.new_indexes:
            self.create_index(index)
        return table_name

    def _renaming(self, table: str) -> Callable[[str, str], None]:
        def rename(old: str, new: str) -> None:
            try:
                self._exec(
                    f"ALTER TABLE {table} RENAME COLUMN {quote(old)} TO {quote(new)}"
                )
            except DBAPIError as error:
                raise MigrationFailed(
                    ended(
                        f"Column {old} of {table} cannot be named {new}: {error.orig}"
                    ),
                    "Nothing was changed. Mend the script, or drop what refers to the"
                    " column first.",
                    table=table,
                    column=old,
                ) from error

        return rename

    def _drop_indexes(self, said: Iterable[Said]) -> None:
        for each in said:
            if each.operation == "drop_index":
                self.drop_index(*each.args, **each.kw)

    def _create_indexes(self, said: Iterable[Said]) -> None:
        for each in said:
            if each.operation == "create_index":
                self.create_index(*each.args, **each.kw)


def _parts(said: Sequence[Said]) -> Iterator[Sequence[Said]]:
    """Cut a batch where one alteration cannot hold it.

    That is where the table is renamed, and where a column takes the name of one
    that was dropped just before.
    """
    part: list[Said] = []
    for each in said:
        if each.operation == "rename_table" or _takes_name_of_dropped(each, part):
            yield part
            part = []
        part.append(each)
        if each.operation == "rename_table":
            yield part
            part = []
    yield part


def _takes_name_of_dropped(said: Said, before: Iterable[Said]) -> bool:
    name = said.kw.get("name")
    return (
        bool(name)
        and said.operation == "alter_column"
        and any(
            each.operation == "drop_column"
            and folded(str(each.args[1].name)) == folded(str(name))
            for each in before
        )
    )


def _is_plain_rename(entry: tuple[str, Any, Mapping[str, Any]]) -> bool:
    operation, _, kw = entry
    return operation in ("create_index", "drop_index") or (
        operation == "alter_column"
        and kw.get("name") is not None
        and kw.get("nullable") is None
        and kw.get("type_") is None
        and kw.get("server_default", False) is False
    )


def _table_of(const: Constraint) -> Table:
    table: Table = const.table
    return table


def _cascading_nothing(connection: Connection) -> AbstractContextManager[object]:
    """Switch foreign keys off for the block, if no transaction forbids it."""
    return nullcontext() if is_open(connection) else without_foreign_keys(connection)
