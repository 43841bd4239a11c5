"""What information_schema of MariaDB tells as a question mark, told as it is.

It knows the first 65,536 characters: each other one, and each byte of a binary default
that is no text, it tells as a question mark, in defaults, expressions and checks.  The
tables of which one has such a mark are asked for by SHOW CREATE TABLE.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from whimbrel.catalog.mysql_ddl import TableText, parse_table
from whimbrel.catalog.mysql_rows import Catalog, Place, decoded
from whimbrel.catalog.mysql_shown import show_create
from whimbrel.catalog.mysql_tokens import quoted


_KNOWN = re.compile(r"(?:latin|ascii|utf8mb3|utf8_|ucs2)")
"""The collations whose characters it all knows."""


def put_back(connection: Connection, catalog: Catalog) -> Catalog:
    """Return *catalog* with all defaults, expressions and checks as they are."""
    columns, checks = dict(catalog.columns), dict(catalog.checks)
    for place in catalog.tables:
        if not _has_lost(catalog, place):
            continue
        name = ".".join(map(quoted, place))
        shown = parse_table(show_create(connection, name))
        told = {each.name: each for each in shown.columns}
        columns[place] = [_column(row, told) for row in columns[place]]
        if place in checks:
            checks[place] = [_check(row, shown) for row in checks[place]]
    return replace(catalog, columns=columns, checks=checks)


def _has_lost(catalog: Catalog, place: Place) -> bool:
    """Whether a text of a table may be told otherwise than it is."""
    return any(
        "?" in (row.computed or "") or ("?" in (row.value or "") and _may_lose(row))
        for row in catalog.columns[place]
    ) or any("?" in decoded(row.clause) for row in catalog.checks.get(place, ()))


def _may_lose(row: Any) -> bool:
    return not _KNOWN.match(row.collation_name or "")


def _column(row: Any, told: dict[str, Any]) -> Any:
    said = told.get(row.name)
    if said is None:
        return row
    if "?" in (row.value or ""):
        row = row._replace(value=said.default)
    if "?" in (row.computed or ""):
        row = row._replace(computed=said.computed)
    return row


def _check(row: Any, shown: TableText) -> Any:
    if "?" not in decoded(row.clause):
        return row
    if row.level == "Column":
        beside = {each.name: each.check for each in shown.columns}
        return row._replace(clause=beside.get(row.name) or row.clause)
    return row._replace(clause=dict(shown.checks).get(row.name) or row.clause)
