"""The types and sequences that models name, and what stands in for those not there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ARRAY, MetaData, Table, TypeDecorator, types
from sqlalchemy import Sequence as ModelSequence
from sqlalchemy.dialects.postgresql import DOMAIN, ENUM
from sqlalchemy.dialects.postgresql.named_types import CreateDomainType
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import DDLCompiler

from whimbrel.catalog.postgresql_names import clipped
from whimbrel.catalog.postgresql_sequences import counting_of, standing
from whimbrel.catalog.postgresql_session import Session, literal
from whimbrel.errors import ModelsError
from whimbrel.schema.state import Enum, Footing
from whimbrel.schema.state import Sequence as StoredSequence


NamedType = ENUM | DOMAIN
_MAKES_NAMES = (types.Enum, ARRAY, TypeDecorator, DOMAIN)
_KNOWN = """
SELECT n.nspname, t.typname,
       CASE WHEN t.typtype = 'e' THEN
           ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e
                 WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) END
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE t.typname IN ({names})
UNION ALL
SELECT n.nspname, c.relname, NULL
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relname IN ({names})
"""

_DOMAIN = """
SELECT t.typnamespace = pg_catalog.pg_my_temp_schema(),
       pg_catalog.format_type(t.typbasetype, t.typtypmod)
       || COALESCE(' DEFAULT ' || pg_catalog.pg_get_expr(t.typdefaultbin, 0), '')
       || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
       || COALESCE((SELECT string_agg(' ' || d.said, '' ORDER BY d.said)
           FROM pg_catalog.pg_constraint k,
           LATERAL (SELECT pg_catalog.pg_get_constraintdef(k.oid) AS said) d
           WHERE k.contypid = t.oid AND k.contype = 'c'), '')
FROM pg_catalog.pg_type t WHERE t.oid IN ({names})
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a type or a sequence stands; schema None is the default one."""

    name: str
    schema: str | None


@dataclass(frozen=True, slots=True)
class Named:
    """The types and sequences that models name, by their places."""

    types: dict[Place, NamedType] = field(default_factory=dict)
    sequences: dict[Place, ModelSequence] = field(default_factory=dict)

    @property
    def enums(self) -> frozenset[Enum]:
        """The enumerated types among them."""
        return frozenset(
            Enum(name=place.name, schema=place.schema, values=values_of(type_))
            for place, type_ in self.types.items()
            if isinstance(type_, ENUM)
        )

    def standing(self, dialect: Dialect) -> Iterator[StoredSequence]:
        """Yield the sequences among them."""
        for place, sequence in self.sequences.items():
            counting = counting_of(sequence, _spelling(sequence, dialect))
            yield standing(place.name, place.schema, counting)


def _spelling(sequence: ModelSequence, dialect: Dialect) -> str:
    """Return the type of what a sequence of the models counts."""
    if sequence.data_type is None:
        return "bigint"
    return dialect.type_compiler_instance.process(sequence.data_type).lower()


def named_things(
    metadatas: Sequence[MetaData], tables: Iterable[Table], dialect: Dialect
) -> Named:
    """Return the types and sequences that the models name."""
    found = Named()
    for type_ in filter(_may_name, _types(metadatas, tables)):
        for named in named_types(type_, dialect):
            place = _place(named, dialect)
            known = found.types.setdefault(place, named)
            _refuse_two(place, known, named)
    for metadata in metadatas:
        for sequence in metadata._sequences.values():
            if sequence.optional:
                continue  # PostgreSQL has SERIAL
            found.sequences[_place(sequence, dialect)] = sequence
    return found


def _may_name(type_: Any) -> bool:
    """Whether a column type can be made of named ones."""
    return isinstance(type_, _MAKES_NAMES) or bool(type_._variant_mapping)


def named_types(type_: Any, dialect: Dialect) -> Iterator[NamedType]:
    """Yield the named types that a column type is made of, parts before the whole."""
    if not _may_name(type_):
        return
    made = type_.dialect_impl(dialect)
    if isinstance(made, TypeDecorator):
        yield from named_types(made.impl_instance, dialect)
    elif isinstance(made, ARRAY):
        yield from named_types(made.item_type, dialect)
    elif isinstance(made, ENUM):
        yield made
    elif isinstance(made, DOMAIN):
        yield from named_types(made.data_type, dialect)
        said = type_._variant_mapping.get(dialect.name, type_)
        yield said if isinstance(said, DOMAIN) else made  # early 2.0 copies but half


def values_of(type_: ENUM) -> tuple[str, ...]:
    """Return the values of an enumerated type as the database keeps them."""
    return tuple(str(value) for value in type_.enums)


def _types(metadatas: Sequence[MetaData], tables: Iterable[Table]) -> Iterator[Any]:
    for table in tables:
        for column in table.columns:
            yield column.type
    for metadata in metadatas:
        for thing in _standing_alone(metadata):
            if isinstance(thing, _MAKES_NAMES):
                yield thing


def _standing_alone(metadata: MetaData) -> Iterator[Any]:
    """Yield the types that were given *metadata*, be they of no column.

    SQLAlchemy 2.1 keeps them; before, they only wait to be told of ``create_all``.
    """
    yield from getattr(metadata, "_objects", ())
    for listener in metadata.dispatch.before_create:
        type_ = getattr(listener, "target", None)
        if getattr(type_, "metadata", None) is metadata:
            yield type_


def _place(thing: Any, dialect: Dialect) -> Place:
    preparer: Any = dialect.identifier_preparer
    schema = preparer.schema_for_object(thing)
    usual = schema == dialect.default_schema_name
    return Place(clipped(str(thing.name)), None if usual else schema)


def _refuse_two(place: Place, known: NamedType, other: NamedType) -> None:
    """Refuse two enumerated types of one name with different values."""
    if not (isinstance(known, ENUM) and isinstance(other, ENUM)):
        return
    ours, theirs = values_of(known), values_of(other)
    if ours != theirs:
        raise ModelsError(
            f"Two enumerated types are called {place.name}: one with the values"
            f" {', '.join(ours)}, one with {', '.join(theirs)}.",
            "Give one of them another name, or both the same values.",
            type=place.name,
        )


class StandIns:
    """What stands in, in the temporary schema, for what is not in the database yet.

    What lies in the default schema is stood in for by its own name, since the
    temporary schema is looked through first; what lies in another one by a made-up
    name, which the texts get instead.
    """

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.domains: list[Footing] = []
        """The domains that the models name and the database does not have yet."""
        self._twins: dict[str, str] = {}
        self._away: dict[str, str] = {}
        self._back: dict[str, str] = {}

    @classmethod
    def of(cls, named: Named, session: Session, ddl: DDLCompiler) -> StandIns:
        """Return what must stand in for what of *named* is not there."""
        found = cls()
        places = [*named.types, *named.sequences]
        if not places:
            return found
        preparer: Any = ddl.preparer
        names = ", ".join(sorted({literal(place.name) for place in places}))
        known = {
            Place(name, session.schema(schema)): values and tuple(values)
            for schema, name, values in session.rows(_KNOWN.format(names=names))
        }
        for place, type_ in named.types.items():
            values = values_of(type_) if isinstance(type_, ENUM) else None
            if place not in known or known[place] != values:
                name = found._name(place, preparer.format_type(type_))
                found.statements.append(_created(type_, name, ddl))
            if isinstance(type_, DOMAIN) and place not in known:
                found.domains.append(_footing(type_, place, ddl))
            elif isinstance(type_, DOMAIN):
                found._stand_beside(type_, preparer.format_type(type_), ddl)
        for place, sequence in named.sequences.items():
            if place not in known:
                name = found._name(place, preparer.format_sequence(sequence))
                found.statements.append(f"CREATE TEMPORARY SEQUENCE {name}")
        return found

    def _stand_beside(self, domain: DOMAIN, written: str, ddl: DDLCompiler) -> None:
        """Let the server spell a domain that is there as the models have it."""
        twin = f"whimbrel_domain_{len(self._twins)}"
        self.statements.append(_created(domain, twin, ddl))
        self._twins[twin] = written

    def discords(self, session: Session) -> Iterator[str]:
        """Yield what of the domains is otherwise in the database than in the models."""
        for twin, written in self._twins.items():
            names = (
                f"{literal(written)}::regtype, {literal(f'pg_temp.{twin}')}::regtype"
            )
            told = sorted(map(tuple, session.rows(_DOMAIN.format(names=names))))
            (_, there), (_, wanted) = told
            if there != wanted:
                yield (
                    f"The domain {written} is {there} in the database, and {wanted} in"
                    " the models. A domain that is there is not changed by generated"
                    " scripts: write one with ALTER DOMAIN."
                )

    def away(self, text: str) -> str:
        """Return *text* with the stand-ins' names in it."""
        for name, stand_in in self._away.items():
            pattern = rf'(?<![\w".]){re.escape(name)}(?![\w"])'
            text = re.sub(pattern, stand_in, text)
        return text

    def back(self, text: str) -> str:
        """Return *text* with the names that the stand-ins stand for."""
        for stand_in, name in self._back.items():
            text = text.replace(stand_in, name)
        return text

    def _name(self, place: Place, written: str) -> str:
        """Return the name of what stands in for what is *written* so."""
        if place.schema is None:
            bare = written.rpartition(".")[2] if "." not in place.name else written
            if bare != written:
                self._away[written] = bare
            return bare
        name = f"whimbrel_stand_in_{len(self._away)}_"
        self._away[written], self._back[name] = name, written
        return name


def _footing(domain: DOMAIN, place: Place, ddl: DDLCompiler) -> Footing:
    return Footing(
        kind="type",
        name=place.name,
        schema=place.schema,
        made=" ".join(ddl.process(CreateDomainType(domain)).split()),
        is_needed=True,
    )


def _created(type_: NamedType, name: str, ddl: DDLCompiler) -> str:
    if isinstance(type_, ENUM):
        values = ", ".join(map(literal, values_of(type_)))
        return f"CREATE TYPE pg_temp.{name} AS ENUM ({values})"
    preparer: Any = ddl.preparer
    text = ddl.process(CreateDomainType(type_))
    written = f"CREATE DOMAIN {preparer.format_type(type_)} "
    return f"CREATE DOMAIN pg_temp.{name} {text.removeprefix(written)}"
