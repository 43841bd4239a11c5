"""A throw-away database on a MySQL or MariaDB server.

A schema is a database there, so a statement that names one leads out of the scratch
database.  Such statements are refused: nothing real is ever touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from whimbrel.catalog.scratch_server import (
    engine_to,
    is_leftover,
    new_name,
    no_scratch,
)
from whimbrel.schema.scope import Scope


_OF_THE_SERVER = frozenset({"information_schema", "performance_schema", "mysql", "sys"})
_KEPT = (
    "sql_mode",
    "time_zone",
    "default_storage_engine",
    "innodb_strict_mode",
    "explicit_defaults_for_timestamp",
    "sql_generate_invisible_primary_key",
)
"""The settings of a session on which it depends what is made of a statement."""


@contextmanager
def scratch_mysql(
    connection: Connection, scope: Scope, url: str | None = None
) -> Iterator[Connection]:
    """Give an empty database like that of *connection*, gone afterwards.

    Raises:
        NoScratch: the role may make none, or the models name other databases.
    """
    others = sorted({each for each in scope.schemas if each is not None})
    if others and url is None:
        raise no_scratch(
            f"the models name the databases {', '.join(others)}, and a script that is"
            " tried must not reach them"
        )
    if url is None:
        server = engine_to(connection, None)
    else:
        server = create_engine(url, poolclass=NullPool)
    name = new_name()
    try:
        known = _create(server, connection, name)
    except DBAPIError as cause:
        raise no_scratch(f"the role may not make one: {cause.orig}") from cause
    engine = (
        engine_to(connection, name)
        if url is None
        else create_engine(server.url.set(database=name), poolclass=NullPool)
    )
    event.listen(engine, "connect", lambda driver, _: _use(driver, name))
    try:
        with engine.connect() as scratch:
            _settle(connection, scratch)
            _keep_inside(engine, known)
            yield scratch
    finally:
        engine.dispose()
        _drop(server, name)


def _create(server: Engine, connection: Connection, name: str) -> frozenset[str]:
    """Make an empty database like the original; return the names of all others."""
    charset, collation = connection.exec_driver_sql(
        "SELECT @@character_set_database, @@collation_database"
    ).one()
    with server.connect() as admin:
        names = frozenset(admin.exec_driver_sql("SHOW DATABASES").scalars())
        for each in filter(is_leftover, names):
            with suppress(DBAPIError):
                admin.exec_driver_sql(f"DROP DATABASE IF EXISTS `{each}`")
        admin.exec_driver_sql(
            f"CREATE DATABASE `{name}` CHARACTER SET {charset} COLLATE {collation}"
        )
        admin.commit()
    return names - _OF_THE_SERVER


def _use(driver: Any, name: str) -> None:
    """Enter the scratch database, also where the app makes its connections itself."""
    cursor = driver.cursor()
    cursor.execute(f"USE `{name}`")
    cursor.close()


def _settle(source: Connection, scratch: Connection) -> None:
    for setting in _KEPT:
        with suppress(DBAPIError):
            value = source.exec_driver_sql(f"SELECT @@SESSION.{setting}").scalar()
            scratch.exec_driver_sql(f"SET SESSION {setting} = %s", (value,))
    scratch.commit()


def _keep_inside(engine: Engine, others: frozenset[str]) -> None:
    """Refuse every statement that names another database."""
    names = "|".join(map(re.escape, sorted(others)))
    if not names:
        return
    leads_out = re.compile(
        rf"(?:^\s*USE\s+`?\w|(?<![\w`.'\"@])`?(?:{names})`?\s*\.\s*[`\w])",
        re.IGNORECASE,
    )

    def watch(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if leads_out.search(statement):
            raise no_scratch(
                f"a script leaves the scratch database: {statement.strip()[:120]}"
            )

    event.listen(engine, "before_cursor_execute", watch)


def _drop(server: Engine, name: str) -> None:
    """Drop the scratch database; what cannot be dropped now is a leftover later."""
    with suppress(DBAPIError), server.connect() as admin:
        admin.exec_driver_sql("SET SESSION lock_wait_timeout = 10")
        admin.exec_driver_sql(f"DROP DATABASE IF EXISTS `{name}`")
        admin.commit()
    server.dispose()
