"""One run at a time on a database, and who holds it up.

PostgreSQL: an advisory lock, in a transaction of a connection of its own. The
transaction keeps it through a pooler such as pgbouncer too, ends with the connection
if the process is killed, holds no snapshot, and who waits asks again and again, each
time in a transaction that ends at once; so nobody stands in the way of ``CREATE INDEX
CONCURRENTLY``, which waits for every statement that began before it. Where a caller's
transaction holds all that the run does, the lock belongs to that, until it ends.
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS

MySQL and MariaDB: ``GET_LOCK()``, on a connection of its own too.
https://mariadb.com/kb/en/get_lock/

Where there can be no second connection, the run's own takes the lock. A database
that is one file has a lock of its own, which its transactions take.
"""

from __future__ import annotations

import hashlib
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from whimbrel.catalog.beside import connection_beside, drop
from whimbrel.catalog.processes import processes
from whimbrel.errors import Locked
from whimbrel.run.event import Conduct
from whimbrel.schema.state import TableName


PATIENCE = 300.0
"""For so many seconds a run waits for another one, unless told otherwise."""

PATIENCE_FOR_A_FILE = 60.0
"""For so many seconds it waits for a file, whose lock any application may hold."""

SILENCE = 1.0
"""Who waits less than that tells nothing."""

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0

STILL_THERE = 0.005
"""For so many seconds an answer counts: a statement takes longer to be carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds the lock.

    Args:
        session: the server's number for its connection.
        name: who it is, as far as the server knows.
        seconds: for how long it has held it.
    """

    session: int
    name: str
    seconds: float

    def __str__(self) -> str:
        """Return a text such as ``whimbrel on web-1, process 7, since 05:44:12``."""
        return f"{self.name}, since {since(self.seconds)}"


class Kind(Protocol):
    """How one kind of database locks a name."""

    sign_of_life: str
    """SQL that does nothing, and leaves nothing behind that others would wait for."""

    def settle_in(self, connection: Connection) -> None:
        """Make a connection ready to hold the lock for as long as it takes."""

    def session(self, connection: Connection) -> int:
        """Return the server's number for *connection*."""

    def try_to_take(self, connection: Connection, key: str, *, stays: bool) -> bool:
        """Take the lock if it is free; *stays*: beyond the end of a transaction."""

    def holder(self, connection: Connection, key: str) -> Holder | None:
        """Return who holds the lock."""

    def release(self, key: str) -> str:
        """Return the SQL that gives a lock back that stays."""


class AdvisoryLock:
    """The lock of PostgreSQL.

    The answer to a query may keep its snapshot until the next statement, and every
    ``CREATE INDEX CONCURRENTLY`` waits for that; so the last statement is a SET.
    """

    sign_of_life = "SET LOCAL idle_in_transaction_session_timeout = 0"

    def settle_in(self, connection: Connection) -> None:
        """Let the transaction live as long as it must, and say whose it is."""
        connection.exec_driver_sql(
            "SELECT set_config(name, '0', true) FROM pg_settings"
            " WHERE name = 'transaction_timeout'"
        )
        connection.execute(
            sa.text("SELECT set_config('application_name', :name, true)"),
            {"name": _own_name()},
        )
        connection.exec_driver_sql(self.sign_of_life)

    def session(self, connection: Connection) -> int:
        """Return the process that serves *connection*."""
        return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())

    def try_to_take(self, connection: Connection, key: str, *, stays: bool) -> bool:
        """Ask for the lock, and do not wait for it."""
        function = "pg_try_advisory_lock" if stays else "pg_try_advisory_xact_lock"
        number = _number(key)
        return bool(connection.exec_driver_sql(f"SELECT {function}({number})").scalar())

    def holder(self, connection: Connection, key: str) -> Holder | None:
        """Return whose transaction holds the lock."""
        number = _number(key) & (2**64 - 1)
        row = connection.execute(
            sa.text(
                "SELECT a.pid, coalesce(nullif(a.application_name, ''), 'a program'),"
                " coalesce(a.usename, ''), extract(epoch FROM"
                " clock_timestamp() - coalesce(a.xact_start, a.state_change))"
                " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
                " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
                " AND l.database = (SELECT oid FROM pg_database"
                " WHERE datname = current_database())"
                " AND l.classid::bigint = :high AND l.objid::bigint = :low"
            ),
            {"high": number >> 32, "low": number & (2**32 - 1)},
        ).first()
        if row is None:
            return None
        name = f"{row[1]}, connection {row[0]} of {row[2]}"
        return Holder(session=row[0], name=name, seconds=float(row[3] or 0))

    def release(self, key: str) -> str:
        """Return what gives the lock back."""
        return f"SELECT pg_advisory_unlock({_number(key)})"


class NamedLock:
    """The lock of MySQL and MariaDB."""

    sign_of_life = "DO 1"

    def settle_in(self, connection: Connection) -> None:
        """Let the connection idle as long as the run takes."""
        connection.exec_driver_sql("SET SESSION wait_timeout = 604800")

    def session(self, connection: Connection) -> int:
        """Return the number of *connection*."""
        return int(connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one())

    def try_to_take(
        self,
        connection: Connection,
        key: str,
        *,
        stays: bool,  # noqa: ARG002 - it always does
    ) -> bool:
        """Ask for the lock, and do not wait for it."""
        taken = sa.text("SELECT GET_LOCK(:name, 0)")
        return connection.execute(taken, {"name": key}).scalar() == 1

    def holder(self, connection: Connection, key: str) -> Holder | None:
        """Return whose connection holds the lock; it has done nothing since."""
        used = sa.text("SELECT IS_USED_LOCK(:name)")
        number = connection.execute(used, {"name": key}).scalar()
        process = processes(connection).get(number) if number is not None else None
        if process is None:
            return None
        name = f"connection {process.number} of {process.user} from {process.host}"
        return Holder(session=process.number, name=name, seconds=process.seconds)

    def release(self, key: str) -> str:
        """Return what gives the lock back."""
        return f"SELECT RELEASE_LOCK('{key}')"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A lock that somebody wants: of which kind, by which name, for how long."""

    kind: Kind
    key: str
    stays: bool


_KINDS: dict[str, Kind] = {
    "postgresql": AdvisoryLock(),
    "mysql": NamedLock(),
    "mariadb": NamedLock(),
}

_OURS: set[tuple[str, int]] = set()
"""The locks that this process holds, by key and session; runs may be nested."""


def take_lock(
    connection: Connection,
    version_table: TableName,
    conduct: Conduct,
    until: ExitStack,
    *,
    is_callers: bool,
) -> Callable[[], None]:
    """Wait until no other run works on the database; hold that until the end.

    Return what demands that it is held still: a connection that does nothing else may
    be cut off by whoever stands between, and then others may begin.

    Args:
        connection: the connection of the run.
        version_table: the table of the revisions: each has a lock of its own.
        conduct: how long to wait, and who is told.
        until: the lock is given back when this ends.
        is_callers: a transaction of the caller's holds all that the run does.

    Raises:
        Locked: another run did not end in time.
    """
    kind = _KINDS.get(connection.dialect.name)
    if kind is None:
        return _held_by_the_run
    key = _key(connection, version_table)
    with_transaction = is_callers and isinstance(kind, AdvisoryLock)
    if with_transaction and not connection._is_autocommit_isolation():
        _wait_for(_Wanted(kind, key, stays=False), connection, conduct, until)
        return _held_by_the_run
    own = connection_beside(connection)
    if own is None:
        if _wait_for(_Wanted(kind, key, stays=True), connection, conduct, until):
            _release_with(connection, kind.release(key), until)
        return _held_by_the_run
    own = own.execution_options(isolation_level="READ COMMITTED")
    until.callback(drop, own)
    if own.dialect.is_async:
        _close_beside(connection, own, until)
    wanted = _Wanted(kind, key, stays=False)
    _wait_for(wanted, own, conduct, until, let_go=own.rollback)
    kind.settle_in(own)
    return _Demand(own, kind.sign_of_life)


def sessions_of_locks() -> set[int]:
    """Return the numbers of the connections that hold locks of this process."""
    return {session for _, session in _OURS}


def _held_by_the_run() -> None:
    """Do nothing: the lock is lost with the connection that the scripts use."""


class _Demand:
    """Demands that a connection is still there, as often as that can be news."""

    def __init__(self, own: Connection, sign_of_life: str) -> None:
        self._own = own
        self._sign_of_life = sign_of_life
        self._answered = float("-inf")

    def __call__(self) -> None:
        """Ask the server, unless it has just answered."""
        if time.monotonic() - self._answered < STILL_THERE:
            return
        try:
            self._own.exec_driver_sql(self._sign_of_life)
        except SQLAlchemyError as cause:
            raise Locked(
                "The connection that held the lock of this run was cut off, so that"
                " another run may have begun.",
                "Run the command again: it waits for the other one, and does what is"
                " left.",
            ) from cause
        self._answered = time.monotonic()


def _wait_for(
    wanted: _Wanted,
    connection: Connection,
    conduct: Conduct,
    until: ExitStack,
    *,
    let_go: Callable[[], None] = _held_by_the_run,
) -> bool:
    """Take the lock; return whether it is new to this process.

    Whoever waits calls *let_go* between two attempts: behind a pooler there may be
    no more connections than the holder of the lock needs for its scripts.
    """
    kind, key, is_told = wanted.kind, wanted.key, False
    for waited in moments(PATIENCE if conduct.patience is None else conduct.patience):
        if kind.try_to_take(connection, key, stays=wanted.stays):
            ours = (key, kind.session(connection))
            _OURS.add(ours)
            until.callback(_OURS.discard, ours)
            return True
        holder = kind.holder(connection, key)
        if holder is not None and (key, holder.session) in _OURS:
            return False
        let_go()
        if waited >= SILENCE and not is_told:
            is_told = True
            conduct.notice(f"Waiting for another run to end: {holder or 'unknown'}.")
        conduct.go_on()
    raise Locked(
        f"Another run works on this database: {holder or 'nobody knows whose'}.",
        "Wait until it has ended, then run the command again; --lock-timeout SECONDS"
        " says how long to wait.",
        holder=holder,
    )


def moments(
    patience: float, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE
) -> Iterator[float]:
    """Yield how long was waited, with pauses that grow, until *patience* is at its end.

    The first and the last moment are always there.
    """
    start, pause = time.monotonic(), first
    yield 0.0
    while (waited := time.monotonic() - start) < patience:
        time.sleep(min(pause * random.uniform(0.7, 1.3), patience - waited + 0.001))
        pause = min(pause * 1.5, longest)
        yield time.monotonic() - start


def wait_for_a_file(begin: Callable[[], None], conduct: Conduct, name: str) -> None:
    """Call *begin*, which takes the lock of a file, until it is free.

    Raises:
        Locked: whoever writes to it did not end in time.
    """
    is_told = False
    patience = conduct.patience
    for waited in moments(PATIENCE_FOR_A_FILE if patience is None else patience):
        try:
            return begin()
        except Exception as error:  # the driver's own, or SQLAlchemy's
            if "locked" not in str(error):
                raise
            cause = error
        if waited >= SILENCE and not is_told:
            is_told = True
            conduct.notice(f"Waiting: somebody else writes to {name}.")
        conduct.go_on()
    raise Locked(
        f"Somebody else writes to {name}, and has not ended.",
        "End what writes to it, then run the command again; --lock-timeout SECONDS"
        " says how long to wait.",
    ) from cause


def since(seconds: float) -> str:
    """Return a time of the day, and how long ago that is."""
    then = datetime.now().astimezone() - timedelta(seconds=seconds)
    return f"{then:%H:%M:%S} ({seconds:.0f} s)"


def _key(connection: Connection, version_table: TableName) -> str:
    """Return the name of the lock: of a database and a table of revisions in it."""
    schema = version_table.schema or connection.dialect.default_schema_name or ""
    database = ""
    if isinstance(_KINDS[connection.dialect.name], NamedLock):
        database = connection.exec_driver_sql("SELECT DATABASE()").scalar() or ""
        schema = "" if schema == database else schema
    words = "\0".join((database, schema, version_table.name))
    return f"whimbrel:{hashlib.sha256(words.encode()).hexdigest()[:40]}"


def _number(key: str) -> int:
    """Return *key* as the number that PostgreSQL wants."""
    digest = hashlib.sha256(key.encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _own_name() -> str:
    return f"whimbrel on {socket.gethostname()[:24]}, process {os.getpid()}"


def _close_beside(connection: Connection, own: Connection, until: ExitStack) -> None:
    """Close *own* as soon as *connection* is closed: afterwards its loop is over."""
    pool, mine = connection.engine.pool, _record_of(connection)

    def on_checkin(_dbapi_connection: object, record: object) -> None:
        if record is mine:
            drop(own)

    event.listen(pool, "checkin", on_checkin)
    until.callback(event.remove, pool, "checkin", on_checkin)


def _record_of(connection: Connection) -> object:
    return getattr(connection.connection, "_connection_record", None)


def _release_with(connection: Connection, sql: str, until: ExitStack) -> None:
    """Give the lock back when *connection* goes back to its pool, or at the end."""
    pool, holding = connection.engine.pool, [connection.connection.dbapi_connection]

    def release(dbapi_connection: Any) -> None:
        if dbapi_connection is not None and dbapi_connection in holding:
            holding.clear()
            cursor = dbapi_connection.cursor()
            cursor.execute(sql)
            cursor.fetchall()
            cursor.close()

    def on_checkin(dbapi_connection: object, _record: object) -> None:
        release(dbapi_connection)

    def at_the_end() -> None:
        if not connection.closed and not connection.invalidated:
            with suppress(Exception):  # a transaction that failed; then at checkin
                release(connection.connection.dbapi_connection)
        if not holding:
            event.remove(pool, "checkin", on_checkin)

    event.listen(pool, "checkin", on_checkin)
    until.callback(at_the_end)
