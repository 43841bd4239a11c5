"""The sequences of a PostgreSQL database: those that a column owns, and the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Sequence as ModelSequence

from whimbrel.catalog.postgresql_session import Session, literal
from whimbrel.schema.names import fitted_name
from whimbrel.schema.state import (
    NO_OPTIONS,
    Counter,
    Expression,
    Identity,
    Option,
    Options,
    Sequence,
)


_OWNED = """
SELECT s.seqrelid, d.refobjid, d.refobjsubid, d.deptype = 'i',
       s.seqrelid::regclass::text,
       pg_catalog.format_type(s.seqtypid, NULL),
       s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle, s.seqcache,
       n.nspname, q.relname, c.relname, a.attname,
       d.refobjid::regclass || '.' || quote_ident(a.attname),
       pg_catalog.obj_description(s.seqrelid, 'pg_class'),
       q.relnamespace = c.relnamespace AND a.attnotnull
       AND a.atttypid = s.seqtypid
FROM pg_catalog.pg_sequence s
JOIN pg_catalog.pg_class q ON q.oid = s.seqrelid
JOIN pg_catalog.pg_namespace n ON n.oid = q.relnamespace
JOIN pg_catalog.pg_depend d ON d.objid = s.seqrelid
    AND d.classid = 'pg_catalog.pg_class'::regclass
    AND d.refclassid = 'pg_catalog.pg_class'::regclass
    AND d.refobjsubid > 0 AND (d.deptype = 'i' OR d.deptype = 'a' AND EXISTS (
        SELECT FROM pg_catalog.pg_attrdef ad
        WHERE ad.adrelid = d.refobjid AND ad.adnum = d.refobjsubid
        AND pg_catalog.pg_get_expr(ad.adbin, ad.adrelid)
            = format('nextval(%L::regclass)', s.seqrelid::regclass)))
JOIN pg_catalog.pg_class c ON c.oid = d.refobjid
JOIN pg_catalog.pg_attribute a
    ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE {which}
"""
_STANDING = """
SELECT n.nspname, c.relname, pg_catalog.format_type(s.seqtypid, NULL),
       s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle, s.seqcache,
       ds.description, o.refobjid::regclass || '.' || quote_ident(a.attname),
       CASE WHEN c.relpersistence = 'u' AND o.refobjid IS NULL THEN 'on' END
FROM (
    SELECT seqrelid FROM pg_catalog.pg_sequence
    EXCEPT SELECT pg_catalog.unnest('{{{known}}}'::oid[])
) left_over
JOIN pg_catalog.pg_sequence s USING (seqrelid)
JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_description ds ON ds.objoid = c.oid
    AND ds.classoid = 'pg_catalog.pg_class'::regclass
LEFT JOIN LATERAL (
    SELECT * FROM pg_catalog.pg_depend d
    WHERE d.objid = c.oid AND d.deptype IN ('a', 'i')
    AND d.classid = 'pg_catalog.pg_class'::regclass
    AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0
    OFFSET 0
) o ON true
LEFT JOIN pg_catalog.pg_attribute a
    ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
LEFT JOIN pg_catalog.pg_attrdef ad
    ON ad.adrelid = o.refobjid AND ad.adnum = o.refobjsubid
WHERE n.nspname IN ({schemas}) AND o.deptype IS DISTINCT FROM 'i'
AND pg_catalog.pg_get_expr(ad.adbin, ad.adrelid)
    IS DISTINCT FROM format('nextval(%L::regclass)', c.oid::regclass)
AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
    AND d.deptype = 'e')
"""
COMMENT = "sequence_comment"
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
        usual_least, usual_most = usual_bounds(self.type_spelling, self.increment)
        first = self.least if self.increment > 0 else self.most
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
        number: its object identifier.
        is_identity: it belongs to an identity column.
        name: the sequence as SQL refers to it.
        counting: how it counts.
        standing: the sequence as if it stood by itself.
        is_usual: it is the one that a serial type makes.
    """

    number: int
    is_identity: bool
    name: str
    counting: Counting
    standing: Sequence
    is_usual: bool

    @property
    def next_value(self) -> str:
        """The default by which its column counts, as the server spells it."""
        return f"nextval({literal(self.name).strip()}::regclass)"

    def identity(self, is_always: bool) -> Identity:
        """Return the identity that counts by this sequence."""
        return Identity(is_always=is_always, options=self.counting.options)

    @property
    def remarks(self) -> Options:
        """What is said of the sequence itself, told of its identity column."""
        return frozenset(e for e in self.standing.options if e.name == COMMENT)

    @property
    def counter(self) -> Counter | None:
        """What a serial column counts by, if its type alone would not make it."""
        if self.is_usual:
            return None
        asked = Expression(self.next_value, self.next_value)
        return Counter(sequence=self.standing, default=asked)


OwnedSequences = Mapping[tuple[int, int], Owned]


def read_owned(session: Session, which: str) -> OwnedSequences:
    """Return the sequences that columns own, by table and number of the column."""
    return dict(_owned(session, which))


def read_sequences(
    session: Session, schemas: str, owned: OwnedSequences
) -> Iterator[Sequence]:
    """Yield the sequences of some schemas by which no column of its own counts.

    Args:
        session: where to read.
        schemas: the names of the schemas, as SQL lists them.
        owned: sequences by which columns are known to count.
    """
    known = ",".join(str(each.number) for each in owned.values())
    for row in session.rows(_STANDING.format(schemas=schemas, known=known)):
        schema, name, *counting, comment, owner, unlogged = row
        found = standing(name, session.schema(schema), Counting(*counting))
        yield _with_more(found, comment, owner, unlogged)


def _with_more(
    sequence: Sequence,
    comment: str | None,
    owner: str | None,
    unlogged: str | None = None,
) -> Sequence:
    told = {COMMENT: comment, "owned_by": owner, "sequence_unlogged": unlogged}
    more = {Option(option, value) for option, value in told.items() if value}
    return replace(sequence, options=sequence.options | more)


def standing(name: str, schema: str | None, counting: Counting) -> Sequence:
    """Return a sequence by which no column counts, as the models say it."""
    spelling = counting.type_spelling
    return Sequence(
        name=name,
        schema=schema,
        type=None if spelling == "bigint" else spelling,
        options=counting.options,
    )


def counting_of(sequence: ModelSequence, type_spelling: str) -> Counting:
    """Return how a sequence of the models counts."""
    increment = 1 if sequence.increment is None else sequence.increment
    least, most = usual_bounds(type_spelling, increment)
    if sequence.minvalue is not None:
        least = sequence.minvalue
    if sequence.maxvalue is not None:
        most = sequence.maxvalue
    first = least if increment > 0 else most
    return Counting(
        type_spelling,
        first if sequence.start is None else sequence.start,
        increment,
        least,
        most,
        bool(sequence.cycle),
        1 if sequence.cache is None else sequence.cache,
    )


def usual_bounds(type_spelling: str, increment: int) -> tuple[int, int]:
    """Return the least and the greatest value, where nobody says them."""
    most = 2 ** _BITS[type_spelling] - 1
    return (1, most) if increment > 0 else (-most - 1, -1)


def _owned(session: Session, which: str) -> Iterator[tuple[tuple[int, int], Owned]]:
    for row in session.rows(_OWNED.format(which=which)):
        sequence_number, number, column, is_identity, name, *rest = row
        *numbers, schema, own, table, field, owner, comment, is_alike = rest
        counting = Counting(*numbers)
        sequence = standing(own, session.schema(schema), counting)
        usual = own == fitted_name(table, field, "seq")
        yield (
            (number, column),
            Owned(
                sequence_number,
                is_identity,
                name,
                counting,
                _with_more(sequence, comment, owner),
                is_alike and usual and not counting.options and comment is None,
            ),
        )
