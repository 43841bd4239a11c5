"""A question about rows in, its answer out: bounded, timed, and without a trace."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from whimbrel.catalog.questions import undone
from whimbrel.schema.dialect import dialect_of


MOST = 1000
"""So many rows are counted at most; what is more is told as more."""

SHOWN = 3
"""So many of the first rows are told by their keys."""

PATIENCE = 5.0
"""So many seconds a question may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the rows say.

    Args:
        count: how many rows there are, as far as they were counted.
        is_more: whether there are more.
        keys: the first of them.
        refused: what the server said, if the question could not be carried out.
        is_data_at_fault: it was a value in the rows that the server refused.
        is_late: it was stopped, for it took too long.
    """

    count: int = 0
    is_more: bool = False
    keys: tuple[tuple[Any, ...], ...] = ()
    refused: str = ""
    is_data_at_fault: bool = False
    is_late: bool = False


def ask_rows(
    connection: Connection,
    rows: Select[Any],
    patience: float = PATIENCE,
    before: Iterable[str] = (),
    most: int = MOST,
) -> Answer:
    """Return how many rows a query finds, and the first of them.

    Whatever happens, the transaction that the connection is in goes on as it was.

    Args:
        connection: the live database.
        rows: the query; each row begins with what it is told by.
        patience: how many seconds the server may take.
        before: statements that make what the query needs; that is undone too.
        most: so many rows are counted.
    """
    try:
        with undone(connection) as there, _in_time(there, patience):
            for statement in before:
                there.exec_driver_sql(statement)
            found = there.execute(rows.limit(most + 1)).fetchall()
    except DBAPIError as error:
        return Answer(
            refused=str(error.orig).strip().split("\n", 1)[0],
            is_data_at_fault=_is_of_data(error),
            is_late=_is_late(error),
        )
    return Answer(
        count=min(len(found), most),
        is_more=len(found) > most,
        keys=tuple(tuple(row) for row in found[:SHOWN]),
    )


def _is_of_data(error: DBAPIError) -> bool:
    """Whether a value in the rows is at fault: SQLSTATE class 22, data exception."""
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    return str(state or "").startswith("22")


_LATE = {"57014", "1969", "3024", "interrupted"}
"""What servers and drivers call a statement that was stopped: codes, and a word."""


def _is_late(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    first = next(iter(getattr(error.orig, "args", ())), "")
    return not _LATE.isdisjoint((str(state), str(first)))


@contextmanager
def _in_time(connection: Connection, seconds: float) -> Iterator[None]:
    """Let the server give up after so many seconds."""
    dialect = dialect_of(connection)
    if dialect.name == "postgresql":
        milliseconds = max(int(seconds * 1000), 1)
        connection.execute(text(f"SET LOCAL statement_timeout = {milliseconds}"))
        yield
    elif dialect.name in ("mysql", "mariadb"):
        with _session_limit(connection, seconds, is_mariadb=dialect.is_mariadb):
            yield
    else:
        with _interrupted_after(connection, seconds):
            yield


@contextmanager
def _session_limit(
    connection: Connection, seconds: float, *, is_mariadb: bool
) -> Iterator[None]:
    """Limit the time of a statement for the block.

    MariaDB counts seconds (https://mariadb.com/kb/en/aborting-statements/), MySQL
    milliseconds of a SELECT.
    """
    name = "max_statement_time" if is_mariadb else "max_execution_time"
    limit = seconds if is_mariadb else max(int(seconds * 1000), 1)
    before = connection.scalar(text(f"SELECT @@session.{name}"))
    connection.execute(text(f"SET SESSION {name} = {limit}"))
    try:
        yield
    finally:
        connection.execute(text(f"SET SESSION {name} = {before}"))


@contextmanager
def _interrupted_after(connection: Connection, seconds: float) -> Iterator[None]:
    """Interrupt SQLite's library after so many seconds."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    timer = threading.Timer(seconds, driver.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
