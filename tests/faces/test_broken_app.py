"""`flask db` with an app that cannot be loaded: a sentence with the place, no traceback."""

import pytest

from faces.conftest import FIRST, run


GOOD = """\
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from whimbrel import Migrate

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
Migrate(app, SQLAlchemy(app))
"""
BARE = "from flask import Flask\napp = Flask(__name__)\n"

BROKEN = [
    ("import nosuch\n" + BARE, 2, ["No module named 'nosuch'", "app.py, line 1"]),
    (BARE + "1 / 0\n", 1, ["ZeroDivisionError", "app.py, line 3"]),
    (BARE + "x = (\n", 1, ["SyntaxError", "app.py, line 3"]),
    (BARE + "import models\n", 1, ["NameError: name 'db'", "models.py, line 2"]),
    (
        "def create_app():\n    raise ValueError('no')\n",
        1,
        ["ValueError: no", "line 2"],
    ),
    ("x = 1\n", 2, ["Failed to find Flask application"]),
    (BARE, 2, ["has no command 'db'", "Migrate(app, db)"]),
    (None, 2, ["Could not locate a Flask application", "--app"]),
]


@pytest.mark.parametrize(("text", "status", "said"), BROKEN)
def test_what_keeps_an_app_from_loading_is_told(here, text, status, said):
    """The sentence names what happened and the file and line where it did."""
    (here / "models.py").write_text("import flask\nx = db\n")
    if text is not None:
        (here / "app.py").write_text(text)
    done = run("-m", "flask", "db", "upgrade")
    assert status == done.returncode
    assert "Traceback" not in done.stderr
    assert [] == [each for each in said if each not in done.stderr]


def test_a_sentence_of_others_keeps_its_own_full_stop(here):
    """What the app says with a full stop is told with one."""
    said = "Set the secret before production."
    (here / "app.py").write_text(f"raise RuntimeError({said!r})\n")
    done = run("-m", "flask", "db", "upgrade")
    assert said in done.stderr
    assert f"{said}." not in done.stderr


def test_a_good_app_comes_through_the_same_door(here):
    """An app that loads is given its own group, with its own error."""
    (here / "app.py").write_text(GOOD)
    done = run("-m", "flask", "db", "heads")
    assert 1 == done.returncode
    assert "There is no migrations folder at migrations" in done.stderr
    assert "flask db init" in done.stderr


def test_the_door_is_seen_only_where_it_leads_somewhere(here):
    """`flask --help` lists db for an app that has it, and for no other."""
    (here / "app.py").write_text(BARE)
    (here / "good.py").write_text(GOOD)
    assert "migrations" not in run("-m", "flask", "--help").stdout
    shown = run("-m", "flask", "--app", "good", "--help").stdout
    assert "Perform database migrations." in shown


def test_a_command_of_another_maker_is_left_to_it(here):
    """An app whose own command is called db keeps it."""
    (here / "app.py").write_text(
        BARE + "@app.cli.command('db')\ndef db():\n    print('mine')\n"
    )
    assert "mine\n" == run("-m", "flask", "db").stdout


HELD = """\
import os

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from whimbrel import Migrate

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE"]
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
    "pool_size": 1, "max_overflow": 0, "pool_timeout": 0.5
}
db = SQLAlchemy(app)
Migrate(app, db)
if "HELD" in os.environ:
    app.app_context().push()
    db.session.execute(sa.text("SELECT 1"))
"""


def test_a_pool_of_one_connection_is_enough_for_a_run(here, postgresql_url):
    """The lock has a connection beside it; who holds the one is told of it."""
    (here / "app.py").write_text(HELD)
    place = {"DATABASE": postgresql_url}
    assert run("-m", "flask", "db", "init", **place).returncode == 0
    (here / "migrations/versions/a1_first.py").write_text(FIRST)
    held = run("-m", "flask", "db", "upgrade", HELD="1", **place)
    assert (held.returncode, "Traceback" in held.stderr) == (1, False)
    assert "does not hold all connections of its pool" in " ".join(held.stderr.split())
    done = run("-m", "flask", "db", "upgrade", **place)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
