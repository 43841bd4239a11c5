"""Politeness towards the traffic: nobody queues for long behind a change that waits.

A change of a table waits until everybody has let go of it, and whoever comes later
queues behind it, readers too. So it waits for a few seconds only, lets the queue
pass, and tries again. Who has set a time in env.py or for the role knows better.
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT
https://mariadb.com/kb/en/server-system-variables/#lock_wait_timeout
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from whimbrel.catalog.fingerprint import session_number
from whimbrel.catalog.processes import processes
from whimbrel.errors import Locked
from whimbrel.run.event import Conduct
from whimbrel.run.lock import PATIENCE, moments, since


LOCK_WAIT_TIMEOUT = 1205
"""The number of MySQL's error for a statement that waited too long."""

LOCK_NOT_AVAILABLE, NOT_IN_A_TRANSACTION = "55P03", "25001"
"""What PostgreSQL says of a statement that waited too long, or must stand alone."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0

BRIEF = 2
"""For so many seconds a run waits for what it can do without."""


class Waiting:
    """How a run waits for tables that others use; here, as long as it takes.

    Args:
        connection: the connection of the run.
        conduct: how long to wait, and who is told.
    """

    repeats_all = False
    """Whether all scripts of the transaction must be run again."""

    def __init__(self, connection: Connection, conduct: Conduct) -> None:
        self.connection = connection
        self.conduct = conduct
        self.is_ours = False

    @contextmanager
    def polite(self) -> Iterator[None]:
        """Wait politely in the block."""
        yield

    @contextmanager
    def by_itself(self) -> Iterator[None]:
        """Wait politely in a block in which every statement stands for itself."""
        yield

    @contextmanager
    def briefly(self) -> Iterator[None]:
        """Wait for no table for long in the block, whatever was set."""
        yield

    def patiently(
        self,
        send: Callable[[], None],
        sql: str,
        *,
        is_concurrent: bool,  # noqa: ARG002 - counts where queues form
    ) -> None:
        """Send a statement that stands for itself; again, if it waited too long."""
        self._repeated(send, sql)

    def is_in_the_way(self, error: BaseException) -> bool:
        """Whether *error* says that somebody used a table for too long."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, DBAPIError) and cause.orig is not None:
                return self.is_ours and self._was_too_long(cause.orig)
            cause = cause.__cause__
        return False

    def pauses(self) -> Iterator[float]:
        """Yield how long was waited, until patience is at its end."""
        patience = self.conduct.patience
        return moments(
            PATIENCE if patience is None else patience, FIRST_PAUSE, LONGEST_PAUSE
        )

    def tell_who_blocks(self, sql: str) -> None:
        """Tell who uses the tables that *sql* names."""
        who: list[str] = []
        with suppress(SQLAlchemyError):
            who = self._blockers(sql)
        told = "; ".join(who[:3]) or "somebody who has let go since"
        first = " ".join(sql.split())[:80]
        self.conduct.notice(f"Waiting: {first} is held up by {told}.")

    def _repeated(self, send: Callable[[], None], sql: str) -> None:
        for _ in self.pauses():
            try:
                return send()
            except Exception as error:  # the driver's own
                if not (self.is_ours and self._was_too_long(error)):
                    raise
                cause = error
            self.tell_who_blocks(sql)
            self.conduct.go_on()
        raise too_long(sql) from cause

    def _was_too_long(self, _error: Any) -> bool:
        return False

    def _blockers(self, _sql: str) -> list[str]:
        return []


def too_long(sql: str) -> Locked:
    """Return the error of a run whose patience is at its end."""
    first = " ".join(sql.split())[:200]
    return Locked(
        f"A table was used by others for too long: {first}",
        "End what uses it, or run the command at a quiet hour; --lock-timeout SECONDS"
        " says how long to try.",
    )


def _state(error: Any) -> str | None:
    return getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)


def is_pooled(connection: Connection) -> bool:
    """Whether somebody between us and PostgreSQL gives out its connections.

    Who does tells a driver another number than the server's own.
    """
    driver = connection.connection.driver_connection
    for name in ("get_server_pid", "get_backend_pid"):  # asyncpg, psycopg2
        if hasattr(driver, name):
            told = getattr(driver, name)()
            break
    else:
        told = getattr(getattr(driver, "info", None), "backend_pid", None)  # psycopg
    return told is not None and told != session_number(connection)


class PostgresWaiting(Waiting):
    """Waiting with ``lock_timeout``; what was too long undoes the transaction."""

    repeats_all = True
    _is_pooled = False

    @contextmanager
    def polite(self) -> Iterator[None]:
        """Set the time in every transaction that begins in the block."""
        now = self.connection.exec_driver_sql("SHOW lock_timeout").scalar()
        if now != "0" or not self.conduct.lock_wait:
            yield
            return
        self.is_ours = True
        self._set(self.connection)
        event.listen(self.connection, "begin", self._set)
        try:
            yield
        except BaseException:
            with suppress(Exception):  # one that failed is undone, and the time with it
                self._unset()
            raise
        else:
            self._unset()  # not suppressed: COMMIT would undo all without a word
        finally:
            event.remove(self.connection, "begin", self._set)

    @contextmanager
    def by_itself(self) -> Iterator[None]:
        """Set the time for the session, as there are no transactions.

        Behind a pooler such as pgbouncer the session may be another one for each
        statement, and what is set there meets somebody else.
        """
        self._is_pooled = self.is_ours and is_pooled(self.connection)
        if not self.is_ours or self._is_pooled:
            yield
            return
        self._say(f"SET lock_timeout = {self._milliseconds}")
        try:
            yield
        finally:
            self._say("RESET lock_timeout")

    def patiently(
        self, send: Callable[[], None], sql: str, *, is_concurrent: bool
    ) -> None:
        """Send a statement; one that works beside the traffic waits without end."""
        if self._is_pooled:
            whole = send if is_concurrent else partial(self._in_a_transaction, send)
            self._repeated(whole, sql)
            return
        if not (is_concurrent and self.is_ours):
            self._repeated(send, sql)
            return
        self._say("SET lock_timeout = 0")
        try:
            send()
        finally:
            self._say(f"SET lock_timeout = {self._milliseconds}")

    def _in_a_transaction(self, send: Callable[[], None]) -> None:
        """Set the time for one statement, unless it must stand outside of all."""
        self._say("BEGIN")
        try:
            self._set(self.connection)
            send()
        except Exception as error:  # the driver's own
            self._say("ROLLBACK")
            if _state(error) != NOT_IN_A_TRANSACTION:
                raise
            send()
        else:
            self._say("COMMIT")

    @property
    def _milliseconds(self) -> int:
        return int(self.conduct.lock_wait * 1000)

    def _set(self, _connection: Connection) -> None:
        self._say(f"SET LOCAL lock_timeout = {self._milliseconds}")

    def _unset(self) -> None:
        """Give the time back to a transaction that goes on."""
        if self.connection.in_transaction():
            self._say("SET LOCAL lock_timeout = 0")

    def _say(self, sql: str) -> None:
        """Send *sql* past SQLAlchemy, which would begin a transaction for it."""
        cursor = self.connection.connection.cursor()
        cursor.execute(sql)
        cursor.close()

    def _was_too_long(self, _error: Any) -> bool:
        return _state(_error) == LOCK_NOT_AVAILABLE

    def _blockers(self, _sql: str) -> list[str]:
        rows = self.connection.execute(
            sa.text(
                "SELECT DISTINCT a.pid, a.state, left(a.query, 80), c.relname,"
                " extract(epoch FROM clock_timestamp() - a.xact_start) AS age"
                " FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
                " JOIN pg_stat_activity a ON a.pid = l.pid"
                " WHERE l.granted AND l.pid <> pg_backend_pid() AND c.relkind IN"
                " ('r', 'p') AND position(c.relname in :sql) > 0"
                " AND l.database = (SELECT oid FROM pg_database"
                " WHERE datname = current_database()) ORDER BY age DESC NULLS LAST"
            ),
            {"sql": _sql},
        )
        return [
            f"process {pid} ({state}) on {table}, since {since(float(age or 0))}:"
            f" {' '.join((query or '').split())}"
            for pid, state, query, table, age in rows
        ]


class MySQLWaiting(Waiting):
    """Waiting with ``lock_wait_timeout``, for each statement that changes a schema."""

    @contextmanager
    def polite(self) -> Iterator[None]:
        """Set the time for the session, unless that has one of its own."""
        now, usual = self.connection.exec_driver_sql(
            "SELECT @@SESSION.lock_wait_timeout, @@GLOBAL.lock_wait_timeout"
        ).one()
        if now != usual or not self.conduct.lock_wait:
            yield
            return
        self.is_ours = True
        self._set(max(1, round(self.conduct.lock_wait)))
        try:
            yield
        finally:
            with suppress(Exception):  # the connection may be gone
                self._set(usual)

    @contextmanager
    def briefly(self) -> Iterator[None]:
        """Set the time for the session, and then what it was."""
        now = self.connection.exec_driver_sql("SELECT @@SESSION.lock_wait_timeout")
        before = int(now.scalar_one())
        self._set(BRIEF)
        try:
            yield
        finally:
            with suppress(Exception):  # the connection may be gone
                self._set(before)

    def _set(self, seconds: int) -> None:
        cursor = self.connection.connection.cursor()
        cursor.execute(f"SET SESSION lock_wait_timeout = {int(seconds)}")
        cursor.close()

    def _was_too_long(self, _error: Any) -> bool:
        return bool(getattr(_error, "args", ())) and _error.args[0] == LOCK_WAIT_TIMEOUT

    def _blockers(self, _sql: str) -> list[str]:
        """Return the transactions that are open the longest; one of them it is."""
        own, database = self.connection.exec_driver_sql(
            "SELECT CONNECTION_ID(), DATABASE()"
        ).one()
        there = processes(self.connection)
        numbers = list(there)
        with suppress(DBAPIError):  # MySQL fails if a statement has rare characters
            rows = self.connection.exec_driver_sql(
                "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx"
                " ORDER BY trx_started"
            )
            numbers = [number for number in rows.scalars() if number in there]
        found = [there[number] for number in numbers if number != own]
        return [
            f"connection {each.number} of {each.user} ({each.command}), since"
            f" {since(each.seconds)}: {' '.join(each.statement.split())[:80]}"
            for each in found
            if each.database == database
        ]


_WAITING: dict[str, type[Waiting]] = {
    "postgresql": PostgresWaiting,
    "mysql": MySQLWaiting,
    "mariadb": MySQLWaiting,
}


def waiting_on(connection: Connection, conduct: Conduct) -> Waiting:
    """Return how a run on *connection* waits."""
    return _WAITING.get(connection.dialect.name, Waiting)(connection, conduct)
