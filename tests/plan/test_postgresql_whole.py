"""All that a PostgreSQL catalog tells, beyond what models can say, is led there and back."""

import pytest
import sqlalchemy as sa

from postgresql_pairs import connected, execute, state_of, there_and_back, wipe
from whimbrel.catalog.models import read_models
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope


T = "CREATE TABLE t (id integer PRIMARY KEY, name text NOT NULL)"
UNIQUE = "; CREATE UNIQUE INDEX names ON t (name)"
SEQUENCE = "CREATE SEQUENCE s; CREATE TABLE t (id bigint); CREATE TABLE u (id bigint)"
KEPT = (
    "CREATE {0} TABLE a (id int PRIMARY KEY, c int); CREATE {0} TABLE b (id int PRIMARY KEY,"
    " a int REFERENCES a, b int REFERENCES b); CREATE {0} TABLE c (id int PRIMARY KEY,"
    " b int CONSTRAINT kept REFERENCES b); ALTER TABLE a ADD FOREIGN KEY (c) REFERENCES c;"
    " CREATE {0} TABLE d (id serial REFERENCES c);"
)

PAIRS = {
    "a table without columns": ("", "CREATE TABLE t ()"),
    "row security": (
        "CREATE TABLE u (); ALTER TABLE u FORCE ROW LEVEL SECURITY",
        f"CREATE TABLE u (); {T}; ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
        " ALTER TABLE u ENABLE ROW LEVEL SECURITY",
    ),
    "what a row is told by in full": (T, f"{T}; ALTER TABLE t REPLICA IDENTITY FULL"),
    "what a row of a new table is told by": (
        "",
        f"{T}{UNIQUE}; ALTER TABLE t REPLICA IDENTITY USING INDEX names",
    ),
    "a row is told by an index that comes": (
        f"{T}; ALTER TABLE t REPLICA IDENTITY FULL",
        f"{T}{UNIQUE}; ALTER TABLE t REPLICA IDENTITY USING INDEX names",
    ),
    "by which index the rows are sorted": (
        f"{T}{UNIQUE}; CREATE INDEX other ON t (name); ALTER TABLE t CLUSTER ON names",
        f"{T}{UNIQUE}; ALTER TABLE t SET WITHOUT CLUSTER;"
        " CREATE TABLE u (a int); CREATE INDEX i ON u (a); ALTER TABLE u CLUSTER ON i",
    ),
    "defaults of what is inherited": (
        "CREATE TABLE base (a int DEFAULT 1, b int, c int); CREATE TABLE t () INHERITS"
        " (base); ALTER TABLE t ALTER c SET DEFAULT 7; CREATE TABLE u () INHERITS (base)",
        "CREATE TABLE base (a int DEFAULT 1, b int, c int); CREATE TABLE t () INHERITS"
        " (base); ALTER TABLE t ALTER b SET DEFAULT 5; CREATE TABLE u () INHERITS (base);"
        "CREATE TABLE new (d int) INHERITS (base); ALTER TABLE new ALTER b SET DEFAULT 9",
    ),
    "keys of what is inherited": (
        "",
        "CREATE TABLE base (a int, b int NOT NULL, CHECK (a > 0)); CREATE TABLE t"
        " (c int, UNIQUE (a, c), PRIMARY KEY (b), EXCLUDE (a WITH =)) INHERITS (base);"
        "CREATE TABLE u (FOREIGN KEY (a) REFERENCES t (b)) INHERITS (base)",
    ),
    "a key moves with the index that it stands on": (
        f"{T}{UNIQUE}; CREATE TABLE u (name text);"
        "CREATE TABLE v (name text CONSTRAINT k REFERENCES t (name))",
        f"{T}; CREATE TABLE u (name text); CREATE UNIQUE INDEX names ON u (name);"
        "CREATE TABLE v (name text CONSTRAINT k REFERENCES u (name))",
    ),
    "how an identity counts moves its start": (
        "CREATE TABLE t (i int GENERATED ALWAYS AS IDENTITY (MINVALUE -9 START 2))",
        "CREATE TABLE t (i int GENERATED ALWAYS AS IDENTITY (MINVALUE -8))",
    ),
    "a sequence counts down from its end": (
        "CREATE SEQUENCE s",
        "CREATE SEQUENCE s INCREMENT -1 MAXVALUE 50",
    ),
    "a sequence that stands before its new beginning": (
        "CREATE SEQUENCE s MINVALUE -200 MAXVALUE 200",
        "CREATE SEQUENCE s MINVALUE -100 MAXVALUE 300",
    ),
    "a falling sequence that stands before its new beginning": (
        "CREATE SEQUENCE s INCREMENT -1 MAXVALUE 200 MINVALUE -100",
        "CREATE SEQUENCE s INCREMENT -1 MAXVALUE 100 MINVALUE -100",
    ),
    "a sequence that counts elsewhere": (
        "CREATE SEQUENCE s MAXVALUE 9",
        "CREATE SEQUENCE s MINVALUE 10 MAXVALUE 19",
    ),
    "an identity that stands before its new beginning": (
        'CREATE TABLE "T" (i int GENERATED ALWAYS AS IDENTITY (MINVALUE -9 MAXVALUE 9))',
        'CREATE TABLE "T" (i int GENERATED ALWAYS AS IDENTITY (MINVALUE -8 MAXVALUE 9))',
    ),
    "an identity that counts elsewhere": (
        "CREATE TABLE t (i int GENERATED ALWAYS AS IDENTITY (MAXVALUE 9))",
        "CREATE TABLE t (i int GENERATED ALWAYS AS IDENTITY (MINVALUE 20 MAXVALUE 29))",
    ),
    "a sequence gets an owner": (
        SEQUENCE,
        f"{SEQUENCE}; ALTER SEQUENCE s OWNED BY t.id",
    ),
    "a sequence gets another owner, and counts otherwise": (
        f"{SEQUENCE}; ALTER SEQUENCE s OWNED BY t.id",
        f"{SEQUENCE}; ALTER SEQUENCE s OWNED BY u.id CACHE 5",
    ),
    "the owner of a sequence goes": (
        f"{SEQUENCE}; ALTER SEQUENCE s OWNED BY t.id",
        "CREATE SEQUENCE s; CREATE TABLE u (id bigint)",
    ),
    "a sequence goes with its owner": (
        f"{SEQUENCE}; ALTER SEQUENCE s OWNED BY t.id",
        "CREATE TABLE u (id bigint)",
    ),
    "a column's own sequence comes to stand by itself": (
        "CREATE TABLE t (id serial)",
        "CREATE SEQUENCE t_id_seq CACHE 3;"
        "CREATE TABLE t (id integer NOT NULL DEFAULT nextval('t_id_seq'))",
    ),
    "comments on types and sequences": (
        "CREATE TYPE mood AS ENUM ('a'); CREATE SEQUENCE s; CREATE TYPE k AS ENUM ();"
        "COMMENT ON TYPE k IS 'it''s'",
        "CREATE TYPE mood AS ENUM ('a'); CREATE SEQUENCE s; CREATE TYPE k AS ENUM ();"
        "CREATE TYPE new AS ENUM ('b'); COMMENT ON TYPE new IS ':new';"
        "COMMENT ON TYPE mood IS '50%'; COMMENT ON SEQUENCE s IS 'counts'",
    ),
    "tables are logged no more, whatever refers to what": (
        KEPT.format(""),
        KEPT.format("UNLOGGED"),
    ),
    "tables are logged, whatever refers to what": (
        KEPT.format("UNLOGGED") + "CREATE TABLE e (id int); CREATE UNLOGGED TABLE f ("
        "id int PRIMARY KEY); CREATE UNLOGGED TABLE h (id int PRIMARY KEY)",
        KEPT.format("") + "CREATE TABLE f (id int PRIMARY KEY); CREATE TABLE e (id int"
        " REFERENCES f); CREATE TABLE h (id int PRIMARY KEY); CREATE TABLE g (id int"
        " REFERENCES h)",
    ),
    "a table is logged no more to which another one referred": (
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int REFERENCES a);"
        "CREATE TABLE c (id int REFERENCES a); CREATE TABLE z (id int PRIMARY KEY)",
        "CREATE UNLOGGED TABLE a (id int PRIMARY KEY, n int); CREATE TABLE b (id int);"
        "CREATE TABLE z (id int PRIMARY KEY); CREATE UNLOGGED TABLE n (id int PRIMARY KEY,"
        " a int REFERENCES a, z int REFERENCES z); ALTER TABLE a ADD FOREIGN KEY (n)"
        " REFERENCES n",
    ),
    "a comment on a type that is made anew": (
        "CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TABLE t (m mood);"
        "COMMENT ON TYPE mood IS 'one'",
        "CREATE TYPE mood AS ENUM ('b', 'a'); CREATE TABLE t (m mood);"
        "COMMENT ON TYPE mood IS 'two'",
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_what_the_catalog_tells_is_reached(postgresql_url, name):
    """Plain Alembic comes to what was wanted, and back to what was there."""
    outcome = there_and_back(postgresql_url, *PAIRS[name])

    assert outcome.left == outcome.left_back == ()
    assert "op." in outcome.source


UNSAID = f"""
CREATE TYPE mood AS ENUM ('a'); COMMENT ON TYPE mood IS 'said';
{T}{UNIQUE}; ALTER TABLE t ADD mood mood; ALTER TABLE t ENABLE ROW LEVEL SECURITY;
ALTER TABLE t FORCE ROW LEVEL SECURITY; ALTER TABLE t REPLICA IDENTITY USING INDEX names;
CREATE SEQUENCE s; COMMENT ON SEQUENCE s IS 'said'; ALTER SEQUENCE s OWNED BY t.name;
CREATE SEQUENCE beside OWNED BY t.id; CREATE SEQUENCE gone OWNED BY t.mood
"""


def test_what_models_have_no_words_for_stays(postgresql_url):
    """Nothing is undone for want of words but what goes with its column."""
    models = sa.MetaData()
    table = sa.Table(
        "t",
        models,
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
    )
    table.append_column(sa.Column("name", sa.Text(), nullable=False))
    sa.Index("names", table.c.name, unique=True)
    sa.Sequence("s", metadata=models)
    sa.Enum("a", name="mood", metadata=models)
    with connected(postgresql_url) as connection:
        wipe(connection)
        execute(connection, UNSAID)
        current = state_of(connection)
        wanted = adopt_names(read_models([models], connection, Scope()), current)

    changes = diff(current, wanted)

    gone = [(change.before.name, change.after) for change in changes]
    assert gone == [("gone", None), ("mood", None)]


def test_a_sequence_goes_on_where_it_stands(postgresql_url):
    """Only one that stands before its new beginning is moved there."""
    before = "CREATE SEQUENCE s MINVALUE 1; CREATE SEQUENCE r MINVALUE 1"
    after = "CREATE SEQUENCE s MINVALUE 5; CREATE SEQUENCE r MINVALUE 5"
    rows = "SELECT setval('s', 7), setval('r', 3)"

    outcome = there_and_back(
        postgresql_url, before, after, rows, "SELECT nextval('s'), nextval('r')"
    )

    assert outcome.rows == [(8, 5)]


SEQUENCES = "SELECT relname FROM pg_class WHERE relkind = 'S' ORDER BY 1"


@pytest.mark.parametrize(
    "kind", ["serial", "int GENERATED ALWAYS AS IDENTITY"], ids=["serial", "identity"]
)
def test_a_sequence_is_renamed_with_table_and_column(postgresql_url, kind):
    """It is called as in a database made anew, there and back."""
    outcome = there_and_back(
        postgresql_url,
        f"CREATE TABLE old (id {kind} PRIMARY KEY)",
        f"CREATE TABLE new (nr {kind}, CONSTRAINT old_pkey PRIMARY KEY (nr))",
        select=SEQUENCES,
        renames=["old:new", "new.id:new.nr"],
    )

    assert outcome.left == outcome.left_back == ()
    assert outcome.rows == [("new_nr_seq",)]
    assert outcome.rows_back == [("old_id_seq",)]


@pytest.mark.parametrize(
    ("old", "new"), [("base", "root"), ("Base", "user"), ("a", "B c")]
)
def test_what_inherits_of_a_table_follows_its_name(postgresql_url, old, new):
    """It is not parted from it, which is there no more under its old name."""
    made = (
        'CREATE TABLE "{0}" (id int, CONSTRAINT ck CHECK (id > 0)); CREATE TABLE other ();'
        ' CREATE TABLE heir ({1}) INHERITS (other, "{0}")'
    )
    before, after = made.format(old, "x int"), made.format(new, "x int, y text")

    outcome = there_and_back(postgresql_url, before, after, renames=[f"{old}:{new}"])

    assert outcome.left == outcome.left_back == ()
    assert "INHERIT" not in outcome.source


@pytest.mark.parametrize(
    "other",
    [
        "CREATE TABLE kept (id {0}); ALTER SEQUENCE kept_id_seq RENAME TO {1}_id_seq",
        "CREATE SEQUENCE {1}_id_seq",
    ],
    ids=["of a column", "by itself"],
)
@pytest.mark.parametrize("taken", ["old", "new"])
@pytest.mark.parametrize(
    "kind",
    ["serial", "int GENERATED BY DEFAULT AS IDENTITY"],
    ids=["serial", "identity"],
)
def test_a_sequence_is_not_renamed_where_another_has_the_name(
    postgresql_url, kind, taken, other
):
    """Nor is the other one, which is there since a table was called otherwise."""
    other = other.format(kind, taken)
    outcome = there_and_back(
        postgresql_url,
        f"{other}; CREATE TABLE old (id {kind})",
        f"{other}; CREATE TABLE new (id {kind})",
        select=SEQUENCES,
        renames=["old:new"],
    )

    assert outcome.left == outcome.left_back == ()
    assert outcome.rows == outcome.rows_back
    assert (f"{taken}_id_seq",) in outcome.rows


def test_a_sequence_that_counts_otherwise_is_renamed_back(postgresql_url):
    """Its name is that of a database made anew, there and back."""
    outcome = there_and_back(
        postgresql_url,
        "CREATE TABLE old (id serial); ALTER SEQUENCE old_id_seq INCREMENT 5",
        "CREATE TABLE new (id serial); ALTER SEQUENCE new_id_seq INCREMENT 5",
        select=SEQUENCES,
        renames=["old:new"],
    )

    assert outcome.left == outcome.left_back == ()
    assert outcome.rows == [("new_id_seq",)]
    assert outcome.rows_back == [("old_id_seq",)]


def test_a_sequence_of_another_column_keeps_its_name(postgresql_url):
    """A column that was called otherwise may have it."""
    outcome = there_and_back(
        postgresql_url,
        "CREATE TABLE t (id serial PRIMARY KEY); ALTER TABLE t RENAME id TO old;"
        " ALTER TABLE t ADD id serial",
        "CREATE TABLE t (old serial PRIMARY KEY, nr serial)",
        select="SELECT pg_get_serial_sequence('t', 'old')",
        renames=["t.id:t.nr"],
    )

    assert outcome.left == outcome.left_back == ()
    assert outcome.rows == outcome.rows_back == [("public.t_id_seq",)]


NAMING = {
    "include": "CREATE TABLE t (id int PRIMARY KEY, {0} int, b int,"
    " CONSTRAINT uq UNIQUE (b) INCLUDE ({0})); CREATE INDEX ix ON t (b) INCLUDE ({0})",
    "action": "CREATE TABLE p (x int, y int, PRIMARY KEY (x, y)); CREATE TABLE t (c int,"
    " b text, {0} int, CONSTRAINT fk FOREIGN KEY (c, {0}) REFERENCES p ON DELETE SET NULL"
    " ({0}))",
    "partition": "CREATE TABLE t ({0} int, b text) PARTITION BY RANGE ({0});"
    " CREATE INDEX ix ON t (b)",
    "check": "CREATE TABLE t ({0} text, b text, at timestamp, CONSTRAINT ck CHECK ({0} <>"
    " 'x'::text AND lower({0}) COLLATE \"C\" <> E'a \\\\' AND {0} < 'lower year Name' AND"
    " at < '2030-01-01'::timestamp without time zone AND extract(year from at) > 5))",
    "index": "CREATE TABLE t ({0} text, b text, c text); CREATE INDEX ix ON t (lower({0}),"
    " ({0} || c) DESC) WHERE {0} <> upper({0})",
    "generated": "CREATE TABLE t ({0} int, b text, g int GENERATED ALWAYS AS ({0} + 1) STORED)",
    "exclusion": "CREATE TABLE t ({0} int, b text, CONSTRAINT ex EXCLUDE ({0} WITH =,"
    " (- {0}) WITH =) WHERE ({0} > 3))",
}
NAMES = [
    ("a", "cc"), ("a", "Größe in cm"), ("Name", "select"), ("lower", "text"),
    ("year", "zone"), ("time", "A"),
]  # fmt: skip


@pytest.mark.parametrize("schema", NAMING.values(), ids=NAMING)
@pytest.mark.parametrize(("old", "new"), NAMES)
def test_what_names_a_column_follows_its_name(postgresql_url, schema, old, new):
    """Nothing is made again that the server renames by itself, in its own words."""
    before = schema.format(f'"{old}"')
    after = schema.format(f'"{new}"').replace("b text", "b varchar(9)")

    outcome = there_and_back(
        postgresql_url, before, after, renames=[f"t.{old}:t.{new}"]
    )

    assert outcome.left == outcome.left_back == ()
    for words in ("drop_", "create_", "DROP", "ADD"):
        assert words not in outcome.source


KIND = (
    "CREATE TYPE {0} AS ENUM ({1}, 'it''s', 'b'); CREATE TABLE t (k {0} DEFAULT {1}, l {0}[],"
    " s text DEFAULT 'a', b text, CONSTRAINT ck CHECK (k <> {1} AND k <> 'it''s' AND s <>"
    " '::kind'), c text GENERATED ALWAYS AS (CASE WHEN k = {1} THEN 'a' END) STORED);"
    " CREATE INDEX ix ON t (s) WHERE k <> {1}"
)


@pytest.mark.parametrize(
    ("old", "new"),
    [("kind", "Kind"), ("Kind", "kind"), ("kind", "order"), ("k", "a b")],
)
def test_what_has_values_of_a_type_follows_its_name(postgresql_url, old, new):
    """Expressions name it as the server does, and a string is not taken for it."""
    before, after = (KIND.format(f'"{name}"', "'a'") for name in (old, new))

    outcome = there_and_back(postgresql_url, before, after, renames=[f"{old}:{new}"])

    assert outcome.left == outcome.left_back == ()
    assert "drop_" not in outcome.source


@pytest.mark.parametrize("kind", ["kind", "Kind", "order"])
@pytest.mark.parametrize(("old", "new"), [("a", "x"), ("s", "o'clock")])
def test_what_names_a_value_follows_it(postgresql_url, kind, old, new):
    """Whatever the type is called, and whatever other value ends like it."""
    said = new.replace("'", "''")
    before, after = (KIND.format(f'"{kind}"', f"'{value}'") for value in (old, said))

    outcome = there_and_back(
        postgresql_url, before, after, renames=[f"t.k={old}:{new}"]
    )

    assert outcome.left == outcome.left_back == ()
    assert "drop_" not in outcome.source
