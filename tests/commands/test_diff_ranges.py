"""Range types become others between two databases, with those of several ranges."""

import pytest

from commands.test_diff_heirs import asked, compared, fill
from postgresql_pairs import connected, run_plainly


PLAIN = (
    "CREATE TYPE span AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = float8mi); CREATE TABLE t"
    " (s span); INSERT INTO t VALUES ('[1,2)')",
    "CREATE TYPE span AS RANGE (SUBTYPE = float8); CREATE TABLE t (s span, m span_multirange)",
)
NAMED = (
    'CREATE TYPE "Span" AS RANGE (SUBTYPE = float8, MULTIRANGE_TYPE_NAME = "Spans, all (1)");'
    " CREATE TABLE t (s \"Span\"); INSERT INTO t VALUES ('[1,2)')",
    'CREATE TYPE "Span" AS RANGE (SUBTYPE = float8, MULTIRANGE_TYPE_NAME = spans);'
    ' CREATE TABLE t (s "Span")',
)


@pytest.mark.parametrize(("before", "after"), [PLAIN, NAMED])
def test_a_range_type_gives_way_to_another(databases, tmp_path, before, after):
    """The type of several such ranges gives way with it, whatever it is called."""
    fill(databases[0], before)
    fill(databases[1], after)
    _, module = compared(databases, tmp_path / "script.py")
    with connected(databases[0]) as connection:
        run_plainly(connection, module["upgrade"])
    assert compared(databases, tmp_path / "up.py")[0].startswith("No differences")
    with connected(databases[0]) as connection:
        run_plainly(connection, module["downgrade"])
    assert asked(databases[0], "SELECT s::text FROM t") == [("[1,2)",)]
    fill(databases[1], before)
    assert compared(databases, tmp_path / "down.py")[0].startswith("No differences")


SPANS = (
    "CREATE SCHEMA IF NOT EXISTS app; CREATE TYPE {name} AS RANGE (SUBTYPE = {of}"
    "{said}); CREATE DOMAIN d AS {many}; CREATE TYPE co AS (n int, m {many}); CREATE TABLE"
    " t (s {name}, m {many} NOT NULL DEFAULT '{{[1,2)}}', l {many}[], d d, c co); CREATE"
    " INDEX i ON t USING gist (m)"
)
NAMES = [
    {"name": "span", "many": "span_multirange", "said": ""},
    {"name": "app.span", "many": "app.span_multirange", "said": ""},
    {
        "name": "span",
        "many": '"Spans, all (1)"',
        "said": ', MULTIRANGE_TYPE_NAME = "Spans, all (1)"',
    },
]


@pytest.mark.parametrize("names", NAMES)
def test_values_of_several_ranges_follow_their_range(databases, tmp_path, names):
    """In columns, arrays, domains and composite types, beside the range or alone."""
    rows = (
        "INSERT INTO t VALUES ('[1,2)', '{[3,4)}', '{\"{[5,6)}\"}', '{[7,8)}',"
        " '(9,\"{[1,2)}\")')"
    )
    sides = [SPANS.format(of=each, **names) for each in ("int4", "int8")]
    fill(databases[0], f"{sides[0]}; {rows}")
    fill(databases[1], sides[1])
    selected = "SELECT s::text, m::text, l::text, d::text, c::text FROM t"
    had = asked(databases[0], selected)

    words = ("--schema", "app")
    _, module = compared(databases, tmp_path / "script.py", *words)
    for verb, wanted in (("upgrade", sides[1]), ("downgrade", sides[0])):
        with connected(databases[0]) as connection:
            run_plainly(connection, module[verb])
        fill(databases[1], wanted)
        told, _ = compared(databases, tmp_path / f"{verb}.py", *words)
        assert told.startswith("No differences")
        assert asked(databases[0], selected) == had
