"""Law: what is said to keep the rows of a MySQL or MariaDB table keeps them, and only that."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from whimbrel.catalog.mysql_widths import width_of
from whimbrel.catalog.read import read_state
from whimbrel.plan.mysql_rewrites import keeps_rows
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import TableName, by_name


MANY = [f"v{number}" for number in range(256)]
TYPES = [
    sa.String(10), sa.String(40), sa.String(63), sa.String(64), sa.String(90),
    sa.String(255), sa.String(300), sa.String(90, collation="latin1_bin"), sa.CHAR(3), sa.CHAR(5),
    sa.Enum("a", "b"), sa.Enum("a", "b", "it's"), sa.Enum("b", "a"), sa.Enum("a"),
    sa.Enum(*MANY[:255]), sa.Enum(*MANY), mysql.SET("a", "b"), mysql.SET("a", "b", "c"),
    mysql.SET(*MANY[:8]), mysql.SET(*MANY[:9]), mysql.SET(*MANY[:33]), mysql.SET(*MANY[:34]),
    sa.Integer(), sa.BigInteger(), sa.Numeric(8, 2), sa.Numeric(10, 2), sa.Text(),
]  # fmt: skip


@pytest.fixture(scope="module")
def connection(lasting_mariadb):
    return lasting_mariadb


@pytest.mark.parametrize("charset", ["utf8mb4", "latin1"])
@pytest.mark.parametrize("before", TYPES, ids=lambda each: str(each)[:40])
def test_what_is_said_to_keep_the_rows_is_done_without_a_copy(
    connection, before, charset
):
    """The server refuses to do at once what writes the rows anew."""
    metadata = sa.MetaData()
    sa.Table("t", metadata, sa.Column("c", before), mysql_charset=charset)
    metadata.create_all(connection)
    (table,) = read_state(connection, Scope()).tables
    live = by_name(table.columns)["c"]
    width = width_of(connection, TableName("t"), "c")

    told = [keeps_rows(live, after, width) for after in TYPES]
    connection.exec_driver_sql("CREATE TABLE u LIKE t")
    seen = [_is_kept(connection, after) for after in TYPES]
    connection.exec_driver_sql("DROP TABLE t, u")

    outcome = list(zip(TYPES, told, seen, strict=True))
    assert [each for each, says, does in outcome if says and not does] == []
    missed = [each for each, says, does in outcome if does and not says]
    assert [each for each in missed if isinstance(each, sa.Enum | mysql.SET)] == []


def _is_kept(connection, type_):
    """Whether the server gives the column the type without a copy of the table."""
    algorithm = "NOCOPY" if connection.dialect.is_mariadb else "INPLACE"
    spelled = type_.compile(connection.dialect)
    try:
        connection.exec_driver_sql(
            f"ALTER TABLE u MODIFY c {spelled}, ALGORITHM={algorithm}"
        )
    except sa.exc.DBAPIError:
        return False
    connection.exec_driver_sql("DROP TABLE u")
    connection.exec_driver_sql("CREATE TABLE u LIKE t")
    return True
