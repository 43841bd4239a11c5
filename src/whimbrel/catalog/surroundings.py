"""What stands around the tables of a PostgreSQL database: functions, types, views.

None of it is ours, but a check may call a function, a column may be of a domain,
and a view may stand in the way of a script.  So a scratch database gets it too, as
far as it can be made there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import bindparam, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from whimbrel.catalog.scratch_server import is_held
from whimbrel.schema.scope import Scope


_FOREIGN = """
NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = '{catalog}'::regclass
            AND x.objid = {oid} AND x.deptype IN ('e', 'i'))
"""
_COLLATIONS = f"""
SELECT format('CREATE COLLATION %I.%I (provider = %s, %s%s)', nspname, collname,
       CASE collprovider WHEN 'i' THEN 'icu' ELSE 'libc' END,
       CASE WHEN coalesce(to_jsonb(c)->>'colllocale', to_jsonb(c)->>'colliculocale')
                 IS NULL
            THEN format('lc_collate = %L, lc_ctype = %L', collcollate, collctype)
            ELSE format('locale = %L', coalesce(to_jsonb(c)->>'colllocale',
                                                to_jsonb(c)->>'colliculocale')) END,
       CASE WHEN collisdeterministic THEN '' ELSE ', deterministic = false' END)
FROM pg_collation c JOIN pg_namespace n ON n.oid = collnamespace
WHERE nspname IN :schemas AND {_FOREIGN.format(catalog="pg_collation", oid="c.oid")}
"""
_DOMAINS = f"""
SELECT format('CREATE DOMAIN %I.%I AS %s%s%s%s', nspname, typname,
       format_type(typbasetype, typtypmod),
       CASE WHEN typdefault IS NULL THEN '' ELSE ' DEFAULT ' || typdefault END,
       CASE WHEN typnotnull THEN ' NOT NULL' ELSE '' END,
       coalesce((SELECT string_agg(format(' CONSTRAINT %I %s', conname,
                                          pg_get_constraintdef(k.oid)), '')
                 FROM pg_constraint k WHERE contypid = t.oid AND contype = 'c'), ''))
FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
WHERE typtype = 'd' AND nspname IN :schemas
AND {_FOREIGN.format(catalog="pg_type", oid="t.oid")} ORDER BY t.oid
"""
_ENUMS = f"""
SELECT format('CREATE TYPE %I.%I AS ENUM (%s)', nspname, typname,
       (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder)
        FROM pg_enum WHERE enumtypid = t.oid))
FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
WHERE typtype = 'e' AND nspname IN :schemas
AND {_FOREIGN.format(catalog="pg_type", oid="t.oid")} ORDER BY t.oid
"""
_COMPOSITES = f"""
SELECT format('CREATE TYPE %I.%I AS (%s)', nspname, typname,
       (SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)),
                          ', ' ORDER BY attnum)
        FROM pg_attribute a WHERE attrelid = typrelid AND NOT attisdropped))
FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
JOIN pg_class c ON c.oid = typrelid AND relkind = 'c'
WHERE nspname IN :schemas AND {_FOREIGN.format(catalog="pg_type", oid="t.oid")}
ORDER BY t.oid
"""
_FUNCTIONS = f"""
SELECT pg_get_functiondef(p.oid)
FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
WHERE prokind IN ('f', 'p') AND nspname IN :schemas
AND {_FOREIGN.format(catalog="pg_proc", oid="p.oid")} ORDER BY p.oid
"""
_VIEWS = f"""
SELECT format('CREATE %s %I.%I AS %s',
       CASE relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END,
       nspname, relname, pg_get_viewdef(c.oid))
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('v', 'm') AND nspname IN :schemas
AND {_FOREIGN.format(catalog="pg_class", oid="c.oid")} ORDER BY c.oid
"""
_TRIGGERS = """
SELECT pg_get_triggerdef(g.oid) FROM pg_trigger g
JOIN pg_class c ON c.oid = tgrelid JOIN pg_namespace n ON n.oid = relnamespace
WHERE NOT tgisinternal AND nspname IN :schemas ORDER BY g.oid
"""
_POLICIES = """
SELECT format('CREATE POLICY %I ON %I.%I AS %s FOR %s%s%s', policyname, schemaname,
       tablename, permissive, cmd,
       CASE WHEN qual IS NULL THEN '' ELSE format(' USING (%s)', qual) END,
       CASE WHEN with_check IS NULL THEN '' ELSE format(' WITH CHECK (%s)',
                                                        with_check) END)
FROM pg_policies WHERE schemaname IN :schemas
"""
_RULES = """
SELECT pg_get_ruledef(r.oid) FROM pg_rewrite r
JOIN pg_class c ON c.oid = ev_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('r', 'p') AND nspname IN :schemas ORDER BY r.oid
"""
BELOW = (_COLLATIONS, _DOMAINS, _COMPOSITES, _FUNCTIONS)
"""What tables may be made from."""
UPON = (_ENUMS, *BELOW, _VIEWS, _TRIGGERS, _RULES, _POLICIES)
"""What may be made from tables."""


def copy_postgresql(
    source: Connection, target: Connection, scope: Scope, *, are_tables_there: bool
) -> None:
    """Make in *target* what stands around the tables of *source*.

    What is there already, and what cannot be made, is left out: whoever misses it
    will say so.

    Args:
        source: the database whose surroundings are copied.
        target: the scratch database.
        scope: the schemas to look into.
        are_tables_there: make views, triggers, rules and policies too.
    """
    if is_held(target):
        return  # it lives in the original database, whose functions are there
    usual = source.dialect.default_schema_name or "public"
    schemas = tuple({each or usual for each in scope.schemas})
    queries = UPON if are_tables_there else BELOW
    left = [sql for query in queries for sql in _rows(source, query, schemas)]
    target.exec_driver_sql("SET check_function_bodies = off")
    while left:
        failed = [sql for sql in left if not _is_made(target, sql)]
        if len(failed) == len(left):
            break
        left = failed
    target.exec_driver_sql("SET check_function_bodies = on")


def _rows(source: Connection, query: str, schemas: Iterable[str]) -> Iterator[str]:
    statement = text(query.replace("::regclass", "\\:\\:regclass")).bindparams(
        bindparam("schemas", tuple(schemas), expanding=True)
    )
    return iter(list(source.execute(statement).scalars()))


def _is_made(target: Connection, sql: str) -> bool:
    try:
        with target.begin_nested():
            target.exec_driver_sql(sql.replace("%", "%%"))
    except DBAPIError:
        return False
    return True
