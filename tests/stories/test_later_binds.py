"""A bind that comes later: older scripts have nothing for it, and run nevertheless."""

import shutil

import pytest


APP = """\
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from whimbrel import Migrate

app = Flask(__name__)
app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///{here}/app.db'
app.config['SQLALCHEMY_BINDS'] = {#binds}
db = SQLAlchemy()
migrate = Migrate(app, db)
db.init_app(app)


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
"""

LATER = """

class Entry(db.Model):
    __bind_key__ = 'logs'
    id = db.Column(db.Integer, primary_key=True)
"""

LOGS = "'logs': 'sqlite:///{here}/logs.db'"
SIDE = "'side': 'sqlite:///{here}/side.db'"


@pytest.mark.parametrize("first", ["", SIDE], ids=["one database", "another bind"])
def test_a_bind_that_comes_later(terminal, first):
    """
    Scripts that are older than a bind run for the others, and the new bind gets its
    tables; an empty set of databases takes the whole way as well.
    """
    terminal.write("app.py", APP.replace("#binds", first))
    terminal.does("flask db init --multidb" if first else "flask db init")
    terminal.does("flask db migrate -m users")
    terminal.does("flask db upgrade")
    both = ", ".join(filter(None, (first, LOGS)))
    terminal.write("app.py", APP.replace("#binds", both) + LATER)
    if not first:
        scripts = terminal.folder / "migrations" / "versions"
        shutil.copytree(scripts, terminal.folder / "kept")
        shutil.rmtree(terminal.folder / "migrations")
        terminal.does("flask db init --multidb")
        shutil.rmtree(scripts)
        shutil.copytree(terminal.folder / "kept", scripts)

    terminal.does("flask db upgrade")
    terminal.does("flask db migrate -m entries")
    terminal.does("flask db upgrade")

    assert "entry" in terminal.schema("logs.db")
    assert ["id"] == list(terminal.columns("user"))
    (terminal.folder / "app.db").unlink()
    (terminal.folder / "logs.db").unlink()
    terminal.does("flask db upgrade")
    assert "entry" in terminal.schema("logs.db")
    assert "user" in terminal.schema()
