"""The second half of the article on Alembic and Flask-Migrate: two layouts of an app."""

import pytest


SINGLE = """\
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from constants import DB_URI
from whimbrel import Migrate
app = Flask(__name__)
app.config['SQLALCHEMY_DATABASE_URI'] = DB_URI
app.config['SQLALCHEMY_TRACK_MODIFICATIONS'] = True
db = SQLAlchemy(app)
# 绑定app和数据库
migrate = Migrate(app,db)
class User(db.Model):
  id = db.Column(db.Integer,primary_key=True)
  username = db.Column(db.String(20))
  addresses = db.relationship('Address',backref='user')
class Address(db.Model):
  id = db.Column(db.Integer,primary_key=True)
  email_address = db.Column(db.String(50))
  user_id = db.Column(db.Integer,db.ForeignKey('user.id'))
{create_all}
@app.route('/')
def hello_world():
  return 'Hello World!'
if __name__ == '__main__':
  app.run()
"""

CONSTANTS = "# constants.py\nDB_URI = 'sqlite:///{here}/app.db'\n"

EXT = """\
# ext.py
from flask_sqlalchemy import SQLAlchemy
db = SQLAlchemy()
"""

MODELS = """\
# models.py
from ext import db
class User(db.Model):
  id = db.Column(db.Integer,primary_key=True)
  username = db.Column(db.String(50))
  addresses = db.relationship('Address',backref='user')
  def __init__(self,username):
      self.username = username
class Address(db.Model):
  id = db.Column(db.Integer,primary_key=True)
  email_address = db.Column(db.String(50))
  user_id = db.Column(db.Integer,db.ForeignKey('user.id'))
  def __init__(self,email_address):
    self.email_address = email_address
"""

APP = """\
# app.py
from flask import Flask
from ext import db
from constants import DB_URI
app = Flask(__name__)
app.config['SQLALCHEMY_DATABASE_URI'] = DB_URI
db.init_app(app)
@app.route('/')
def hello_world():
  return 'Hello World!'
if __name__ == '__main__':
  app.run()
"""

MANAGE = """\
from whimbrel import Migrate
from whimbrel.manage import Manager, MigrateCommand
from app import app
from ext import db
{models}
manager = Manager(app)
Migrate(app, db)
manager.add_command('db', MigrateCommand)
if __name__ == '__main__':
  manager.run()
"""

CONTEXT = "with app.app_context():\n  db.create_all()"


@pytest.mark.parametrize("create_all", ["", CONTEXT], ids=["plain", "create_all"])
def test_an_app_in_one_file(terminal, create_all):
    """
    init, migrate and upgrade, also where the app makes its tables itself with
    db.create_all() each time it is imported: then there is nothing to do at first.
    """
    terminal.write("constants.py", CONSTANTS)
    terminal.write("app.py", SINGLE.replace("{create_all}", create_all))
    terminal.does("flask db init")
    found = terminal.does("flask db migrate").stdout
    assert ("No changes detected" in found) is bool(create_all)
    terminal.does("flask db upgrade")
    assert {"user", "address"} == set(terminal.schema())
    terminal.edit("app.py", "String(20)", "String(40)")
    assert "user.username: VARCHAR(20) -> VARCHAR(40)" in (
        terminal.does("flask db migrate").stdout
    )
    terminal.does("flask db upgrade")
    assert "VARCHAR(40)" == terminal.columns("user")["username"]


def test_create_all_outside_of_a_context_is_told(terminal):
    """
    The article's line as it stands, db.create_all() without a context, is refused
    by Flask-SQLAlchemy 3: the sentence names the line.
    """
    terminal.write("constants.py", CONSTANTS)
    path = terminal.write("app.py", SINGLE.replace("{create_all}", "db.create_all()"))
    line = path.read_text().splitlines().index("db.create_all()") + 1
    terminal.refuses("flask db init", "application context", f"app.py, line {line}")


@pytest.fixture
def layout(terminal):
    """constants.py, ext.py, models.py, app.py and manage.py."""
    terminal.write("constants.py", CONSTANTS)
    terminal.write("ext.py", EXT)
    terminal.write("models.py", MODELS)
    terminal.write("app.py", APP)
    terminal.write("manage.py", MANAGE.replace("{models}", "import models"))
    return terminal


def test_an_app_in_several_files(layout):
    """The three commands of the article, a change of the models, and back again."""
    layout.does("python manage.py db init ")
    layout.does("python manage.py db migrate ")
    layout.does("python manage.py db upgrade ")
    assert {("user_id", "user")} == layout.foreign_keys("address")
    layout.edit(
        "models.py", "db.String(50))\n  addresses", "db.String(80))\n  addresses"
    )
    layout.does("python manage.py db migrate -m longer")
    layout.does("python manage.py db upgrade")
    assert "VARCHAR(80)" == layout.columns("user")["username"]
    layout.does("python manage.py db downgrade")
    assert "VARCHAR(50)" == layout.columns("user")["username"]


def test_models_that_nobody_imports_drop_nothing(layout):
    """
    A manage.py that does not import the models would make a script that drops all
    tables: it is refused, and told how to import them.
    """
    layout.does("python manage.py db migrate --init")
    layout.does("python manage.py db upgrade")
    layout.write("manage.py", MANAGE.replace("{models}", ""))
    layout.refuses("python manage.py db migrate", "import models")
