"""What a script says of a constraint beside its name and its columns."""

import pytest
import sqlalchemy as sa

from running import operations
from whimbrel.catalog.read import read_state
from whimbrel.errors import MigrationFailed
from whimbrel.run.event import Conduct
from whimbrel.schema.scope import Scope


COUNTS = "CREATE TABLE item (id INTEGER PRIMARY KEY ON CONFLICT REPLACE AUTOINCREMENT)"


def test_a_column_says_what_happens_where_it_would_be_null(database):
    """The conflict clause of NOT NULL comes and goes; Alembic's batch ignores it."""
    database.run("CREATE TABLE item (id INTEGER PRIMARY KEY, a TEXT NOT NULL)")
    for conflict, clause in (("IGNORE", " ON CONFLICT IGNORE"), (None, "")):
        with operations(database.url) as op, op.batch_alter_table("item") as batch:
            batch.alter_column(
                "a", nullable=False, sqlite_on_conflict_not_null=conflict
            )
        assert f"a TEXT NOT NULL{clause})" in database.sql("item")


def test_a_key_that_counts_says_what_happens_on_a_conflict(database):
    """A new primary key of the same column counts on, and says what it is told to."""
    database.run(COUNTS)
    with operations(database.url) as op, op.batch_alter_table("item") as batch:
        batch.create_primary_key(None, ["id"])
    assert "(id INTEGER PRIMARY KEY AUTOINCREMENT)" in database.sql("item")

    key = sa.PrimaryKeyConstraint("id", sqlite_on_conflict="FAIL")
    with (
        operations(database.url) as op,
        op.batch_alter_table("item", table_args=(key,)),
    ):
        pass
    assert "PRIMARY KEY ON CONFLICT FAIL AUTOINCREMENT" in database.sql("item")


def test_a_key_that_no_longer_counts_keeps_what_it_says(database):
    """Only AUTOINCREMENT goes."""
    database.run(COUNTS)
    with (
        operations(database.url) as op,
        op.batch_alter_table("item", table_kwargs={"sqlite_autoincrement": False}),
    ):
        pass
    assert "(id INTEGER PRIMARY KEY ON CONFLICT REPLACE)" in database.sql("item")


def test_two_columns_of_one_enum_have_two_checks_of_one_name(database):
    """A check takes the place of its namesake only if both speak of one column."""
    database.run(
        "CREATE TABLE item (a TEXT, b TEXT, CONSTRAINT kind CHECK (a IN ('x', 'y')))"
    )
    with operations(database.url) as op, op.batch_alter_table("item") as batch:
        batch.create_check_constraint("kind", "b IN ('x', 'y')")
        batch.create_check_constraint("kind", "a IN ('z')")

    said = database.sql("item")
    assert "kind CHECK (b IN ('x', 'y'))" in said
    assert "kind CHECK (a IN ('z'))" in said
    assert said.count("CHECK") == 2


def test_unnamed_foreign_keys_of_one_column_are_told_apart(database):
    """The name that an unnamed key goes by tells where it leads and what it does."""
    keys = (
        "FOREIGN KEY(a) REFERENCES item (a) ON UPDATE SET NULL",
        "FOREIGN KEY(a) REFERENCES item (b)",
        "FOREIGN KEY(a) REFERENCES item (a)",
    )
    database.run(f"CREATE TABLE item (a TEXT, b TEXT, {', '.join(keys)})")
    with sa.create_engine(database.url).connect() as connection:
        (table,) = read_state(connection, Scope()).tables
    for constraint in table.constraints:
        with operations(database.url) as op, op.batch_alter_table("item") as batch:
            batch.drop_constraint(constraint.name, type_="foreignkey")
        with sa.create_engine(database.url).connect() as connection:
            (left,) = read_state(connection, Scope()).tables
        assert contents(left) == contents(table) - contents_of(constraint)
        with (
            operations(database.url) as op,
            op.batch_alter_table(
                "item", table_kwargs={"info": {"unnamed": ["again"]}}
            ) as batch,
        ):
            batch.create_foreign_key(
                "again",
                "item",
                constraint.columns,
                constraint.target_columns,
                onupdate=constraint.on_update,
            )


def contents(table):
    return set().union(*map(contents_of, table.constraints))


def contents_of(key):
    return {(key.target_columns, key.on_update)}


def test_what_is_said_twice_is_dropped_with_its_repetition(database):
    """``unique=True`` and a constraint beside it, both named by a convention."""
    said = "CONSTRAINT uq_a UNIQUE (a)"
    database.run(f"CREATE TABLE item (a TEXT, b TEXT, {said}, {said})")
    with operations(database.url) as op, op.batch_alter_table("item") as batch:
        batch.drop_constraint("uq_a", type_="unique")

    assert "UNIQUE" not in database.sql("item")


@pytest.mark.only_on("mysql")
def test_what_parts_a_table_keeps_its_name(mariadb_url, project):
    """MySQL refuses to rename it; the script is told why, and what would do it."""
    engine = sa.create_engine(mariadb_url, poolclass=sa.pool.NullPool)
    project.script(
        "a1",
        "op.execute('CREATE TABLE t (a int) PARTITION BY HASH (a) PARTITIONS 2')\n"
        "op.alter_column('t', 'a', new_column_name='b', existing_type=sa.Integer)",
    )
    with pytest.raises(MigrationFailed, match=r"cannot rename t\.a: .*partition"):
        project.upgrade(engine, conduct=Conduct(direction="upgrade"))
