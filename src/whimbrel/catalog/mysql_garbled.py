"""What information_schema of MySQL tells otherwise than it is, or not, put right.

It escapes expressions as if they stood in a string; it takes characters beyond ASCII
in them for one of Latin-1 each, in the default of a text for a question mark if they
are beyond the first 65,536; and it ends the default of a binary column where a zero
stands.  SHOW CREATE TABLE tells these as they are: it is asked for the tables of
which one of the last three might be true.  Of a table that is partitioned by its key,
whatever that is, CREATE_OPTIONS does not say that it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection

from whimbrel.catalog.mysql_ddl import TableText, parse_table
from whimbrel.catalog.mysql_packed import LOST, decoded
from whimbrel.catalog.mysql_partitions import PARTITIONED
from whimbrel.catalog.mysql_parts import expressions_of
from whimbrel.catalog.mysql_rows import Catalog, Place
from whimbrel.catalog.mysql_shown import show_create
from whimbrel.catalog.mysql_spelling import mysql_default
from whimbrel.catalog.mysql_tokens import quoted
from whimbrel.schema.dialect import dialect_of


_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "0": "\0", "Z": "\x1a"}
_EXPRESSION = "DEFAULT_GENERATED"
_HIDES_PARTITIONS = (8,)
_BY_ITS_KEY = text(
    "SELECT DISTINCT table_name FROM information_schema.partitions"
    " WHERE table_schema = :database AND partition_method LIKE '%KEY'"
    " AND partition_expression IS NULL"
)


def put_right(connection: Connection, catalog: Catalog) -> Catalog:
    """Return *catalog* with all expressions and defaults as they are."""
    columns, checks, indexes = (
        dict(each) for each in (catalog.columns, catalog.checks, catalog.indexes)
    )
    alike: dict[tuple[Any, ...], _Column] = {}
    for place in catalog.tables:
        shown = None
        looked = [_looked_at(row, alike) for row in columns[place]]
        if any(each.is_garbled for each in looked) or _is_garbled(catalog, place):
            name = ".".join(map(quoted, place))
            shown = parse_table(show_create(connection, name))
            columns[place] = _columns(columns[place], shown)
        else:
            columns[place] = [
                row if each.row is None else row._make((row[0], *each.row[1:]))
                for row, each in zip(columns[place], looked, strict=True)
            ]
        if place in checks:
            checks[place] = _checks(checks[place], shown)
        if place in indexes:
            indexes[place] = _indexes(indexes[place], shown)
    return replace(
        catalog,
        tables=_tables(connection, catalog),
        columns=columns,
        checks=checks,
        indexes=indexes,
    )


def _tables(connection: Connection, catalog: Catalog) -> dict[Place, list[Any]]:
    tables = {place: [*rows] for place, rows in catalog.tables.items()}
    if dialect_of(connection).version < _HIDES_PARTITIONS:
        return tables
    for database in sorted({database for database, _ in tables}):
        for name in connection.scalars(_BY_ITS_KEY, {"database": database}):
            for row in tables.get((database, name), ()):
                said = f"{row.create_options or ''} {PARTITIONED}"
                tables[database, name] = [row._replace(create_options=said)]
    return tables


def _is_garbled(catalog: Catalog, place: Place) -> bool:
    """Whether a check or an index of a table may be told otherwise than it is."""
    texts = [decoded(row.clause) for row in catalog.checks.get(place, ())]
    texts += [
        decoded(row.expression)
        for row in catalog.indexes.get(place, ())
        if row.expression
    ]
    return not all(map(str.isascii, texts))


@dataclass(frozen=True, slots=True)
class _Column:
    """What is to be done with the row of a column, and with all that say the same.

    Args:
        is_garbled: its default may end too early, or a text of its is not ASCII.
        row: the row with its texts as they are; None if they are so already.
    """

    is_garbled: bool
    row: Any | None


_AS_IT_IS = _Column(is_garbled=False, row=None)


def _looked_at(row: Any, alike: dict[tuple[Any, ...], _Column]) -> _Column:
    """Return what is to be done with *row*, which is found once for those *alike*."""
    if row.value is None and not row.computed:
        return _AS_IT_IS
    said = row[1:]
    known = alike.get(said)
    if known is None:
        known = alike[said] = _Column(_may_be_wrong(row), _columns([row], None)[0])
    return known


def _may_be_wrong(row: Any) -> bool:
    texts = [decoded(row.computed)] if row.computed else []
    if _EXPRESSION in (row.extra or ""):
        texts.append(decoded(row.value))
    elif row.value is not None:
        is_binary = re.match("(var)?binary", decoded(row.type)) is not None
        if is_binary or LOST in decoded(row.value):
            return True
    return not all(map(str.isascii, texts))


def _columns(rows: Sequence[Any], shown: TableText | None) -> list[Any]:
    told = {each.name: each for each in shown.columns} if shown else {}
    found = []
    for row in rows:
        if row.value is not None or row.computed:
            said = told.get(row.name)
            row = row._replace(  # noqa: PLW2901
                value=said.default if said else _default(row),
                computed=said.computed if said else _plain(decoded(row.computed)),
            )
        found.append(row)
    return found


def _default(row: Any) -> str | None:
    if row.value is None:
        return None
    extra, value = row.extra or "", decoded(row.value)
    is_expression = _EXPRESSION in extra
    value = _plain(value) if is_expression else value
    return mysql_default(value, decoded(row.type), is_expression=is_expression)


def _checks(rows: Sequence[Any], shown: TableText | None) -> list[Any]:
    told = dict(shown.checks) if shown else {}
    return [
        row._replace(clause=told.get(row.name) or _plain(decoded(row.clause)))
        for row in rows
    ]


def _indexes(rows: Sequence[Any], shown: TableText | None) -> list[Any]:
    told = {key.name: expressions_of(key.parts) for key in shown.keys} if shown else {}
    found = []
    for row in rows:
        if row.expression:
            parts = told.get(row.name)
            said = parts[int(row.position) - 1] if parts else None
            row = row._replace(expression=said or _plain(decoded(row.expression)))  # noqa: PLW2901
        found.append(row)
    return found


def _plain(escaped: str | None) -> str:
    """Return what an escaped text says."""
    return _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[1]), escaped or "")
