"""Connections whose n-th call fails: broken off, in a deadlock, out of space, too slow.

They are those of the real drivers on real databases.  The server is left as such an
error leaves it: without the connection, or with the transaction failed or undone.
"""

import sqlite3
from contextlib import contextmanager, suppress
from functools import partial

import psycopg
import pymysql
import sqlalchemy as sa
from psycopg import errors
from pymysql.constants import ER


class Faults:
    """Counts the calls of all connections; one of them fails.

    Args:
        at: the number of that call; 0 for none.
        kind: how it fails.
    """

    def __init__(self, at=0, kind=""):
        self.at = at
        self.kind = kind
        self.count = 0
        self.failed = ""

    def call(self, connection, send, what=""):
        """Send something, or fail."""
        self.count += 1
        if self.count != self.at:
            return send()
        self.failed = f"{self.kind} at call {self.at}: {what}"
        return connection.fail(self.kind, send)


class FaultyEnds:
    """A connection whose ends of transactions may fail."""

    faults = Faults()

    def commit(self):
        self.faults.call(self, super().commit, "commit")

    def rollback(self):
        self.faults.call(self, super().rollback, "rollback")


class FaultySending:
    """A cursor whose statements may fail."""

    def execute(self, sql, *args, **options):
        return self._sent(super().execute, sql, *args, **options)

    def executemany(self, sql, *args, **options):
        return self._sent(super().executemany, sql, *args, **options)

    def _sent(self, send, sql, *args, **options):
        sending = partial(send, sql, *args, **options)
        return self.connection.faults.call(self.connection, sending, sql)


class FaultyPostgres(FaultyEnds, psycopg.Connection):
    """A connection to PostgreSQL."""

    faults = Faults()
    kinds = ("dropped", "unanswered", "deadlock", "disk full", "timeout")

    def fail(self, kind, send):
        if kind == "unanswered":
            send()
        if kind in ("dropped", "unanswered"):
            self.pgconn.finish()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        if not self.autocommit:
            with suppress(psycopg.Error):
                psycopg.Cursor(self).execute("SELECT 1 / 0")
        error = {
            "deadlock": errors.DeadlockDetected,
            "disk full": errors.DiskFull,
            "timeout": errors.QueryCanceled,
        }[kind]
        raise error(kind)


class FaultyPostgresCursor(FaultySending, psycopg.Cursor):
    """A cursor of such a connection."""


class FaultyMariaDB(FaultyEnds, pymysql.connections.Connection):
    """A connection to MariaDB."""

    faults = Faults()
    kinds = ("dropped", "unanswered", "deadlock", "disk full", "timeout")

    def query(self, sql, unbuffered=False):
        return self.faults.call(
            self, lambda: super(FaultyMariaDB, self).query(sql), sql
        )

    def fail(self, kind, send):
        if kind == "unanswered":
            send()
        if kind in ("dropped", "unanswered"):
            self._force_close()
            raise pymysql.OperationalError(2013, "Lost connection during query")
        if kind == "deadlock":
            pymysql.connections.Connection.rollback(self)
        error, number = {
            "deadlock": (pymysql.OperationalError, ER.LOCK_DEADLOCK),
            "disk full": (pymysql.InternalError, ER.DISK_FULL),
            "timeout": (pymysql.OperationalError, 1969),
        }[kind]
        raise error(number, kind)


class FaultySQLite(FaultyEnds, sqlite3.Connection):
    """A connection to a SQLite file."""

    faults = Faults()
    kinds = ("disk I/O error", "database or disk is full", "interrupted")

    def cursor(self, factory=None):
        return super().cursor(factory or FaultySQLiteCursor)

    def fail(self, kind, _send):
        if self.in_transaction and kind != "interrupted":
            sqlite3.Connection.rollback(self)
        raise sqlite3.OperationalError(kind)


class FaultySQLiteCursor(FaultySending, sqlite3.Cursor):
    """A cursor of such a connection."""


def _postgres(args, options):
    return FaultyPostgres.connect(*args, cursor_factory=FaultyPostgresCursor, **options)


def _mariadb(args, options):
    with faults_of(FaultyMariaDB, Faults()):
        return FaultyMariaDB(*args, **options)


def _sqlite(args, options):
    return sqlite3.connect(*args, factory=FaultySQLite, **options)


MAKERS = {
    "postgresql": (FaultyPostgres, _postgres),
    "mysql": (FaultyMariaDB, _mariadb),
    "sqlite": (FaultySQLite, _sqlite),
}


@contextmanager
def faults_of(kind, faults):
    """Let *faults* count the calls of connections of a kind, in the block."""
    before, kind.faults = kind.faults, faults
    try:
        yield
    finally:
        kind.faults = before


@contextmanager
def failing(dialect, faults):
    """Let all new connections of a dialect be faulty ones, in the block."""
    kind, make = MAKERS[dialect]

    def connect(found, _record, args, options):
        return make(args, options) if found.name == dialect else None

    sa.event.listen(sa.engine.Engine, "do_connect", connect)
    try:
        with faults_of(kind, faults):
            yield faults
    finally:
        sa.event.remove(sa.engine.Engine, "do_connect", connect)
