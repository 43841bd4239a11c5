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
