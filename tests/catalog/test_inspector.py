"""Databases that no reader here knows, by SQLAlchemy's Inspector.

SQLite and PostgreSQL stand in for them, under a name that nothing here knows, Alembic
included; so what an Inspector can tell in full is tried. `test_duckdb.py` has a real one.
"""

import json
import textwrap

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.cli import whimbrel
from whimbrel.errors import DatabaseError
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.diff import diff
from whimbrel.schema.loose_types import is_maybe_same
from whimbrel.schema.scope import Scope
from whimbrel.schema.unseen import told_unseen


class OneFile(SQLiteDialect_pysqlite):
    """SQLite under another name."""

    name = "onefile"
    supports_statement_cache = True

    def get_check_constraints(self, *args, **kw):
        """Tell that this cannot be told."""
        raise NotImplementedError


class Server(PGDialect_psycopg):
    """PostgreSQL under another name."""

    name = "server"
    supports_statement_cache = True


registry.register("onefile", __name__, "OneFile")
registry.register("server", __name__, "Server")


@pytest.fixture(params=["onefile", "server"])
def url(request, tmp_path):
    if request.param == "onefile":
        return f"onefile:///{tmp_path}/a.db"
    made = sa.make_url(request.getfixturevalue("postgresql_url"))
    return made.set(drivername="server").render_as_string(hide_password=False)


@pytest.fixture
def connection(url):
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def models():
    metadata = sa.MetaData()
    sa.Table(
        "users", metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("Name", sa.String(20), nullable=False, index=True, server_default="it's"),
        sa.Column("email", sa.String(90), unique=True),
        sa.Column("age", sa.Integer, sa.CheckConstraint("age > 0", name="ck_age")),
        sa.Column("size", sa.Numeric(10, 2), server_default=sa.text("(1+1)")),
        sa.Column("is_on", sa.Boolean(), server_default=sa.true()),
        sa.Column("kind", sa.Enum("a", "b", native_enum=False, create_constraint=True)),
        sa.Column("at", sa.DateTime, server_default=sa.func.now()),
        sa.Column("twice", sa.Integer, sa.Computed("age * 2", persisted=True)),
        sa.Column("rate", sa.Float), sa.Column("data", sa.JSON), sa.Column("raw", sa.LargeBinary),
        sa.Index("ix_lower", sa.text("lower(email)")),
        sa.CheckConstraint("age < 200"),
    )  # fmt: skip
    sa.Table(
        "posts", metadata,
        sa.Column("a", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("b", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("user_id", sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Index("ix_posts_one", "user_id", unique=True),
        sa.UniqueConstraint("b", "user_id", name="uq_posts"),
    )  # fmt: skip
    return metadata


def changes(connection, metadata):
    current = read_state(connection, Scope())
    wanted = read_models([metadata], connection, Scope())
    return diff(current, adopt_names(wanted, current))


def things(connection, metadata):
    found = changes(connection, metadata)
    return sorted(
        f"{type(each).__name__} {(each.after or each.before).name}" for each in found
    )


def test_what_the_models_made_is_no_difference(connection):
    """Defaults, conditions, expressions and synonyms of types are no differences."""
    models().create_all(connection)
    assert changes(connection, models()) == ()


def test_what_is_no_wording_is_found(connection):
    """Columns, types, NULL, keys, indexes and tables that differ are told."""
    models().create_all(connection)
    metadata = models()
    users, posts = metadata.tables["users"], metadata.tables["posts"]
    users.append_column(sa.Column("new", sa.Text))
    users.c["Name"].nullable = True
    users.c.email.type = sa.String(120)
    users.c.rate.type = sa.Text()
    sa.Index("ix_age", users.c.age)
    posts.indexes.clear()
    next(iter(posts.foreign_key_constraints)).ondelete = "SET NULL"
    sa.Table("tags", metadata, sa.Column("id", sa.Integer, primary_key=True))
    found = things(connection, metadata)
    assert [each for each in found if "ForeignKey" not in each and "Constraint" not in each] == [
        "ColumnChange Name", "ColumnChange email", "ColumnChange new", "ColumnChange rate",
        "IndexChange ix_age", "IndexChange ix_posts_one", "TableChange tags",
    ]  # fmt: skip
    keys = [each for each in found if "Constraint" in each]
    assert len(keys) == (2 if connection.dialect.name == "server" else 0), keys


def test_what_the_dialect_cannot_tell_is_said_and_left_alone(connection):
    """A method that the dialect lacks takes its kind out of the comparison."""
    models().create_all(connection)
    state = read_state(connection, Scope())
    metadata = models()
    metadata.tables["users"].append_constraint(
        sa.CheckConstraint("size > 0", name="ck_new")
    )
    sees = connection.dialect.name == "server"
    assert ("check constraints" in state.unseen) is not sees
    assert len(changes(connection, metadata)) == (1 if sees else 0)
    told = told_unseen(connection.dialect.name, state.unseen)
    assert "Not compared: defaults" in told


def test_a_dialect_that_tells_no_columns_is_an_error(tmp_path, monkeypatch):
    """Where nothing can be read, that is said, with what would help."""

    def silent(*_args, **_kw):
        raise NotImplementedError

    engine = sa.create_engine(f"onefile:///{tmp_path}/a.db")
    monkeypatch.setattr(OneFile, "get_multi_columns", silent)
    refused = pytest.raises(DatabaseError, match="cannot read this onefile")
    with engine.connect() as connection, refused as raised:
        read_state(connection, Scope())
    assert raised.value.remedy


@pytest.mark.parametrize("is_callers", [True, False])
def test_a_question_that_fails_harms_no_other(postgresql_url, monkeypatch, is_callers):
    """What a dialect asks wrongly is not seen, and the transaction goes on."""

    def wrong(_self, connection, *_args, **_kw):
        connection.exec_driver_sql("SELECT nothing_of_the_kind")

    url = sa.make_url(postgresql_url).set(drivername="server")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    models().create_all(engine)
    for method in ("get_multi_foreign_keys", "get_multi_indexes"):
        monkeypatch.setattr(Server, method, wrong)
    with engine.connect() as connection:
        if is_callers:
            connection.exec_driver_sql("CREATE TABLE mine (id int PRIMARY KEY)")
        state = read_state(connection, Scope())
        connection.commit()
        is_there = sa.inspect(connection).has_table("mine")
    assert is_there is is_callers
    assert "indexes" in state.unseen
    assert "check constraints" not in state.unseen
    posts = next(each for each in state.tables if each.name.name == "posts")
    keys = [each for each in posts.constraints if type(each).__name__ == "ForeignKey"]
    assert [each.on_delete for each in keys] == ["CASCADE"]  # by information_schema


def test_columns_are_told_by_the_catalog_of_the_standard(postgresql_url, monkeypatch):
    """Where the dialect's way fails, information_schema leads to the same state."""
    url = sa.make_url(postgresql_url).set(drivername="server")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    metadata = models()
    metadata.create_all(engine)

    def silent(*_args, **_kw):
        raise KeyError("of a third party")

    for kind in ("columns", "pk_constraint", "unique_constraints", "foreign_keys"):
        monkeypatch.setattr(Server, f"get_multi_{kind}", silent)
    with engine.connect() as connection:
        assert changes(connection, metadata) == ()


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("INTEGER", "INT", True), ("NUMERIC(10, 2)", "DECIMAL(10,2)", True),
        ("NUMERIC(10)", "NUMERIC(10, 0)", True), ("VARCHAR(20)", "VARCHAR2(20 CHAR)", True),
        ("VARCHAR(20)", "VARCHAR(30)", False), ("VARCHAR(20)", "TEXT", False),
        ("VARCHAR", "TEXT", True), ("VARCHAR", "VARCHAR(20)", True),
        ("BOOLEAN", "TINYINT(1)", True), ("INTEGER", "BIGINT", False),
        ("INTEGER", "VARCHAR(4)", False), ("FLOAT(24)", "DOUBLE PRECISION", True),
        ("ENUM('a', 'b')", "ENUM('a','b')", True), ("ENUM('a')", "ENUM('b')", False),
        ('VARCHAR(9) COLLATE "C"', "VARCHAR(9)", True), ("", "INTEGER", True),
        ("TIMESTAMP(6) WITHOUT TIME ZONE", "TIMESTAMP", True), ("DATE", "TIME", False),
    ],
)  # fmt: skip
def test_spellings_of_one_type(one, other, is_same):
    """Synonyms and what one side leaves out are no difference, the rest is."""
    assert is_maybe_same(one, other) is is_same
    assert is_maybe_same(other, one) is is_same


MODELS = """
import sqlalchemy as sa
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(20), nullable=False, server_default="x")
"""


def test_a_whole_story(url, tmp_path, monkeypatch):
    """Script, upgrade, check, change, upgrade, downgrade; what is not seen is told."""
    monkeypatch.chdir(tmp_path)

    def run(stage, text, *words):
        name = f"other_{url.partition(':')[0]}_{stage}"
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        said = ["--metadata", f"{name}:Base", "--url", url, *words]
        return CliRunner().invoke(whimbrel, said)

    def does(*words):
        result = run(*words)
        assert result.exit_code == 0, result.output
        return result.output

    does(1, MODELS, "migrate", "--init", "-m", "first")
    does(1, MODELS, "upgrade")
    assert "Not compared: defaults" in " ".join(does(1, MODELS, "check").split())
    told = json.loads(does(1, MODELS, "check", "--json"))
    assert "Inspector" in told["not_compared"][0]
    more = MODELS + "    age = sa.Column(sa.Integer, index=True)\n"
    differs = run(2, more, "check")
    assert differs.exit_code == 1
    assert "Inspector" in differs.output
    told = json.loads(run(2, more, "check", "--json").output)
    assert "Inspector" in told["not_compared"][0]
    said = does(2, more, "migrate", "-m", "second")
    assert "Inspector" in said
    assert "Proof" in said
    does(2, more, "upgrade")
    does(2, more, "check")
    does(2, more, "downgrade", "-1")
    assert "Not compared" in " ".join(run(2, more, "diff", url, url).output.split())
    sql = run(2, more, "diff", url, url, "--sql").output
    assert all(line.startswith("--") for line in sql.splitlines())
    for script in (tmp_path / "migrations" / "versions").glob("*.py"):
        script.unlink()
    assert "Inspector" in does(2, more, "baseline", "-m", "first")
    refused = run(2, more, "drift")
    assert refused.exit_code == 1
    assert "scratch" in refused.output
