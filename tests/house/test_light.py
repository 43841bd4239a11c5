"""The package costs an application nothing until a command runs."""

import os
import subprocess
import sys

import pytest


READERS = {
    "whimbrel.catalog", "whimbrel.plan", "whimbrel.script", "whimbrel.run",
    "whimbrel.report", "whimbrel.check", "whimbrel.commands",
}  # fmt: skip
HEAVY = {"alembic", "rich", "mako", "sqlalchemy"} | READERS

APP = """
from flask import Flask
from whimbrel import Migrate

app = Flask(__name__)
Migrate(app, object())
"""


def imported(*command, cwd=None):
    """Return the names of all modules that a fresh interpreter imports for *command*."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        cwd=cwd, capture_output=True, text=True, check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("FLASK_")},
    )  # fmt: skip
    lines = done.stderr.splitlines()
    timed = [line for line in lines if line.startswith("import time")]
    said = [line for line in lines if not line.startswith("import time")]
    assert done.returncode == 0, "\n".join(said)
    return {line.rsplit("|", 1)[1].strip() for line in timed}


def heavy(modules):
    return {
        name
        for name in HEAVY
        for each in modules
        if (each + ".").startswith(name + ".")
    }


def test_the_measure_sees_what_is_heavy():
    """A measure that sees nothing would let everything pass."""
    assert {"alembic", "sqlalchemy", "mako"} <= heavy(
        imported("-c", "import alembic.command")
    )


@pytest.mark.parametrize("name", ["Migrate", "upgrade", "stamp"])
def test_importing_a_public_name_imports_nothing_heavy(name):
    """`from whimbrel import Migrate` imports neither Alembic nor rich nor a reader."""
    assert set() == heavy(imported("-c", f"from whimbrel import {name}"))


def test_an_application_with_migrate_imports_nothing_heavy(tmp_path):
    """Migrate(app, db) imports nothing heavy either; the server starts as before."""
    (tmp_path / "app.py").write_text(APP)
    assert set() == heavy(imported("-c", "import app", cwd=tmp_path))


def test_help_imports_nothing_heavy(tmp_path):
    """`flask db --help` reads no database, so it loads nothing that could."""
    (tmp_path / "app.py").write_text(APP)
    assert set() == heavy(imported("-m", "flask", "db", "--help", cwd=tmp_path))


def test_help_of_the_plain_command_imports_nothing_heavy():
    """`whimbrel --help` likewise."""
    assert set() == heavy(imported("-m", "whimbrel", "--help"))


def test_no_asynchronous_library_is_needed_for_a_plain_database(tmp_path):
    """Without greenlet, which SQLAlchemy does not require, all commands still load."""
    (tmp_path / "greenlet.py").write_text("raise ImportError('not installed')\n")
    code = "import whimbrel.env, whimbrel.config, whimbrel.commands.database"
    assert "sqlalchemy.ext.asyncio" not in imported("-c", code, cwd=tmp_path)
