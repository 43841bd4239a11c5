"""The live tables, followed through operations that are not carried out yet.

A pending script may rename a table, add a column and fill it, all before the
operation that is asked about: this tells which live rows an operation will meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.sql.elements import KeyedColumnElement

from whimbrel.checks.holdings import Holding, added, altered
from whimbrel.checks.statements import Statement, words_of
from whimbrel.schema.state import ForeignKey, State, Table, TableName


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Live rows, with the columns that a pending operation speaks of.

    Args:
        source: what a query about them selects from.
        columns: the columns by their names by then.
        keys: what a row is told by.
    """

    source: sa.FromClause
    columns: Mapping[str, KeyedColumnElement[Any]]
    keys: tuple[KeyedColumnElement[Any], ...]

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names of what a row is told by."""
        return tuple(str(each.key) for each in self.keys)

    def where(self, *conditions: Any) -> sa.Select[Any]:
        """Return the query for the rows for which all *conditions* are true."""
        return sa.select(*self.keys).select_from(self.source).where(*conditions)


@dataclass(slots=True)
class Standing:
    """A live table as it will stand, with the columns that it has by then.

    Args:
        live: the table as it is now.
        name: what it is called by then.
        columns: its columns by their names by then.
        source: what a query about its rows selects from.
        changed: the words of the statements that change its rows before.
    """

    live: Table
    name: str
    columns: dict[str, Holding]
    source: sa.TableClause
    changed: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, table: Table) -> Standing:
        """Return *table* as it stands now."""
        columns: list[sa.ColumnClause[Any]] = [
            sa.column(each.name) for each in table.columns
        ]
        name = table.name
        source = sa.table(name.name, *columns, schema=name.schema)
        return cls(
            live=table,
            name=name.name,
            columns={
                each.name: Holding(live=each, value=source.c[each.name])
                for each in table.columns
            },
            source=source,
        )

    @property
    def are_rows_changed(self) -> bool:
        """Whether a statement changes the rows before, so that nobody can tell."""
        return bool(self.changed)

    @property
    def all_rows(self) -> Rows:
        """The rows, told by their keys."""
        keys = tuple(self.source.c[name] for name in key_of(self.live))
        return Rows(source=self.source, columns={}, keys=keys)

    def is_new(self, name: str) -> bool:
        """Whether a pending operation adds that column."""
        return name in self.columns and self.columns[name].live is None

    def rows(self, names: Iterable[str] = (), alias: str = "") -> Rows | None:
        """Return the rows with these columns; None if nobody knows what they hold.

        Args:
            names: the names of columns by then.
            alias: what the rows are called in the query.
        """
        held = {name: self.columns.get(name) for name in names}
        values: dict[str, sa.ColumnElement[Any]] = {}
        for name, holding in held.items():
            if holding is None or holding.value is None:
                return None
            values[name] = holding.value
        if not all(
            each is self.source.c.get(str(each.key)) for each in values.values()
        ):
            return self._composed(values, alias)
        source = self.source.alias(alias) if alias else self.source
        return Rows(
            source=source,
            columns={name: source.c[str(each.key)] for name, each in values.items()},
            keys=tuple(source.c[name] for name in key_of(self.live)),
        )

    def rows_for(self, text: str, names: Iterable[str] = ()) -> Rows | None:
        """Return the rows for SQL that names the columns as they are by then.

        Args:
            text: the SQL.
            names: further columns that are wanted.
        """
        words = words_of(text)
        spoken = (each for each in self.columns if words.issuperset(words_of(each)))
        names = list(dict.fromkeys([*names, *spoken]))
        is_moved = self.name != self.live.name.name and (
            words.issuperset(words_of(self.name))
        )
        is_renamed = any(
            (live := self.columns[each].live) is not None and live.name != each
            for each in names
        )
        rows = self.rows(names)
        if rows is None or not (is_moved or is_renamed):
            return rows
        values = {name: self.columns[name].value for name in names}
        return self._composed({n: v for n, v in values.items() if v is not None}, "")

    def _composed(
        self, values: Mapping[str, sa.ColumnElement[Any]], alias: str
    ) -> Rows:
        """Return the rows as a query of its own gives them, by their names by then."""
        keys = [each for each in key_of(self.live) if each not in values]
        parts = [value.label(name) for name, value in values.items()]
        parts += [self.source.c[each].label(each) for each in keys]
        source = sa.select(*parts).select_from(self.source).subquery(alias or self.name)
        return Rows(
            source=source,
            columns={name: source.c[name] for name in values},
            keys=tuple(source.c[name] for name in key_of(self.live)),
        )


def key_of(table: Table) -> tuple[str, ...]:
    """Return the columns by which a row of *table* is told."""
    key = table.primary_key
    if key is not None:
        return key.columns
    return tuple(each.name for each in table.ordered_columns[:1])


class Outlook:
    """What stands in the database when a pending operation will be carried out.

    Args:
        state: the live database.
        default_schema: what the schema that a script leaves out is called.
    """

    def __init__(self, state: State, default_schema: str | None = None) -> None:
        self._default = default_schema
        self._tables = {table.name: Standing.of(table) for table in state.tables}
        self._empty: set[TableName] = set()

    def table(self, name: str, schema: str | None = None) -> Standing | None:
        """Return the live table that will have that name, if it is there now."""
        return self._tables.get(self._name(name, schema))

    def is_empty(self, name: str, schema: str | None = None) -> bool:
        """Whether that table is made before, and has no row yet."""
        return self._name(name, schema) in self._empty

    def follow(self, operation: ops.MigrateOperation) -> None:
        """Take note of what *operation* makes of the tables."""
        match operation:
            case ops.CreateTableOp():
                self._let_go(operation.table_name, operation.schema)
                self._empty.add(self._name(operation.table_name, operation.schema))
            case ops.DropTableOp():
                self._let_go(operation.table_name, operation.schema)
            case ops.RenameTableOp():
                self._rename(operation)
            case ops.AddColumnOp() | ops.DropColumnOp() | ops.AlterColumnOp():
                standing = self.table(operation.table_name, operation.schema)
                if standing is not None:
                    _follow_column(standing, operation)
            case ops.ExecuteSQLOp():
                self._carry_out(Statement(str(operation.sqltext)))
            case ops.BulkInsertOp():
                self._carry_out(Statement(f"INSERT INTO {operation.table.name}"))
            case _:
                pass

    def lose_sight(self) -> None:
        """Take note that anything may happen to the rows from here on."""
        self._empty.clear()
        for standing in self._tables.values():
            standing.changed.add("")

    def _name(self, name: str, schema: str | None) -> TableName:
        return TableName(str(name), None if schema == self._default else schema)

    def _let_go(self, name: str, schema: str | None) -> None:
        self._tables.pop(self._name(name, schema), None)
        self._empty.discard(self._name(name, schema))

    def _rename(self, operation: ops.RenameTableOp) -> None:
        old = self._name(operation.table_name, operation.schema)
        new = self._name(operation.new_table_name, operation.schema)
        standing = self._tables.pop(old, None)
        if standing is not None:
            standing.name = new.name
            self._tables[new] = standing
        if old in self._empty:
            self._empty.remove(old)
            self._empty.add(new)

    def _carry_out(self, statement: Statement) -> None:
        if statement.may_do_anything:
            self.lose_sight()
        elif statement.renames_a_value:
            for standing in self._tables.values():
                _forget_values_of(standing, statement.words)
        elif not statement.leaves_rows:
            self._empty = {
                each for each in self._empty if not statement.names(each.name)
            }
            for standing in self._reached(statement):
                standing.changed |= statement.words

    def _reached(self, statement: Statement) -> Iterator[Standing]:
        """Yield the tables whose rows a statement may change, by foreign keys too."""
        reached = {
            id(each): each
            for name, each in self._tables.items()
            if statement.names(name.name)
        }
        while more := {
            id(each): each
            for each in self._tables.values()
            if id(each) not in reached
            and any(_follows(each, other, statement) for other in reached.values())
        }:
            reached |= more
        yield from reached.values()


def _follows(child: Standing, parent: Standing, statement: Statement) -> bool:
    """Whether rows of one table change with those of another."""
    return any(
        isinstance(key, ForeignKey)
        and key.target == parent.live.name
        and bool(key.on_delete or key.on_update or statement.cascades)
        for key in child.live.constraints
    )


def _forget_values_of(standing: Standing, words: frozenset[str]) -> None:
    """Forget the values of a type of which one gets another name."""
    for name, holding in standing.columns.items():
        live = holding.live
        if live is not None and words.issuperset(words_of(live.type.spelling)):
            standing.columns[name] = Holding(live=live, is_recast=True)


def _follow_column(
    standing: Standing,
    operation: ops.AddColumnOp | ops.DropColumnOp | ops.AlterColumnOp,
) -> None:
    columns = standing.columns
    match operation:
        case ops.AddColumnOp():
            columns[str(operation.column.name)] = added(operation.column)
        case ops.DropColumnOp():
            columns.pop(operation.column_name, None)
        case ops.AlterColumnOp():
            known = columns.pop(operation.column_name, None)
            if known is not None:
                name = operation.modify_name or operation.column_name
                columns[name] = altered(known, operation)
