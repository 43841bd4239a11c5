"""Which columns of models count by a sequence of their own: PostgreSQL's SERIAL."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Sequence, TextClause, TypeDecorator, types
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import DefaultClause

from whimbrel.catalog.wording import AnyColumn
from whimbrel.schema.names import fitted_name


_NEXT_VALUE = re.compile(
    r"\s*nextval\(\s*'([^']+)'(?:::regclass|::text)*\s*\)\s*", re.I
)


def serial_type(column: AnyColumn, dialect: Dialect) -> str | None:
    """Return the type that SERIAL gives to *column*, or None if it is not serial."""
    if not _is_serial(column, dialect):
        return None
    implementation = _implementation(column, dialect)
    if isinstance(implementation, types.BigInteger):
        return "BIGINT"
    return "SMALLINT" if isinstance(implementation, types.SmallInteger) else "INTEGER"


def _implementation(column: AnyColumn, dialect: Dialect) -> Any:
    """Return the type of *column* as the dialect has it: any integer is one there."""
    type_: Any = column.type
    if isinstance(type_, types.Integer) and not type_._variant_mapping:
        return type_  # which need not be made
    implementation: Any = type_.dialect_impl(dialect)
    if isinstance(implementation, TypeDecorator):
        return implementation.impl
    return implementation


def _is_serial(column: AnyColumn, dialect: Dialect) -> bool:
    """Whether SQLAlchemy writes SERIAL, or the model what SERIAL stands for."""
    if not column.primary_key or column.identity is not None:
        return _says_serial(column, dialect)
    if column is not column.table._autoincrement_column:
        return _says_serial(column, dialect)
    default: Any = column.default
    return default is None or (isinstance(default, Sequence) and bool(default.optional))


def _says_serial(column: AnyColumn, dialect: Dialect) -> bool:
    """Whether the default of *column* counts by the sequence of a SERIAL.

    Models that were made from a database say it so.
    """
    default = column.server_default
    if not isinstance(default, DefaultClause) or not isinstance(
        default.arg, TextClause
    ):
        return False
    found = _NEXT_VALUE.fullmatch(default.arg.text)
    if found is None or not isinstance(_implementation(column, dialect), types.Integer):
        return False
    *_, name = found[1].replace('"', "").rpartition(".")
    return name == fitted_name(str(column.table.name), str(column.name), "seq")
