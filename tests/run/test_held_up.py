"""What a killed run left the server to do may wait for the run that waits for it."""

import threading
import time
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from run.test_lock import UPGRADE, start, value
from running import ENV
from whimbrel.errors import Locked
from whimbrel.run.event import Conduct
from whimbrel.run.lock import AdvisoryLock


INDEX = (
    "with op.get_context().autocommit_block():\n"
    "    op.execute('CREATE INDEX CONCURRENTLY ix ON busy (id)')"
)
WAITS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
AND wait_event_type = 'Lock' AND query LIKE 'CREATE INDEX%'
"""
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix'::regclass"
SNAPSHOT = "DECLARE kept CURSOR FOR SELECT 1"
"""Holds until the end of its transaction what CREATE INDEX CONCURRENTLY waits for."""


@pytest.fixture
def engine(postgresql_url):
    """An engine without a pool."""
    return sa.create_engine(postgresql_url, poolclass=sa.pool.NullPool)


@contextmanager
def cut_off_at(direct, url, project):
    """Within, the index of a killed run at *url* waits for a writer, and then is built."""
    project.script("a1", INDEX)
    with direct.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE busy (id INTEGER)")
    with direct.connect() as writer:
        writer.exec_driver_sql("INSERT INTO busy VALUES (1)")
        first = start(f"{UPGRADE}\nupgrade()", project.path, url, 30)
        while not value(direct.url, WAITS):
            assert first.poll() is None, first.communicate()
            time.sleep(0.05)
        first.kill()
        first.communicate()
        later = threading.Timer(1.5, writer.commit)
        later.start()
        yield
        later.join()


@pytest.fixture
def cut_off(engine, postgresql_url, project):
    """A run was killed; its index is built once a writer commits."""
    with cut_off_at(engine, postgresql_url, project):
        yield


def upgrade(project, connectable):
    conduct = Conduct(direction="upgrade", patience=30)
    project.upgrade(connectable, conduct=conduct)


@pytest.mark.usefixtures("cut_off")
@pytest.mark.parametrize("options", [{}, {"transaction_per_migration": True}])
def test_the_run_lets_go_of_what_it_saw(engine, postgresql_url, project, options):
    """Its own transaction is what the server waits for: it begins another one."""
    (project.path / "env.py").write_text(
        ENV.replace(
            "        with context.begin",
            f"        connection.exec_driver_sql({SNAPSHOT!r})\n        with context.begin",
        )
        if options
        else ENV.replace(
            "            context.run",
            f"            connection.exec_driver_sql({SNAPSHOT!r})\n            context.run",
        )
    )
    conduct = Conduct(direction="upgrade", patience=30)
    project.upgrade(engine, conduct=conduct, **options)
    assert value(postgresql_url, VALID)
    assert value(postgresql_url, "SELECT version_num FROM alembic_version") == "a1"


@pytest.mark.usefixtures("cut_off")
def test_what_a_caller_holds_is_told_at_once(engine, postgresql_url, project):
    """A transaction that is not ours is not ended; the next run goes on."""
    (project.path / "env.py").write_text(
        "from alembic import context\n"
        "context.configure(connection=context.config.attributes['engine'])\n"
        "context.run_migrations()\n"
    )
    with engine.begin() as connection:
        connection.exec_driver_sql(SNAPSHOT)
        with pytest.raises(Locked, match="this run itself"):
            upgrade(project, connection)
    (project.path / "env.py").write_text(ENV)
    upgrade(project, engine)
    assert value(postgresql_url, VALID)


@pytest.mark.usefixtures("cut_off")
def test_what_the_lock_holds_is_told_at_once(
    engine, postgresql_url, project, monkeypatch
):
    """The connection that holds the lock saw something: the next run goes on."""
    with monkeypatch.context() as patch:
        settled = AdvisoryLock.settle_in

        def settle_in(self, connection):
            connection.exec_driver_sql(SNAPSHOT)
            settled(self, connection)

        patch.setattr(AdvisoryLock, "settle_in", settle_in)
        with pytest.raises(Locked, match="this run itself"):
            upgrade(project, engine)
    upgrade(project, engine)
    assert value(postgresql_url, VALID)
