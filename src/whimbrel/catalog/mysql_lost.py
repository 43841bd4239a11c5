"""What information_schema of MariaDB tells as a question mark, told as it is.

It knows the first 65,536 characters: each other one, and each byte of a binary default
that is no text, it tells as a question mark, in defaults, expressions and checks.  The
tables of which one has such a mark are asked for by SHOW CREATE TABLE.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from whimbrel.catalog.mysql_ddl import TableText, parse_table
from whimbrel.catalog.mysql_members import may_be_lost
from whimbrel.catalog.mysql_packed import LOST, decoded
from whimbrel.catalog.mysql_rows import Catalog, Place
from whimbrel.catalog.mysql_shown import show_create
from whimbrel.catalog.mysql_tokens import quoted


def put_back(connection: Connection, catalog: Catalog) -> Catalog:
    """Return *catalog* with all defaults, expressions and checks as they are."""
    if not catalog.may_have_marks:
        return catalog
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
        LOST in (row.computed or "")
        or (LOST in (row.value or "") and may_be_lost(row.collation_name))
        for row in catalog.columns[place]
    ) or any(LOST in decoded(row.clause) for row in catalog.checks.get(place, ()))


def _column(row: Any, told: dict[str, Any]) -> Any:
    said = told.get(row.name)
    if said is None:
        return row
    if LOST in (row.value or ""):
        row = row._replace(value=said.default)
    if LOST in (row.computed or ""):
        row = row._replace(computed=said.computed)
    return row


def _check(row: Any, shown: TableText) -> Any:
    if LOST not in decoded(row.clause):
        return row
    if row.level == "Column":
        beside = {each.name: each.check for each in shown.columns}
        return row._replace(clause=beside.get(row.name) or row.clause)
    return row._replace(clause=dict(shown.checks).get(row.name) or row.clause)
