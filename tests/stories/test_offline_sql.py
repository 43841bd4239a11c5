"""A story of SQL for SQLite: written on one machine, run on another by its shell."""

import sqlite3
from contextlib import closing

import pytest


APP = """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from whimbrel import Migrate

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///{here}/app.db"
db = SQLAlchemy(app)
Migrate(app, db)


class Owner(db.Model):
    __table_args__ = {"sqlite_autoincrement": True}
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(20))


class Item(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    owner_id = db.Column(db.ForeignKey("owner.id", ondelete="CASCADE"))
"""

LATER = APP.replace("String(20))", "String(80), nullable=False, unique=True)")


@pytest.fixture
def shop(terminal):
    """An app with two scripts; the second needs its table made anew."""
    terminal.write("app.py", APP)
    for command in ("init", "migrate --rev-id a1", "upgrade"):
        terminal.does(f"flask db {command}")
    terminal.write("app.py", LATER)
    terminal.does("flask db migrate --rev-id a2")
    return terminal


def other_database(shop, *scripts):
    """A database on which SQL was run as the shell of SQLite does, keys enforced."""
    path = shop.folder / "other.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA foreign_keys=ON")
        for script in scripts:
            database.executescript(script)
    return path.name


def sql(shop, command):
    """What a command writes."""
    return shop.does(f"flask db {command}").stdout


ROWS = """
INSERT INTO owner (id, name) VALUES (7, 'a'), (9, 'b');
DELETE FROM owner WHERE id = 9;
INSERT INTO item (id, owner_id) VALUES (1, 7);
"""


def test_the_sql_does_what_the_scripts_do(shop):
    """Schema, rows and the counter of AUTOINCREMENT are as after an upgrade."""
    with closing(sqlite3.connect(shop.folder / "app.db")) as database:
        database.executescript(ROWS)
    parts = sql(shop, "upgrade a1 --sql"), ROWS, sql(shop, "upgrade a1:a2 --sql")
    other = other_database(shop, *parts)
    shop.does("flask db upgrade")

    assert shop.schema(other) == shop.schema()
    for table in ("owner", "item", "sqlite_sequence", "alembic_version"):
        assert shop.rows(f"SELECT * FROM {table}", other) == shop.rows(
            f"SELECT * FROM {table}"
        )
    assert shop.rows("SELECT seq FROM sqlite_sequence", other) == [(9,)]

    other_database(shop, sql(shop, "downgrade a2:a1 --sql"))
    shop.does("flask db downgrade")
    assert shop.schema(other) == shop.schema()
    assert shop.rows("SELECT * FROM item", other) == [(1, 7)]


def test_all_in_one_text(shop):
    """From nothing to head, the foreign keys switched off before the transaction."""
    text = sql(shop, "upgrade --sql")
    shop.does("flask db upgrade")

    assert shop.schema(other_database(shop, text)) == shop.schema()
    assert text.index("PRAGMA foreign_keys=OFF;") < text.index("BEGIN;")


def test_what_cannot_be_foreseen_is_said(shop):
    """A table that no script made, and a statement that an empty database refuses."""
    script = next((shop.folder / "migrations/versions").glob("*a2*.py"))
    kept = script.read_text()
    script.write_text(kept.replace('"owner"', '"stranger"'))
    unknown = shop.type("flask db upgrade --sql")
    refused = kept.replace(
        "def upgrade():\n", 'def upgrade():\n    op.execute("DROP VIEW seen")\n'
    )
    script.write_text(refused)
    failing = shop.type("flask db upgrade --sql")

    assert (unknown.status, failing.status) == (1, 1)
    assert "--sql cannot alter table stranger: no script makes it" in unknown.text
    assert "no such view: seen" in failing.text
    assert "without --sql" in failing.text
    assert "CREATE" not in unknown.stdout + failing.stdout
