"""The live tables, followed through operations that are not carried out yet.

A pending script may rename a table, add a column and fill it, all before the
operation that is asked about: this tells which live rows an operation will meet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops

from whimbrel.schema.state import Column, State, Table, TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """An operation that is pending, and the line of the script that has it."""

    operation: ops.MigrateOperation
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """What a pending script will do, as far as that can be known without a run.

    Args:
        revision: the script; empty for a plan that is no script yet.
        operations: its operations, one for each thing.
        blind_because: why the rest cannot be foreseen; empty if there is no rest.
        source: the text of the script.
    """

    revision: str = ""
    operations: tuple[Foreseen, ...] = ()
    blind_because: str = ""
    source: str = ""


@dataclass(slots=True)
class Standing:
    """A live table as it will stand, with the columns that it has by then.

    Args:
        live: the table as it is now.
        columns: its columns by their names by then; None for what is new.
        source: what a query about its rows selects from.
        changed: the words of the statements that change its rows before.
        empty: the columns that are added before, in which no row has a value.
    """

    live: Table
    columns: dict[str, Column | None]
    source: sa.TableClause
    changed: set[str] = field(default_factory=set)
    empty: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, table: Table) -> Standing:
        """Return *table* as it stands now."""
        columns: list[sa.ColumnClause[Any]] = [
            sa.column(each.name) for each in table.columns
        ]
        name = table.name
        return cls(
            live=table,
            columns={each.name: each for each in table.columns},
            source=sa.table(name.name, *columns, schema=name.schema),
        )

    @property
    def are_rows_changed(self) -> bool:
        """Whether a statement changes the rows before, so that nobody can tell."""
        return bool(self.changed)

    def live_columns(self, names: Iterable[str]) -> tuple[Column, ...] | None:
        """Return the live columns of these names, or None if one of them is new."""
        found = [self.columns.get(name) for name in names]
        known = tuple(each for each in found if each is not None)
        return known if len(known) == len(found) else None

    def is_new(self, name: str) -> bool:
        """Whether a pending operation adds that column."""
        return name in self.columns and self.columns[name] is None


_WORD = re.compile(r"\w+")
_READS = re.compile(
    r"\s*(SELECT|SHOW|SET|PRAGMA|EXPLAIN|COMMENT|GRANT)\b", re.IGNORECASE
)


class Outlook:
    """What stands in the database when a pending operation will be carried out.

    Args:
        state: the live database.
        default_schema: what the schema that a script leaves out is called.
    """

    def __init__(self, state: State, default_schema: str | None = None) -> None:
        self._default = default_schema
        self._tables = {table.name: Standing.of(table) for table in state.tables}

    def table(self, name: str, schema: str | None = None) -> Standing | None:
        """Return the live table that will have that name, if it is there now."""
        return self._tables.get(self._name(name, schema))

    def follow(self, operation: ops.MigrateOperation) -> None:
        """Take note of what *operation* makes of the tables."""
        match operation:
            case ops.CreateTableOp():
                self._tables.pop(
                    self._name(operation.table_name, operation.schema), None
                )
            case ops.DropTableOp():
                self._tables.pop(
                    self._name(operation.table_name, operation.schema), None
                )
            case ops.RenameTableOp():
                self._rename(operation)
            case ops.AddColumnOp() | ops.DropColumnOp() | ops.AlterColumnOp():
                standing = self.table(operation.table_name, operation.schema)
                if standing is not None:
                    _follow_column(standing, operation)
            case ops.ExecuteSQLOp():
                self._change_rows(str(operation.sqltext))
            case ops.BulkInsertOp():
                self._change_rows(str(operation.table.name))
            case _:
                pass

    def lose_sight(self) -> None:
        """Take note that anything may happen to the rows from here on."""
        for standing in self._tables.values():
            standing.changed.add("")

    def _name(self, name: str, schema: str | None) -> TableName:
        return TableName(str(name), None if schema == self._default else schema)

    def _rename(self, operation: ops.RenameTableOp) -> None:
        standing = self._tables.pop(
            self._name(operation.table_name, operation.schema), None
        )
        if standing is not None:
            new = self._name(operation.new_table_name, operation.schema)
            self._tables[new] = standing

    def _change_rows(self, sql: str) -> None:
        if _READS.match(sql):
            return
        words = {word.casefold() for word in _WORD.findall(sql)}
        for name, standing in self._tables.items():
            if words.issuperset(_WORD.findall(name.name.casefold())):
                standing.changed |= words


def _follow_column(
    standing: Standing,
    operation: ops.AddColumnOp | ops.DropColumnOp | ops.AlterColumnOp,
) -> None:
    match operation:
        case ops.AddColumnOp():
            column = operation.column
            standing.columns[str(column.name)] = None
            if not (column.server_default or column.identity or column.computed):
                standing.empty.add(str(column.name))
        case ops.DropColumnOp():
            standing.columns.pop(operation.column_name, None)
            standing.empty.discard(operation.column_name)
        case ops.AlterColumnOp() if operation.modify_name is not None:
            known = standing.columns.pop(operation.column_name, None)
            standing.columns[operation.modify_name] = known
        case _:
            pass
