"""What parts and heirs say by themselves outlives what becomes of their wholes."""

import pytest
from click.testing import CliRunner

from postgresql_pairs import connected, execute, run_plainly, there_and_back, wipe
from whimbrel.cli import whimbrel


PARTED = (
    "{type}; CREATE TABLE w (k int, v {of} {whole}) PARTITION BY LIST (k); CREATE TABLE w1"
    " PARTITION OF w FOR VALUES IN (1); CREATE TABLE w2 PARTITION OF w (v DEFAULT {part})"
    " FOR VALUES IN (2); CREATE TABLE w3 PARTITION OF w FOR VALUES IN (3) PARTITION BY LIST"
    " (k); CREATE TABLE w3a PARTITION OF w3 (v DEFAULT {part}) FOR VALUES IN (3)"
)
INHERITED = (
    "{type}; CREATE TABLE w (k int, v {of} {whole}); CREATE TABLE w1 () INHERITS (w); CREATE"
    " TABLE w2 () INHERITS (w); ALTER TABLE w2 ALTER v SET DEFAULT {part}; CREATE TABLE w3 ()"
    " INHERITS (w1); CREATE TABLE w3a (v {of} DEFAULT {part}) INHERITS (w3)"
)
OLD = {"type": "CREATE TYPE e AS ENUM ('a', 'b', 'c')", "of": "e", "part": "'b'"}
NEW = {**OLD, "type": "CREATE TYPE e AS ENUM ('b', 'a')"}
TEXT = {"type": "SELECT 1", "of": "text", "part": "upper('it''s 50% :b')"}
CHANGES = {
    "a type is replaced": (
        {**OLD, "whole": "DEFAULT 'a'"},
        {**NEW, "whole": "DEFAULT 'a'"},
    ),
    "the whole has none": ({**OLD, "whole": ""}, {**NEW, "whole": ""}),
    "the whole gets one": ({**TEXT, "whole": ""}, {**TEXT, "whole": "DEFAULT 'z'"}),
    "the whole's changes": (
        {**TEXT, "whole": "DEFAULT 'y'"},
        {**TEXT, "whole": "DEFAULT 'z'"},
    ),
    "a column becomes text": (
        {**OLD, "whole": "DEFAULT 'a'"},
        {**TEXT, "whole": "DEFAULT 'a'", "part": "'b'"},
    ),
}
ASKED = (
    "SELECT c.relname, replace(pg_get_expr(adbin, adrelid), '::e', '::text') FROM pg_class c"
    " JOIN pg_attribute a ON attrelid = c.oid AND attname = 'v' LEFT JOIN pg_attrdef d ON"
    " adrelid = attrelid AND adnum = attnum WHERE relname LIKE 'w_%%' ORDER BY 1"
)


def fill(url, sql):
    with connected(url) as connection:
        wipe(connection)
        execute(connection, sql)


def compared(databases, script, *words):
    said = ["diff", *databases, "--script", str(script), *words]
    result = CliRunner().invoke(whimbrel, said)
    assert result.exit_code in (0, 2), (result.output, result.exception)
    module = {}
    if script.exists():
        exec(compile(script.read_text(), "script.py", "exec"), module)
    return result.output, module


def asked(url, sql):
    with connected(url) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def led(databases, folder, after, before, *words):
    """Lead the first database there, back and again by a script; nothing is left."""
    fill(databases[1], after)
    _, module = compared(databases, folder / "script.py", *words)
    for verb, there in (("upgrade", after), ("downgrade", before), ("upgrade", after)):
        with connected(databases[0]) as connection:
            run_plainly(connection, module[verb])
        fill(databases[1], there)
        told, _ = compared(databases, folder / "again.py")
        assert told.startswith("No differences"), (verb, told)


@pytest.mark.parametrize("made", [PARTED, INHERITED], ids=["parts", "heirs"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_default_of_its_own_stays_between_databases(
    databases, tmp_path, made, change
):
    """What becomes of the whole's default becomes of no other, there and back."""
    before, after = (made.format_map(each) for each in CHANGES[change])
    fill(databases[0], before)
    fill(databases[1], after)
    had, wanted = (asked(each, ASKED) for each in databases)

    _, module = compared(databases, tmp_path / "script.py")
    with connected(databases[0]) as connection:
        run_plainly(connection, module["upgrade"])
    assert asked(databases[0], ASKED) == wanted
    with connected(databases[0]) as connection:
        run_plainly(connection, module["downgrade"])
    assert asked(databases[0], ASKED) == had


@pytest.mark.parametrize("made", [PARTED, INHERITED], ids=["parts", "heirs"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_default_of_its_own_stays_where_models_know_no_parts(
    postgresql_url, made, change
):
    """Models speak of the whole alone, and what they do not know is kept."""
    before, after = (made.format_map(each) for each in CHANGES[change])
    fill(postgresql_url, after)
    wanted = asked(postgresql_url, ASKED)

    outcome = there_and_back(postgresql_url, before, after, select=ASKED)

    assert outcome.rows == wanted
    assert outcome.left == outcome.left_back == ()


def test_a_part_gets_the_default_that_it_shall_have(databases, tmp_path):
    """That of another database, while the whole's becomes another, too."""
    made = (
        "CREATE TABLE w (k int, v int DEFAULT {}) PARTITION BY LIST (k); CREATE TABLE w1"
        " PARTITION OF w (v DEFAULT {}) FOR VALUES IN (1)"
    )
    fill(databases[0], made.format(1, 6))
    fill(databases[1], made.format(2, 7))
    had, wanted = (asked(each, ASKED) for each in databases)

    _, module = compared(databases, tmp_path / "script.py")
    for verb, defaults in (("upgrade", wanted), ("downgrade", had)):
        with connected(databases[0]) as connection:
            run_plainly(connection, module[verb])
        assert asked(databases[0], ASKED) == defaults


def part(whole, own, kind="int"):
    """A table with a part, and an heir, of the same default."""
    return (
        f"CREATE TABLE w (k int, v {kind} {whole}) PARTITION BY LIST (k); CREATE TABLE w_1"
        f" PARTITION OF w FOR VALUES IN (1); ALTER TABLE w_1 ALTER v {own};"
        f" CREATE TABLE h (k int, v {kind} {whole}); CREATE TABLE w_h () INHERITS (h);"
        f" ALTER TABLE w_h ALTER v {own}; CREATE TABLE w_b () INHERITS (w_h)"
    )


OWN, NONE = "SET DEFAULT 5", "DROP DEFAULT"
FOLLOWING = {
    "the whole's stays": (part("DEFAULT 1", OWN), part("DEFAULT 1", "SET DEFAULT 1")),
    "the whole's changes": (part("DEFAULT 1", OWN), part("DEFAULT 2", "SET DEFAULT 2")),
    "the whole's comes": (part("", OWN), part("DEFAULT 2", "SET DEFAULT 2")),
    "the whole's goes": (part("DEFAULT 1", OWN), part("", NONE)),
    "the whole gets that of the part": (
        part("DEFAULT 1", OWN),
        part("DEFAULT 5", OWN),
    ),
    "the part keeps that of the whole": (
        part("DEFAULT 1", "SET DEFAULT 1"),
        part("DEFAULT 2", "SET DEFAULT 1"),
    ),
    "the type changes": (
        part("DEFAULT 1", OWN),
        part("DEFAULT 2", "SET DEFAULT 2", "bigint"),
    ),
    "the part has none": (part("DEFAULT 1", NONE), part("DEFAULT 1", "SET DEFAULT 1")),
    "the part has none of another type": (
        part("DEFAULT 1", NONE),
        part("DEFAULT 'x'", "SET DEFAULT 'x'", "text"),
    ),
}


@pytest.mark.parametrize("pair", FOLLOWING)
def test_a_part_follows_its_whole_again_or_no_more(databases, tmp_path, pair):
    """There and back, whichever of the two it does in the end."""
    for number, sides in enumerate((FOLLOWING[pair], FOLLOWING[pair][::-1])):
        for url, sql in zip(databases, sides, strict=True):
            fill(url, sql)
        had, wanted = (asked(each, ASKED) for each in databases)
        script = tmp_path / f"script{number}.py"
        _, module = compared(databases, script)
        for verb, defaults in (("upgrade", wanted), ("downgrade", had)):
            with connected(databases[0]) as connection:
                run_plainly(connection, module[verb])
            assert asked(databases[0], ASKED) == defaults, script.read_text()


@pytest.mark.parametrize(
    "after",
    [
        "CREATE TABLE w (k int, v int DEFAULT 2)",
        "CREATE TABLE w (k int, v int DEFAULT 2) PARTITION BY LIST (k)",
        "CREATE TABLE w (k int) PARTITION BY LIST (k); CREATE TABLE w1 PARTITION OF w FOR"
        " VALUES IN (1)",
        "CREATE TABLE w (k int, v int DEFAULT 2) PARTITION BY LIST (k); CREATE TABLE w1 (k"
        " int, v int DEFAULT 7)",
    ],
)
def test_nothing_is_said_of_a_part_that_goes(databases, tmp_path, after):
    """Neither of one that stands alone, nor of a column that goes."""
    if "PARTITION" in after:
        before = (
            "CREATE TABLE w (k int, v int DEFAULT 1) PARTITION BY LIST (k); CREATE TABLE w1"
            " PARTITION OF w (v DEFAULT 5) FOR VALUES IN (1)"
        )
    else:
        before = (
            "CREATE TABLE w (k int, v int DEFAULT 1); CREATE TABLE w1 () INHERITS (w);"
            " ALTER TABLE w1 ALTER v SET DEFAULT 5"
        )
    fill(databases[0], before)
    fill(databases[1], after)
    _, module = compared(databases, tmp_path / "script.py")
    with connected(databases[0]) as connection:
        run_plainly(connection, module["upgrade"])
    assert compared(databases, tmp_path / "again.py")[0].startswith("No differences")


KEEPING = (
    "CREATE TABLE p (a int, b text); CREATE TABLE keeps () INHERITS (p); CREATE TABLE"
    " loses () INHERITS (p); CREATE TABLE below () INHERITS (loses); CREATE TABLE beside ()"
    ' INHERITS (loses); CREATE TABLE "50% off" () INHERITS (p)',
    "CREATE TABLE p (a int); CREATE TABLE keeps (b text NOT NULL) INHERITS (p); CREATE"
    " TABLE loses () INHERITS (p); CREATE TABLE below (b text) INHERITS (loses); CREATE"
    ' TABLE beside () INHERITS (loses); CREATE TABLE "50% off" () INHERITS (p)',
)


def test_an_heir_keeps_the_column_that_its_parent_loses(databases, tmp_path):
    """Its rows keep their values, in a column that is its own from then on."""
    before, after = KEEPING
    tables = ("p", "keeps", "loses", "below", "beside", '"50% off"')
    rows = (f"INSERT INTO {each} VALUES (1, 'mine')" for each in tables)
    fill(databases[0], "; ".join([before, *rows]))
    fill(databases[1], after)
    _, module = compared(databases, tmp_path / "script.py")
    with connected(databases[0]) as connection:
        run_plainly(connection, module["upgrade"])
    assert compared(databases, tmp_path / "again.py")[0].startswith("No differences")
    for each in ("keeps", "below"):
        assert asked(databases[0], f"SELECT b FROM {each}") == [("mine",)]

    with connected(databases[0]) as connection:
        run_plainly(connection, module["downgrade"])
    kept = asked(
        databases[0], "SELECT tableoid::regclass::text FROM p WHERE b = 'mine'"
    )
    assert sorted(kept) == [("below",), ("keeps",)]


MERGED = (
    "CREATE TABLE p (a int, b int NOT NULL DEFAULT 3); CREATE TABLE h () INHERITS (p);"
    " CREATE TABLE l () INHERITS (h)",
    "CREATE TABLE p (a int); CREATE TABLE h (b text DEFAULT 'x')"
    " INHERITS (p); CREATE TABLE l () INHERITS (h)",
)


@pytest.mark.parametrize("is_turned", [False, True])
def test_an_heir_has_by_itself_what_its_parent_gets(databases, tmp_path, is_turned):
    """It gets the parent's type first, for the two columns become one; so it does back."""
    before, after = MERGED[::-1] if is_turned else MERGED
    rows = (f"INSERT INTO {each} VALUES (1, 7)" for each in ("h", "l"))
    fill(databases[0], "; ".join([before, *rows]))
    fill(databases[1], after)
    _, module = compared(databases, tmp_path / "script.py")
    for verb, wanted in (("upgrade", after), ("downgrade", before)):
        with connected(databases[0]) as connection:
            run_plainly(connection, module[verb])
        fill(databases[1], wanted)
        told, _ = compared(databases, tmp_path / f"{verb}.py")
        assert told.startswith("No differences"), told
        for each in ("h", "l"):
            assert asked(databases[0], f"SELECT b::text FROM ONLY {each}") == [("7",)]


OWNED = (
    "CREATE TABLE p (k int, a {0}, b {0}); CREATE TABLE h ({1}) INHERITS (p); CREATE TABLE g ()"
    " INHERITS (h)",
    "CREATE TABLE p (k int, a {0}, b {0}) PARTITION BY LIST (k); CREATE TABLE h PARTITION OF p"
    " ({1}) FOR VALUES IN (1); CREATE TABLE g (k int)",
)
BORNE_NOT = {
    "a check": "CHECK (a < b)",
    "one that is not handed down, called like a column": "CONSTRAINT k CHECK (a < b) NO INHERIT",
    "an exclusion": "EXCLUDE USING btree (greatest(a, b) WITH =)",
}


@pytest.mark.parametrize("own", BORNE_NOT)
@pytest.mark.parametrize("made", OWNED, ids=["heirs", "parts"])
@pytest.mark.parametrize("kind", ["text", "date"])
def test_what_an_heir_says_itself_of_columns_is_made_again(
    databases, tmp_path, made, own, kind
):
    """The server bears no expression of two columns that get a type one by one."""
    said = BORNE_NOT[own]
    if "PARTITION" in made:  # its checks are handed down
        said = said.removesuffix(" NO INHERIT")
    before, after = (made.format(each, said) for each in ("int", kind))
    fill(databases[0], before)
    led(databases, tmp_path, after, before)


def test_indexes_of_heirs_are_made_again(databases, tmp_path):
    """Those of expressions, and those with a condition; a check of both sides goes."""
    more = "CREATE INDEX i ON h (greatest(a, b)); CREATE INDEX j ON g (k) WHERE a < b"
    before, after = (
        f"{OWNED[0].format(each, check)}; {more}"
        for each, check in (("int", "CONSTRAINT k CHECK (a + 1 > b)"), ("text", ""))
    )
    fill(databases[0], before)
    led(databases, tmp_path, after, before)
