"""The statements that give rows a value: a new one, or one that would be lost."""

from __future__ import annotations

import re
from decimal import Decimal

from alembic.operations import ops

from whimbrel.plan.generic import Forms
from whimbrel.plan.items import text
from whimbrel.schema.changes import ValueChange
from whimbrel.schema.fills import FilledColumn
from whimbrel.schema.state import TableName


NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
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


def _quoted(forms: Forms, table: TableName) -> str:
    parts = (table.schema, table.name)
    return ".".join(forms.quoted(part) for part in parts if part)


def _literal(forms: Forms, filled: FilledColumn) -> str:
    """Return the value as SQL: a number where the column holds numbers."""
    value = filled.fill.value
    if filled.fill.is_sql:
        return value
    kind = _python_type(forms, filled)
    if kind is bool and value.lower() in TRUTH:
        return forms.truth(TRUTH[value.lower()])
    if kind in (int, float, Decimal) and NUMBER.fullmatch(value):
        return value
    return _string(value)


def _string(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def _python_type(forms: Forms, filled: FilledColumn) -> type | None:
    try:
        return forms.column_type(filled.column).python_type
    except NotImplementedError:
        return None
