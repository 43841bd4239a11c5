"""`whimbrel diff` of two PostgreSQL databases: what holds rows of tables comes behind them."""

import pytest

from commands.test_diff_heirs import compared, fill, led


PAIRS = {
    "a column of rows, by names that say another order": (
        "SELECT 1",
        "CREATE TABLE t (a int, b text); CREATE TABLE a (v t, w t[]); CREATE TABLE b () INHERITS"
        " (a)",
    ),
    "types within types": (
        "SELECT 1",
        "CREATE TYPE c0 AS (a int); CREATE TABLE t (a c0); CREATE TYPE c AS (x t[]); CREATE"
        " DOMAIN d AS c CHECK ((value).x IS NOT NULL); CREATE TABLE s (v d); CREATE TYPE r AS"
        " RANGE (SUBTYPE = s); CREATE TABLE b (r r[])",
    ),
    "a type that no column has": (
        "SELECT 1",
        'CREATE TABLE "T-x" (a int); CREATE TYPE c AS (x "T-x"); COMMENT ON TYPE c IS \'c\'',
    ),
    "a type gets an attribute of a new table's rows": (
        "CREATE TYPE c AS (y int); CREATE TABLE a (c c)",
        "CREATE TABLE t (a int); CREATE TYPE c AS (y int, x t); CREATE TABLE a (c c)",
    ),
    "a table beside a foreign key each way": (
        "SELECT 1",
        "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE a (i int PRIMARY KEY, v t, r int"
        " REFERENCES t); ALTER TABLE t ADD r int REFERENCES a",
    ),
    "while another type is replaced": (
        "CREATE TYPE e AS ENUM ('a', 'b'); CREATE TABLE x (e e)",
        "CREATE TYPE e AS ENUM ('b'); CREATE TABLE x (e e); CREATE TABLE t (e e); CREATE TYPE c"
        " AS (x t); CREATE TABLE b (c c)",
    ),
    "a table whose column becomes another while its rows are held no more": (
        "CREATE TABLE t (a int); CREATE TABLE a (v t); CREATE TABLE b (v t, i int)",
        "CREATE TABLE t (a bigint); CREATE TABLE b (i int)",
    ),
    "a type that got an attribute of a later one": (
        "SELECT 1",
        "CREATE TYPE a AS (x int); CREATE TYPE b AS (y int); ALTER TYPE a ADD ATTRIBUTE z b;"
        " CREATE TABLE t (a a)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_rows_are_held_when_their_table_is_there(databases, tmp_path, name):
    """A script makes the tables first, and drops them last; there, back, and again."""
    before, after = PAIRS[name]
    fill(databases[0], before)
    led(databases, tmp_path, after, before)


def test_a_row_that_a_type_holds_is_refused_another_form(databases, tmp_path):
    """The server alters no column of a table whose rows stand in columns."""
    made = "CREATE TABLE t (a {}); CREATE TYPE c AS (x t); CREATE TABLE b (v c)"
    for url, of in zip(databases, ("int", "bigint"), strict=True):
        fill(url, made.format(of))
    with pytest.raises(
        AssertionError, match=r"t\.a no other type while b\.v holds rows"
    ):
        compared(databases, tmp_path / "script.py")
