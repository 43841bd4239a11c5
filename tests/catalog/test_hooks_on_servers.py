"""Law: on servers with several schemas, hooks leave alone what Alembic leaves alone."""

from contextlib import ExitStack

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from whimbrel.catalog.hooks import heard
from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.commands.compare import hooks_of, scope_of
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.changes import ColumnChange, TableChange
from whimbrel.schema.diff import diff


OTHER, APART = "hooked_other", "hooked_apart"


def before():
    """What the database has."""
    metadata = sa.MetaData()
    for schema in (None, OTHER):
        sa.Table(
            "old",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("x", sa.Integer, index=True),
            schema=schema,
        )
        sa.Table(
            "item", metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("kind", sa.String(10), server_default="a", nullable=False),
            sa.Column("gone", sa.Integer),
            sa.Column("code", sa.Integer, nullable=False),
            sa.UniqueConstraint("code", name="uq_code"),
            sa.Index("ix_kind", "kind"), sa.Index("ix_gone", "gone"),
            schema=schema,
        )  # fmt: skip
    sa.Table(
        "item", metadata, sa.Column("id", sa.Integer, primary_key=True), schema=APART
    )
    return metadata


def after():
    """What the models want."""
    metadata = sa.MetaData()
    for schema in (None, OTHER):
        sa.Table(
            "new",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("y", sa.Integer, index=True),
            schema=schema,
        )
        sa.Table(
            "item", metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("kind", sa.String(20), server_default="b", nullable=False),
            sa.Column("fresh", sa.Integer),
            sa.Column("code", sa.Integer),
            sa.UniqueConstraint("code", "kind", name="uq_code"),
            sa.Index("ix_kind", "kind", unique=True),
            schema=schema,
        )  # fmt: skip
    return metadata


@pytest.fixture(scope="module", params=["postgresql", "mariadb", "mysql"])
def connection(request):
    """A database with three schemas, which differs from the models in two of them."""
    with ExitStack() as stack:
        url = request.getfixturevalue(f"lasting_{request.param}_url")
        engine = sa.create_engine(url)
        stack.callback(engine.dispose)
        connection = stack.enter_context(engine.connect())
        for schema in (OTHER, APART):
            connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
        before().create_all(connection)
        connection.commit()
        yield connection
        connection.rollback()
        before().drop_all(connection)
        for schema in (OTHER, APART):
            connection.execute(sa.schema.DropSchema(schema))
        connection.commit()


def ours(context, metadata):
    """Tell what we find, in words that both can be told in."""
    connection = context.connection
    scope = scope_of(context, [metadata])
    current = read_state(connection, scope)
    wanted = read_models([metadata], connection, scope)
    sides = heard(current, wanted, hooks_of(context), [metadata], context)
    changes = diff(sides.current, adopt_names(sides.wanted, sides.current))
    return {each for change in changes for each in _told(change)}


def _told(change):
    sides = [("-", change.before), ("+", change.after)]
    sides = [(sign, side) for sign, side in sides if side is not None]
    if isinstance(change, TableChange):
        for sign, table in sides:
            yield f"{sign}{table.name}"
            yield from (f"{sign}{table.name}.{each.name}" for each in table.indexes)
    elif isinstance(change, ColumnChange) and len(sides) == 2:
        for word in ("type", "nullable", "default"):
            if getattr(change.before, word) != getattr(change.after, word):
                yield f"~{change.table}.{change.after.name} {word}"
    else:
        yield from (f"{sign}{change.table}.{side.name}" for sign, side in sides)


def theirs(context, metadata):
    """Tell what Alembic's own comparison finds."""
    found = set()
    for each in compare_metadata(context, metadata):
        for part in each if isinstance(each, list) else [each]:
            found.add(_alembics(part))
    return found


def _alembics(part):
    verb, *rest = part
    sign = "+" if verb.startswith("add") else "-"
    if verb.startswith("modify"):
        schema, table, column = rest[:3]
        where = f"{schema}.{table}" if schema else table
        return f"~{where}.{column} {verb.removeprefix('modify_')}"
    if verb.endswith("column"):
        schema, table, column = rest
        where = f"{schema}.{table}" if schema else table
        return f"{sign}{where}.{column.name}"
    thing = rest[0]
    if verb.endswith("table"):
        return f"{sign}{thing.fullname}"
    return f"{sign}{thing.table.fullname}.{thing.name}"


def only(*schemas):
    return lambda name, type_, parents: type_ != "schema" or name in schemas


def among_ours(include_name):
    """Return a hook that knows no schema of this server but those of the test."""

    def include(name, type_, parents):
        if type_ == "schema" and name not in (None, OTHER, APART):
            return False
        return include_name is None or include_name(name, type_, parents)

    return include


def no_name(kind, *names):
    return lambda name, type_, parents: (type_, name) not in [(kind, n) for n in names]


def no_object(kind, name, schema=None):
    def include(thing, each, type_, reflected, compare_to):
        table = thing if type_ == "table" else thing.table
        return (type_, each, table.schema) != (kind, name, schema)

    return include


def alone(table, column, schema=None):
    """Return a hook for types and defaults that leaves one column alone."""

    def compare(context, inspected, ours, *rest):
        is_it = (ours.table.schema, ours.table.name, ours.name) == (
            schema,
            table,
            column,
        )
        return False if is_it else None

    return compare


HOOKS = {
    "none": {},
    "all but one": {"include_name": only(None, OTHER)},
    "one other": {"include_name": only(OTHER)},
    "no schema": {"include_name": only()},
    "no table": {"include_name": no_name("table", "old", "item")},
    "no column": {"include_name": no_name("column", "gone")},
    "no index": {"include_name": no_name("index", "ix_gone")},
    "no unique": {"include_name": no_name("unique_constraint", "uq_nothing")},
    "qualified": {
        "include_name": lambda name, type_, parents: (
            parents.get("schema_qualified_table_name") != f"{OTHER}.item"
        )
    },
    "reflected": {
        "include_object": lambda thing, name, type_, reflected, to: (
            not (reflected and type_ in ("table", "column"))
        )
    },
    "ours": {"include_object": lambda thing, name, type_, reflected, to: reflected},
    "no old": {"include_object": no_object("table", "old", OTHER)},
    "no new": {"include_object": no_object("table", "new")},
    "no item": {"include_object": no_object("table", "item", OTHER)},
    "no fresh": {"include_object": no_object("column", "fresh", OTHER)},
    "no kind": {"include_object": no_object("column", "kind")},
    "no ix": {"include_object": no_object("index", "ix_gone", OTHER)},
    "types": {"compare_type": False},
    "defaults": {"compare_server_default": False},
    "one type": {"compare_type": alone("item", "kind", OTHER)},
    "one default": {"compare_server_default": alone("item", "kind")},
}


@pytest.mark.parametrize("name", HOOKS)
def test_hooks_leave_alone_what_alembic_leaves_alone(connection, name):
    """Both find the same in all schemas that are compared.

    Alembic would make again what it is told not to see; we leave it as it is.
    """
    options = {"include_schemas": True, "compare_server_default": True, **HOOKS[name]}
    options["include_name"] = among_ours(options.get("include_name"))
    context = MigrationContext.configure(connection, opts=options)

    found, expected = ours(context, after()), theirs(context, after())
    connection.rollback()

    there = {table.fullname for table in before().tables.values()}
    again = {each for each in there if f"+{each}" in expected}
    expected = {
        each
        for each in expected
        if not any(each == f"+{name}" or each.startswith(f"+{name}.") for name in again)
    }
    assert found == expected
