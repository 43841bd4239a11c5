"""How much of a number a type keeps."""

from __future__ import annotations

import re
from dataclasses import dataclass

from whimbrel.checks.misfits import BITS
from whimbrel.schema.dialect import Dialect


SINGLE, DOUBLE = 24, 53
"""How many bits of a number the two kinds of floating-point numbers keep."""

_WHOLE = re.compile(r"(?P<size>tiny|small|medium|big)?(?:int(?:eger)?|serial)\b", re.I)
_EXACT = re.compile(
    r"(?:numeric|decimal)\s*(?P<said>\(\s*\d+\s*(?:,\s*(?P<scale>-?\d+)\s*)?\))?", re.I
)
_FLOATING = re.compile(
    r"(?P<name>double|real|float)\b\s*(?:\(\s*(?P<bits>\d+)\s*\))?", re.I
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A type of numbers.

    Args:
        bits: how many bits of a number it keeps; 0 for one that keeps digits.
        scale: how many digits behind the point it keeps; None for any number of them.
        is_floating: its point is where the number wants it.
    """

    bits: int = 0
    scale: int | None = 0
    is_floating: bool = False

    def keeps(self, other: Number) -> bool:
        """Whether each number of *other* that fits this type stays what it is."""
        if self.is_floating:
            return 0 < other.bits <= self.bits
        if other.is_floating:
            return False
        if self.scale is None:
            return True
        return other.scale is not None and other.scale <= self.scale


def number_of(spelling: str, dialect: Dialect) -> Number | None:
    """Return what a type keeps, by its spelling; None if it is none of numbers."""
    whole = _WHOLE.match(spelling)
    if whole is not None:
        return Number(bits=BITS[(whole["size"] or "").casefold()])
    exact = _EXACT.match(spelling)
    if exact is not None:
        is_bound = exact["said"] or not dialect.keeps_any_scale
        return Number(scale=int(exact["scale"] or 0) if is_bound else None)
    floating = _FLOATING.match(spelling)
    if floating is None:
        return None
    said = int(floating["bits"] or 0)
    is_single = (
        said <= SINGLE
        if said
        else (floating["name"].casefold() == dialect.single_float)
    )
    return Number(bits=SINGLE if is_single else DOUBLE, is_floating=True)
