"""What we write, plain Alembic runs: it needs nothing of ours."""

from collections import Counter
from contextlib import contextmanager

from alembic.ddl import sqlite
from alembic.ddl.impl import _impls
from alembic.migration import MigrationContext
from alembic.operations import Operations
from hypothesis import assume, given, settings

from changing_models import changing_models
from generated_scripts import database, differences, generated
from whimbrel.catalog.read import read_state
from whimbrel.schema.names import default_name
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import ForeignKey, Naming


EXAMPLES = max(150, settings.default.max_examples)


@contextmanager
def plain_alembic(connection):
    """Let ``op`` be Alembic's, and SQLite be altered by Alembic's own batch."""
    ours = _impls["sqlite"]
    _impls["sqlite"] = sqlite.SQLiteImpl
    try:
        context = MigrationContext.configure(connection)
        assert type(context.impl) is sqlite.SQLiteImpl
        with Operations.context(context), context.begin_transaction():
            yield
    finally:
        _impls["sqlite"] = ours
        connection.commit()


def is_clear(connection, metadata):
    """
    Whether SQLAlchemy's Inspector, by which plain Alembic finds constraints, can tell
    those of a table apart: no two of a kind are over the same columns, and a naming
    convention gives each one without a name a name of its own.
    """
    seen = Counter(
        (table.name, type(each), tuple(each.columns.keys()))
        for table in metadata.tables.values()
        for each in table.constraints
    )
    seen.update(
        (table.name, type(each), _name(table, each))
        for table in read_state(connection, Scope()).tables
        for each in table.constraints
    )
    return all(count == 1 for count in seen.values())


def _name(table, constraint):
    if constraint.naming is not Naming.NONE:
        return constraint.name
    target = constraint.target.name if isinstance(constraint, ForeignKey) else ""
    return default_name(type(constraint), table.name.name, constraint.columns, target)


@settings(max_examples=EXAMPLES)
@given(changing_models(is_plain=True))
def test_plain_alembic_leads_there_and_back(pair):
    """
    Tables, columns, types, nullability, defaults, indexes, unique constraints and
    foreign keys, named or not: plain Alembic's upgrade comes to what the models want,
    its downgrade to what was there. All that differs is that what had no name may
    have its default one.
    """
    former, latter = pair
    with database(former) as connection, database(latter) as other:
        assume(is_clear(connection, former) and is_clear(other, latter))
        script = generated(connection, latter)
        connection.commit()
        module = script.module
        with plain_alembic(connection):
            module.upgrade()
        assert differences(connection, script.wanted) == ()
        connection.commit()
        with plain_alembic(connection):
            module.downgrade()
        assert differences(connection, script.current) == ()
