"""Law 4 on SQLite: a generated script leads to the models, and back, rows and all."""

import ast
import subprocess
import sys

import pytest
from alembic.migration import MigrationContext
from hypothesis import event, given, settings
from hypothesis import strategies as st

from changing_models import changing_models
from conftest import SOAK
from generated_scripts import database, differences, generated
from models_of_all_sorts import metadatas
from surviving_rows import fill, told
from whimbrel.run.runtime import Operations, owned_context
from whimbrel.script.format import formatted


PAIRS = st.one_of(
    changing_models(), changing_models(), st.tuples(metadatas(), metadatas())
)
EXAMPLES = settings.get_profile("soak").max_examples if SOAK else 150


def run(connection, function):
    """Run a function of a script as an upgrade would."""
    context = MigrationContext.configure(connection, opts={"transactional_ddl": True})
    with Operations.context(owned_context(context)), context.begin_transaction():
        function()


@settings(max_examples=EXAMPLES)
@given(PAIRS, st.integers(0, 2**16), st.booleans())
def test_a_script_leads_there_and_back_and_rows_survive(pair, seed, has_keys):
    """
    For any two models: after the upgrade the database has what the latter wants and
    comparing it finds nothing, after the downgrade it has what it had. The rows that
    both accept are there all the time, value by value.
    """
    former, latter = pair
    with database(former) as connection:
        rows = fill(connection, former, latter, seed)
        connection.exec_driver_sql(f"PRAGMA foreign_keys={has_keys:d}")
        connection.commit()
        script = generated(connection, latter)
        connection.commit()
        module = script.module
        run(connection, module.upgrade)
        assert differences(connection, script.wanted) == ()
        assert generated(connection, latter).changes == ()
        assert told(connection, rows.loose) == rows.after
        run(connection, module.downgrade)
        assert differences(connection, script.current) == ()
        assert told(connection, rows.loose) == rows.again
    event(f"{sum(map(len, rows.before.values()))} rows")
