"""Scripts run in transactions that are real, whatever the application's engine does."""

import io
import logging
import sqlite3
import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa
from alembic import op as alembic_op
from alembic.config import Config
from alembic.operations import MigrateOperation
from alembic.operations import Operations as AlembicOperations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from running import ENV, Project
from whimbrel.errors import MigrationFailed
from whimbrel.run.execute import stamp_fn, upgrade_fn
from whimbrel.run.runtime import run_environment


def _plain(url):
    return sa.create_engine(url)


def _foreign_keys_on(url):
    engine = sa.create_engine(url)
    sa.event.listen(
        engine, "connect", lambda dbapi, _: dbapi.execute("PRAGMA foreign_keys=ON")
    )
    return engine


def _own_begin(url):
    engine = _foreign_keys_on(url)

    @sa.event.listens_for(engine, "connect")
    def _(dbapi, _record):
        dbapi.isolation_level = None

    @sa.event.listens_for(engine, "begin")
    def _(connection):
        connection.exec_driver_sql("BEGIN")

    return engine


def _autocommit(url):
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    sa.event.listen(
        engine, "connect", lambda dbapi, _: dbapi.execute("PRAGMA foreign_keys=ON")
    )
    return engine


def _no_isolation_level(url):
    return sa.create_engine(url, connect_args={"isolation_level": None})


def _driver_autocommit(value):
    def make(url):
        engine = sa.create_engine(url, connect_args={"autocommit": value})

        @sa.event.listens_for(engine, "connect")
        def _(dbapi, _record):
            dbapi.autocommit = True
            dbapi.execute("PRAGMA foreign_keys=ON")
            dbapi.autocommit = value

        return engine

    return make


MODES = {
    "plain": _plain,
    "foreign keys on": _foreign_keys_on,
    "own BEGIN": _own_begin,
    "AUTOCOMMIT": _autocommit,
    "isolation_level None": _no_isolation_level,
    "write-ahead log": lambda url: _with_pragma(url, "journal_mode=WAL"),
}
if sys.version_info >= (3, 12):
    MODES["autocommit=False"] = _driver_autocommit(False)
    MODES["autocommit=True"] = _driver_autocommit(True)


def _with_pragma(url, pragma):
    engine = sa.create_engine(url)
    sa.event.listen(
        engine, "connect", lambda dbapi, _: dbapi.execute(f"PRAGMA {pragma}")
    )
    return engine


@pytest.fixture(params=MODES.values(), ids=list(MODES))
def engine(request, database):
    """An engine in one of the modes that applications use."""
    engine = request.param(database.url)
    yield engine
    engine.dispose()


@pytest.fixture
def family(database):
    """Parents, and children that go with them."""
    database.run(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY, name VARCHAR(10))",
        "CREATE TABLE child (id INTEGER PRIMARY KEY,"
        " parent_id INTEGER NOT NULL REFERENCES parent (id) ON DELETE CASCADE)",
        "INSERT INTO parent VALUES (1, 'a'), (2, 'b')",
        "INSERT INTO child VALUES (1, 1), (2, 2)",
    )
    return database


REBUILDS_PARENT = """
with op.batch_alter_table("parent") as batch_op:
    batch_op.alter_column("name", type_=sa.Float())
    batch_op.create_unique_constraint("uq_name", ["name"])
"""


def test_children_stay_when_their_parent_is_rebuilt(family, project, engine):
    """Foreign keys do not cascade while a table is written anew."""
    project.script("a1", REBUILDS_PARENT)
    project.upgrade(engine)
    assert family.rows("SELECT * FROM child") == [(1, 1), (2, 2)]
    assert "uq_name" in family.sql("parent")
    assert "REFERENCES parent " in family.sql("child")


def test_a_failure_leaves_everything_as_it_was(family, project, engine):
    """Schema, rows and version are the same after an exception in the second script."""
    project.script("a1", "op.add_column('parent', sa.Column('x', sa.Integer))")
    project.upgrade(engine)
    before = family.everything()
    project.script("a2", "op.execute('DELETE FROM child')\n" + REBUILDS_PARENT)
    project.script(
        "a3",
        """
        op.create_table("t", sa.Column("id", sa.Integer))
        op.execute("INSERT INTO t VALUES (1)")
        op.drop_table("parent")
        op.execute("SELECT 1 FROM nowhere")
        """,
    )
    with pytest.raises(MigrationFailed, match=r"a3.*line 11: no such table: nowhere"):
        project.upgrade(engine)
    assert family.everything() == before


def test_foreign_keys_are_on_again_afterwards(family, project, engine):
    """The application's connection enforces what it enforced before."""
    with engine.connect() as connection:
        before = connection.exec_driver_sql("PRAGMA foreign_keys").scalar()
    project.script("a1", REBUILDS_PARENT)
    project.script("a2", "raise ValueError('stop')")
    with pytest.raises(MigrationFailed, match="ValueError: stop"):
        project.upgrade(engine)
    with engine.connect() as connection:
        after = connection.exec_driver_sql("PRAGMA foreign_keys").scalar()
    project.upgrade(engine, "a1")
    with engine.connect() as connection:
        last = connection.exec_driver_sql("PRAGMA foreign_keys").scalar()
    assert before == after == last


def test_up_and_down_and_up(family, project, engine):
    """A downgrade leads back, and the way can be gone again."""
    project.script(
        "a1",
        "op.create_unique_constraint('uq_name', 'parent', ['name'])",
        "op.drop_constraint('uq_name', 'parent')",
    )
    before = family.sql("parent")
    for _ in range(2):
        project.upgrade(engine)
        assert "uq_name" in family.sql("parent")
        project.downgrade(engine)
        assert family.sql("parent") == before
    assert [(each.kind, each.revision) for each in project.events] == [
        ("upgrade", "a1"),
        ("downgrade", "a1"),
    ] * 2


def test_one_transaction_for_each_script_on_demand(family, project, engine):
    """With transaction_per_migration, what came before the failure stays."""
    project.script("a1", REBUILDS_PARENT)
    project.script("a2", "op.drop_table('child')\nop.execute('nonsense')")
    with pytest.raises(MigrationFailed, match="a2") as raised:
        project.upgrade(engine, transaction_per_migration=True)
    assert "Nothing was changed" not in str(raised.value)
    assert "before it stay" in str(raised.value)
    assert family.rows("SELECT version_num FROM alembic_version") == [("a1",)]
    assert family.rows("SELECT count(*) FROM child") == [(2,)]


def test_an_autocommit_block_stands_outside(family, project, engine):
    """What needs no transaction around it can be run, and the rest still has one."""
    project.script(
        "a1",
        """
        op.execute("UPDATE parent SET name = 'x' WHERE id = 1")
        with op.get_context().autocommit_block():
            op.execute("VACUUM")
        op.execute("UPDATE parent SET name = 'y' WHERE id = 1")
        op.execute("nonsense")
        """,
    )
    with pytest.raises(MigrationFailed, match="may have stayed"):
        project.upgrade(engine)
    assert family.rows("SELECT name FROM parent WHERE id = 1") == [("x",)]


def test_rows_that_would_refer_to_nothing_are_told(family, project):
    """Deleting a parent does not cascade in a script, so its children are named."""
    project.script("a1", "op.execute('DELETE FROM parent WHERE id = 2')")
    before = family.everything()
    with pytest.raises(
        MigrationFailed, match="1 rows of child would refer to rows of parent"
    ):
        project.upgrade(_foreign_keys_on(family.url))
    assert family.everything() == before


def test_rows_that_referred_to_nothing_before_are_let_be(family, project):
    """Only new violations stop a run."""
    family.run("INSERT INTO child VALUES (3, 99)")
    project.script("a1", REBUILDS_PARENT)
    project.upgrade(_foreign_keys_on(family.url))
    assert family.rows("SELECT count(*) FROM child") == [(3,)]


SHARED = """
from alembic import context
connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
"""


@pytest.fixture
def shared(tmp_path):
    """A project whose env.py takes the caller's connection."""
    return Project(tmp_path / "shared", SHARED)


def _upgrade_on(project, connection):
    project.config.attributes["connection"] = connection
    project.upgrade(None)


def test_a_callers_transaction_is_the_callers(family, shared, engine):
    """A connection in a transaction: the caller commits, or nothing has happened."""
    shared.script("a1", "op.add_column('child', sa.Column('x', sa.Integer))")
    before = family.everything()
    with pytest.raises(RuntimeError, match="own failure"):
        _upgrade_and_fail(shared, engine)
    if not _commits_anyway(engine):
        assert family.everything() == before
    with engine.begin() as connection:
        _upgrade_on(shared, connection)
    assert family.rows("SELECT version_num FROM alembic_version") == [("a1",)]


def _upgrade_and_fail(project, engine):
    with engine.begin() as connection:
        _upgrade_on(project, connection)
        raise RuntimeError("the caller's own failure")


def _commits_anyway(engine):
    """Whether a rollback of this engine's driver does nothing once it has begun."""
    with engine.connect() as connection:
        return (
            getattr(connection.connection.driver_connection, "autocommit", None) is True
        )


def test_keys_come_on_again_after_a_callers_transaction(family, shared):
    """They are off until the caller commits, and on when the connection goes on."""
    engine = _foreign_keys_on(family.url)
    shared.script("a1", REBUILDS_PARENT)
    with engine.connect() as connection:
        with connection.begin():
            _upgrade_on(shared, connection)
        with pytest.raises(sa.exc.IntegrityError), connection.begin():
            connection.exec_driver_sql("INSERT INTO child VALUES (9, 99)")
    with engine.begin() as connection:
        shared.last = None
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    assert family.rows("SELECT count(*) FROM child") == [(2,)]


def test_keys_come_on_again_when_the_connection_is_given_back(family, shared):
    """A pooled connection that was handed to us enforces keys for its next user."""
    engine = _foreign_keys_on(family.url)
    shared.script("a1", REBUILDS_PARENT)
    with engine.begin() as connection:
        _upgrade_on(shared, connection)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_rebuild_that_would_cascade_is_refused(family, shared):
    """Where foreign keys cannot be switched off, a parent's rows are not touched."""
    shared.script("a1", REBUILDS_PARENT)
    engine = _own_begin(family.url)
    before = family.everything()
    with (
        pytest.raises(MigrationFailed, match="foreign keys are enforced"),
        engine.begin() as connection,
    ):
        _upgrade_on(shared, connection)
    assert family.everything() == before


ENV_HABITS = {
    "no begin_transaction": """
        context.configure(connection=connection)
        context.run_migrations()
        """,
    "PRAGMA by context.execute": """
        context.configure(connection=connection, render_as_batch=True)
        context.execute("PRAGMA foreign_keys=OFF")
        with context.begin_transaction():
            context.run_migrations()
        context.execute("PRAGMA foreign_keys=ON")
        """,
    "COMMIT and BEGIN IMMEDIATE": """
        context.configure(connection=connection)
        context.execute("COMMIT")
        context.execute("PRAGMA foreign_keys=OFF")
        context.execute("BEGIN IMMEDIATE")
        with context.begin_transaction():
            context.run_migrations()
        context.execute("END")
        context.execute("PRAGMA foreign_keys=ON")
        context.execute("BEGIN IMMEDIATE")
        """,
    "an option that nobody knows": """
        context.configure(connection=connection, prepare_threshold=None)
        with context.begin_transaction():
            context.run_migrations()
        """,
    "queries first": """
        connection.execute(text("SELECT 1"))
        connection.commit()
        context.configure(connection=connection)
        with context.begin_transaction():
            context.get_context().get_current_heads()
            context.run_migrations()
        """,
    "transactional_ddl=False": """
        context.configure(connection=connection, transactional_ddl=False)
        with context.begin_transaction():
            context.run_migrations()
        """,
}


@pytest.mark.parametrize("habit", ENV_HABITS.values(), ids=list(ENV_HABITS))
def test_an_env_may_have_its_habits(family, tmp_path, engine, habit):
    """What env.py files do around run_migrations() does no harm."""
    body = "".join(f"    {line[8:]}\n" for line in habit.strip("\n").splitlines())
    env = (
        "from alembic import context\nfrom sqlalchemy import text\n"
        'with context.config.attributes["engine"].connect() as connection:\n' + body
    )
    project = Project(tmp_path / "habit", env)
    project.script("a1", REBUILDS_PARENT)
    project.script("a2", "op.add_column('child', sa.Column('x', sa.Integer))")
    project.upgrade(engine)
    assert family.rows("SELECT * FROM child") == [(1, 1, None), (2, 2, None)]
    assert family.rows("SELECT version_num FROM alembic_version") == [("a2",)]


SCRIPT_HABITS = {
    "PRAGMA": """
        op.execute("PRAGMA foreign_keys=OFF")
        op.execute("DROP TABLE parent")
        op.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        op.execute("INSERT INTO parent VALUES (1), (2)")
        op.execute("PRAGMA foreign_keys=ON")
        """,
    "BEGIN and COMMIT": """
        op.execute("BEGIN TRANSACTION")
        op.execute("UPDATE parent SET name = 'z'")
        op.execute(sa.text("COMMIT"))
        """,
    "a session": """
        from sqlalchemy.orm import Session
        session = Session(bind=op.get_bind())
        session.execute(sa.text("UPDATE parent SET name = 'z'"))
        session.commit()
        """,
    "an inspector": """
        assert sa.inspect(op.get_bind()).has_table("parent")
        """,
}


@pytest.mark.parametrize("habit", SCRIPT_HABITS.values(), ids=list(SCRIPT_HABITS))
def test_a_script_may_have_its_habits(family, project, engine, habit):
    """Scripts that were written for a driver without real transactions run too."""
    project.script("a1", habit)
    project.upgrade(engine)
    assert family.rows("SELECT * FROM child") == [(1, 1), (2, 2)]
    assert family.rows("SELECT version_num FROM alembic_version") == [("a1",)]


def test_a_failure_names_revision_file_line_and_words(family, project):
    """An error tells where to look, and keeps its cause."""
    file = project.script("a1", "op.execute('SELECT 1')\nop.execute('SELEC 2')")
    with pytest.raises(MigrationFailed) as caught:
        project.upgrade(_plain(family.url))
    assert caught.value.facts == {"revision": "a1", "path": str(file), "line": 8}
    assert 'near "SELEC": syntax error' in caught.value.sentence
    assert isinstance(caught.value.__cause__, sa.exc.OperationalError)


def test_what_alembic_says_itself_is_not_wrapped(family, project):
    """A script that raises CommandError means it so."""
    project.script(
        "a1", "from alembic.util import CommandError\nraise CommandError('no')"
    )
    with pytest.raises(CommandError, match=r"^no$"):
        project.upgrade(_plain(family.url))


def test_arguments_reach_the_scripts(database, tmp_path):
    """``def upgrade(op=None)`` and ``run_migrations(name=...)`` work as in Alembic."""
    env = ENV.replace("run_migrations()", "run_migrations(op='given')")
    project = Project(tmp_path / "with", env)
    file = project.script(
        "a1", "op_.create_table('t' + op, sa.Column('x', sa.Integer))"
    )
    text = file.read_text().replace("def upgrade():", "def upgrade(op=None):")
    file.write_text(text.replace("import op\n", "import op as op_\n"))
    project.upgrade(_plain(database.url))
    assert database.sql("tgiven")


@AlembicOperations.register_operation("make_note")
class MakeNote(MigrateOperation):
    """An operation as a plug-in registers it."""

    def __init__(self, name):
        self.name = name

    @classmethod
    def make_note(cls, operations, name):
        return operations.invoke(cls(name))


@AlembicOperations.implementation_for(MakeNote)
def _make_note(operations, operation):
    operations.execute(f"CREATE TABLE {operation.name} (x)")


def test_operations_of_plug_ins_are_found(database, project):
    """Who registers an operation with Alembic has it with us."""
    project.script("a1", "op.make_note('noted')")
    project.upgrade(_plain(database.url))
    assert database.sql("noted")


def test_stamp_runs_no_script(family, project):
    """A stamp writes the version and nothing else."""
    project.script("a1", "raise ValueError")
    history = ScriptDirectory.from_config(project.config)
    engine = _plain(family.url)
    project.config.attributes["engine"] = engine
    events = []
    run_environment(project.config, history, stamp_fn(history, "head", events.append))
    assert family.rows("SELECT version_num FROM alembic_version") == [("a1",)]
    assert [(each.kind, each.revision) for each in events] == [("stamp", "a1")]


FILE_CONFIG = """
[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys =
[logger_root]
level = ERROR
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
"""


def test_the_hosts_logging_is_left_alone(database, tmp_path):
    """Handlers, levels and disabled loggers are as before, and files stay open."""
    ini = tmp_path / "log.ini"
    ini.write_text(FILE_CONFIG)
    env = f"from logging.config import fileConfig\nfileConfig({str(ini)!r})\n" + ENV
    project = Project(tmp_path / "logging", env)
    project.script("a1", "pass")
    file = logging.FileHandler(tmp_path / "host.log", mode="w")
    mine = logging.getLogger("host.app")
    mine.addHandler(file)
    root = logging.getLogger()
    before = (list(root.handlers), root.level, mine.disabled)
    project.upgrade(_plain(database.url))
    assert (list(root.handlers), root.level, mine.disabled) == before
    mine.error("still here")
    assert "still here" in (tmp_path / "host.log").read_text()
    mine.removeHandler(file)
    file.close()


def test_a_command_line_keeps_what_env_py_said_of_logging(database, tmp_path):
    """With keep_logging the process logs as env.py configured it."""
    env = "import logging\nlogging.getLogger('x.y').setLevel(7)\n" + ENV
    project = Project(tmp_path / "logging", env)
    project.config.attributes["keep_logging"] = True
    project.upgrade(_plain(database.url))
    assert logging.getLogger("x.y").level == 7


def test_two_threads_upgrade_two_databases(tmp_path):
    """Alembic's globals are for one run at a time; threads take turns."""
    failures = []

    def upgrade(number):
        try:
            project = Project(tmp_path / f"project{number}")
            for step in range(5):
                project.script(
                    f"r{number}x{step}",
                    f"op.create_table('t{number}_{step}', sa.Column('x', sa.Integer))",
                )
            project.upgrade(_plain(f"sqlite:///{tmp_path}/{number}.db"))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=upgrade, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for number in range(4):
        with sqlite3.connect(tmp_path / f"{number}.db") as connection:
            rows = connection.execute("SELECT name FROM sqlite_master").fetchall()
        assert {f"t{number}_{step}" for step in range(5)} < {name for (name,) in rows}


def test_a_script_may_upgrade_another_database(database, tmp_path):
    """Runs can be nested; afterwards ``op`` speaks of what it spoke of before."""
    before = getattr(alembic_op, "_proxy", None)
    inner = Project(tmp_path / "inner")
    inner.script("i1", "op.create_table('within', sa.Column('x', sa.Integer))")
    inner.config.attributes["engine"] = _plain(f"sqlite:///{tmp_path}/inner.db")
    history = ScriptDirectory.from_config(inner.config)
    NESTED["run"] = lambda: run_environment(
        inner.config, history, upgrade_fn(history, "head")
    )
    outer = Project(tmp_path / "outer")
    outer.script(
        "o1",
        f"""
        import sys
        sys.modules[{__name__!r}].NESTED["run"]()
        op.create_table("around", sa.Column("x", sa.Integer))
        """,
    )
    sys.modules.setdefault(__name__, sys.modules[__name__])
    outer.upgrade(_plain(database.url))
    assert database.sql("around")
    assert database.sql("within") is None
    assert getattr(alembic_op, "_proxy", None) is before


NESTED = {}


def test_offline_sql_is_one_transaction(database, tmp_path):
    """The SQL of --sql mode begins and commits."""
    env = """
from alembic import context
context.configure(url="sqlite://", literal_binds=True)
with context.begin_transaction():
    context.run_migrations()
"""
    project = Project(tmp_path / "offline", env)
    project.script(
        "a1",
        """
        op.create_table("t", sa.Column("a", sa.Integer), sa.Column("c", sa.Integer))
        op.add_column("t", sa.Column("b", sa.Integer))
        with op.batch_alter_table("t") as batch_op:
            batch_op.alter_column("b", new_column_name="d")
        """,
    )
    buffer = io.StringIO()
    config: Config = project.config
    config.output_buffer = buffer
    history = ScriptDirectory.from_config(config)
    run_environment(
        config,
        history,
        upgrade_fn(history, "head"),
        as_sql=True,
        starting_rev=None,
        destination_rev="head",
    )
    text = buffer.getvalue()
    assert text.index("BEGIN") < text.index("CREATE TABLE t") < text.index("COMMIT")
    with sqlite3.connect(database.path) as connection:
        connection.executescript(text)
    assert database.rows("SELECT name FROM pragma_table_info('t')") == [
        ("a",),
        ("c",),
        ("d",),
    ]


def test_sql_that_cannot_be_written_touches_nothing(tmp_path):
    """Also for a database without transactions for its DDL."""
    env = """
from alembic import context
context.configure(dialect_name="mysql", literal_binds=True)
with context.begin_transaction():
    context.run_migrations()
"""
    project = Project(tmp_path / "offline", env)
    project.script("a1", "op.execute('SELECT 1')\nsa.inspect(op.get_bind())")
    project.config.output_buffer = io.StringIO()
    history = ScriptDirectory.from_config(project.config)
    with pytest.raises(MigrationFailed, match="NoInspection") as raised:
        run_environment(
            project.config,
            history,
            upgrade_fn(history, "head"),
            as_sql=True,
            starting_rev=None,
            destination_rev="head",
        )
    assert raised.value.remedy.startswith("No database was touched.")


KILLED = """
import os, sys
sys.path[:0] = {paths!r}
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.config import Config
from whimbrel.run.execute import upgrade_fn
from whimbrel.run.runtime import run_environment
config = Config()
config.set_main_option("script_location", {scripts!r})
config.attributes["engine"] = sa.create_engine({url!r})
history = ScriptDirectory.from_config(config)
run_environment(config, history, upgrade_fn(history, "head"))
"""


def test_a_killed_run_leaves_everything_as_it_was(family, project):
    """A process that dies in the middle leaves the old state, and can run again."""
    project.script("a1", REBUILDS_PARENT)
    script = project.script("a2", "import os\nos._exit(9)")
    before = family.everything()
    code = KILLED.format(paths=sys.path, scripts=str(project.path), url=family.url)
    died = subprocess.run([sys.executable, "-c", code], check=False)
    assert died.returncode == 9
    assert family.everything() == before
    script.write_text(script.read_text().replace("os._exit(9)", "pass"))
    project.upgrade(_plain(family.url))
    assert family.rows("SELECT version_num FROM alembic_version") == [("a2",)]


def test_alembics_own_operations_lose_nothing_either(family):
    """A program that makes Operations by itself alters tables in our way too."""
    family.run("CREATE TRIGGER tr AFTER INSERT ON parent BEGIN SELECT 1; END")
    with _foreign_keys_on(family.url).connect() as connection:
        operations = AlembicOperations(MigrationContext.configure(connection))
        with operations.batch_alter_table("parent") as batch:
            batch.alter_column("name", type_=sa.Float())
            batch.create_unique_constraint("uq_name", ["name"])
        connection.commit()
    assert family.rows("SELECT * FROM child") == [(1, 1), (2, 2)]
    assert family.sql("tr")
    assert "uq_name" in family.sql("parent")
