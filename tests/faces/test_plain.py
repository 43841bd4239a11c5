"""`whimbrel`: every word of Alembic's command, on its files and without any."""

import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from faces.conftest import run, tables, write_scripts
from whimbrel.cli import find_files, place_of, whimbrel, wording
from whimbrel.errors import UsageError, WhimbrelError


EVERYTHING = {"item", "tag", "alembic_version"}

# Alembic 1.20.1: what each command takes
PEER = {
    "branches": "-v --verbose",
    "check": "",
    "current": "-c --check-heads -v --verbose",
    "downgrade": "revision --sql --tag",
    "edit": "revision",
    "ensure_version": "--sql",
    "heads": "-v --verbose --resolve-dependencies",
    "history": "-r --rev-range -v --verbose -i --indicate-current",
    "init": "directory -t --template --package",
    "list_templates": "",
    "merge": "revisions -m --message --branch-label --rev-id --splice",
    "revision": "-m --message --autogenerate --sql --head --splice --branch-label"
    " --version-path --rev-id --depends-on",
    "show": "revision",
    "stamp": "revisions --sql --tag --purge",
    "upgrade": "revision --sql --tag",
}
BEFORE = "-c --config -n --name -x --raiseerr -q --quiet --version"

MODELS = """\
import sqlalchemy as sa

metadata = sa.MetaData()
sa.Table("item", metadata, sa.Column("id", sa.Integer, primary_key=True))
"""


def type_(*words, **environment):
    """Type a command; returns click's result."""
    return CliRunner(env=environment).invoke(whimbrel, words)


@pytest.fixture
def url(here):
    """The URL of a database that is not there yet."""
    return f"sqlite:///{here / 'app.db'}"


@pytest.fixture
def ini(here, scripts, url):
    """A project with an ini file and an env.py of Alembic's kind."""
    (scripts / "env.py").write_text(
        "from alembic import context\n"
        "from sqlalchemy import engine_from_config\n"
        "config = context.config\n"
        "section = config.get_section(config.config_ini_section)\n"
        "with engine_from_config(section).connect() as connection:\n"
        "    context.configure(connection=connection)\n"
        "    with context.begin_transaction():\n"
        "        context.run_migrations()\n"
    )
    text = f"[alembic]\nscript_location = %(here)s/migrations\nsqlalchemy.url = {url}\n"
    (here / "alembic.ini").write_text(text)
    return here / "alembic.ini"


def flags(command):
    return {flag for param in command.params for flag in param.opts}


@pytest.mark.parametrize("verb", sorted(PEER))
def test_every_word_of_the_peer_is_known(verb):
    """Each command takes what Alembic's takes, in either spelling of its name."""
    context = click.Context(whimbrel)
    command = whimbrel.get_command(context, verb)
    assert command is whimbrel.get_command(context, verb.replace("_", "-"))
    assert set() == set(PEER[verb].split()) - flags(command)


def test_every_word_before_the_command_is_known():
    """The options for all commands are Alembic's, and ours beside them."""
    assert set() == {*BEFORE.split(), "--metadata", "--url", "-d"} - flags(whimbrel)


def test_a_project_of_alembics_goes_on_working(here, ini):
    """With alembic.ini and env.py as they are, the verbs do what they did."""
    assert 0 == type_("upgrade", "head").exit_code
    assert EVERYTHING == tables(here / "app.db")
    assert "b2 (head)\n" == type_("current").stdout
    assert 0 == type_("downgrade", "base").exit_code
    assert "b2 (head)\n" == type_("heads").stdout
    assert 0 == type_("stamp", "a1").exit_code
    assert "a1\n" == type_("current").stdout


def test_the_program_is_there_under_both_names(ini):
    """`whimbrel` is `python -m whimbrel`."""
    assert "b2 (head)\n" == run("-m", "whimbrel", "heads").stdout
    name = sys.executable.replace("python", "whimbrel")
    done = subprocess.run(
        [re.sub(r"[\d.]+$", "", name), "heads"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "b2 (head)\n" == done.stdout


@pytest.mark.parametrize("driver", ["sqlite", "sqlite+aiosqlite"])
def test_a_project_needs_no_file(here, scripts, url, driver):
    """Models and a URL are enough, over an asynchronous driver too."""
    (here / "plain_models.py").write_text(MODELS)
    url = url.replace("sqlite", driver, 1)
    words = ["--metadata", "plain_models:metadata", "--url", url]
    assert 0 == type_(*words, "upgrade").exit_code
    assert EVERYTHING == tables(here / "app.db")
    assert "CREATE TABLE item" in type_(*words, "upgrade", "base:head", "--sql").stdout


def test_pyproject_is_enough(here):
    """[tool.whimbrel] names the database, the models, the folder and options."""
    write_scripts(here / "elsewhere")
    (here / "toml_models.py").write_text(MODELS)
    (here / "pyproject.toml").write_text(
        "[tool.whimbrel]\n"
        'url = "sqlite:///%(here)s/app.db"\n'
        'metadata = "toml_models:metadata"\n'
        'directory = "elsewhere"\n'
        'version_table = "versions"\n'
    )
    assert 0 == type_("upgrade").exit_code
    assert {"item", "tag", "versions"} == tables(here / "app.db")


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (["-c", "other.ini"], {}),
        (["--config", "other.ini", "-c", "pyproject.toml"], {}),
        ([], {"ALEMBIC_CONFIG": "other.ini"}),
    ],
)
def test_the_ini_file_can_be_said(here, ini, words, environment):
    """-c and $ALEMBIC_CONFIG name the file."""
    ini.rename(here / "other.ini")
    assert "b2 (head)\n" == type_(*words, "heads", **environment).stdout


def test_the_url_can_be_said(here, ini, url):
    """--url wins over the ini file, in an env.py of Alembic's kind too."""
    ini.write_text(ini.read_text().replace(url, "nosuch://"))
    assert 0 == type_("--url", url, "upgrade").exit_code
    assert EVERYTHING == tables(here / "app.db")


def test_a_file_of_each_kind_may_be_named():
    """One ini file and one pyproject.toml; two of a kind are refused."""
    files = find_files(("a/pyproject.toml", "b.ini"))
    assert ("b.ini", "a/pyproject.toml") == (files.ini, files.toml)
    with pytest.raises(UsageError):
        find_files(("a.ini", "b.ini"))


def test_the_section_can_be_said(here, ini, url):
    """-n names the section of the ini file."""
    ini.write_text(ini.read_text().replace("[alembic]", "[other]"))
    assert 0 == type_("-n", "other", "upgrade").exit_code
    assert EVERYTHING == tables(here / "app.db")


def test_env_py_finds_what_was_said(here, ini):
    """config.cmd_opts is as Alembic fills it; -x reaches env.py."""
    (here / "migrations" / "env.py").write_text(
        "from alembic import context\n"
        "said = context.config.cmd_opts\n"
        "print(said.x, said.cmd[0].__name__, said.quiet, said.autogenerate)\n"
        "print(context.get_x_argument(as_dictionary=True), context.get_tag_argument())\n"
    )
    shown = type_("-x", "a=1", "-x", "b=2", "upgrade", "--tag", "t").stdout
    assert "['a=1', 'b=2'] upgrade False False" in shown
    assert "{'a': '1', 'b': '2'} t" in shown


def test_quiet_prints_nothing(ini):
    """-q leaves stdout empty; errors are told all the same."""
    assert "" == type_("-q", "upgrade").output
    assert "nosuch" in type_("-q", "upgrade", "nosuch").stderr


def test_an_error_is_a_sentence_or_a_traceback(ini):
    """An error is a sentence and status 1; with --raiseerr it is raised."""
    told = type_("upgrade", "nosuch")
    assert 1 == told.exit_code
    assert told.stderr.startswith("error    E102   ")
    assert "Traceback" not in told.output
    raised = type_("--raiseerr", "upgrade", "nosuch")
    assert isinstance(raised.exception, WhimbrelError)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["heads"], 1, "whimbrel init"),
        (["--url", "nonsense", "heads"], 1, "no migrations folder"),
        (["-d", "migrations", "upgrade"], 1, "no migrations folder"),
        (["-d", "migrations", "upgrade", "a:b"], 2, "Range revision not allowed"),
        (["nosuch"], 2, "No such command"),
        (["heads", "--nosuch"], 2, "No such option"),
        (["-c", "a.ini", "-c", "b.ini", "heads"], 2, "Only one ini file"),
    ],
)
def test_what_cannot_work_is_told(here, words, status, said):
    """A command without a project, or in wrong words, says what to do."""
    result = type_(*words)
    assert status == result.exit_code
    assert said in result.stderr


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "URL of the database cannot be used"),
        ("nosuch://host/name", "URL of the database cannot be used"),
        ("sqlite://user@host/name", "URL of the database cannot be used"),
        ("sqlite:////nosuch/folder/app.db", "cannot be reached: unable to open"),
        ("postgresql+psycopg://u:secret@127.0.0.1:1/x", "cannot be reached"),
    ],
)
def test_a_database_that_does_not_answer_is_told(here, scripts, url, said):
    """Each way in which a URL can be wrong is a sentence, without the password."""
    result = type_("--url", url, "upgrade")
    assert 1 == result.exit_code
    assert said in result.stderr
    assert "secret" not in result.output


def test_broken_toml_is_told_with_its_place(here, scripts):
    """A pyproject.toml that is no TOML is named, with the line."""
    (here / "pyproject.toml").write_text("[tool.whimbrel\n")
    assert "pyproject.toml is not valid TOML" in type_("heads").stderr


def test_the_folder_of_a_flask_app_is_recognised(here):
    """Whoever types the plain command beside a Flask app's folder is shown both ways."""
    write_scripts(here / "migrations")
    (here / "migrations" / "alembic.ini").write_text("[alembic]\n")
    assert "`flask db`" in type_("heads").stderr


def test_an_env_py_that_needs_flask_says_so(here, ini):
    """An env.py that asks for the current app is told how to get one."""
    (here / "migrations" / "env.py").write_text(
        "from flask import current_app\ncurrent_app.name\n"
    )
    assert "Use `flask db`" in type_("upgrade").stderr


def test_a_wording_is_aligned():
    """An error is told as code, sentence and remedy, each line under the other."""
    error = UsageError("It rains.", "Take an umbrella.")
    assert wording(error, "sky.py, line 1") == (
        "error    E001   It rains.\n"
        "                Take an umbrella.\n"
        "                (sky.py, line 1)\n"
    )


def test_the_place_is_the_innermost_of_the_project(here):
    """The place of an error is in the project's own code, not in a library."""
    (here / "weather_module.py").write_text("import json\njson.loads('{')\n")
    sys.path.insert(0, str(here))
    with pytest.raises(ValueError, match="Expecting") as caught:
        import weather_module  # noqa: F401
    assert "weather_module.py, line 2" == place_of(caught.value)
