"""What hangs on a PostgreSQL database's columns and types and is none of ours.

Triggers, policies, rules and statistics can be dropped and made again, and functions on
which nothing hangs.  What a publication holds back, which is not there in every
database, cannot be undone by a script, nor what a function does that others call.
"""

from __future__ import annotations

from typing import Any

from whimbrel.catalog.postgresql_session import Session
from whimbrel.schema.state import STATISTICS, Onlooker, TableName, Use


_TRIGGERS = """
SELECT 'trigger', 'pg_catalog.pg_trigger'::regclass::oid, t.oid, t.tgname, t.tgrelid,
       format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass),
       ARRAY[pg_catalog.pg_get_triggerdef(t.oid),
             format('ALTER TABLE %s ', t.tgrelid::regclass) || {enabled}
             || format(' TRIGGER %I', t.tgname),
             format('COMMENT ON TRIGGER %I ON %s IS ', t.tgname, t.tgrelid::regclass)
             || quote_literal(obj_description(t.oid, 'pg_trigger'))]
FROM pg_catalog.pg_trigger t
WHERE NOT t.tgisinternal AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_trigger'::regclass
    AND d.objid = t.oid AND d.deptype IN ('P', 'S'))
"""
_POLICIES = """
SELECT 'policy', 'pg_catalog.pg_policy'::regclass::oid, p.oid, p.polname, p.polrelid,
       format('DROP POLICY %I ON %s', p.polname, p.polrelid::regclass),
       ARRAY[format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname,
                    p.polrelid::regclass,
                    CASE WHEN p.polpermissive THEN 'PERMISSIVE'
                         ELSE 'RESTRICTIVE' END,
                    CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
                         WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                         ELSE 'ALL' END,
                    (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC'
                                       ELSE r::regrole::text END, ', ')
                     FROM unnest(p.polroles) r))
             || coalesce(' USING (' || pg_catalog.pg_get_expr(
                    p.polqual, p.polrelid) || ')', '')
             || coalesce(' WITH CHECK (' || pg_catalog.pg_get_expr(
                    p.polwithcheck, p.polrelid) || ')', ''),
             format('COMMENT ON POLICY %I ON %s IS ', p.polname, p.polrelid::regclass)
             || quote_literal(obj_description(p.oid, 'pg_policy'))]
FROM pg_catalog.pg_policy p
"""
_RULES = """
SELECT 'rule', 'pg_catalog.pg_rewrite'::regclass::oid, r.oid, r.rulename, r.ev_class,
       format('DROP RULE %I ON %s', r.rulename, r.ev_class::regclass),
       ARRAY[pg_catalog.pg_get_ruledef(r.oid),
             format('ALTER TABLE %s ', r.ev_class::regclass) || {enabled}
             || format(' RULE %I', r.rulename),
             format('COMMENT ON RULE %I ON %s IS ', r.rulename, r.ev_class::regclass)
             || quote_literal(obj_description(r.oid, 'pg_rewrite'))]
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND c.relkind IN ('r', 'p', 'v')
WHERE r.rulename <> '_RETURN'
"""
_STATISTICS = f"""
SELECT '{STATISTICS}', 'pg_catalog.pg_statistic_ext'::regclass::oid, s.oid, s.stxname,
       s.stxrelid, format('DROP STATISTICS %I.%I', sn.nspname, s.stxname),
       ARRAY[pg_catalog.pg_get_statisticsobjdef(s.oid),
             CASE WHEN s.stxstattarget >= 0
                  THEN format('ALTER STATISTICS %I.%I SET STATISTICS %s', sn.nspname,
                              s.stxname, s.stxstattarget) END,
             format('COMMENT ON STATISTICS %I.%I IS ', sn.nspname, s.stxname)
             || quote_literal(obj_description(s.oid, 'pg_statistic_ext'))]
FROM pg_catalog.pg_statistic_ext s
JOIN pg_catalog.pg_namespace sn ON sn.oid = s.stxnamespace
JOIN pg_catalog.pg_class sc ON sc.oid = s.stxrelid AND sc.relkind IN ('r', 'p')
"""
_PUBLICATIONS = """
SELECT 'publication', 'pg_catalog.pg_publication_rel'::regclass::oid, l.oid, p.pubname,
       l.prrelid, NULL, NULL
FROM pg_catalog.pg_publication_rel l
JOIN pg_catalog.pg_publication p ON p.oid = l.prpubid
"""
_ROUTINES = """
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, p.proname,
       n.nspname, pg_catalog.pg_get_function_identity_arguments(p.oid),
       CASE WHEN NOT EXISTS (
           SELECT FROM pg_catalog.pg_depend o
           WHERE o.refclassid = 'pg_catalog.pg_proc'::regclass AND o.refobjid = p.oid)
       THEN format('DROP ROUTINE %s', p.oid::regprocedure) END,
       ARRAY[pg_catalog.pg_get_functiondef(p.oid),
             CASE WHEN p.proowner <> (SELECT r.oid FROM pg_catalog.pg_roles r
                                      WHERE r.rolname = current_user)
                  THEN format('ALTER ROUTINE %s OWNER TO %s', p.oid::regprocedure,
                              p.proowner::regrole) END,
             CASE WHEN NOT EXISTS (
                 SELECT FROM pg_catalog.aclexplode(COALESCE(
                     p.proacl, pg_catalog.acldefault('f', p.proowner))) g
                 WHERE g.grantee = 0)
             THEN format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', p.oid::regprocedure)
             END,
             format('COMMENT ON ROUTINE %s IS ', p.oid::regprocedure)
             || quote_literal(obj_description(p.oid, 'pg_proc'))]
       || ARRAY(SELECT format('GRANT EXECUTE ON ROUTINE %s TO %s%s',
                    p.oid::regprocedure, g.grantee::regrole,
                    CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
                FROM pg_catalog.aclexplode(p.proacl) g
                WHERE g.grantee NOT IN (0, p.proowner)
                ORDER BY g.grantee),
       u.uses
FROM (SELECT e.objid, json_agg(DISTINCT jsonb_build_array(
          e.nspname, e.name, e.attname)) AS uses
      FROM (
          SELECT d.objid, tn.nspname, t.typname AS name, NULL AS attname
          FROM pg_catalog.pg_type t
          JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
          JOIN pg_catalog.pg_depend d ON d.refobjid IN (t.oid, t.typarray)
              AND d.refclassid = 'pg_catalog.pg_type'::regclass
              AND d.classid = 'pg_catalog.pg_proc'::regclass AND d.deptype = 'n'
          WHERE t.typtype IN ('e', 'd', 'c')
          UNION ALL
          SELECT d.objid, cn.nspname, c.relname, a.attname
          FROM pg_catalog.pg_depend d
          JOIN pg_catalog.pg_class c ON c.oid = d.refobjid
          JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
          LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
              AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
          WHERE d.classid = 'pg_catalog.pg_proc'::regclass
          AND d.refclassid = 'pg_catalog.pg_class'::regclass) e
      WHERE e.nspname NOT IN ('pg_catalog', 'information_schema')
      GROUP BY e.objid) u
JOIN pg_catalog.pg_proc p ON p.oid = u.objid AND p.prokind <> 'a'
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend e
    WHERE e.classid = 'pg_catalog.pg_proc'::regclass
    AND e.objid = p.oid AND e.deptype IN ('e', 'i'))
ORDER BY n.nspname, p.proname, 4
"""
_ENABLED = (
    "CASE {} WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA'"
    " WHEN 'A' THEN 'ENABLE ALWAYS' END"
)

_HANGING = """
SELECT h.kind, h.name, hn.nspname, hc.relname, h.dropped, h.made, u.uses
FROM ({parts}) h (kind, class, object, name, relation, dropped, made)
LEFT JOIN pg_catalog.pg_class hc ON hc.oid = h.relation
LEFT JOIN pg_catalog.pg_namespace hn ON hn.oid = hc.relnamespace
CROSS JOIN LATERAL (
    SELECT json_agg(DISTINCT jsonb_build_array(
        n.nspname, t.relname, a.attname)) AS uses
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
    JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
        AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid
        AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
    WHERE d.classid = h.class AND d.objid = h.object
    AND d.refclassid = 'pg_catalog.pg_class'::regclass
    AND (d.refobjsubid > 0 OR d.refobjid IS DISTINCT FROM h.relation
         OR h.kind = 'rule' AND hc.relkind = 'v')) u
WHERE u.uses IS NOT NULL OR h.made IS NOT NULL
ORDER BY h.kind, hn.nspname, hc.relname, h.name
"""


def read_hanging(session: Session) -> tuple[Onlooker, ...]:
    """Return what reads columns of tables, or has types, but for the views."""
    parts = [
        _TRIGGERS.format(enabled=_ENABLED.format("t.tgenabled")),
        _POLICIES,
        _RULES.format(enabled=_ENABLED.format("r.ev_enabled")),
        _STATISTICS,
    ]
    if session.version >= (15,):
        parts.append(_PUBLICATIONS)
    rows = session.rows(_HANGING.format(parts=" UNION ALL ".join(parts)))
    return (
        *(_onlooker(session, *row) for row in rows),
        *(_routine(session, *row) for row in session.rows(_ROUTINES)),
    )


def _routine(session: Session, *row: Any) -> Onlooker:
    """Return a function that has values of a type, or whose body reads a table."""
    kind, name, schema, arguments, dropped, made, uses = row
    return Onlooker(
        kind=kind,
        name=TableName(f"{name}({arguments})", session.schema(schema)),
        uses=frozenset(
            Use(TableName(each, session.schema(of)), column)
            for of, each, column in uses
        ),
        dropped=dropped,
        made=tuple(each for each in made if each is not None),
    )


def _onlooker(session: Session, *row: Any) -> Onlooker:
    kind, name, schema, relation, dropped, made, uses = row
    table = TableName(relation, session.schema(schema)) if relation else None
    return Onlooker(
        kind=kind,
        name=TableName(f"{name} on {table}" if table else name),
        uses=frozenset(
            Use(TableName(read, session.schema(of)), column)
            for of, read, column in uses or ()
        ),
        dropped=dropped,
        made=tuple(each for each in made or () if each is not None),
        table=table,
    )
