"""Defaults that are no day, under the SQL modes that refuse to say them again."""

import pytest
import sqlalchemy as sa

from mysql_runs import plain, tables
from whimbrel.commands.differ import diff
from whimbrel.plan.build import build
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.diff import diff as difference
from whimbrel.schema.fills import Fill
from whimbrel.schema.state import Column, Expression, State, Table, TableName, Type


MODES = ("TRADITIONAL", "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE")
THERE = "CREATE TABLE item (id INT, d DATE NOT NULL DEFAULT '0000-00-00', e INT)"
WANTED = "CREATE TABLE item (id INT, e BIGINT);"


@pytest.mark.parametrize("mode", MODES)
def test_a_script_may_say_them(mariadb_url, tmp_path, mode):
    """And leaves the mode of its session as it was."""
    strict = f"SET SESSION sql_mode = '{mode}'"
    url = sa.make_url(mariadb_url).update_query_dict({"init_command": strict})
    (tmp_path / "wanted.sql").write_text(WANTED)
    engine, module = sa.create_engine(url), {}
    with engine.connect() as connection:
        connection.exec_driver_sql("SET @was = @@sql_mode, sql_mode = ''")
        connection.exec_driver_sql(THERE)
        connection.exec_driver_sql("SET sql_mode = @was")
        connection.commit()
        was, script = tables(connection), tmp_path / "script.py"
        told = url.render_as_string(hide_password=False)
        diff(None, [told, str(tmp_path / "wanted.sql")], script=str(script))
        exec(compile(script.read_text(), "script.py", "exec"), module)
        for verb in ("upgrade", "downgrade"):
            with plain(connection):
                module[verb]()
        assert tables(connection) == was
        (mode_now,) = connection.exec_driver_sql("SELECT @@sql_mode = @was").one()
        assert mode_now
    engine.dispose()


def test_a_script_of_several_parts_remembers_the_mode_of_before():
    """Where rows are filled between two of them, the mode is eased once."""
    zero = Column(
        name="d", type=Type("date"), default=Expression("'0000-00-00'", "'0000-00-00'")
    )
    new = Column(name="e", type=Type("int"), nullable=False)
    current, wanted = (
        State(tables=frozenset([Table(name=TableName("item"), columns=columns)]))
        for columns in ((zero,), (zero, new))
    )
    fills = [Fill(table=TableName("item"), column="e", value="0", is_sql=True)]
    changes = difference(current, wanted)
    plan = build(changes, current, wanted, Dialect("mysql", (9, 7)), fills)
    for way in (plan.upgrade, plan.downgrade):
        told = [str(getattr(each.operation, "sqltext", "")) for each in way]
        assert sum("@mode_before = @@sql_mode" in each for each in told) == 1
        assert sum("sql_mode = @mode_before" in each for each in told) == 1
