"""A change that waits for a table does not stop those who read it."""

import threading
import time

import pytest
import sqlalchemy as sa

from whimbrel.catalog.fingerprint import is_busy, session_number
from whimbrel.errors import Locked
from whimbrel.run.event import Conduct
from whimbrel.run.lock import NamedLock
from whimbrel.run.waiting import waiting_on


@pytest.fixture(params=["postgresql", "mariadb", "mysql"])
def engine(request):
    """A server's database with a table that has rows."""
    engine = sa.create_engine(
        request.getfixturevalue(f"{request.param}_url"), poolclass=sa.pool.NullPool
    )
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE busy (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql("INSERT INTO busy VALUES (1)")
    yield engine
    engine.dispose()


class Readers:
    """One who reads a table and does not let go, and others who come and go."""

    def __init__(self, engine, seconds):
        self.engine = engine
        self.seconds = seconds
        self.longest = 0.0
        self.has_begun = threading.Event()
        self.is_over = threading.Event()

    def read_long(self):
        with self.engine.connect() as connection:
            connection.exec_driver_sql("SELECT * FROM busy").all()
            self.has_begun.set()
            time.sleep(self.seconds)

    def read_often(self):
        with self.engine.connect() as connection:
            while not self.is_over.wait(0.02):
                start = time.monotonic()
                connection.exec_driver_sql("SELECT * FROM busy").all()
                connection.rollback()
                self.longest = max(self.longest, time.monotonic() - start)

    def __enter__(self):
        self.threads = [
            threading.Thread(target=each) for each in (self.read_long, self.read_often)
        ]
        for each in self.threads:
            each.start()
        assert self.has_begun.wait(10)
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for each in self.threads:
            each.join(30)


ADDS = "op.create_table('other', sa.Column('id', sa.Integer))\nop.add_column('busy', sa.Column('x', sa.Integer))"


def test_readers_wait_no_longer_than_they_must(engine, project):
    """Behind a waiting ALTER nobody queues until who reads for long has ended."""
    project.script("a1", ADDS)
    told, wait = [], 1.0
    with Readers(engine, 3.5) as readers:
        project.upgrade(
            engine,
            conduct=Conduct(direction="upgrade", lock_wait=wait, tell=told.append),
        )
    assert readers.longest < 2.5  # else 3.5; a slow machine adds what it likes
    waits = [each.text for each in told if "is held up by" in each.text]
    assert waits
    assert "since" in waits[0]
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(x) FROM busy").scalar() == 0


def test_patience_ends(engine, project):
    """Who never gets the table gives up, and leaves what can be gone on with."""
    project.script("a1", ADDS)
    with Readers(engine, 4), pytest.raises(Locked, match="ALTER TABLE busy"):
        project.upgrade(
            engine, conduct=Conduct(direction="upgrade", lock_wait=1, patience=1)
        )
    project.upgrade(engine, conduct=Conduct(direction="upgrade"))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(x) FROM busy").scalar() == 0
        assert connection.exec_driver_sql("SELECT count(*) FROM other").scalar() == 0


def test_what_others_write_hinders_nobody_who_looks(mariadb_url):
    """
    Who holds a lock, who is in the way and who is busy is told, whatever letters there
    are in somebody's statement just then.
    """
    engine = sa.create_engine(mariadb_url, poolclass=sa.pool.NullPool)
    query, numbers = "SELECT SLEEP(4), '\N{SMILING FACE WITH SUNGLASSES}'", []

    def write():
        with engine.connect() as connection:
            numbers.append(session_number(connection))
            connection.exec_driver_sql("SET NAMES utf8mb4")
            connection.exec_driver_sql(query)

    writer = threading.Thread(target=write)
    writer.start()
    with engine.connect() as holding, engine.connect() as connection:
        assert NamedLock().try_to_take(holding, "sunny", stays=True)
        while not (numbers and is_busy(connection, numbers[0], query)):
            time.sleep(0.05)
            assert writer.is_alive()
        holder = NamedLock().holder(connection, "sunny")
        assert holder.session == session_number(holding)
        waiting = waiting_on(connection, Conduct(direction="upgrade"))
        assert all("connection" in each for each in waiting._blockers("busy"))
    writer.join()
    engine.dispose()


def test_an_own_setting_wins(postgresql_url, project):
    """Where env.py or the role sets a time, nothing is set, and nothing tried again."""
    engine = sa.create_engine(
        postgresql_url, connect_args={"options": "-c lock_timeout=7654"}
    )
    project.script(
        "a1",
        "assert '7654ms' == op.get_bind().exec_driver_sql('SHOW lock_timeout').scalar()",
    )
    project.script(
        "a2",
        "with op.get_context().autocommit_block():\n"
        "    found = op.get_bind().exec_driver_sql('SHOW lock_timeout').scalar()\n"
        "assert found == '7654ms', found",
    )
    project.upgrade(engine, conduct=Conduct(direction="upgrade"))
    engine.dispose()


def test_the_time_is_set_in_blocks_too_and_is_gone_after_them(postgresql_url, project):
    """The connection goes back to its pool as it came."""
    engine = sa.create_engine(postgresql_url, pool_size=1)
    show = "op.get_bind().exec_driver_sql('SHOW lock_timeout').scalar()"
    project.script(
        "a1",
        f"assert {show} == '5s'\n"
        "with op.get_context().autocommit_block():\n"
        f"    assert {show} == '5s'\n"
        "    op.execute('CREATE TABLE t (id int)')\n"
        "    op.execute('CREATE INDEX CONCURRENTLY ix ON t (id)')\n"
        f"    assert {show} == '5s'\n"
        f"assert {show} == '5s'",
    )
    project.upgrade(engine, conduct=Conduct(direction="upgrade"))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "0"
    engine.dispose()


def test_a_callers_transaction_goes_on(postgresql_url, project):
    """What waited is done again within the caller's transaction, which stays whole."""
    engine = sa.create_engine(postgresql_url, poolclass=sa.pool.NullPool)
    (project.path / "env.py").write_text(
        "from alembic import context\n"
        "context.configure(connection=context.config.attributes['engine'])\n"
        "context.run_migrations()\n"
    )
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE busy (id INTEGER PRIMARY KEY)")
    project.script("a1", ADDS)
    with Readers(engine, 1.5), engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE mine (id int)")
        project.upgrade(connection, conduct=Conduct(direction="upgrade", lock_wait=0.5))
    assert {"mine", "other"} <= set(sa.inspect(engine).get_table_names())
