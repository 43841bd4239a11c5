"""Which values a type does not take, where no cast in a query would tell."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import Column


BITS = {"tiny": 8, "bool": 8, "small": 16, "medium": 24, "": 32, "big": 64}
"""How many bits a whole number has, by the first part of its type's name."""

WHOLE = r"^[[:space:]]*[-+]?[0-9]+[[:space:]]*$"
ROUNDED = r"^[[:space:]]*[-+]?[0-9]+([.][0-9]*)?[[:space:]]*$"
NUMBER = (
    r"^[[:space:]]*[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?[[:space:]]*$"
)

ENDS_OTHERWISE = r"[^-0-9.:/[:space:]][[:space:]]*$"
OFFSET = r":[0-9]{1,2}([.][0-9]*)?[[:space:]]*[-+]"
"""What no moment ends with, though a cast in a query passes it over."""

_TEXT = re.compile(
    r"(?:character varying|character|bpchar|varchar|char|\w*text)\b", re.I
)
_NUMBER = re.compile(r"(tiny|small|medium|big)?int|decimal|numeric|float|double", re.I)


def is_text(column: Column) -> bool:
    """Whether *column* holds texts."""
    return _TEXT.match(column.type.spelling) is not None


def is_number(column: Column) -> bool:
    """Whether *column* holds numbers."""
    return _NUMBER.match(column.type.spelling) is not None


def misfit(
    live: Column,
    column: sa.ColumnElement[Any],
    after: TypeEngine[Any],
    dialect: Dialect,
) -> sa.ColumnElement[bool] | None:
    """Return what is true of the values that a new type does not take.

    Args:
        live: the column as it is.
        column: stands for it in a query.
        after: the type that it is to have.
        dialect: the database.
    """
    if is_text(live):
        return _no_such_text(column, after, dialect)
    if not is_number(live):
        return None
    if isinstance(after, sa.DateTime | sa.Date):
        return _no_such_moment(column, after)
    return _beyond(column, after)


def _no_such_moment(
    column: sa.ColumnElement[Any], after: TypeEngine[Any]
) -> sa.ColumnElement[bool]:
    moment = sa.cast(column, sa.Time if isinstance(after, sa.Time) else sa.DateTime)
    return sa.and_(column.is_not(None), moment.is_(None))


def converted(value: sa.ColumnElement[Any], spelling: str) -> sa.ColumnElement[Any]:
    """Return a value as MySQL converts it: SQLAlchemy's cast knows few types there."""
    made: sa.ColumnElement[Any] = sa.func.convert(value, sa.literal_column(spelling))
    return made


def beyond_charset(
    live: Column, column: sa.ColumnElement[Any], after: TypeEngine[Any]
) -> sa.ColumnElement[bool] | None:
    """Return what is true of texts that a new character set cannot write.

    Args:
        live: the column as it is.
        column: stands for it in a query.
        after: the type that it is to have.
    """
    charset = _charset(after)
    if not charset or charset == (live.collation or "").partition("_")[0]:
        return None
    there = sa.func.convert(column.op("USING")(sa.literal_column(charset)))
    back = sa.func.convert(there.op("USING")(sa.literal_column(WIDEST)))
    said = sa.func.convert(column.op("USING")(sa.literal_column(WIDEST)))
    condition: sa.ColumnElement[bool] = sa.func.hex(back) != sa.func.hex(said)
    return condition


WIDEST = "utf8mb4"
"""The character set that can write all that another one can."""


def _charset(after: TypeEngine[Any]) -> str:
    """Return the character set that a type names, by its own name or a collation's."""
    said = getattr(after, "charset", None)
    if getattr(after, "ascii", False):
        said = "latin1"
    if getattr(after, "unicode", False):
        said = "ucs2"
    collation = getattr(after, "collation", None) or ""
    return str(said or collation.partition("_")[0])


def _no_such_text(
    column: sa.ColumnElement[Any], after: TypeEngine[Any], dialect: Dialect
) -> sa.ColumnElement[bool] | None:
    """Return what is true of texts that are none of the type, or say too much."""
    if isinstance(after, sa.Integer | sa.Boolean):
        pattern = ROUNDED if dialect.rounds_texts else WHOLE
        number = sa.cast(column, sa.Numeric(65, 0))
    elif isinstance(after, sa.Numeric | sa.Float):
        pattern = NUMBER
        number = sa.cast(column, sa.Numeric(65, 30))
    elif isinstance(after, sa.DateTime | sa.Date | sa.Time):
        pattern = f"{ENDS_OTHERWISE}|{OFFSET}" if dialect.is_mariadb else ENDS_OTHERWISE
        return sa.or_(_no_such_moment(column, after), column.regexp_match(pattern))
    elif isinstance(after, sa.JSON):
        return sa.not_(sa.func.json_valid(column))
    else:
        return None
    is_number = column.regexp_match(pattern)
    too_great = _beyond(number, after)
    if too_great is None:
        return sa.not_(is_number)
    return sa.or_(sa.not_(is_number), sa.and_(is_number, too_great))


def _beyond(
    column: sa.ColumnElement[Any], after: TypeEngine[Any]
) -> sa.ColumnElement[bool] | None:
    """Return what is true of numbers that are too great for a type."""
    if isinstance(after, sa.Integer | sa.Boolean):
        low, high = _range(after)
        return sa.not_(sa.func.round(column).between(low, high))
    is_exact = isinstance(after, sa.Numeric) and not isinstance(after, sa.Float)
    if is_exact and getattr(after, "precision", None):
        scale = getattr(after, "scale", None) or 0
        digits = getattr(after, "precision", 0) - scale
        size: sa.ColumnElement[Any] = sa.func.abs(sa.func.round(column, scale))
        is_greater: sa.ColumnElement[bool] = size >= 10**digits
        return is_greater
    return None


def _range(whole: sa.Integer | sa.Boolean) -> tuple[int, int]:
    """Return the least and the greatest number of a type of whole numbers."""
    name = type(whole).__name__.casefold()
    bits = next(
        (BITS[each] for each in BITS if each and name.startswith(each)), BITS[""]
    )
    if getattr(whole, "unsigned", False):
        return 0, 2**bits - 1
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
