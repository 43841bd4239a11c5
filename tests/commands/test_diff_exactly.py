"""`whimbrel diff` of two PostgreSQL databases tells what models have no words for."""

import pytest
from click.testing import CliRunner

from postgresql_pairs import connected, execute, run_plainly, wipe
from whimbrel.cli import whimbrel


SERIAL = "CREATE TABLE t (a text, i serial); INSERT INTO t (a) VALUES ('x'), ('y')"

PAIRS = {
    "the sequence of a serial column gets another name": (
        SERIAL,
        f"{SERIAL}; ALTER SEQUENCE t_i_seq RENAME TO other",
    ),
    "the sequence of a serial column counts otherwise": (
        f"{SERIAL}; CREATE TABLE u (i bigserial)",
        f"{SERIAL}; CREATE TABLE u (i bigserial); ALTER SEQUENCE t_i_seq INCREMENT 5 CYCLE"
        " MAXVALUE 99; COMMENT ON SEQUENCE u_i_seq IS 'counts'",
    ),
    "a serial column may be NULL, and is of another type than its sequence": (
        f"{SERIAL}; CREATE TABLE u (i serial)",
        f"{SERIAL}; CREATE TABLE u (i serial); ALTER TABLE t ALTER i DROP NOT NULL;"
        " ALTER TABLE u ALTER i TYPE bigint",
    ),
    "a new table counts by a sequence of another name": (
        "",
        "CREATE TABLE t (i int NOT NULL); CREATE SEQUENCE odd START 50 OWNED BY t.i;"
        " ALTER TABLE t ALTER i SET DEFAULT nextval('odd')",
    ),
    "the sequence of a serial column outlives it": (
        SERIAL,
        "CREATE TABLE t (a text); CREATE SEQUENCE t_i_seq AS int",
    ),
    "a sequence counts down, in another type": (
        "CREATE SEQUENCE s",
        "CREATE SEQUENCE s AS int INCREMENT -1 MINVALUE -500 START -7",
    ),
    "types are replaced under columns that hold values": (
        "CREATE TYPE e AS ENUM ('a', 'b', 'c'); CREATE DOMAIN d AS int CHECK (value > 0);"
        " CREATE DOMAIN f AS d; CREATE TYPE co AS (p e, q int); CREATE DOMAIN x AS text;"
        " CREATE TYPE y AS ENUM ('a', 'b'); CREATE TABLE t (a d DEFAULT 7, b d[], c co, f"
        " f, x x DEFAULT 'a', y y, z e); CREATE INDEX i ON t (a) WHERE a > 3;"
        " INSERT INTO t VALUES (1, '{2,3}', '(a,3)', 4, 'a', 'b', 'c')",
        "CREATE TYPE e AS ENUM ('c', 'a'); CREATE DOMAIN d AS bigint CHECK (value > 0);"
        " COMMENT ON DOMAIN d IS 'd'; CREATE DOMAIN f AS d; CREATE TYPE co AS (p e, q int);"
        " CREATE TYPE x AS ENUM ('a', 'b'); CREATE DOMAIN y AS text; CREATE TABLE t (a d"
        " DEFAULT 7, b d[], c co, f f, x x DEFAULT 'a', y y, z e);"
        " CREATE INDEX i ON t (a) WHERE a > 3",
    ),
    "a domain of which a column has an array is altered": (
        "CREATE DOMAIN d AS int CHECK (value > 0); CREATE TABLE t (a d[])",
        "CREATE DOMAIN d AS int CHECK (value > 1); CREATE TABLE t (a d[])",
    ),
    "a value comes to a type of which others are made": (
        "CREATE TYPE e AS ENUM ('a', 'c'); CREATE TYPE co AS (p e); CREATE TABLE t (x co)",
        "CREATE TYPE e AS ENUM ('a', 'b', 'c'); CREATE TYPE co AS (p e); CREATE TABLE t (x co)",
    ),
    "types come from enumerated ones": (
        "",
        "CREATE TYPE e AS ENUM ('a'); CREATE TYPE co AS (x e); CREATE DOMAIN d AS co[];"
        " CREATE TABLE t (v d)",
    ),
    "names are taken by things of another kind": (
        "CREATE TABLE t (a int CONSTRAINT k UNIQUE, b int); CREATE INDEX i ON t (a);"
        " CREATE TABLE s (a int); CREATE SEQUENCE q; CREATE TYPE y AS ENUM ('a')",
        "CREATE TABLE t (a int, b int CONSTRAINT i UNIQUE); CREATE INDEX s ON t (a);"
        " CREATE TABLE q (a int CONSTRAINT k PRIMARY KEY); CREATE TABLE y (a int)",
    ),
    "how keys are stored, and how values are counted": (
        "CREATE TABLE t (a int PRIMARY KEY, b text, c text UNIQUE, EXCLUDE (b WITH =))",
        "CREATE TABLE t (a int PRIMARY KEY WITH (fillfactor=70), b text, c text UNIQUE,"
        " EXCLUDE (b WITH =) WITH (fillfactor=60), UNIQUE (b, a) INCLUDE (c) WITH"
        " (fillfactor=50) DEFERRABLE); ALTER TABLE t ALTER a SET STATISTICS 500, ALTER b SET"
        " STORAGE EXTERNAL, ALTER b SET (n_distinct=5); CREATE TABLE u (i serial PRIMARY"
        " KEY WITH (fillfactor=90)); ALTER TABLE u ALTER i SET STATISTICS 0;"
        " CREATE TYPE fr AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = float8mi);"
        " CREATE TABLE r (f fr)",
    ),
    "parts of tables come, change and go": (
        "CREATE TABLE m (a int, b text) PARTITION BY LIST (a); CREATE TABLE m1 PARTITION OF m"
        " FOR VALUES IN (1); CREATE TABLE m2 PARTITION OF m FOR VALUES IN (2); CREATE TABLE"
        " m3 PARTITION OF m FOR VALUES IN (3); CREATE INDEX i ON m1 (b); CREATE TABLE free"
        " (a int, b text); INSERT INTO m VALUES (1, 'x'), (2, 'y')",
        "CREATE TABLE m (a int, b text) PARTITION BY LIST (a); CREATE TABLE m1 PARTITION OF m"
        " (b DEFAULT 'x' NOT NULL, CONSTRAINT k CHECK (b <> '')) FOR VALUES IN (1); CREATE"
        " TABLE m2 PARTITION OF m FOR VALUES IN (2, 4); ALTER TABLE m1 ADD PRIMARY KEY (b);"
        " ALTER TABLE m2 ENABLE ROW LEVEL SECURITY; CREATE TABLE free PARTITION OF m FOR"
        " VALUES IN (7); CREATE TABLE m5 PARTITION OF m DEFAULT PARTITION BY HASH (b);"
        " CREATE UNLOGGED TABLE m5a PARTITION OF m5 FOR VALUES WITH (MODULUS 2, REMAINDER"
        " 0); COMMENT ON TABLE m5a IS 'said'; CREATE UNIQUE INDEX u ON m5a (b);"
        " CREATE TABLE m3 (a int, b text)",
    ),
    "parts take the values of others": (
        "CREATE TABLE m (a int PRIMARY KEY, b text) PARTITION BY LIST (a);"
        " CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1);"
        " CREATE TABLE m2 PARTITION OF m FOR VALUES IN (2);"
        " CREATE TABLE m3 PARTITION OF m FOR VALUES IN (3)",
        "CREATE TABLE m (a int PRIMARY KEY, b text) PARTITION BY LIST (a);"
        " CREATE TABLE m1 PARTITION OF m FOR VALUES IN (2);"
        " CREATE TABLE m2 PARTITION OF m FOR VALUES IN (3);"
        " CREATE TABLE m5 PARTITION OF m FOR VALUES IN (1)",
    ),
    "a part stands by itself, another table becomes one": (
        "CREATE TABLE m (a int PRIMARY KEY, b text) PARTITION BY LIST (a);"
        " CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1);"
        " CREATE TABLE m2 (a int NOT NULL PRIMARY KEY, b text); CREATE INDEX i ON m (b);"
        " CREATE INDEX m2_b_idx ON m2 (b); INSERT INTO m VALUES (1, 'x')",
        "CREATE TABLE m (a int PRIMARY KEY, b text) PARTITION BY LIST (a);"
        " CREATE TABLE m1 (a int NOT NULL PRIMARY KEY, b text);"
        " CREATE TABLE m2 PARTITION OF m FOR VALUES IN (2); CREATE INDEX i ON m (b);"
        " CREATE INDEX m1_b_idx ON m1 (b)",
    ),
    "a table goes of whose parts another speaks": (
        "CREATE TABLE m (a int PRIMARY KEY) PARTITION BY LIST (a); CREATE TABLE m1"
        " PARTITION OF m FOR VALUES IN (1); CREATE TABLE r (a int REFERENCES m)",
        "CREATE TABLE z (a int)",
    ),
    "a column is retyped of which another was generated": (
        "CREATE TABLE t (a varchar(9), b int GENERATED ALWAYS AS (length(a)) STORED)",
        "CREATE TABLE t (a text, b int)",
    ),
    "a column goes under the indexes of parts and of heirs": (
        "CREATE TABLE m (a int, b text) PARTITION BY LIST (a); CREATE TABLE m1 PARTITION OF m"
        " FOR VALUES IN (1); CREATE INDEX i ON m1 (b); CREATE TABLE p (a int, b int);"
        " CREATE TABLE h () INHERITS (p); CREATE INDEX hi ON h (b); ALTER TABLE h ADD CHECK"
        " (b > 0), ALTER a SET NOT NULL",
        "CREATE TABLE m (a int) PARTITION BY LIST (a); CREATE TABLE m1 PARTITION OF m"
        " FOR VALUES IN (1); CREATE TABLE p (a int); CREATE TABLE h () INHERITS (p)",
    ),
    "generated columns become plain while what they are made from is generated": (
        "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED, d int DEFAULT 5)",
        "CREATE TABLE t (a int, b int, d int GENERATED ALWAYS AS (a + b) STORED)",
    ),
}


def told(first, second, *words):
    command = ["diff", first, second, "--schema", "app", *words]
    result = CliRunner().invoke(whimbrel, command)
    assert result.exit_code in (0, 2), (result.output, result.exception)
    return result.output


def fill(url, sql):
    with connected(url) as connection:
        wipe(connection)
        execute(connection, sql or "SELECT 1")


@pytest.mark.parametrize("name", PAIRS)
def test_all_is_led_there_and_back(databases, tmp_path, name):
    """A script leads from the one database to the other, and back."""
    script, (before, after) = tmp_path / "script.py", PAIRS[name]
    for url, sql in zip(databases, (before, after), strict=True):
        fill(url, sql)
    there = told(*databases, "--script", str(script))
    assert "No differences" not in there
    module = {}
    exec(compile(script.read_text(), "script.py", "exec"), module)

    with connected(databases[0]) as connection:
        run_plainly(connection, module["upgrade"])
    assert told(*databases) == "No differences.\n"
    with connected(databases[0]) as connection:
        run_plainly(connection, module["downgrade"])
    fill(databases[1], before)
    assert told(*databases) == "No differences.\n"


HEIRS = (
    "CREATE TABLE p (a int, b text, CHECK (a > 0)); CREATE TABLE h (d int) INHERITS (p);"
    " INSERT INTO h VALUES (1, 'x', 2)",
    "CREATE TABLE p (a int, b text, CHECK (a > 0)); CREATE TABLE h (a int, b text, d int,"
    " CONSTRAINT p_a_check CHECK (a > 0))",
)


def test_an_heir_keeps_what_it_inherited(databases, tmp_path):
    """Its columns stay with their values where a table stands by itself, or not more."""
    script = tmp_path / "script.py"
    for url, sql in zip(databases, HEIRS, strict=True):
        fill(url, sql)
    told(*databases, "--script", str(script))
    module = {}
    exec(compile(script.read_text(), "script.py", "exec"), module)
    with connected(databases[0]) as connection:
        run_plainly(connection, module["upgrade"])
        assert told(*databases) == "No differences.\n"
        run_plainly(connection, module["downgrade"])
        rows = connection.exec_driver_sql("SELECT a, b, d FROM p JOIN h USING (a, b)")
        assert [tuple(row) for row in rows] == [(1, "x", 2)]
