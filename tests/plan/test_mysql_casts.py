"""What MariaDB has no cast for is told before a run, and of all else nothing is said."""

from itertools import permutations

import pytest
import sqlalchemy as sa
from alembic.operations import ops

from whimbrel.catalog.read import read_state
from whimbrel.checks.outlook import Foreseen, Foresight
from whimbrel.checks.preflight import preflight
from whimbrel.commands.differ import diff
from whimbrel.errors import Unalterable
from whimbrel.plan.mysql_casts import has_cast
from whimbrel.schema.dialect import dialect_of
from whimbrel.schema.scope import Scope


TYPES = (
    *("bigint(20) unsigned", "decimal(5,2)", "bit(3)", "datetime", "year(4)"),
    *("varchar(60)", "enum('a','b')", "uuid", "inet4", "inet6", "point", "geometry"),
)
NO_CAST = 4078
"""The server's number for what it has no cast for."""


@pytest.mark.only_on("mariadb")
def test_the_server_says_the_same_of_casts(mariadb):
    """It refuses what we say that it does, in a table without rows."""
    server = dialect_of(mariadb)
    for before, after in permutations(TYPES, 2):
        mariadb.exec_driver_sql(f"CREATE OR REPLACE TABLE item (a {before})")
        try:
            mariadb.exec_driver_sql(f"ALTER TABLE item MODIFY a {after}")
            is_refused = False
        except sa.exc.DBAPIError as error:
            is_refused = error.orig.args[0] == NO_CAST
        assert has_cast(before, after, server) is not is_refused, (before, after)


@pytest.mark.only_on("mariadb")
def test_no_script_is_written_that_cannot_run(mariadb, mariadb_url, tmp_path):
    """What can be done is told instead."""
    mariadb.exec_driver_sql("CREATE TABLE item (a INT)")
    wanted = tmp_path / "wanted.sql"
    wanted.write_text("CREATE TABLE item (a UUID)")
    with pytest.raises(
        Unalterable, match=r"no cast from int\(11\) to uuid for item\.a"
    ):
        diff(None, [mariadb_url, str(wanted)], script=str(tmp_path / "script.py"))


def test_a_script_by_hand_is_stopped_before_its_run(mariadb, kind_of_server):
    """MySQL has no such types; a text can become anything."""
    kind = "INT" if kind_of_server == "mariadb" else "CHAR(36)"
    mariadb.exec_driver_sql(f"CREATE TABLE item (a {kind}, b CHAR(36))")
    operations = [
        ops.AlterColumnOp("item", name, modify_type=sa.UUID()) for name in ("a", "b")
    ]
    foresight = Foresight(operations=tuple(Foreseen(operation=e) for e in operations))
    found = preflight([foresight], read_state(mariadb, Scope()), mariadb)
    told = [each.subject for each in found if each.code == "W310"]
    assert told == (["item.a"] if kind_of_server == "mariadb" else [])
