"""The checks as a library: operations and a database in, findings out."""

import re
import textwrap
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.dialects import mssql

from whimbrel.catalog.read import read_state
from whimbrel.checks.library import check
from whimbrel.errors import UsageError
from whimbrel.plan.build import build
from whimbrel.schema.dialect import dialect_of
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import State


@pytest.fixture(params=["sqlite", "postgresql", "mariadb", "mysql"])
def engine(request, tmp_path):
    """A database with one table, two rows alike in it."""
    url = f"sqlite:///{tmp_path}/app.db"
    if request.param != "sqlite":
        url = request.getfixturevalue(f"{request.param}_url")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE users (id INTEGER, email VARCHAR(9))")
        connection.exec_driver_sql("INSERT INTO users VALUES (1, 'a'), (2, 'a')")
    yield engine
    engine.dispose()


def codes(findings):
    return [each.code for each in findings if not each.code.startswith("W2")]


def test_operations_are_asked_about(engine):
    """Those of a container too; what is silenced is not told."""
    unique = ops.CreateUniqueConstraintOp("uq", "users", ["email"])
    drop = ops.ModifyTableOps("users", [ops.DropColumnOp("users", "email")])

    assert codes(check([unique, drop], engine)) == ["W302", "W102"]
    assert codes(check([unique, drop], engine, silenced=["W102"])) == ["W302"]
    assert check([ops.CreateTableOp("new", [])], engine) == ()


def test_the_example_of_the_guide_says_what_the_guide_says(tmp_path, capsys):
    """Typed as it stands there, it prints the lines that stand below it."""
    guide = (Path(__file__).parents[2] / "docs" / "guide.md").read_text()
    example = r"```python\n([^`]*import check\n[^`]*)```\n[^`]*?\n\n((?:    W.*\n)+)"
    ((program, screen),) = re.findall(example, guide)
    engine = sa.create_engine(f"sqlite:///{tmp_path}/app.db")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE user (id INTEGER, name TEXT, email TEXT)"
        )
        connection.exec_driver_sql(
            "INSERT INTO user VALUES (1, 'a', 'x'), (2, 'a', 'y'), (3, 'b', 'z')"
        )
    exec(program, {"engine": engine})
    assert capsys.readouterr().out == textwrap.dedent(screen)
    engine.dispose()


@pytest.mark.parametrize(
    ("length", "nullable", "expected"),
    [(20, None, []), (20, False, ["W202"]), (200, None, ["W202"])],
)
def test_a_text_that_gets_more_room_holds_nobody_up(
    mariadb, length, nullable, expected
):
    """MySQL and MariaDB write the table anew where a length needs a second byte."""
    mariadb.exec_driver_sql("CREATE TABLE users (id INTEGER, email VARCHAR(9))")
    longer = ops.AlterColumnOp(
        "users", "email", modify_type=sa.String(length), modify_nullable=nullable
    )
    assert [each.code for each in check([longer], mariadb)] == expected


@pytest.mark.parametrize("type_", [sa.types.NullType(), mssql.MONEY()])
def test_a_type_that_nobody_can_write_ends_no_preflight(engine, type_):
    """The run will say what is wrong with it."""
    altered = ops.AlterColumnOp("users", "email", modify_type=type_)
    assert isinstance(check([altered], engine), tuple)


def test_a_plan_is_asked_about_and_changes_nothing(engine):
    """The plan that leads to nothing at all drops a table with rows."""
    with engine.connect() as connection:
        state = read_state(connection, Scope())
        nothing = State()
        changes = diff(state, nothing)
        plan = build(changes, state, nothing, dialect_of(connection))

        assert codes(check(plan, connection)) == ["W101"]
        assert read_state(connection, Scope()) == state


def test_a_code_that_no_rule_has_is_refused(engine):
    """A misspelled code would silence nothing, unnoticed."""
    with pytest.raises(UsageError, match="W999"):
        check([], engine, silenced=["W999"])


HISTORY = {
    "as it is": (
        "CREATE TABLE kept (id INT PRIMARY KEY, n INT) WITH SYSTEM VERSIONING", "kept",
    ),
    "by columns of its own": (
        "CREATE TABLE `kept it` (id INT PRIMARY KEY, n INT,"
        " s TIMESTAMP(6) GENERATED ALWAYS AS ROW START,"
        " `the end` TIMESTAMP(6) GENERATED ALWAYS AS ROW END,"
        " PERIOD FOR SYSTEM_TIME (s, `the end`)) WITH SYSTEM VERSIONING", "kept it",
    ),
}  # fmt: skip


@pytest.mark.only_on("mariadb")
@pytest.mark.parametrize(("made", "name"), HISTORY.values(), ids=HISTORY)
def test_rows_of_the_past_are_rows(mariadb_url, made, name):
    """A history that ends, or goes with its table or a column of it, is a loss."""
    engine = sa.create_engine(mariadb_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(made)
        connection.exec_driver_sql(
            f"INSERT INTO `{name}` (id, n) VALUES (1, 7), (2, NULL)"
        )
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE `{name}` SET n = NULL")
        connection.exec_driver_sql(f"DELETE FROM `{name}`")
        past = connection.exec_driver_sql(
            f"SELECT count(*), count(n) FROM `{name}` FOR SYSTEM_TIME ALL"
        ).one()
    ended = ops.ExecuteSQLOp(f"alter table `{name}` drop system versioning")

    def counts(*operations):
        found = check([*operations], engine)
        return [(each.code, each.count) for each in found if each.code < "W2"]

    assert counts(ended) == [("W105", past[0])]
    assert counts(ops.DropColumnOp(name, "n")) == [("W102", past[1])]
    assert counts(ops.DropTableOp(name)) == [("W101", past[0])]
    assert counts(ops.ExecuteSQLOp(f"ALTER TABLE `{name}` COMMENT 'x'")) == []
    engine.dispose()


@pytest.mark.parametrize("schema", ["public", "other"])
def test_operations_in_a_schema_are_asked_about(postgresql_url, schema):
    """Foreign keys too, whose operation tells the schemas of both tables apart."""
    engine = sa.create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA other")
        connection.exec_driver_sql(f"CREATE TABLE {schema}.p (id int PRIMARY KEY)")
        connection.exec_driver_sql(f"CREATE TABLE {schema}.c (p_id int)")
        connection.exec_driver_sql(f"INSERT INTO {schema}.c VALUES (1)")
    key = ops.CreateForeignKeyOp(
        "fk", "c", "p", ["p_id"], ["id"], source_schema=schema, referent_schema=schema
    )
    drop = ops.DropColumnOp("c", "p_id", schema=schema)
    assert codes(check([key, drop], engine)) == ["W303", "W102"]
    assert codes(check([key], engine)) == ["W303"]
    engine.dispose()
