"""Law: the preflight tells all that the rows forbid, with its count, and nothing else.

The judges are the run itself, which fails or does not, and a count in Python.
"""

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from hypothesis import given, settings
from sqlalchemy.pool import StaticPool

from conftest import SOAK
from pending_operations import cases
from whimbrel.catalog.read import read_state
from whimbrel.checks.outlook import Foreseen, Foresight
from whimbrel.checks.preflight import preflight
from whimbrel.checks.rule import Severity
from whimbrel.run.runtime import Operations, owned_context
from whimbrel.schema.scope import Scope


def stand(case, connection):
    """Make the tables of a case, with their rows."""
    metadata = case.metadata
    metadata.create_all(connection)
    for name, rows in (("parent", case.parents), ("item", case.rows)):
        if rows:
            connection.execute(metadata.tables[name].insert(), rows)


def found(case, connection):
    """What the preflight finds, for each operation in its order."""
    pending = tuple(
        Foreseen(operation=each, line=number)
        for number, each in enumerate(case.operations)
    )
    state = read_state(connection, Scope())
    findings = preflight([Foresight(operations=pending)], state, connection)
    return [each for each in findings if each.severity is not Severity.BLOCKS]


def told(case, findings):
    """The codes and counts of findings, for each operation in its order."""
    return [
        sorted((each.code, each.count) for each in findings if each.line == number)
        for number in range(len(case.operations))
    ]


def shown(finding, connection):
    """How many rows the query of a finding shows."""
    *before, query = finding.query.split(";\n")
    for each in before:
        connection.exec_driver_sql(each)
    return len(connection.exec_driver_sql(query.replace("%", "%%")).fetchall())


def failure(case, connection):
    """Carry out what is pending; return what the database says to it, if it fails."""
    context = owned_context(MigrationContext.configure(connection))
    operations = Operations(context)
    try:
        for each in case.operations:
            operations.invoke(each)
    except Exception as error:
        return error
    return None


def hold(case, connection):
    """The law, on a connection on which the tables of the case stand."""
    findings = found(case, connection)
    wrong = [each for each in findings if shown(each, connection) != each.count]
    error = failure(case, connection)
    fails = [each for each in findings if each.is_certain_failure]

    assert bool(fails) == (error is not None), (fails, error)
    assert told(case, findings) == case.expected
    assert wrong == []


@settings(max_examples=3000 if SOAK else 80)
@given(case=cases("sqlite"))
def test_on_sqlite(case):
    """On SQLite, where any value is taken by any column."""
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as connection:
        stand(case, connection)
        connection.commit()
        hold(case, connection)
    engine.dispose()


@pytest.fixture(scope="module")
def postgresql(lasting_postgresql_url):
    """A connection for all cases; each is undone."""
    engine = sa.create_engine(lasting_postgresql_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@settings(max_examples=3000 if SOAK else 60)
@given(case=cases("postgresql"))
def test_on_postgresql(postgresql, case):
    """On PostgreSQL, where a transaction undoes it all."""
    try:
        stand(case, postgresql)
        hold(case, postgresql)
    finally:
        postgresql.rollback()


@pytest.fixture
def mariadb(mariadb_url):
    """A connection for all cases; the tables of each are dropped."""
    engine = sa.create_engine(mariadb_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@settings(max_examples=3000 if SOAK else 25)
@given(case=cases("mysql"))
def test_on_mariadb(mariadb, case):
    """On MariaDB, where nothing is undone."""
    try:
        stand(case, mariadb)
        mariadb.commit()
        hold(case, mariadb)
    finally:
        mariadb.rollback()
        for name in ("item", "thing", "fresh", "parent"):
            mariadb.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
