"""Behind a pooler that gives out a connection for each transaction."""

import pytest
import sqlalchemy as sa

from pooling import pooler
from run.test_held_up import VALID, cut_off_at
from run.test_lock import MANY, SLOW, start, value
from run.test_polite import Readers
from whimbrel.run.event import Conduct
from whimbrel.run.waiting import is_pooled


POOL = 3


@pytest.fixture
def pooled_url(postgresql_url):
    """The URL of an empty database, through a pooler."""
    url = sa.make_url(postgresql_url)
    with pooler(url.host, url.port or 5432, POOL) as port:
        yield url.set(host="127.0.0.1", port=port).render_as_string(False)


def test_the_pooler_is_one(postgresql_url, pooled_url):
    """It is seen, and a session is not one's own: the tests below mean something."""
    engine = sa.create_engine(pooled_url, poolclass=sa.pool.NullPool)
    with engine.connect() as one, engine.connect() as other:
        assert is_pooled(one)
        one.rollback()
        one.exec_driver_sql("SET application_name = 'left behind'")
        one.commit()
        show = other.exec_driver_sql("SHOW application_name")
        assert show.scalar() == "left behind"
    with sa.create_engine(postgresql_url).connect() as connection:
        assert not is_pooled(connection)


def test_more_runs_than_connections(pooled_url, project):
    """Who waits holds no connection that the holder of the lock needs."""
    project.script("a1", SLOW.format(seconds=0.5))
    many = start(MANY, project.path, pooled_url, 30, POOL + 2)
    said, wrong = many.communicate(timeout=120)
    assert (many.returncode, wrong) == (0, "")
    assert said.count("upgrade a1") == 1
    assert value(pooled_url) == 111


BLOCK = """
op.create_table("t", sa.Column("id", sa.Integer))
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY ix ON t (id)")
    op.execute("INSERT INTO t VALUES (1)")
    op.add_column("busy", sa.Column("x", sa.Integer))
    op.execute("CREATE TYPE mood AS ENUM ('sad')")
    op.execute("ALTER TYPE mood ADD VALUE 'ok'")
    op.execute("REINDEX INDEX CONCURRENTLY ix")
"""


def test_a_block_waits_politely_and_leaves_no_setting_behind(
    postgresql_url, pooled_url, project
):
    """Others get the connections as they were; readers wait no longer than they must."""
    direct = sa.create_engine(postgresql_url, poolclass=sa.pool.NullPool)
    with direct.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE busy (id INTEGER PRIMARY KEY)")
    project.script("a1", BLOCK)
    engine = sa.create_engine(pooled_url, poolclass=sa.pool.NullPool)
    with Readers(direct, 2.5) as readers:
        project.upgrade(engine, conduct=Conduct(direction="upgrade", lock_wait=0.5))
    assert readers.longest < 1.5  # else 2.5; a slow machine adds what it likes
    held = [engine.connect() for _ in range(POOL)]
    times = {each.exec_driver_sql("SHOW lock_timeout").scalar() for each in held}
    for each in held:
        each.close()
    assert times == {"0"}
    assert value(postgresql_url, "SELECT count(x) FROM busy") == 0


def test_what_the_server_still_works_on_is_waited_for(
    postgresql_url, pooled_url, project
):
    """The client was killed, its statement goes on: it is not sent a second time."""
    direct = sa.create_engine(postgresql_url, poolclass=sa.pool.NullPool)
    engine = sa.create_engine(pooled_url, poolclass=sa.pool.NullPool)
    with cut_off_at(direct, pooled_url, project):
        project.upgrade(engine, conduct=Conduct(direction="upgrade"))
    assert value(postgresql_url, VALID)
