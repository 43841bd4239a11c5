"""The checks as a library: operations and a database in, findings out."""

import pytest
import sqlalchemy as sa
from alembic.operations import ops

from whimbrel.catalog.read import read_state
from whimbrel.checks.library import check
from whimbrel.errors import UsageError
from whimbrel.plan.build import build
from whimbrel.schema.dialect import dialect_of
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import State


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
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
