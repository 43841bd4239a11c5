"""The numbers that a type can hold, and which values lie beyond them."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from whimbrel.schema.state import Column


BITS = {"tiny": 8, "small": 16, "medium": 24, "": 32, "big": 64}
"""How many bits a whole number has, by the first part of its type's name."""

_NUMBER = re.compile(r"(tiny|small|medium|big)?int|decimal|numeric|float|double", re.I)


def beyond(live: Column, column: sa.ColumnElement[Any], after: TypeEngine[Any]) -> Any:
    """Return what is true of the numbers that are too great for a new type.

    Args:
        live: the column as it is.
        column: stands for it in a query.
        after: the type that it is to have.
    """
    if not _NUMBER.match(live.type.spelling):
        return None
    if isinstance(after, sa.Integer):
        low, high = _range(after)
        return ~sa.func.round(column).between(low, high)
    is_exact = isinstance(after, sa.Numeric) and not isinstance(after, sa.Float)
    if is_exact and getattr(after, "precision", None):
        scale = getattr(after, "scale", None) or 0
        digits = getattr(after, "precision", 0) - scale
        return sa.func.abs(sa.func.round(column, scale)) >= 10**digits
    return None


def _range(whole: sa.Integer) -> tuple[int, int]:
    """Return the least and the greatest number of a type of whole numbers."""
    name = type(whole).__name__.casefold()
    bits = next(
        (BITS[each] for each in BITS if each and name.startswith(each)), BITS[""]
    )
    if getattr(whole, "unsigned", False):
        return 0, 2**bits - 1
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
