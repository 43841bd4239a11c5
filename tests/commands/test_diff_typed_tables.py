"""`whimbrel diff` of two PostgreSQL databases: tables that are of a composite type."""

import pytest

from commands.test_diff_heirs import asked, compared, fill, led


TYPE = "CREATE TYPE c AS (x int, y text)"
ENUM = (
    "CREATE TYPE e AS ENUM ({}); CREATE TYPE c AS (x int, y e); CREATE TABLE t OF c (y DEFAULT"
    " 'a')"
)
PAIRS = {
    "an attribute comes": (
        f"{TYPE}; CREATE TABLE t OF c; CREATE TABLE u (a c)",
        "CREATE TYPE c AS (x int, y text, z int); CREATE TABLE t OF c; CREATE TABLE u (a c)",
    ),
    "one goes, another comes": (
        f"{TYPE}; CREATE TABLE t OF c; CREATE VIEW v AS SELECT x FROM t",
        "CREATE TYPE c AS (x int, z int); CREATE TABLE t OF c; CREATE VIEW v AS SELECT x FROM t",
    ),
    "one gets another type": (
        f"{TYPE}; CREATE TABLE t OF c; CREATE TABLE u (a c)",
        "CREATE TYPE c AS (x bigint, y text); CREATE TABLE t OF c; CREATE TABLE u (a c)",
    ),
    "the type of an attribute is replaced": (
        ENUM.format("'a', 'b'"),
        ENUM.format("'b', 'a'"),
    ),
    "another type": (
        f"{TYPE}; CREATE TABLE t OF c",
        f"{TYPE}; CREATE TYPE d AS (x int, z text); CREATE TABLE t OF d",
    ),
    "a table comes to be of a type": (
        f"{TYPE}; CREATE TABLE t (x int, y text)",
        f"{TYPE}; CREATE TABLE t OF c",
    ),
    "new ones": (
        "CREATE TABLE t (x int, y text)",
        f"{TYPE}; CREATE TABLE t OF c (x DEFAULT 4, PRIMARY KEY (x), CHECK (y <> '')); CREATE"
        " TABLE w OF c PARTITION BY LIST (x); CREATE TABLE w1 PARTITION OF w FOR VALUES IN (1)",
    ),
    "one goes with its type": (f"{TYPE}; CREATE TABLE t OF c", "CREATE TABLE t (x int)"),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_a_table_is_of_its_type_again(databases, tmp_path, name):
    """It is let go of while it, or its type, becomes another; there, back, and again."""
    before, after = PAIRS[name]
    fill(databases[0], f"{before}; INSERT INTO t VALUES (1)")
    led(databases, tmp_path, after, before)
    assert asked(databases[0], "SELECT x FROM t") == [(1,)]


RENAMES = {
    "the table": ("CREATE TYPE c AS (x int, z int); CREATE TABLE u OF c", "t:u"),
    "a column": ("CREATE TYPE c AS (z int, y text); CREATE TABLE t OF c", "t.x:t.z"),
}


@pytest.mark.parametrize("name", RENAMES)
def test_a_table_is_of_its_type_under_another_name(databases, tmp_path, name):
    """The server renames no column of it by itself."""
    after, rename = RENAMES[name]
    before = f"{TYPE}; CREATE TABLE t OF c"
    fill(databases[0], f"{before}; INSERT INTO t VALUES (1)")
    led(databases, tmp_path, after, before, "--rename", rename)


def test_another_order_is_refused(databases, tmp_path):
    """The columns of a table that is there stand as they stand."""
    for url, said in zip(databases, ("x int, y text", "y text, x int"), strict=True):
        fill(url, f"CREATE TYPE c AS ({said}); CREATE TABLE t OF c")
    with pytest.raises(AssertionError, match="with its columns in the type's order"):
        compared(databases, tmp_path / "script.py")
