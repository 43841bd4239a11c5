"""The sequences of MariaDB, in a database and in models, and defaults that ask them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import MetaData
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.schema import CreateSequence

from whimbrel.catalog.mysql_rows import Facts, Place
from whimbrel.catalog.mysql_spelling import options
from whimbrel.catalog.mysql_tokens import quoted
from whimbrel.schema.state import Expression, Sequence


_MOST = 2**63 - 2
_CACHE = 1000
_NUMBERS = (
    "SELECT {place}, minimum_value, maximum_value, start_value, increment,"
    " cache_size, cycle_option FROM {name}"
)
_NAME = r"(?:`(?:[^`]|``)*`|[\w$]+)"
_HEAD = re.compile(
    rf".*?\bSEQUENCE\s+(?:IF\s+NOT\s+EXISTS\s+)?{_NAME}(?:\s*\.\s*{_NAME})?",
    re.IGNORECASE | re.DOTALL,
)
_SAID = re.compile(
    r"\b(INCREMENT|START|MINVALUE|MAXVALUE|CACHE)(?:\s+(?:BY|WITH))?\s*=?\s*(-?\d+)",
    re.IGNORECASE,
)
_NO_CACHE = re.compile(r"\bNO\s?CACHE\b", re.IGNORECASE)
_CYCLE = re.compile(r"(?<!\bNO\s)\bCYCLE\b", re.IGNORECASE)
_NEXT = re.compile(
    rf"\(*\s*(?:nextval\s*\(|next\s+value\s+for\s)\s*"
    rf"(?:(?P<schema>{_NAME})\s*\.\s*)?(?P<name>{_NAME})\s*\)*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Counting:
    """How a sequence counts."""

    least: int
    most: int
    start: int
    increment: int
    cache: int
    is_cycle: bool

    def named(self, name: str, schema: str | None) -> Sequence:
        """Return the sequence: what differs from what the server does by itself."""
        usual_least, usual_most = _bounds(self.increment)
        first = self.least if self.increment >= 0 else self.most
        told = {
            "start": str(self.start) if self.start != first else None,
            "increment": str(self.increment) if self.increment != 1 else None,
            "minvalue": str(self.least) if self.least != usual_least else None,
            "maxvalue": str(self.most) if self.most != usual_most else None,
            "cycle": "on" if self.is_cycle else None,
            "cache": str(self.cache) if self.cache != _CACHE else None,
        }
        return Sequence(name=name, schema=schema, options=options(told.items()))


def read_sequences(
    connection: Connection, facts: Facts, places: Iterable[Place]
) -> Iterator[Sequence]:
    """Yield the sequences at *places*, by one query."""
    there = list(places)
    if not there:
        return
    parts = (
        _NUMBERS.format(place=number, name=".".join(map(quoted, place)))
        for number, place in enumerate(there)
    )
    found = connection.exec_driver_sql(
        " UNION ALL ".join(parts), execution_options={"no_parameters": True}
    )
    for place, least, most, start, increment, cache, is_cycle in found:
        name = facts.located(*there[place])
        counting = _Counting(least, most, start, increment, cache, bool(is_cycle))
        yield counting.named(name.name, name.schema)


def model_sequences(
    metadatas: Iterable[MetaData], facts: Facts, dialect: Dialect
) -> Iterator[Sequence]:
    """Yield the sequences that ``create_all()`` makes."""
    for metadata in metadatas:
        for sequence in metadata._sequences.values():
            schema = facts.schema_of(facts.folded(sequence.schema or facts.database))
            said = str(CreateSequence(sequence).compile(dialect=dialect))
            yield _counting(said).named(facts.folded(str(sequence.name)), schema)


def _counting(sql: str) -> _Counting:
    """Return what a CREATE SEQUENCE says, which an app may word in its own way."""
    words = _HEAD.sub("", sql, count=1)
    said = {match[1].upper(): int(match[2]) for match in _SAID.finditer(words)}
    increment = said.get("INCREMENT", 1)
    least, most = _bounds(increment)
    least, most = said.get("MINVALUE", least), said.get("MAXVALUE", most)
    return _Counting(
        least,
        most,
        said.get("START", least if increment >= 0 else most),
        increment,
        0 if _NO_CACHE.search(words) else said.get("CACHE", _CACHE),
        bool(_CYCLE.search(words)),
    )


def _bounds(increment: int) -> tuple[int, int]:
    """Return the least and the greatest value, where nobody says them.

    With 0 the server counts by ``auto_increment_increment``.
    """
    return (1, _MOST) if increment >= 0 else (-_MOST - 1, -1)


def next_value(default: str | None, facts: Facts) -> Expression | None:
    """Return a default that asks a sequence, without the name of our own database."""
    match = _NEXT.fullmatch(default or "")
    if match is None:
        return None
    schema, name = (_bare(match[group]) for group in ("schema", "name"))
    own = facts.schema_of(facts.folded(schema)) if schema else None
    where = ".".join(quoted(each) for each in (own, facts.folded(name)) if each)
    return Expression(f"nextval({where})", default or "")


def _bare(name: str | None) -> str:
    if name and name.startswith("`"):
        return name[1:-1].replace("``", "`")
    return name or ""
