"""The statements that give rows a value: a new one, or one that would be lost."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from typing import Any

from alembic.operations import ops
from sqlalchemy import Enum
from sqlalchemy.types import TypeEngine

from whimbrel.errors import UsageError
from whimbrel.plan.generic import Forms
from whimbrel.plan.items import text
from whimbrel.schema.changes import ValueChange
from whimbrel.schema.fills import FilledColumn
from whimbrel.schema.state import Expression, TableName


NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
NUMBERS = (int, float, Decimal)
DAY = r"\d{4}-\d\d?-\d\d?"
ANY = re.compile(r".*", re.DOTALL)
FORMS: dict[type | None, tuple[re.Pattern[str], str]] = {
    bool: (re.compile(r"true|false|0|1", re.I), "true or false"),
    int: (re.compile(r"[+-]?\d+"), "a whole number"),
    float: (NUMBER, "a number"),
    Decimal: (NUMBER, "a number"),
    datetime.date: (re.compile(DAY), "a day like 2026-12-31"),
    datetime.datetime: (
        re.compile(DAY + r"([ T]\d.*)?"),
        "a moment like 2026-12-31 23:59",
    ),
    datetime.time: (re.compile(r"\d\d?:\d\d.*"), "an hour like 23:59"),
}
"""How the values of a type are written, and how that is said."""

TRUTH = {"true": True, "false": False, "1": True, "0": False}


def fill_rows(forms: Forms, filled: FilledColumn) -> ops.ExecuteSQLOp:
    """Return the UPDATE that fills the rows in which the column is NULL."""
    fill = filled.fill
    table = _quoted(forms, fill.table)
    column = forms.quoted(fill.column)
    value = _literal(forms, filled)
    sql = f"UPDATE {table} SET {column} = {value} WHERE {column} IS NULL"
    return ops.ExecuteSQLOp(text(sql).text)


def change_values(forms: Forms, change: ValueChange) -> ops.ExecuteSQLOp:
    """Return the UPDATE that gives the rows with one value another one."""
    table, column = _quoted(forms, change.table), forms.quoted(change.column)
    old, new = _string(change.before), _string(change.after)
    sql = f"UPDATE {table} SET {column} = {new} WHERE {column} = {old}"
    return ops.ExecuteSQLOp(text(sql).text)


def copy_values(
    forms: Forms, table: TableName, column: str, *, of: str
) -> ops.ExecuteSQLOp:
    """Return the UPDATE by which a column takes the values of another."""
    names = f"{forms.quoted(column)} = {forms.quoted(of)}"
    return ops.ExecuteSQLOp(text(f"UPDATE {_quoted(forms, table)} SET {names}").text)


def take_default(
    forms: Forms, table: TableName, column: str, default: Expression
) -> ops.ExecuteSQLOp:
    """Return the UPDATE that gives all rows what the default of a column says."""
    name = forms.quoted(column)
    sql = f"UPDATE {_quoted(forms, table)} SET {name} = {default.canonical}"
    return ops.ExecuteSQLOp(text(f"{sql} WHERE {name} IS NULL").text)


def _quoted(forms: Forms, table: TableName) -> str:
    parts = (table.schema, table.name)
    return ".".join(forms.quoted(part) for part in parts if part)


def _literal(forms: Forms, filled: FilledColumn) -> str:
    """Return the value as SQL: a number where the column holds numbers."""
    value = filled.fill.value
    if filled.fill.is_sql:
        return value
    type_ = forms.column_type(filled.column)
    kind = _python_type(type_)
    _refuse_misfit(filled, type_, kind)
    if kind is bool:
        return forms.truth(TRUTH[value.lower()])
    return value if kind in NUMBERS else _string(value)


def _refuse_misfit(
    filled: FilledColumn, type_: TypeEngine[Any], kind: type | None
) -> None:
    """Raise if a value is none of its column's, which a database may take or cut.

    Raises:
        UsageError: it says which values there are.
    """
    value, length = filled.fill.value, getattr(type_, "length", None)
    pattern, wanted = FORMS.get(kind, (ANY, ""))
    is_fit = pattern.fullmatch(value) is not None
    if isinstance(type_, Enum) and type_.enums:
        is_fit = value in type_.enums
        wanted = f"one of {', '.join(map(str, type_.enums))}"
    elif kind is str and length is not None:
        is_fit, wanted = len(value) <= length, f"no longer than {length} characters"
    if not is_fit:
        place = f"{filled.fill.table}.{filled.fill.column}"
        raise UsageError(
            f"{value!r} cannot be the value of {place}: it must be {wanted}.",
            f"Give another one, --fill {place}=VALUE, or SQL: --fill-sql"
            f" {place}=EXPRESSION",
        )


def _string(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def _python_type(type_: TypeEngine[Any]) -> type | None:
    try:
        return type_.python_type
    except NotImplementedError:
        return None
