"""Scripts between two schemas that are told in SQL, run by plain Alembic on PostgreSQL."""

from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops

from generated_scripts import OPTIONS, Generated, _source
from whimbrel.catalog.read import read_state
from whimbrel.plan.build import build, told_alike
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.dialect import dialect_of
from whimbrel.schema.diff import diff
from whimbrel.schema.renames import parse_renames, rename_all
from whimbrel.schema.scope import Scope
from whimbrel.script.render import render


SCHEMAS = Scope(schemas=(None, "app"))


@contextmanager
def connected(url):
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def state_of(connection):
    state = read_state(connection, SCHEMAS)
    connection.commit()
    return state


def execute(connection, sql):
    connection.exec_driver_sql(sql.replace("%", "%%"))
    connection.commit()


def wipe(connection):
    execute(
        connection,
        "DROP SCHEMA IF EXISTS app CASCADE; DROP SCHEMA public CASCADE;"
        " CREATE SCHEMA public",
    )


def script_between(connection, current, wanted, *, in_batches=True, renames=()):
    names, server = parse_renames(renames), dialect_of(connection)
    called, told = told_alike(current, wanted, server)
    wanted = adopt_names(wanted, rename_all(current, names)[1])
    renamed, there = rename_all(called, names)
    told = adopt_names(told, there)
    changes = (*renamed, *diff(there, told))
    plan = build(changes, called, told, server)
    options = {**OPTIONS, "render_as_batch": in_batches}
    context = MigrationContext.configure(connection, opts=options)
    body = render(
        ops.UpgradeOps([step.operation for step in plan.upgrade]),
        ops.DowngradeOps([step.operation for step in plan.downgrade]),
        AutogenContext(context, autogenerate=False),
    )
    return Generated(current, wanted, changes, body, _source(body))


def run_plainly(connection, function):
    """Run a function of a script as plain Alembic does."""
    connection.commit()
    context = MigrationContext.configure(connection)
    with context.begin_transaction(), Operations.context(context):
        function()
    connection.commit()


@dataclass(frozen=True)
class Outcome:
    """What became of a script on its way there and back."""

    source: str
    left: tuple
    left_back: tuple
    rows: list
    rows_back: list


def there_and_back(url, before, after, rows="", select="", **options):
    """Return what a script from one schema to the other comes to."""
    with connected(url) as connection:
        wipe(connection)
        execute(connection, after)
        wanted = state_of(connection)
        wipe(connection)
        execute(connection, before)
        if rows:
            execute(connection, rows)
        current = state_of(connection)
        script = script_between(connection, current, wanted, **options)
        run_plainly(connection, script.module.upgrade)
        left = diff(state_of(connection), script.wanted)
        found = _selected(connection, select)
        run_plainly(connection, script.module.downgrade)
        left_back = diff(state_of(connection), current)
        found_back = _selected(connection, select) if options.get("renames") else []
    return Outcome(script.source, left, left_back, found, found_back)


def _selected(connection, select):
    if not select:
        return []
    return [tuple(row) for row in connection.exec_driver_sql(select)]
