"""Stories of runs that nobody watches: at the start of an app, in a pipeline, cut off."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest


APP = """
import json
import os
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from whimbrel import Migrate

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///" + os.path.abspath("app.db")
db = SQLAlchemy(app)
Migrate(app, db)


class Item(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(20))
"""

STARTING = """
import whimbrel
from app import app

with app.app_context():
    told = []
    report = whimbrel.upgrade(timeout=30, on_event=told.append, allow_ahead=True)
    print(report.text, [(each.kind, each.revision) for each in told])
    print("ready", whimbrel.is_current())
print("started", whimbrel.is_current(app))
"""


@pytest.fixture
def shop(terminal):
    """An app whose first script is applied."""
    terminal.write("app.py", APP)
    terminal.write("starting.py", STARTING)
    terminal.write("pyproject.toml", "[tool.whimbrel]\nledger = true\n")
    for command in ("init", "migrate -m first --rev-id a1", "upgrade"):
        terminal.does(f"flask db {command}")
    return terminal


def started(shop):
    """What the app says when it starts, in a process of its own."""
    return subprocess.run(
        [sys.executable, "starting.py"],
        cwd=shop.folder, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


def test_what_was_done_is_listed(shop):
    """The ledger knows name and time; an edited script and a missing one are told."""
    assert "upgrade    a1  first (" in shop.does("flask db history --applied").text
    script = next((shop.folder / "migrations/versions").glob("*a1*.py"))
    text = script.read_text()
    script.write_text(text + "\n# harmless\nx = 1\n")
    assert "edited since" in shop.does("flask db history --applied").text
    assert "Edited after it was applied: a1 (first)" in shop.does("flask db check").text
    assert json.loads(shop.type("flask db check --json").stdout)["edited"] == ["a1"]
    shop.write("app.py", APP + "    price = db.Column(db.Integer)\n")
    assert "Edited after it was applied: a1 (first)" in shop.type("flask db check").text
    shop.write("app.py", APP)
    script.write_text(text)
    assert "edited since" not in shop.does("flask db history --applied").text
    assert "Edited" not in shop.does("flask db check").text


def test_an_older_release_starts_on_a_newer_database(shop):
    """Code that was rolled back says how far the database is ahead, and starts."""
    shop.write("app.py", APP + "    price = db.Column(db.Integer)\n")
    shop.does("flask db migrate -m second --rev-id a2")
    shop.does("flask db upgrade")
    newer = next((shop.folder / "migrations/versions").glob("*a2*.py"))
    kept = newer.read_text()
    newer.unlink()
    said = started(shop)
    assert "The database is ahead of this code by 1 revision: a2 (second)." in said
    assert "ready False" in said
    assert "ahead of this code" in shop.does("flask db upgrade --allow-ahead").text
    newer.write_text(kept)
    assert "ready True" in started(shop)


LATER = """
revision, down_revision = "a3", "a1"

def upgrade():
    pass
"""
IMPATIENT = """
import sqlite3, sys, time
import whimbrel
from app import app
from whimbrel.errors import Locked

other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute("BEGIN IMMEDIATE")
start = time.monotonic()
try:
    with app.app_context():
        whimbrel.upgrade(wait=False)
except Locked:
    print("locked", time.monotonic() - start < 1)
"""


def test_a_start_may_not_want_to_wait(shop):
    """`wait=False` gives up at once, with an exception of its own."""
    shop.write("impatient.py", IMPATIENT)
    shop.write("migrations/versions/a3.py", LATER)
    said = shop.does(f"python impatient.py {shop.folder / 'app.db'}").stdout
    assert "locked True" in said


@pytest.mark.parametrize(
    ("settings", "is_kept"),
    [("", False), ("allow_ahead = true", True), ("ledger = false", False)],
)
def test_a_ledger_is_made_when_it_is_needed(shop, settings, is_kept):
    """It is in nobody's way who did not ask for it."""
    (shop.folder / "app.db").unlink()
    shop.write("pyproject.toml", f"[tool.whimbrel]\n{settings}\n")
    shop.does("flask db upgrade")
    there = shop.rows("SELECT 1 FROM sqlite_master WHERE name = '_whimbrel_ledger'")
    assert bool(there) is is_kept


@pytest.mark.parametrize(
    ("words", "file", "status"),
    [
        ("loss='refuse'", '[tool.whimbrel]\nloss = "allow"\n', 1),
        ("loss='allow'", '[tool.whimbrel]\nloss = "refuse"\n', 0),
        ("", '[tool.whimbrel]\nloss = "refuse"\n', 1),
        ("", "", 0),
    ],
)
def test_an_app_may_say_the_settings(terminal, words, file, status):
    """`Migrate(app, db, loss=...)` is stronger than pyproject.toml beside the scripts."""
    app = APP.replace("Migrate(app, db)", f"Migrate(app, db, {words})")
    terminal.write("app.py", app)
    terminal.write("pyproject.toml", file)
    for command in ("init", "migrate -m first", "upgrade"):
        terminal.does(f"flask db {command}")
    with closing(sqlite3.connect(terminal.folder / "app.db")) as database, database:
        database.execute("INSERT INTO item (name) VALUES ('a')")
    terminal.write("app.py", app.replace("    name = db.Column(db.String(20))\n", ""))
    terminal.does("flask db migrate -m second")

    assert terminal.type("flask db upgrade").status == status


def test_a_setting_that_says_nothing_is_told(shop):
    """A flag is true or false, whichever file it stands in."""
    shop.write("pyproject.toml", '[tool.whimbrel]\nledger = "perhaps"\n')
    told = shop.type("flask db upgrade")
    assert told.status == 2, told
    assert "ledger = 'perhaps' is neither true nor false" in told.text
