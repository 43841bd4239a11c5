"""Expressions that speak of a column by its name, and what they say under another."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from whimbrel.schema.state import Expression, Option, Options


Words: TypeAlias = Callable[[Expression], Expression]
Swap: TypeAlias = Callable[[str], str]

_COLUMNS_LISTED = "include"
_COLUMNS_SPOKEN_OF = "partition_by"

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


def text_called(text: str | None, spoken: Words) -> str | None:
    """Return a text that may speak of columns, such as ``SET NULL (a)``."""
    return spoken(Expression("", text)).text if text and "(" in text else text


def options_called(options: Options, swap: Swap, spoken: Words) -> Options:
    """Return *options* with the columns that they name by their new names."""

    def called(option: Option) -> Option:
        if option.name == _COLUMNS_LISTED:
            names = [swap(each) for each in json.loads(option.value)]
            return replace(option, value=json.dumps(names, ensure_ascii=False))
        if option.name == _COLUMNS_SPOKEN_OF:
            return replace(option, value=text_called(option.value, spoken) or "")
        return option

    return frozenset(map(called, options)) if options else options
