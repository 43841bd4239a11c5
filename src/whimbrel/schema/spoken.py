"""Expressions that speak of a column by its name, and what they say under another."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from whimbrel.schema.state import Expression


Words: TypeAlias = Callable[[Expression], Expression]

_STRING = r"'(?:[^']|'')*'"
_ESCAPED = r"'(?:[^'\\]|\\.|'')*'"
"""A string where names stand between backticks: there a backslash escapes."""


def words(before: str, after: str) -> Words:
    """Return what replaces a column's name within expressions, but not in strings."""
    name = rf"(?<!\w)({re.escape(before)})(?!\w)"

    def swapped(text: str, new: str) -> str:
        string = _ESCAPED if "`" in text else _STRING
        return re.sub(
            f"{string}|{name}",
            lambda match: match[0] if match[1] is None else new,
            text,
            flags=re.IGNORECASE | re.DOTALL,
        )

    def replaced(expression: Expression) -> Expression:
        return Expression(
            swapped(expression.canonical, after.lower()),
            swapped(expression.text, after),
        )

    return replaced
