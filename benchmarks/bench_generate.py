"""A change of ten tables among 1,000: how long until its script is there.

    python benchmarks/bench_generate.py [--tables 1000] [--rounds 3]

Beside Alembic's `revision --autogenerate` with types and defaults compared, each in
a process of its own, on SQLite and on the servers that answer.  Ours also proves the
script: it is run on a scratch database up, down and up again, and compared.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from bench_compare import SERVERS, models, on_server, unanswered
from measure import Row, alternating, table


HERE = Path(__file__).parent
CHANGED = 10

ENV = """
import sys
from alembic import context
from sqlalchemy import create_engine

sys.path.insert(0, {here!r})
from bench_compare import models
from bench_generate import changed

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=changed(models({tables})),
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()
"""
MAKO = """revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}

from alembic import op
import sqlalchemy as sa
${imports if imports else ""}

def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
"""
RUN = """
import io
from alembic.config import Config
from {module} import {name}

config = Config(stdout=io.StringIO())
config.set_main_option("script_location", {folder!r})
config.set_main_option("sqlalchemy.url", {url!r})
{name}{verb}(config, "ten", autogenerate=True)
"""
TOOLS = {
    "alembic": {"module": "alembic", "name": "command", "verb": ".revision"},
    "whimbrel": {"module": "whimbrel.commands", "name": "scripts", "verb": ".revision"},
}


def changed(metadata: sa.MetaData) -> sa.MetaData:
    """Return *metadata* with ten of its tables changed, each in four ways."""
    names = sorted(metadata.tables)
    for name in names[:: max(len(names) // CHANGED, 1)][:CHANGED]:
        one = metadata.tables[name]
        one.append_column(sa.Column("added", sa.Integer, server_default="7"))
        one.c.name.type = sa.String(200)
        one.c.status.server_default = sa.DefaultClause("fresh")
        sa.Index(f"ix_{name}_price", one.c.price)
    return metadata


@contextmanager
def project(url: str, tables: int) -> Iterator[Path]:
    """Give a folder of scripts whose first one stands for what is there."""
    with tempfile.TemporaryDirectory(prefix="whimbrel-bench-") as place:
        folder = Path(place) / "migrations"
        (folder / "versions").mkdir(parents=True)
        env = ENV.format(here=str(HERE), tables=tables)
        (folder / "env.py").write_text(env)
        (folder / "script.py.mako").write_text(MAKO)
        first = f"""revision = "first"
down_revision = None

import sys
from alembic import op

sys.path.insert(0, {str(HERE)!r})
from bench_compare import models


def upgrade():
    models({tables}).create_all(op.get_bind())


def downgrade():
    models({tables}).drop_all(op.get_bind())
"""
        (folder / "versions" / "first.py").write_text(first)
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"
            )
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('first')")
        engine.dispose()
        yield folder


def generated(tool: str, url: str, folder: Path) -> None:
    """Write the script with one of the tools, and throw it away."""
    words = RUN.format(folder=str(folder), url=url, **TOOLS[tool])
    done = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, check=False
    )
    written = [each for each in folder.rglob("*.py") if "ten" in each.name]
    if done.returncode or not written:
        sys.exit(done.stderr or f"{tool} has written nothing.")
    for each in written:
        each.unlink()
    with suppress(FileNotFoundError):
        (folder / "head").unlink()


def measured(where: str, url: str, tables: int, rounds: int) -> Row:
    """Measure both tools on a database that has the tables."""
    with project(url, tables) as folder:
        tools = [partial(generated, tool, url, folder) for tool in TOOLS]
        return Row(where, *alternating(*tools, rounds))


def on_sqlite(tables: int, rounds: int) -> Row:
    """Measure on a SQLite file."""
    with tempfile.TemporaryDirectory(prefix="whimbrel-bench-") as place:
        url = f"sqlite:///{place}/bench.db"
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            models(tables).create_all(connection)
        engine.dispose()
        return measured("SQLite", url, tables, rounds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rows = [on_sqlite(options.tables, options.rounds)]
    for where, server in SERVERS.items():
        if why := unanswered(server):
            print(f"\nNOT MEASURED: no {where}: {why}")
            continue
        with on_server(where, options.tables) as (connection, _):
            url = connection.engine.url.render_as_string(hide_password=False)
            connection.rollback()
            rows.append(measured(where, url, options.tables, options.rounds))
    title = f"Ten of {options.tables:,} tables changed: until the script is there"
    print(table(title, rows, "alembic"))


if __name__ == "__main__":
    main()
