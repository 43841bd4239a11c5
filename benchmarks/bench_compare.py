"""Reading a database and comparing it with the models, when nothing has changed.

Beside Alembic's `compare_metadata` in the same process, in alternating runs, on a
SQLite file and on each server that answers; the peak of memory each in an
interpreter of its own.

    python bench_compare.py [SQLite] [PostgreSQL] [MariaDB] [MySQL]
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import tracemalloc
import uuid
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from measure import Row, alternating, in_fresh_interpreter, table

from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope


ROUNDS = {100: 9, 1000: 5, 3000: 3}
SERVER_ROUNDS = {100: 5, 1000: 3, 5000: 1}
SERVERS = {
    "PostgreSQL": os.environ.get(
        "WHIMBREL_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
    ),
    "MariaDB": os.environ.get(
        "WHIMBREL_MARIADB", "mysql+pymysql://root@127.0.0.1:3306/mysql"
    ),
    "MySQL": os.environ.get(
        "WHIMBREL_MYSQL", "mysql+pymysql://root@127.0.0.1:3307/mysql"
    ),
}


def models(count: int) -> sa.MetaData:
    """Return *count* tables as real projects have them: keys, indexes, defaults."""
    metadata = sa.MetaData()
    for number in range(count):
        sa.Table(
            f"table_{number:04}",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("name", sa.String(64), nullable=False, index=True),
            sa.Column("email", sa.String(120), unique=True),
            sa.Column("body", sa.Text),
            sa.Column("price", sa.Numeric(10, 2), server_default="0"),
            sa.Column("status", sa.String(20), nullable=False, server_default="new"),
            sa.Column(
                "is_active", sa.Boolean, nullable=False, server_default=sa.true()
            ),
            sa.Column("created", sa.DateTime, server_default=sa.func.now()),
            sa.Column("parent_id", sa.ForeignKey(f"table_{max(number - 1, 0):04}.id")),
            sa.CheckConstraint("price >= 0", name=f"ck_table_{number:04}_price"),
            sa.Index(f"ix_table_{number:04}_both", "status", "created"),
        )
    return metadata


def by_alembic(connection: sa.Connection, metadata: sa.MetaData) -> list[object]:
    """Compare as `alembic check` does, server defaults included."""
    options = {"compare_type": True, "compare_server_default": True}
    context = MigrationContext.configure(connection, opts=options)
    return compare_metadata(context, metadata)


def by_us(connection: sa.Connection, metadata: sa.MetaData) -> tuple[object, ...]:
    """Compare as `whimbrel check` does."""
    scope = Scope()
    current = read_state(connection, scope)
    wanted = adopt_names(read_models([metadata], connection, scope), current)
    return diff(current, wanted)


def with_database(count: int):
    """Return an engine on a new SQLite file that has the tables, and their models."""
    folder = tempfile.TemporaryDirectory(prefix="whimbrel-bench-")
    engine = sa.create_engine(f"sqlite:///{Path(folder.name) / 'bench.db'}")
    metadata = models(count)
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA synchronous = off")
        metadata.create_all(connection)
    return folder, engine, metadata


@contextmanager
def on_server(kind: str, count: int):
    """Give a connection to a new database that has the tables, and their models."""
    server = sa.create_engine(SERVERS[kind], isolation_level="AUTOCOMMIT")
    name = f"whimbrel_bench_{uuid.uuid4().hex[:8]}"
    metadata = models(count)
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine = sa.create_engine(server.url.set(database=name))
    try:
        with engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            metadata.create_all(connection)  # one transaction has not so many locks
            yield connection, metadata
    finally:
        engine.dispose()
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}")
        server.dispose()


def compared_on(kind: str, count: int) -> Row:
    """Measure both on *count* tables of a server."""
    with on_server(kind, count) as (connection, metadata):
        found = by_us(connection, metadata)
        if found:
            sys.exit(f"Nothing has changed, but {len(found)} changes: {found[:3]}")
        times = alternating(
            lambda: by_alembic(connection, metadata),
            lambda: by_us(connection, metadata),
            SERVER_ROUNDS[count],
        )
    return Row(f"{count:,} tables", *times)


def peak_on(kind: str, who: str, count: int) -> int:
    """Return the peak of memory of one comparison on a server, in bytes."""
    with on_server(kind, count) as (connection, metadata):
        return peak_of(who, connection, metadata)


def peak_of(who: str, connection: sa.Connection, metadata: sa.MetaData) -> int:
    """Return the peak of memory of one comparison, in bytes."""
    run = {"alembic": by_alembic, "whimbrel": by_us}[who]
    tracemalloc.start()
    run(connection, metadata)
    return tracemalloc.get_traced_memory()[1]


def unanswered(url: str) -> str | None:
    """Return why a server does not answer; None if it does."""
    try:
        sa.create_engine(url).connect().close()
    except sa.exc.DBAPIError as error:
        return str(error.orig)
    return None


def report_on(kind: str) -> None:
    """Measure on a server and print, or say that it is not there."""
    if why := unanswered(SERVERS[kind]):
        print(f"\nNOT MEASURED: no {kind} at {SERVERS[kind]}: {why}")
        return
    told(kind, [compared_on(kind, count) for count in SERVER_ROUNDS])


def report_on_sqlite() -> None:
    """Measure on a file and print."""
    told("SQLite", [compared(count) for count in ROUNDS])


def told(kind: str, rows: list[Row]) -> None:
    """Print what was measured, how it grows, and the peaks of memory."""
    print(table(f"Read and compare, nothing changed ({kind})", rows, "alembic"))
    *_, before, last = rows
    growth = last.ours / before.ours
    print(f"From {before.what} to {last.what} ours takes {growth:.1f} times as long.")
    for who in ("alembic", "whimbrel"):
        most = in_fresh_interpreter(__file__, "peak", kind, who) / 1e6
        print(f"Peak of memory, 1,000 tables: {who} {most:.1f} MB")


def compared(count: int) -> Row:
    """Measure both on *count* tables."""
    folder, engine, metadata = with_database(count)
    with folder, engine.connect() as connection:
        found = by_us(connection, metadata)
        if found:
            sys.exit(f"Nothing has changed, but {len(found)} changes: {found[:3]}")
        times = alternating(
            lambda: by_alembic(connection, metadata),
            lambda: by_us(connection, metadata),
            ROUNDS[count],
        )
    engine.dispose()
    return Row(f"{count:,} tables", *times)


def peak(kind: str, who: str, count: int) -> int:
    """Return the peak of memory of one comparison, in bytes."""
    if kind in SERVERS:
        return peak_on(kind, who, count)
    folder, engine, metadata = with_database(count)
    with folder, engine.connect() as connection:
        result = peak_of(who, connection, metadata)
    engine.dispose()
    return result


def main(kinds: list[str]) -> None:
    """Measure on *kinds* of databases, all if there are none, and print."""
    for kind in kinds or ["SQLite", *SERVERS]:
        if kind in SERVERS:
            report_on(kind)
        else:
            report_on_sqlite()


if __name__ == "__main__":
    if sys.argv[1:2] == ["peak"]:
        print(json.dumps(peak(*sys.argv[2:4], 1000)))
    else:
        main(sys.argv[1:])
