"""The article that still uses Flask-Script: only its import lines are changed.

Its advice for three accidents works too: a revision that is lost, a migrations folder
that is lost, and a downgrade to write a script anew.
"""

import shutil

import pytest


MANAGE = """\
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from whimbrel.manage import Manager
from whimbrel import Migrate, MigrateCommand

app = Flask(__name__) # 實例化app
app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///app.db'

db = SQLAlchemy(app) # 實例化db
migrate = Migrate(app, db) # 實例化migrate,在db對象創建后調用

manager = Manager(app) # 實例化manager
manager.add_command('db', MigrateCommand)

class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(128))

if __name__ == '__main__':
    manager.run()
"""

DATABASE = "instance/app.db"
OPERATOR = (
    "    operator = db.Column(db.String(40), nullable=True,"
    ' server_default="init_data")\n'
)


@pytest.fixture
def project(terminal):
    """The article's manage.py after its first three commands, with a row."""
    terminal.write("manage.py", MANAGE)
    terminal.does("python manage.py db init")
    terminal.does("python manage.py db migrate")
    terminal.does("python manage.py db upgrade")
    terminal.rows("INSERT INTO user VALUES (1, 'john')", DATABASE)
    return terminal


def add_operator(project):
    project.edit("manage.py", "\nif __name__", f"{OPERATOR}\nif __name__")


def test_the_commands_of_the_article(project):
    """A column with a server default reaches the rows; a downgrade takes it away."""
    add_operator(project)
    project.does("python manage.py db migrate -m operator")
    project.does("python manage.py db upgrade")
    assert [(1, "john", "init_data")] == project.rows("SELECT * FROM user", DATABASE)
    project.does("python manage.py db downgrade")
    assert ["id", "name"] == list(project.columns("user", DATABASE))
    assert [(1, "john")] == project.rows("SELECT * FROM user", DATABASE)


def test_a_script_is_written_anew(project):
    """Downgrade, delete the script, migrate, upgrade: as the article advises."""
    add_operator(project)
    project.does("python manage.py db migrate -m operator")
    project.does("python manage.py db upgrade")
    project.does("python manage.py db downgrade")
    (path,) = (project.folder / "migrations/versions").glob("*_operator.py")
    path.unlink()
    project.edit("manage.py", "String(40)", "String(60)")
    project.does("python manage.py db migrate -m operator")
    project.does("python manage.py db upgrade")
    assert "VARCHAR(60)" == project.columns("user", DATABASE)["operator"]


@pytest.mark.parametrize("verb", ["migrate", "upgrade", "show current", "downgrade"])
def test_a_revision_that_cannot_be_located(project, verb):
    """The error of the article says what to do, and doing it helps."""
    project.rows("UPDATE alembic_version SET version_num = 'd72a7bc93d93'", DATABASE)
    project.refuses(
        f"python manage.py db {verb}",
        "Can't locate revision identified by 'd72a7bc93d93'",
        "python manage.py db repair",
    )
    project.does("python manage.py db stamp head")
    project.does("python manage.py db upgrade")
    assert "No changes" in project.does("python manage.py db migrate").stdout


def test_emptying_the_version_table_helps_too(project):
    """What the article advises: delete the row, then stamp what is there."""
    project.rows("UPDATE alembic_version SET version_num = 'd72a7bc93d93'", DATABASE)
    project.rows("DELETE FROM alembic_version", DATABASE)
    assert "" == project.does("python manage.py db current").stdout
    project.does("python manage.py db stamp head")
    assert "(head)" in project.does("python manage.py db current").stdout


@pytest.mark.parametrize("is_emptied", [True, False], ids=["dropped", "kept"])
def test_a_lost_migrations_folder(project, is_emptied):
    """
    The steps of the article: drop the version table, init, migrate, upgrade. The
    first script makes the tables elsewhere and is noted as applied here; what
    changed in the models is in the second; the rows stay.
    """
    shutil.rmtree(project.folder / "migrations")
    if is_emptied:
        project.rows("DROP TABLE alembic_version", DATABASE)
    project.does("python manage.py db init")
    if not is_emptied:
        refused = project.refuses("python manage.py db migrate", "db repair")
        assert "Can't locate revision" in refused.stderr
        project.does("python manage.py db stamp --purge base")
        project.does("python manage.py db migrate")
    assert "No changes" in project.does("python manage.py db migrate").stdout
    (first,) = project.scripts
    assert "create_table" in first
    add_operator(project)
    project.does("python manage.py db migrate")
    upgraded = project.does("python manage.py db upgrade")
    assert "made without scripts" in upgraded.stdout
    assert [(1, "john", "init_data")] == project.rows("SELECT * FROM user", DATABASE)
    project.does("python manage.py db downgrade")
    assert [(1, "john")] == project.rows("SELECT * FROM user", DATABASE)
