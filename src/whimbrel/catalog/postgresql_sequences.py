"""The sequences of a PostgreSQL database: those that a column owns, and the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from whimbrel.catalog.postgresql_session import Session, literal
from whimbrel.schema.state import NO_OPTIONS, Identity, Option, Options


_OWNED = """
SELECT d.refobjid, d.refobjsubid, d.deptype = 'i', s.seqrelid::regclass::text,
       pg_catalog.format_type(s.seqtypid, NULL),
       s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle, s.seqcache
FROM pg_catalog.pg_sequence s
JOIN pg_catalog.pg_depend d ON d.objid = s.seqrelid
    AND d.classid = 'pg_catalog.pg_class'::regclass
    AND d.refclassid = 'pg_catalog.pg_class'::regclass
    AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
JOIN pg_catalog.pg_class c ON c.oid = d.refobjid
WHERE {which}
"""
_BITS = {"smallint": 15, "integer": 31, "bigint": 63}


@dataclass(frozen=True, slots=True)
class Counting:
    """How a sequence counts, in the catalog's own numbers."""

    type_spelling: str
    start: int
    increment: int
    least: int
    most: int
    is_cycle: bool
    cache: int

    @property
    def options(self) -> Options:
        """What differs from what the server does when it is told nothing."""
        most = 2 ** _BITS[self.type_spelling] - 1
        rises = self.increment > 0
        usual_least, usual_most = (1, most) if rises else (-most - 1, -1)
        first = self.least if rises else self.most
        told = {
            "start": str(self.start) if self.start != first else None,
            "increment": str(self.increment) if self.increment != 1 else None,
            "minvalue": str(self.least) if self.least != usual_least else None,
            "maxvalue": str(self.most) if self.most != usual_most else None,
            "cycle": "on" if self.is_cycle else None,
            "cache": str(self.cache) if self.cache != 1 else None,
        }
        found = frozenset(Option(name, value) for name, value in told.items() if value)
        return found or NO_OPTIONS


@dataclass(frozen=True, slots=True)
class Owned:
    """A sequence that a column owns.

    Args:
        is_identity: it belongs to an identity column.
        name: the sequence as SQL refers to it.
        counting: how it counts.
    """

    is_identity: bool
    name: str
    counting: Counting

    @property
    def next_value(self) -> str:
        """The default by which its column counts, as the server spells it."""
        return f"nextval({literal(self.name).strip()}::regclass)"

    def identity(self, is_always: bool) -> Identity:
        """Return the identity that counts by this sequence."""
        return Identity(is_always=is_always, options=self.counting.options)


OwnedSequences = Mapping[tuple[int, int], Owned]


def read_owned(session: Session, which: str) -> OwnedSequences:
    """Return the sequences that columns own, by table and number of the column."""
    return dict(_owned(session, which))


def _owned(session: Session, which: str) -> Iterator[tuple[tuple[int, int], Owned]]:
    for row in session.rows(_OWNED.format(which=which)):
        table, column, is_identity, name, *counting = row
        yield (table, column), Owned(is_identity, name, Counting(*counting))
