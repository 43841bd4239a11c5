"""Law: what a new type makes of values, with nobody being told, is told before.

The judge is the database itself: the query of a finding says what each value becomes,
and that is what stands there when the type has been changed.
"""

from contextlib import suppress

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import ops
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.pool import StaticPool

from whimbrel.catalog.read import read_state
from whimbrel.checks.outlook import Foreseen, Foresight
from whimbrel.checks.preflight import preflight
from whimbrel.checks.rule import Severity
from whimbrel.run.runtime import Operations, owned_context
from whimbrel.schema.scope import Scope


PRICES = ("1.2345", "1.2300", "99.995")
ROUNDED = ("1.2345", "99.995")
LONG = "12345678901234567890"
NOON, MIDNIGHT = "2024-01-31 12:00:00.6", "2024-01-31 00:00:00"

SQLITE = [
    ("VARCHAR(9)", sa.Integer(), ("012", "-07", "+4", LONG), ("12", "1.0", "x", "0.5")),
    ("VARCHAR(9)", sa.DateTime(), ("012",), ("2024", "2024-01-31")),
    ("INTEGER", sa.Float(), (2**53 + 1,), (1, 2**53)),
    ("FLOAT", sa.String(3), (0.30000000000000004,), (0.3, 1.5)),
    ("FLOAT", sa.Integer(), (), (0.3, 1.0)),
    ("VARCHAR(9)", sa.String(2), (), ("012", "abc")),
]
POSTGRESQL = [
    ("numeric(10,4)", sa.Numeric(10, 2), ROUNDED, ("1.2300",)),
    ("numeric(10,4)", sa.Numeric(12, 5), (), PRICES),
    ("numeric", sa.Integer(), PRICES, ("3.000",)),
    ("double precision", sa.Integer(), (1.5, 0.1), (2,)),
    ("double precision", sa.Numeric(10, 2), (0.125,), (0.1,)),
    ("real", sa.Numeric(), (16777216,), (0.1,)),
    ("bigint", sa.Float(53), (2**53 + 1, 2**63 - 1), (2**53,)),
    ("integer", sa.Boolean(), (2, -1), (0, 1)),
    ("timestamp", postgresql.TIMESTAMP(precision=0), (NOON,), (MIDNIGHT,)),
    ("timestamp", sa.Date(), (NOON,), (MIDNIGHT,)),
    ("timestamp", sa.Time(), (NOON, MIDNIGHT), ()),
    ("timestamptz", sa.Date(), (f"{NOON}+00",), (f"{MIDNIGHT}+00",)),
    ("timetz", sa.Time(), ("10:00+02",), ("10:00+00",)),
    ("interval", postgresql.INTERVAL(precision=0), ("0.6 s",), ("1 day",)),
    ("inet", postgresql.CIDR(), ("10.0.0.1/24",), ("10.0.0.0/24",)),
    ("numeric", postgresql.MONEY(), ("1.234",), ("1.2",)),
    ("varchar(40)", sa.Numeric(30, 1), ("007", "+4", "1.55"), (" 7", "1e2", LONG)),
    ("varchar(40)", sa.Date(), (NOON, f"{NOON}+02"), ("20240131", MIDNIGHT)),
    ("varchar(40)", sa.DateTime(), (f"{NOON}+02",), (NOON, f"{NOON}Z")),
    ("varchar(40)", sa.String(3), ("ab   ",), ("ab ", "abc")),
    ("varchar(3)", sa.String(40), (), ("ab ", "abc")),
]
MARIADB = [
    ("decimal(10,4)", sa.Numeric(10, 2), ROUNDED, ("1.2300",)),
    ("decimal(10,4)", sa.Integer(), PRICES, ("3.000",)),
    ("double", sa.Integer(), (1.5, 0.1), (2,)),
    ("float", sa.Numeric(20, 10), (0.1,), (0.5,)),
    ("bigint", sa.Double(), (2**53 + 1,), (2**53,)),
    ("datetime(6)", sa.DateTime(), (NOON,), (MIDNIGHT,)),
    ("datetime(6)", mysql.DATETIME(fsp=1), (f"{NOON}5",), (NOON,)),
    ("datetime(6)", sa.Date(), (NOON,), (MIDNIGHT,)),
    ("datetime", sa.Time(), (MIDNIGHT,), ()),
    ("time(3)", sa.Time(), ("10:00:00.6",), ("10:00:00",)),
    ("varchar(40)", sa.Numeric(30, 1), ("007", "+4", "1.55"), (" 7", "1e2", LONG)),
    ("varchar(40)", sa.Double(), (LONG,), ("1.55", "0.30000000000000004")),
    ("varchar(40)", sa.Date(), (NOON,), ("20240131", MIDNIGHT)),
    ("varchar(40)", sa.Enum("a", "b"), ("1", " 2", "A", "a "), ("a", "b")),
    ("int", sa.Enum("b", "a"), (1, 2), ()),
    ("enum('b','a')", sa.Integer(), ("b", "a"), ()),
    ("enum('b','a')", sa.Enum("a", "b"), (), ("b", "a")),
]
REFUSED = [
    ("varchar(40)", sa.Enum("a", "b"), "W307", ("0", "3", "x", "", "000001", "1.0")),
    ("int", sa.Enum("a", "b"), "W307", (0, 3)),
    ("varchar(40)", mysql.VARCHAR(40, charset="latin1"), "W306", ("日",)),
    ("varchar(40)", sa.Date(), "W306", (f"{NOON}+02:00", f"{NOON}Z", "x")),
    ("varchar(40)", sa.Time(), "W306", ("10:00Z", "x")),
    ("int", sa.Date(), "W306", (5, 20241301)),
]


def made(connection, before, values):
    """A table with a column of a type, and *values* in it."""
    connection.exec_driver_sql("DROP TABLE IF EXISTS shop")
    connection.exec_driver_sql(
        f"CREATE TABLE shop (id INTEGER PRIMARY KEY, c {before})"
    )
    insert = sa.text("INSERT INTO shop VALUES (:id, :c)")
    if connection.dialect.name == "postgresql":
        insert = sa.text(f"INSERT INTO shop VALUES (:id, CAST(:c AS {before}))")
    for number, value in enumerate(values, 1):
        connection.execute(insert, {"id": number, "c": value})


def asked(connection, operation):
    """What is found about a pending operation."""
    foresight = Foresight(operations=(Foreseen(operation=operation),))
    found = preflight([foresight], read_state(connection, Scope()), connection)
    return [each for each in found if each.severity is not Severity.BLOCKS]


def retyping(connection, after):
    """The operation that gives the column another type, as a script has it."""
    kw = {}
    if connection.dialect.name == "postgresql":
        spelled = after.compile(dialect=connection.dialect)
        kw["postgresql_using"] = f"c::text::{spelled}"
        if isinstance(after, sa.Boolean):
            kw["postgresql_using"] = '"c" <> 0'
        elif not isinstance(after, postgresql.MONEY):
            kw["postgresql_using"] = f"c::{spelled}"
    return ops.AlterColumnOp("shop", "c", modify_type=after, **kw)


def hold(connection, before, after, others, same):
    """The law, for values that become others and values that stay."""
    made(connection, before, (*others, *same, None))
    operation = retyping(connection, after)

    found = asked(connection, operation)

    told = [(each.code, each.count) for each in found]
    assert told == ([("W104", len(others))] if others else []), found
    becomes = shown(connection, found)
    assert list(becomes) == [number for number, _ in enumerate(others, 1)]
    context = owned_context(MigrationContext.configure(connection))
    Operations(context).invoke(operation)
    stored = dict(map(tuple, connection.exec_driver_sql("SELECT * FROM shop")))
    assert {number: stored[number] for number in becomes} == becomes


def shown(connection, found):
    """What the values become, by the query of the finding."""
    rows = {}
    for finding in found:
        query = finding.query.replace("%", "%%")
        for number, _, value in connection.exec_driver_sql(query):
            rows[number] = value
    return rows


@pytest.mark.parametrize(("before", "after", "others", "same"), SQLITE, ids=str)
def test_on_sqlite(before, after, others, same):
    """A type says there how values are stored, and a rebuild stores them anew."""
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as connection:
        made(connection, before, ())
        connection.commit()
        hold(connection, before, after, others, same)
    engine.dispose()


def engine_at(url):
    """Yield an engine that is disposed of at the end."""
    engine = sa.create_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def postgresql_engine(lasting_postgresql_url):
    """One database for all cases; each is undone."""
    yield from engine_at(lasting_postgresql_url)


@pytest.mark.parametrize(("before", "after", "others", "same"), POSTGRESQL, ids=str)
def test_on_postgresql(postgresql_engine, before, after, others, same):
    """What a cast makes of them, be it said or not."""
    with postgresql_engine.connect() as connection:
        hold(connection, before, after, others, same)


def test_values_that_are_refused_hide_no_others(postgresql_engine):
    """Where a value lets the query fail, the others are found nevertheless."""
    with postgresql_engine.connect() as connection:
        made(connection, "varchar(40)", ("007", "x", "8"))
        found = asked(connection, retyping(connection, sa.Integer()))

    assert [(each.code, each.keys) for each in found] == [
        ("W306", ("id 2, c 'x'",)),
        ("W104", ("id 1, c '007', becomes 7",)),
    ]


def test_local_time_is_another_moment(postgresql_engine):
    """Where the zone of the session is not UTC, what loses its zone is told."""
    with postgresql_engine.connect() as connection:
        connection.exec_driver_sql("SET LOCAL timezone = 'Europe/Zurich'")
        made(connection, "timestamptz", (f"{NOON}+00",))
        found = asked(connection, retyping(connection, sa.DateTime()))

    assert [(each.code, each.count) for each in found] == [("W104", 1)]


def test_what_a_script_computes_is_meant(postgresql_engine):
    """Only casts are asked about."""
    operation = ops.AlterColumnOp(
        "shop", "c", modify_type=sa.Integer(), postgresql_using="nullif(c, '')::integer"
    )
    with postgresql_engine.connect() as connection:
        made(connection, "varchar(40)", ("007",))
        assert asked(connection, operation) == []


@pytest.fixture(scope="module")
def mariadb_engine(lasting_mariadb_url):
    """One database for all cases; they have one table after the other."""
    yield from engine_at(lasting_mariadb_url)


@pytest.mark.parametrize(("before", "after", "others", "same"), MARIADB, ids=str)
def test_on_mariadb(mariadb_engine, before, after, others, same):
    """What the server stores, with a note that nobody reads."""
    with mariadb_engine.connect() as connection:
        hold(connection, before, after, others, same)


@pytest.mark.only_on("mysql")
@pytest.mark.parametrize(
    ("before", "after", "others", "same"),
    [
        ("varchar(40)", sa.Enum("a", "b"), ("0", "1"), ("a",)),
        ("int", sa.Enum("a", "b"), (0, 1), ()),
        ("varchar(40)", sa.Date(), (f"{NOON}+02:00",), (MIDNIGHT,)),
    ],
    ids=str,
)
def test_on_mysql(mariadb_engine, before, after, others, same):
    """What MySQL takes, and MariaDB refuses: 0 for an enum, a date of a zone."""
    with mariadb_engine.connect() as connection:
        hold(connection, before, after, others, same)


@pytest.mark.only_on("mariadb")
@pytest.mark.parametrize(("before", "after", "code", "values"), REFUSED, ids=str)
def test_refused_by_mariadb(mariadb_engine, before, after, code, values):
    """What a query passes over is refused by the alteration, and told as that.

    Of the digits of no member, MariaDB 11 makes no text at all instead.
    """
    operation = ops.AlterColumnOp("shop", "c", modify_type=after)
    with mariadb_engine.connect() as connection:
        made(connection, before, values)
        found = asked(connection, operation)
        assert [(each.code, each.count) for each in found] == [(code, len(values))]
        for value in values:
            made(connection, before, (value,))
            context = owned_context(MigrationContext.configure(connection))
            with suppress(sa.exc.DBAPIError):
                Operations(context).invoke(operation)
                stored = connection.exec_driver_sql("SELECT c FROM shop").scalar()
                assert (value, stored) == ("0", "")
