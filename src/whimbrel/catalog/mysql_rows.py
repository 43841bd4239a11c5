"""The rows of information_schema that tell of tables, in a few queries.

The server finds a table's rows fast only where its schema is compared with a
constant, so that each query is the union of one part for each schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import text
from sqlalchemy.engine import Connection

from whimbrel.catalog.mysql_packed import Query
from whimbrel.catalog.mysql_portions import portions
from whimbrel.schema.dialect import dialect_of
from whimbrel.schema.state import TableName


Place: TypeAlias = tuple[str, str]
Rows: TypeAlias = Mapping[Place, Sequence[Any]]

_TABLES = """
SELECT table_name AS place_table, engine AS engine,
 table_collation AS collation_name, create_options AS create_options,
 table_comment AS comment, table_type AS kind
FROM information_schema.tables
WHERE table_schema = {schema}
 AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')
"""
_COLUMNS = """
SELECT table_name AS place_table,
 column_name AS name, ordinal_position AS position, column_default AS value,
 is_nullable AS is_nullable, collation_name AS collation_name,
 column_type AS type, extra AS extra, column_comment AS comment,
 generation_expression AS computed, {srid} AS srid
FROM information_schema.columns WHERE table_schema = {schema}
"""
_INDEXES = """
SELECT table_name AS place_table, index_name AS name,
 non_unique AS non_unique, seq_in_index AS position, column_name AS column_name,
 collation AS direction, sub_part AS length, index_type AS kind,
 index_comment AS comment, {hidden} AS is_hidden, {expression} AS expression
FROM information_schema.statistics WHERE table_schema = {schema}
"""
_KEYS = """
SELECT table_name AS place_table,
 constraint_name AS name, column_name AS column_name, ordinal_position AS position,
 referenced_table_schema AS target_schema, referenced_table_name AS target_table,
 referenced_column_name AS target_column
FROM information_schema.key_column_usage
WHERE table_schema = {schema} AND referenced_table_name IS NOT NULL
"""
_ACTIONS = """
SELECT table_name AS place_table,
 constraint_name AS name, update_rule AS on_update, delete_rule AS on_delete
FROM information_schema.referential_constraints WHERE constraint_schema = {schema}
"""
_CHECKS_OF_MARIADB = """
SELECT table_name AS place_table,
 constraint_name AS name, check_clause AS clause, {level} AS level,
 'YES' AS enforced
FROM information_schema.check_constraints WHERE constraint_schema = {schema}
"""
_CHECKS_OF_MYSQL = """
SELECT t.table_name AS place_table,
 t.constraint_name AS name, c.check_clause AS clause, 'Table' AS level,
 t.enforced AS enforced
FROM (
 SELECT DISTINCT constraint_schema, table_name, constraint_name, enforced
 FROM information_schema.table_constraints
 WHERE table_schema = {schema} AND constraint_type = 'CHECK'
) t JOIN (
 SELECT DISTINCT constraint_schema, constraint_name, check_clause
 FROM information_schema.check_constraints WHERE constraint_schema = {schema}
) c USING (constraint_schema, constraint_name)
"""
"""Without DISTINCT each check is looked for among all: MySQL would merge the two."""
_FACTS = """
SELECT DATABASE() AS database_name, @@lower_case_table_names AS name_case,
 @@default_storage_engine AS engine
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What holds for a whole server and its databases.

    Args:
        database: the database of the connection.
        folds_names: table names are compared without regard to case.
        engine: the storage engine of tables that name none.
        collations: the default collation of each database.
    """

    database: str
    folds_names: bool
    engine: str
    collations: Mapping[str, str]

    def schema_of(self, name: str) -> str | None:
        """Return the schema by which a database is called."""
        return None if name == self.database else name

    def located(self, database: str, table: str) -> TableName:
        """Return the name of a table in a database."""
        schema = self.schema_of(self.folded(database))
        return TableName(self.folded(table), schema)

    def folded(self, name: str) -> str:
        """Return the name of a table or a database as the server compares it."""
        return name.lower() if self.folds_names else name


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """All rows that tell of the tables of some databases, by table.

    ``sequences`` are the places of those that stand beside the tables; a question mark,
    which may stand for a character, is in no row unless ``may_have_marks``.
    """

    tables: Rows
    sequences: tuple[Place, ...]
    columns: Rows
    indexes: Rows
    keys: Rows
    actions: Rows
    checks: Rows
    may_have_marks: bool


def read_facts(connection: Connection) -> Facts:
    """Return what holds for the server at the other end of *connection*."""
    row = connection.execute(text(_FACTS)).one()
    schemata = connection.execute(
        text(
            "SELECT schema_name AS name, default_collation_name AS collation_name"
            " FROM information_schema.schemata"
        )
    )
    folds = int(row.name_case) > 0
    return Facts(
        database=_folded(row.database_name or "", folds),
        folds_names=folds,
        engine=row.engine,
        collations={
            _folded(each.name, folds): each.collation_name for each in schemata
        },
    )


def usual_collations(connection: Connection) -> dict[str, str]:
    """Return the collation that each character set has if none is said."""
    rows = connection.execute(
        text(
            "SELECT character_set_name AS name, default_collate_name AS collation_name"
            " FROM information_schema.character_sets"
        )
    )
    return {row.name: row.collation_name for row in rows}


def engine_names(connection: Connection) -> dict[str, str]:
    """Return the storage engines as the server writes them, by their small names."""
    rows = connection.execute(
        text("SELECT engine AS name FROM information_schema.engines")
    )
    return {row.name.lower(): row.name for row in rows}


def read_rows(connection: Connection, databases: Sequence[str]) -> Catalog:
    """Return what the catalog says of the tables of *databases*."""
    dialect = dialect_of(connection)
    is_mariadb, version = dialect.is_mariadb, dialect.version
    words = {
        "srid": "NULL" if is_mariadb or version < (8,) else "srs_id",
        "expression": "NULL" if is_mariadb or version < (8, 0, 13) else "expression",
        "hidden": _hidden(is_mariadb, version),
        "level": "level" if version >= (10, 5, 10) else "NULL",
    }
    has_checks = version >= ((10, 2, 22) if is_mariadb else (8, 0, 16))
    checks = _CHECKS_OF_MARIADB if is_mariadb else _CHECKS_OF_MYSQL
    written = {
        "tables": _TABLES,
        "columns": _COLUMNS,
        "indexes": _INDEXES,
        "keys": _KEYS,
        "actions": _ACTIONS,
        "checks": checks if has_checks else None,
    }
    found: dict[str, dict[Place, list[Any]]] = {name: {} for name in written}
    queries = {name: Query.of(query, words) for name, query in written.items() if query}
    may_have_marks = False
    for parts in portions(connection, databases):
        for name, query in queries.items():
            for told in query.rows(connection, parts):
                _sort(parts[told.part].database, told.rows, found[name])
                may_have_marks |= told.may_have_marks
    tables = found.pop("tables")
    sequences = [place for place, (row,) in tables.items() if row.kind == "SEQUENCE"]
    for place in sequences:
        del tables[place]
    return Catalog(
        tables=tables,
        sequences=tuple(sequences),
        may_have_marks=may_have_marks,
        **found,
    )


def _hidden(is_mariadb: bool, version: tuple[int, ...]) -> str:
    """Return what tells whether an index is kept from the optimizer."""
    if is_mariadb:
        return "ignored" if version >= (10, 6) else "'NO'"
    return "IF(is_visible = 'NO', 'YES', 'NO')" if version >= (8,) else "'NO'"


def _sort(database: str, rows: Iterable[Any], found: dict[Place, list[Any]]) -> None:
    """Put *rows* to those that were found before, by table."""
    for row in rows:
        found.setdefault((database, row[0]), []).append(row)


def _folded(name: str, folds: bool) -> str:
    return name.lower() if folds else name
