"""Ctrl-C and SIGTERM: a run ends after its statement, says where it stands, and is gone on with."""

import os
import signal
import time

import pytest
import sqlalchemy as sa
from flask.cli import FlaskGroup

from stories.terminal import be_the_program
from stories.user_app import app_on


WAITING = """
import time
from pathlib import Path
import sqlalchemy as sa
from alembic import op

revision, down_revision = "a2", "a1"


def wait():
    open("begun", "w").close()  # nothing of what follows is foreseen
    while not Path("go").exists():
        time.sleep(0.01)


def upgrade():
    op.create_table("x", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("INSERT INTO x (id) VALUES (7)")
    op.execute("UPDATE x SET id = id + 1")
    wait()
    op.create_table("y", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("UPDATE x SET id = id + 1")


def downgrade():
    op.drop_table("y")
    wait()
    op.execute("UPDATE x SET id = id - 2")
    op.drop_table("x")
"""

LONGEST = 60


class Shop:
    """A project on a database of any kind, with a script that waits until it may go on."""

    def __init__(self, terminal, url):
        self.terminal = terminal
        self.engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        terminal.write("app.py", app_on(url))
        terminal.does("flask db init -t flask")
        terminal.does("flask db migrate -m first --rev-id a1")
        terminal.does("flask db upgrade")
        terminal.write("migrations/versions/a2.py", WAITING)

    @property
    def tables(self):
        """The tables of the script that waits, with their rows."""
        with self.engine.connect() as connection:
            names = {"x", "y"} & set(sa.inspect(connection).get_table_names())
            return {
                name: connection.exec_driver_sql(f"SELECT * FROM {name}")
                .scalars()
                .all()
                for name in names
            }

    def interrupted(self, verb, *numbers):
        """Run *verb*, and send signals when it has begun; return how it ended."""
        begun, go = (self.terminal.folder / name for name in ("begun", "go"))
        begun.unlink(missing_ok=True)
        go.unlink(missing_ok=True)
        with (self.terminal.folder / "said").open("w+") as said:
            child = os.fork()
            if child == 0:
                for screen in (1, 2):
                    os.dup2(said.fileno(), screen)
                be_the_program(self.terminal.folder, FlaskGroup(), ["db", verb])
            end = time.monotonic() + LONGEST
            while not begun.exists() and time.monotonic() < end:
                time.sleep(0.02)
            for number in numbers:
                os.kill(child, number)
                time.sleep(0.1)  # a second one must find the first one heard
            go.touch()
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            said.seek(0)
            return status, said.read()


@pytest.fixture(params=["sqlite", "postgresql", "mariadb", "mysql"])
def shop(request, terminal):
    """A project on each database."""
    if request.param == "sqlite":
        url = f"sqlite:///{terminal.folder / 'app.db'}"
    else:
        url = request.getfixturevalue(f"{request.param}_url")
    shop = Shop(terminal, url)
    yield shop
    shop.engine.dispose()


@pytest.mark.parametrize(
    "numbers",
    [(signal.SIGINT,), (signal.SIGTERM,), (signal.SIGINT, signal.SIGINT)],
    ids=["Ctrl-C", "SIGTERM", "Ctrl-C twice"],
)
def test_a_run_is_ended_and_gone_on_with(shop, numbers):
    """There and back: what is left is told, and each statement is done once."""
    keeps = shop.engine.dialect.name == "mysql"
    code, said = shop.interrupted("upgrade", *numbers)
    assert "Traceback" not in said
    if len(numbers) == 1:
        assert code == 128 + numbers[0], said
        assert "ended on request" in said
        done = "1 statement of it is done" if keeps else "Nothing was changed."
        assert done in said
    else:
        assert code != 0, said
    assert ("x" in shop.tables) is keeps
    status = shop.terminal.type("flask db status")
    assert status.status == (1 if keeps else 2)
    assert ("Half done: upgrade a2" in status.stdout) is keeps
    shop.terminal.does("flask db upgrade")
    assert {"x": [9], "y": []} == shop.tables

    code, said = shop.interrupted("downgrade", *numbers)
    assert code != 0, said
    if keeps:
        shop.terminal.refuses(
            "flask db upgrade", "downgrade of revision a2 is half done"
        )
    else:
        assert {"x": [9], "y": []} == shop.tables
    shop.terminal.does("flask db downgrade")
    assert {} == shop.tables
    shop.terminal.does("flask db upgrade")
    assert {"x": [9], "y": []} == shop.tables
