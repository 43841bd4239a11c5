"""How long an empty database takes to its head, beside plain Alembic in the same run.

    python bench_upgrade.py [SQLite] [PostgreSQL] [MariaDB] [MySQL]

The scripts do what those of real projects do: tables, columns, foreign keys, indexes,
altered columns, now and then a change of rows.  Each upgrade is of a new database, in
turns; statements are counted too, those by which Whimbrel keeps its promises included.
"""

from __future__ import annotations

import io
import statistics
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from bench_compare import SERVERS
from bench_history import ENV
from measure import Row, seconds, table

from whimbrel.commands import database


SCRIPTS, ROUNDS = 150, 5
SCRIPT = """
from alembic import op
import sqlalchemy as sa

revision = "r{number:04}"
down_revision = {down!r}


def upgrade():
    {body}


def downgrade():
    pass
"""

COLUMNS = """
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("code", sa.String(30)),
    sa.Column("price", sa.Numeric(10, 2), server_default="0"),
"""

STEPS = (
    f"""
    op.create_table("NAME", {COLUMNS})
    op.create_index("ix_NAME_name", "NAME", ["name"])
    op.create_table("NAME_kind", {COLUMNS}
        sa.UniqueConstraint("code", name="uq_NAME_kind"))
    """,
    """
    op.add_column("NAME", sa.Column("note", sa.String(50)))
    op.add_column("NAME", sa.Column("title", sa.String(50)))
    op.add_column("NAME", sa.Column("old", sa.String(50)))
    """,
    """
    with op.batch_alter_table("NAME") as batch:
        batch.alter_column("note", existing_type=sa.String(50), type_=sa.String(100))
        batch.alter_column("title", existing_type=sa.String(50), nullable=False)
    """,
    """
    with op.batch_alter_table("NAME") as batch:
        batch.add_column(sa.Column("kind_id", sa.Integer))
        batch.create_foreign_key("fk_NAME", "NAME_kind", ["kind_id"], ["id"])
    """,
    """
    op.execute("UPDATE NAME SET code = 'x' WHERE code IS NULL")
    op.create_index("ix_NAME_code", "NAME", ["code"])
    op.drop_column("NAME", "old")
    """,
)


def write_scripts(folder: Path, count: int) -> None:
    """Write *count* scripts, five about each pair of tables."""
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENV)
    for number in range(count):
        body = STEPS[number % 5].replace("NAME", f"thing_{number // 5:03}").strip()
        down = f"r{number - 1:04}" if number else None
        text = SCRIPT.format(number=number, down=down, body=body)
        (folder / "versions" / f"r{number:04}.py").write_text(text)


@contextmanager
def new_database(kind: str) -> Iterator[str]:
    """Give the URL of a new database."""
    name = f"whimbrel_bench_{uuid.uuid4().hex[:8]}"
    if kind == "SQLite":
        with tempfile.TemporaryDirectory() as place:
            yield f"sqlite:///{place}/{name}.db"
        return
    server = sa.create_engine(SERVERS[kind], isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield server.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            force = " WITH (FORCE)" if kind == "PostgreSQL" else ""  # env.py's pool
            connection.exec_driver_sql(f"DROP DATABASE {name}{force}")
        server.dispose()


def upgraded(tool: str, kind: str, folder: Path) -> float:
    """Return how long *tool* takes to the head of the scripts in *folder*."""
    run = {"alembic": command.upgrade, "whimbrel": database.upgrade}[tool]
    with new_database(kind) as url:
        config = Config(stdout=io.StringIO())
        config.set_main_option("script_location", str(folder))
        config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
        return seconds(lambda: run(config, "head"))


def statements(tool: str, kind: str, folder: Path) -> int:
    """Return how many statements *tool* sends."""
    sent = 0

    def count(*_: object) -> None:
        nonlocal sent
        sent += 1

    sa.event.listen(sa.Engine, "before_cursor_execute", count)
    try:
        upgraded(tool, kind, folder)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", count)
    return sent


def main() -> None:
    """Measure where a server answers, and print what was found."""
    kinds = sys.argv[1:] or ["SQLite", *SERVERS]
    rows, sent = [], []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "migrations"
        write_scripts(folder, SCRIPTS)
        for kind in kinds:
            try:
                counts = [statements(e, kind, folder) for e in ("alembic", "whimbrel")]
            except sa.exc.OperationalError as error:
                print(f"{kind} does not answer: {error.orig}")
                continue
            sent.append(f"{kind}: {counts[0]:,} statements by alembic, {counts[1]:,}")
            rows.append(measure(kind, folder))
    print(table(f"{SCRIPTS} scripts on an empty database", rows, "alembic", "s"))
    print("\n".join(sent))


def measure(kind: str, folder: Path) -> Row:
    """Return the medians of both, in turns."""
    times: dict[str, list[float]] = {"alembic": [], "whimbrel": []}
    for number in range(ROUNDS):
        for tool in sorted(times, reverse=number % 2 == 1):
            times[tool].append(upgraded(tool, kind, folder))
    return Row(kind, *(statistics.median(each) for each in times.values()))


if __name__ == "__main__":
    main()
