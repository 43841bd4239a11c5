"""What the tables of a PostgreSQL database stand on, and what makes it.

Domains, composite and range types, and extensions belong to nobody's models.  Where
two databases are compared, the tables of the one cannot come to the other without.
Of a schema it is told if it holds more than what we manage: so it is not dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from whimbrel.catalog.postgresql_session import Session, literal
from whimbrel.catalog.postgresql_settled import settled
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import Footing, Option


_FOOTINGS = """
WITH RECURSIVE seeds AS (
    SELECT c.oid FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ({schemas}) AND c.relkind IN ('r', 'p', 'i', 'I')
), needed (class, object) AS (
    SELECT 'pg_catalog.pg_class'::regclass::oid, oid FROM seeds
    UNION SELECT 'pg_catalog.pg_attrdef'::regclass::oid, a.oid
    FROM pg_catalog.pg_attrdef a JOIN seeds s ON s.oid = a.adrelid
    UNION SELECT 'pg_catalog.pg_constraint'::regclass::oid, k.oid
    FROM pg_catalog.pg_constraint k JOIN seeds s ON s.oid = k.conrelid
    UNION SELECT d.class, d.object FROM needed n, LATERAL (
        SELECT d.refclassid AS class, d.refobjid AS object
        FROM pg_catalog.pg_depend d
        WHERE d.classid = n.class AND d.objid = n.object
        UNION ALL SELECT 'pg_catalog.pg_class'::regclass::oid, t.typrelid
        FROM pg_catalog.pg_type t WHERE t.oid = n.object AND t.typrelid <> 0
        AND n.class = 'pg_catalog.pg_type'::regclass) d
), attributes AS (
    SELECT a.attrelid, a.attnum, a.attname AS name, a.atttypid,
        pg_catalog.format_type(a.atttypid, a.atttypmod) || COALESCE((
            SELECT ' COLLATE ' || a.attcollation::regcollation::text
            FROM pg_catalog.pg_type b
            WHERE b.oid = a.atttypid AND b.typcollation <> a.attcollation), '') AS type
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    WHERE c.relkind = 'c' AND NOT a.attisdropped AND a.attnum > 0
)
SELECT t.oid, d.object IS NOT NULL, 'type', n.nspname, t.typname, CASE t.typtype
    WHEN 'd' THEN format('CREATE DOMAIN %s AS %s', t.oid::regtype,
        pg_catalog.format_type(t.typbasetype, t.typtypmod))
        || COALESCE((SELECT ' COLLATE ' || t.typcollation::regcollation::text
            FROM pg_catalog.pg_type b
            WHERE b.oid = t.typbasetype AND b.typcollation <> t.typcollation), '')
        || COALESCE(' DEFAULT ' || pg_catalog.pg_get_expr(t.typdefaultbin, 0), '')
        || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
        || COALESCE((SELECT string_agg(format(' CONSTRAINT %I %s', k.conname,
            pg_catalog.pg_get_constraintdef(k.oid)), '' ORDER BY k.conname)
            FROM pg_catalog.pg_constraint k
            WHERE k.contypid = t.oid AND k.contype = 'c'), '')
    WHEN 'c' THEN format('CREATE TYPE %s AS (%s)', t.oid::regtype,
        (SELECT string_agg(format('%I %s', a.name, a.type), ', ' ORDER BY a.attnum)
        FROM attributes a WHERE a.attrelid = t.typrelid))
    ELSE (SELECT format('CREATE TYPE %s AS RANGE (SUBTYPE = %s%s%s%s)', t.oid::regtype,
        r.rngsubtype::regtype,
        CASE WHEN r.rngsubdiff <> 0
            THEN ', SUBTYPE_DIFF = ' || r.rngsubdiff::regproc ELSE '' END,
        COALESCE((SELECT ', COLLATION = ' || r.rngcollation::regcollation
            FROM pg_catalog.pg_type b
            WHERE b.oid = r.rngsubtype AND b.typcollation <> r.rngcollation), ''),
        COALESCE(', MULTIRANGE_TYPE_NAME = '
            || (to_jsonb(r)->>'rngmultitypid')::oid::regtype, ''))
        FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid)
    END,
    pg_catalog.obj_description(t.oid, 'pg_type'),
    CASE WHEN t.typtype = 'd' THEN json_build_object(
        'type', pg_catalog.format_type(t.typbasetype, t.typtypmod),
        'collation', (SELECT t.typcollation::regcollation::text
            FROM pg_catalog.pg_type b
            WHERE b.oid = t.typbasetype AND b.typcollation <> t.typcollation),
        'default', pg_catalog.pg_get_expr(t.typdefaultbin, 0),
        'not_null', CASE WHEN t.typnotnull THEN 'on' END,
        'parts', (SELECT json_object_agg(k.conname,
                pg_catalog.pg_get_constraintdef(k.oid) ORDER BY k.conname)
            FROM pg_catalog.pg_constraint k
            WHERE k.contypid = t.oid AND k.contype = 'c'),
        'said', (SELECT json_object_agg(k.conname, ds.description)
            FROM pg_catalog.pg_constraint k
            JOIN pg_catalog.pg_description ds ON ds.objoid = k.oid
                AND ds.classoid = 'pg_catalog.pg_constraint'::regclass
            WHERE k.contypid = t.oid AND k.contype = 'c'))
    WHEN c.relkind = 'c' THEN json_build_object(
        'attributes', (SELECT json_agg(a.name ORDER BY a.attnum)::text
            FROM attributes a WHERE a.attrelid = t.typrelid),
        'parts', (SELECT json_object_agg(a.name, a.type)
            FROM attributes a WHERE a.attrelid = t.typrelid),
        'said', (SELECT json_object_agg(a.name, ds.description)
            FROM attributes a JOIN pg_catalog.pg_description ds
                ON ds.objoid = a.attrelid AND ds.objsubid = a.attnum
                AND ds.classoid = 'pg_catalog.pg_class'::regclass
            WHERE a.attrelid = t.typrelid)) END,
    (SELECT json_agg(COALESCE(NULLIF(e.typelem, 0), e.oid)::bigint)
    FROM pg_catalog.pg_type e
    WHERE e.oid = t.typbasetype
    OR e.oid IN (SELECT a.atttypid FROM attributes a WHERE a.attrelid = t.typrelid)
    OR e.oid IN (
        SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid))
FROM pg_catalog.pg_type t
LEFT JOIN needed d ON t.oid = d.object AND d.class = 'pg_catalog.pg_type'::regclass
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
WHERE (t.typtype IN ('d', 'r') OR c.relkind = 'c') AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend e
    WHERE e.classid = 'pg_catalog.pg_type'::regclass
    AND e.objid = t.oid AND e.deptype = 'e')
UNION ALL
SELECT x.oid, d.object IS NOT NULL, 'extension', n.nspname, x.extname,
    format('CREATE EXTENSION IF NOT EXISTS %I', x.extname)
        || CASE WHEN n.nspname IN ({default}, 'pg_catalog') THEN ''
                ELSE format(' SCHEMA %I', n.nspname) END, NULL, NULL, NULL
FROM pg_catalog.pg_extension x LEFT JOIN needed d ON x.oid = d.object
    AND d.class = 'pg_catalog.pg_extension'::regclass
JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
UNION ALL
SELECT n.oid, false, 'schema', NULL, n.nspname,
    format('CREATE SCHEMA IF NOT EXISTS %I', n.nspname),
    NULLIF(pg_catalog.obj_description(n.oid, 'pg_namespace'),
        CASE WHEN n.nspname = {default} THEN 'standard public schema' END),
    CASE WHEN n.nspname = {default} OR EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.refclassid = 'pg_catalog.pg_namespace'::regclass AND d.refobjid = n.oid
        AND d.classid NOT IN ('pg_catalog.pg_class'::regclass,
            'pg_catalog.pg_type'::regclass, 'pg_catalog.pg_constraint'::regclass)
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend i
            WHERE i.classid = d.classid AND i.objid = d.objid AND i.deptype = 'i')
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_statistic_ext x
            JOIN pg_catalog.pg_class c ON c.oid = x.stxrelid
                AND c.relnamespace = n.oid AND c.relkind IN ('r', 'p')
            WHERE x.oid = d.objid
                AND d.classid = 'pg_catalog.pg_statistic_ext'::regclass))
    OR EXISTS (
        SELECT FROM pg_catalog.pg_class c
        WHERE c.relnamespace = n.oid AND c.relkind IN ('v', 'm', 'f'))
    THEN json_build_object('held', 'on') END, NULL
FROM pg_catalog.pg_namespace n
WHERE n.nspname IN ({schemas}) AND (n.nspname <> {default} OR n.nspname = 'public')
ORDER BY 1
"""


def read_postgresql_footings(
    connection: Connection, scope: Scope
) -> tuple[Footing, ...]:
    """Return what there is for tables to stand on, each behind what it is made of.

    What those in *scope* need is told apart.
    """
    session = Session(connection)
    schemas = ", ".join(
        literal(schema or session.default_schema) for schema in scope.schemas
    )
    with session.undone():
        session.see_only_default_schema()
        rows = session.rows(
            _FOOTINGS.format(schemas=schemas, default=literal(session.default_schema))
        )
        return tuple(
            Footing(
                kind=kind,
                name=name,
                schema=session.schema(schema) if schema else None,
                made=made,
                is_needed=is_needed,
                says=frozenset(_said(made, comment, domain)),
            )
            for _, is_needed, kind, schema, name, made, comment, domain, _ in _in_order(
                rows
            )
        )


def _in_order(rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """Yield things as they were made, but for types that got parts of later ones."""
    left = {row[0]: row for row in rows}

    def yielded(number: int) -> Iterator[Sequence[Any]]:
        row = left.pop(number, None)
        if row is not None:
            for each in sorted(row[-1] or ()):
                yield from yielded(each)
            yield row

    for number in (*left,):
        yield from yielded(number)


def _said(
    made: str, comment: str | None, more: dict[str, Any] | None
) -> Iterator[Option]:
    """Yield what is said of a thing; each part of it by its name."""
    told: dict[str, str | None] = {"comment": comment}
    if more is None or "parts" not in more:
        told |= {"made": made, **(more or {})}
    else:
        parts, said = (more.pop(each, None) or {} for each in ("parts", "said"))
        told |= more
        told |= {f"part {name}": settled(text) for name, text in parts.items()}
        told |= {f"said {name}": text for name, text in said.items()}
    for name, value in told.items():
        if value is not None:
            yield Option(name, value)
