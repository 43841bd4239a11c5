"""`whimbrel diff` of two PostgreSQL databases: domains, types and schemas come to be alike."""

import json

import pytest
from click.testing import CliRunner

from commands.test_diff_heirs import asked, compared, fill, led
from postgresql_pairs import connected, execute, run_plainly, wipe
from whimbrel.cli import whimbrel


PAIRS = {
    "a domain comes by itself, another goes": (
        "CREATE DOMAIN old AS int; CREATE TABLE t (a int)",
        "CREATE DOMAIN new AS varchar(9) COLLATE \"C\" DEFAULT 'x' NOT NULL"
        " CONSTRAINT odd CHECK (value <> '%'); COMMENT ON DOMAIN new IS 'said';"
        " CREATE DOMAIN newer AS new; CREATE TABLE t (a int)",
        ["- type old", "+ type new", "+ type newer"],
    ),
    "a domain is altered under its columns": (
        "CREATE DOMAIN d AS int DEFAULT 1 CONSTRAINT a CHECK (value > 0)"
        " CONSTRAINT \"B\" CHECK (value < 9); COMMENT ON DOMAIN d IS 'old';"
        " CREATE TABLE t (a d)",
        "CREATE DOMAIN d AS int NOT NULL CONSTRAINT a CHECK (value > 1)"
        " CONSTRAINT c CHECK (value < 9); COMMENT ON DOMAIN d IS 'new';"
        " CREATE TABLE t (a d, b d)",
        ["~ type d", "+ column t.b"],
    ),
    "a type of several parts is altered under its columns": (
        "CREATE TYPE place AS (zip int); CREATE TYPE at AS (place place);"
        " CREATE TABLE t (a place[], b at)",
        'CREATE TYPE place AS (zip int, city text COLLATE "C");'
        " CREATE TYPE at AS (place place); CREATE TABLE t (a place[], b at)",
        ["~ type place"],
    ),
    "a type that no column has is made anew": (
        "CREATE DOMAIN d AS int; CREATE TYPE place AS (zip int)",
        'CREATE DOMAIN d AS bigint; CREATE TYPE place AS (zip text COLLATE "C")',
        ["~ type d", "~ type place"],
    ),
    "a schema comes, another goes with all that stands in it": (
        "CREATE SCHEMA app; CREATE TABLE app.t (a int); CREATE TYPE app.e AS ENUM ('a')",
        "CREATE SCHEMA other; COMMENT ON SCHEMA other IS 'said';"
        " CREATE DOMAIN other.d AS int",
        ["- schema app", "+ schema other", "- enum app.e", "+ type other.d"],
    ),
    "a schema goes with a range type, and one with a function is commented on": (
        "CREATE SCHEMA app; CREATE TYPE app.r AS RANGE (SUBTYPE = int); COMMENT ON SCHEMA app IS"
        " 'x'; CREATE SCHEMA other; CREATE FUNCTION other.f() RETURNS int LANGUAGE sql AS 'SELECT"
        " 1'; COMMENT ON SCHEMA other IS 'a'",
        "CREATE SCHEMA other; CREATE FUNCTION other.f() RETURNS int LANGUAGE sql AS 'SELECT 1';"
        " COMMENT ON SCHEMA other IS 'b'",
        ["- schema app", "~ schema other", "- type app.r"],
    ),
    "attributes of a type are commented on": (
        "CREATE TYPE c AS (a int, b text); COMMENT ON COLUMN c.a IS 'one'; CREATE TABLE t (x c)",
        "CREATE TYPE c AS (a int, b text, d int); COMMENT ON COLUMN c.a IS 'two'; COMMENT ON"
        " COLUMN c.d IS ':d'; CREATE TABLE t (x c)",
        ["~ type c"],
    ),
    "a schema stays that holds what is not ours": (
        "CREATE SCHEMA app; CREATE TABLE app.t (a int);"
        " CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "",
        ["- table app.t"],
    ),
}


def told(databases, *words):
    command = ["diff", *databases, "--schema", "app", "--schema", "other", *words]
    result = CliRunner().invoke(whimbrel, command)
    assert result.exit_code in (0, 2), result.output
    return result.output


def run(url, path, way):
    """Run one way of a script as plain Alembic does."""
    module = {}
    exec(compile(path.read_text(), path.name, "exec"), module)
    with connected(url) as connection:
        run_plainly(connection, module[way])


@pytest.mark.parametrize("name", PAIRS)
def test_what_tables_stand_on_comes_and_goes(databases, tmp_path, name):
    """A script leads from the one database to the other, and back."""
    before, after, expected = PAIRS[name]
    for url, sql in zip(databases, (before, after), strict=True):
        with connected(url) as connection:
            wipe(connection)
            execute(connection, "DROP SCHEMA IF EXISTS other CASCADE")
            execute(connection, sql or "SELECT 1")
    script = tmp_path / "script.py"
    there = json.loads(told(databases, "--json", "--script", str(script)))
    back = json.loads(told(databases[::-1], "--json"))

    run(databases[0], script, "upgrade")
    assert told(databases).endswith("No differences.\n")
    run(databases[0], script, "downgrade")
    assert json.loads(told(databases, "--json"))["changes"] == there["changes"]
    assert len(back["changes"]) == len(there["changes"])
    starts = [line.split(":")[0].split(" (")[0] for line in there["changes"]]
    assert [each for each in expected if each not in starts] == []


HELD = {
    "composite": "CREATE TYPE co AS (a int, b d); CREATE TABLE t (a co)",
    "composite in an array": "CREATE TYPE co AS (a int, b d); CREATE TABLE t (a co[])",
    "array in a composite": "CREATE TYPE co AS (a int, b d[]); CREATE TABLE t (a co)",
    "composite in another": (
        "CREATE TYPE co AS (a int, b d); CREATE TYPE cc AS (c co); CREATE TABLE t (a cc)"
    ),
    "composite under a domain": (
        "CREATE TYPE co AS (a int, b d); CREATE DOMAIN dc AS co; CREATE TABLE t (a dc)"
    ),
    "range": "CREATE TYPE ra AS RANGE (SUBTYPE = d); CREATE TABLE t (a ra)",
    "domain": "CREATE DOMAIN dd AS d; CREATE TABLE t (a dd)",
}
VALUES = {
    "composite": "(1,7)",
    "composite in an array": '{"(1,7)"}',
    "array in a composite": "(1,{7})",
    "composite in another": '("(1,7)")',
    "composite under a domain": "(1,7)",
    "range": "[7,9)",
    "domain": "7",
}


@pytest.mark.parametrize("within", HELD)
@pytest.mark.parametrize("said", ["CHECK (VALUE > 5)", "NOT NULL"])
def test_a_domain_gets_a_check_wherever_its_values_are(
    databases, tmp_path, within, said
):
    """The server adds none while columns hold such values within others."""
    before = f"CREATE DOMAIN d AS int CHECK (VALUE > 0); {HELD[within]}"
    rows = f"INSERT INTO t VALUES ('{VALUES[within]}')"
    fill(databases[0], f"{before}; {rows}")
    fill(databases[1], f"CREATE DOMAIN d AS int {said}; {HELD[within]}")
    had = asked(databases[0], "SELECT a::text FROM t")

    _, module = compared(databases, tmp_path / "script.py")
    with connected(databases[0]) as connection:
        run_plainly(connection, module["upgrade"])
    assert compared(databases, tmp_path / "up.py")[0].startswith("No differences")
    with connected(databases[0]) as connection:
        run_plainly(connection, module["downgrade"])
    fill(databases[1], before)
    assert compared(databases, tmp_path / "back.py")[0].startswith("No differences")
    assert asked(databases[0], "SELECT a::text FROM t") == had


@pytest.mark.parametrize("there", ["", "CREATE SCHEMA other;"])
def test_an_extension_comes_to_its_own_schema(databases, tmp_path, there):
    """What has a type of it says the schema; the extension stays, and the schema too."""
    sides = (
        f"{there} CREATE TABLE t (a text)",
        "CREATE SCHEMA other; CREATE EXTENSION citext SCHEMA other; CREATE TABLE t (a"
        " other.citext)",
    )
    for url, sql in zip(databases, sides, strict=True):
        with connected(url) as connection:
            wipe(connection)
            execute(connection, f"DROP SCHEMA IF EXISTS other CASCADE; {sql}")
    script = tmp_path / "script.py"
    told(databases, "--script", str(script))

    for _ in range(2):
        run(databases[0], script, "upgrade")
        assert told(databases).endswith("No differences.\n")
        run(databases[0], script, "downgrade")


KEYS = "CREATE TABLE t (a d PRIMARY KEY, b int CONSTRAINT u UNIQUE, CONSTRAINT x EXCLUDE (a WITH =))"
DOMAIN = "CREATE DOMAIN d AS {} CONSTRAINT c CHECK (VALUE > {}) CONSTRAINT e CHECK (VALUE < 9)"
COMMENTS = (
    "COMMENT ON INDEX t_pkey IS 'x'; COMMENT ON CONSTRAINT t_pkey ON t IS ':y'; COMMENT ON INDEX"
    " u IS '%s'; COMMENT ON INDEX x IS 'x'; COMMENT ON CONSTRAINT c ON DOMAIN d IS 'y'; COMMENT"
    " ON SCHEMA public IS 'mine'"
)
COMMENTED = {
    "they come": (
        f"{DOMAIN.format('int', 0)}; {KEYS}",
        f"{DOMAIN.format('int', 0)}; {KEYS}; {COMMENTS}",
    ),
    "with new things": ("SELECT 1", f"{DOMAIN.format('int', 0)}; {KEYS}; {COMMENTS}"),
    "a check becomes another": (
        f"{DOMAIN.format('int', 0)}; {KEYS}; {COMMENTS}",
        f"{DOMAIN.format('int', 1)}; {KEYS}; {COMMENTS}",
    ),
    "the domain is made anew": (
        f"{DOMAIN.format('int', 0)}; {KEYS}; {COMMENTS}",
        f"{DOMAIN.format('bigint', 0)}; {KEYS}; {COMMENTS}; COMMENT ON CONSTRAINT e ON DOMAIN d"
        " IS 'e'; COMMENT ON SCHEMA public IS 'yours'",
    ),
    "a type of several parts is made anew": (
        "CREATE TYPE c AS (a int, b text); COMMENT ON COLUMN c.a IS 'a'; CREATE TABLE t (c c)",
        "CREATE TYPE c AS (b text, a int); COMMENT ON COLUMN c.a IS 'a'; CREATE TABLE t (c c)",
    ),
}


@pytest.mark.parametrize("pair", COMMENTED)
def test_comments_are_as_they_shall_be(databases, tmp_path, pair):
    """Those on the index of a key, on the check of a domain, on the default schema."""
    before, after = COMMENTED[pair]
    fill(databases[0], before)
    led(databases, tmp_path, after, before)


def test_comments_that_are_left_alone_are_said(databases, tmp_path):
    """Those on the indexes that partitions have of a key of the whole."""
    made = (
        "CREATE TABLE t (a int PRIMARY KEY) PARTITION BY LIST (a); CREATE TABLE p PARTITION OF t"
        " FOR VALUES IN (1)"
    )
    fill(databases[0], made)
    fill(databases[1], f"{made}; COMMENT ON INDEX p_pkey IS 'x'")
    output, _ = compared(databases, tmp_path / "script.py")
    said = " ".join(output.split())
    assert "comment on index of key p.p_pkey" in said
    assert "No differences" in said


NAMED = (
    "CREATE TYPE {0} AS ENUM ('a'); CREATE TABLE {1} (a int); CREATE TYPE c AS (x {0}, y {1}[]);"
    " CREATE DOMAIN d AS {0}[]; CREATE TABLE h (c c, d d)"
)


def test_types_are_of_what_gets_another_name(databases, tmp_path):
    """They follow it where they stand, there and back."""
    before, after = NAMED.format("e", "t"), NAMED.format('"e x"', "u")
    fill(databases[0], f"{before}; INSERT INTO h VALUES (ROW('a', '{{(1)}}'), '{{a}}')")
    led(databases, tmp_path, after, before, "--rename", "e:e x", "--rename", "t:u")
    script = (tmp_path / "script.py").read_text()
    assert "TYPE c" not in script
    assert "CREATE" not in script


SEQUENCES = (
    "CREATE SEQUENCE a; CREATE UNLOGGED SEQUENCE b INCREMENT 2",
    "CREATE UNLOGGED SEQUENCE a START 4; CREATE SEQUENCE b; CREATE UNLOGGED SEQUENCE c",
)


def test_sequences_are_logged_or_not(databases, tmp_path):
    """As in the other database; those of columns are as their tables."""
    with connected(databases[0]) as connection:
        if connection.dialect.server_version_info < (15,):
            pytest.skip("sequences are always logged there")
    fill(databases[0], SEQUENCES[0])
    led(databases, tmp_path, *SEQUENCES[::-1])


def test_a_schema_goes_with_the_statistics_of_its_tables(databases, tmp_path):
    """They go with their table, and hold no schema by themselves."""
    for url in databases:
        fill(url, "DROP SCHEMA IF EXISTS app CASCADE")
    before = (
        "CREATE SCHEMA app; CREATE TABLE app.t (a int); COMMENT ON SCHEMA app IS 'x'; CREATE"
        " STATISTICS app.s ON a, (a + 1) FROM app.t"
    )
    fill(databases[0], before)
    script = tmp_path / "script.py"
    output = told(databases, "--script", str(script))
    assert "- schema app" in output
    assert "comment on schema" not in output
    run(databases[0], script, "upgrade")
    assert told(databases).endswith("No differences.\n")
    run(databases[0], script, "downgrade")
    assert "- schema app" in told(databases)
    fill(databases[0], "DROP SCHEMA IF EXISTS app CASCADE")
