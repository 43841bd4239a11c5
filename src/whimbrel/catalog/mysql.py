"""The state of a MySQL or MariaDB database, read from information_schema.

Eight queries tell of any number of tables and databases, one more of sequences; on
MariaDB six of them are put for each thousand tables.
SHOW CREATE TABLE is asked for tables with a fulltext index or partitions (it alone
knows the parser and the partitions), for the foreign keys of a role that may only
read (information_schema keeps their actions from it), on MySQL for tables with
expressions that are not ASCII, and on MariaDB for tables with a question mark in one.

How a state words what MySQL says:

- ``Type.spelling`` is COLUMN_TYPE; MariaDB's JSON, which is a longtext with a check of
  its own, is ``json``.  A collation is told where it is not that of the table, and the
  option ``collate`` of a table where it is not that of the database.
- ``partition_by`` of a table is all that stands behind PARTITION BY.
- What can stand behind DEFAULT is the default; ``on_update``, ``autoincrement``,
  ``invisible`` are options of a column.
- A unique key of plain columns is a `Unique`, however the models declare it; one with
  a prefix length, an expression or a direction is an `Index`.
- RESTRICT and NO ACTION are the same, and not told.  The index that the server makes
  for a foreign key is not listed; `ForeignKey.index` names it.
- A check that stands beside its column has no name of its own (`Naming.NONE`), but
  goes by the name of the column.

Views are not read. A period of an application's own is read, and never made or altered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from whimbrel.catalog.mysql_ddl import ColumnText
from whimbrel.catalog.mysql_garbled import put_right
from whimbrel.catalog.mysql_keys import Keys
from whimbrel.catalog.mysql_lost import put_back
from whimbrel.catalog.mysql_members import with_values
from whimbrel.catalog.mysql_packed import decoded
from whimbrel.catalog.mysql_partitions import PARTITIONED, partitioning
from whimbrel.catalog.mysql_periods import Period, may_have_period
from whimbrel.catalog.mysql_rows import Catalog, Facts, Place, read_facts, read_rows
from whimbrel.catalog.mysql_sequences import next_value, read_sequences
from whimbrel.catalog.mysql_spelling import (
    as_unique,
    expression,
    is_json,
    is_plain,
    options,
    spelled,
    table_options,
    unserving,
    unusual,
)
from whimbrel.catalog.mysql_stored import following
from whimbrel.catalog.mysql_tokens import SPEAKING
from whimbrel.schema.dialect import dialect_of
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import (
    Check,
    Column,
    Computed,
    Constraint,
    Index,
    Naming,
    State,
    Table,
    TableName,
    Type,
)


def read_mysql(connection: Connection, scope: Scope) -> State:
    """Return the state of the MySQL or MariaDB databases in *scope*."""
    facts = read_facts(connection)
    databases = {
        facts.folded(schema) if schema else facts.database for schema in scope.schemas
    }
    catalog = read_rows(connection, sorted(databases))
    is_mariadb = dialect_of(connection).is_mariadb
    catalog = (put_back if is_mariadb else put_right)(connection, catalog)
    catalog = with_values(connection, catalog)
    reading = _Reading(connection, facts, catalog)
    tables = (
        reading.table(place, name) for place, name in reading.names() if scope.has(name)
    )
    server = dialect_of(connection)
    sequences = read_sequences(connection, facts, catalog.sequences)
    return State(
        tables=frozenset(tables),
        sequences=frozenset(e for e in sequences if e.schema in scope.schemas),
        following=following(server),
        speaking=SPEAKING,
        folds_names=facts.folds_names,
        collations={
            facts.schema_of(database): collation
            for database, collation in facts.collations.items()
        },
    )


_ON_UPDATE = re.compile(r"on update (\w+(?:\(\d*\))?)", re.IGNORECASE)


class _Reading:
    """All tables of one reading; columns that are alike are spelled once."""

    def __init__(self, connection: Connection, facts: Facts, catalog: Catalog) -> None:
        self.keys = Keys(connection, facts, catalog)
        self.facts = facts
        self.catalog = catalog
        self.is_mariadb = dialect_of(connection).is_mariadb
        self._spelled: dict[tuple[Any, ...], Column] = {}

    def names(self) -> Iterator[tuple[Place, TableName]]:
        """Yield where each table is found, and its name."""
        for place in self.catalog.tables:
            yield place, self.facts.located(*place)

    def table(self, place: Place, name: TableName) -> Table:
        """Return the table at *place*."""
        (row,) = self.catalog.tables[place]
        beside, checks = self._checks(place)
        listed: Iterable[Index] = self.keys.indexes(place)
        primary = list(self.keys.primary_key(place, name))
        period = self._period(place)
        if period is not None:
            checks = [each for each in checks if not period.is_check(each)]
            listed = [each for each in listed if not period.has(each)]
            primary = list(map(period.key, primary))
        indexes, unique = _parted(listed)
        keys = tuple(self.keys.foreign_keys(place, indexes))
        constraints: list[Constraint] = [*checks, *primary]
        constraints += [as_unique(index, is_index=False) for index in unique]
        constraints += keys
        return Table(
            name=name,
            columns=self._columns(place, row.collation_name, beside),
            constraints=frozenset(constraints),
            indexes=frozenset(unserving(indexes, keys)),
            options=self._options(place, row, period),
            comment=row.comment or None,
        )

    def _period(self, place: Place) -> Period | None:
        clauses = (decoded(row.clause) for row in self.catalog.checks.get(place, ()))
        if not self.is_mariadb or not may_have_period(clauses):
            return None
        return Period.of(self.keys.shown(place))

    def _options(self, place: Place, row: Any, period: Period | None) -> frozenset[Any]:
        usual = self.facts.collations.get(self.facts.folded(place[0]))
        engine = row.engine or ""
        said = {
            **unusual(table_options(row.create_options or ""), engine),
            "partition_by": self._partitioning(place, row),
            "period": period.text if period is not None else None,
            "system_versioning": "on" if row.kind == "SYSTEM VERSIONED" else None,
            "engine": None if engine == self.facts.engine else engine,
            "collate": None if row.collation_name == usual else row.collation_name,
        }
        return options(said.items())

    def _partitioning(self, place: Place, row: Any) -> str | None:
        if PARTITIONED not in (row.create_options or "").split():
            return None
        return partitioning(self.keys.shown(place))

    def _checks(self, place: Place) -> tuple[dict[str, str], list[Check]]:
        """Return checks beside columns, by column, and all that are not JSON's."""
        beside, checks = {}, []
        for row in self.catalog.checks.get(place, ()):
            clause = decoded(row.clause)
            column = None if row.level == "Table" else self._column_row(place, row.name)
            is_beside = row.level == "Column" or (
                self.is_mariadb and row.level is None and column is not None
            )
            if is_beside:
                beside[row.name] = clause
            if not (
                is_beside and column is not None and is_json(self._text(column, clause))
            ):
                checks.append(self._check(row, clause, is_beside))
        return beside, checks

    def _column_row(self, place: Place, name: str) -> Any | None:
        """Return what the catalog says of a column, if there is one of that name."""
        rows = self.catalog.columns[place]
        return next((row for row in rows if row.name == name), None)

    def _check(self, row: Any, clause: str, is_beside: bool) -> Check:
        return Check(
            name=row.name,
            expression=expression(clause),
            options=options([("enforced", "off" if row.enforced == "NO" else None)]),
            naming=Naming.NONE if is_beside else Naming.GIVEN,
        )

    def _columns(
        self, place: Place, collation: str, beside: Mapping[str, str]
    ) -> tuple[Column, ...]:
        rows = self.catalog.columns[place]
        return tuple([self._column(row, collation, beside) for row in rows])

    def _column(self, row: Any, collation: str, beside: Mapping[str, str]) -> Column:
        check = beside.get(row.name)
        key = (*row[1:], collation, check)
        column = self._spelled.get(key)
        if column is None:
            column = _column(self._text(row, check), row, collation)
            if column.default is not None:
                asked = next_value(column.default.canonical, self.facts)
                if asked is not None:  # a script must not name our database
                    asked = replace(asked, text=asked.canonical)
                column = replace(column, default=asked or column.default)
            self._spelled[key] = column
        return column

    def _text(self, row: Any, check: str | None) -> ColumnText:
        """Return what the row of a column says."""
        type_, extra = decoded(row.type), row.extra or ""
        on_update = _ON_UPDATE.search(extra)
        computed = decoded(row.computed) if row.computed else None
        default = None if row.value is None else decoded(row.value)
        if self.is_mariadb:
            default = None if default == "NULL" else default
        return ColumnText(
            name=row.name,
            type=type_,
            nullable=row.is_nullable == "YES",
            collation=row.collation_name,
            default=default,
            on_update=on_update[1] if on_update else None,
            computed=computed,
            is_stored=re.search("STORED|PERSISTENT", extra) is not None,
            is_invisible="INVISIBLE" in extra,
            is_unversioned="WITHOUT SYSTEM VERSIONING" in extra,
            counts="auto_increment" in extra,
            check=check,
            srid=None if row.srid is None else str(row.srid),
        )


def _column(text: ColumnText, row: Any, collation: str) -> Column:
    words = spelled(text, collation)
    computed = None
    if words.computed is not None:
        computed = Computed(expression=words.computed, is_stored=text.is_stored)
    return Column(
        name=text.name,
        type=Type(words.type),
        nullable=words.nullable,
        default=words.default,
        collation=words.collation,
        computed=computed,
        comment=row.comment or None,
        options=words.options,
        position=int(row.position) - 1,
    )


def _parted(indexes: Iterable[Index]) -> tuple[list[Index], list[Index]]:
    """Return the indexes, and those that are unique constraints as well."""
    others: list[Index] = []
    unique: list[Index] = []
    for index in indexes:
        (unique if index.unique and is_plain(index) else others).append(index)
    return others, unique
