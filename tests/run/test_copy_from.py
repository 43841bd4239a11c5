"""A table that a script tells with copy_from is the table that is altered."""

import pytest
import sqlalchemy as sa

from running import operations


CONVENTION = {
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "uq": "uq_%(column_0_name)s",
}


def _told(*columns):
    metadata = sa.MetaData(naming_convention=CONVENTION)
    key = sa.Column("id", sa.Integer, primary_key=True)
    return sa.Table("item", metadata, key, *columns)


@pytest.fixture
def item(database):
    """A table with a row."""
    database.run(
        "CREATE TABLE item (id INTEGER NOT NULL PRIMARY KEY, done BOOLEAN)",
        "INSERT INTO item VALUES (17, 1)",
    )
    return database


@pytest.mark.parametrize("recreate", ["auto", "always"])
def test_a_told_table_can_be_written_anew(item, recreate):
    """
    The rows come into the told table, under the names that its convention makes.
    """
    told = _told(sa.Column("done", sa.Boolean(create_constraint=True, name="yes")))

    with (
        operations(item.url) as op,
        op.batch_alter_table("item", copy_from=told, recreate=recreate) as batch,
    ):
        batch.add_column(sa.Column("more", sa.Integer, unique=True))

    assert item.rows("SELECT * FROM item") == [(17, 1, None)]
    assert item.sql("item").endswith(")")
    assert "CONSTRAINT ck_item_yes CHECK (done IN (0, 1))" in item.sql("item")


def test_a_check_that_a_convention_cannot_name_stays_unnamed(item):
    """
    A type's check without a name of its own has none in the table, and the told
    table is left as the script made it.
    """
    told = _told(sa.Column("done", sa.Boolean(create_constraint=True)))
    names = {const.name for const in told.constraints}

    with (
        operations(item.url) as op,
        op.batch_alter_table("item", copy_from=told) as batch,
    ):
        batch.add_column(sa.Column("more", sa.Integer))

    assert ", \n\tCHECK (done IN (0, 1))" in item.sql("item")
    assert {const.name for const in told.constraints} == names
