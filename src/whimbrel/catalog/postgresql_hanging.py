"""What hangs on the columns of a PostgreSQL database's tables and is none of ours.

Triggers, policies and rules can be dropped and made again.  What a publication or a
function holds back cannot be undone by a script: the one is not there in every
database, on the other hang things that no catalog tells.
"""

from __future__ import annotations

from typing import Any

from whimbrel.catalog.postgresql_session import Session
from whimbrel.schema.state import Onlooker, TableName, Use


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
JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND c.relkind IN ('r', 'p')
"""
_PUBLICATIONS = """
SELECT 'publication', 'pg_catalog.pg_publication_rel'::regclass::oid, l.oid, p.pubname,
       l.prrelid, NULL, NULL
FROM pg_catalog.pg_publication_rel l
JOIN pg_catalog.pg_publication p ON p.oid = l.prpubid
"""
_FUNCTIONS = """
SELECT 'function', 'pg_catalog.pg_proc'::regclass::oid, p.oid, p.proname, NULL,
       NULL, NULL
FROM pg_catalog.pg_proc p WHERE p.prosqlbody IS NOT NULL
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
    AND (d.refobjsubid > 0 OR d.refobjid IS DISTINCT FROM h.relation)) u
WHERE u.uses IS NOT NULL
ORDER BY h.kind, hn.nspname, hc.relname, h.name
"""


def read_hanging(session: Session) -> tuple[Onlooker, ...]:
    """Return what reads columns of tables, but for the views."""
    parts = [
        _TRIGGERS.format(enabled=_ENABLED.format("t.tgenabled")),
        _POLICIES,
        _RULES.format(enabled=_ENABLED.format("r.ev_enabled")),
    ]
    if session.version >= (14,):
        parts.append(_FUNCTIONS)
    if session.version >= (15,):
        parts.append(_PUBLICATIONS)
    rows = session.rows(_HANGING.format(parts=" UNION ALL ".join(parts)))
    return tuple(_onlooker(session, *row) for row in rows)


def _onlooker(session: Session, *row: Any) -> Onlooker:
    kind, name, schema, relation, dropped, made, uses = row
    table = TableName(relation, session.schema(schema)) if relation else None
    return Onlooker(
        kind=kind,
        name=TableName(f"{name} on {table}" if table else name),
        uses=frozenset(
            Use(TableName(read, session.schema(of)), column)
            for of, read, column in uses
        ),
        dropped=dropped,
        made=tuple(each for each in made or () if each is not None),
        table=table,
    )
