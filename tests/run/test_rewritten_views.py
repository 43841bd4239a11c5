"""SQLite's own ALTER TABLE must not write views anew behind our back."""

import pytest
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext

from whimbrel.errors import MigrationFailed
from whimbrel.run.runtime import Operations


def _drop_both(op):
    with op.batch_alter_table("item") as batch:
        batch.drop_column("select")
        batch.drop_column("a")


def test_a_view_that_would_become_a_string_stops_the_drop(tmp_path):
    """A dropped column in double quotes would turn into a string: refused, undone."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'x.db'}")
    view = 'CREATE VIEW v AS SELECT "select", 1 AS one FROM item'
    with engine.begin() as connection:
        connection.exec_driver_sql(
            'CREATE TABLE item (id INTEGER PRIMARY KEY, "select" INTEGER, a INTEGER)'
        )
        connection.exec_driver_sql(view)
    with engine.connect() as connection:
        with pytest.raises(MigrationFailed, match="View v would no longer work"):
            _drop_both(Operations(MigrationContext.configure(connection)))
        connection.rollback()
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE name = 'v'"
        )
        assert found.scalar_one() == view
