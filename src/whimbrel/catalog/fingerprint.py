"""What a schema looks like at a moment, in one word: to see what took effect."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from whimbrel.catalog.mysql_shown import show_create
from whimbrel.catalog.processes import processes
from whimbrel.schema.scope import OURS


NO_SUCH_TABLE = 1146
"""The number of MySQL's error for a table that is not there."""

_COUNTER = re.compile(r" AUTO_INCREMENT=\d+")

_MYSQL = (
    "SELECT trigger_name, event_object_table, event_manipulation, action_timing,"
    " action_statement FROM information_schema.triggers"
    " WHERE trigger_schema = DATABASE() ORDER BY 1",
    "SELECT routine_name, routine_type, sha2(routine_definition, 256)"
    " FROM information_schema.routines WHERE routine_schema = DATABASE() ORDER BY 1, 2",
    "SELECT table_name, sha2(view_definition, 256) FROM information_schema.views"
    " WHERE table_schema = DATABASE() ORDER BY 1",
    "SELECT event_name, sha2(event_definition, 256) FROM information_schema.events"
    " WHERE event_schema = DATABASE() ORDER BY 1",
    "SELECT table_name, engine, table_collation FROM information_schema.tables"
    " WHERE table_schema = DATABASE()"
    f" AND LEFT(table_name, {len(OURS)}) <> '{OURS}' ORDER BY 1",
)

# an index that is not valid is not there: whoever wanted it must build it again
_POSTGRESQL = (
    "SELECT c.oid, c.relname, c.relnamespace, c.relkind, c.relfilenode,"
    " c.reloptions::text, c.relacl::text FROM pg_class c JOIN pg_namespace n"
    " ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_'"
    " AND c.relkind NOT IN ('i', 'I') AND n.nspname <> 'information_schema' ORDER BY 1",
    "SELECT i.indexrelid, c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i"
    " JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n"
    " ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_' AND i.indisvalid ORDER BY 1",
    "SELECT attrelid, attnum, attname, atttypid, atttypmod, attnotnull, attisdropped,"
    " atthasdef FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_'"
    " AND n.nspname <> 'information_schema' AND attnum > 0"
    " AND c.relkind NOT IN ('i', 'I') ORDER BY 1, 2",
    "SELECT oid, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1",
    "SELECT adrelid, adnum, pg_get_expr(adbin, adrelid) FROM pg_attrdef ORDER BY 1, 2",
    "SELECT oid, enumtypid, enumlabel FROM pg_enum ORDER BY 1",
    "SELECT oid, typname FROM pg_type WHERE typtype IN ('e', 'd', 'r') ORDER BY 1",
    "SELECT p.oid, p.proname, md5(p.prosrc) FROM pg_proc p JOIN pg_namespace n"
    " ON n.oid = p.pronamespace WHERE n.nspname !~ '^pg_'"
    " AND n.nspname <> 'information_schema' ORDER BY 1",
    "SELECT oid, tgname, tgenabled FROM pg_trigger ORDER BY 1",
    "SELECT extname, extversion FROM pg_extension ORDER BY 1",
)

_FORGET_WHO_IS_BUSY = "SELECT pg_stat_clear_snapshot()"
"""What a transaction saw in pg_stat_activity, it would see until its end."""

_LET_GO = "SHOW transaction_isolation"
"""The snapshot of a query may stay until the next statement; this has none.

What is waited for may itself be waiting for that: ``CREATE INDEX CONCURRENTLY``.
"""

_SQLITE = ("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2",)


def fingerprint(connection: Connection, tables: Sequence[str] = ()) -> str:
    """Return what the schema looks like.

    Args:
        connection: a connection to the database.
        tables: the names of the tables that count, quoted; where that makes it
            cheaper, nothing else is looked at.
    """
    match connection.dialect.name:
        case "mysql" | "mariadb":
            texts = [_shown(connection, each) for each in tables]
            rows = [] if tables else _rows(connection, _MYSQL)
            found: Iterable[object] = [*texts, *rows]
        case "postgresql":
            found = _rows(connection, _POSTGRESQL)
        case "sqlite":
            found = _rows(connection, _SQLITE)
        case _:
            found = ()
    return hashlib.sha256(repr(list(found)).encode()).hexdigest()


def is_busy(connection: Connection, session: int, statement: str) -> bool:
    """Whether the server still works on *statement*, which *session* had sent.

    On PostgreSQL only the statement counts: a pooler may have sent it by another one.
    """
    match connection.dialect.name:
        case "mysql" | "mariadb":
            if session == session_number(connection):
                return False
            process = processes(connection).get(session)
            return process is not None and process.statement[:100] == statement[:100]
        case "postgresql":
            return _asked_of_the_busy(connection, "count(*)", statement) != [0]
        case _:
            return False


def held_up_by(connection: Connection, statement: str) -> set[int]:
    """Return the sessions that the server waits for as it works on *statement*.

    *connection* itself may be one of them: ``CREATE INDEX CONCURRENTLY`` waits for each
    transaction that looked at anything at the wrong moment, until that ends.
    https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
    """
    if connection.dialect.name != "postgresql":
        return set()
    waited_for = "unnest(pg_blocking_pids(pid))"
    return set(_asked_of_the_busy(connection, waited_for, statement))


def _asked_of_the_busy(connection: Connection, what: str, statement: str) -> list[int]:
    """Return *what* PostgreSQL tells of those that work on *statement*."""
    query = (
        f"SELECT {what} FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND state = 'active' AND left(query, 100) = :begin"
    )
    connection.exec_driver_sql(_FORGET_WHO_IS_BUSY)
    rows = connection.execute(sa.text(query), {"begin": statement[:100]})
    found = [int(each) for each in rows.scalars()]
    connection.exec_driver_sql(_LET_GO).close()
    return found


def session_number(connection: Connection) -> int | None:
    """Return the server's number for *connection*; None if it has none."""
    queries = {
        "mysql": "SELECT CONNECTION_ID()",
        "mariadb": "SELECT CONNECTION_ID()",
        "postgresql": "SELECT pg_backend_pid()",
    }
    query = queries.get(connection.dialect.name)
    return int(connection.exec_driver_sql(query).scalar_one()) if query else None


class Session:
    """The server's number for a connection, which it is asked for as rarely as can be.

    Behind a pooler, PostgreSQL may serve each statement by another session.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._asked: object = None
        self._number: int | None = None

    def number(self) -> int | None:
        """Return the number; None if the server has none."""
        driver = self._connection.connection.driver_connection
        if driver is not self._asked:
            self._number = session_number(self._connection)
            stays = self._connection.dialect.name in ("mysql", "mariadb")
            self._asked = driver if stays else None
        return self._number


def is_invalid_index(connection: Connection, name: str) -> bool:
    """Whether *name* is an index that was begun, and that nobody builds any more."""
    query = sa.text(
        "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass(:name)"
        " AND NOT indisvalid AND indexrelid NOT IN"
        " (SELECT index_relid FROM pg_stat_progress_create_index)"
    )
    return bool(connection.execute(query, {"name": name}).scalar())


def _shown(connection: Connection, table: str) -> str:
    """Return the CREATE TABLE of a table; nothing if there is none."""
    try:
        text = show_create(connection, table)
    except DBAPIError as error:
        if error.orig is None or error.orig.args[0] != NO_SUCH_TABLE:
            raise  # the answer is unknown, and must not pass for "it is not there"
        return ""
    return _COUNTER.sub("", text)


def _rows(connection: Connection, queries: Sequence[str]) -> list[object]:
    return [
        [tuple(row) for row in connection.exec_driver_sql(query)] for query in queries
    ]
