"""The setting `loss`, wherever it is said, is heeded by every verb that runs scripts."""

import pytest

from stories.terminal import Terminal
from whimbrel.errors import LossRefused


APP = """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from whimbrel import Migrate

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///{here}/app.db"
db = SQLAlchemy(app)
migrate = Migrate(app, db)

class Pet(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(20))

if __name__ == "__main__":
    from whimbrel.manage import Manager, MigrateCommand

    manager = Manager(app)
    manager.add_command("db", MigrateCommand)
    manager.run()
"""
FACES = ["flask db", "python app.py db"]
MANAGE = """
import whimbrel
from app import app

with app.app_context():
    whimbrel.downgrade()
"""
SAID = {
    "by the app": ("app.py", "Migrate(app, db)", "Migrate(app, db, loss='refuse')"),
    "in alembic.ini": (
        "migrations/alembic.ini",
        "[alembic]",
        "[alembic]\nloss = refuse",
    ),
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose table has a row, and a script that drops a column of it."""
    monkeypatch.chdir(tmp_path)
    terminal = Terminal(tmp_path)
    terminal.write("app.py", APP)
    for line in ("init", "migrate", "upgrade"):
        terminal.does(f"flask db {line}")
    terminal.rows("INSERT INTO pet (name) VALUES ('Rex')")
    return terminal


def say(project, where):
    """Say that losses are refused."""
    if where == "beside the scripts":
        project.write("pyproject.toml", '[tool.whimbrel]\nloss = "refuse"\n')
    else:
        project.edit(*SAID[where])


def refused(project, line):
    """Do what loses the name, which must be refused."""
    answer = project.type(line)
    assert answer.status == 1, answer
    assert "would lose values; nothing was changed" in answer.text, answer
    assert project.rows("SELECT name FROM pet") == [("Rex",)]


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("where", [*SAID, "beside the scripts"])
def test_every_run_heeds_it(project, where, face):
    """Whichever face it has; an option is stronger."""
    say(project, where)
    project.edit("app.py", "    name = db.Column(db.String(20))\n", "")
    project.does(f"{face} migrate")

    refused(project, f"{face} upgrade")
    project.does(f"{face} upgrade --plan")
    project.does(f"{face} upgrade --allow-loss")


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("where", [*SAID, "beside the scripts"])
def test_the_way_back_heeds_it(project, where, face):
    """A downgrade drops the table with its row."""
    say(project, where)

    refused(project, f"{face} downgrade")
    project.does(f"{face} downgrade --allow-loss")


@pytest.mark.parametrize("where", [*SAID, "beside the scripts"])
def test_python_heeds_it(project, where):
    """The verbs of Python are the same."""
    say(project, where)
    project.write("go.py", MANAGE)

    with pytest.raises(LossRefused):
        project.type("python go.py")

    assert project.rows("SELECT name FROM pet") == [("Rex",)]


PLAN = """
import whimbrel
from app import app

with app.app_context():
    for finding in whimbrel.upgrade(plan=True).findings:
        print(finding.code, finding.subject, finding.count, finding.severity.value)
"""


def test_python_gets_what_would_be_found(project):
    """A plan is looked at and not run; what a script accepts is not found."""
    project.edit("app.py", "    name = db.Column(db.String(20))\n", "")
    project.does("flask db migrate")
    project.write("plan.py", PLAN)

    assert "W102 pet.name 1 loses" in project.does("python plan.py").stdout
    assert project.rows("SELECT name FROM pet") == [("Rex",)]

    (path,) = (project.folder / "migrations/versions").glob("*drop_pet_name*.py")
    text = path.read_text()
    path.write_text(
        text.replace("batch_op.drop", "# accepted: W102\n        batch_op.drop", 1)
    )
    assert "W102" not in project.does("python plan.py").stdout
