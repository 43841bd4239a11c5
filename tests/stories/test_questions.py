"""What a person is asked at a terminal: each question, answered each way."""

import os
import pty
import select
import signal
import time

import pytest

from stories.terminal import Terminal, be_the_program, run_file
from whimbrel.cli import whimbrel


HEAD = """
import sqlalchemy as sa
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class User(Base):
    __tablename__ = "user"
    id = sa.Column(sa.Integer, primary_key=True)
    note = sa.Column(sa.Text)
"""
MAIL = HEAD + "    email = sa.Column(sa.String(50))\n"
ADDRESS = HEAD + "    address = sa.Column(sa.String(90))\n"
AGE = MAIL + "    age = sa.Column(sa.Integer, nullable=False)\n"

TWO = ADDRESS.replace("note", "remark")
PROGRAM = ["--metadata", "models:Base", "--url", "sqlite:///app.db"]
ROWS = "INSERT INTO user (note, email) VALUES ('x', 'a@b'), ('y', NULL)"
RENAMED = "Was the column user.email renamed to user.address?"
VALUE = "Which value do they get?"

CTRL_C = "\x03"
LONGEST = 60


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The files of a project with one script; its database has no rows yet."""
    folder = tmp_path_factory.mktemp("made")
    terminal = Terminal(folder)
    terminal.write("models.py", MAIL)
    for line in ("migrate --init", "upgrade"):
        status, shown = talk(terminal, line)
        assert status == 0, shown
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture
def project(made, tmp_path):
    """A terminal in a project whose models are about to change."""
    for name, data in made.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return Terminal(tmp_path)


def talk(project, line, *answers):
    """Type *line* on a pseudo-terminal and give *answers*; return status and screen.

    An answer is given when the screen waits for it.
    """
    child, screen = pty.fork()
    if child == 0:
        words = line.split()
        is_file = words[0] == "python"
        run = run_file if is_file else _run_whimbrel
        be_the_program(project.folder, run, words[is_file:])
    shown, left = "", list(answers)
    deadline = time.monotonic() + LONGEST
    while True:
        assert time.monotonic() < deadline, _given_up(child, shown)
        if not select.select([screen], [], [], 0.1)[0]:
            continue
        try:
            piece = os.read(screen, 4096).decode()
        except OSError:  # the other end is closed
            piece = ""
        if not piece:
            break
        shown += piece
        if left and shown.rstrip().endswith(("[y/N]:", "get?:")):
            answer = left.pop(0)
            if answer == CTRL_C:  # what comes before Python reads, it does not hear
                time.sleep(0.2)
            os.write(screen, (answer if answer == CTRL_C else f"{answer}\n").encode())
            shown += f"<{answer!r}>"
    os.close(screen)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert not left, f"nobody asked for {left}:\n{shown}"
    assert "Traceback" not in shown, shown
    return status, shown


def _run_whimbrel(words):
    whimbrel([*PROGRAM, *words], prog_name="whimbrel")


def _given_up(child, shown):
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return f"no end:\n{shown}"


@pytest.mark.parametrize("rows", [ROWS, ""])
def test_yes_is_a_rename(project, rows):
    """The question has its reasons, how full the column is among them."""
    if rows:
        project.rows(rows)
    project.write("models.py", ADDRESS)

    status, shown = talk(project, "migrate", "y")

    assert status == 0, shown
    assert RENAMED in shown
    assert "the same place in the table" in shown
    assert ("a value in 1 of the 2 rows" if rows else "no rows") in shown
    assert "new_column_name='address'" in project.scripts[-1].replace('"', "'")


@pytest.mark.parametrize("answer", ["n", ""])
def test_no_is_a_drop_and_an_add(project, answer):
    """So is an answer that says nothing; the loss is told, and asked about."""
    project.rows(ROWS)
    project.write("models.py", ADDRESS)

    status, shown = talk(project, "migrate", answer, answer)

    assert status == 0, shown
    assert shown.count("1 row of user has a value in email, which is lost") == 1
    assert shown.count("All of them: SELECT") == 1
    assert "# accepted" not in project.scripts[-1]
    assert "new_column_name" not in project.scripts[-1]


@pytest.mark.parametrize(
    ("models", "answers"),
    [(ADDRESS, ""), (AGE, ""), (HEAD, ""), (ADDRESS, "n"), (TWO, "y"), (TWO, "nn")],
    ids=["rename", "value", "loss", "loss behind", "second rename", "loss of two"],
)
def test_whoever_leaves_has_changed_nothing(project, models, answers):
    """Ctrl-C at any question: no script, no change of the database."""
    project.rows(ROWS)
    project.write("models.py", models)
    before = project.everything()

    status, shown = talk(project, "migrate", *answers, CTRL_C)

    assert status == 1, shown
    assert project.everything() == before


@pytest.mark.parametrize(("answer", "status"), [(CTRL_C, 1), ("n", 1), ("y", 0)])
def test_an_upgrade_that_loses_begins_with_a_yes(project, answer, status):
    """Who leaves at the question, or says no, has the database as it was."""
    project.rows(ROWS)
    project.write("models.py", HEAD)
    assert talk(project, "migrate", "n")[0] == 0
    before = project.everything()

    ended, shown = talk(project, "upgrade", answer)

    assert ended == status, shown
    assert (project.everything() == before) is (answer != "y")


@pytest.mark.parametrize(("answer", "value"), [("7", 7), ("sql:id * 2", 2)])
def test_rows_get_the_value_that_is_given(project, answer, value):
    """A value, or SQL, goes into the rows before the column is closed."""
    project.rows(ROWS)
    project.write("models.py", AGE)

    status, shown = talk(project, "migrate", answer)

    assert status == 0, shown
    assert VALUE in shown
    assert talk(project, "upgrade")[0] == 0
    assert (value,) in project.rows("SELECT age FROM user WHERE id = 1")


def test_no_value_is_an_end(project):
    """Who has no value to give gets the options, and no script."""
    project.rows(ROWS)
    project.write("models.py", AGE)
    before = project.everything()

    status, shown = talk(project, "migrate", "")

    assert status == 2, shown
    assert "--fill user.age=VALUE" in shown
    assert project.everything() == before


def test_an_empty_table_asks_for_no_value(project):
    """There is nobody to get it."""
    project.write("models.py", AGE)

    status, shown = talk(project, "migrate")

    assert status == 0, shown
    assert VALUE not in shown


def test_nothing_is_asked_where_that_is_said(project):
    """--no-input is for terminals at which nobody sits."""
    project.rows(ROWS)
    project.write("models.py", ADDRESS)
    before = project.everything()

    status, shown = talk(project, "migrate --no-input")

    assert status == 2, shown
    assert "--rename user.email:user.address" in shown
    assert project.everything() == before


def tables(*names):
    """Models with some tables, each with a column of its own."""
    return HEAD + "".join(
        f"class T{name}(Base):\n    __tablename__ = '{name}'\n"
        f"    id = sa.Column(sa.Integer, primary_key=True)\n"
        f"    {name} = sa.Column(sa.Integer)\n"
        for name in names
    )


@pytest.mark.parametrize("answer", ["y", "n"])
def test_most_tables_go_only_if_that_is_meant(project, answer):
    """A module that was not imported looks like this; no is the answer then."""
    project.write("models.py", tables("aa", "bb", "cc", "dd", "ee"))
    for line in ("migrate", "upgrade"):
        assert talk(project, line)[0] == 0
    project.write("models.py", tables())
    before = project.everything()

    status, shown = talk(project, "migrate", answer)

    assert "5 of 6 tables are in the models no more: aa, bb, cc, dd, ee" in shown
    assert "imported" in shown
    assert status == (0 if answer == "y" else 1), shown
    assert (project.everything() == before) is (answer == "n")

    if answer == "n":
        assert talk(project, "migrate --no-input")[0] == 1
        assert talk(project, "migrate --drop ?? --no-input")[0] == 0


MANAGE = """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from whimbrel import Migrate
from whimbrel.manage import Manager, MigrateCommand

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///{here}/app.db"
db = SQLAlchemy(app)
migrate = Migrate(app, db)
manager = Manager(app)
manager.add_command("db", MigrateCommand)

class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String(50))

if __name__ == "__main__":
    manager.run()
"""


@pytest.fixture
def managed(tmp_path, monkeypatch):
    """A project with a manage.py, whose table has a row and whose models changed."""
    monkeypatch.chdir(tmp_path)
    terminal = Terminal(tmp_path)
    terminal.write("manage.py", MANAGE)
    for line in ("init", "migrate", "upgrade"):
        terminal.does(f"python manage.py db {line}")
    terminal.rows("INSERT INTO user VALUES (1, 'a@b')")
    terminal.edit("manage.py", "email =", "address =")
    return terminal


def test_manage_py_asks_too(managed):
    """Each question, and Ctrl-C at it; a no changes nothing."""
    before = managed.everything()
    for answers in ([CTRL_C], ["n", CTRL_C]):
        assert talk(managed, "python manage.py db migrate", *answers)[0] == 1
    assert managed.everything() == before

    status, shown = talk(managed, "python manage.py db migrate", "n", "n")
    assert status == 0, shown
    before = managed.everything()
    for answer in (CTRL_C, "n"):
        status, shown = talk(managed, "python manage.py db upgrade", answer)
        assert status == 1, shown
    assert managed.everything() == before
    assert talk(managed, "python manage.py db upgrade", "y")[0] == 0
    assert managed.rows("SELECT * FROM user") == [(1, None)]
