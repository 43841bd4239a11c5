"""A second connection to the database of a first, of no pool."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError


_BORROWED: list[Connection] = []
"""What turned out to be the first one; to close it would undo what that does."""


def connection_beside(connection: Connection) -> Connection | None:
    """Return a new connection to the same database, of no pool; None if it has none."""
    engine = connection.engine
    try:
        alone = Engine(
            engine.pool.recreate(), engine.dialect, engine.url, hide_parameters=True
        )
        own = alone.connect()
    except Exception:  # too many connections, or a creator that gives out one
        return None
    mine, theirs = own.connection, connection.connection
    if mine.dbapi_connection is theirs.dbapi_connection:
        _BORROWED.append(own)
        return None
    return own


def drop(own: Connection) -> None:
    """Close a connection of no pool, whatever it is in the middle of."""
    if own.closed:
        return
    with suppress(SQLAlchemyError):
        own.invalidate()
    own.close()
