"""A script that was cut off is gone on with: each statement is done exactly once."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import sqlalchemy as sa

from conftest import SOAK
from there_and_back import DOWN, FIRST, OWNERS, UP
from whimbrel.errors import EditedScript, HalfDone, MigrationFailed
from whimbrel.run.event import Conduct
from whimbrel.run.journal import read_journal


TEN = """
connection = op.get_bind()
op.create_table("owner", sa.Column("id", sa.Integer, primary_key=True),
                sa.Column("n", sa.Integer, nullable=False))
op.bulk_insert(sa.table("owner", sa.column("id"), sa.column("n")),
               [{"id": 1, "n": 100}, {"id": 2, "n": 200}])
op.execute("UPDATE owner SET n = n + 10")
op.add_column("owner", sa.Column("name", sa.String(20)))
total = connection.execute(sa.text("SELECT count(*) FROM owner")).scalar()
connection.execute(sa.text("UPDATE owner SET name = :name"), {"name": f"of {total}"})
op.create_index("ix_owner_n", "owner", ["n"], unique=True)
made = connection.execute(sa.text("INSERT INTO owner (id, n) VALUES (3, 300)"))
assert made.rowcount == 1
op.execute("UPDATE owner SET n = n + 1")
op.alter_column("owner", "n", existing_type=sa.Integer, type_=sa.BigInteger,
                existing_nullable=False)
op.create_table("pet", sa.Column("id", sa.Integer, primary_key=True),
                sa.Column("owner_id", sa.Integer, sa.ForeignKey("owner.id", name="fk_pet")))
op.execute("INSERT INTO pet (id, owner_id) SELECT id, id FROM owner")
op.drop_column("owner", "name")
op.rename_table("pet", "animal")
op.execute("UPDATE owner SET n = n * 2")
"""

WANTED = {"owner": [(1, 222), (2, 422), (3, 602)], "animal": [(1, 1), (2, 2), (3, 3)]}

PROGRAM = """
import json, os, signal, sys
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from whimbrel.run.event import Conduct
from whimbrel.run.execute import downgrade_fn, upgrade_fn
from whimbrel.run.runtime import run_environment

def run(url, moment, how, cut):
    engine, count = sa.create_engine(url, poolclass=sa.pool.NullPool), 0

    def pass_by(connection, *_):
        nonlocal count
        count += 1
        if count == moment and cut == "connection":
            other = sa.create_engine(url)
            with other.connect() as killer:
                number = connection.connection.dbapi_connection.thread_id()
                killer.exec_driver_sql(f"KILL {number}")
        elif count == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    # each statement that is sent, ours too, once before it and once after it
    for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
        sa.event.listen(engine, name, pass_by)
    config = Config()
    config.set_main_option("script_location", sys.argv[1])
    config.attributes["engine"] = engine
    history = ScriptDirectory.from_config(config)
    fn, end = (upgrade_fn, "head") if how == "upgrade" else (downgrade_fn, "base")
    run_environment(config, history, fn(history, end), destination_rev=end,
                    conduct=Conduct(direction=how, patience=20))
    return count

for line in sys.stdin:
    order = json.loads(line)
    if not order["moment"]:  # here, so that the copies find all imported
        print(run(**order), flush=True)
        continue
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        sys.stderr = open(os.devnull, "w")
        try:
            os.write(writing, str(run(**order)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    print(json.dumps(os.read(reading, 100).decode()), flush=True)
"""


@pytest.fixture
def runner(project):
    """A program that upgrades, and at a moment is killed, or loses its connection."""
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(project.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip

    def run(url, moment=0, how="upgrade", cut="process"):
        order = {"url": url, "moment": moment, "how": how, "cut": cut}
        program.stdin.write(json.dumps(order) + "\n")
        program.stdin.flush()
        return int(json.loads(program.stdout.readline()) or 0)

    yield run
    program.stdin.close()
    program.wait()


def everything(engine):
    """The tables as the server shows them, and their rows."""
    with engine.connect() as connection:
        names = sorted(
            each
            for each in sa.inspect(connection).get_table_names()
            if not each.startswith("_whimbrel_")
        )
        return {
            name: (
                shown(connection, name),
                sorted(map(tuple, connection.exec_driver_sql(f"SELECT * FROM {name}"))),
            )
            for name in names
        }


def shown(connection, name):
    if connection.dialect.name == "postgresql":
        inspector = sa.inspect(connection)
        return repr((inspector.get_columns(name), inspector.get_indexes(name)))
    return connection.exec_driver_sql(f"SHOW CREATE TABLE {name}").one()[1]


def emptied(engine):
    with engine.begin() as connection:
        for name in ("animal", "pet", "owner", "alembic_version", "_whimbrel_journal"):
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")


@pytest.mark.parametrize("cut", ["process", "connection"])
def test_killed_at_every_point(mariadb_url, project, runner, cut):
    """Whenever it is cut off, the next run ends where one that is not cut off ends."""
    engine = sa.create_engine(mariadb_url, poolclass=sa.pool.NullPool)
    project.script("a1", TEN)
    moments = runner(mariadb_url)
    wanted = everything(engine)
    assert {name: wanted[name][1] for name in WANTED} == WANTED
    for moment in range(1, moments + 1, 1 if SOAK else 23):
        emptied(engine)
        ended = runner(mariadb_url, moment, cut=cut) > 0
        assert not (ended and cut == "process"), moment
        assert runner(mariadb_url) > 0, moment
        assert everything(engine) == wanted, moment
        with engine.connect() as connection:
            assert read_journal(connection) == ()


@pytest.mark.parametrize("cut", ["process", "connection"])
def test_a_downgrade_killed_at_every_point(mariadb_url, project, runner, cut):
    """The way back is gone on with as well: columns renamed, tables dropped, rows once."""
    engine = sa.create_engine(mariadb_url, poolclass=sa.pool.NullPool)
    project.script("a1", FIRST)
    project.script("a2", UP, DOWN)
    project.upgrade(engine)
    moments = runner(mariadb_url, how="downgrade")
    wanted = everything(engine)
    assert wanted["owner"][1] == OWNERS["a1"]
    for moment in range(1, moments + 1, 1 if SOAK else 37):
        emptied(engine)
        project.upgrade(engine)
        ended = runner(mariadb_url, moment, "downgrade", cut) > 0
        assert not (ended and cut == "process"), moment
        assert runner(mariadb_url, how="downgrade") > 0, moment
        assert everything(engine) == wanted, moment
        with engine.connect() as connection:
            assert read_journal(connection) == ()


def test_scripts_do_not_see_the_journal(mariadb_url, project):
    """What a script does to each table that is there, it does not do to ours."""
    engine = sa.create_engine(mariadb_url, poolclass=sa.pool.NullPool)
    project.script(
        "a1",
        FIRST + "metadata = sa.MetaData()\nmetadata.reflect(op.get_bind())\n"
        "for name in [*metadata.tables, *sa.inspect(op.get_bind()).get_table_names()]:\n"
        "    op.execute(f'CREATE TABLE IF NOT EXISTS shadow_{name} LIKE {name}')\n",
    )
    seen = set()

    def look(event):
        if event.text == "create_table owner":
            with engine.connect() as other:
                seen.update(other.exec_driver_sql("SHOW TABLES").scalars())

    project.upgrade(engine, conduct=Conduct(direction="upgrade", tell=look))

    names = sa.inspect(engine).get_table_names()
    shadows = {name for name in names if name.startswith("shadow_")}
    assert shadows == {"shadow_owner", "shadow_alembic_version"}
    assert seen == {"owner", "alembic_version", "_whimbrel_journal"}


def test_every_operation_fails_once(mariadb_url, project):
    """Whichever statement fails, with whatever error, the next run reaches the end."""
    engine = sa.create_engine(mariadb_url, poolclass=sa.pool.NullPool)
    project.script("a1", TEN)
    count, fails_at = 0, 0

    def fail(_connection, _cursor, sql, *_):
        nonlocal count
        count += "owner" in sql or "pet" in sql
        if fails_at and count == fails_at:
            count += 1
            raise RuntimeError("injected")

    sa.event.listen(engine, "before_cursor_execute", fail)
    upgrade = Conduct(direction="upgrade")
    project.upgrade(engine, conduct=upgrade)
    calls, wanted = count, everything(engine)
    for at in range(1, calls + 1, 1 if SOAK else 9):
        emptied(engine)
        count, fails_at = 0, at
        with pytest.raises((MigrationFailed, RuntimeError)):
            project.upgrade(engine, conduct=upgrade)
        fails_at = 0
        project.upgrade(engine, conduct=upgrade)
        assert everything(engine) == wanted, at


def test_what_a_script_lets_fail_is_not_done(mariadb_url, project, tmp_path):
    """
    A statement that failed, to which the script had an answer, fails again: it is no
    more done than before, though others were done since.
    """
    mended = tmp_path / "mended"
    project.script(
        "a1",
        "from pathlib import Path\n"
        'op.create_table("owner", sa.Column("id", sa.Integer, primary_key=True))\n'
        "try:\n"
        '    op.execute("ALTER TABLE owner DROP COLUMN nothing")\n'
        "except sa.exc.DBAPIError:\n"
        '    op.execute("INSERT INTO owner (id) VALUES (1)")\n'
        '    op.execute("ALTER TABLE owner ADD COLUMN a INTEGER")\n'
        f"    assert Path({str(mended)!r}).exists()\n"
        '    op.execute("ALTER TABLE owner ADD COLUMN b INTEGER")\n',
    )
    engine = sa.create_engine(mariadb_url, poolclass=sa.pool.NullPool)
    upgrade = Conduct(direction="upgrade")
    with pytest.raises(MigrationFailed):
        project.upgrade(engine, conduct=upgrade)

    mended.touch()
    project.upgrade(engine, conduct=upgrade)

    columns = [each["name"] for each in sa.inspect(engine).get_columns("owner")]
    assert columns == ["id", "a", "b"]
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT id FROM owner").scalars().all() == [1]


def test_a_connection_that_is_dropped(mariadb_url, project):
    """The server cuts the connection in the middle; the next run goes on."""
    engine = sa.create_engine(mariadb_url, poolclass=sa.pool.NullPool)
    cut = """
    if {cut}:
        import sqlalchemy
        other = sqlalchemy.create_engine(op.get_bind().engine.url)
        number = op.get_bind().exec_driver_sql("SELECT CONNECTION_ID()").scalar()
        with other.connect() as connection:
            connection.exec_driver_sql(f"KILL {{number}}")
        other.dispose()
    """
    script = project.script(
        "a1", TEN.replace("op.drop_column", "{cut}\nop.drop_column")
    )
    text = script.read_text()

    block = textwrap.indent(textwrap.dedent(cut), "    ")
    script.write_text(
        text.replace(
            "    {cut}",
            block.replace("{cut}", "not sa.inspect(op.get_bind()).has_table('later')")
            .replace("{{", "{")
            .replace("}}", "}"),
        )
    )
    upgrade = Conduct(direction="upgrade")
    with pytest.raises(MigrationFailed):
        project.upgrade(engine, conduct=upgrade)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE later (id INTEGER)")
    project.upgrade(engine, conduct=upgrade)
    found = everything(engine)
    assert {name: found[name][1] for name in WANTED} == WANTED


def test_a_downgrade_that_fails_is_not_passed_by(mariadb_url, project):
    """Upgrade says what is half done; the downgrade goes on; then all is well again."""
    engine = sa.create_engine(mariadb_url)
    up = "op.create_table('t', sa.Column('id', sa.Integer), sa.Column('x', sa.Integer))"
    down = "op.drop_column('t', 'x')\nop.execute('nonsense')\nop.drop_table('t')"
    script = project.script("a1", up, down)
    project.upgrade(engine, conduct=Conduct(direction="upgrade"))
    with pytest.raises(MigrationFailed, match="nonsense"):
        project.downgrade(engine, conduct=Conduct(direction="downgrade"))
    with pytest.raises(
        HalfDone, match=r"downgrade of revision a1 .*DROP COLUMN x"
    ) as error:
        project.upgrade(engine, conduct=Conduct(direction="upgrade"))
    assert "downgrade a1-1" in error.value.remedy
    script.write_text(script.read_text().replace("op.execute('nonsense')", "pass"))
    project.downgrade(engine, conduct=Conduct(direction="downgrade"))
    project.upgrade(engine, conduct=Conduct(direction="upgrade"))
    assert set(everything(engine)) == {"t", "alembic_version"}


def test_what_is_done_must_not_be_edited(mariadb_url, project):
    """What comes after the failure may be edited, what came before it may not."""
    engine = sa.create_engine(mariadb_url)
    script = project.script("a1", TEN.replace("n * 2", "nosuch"))
    upgrade = Conduct(direction="upgrade")
    with pytest.raises(MigrationFailed, match="nosuch"):
        project.upgrade(engine, conduct=upgrade)
    text = script.read_text()
    for old, new in {
        "n + 10": "n + 11",
        '"ix_owner_n"': '"ix"',
        "    op.drop_column": "    0; op.rename_table('owner', 'o'); op.drop_column",
    }.items():
        script.write_text(text.replace(old, new))
        before = everything(engine)
        with pytest.raises(EditedScript, match="half done, and was edited"):
            project.upgrade(engine, conduct=upgrade)
        assert everything(engine) == before
    script.write_text(text.replace("nosuch", "n * 2"))
    project.upgrade(engine, conduct=upgrade)
    found = everything(engine)
    assert {name: found[name][1] for name in WANTED} == WANTED


MADE = """
op.create_table("owner", sa.Column("id", sa.Integer, primary_key=True))
op.create_table("t", sa.Column("id", sa.Integer, primary_key=True),
                sa.Column("a", sa.String(20), server_default="x", comment="an a"),
                sa.Column("o", sa.Integer, sa.ForeignKey("owner.id")),
                sa.Column("n", sa.Integer), sa.CheckConstraint("n > 0", name="ck_n"))
op.create_index("ix_a", "t", ["a"])
op.create_index("ix_o", "t", ["o"])
"""
RENAMED = "op.alter_column('t', 'a', new_column_name='b', existing_type=sa.String(20))"


@pytest.mark.parametrize(
    "operations",
    [
        RENAMED,
        f"op.alter_column('t', 'a', type_=sa.String(20))\n{RENAMED}",
        f"{RENAMED}\nop.alter_column('t', 'b', new_column_name='a')\n{RENAMED}",
        f"op.alter_column('t', 'a', nullable=False)\n{RENAMED}\nop.drop_column('t', 'b')",
        "op.drop_index('ix_a', 't')",
        "op.drop_index('ix_o', 't')\nop.create_index('ix_two', 't', ['o', 'n'])",
        "op.drop_constraint('t_ibfk_1', 't')\nop.drop_column('t', 'o')",
        "op.drop_column('t', 'o')",
        "op.drop_constraint('ck_n', 't')",
        "op.drop_constraint('pk_t', 't', type_='primary')\n"
        "op.execute('SELECT 1')\n"
        "op.create_primary_key(None, 't', ['id', 'n'])",
        "with op.batch_alter_table('t') as batch:\n"
        "    batch.alter_column('a', new_column_name='b')\n"
        "    batch.drop_constraint('ck_n')\n"
        "    batch.drop_column('o')\n",
        "op.rename_table('t', 's')\n"
        "op.alter_column('s', 'a', new_column_name='b')\n"
        "op.drop_table('owner') if not op.get_bind() else op.drop_column('s', 'o')",
    ],
)
def test_what_an_operation_changed_is_not_in_its_way(mariadb_url, project, operations):
    """Gone on with after each statement, an operation ends as if it had run at once."""
    engine = sa.create_engine(mariadb_url, poolclass=sa.pool.NullPool)
    project.script("a1", MADE)
    project.script("a2", operations)
    upgrade = Conduct(direction="upgrade")
    project.upgrade(engine, "a1")
    project.upgrade(engine, conduct=upgrade)
    wanted, left = everything(engine), 0

    def fail(connection, _cursor, sql, *_):
        nonlocal left
        if sql.lstrip().startswith(("ALTER", "DROP", "CREATE", "SELECT 1")):
            left -= 1
            if left == 0:
                connection.exec_driver_sql("SELECT nonsense")

    sa.event.listen(engine, "after_cursor_execute", fail)
    for at in range(2, 12, 1 if SOAK else 2):  # the first one makes the journal
        left = 0
        with engine.begin() as connection:
            for name in ("s", "t", "owner", "alembic_version", "_whimbrel_journal"):
                connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
        project.upgrade(engine, "a1")
        left = at
        try:
            project.upgrade(engine, conduct=upgrade)
        except MigrationFailed:
            project.upgrade(engine, conduct=upgrade)
        assert everything(engine) == wanted, at
        if left > 0:
            return
    raise AssertionError("there was more to fail")


BLOCK = """
op.create_table("t", sa.Column("id", sa.Integer), sa.Column("n", sa.Integer))
op.execute("INSERT INTO t VALUES (1, 1), (2, 2)")
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY ix_n ON t (n)")
    op.execute("UPDATE t SET n = n + 10")
op.add_column("t", sa.Column("x", sa.Integer))
op.execute("UPDATE t SET n = n + 100")
op.execute("SELECT 1 FROM {nowhere}")
"""


def test_an_autocommit_block(postgresql_url, project):
    """What a block committed is not done again; what came after it is undone, and done."""
    engine = sa.create_engine(postgresql_url)
    script = project.script("a1", BLOCK, "op.drop_table('t')")
    upgrade = Conduct(direction="upgrade")
    for _ in range(2):
        with pytest.raises(MigrationFailed, match="4 statements of it are done"):
            project.upgrade(engine, conduct=upgrade)
        assert everything(engine)["t"][1] == [(1, 11), (2, 12)]
    with pytest.raises(HalfDone, match="upgrade of revision a1"):
        project.downgrade(engine, conduct=Conduct(direction="downgrade"))
    script.write_text(script.read_text().replace("{nowhere}", "t"))
    project.upgrade(engine, conduct=upgrade)
    assert everything(engine)["t"][1] == [(1, 111, None), (2, 112, None)]
    with engine.connect() as connection:
        assert read_journal(connection) == ()


def test_a_script_with_a_block_is_committed_at_its_end(postgresql_url, project):
    """When a later script fails, the version is that of the one that is done."""
    engine = sa.create_engine(postgresql_url)
    up = "op.create_table('{0}', sa.Column('id', sa.Integer))"
    project.script("a1", "pass", "raise RuntimeError('stop')")
    project.script(
        "a2", up.format("t"),
        "with op.get_context().autocommit_block():\n    op.execute('DROP TABLE t')",
    )  # fmt: skip
    project.upgrade(engine, conduct=Conduct(direction="upgrade"))
    with pytest.raises(MigrationFailed, match="stop"):
        project.downgrade(engine, conduct=Conduct(direction="downgrade"))
    assert everything(engine)["alembic_version"][1] == [("a1",)]
    project.upgrade(engine, conduct=Conduct(direction="upgrade"))
    assert "t" in everything(engine)


@pytest.mark.parametrize(("table", "index"), [("t", "ix_n"), ("t.x", "ix.n")])
def test_an_index_that_was_not_built_is_built_anew(
    postgresql_url, project, table, index
):
    """The INVALID index of a failed CREATE INDEX CONCURRENTLY is dropped first."""
    engine = sa.create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f'CREATE TABLE "{table}" (id int, n int)')
        connection.exec_driver_sql(f'INSERT INTO "{table}" VALUES (1, 1), (2, 1)')
    project.script(
        "a1",
        "with op.get_context().autocommit_block():\n"
        f"    op.create_index({index!r}, {table!r}, ['n'], unique=True,"
        " postgresql_concurrently=True)",
    )
    upgrade = Conduct(direction="upgrade")
    with pytest.raises(MigrationFailed, match="could not create unique index"):
        project.upgrade(engine, conduct=upgrade)
    with engine.begin() as connection:
        connection.exec_driver_sql(f'DELETE FROM "{table}" WHERE id = 2')
    project.upgrade(engine, conduct=upgrade)
    with engine.connect() as connection:
        valid = connection.exec_driver_sql(
            f"SELECT indisvalid FROM pg_index WHERE indrelid = '\"{table}\"'::regclass"
        )
        assert valid.scalars().all() == [True]


def test_a_block_on_a_file(database, project):
    """SQLite: what a block committed is not done again either."""
    engine = sa.create_engine(database.url)
    project.script(
        "a1",
        "op.create_table('t', sa.Column('id', sa.Integer))\n"
        "with op.get_context().autocommit_block():\n"
        "    op.execute('INSERT INTO t VALUES (1)')\n"
        "    op.execute('CREATE INDEX ix ON t (id)')\n"
        "op.execute('INSERT INTO t VALUES (2)')\n"
        "op.execute('SELECT 1 FROM later')",
    )
    upgrade = Conduct(direction="upgrade")
    with pytest.raises(MigrationFailed, match="3 statements of it are done"):
        project.upgrade(engine, conduct=upgrade)
    assert database.rows("SELECT id FROM t") == [(1,)]
    database.run("CREATE TABLE later (id INTEGER)")
    project.upgrade(engine, conduct=upgrade)
    assert database.rows("SELECT id FROM t ORDER BY id") == [(1,), (2,)]
