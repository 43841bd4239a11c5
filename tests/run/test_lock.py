"""One run at a time: who comes second waits, and finds nothing to do."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from conftest import SOAK
from running import Project
from whimbrel.errors import Locked
from whimbrel.run.event import Conduct


UPGRADE = """
import os, sys
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from whimbrel.run.event import Conduct
from whimbrel.run.execute import upgrade_fn
from whimbrel.run.runtime import run_environment

def upgrade():
    config = Config()
    config.set_main_option("script_location", sys.argv[1])
    config.attributes["engine"] = sa.create_engine(sys.argv[2])
    history = ScriptDirectory.from_config(config)
    tell = lambda event: print(f"{event.kind} {event.revision} {event.text}", os.getpid(),
                               flush=True)
    conduct = Conduct(direction="upgrade", tell=tell, patience=float(sys.argv[3]))
    run_environment(config, history, upgrade_fn(history, "head", tell),
                    destination_rev="head", conduct=conduct)
"""

MANY = (
    UPGRADE
    + """
import os
copies = []
for _ in range(int(sys.argv[4])):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            upgrade()
            code = 0
        finally:
            sys.stdout.flush()
            os._exit(code)
    copies.append(child)
sys.exit(sum(os.waitpid(each, 0)[1] != 0 for each in copies))
"""
)

SLOW = """
import time
op.create_table("t", sa.Column("id", sa.Integer, primary_key=True), sa.Column("n", sa.Integer))
op.execute("INSERT INTO t VALUES (1, 100)")
op.execute("UPDATE t SET n = n + 10")
time.sleep({seconds})
op.add_column("t", sa.Column("x", sa.Integer))
op.execute("UPDATE t SET n = n + 1")
"""


@pytest.fixture(params=["sqlite", "postgresql", "mariadb", "mysql"])
def url(request, tmp_path):
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'app.db'}"
    return request.getfixturevalue(f"{request.param}_url")


def start(program, folder, url, patience, *more):
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder), url, str(patience), *map(str, more)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip


def value(url, sql="SELECT n FROM t"):
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(sa.text(sql)).scalar()
    engine.dispose()
    return found


@pytest.mark.parametrize("_round", range(20 if SOAK else 1))
def test_many_at_once(url, project, _round):
    """All end well, and each step is done once."""
    project.script("a1", SLOW.format(seconds=0.2))
    many = start(MANY, project.path, url, 60, 20 if SOAK else 8)
    said, wrong = many.communicate(timeout=120)
    assert (many.returncode, wrong) == (0, "")
    assert said.count("upgrade a1") == 1
    assert value(url) == 111


@pytest.mark.parametrize("_round", range(20 if SOAK else 1))
def test_many_at_once_and_the_first_is_killed(url, project, _round):
    """Those who waited bring to its end what it had begun: each step is done once."""
    project.script("a1", SLOW.format(seconds=1.0))
    many = start(MANY, project.path, url, 60, 20 if SOAK else 8)
    for line in many.stdout:
        if line.startswith("operation a1 execute UPDATE t SET n = n + 10"):
            os.kill(int(line.split()[-1]), signal.SIGKILL)
            break
    said, wrong = many.communicate(timeout=120)
    assert (many.returncode, wrong) == (1, "")
    assert said.count("upgrade a1") == 1
    assert value(url) == 111


def test_a_killed_holder_leaves_no_lock(url, project):
    """What a run held that was killed is free; the next one brings it to its end."""
    project.script("a1", SLOW.format(seconds=30))
    first = start(UPGRADE + "upgrade()", project.path, url, 60)
    assert first.stdout.readline().startswith("operation a1 create_table")
    time.sleep(0.3)
    second = start(UPGRADE + "upgrade()", project.path, url, 60)
    time.sleep(1.0)
    assert second.poll() is None
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    script = project.path / "versions" / "a1.py"
    script.write_text(script.read_text().replace("time.sleep(30)", "pass"))
    second.kill()
    second.communicate()
    third = start(UPGRADE + "upgrade()", project.path, url, 20)
    _, wrong = third.communicate(timeout=60)
    assert third.returncode == 0, wrong
    assert value(url) == 111


def test_who_waits_too_long_is_told_by_whom(url, project):
    """The error names the holder, where the server knows it."""
    project.script("a1", SLOW.format(seconds=2.5))
    first = start(UPGRADE + "upgrade()", project.path, url, 60)
    first.stdout.readline()
    engine, told = sa.create_engine(url), []
    conduct = Conduct(direction="upgrade", patience=1.1, tell=told.append)
    with pytest.raises(Locked, match=r"works on this database|writes to") as raised:
        project.upgrade(engine, conduct=conduct)
    if "sqlite" not in url:
        assert "connection" in str(raised.value)
        assert "since" in str(raised.value)
    assert [each.kind for each in told] == ["notice"]
    engine.dispose()
    first.communicate(timeout=60)
    assert first.returncode == 0


HOLDERS = {
    "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database d"
    " ON d.oid = database WHERE locktype = 'advisory' AND datname = current_database()",
    "mariadb": "SELECT id FROM information_schema.processlist WHERE db = DATABASE()"
    " AND id <> CONNECTION_ID() AND id <> {own}",
}
HOLDERS["mysql"] = HOLDERS["mariadb"]


@pytest.mark.parametrize("server", ["postgresql", "mariadb", "mysql"])
def test_a_run_that_lost_its_lock_goes_no_further(request, project, server):
    """Whose lock was cut off ends before its next operation; the next run goes on."""
    url = request.getfixturevalue(f"{server}_url")
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    project.script(
        "a1",
        "op.create_table('t', sa.Column('id', sa.Integer))\n"
        "op.get_context().config.attributes.pop('cut', id)(op.get_bind())\n"
        "op.add_column('t', sa.Column('n', sa.Integer))",
    )

    def cut(connection):
        driver = connection.connection.dbapi_connection
        own = driver.thread_id() if server != "postgresql" else 0
        with engine.connect() as other:
            rows = other.exec_driver_sql(HOLDERS[server].format(own=own)).scalars()
            for number in rows.all() if server != "postgresql" else ():
                other.exec_driver_sql(f"KILL {number}")

    project.config.attributes["cut"] = cut
    with pytest.raises(Locked, match="was cut off"):
        project.upgrade(engine, conduct=Conduct(direction="upgrade"))
    project.upgrade(engine, conduct=Conduct(direction="upgrade"))
    assert value(url, "SELECT count(n) FROM t") == 0


def test_threads_of_one_process(url, tmp_path):
    """Threads that upgrade at once do not wait for each other for ever."""
    project, errors = Project(tmp_path / "migrations"), []
    project.script("a1", SLOW.format(seconds=0.1))

    def run():
        engine = sa.create_engine(url)
        try:
            mine = Project.__new__(Project)
            vars(mine).update(vars(project), config=type(project.config)())
            mine.config.set_main_option("script_location", str(project.path))
            mine.upgrade(engine, conduct=Conduct(direction="upgrade", patience=30))
        except Exception as error:
            errors.append(error)
        finally:
            engine.dispose()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert errors == []
    assert value(url) == 111


@pytest.mark.parametrize("server", ["postgresql", "mariadb", "mysql"])
@pytest.mark.parametrize("pool", ["null", "one", "static", "given"])
def test_a_run_never_waits_for_itself(request, project, server, pool):
    """A pool of one connection, a connection given out, an env.py that runs twice."""
    url = request.getfixturevalue(f"{server}_url")
    pools = {
        "null": {"poolclass": sa.pool.NullPool},
        "one": {"pool_size": 1, "max_overflow": 0, "pool_timeout": 5},
        "static": {"poolclass": sa.pool.StaticPool},
        "given": {"poolclass": sa.pool.StaticPool, "creator": lambda: given},
    }
    fairy = sa.create_engine(url, poolclass=sa.pool.NullPool).raw_connection()
    fairy.detach()
    given = fairy.dbapi_connection
    engine = sa.create_engine(url, **pools[pool])
    project.script("a1", "op.create_table('t', sa.Column('id', sa.Integer))")
    project.upgrade(engine, conduct=Conduct(direction="upgrade", patience=2))
    env = project.path / "env.py"
    env.write_text(env.read_text() + "run()\n")
    project.script("a2", "op.add_column('t', sa.Column('x', sa.Integer))")
    project.upgrade(engine, conduct=Conduct(direction="upgrade", patience=2))
    project.upgrade(engine, conduct=Conduct(direction="upgrade", patience=2))
    assert value(url, "SELECT count(x) FROM t") == 0
    assert list(engine.pool.dispatch.checkin) == []  # nobody listens on
    engine.dispose()


@pytest.mark.parametrize("server", ["postgresql", "mariadb", "mysql"])
def test_a_callers_connection(request, project, server):
    """A caller's transaction holds the lock until it ends, where it can."""
    url = request.getfixturevalue(f"{server}_url")
    env = project.path / "env.py"
    env.write_text(
        "from alembic import context\n"
        "context.configure(connection=context.config.attributes['engine'])\n"
        "context.run_migrations()\n"
    )
    project.script("a1", "op.create_table('t', sa.Column('id', sa.Integer))")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        project.upgrade(connection, conduct=Conduct(direction="upgrade", patience=1))
        if server == "postgresql":
            with engine.begin() as other, pytest.raises(Locked):
                project.upgrade(
                    other, conduct=Conduct(direction="upgrade", patience=0.2)
                )
    with engine.begin() as connection:
        project.upgrade(connection, conduct=Conduct(direction="upgrade", patience=1))
    assert value(url, "SELECT count(*) FROM t") == 0
    engine.dispose()
