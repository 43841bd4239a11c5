"""What a plan says, plain Alembic can do: on a real SQLite database, there and back."""

from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from later_words import KNOWN
from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.errors import Unalterable
from whimbrel.plan import generic
from whimbrel.plan.build import build
from whimbrel.plan.step import TableOps
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.dialect import dialect_of
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import Naming, State


class Yes(sa.TypeDecorator):
    """A type of an app that makes a check of its own."""

    impl = sa.Boolean(create_constraint=True)
    cache_ok = True


def nothing(metadata):
    """No tables at all."""


def people(metadata):
    sa.Table(
        "person",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(20), nullable=False, server_default="it's: 5%"),
        sa.Column("boss_id", sa.ForeignKey("person.id", name="fk_boss")),
    )


def people_and_teams(metadata):
    sa.Table(
        "person",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(50, collation="NOCASE"), nullable=False),
        sa.Column("team_id", sa.ForeignKey("team.id", name="fk_team")),
        sa.Column("born", sa.DateTime, server_default=sa.func.now()),
        sa.Column(
            "note", sa.Text, server_default=sa.text("('a' || '\\:b')"), index=True
        ),
        sa.Column("short", sa.String(1), sa.Computed("substr(name, 1, 1)")),
        sa.UniqueConstraint("name", name="uq_person_name"),
        sa.CheckConstraint("length(name) > 0 and name <> '\\:x'", name="ck_name"),
    )
    sa.Table(
        "team",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("order", sa.Integer, index=True),
        sa.Column("head_id", sa.ForeignKey("person.id", ondelete="SET NULL")),
        sa.Column("kind", sa.Enum("x", "y", name="kind", create_constraint=True)),
        sa.Column("is_open", Yes(), nullable=False),
        sqlite_autoincrement=True,
    )
    sa.Index("ix_first", sa.text('"order" DESC'), _table=metadata.tables["team"])
    sa.Index(
        "ix_part",
        metadata.tables["team"].c.head_id,
        unique=True,
        sqlite_where=sa.text("kind <> '\\:x'"),
    )


def places(metadata):
    sa.Table(
        "place",
        metadata,
        sa.Column("x", sa.Integer, nullable=False),
        sa.Column("y", sa.Numeric(10, 2), sqlite_on_conflict_not_null="FAIL"),
        sa.Column("z", sa.REAL, nullable=False, sqlite_on_conflict_not_null="FAIL"),
        sa.PrimaryKeyConstraint("x", "y", name="pk_place"),
        sa.UniqueConstraint("z", sqlite_on_conflict="IGNORE"),
        sa.ForeignKeyConstraint(
            ["x", "y"],
            ["place.x", "place.y"],
            name="fk_self",
            onupdate="CASCADE",
            deferrable=True,
            initially="DEFERRED",
        ),
        sqlite_with_rowid=False,
        **({"sqlite_strict": False} if "sqlite_strict" in KNOWN else {}),
    )


def keyed_otherwise(metadata):
    sa.Table(
        "place",
        metadata,
        sa.Column("x", sa.Integer),
        sa.Column("z", sa.REAL, nullable=False),
        sa.PrimaryKeyConstraint("z", name="pk_other"),
        sa.UniqueConstraint("x", name="uq_x"),
    )


def unkeyed(metadata):
    sa.Table("place", metadata, sa.Column("x", sa.Integer), sa.Column("z", sa.REAL))


def uniquely(metadata):
    sa.Table(
        "place",
        metadata,
        sa.Column("x", sa.Integer),
        sa.Column("z", sa.REAL),
        sa.UniqueConstraint("x"),
        sa.UniqueConstraint("z", "x"),
        sa.CheckConstraint("x > 0"),
        sa.ForeignKeyConstraint(["x"], ["place.x"]),
    )


MADE_AND_DROPPED = [
    (nothing, people),
    (nothing, people_and_teams),
    (nothing, places),
    (people, nothing),
    (people_and_teams, places),
    (places, people),
]
ALTERED = [
    (unkeyed, keyed_otherwise),
    (keyed_otherwise, unkeyed),
    (unkeyed, uniquely),  # but plain Alembic cannot drop a check without a name
]


def metadata_of(models):
    metadata = sa.MetaData()
    models(metadata)
    return metadata


@contextmanager
def database_of(models):
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        metadata_of(models).create_all(connection)
        yield connection
    engine.dispose()


def run(connection, steps):
    """Carry steps out with nothing but Alembic."""
    operations = Operations(MigrationContext.configure(connection))
    for step in steps:
        operation = step.operation
        if not isinstance(operation, TableOps):
            operations.invoke(operation)
            continue
        with operations.batch_alter_table(
            operation.table_name, **operation.batch.arguments
        ) as batch:
            for each in operation.ops:
                batch.invoke(each)


def differences(current, wanted):
    return diff(current, adopt_names(wanted, current))


def there_and_back(connection, models):
    current = read_state(connection, Scope())
    models_state = read_models([metadata_of(models)], connection, Scope())
    wanted = adopt_names(models_state, current)
    plan = build(diff(current, wanted), current, wanted, dialect_of(connection))

    run(connection, plan.upgrade)
    there = read_state(connection, Scope())
    run(connection, plan.downgrade)
    return current, wanted, there, read_state(connection, Scope())


@pytest.mark.parametrize(("before", "after"), MADE_AND_DROPPED)
def test_tables_come_and_go_exactly(before, after):
    """Law 4, where tables are made and dropped: equal to the last name."""
    with database_of(before) as connection:
        current, wanted, there, back = there_and_back(connection, after)

    assert there == wanted
    assert back == current


def test_what_sqlalchemy_has_no_word_for_is_said(monkeypatch):
    """Earlier ones lack some; then a sentence tells it, not the script as it runs."""
    with database_of(nothing) as connection:
        connection.exec_driver_sql("CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT")
        wanted, dialect = read_state(connection, Scope()), dialect_of(connection)
    monkeypatch.setattr(generic, "has_word", lambda _, word: word != "sqlite_strict")

    with pytest.raises(Unalterable, match=r"has no sqlite_strict, .* of table t"):
        build(diff(State(), wanted), State(), wanted, dialect)


@pytest.mark.parametrize(("before", "after"), ALTERED)
def test_tables_are_altered(before, after):
    """Plain Alembic alters a table as planned, and names what has no name."""
    with database_of(before) as connection:
        current, wanted, there, back = there_and_back(connection, after)

    assert differences(there, wanted) == ()
    assert differences(back, current) == ()


def test_what_has_no_name_is_added_by_its_default_one():
    """Plain Alembic makes the constraints under their names, and drops them by those."""
    with database_of(unkeyed) as connection:
        current, wanted, there, back = there_and_back(connection, uniquely)

    (table,) = there.tables
    assert {each.name: each.naming for each in table.constraints} == {
        "uq_place_x": Naming.GIVEN,
        "uq_place_z": Naming.GIVEN,
        "ck_place_x": Naming.GIVEN,
        "fk_place_x_place": Naming.GIVEN,
    }
    assert {each.name for each in table.constraints} == {
        each.name for each in wanted.table(table.name).constraints
    }
    assert back == current


def test_columns_are_added_and_altered():
    """Columns with all that they can say come, change and go by Alembic's batch."""
    with database_of(people) as connection:
        connection.exec_driver_sql("insert into person (id, name) values (1, 'Ann')")
        current, wanted, there, back = there_and_back(connection, people_and_teams)
        rows = connection.exec_driver_sql("select id, name from person").all()

    expected, made = (state.tables for state in (wanted, there))
    assert {each.name for each in made} == {each.name for each in expected}
    person = next(each for each in made if each.name.name == "person")
    wanted_person = next(each for each in expected if each.name.name == "person")
    assert {each.name: each for each in person.columns} == {
        each.name: each for each in wanted_person.columns
    }
    assert rows == [(1, "Ann")]
    assert back == current


def test_a_generated_column_becomes_a_plain_one():
    """Plain Alembic keeps the values that were generated."""

    def doubled(metadata):
        column = sa.Column("z", sa.Integer, sa.Computed("x * 2"))
        sa.Table("place", metadata, sa.Column("x", sa.Integer), column)

    def copied(metadata):
        unique = sa.UniqueConstraint("z", name="uq_z")
        columns = [sa.Column(name, sa.Integer, nullable=False) for name in "xz"]
        sa.Table("place", metadata, *columns, unique)

    with database_of(doubled) as connection:
        connection.exec_driver_sql("insert into place (x) values (1), (2)")
        current = read_state(connection, Scope())
        wanted = read_models([metadata_of(copied)], connection, Scope())
        plan = build(diff(current, wanted), current, wanted, dialect_of(connection))
        run(connection, plan.upgrade)
        there = read_state(connection, Scope())
        rows = connection.exec_driver_sql("select x, z from place").all()

    assert there == wanted
    assert rows == [(1, 2), (2, 4)]
