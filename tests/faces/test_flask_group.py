"""`flask db`: every word of Flask-Migrate's, and what happens when one is typed."""

import click
import pytest
import sqlalchemy as sa
from flask import Flask, g
from flask_sqlalchemy import SQLAlchemy

import whimbrel
from faces.conftest import tables, write_scripts
from whimbrel.cli import db as group
from whimbrel.flask import db


# Flask-Migrate 4.1.0: what each command takes
PLACE = {"-m", "--message", "--sql", "--head", "--splice", "--branch-label",
         "--version-path", "--rev-id"}  # fmt: skip
PEER = {
    "list-templates": set(),
    "init": {"--multidb", "-t", "--template", "--package"},
    "revision": {*PLACE, "--autogenerate"},
    "migrate": {*PLACE, "-x", "--x-arg"},
    "edit": {"revision"},
    "merge": {"revisions", "-m", "--message", "--branch-label", "--rev-id"},
    "upgrade": {"revision", "--sql", "--tag", "-x", "--x-arg"},
    "downgrade": {"revision", "--sql", "--tag", "-x", "--x-arg"},
    "show": {"revision"},
    "history": {"-r", "--rev-range", "-v", "--verbose", "-i", "--indicate-current"},
    "heads": {"-v", "--verbose", "--resolve-dependencies"},
    "branches": {"-v", "--verbose"},
    "current": {"-v", "--verbose"},
    "stamp": {"--sql", "--tag", "--purge"},
    "check": set(),
}
MORE = {
    "revision": {"--depends-on"},
    "merge": {"--splice"},
    "current": {"--check-heads"},
    "migrate": {"--rename", "--fill", "--keep", "--init", "--rename-constraints",
                "--no-proof"},
    "check": {"--rename", "--fill", "--rename-constraints"},
    "ensure-version": {"--sql"},
}  # fmt: skip


@pytest.fixture
def app(here):
    """An app with an empty database."""
    app = Flask("app", root_path=str(here))
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{here / 'app.db'}"
    whimbrel.Migrate(app, SQLAlchemy(app))
    return app


@pytest.fixture
def type_(app):
    """Type a command; returns click's result."""

    def type_(*words, **environment):
        runner = app.test_cli_runner(env=environment)
        return runner.invoke(args=["db", *words], auto_envvar_prefix="FLASK")

    return type_


@pytest.mark.parametrize("verb", sorted({*PEER, *MORE}))
def test_every_word_of_the_peer_is_known(verb):
    """Each command takes what Flask-Migrate's takes, `-d` too, and what we add."""
    command = db.commands[verb]
    known = {flag for param in command.params for flag in param.opts}
    wanted = {*PEER.get(verb, ()), *MORE.get(verb, ())}
    if verb != "list-templates":
        wanted |= {"-d", "--directory"}
    assert set() == wanted - known


def test_the_group_is_where_the_peer_has_it():
    """`from whimbrel.cli import db` gives the group, as `flask_migrate.cli` does."""
    assert isinstance(group, click.Group)
    assert group is db


def test_the_group_is_called_as_the_app_wants(here):
    """`Migrate(command=...)` names the group."""
    app = Flask("app")
    whimbrel.Migrate(app, SQLAlchemy(), command="database")
    assert "database" in app.cli.commands
    assert "db" not in app.cli.commands


def test_up_and_down(here, scripts, type_):
    """The verbs do what they say to the database of the app."""
    assert 0 == type_("upgrade", "a1").exit_code
    assert {"item", "alembic_version"} == tables(here / "app.db")
    assert "a1\n" == type_("current").output
    assert 0 == type_("upgrade").exit_code
    assert "b2 (head)\n" == type_("current", "--check-heads").output
    assert 0 == type_("downgrade", "-1").exit_code
    assert "a1\n" == type_("current").output
    assert 0 == type_("downgrade").exit_code
    assert {"alembic_version"} == tables(here / "app.db")
    assert 0 == type_("stamp", "--purge", "b2").exit_code
    assert "b2 (head)\n" == type_("current").output


def test_sql_is_printed_and_nothing_else(here, scripts, type_):
    """With --sql the output is SQL only, and the database is left alone."""
    up, down = type_("upgrade", "--sql"), type_("downgrade", "--sql")
    assert "CREATE TABLE item" in up.stdout
    assert "DROP TABLE tag" in down.stdout
    assert "DROP TABLE item" not in down.stdout
    assert "Nothing to do" not in up.stdout
    assert not (here / "app.db").exists()


def test_what_is_there_is_told(scripts, type_):
    """history, heads and show tell the scripts; both spellings of a name are one."""
    assert "b2 (head)\n" == type_("heads").output
    assert "a1 -> b2 (head), second" in type_("history").output
    assert "Parent: a1" in type_("show").output
    assert type_("list_templates").output == type_("list-templates").output


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (["-d", "elsewhere", "heads"], {}),
        (["heads", "-d", "elsewhere"], {}),
        (["heads"], {"FLASK_DB_DIRECTORY": "elsewhere"}),
        (["heads"], {"FLASK_DB_HEADS_DIRECTORY": "elsewhere"}),
    ],
)
def test_the_folder_can_be_said_everywhere(here, type_, words, environment):
    """The folder of the scripts comes from the group, the command or the environment."""
    write_scripts(here / "elsewhere")
    assert "b2 (head)\n" == type_(*words, **environment).output


def test_what_was_set_on_g_from_outside_is_heard(here, app):
    """Indico and pgAdmin set g.directory and g.x_arg and call a command by itself."""
    env = write_scripts(here / "elsewhere") / "env.py"
    env.write_text(
        "from alembic import context\nraise RuntimeError(str(context.get_x_argument()))"
    )

    with app.app_context():
        g.directory, g.x_arg = "elsewhere", ["a=1"]
        result = app.test_cli_runner().invoke(db.commands["current"])

    assert "RuntimeError: ['a=1']" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["-x", "a=1", "-x", "b=2", "upgrade"],
        ["upgrade", "-x", "a=1", "-x", "b=2"],
        ["-x", "a=1", "upgrade", "--x-arg", "b=2"],
    ],
)
def test_arguments_reach_env_py(scripts, type_, words):
    """-x is given to env.py, from before and after the command's name."""
    (scripts / "env.py").write_text(
        "from alembic import context\n"
        "from pathlib import Path\n"
        "Path('heard').write_text(str(context.get_x_argument()))\n"
    )
    assert 0 == type_(*words).exit_code
    assert "['a=1', 'b=2']" == (scripts.parent / "heard").read_text()


# the habits of env.py files that Flask-Migrate wrote, its fileConfig() among them
OLD_ENV = """\
from logging.config import fileConfig

from alembic import context
from flask import current_app

config = context.config
fileConfig(config.config_file_name)
extension = current_app.extensions["migrate"]
assert extension.db.metadata is extension.metadata
assert extension.directory == "migrations"
assert isinstance(config.cmd_opts.x, list)
with extension.db.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=extension.db.metadatas[None],
        **extension.configure_args,
    )
    with context.begin_transaction():
        context.run_migrations()
"""
OLD_INI = """\
[alembic]
[loggers]
keys = root,alembic
[handlers]
keys = console
[formatters]
keys = generic
[logger_root]
level = WARN
handlers = console
qualname =
[logger_alembic]
level = WARN
handlers =
qualname = alembic
[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = generic
[formatter_generic]
format = %(message)s
"""


def test_an_env_py_of_the_peer_goes_on_working(here, scripts, type_):
    """An env.py in Flask-Migrate's way finds all that it leans on."""
    (scripts / "env.py").write_text(OLD_ENV)
    (scripts / "alembic.ini").write_text(OLD_INI)
    assert 0 == type_("upgrade").exit_code
    assert {"item", "tag", "alembic_version"} == tables(here / "app.db")


@pytest.mark.parametrize("verb", ["upgrade", "show", "stamp", "edit"])
def test_an_error_is_told_whatever_the_logging_says(scripts, type_, verb):
    """
    An old ini file silences every logger but its own; the error reaches the
    screen as a sentence all the same, and the status is 1.
    """
    (scripts / "env.py").write_text(OLD_ENV)
    (scripts / "alembic.ini").write_text(OLD_INI)
    result = type_(verb, "nosuch")
    assert 1 == result.exit_code
    assert "nosuch" in result.stderr
    assert "Traceback" not in result.output


def test_a_mistake_in_env_py_is_told_with_its_place(scripts, type_):
    """An exception of the project's own code is told with file and line."""
    (scripts / "env.py").write_text("x = 1\nx.nosuch\n")
    result = type_("upgrade")
    assert 1 == result.exit_code
    assert "AttributeError" in result.stderr
    assert "migrations/env.py, line 2" in result.stderr
    assert "Traceback" not in result.output


def test_a_mistake_is_raised_in_debug_mode(scripts, type_):
    """With FLASK_DEBUG whoever looks for the cause gets the traceback."""
    (scripts / "env.py").write_text("x = 1\nx.nosuch\n")
    assert isinstance(type_("upgrade", FLASK_DEBUG="1").exception, AttributeError)


def test_configure_callbacks_change_the_config(here, app, type_):
    """Functions marked with @migrate.configure see and change the Config."""
    write_scripts(here / "elsewhere")

    @app.extensions["migrate"].migrate.configure
    def move(config):
        config.set_main_option("script_location", "elsewhere")
        return config

    assert "b2 (head)\n" == type_("heads").output


def test_options_of_migrate_reach_configure(here, scripts):
    """What Migrate(...) is given goes to configure(), here the version table's name."""
    app = Flask("app", root_path=str(here))
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{here / 'app.db'}"
    whimbrel.Migrate(app, SQLAlchemy(app), version_table="versions")
    assert 0 == app.test_cli_runner().invoke(args=["db", "upgrade"]).exit_code
    assert {"item", "tag", "versions"} == tables(here / "app.db")


def test_an_unreachable_database_is_a_sentence(here, scripts):
    """A database that does not answer is told with what to look at."""
    app = Flask("app")
    url = f"sqlite:///{here / 'nosuch' / 'app.db'}"
    whimbrel.Migrate(app, sa.MetaData(), url=url)
    result = app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert 1 == result.exit_code
    assert "The database cannot be reached: unable to open" in result.stderr
