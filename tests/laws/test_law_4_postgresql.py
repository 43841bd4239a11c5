"""Law 4 on PostgreSQL: a generated script leads to the models, and back."""

import pytest
from alembic.migration import MigrationContext
from hypothesis import Phase, assume, event, given, settings
from hypothesis import strategies as st

from changing_postgresql import (
    common,
    fill,
    hanging,
    look_on,
    lost,
    pairs,
    stalled,
    told,
)
from conftest import SOAK
from models_of_postgresql import is_created, metadatas
from postgresql_pairs import run_plainly, script_between
from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.run.runtime import Operations, owned_context
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope


SCOPE = Scope(schemas=(None, "other"))
PHASES = [Phase.explicit, Phase.generate] if not SOAK else list(Phase)
CLEAR = (
    "DROP SCHEMA IF EXISTS other CASCADE; DROP SCHEMA public CASCADE;"
    " CREATE SCHEMA public; CREATE SCHEMA other"
)


@pytest.fixture
def connection(postgresql):
    return postgresql


def ours(connection, function):
    context = owned_context(MigrationContext.configure(connection))
    with Operations.context(context), context.begin_transaction():
        function()
    connection.commit()


def state_of(connection):
    state = read_state(connection, SCOPE)
    connection.commit()
    return state


def made(metadata, connection):
    """Whether the server takes the models; all is in the database then."""
    connection.exec_driver_sql(CLEAR)
    connection.commit()
    is_there = is_created(metadata, connection)
    connection.commit()
    return is_there


@pytest.mark.parametrize("runtime", [ours, run_plainly])
def test_a_script_leads_there_and_back(connection, runtime):
    """For any two models: up and down reach the states exactly."""

    @settings(max_examples=2000 if SOAK else 8, phases=PHASES)
    @given(former=metadatas(), latter=metadatas())
    def law(former, latter):
        assume(made(latter, connection) and made(former, connection))
        current = state_of(connection)
        wanted = read_models([latter], connection, SCOPE)
        connection.commit()
        script = script_between(connection, current, wanted)
        event(f"{len(script.changes)} changes")
        try:
            runtime(connection, script.module.upgrade)
            assert diff(state_of(connection), script.wanted) == ()
            runtime(connection, script.module.downgrade)
            assert diff(state_of(connection), current) == ()
        except BaseException:
            connection.rollback()
            print(script.source)
            raise

    law()


@pytest.mark.parametrize("runtime", [ours, run_plainly])
def test_a_script_leads_there_and_back_and_rows_survive(connection, runtime):
    """For any two models: up and down reach the states exactly; common values stay.

    So does what reads columns that both have: views, triggers, policies, rules.
    """

    @settings(max_examples=2000 if SOAK else 8, phases=PHASES)
    @given(pairs(), st.lists(st.tuples(st.integers(0, 5), st.integers(0)), max_size=3))
    def law(pair, choices):
        former, latter = pair
        connection.rollback()
        for metadata in (latter, former):
            connection.exec_driver_sql(CLEAR)
            metadata.create_all(connection)
            connection.commit()
        fill(connection, former, latter)
        look_on(connection, former, latter, choices)
        connection.commit()
        looking = hanging(connection)
        names = common(former, latter)
        before = told(connection, former, names)
        current = state_of(connection)
        wanted = read_models([latter], connection, SCOPE)
        connection.commit()
        script = script_between(connection, current, wanted)
        event(f"{len(script.changes)} changes")
        try:
            runtime(connection, script.module.upgrade)
            assert diff(state_of(connection), script.wanted) == ()
            assert lost(before, told(connection, latter, names)) == []
            assert stalled(connection, latter) == []
            assert hanging(connection) == looking
            runtime(connection, script.module.downgrade)
            assert diff(state_of(connection), current) == ()
            assert lost(before, told(connection, former, names)) == []
            assert stalled(connection, former) == []
            assert hanging(connection) == looking
        except BaseException:
            connection.rollback()
            print(script.source)
            raise

    law()
