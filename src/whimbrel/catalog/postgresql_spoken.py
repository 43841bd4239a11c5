"""The names of columns in the expressions that a PostgreSQL server writes.

It quotes those that need it, and no others: ``quote_ident()`` of
https://www.postgresql.org/docs/current/functions-string.html.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from whimbrel.schema.spoken import Words
from whimbrel.schema.state import Expression


_BARE = re.compile(r"[a-z_][a-z0-9_]*")

_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_TYPE = (
    r"(?:(?:character|bit) varying|double precision"
    r"|(?:timestamp|time)(?:\(\d+\))? with(?:out)? time zone"
    r"|interval(?: [a-z]+(?: to [a-z]+)?)?"
    rf"|{_NAME}(?:\.{_NAME})?)"
)
_WORDS = re.compile(
    r"""E'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'"""
    rf"|::{_TYPE}|\bCOLLATE {_NAME}(?:\.{_NAME})?|\bEXTRACT\(\w+"
    rf"|(?<![\w$.])(?P<name>{_NAME})(?![\w$]|\s*(?:[.(]|=>))",
    re.DOTALL,
)
"""Strings, types, collations, and words; the name of a column is one that is called
by nothing, and in nothing."""


def words(before: str, after: str, *, reserved: Collection[str]) -> Words:
    """Return what replaces a column's name within expressions of the server.

    Args:
        before: the name.
        after: what stands there afterwards.
        reserved: the words that are names only where they are quoted.
    """
    old, new = (_written(each, reserved) for each in (before, after))

    def swapped(found: re.Match[str]) -> str:
        return new if found["name"] == old else found[0]

    def replaced(expression: Expression) -> Expression:
        canonical, text = expression.canonical, expression.text
        return Expression(_WORDS.sub(swapped, canonical), _WORDS.sub(swapped, text))

    return replaced


def _written(name: str, reserved: Collection[str]) -> str:
    """Return *name* as the server writes it."""
    if _BARE.fullmatch(name) and name not in reserved:
        return name
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
