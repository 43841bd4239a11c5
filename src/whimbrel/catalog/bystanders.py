"""A connection in, what stands beside the tables of its database out.

Views, triggers, routines and events are not managed; `diff` says where they differ.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.engine import Connection

from whimbrel.catalog.mysql_packed import decoded
from whimbrel.catalog.postgresql_bystanders import read_postgresql_bystanders
from whimbrel.schema.bystanders import Bystander
from whimbrel.schema.dialect import dialect_of
from whimbrel.schema.scope import Scope


_OF_MYSQL = """
SELECT 'view', table_name,
 REPLACE(view_definition, CONCAT('`', :database, '`.'), ''), NULL
FROM information_schema.views WHERE table_schema = :database
UNION ALL SELECT 'trigger', trigger_name, CONCAT_WS(' ', action_timing,
 event_manipulation, event_object_table, action_order, action_statement),
 event_object_table
FROM information_schema.triggers WHERE trigger_schema = :database
UNION ALL SELECT LOWER(routine_type), routine_name, CONCAT_WS(' ', is_deterministic,
 sql_data_access, dtd_identifier, (
  SELECT GROUP_CONCAT(CONCAT_WS(' ', p.parameter_mode, p.parameter_name,
   p.dtd_identifier) ORDER BY p.ordinal_position)
  FROM information_schema.parameters p WHERE p.specific_schema = :database
  AND p.specific_name = r.specific_name AND p.routine_type = r.routine_type
 ), routine_definition), NULL
FROM information_schema.routines r WHERE routine_schema = :database
UNION ALL SELECT 'event', event_name, CONCAT_WS(' ', event_type, interval_value,
 interval_field, status, event_definition), NULL
FROM information_schema.events WHERE event_schema = :database
"""
_QUERIES = {
    "mariadb": _OF_MYSQL,
    "mysql": _OF_MYSQL,
    "sqlite": "SELECT type, name, sql, NULL FROM sqlite_master"
    " WHERE type IN ('view', 'trigger')",
}


def read_bystanders(connection: Connection, scope: Scope) -> frozenset[Bystander]:
    """Return what stands beside the tables; of most servers, in the default schema."""
    if dialect_of(connection).name == "postgresql":
        return read_postgresql_bystanders(connection, scope)
    query = _QUERIES.get(dialect_of(connection).name)
    if query is None:
        return frozenset()
    given = {}
    if ":database" in query:  # a value lets the server look nowhere else
        given["database"] = connection.scalar(text("SELECT DATABASE()"))
    return frozenset(
        Bystander(
            kind=decoded(kind),
            name=decoded(name),
            text=decoded(said or ""),
            table=table and decoded(table),
        )
        for kind, name, said, table in connection.execute(text(query), given)
    )
