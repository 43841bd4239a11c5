"""What the rows of a table tell, asked in bounded queries: are there any, how full."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from whimbrel.catalog.answers import ask_rows
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import TableName


ENOUGH = 1000
"""How many rows are looked at to say how full a column is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fullness:
    """How many rows of those that were looked at have a value in a column."""

    rows: int
    filled: int

    def __str__(self) -> str:
        """Return it as people say it."""
        if self.rows == 0:
            return "no rows"
        first = "first " if self.rows == ENOUGH else ""
        return f"a value in {self.filled} of the {first}{self.rows} rows"


_UNKNOWN_DATABASE = 1049
"""The number of the error by which MySQL and MariaDB say so."""

_SYSTEM = re.compile(r"information_schema|performance_schema|mysql|sys|pg_.*")


def has_tables(connection: Connection, scope: Scope) -> bool:
    """Whether a schema of the database, any of them, has a table within *scope*."""
    seen = sa.inspect(connection)
    default = seen.default_schema_name
    names = (each for each in seen.get_schema_names() if not _SYSTEM.fullmatch(each))
    return any(
        scope.has(TableName(name, None if schema == default else schema))
        for schema in names
        for name in _tables_in(connection, schema)
    )


def _tables_in(connection: Connection, schema: str) -> list[str]:
    """Return the tables of *schema*, which somebody may drop meanwhile.

    To MySQL and MariaDB every database is one, the scratch databases of others too.
    A transaction of MySQL lists those as well that were dropped since it began.
    """
    try:
        return sa.inspect(connection).get_table_names(schema)
    except sa.exc.DBAPIError as error:
        number = next(iter(getattr(error.orig, "args", ())), None)
        if (
            number != _UNKNOWN_DATABASE
            and schema in sa.inspect(connection).get_schema_names()
        ):
            raise
        return []


def has_rows(connection: Connection, table: TableName) -> bool | None:
    """Whether *table* has a row; None if the server does not tell in time."""
    return _is_any(connection, sa.select(sa.literal(1)).select_from(_table(table)))


def has_nulls(connection: Connection, table: TableName, column: str) -> bool | None:
    """Whether a row of *table* has no value in *column*; None if nobody tells."""
    found = _table(table, column)
    query = sa.select(sa.literal(1)).select_from(found).where(found.c[0].is_(None))
    return _is_any(connection, query)


def fullness(connection: Connection, table: TableName, column: str) -> Fullness | None:
    """Return how full *column* is, as far as its first rows tell."""
    found = _table(table, column)
    part = sa.select(found.c[0].label("value")).limit(ENOUGH).subquery()
    counts: list[sa.ColumnElement[Any]] = [sa.func.count(), sa.func.count(part.c.value)]
    answer = ask_rows(connection, sa.select(*counts).select_from(part))
    if answer.refused:
        return None
    ((rows, filled),) = answer.keys
    return Fullness(rows=rows, filled=filled)


def _is_any(connection: Connection, query: sa.Select[Any]) -> bool | None:
    answer = ask_rows(connection, query, most=1)
    return None if answer.refused else answer.count > 0


def _table(table: TableName, *columns: str) -> sa.TableClause:
    parts: Sequence[sa.ColumnClause[Any]] = [
        sa.column(sa.sql.quoted_name(name, quote=True)) for name in columns
    ]
    return sa.table(
        sa.sql.quoted_name(table.name, quote=True), *parts, schema=table.schema
    )
