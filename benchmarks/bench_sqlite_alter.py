"""How long a large SQLite table takes to alter, beside Alembic's batch in the same run.

    python benchmarks/bench_sqlite_alter.py [--rows 2000000]

The table has a unique key in no order and an index; 2 million rows of it are a file
of about 280 MB.  ``WHIMBREL_BENCH_ROWS`` makes it smaller too.  Each change is made
once, on a fresh copy of the file, in a process of its own, whose peak of memory is
told as well.  The hand-written rebuild is the best that SQLite's manual knows: a new
table, INSERT ... SELECT, and the index after the rows.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from measure import Row, in_fresh_interpreter, seconds, table


COLUMNS = (
    "id INTEGER NOT NULL",
    "code VARCHAR(64) NOT NULL",
    "name VARCHAR(64)",
    "price {price} DEFAULT '0'",
    "made DATETIME",
    "PRIMARY KEY (id)",
    "CONSTRAINT uq_item_code UNIQUE (code)",
)
INDEX = "CREATE INDEX ix_item_name ON item (name)"
FILL = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
INSERT INTO item
SELECT i,
       printf('%08x', (i * 2654435761) % 4294967296) || '-' || i,
       'the name of ' || (i * 7919 % 1000003),
       (i % 10000) / 100.0,
       '2024-01-01 00:00:00.000000'
FROM n
"""
HAND = (
    "BEGIN",
    f"CREATE TABLE new_item ({', '.join(COLUMNS).format(price='TEXT')})",
    "INSERT INTO new_item SELECT id, code, name, price, made FROM item",
    "DROP TABLE item",
    "ALTER TABLE new_item RENAME TO item",
    INDEX,
    "COMMIT",
)
MEGABYTE = 1_000_000


def longer_and_checked(batch, sa):
    batch.alter_column("code", existing_type=sa.String(64), type_=sa.String(256))
    batch.create_check_constraint("ck_item_price", sa.text("price >= 0"))


def another_default(batch, _sa):
    batch.alter_column("price", server_default="1")


def not_null(batch, sa):
    batch.alter_column("name", existing_type=sa.String(64), nullable=False)


def another_affinity(batch, sa):
    batch.alter_column("price", existing_type=sa.Numeric(10, 2), type_=sa.Text())


CHANGES = {
    "String(64) to (256), a check": longer_and_checked,
    "another default": another_default,
    "NOT NULL": not_null,
    "a rebuild: NUMERIC to TEXT": another_affinity,
}
REBUILD = "a rebuild: NUMERIC to TEXT"


def main() -> None:
    """Make the table, alter it in all ways with all tools, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    rows = int(os.environ.get("WHIMBREL_BENCH_ROWS", "2000000"))
    parser.add_argument("--rows", type=int, default=rows)
    parser.add_argument("--one", nargs=3, metavar=("TOOL", "CHANGE", "DATABASE"))
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(*options.one)))
        return
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "original.db"
        make(database, options.rows)
        size = database.stat().st_size / MEGABYTE
        print(f"\nA table of {options.rows:,} rows, {size:,.0f} MB, a key and an index")
        measure(database)


def make(database: Path, rows: int) -> None:
    """Write the table, as tidy as it can be."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA cache_size=-500000")
        connection.execute(
            f"CREATE TABLE item ({', '.join(COLUMNS).format(price='NUMERIC(10, 2)')})"
        )
        connection.execute(FILL, (rows,))
        connection.execute(INDEX)
        connection.commit()
        connection.execute("VACUUM")


def measure(database: Path) -> None:
    """Print how long each change takes, and how much memory."""
    found = {
        (tool, change): on_a_copy(database, tool, change)
        for change in CHANGES
        for tool in ("alembic", "whimbrel")
    }
    hand = on_a_copy(database, "hand", REBUILD)
    again = on_a_copy(database, "whimbrel", REBUILD)  # the second of each, in turns
    hand = min(hand, on_a_copy(database, "hand", REBUILD), key=lambda it: it["seconds"])
    ours = min(found["whimbrel", REBUILD], again, key=lambda it: it["seconds"])
    rows = [
        Row(
            change,
            *(found[tool, change]["seconds"] for tool in ("alembic", "whimbrel")),
        )
        for change in CHANGES
    ]
    print(table("beside Alembic's batch", rows, "alembic"))
    row = Row(REBUILD, hand["seconds"], ours["seconds"])
    print(table("beside the best by hand", [row], "by hand"))
    print("\npeak of memory")
    found["by hand", REBUILD] = hand
    for (tool, change), each in found.items():
        print(f"{change:<34}{tool:>16}{each['peak']:>11,.0f} MB")


def on_a_copy(database: Path, tool: str, change: str) -> dict[str, float]:
    """Make *change* with *tool* on a copy of *database*, in a new Python."""
    copy = database.with_name("copy.db")
    shutil.copy(database, copy)
    os.sync()
    try:
        return in_fresh_interpreter(__file__, "--one", tool, change, str(copy))
    finally:
        copy.unlink()


def one(tool: str, change: str, database: str) -> dict[str, float]:
    """Make one change; return how long it took and the most memory that there was."""
    run = by_hand(database) if tool == "hand" else in_a_batch(tool, change, database)
    taken, peak = seconds(run), peak_of_memory()
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    return {"seconds": taken, "peak": peak / MEGABYTE}


def peak_of_memory() -> int:
    """Return the most bytes that this process has had; Linux would add its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (
            each for each in status.read_text().splitlines() if each[:6] == "VmHWM:"
        )
        return int(line.split()[1]) * 1024
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def by_hand(database: str) -> Callable[[], None]:
    """Return what rebuilds the table by statements."""

    def run() -> None:
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            for statement in HAND:
                connection.execute(statement)

    return run


def in_a_batch(tool: str, change: str, database: str) -> Callable[[], None]:
    """Return what makes a change as a script does, all imports done."""
    import sqlalchemy as sa  # noqa: PLC0415 - each tool in a Python of its own
    from alembic.operations import Operations  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    kinds = {"alembic": (MigrationContext, Operations)}
    if tool == "whimbrel":  # that it is imported puts it in the place of Alembic's
        from whimbrel.run import runtime  # noqa: PLC0415

        kinds["whimbrel"] = (runtime.Context, runtime.Operations)
    context_kind, operations_kind = kinds[tool]
    engine = sa.create_engine(f"sqlite:///{database}")

    def run() -> None:
        with engine.connect() as connection:
            options = {"transactional_ddl": True}
            context = MigrationContext.configure(connection, opts=options)
            context.__class__ = context_kind
            with (
                context.begin_transaction(),
                operations_kind(context).batch_alter_table("item") as batch,
            ):
                CHANGES[change](batch, sa)
        engine.dispose()

    return run


if __name__ == "__main__":
    main()
