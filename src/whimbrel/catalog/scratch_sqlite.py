"""A throw-away SQLite database, which lives in memory.

What an application does to its connections (adding functions, setting pragmas) is
done to this one as well; a file that it attaches there is replaced by an empty
database, so that nothing real is ever touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import StaticPool

from whimbrel.catalog.sqlite_ddl import is_virtual, quote
from whimbrel.catalog.sqlite_master import SchemaText, attached, read_texts
from whimbrel.schema.scope import Scope


_KNOW_THREADS = ("pysqlite", "pysqlcipher")
_ORDER = ("table", "index", "view", "trigger")
_MAKES = re.compile(
    r"\s*CREATE\s+(?:UNIQUE\s+)?(?:VIRTUAL\s+)?(?:TABLE|INDEX|VIEW|TRIGGER)\b\s*",
    re.IGNORECASE,
)


@contextmanager
def scratch_sqlite(connection: Connection) -> Iterator[Connection]:
    """Give an empty database with the hooks of *connection*, gone afterwards."""
    engine = _engine_like(connection)
    try:
        with engine.connect() as scratch:
            _attach_as(connection, scratch)
            yield scratch
    finally:
        engine.dispose()


def copy_schema(source: Connection, target: Connection, scope: Scope) -> None:
    """Make in *target* all that *source* has, but for the rows.

    Tables, indexes, views and triggers are made from the texts that SQLite keeps,
    those that *scope* does not manage included: others may refer to them.

    Args:
        source: the database whose schema is copied.
        target: an empty database of the same dialect.
        scope: the schemas that are copied.
    """
    for schema in scope.schemas:
        texts = read_texts(source, schema)
        for text in sorted(texts, key=lambda each: _ORDER.index(each.kind)):
            _make(target, text, schema)


def _make(target: Connection, text: SchemaText, schema: str | None) -> None:
    """Make a thing from its text; a virtual table only if its module is there."""
    sql = text.sql
    if schema is not None:
        sql = _MAKES.sub(lambda match: f"{match[0]}{quote(schema)}.", sql, count=1)
    try:
        target.exec_driver_sql(sql)
    except OperationalError as error:
        if not (is_virtual(text.sql) and "no such module" in str(error.orig)):
            raise


def _engine_like(connection: Connection) -> Engine:
    """Return an engine for a database in memory, with the hooks of the original.

    An env.py may run its migrations in a thread; the database outlives that thread.
    """
    dialect = connection.dialect
    driver = "pysqlite" if dialect.is_async else dialect.driver
    url = URL.create(f"{dialect.name}+{driver}", database=":memory:")
    options = {"check_same_thread": False} if driver in _KNOW_THREADS else {}
    engine = create_engine(url, poolclass=StaticPool, connect_args=options)
    if not dialect.is_async:
        # What SQLAlchemy does when it makes a pool anew: the listeners move along.
        hooks = connection.engine.pool.dispatch
        engine.pool.dispatch._update(hooks, only_propagate=False)
    return engine


def _attach_as(source: Connection, scratch: Connection) -> None:
    """Attach an empty database for each that *source* has, and no other."""
    for name in attached(scratch):
        scratch.exec_driver_sql(f"DETACH {quote(name)}")
    for name in attached(source):
        scratch.exec_driver_sql(f"ATTACH ':memory:' AS {quote(name)}")
