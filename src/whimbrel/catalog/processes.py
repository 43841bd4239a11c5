"""Who is connected to a MySQL or MariaDB server, and what the server does for them.

``information_schema`` cannot be asked: on MySQL its queries fail as long as anybody's
statement holds a character beyond the first 65,536.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A connection to the server, as SHOW PROCESSLIST tells it.

    Args:
        number: the server's number for it.
        user: whose it is.
        host: where it comes from.
        database: which one it uses, if any.
        command: what the server does for it: ``Query``, ``Sleep``.
        seconds: for how long.
        statement: what it is told to do, if anything.
    """

    number: int
    user: str
    host: str
    database: str | None
    command: str
    seconds: float
    statement: str


def processes(connection: Connection) -> dict[int, Process]:
    """Return all connections that the user may see, by their numbers."""
    rows = connection.exec_driver_sql("SHOW FULL PROCESSLIST")
    return {
        int(number): Process(
            number=int(number),
            user=user,
            host=host or "",
            database=database,
            command=command,
            seconds=float(seconds or 0),
            statement=statement or "",
        )
        for number, user, host, database, command, seconds, _, statement, *_ in rows
    }
