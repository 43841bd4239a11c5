"""The article on SQLite and constraints without a name (its app, its four steps).

Only the import of Migrate and the URL are changed. What the article works around, a
naming convention and render_as_batch, goes on working, and is not needed any more.
"""

import pytest


CONVENTION = """\
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData
from whimbrel import Migrate

app = Flask(__name__)
app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///{here}/app.db'

###初始化插件
#定义命名惯例，不需要改
naming_convention = {
    "ix": 'ix_%(column_0_label)s',
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s"
}
#初始化db,将命名惯例naming_convention传给SQL_Alchemy,解决“ValueError: Constraint must have a name"的问题
db = SQLAlchemy(app=app,metadata=MetaData(naming_convention=naming_convention))
#使用batch操作替换普通操作，因为普通操作不支持表名，列名的改变！
migrate = Migrate(app,db,render_as_batch=True)
"""

NO_CONVENTION = """\
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from whimbrel import Migrate

app = Flask(__name__)
app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///{here}/app.db'
db = SQLAlchemy(app)
migrate = Migrate(app, db)
"""

BEFORE = """

class Role(db.Model):
    __tablename__ = 'roles'
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(64))
    name1 = db.Column(db.String(64))
    users = db.relationship('User', backref='role')


class User(db.Model):
    __tablename__ = 'users'
    id = db.Column(db.Integer, primary_key=True)
    name555 = db.Column(db.String(64))
    role_id = db.Column(db.Integer, db.ForeignKey('roles.id'))
"""

AFTER = (
    BEFORE.replace(
        "name1 = db.Column(db.String(64))",
        "name1 = db.Column(db.String(64), unique=True)\n"
        "    name2 = db.Column(db.String(64), unique=True)",
    )
    .replace(
        "name = db.Column(db.String(64))",
        "name = db.Column(db.String(64), unique=True)",
    )
    .replace(
        "name555 = db.Column(db.String(64))",
        "name555 = db.Column(db.String(64), unique=True)",
    )
)


@pytest.mark.parametrize("head", [CONVENTION, NO_CONVENTION], ids=["named", "unnamed"])
def test_unique_constraints_come_and_go(terminal, head):
    """
    With the naming convention and without it, unique constraints are seen, added
    and dropped again; upgrades and downgrades keep the rows.
    """
    terminal.write("app.py", head + BEFORE)
    terminal.does("flask db init")
    terminal.does("flask db migrate -m 'first migrate'")
    terminal.does("flask db upgrade")
    terminal.rows("INSERT INTO roles (id, name, name1) VALUES (1, 'admin', 'a')")
    terminal.rows("INSERT INTO users (id, name555, role_id) VALUES (7, 'x', 1)")
    before = terminal.schema()

    terminal.write("app.py", head + AFTER)
    found = terminal.does("flask db migrate -m 'second migrate'").stdout
    assert "unique" in found
    terminal.does("flask db upgrade")
    assert {"name", "name1", "name2"} == terminal.uniques("roles")
    assert {"name555"} == terminal.uniques("users")
    assert "No changes" in terminal.does("flask db migrate").stdout

    terminal.write("app.py", head + BEFORE)
    terminal.does("flask db migrate -m 'third migrate'")
    terminal.does("flask db upgrade")
    assert set() == terminal.uniques("roles") | terminal.uniques("users")
    terminal.does("flask db downgrade")
    assert {"name", "name1", "name2"} == terminal.uniques("roles")
    terminal.does("flask db downgrade")
    assert before == terminal.schema()
    assert [(1, "admin", "a")] == terminal.rows("SELECT id, name, name1 FROM roles")
    assert [(7, "x", 1)] == terminal.rows("SELECT id, name555, role_id FROM users")


def test_the_script_is_the_one_that_the_article_shows(terminal):
    """With the convention the script says what the article's does, name by name."""
    terminal.write("app.py", CONVENTION + BEFORE)
    terminal.does("flask db migrate --init -m 'first migrate'")
    terminal.does("flask db upgrade")
    terminal.write("app.py", CONVENTION + AFTER)
    terminal.does("flask db migrate -m 'second migrate'")
    script = terminal.scripts[1]
    assert 'with op.batch_alter_table("roles", schema=None) as batch_op:' in script
    assert 'sa.Column("name2", sa.String(length=64), nullable=True)' in script
    for name in (
        "uq_roles_name",
        "uq_roles_name1",
        "uq_roles_name2",
        "uq_users_name555",
    ):
        assert f'create_unique_constraint(batch_op.f("{name}")' in script
        assert f'drop_constraint(batch_op.f("{name}"), type_="unique")' in script
    assert "None" not in script.partition("def upgrade")[2].replace("schema=None", "")


def test_a_convention_may_be_introduced_later(terminal):
    """A project that takes the article's advice years later has nothing to migrate."""
    terminal.write("app.py", NO_CONVENTION + AFTER)
    terminal.does("flask db migrate --init")
    terminal.does("flask db upgrade")
    terminal.write("app.py", CONVENTION + AFTER)
    assert "No changes" in terminal.does("flask db migrate").stdout
    terminal.does("flask db check")


def test_a_script_with_none_for_a_name_runs(terminal):
    """
    The script of the article's traceback, with None where a name should be, is
    what Flask-Migrate left in many projects: it runs, up and down.
    """
    terminal.write("app.py", NO_CONVENTION + BEFORE)
    terminal.does("flask db migrate --init")
    terminal.does("flask db upgrade")
    terminal.does("flask db revision -m second --rev-id bb9a3eb8a5fb")
    (script,) = (terminal.folder / "migrations/versions").glob("*bb9a3eb8a5fb*")
    text = script.read_text()
    batch = "with op.batch_alter_table('roles', schema=None) as batch_op:\n        "
    up = f"{batch}batch_op.create_unique_constraint(None, ['name'])"
    down = f"{batch}batch_op.drop_constraint(None, type_='unique')"
    head, _, _ = text.partition("def upgrade")
    script.write_text(
        f"{head}def upgrade():\n    {up}\n\n\ndef downgrade():\n    {down}\n"
    )
    terminal.does("flask db upgrade")
    assert {"name"} == terminal.uniques("roles")
    terminal.does("flask db downgrade")
    assert set() == terminal.uniques("roles")
