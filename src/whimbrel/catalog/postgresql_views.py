"""The views of a PostgreSQL database: what they read, and what makes them again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter
from typing import Any

from whimbrel.catalog.postgresql_session import Session
from whimbrel.schema.state import Onlooker, TableName, Use


_FIRST = 16384
"""The first number of what initdb did not make; its views read nothing else."""

_VIEWS = """
SELECT v.oid, n.nspname, v.relname, v.oid::regclass::text, v.relkind = 'm',
       pg_catalog.pg_get_viewdef(v.oid), v.reloptions, v.relispopulated,
       CASE WHEN v.relowner <> (SELECT r.oid FROM pg_catalog.pg_roles r
                                WHERE r.rolname = current_user)
            THEN v.relowner::regrole::text END,
       u.uses
FROM pg_catalog.pg_class v
JOIN pg_catalog.pg_namespace n ON n.oid = v.relnamespace
JOIN (SELECT r.ev_class, json_agg(DISTINCT jsonb_build_array(
          tn.nspname, t.relname, COALESCE(a.attname, k.conname))) AS uses
      FROM pg_catalog.pg_rewrite r
      JOIN pg_catalog.pg_depend d ON d.objid = r.oid
          AND d.classid = 'pg_catalog.pg_rewrite'::regclass
      LEFT JOIN pg_catalog.pg_constraint k ON k.oid = d.refobjid
          AND d.refclassid = 'pg_catalog.pg_constraint'::regclass
      JOIN pg_catalog.pg_class t ON t.oid <> r.ev_class
          AND t.oid = CASE WHEN d.refclassid = 'pg_catalog.pg_class'::regclass
                           THEN d.refobjid ELSE k.conrelid END
      JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
          AND tn.nspname NOT IN ('pg_catalog', 'information_schema')
      LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid
          AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
      WHERE r.oid >= {first} AND r.rulename = '_RETURN'
      GROUP BY r.ev_class) u ON u.ev_class = v.oid
WHERE v.relkind IN ('v', 'm') AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::regclass
    AND d.objid = v.oid AND d.deptype = 'e')
ORDER BY n.nspname, v.relname
"""

_HANGING = """
SELECT c.oid, 1, format('GRANT %s ON %s TO %s%s', g.privilege_type,
       c.oid::regclass, CASE g.grantee WHEN 0 THEN 'PUBLIC'
       ELSE g.grantee::regrole::text END,
       CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) g
WHERE c.relkind IN ('v', 'm') AND g.grantee <> c.relowner
UNION ALL
SELECT c.oid, 2, format('COMMENT ON %s %s IS %L',
       CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END,
       c.oid::regclass, d.description)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid = 0
    AND d.classoid = 'pg_catalog.pg_class'::regclass
WHERE c.relkind IN ('v', 'm')
UNION ALL
SELECT c.oid, 3, format('COMMENT ON COLUMN %s.%I IS %L',
       c.oid::regclass, a.attname, d.description)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid > 0
    AND d.classoid = 'pg_catalog.pg_class'::regclass
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid
WHERE c.relkind IN ('v', 'm')
UNION ALL
SELECT i.indrelid, 4, pg_catalog.pg_get_indexdef(i.indexrelid)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid AND c.relkind = 'm'
UNION ALL
SELECT i.indrelid, 8, format('COMMENT ON INDEX %s IS %L', i.indexrelid::regclass,
       d.description)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid AND c.relkind = 'm'
JOIN pg_catalog.pg_description d ON d.objoid = i.indexrelid AND d.objsubid = 0
    AND d.classoid = 'pg_catalog.pg_class'::regclass
UNION ALL
SELECT i.indrelid, 8, format('ALTER MATERIALIZED VIEW %s CLUSTER ON %I',
       c.oid::regclass, ic.relname)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid AND c.relkind = 'm'
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
WHERE i.indisclustered
UNION ALL
SELECT c.oid, 8, format('ALTER MATERIALIZED VIEW %s ALTER %I SET STATISTICS %s',
       c.oid::regclass, a.attname, a.attstattarget)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    AND a.attstattarget >= 0
WHERE c.relkind = 'm'
UNION ALL
SELECT c.oid, 8, format('ALTER MATERIALIZED VIEW %s ALTER %I SET STORAGE %s',
       c.oid::regclass, a.attname, CASE a.attstorage WHEN 'p' THEN 'PLAIN'
       WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    AND NOT a.attisdropped
JOIN pg_catalog.pg_type y ON y.oid = a.atttypid AND y.typstorage <> a.attstorage
WHERE c.relkind = 'm'
UNION ALL
SELECT c.oid, 8, format('ALTER MATERIALIZED VIEW %s ALTER %I SET COMPRESSION %s',
       c.oid::regclass, a.attname, CASE to_jsonb(a)->>'attcompression'
       WHEN 'p' THEN 'pglz' ELSE 'lz4' END)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    AND to_jsonb(a)->>'attcompression' <> ''
WHERE c.relkind = 'm'
UNION ALL
SELECT c.oid, 8, format('ALTER MATERIALIZED VIEW %s ALTER %I SET (%s)',
       c.oid::regclass, a.attname, replace(each, '=', ' = '))
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    AND NOT a.attisdropped, unnest(a.attoptions) AS each
WHERE c.relkind = 'm' AND each LIKE 'n\\_distinct%'
UNION ALL
SELECT i.indrelid, 8, format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s',
       i.indexrelid::regclass, a.attnum, a.attstattarget)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid AND c.relkind = 'm'
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indexrelid AND a.attstattarget >= 0
UNION ALL
SELECT s.stxrelid, n.number, n.said
FROM pg_catalog.pg_statistic_ext s
JOIN pg_catalog.pg_class c ON c.oid = s.stxrelid AND c.relkind = 'm'
JOIN pg_catalog.pg_namespace sn ON sn.oid = s.stxnamespace, LATERAL (VALUES
    (8, pg_catalog.pg_get_statisticsobjdef(s.oid)),
    (9, CASE WHEN s.stxstattarget >= 0
             THEN format('ALTER STATISTICS %I.%I SET STATISTICS %s', sn.nspname,
                         s.stxname, s.stxstattarget) END),
    (9, format('COMMENT ON STATISTICS %I.%I IS ', sn.nspname, s.stxname)
        || quote_literal(pg_catalog.obj_description(s.oid, 'pg_statistic_ext')))
) n (number, said)
WHERE n.said IS NOT NULL
UNION ALL
SELECT c.oid, 8, format('GRANT %s (%I) ON %s TO %s%s', g.privilege_type, a.attname,
       c.oid::regclass, CASE g.grantee WHEN 0 THEN 'PUBLIC'
       ELSE g.grantee::regrole::text END,
       CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL,
    pg_catalog.aclexplode(a.attacl) g
WHERE c.relkind IN ('v', 'm') AND g.grantee <> c.relowner
UNION ALL
SELECT t.tgrelid, 8, format('COMMENT ON TRIGGER %I ON %s IS %L', t.tgname,
       c.oid::regclass, d.description)
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid AND c.relkind = 'v'
JOIN pg_catalog.pg_description d ON d.objoid = t.oid
    AND d.classoid = 'pg_catalog.pg_trigger'::regclass
UNION ALL
SELECT t.tgrelid, 5, pg_catalog.pg_get_triggerdef(t.oid)
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid AND c.relkind = 'v'
WHERE NOT t.tgisinternal
UNION ALL
SELECT d.adrelid, 6, format('ALTER VIEW %s ALTER %I SET DEFAULT %s', c.oid::regclass,
       a.attname, pg_catalog.pg_get_expr(d.adbin, d.adrelid))
FROM pg_catalog.pg_attrdef d
JOIN pg_catalog.pg_class c ON c.oid = d.adrelid AND c.relkind = 'v'
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
ORDER BY 1, 2, 3
"""


def read_views(session: Session) -> tuple[Onlooker, ...]:
    """Return the views that read tables, each behind those that it reads."""
    rows = session.rows(_VIEWS.format(first=_FIRST))
    if not rows:
        return ()
    hanging: dict[int, list[str]] = {}
    for identifier, _, sql in session.rows(_HANGING):
        hanging.setdefault(identifier, []).append(sql)
    views = [_view(session, row, hanging.get(row[0], [])) for row in rows]
    return tuple(_in_order(views))


def _view(session: Session, row: Sequence[Any], hanging: list[str]) -> Onlooker:
    _, schema, name, written, is_materialized, *_ = row
    uses = (
        Use(TableName(table, session.schema(of)), column)
        for of, table, column in row[9]
    )
    kind = "materialized view" if is_materialized else "view"
    return Onlooker(
        kind=kind,
        name=TableName(name, session.schema(schema)),
        uses=frozenset(uses),
        dropped=f"DROP {kind.upper()} {written}",
        made=(*_made(row), *hanging),
    )


def _made(row: Sequence[Any]) -> Iterator[str]:
    """Yield what makes a view, and gives it to its owner."""
    written, is_materialized, definition, options, is_full, owner = row[3:9]
    kind = "MATERIALIZED VIEW" if is_materialized else "VIEW"
    said = f" WITH ({', '.join(options)})" if options else ""
    empty = "" if is_full else " WITH NO DATA"
    body = definition.strip().removesuffix(";")
    yield f"CREATE {kind} {written}{said} AS {body}{empty}"
    if owner is not None:
        yield f"ALTER {kind} {written} OWNER TO {owner}"


def _in_order(views: list[Onlooker]) -> Iterator[Onlooker]:
    by_name = {view.name: view for view in views}
    sorter: TopologicalSorter[TableName] = TopologicalSorter()
    for view in views:
        read = sorted({use.table for use in view.uses} & by_name.keys())
        sorter.add(view.name, *read)
    return (by_name[name] for name in sorter.static_order())


def read_as_wholes(
    view: Onlooker, wholes: Mapping[TableName, Sequence[TableName]]
) -> Onlooker:
    """Return a view that reads, with a part of a table, the table itself."""
    more = {
        replace(use, table=whole)
        for use in view.uses
        for whole in wholes.get(use.table, ())
    }
    return replace(view, uses=view.uses | more) if more else view
