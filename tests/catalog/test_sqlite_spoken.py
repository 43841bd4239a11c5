"""Expressions of SQLite follow a column to its new name, as SQLite writes them itself."""

import pytest

from generated_scripts import database
from whimbrel.catalog.read import read_state
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.diff import diff
from whimbrel.schema.renames import parse_renames, rename_all
from whimbrel.schema.scope import Scope


MADE = """
CREATE TABLE t (
    {0} TEXT DEFAULT old CHECK ({0} <> 'old' AND length({0}) < 9),
    other TEXT DEFAULT 'old',
    made TEXT AS (lower({0}) || cast({0} AS text) || "text"),
    "text" TEXT COLLATE nocase,
    CHECK (t.{0} COLLATE nocase <> other OR ({0}) IN ('Name', 'text'))
)
"""
INDEXES = (
    "CREATE INDEX one ON t ({0}, lower({0}) DESC) WHERE {0} > other",
    "CREATE INDEX two ON t (other) WHERE [{1}] IS NOT NULL",
)
NAMES = [
    ("old", "old", "new"),
    ("old", '"old"', "two words"),
    ("Name", "name", "select"),
    ("lower", "lower", "t"),
    ("length", "[length]", 'with "quotes"'),
    ("order", "`order`", "Größe"),
    ("nocase", "NoCase", "plain"),
    ("t", "t", "other name"),
]


@pytest.mark.parametrize(("old", "written", "new"), NAMES)
def test_a_column_is_called_as_sqlite_calls_it(old, written, new):
    """No name of a function, a type, a table or a string is taken for it."""
    quoted = new.replace('"', '""')
    with database() as connection:
        for statement in (MADE, *INDEXES):
            connection.exec_driver_sql(statement.format(written, old))
        before = read_state(connection, Scope())

        connection.exec_driver_sql(f'ALTER TABLE t RENAME {written} TO "{quoted}"')

        after = read_state(connection, Scope())
    (gone,) = columns(before) - columns(after)
    renamed = rename_all(before, parse_renames([f"t.{gone}:{new}"]))[1]
    assert diff(renamed, adopt_names(after, renamed)) == ()


def columns(state):
    return {column.name for table in state.tables for column in table.columns}
