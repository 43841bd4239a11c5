"""`whimbrel diff` of two PostgreSQL databases: domains, types and schemas come to be alike."""

import json

import pytest
from click.testing import CliRunner

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
