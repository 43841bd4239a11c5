"""The article on a database whose tables are older than the models (Flasky, manage.py).

Flask-Script's lines are the book's own; only imports and the URL are changed.
"""

import pytest


MANAGE = """\
#!/usr/bin/env python
from whimbrel import Migrate
from whimbrel.manage import Manager, MigrateCommand, Shell

from app import app, db, User, Role

manager = Manager(app)
migrate = Migrate(app, db)


def make_shell_context():
    return dict(app=app, db=db, User=User, Role=Role)
manager.add_command("shell", Shell(make_context=make_shell_context))
manager.add_command('db', MigrateCommand)


if __name__ == '__main__':
    manager.run()
"""

APP = """\
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///{here}/data-dev.sqlite'
db = SQLAlchemy(app)


class Role(db.Model):
    __tablename__ = 'roles'
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(64), unique=True)
    users = db.relationship('User', backref='role', lazy='dynamic')


class User(db.Model):
    __tablename__ = 'users'
    id = db.Column(db.Integer, primary_key=True)
    username = db.Column(db.String(64), unique=True, index=True)
    role_id = db.Column(db.Integer, db.ForeignKey('roles.id'))
"""

WITH_EMAIL = APP.replace(
    "    username =",
    "    email = db.Column(db.String(64), unique=True, index=True)\n    username =",
).replace(
    "db.ForeignKey('roles.id'))",
    "db.ForeignKey('roles.id'))\n    password_hash = db.Column(db.String(128))",
)

DATABASE = "data-dev.sqlite"


@pytest.fixture
def flasky(terminal):
    """The project, with the models as they were first."""
    terminal.write("app.py", APP)
    terminal.write("manage.py", MANAGE)
    return terminal


def test_each_command_does_what_the_article_found_out(flasky):
    """
    init makes files and no database; upgrade then makes one with nothing but the
    version table; migrate writes a script; only upgrade changes the database.
    """
    flasky.does("python manage.py db init")
    assert not (flasky.folder / DATABASE).exists()
    assert [] == list((flasky.folder / "migrations/versions").iterdir())
    flasky.does("python manage.py db upgrade")
    assert [("alembic_version",)] == flasky.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table'", DATABASE
    )
    flasky.write("app.py", WITH_EMAIL)
    flasky.does("python manage.py db migrate")
    assert {} == flasky.schema(DATABASE)
    flasky.does("python manage.py db upgrade")
    assert {
        "roles", "users", "ix_users_email", "ix_users_username"
    } == set(flasky.schema(DATABASE))  # fmt: skip
    assert ["id", "email", "username", "role_id", "password_hash"] == list(
        flasky.columns("users", DATABASE)
    )


def test_a_column_reaches_tables_that_create_all_made(flasky):
    """
    The table is there before the first script, without the new column: the script
    has that column and no table, and the rows stay.
    """
    flasky.write(
        "make.py", "from app import *\nwith app.app_context(): db.create_all()"
    )
    flasky.does("python make.py")
    flasky.rows("INSERT INTO users (username) VALUES ('john')", DATABASE)
    flasky.does("python manage.py db init")
    flasky.write("app.py", WITH_EMAIL)
    found = flasky.does("python manage.py db migrate -m email").stdout
    assert "+ column users.email" in found
    assert "table" not in found.replace("Proof", "")
    flasky.does("python manage.py db upgrade")
    flasky.rows("UPDATE users SET email = 'john@example.com'", DATABASE)
    flasky.does("python manage.py db check")
    flasky.does("python manage.py db downgrade")
    assert [("john",)] == flasky.rows("SELECT username FROM users", DATABASE)
    assert "email" not in flasky.columns("users", DATABASE)
