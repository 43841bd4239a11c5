"""Real transactions on a database that is one file, whatever mode its driver is in.

Python's driver opens a transaction before INSERT but not before CREATE TABLE, may
open none at all (``isolation_level=None``), always have one open
(``autocommit=False`` since Python 3.12) or leave all to the caller
(``autocommit=True``); an application's ``begin`` event may open one too.  All that
counts here is whether a transaction is open at this moment, which the driver knows.
https://docs.python.org/3/library/sqlite3.html#sqlite3-controlling-transactions
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from whimbrel.errors import MigrationFailed


SAVEPOINT = "whimbrel_alteration"

WRITTEN_DOWN = "whimbrel.is_written_down"
"""Where a connection keeps that its statements are for another database."""


def is_open(connection: Connection) -> bool:
    """Whether the database has a transaction open for *connection*."""
    return bool(getattr(connection.connection.driver_connection, "in_transaction", 0))


def run_now(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    """Run *sql* past SQLAlchemy, which would begin a transaction for it."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql)
        return list(cursor.fetchall())
    finally:
        cursor.close()


def is_written_down(connection: Connection) -> bool:
    """Whether what is done is written down, to be done to a database unseen."""
    return bool(connection.info.get(WRITTEN_DOWN))


def query(connection: Connection, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Run *sql* and return its rows as plain tuples; none if it gives none."""
    result = connection.exec_driver_sql(sql, values)
    return [tuple(row) for row in result] if result.returns_rows else []


def has_foreign_keys_on(connection: Connection) -> bool:
    """Whether foreign keys are enforced, and thereby cascade."""
    return bool(run_now(connection, "PRAGMA foreign_keys")[0][0])


def open_transaction(connection: Connection, *, writes: bool = False) -> None:
    """Open a transaction in the database unless one is open.

    Args:
        connection: the connection; SQLAlchemy's transaction on it has begun.
        writes: take the lock for writing at once, so that whoever comes second
            waits here and not in the middle.
    """
    if is_open(connection):
        return
    try:
        run_now(connection, "BEGIN IMMEDIATE" if writes else "BEGIN")
    except Exception as cause:
        if not writes or "readonly" not in str(cause):
            raise
        run_now(connection, "BEGIN")


@contextmanager
def short_of_patience(connection: Connection) -> Iterator[None]:
    """Let the driver give up at once in the block; whoever calls it tries again."""
    before = run_now(connection, "PRAGMA busy_timeout")[0][0]
    run_now(connection, "PRAGMA busy_timeout = 50")
    try:
        yield
    finally:
        run_now(connection, f"PRAGMA busy_timeout = {before}")


def end_transaction(connection: Connection, how: str) -> None:
    """COMMIT or ROLLBACK what SQLAlchemy left open, as its driver may ignore it."""
    if is_open(connection) and not _is_always_open(connection):
        run_now(connection, how)


def reopen(connection: Connection) -> None:
    """Give a driver that always has a transaction open the one that it expects."""
    if _is_always_open(connection) and not is_open(connection):
        run_now(connection, "BEGIN")


def is_free(connection: Connection) -> bool:
    """Whether no transaction holds anything yet, though one may be open."""
    return not is_open(connection) or (
        _is_always_open(connection) and not connection.in_transaction()
    )


def ignores_commit(connection: Connection) -> bool:
    """Whether the driver leaves all transactions to SQL, SQLAlchemy's included."""
    return _autocommit(connection) is True


def _is_always_open(connection: Connection) -> bool:
    """Whether the driver opens a transaction as soon as one ends."""
    return _autocommit(connection) is False


def _autocommit(connection: Connection) -> object:
    driver = connection.connection.driver_connection
    with suppress(Exception):  # another thread's connection refuses the question
        return getattr(driver, "autocommit", None)
    return None


@contextmanager
def without_foreign_keys(connection: Connection) -> Iterator[bool]:
    """Switch foreign keys off for the block, and on again if they were on.

    No transaction may hold anything at the beginning.  The block is told whether
    they were on and are off now.
    """
    were_on = has_foreign_keys_on(connection)
    if were_on:
        _set_foreign_keys(connection, "OFF")
    try:
        yield were_on
    finally:
        if were_on and not connection.closed and not connection.invalidated:
            _set_foreign_keys(connection, "ON")


def _set_foreign_keys(connection: Connection, how: str) -> None:
    """Switch foreign keys, which does nothing while a transaction is open."""
    reopens = is_open(connection)
    if reopens:
        run_now(connection, "COMMIT")
    run_now(connection, f"PRAGMA foreign_keys={how}")
    if reopens:
        run_now(connection, "BEGIN")


def switch_off_until_end(connection: Connection) -> None:
    """Switch foreign keys off until the caller's own transaction has ended.

    The caller commits when it wants to; the keys come on again when the connection
    begins its next transaction or goes back to its pool, whatever is first.
    """
    if not has_foreign_keys_on(connection):
        return
    _set_foreign_keys(connection, "OFF")
    waiting = [connection.connection.dbapi_connection]

    def restore(dbapi_connection: Any) -> None:
        if dbapi_connection is not None and dbapi_connection in waiting:
            waiting.remove(dbapi_connection)
            cursor = dbapi_connection.cursor()
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.close()

    def on_begin(conn: Connection) -> None:
        restore(conn.connection.dbapi_connection)

    def on_checkin(dbapi_connection: Any, _record: Any) -> None:
        restore(dbapi_connection)

    event.listen(connection, "begin", on_begin)
    event.listen(connection.engine.pool, "checkin", on_checkin)


@contextmanager
def standing_alone(connection: Connection) -> Iterator[None]:
    """Put a transaction around the block that SQLAlchemy knows nothing of."""
    run_now(connection, "BEGIN")
    try:
        yield
    except BaseException:
        end_transaction(connection, "ROLLBACK")
        raise
    end_transaction(connection, "COMMIT")


@contextmanager
def in_one_piece(connection: Connection) -> Iterator[None]:
    """Undo all that the block did if it fails, and only that."""
    query(connection, f"SAVEPOINT {SAVEPOINT}")
    try:
        yield
    except BaseException:
        if is_open(connection):  # otherwise SQLite undid all, and the block with it
            with suppress(DBAPIError):
                query(connection, f"ROLLBACK TO {SAVEPOINT}")
                query(connection, f"RELEASE {SAVEPOINT}")
        raise
    query(connection, f"RELEASE {SAVEPOINT}")


@contextmanager
def without_transaction(connection: Connection) -> Iterator[None]:
    """Let every statement of the block stand for itself.

    The caller has committed what there was.
    """
    driver: Any = connection.connection.dbapi_connection
    # only there it says who begins; from Python 3.12, to set it elsewhere is a commit
    is_asked = not isinstance(_autocommit(connection), bool)
    level = getattr(driver, "isolation_level", None)
    transaction = connection.begin()  # SQLAlchemy would begin one anyway
    if is_open(connection):
        run_now(connection, "COMMIT")
    if is_asked:
        _set_level(driver, None)
    try:
        yield
    finally:
        end_transaction(connection, "COMMIT")
        if is_asked:
            _set_level(driver, level)
        reopen(connection)
        if transaction.is_active:
            transaction.commit()


def _set_level(driver: Any, level: str | None) -> None:
    with suppress(AttributeError):
        driver.isolation_level = level


def orphans(connection: Connection) -> frozenset[tuple[Any, ...]] | None:
    """Return the rows that refer to nothing: table, rowid, target, number of key.

    None if SQLite cannot tell, as some key refers to columns that are not unique.
    """
    try:
        return frozenset(query(connection, "PRAGMA foreign_key_check"))
    except DBAPIError:
        return None


def refuse_orphans(connection: Connection, known: frozenset[tuple[Any, ...]]) -> None:
    """Raise if rows refer to nothing that are not among those *known* before.

    Raises:
        MigrationFailed: the scripts left such rows.
    """
    found: dict[tuple[str, str], list[object]] = {}
    before = {(row[0], row[1], row[2]) for row in known}
    for table, rowid, target, _number in orphans(connection) or ():
        if (table, rowid, target) not in before:
            found.setdefault((table, target), []).append(rowid)
    if not found:
        return
    (table, target), rows = min(found.items(), key=lambda each: each[0])
    first = ", ".join(str(each) for each in sorted(rows, key=repr)[:3])
    total = sum(map(len, found.values()))
    raise MigrationFailed(
        f"{len(rows)} rows of {table} would refer to rows of {target} that do not"
        f" exist; the first: rowid {first}. {total} in all.",
        "Nothing was changed. Let the script delete or mend these rows too: foreign"
        " keys do not cascade while scripts run.",
        tables=tuple(sorted({each[0] for each in found})),
    )
