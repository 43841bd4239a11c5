"""A connection in, the state of its database out."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from whimbrel.catalog.inspector import read_inspected
from whimbrel.catalog.mysql import read_mysql
from whimbrel.catalog.postgresql import read_postgresql, read_postgresql_parts
from whimbrel.catalog.postgresql_footings import read_postgresql_footings
from whimbrel.catalog.sqlite import read_sqlite
from whimbrel.schema.collector import uncollected
from whimbrel.schema.dialect import Dialect, dialect_of
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import Footing, State, Table


_READERS: dict[str, Callable[[Connection, Scope], State]] = {
    "mariadb": read_mysql,
    "mysql": read_mysql,
    "postgresql": read_postgresql,
    "sqlite": read_sqlite,
}
_FOOTINGS: dict[str, Callable[[Connection, Scope], tuple[Footing, ...]]] = {
    "postgresql": read_postgresql_footings,
}

_PARTS: dict[str, Callable[[Connection, Scope], frozenset[Table]]] = {
    "postgresql": read_postgresql_parts,
}


_OF_SERVERS = ("information_schema", "mysql", "performance_schema", "sys")


def read_state(connection: Connection, scope: Scope) -> State:
    """Return what the catalog of a database says of all that is in *scope*.

    A dialect without a reader of its own is asked through SQLAlchemy's Inspector.
    """
    reader = _READERS.get(dialect_of(connection).name, read_inspected)
    with uncollected():
        return reader(connection, scope)


def read_footings(connection: Connection, scope: Scope) -> tuple[Footing, ...]:
    """Return what tables can stand on that is none of ours, told what some need."""
    read = _FOOTINGS.get(dialect_of(connection).name)
    return () if read is None else read(connection, scope)


def read_parts(connection: Connection, scope: Scope) -> frozenset[Table]:
    """Return the tables that are parts of others; models leave them alone."""
    read = _PARTS.get(dialect_of(connection).name)
    return frozenset() if read is None else read(connection, scope)


def read_schemas(connection: Connection) -> tuple[str, ...]:
    """Return the schemas beside the default one, but for those of the server itself."""
    if dialect_of(connection).is_one_file:
        return ()
    usual = connection.dialect.default_schema_name
    found = inspect(connection).get_schema_names()
    return tuple(sorted(name for name in found if name not in (usual, *_OF_SERVERS)))


def is_readable(dialect: Dialect) -> bool:
    """Whether *dialect* has a reader of its own, and so can be told in full."""
    return dialect.name in _READERS
