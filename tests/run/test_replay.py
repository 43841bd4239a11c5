"""Scripts are proved and replayed on a scratch database, the live one untouched."""

import textwrap
from types import ModuleType

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from running import Project
from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.catalog.scratch import copy_schema, scratch_like
from whimbrel.errors import MigrationFailed
from whimbrel.run.replay import prove, replay
from whimbrel.run.runtime import run_environment
from whimbrel.schema.changes import ColumnChange
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import TableName


NOW = "CREATE TABLE item (id INTEGER NOT NULL, a VARCHAR(9), PRIMARY KEY (id))"


@pytest.fixture
def wanted():
    """The models."""
    metadata = sa.MetaData()
    sa.Table(
        "item",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("a", sa.String(20), nullable=False),
        sa.UniqueConstraint("a"),
    )
    return metadata


@pytest.fixture
def live(database):
    """A database with a row that no script on a scratch database may meet."""
    database.run(NOW, "INSERT INTO item VALUES (1, NULL)")
    return database


GOOD = """
with op.batch_alter_table("item", table_kwargs={"info": {"unnamed": ["uq"]}}) as b:
    b.alter_column("a", type_=sa.String(20), existing_type=sa.String(9), nullable=False)
    b.create_unique_constraint("uq", ["a"])
"""
BACK = """
convention = {"uq": "uq_%(table_name)s_%(column_0_name)s"}
with op.batch_alter_table("item", naming_convention=convention) as b:
    b.drop_constraint("uq_item_a", type_="unique")
    b.alter_column("a", type_=sa.String(9), existing_type=sa.String(20), nullable=True)
"""


def _script(upgrade, downgrade, suffix=""):
    module = ModuleType("script")
    source = "import sqlalchemy as sa\nfrom alembic import op\n"
    for name, body in (("upgrade", upgrade), ("downgrade", downgrade)):
        source += f"def {name}{suffix}():\n{textwrap.indent(body, '    ')}\n"
    exec(source, vars(module))
    return module


def _proof(live, wanted, script, **options):
    engine = sa.create_engine(live.url)
    with engine.connect() as connection, scratch_like(connection) as scratch:
        copy_schema(connection, scratch, Scope())
        start = read_state(scratch, Scope())
        goal = (
            read_models([wanted], connection, Scope()) if wanted is not None else None
        )
        return prove(script, scratch, start, goal, Scope(), **options)


def test_a_script_that_does_what_it_should_is_proved(live, wanted):
    """Nothing is left to do up or down, and the live database is as it was."""
    before = live.everything()
    assert _proof(live, wanted, _script(GOOD, BACK)).holds
    assert live.everything() == before


def test_what_a_script_leaves_undone_is_told(live, wanted):
    """An upgrade that falls short and a downgrade that does not lead back."""
    proof = _proof(live, wanted, _script(GOOD.replace("(20)", "(21)"), "pass"))
    (up,) = proof.upgrade
    assert isinstance(up, ColumnChange)
    assert (up.before.type.spelling, up.after.type.spelling) == (
        "VARCHAR(21)",
        "VARCHAR(20)",
    )
    assert len(proof.downgrade) == 2
    assert not proof.holds


def test_functions_of_other_databases_are_proved_by_name(live, wanted):
    """In a multidb folder each database has its functions."""
    script = _script(GOOD, BACK, "_second")
    assert _proof(
        live, wanted, script, upgrade="upgrade_second", downgrade="downgrade_second"
    ).holds


def test_a_script_may_only_have_to_run(live):
    """Without a wanted state the downgrade alone is compared."""
    assert _proof(live, None, _script(GOOD, BACK)).holds


def test_a_history_is_replayed(live, project, wanted):
    """All scripts run, and the state that they make is told."""
    project.script("a1", f"op.execute({NOW!r})")
    project.script("a2", GOOD)
    history = ScriptDirectory.from_config(project.config)
    engine = sa.create_engine(live.url)
    with engine.connect() as connection, scratch_like(connection) as scratch:
        state = replay(history, ("a2",), scratch, Scope())
        expected = read_models([wanted], connection, Scope())
    assert (
        state.table(TableName("item")).columns
        == expected.table(TableName("item")).columns
    )


def test_scripts_see_the_scratch_database_everywhere(live, tmp_path):
    """Within a replay ``context`` and ``op`` lead to the scratch, not to the live one."""
    env = """
from alembic import context
connection = context.config.attributes["engine"].connect()
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
connection.close()
"""
    project = Project(tmp_path / "p", env)
    project.script(
        "a1",
        """
        from alembic import context
        assert op.get_context().config is not None
        assert context.get_context() is op.get_context()
        assert not context.is_offline_mode()
        context.execute("CREATE TABLE made (x)")
        op.get_bind().execute(sa.text("INSERT INTO made VALUES (1)"))
        """,
    )
    engine = sa.create_engine(live.url)
    project.config.attributes["engine"] = engine
    history = ScriptDirectory.from_config(project.config)
    found = []

    def fn(rev, context):
        with scratch_like(context.connection) as scratch:
            found.append(replay(history, ("heads",), scratch, Scope(), context.opts))
        return []

    before = live.everything()
    run_environment(project.config, history, fn, dont_mutate=True)
    assert [table.name.name for state in found for table in state.tables] == ["made"]
    assert live.everything() == before


def test_a_script_that_fails_in_a_replay_is_named(live, project):
    """The failure names revision and line, as in a real run."""
    project.script("a1", "op.drop_table('nothing')")
    history = ScriptDirectory.from_config(project.config)
    engine = sa.create_engine(live.url)
    with (
        engine.connect() as connection,
        scratch_like(connection) as scratch,
        pytest.raises(MigrationFailed, match=r"revision a1 failed.*syntax error"),
    ):
        replay(history, ("a1",), scratch, Scope())
