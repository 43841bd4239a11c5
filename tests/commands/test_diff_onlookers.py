"""`whimbrel diff` of two PostgreSQL databases: what looks on is in nobody's way, and comes again."""

import pytest
from click.testing import CliRunner

from postgresql_pairs import connected, execute, run_plainly, wipe
from whimbrel.cli import whimbrel


TRIGGER = (
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'"
)
HUNG = (
    "CREATE MATERIALIZED VIEW m AS SELECT a, b::text FROM t; CREATE INDEX i ON m (a); COMMENT"
    " ON INDEX i IS ':i'; ALTER MATERIALIZED VIEW m CLUSTER ON i; ALTER MATERIALIZED VIEW m"
    " ALTER b SET STATISTICS 9; ALTER MATERIALIZED VIEW m ALTER b SET STORAGE EXTERNAL, ALTER b"
    " SET COMPRESSION pglz, ALTER b SET (n_distinct = 5); CREATE INDEX j ON m ((a + 1)); ALTER"
    " INDEX j ALTER COLUMN 1 SET STATISTICS 8; CREATE STATISTICS s ON a, b FROM m; ALTER"
    " STATISTICS s SET STATISTICS 7; COMMENT ON STATISTICS s IS 'it''s :s';"
    " CREATE VIEW v AS SELECT a FROM t; CREATE RULE u AS ON UPDATE TO v DO INSTEAD UPDATE t SET"
    " a = NEW.a; COMMENT ON RULE u ON v IS ':u'; GRANT UPDATE (a) ON v TO"
    f" PUBLIC; {TRIGGER}; CREATE TRIGGER r INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION"
    " f(); COMMENT ON TRIGGER r ON v IS ':r'"
)
CIRCLE = (
    "CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT a FROM v; CREATE RULE r AS ON"
    " DELETE TO v DO INSTEAD DELETE FROM t WHERE a IN (SELECT a FROM w)"
)
TOLD = """
SELECT 'index', obj_description('i'::regclass) UNION ALL SELECT 'trigger',
obj_description(oid) FROM pg_trigger WHERE tgname = 'r' UNION ALL
SELECT 'cluster', indisclustered::text FROM pg_index WHERE indexrelid = 'i'::regclass
UNION ALL SELECT 'rule', obj_description(oid) FROM pg_rewrite WHERE rulename = 'u'
UNION ALL SELECT attname, concat(attstattarget, attstorage, attcompression, attacl,
(SELECT each FROM unnest(attoptions) AS each WHERE each LIKE 'n_distinct%%'))
FROM pg_attribute WHERE attrelid IN ('m'::regclass, 'v'::regclass, 'j'::regclass)
AND attnum > 0 UNION ALL SELECT 'statistics', concat(stxrelid::regclass, stxstattarget,
obj_description(oid)) FROM pg_statistic_ext ORDER BY 1, 2
"""
PAIRS = {
    "a view goes with its table, and comes with it": (
        "CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT a"
        " FROM v",
        "CREATE TABLE u (a int)",
    ),
    "a view reads less than before": (
        "CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT a, b FROM t",
        "CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t",
    ),
    "a policy and a trigger go with a column": (
        f"CREATE TABLE t (a int, b text); {TRIGGER}; CREATE TRIGGER r BEFORE UPDATE OF b ON t"
        " FOR EACH ROW EXECUTE FUNCTION f(); CREATE POLICY p ON t USING (b = 'x:y')",
        f"CREATE TABLE t (a int); {TRIGGER}",
    ),
    "a trigger, a policy and a rule go with a table": (
        f"{TRIGGER}; CREATE TABLE t (a int); CREATE TRIGGER r BEFORE UPDATE ON t FOR EACH ROW"
        " EXECUTE FUNCTION f(); ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t;"
        " CREATE RULE u AS ON UPDATE TO t DO INSTEAD NOTHING",
        f"{TRIGGER}",
    ),
    "functions take and give rows of a table that goes": (
        "CREATE TABLE t (a int); CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT"
        " $1.a'; CREATE FUNCTION g() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t';"
        " CREATE FUNCTION h() RETURNS t[] LANGUAGE sql BEGIN ATOMIC SELECT array_agg(t) FROM"
        " t; END",
        "CREATE TABLE u (a int)",
    ),
    "a function gives rows of a view that is made again": (
        "CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t; CREATE FUNCTION g() RETURNS"
        " SETOF v LANGUAGE sql AS 'SELECT * FROM v'",
        "CREATE TABLE t (a bigint); CREATE VIEW v AS SELECT a FROM t; CREATE FUNCTION g()"
        " RETURNS SETOF v LANGUAGE sql AS 'SELECT * FROM v'",
    ),
    "statistics are kept of what is made again, and go with a column": (
        "CREATE TABLE t (a int, b text, g int GENERATED ALWAYS AS (a + 1) STORED); CREATE"
        " STATISTICS s ON a, g FROM t; ALTER STATISTICS s SET STATISTICS 50; COMMENT ON"
        " STATISTICS s IS ':s'; CREATE STATISTICS z ON a, b FROM t",
        "CREATE TABLE t (a int, g int GENERATED ALWAYS AS (a + 2) STORED); CREATE STATISTICS s"
        " ON a, g FROM t; ALTER STATISTICS s SET STATISTICS 50; COMMENT ON STATISTICS s IS ':s'",
    ),
    "much hangs on a view": (
        f"CREATE TABLE t (a int, b text); {HUNG}",
        f"CREATE TABLE t (a bigint, b varchar(9)); {HUNG}",
    ),
    "a rule of a view asks a view that reads it": (
        f"CREATE TABLE t (a int); {CIRCLE}",
        f"CREATE TABLE t (a bigint); {CIRCLE}",
    ),
    "a rule of a view writes to a table": (
        "CREATE TABLE t (a int); CREATE TABLE u (a int); CREATE VIEW v AS SELECT a FROM t;"
        " CREATE RULE r AS ON INSERT TO v DO INSTEAD INSERT INTO u VALUES (NEW.a)",
        "CREATE TABLE t (a int); CREATE TABLE u (a bigint); CREATE VIEW v AS SELECT a FROM t;"
        " CREATE RULE r AS ON INSERT TO v DO INSTEAD INSERT INTO u VALUES (NEW.a)",
    ),
    "the server knows the body of a function": (
        "CREATE TYPE e AS ENUM ('a', 'b'); CREATE TABLE t (a int, b text, c e); CREATE FUNCTION"
        " f(x e) RETURNS bigint BEGIN ATOMIC SELECT max(a) FROM t WHERE c = x AND b <> ':y';"
        " END; COMMENT ON FUNCTION f IS 'said'",
        "CREATE TYPE e AS ENUM ('b', 'a'); CREATE TABLE t (a bigint, b text, c e); CREATE"
        " FUNCTION f(x e) RETURNS bigint BEGIN ATOMIC SELECT max(a) FROM t WHERE c = x AND b <>"
        " ':y'; END; COMMENT ON FUNCTION f IS 'said'",
    ),
}


def told(first, second, *words):
    result = CliRunner().invoke(whimbrel, ["diff", first, second, *words])
    assert result.exit_code in (0, 2), (result.output, result.exception)
    return result.output


def fill(url, sql):
    with connected(url) as connection:
        wipe(connection)
        execute(connection, sql or "SELECT 1")


@pytest.mark.parametrize("name", PAIRS)
def test_what_looks_on_stands_in_no_way_and_comes_again(databases, tmp_path, name):
    """The script runs; its downgrade leaves what was there, views and functions too."""
    before, after = PAIRS[name]
    for url, sql in zip(databases, (before, after), strict=True):
        fill(url, sql)
    script, module = tmp_path / "script.py", {}
    told(*databases, "--script", str(script))
    exec(compile(script.read_text(), "script.py", "exec"), module)

    for _ in range(2):
        with connected(databases[0]) as connection:
            run_plainly(connection, module["upgrade"])
        fill(databases[1], after)
        assert told(*databases).endswith("No differences.\n")
        with connected(databases[0]) as connection:
            run_plainly(connection, module["downgrade"])
        fill(databases[1], before)
        assert told(*databases) == "No differences.\n"


def test_what_hangs_on_a_view_is_made_again(databases, tmp_path):
    """No comparison tells of it: comments, storage, statistics, privileges of columns."""
    for url, sql in zip(databases, PAIRS["much hangs on a view"], strict=True):
        fill(url, sql)
    script, module = tmp_path / "script.py", {}
    told(*databases, "--script", str(script))
    exec(compile(script.read_text(), "script.py", "exec"), module)
    with connected(databases[0]) as connection:
        was = connection.exec_driver_sql(TOLD).all()
        assert len(was) == 9
        for verb in ("upgrade", "downgrade"):
            run_plainly(connection, module[verb])
            assert connection.exec_driver_sql(TOLD).all() == was


OF_ALL = (
    "CREATE TABLE t (a int, b int); CREATE MATERIALIZED VIEW m AS SELECT a, b FROM t; "
)
ALIKE = {
    "indexes of a view": (
        "CREATE INDEX i ON m (a); CREATE INDEX j ON m (b)",
        "CREATE INDEX j ON m (b); CREATE INDEX i ON m (a)",
    ),
    "roles of a policy": (
        "CREATE POLICY p ON t TO pg_monitor, pg_read_all_data",
        "CREATE POLICY p ON t TO pg_read_all_data, pg_monitor",
    ),
}


@pytest.mark.parametrize("name", ALIKE)
def test_the_order_in_which_things_were_made_is_no_difference(databases, name):
    """Nor is that in which they are told."""
    for url, sql in zip(databases, ALIKE[name], strict=True):
        fill(url, OF_ALL + sql)
    assert told(*databases) == "No differences.\n"


def test_statistics_are_told_apart_by_their_schemas(databases):
    """One of two that have a name is another."""
    made = "CREATE SCHEMA app; CREATE STATISTICS s ON a, b FROM t; CREATE STATISTICS app.s ({})"
    for url, kind in zip(databases, ("mcv", "ndistinct"), strict=True):
        fill(url, f"{OF_ALL}{made.format(kind)} ON a, b FROM t")
    assert "different statistics app.s.\n" in told(*databases, "--schema", "app")


VIEWED = (
    "CREATE TABLE {1} ({0} {2}, n int{3}); CREATE VIEW v AS SELECT {0} AS x, n FROM {1}"
)
MORE = "; CREATE MATERIALIZED VIEW m AS SELECT x FROM v"
ENUM = (
    "CREATE TYPE {0} AS ENUM ('{1}'); CREATE TABLE t ({2} {3}, e {0}); CREATE VIEW v AS SELECT {2}"
    " AS x FROM t WHERE e = '{1}'"
)
POLICY = "CREATE TABLE t ({0} {1}, n int{2}); CREATE POLICY p ON t USING ({0} > 0)"
RENAMED = {
    "a column": (
        VIEWED.format("a", "t", "int", "") + MORE,
        VIEWED.format("b", "t", "bigint", ", c int NOT NULL") + MORE,
        ("--rename", "t.a:t.b", "--fill", "t.c=5"),
    ),
    "a column that is filled": (
        VIEWED.format("a", "t", "int", ""),
        VIEWED.format("b", "t", "bigint NOT NULL", ""),
        ("--rename", "t.a:t.b", "--fill", "t.b=5"),
    ),
    "a table and its column": (
        VIEWED.format("a", "t", "int", ""),
        VIEWED.format("b", "u", "bigint", ", c int NOT NULL"),
        ("--rename", "t:u", "--rename", "u.a:u.b", "--fill", "u.c=5"),
    ),
    "a type": (
        ENUM.format("e", "x", "a", "int"),
        ENUM.format("f", "x", "b", "bigint"),
        ("--rename", "e:f", "--rename", "t.a:t.b"),
    ),
    "a value": (
        ENUM.format("e", "x", "a", "int"),
        ENUM.format("e", "y", "b", "bigint"),
        ("--rename", "t.e=x:y", "--rename", "t.a:t.b"),
    ),
    "under a policy": (
        POLICY.format("a", "int", ""),
        POLICY.format("b", "bigint", ", c int NOT NULL"),
        ("--rename", "t.a:t.b", "--fill", "t.c=5"),
    ),
}


@pytest.mark.parametrize("name", RENAMED)
def test_what_looks_on_comes_again_by_the_names_of_its_side(databases, tmp_path, name):
    """Something gets another name, and a type, while rows are filled or values renamed."""
    before, after, words = RENAMED[name]
    fill(databases[0], f"{before}; INSERT INTO t VALUES (1)")
    fill(databases[1], after)
    script, module = tmp_path / "script.py", {}
    told(*databases, "--script", str(script), *words)
    exec(compile(script.read_text(), "script.py", "exec"), module)

    for verb, there in (("upgrade", after), ("downgrade", before), ("upgrade", after)):
        with connected(databases[0]) as connection:
            run_plainly(connection, module[verb])
        fill(databases[1], there)
        assert told(*databases).endswith("No differences.\n")
