"""A connection in, the state of its database out."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.engine import Connection

from whimbrel.catalog.collector import uncollected
from whimbrel.catalog.mysql import read_mysql
from whimbrel.catalog.postgresql import read_postgresql
from whimbrel.catalog.sqlite import read_sqlite
from whimbrel.errors import DatabaseError
from whimbrel.schema.dialect import Dialect, dialect_of
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import State


_READERS: dict[str, Callable[[Connection, Scope], State]] = {
    "mariadb": read_mysql,
    "mysql": read_mysql,
    "postgresql": read_postgresql,
    "sqlite": read_sqlite,
}


def read_state(connection: Connection, scope: Scope) -> State:
    """Return what the catalog of a database says of all that is in *scope*.

    Raises:
        DatabaseError: if no reader knows the catalog of that dialect.
    """
    name = dialect_of(connection).name
    if name not in _READERS:
        raise unknown_dialect(name)
    with uncollected():
        return _READERS[name](connection, scope)


def is_readable(dialect: Dialect) -> bool:
    """Whether there is a reader for the catalog of *dialect*."""
    return dialect.name in _READERS


def unknown_dialect(name: str) -> DatabaseError:
    """Return the error that says that we cannot read a database of that dialect."""
    known = ", ".join(sorted(_READERS))
    return DatabaseError(
        f"The catalog of a {name} database cannot be read yet.",
        f"Use a database of one of these dialects: {known}.",
        dialect=name,
    )
