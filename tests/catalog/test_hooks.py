"""The hooks of a project's env.py are heard, each as Alembic documents it."""

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext

from whimbrel.catalog.hooks import Hooks, heard
from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope


DATABASE = """
CREATE TABLE same (id INTEGER NOT NULL PRIMARY KEY);
CREATE TABLE old (id INTEGER NOT NULL PRIMARY KEY, x INTEGER);
CREATE INDEX ix_old_x ON old (x);
CREATE TABLE item (
    id INTEGER NOT NULL,
    kind VARCHAR(10) DEFAULT 'a' NOT NULL,
    gone INTEGER DEFAULT (1 + 1),
    twice INTEGER GENERATED ALWAYS AS (id * 2) STORED,
    code INTEGER,
    PRIMARY KEY (id),
    CONSTRAINT uq_code UNIQUE (code),
    UNIQUE (gone),
    CONSTRAINT fk_code FOREIGN KEY (code) REFERENCES old (id) ON DELETE CASCADE,
    CONSTRAINT ck_code CHECK (code > 0)
);
CREATE INDEX ix_gone ON item (lower(gone) DESC) WHERE gone > 1;
CREATE INDEX ix_kind ON item (kind)
"""


@pytest.fixture
def connection():
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        for statement in DATABASE.split(";\n"):
            connection.exec_driver_sql(statement)
        yield connection
    engine.dispose()


@pytest.fixture
def metadata():
    """Models that differ from the database in every kind of thing."""
    metadata = sa.MetaData()
    sa.Table("same", metadata, sa.Column("id", sa.Integer, primary_key=True))
    sa.Table(
        "new",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("x", sa.Integer, index=True),
    )
    sa.Table(
        "item",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False, server_default="b"),
        sa.Column("twice", sa.Integer, sa.Computed("id * 2", persisted=True)),
        sa.Column("code", sa.Integer, server_default=sa.text("0")),
        sa.Column("fresh", sa.ForeignKey("new.id"), unique=True),
        sa.UniqueConstraint("code", "kind", name="uq_code"),
        sa.CheckConstraint("code > 1", name="ck_code"),
        sa.Index("ix_kind", "kind", unique=True),
    )
    return metadata


def changes(connection, metadata, **hooks):
    """Tell what differs, each change as its sign, table and name."""
    scope = Scope()
    context = MigrationContext.configure(connection)
    current = read_state(connection, scope)
    wanted = read_models([metadata], connection, scope)
    sides = heard(current, wanted, Hooks(**hooks), [metadata], context)
    found = set()
    for change in diff(sides.current, adopt_names(sides.wanted, sides.current)):
        sign = "+" if change.before is None else "-" if change.after is None else "~"
        table = getattr(change, "table", None)
        thing = change.after or change.before
        found.add(f"{sign}{table}.{thing.name}" if table else f"{sign}{thing.name}")
    return found


ALL = {
    "-old",
    "+new",
    "~item.kind",
    "-item.gone",
    "~item.code",
    "+item.fresh",
    "~item.uq_code",
    "-item.uq_item_gone",
    "+item.uq_item_fresh",
    "-item.fk_code",
    "+item.fk_item_fresh_new",
    "~item.ck_code",
    "-item.ix_gone",
    "~item.ix_kind",
}


@pytest.mark.parametrize(
    "hooks",
    [
        {},
        {"compare_type": True, "compare_server_default": True},
        {"compare_type": None, "compare_server_default": None},
        {"include_name": lambda name, type_, parents: True},
        {"include_object": lambda *arguments: True},
        {"compare_type": lambda *arguments: None},
        {"compare_server_default": lambda *arguments: None},
        {"compare_type": lambda *arguments: True},
        {"compare_server_default": lambda *arguments: True},
    ],
)
def test_all_is_compared_unless_a_hook_refuses(connection, metadata, hooks):
    """Without a hook, or with one that agrees, every difference is found."""
    assert changes(connection, metadata, **hooks) == ALL


def test_silent_hooks_cost_nothing(connection, metadata):
    """Without hooks both states are handed on as they are."""
    current = read_state(connection, Scope())
    wanted = read_models([metadata], connection, Scope())
    sides = heard(current, wanted, Hooks(), [metadata], None)
    assert sides.current is current
    assert sides.wanted is wanted


NAMES = [
    ("table", "old", {"-old"}),
    ("table", "item", {each for each in ALL if "item" in each}),
    ("column", "gone", {"-item.gone"}),
    ("column", "kind", {"~item.kind"}),
    ("index", "ix_gone", {"-item.ix_gone"}),
    ("index", "ix_kind", {"~item.ix_kind"}),
    ("unique_constraint", "uq_code", {"~item.uq_code"}),
    ("unique_constraint", None, {"-item.uq_item_gone"}),
    ("foreign_key_constraint", "fk_code", {"-item.fk_code"}),
    ("check_constraint", "ck_code", {"~item.ck_code"}),
    ("column", "fresh", set()),
    ("table", "new", set()),
]


@pytest.mark.parametrize(("kind", "name", "left_alone"), NAMES)
def test_a_name_of_the_database_may_be_refused(
    connection, metadata, kind, name, left_alone
):
    """What ``include_name`` refuses stays as it is; it knows no name of the models."""

    def include_name(each, type_, parents):
        return (each, type_) != (name, kind)

    assert changes(connection, metadata, include_name=include_name) == ALL - left_alone


def test_a_schema_may_be_refused(connection, metadata):
    """Of a schema that ``include_name`` refuses, nothing in the database is touched."""

    def include_name(name, type_, parents):
        return type_ != "schema"

    assert changes(connection, metadata, include_name=include_name) == {"+new"}


def test_names_come_with_those_of_their_parents(connection, metadata):
    """``include_name`` gets the parents' names that Alembic gives."""
    heard_of = {}

    def include_name(name, type_, parents):
        heard_of[type_, name] = dict(parents)
        return True

    changes(connection, metadata, include_name=include_name)
    assert heard_of["schema", None] == {}
    assert heard_of["table", "item"] == {
        "schema_name": None,
        "schema_qualified_table_name": "item",
    }
    assert heard_of["index", "ix_gone"] == {
        "schema_name": None,
        "table_name": "item",
        "schema_qualified_table_name": "item",
    }


OBJECTS = [
    ("table", "old", True, {"-old"}),
    ("table", "new", False, {"+new"}),
    ("table", "item", False, {each for each in ALL if "item" in each}),
    ("column", "gone", True, {"-item.gone"}),
    (
        "column",
        "fresh",
        False,
        {"+item.fresh", "+item.uq_item_fresh", "+item.fk_item_fresh_new"},
    ),
    ("column", "kind", False, {"~item.kind"}),
    ("index", "ix_gone", True, {"-item.ix_gone"}),
    ("index", "ix_kind", False, {"~item.ix_kind"}),
    ("unique_constraint", "uq_code", False, {"~item.uq_code"}),
    ("unique_constraint", None, True, {"-item.uq_item_gone"}),
    ("unique_constraint", None, False, {"+item.uq_item_fresh"}),
    ("foreign_key_constraint", "fk_code", True, {"-item.fk_code"}),
    ("foreign_key_constraint", None, False, {"+item.fk_item_fresh_new"}),
    ("check_constraint", "ck_code", False, {"~item.ck_code"}),
]


@pytest.mark.parametrize(("kind", "name", "is_reflected", "left_alone"), OBJECTS)
def test_an_object_may_be_refused(
    connection, metadata, kind, name, is_reflected, left_alone
):
    """What ``include_object`` refuses neither comes nor goes nor changes."""

    def include_object(thing, each, type_, reflected, compare_to):
        return (each, type_, reflected) != (name, kind, is_reflected)

    found = changes(connection, metadata, include_object=include_object)
    assert found == ALL - left_alone


def test_an_index_of_a_new_table_may_be_refused(connection, metadata):
    """A new table comes without the index that ``include_object`` refuses."""
    current = read_state(connection, Scope())
    wanted = read_models([metadata], connection, Scope())
    hooks = Hooks(include_object=lambda thing, name, type_, *rest: type_ != "index")
    context = MigrationContext.configure(connection)
    sides = heard(current, wanted, hooks, [metadata], context)
    (new,) = (table for table in sides.wanted.tables if table.name.name == "new")
    assert new.indexes == frozenset()


def test_objects_are_those_that_alembic_would_give(connection, metadata):
    """``include_object`` gets SQLAlchemy's objects, the models' own among them."""
    seen = {}

    def include_object(thing, name, type_, reflected, compare_to):
        seen[type_, name, reflected] = thing, compare_to
        return True

    changes(connection, metadata, include_object=include_object)
    item = metadata.tables["item"]
    table, reflected = seen["table", "item", False]
    assert table is item
    assert isinstance(reflected, sa.Table)
    assert [column.name for column in reflected.c][:2] == ["id", "kind"]
    assert reflected.c.twice.computed.persisted is True
    assert [column.name for column in reflected.primary_key] == ["id"]
    column, before = seen["column", "kind", False]
    assert column is item.c.kind
    assert isinstance(before.type, sa.VARCHAR)
    assert before.type.length == 10
    assert before.server_default.arg.text == "'a'"
    (key, compared) = seen["foreign_key_constraint", "fk_code", True]
    assert compared is None
    assert key.table.name == "item"
    assert key.referred_table.name == "old"
    assert key.ondelete == "CASCADE"
    (unique, _) = seen["unique_constraint", None, True]
    assert [column.name for column in unique.columns] == ["gone"]
    (index, _) = seen["index", "ix_gone", True]
    assert index.table.name == "item"
    index, before = seen["index", "ix_kind", False]
    assert index in item.indexes
    assert isinstance(before, sa.Index)
    assert not before.unique


def test_nothing_is_asked_about_what_is_equal(connection, metadata):
    """A hook is only asked where something differs."""
    asked = set()

    def include_object(thing, name, type_, reflected, compare_to):
        asked.add(name)
        return True

    def include_name(name, type_, parents):
        asked.add(name)
        return True

    changes(
        connection, metadata, include_object=include_object, include_name=include_name
    )
    assert asked.isdisjoint({"same", "id", "twice"})


DEFAULTS = {"~item.code"}


@pytest.mark.parametrize("hook", [False, lambda *arguments: False])
def test_types_may_be_left_alone(connection, hook):
    """False as ``compare_type``, or from it, leaves every type as it is."""
    metadata = sa.MetaData()
    sa.Table("same", metadata, sa.Column("id", sa.BigInteger, primary_key=True))
    models = sa.Table("old", metadata, sa.Column("id", sa.Text, primary_key=True))
    models.append_column(sa.Column("x", sa.String(collation="NOCASE"), index=True))
    everything = changes(connection, metadata)
    found = changes(connection, metadata, compare_type=hook)
    assert everything - found == {"~same.id", "~old.id", "~old.x"}


@pytest.mark.parametrize("hook", [False, lambda *arguments: False])
def test_defaults_may_be_left_alone(connection, metadata, hook):
    """False as ``compare_server_default``, or from it, leaves defaults as they are."""
    found = changes(connection, metadata, compare_server_default=hook)
    assert found == ALL - DEFAULTS


def test_what_decides_about_a_type_sees_both_sides(connection, metadata):
    """``compare_type`` gets context, both columns and both types."""
    context = MigrationContext.configure(connection)
    seen = []

    def compare_type(given, inspected, column, inspected_type, metadata_type):
        assert given is context
        seen.append((inspected.name, column, inspected_type, metadata_type))
        return

    heard(
        read_state(connection, Scope()),
        read_models([metadata], connection, Scope()),
        Hooks(compare_type=compare_type),
        [metadata],
        context,
    )
    ((name, column, before, after),) = seen
    assert name == "kind"
    assert column is metadata.tables["item"].c.kind
    assert (before.length, after.length) == (10, 20)


def test_what_decides_about_a_default_sees_both_sides(connection, metadata):
    """``compare_server_default`` gets the database's text and the models' default."""
    seen = {}

    def compare(context, inspected, column, before, default, rendered):
        seen[column.name] = inspected.name, before, default, rendered
        return

    changes(connection, metadata, compare_server_default=compare)
    columns = metadata.tables["item"].c
    assert seen == {
        "kind": ("kind", "'a'", columns.kind.server_default, "b"),
        "code": ("code", None, columns.code.server_default, "0"),
    }


def test_a_key_stays_when_its_new_column_is_refused(connection):
    """A primary key does not come with a column that must not come."""
    metadata = sa.MetaData()
    sa.Table(
        "same",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True),
    )
    hooks = {
        "include_object": lambda thing, name, *rest: name not in ("part", "old", "item")
    }
    assert changes(connection, metadata) >= {"+same.part", "~same.pk_same"}
    assert changes(connection, metadata, **hooks) == set()
