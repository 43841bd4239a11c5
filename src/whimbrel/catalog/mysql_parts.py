"""The parts of an index that models write: a column with its length, an expression."""

from __future__ import annotations

import re
from dataclasses import replace

from whimbrel.catalog.mysql_spelling import expression, part_options
from whimbrel.catalog.mysql_tokens import Cursor, name_of, split
from whimbrel.catalog.wording import IndexForm
from whimbrel.schema.state import Expression, IndexPart


_WIDTH = re.compile(r"(?:N?(?:VAR)?CHAR|(?:VAR)?BINARY)\((\d+)\)", re.IGNORECASE)


def parts_of(form: IndexForm) -> tuple[IndexPart, ...] | None:
    """Return the parts of an index; None if one is more than a column."""
    known = {need.name.casefold(): need for need in form.needs}
    parts = []
    for text in split(form.parts):
        part = _plain_part(text)
        need = None if part is None else known.get((part.column or "").casefold())
        if part is None or need is None:
            return None
        width = _WIDTH.match(need.type_text)
        said = part.options
        if width is not None and said == part_options(int(width[1])):
            said = part_options(None)
        parts.append(replace(part, column=need.name, options=said))
    return tuple(parts)


def told_parts(text: str) -> tuple[IndexPart, ...]:
    """Return the parts that SHOW CREATE TABLE tells, some of them expressions."""
    return tuple(_plain_part(part) or _expression_part(part) for part in split(text))


def expressions_of(text: str) -> tuple[str | None, ...]:
    """Return the expressions among the parts that SHOW CREATE TABLE tells, by place."""
    return tuple(
        None if _plain_part(part) else Cursor(part).group() for part in split(text)
    )


def _plain_part(text: str) -> IndexPart | None:
    """Return the part of an index that is a column: its name, length, direction."""
    cursor = Cursor(text)
    token = cursor.take()
    if token.kind not in ("name", "word"):
        return None
    length = cursor.group() if cursor.peek().text == "(" else ""
    descends = cursor.takes("DESC")
    if not descends:
        cursor.takes("ASC")
    if cursor.peek().kind != "end" or (length and not length.strip().isdigit()):
        return None
    return IndexPart(
        column=name_of(token),
        descending=descends,
        options=part_options(int(length) if length else None),
    )


def _expression_part(text: str) -> IndexPart:
    cursor = Cursor(text)
    body = expression(cursor.group())
    return IndexPart(
        expression=Expression(body.canonical, f"({body.canonical})"),
        descending=cursor.takes("DESC"),
    )
