"""A run that ended well leaves no journal behind; one that failed keeps its own."""

from contextlib import suppress

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from running import Project
from whimbrel.errors import MigrationFailed
from whimbrel.run.event import Conduct
from whimbrel.run.execute import stamp_fn
from whimbrel.run.journal import journal_table, look_into_journal, read_journal
from whimbrel.run.runtime import run_environment
from whimbrel.schema.scope import VERSION_TABLE
from whimbrel.schema.state import TableName


UPGRADE = Conduct(direction="upgrade", patience=10)
TABLE = "op.create_table('t', sa.Column('id', sa.Integer))\n"
FAILS = TABLE + "op.execute('SELECT 1 FROM later')"


@pytest.fixture
def engine(mariadb_url):
    """An empty database, each time by a new connection."""
    return sa.create_engine(mariadb_url, poolclass=sa.pool.NullPool)


def names(engine):
    return set(sa.inspect(engine).get_table_names())


def stamp(project, revision):
    history = ScriptDirectory.from_config(project.config)
    run_environment(
        project.config,
        history,
        stamp_fn(history, revision),
        destination_rev=revision,
        conduct=Conduct(direction="stamp"),
    )


def test_plain_alembic_finds_nothing_of_ours(engine, project):
    """After an upgrade, and after a downgrade, its autogenerate has nothing to drop."""
    project.script("a1", TABLE, "op.drop_table('t')")
    metadata = sa.MetaData()
    sa.Table("t", metadata, sa.Column("id", sa.Integer))
    project.upgrade(engine, conduct=UPGRADE)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
    project.downgrade(engine, conduct=Conduct(direction="downgrade"))
    assert names(engine) == {"alembic_version"}


def test_it_stays_until_the_run_that_brings_all_to_its_end(engine, project):
    """A failure leaves what the next run needs; that takes it away."""
    project.script("a1", FAILS)
    for _ in range(2):
        with pytest.raises(MigrationFailed, match="later"):
            project.upgrade(engine, conduct=UPGRADE)
        with engine.connect() as connection:
            assert [e.operation for e in read_journal(connection) if e.statement] == [
                "create_table t"
            ]
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE later (id int)")
    project.upgrade(engine, conduct=UPGRADE)
    assert names(engine) == {"alembic_version", "t", "later"}


def test_a_stamp_takes_it_away(engine, project):
    """Who says that it is mended by hand has no more journal, be the stamp new or not."""
    project.script("a1", FAILS)
    for revision in ("a1", "base", "base"):
        with pytest.raises(MigrationFailed, match="later"):
            project.upgrade(engine, conduct=UPGRADE)
        stamp(project, revision)
        assert names(engine) == {"alembic_version", "t"}
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE t")
            connection.exec_driver_sql("DELETE FROM alembic_version")


def test_one_that_was_left_empty_goes(engine, project):
    """A process that dies just before the end leaves an empty one to the next run."""
    project.script("a1", TABLE)
    project.upgrade(engine, conduct=UPGRADE)
    journal_table().create(engine)
    project.upgrade(engine, conduct=UPGRADE)
    assert names(engine) == {"alembic_version", "t"}


def test_who_may_not_drop_it_is_told(engine, project):
    """A role without the right to drop: the run ends well, and says what it leaves."""
    role = "left_" + engine.url.database[-8:]
    url = engine.url.set(username=role, password="of-a-test")
    with engine.begin() as connection:
        host = connection.exec_driver_sql("SELECT USER()").scalar().split("@")[1]
        connection.exec_driver_sql(
            f"CREATE USER {role}@'{host}' IDENTIFIED BY 'of-a-test'"
        )
        connection.exec_driver_sql(
            "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER"
            f" ON {engine.url.database}.* TO {role}@'{host}'"
        )
    try:
        project.script("a1", TABLE)
        told = []
        conduct = Conduct(direction="upgrade", tell=told.append)
        weak = sa.create_engine(url, poolclass=sa.pool.NullPool)
        project.upgrade(weak, conduct=conduct)
        assert names(engine) == {"alembic_version", "t", "_whimbrel_journal"}
        assert "The empty table _whimbrel_journal was not dropped" in told[-1].text
        column = "op.add_column('t', sa.Column('x', sa.Integer))\n"
        project.script("a2", column + "op.execute('no')")
        with pytest.raises(MigrationFailed, match="SQL syntax"):
            project.upgrade(weak, conduct=UPGRADE)
        stamp(project, "a1")
        with engine.connect() as connection:
            assert read_journal(connection) == ()
        stamp(project, "a2")
        project.upgrade(engine, conduct=UPGRADE)
        assert names(engine) == {"alembic_version", "t"}
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP USER {role}@'{host}'")


def test_who_holds_it_is_not_waited_for_long(engine, project):
    """A transaction that has read it keeps it there; the run ends, and says so."""
    project.script("a1", TABLE)
    told, holder = [], engine.connect()

    def look(event):
        told.append(event)
        if event.text == "create_table t":
            holder.exec_driver_sql("SELECT count(*) FROM _whimbrel_journal").all()

    project.upgrade(
        engine, conduct=Conduct(direction="upgrade", lock_wait=0, tell=look)
    )
    assert "The empty table _whimbrel_journal was not dropped" in told[-1].text
    holder.close()
    project.upgrade(engine, conduct=UPGRADE)
    assert names(engine) == {"alembic_version", "t"}


def test_each_history_of_a_database_has_its_own(engine, project, tmp_path):
    """One that ends while another runs takes nothing of that away."""
    other = Project(tmp_path / "other")
    other.script("b1", "op.create_table('u', sa.Column('id', sa.Integer))")
    project.script("a1", FAILS)

    def meanwhile(event):
        if event.text == "create_table t":
            other.upgrade(engine, conduct=UPGRADE, version_table="others")

    conduct = Conduct(direction="upgrade", patience=10, tell=meanwhile)
    with pytest.raises(MigrationFailed, match="later"):
        project.upgrade(engine, conduct=conduct)
    assert names(engine) == {"alembic_version", "others", "t", "u", "_whimbrel_journal"}
    with engine.begin() as connection:
        assert read_journal(connection)
        connection.exec_driver_sql("CREATE TABLE later (id int)")
    project.upgrade(engine, conduct=UPGRADE)
    assert names(engine) == {"alembic_version", "others", "t", "u", "later"}


@pytest.mark.parametrize("table", ["others", "o" * 60])
def test_the_journal_of_another_history(engine, project, table):
    """It is called by its version table, however long the name of that is."""
    project.script("a1", FAILS)
    for _ in range(2):
        with pytest.raises(MigrationFailed, match="1 statement of it is done"):
            project.upgrade(engine, conduct=UPGRADE, version_table=table)
    with engine.begin() as connection:
        assert read_journal(connection) == ()
        assert read_journal(connection, TableName(table))
        connection.exec_driver_sql("CREATE TABLE later (id int)")
    project.upgrade(engine, conduct=UPGRADE, version_table=table)
    assert names(engine) == {table, "t", "later"}


CALLERS = """
from alembic import context
config = context.config
with config.attributes["engine"].connect() as connection:
    with connection.begin() as transaction:
        context.configure(connection=connection)
        context.run_migrations()
        if config.attributes.get("undo"):
            transaction.rollback()
"""


def test_in_a_transaction_of_the_callers(engine, tmp_path):
    """What can still be undone is not committed by our dropping it."""
    project = Project(tmp_path / "app", env=CALLERS)
    project.script("a1", TABLE)
    project.script("a2", "op.execute('INSERT INTO t VALUES (1)')")
    project.upgrade(engine, "a1", conduct=UPGRADE)
    assert names(engine) == {"alembic_version", "t"}
    project.config.attributes["undo"] = True
    project.upgrade(engine, conduct=UPGRADE)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT * FROM t").all() == []
        version = connection.exec_driver_sql("SELECT * FROM alembic_version")
        assert version.all() == [("a1",)]


def test_who_reads_it_while_it_goes(engine):
    """A probe that asks at that moment is told that all is whole."""
    table = journal_table()
    table.create(engine)

    def go(_connection, _cursor, sql, *_):
        if "FROM _whimbrel_journal" in sql:
            with other.begin() as there, suppress(sa.exc.OperationalError):
                there.exec_driver_sql("SET SESSION lock_wait_timeout = 1")
                table.drop(there)  # MySQL lets it wait for the transaction of the probe

    other = sa.create_engine(engine.url, poolclass=sa.pool.NullPool)
    sa.event.listen(engine, "before_cursor_execute", go)
    with engine.connect() as connection:
        assert look_into_journal(connection, VERSION_TABLE) == ()
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1


BLOCK = """
op.create_table("t", sa.Column("id", sa.Integer))
with op.get_context().autocommit_block():
    op.execute("INSERT INTO t VALUES (1)")
op.execute("SELECT 1 FROM later")
"""


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_the_journal_of_a_block(kind, request, project, tmp_path):
    """Where only an autocommit block needs one, it goes with its script."""
    url = f"sqlite:///{tmp_path / 'app.db'}"
    if kind == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    project.script("a1", BLOCK)
    with pytest.raises(MigrationFailed, match="2 statements of it are done"):
        project.upgrade(engine, conduct=UPGRADE)
    assert names(engine) == {"alembic_version", "t", "_whimbrel_journal"}
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE later (id int)")
    project.upgrade(engine, conduct=UPGRADE)
    assert names(engine) == {"alembic_version", "t", "later"}
