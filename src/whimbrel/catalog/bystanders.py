"""A connection in, what stands beside the tables of its database out.

Views, triggers, routines and events are not managed; `diff` says where they differ.
Functions of PostgreSQL are left out: tables may stand on them, and then they are made.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.engine import Connection

from whimbrel.catalog.mysql_rows import decoded
from whimbrel.schema.bystanders import Bystander
from whimbrel.schema.dialect import dialect_of


_OF_MYSQL = """
SELECT 'view', table_name,
 REPLACE(view_definition, CONCAT('`', DATABASE(), '`.'), '')
FROM information_schema.views WHERE table_schema = DATABASE()
UNION ALL SELECT 'trigger', trigger_name, CONCAT_WS(' ', action_timing,
 event_manipulation, event_object_table, action_order, action_statement)
FROM information_schema.triggers WHERE trigger_schema = DATABASE()
UNION ALL SELECT LOWER(routine_type), routine_name, CONCAT_WS(' ', is_deterministic,
 sql_data_access, dtd_identifier, (
  SELECT GROUP_CONCAT(CONCAT_WS(' ', p.parameter_mode, p.parameter_name,
   p.dtd_identifier) ORDER BY p.ordinal_position)
  FROM information_schema.parameters p WHERE p.specific_schema = DATABASE()
  AND p.specific_name = r.specific_name AND p.routine_type = r.routine_type
 ), routine_definition)
FROM information_schema.routines r WHERE routine_schema = DATABASE()
UNION ALL SELECT 'event', event_name, CONCAT_WS(' ', event_type, interval_value,
 interval_field, status, event_definition)
FROM information_schema.events WHERE event_schema = DATABASE()
"""
_QUERIES = {
    "mariadb": _OF_MYSQL,
    "mysql": _OF_MYSQL,
    "postgresql": """
SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, c.relname,
 pg_catalog.pg_get_viewdef(c.oid)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind IN ('v', 'm') AND NOT EXISTS (
 SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e'
 AND d.classid = 'pg_catalog.pg_class'::regclass)
UNION ALL SELECT 'trigger', t.tgname || ' on ' || c.relname,
 pg_catalog.pg_get_triggerdef(t.oid)
FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND NOT t.tgisinternal
""",
    "sqlite": "SELECT type, name, sql FROM sqlite_master"
    " WHERE type IN ('view', 'trigger')",
}


def read_bystanders(connection: Connection) -> frozenset[Bystander]:
    """Return what stands beside the tables of the default schema."""
    query = _QUERIES.get(dialect_of(connection).name)
    if query is None:
        return frozenset()
    return frozenset(
        Bystander(kind=decoded(kind), name=decoded(name), text=decoded(said or ""))
        for kind, name, said in connection.execute(text(query))
    )
