"""The parts of a key or an index, each between two commas."""

from __future__ import annotations

from whimbrel.catalog.sqlite_text import IndexPartText, KeyPart
from whimbrel.catalog.sqlite_tokens import (
    Token,
    closing,
    text_of,
    unquoted,
    without_parentheses,
)


def key_part(part: list[Token]) -> KeyPart:
    """Return one column of a key; its tokens are those between two commas."""
    read = index_part(tuple(part))
    name = read.column if read.column is not None else read.expression
    return KeyPart(name, read.collation, read.is_descending)


def index_part(part: tuple[Token, ...]) -> IndexPartText:
    """Return one part of an index; its tokens are those between two commas."""
    descending = part[-1].word == "DESC"
    if part[-1].word in ("ASC", "DESC"):
        part = part[:-1]
    collation = None
    if _is_collated(part):
        collation = unquoted(part[-1].text)
        part = part[:-2]
    inner = without_parentheses(part)
    is_column = len(inner) == 1 and inner[0].is_name
    column = unquoted(inner[0].text) if is_column else None
    return IndexPartText(text_of(part), column, collation, descending)


def _is_collated(part: tuple[Token, ...]) -> bool:
    """Whether *part* ends with a COLLATE that is said of all of it."""
    operand, last = part[:-2], part[-2:]
    return bool(operand) and last[0].word == "COLLATE" and _is_one_operand(operand)


def _is_one_operand(part: tuple[Token, ...]) -> bool:
    """Whether *part* is a name, a call or something in parentheses."""
    if len(part) == 1:
        return True
    opening = 0 if part[0].word == "(" else 1
    return part[opening].word == "(" and closing(part, opening) == len(part) - 1
