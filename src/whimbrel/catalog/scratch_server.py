"""How a scratch database on a server is reached, named and cleared away.

Its connections are made as those of the original are: same host, same role, same
arguments, same listeners.  Only the name of the database differs, and that is
looked at before anything else is done there.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.pool import NullPool

from whimbrel.errors import NoScratch, ended


HELD = "whimbrel_is_held"
"""The execution option of a connection whose transaction must not be committed."""

PREFIX = "_whimbrel_scratch_"
_NAME = re.compile(rf"{PREFIX}(\d{{10}})_[0-9a-f]{{8}}")
_AN_HOUR = 3600
_NAMES_OF_THE_DATABASE = ("dbname", "database", "db")

_SYNCHRONOUS: Mapping[str, Mapping[str, str]] = {
    "postgresql": {
        "psycopg": "psycopg",
        "psycopg2": "psycopg2",
        "pg8000": "pg8000",
    },
    "mysql": {
        "pymysql": "pymysql",
        "mysqldb": "MySQLdb",
        "mysqlconnector": "mysql",
        "mariadbconnector": "mariadb",
    },
}
"""The drivers that can stand in for an asynchronous one, and their modules."""


def no_scratch(why: str) -> NoScratch:
    """Return the error that says that there is no scratch database, and *why*."""
    return NoScratch(
        ended(f"There is no scratch database: {why}"),
        "Let the role create databases, or set one aside: `scratch_url` in"
        " Migrate(...), env.py or [tool.whimbrel], or $WHIMBREL_SCRATCH_URL.",
    )


def is_held(connection: Connection) -> bool:
    """Whether all that is done on *connection* must stay in one transaction."""
    return bool(connection.get_execution_options().get(HELD))


def new_name() -> str:
    """Return a name for a scratch database that says when it was made."""
    return f"{PREFIX}{int(time.time()):010d}_{secrets.token_hex(4)}"


def is_leftover(name: str) -> bool:
    """Whether *name* is that of a scratch database which nobody can need any more."""
    match = _NAME.fullmatch(name)
    return match is not None and time.time() - int(match[1]) > _AN_HOUR


def engine_to(connection: Connection, database: str | None) -> Engine:
    """Return an engine that connects as that of *connection*, to *database*.

    None stands for the same database.
    """
    original = connection.engine
    url = original.url
    if connection.dialect.is_async:
        url = synchronous(url)
        extra: dict[str, Any] = {}
    else:
        extra = _arguments_of(connection)
    if database is not None:
        url = url.set(database=database)
        for name in _NAMES_OF_THE_DATABASE:
            extra.pop(name, None)
    engine = create_engine(url, poolclass=NullPool, connect_args=extra)
    if not connection.dialect.is_async:
        # What SQLAlchemy does when it makes a pool anew: the listeners move along.
        engine.pool.dispatch._update(original.pool.dispatch, only_propagate=False)
        _take_over_dialect_events(original, engine)
    return engine


def _take_over_dialect_events(original: Engine, engine: Engine) -> None:
    """Let those who change how a connection is made, a token for one, do it here."""
    hooks: Any = original.dialect.dispatch
    dispatch: Any = engine.dialect.dispatch
    dispatch._update(hooks, only_propagate=False)
    engine.dialect._has_events = original.dialect._has_events


def _closure(original: Engine) -> Mapping[str, Any] | None:
    """Return what SQLAlchemy's own way to connect closes over; None for the app's."""
    creator: Any = original.pool._creator
    if getattr(creator, "__module__", "") != "sqlalchemy.engine.create":
        return None
    return inspect.getclosurevars(creator).nonlocals


def _arguments_of(connection: Connection) -> dict[str, Any]:
    """Return what the driver was given beyond the URL.

    An app that makes its connections by a function of its own need not have told
    its engine where they lead; the driver's connection knows.
    """
    original = connection.engine
    closure = _closure(original)
    if closure is None:
        return _known_to_the_driver(connection.connection.driver_connection)
    _, from_url = original.dialect.create_connect_args(original.url)
    given = dict(closure.get("cparams", {}))
    return {k: v for k, v in given.items() if k not in from_url or from_url[k] != v}


def _known_to_the_driver(driver: Any) -> dict[str, Any]:
    """Return where a connection of the driver leads, so far as it tells."""
    info: Any = getattr(driver, "info", None)
    if hasattr(info, "get_parameters"):  # psycopg
        return {**info.get_parameters(), "password": info.password}
    if hasattr(info, "dsn_parameters"):  # psycopg2
        return {**info.dsn_parameters, "password": info.password}
    names = ("host", "port", "user", "password", "unix_socket", "charset")  # pymysql
    told = {name: getattr(driver, name, None) for name in names}
    return {name: _text(value) for name, value in told.items() if value is not None}


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def synchronous(url: URL) -> URL:
    """Return *url* with a driver that waits, as no event loop may run any more.

    Raises:
        NoScratch: there is none that could be imported.
    """
    kind = "mysql" if url.get_backend_name() == "mariadb" else url.get_backend_name()
    drivers = _SYNCHRONOUS.get(kind, {})
    for driver, module in drivers.items():
        if importlib.util.find_spec(module) is not None:
            kept = {
                k: v for k, v in url.query.items() if k in ("host", "port", "charset")
            }
            if "unix_socket" in url.query:
                kept["unix_socket"] = url.query["unix_socket"]
            return url.set(drivername=f"{url.get_backend_name()}+{driver}", query=kept)
    raise no_scratch(
        f"it needs a driver that is not asynchronous, one of {', '.join(drivers)}"
    )
