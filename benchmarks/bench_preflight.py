"""What it costs to ask the rows before a run: one bounded query for each operation.

    python benchmarks/bench_preflight.py [--rows 2000000]

A SQLite table of two million rows with a child of as many.  Beside each question, the
time of reading the table once (``SELECT count(*) ... WHERE name IS NULL``), for that is
what the operation itself does at least.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import sqlalchemy as sa
from alembic.operations import ops
from measure import Row, seconds, table

from whimbrel.catalog.read import read_state
from whimbrel.checks.outlook import Foreseen, Foresight
from whimbrel.checks.preflight import preflight
from whimbrel.schema.scope import Scope


MAKE = (
    "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
    "INSERT INTO parent WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
    " SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n",
    "CREATE TABLE item (id INTEGER PRIMARY KEY, name VARCHAR(64), code VARCHAR(64),"
    " parent_id INTEGER, price INTEGER)",
    "INSERT INTO item WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
    " WHERE i < {rows}) SELECT i, 'name ' || i, 'c' || (i * 7919) % 1000000007,"
    " i % 1000 + 1, i % 97 FROM n",
)
ONE_READING = "SELECT count(*) FROM item WHERE name IS NULL"
PENDING = {
    "NOT NULL": ops.AlterColumnOp("item", "name", modify_nullable=False),
    "unique, no index": ops.CreateUniqueConstraintOp("uq", "item", ["code"]),
    "foreign key": ops.CreateForeignKeyOp(
        "fk", "item", "parent", ["parent_id"], ["id"]
    ),
    "check": ops.CreateCheckConstraintOp("ck", "item", "price >= 0"),
    "text to numbers": ops.AlterColumnOp("item", "code", modify_type=sa.Integer()),
    "dropped table": ops.DropTableOp("item"),
}


def main() -> None:
    """Measure each question on all rows, and print."""
    parser = argparse.ArgumentParser()
    usual = int(os.environ.get("WHIMBREL_BENCH_ROWS", "2000000"))
    parser.add_argument("--rows", type=int, default=usual)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        engine = sa.create_engine(f"sqlite:///{Path(folder, 'app.db')}")
        with engine.connect() as connection:
            for statement in MAKE:
                connection.exec_driver_sql(statement.format(rows=rows))
            connection.commit()
            state = read_state(connection, Scope())
            reading = sa.text(ONE_READING)
            once = seconds(lambda: connection.execute(reading).scalar())
            found = []
            for what, operation in PENDING.items():
                foresight = Foresight(operations=(Foreseen(operation=operation),))
                time = seconds(
                    lambda foresight=foresight: preflight(
                        [foresight], state, connection
                    )
                )
                found.append(Row(what, once, time))
        engine.dispose()
    print(table(f"Asking {rows:,} rows before a run (SQLite)", found, "one reading"))


if __name__ == "__main__":
    main()
