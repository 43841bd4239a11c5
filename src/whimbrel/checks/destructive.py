"""What loses stored values: tables, columns and histories dropped that hold some."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops

from whimbrel.checks.outlook import Outlook, Standing
from whimbrel.checks.rows import Question


def losses(operation: ops.MigrateOperation, outlook: Outlook) -> Iterator[Question]:
    """Yield what must be asked before *operation* drops something.

    What the scripts read elsewhere before, to keep it, is no loss.
    """
    match operation:
        case ops.DropTableOp():
            standing = outlook.table(operation.table_name, operation.schema)
            if standing is not None and not standing.are_rows_changed:
                yield _dropped_table(standing)
        case ops.DropColumnOp():
            standing = outlook.table(operation.table_name, operation.schema)
            if standing is not None:
                yield from _dropped_column(standing, operation.column_name)
        case ops.ExecuteSQLOp():
            named = _ENDS_HISTORY.match(str(operation.sqltext))
            standing = outlook.table(*_name_and_schema(named)) if named else None
            if standing is not None and _keeps_history(standing):
                yield _ended_history(standing)
        case _:
            pass


_NAME = r"(`(?:[^`]|``)+`|\w+)"
_ENDS_HISTORY = re.compile(
    r"\s*ALTER\s+(?:\w+\s+)*?TABLE\s+(?:IF\s+EXISTS\s+)?"
    rf"(?:{_NAME}\s*\.\s*)?{_NAME}\s.*\bDROP\s+SYSTEM\s+VERSIONING\b",
    re.IGNORECASE | re.DOTALL,
)
_PAST = "FOR SYSTEM_TIME ALL"
"""Behind the name of a table: the rows that are there no more are among the others."""


def _name_and_schema(match: re.Match[str]) -> tuple[str, str | None]:
    schema, name = (
        each.strip("`").replace("``", "`") if each else None for each in match.groups()
    )
    return name or "", schema


def _keeps_history(standing: Standing) -> bool:
    return any(each.name == "system_versioning" for each in standing.live.options)


def _with_past(standing: Standing, rows: sa.Select[Any]) -> sa.Select[Any]:
    """Return a query that finds rows of the past too, where a table keeps them."""
    return rows.with_hint(standing.source, _PAST) if _keeps_history(standing) else rows


def _ended_history(standing: Standing) -> Question:
    name, rows = standing.live.name, standing.all_rows
    until = next(
        (
            column.name
            for column in standing.live.columns
            if column.computed and column.computed.expression.canonical == "ROW END"
        ),
        "ROW_END",
    )
    past = sa.literal_column(f"`{until}`") < sa.literal_column("CURRENT_TIMESTAMP(6)")
    return Question(
        code="W105",
        subject=str(name),
        rows=_with_past(standing, rows.where(past)),
        keys=rows.key_names,
        found=f"{{rows}} of the history of {name} {{are}} lost, which ends",
        remedy="If it is wanted, copy it in the script before:"
        f" CREATE TABLE ... SELECT * FROM {name} {_PAST}.",
    )


def _dropped_table(standing: Standing) -> Question:
    name, rows = standing.live.name, standing.all_rows
    return Question(
        code="W101",
        subject=str(name),
        rows=_with_past(standing, rows.where()),
        keys=rows.key_names,
        found=f"{{rows}} of {name} {{are}} lost when the table is dropped",
        remedy=f"If it has another name now: migrate --rename {name}:NEW. If its rows"
        " are wanted elsewhere, copy them in the script before.",
    )


def _dropped_column(standing: Standing, name: str) -> Iterator[Question]:
    held = standing.columns.get(name)
    live = held.live if held is not None else None
    if live is None or live.computed is not None:
        return
    if not standing.changed.isdisjoint(("", name.casefold(), live.name.casefold())):
        return
    table, rows = standing.live.name, standing.all_rows
    filled = rows.where(standing.source.c[live.name].is_not(None))
    yield Question(
        code="W102",
        subject=f"{table}.{name}",
        rows=_with_past(standing, filled),
        keys=rows.key_names,
        found=f"{{rows}} of {table} {{have}} a value in {name}, which is lost",
        remedy="If it has another name now: migrate --rename"
        f" {table}.{name}:{table}.NEW. If its values are wanted elsewhere, copy them in"
        " the script before.",
    )
