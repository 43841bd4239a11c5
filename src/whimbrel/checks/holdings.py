"""What a column will hold when a pending operation meets it: as SQL over live rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.types import TypeEngine, UserDefinedType

from whimbrel.schema.state import Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What the live rows will have in a column.

    Args:
        live: the live column that its values come from; None for a new one.
        value: its values by then, as SQL over the live table; None if nobody knows.
        is_empty: it is new, and no row has a value in it.
        is_recast: an expression of the script gives each row another value.
    """

    live: Column | None = None
    value: sa.ColumnElement[Any] | None = None
    is_empty: bool = False
    is_recast: bool = False


UNKNOWN = Holding()


_SERIAL = re.compile(r"(?:big|small)?serial", re.I)


def numbers_rows(column: sa.Column[Any], *, is_key_enough: bool = True) -> bool:
    """Whether the server gives each row a number in a column that is added.

    Args:
        column: the new column.
        is_key_enough: what SQLAlchemy takes for a key that counts by itself does so.
    """
    if column.identity is not None or column.autoincrement is True:
        return True
    if isinstance(column.type, UserDefinedType):
        return _SERIAL.fullmatch(str(column.type)) is not None
    counts = column.autoincrement == "auto" and not column.foreign_keys
    is_key = column.primary_key and isinstance(column.type, sa.Integer)
    return is_key_enough and counts and is_key


def added(column: sa.Column[Any]) -> Holding:
    """Return what the rows have in a column that is added."""
    if numbers_rows(column) or column.computed is not None:
        return UNKNOWN
    default = column.server_default
    if default is None:
        return Holding(value=_nothing(column.type), is_empty=True)
    return Holding(value=_constant(getattr(default, "arg", None), column.type))


def altered(holding: Holding, operation: ops.AlterColumnOp) -> Holding:
    """Return what the rows have in a column after *operation*."""
    after = operation.modify_type
    if after is None or holding.is_empty:
        return holding
    is_recast = "postgresql_using" in operation.kw
    live = holding.live
    if not is_recast and live is not None and _keeps_values(live, after):
        return holding
    return Holding(live=holding.live, is_recast=is_recast or holding.is_recast)


_VARYING = re.compile(r"(?:varchar|character varying)\((?P<length>\d+)\)|\w*text", re.I)


def _keeps_values(live: Column, after: Any) -> bool:
    """Whether each value stays what it is under a new type."""
    type_ = sa.types.to_instance(after)
    return _only_longer(live, type_) or _only_wider(live, type_)


_WHOLE = re.compile(r"(tiny|small|medium|big)?int(?:eger)?\b", re.I)
_SIZES = ("tiny", "small", "medium", "", "big")


def _only_wider(live: Column, type_: TypeEngine[Any]) -> bool:
    """Whether each whole number stays the number that it is."""
    was = _WHOLE.match(live.type.spelling)
    now = _WHOLE.match(type_.__visit_name__.replace("_", ""))
    if was is None or now is None or not isinstance(type_, sa.Integer):
        return False
    sizes = [_SIZES.index((each[1] or "").lower()) for each in (was, now)]
    signs = "unsigned" in live.type.spelling, bool(getattr(type_, "unsigned", False))
    return sizes[0] <= sizes[1] and signs[0] == signs[1]


def _only_longer(live: Column, type_: TypeEngine[Any]) -> bool:
    """Whether each text stays the text that it is."""
    was = _VARYING.match(live.type.spelling)
    if was is None or not isinstance(type_, sa.String):
        return False
    if isinstance(type_, sa.Enum | sa.CHAR | sa.NCHAR) or type_.collation:
        return False
    return type_.length is None or type_.length >= int(
        was["length"] or type_.length + 1
    )


_TEXT = re.compile(r"\s*'(?P<text>(?:[^'\\]|'')*)'\s*")
_NUMBER = re.compile(r"\s*\(?\s*(?P<number>[-+]?\d+(?:\.\d+)?)\s*\)?\s*")


def _constant(default: Any, type_: TypeEngine[Any]) -> sa.ColumnElement[Any] | None:
    """Return a server default as a value, where it is the same for all rows."""
    said = default if isinstance(default, str) else None
    if isinstance(default, sa.TextClause):
        matched = _TEXT.fullmatch(default.text)
        said = matched["text"].replace("''", "'") if matched else default.text
        if matched is None and not _NUMBER.fullmatch(said):
            return None
    if said is None:
        return None
    if isinstance(type_, sa.Integer | sa.Numeric):
        number = _NUMBER.fullmatch(said)
        return sa.literal_column(number["number"]) if number else None
    is_text = isinstance(type_, sa.String) and not isinstance(type_, sa.Enum)
    return sa.literal(said, sa.String()) if is_text else None


def _nothing(type_: TypeEngine[Any]) -> sa.ColumnElement[Any]:
    """Return NULL, of a type of that family where databases want to know."""
    if isinstance(type_, sa.Integer | sa.Numeric):
        zero: sa.ColumnElement[int] = sa.literal_column("0")
        return sa.func.nullif(zero, zero)
    return sa.null()
