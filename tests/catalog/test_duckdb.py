"""A database that no reader here knows, for real: DuckDB by duckdb-engine.

Its dialect asks DuckDB for parts of PostgreSQL's catalog that it has not; which of
them, hangs on the versions of both and of SQLAlchemy.
"""

import textwrap

import pytest
import sqlalchemy as sa
from alembic.operations import ops
from click.testing import CliRunner
from packaging.version import Version

from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.checks.library import check
from whimbrel.cli import whimbrel
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope
from whimbrel.schema.unseen import told_unseen


pytest.importorskip("duckdb_engine")

TABLES = """
CREATE SEQUENCE users_seq;
CREATE TABLE users (id INTEGER DEFAULT nextval('users_seq') PRIMARY KEY,
    name VARCHAR NOT NULL DEFAULT 'x', size DECIMAL(10, 2), at_ TIMESTAMPTZ, a INTEGER[],
    UNIQUE (name, size));
CREATE TABLE tags (id BIGINT PRIMARY KEY, user_id INTEGER REFERENCES users (id));
"""
MODELS = """
import sqlalchemy as sa
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = sa.Column(sa.Integer, sa.Sequence("users_seq"), primary_key=True)
    name = sa.Column(sa.String(20), nullable=False, server_default="x")
    size = sa.Column(sa.Numeric(10, 2), sa.CheckConstraint("size > 0", name="ck_size"))
    kind = sa.Column(sa.Enum("a", "b", name="kind"))
    moment = sa.Column(sa.DateTime(timezone=True))
    count = sa.Column(sa.Integer)
    raw = sa.Column(sa.LargeBinary)
    rate = sa.Column(sa.Double)
    code = sa.Column(sa.Uuid)
    data = sa.Column(sa.JSON)
"""
CHANGED = MODELS.replace('sa.JSON)', 'sa.JSON)\n    extra = sa.Column(sa.Integer)').replace(
    "count = sa.Column(sa.Integer)", "count = sa.Column(sa.BigInteger)"
).replace("    raw = sa.Column(sa.LargeBinary)\n", "") + """

class Tag(Base):
    __tablename__ = "tags"
    a = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    b = sa.Column(sa.Integer, sa.Sequence("b_seq", start=5), primary_key=True)
    title = sa.Column(sa.Text, index=True)
    code = sa.Column(sa.Uuid, unique=True)
    __table_args__ = (sa.UniqueConstraint("a", "title", name="uq_tags"),)
"""  # fmt: skip


@pytest.fixture
def engine(tmp_path):
    engine = sa.create_engine(f"duckdb:///{tmp_path}/a.duckdb", poolclass=sa.NullPool)
    yield engine
    engine.dispose()


def told(state):
    """Return columns with their types, and keys, of all tables."""
    columns = {
        f"{table.name}.{each.name}": each.type.spelling
        for table in state.tables
        for each in table.columns
    }
    keys = {
        (type(each).__name__, str(table.name), each.columns)
        for table in state.tables
        for each in table.constraints
    }
    return columns, keys


@pytest.mark.skipif(
    Version(sa.__version__) < Version("2.0.55"),
    reason="its dialect is refused nothing before SQLAlchemy 2.0.55, so it is believed",
)
def test_tables_are_read_whatever_the_dialect_cannot_ask(engine):
    """Columns, keys and sequences are told; of all else it is said that it is not."""
    with engine.begin() as connection:
        connection.exec_driver_sql("ATTACH ':memory:' AS other")
        connection.exec_driver_sql("CREATE TABLE other.main.users (nothing INTEGER)")
    with engine.begin() as connection:
        for statement in filter(str.strip, TABLES.split(";")):
            connection.exec_driver_sql(statement)
    with engine.connect() as connection:
        state = read_state(connection, Scope())

    columns, keys = told(state)
    assert set(columns) == {
        "users.id", "users.name", "users.size", "users.at_", "users.a",
        "tags.id", "tags.user_id",
    }  # fmt: skip
    assert columns["users.size"] in ("NUMERIC(10, 2)", "DECIMAL(10, 2)")
    assert columns["users.at_"] == "TIMESTAMP WITH TIME ZONE"
    assert keys == {
        ("PrimaryKey", "users", ("id",)), ("PrimaryKey", "tags", ("id",)),
        ("Unique", "users", ("name", "size")), ("ForeignKey", "tags", ("user_id",)),
    }  # fmt: skip
    assert [each.name for each in state.sequences] == ["users_seq"]
    assert {"indexes", "check constraints"} <= state.unseen
    assert "cannot tell" in told_unseen("duckdb", state.unseen)


def test_checks_whose_names_are_their_texts_are_not_told(engine, monkeypatch):
    """A dialect that gives such names reads DuckDB as PostgreSQL; its types are wrong too."""
    name = "CHECK((size > 0))"
    checks = {(None, "t"): [{"name": name, "sqltext": "size > 0"}]}
    monkeypatch.setattr(
        sa.Inspector, "get_multi_check_constraints", lambda *_, **__: checks
    )
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE t (size INTEGER CHECK (size > 0), at_ TIMESTAMPTZ)"
        )
        state = read_state(connection, Scope())
    (table,) = state.tables
    assert table.constraints == frozenset()
    assert "check constraints" in state.unseen
    assert told(state)[0]["t.at_"] == "TIMESTAMP WITH TIME ZONE"


def test_reading_does_not_end_the_transaction_of_a_caller(engine):
    """What is not committed yet is read, and can be committed afterwards."""
    metadata = sa.MetaData()
    sa.Table(
        "new", metadata,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("old_id", sa.ForeignKey("old.id")),
    )  # fmt: skip
    old = sa.Table(
        "old", metadata, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False)
    )  # fmt: skip
    with engine.begin() as connection:
        old.create(connection)
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(sa.insert(old).values(id=1))
        current = read_state(connection, Scope())
        wanted = read_models([metadata], connection, Scope())
    assert diff(current, adopt_names(wanted, current)) == ()
    with engine.connect() as connection:
        assert connection.scalar(sa.select(old.c.id)) == 1


def test_rows_are_asked_beside_the_transaction_of_a_caller(engine):
    """Where there are no savepoints, a second connection asks what is committed."""
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (id INTEGER PRIMARY KEY, n VARCHAR)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1, NULL), (2, 'x')")
    drop = ops.DropTableOp("t")
    closed = ops.AlterColumnOp("t", "n", modify_nullable=False)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE other (id INTEGER)")
        found = check([closed, drop], connection)
    assert [(each.code, each.count) for each in found] == [("W301", 1), ("W101", 2)]
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM other").scalar() == 0


def test_a_whole_story(engine, tmp_path, monkeypatch):
    """Models to script to database, rows kept, changed models, and back."""
    monkeypatch.chdir(tmp_path)

    def does(stage, text, *words):
        (tmp_path / f"duck_{stage}.py").write_text(textwrap.dedent(text))
        url = engine.url.render_as_string()
        said = ["--metadata", f"duck_{stage}:Base", "--url", url, *words]
        result = CliRunner().invoke(whimbrel, said)
        assert result.exit_code == 0, result.output
        return result.output

    def rows(what):
        with engine.connect() as connection:
            return connection.exec_driver_sql(f"SELECT {what} FROM users").all()

    does(1, MODELS, "init")
    assert "cannot tell" in does(1, MODELS, "revision", "--autogenerate", "-m", "first")
    does(1, MODELS, "upgrade")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO users (id, name, size, count) VALUES (nextval('users_seq'), 'n', 1, 7)"
        )
    does(1, MODELS, "check")
    said = does(2, CHANGED, "revision", "--autogenerate", "-m", "second")
    for each in ("+ table tags", "+ sequence b_seq", "+ column users.extra", "raw"):
        assert each in said, said
    assert "Loss: users.raw" in said
    does(2, CHANGED, "upgrade")
    assert "No new upgrade operations" in does(2, CHANGED, "check")
    assert rows("id, name, size, count, extra") == [(1, "n", 1, 7, None)]
    does(2, CHANGED, "downgrade", "-1")
    assert rows("id, name, size, count, raw") == [(1, "n", 1, 7, None)]
    does(2, CHANGED, "downgrade", "base")
    with engine.connect() as connection:
        left = read_state(connection, Scope())
    assert not left.tables
    assert not left.sequences


def test_a_ledger_that_cannot_be_made_undoes_no_script(engine, tmp_path, monkeypatch):
    """A statement that fails ends DuckDB's transaction, and its COMMIT says nothing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "duck_ledger.py").write_text(MODELS)
    (tmp_path / "pyproject.toml").write_text("[tool.whimbrel]\nledger = true\n")
    said = ["--metadata", "duck_ledger:Base", "--url", engine.url.render_as_string()]
    for words in (["migrate", "--init", "-m", "first"], ["upgrade"]):
        result = CliRunner().invoke(whimbrel, [*said, *words])
        assert result.exit_code == 0, result.output
    assert "No ledger can be kept" in result.output
    with engine.connect() as connection:
        assert [each.name.name for each in read_state(connection, Scope()).tables] == [
            "users"
        ]
