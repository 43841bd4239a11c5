"""Law: keys whose indexes are built after the rows are what SQLite makes of them."""

import sqlite3

import pytest
import sqlalchemy as sa

from running import operations
from whimbrel.errors import MigrationFailed
from whimbrel.run import own_indexes


TABLES = {
    "unique": "id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT, price NUMERIC",
    "several": "a TEXT, b INT, price NUMERIC, UNIQUE (a, b), UNIQUE (b, a), UNIQUE (a, b)",
    "sorted": "a TEXT COLLATE NOCASE, b INT, price NUMERIC,"
    " CONSTRAINT 'odd name' UNIQUE (a, b DESC), UNIQUE (a COLLATE RTRIM DESC)",
    "counted": "id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT, b INT, price NUMERIC,"
    " UNIQUE (a) ON CONFLICT IGNORE, CHECK (item.b > 0)",
    "primary": "a TEXT NOT NULL, b INT, price NUMERIC, PRIMARY KEY (a, b), UNIQUE (a)",
    "descending": "b INTEGER PRIMARY KEY DESC, a TEXT UNIQUE, price NUMERIC",
    "odd names": "a TEXT UNIQUE, b INT, price NUMERIC, 'select' INT UNIQUE,"
    ' [ö "x] UNIQUE REFERENCES item (a)',
}
ROWS = own_indexes.FEW + 500


@pytest.fixture(params=TABLES.values(), ids=list(TABLES))
def keyed(database, request):
    """A table with keys and so many rows that they are built at the end."""
    database.run(
        f"CREATE TABLE item ({request.param})",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        f" WHERE i < {ROWS}) INSERT INTO item (a, b, price)"
        f" SELECT 'A ' || (i * 7919 % {ROWS}) || ' ', i, i FROM n",
        "CREATE INDEX ix ON item (price, a)",
    )
    return database


@pytest.fixture
def given(monkeypatch):
    """For how many indexes each table waited."""
    counts = []
    inner = own_indexes.late_keys

    def spy(table, draft, rows):
        late = inner(table, draft, rows)
        counts.append(len(late.indexes) if late else 0)
        return late

    monkeypatch.setattr("whimbrel.run.rebuild.late_keys", spy)
    return counts


def _rebuild(database):
    with operations(database.url) as op:
        op.alter_column("item", "price", type_=sa.Text())


def _indexes(database):
    names = database.rows("SELECT name FROM pragma_index_list('item') ORDER BY seq")
    return {
        name: database.rows(f"SELECT * FROM pragma_index_xinfo('{name}')")
        for (name,) in names
    }


def test_the_indexes_are_those_that_sqlite_makes(keyed, given, tmp_path):
    """The schema, its indexes and the rows are as in a table made of the same text."""
    rows = keyed.rows("SELECT rowid, a, b, price FROM item ORDER BY rowid")

    _rebuild(keyed)

    assert given[0] > 0
    assert keyed.rows("PRAGMA integrity_check") == [("ok",)]
    fresh = type(keyed)(tmp_path / "fresh.db")
    fresh.run(keyed.sql("item"), keyed.sql("ix"))
    assert _indexes(keyed) == _indexes(fresh)
    texts = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
    assert keyed.rows(texts) == fresh.rows(texts)
    now = keyed.rows("SELECT rowid, a, b, price FROM item ORDER BY rowid")
    assert now == [(*row[:3], str(row[3])) for row in rows]


def test_the_keys_are_kept_afterwards(keyed, given):
    """A value that is there already is refused, as the text says."""
    _rebuild(keyed)
    is_ignored = "IGNORE" in keyed.sql("item")
    again = "INSERT INTO item (a, b, price) SELECT a, b, price FROM item LIMIT 1"
    if is_ignored:
        keyed.run(again)
        assert keyed.rows("SELECT count(*) FROM item") == [(ROWS,)]
        return
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE constraint failed: item"):
        keyed.run(again)


def test_duplicates_are_told_and_nothing_is_changed(database, given):
    """That the index comes last does not let two rows through."""
    database.run(
        "CREATE TABLE item (a TEXT, b INT UNIQUE)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        f" WHERE i < {ROWS}) INSERT INTO item SELECT max(i, 2), i FROM n",
    )
    before = database.everything()

    with (
        pytest.raises(
            MigrationFailed, match=r"1 value of a in item come.*'2' \(2 rows"
        ),
        operations(database.url) as op,
    ):
        op.create_unique_constraint("uq_item_a", "item", ["a"])

    assert given == [2]
    assert database.everything() == before
