"""Values of ENUM and SET, and defaults, of which the server tells question marks.

Of values of ENUM and SET neither MySQL nor MariaDB tells characters beyond the first
65,536, and MariaDB does not in defaults.  A column of a question has its type and its
default from that of a table, though: a value is told by its number there.  No row is
read for it, and nothing made: a role needs SELECT.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from whimbrel.catalog.mysql_packed import LOST, decoded
from whimbrel.catalog.mysql_rows import Catalog
from whimbrel.catalog.mysql_tokens import literal, quoted, string_of, tokens
from whimbrel.schema.dialect import dialect_of


_COUNTED = {True: (10, 2, 2), False: (8,)}
"""Since when a question can ask itself: MariaDB, MySQL."""

_OF_VALUES = re.compile(r"enum\(|set\(", re.IGNORECASE)
_KNOWN = re.compile(r"(?:latin|ascii|utf8mb3|utf8_|ucs2|binary)")
"""The collations whose characters are all told."""

_NONE = "FROM (SELECT 1 AS one) none LEFT JOIN {table} its ON FALSE"
"""One row of a table, in which nothing stands."""

_VALUES = (
    "WITH RECURSIVE told AS (SELECT CAST(0 AS UNSIGNED) AS nth, its.{column} AS said "
    f"{_NONE} UNION ALL SELECT asked.nth, asked.nth FROM told JOIN ({{asked}}) asked"
    " WHERE told.nth = 0) SELECT nth, HEX(CONVERT(said USING utf8mb4)) FROM told"
    " WHERE nth > 0"
)
_DEFAULTS = f"SELECT {{told}} FROM (SELECT {{columns}} {_NONE} LIMIT 1) one"


def with_values(connection: Connection, catalog: Catalog) -> Catalog:
    """Return *catalog* with the values of all ENUM and SET as they are."""
    if not catalog.may_have_marks:
        return catalog
    columns = dict(catalog.columns)
    for place, rows in catalog.columns.items():
        if any(LOST in decoded(row.type) for row in rows):
            table = ".".join(map(quoted, place))
            columns[place] = [_valued(connection, table, row) for row in rows]
    return replace(catalog, columns=columns)


def may_be_lost(collation: str | None) -> bool:
    """Whether a text may have characters that are not told."""
    return not _KNOWN.match(collation or "")


def _valued(connection: Connection, table: str, row: Any) -> Any:
    type_ = decoded(row.type)
    if LOST not in type_ or not may_be_lost(row.collation_name):
        return row
    return row._replace(type=exact_type(connection, table, quoted(row.name), type_))


def exact_type(connection: Connection, table: str, column: str, told: str) -> str:
    """Return the type of a column with its values as they are.

    Args:
        connection: the database.
        table: the name of the table as SQL writes it.
        column: the name of the column as SQL writes it.
        told: the type as the server tells it.
    """
    server = dialect_of(connection)
    if not _OF_VALUES.match(told) or server.version < _COUNTED[server.is_mariadb]:
        return told
    of_set = told[0] in "sS"
    found = [token for token in tokens(told) if token.kind == "string"]
    unsure = {
        1 << place if of_set else place + 1: token
        for place, token in enumerate(found)
        if LOST in token.text
    }
    asked = " UNION ALL ".join(f"SELECT {number} AS nth" for number in sorted(unsure))
    question = _VALUES.format(table=table, column=column, asked=asked)
    exact = {
        int(number): _text(value)
        for number, value in _told(connection, question)
        if value is not None
    }
    for number in sorted(unsure, reverse=True):
        token = unsure[number]
        value = exact.get(number, string_of(token.text))
        told = told[: token.start] + literal(value) + told[token.end :]
    return told


def defaults(
    connection: Connection, table: str, columns: Sequence[str]
) -> Iterable[str]:
    """Return the defaults of columns, all names as SQL writes them.

    Nothing is returned to a role that may not read the table.
    """
    question = _DEFAULTS.format(
        table=table,
        columns=", ".join(f"its.{column}" for column in columns),
        told=", ".join(
            f"HEX(CONVERT(DEFAULT(one.{column}) USING utf8mb4))" for column in columns
        ),
    )
    return [_text(value) for row in _told(connection, question) for value in row]


def _told(connection: Connection, question: str) -> Iterator[Sequence[Any]]:
    try:
        yield from connection.exec_driver_sql(
            question, execution_options={"no_parameters": True}
        ).all()
    except DBAPIError:
        return


def _text(digits: Any) -> str:
    return bytes.fromhex(decoded(digits)).decode()
