"""What plain columns have in common is read once, and no more than that."""

import pytest
import sqlalchemy as sa
from sqlalchemy import Column, Integer, String, func, text
from sqlalchemy.sql.elements import quoted_name

from whimbrel.catalog.models import read_models
from whimbrel.schema.scope import Scope


COLUMNS = [
    lambda name: Column(name, String(20)),
    lambda name: Column(name, String(21)),
    lambda name: Column(name, String(20), nullable=False),
    lambda name: Column(name, String(20), comment="told"),
    lambda name: Column(name, String(20), server_default="x"),
    lambda name: Column(name, String(20), server_default="now()"),
    lambda name: Column(name, String(20), server_default="X"),
    lambda name: Column(name, String(20), server_default=text("'x'")),
    lambda name: Column(name, String(20), server_default=text("('y')")),
    lambda name: Column(name, String(20), primary_key=True),
    lambda name: Column(name, String(20), sa.Computed("'x'", persisted=True)),
    lambda name: Column(name, String(20), sa.CheckConstraint(f"{name} > 'a'")),
    lambda name: Column(name, String(20), default="python"),
    lambda name: Column(quoted_name("WORD", quote=False), String(20)),
    lambda name: Column(quoted_name("WORD", quote=True), String(20)),
    lambda name: Column("WORD", String(20)),
    lambda name: Column(name, sa.Text),
    lambda name: Column(name, sa.Unicode(20)),
    lambda name: Column(name, Integer),
    lambda name: Column(name, Integer, server_default="1"),
    lambda name: Column(name, Integer, server_default=text("1")),
    lambda name: Column(name, Integer, primary_key=True),
    lambda name: Column(name, Integer, primary_key=True, autoincrement=False),
    lambda name: Column(name, Integer, sa.Identity()),
    lambda name: Column(name, Integer, server_default=func.abs(1)),
    lambda name: Column(name, Integer, server_default=func.abs(2)),
    lambda name: Column(name, sa.DateTime, server_default=func.now()),
    lambda name: Column(name, sa.DateTime, server_default=func.current_timestamp()),
    lambda name: Column(name, sa.Date, server_default=func.current_date()),
    lambda name: Column(name, sa.DateTime(timezone=True), server_default=func.now()),
    lambda name: Column(name, sa.Boolean),
    lambda name: Column(name, sa.Boolean(create_constraint=True, name="ck_b")),
    lambda name: Column(name, sa.Boolean, server_default=sa.true()),
    lambda name: Column(name, sa.Boolean, server_default=sa.false()),
    lambda name: Column(name, sa.Enum("a", "b", name="e1")),
    lambda name: Column(name, sa.Enum("a", "c", name="e2")),
    lambda name: Column(name, sa.Numeric(10, 2)),
    lambda name: Column(name, sa.Numeric(10, 2, asdecimal=False)),
    lambda name: Column(name, sa.JSON),
    lambda name: Column(name, sa.PickleType),
    lambda name: Column(name, sa.String(20).with_variant(sa.Text(), "postgresql")),
]  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def connection(request):
    """Give a connection to each kind of database."""
    url = "sqlite://"
    if request.param != "sqlite":
        url = request.getfixturevalue(f"{request.param}_url")
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def state_of(connection, numbers):
    """Return what models with a table for each of some columns describe."""
    metadata = sa.MetaData()
    for number in numbers:
        key = Column("id", Integer, primary_key=True)
        column = COLUMNS[number]("word")
        keys = [] if column.primary_key else [key]
        more = {"mysql_charset": "latin1"} if number % 2 else {}
        sa.Table(f"t{number}", metadata, *keys, column, **more)
    return read_models([metadata], connection, Scope())


def forms(tables):
    """Return the types by which a script writes the columns of *tables*."""
    return {
        (table.name, column.name): repr(column.type.form)
        for table in tables
        for column in table.columns
    }


def test_a_column_is_read_as_if_it_were_the_only_one(connection):
    """Columns that differ in anything that counts are told apart, in any order."""
    alone = {
        table
        for number in range(len(COLUMNS))
        for table in state_of(connection, [number]).tables
    }
    for numbers in (range(len(COLUMNS)), reversed(range(len(COLUMNS)))):
        found = state_of(connection, numbers).tables
        assert found == alone
        assert forms(found) == forms(alone)


def test_columns_that_say_the_same_are_one(connection):
    """It is neither written nor spelled again, and its place counts."""
    metadata = sa.MetaData()
    for number in range(3):
        place = [Column("first", Integer)] * (number == 2)
        flag = Column("flag", sa.Boolean, server_default=sa.true())
        sa.Table(f"t{number}", metadata, *place, flag)
    one, two, other = sorted(
        read_models([metadata], connection, Scope()).tables, key=lambda each: each.name
    )
    assert one.columns[-1] is two.columns[-1]
    assert other.columns[-1] == one.columns[-1]
    assert other.columns[-1].position == 1
