"""Bad input: a sentence with a remedy on stderr, status 1 or 2, nothing written."""

import os

import pytest
import sqlalchemy as sa


APP = """\
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from whimbrel import Migrate

app = Flask(__name__)
app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///{here}/app.db'
db = SQLAlchemy(app)
migrate = Migrate(app, db)


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
"""

ALL_VERBS = (
    "init", "migrate", "revision", "merge", "upgrade", "downgrade", "show", "history",
    "heads", "branches", "current", "stamp", "check",
)  # fmt: skip
READ_SCRIPTS = ("history", "heads", "upgrade", "migrate", "current", "check")
ASK_THE_DATABASE = ("migrate", "upgrade", "downgrade", "current", "stamp", "check")

# an env.py and an ini file of the kind that silences every logger but its own
SILENCING = """\
from logging.config import fileConfig
from alembic import context
config = context.config
fileConfig(config.config_file_name)
"""
SILENT_INI = """\
[alembic]
[loggers]
keys = root
[handlers]
keys =
[formatters]
keys =
[logger_root]
level = CRITICAL
handlers =
"""


@pytest.fixture
def project(terminal):
    """A project with one table, one script, at head."""
    terminal.write("app.py", APP)
    terminal.does("flask db migrate --init -m first --rev-id a1")
    terminal.does("flask db upgrade")
    return terminal


def script(project, revision):
    (path,) = (project.folder / "migrations/versions").glob(f"*{revision}_*.py")
    return path


def add(project, revision, follows, name=None):
    """Add a script with an id of its own that follows another one."""
    text = script(project, "a1").read_text()
    text = text.replace("down_revision = None", f"down_revision = {follows!r}")
    text = text.replace('revision = "a1"', f'revision = "{revision}"', 1)
    name = f"migrations/versions/{name or revision}_more.py"
    head, _, _ = text.partition("def upgrade")
    body = "def upgrade():\n    pass\n\n\ndef downgrade():\n    pass\n"
    return project.write(name, head + body)


@pytest.mark.parametrize("verb", ALL_VERBS)
def test_no_app(terminal, verb):
    """Without an app every command says how to name one."""
    terminal.refuses(f"flask db {verb}", "Flask application", "--app", status=2)


def test_an_app_without_migrations(terminal):
    """An app that never called Migrate is told to."""
    terminal.write("app.py", APP.replace("migrate = Migrate(app, db)", ""))
    terminal.refuses("flask db upgrade", "Migrate(app, db)", status=2)


def test_a_db_that_leads_nowhere(terminal):
    """Migrate(app, MetaData()) without any URL says where a URL may be given."""
    text = APP.replace(
        "db = SQLAlchemy(app)", "import sqlalchemy\ndb = sqlalchemy.MetaData()"
    )
    text = text.replace("app.config[", "# ").partition("class")[0]
    terminal.write("app.py", text)
    terminal.write("migrations/versions/.keep", "")
    terminal.refuses("flask db upgrade", "where the database is")


@pytest.mark.parametrize("verb", ASK_THE_DATABASE)
@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///{here}/missing/app.db",
        "postgresql+psycopg://me:secret@127.0.0.1:1/app",
        "mysql+pymysql://me:secret@127.0.0.1:1/app",
    ],
    ids=["sqlite", "postgresql", "mysql"],
)
def test_a_database_that_does_not_answer(project, url, verb):
    """The sentence says so, in the driver's words, and keeps the password to itself."""
    project.edit(
        "app.py", f"sqlite:///{project.folder}/app.db", url.format(here=project.folder)
    )
    answer = project.refuses(f"flask db {verb}", "The database cannot be reached")
    assert "secret" not in answer.text


def test_a_wrong_password(project, mariadb_url):
    """The server's refusal is told; the password is not."""
    url = sa.make_url(mariadb_url).set(password="wrong-one").render_as_string(False)
    project.edit("app.py", f"sqlite:///{project.folder}/app.db", url)
    answer = project.refuses("flask db upgrade", "Access denied", "password")
    assert "wrong-one" not in answer.text


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "URL"),
        ("nosuch://host/app", "nosuch"),
        ("postgresql+nodriver://host/app", "nodriver"),
    ],
)
def test_a_url_that_is_none(terminal, url, said):
    """A URL that cannot be read says what one looks like."""
    terminal.write("models.py", "import sqlalchemy as sa\nmetadata = sa.MetaData()\n")
    terminal.write("migrations/versions/.keep", "")
    terminal.refuses(f"whimbrel --metadata models --url {url} upgrade", said)


@pytest.mark.parametrize("verb", [verb for verb in ALL_VERBS if verb != "init"])
def test_no_migrations_folder(terminal, verb):
    """Every command but init says how to make the folder."""
    terminal.write("app.py", APP)
    terminal.refuses(
        f"flask db {verb}", "no migrations folder at migrations", "`flask db init`"
    )


def test_no_settings(terminal):
    """The plain command in an empty folder says how to begin."""
    terminal.refuses("whimbrel upgrade", "whimbrel init migrations", "--metadata")


@pytest.mark.parametrize("verb", READ_SCRIPTS)
@pytest.mark.parametrize(
    ("text", "line"),
    [("x = (\n", 1), ('revision = "b2"\ndown_revision = "a1"\n\n\ndef up(:\n', 5)],
    ids=["no id", "with id"],
)
def test_a_broken_script(project, verb, text, line):
    """A script that is no Python is named with the line to mend."""
    project.write("migrations/versions/b2_broken.py", text)
    if line > 1 and verb in ("history", "heads", "current"):
        assert "b2" in project.does("flask db heads").stdout  # the graph needs no more
        return
    if line > 1 and verb == "check":
        project.does("flask db stamp b2")
        project.does("flask db check")  # nor does a comparison at head
        return
    project.refuses(f"flask db {verb}", "b2_broken.py", f"line {line}")


def test_a_script_that_raises(project):
    """What a script raises is told with its file and line, and nothing is kept."""
    path = add(project, "b2", "a1")
    path.write_text(
        path.read_text().replace(
            "def upgrade():\n    pass",
            "def upgrade():\n    op.drop_table('user')\n    1 / 0",
        )
    )
    line = path.read_text().splitlines().index("    1 / 0") + 1
    project.refuses("flask db upgrade", "ZeroDivisionError", f"b2_more.py, line {line}")


@pytest.mark.parametrize("verb", READ_SCRIPTS)
def test_two_scripts_with_one_id(project, verb):
    """Both files are named."""
    add(project, "a1", None, name="copy")
    project.refuses(f"flask db {verb}", "a1_first.py", "copy_more.py")


@pytest.mark.parametrize(
    "words",
    ["upgrade nosuch", "downgrade nosuch", "show nosuch", "stamp nosuch", "edit nosuch",
     "history -r nosuch:", "merge nosuch a1", "revision --head nosuch",
     "migrate --head nosuch", "upgrade +5", "downgrade -5"],
)  # fmt: skip
def test_a_revision_that_is_not_there(project, words):
    """It is named, and what to look at."""
    project.edit("app.py", "    id =", "    more = db.Column(db.Text)\n    id =")
    project.refuses(f"flask db {words}", "flask db history")


@pytest.mark.parametrize("verb", READ_SCRIPTS)
def test_scripts_in_a_circle(project, verb):
    """The circle is told, with the revisions that form it."""
    add(project, "b2", "c3")
    add(project, "c3", "b2")
    project.refuses(f"flask db {verb}", "b2", "c3", "down_revision")


@pytest.mark.parametrize("verb", ["migrate", "check", "upgrade"])
def test_models_that_do_not_import(terminal, verb):
    """The module and the line are named, for an app and for the plain command."""
    terminal.write("app.py", f"{APP}\nimport models\n")
    terminal.write("models.py", "import os\nimport nosuch_package\n")
    terminal.write("migrations/versions/.keep", "")
    terminal.refuses(
        f"flask db {verb}", "No module named 'nosuch_package'", "models.py, line 2",
        status=2,
    )  # fmt: skip
    if verb != "upgrade":
        said = f"--metadata models:Base --url sqlite:///{terminal.folder}/app.db"
        terminal.refuses(
            f"whimbrel {said} {verb}", "No module named 'nosuch_package'", "models.py"
        )


@pytest.mark.parametrize("name", ["models:Nosuch", "nosuch_module", "os.path:join"])
def test_models_that_are_not_there(terminal, name):
    """What was named and is not there is told, with how to name it."""
    terminal.write("models.py", "x = 1\n")
    terminal.write("migrations/versions/.keep", "")
    terminal.refuses(
        f"whimbrel --metadata {name} --url sqlite:///{terminal.folder}/app.db migrate",
        "package.module:Base",
    )


def test_a_folder_that_cannot_be_made(terminal):
    """Where a file stands in the way, init says so."""
    terminal.write("app.py", APP)
    terminal.write("migrations", "I am a file.")
    terminal.refuses("flask db init", "migrations")
    terminal.refuses("flask db migrate --init", "migrations")
    terminal.refuses("flask db init -d migrations/deeper", "migrations")
    terminal.refuses("flask db init -d app.py", "app.py")


def test_a_folder_that_is_not_empty(project):
    """init does not write over what is there."""
    project.refuses("flask db init", "already exists and is not empty")


def test_versions_that_cannot_be_written(project):
    """A script that cannot be written is told, with the place."""
    versions = project.folder / "migrations/versions"
    if os.geteuid() == 0:
        project.edit(
            "migrations/alembic.ini", "[alembic]", "[alembic]\nfile_template = a/b"
        )
        project.edit("migrations/alembic.ini", "\nfile_template = %", "\n#")
        (versions / "a").write_text("I am a file.")
    else:
        versions.chmod(0o555)
    try:
        project.refuses("flask db revision -m more", "versions", "ermission")
    finally:
        versions.chmod(0o755)


@pytest.mark.parametrize("verb", ["migrate", "check"])
def test_no_models(project, verb):
    """Models that were not imported make no script that drops every table."""
    project.write("app.py", APP.partition("class")[0])
    project.refuses(f"flask db {verb}", "The models hold no table", "Import")


def test_nothing_at_all_is_no_error(terminal):
    """An app with no models and a database with no tables has nothing to migrate."""
    terminal.write("app.py", APP.partition("class")[0])
    assert "No changes" in terminal.does("flask db migrate --init").stdout


TYPES = """
from sqlalchemy.types import UserDefinedType
class Odd(UserDefinedType):
    pass
class More(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    odd = db.Column(Odd())
"""


def test_a_type_that_cannot_be_written(project):
    """The column and its type are named, with what would help."""
    project.write("app.py", APP + TYPES)
    project.refuses("flask db migrate", "Odd", "more.odd")


@pytest.mark.parametrize("verb", ["migrate", "revision", "upgrade"])
def test_several_heads(project, verb):
    """Both heads are named, and the command that joins them."""
    add(project, "b2", "a1")
    add(project, "c3", "a1")
    project.edit("app.py", "    id =", "    more = db.Column(db.Text)\n    id =")
    project.refuses(f"flask db {verb}", "b2", "c3", "flask db merge")
    project.does("flask db merge heads -m joined")
    project.does("flask db upgrade")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("upgrade --nosuch", "--nosuch"),
        ("nosuch", "nosuch"),
        ("upgrade a b", "unexpected"),
        ("migrate --sql", "--sql"),
        ("upgrade a:b", "ange"),
    ],
)
def test_words_that_make_no_sense(project, words, said):
    """A command that cannot work is refused with status 2."""
    before = project.everything()
    answer = project.type(f"flask db {words}")
    assert 2 == answer.status, answer
    assert said in answer.stderr
    assert "Traceback" not in answer.text
    assert before == project.everything()


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ("context.nosuch()", "env.py, line 5"),
        ("raise context.config.x", "env.py, line 5"),
        ("raise SystemExit(3)", None),
    ],
)
def test_an_error_is_seen_whatever_the_logging_says(project, env, said):
    """
    An env.py that switches every logger off, and then fails, is told with its line;
    a status that it leaves with is kept.
    """
    project.write("migrations/env.py", f"{SILENCING}{env}\n")
    project.write("migrations/alembic.ini", SILENT_INI)
    if said is None:
        assert 3 == project.type("flask db upgrade").status
    else:
        answer = project.type("flask db upgrade")
        assert 1 == answer.status
        assert said in answer.stderr
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("words", ["upgrade nosuch", "downgrade -7", "check"])
def test_our_own_errors_are_seen_whatever_the_logging_says(project, words):
    """Neither a level nor the want of a handler keeps a refusal from the screen."""
    project.write("migrations/alembic.ini", SILENT_INI)
    text = (project.folder / "migrations/env.py").read_text()
    project.write("migrations/env.py", SILENCING + text)
    project.edit("app.py", "    id =", "    more = db.Column(db.Text)\n    id =")
    project.refuses(f"flask db {words}")
