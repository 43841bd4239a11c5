"""The article on the five pitfalls of Flask-Migrate: none of them is one any more."""

import re

import pytest


APP = """\
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from whimbrel import Migrate
{imports}
app = Flask(__name__)
app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///{here}/app.db'
db = SQLAlchemy()
migrate = Migrate(db=db, {options})
db.init_app(app)
migrate.init_app(app)


class Group(db.Model):
    id = db.Column(db.Integer, primary_key=True)


class MyTable(db.Model):
    __tablename__ = 'mytable'
    version_id = db.Column(db.INTEGER, primary_key=True)
{columns}
"""

TYPES = """\
from sqlalchemy import types


class TimeType(types.TypeDecorator):
    impl = types.Integer
    cache_ok = True


class Padded(types.TypeDecorator):
    impl = types.String
    cache_ok = True

    def __init__(self, length, fill='*'):
        self.fill = fill
        super().__init__(length)
"""


@pytest.fixture
def project(terminal):
    """Write the app with columns of its own."""

    def project(*columns, options="", imports=""):
        text = APP.replace("{imports}", imports).replace("{options}", options)
        lines = "\n".join(f"    {column}" for column in columns)
        terminal.write("app.py", text.replace("{columns}", lines))

    return project


def changed(terminal):
    """Write the script for what changed and run it; return the script."""
    terminal.does("flask db migrate --init")
    terminal.does("flask db upgrade")
    terminal.does("flask db check")
    return terminal.scripts[-1]


GROUP = "group_id = db.Column(db.Integer, db.ForeignKey('group.id'))"


def test_a_foreign_key_without_a_name_comes_and_goes(terminal, project):
    """The first pitfall: what was added without a name is removed, in both directions."""
    project()
    changed(terminal)
    terminal.rows("INSERT INTO mytable VALUES (1)")
    before = terminal.schema()
    project(GROUP)
    changed(terminal)
    assert {("group_id", "group")} == terminal.foreign_keys("mytable")
    between = terminal.schema()
    terminal.does("flask db downgrade")
    assert before == terminal.schema()
    terminal.does("flask db upgrade")
    project("group_id = db.Column(db.Integer)")
    changed(terminal)
    assert set() == terminal.foreign_keys("mytable")
    terminal.does("flask db downgrade")
    assert between == terminal.schema()
    terminal.does("flask db downgrade base")
    assert {} == terminal.schema()


def test_types_of_the_projects_own_are_imported(terminal, project):
    """The second pitfall: the script imports what it names, arguments are kept."""
    terminal.write("myTypes.py", TYPES)
    project(
        "MyField = db.Column(myTypes.TimeType(), nullable=True)",
        "code = db.Column(myTypes.Padded(12, fill='-'))",
        imports="import myTypes",
    )
    script = changed(terminal)
    assert "\nimport myTypes\n" in script
    assert 'sa.Column("MyField", myTypes.TimeType(), nullable=True)' in script
    assert re.search(r"myTypes\.Padded\((length=)?12, fill=['\"]-['\"]\)", script)
    assert {"version_id": "INTEGER", "MyField": "INTEGER", "code": "VARCHAR(12)"} == (
        terminal.columns("mytable")
    )


@pytest.mark.parametrize(
    "options", ["", "render_as_batch=True", "render_as_batch=False"]
)
def test_columns_and_constraints_are_dropped(terminal, project, options):
    """The third pitfall: SQLite alters, in batch mode and without it."""
    project("a = db.Column(db.String(9), unique=True)", "b = db.Column(db.Text)", GROUP)
    changed(terminal)
    terminal.rows("INSERT INTO mytable (version_id, a, b) VALUES (1, 'x', 'y')")
    before = terminal.schema()
    project("a = db.Column(db.String(9))", options=options)
    changed(terminal)
    assert ["version_id", "a"] == list(terminal.columns("mytable"))
    assert set() == terminal.uniques("mytable")
    terminal.does("flask db downgrade")
    assert before == terminal.schema()
    assert [(1, "x", None)] == terminal.rows("SELECT version_id, a, b FROM mytable")


@pytest.mark.parametrize(
    ("options", "is_batch"), [("", True), ("render_as_batch=False", False)]
)
def test_batches_are_written_unless_the_app_wants_none(
    terminal, project, options, is_batch
):
    """render_as_batch=False gives plain operations, which run on SQLite as well."""
    project()
    changed(terminal)
    project("a = db.Column(db.Text)", options=options)
    assert ("batch_alter_table" in changed(terminal)) is is_batch
    assert ["version_id", "a"] == list(terminal.columns("mytable"))
    terminal.does("flask db downgrade")
    assert ["version_id"] == list(terminal.columns("mytable"))


SHORT, LONG = "a = db.Column(db.String(256))", "a = db.Column(db.String(1000))"


@pytest.mark.parametrize(
    ("options", "is_seen"),
    [
        ("", True),
        ("render_as_batch=True, compare_type=True", True),
        ("render_as_batch=True, compare_type=False", False),
        ("compare_type=lambda *a: False", False),
        ("compare_type=lambda *a: None", True),
    ],
)
def test_a_longer_string_is_seen(terminal, project, options, is_seen):
    """The fourth pitfall: 256 becomes 1000, unless the app says not to compare types."""
    project(SHORT)
    changed(terminal)
    project(LONG, options=options)
    found = terminal.does("flask db migrate").stdout
    assert ("mytable.a: VARCHAR(256) -> VARCHAR(1000)" in found) is is_seen
    assert ("No changes" in found) is not is_seen
    terminal.does("flask db upgrade")
    assert ("VARCHAR(1000)" if is_seen else "VARCHAR(256)") == (
        terminal.columns("mytable")["a"]
    )


OLD = "n = db.Column(db.Integer, server_default='1')"
NEW = "n = db.Column(db.Integer, server_default='2')"


@pytest.mark.parametrize(
    ("options", "is_seen"),
    [
        ("", True),
        ("render_as_batch=True, compare_type=True, compare_server_default=True", True),
        ("compare_server_default=False", False),
        ("compare_server_default=lambda *a: False", False),
    ],
)
def test_another_server_default_is_seen(terminal, project, options, is_seen):
    """The fifth pitfall: a server default is compared unless the app says not to."""
    project(OLD)
    changed(terminal)
    project(NEW, options=options)
    found = terminal.does("flask db migrate").stdout
    assert ("default of mytable.n: '1' -> '2'" in found) is is_seen
    assert ("No changes" in found) is not is_seen


def test_a_default_of_python_is_not_one_of_the_database(terminal, project):
    """`default` is Python's own and makes no change; `server_default` reaches the rows."""
    project("n = db.Column(db.Integer)")
    changed(terminal)
    terminal.rows("INSERT INTO mytable (version_id) VALUES (1)")
    project("n = db.Column(db.Integer, default=5)")
    assert "No changes" in terminal.does("flask db migrate").stdout
    project("n = db.Column(db.Integer, server_default='5')")
    assert 'server_default="5"' in changed(terminal).replace("sa.text(", "")
    terminal.rows("INSERT INTO mytable (version_id) VALUES (2)")
    assert [(1, None), (2, 5)] == terminal.rows("SELECT version_id, n FROM mytable")
