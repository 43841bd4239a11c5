"""The indexes of a PostgreSQL database's tables, and the keys that stand on indexes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from whimbrel.catalog.postgresql_columns import TableColumns
from whimbrel.catalog.postgresql_parameters import parameters_text
from whimbrel.catalog.postgresql_session import Session, literal
from whimbrel.catalog.postgresql_types import stored_expression
from whimbrel.schema.state import (
    NO_OPTIONS,
    Constraint,
    Exclusion,
    ExclusionPart,
    Index,
    IndexPart,
    Option,
    Options,
    PrimaryKey,
    Unique,
)


_INDEXES = """
SELECT i.indexrelid, i.indrelid, ic.relname, am.amname, i.indisunique, i.indisvalid,
       i.indnkeyatts, i.indkey::text,
       pg_catalog.pg_get_expr(i.indpred, i.indrelid), ic.reloptions,
       ts.spcname, {distinct}, k.contype::text, k.conname,
       k.condeferrable, k.condeferred,
       CASE WHEN k.contype = 'x' THEN
           ARRAY(SELECT CASE WHEN n.nspname IN ('pg_catalog', {default})
                     THEN o.oprname::text
                     ELSE 'OPERATOR(' || quote_ident(n.nspname) || '.' || o.oprname
                         || ')' END
                 FROM unnest(k.conexclop) WITH ORDINALITY AS each(oid, place)
                 JOIN pg_catalog.pg_operator o ON o.oid = each.oid
                 JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
                 ORDER BY each.place) END,
       ds.description,
       i.indoption::text, i.indclass::text, i.indcollation::text,
       CASE WHEN ic.relispartition THEN
           (SELECT json_build_array(h.inhparent::regclass, w.indrelid::regclass,
                pg_catalog.pg_get_expr(c.relpartbound, c.oid))::text
            FROM pg_catalog.pg_inherits h
            JOIN pg_catalog.pg_index w ON w.indexrelid = h.inhparent
            WHERE h.inhrelid = ic.oid) END,
       CASE WHEN k.oid IS NOT NULL
           THEN pg_catalog.obj_description(i.indexrelid, 'pg_class') END
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
JOIN pg_catalog.pg_am am ON am.oid = ic.relam
LEFT JOIN pg_catalog.pg_tablespace ts ON ts.oid = ic.reltablespace
LEFT JOIN pg_catalog.pg_constraint k
    ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_catalog.pg_description ds ON ds.objoid = COALESCE(k.oid, i.indexrelid)
    AND ds.objsubid = 0 AND ds.classoid = CASE WHEN k.oid IS NULL
        THEN 'pg_catalog.pg_class'::regclass
        ELSE 'pg_catalog.pg_constraint'::regclass END
WHERE (NOT ic.relispartition OR k.conparentid = 0) AND {which}
"""
_CLASSES = """
SELECT oid::text FROM pg_catalog.pg_opclass WHERE NOT opcdefault
"""
# 100 is the collation "default" on every server.
_PARTS = """
SELECT i.indexrelid, p.place, CASE WHEN p.number = 0 THEN
           pg_catalog.pg_get_indexdef(i.indexrelid, p.place::integer, false) END,
       (p.bits & 1) = 1, (p.bits & 2) = 2,
       CASE WHEN o.opcdefault AND ia.attoptions IS NULL THEN NULL
            WHEN oc.nspname IN ('pg_catalog', {default}) THEN quote_ident(o.opcname)
            ELSE quote_ident(oc.nspname) || '.' || quote_ident(o.opcname) END,
       (SELECT string_agg(split_part(each, '=', 1) || '='
               || quote_literal(substr(each, strpos(each, '=') + 1)), ', ')
        FROM unnest(ia.attoptions) AS each),
       CASE WHEN cn.nspname IN ('pg_catalog', {default}) THEN co.collname::text
            ELSE cn.nspname || '.' || co.collname END,
       NULLIF(ia.attstattarget, -1)
FROM pg_catalog.pg_index i
CROSS JOIN LATERAL unnest(i.indkey::smallint[], i.indoption::smallint[],
    i.indclass::oid[], i.indcollation::oid[])
    WITH ORDINALITY AS p(number, bits, opclass, sorted, place)
JOIN pg_catalog.pg_opclass o ON o.oid = p.opclass
JOIN pg_catalog.pg_namespace oc ON oc.oid = o.opcnamespace
JOIN pg_catalog.pg_attribute ia ON ia.attrelid = i.indexrelid AND ia.attnum = p.place
LEFT JOIN pg_catalog.pg_attribute ta
    ON ta.attrelid = i.indrelid AND ta.attnum = p.number AND p.number > 0
LEFT JOIN pg_catalog.pg_collation co ON co.oid = p.sorted
    AND p.sorted <> COALESCE(ta.attcollation, 100)
LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
WHERE p.place <= i.indnkeyatts AND i.indexrelid IN ({indexes})
AND (p.number = 0 OR p.bits <> 0 OR NOT o.opcdefault OR ia.attoptions IS NOT NULL
     OR co.oid IS NOT NULL)
"""
_ON = frozenset({Option("nulls_not_distinct", "on")})


@dataclass(slots=True)
class TableIndexes:
    """What stands on the indexes of one table."""

    keys: list[Constraint] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)


Unusual = Mapping[tuple[int, int], Sequence[Any]]


def read_indexes(
    session: Session, which: str, columns: Mapping[int, TableColumns]
) -> dict[int, TableIndexes]:
    """Return the indexes and keys of tables, by the tables' identifiers.

    Args:
        session: where to read.
        which: the condition on the tables.
        columns: the columns of the tables.
    """
    distinct = "i.indnullsnotdistinct" if session.version >= (15,) else "false"
    default = literal(session.default_schema)
    rows = session.rows(
        _INDEXES.format(which=which, distinct=distinct, default=default)
    )
    classes = {row[0] for row in session.rows(_CLASSES)} if rows else set()
    asked = [
        str(row[0])
        for row in rows
        if _is_unusual(row, columns[row[1]].collated, classes)
    ]
    unusual: Unusual = {}
    if asked:
        query = _PARTS.format(indexes=", ".join(asked), default=default)
        unusual = {(row[0], row[1]): row for row in session.rows(query)}
    found: dict[int, TableIndexes] = {}
    for row in rows:
        table = found.get(row[1])
        if table is None:
            table = found[row[1]] = TableIndexes()
        numbers = [int(number) for number in row[7].split()]
        names = columns[row[1]].names
        match row[12]:
            case "p" | "u":
                table.keys.append(_key(row, [names[number] for number in numbers]))
            case "x":
                table.keys.append(_exclusion(row, _index(row, numbers, names, unusual)))
            case _:
                table.indexes.append(_index(row, numbers, names, unusual))
    return found


def _is_unusual(row: Sequence[Any], collated: Iterable[int], classes: set[str]) -> bool:
    """Whether more may be said of an index's parts than which columns they are.

    Args:
        row: the row of the index.
        collated: the columns whose collation is not the database's.
        classes: the operator classes that no index has by itself.
    """
    if row[12] in ("p", "u"):
        return False
    numbers, bits, own_classes, collations = (row[n].split() for n in (7, 18, 19, 20))
    return (
        row[3] not in ("btree", "hash")  # whose operator classes have parameters
        or "0" in numbers
        or any(each != "0" for each in bits)
        or not classes.isdisjoint(own_classes)
        or not {"0", "100"}.issuperset(collations)
        or not {str(each) for each in collated}.isdisjoint(numbers)
    )


def _key(row: Sequence[Any], columns: Sequence[str]) -> PrimaryKey | Unique:
    kind = PrimaryKey if row[12] == "p" else Unique
    count = row[6]
    options = _included(columns[count:])
    if row[11]:
        options |= _ON
    options |= _stored(row) | _deferrable(row) | _commented(row)
    if row[21]:
        options |= {Option("index_of", row[21])}
    return kind(name=row[13], columns=tuple(columns[:count]), options=options)


def _exclusion(row: Sequence[Any], index: Index) -> Exclusion:
    """Return the exclusion constraint that stands on *index*."""
    parts = [
        ExclusionPart(
            operator=operator,
            column=part.column,
            expression=part.expression,
            options=part.options,
            descending=part.descending,
        )
        for operator, part in zip(row[16], index.parts, strict=True)
    ]
    own = ("using", "index_comment", "index_statistics", "with", "tablespace")
    said = (each for each in index.options if each.name not in own)
    return Exclusion(
        name=row[13],
        parts=tuple(parts),
        using=row[3],
        where=index.where,
        options=frozenset(said) | _stored(row) | _deferrable(row) | _commented(row),
    )


def _stored(row: Sequence[Any]) -> Options:
    """Return how the index of a key is stored, of which models say nothing."""
    if not (row[9] or row[10]):
        return NO_OPTIONS
    told = {
        "key_with": parameters_text(row[9]) if row[9] else None,
        "key_tablespace": row[10],
    }
    return frozenset(Option(name, value) for name, value in told.items() if value)


def _commented(row: Sequence[Any]) -> Options:
    """Return the comments on a key, and on its index, of which models say nothing."""
    told = {"comment": row[17], "index_comment": row[22]}
    found = {Option(name, value) for name, value in told.items() if value is not None}
    return frozenset(found) if found else NO_OPTIONS


def _deferrable(row: Sequence[Any]) -> Options:
    if not row[14]:
        return NO_OPTIONS
    return frozenset({Option("deferrable", "deferred" if row[15] else "immediate")})


def _index(
    row: Sequence[Any],
    numbers: Sequence[int],
    names: Mapping[int, str],
    unusual: Unusual,
) -> Index:
    identifier, _, name, method, unique, _, count, _, where, *_ = row
    parts, targets = [], []
    for place, number in enumerate(numbers[:count], 1):
        column = names[number] if number else None
        said = unusual.get((identifier, place))
        parts.append(_plain(column) if said is None else _part(column, said))
        if said is not None and said[8] is not None:
            targets.append(f"{place}={said[8]}")
    return Index(
        name=name,
        parts=tuple(parts),
        unique=unique,
        where=None if where is None else stored_expression(where),
        options=frozenset(
            _options(row, method, [names[number] for number in numbers[count:]])
        )
        | _targets(targets),
    )


def _targets(targets: Sequence[str]) -> Options:
    """Return how many statistics are kept of an index's expressions."""
    if not targets:
        return NO_OPTIONS
    return frozenset({Option("index_statistics", parameters_text(targets))})


@lru_cache(maxsize=4096)
def _plain(column: str) -> IndexPart:
    return IndexPart(column=column)


def _part(column: str | None, said: Sequence[Any]) -> IndexPart:
    """Return a part of an index of which there is more to say than its column."""
    _, _, text, descending, nulls_first, opclass, parameters, collation, _ = said
    if parameters:
        opclass = f"{opclass}({parameters})"
    nulls = None
    if nulls_first != descending:
        nulls = "first" if nulls_first else "last"
    told = {"nulls": nulls, "ops": opclass, "collation": collation}
    return IndexPart(
        column=column,
        expression=None if text is None else stored_expression(text),
        descending=descending,
        options=frozenset(Option(each, value) for each, value in told.items() if value),
    )


def _options(
    row: Sequence[Any], method: str, included: Sequence[str]
) -> Iterator[Option]:
    if method != "btree":
        yield Option("using", method)
    yield from _included(included)
    if row[9]:
        yield Option("with", parameters_text(row[9]))
    if row[10]:
        yield Option("tablespace", row[10])
    if row[11]:
        yield from _ON
    if not row[5]:
        yield Option("invalid", "on")
    if row[17] is not None:
        yield Option("index_comment", row[17])


def _included(columns: Sequence[str]) -> Options:
    if not columns:
        return NO_OPTIONS
    return frozenset({Option("include", json.dumps(columns, ensure_ascii=False))})
