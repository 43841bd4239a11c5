"""Generated columns of heirs, made from what their parents have, which becomes another."""

import pytest

from commands.test_diff_heirs import asked, fill, led


MADE = (
    "CREATE TABLE p (k int, a {0}); CREATE TABLE h (z {1} GENERATED ALWAYS AS ({2}) STORED)"
    " INHERITS (p); CREATE TABLE g () INHERITS (h)"
)
PAIRS = {
    "the expression is worded as before": (
        MADE.format("int", "bigint", "k + a"),
        MADE.format("bigint", "bigint", "k + a"),
    ),
    "it is worded anew": (
        MADE.format("text", "int", "length(a)"),
        MADE.format("varchar(9)", "int", "length(a)"),
    ),
    "it changes": (
        MADE.format("int", "int", "a + 1"),
        MADE.format("bigint", "bigint", "a * 3"),
    ),
    "it goes": (
        MADE.format("int", "int", "a"),
        "CREATE TABLE p (k int, a bigint); CREATE TABLE h () INHERITS (p); CREATE TABLE g ()"
        " INHERITS (h)",
    ),
    "it is of two columns": (
        "CREATE TABLE p (k int, a int); CREATE TABLE h (b int, z int GENERATED ALWAYS AS"
        " (greatest(a, b)) STORED) INHERITS (p); CREATE TABLE g () INHERITS (h)",
        "CREATE TABLE p (k int, a bigint); CREATE TABLE h (b bigint, z int GENERATED ALWAYS AS"
        " (greatest(a, b)) STORED) INHERITS (p); CREATE TABLE g () INHERITS (h)",
    ),
}
ON_IT = (
    "; ALTER TABLE h ADD CONSTRAINT one UNIQUE (z); CREATE TABLE r (v {0} REFERENCES h (z));"
    " CREATE INDEX own ON g (z, k); ALTER TABLE g ADD CONSTRAINT odd CHECK (z > 0 OR z < 0);"
    " CREATE VIEW v AS SELECT z FROM g"
)


@pytest.mark.parametrize("name", PAIRS)
def test_a_generated_column_makes_way_for_another_type(databases, tmp_path, name):
    """It goes before its parent's column changes, and comes again behind that."""
    before, after = PAIRS[name]
    fill(databases[0], f"{before}; INSERT INTO g (k, a) VALUES (1, 2)")
    led(databases, tmp_path, after, before)
    assert asked(databases[0], "SELECT a::text FROM p") == [("2",)]


@pytest.mark.parametrize("name", list(PAIRS)[:2])
def test_what_stands_on_it_makes_way_as_well(databases, tmp_path, name):
    """Keys, those that lead to it, indexes and checks of heirs' heirs, and views."""
    kind = "bigint" if "bigint" in PAIRS[name][0] else "int"
    before, after = (each + ON_IT.format(kind) for each in PAIRS[name])
    fill(databases[0], f"{before}; INSERT INTO g (k, a) VALUES (1, 2)")
    led(databases, tmp_path, after, before)
    assert asked(databases[0], "SELECT k, a::text FROM g") == [(1, "2")]
