"""Law 4 on SQLite: a generated script leads to the models, and back, rows and all."""

import ast
import io
import subprocess
import sys

from alembic.migration import MigrationContext
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from changing_models import changing_models
from generated_scripts import database, differences, generated
from models_of_all_sorts import create_all, metadatas
from surviving_rows import fill, told
from whimbrel.catalog.read import read_state
from whimbrel.plan.alter import mentions
from whimbrel.run.runtime import Operations, owned_context
from whimbrel.run.shadow import shadowed
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import Check
from whimbrel.script.format import formatted
from whimbrel.script.render import WIDTH


def can_be_told(metadata):
    """Whether SQLAlchemy's ``"table.column"`` tells what foreign keys refer to."""
    return not any(
        "." in key.column.name or "." in key.column.table.name
        for table in metadata.tables.values()
        for key in table.foreign_keys
    )


def names_one_each(state):
    """
    Whether a script that speaks of a constraint by its kind and name is clear: no
    two in a table have both in common, but checks of different columns.
    """
    for table in state.tables:
        seen = set()
        for each in table.constraints:
            for column in mentioned(table, each):
                same = [c for k, n, c in seen if (k, n) == (type(each), each.name)]
                if same and (None in (*same, column) or column in same):
                    return False
            seen |= {(type(each), each.name, c) for c in mentioned(table, each)}
    return True


def mentioned(table, constraint):
    """The columns that a check speaks of; None stands for all of them."""
    if not isinstance(constraint, Check):
        return [None]
    names = [column.name for column in table.columns]
    return [e for e in names if mentions(constraint.expression, e)] or [None]


ODD = metadatas().filter(can_be_told)
PAIRS = st.one_of(changing_models(), changing_models(), st.tuples(ODD, ODD))
EXAMPLES = max(150, settings.default.max_examples)


def run(connection, function):
    """Run a function of a script as an upgrade would."""
    connection.commit()
    context = MigrationContext.configure(connection, opts={"transactional_ddl": True})
    with Operations.context(owned_context(context)), context.begin_transaction():
        function()


@settings(max_examples=EXAMPLES)
@given(PAIRS, st.integers(0, 2**16), st.booleans())
def test_a_script_leads_there_and_back_and_rows_survive(pair, seed, has_keys):
    """
    For any two models: after the upgrade the database has what the latter wants and
    comparing it finds nothing, after the downgrade it has what it had. The rows that
    both accept are there all the time, value by value. Formatting the script again
    changes nothing.
    """
    former, latter = pair
    with database(former) as connection, database(latter) as other:
        assume(all(names_one_each(read_state(c, Scope())) for c in (connection, other)))
        rows = fill(connection, former, latter, seed)
        connection.exec_driver_sql(f"PRAGMA foreign_keys={has_keys:d}")
        connection.commit()
        script = generated(connection, latter)
        connection.commit()
        module = script.module
        for body in (script.body.upgrades, script.body.downgrades):
            ast.parse(body)
            assert formatted(body, WIDTH) == body
        run(connection, module.upgrade)
        assert differences(connection, script.wanted) == ()
        assert generated(connection, latter).changes == ()
        assert told(connection, rows.loose) == rows.after
        run(connection, module.downgrade)
        assert differences(connection, script.current) == ()
        assert told(connection, rows.loose) == rows.again
    event(f"{sum(map(len, rows.before.values()))} rows")


def written(function, start):
    """The SQL of a script's function, for a database as *start* makes it."""
    buffer = io.StringIO()
    options = {"as_sql": True, "output_buffer": buffer, "literal_binds": True}
    context = owned_context(
        MigrationContext.configure(
            dialect_name="sqlite", opts={**options, "transactional_ddl": True}
        )
    )
    with (
        Operations.context(context),
        context.begin_transaction(),
        shadowed(context, start),
    ):
        function()
    return buffer.getvalue()


def typed(connection, sql):
    """Run *sql* as SQLite's shell would."""
    connection.commit()
    connection.connection.driver_connection.executescript(sql)


@settings(max_examples=EXAMPLES // 3)
@given(PAIRS, st.integers(0, 2**16), st.booleans())
def test_the_sql_leads_there_and_back_and_rows_survive(pair, seed, has_keys):
    """What ``--sql`` writes does as the script itself does."""
    former, latter = pair
    with database(former) as connection, database(latter) as other:
        assume(all(names_one_each(read_state(c, Scope())) for c in (connection, other)))
        rows = fill(connection, former, latter, seed)
        script = generated(connection, latter)
        connection.exec_driver_sql(f"PRAGMA foreign_keys={has_keys:d}")
        module = script.module
        up = written(module.upgrade, lambda there: create_all(former, there))
        typed(connection, up)
        assert differences(connection, script.wanted) == (), up
        assert told(connection, rows.loose) == rows.after

        def start(there):
            create_all(former, there)
            typed(there, up)

        down = written(module.downgrade, start)
        typed(connection, down)
        assert differences(connection, script.current) == (), down
        assert told(connection, rows.loose) == rows.again


def test_other_formatters_have_nothing_to_say(tmp_path):
    """
    Scripts are as black and ruff would have them, and clean to ruff's rules. (Where
    the import of the app's own types belongs, only the settings of its project tell.)
    """

    @settings(max_examples=EXAMPLES // 3)
    @given(PAIRS)
    def write(pair):
        former, latter = pair
        with database(former) as connection:
            script = generated(connection, latter)
        assume(script.changes)
        kind = "own" if "models_of_all_sorts" in script.source else "plain"
        number = len(list(tmp_path.iterdir()))
        file = tmp_path / f"{kind}_{number}.py"
        file.write_text(script.source, encoding="utf-8")

    write()
    assert len(list(tmp_path.iterdir())) > 20
    for command in (
        "black --check --quiet --workers=1",
        "ruff format --isolated --no-cache --line-length=88 --check",
        "ruff check --isolated --no-cache --line-length=88 --select=E,F,W,I"
        " --per-file-ignores=own_*.py:I001",
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command.split(), str(tmp_path)],
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
