"""Whole stories on the command line, on PostgreSQL and MariaDB: change, prove, migrate."""

import logging
import textwrap

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from whimbrel.cli import whimbrel


FIRST = """
import sqlalchemy as sa
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(20), nullable=False, index=True)
    kind = sa.Column(sa.Enum("a", "b", name="kind"))
    age = sa.Column(sa.Integer, sa.CheckConstraint("age > 0", name="ck_age"), server_default="1")


class Post(Base):
    __tablename__ = "posts"
    id = sa.Column(sa.BigInteger, primary_key=True)
    user_id = sa.Column(sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True)
    at = sa.Column(sa.DateTime, server_default=sa.func.now())


class Note(Base):
    __tablename__ = "notes"
    id = sa.Column(sa.Integer, primary_key=True)
"""
SECOND = (
    FIRST.replace(
        "class Post",
        "    email = sa.Column(sa.String(90), unique=True)\n\n\nclass Post",
    )
    .replace("String(20)", "String(40)")
    .replace('ondelete="CASCADE"', 'ondelete="RESTRICT"')
)
PROVED = "Proof: on a scratch database the upgrade reaches the models, the downgrade leads back."
SCRATCHES = {
    "postgresql": r"SELECT datname FROM pg_database WHERE datname LIKE '\_whimbrel\_scratch\_%%'",
    "mysql": "SHOW DATABASES LIKE '\\_whimbrel\\_scratch\\_%%'",
}


class Story:
    """A folder with models, and a database."""

    def __init__(self, folder, url):
        self.folder, self.url, self.stage = folder, url, 0
        self.engine = sa.create_engine(url, poolclass=sa.pool.NullPool)

    def models(self, text):
        """Write the models anew, under a name that no import knows yet."""
        self.stage += 1
        name = f"models_{abs(hash(str(self.folder)))}_{self.stage}"
        (self.folder / f"{name}.py").write_text(textwrap.dedent(text))
        self.named = f"{name}:Base"

    def __call__(self, *words, url=None):
        said = ["--metadata", self.named, "--url", url or self.url, *words]
        return CliRunner().invoke(whimbrel, said)

    def does(self, *words, **options):
        result = self(*words, **options)
        assert result.exit_code == 0, result.output
        return result.output

    def run(self, *statements):
        with self.engine.begin() as connection:
            for each in statements:
                connection.exec_driver_sql(each)


@pytest.fixture(params=["postgresql", "mariadb", "mysql"])
def story(request, tmp_path, monkeypatch):
    url = request.getfixturevalue(f"{request.param}_url")
    monkeypatch.chdir(tmp_path)
    story = Story(tmp_path, url)
    story.models(FIRST)
    yield story
    story.engine.dispose()


@pytest.fixture
def begun(story):
    """A history of one script, which the database stands at, and rows."""
    story.does("migrate", "--init")
    story.does("upgrade")
    story.run(
        "INSERT INTO users (id, name, kind) VALUES (1, 'Ann', 'a')",
        "INSERT INTO posts (id, user_id) VALUES (1, 1)",
    )
    return story


def test_from_models_to_a_database_and_on(begun):
    """Compare, plan, write, prove, upgrade, check, downgrade: each says what it did."""
    assert "No new upgrade operations" in begun.does("check")
    begun.models(SECOND)
    assert begun("check").exit_code == 1
    told = begun.does("migrate")
    assert PROVED in told
    assert "+ column users.email" in told
    begun.does("upgrade")
    assert "No new upgrade operations" in begun.does("check")
    begun.does("downgrade")
    with begun.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT name, age FROM users").all() == [
            ("Ann", 1)
        ]


def test_what_alembic_would_log_is_logged(begun, caplog):
    """A type is told as the server spells it, or as SQLAlchemy writes it."""
    begun.models(SECOND)
    with caplog.at_level(logging.INFO, "alembic.autogenerate.compare"):
        begun("check")
    (told,) = [each for each in caplog.messages if "type change" in each]
    assert told.endswith("String(length=40) on 'users.name'")
    assert "Spelled" not in told


def test_a_database_behind_its_history_gets_a_script_all_the_same(begun):
    """The scripts are replayed on a scratch database; nothing of that is left."""
    begun.models(SECOND)
    begun.does("migrate")
    begun.models(SECOND.replace("String(90)", "String(95)"))
    told = begun.does("migrate", "-m", "longer")
    assert "not at head" in told
    assert PROVED in told
    begun.does("upgrade")
    assert "No new upgrade operations" in begun.does("check")


def test_what_changes_nothing_makes_no_scratch_database(begun):
    """Neither `check` nor a `migrate` that finds nothing needs one."""
    made = []

    @sa.event.listens_for(sa.Engine, "before_cursor_execute")
    def hear(connection, cursor, statement, *rest):
        if "CREATE DATABASE" in statement:
            made.append(statement)

    try:
        begun.does("check")
        assert "No changes detected." in begun.does("migrate")
        assert made == []
        begun.models(SECOND)
        begun.does("migrate")
        assert len(made) == 1
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", hear)


def test_a_script_that_fails_its_proof_is_taken_back(begun):
    """A hook spoils it; what it does to the scratch database is not done to yours."""
    begun.models(SECOND)
    (script,) = (begun.folder / "migrations" / "versions").iterdir()
    broken = script.read_text().replace(
        'op.create_table(\n        "notes"', 'op.create_table(\n        "other"'
    )
    assert broken != script.read_text()
    script.write_text(broken)
    begun.run("DELETE FROM alembic_version")
    result = begun("migrate", "-m", "again")
    assert "notes" in result.output
    assert "other" not in sa.inspect(begun.engine).get_table_names()


def test_only_the_tables_that_a_script_is_about_are_copied(begun):
    """The scratch database is small however large the schema is."""
    created = []

    @sa.event.listens_for(sa.Engine, "before_cursor_execute")
    def hear(connection, cursor, statement, *rest):
        if statement.lstrip().startswith("CREATE TABLE"):
            created.append(statement.split()[2].strip('`"'))

    begun.models(FIRST + "    text = sa.Column(sa.Text)\n")
    try:
        assert PROVED in begun.does("migrate")
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", hear)
    assert created == ["notes"]


def test_a_table_made_by_hand_is_left_alone(begun):
    """It is told, and stands in nobody's way."""
    begun.run("CREATE TABLE by_hand (id INTEGER PRIMARY KEY)")
    begun.models(SECOND)
    told = begun.does("migrate")
    assert "Left alone" in told
    assert PROVED in told
    begun.does("upgrade")
    assert sa.inspect(begun.engine).has_table("by_hand")


def test_two_databases_differ(begun):
    """`diff` tells it in words and as SQL that leads from the one to the other."""
    begun.models(SECOND)
    result = CliRunner().invoke(whimbrel, ["diff", begun.url, begun.named])
    assert result.exit_code == 2
    assert "+ column users.email" in result.output
    sql = CliRunner().invoke(whimbrel, ["diff", begun.url, begun.named, "--sql"]).output
    dump = begun.folder / "change.sql"
    dump.write_text(sql)
    assert "ALTER TABLE users" in sql
    for statement in sql.split(";\n"):
        if statement.strip():
            begun.run(statement.strip().removesuffix(";").replace("%", "%%"))
    result = CliRunner().invoke(whimbrel, ["diff", begun.url, begun.named])
    assert result.output == "No differences.\n"


def test_a_view_in_the_way_is_seen_by_the_proof(postgresql_url, tmp_path, monkeypatch):
    """What the script would meet in the database, it meets in the scratch database."""
    monkeypatch.chdir(tmp_path)
    story = Story(tmp_path, postgresql_url)
    story.models(FIRST)
    story.does("migrate", "--init")
    story.does("upgrade")
    story.run("CREATE VIEW names AS SELECT id, name FROM users")
    story.models(SECOND)
    told = story.does("migrate")
    assert PROVED in told
    story.does("upgrade")
    with story.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT * FROM names").all() == []
    story.engine.dispose()


def test_a_role_that_may_make_nothing_gets_a_script_without_a_proof(
    postgresql_url, tmp_path, monkeypatch
):
    """That is said loudly, with what would help; and with ``scratch_url`` it is proved."""
    monkeypatch.chdir(tmp_path)
    story = Story(tmp_path, postgresql_url)
    role = f"{sa.make_url(postgresql_url).database}_role"
    limited = sa.make_url(postgresql_url).set(username=role).render_as_string(False)
    story.models(FIRST)
    story.run(f"CREATE ROLE {role} LOGIN", f"GRANT ALL ON SCHEMA public TO {role}")
    try:
        told = story.does("migrate", "--init", url=limited)
        assert "Proof: left out. There is no scratch database: the role may not" in told
        assert "scratch_url" in told
        (tmp_path / "pyproject.toml").write_text(
            f'[tool.whimbrel]\nscratch_url = "{postgresql_url}"\n'
        )
        for each in (tmp_path / "migrations" / "versions").iterdir():
            each.unlink()
        assert PROVED in story.does("migrate", url=limited)
    finally:
        story.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")
        story.engine.dispose()


def test_scripts_that_commit_in_between_are_replayed(
    postgresql_url, tmp_path, monkeypatch
):
    """CONCURRENTLY, ``autocommit_block()`` and ``op.get_bind()`` work there as well."""
    monkeypatch.chdir(tmp_path)
    story = Story(tmp_path, postgresql_url)
    story.models(FIRST)
    story.does("migrate", "--init")
    story.does("revision", "-m", "by hand", "--rev-id", "byhand")
    (script,) = (tmp_path / "migrations" / "versions").glob("*byhand*")
    text = script.read_text().replace(
        "def upgrade():\n    pass",
        "def upgrade():\n"
        "    with op.get_context().autocommit_block():\n"
        "        op.create_index('by_age', 'users', ['age'], postgresql_concurrently=True)\n"
        "        op.execute(\"ALTER TYPE kind ADD VALUE 'c'\")\n"
        "    users = op.get_bind().execute(sa.text('SELECT count(*) FROM users')).scalar()\n"
        "    op.execute(\"INSERT INTO users (name, kind) VALUES ('Ann', 'c')\")\n"
        "    assert users == 0",
    )
    assert "autocommit_block" in text
    script.write_text(text)
    models = SECOND.replace('default="1")', 'default="1", index=True)')
    story.models(models.replace('"b", name', '"b", "c", name'))
    told = story.does("migrate", "-m", "after")
    assert "not at head" in told
    assert PROVED in told
    story.engine.dispose()


MULTI = """
import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from whimbrel import Migrate

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = {first!r}
app.config["SQLALCHEMY_BINDS"] = {{"other": {second!r}, "file": "sqlite:///file.db"}}
db = SQLAlchemy(app)
Migrate(app, db)

class A(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(20))

class B(db.Model):
    __bind_key__ = "other"
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(20), index=True)

class C(db.Model):
    __bind_key__ = "file"
    id = db.Column(db.Integer, primary_key=True)
"""


def test_binds_of_three_kinds_are_proved_each_on_its_own(
    postgresql_url, mariadb_url, terminal
):
    """One script, a scratch database for each bind."""
    terminal.write("app.py", MULTI.format(first=postgresql_url, second=mariadb_url))
    terminal.does("flask db init --multidb")
    assert terminal.does("flask db migrate -m first").stdout.count(PROVED) == 3
    terminal.does("flask db upgrade")
    assert "No new upgrade operations" in terminal.does("flask db check").stdout


ASYNC_ENV = """
import asyncio
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine
from {models} import Base

def run(connection):
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    engine = create_async_engine({url!r})
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()

asyncio.run(main())
"""


def test_an_asynchronous_env_py_is_proved_too(
    postgresql_url, tmp_path, monkeypatch, caplog
):
    """Its event loop is over when the script runs on the scratch database.

    The lock of the run is given back before that, and nobody complains.
    """
    monkeypatch.chdir(tmp_path)
    story = Story(tmp_path, postgresql_url)
    story.models(FIRST)
    story.does("init", "migrations")
    module = story.named.partition(":")[0]
    env = tmp_path / "migrations" / "env.py"
    env.write_text(ASYNC_ENV.format(models=module, url=postgresql_url))
    assert PROVED in story.does("migrate")
    story.does("upgrade")
    locks = "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
    with story.engine.connect() as connection:
        assert not connection.exec_driver_sql(
            f"{locks} WHERE locktype = 'advisory' AND datname = current_database()"
        ).scalar()
    assert [] == [each for each in caplog.records if each.levelname == "ERROR"]
    story.engine.dispose()
