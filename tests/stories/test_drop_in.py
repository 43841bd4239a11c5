"""A project of Flask-Migrate's goes on with whimbrel, and could go back.

The folders are made by Flask-Migrate itself, in a process of its own; the only edit is
the import in app.py.
"""

import functools
import logging
import shutil
import subprocess
import sys

import pytest

from whimbrel.errors import MigrationFailed, UnknownRevision


pytest.importorskip("flask_migrate", reason="Flask-Migrate is not installed")

APP = """\
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_migrate import Migrate

app = Flask(__name__)
app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///app.db'
app.config['SQLALCHEMY_BINDS'] = {binds}
db = SQLAlchemy(app)
migrate = Migrate(app, db)


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(64))
    # more
"""

LOG = """

class Log(db.Model):
    __bind_key__ = 'logs'
    id = db.Column(db.Integer, primary_key=True)
    # logged
"""

EMAIL = "email = db.Column(db.String(64), index=True)\n    # more"
BORN = "born = db.Column(db.Date, unique=True)\n    # more"
TEXT = "text = db.Column(db.Text)\n    # logged"

# types commands in one process: each is a fork, which has nothing imported but the tools
TYPIST = """\
import os, shlex, sys
import alembic.command, flask.cli, flask_migrate, flask_sqlalchemy, logging.config

for line in sys.argv[1:]:
    if line.startswith("edit "):
        _, name, old, new = shlex.split(line)
        text = open(name).read()
        assert old in text, old
        open(name, "w").write(text.replace(old, new))
        continue
    sys.stdout.flush()
    child = os.fork()
    if not child:
        sys.argv = shlex.split(line)
        flask.cli.main()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        sys.exit(f"{line}: {status}")
"""


def typed(folder, *lines):
    """Type lines in a process of their own, without a word of ours; return stdout."""
    done = subprocess.run(
        [sys.executable, "-c", TYPIST, *lines], cwd=folder, capture_output=True,
        text=True, check=False, timeout=120,
    )  # fmt: skip
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def edit(old, new):
    return f'edit app.py "{old}" "{new}"'


THEIRS = ("from whimbrel import", "from flask_migrate import")


APP_DB, LOGS_DB = "instance/app.db", "instance/logs.db"


def make(folder, several):
    """Let Flask-Migrate make a folder with two revisions, at head; return its history."""
    binds = "{'logs': 'sqlite:///logs.db'}" if several else "{}"
    text = APP.replace("{binds}", binds) + (LOG if several else "")
    (folder / "app.py").write_text(text)
    said = typed(
        folder,
        "flask db init" + (" --multidb" if several else ""),
        "flask db migrate -m first --rev-id f1",
        "flask db upgrade",
        edit("# more", EMAIL),
        *([edit("# logged", TEXT)] if several else []),
        "flask db migrate -m second --rev-id f2",
        "flask db upgrade",
        "flask db history",
    )
    return said[said.index("f1 -> f2") :]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder of Flask-Migrate's and its history; each kind is made once."""

    @functools.cache
    def made(kind):
        folder = tmp_path_factory.mktemp(kind)
        return folder, make(folder, kind == "multidb")

    return made


@pytest.fixture(params=["single", "multidb"])
def project(request, terminal, made):
    """A folder that Flask-Migrate made, whose app now imports whimbrel."""
    folder, terminal.history = made(request.param)
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(folder, terminal.folder, dirs_exist_ok=True, ignore=without)
    terminal.edit("app.py", *reversed(THEIRS))
    return terminal


def schemas(project):
    names = (APP_DB, LOGS_DB)
    return [project.schema(name) for name in names if (project.folder / name).exists()]


def test_the_folder_is_understood(project):
    """history, heads and current say what they said; nothing is to be migrated."""
    assert project.history == project.does("flask db history").stdout
    assert "f2 (head)\n" == project.does("flask db heads").stdout
    assert "f2 (head)" in project.does("flask db current").stdout
    before = project.everything()
    project.does("flask db check")
    assert "No changes" in project.does("flask db migrate").stdout
    project.does("flask db upgrade")
    assert before == project.everything()


def test_its_scripts_run(project):
    """Downgrades and upgrades of its scripts lead to the same tables."""
    after = schemas(project)
    project.does("flask db downgrade")
    assert "email" not in project.columns("user", APP_DB)
    project.does("flask db downgrade base")
    assert [{}] * len(after) == schemas(project)
    project.does("flask db upgrade")
    assert after == schemas(project)


def test_it_may_go_back(project):
    """
    Scripts that we made run under Flask-Migrate: up, down, up, and on from there;
    then under ours again.
    """
    project.edit("app.py", "# more", BORN)
    project.does("flask db migrate -m third --rev-id w3")
    project.does("flask db upgrade")
    third = schemas(project)
    said = typed(
        project.folder,
        edit(*THEIRS),
        "flask db check",
        "flask db downgrade",
        "flask db current",
        "flask db downgrade base",
        "flask db upgrade",
        "flask db history",
        edit("# more", "age = db.Column(db.Integer)"),
        "flask db migrate -m fourth --rev-id f4",
        "flask db upgrade",
    )
    assert "f2 -> w3 (head), third" in said
    project.edit("app.py", *reversed(THEIRS))
    assert ["id", "name", "email", "born", "age"] == list(
        project.columns("user", APP_DB)
    )
    project.does("flask db check")
    project.does("flask db downgrade w3")
    assert [set(each) for each in third] == [set(each) for each in schemas(project)]
    assert {"born"} == project.uniques("user", APP_DB)
    project.does("flask db downgrade base")
    project.does("flask db upgrade")
    project.does("flask db check")


IN_PYTHON = """\
import logging
from app import app
import whimbrel

with app.app_context():
    whimbrel.{call}
"""


@pytest.mark.parametrize("project", ["single"], indirect=True)
def test_called_from_python_it_leaves_the_logging_alone(project):
    """
    upgrade() in an app's own code, with the env.py and the ini file of Flask-Migrate
    and their fileConfig(): handlers, levels, and what was enabled stay as they were.
    """
    mine = logging.getLogger("my.own")
    mine.setLevel(logging.DEBUG)
    handler = logging.NullHandler()
    mine.addHandler(handler)

    def state():
        loggers = [
            logging.root,
            *(logging.getLogger(n) for n in sorted(logging.root.manager.loggerDict)),
        ]
        return {
            each.name: (each.level, tuple(each.handlers), each.disabled, each.propagate)
            for each in loggers
        }

    def kept(call):
        before = state()
        project.write("call.py", IN_PYTHON.replace("{call}", call))
        try:
            answer = project.type("python call.py")
        finally:
            after = state()
            assert before == {name: after[name] for name in before}
        assert [] == [name for name, each in after.items() if each[2]]
        return answer

    assert "" == kept("downgrade(revision='base')").text
    assert {} == project.schema(APP_DB)
    assert "" == kept("upgrade()").text
    with pytest.raises(UnknownRevision):
        kept("upgrade(revision='nosuch')")
    script = next((project.folder / "migrations/versions").glob("f2*"))
    script.write_text(
        script.read_text().replace("def downgrade():", "def downgrade():\n    1 / 0")
    )
    with pytest.raises(MigrationFailed, match="ZeroDivisionError"):
        kept("downgrade()")
    assert "email" in project.columns("user", APP_DB)


@pytest.mark.parametrize("project", ["single"], indirect=True)
def test_two_threads_upgrade_two_databases(project):
    """At once, with an env.py of Flask-Migrate's: each database gets its tables."""
    text = (project.folder / "app.py").read_text()
    project.write(
        "apps.py",
        "def make(number):\n"
        + "".join(f"    {line}\n" for line in text.splitlines()).replace(
            "/app.db'", "/app.db'.replace('app.db', f'app{number}.db')"
        )
        + "    return app\n",
    )
    project.write(
        "both.py",
        "import threading, whimbrel\n"
        "from apps import make\n"
        "failed = []\n"
        "def work(number):\n"
        "    try:\n"
        "        with make(number).app_context():\n"
        "            whimbrel.upgrade()\n"
        "            whimbrel.downgrade()\n"
        "            whimbrel.upgrade()\n"
        "    except BaseException as error:\n"
        "        failed.append(error)\n"
        "threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]\n"
        "[each.start() for each in threads]\n"
        "[each.join() for each in threads]\n"
        "if failed: raise failed[0]\n",
    )
    assert "" == project.does("python both.py").text
    expected = project.schema(APP_DB)
    assert [expected] * 4 == [project.schema(f"instance/app{n}.db") for n in range(4)]
