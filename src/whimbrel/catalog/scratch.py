"""A throw-away database of the same dialect, to try things on.

SQLite gets one in memory, PostgreSQL and MySQL one beside the original, made and
dropped by the same role.  Nothing that is done there reaches the original.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy.engine import Connection

from whimbrel.catalog.scratch_mysql import scratch_mysql
from whimbrel.catalog.scratch_postgresql import scratch_postgresql
from whimbrel.catalog.scratch_sqlite import copy_schema, scratch_sqlite
from whimbrel.catalog.surroundings import copy_postgresql
from whimbrel.errors import NoScratch
from whimbrel.schema.scope import Scope


__all__ = ["copy_schema", "copy_surroundings", "scratch_like"]

_WHOLE_DATABASE = Scope()


@contextmanager
def scratch_like(
    connection: Connection, scope: Scope = _WHOLE_DATABASE, url: str | None = None
) -> Iterator[Connection]:
    """Give an empty database of the dialect of *connection*, gone afterwards.

    Args:
        connection: the original, which is neither changed nor blocked.
        scope: the schemas that the scratch database must have.
        url: the server, or the empty database, that the user set aside for this.

    Raises:
        NoScratch: there is no way to make one; it tells why, and what would help.
    """
    with _made(connection, scope, url) as scratch:
        translation = connection.get_execution_options().get("schema_translate_map")
        told = {"schema_translate_map": translation} if translation else {}
        yield scratch.execution_options(**told)


def _made(
    connection: Connection, scope: Scope, url: str | None
) -> AbstractContextManager[Connection]:
    match connection.dialect.name:
        case "sqlite":
            return scratch_sqlite(connection)
        case "postgresql":
            return scratch_postgresql(connection, scope, url)
        case "mysql" | "mariadb":
            return scratch_mysql(connection, scope, url)
        case name:
            raise NoScratch(
                f"There is no scratch database: none is known for {name}.",
                "Try the script on a copy of the database before you use it.",
                dialect=name,
            )


def copy_surroundings(
    source: Connection, target: Connection, scope: Scope, *, are_tables_there: bool
) -> None:
    """Make in *target* what stands around the tables of *source*, so far as it counts.

    MySQL's views, triggers and functions never stand in the way of a script.

    Args:
        source: the database whose surroundings are copied.
        target: the scratch database.
        scope: the schemas to look into.
        are_tables_there: make what stands on tables too.
    """
    if source.dialect.name == "postgresql":
        copy_postgresql(source, target, scope, are_tables_there=are_tables_there)
