"""A throw-away PostgreSQL database, or a schema that is never committed.

Which one depends on what the role may do; a role that may do neither names another
place by ``scratch_url``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import create_engine
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from whimbrel.catalog.scratch_server import (
    HELD,
    engine_to,
    is_leftover,
    new_name,
    no_scratch,
)
from whimbrel.schema.scope import Scope


_LEFTOVERS = r"SELECT datname FROM pg_database WHERE datname LIKE '\_whimbrel\_%%'"
_DATABASE = """
SELECT pg_encoding_to_char(encoding) AS encoding, datcollate, datctype,
       to_jsonb(d)->>'datlocprovider' AS provider,
       coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale') AS locale
FROM pg_database d WHERE datname = current_database()
"""
_SETTINGS = """
SELECT name, setting FROM pg_settings
WHERE source IN ('database', 'database user', 'session') AND context = 'user'
AND name NOT IN ('transaction_isolation', 'transaction_read_only', 'search_path',
                 'transaction_deferrable', 'default_transaction_read_only', 'role')
"""
_COMMIT_FAILS = (
    "CREATE TEMPORARY TABLE _whimbrel_held (a int PRIMARY KEY, b int REFERENCES"
    " _whimbrel_held DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP",
    "INSERT INTO _whimbrel_held VALUES (1, 2)",
)
"""A row that refers to nothing, found at the end: whoever commits rolls back."""


@contextmanager
def scratch_postgresql(
    connection: Connection, scope: Scope, url: str | None = None
) -> Iterator[Connection]:
    """Give an empty database like that of *connection*, gone afterwards.

    Raises:
        NoScratch: the role may make neither a database nor a schema.
    """
    if url is None:
        server = engine_to(connection, None)
    else:
        server = create_engine(url, poolclass=NullPool)
    try:
        name = _create(server, connection)
    except DBAPIError as cause:
        if url is not None:
            raise no_scratch(
                f"the role of scratch_url may not make one: {cause.orig}"
            ) from cause
        with _held_schema(connection, scope) as scratch:
            yield scratch
        return
    engine = _engine(server, connection, name, is_elsewhere=url is not None)
    try:
        with engine.connect() as scratch:
            _demand_database(scratch, name)
            _furnish(connection, scratch, scope)
            yield scratch
    finally:
        engine.dispose()
        _drop(server, name)


def _engine(
    server: Engine, connection: Connection, name: str, *, is_elsewhere: bool
) -> Engine:
    if is_elsewhere:
        return create_engine(server.url.set(database=name), poolclass=NullPool)
    return engine_to(connection, name)


def _create(server: Engine, connection: Connection) -> str:
    """Make an empty database with the encoding and locale of the original."""
    row = connection.exec_driver_sql(_DATABASE).one()
    words = [
        f"ENCODING '{row.encoding}'",
        f"LC_COLLATE {_literal(row.datcollate)}",
        f"LC_CTYPE {_literal(row.datctype)}",
    ]
    if row.provider == "i":
        words += ["LOCALE_PROVIDER icu", f"ICU_LOCALE {_literal(row.locale)}"]
    elif row.provider == "b":
        words += ["LOCALE_PROVIDER builtin", f"BUILTIN_LOCALE {_literal(row.locale)}"]
    name = new_name()
    with _autocommit(server).connect() as admin:
        _drop_leftovers(admin)
        said = " ".join(words).replace("%", "%%")
        admin.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE template0 {said}")
    return name


def _autocommit(server: Engine) -> Engine:
    """Return *server*, for statements that no transaction may hold."""
    return server.execution_options(isolation_level="AUTOCOMMIT")


def _drop_leftovers(admin: Connection) -> None:
    """Drop what killed runs of ours left, unless somebody is connected to it."""
    for name in admin.exec_driver_sql(_LEFTOVERS).scalars():
        if is_leftover(name):
            with suppress(DBAPIError):
                admin.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")


def _drop(server: Engine, name: str) -> None:
    """Drop the scratch database; what cannot be dropped now is a leftover later."""
    with suppress(DBAPIError), _autocommit(server).connect() as admin:
        force = "WITH (FORCE)" if _version(admin) >= 13 else ""  # noqa: PLR2004
        admin.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} {force}")
    server.dispose()


def _version(connection: Connection) -> int:
    info = connection.dialect.server_version_info
    return int(info[0]) if info else 0


def _demand_database(scratch: Connection, name: str) -> None:
    """Refuse to go on anywhere else: an app may choose the database by itself."""
    found = scratch.exec_driver_sql("SELECT current_database()").scalar()
    if found != name:
        raise no_scratch(f"the app's own way to connect leads to {found} only")


def _furnish(source: Connection, scratch: Connection, scope: Scope) -> None:
    """Give the scratch database the schemas, extensions and settings of *source*."""
    _settle(source, scratch)
    path = _path(source)
    usual = source.dialect.default_schema_name or "public"
    named = [each for each in scope.schemas if each is not None]
    _make_schemas(scratch, [*path, usual, *named])
    _make_extensions(source, scratch)
    scratch.exec_driver_sql(_search_path([*path, usual]))
    scratch.commit()
    scratch.dialect.default_schema_name = usual


def _settle(source: Connection, scratch: Connection) -> None:
    """Let words be spelled alike: time zone, date style and whatever was set."""
    for name, setting in source.exec_driver_sql(_SETTINGS).all():
        with suppress(DBAPIError), scratch.begin_nested():
            scratch.exec_driver_sql(f"SET {name} = {_literal(setting)}")


def _path(source: Connection) -> list[str]:
    return list(
        source.exec_driver_sql("SELECT unnest(current_schemas(false))").scalars()
    )


def _search_path(schemas: Iterable[str]) -> str:
    names = ", ".join(_quoted(each) for each in dict.fromkeys(schemas))
    return f"SET search_path = {names}"


def _make_schemas(scratch: Connection, names: Iterable[str]) -> None:
    for name in dict.fromkeys(names):
        scratch.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {_quoted(name)}")


def _make_extensions(source: Connection, scratch: Connection) -> None:
    """Create the extensions of *source* that the role may create."""
    found = source.exec_driver_sql(
        "SELECT extname, nspname FROM pg_extension e JOIN pg_namespace n"
        " ON n.oid = extnamespace WHERE extname <> 'plpgsql' ORDER BY e.oid"
    ).all()
    for name, schema in found:
        with suppress(DBAPIError), scratch.begin_nested():
            scratch.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {_quoted(schema)}")
            scratch.exec_driver_sql(
                f"CREATE EXTENSION IF NOT EXISTS {_quoted(name)}"
                f" SCHEMA {_quoted(schema)}"
            )


@contextmanager
def _held_schema(connection: Connection, scope: Scope) -> Iterator[Connection]:
    """Give an empty schema in a transaction that nobody can commit.

    Raises:
        NoScratch: the role may not make one, or one schema is not enough.
    """
    if set(scope.schemas) != {None}:
        raise no_scratch(
            "the role may not create databases, and the models name several schemas"
        )
    engine = engine_to(connection, None)
    try:
        with engine.connect() as scratch, scratch.begin() as transaction:
            _hold(connection, scratch)
            try:
                yield scratch.execution_options(**{HELD: True})
            finally:
                transaction.rollback()
    finally:
        engine.dispose()


def _hold(source: Connection, scratch: Connection) -> None:
    name = new_name()
    try:
        scratch.exec_driver_sql("SET LOCAL lock_timeout = '3s'")
        for sql in _COMMIT_FAILS:
            scratch.exec_driver_sql(sql)
        scratch.exec_driver_sql(f"CREATE SCHEMA {name}")
    except DBAPIError as cause:
        raise no_scratch(f"the role may not make one: {cause.orig}") from cause
    behind = [
        schema
        for schema in _path(source)
        if scratch.exec_driver_sql(
            "SELECT count(*) FROM pg_extension e JOIN pg_namespace n"
            " ON n.oid = extnamespace WHERE nspname = %(schema)s",
            {"schema": schema},
        ).scalar()
    ]
    scratch.exec_driver_sql(_search_path([name, *behind]).replace("SET", "SET LOCAL"))
    scratch.dialect.default_schema_name = name


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
