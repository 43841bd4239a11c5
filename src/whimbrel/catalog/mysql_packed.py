"""How the rows of information_schema come: all that a query finds in one text.

A driver written in Python reads a field at a time, which takes longer than the server
takes to find it.  So the server puts them together, where it can: behind each field
stands the one character that no name has, and a word that nobody else knows stands for
NULL.  Where the count of fields is not as it must be (the text was cut at
``max_allowed_packet``, or a comment has that character) they come one by one.
"""

from __future__ import annotations

import re
import secrets
from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection

from whimbrel.catalog.mysql_portions import Asked, Part
from whimbrel.schema.dialect import Dialect, dialect_of


_HAS_HINTS = (8, 0, 3)
"""Since when a statement of MySQL can set a variable for itself alone."""

_LONGEST = 64_000_000
_SAID = re.compile(r"\s*(.+?) AS (\w+)(?:,|\s*$)")
_CONSTANT = re.compile(r"NULL|'\w+'")
"""What is the same in each row, and need not be sent."""

_MAY_BE_NULL = frozenset(
    (
        *("engine", "collation_name", "create_options", "value", "computed", "srid"),
        *("column_name", "direction", "length", "expression", "level"),
    )
)
_NUMBERS = frozenset({"position", "length"})
_NULL = secrets.token_urlsafe(6)
LOST = "?"
"""What the server tells for a character that it does not know there."""


@dataclass(frozen=True, slots=True)
class Told:
    """The rows of a part.

    Args:
        part: its number.
        rows: what the server tells of it.
        may_have_marks: a question mark may stand in them.
    """

    part: int
    rows: Iterable[Any]
    may_have_marks: bool = True


@dataclass(frozen=True, slots=True)
class Query:
    """A query whose rows can come in one text.

    Args:
        fields: what is asked for, and the name that it has in a row.
        rest: all from FROM on, with a place for the condition of a part.
        constants: what is the same in each row.
    """

    fields: Sequence[tuple[str, str]]
    rest: str
    constants: Mapping[str, str | None]

    @classmethod
    def of(cls, written: str, words: Mapping[str, str]) -> Query:
        """Return the query that is *written*, its places filled with *words*."""
        told, rest = written.removeprefix("\nSELECT ").split("\nFROM ", maxsplit=1)
        said = _SAID.findall(told.format(**words))
        return cls(
            [(what, name) for what, name in said if not _CONSTANT.fullmatch(what)],
            rest,
            {
                name: None if what == "NULL" else what.strip("'")
                for what, name in said
                if _CONSTANT.fullmatch(what)
            },
        )

    def rows(self, connection: Connection, parts: Sequence[Part]) -> Iterator[Told]:
        """Yield the rows of *parts*."""
        if not parts:
            return
        row = namedtuple("Row", [name for _, name in self.fields])  # type: ignore[misc]  # the query names them
        kind = type("Row", (row,), {**self.constants, "__slots__": ()})
        made = partial(tuple.__new__, kind)  # quicker than by its own way, by half
        packed = self._packed(connection, parts)
        told = self._one_by_one(connection, parts) if packed is None else packed
        for each in told:
            yield replace(each, rows=map(made, each.rows))

    def _packed(
        self, connection: Connection, parts: Sequence[Part]
    ) -> list[Told] | None:
        """Return the rows that the server put together; None if it cannot."""
        words = _words(dialect_of(connection))
        if words is None:
            return None
        fields = ", ".join(
            f"IFNULL({what}, '{_NULL}')" if name in _MAY_BE_NULL else what
            for what, name in self.fields
        )
        query = (
            f"SELECT {{number}}, GROUP_CONCAT(CONCAT_WS(_utf8mb4 X'00', {fields}, '')"
            f" SEPARATOR ''), COUNT(*) FROM {self.rest}"
        )
        asked = Asked.of(query, parts)
        beginning, hint = words
        statement = beginning + " UNION ALL ".join(asked.queries)
        statement = statement.replace("SELECT ", f"SELECT {hint}", 1)
        found: list[Told] = []
        for number, packed, size in connection.execute(text(statement), asked.given):
            told = decoded(packed) or ""
            rows = self._taken_apart(told, size) if size else ()
            if rows is None:
                return None
            found.append(Told(number, rows, LOST in told))
        return found

    def _taken_apart(self, told: str, size: int) -> Iterable[Any] | None:
        """Return the rows of a text; None if it does not tell *size* of them."""
        width = len(self.fields)
        found = told.split("\0")
        if len(found) != size * width + 1 or found.pop():
            return None
        columns: list[list[Any]] = [found[start::width] for start in range(width)]
        for number, (_, name) in enumerate(self.fields):
            if name in _MAY_BE_NULL:
                columns[number] = [
                    None if each == _NULL else each for each in columns[number]
                ]
            if name in _NUMBERS:
                columns[number] = [
                    each if each is None else int(each) for each in columns[number]
                ]
        return zip(*columns, strict=True)

    def _one_by_one(
        self, connection: Connection, parts: Sequence[Part]
    ) -> Iterator[Told]:
        """Yield the rows as the server tells them if nothing else is said."""
        fields = ", ".join(f"{what} AS {name}" for what, name in self.fields)
        asked = Asked.of(f"SELECT {{number}}, {fields} FROM {self.rest}", parts)
        statement = text(" UNION ALL ".join(asked.queries))
        told = connection.execute(statement, asked.given)
        for number, rows in groupby(told, key=itemgetter(0)):
            yield Told(number, (row[1:] for row in rows))


def _words(server: Dialect) -> tuple[str, str] | None:
    """Return what stands before a query, and what behind its SELECT, to get long texts.

    None if a statement cannot have that for itself alone.
    """
    said = f"group_concat_max_len = {_LONGEST}"
    if server.is_mariadb:
        return f"SET STATEMENT {said} FOR ", ""
    if server.version >= _HAS_HINTS:
        return "", f"/*+ SET_VAR({said}) */ "
    return None


def decoded(value: Any) -> Any:
    """Return text that some drivers give as bytes."""
    return value.decode() if isinstance(value, bytes | bytearray) else value
