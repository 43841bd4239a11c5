"""What the stories of the faces share: a folder with a script, apps, and commands."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from stories.terminal import be_the_program, run_file


FIRST = '''\
"""first

Revision ID: a1
Revises:
"""
import sqlalchemy as sa
from alembic import op

revision = "a1"
down_revision = None


def upgrade():
    op.create_table("item", sa.Column("id", sa.Integer, primary_key=True))


def downgrade():
    op.drop_table("item")
'''

SECOND = '''\
"""second

Revision ID: b2
Revises: a1
"""
import sqlalchemy as sa
from alembic import op

revision = "b2"
down_revision = "a1"


def upgrade():
    op.create_table("tag", sa.Column("id", sa.Integer, primary_key=True))


def downgrade():
    op.drop_table("tag")
'''


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder, which is where the commands are typed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


@pytest.fixture
def scripts(here):
    """A migrations folder with two scripts and nothing else, not even an env.py."""
    return write_scripts(here / "migrations")


def write_scripts(folder):
    versions = folder / "versions"
    versions.mkdir(parents=True)
    (versions / "a1_first.py").write_text(FIRST)
    (versions / "b2_second.py").write_text(SECOND)
    return folder


def tables(path):
    """Return the names of the tables in the SQLite file at *path*, but for our own."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    names = {name for (name,) in rows if not name.startswith("_whimbrel_")}
    connection.close()
    return names


def run(*words, cwd=None, input=None, **environment):
    """Run the command *words* as a user would and return what came of it."""
    if words[0].endswith(".py"):
        return _forked(words, cwd or Path.cwd(), input or "", environment)
    return subprocess.run(
        [sys.executable, *words], cwd=cwd or Path.cwd(), input=input,
        capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, **environment},
    )  # fmt: skip


def _forked(words, cwd, input, environment):
    """Run a file in a copy of this process, which has imported what a new one would."""
    with ExitStack() as stack:
        streams = [
            stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
            for _ in range(3)
        ]
        streams[0].write(input)
        streams[0].seek(0)
        child = os.fork()
        if child == 0:
            for number, stream in enumerate(streams):
                os.dup2(stream.fileno(), number)
            os.environ.update(environment)
            be_the_program(cwd, run_file, words)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for stream in streams:
            stream.seek(0)
        _, out, err = (stream.read() for stream in streams)
    return subprocess.CompletedProcess(words, status, out, err)
