"""Which tables of information_schema are asked for together.

MariaDB opens each table anew for each query, which is quick as long as it remembers
the table from the query before: as many as ``table_open_cache`` says, 2,000 by default.
So all queries are put for some tables, then for the next. MySQL has a dictionary of its
own, and opens none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import text
from sqlalchemy.engine import Connection

from whimbrel.schema.dialect import dialect_of


PORTION = 1000
"""How many tables are asked for together."""

_COUNT = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = {schema}"
_NAMES = """
SELECT {number} AS number, table_name AS name
FROM information_schema.tables WHERE table_schema = {schema}
"""


@dataclass(frozen=True, slots=True)
class Part:
    """The tables of a database behind one name and up to another."""

    database: str
    behind: str | None = None
    up_to: str | None = None

    def condition(self, number: int) -> str:
        """Return what stands behind ``table_schema =``, its names as parameters."""
        words = [f":database_{number}"]
        if self.behind is not None:
            words.append(f"table_name > :behind_{number}")
        if self.up_to is not None:
            words.append(f"table_name <= :up_to_{number}")
        return " AND ".join(words)

    def parameters(self, number: int) -> Mapping[str, str | None]:
        """Return the parameters of the condition with the same *number*."""
        return {
            f"database_{number}": self.database,
            f"behind_{number}": self.behind,
            f"up_to_{number}": self.up_to,
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """A query for each of some parts, and the parameters of all of them."""

    queries: Sequence[str]
    given: Mapping[str, str | None]

    @classmethod
    def of(cls, query: str, parts: Sequence[Part], **words: str) -> Asked:
        """Return *query* for *parts*, its places filled with *words*."""
        given: dict[str, str | None] = {}
        for number, part in enumerate(parts):
            given |= part.parameters(number)
        queries = [
            query.format(number=number, schema=part.condition(number), **words)
            for number, part in enumerate(parts)
        ]
        return cls(queries, given)


def portions(
    connection: Connection, databases: Sequence[str]
) -> Iterator[Sequence[Part]]:
    """Yield what is asked for together; each table of *databases* is in one part.

    The server orders and compares the names, with the same collation.
    """
    all_at_once = [Part(database) for database in databases]
    if not dialect_of(connection).is_mariadb or _are_few(connection, all_at_once):
        yield all_at_once
        return
    waiting: list[Part] = []
    count = 0
    told = _names(connection, databases)
    for database, names in zip(databases, told, strict=True):
        ends = [None, *names[PORTION - 1 : -1 : PORTION], None]
        *whole, rest = [Part(database, *each) for each in pairwise(ends)]
        for part in whole:
            yield [part]
        left = len(names) - PORTION * len(whole)
        if count + left > PORTION:
            yield waiting
            waiting, count = [], 0
        waiting.append(rest)
        count += left
    yield waiting


def _are_few(connection: Connection, parts: Sequence[Part]) -> bool:
    """Whether all tables of *parts* can be asked for together."""
    if not parts:
        return True
    asked = Asked.of(_COUNT, parts)
    counts: Iterable[int] = connection.scalars(
        text(" UNION ALL ".join(asked.queries)), asked.given
    )
    return sum(counts) <= PORTION


def _names(connection: Connection, databases: Sequence[str]) -> list[list[str]]:
    """Return the names of the tables of each database, in the order of the server."""
    found: list[list[str]] = [[] for _ in databases]
    if databases:
        asked = Asked.of(_NAMES, [Part(database) for database in databases])
        statement = text(" UNION ALL ".join(asked.queries) + " ORDER BY name")
        for number, name in connection.execute(statement, asked.given):
            found[number].append(name)
    return found
