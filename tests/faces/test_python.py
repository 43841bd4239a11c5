"""The verbs called from Python: values and exceptions, and nothing of the app's touched."""

import inspect
import logging
import sqlite3
import threading

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

import whimbrel
from faces.conftest import run, tables, write_scripts
from faces.test_flask_group import OLD_ENV, OLD_INI
from whimbrel.config import Config
from whimbrel.errors import (
    HistoryError,
    NotAtHead,
    Unreachable,
    UsageError,
    WhimbrelError,
)


# Flask-Migrate 4.1.0: the signatures of its functions
PEER = {
    "list_templates": "",
    "init": "directory=None multidb=False template=None package=False",
    "revision": "directory=None message=None autogenerate=False sql=False head='head'"
    " splice=False branch_label=None version_path=None rev_id=None",
    "migrate": "directory=None message=None sql=False head='head' splice=False"
    " branch_label=None version_path=None rev_id=None x_arg=None",
    "edit": "directory=None revision='current'",
    "merge": "directory=None revisions='' message=None branch_label=None rev_id=None",
    "upgrade": "directory=None revision='head' sql=False tag=None x_arg=None",
    "downgrade": "directory=None revision='-1' sql=False tag=None x_arg=None",
    "show": "directory=None revision='head'",
    "history": "directory=None rev_range=None verbose=False indicate_current=False",
    "heads": "directory=None verbose=False resolve_dependencies=False",
    "branches": "directory=None verbose=False",
    "current": "directory=None verbose=False",
    "stamp": "directory=None revision='head' sql=False tag=None purge=False",
    "check": "directory=None",
}
MIGRATE = "app=None db=None directory='migrations' command='db' compare_type=True render_as_batch=True"


def positional(function):
    """Return the arguments that may be given by position, with their defaults."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = inspect.signature(function).parameters.values()
    return " ".join(f"{p.name}={p.default!r}" for p in parameters if p.kind is kind)


@pytest.fixture
def app(here):
    """An app with an empty database, in its context."""
    app = Flask("app")
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{here / 'app.db'}"
    whimbrel.Migrate(app, SQLAlchemy(app))
    with app.app_context():
        yield app


@pytest.mark.parametrize("name", sorted(PEER))
def test_a_verb_is_called_as_the_peers(name):
    """Each function takes Flask-Migrate's arguments, in its order, with its defaults."""
    assert PEER[name] == positional(getattr(whimbrel, name))


def test_migrate_is_called_as_the_peers():
    """The extension likewise."""
    assert MIGRATE == positional(whimbrel.Migrate)


def test_all_that_is_promised_is_there():
    """`__all__` names what there is."""
    assert [] == [name for name in whimbrel.__all__ if not hasattr(whimbrel, name)]
    assert whimbrel.Config is Config
    assert all(isinstance(part, int) for part in whimbrel.alembic_version)
    assert 3 == len(whimbrel.alembic_version)


def test_up_and_down(here, scripts, app):
    """The verbs work on the database of the current app and return a Report."""
    whimbrel.upgrade(revision="a1")
    assert {"item", "alembic_version"} == tables(here / "app.db")
    whimbrel.upgrade()
    whimbrel.downgrade()
    assert {"item", "alembic_version"} == tables(here / "app.db")
    whimbrel.stamp(revision=["b2"])
    assert "b2 (head)\n" == whimbrel.current(check_heads=True).text


def test_looking_is_printed_and_changing_is_not(scripts, app, capsys):
    """`history()` prints as Flask-Migrate's does; an app that upgrades stays silent."""
    whimbrel.upgrade()
    assert "" == capsys.readouterr().out
    whimbrel.heads()
    assert "b2 (head)\n" == capsys.readouterr().out


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: whimbrel.upgrade(revision="nosuch"), HistoryError),
        (lambda: whimbrel.upgrade(revision="a1:b2"), UsageError),
        (lambda: whimbrel.downgrade(revision="-9"), HistoryError),
        (lambda: whimbrel.current(check_heads=True), NotAtHead),
        (lambda: whimbrel.heads(directory="nosuch"), WhimbrelError),
    ],
)
def test_errors_are_ours(scripts, app, call, error):
    """From Python an error is an exception of ours; the program does not end."""
    with pytest.raises(error):
        call()


def test_an_unreachable_database_is_our_error(here, scripts):
    """So is a database that does not answer; its own error is the cause."""
    app = Flask("app")
    whimbrel.Migrate(app, sa.MetaData(), url=f"sqlite:///{here}/nosuch/app.db")
    with app.app_context(), pytest.raises(Unreachable) as caught:
        whimbrel.upgrade()
    assert isinstance(caught.value.__cause__, sa.exc.OperationalError)


def test_an_exception_of_the_project_stays_what_it_is(scripts, app):
    """What the project's env.py raises comes through unchanged."""
    (scripts / "env.py").write_text("{}['nosuch']")
    with pytest.raises(KeyError):
        whimbrel.upgrade()


def test_outside_of_an_application_there_is_a_sentence(scripts):
    """Without an application context the error says how to get one."""
    with pytest.raises(UsageError, match=r"app\.app_context"):
        whimbrel.upgrade()


def test_an_app_without_migrations_is_told(scripts):
    """An app that never called Migrate is told to."""
    with Flask("bare").app_context(), pytest.raises(UsageError, match="Migrate"):
        whimbrel.upgrade()


def test_logging_of_the_app_is_left_alone(scripts, app):
    """An upgrade from Python changes no handler, no level, and silences no logger."""
    (scripts / "env.py").write_text(OLD_ENV)
    (scripts / "alembic.ini").write_text(OLD_INI)
    mine = logging.getLogger("app.mine")
    before = (list(logging.root.handlers), logging.root.level, mine.disabled)
    whimbrel.upgrade()
    assert before == (list(logging.root.handlers), logging.root.level, mine.disabled)


def test_two_threads_upgrade_two_databases(here, scripts):
    """Two apps may upgrade at the same time; each gets its own tables."""
    failures = []

    def work(name):
        app = Flask(name)
        app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{here / name}.db"
        whimbrel.Migrate(app, SQLAlchemy(app))
        try:
            with app.app_context():
                whimbrel.upgrade()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == failures
    everything = {"item", "tag", "alembic_version"}
    assert [everything] * 4 == [tables(here / f"{name}.db") for name in "abcd"]


def test_the_extension_is_what_env_py_files_read(app):
    """`current_app.extensions["migrate"]` has db, migrate, directory and the options."""
    extension = app.extensions["migrate"]
    assert extension.migrate.db is extension.db
    assert "migrations" == extension.directory
    assert extension.metadata is extension.db.metadata
    assert {"compare_type": True, "render_as_batch": True} == extension.configure_args


def test_init_app_wins_over_the_constructor(here):
    """What init_app() is given replaces what Migrate() was given."""
    app, db = Flask("app"), SQLAlchemy()
    migrate = whimbrel.Migrate(db=db, compare_type=False, include_schemas=True)
    migrate.init_app(app, directory=here / "x", command="c", render_as_batch=False)
    extension = app.extensions["migrate"]
    assert str(here / "x") == extension.directory
    assert "c" in app.cli.commands
    assert extension.configure_args == {
        "compare_type": False, "include_schemas": True, "render_as_batch": False,
    }  # fmt: skip


def test_a_metadata_is_a_db(here, scripts):
    """A falsy-looking or plain db is kept: only None means that none was given."""

    class Db(list):
        metadata = sa.MetaData()

    db = Db()
    app = Flask("app")
    whimbrel.Migrate(app, db, url=f"sqlite:///{here}/app.db")
    assert app.extensions["migrate"].db is db


def test_an_app_may_upgrade_when_it_starts(here):
    """A single-file app that calls upgrade() on start works as a plain script."""
    write_scripts(here / "migrations")
    (here / "app.py").write_text(
        "from flask import Flask\n"
        "from flask_sqlalchemy import SQLAlchemy\n"
        "from whimbrel import Migrate, upgrade\n"
        "app = Flask(__name__)\n"
        f"app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///{here}/app.db'\n"
        "Migrate(app, SQLAlchemy(app))\n"
        "with app.app_context():\n"
        "    upgrade()\n"
    )
    done = run("app.py", cwd=here)
    assert ("", "", 0) == (done.stdout, done.stderr, done.returncode)
    with sqlite3.connect(here / "app.db") as connection:
        assert [("b2",)] == connection.execute(
            "SELECT * FROM alembic_version"
        ).fetchall()
