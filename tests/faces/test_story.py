"""From changed models to a migrated database, typed as a user types it."""

import sqlite3

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from faces.conftest import run, tables
from whimbrel import Migrate
from whimbrel.cli import whimbrel


MODELS = """\
import sqlalchemy as sa

metadata = sa.MetaData()
sa.Table(
    "user",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String({length})),
)
"""


@pytest.fixture
def project(here):
    """Return what types `flask db` for the app with models of a certain length."""

    def project(length, binds=()):
        app = Flask("app")
        app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{here}/app.db"
        app.config["SQLALCHEMY_BINDS"] = {b: f"sqlite:///{here}/{b}.db" for b in binds}
        db = SQLAlchemy(app)
        Migrate(app, db)
        with app.app_context():
            for bind in (None, *binds):
                db.Table(
                    bind or "user",
                    sa.Column("id", sa.Integer, primary_key=True),
                    sa.Column("name", sa.String(length)),
                    bind_key=bind,
                )
        return lambda *words: app.test_cli_runner().invoke(args=["db", *words])

    return project


def columns(path):
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, type FROM pragma_table_info('user')")
        return dict(rows.fetchall())


def test_a_flask_app_is_changed(here, project):
    """init, migrate, upgrade; the models change; check, migrate, upgrade, downgrade."""
    flask = project(64)
    assert 0 == flask("init").exit_code
    assert 1 == flask("check").exit_code
    made = flask("migrate", "-m", "users")
    assert "+ table user (id, name)" in made.stdout
    assert "users" in made.stdout
    assert 0 == flask("upgrade").exit_code
    assert 0 == flask("check").exit_code
    assert {"id": "INTEGER", "name": "VARCHAR(64)"} == columns(here / "app.db")

    flask = project(128)
    behind = flask("check")
    assert 1 == behind.exit_code
    assert "user.name: VARCHAR(64) -> VARCHAR(128)" in behind.stderr
    assert 0 == flask("migrate").exit_code
    assert 0 == flask("upgrade").exit_code
    assert "VARCHAR(128)" == columns(here / "app.db")["name"]
    assert 0 == flask("downgrade").exit_code
    assert "VARCHAR(64)" == columns(here / "app.db")["name"]


def test_migrate_may_make_the_folder(here, project):
    """Without a folder migrate says what to do; with --init it does it."""
    flask = project(64)
    refused = flask("migrate")
    assert 1 == refused.exit_code
    assert "db init" in refused.stderr
    assert not (here / "migrations").exists()
    assert 0 == flask("migrate", "--init").exit_code
    assert 0 == flask("upgrade").exit_code
    assert {"user", "alembic_version"} == tables(here / "app.db")


def test_nothing_to_do_is_no_error(here, project):
    """Where nothing changed no script is written, and the status is 0."""
    flask = project(64)
    flask("migrate", "--init")
    flask("upgrade")
    before = sorted(here.rglob("*.py"))
    again = flask("migrate")
    assert 0 == again.exit_code
    assert "No changes" in again.stdout
    assert before == sorted(here.rglob("*.py"))


def test_the_same_words_work_in_a_terminal(here):
    """The first steps, typed to the real program: an app in a file, its own process."""
    (here / "app.py").write_text(
        "from flask import Flask\n"
        "from flask_sqlalchemy import SQLAlchemy\n"
        "from whimbrel import Migrate\n"
        "app = Flask(__name__)\n"
        f"app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///{here}/app.db'\n"
        "db = SQLAlchemy(app)\n"
        "migrate = Migrate(app, db)\n"
        "class User(db.Model):\n"
        "    id = db.Column(db.Integer, primary_key=True)\n"
    )
    assert 0 == run("-m", "flask", "db", "init").returncode
    made = run("-m", "flask", "db", "migrate")
    assert "+ table user (id)" in made.stdout
    assert 0 == run("-m", "flask", "db", "upgrade").returncode
    assert {"user", "alembic_version"} == tables(here / "app.db")


@pytest.mark.parametrize("driver", ["sqlite", "sqlite+aiosqlite"])
def test_a_project_without_flask_is_changed(here, driver):
    """Models and a URL are enough from the first script to the last downgrade."""
    kind = driver.replace("+", "_")
    said = ["--url", f"{driver}:///{here}/app.db", "--metadata"]

    def type_(length, *words):
        (here / f"{kind}_{length}.py").write_text(MODELS.format(length=length))
        words = [*said, f"{kind}_{length}:metadata", *words]
        return CliRunner().invoke(whimbrel, words).exit_code

    assert 0 == type_(64, "migrate", "--init", "-m", "users")
    assert 0 == type_(64, "upgrade")
    assert 0 == type_(64, "check")
    assert 1 == type_(128, "check")
    assert 0 == type_(128, "revision", "--autogenerate", "-m", "longer")
    assert 0 == type_(128, "upgrade", "head")
    assert "VARCHAR(128)" == columns(here / "app.db")["name"]
    assert 0 == type_(128, "downgrade", "base")
    assert {"alembic_version"} == tables(here / "app.db")


def test_several_databases_are_changed_together(here, project):
    """With --multidb a script has functions for each bind, and each runs on its own."""
    flask = project(64, binds=("logs",))
    assert 0 == flask("init", "--multidb").exit_code
    assert 0 == flask("migrate").exit_code
    assert 0 == flask("upgrade").exit_code
    assert {"user", "alembic_version"} == tables(here / "app.db")
    assert {"logs", "alembic_version"} == tables(here / "logs.db")
    assert 0 == flask("check").exit_code
    assert 0 == flask("downgrade").exit_code
    assert {"alembic_version"} == tables(here / "app.db") == tables(here / "logs.db")
