"""What a statement gave its script is given again, whatever the driver's cursor can."""

import textwrap

import pytest
import sqlalchemy as sa
from pymysql.cursors import Cursor

from whimbrel.errors import MigrationFailed
from whimbrel.run.event import Conduct


class PlainCursor(Cursor):
    """A cursor that cannot go back to rows that were read, as most cannot."""

    @property
    def scroll(self):
        raise AttributeError("scroll")


MADE = """
op.create_table("t", sa.Column("id", sa.Integer, primary_key=True), sa.Column("n", sa.Integer),
                sa.Column("price", sa.Numeric(10, 2)), sa.Column("day", sa.Date))
op.create_table("told", sa.Column("n", sa.Integer))
"""
GIVES = """
t = sa.table("t", sa.column("id"), sa.column("n"), sa.column("price", sa.Numeric(10, 2)),
             sa.column("day", sa.Date))
send = op.get_bind().execute
made = send(t.insert().values(n=5, price=1.5, day=datetime.date(2024, 2, 29))
            .returning(t.c.id, t.c.price, t.c.day))
many = send(t.insert().returning(t.c.id, t.c.n), [{"n": 6}, {"n": 7}])
none = send(sa.text("DELETE FROM t WHERE n = 99 RETURNING id"))
count = send(sa.text("UPDATE t SET n = n + 1")).rowcount
last = send(sa.text("INSERT INTO told (n) VALUES (1)")).lastrowid if HAS_LAST else 0
given = (list(made.keys()), made.one(), many.all(), none.all(), count, last)
with open(FILE, "a") as file:
    file.write(repr(given) + chr(10))
op.create_index("ix_n", "t", ["n"])
op.execute("SELECT 1 FROM later")
"""


@pytest.fixture(params=["sqlite", "postgresql", "mariadb", "mariadb plain"])
def engine(request, database):
    """An engine for each kind of database, and one whose cursors can do little."""
    kind, *plain = request.param.split()
    options = {"connect_args": {"cursorclass": PlainCursor}} if plain else {}
    url = database.url if kind == "sqlite" else request.getfixturevalue(f"{kind}_url")
    engine = sa.create_engine(url, **options)
    yield engine
    engine.dispose()


def test_a_script_that_goes_on_gets_what_it_got(engine, project, tmp_path):
    """Rows, their types, how many and the last id: nothing is different."""
    told, has_last = tmp_path / "told", engine.dialect.name != "postgresql"
    body = GIVES.replace("FILE", repr(str(told))).replace("HAS_LAST", str(has_last))
    if engine.dialect.name != "mysql":
        body = "with op.get_context().autocommit_block():\n" + textwrap.indent(
            body, "    "
        )
    project.script("a1", MADE)
    project.script("a2", f"import datetime\n{body}")
    upgrade = Conduct(direction="upgrade")
    with pytest.raises(MigrationFailed, match="later"):
        project.upgrade(engine, conduct=upgrade)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE later (id INTEGER)")
    project.upgrade(engine, conduct=upgrade)
    first, second = told.read_text().splitlines()
    assert "Decimal('1.50'), datetime.date(2024, 2, 29)" in first
    assert first == second


def test_an_operation_sees_what_it_saw_with_any_cursor(mariadb_url, project):
    """Cut off after its ALTER, it does not look for a column by its old name."""
    engine = sa.create_engine(mariadb_url, connect_args={"cursorclass": PlainCursor})
    project.script(
        "a1", "op.create_table('t', sa.Column('a', sa.String(9), comment='an a'))"
    )
    project.script(
        "a2",
        "op.alter_column('t', 'a', new_column_name='b', existing_type=sa.String(9))",
    )
    upgrade, cuts = Conduct(direction="upgrade"), [True]
    project.upgrade(engine, "a1", conduct=upgrade)

    def cut(connection, _cursor, sql, *_):
        if sql.lstrip().startswith("ALTER") and cuts:
            cuts.clear()
            connection.exec_driver_sql("SELECT nonsense")

    sa.event.listen(engine, "after_cursor_execute", cut)
    with pytest.raises(MigrationFailed, match="nonsense"):
        project.upgrade(engine, conduct=upgrade)
    project.upgrade(engine, conduct=upgrade)
    with engine.connect() as connection:
        text = connection.exec_driver_sql("SHOW CREATE TABLE t").one()[1]
    assert "`b` varchar(9) DEFAULT NULL COMMENT 'an a'" in text
    engine.dispose()
