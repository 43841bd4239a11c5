"""The columns of a PostgreSQL database's tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from whimbrel.catalog.postgresql_parameters import parameters_text
from whimbrel.catalog.postgresql_sequences import OwnedSequences
from whimbrel.catalog.postgresql_session import Session, literal
from whimbrel.catalog.postgresql_types import default_expression, stored_expression
from whimbrel.schema.state import (
    NO_OPTIONS,
    Column,
    Computed,
    Option,
    Options,
    Type,
)


# 100 is the collation "default" on every server, 0 says that there is none.
_COLUMNS = r"""
SELECT a.attrelid, a.attnum, a.attname, a.attislocal AND NOT c.relispartition,
       pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
       CASE WHEN a.atthasdef THEN
           (SELECT CASE WHEN t.typtype <> 'd' OR t.typdefault IS NOT NULL
                OR said !~ '^\(*NULL(::[\w\s.",\[\]]+(\([\d,]+\))?(\[\])*\)?)+$'
                THEN said END
            FROM pg_catalog.pg_attrdef d,
                pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS said
            WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END,
       a.attgenerated::text, a.attidentity::text,
       CASE WHEN cn.nspname IN ('pg_catalog', {default}) THEN co.collname::text
            WHEN co.oid IS NOT NULL THEN cn.nspname || '.' || co.collname END,
       CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END,
       {compression}, NULLIF(a.attstattarget, -1),
       CASE WHEN a.attoptions::text LIKE '%n\_distinct%' THEN
           (SELECT string_agg(each, ',') FROM unnest(a.attoptions) AS each
            WHERE each LIKE 'n\_distinct%') END,
       CASE WHEN a.attcollation NOT IN (0, 100) THEN true END,
       ds.description
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_collation co
    ON co.oid = a.attcollation AND a.attcollation <> t.typcollation
LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
LEFT JOIN pg_catalog.pg_description ds ON ds.objoid = a.attrelid
    AND ds.objsubid = a.attnum AND ds.classoid = 'pg_catalog.pg_class'::regclass
WHERE a.attnum > 0 AND NOT a.attisdropped AND {which}
ORDER BY a.attrelid, a.attnum
"""
_NAMES = """
SELECT attrelid, attnum, attname FROM pg_catalog.pg_attribute
WHERE attnum > 0 AND NOT attisdropped AND attrelid IN ({tables})
"""
_STORAGE = {"p": "plain", "e": "external", "m": "main", "x": "extended"}
_COMPRESSION = {"p": "pglz", "l": "lz4"}
_SERIAL = frozenset({Option("serial", "on")})


@dataclass(frozen=True, slots=True)
class TableColumns:
    """The columns of one table.

    Args:
        names: the names of all columns, by their numbers.
        own: those that the table does not merely inherit.
        collated: the numbers of those whose collation is not the database's.
    """

    names: dict[int, str] = field(default_factory=dict)
    own: list[Column] = field(default_factory=list)
    collated: set[int] = field(default_factory=set)

    def named(self, numbers: Sequence[int]) -> tuple[str, ...]:
        """Return the names of the columns with these *numbers*."""
        return tuple([self.names[number] for number in numbers])


def read_columns(
    session: Session, which: str, owned: OwnedSequences
) -> dict[int, TableColumns]:
    """Return the columns of tables, by the tables' object identifiers.

    Args:
        session: where to read.
        which: the condition on the tables.
        owned: the sequences that columns own.
    """
    tables: dict[int, TableColumns] = {}
    made: dict[Sequence[Any], Column] = {}
    default = literal(session.default_schema)
    compression = "NULLIF(a.attcompression::text, '')"
    query = _COLUMNS.format(
        which=which,
        default=default,
        compression=compression if session.version >= (14,) else "NULL",
    )
    for row in session.rows(query):
        relation, number, name, is_local, *rest = row
        table = tables.get(relation)
        if table is None:
            table = tables[relation] = TableColumns()
        table.names[number] = name
        if rest[-2]:
            table.collated.add(number)
        if not is_local:
            continue
        if (relation, number) in owned:
            table.own.append(_counted(row, len(table.own), owned))
            continue
        key = (name, len(table.own), *rest)
        column = made.get(key)
        if column is None:
            column = made[key] = _column(row, len(table.own))
        table.own.append(column)
    return tables


def read_names(session: Session, tables: Sequence[int]) -> dict[int, dict[int, str]]:
    """Return the names of the columns of *tables*, by their numbers."""
    found: dict[int, dict[int, str]] = {table: {} for table in tables}
    if tables:
        listed = ", ".join(map(str, tables))
        for table, number, name in session.rows(_NAMES.format(tables=listed)):
            found[table][number] = name
    return found


def _column(row: Sequence[Any], position: int) -> Column:
    """Return the column of a row."""
    _, _, name, _, spelling, never_null, text, generated, _, collation = row[:10]
    computed = default = None
    if generated:
        computed = Computed(
            expression=stored_expression(text), is_stored="s" in generated
        )
    elif text is not None:
        default = default_expression(text, spelling)
    return Column(
        name=name,
        type=Type(spelling),
        nullable=not never_null,
        default=default,
        collation=collation,
        computed=computed,
        comment=row[-1],
        options=_stored(*row[10:14]),
        position=position,
    )


def _stored(
    storage: str | None,
    compression: str | None,
    statistics: int | None,
    settings: str | None,
) -> Options:
    """Return how values are stored and counted, where that is not as it is anyway."""
    if not (storage or compression or settings) and statistics is None:
        return NO_OPTIONS
    told = {
        "storage": _STORAGE.get(storage or ""),
        "compression": _COMPRESSION.get(compression or ""),
        "statistics": None if statistics is None else str(statistics),
        "settings": parameters_text(settings.split(",")) if settings else None,
    }
    return frozenset(Option(name, value) for name, value in told.items() if value)


def _counted(row: Sequence[Any], position: int, owned: OwnedSequences) -> Column:
    """Return the column of a row that owns a sequence."""
    relation, number, name, _, spelling, never_null, text, _, identity, *_ = row
    sequence = owned[relation, number]
    is_serial = not sequence.is_identity and text == sequence.next_value
    if not (is_serial or sequence.is_identity):
        return _column(row, position)
    own = _SERIAL if is_serial else sequence.remarks
    return Column(
        name=name,
        type=Type(spelling),
        nullable=not never_null,
        identity=sequence.identity(identity == "a") if sequence.is_identity else None,
        comment=row[-1],
        options=_stored(*row[10:14]) | own,
        position=position,
        counter=sequence.counter,
    )
