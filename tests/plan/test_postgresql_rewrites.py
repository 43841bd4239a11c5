"""Law: what is said to keep the rows of a PostgreSQL table keeps its file, and only that."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from whimbrel.catalog.read import read_state
from whimbrel.plan.postgresql_rewrites import keeps_rows
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import by_name


TYPES = [
    sa.String(10), sa.String(20), sa.String(), sa.Text(), sa.Text(collation="C"),
    sa.CHAR(3), sa.CHAR(5), sa.Numeric(10, 2), sa.Numeric(12, 2), sa.Numeric(12, 3),
    sa.Numeric(5), sa.Numeric(7), sa.Numeric(), sa.Integer(), sa.BigInteger(),
    sa.DateTime(), pg.TIMESTAMP(precision=3), pg.TIMESTAMP(precision=5), pg.TIME(precision=2),
    sa.Time(), pg.BIT(4, varying=True), pg.BIT(9, varying=True), pg.INET(), pg.CIDR(),
    pg.INTERVAL(precision=2), pg.INTERVAL(precision=4), sa.Boolean(),
    sa.ARRAY(sa.String(3)), sa.ARRAY(sa.String(9)), sa.JSON(), pg.JSONB(),
]  # fmt: skip


@pytest.fixture(scope="module")
def connection(lasting_postgresql):
    return lasting_postgresql


@pytest.mark.parametrize("before", TYPES, ids=str)
def test_what_is_said_to_keep_the_rows_keeps_the_file(connection, before):
    """The server writes a new file where it writes the rows anew."""
    metadata = sa.MetaData()
    columns = [sa.Column(f"c{number}", before) for number, _ in enumerate(TYPES)]
    sa.Table("t", metadata, *columns)
    metadata.create_all(connection)
    (table,) = read_state(connection, Scope()).tables
    live = by_name(table.columns)

    told = {n: keeps_rows(live["c0"], after) for n, after in enumerate(TYPES)}
    seen = {n: kept(connection, f"c{n}", after) for n, after in enumerate(TYPES)}
    connection.rollback()

    assert [TYPES[n] for n in told if told[n] and seen[n] is False] == []
    missed = [TYPES[n] for n in told if seen[n] and not told[n]]
    assert [each for each in missed if collation(each) == collation(before)] in (
        [],
        [before],
    )


def collation(type_):
    return getattr(type_, "collation", None)


def kept(connection, column, type_):
    """Whether the table has its file still; None where the server refuses the type."""
    spelled = type_.compile(connection.dialect)
    if getattr(type_, "collation", None):
        spelled += f' COLLATE "{type_.collation}"'
    file = "SELECT pg_relation_filenode('t')"
    before = connection.exec_driver_sql(file).scalar()
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"ALTER TABLE t ALTER {column} TYPE {spelled}")
            return connection.exec_driver_sql(file).scalar() == before
    except sa.exc.ProgrammingError:
        return None
