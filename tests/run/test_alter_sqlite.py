"""A table is altered from its text: what is not spoken of stays as it was written."""

import sqlite3

import pytest
import sqlalchemy as sa

from running import operations
from whimbrel.catalog.read import read_state
from whimbrel.errors import MigrationFailed
from whimbrel.run import alteration
from whimbrel.run.table_layout import Way
from whimbrel.schema.scope import Scope


RICH = """CREATE TABLE item (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- counts
  name VARCHAR(10) COLLATE NOCASE NOT NULL ON CONFLICT IGNORE DEFAULT 'n',
  /* money */ price NUMERIC(10, 2) CHECK (price >= 0),
  owner INTEGER REFERENCES owner (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  twice INTEGER GENERATED ALWAYS AS (price * 2) VIRTUAL,
  UNIQUE (name, price) ON CONFLICT REPLACE,
  CONSTRAINT "ck name" CHECK (item.name <> 'CHECK'),
  CHECK (length(name) < 99)
)"""
AROUND = (
    "CREATE TABLE owner (id INTEGER PRIMARY KEY)",
    "CREATE TABLE sale (id INTEGER PRIMARY KEY, item INT REFERENCES item ON DELETE CASCADE)",
    "CREATE INDEX ix_part ON item (name COLLATE BINARY DESC, lower(name)) WHERE price > 1",
    "CREATE UNIQUE INDEX ix_owner ON item (owner)",
    "CREATE TRIGGER bought AFTER UPDATE OF price ON item BEGIN"
    " INSERT INTO sale (item) VALUES (new.id); END",
    "CREATE TRIGGER sold AFTER INSERT ON sale BEGIN"
    " UPDATE item SET owner = NULL WHERE id = new.item; END",
    "CREATE VIEW cheap AS SELECT id, name FROM item WHERE price < 5",
)
ROWS = (
    "INSERT INTO owner VALUES (1), (2)",
    "INSERT INTO item (id, name, price, owner) VALUES"
    " (1, 'a', 1.5, 1), (5, 'b', 7, 2), (9, 'c', NULL, NULL)",
    "DELETE FROM item WHERE id = 9",
    "INSERT INTO sale VALUES (1, 1), (2, 5)",
)


@pytest.fixture
def ways(monkeypatch):
    """The ways that were gone."""
    gone = []
    inner = alteration._carry_out

    def spy(table, draft, way, recreate):
        gone.append(way)
        inner(table, draft, way, recreate)

    monkeypatch.setattr(alteration, "_carry_out", spy)
    return gone


@pytest.fixture
def rich(database):
    """A table that has everything, and everything around it."""
    database.run(RICH, *AROUND[:2], *ROWS, *AROUND[2:])
    return database


def _alter(database, change, **options):
    with (
        operations(database.url, foreign_keys=True) as op,
        op.batch_alter_table("item", **options) as batch,
    ):
        change(batch)


CHANGES = {
    "longer string": (
        lambda b: b.alter_column("name", type_=sa.String(99)),
        ("VARCHAR(10)", "VARCHAR(99)"),
        Way.IN_PLACE,
    ),
    "nullable": (
        lambda b: b.alter_column("name", nullable=True),
        (" NOT NULL ON CONFLICT IGNORE", ""),
        Way.IN_PLACE,
    ),
    "default": (
        lambda b: b.alter_column("name", server_default="x y"),
        ("DEFAULT 'n'", "DEFAULT 'x y'"),
        Way.IN_PLACE,
    ),
    "no default": (
        lambda b: b.alter_column("name", server_default=None),
        (" DEFAULT 'n'", ""),
        Way.IN_PLACE,
    ),
    "check added": (
        lambda b: b.create_check_constraint("ck_new", "price < 1000"),
        ("< 99)\n", "< 99),\n  CONSTRAINT ck_new CHECK (price < 1000)\n"),
        Way.IN_PLACE,
    ),
    "check dropped": (
        lambda b: b.drop_constraint("ck name", type_="check"),
        ("""  CONSTRAINT "ck name" CHECK (item.name <> 'CHECK'),\n""", ""),
        Way.IN_PLACE,
    ),
    "unnamed check dropped": (
        lambda b: b.drop_constraint("ck_item_name", type_="check"),
        (",\n  CHECK (length(name) < 99)", ""),
        Way.IN_PLACE,
    ),
    "check of a column dropped": (
        lambda b: b.drop_constraint("ck_item_price", type_="check"),
        (" CHECK (price >= 0)", ""),
        Way.IN_PLACE,
    ),
    "foreign key of a column dropped": (
        lambda b: b.drop_constraint("fk_item_owner_owner", type_="foreignkey"),
        (
            " REFERENCES owner (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED",
            "",
        ),
        Way.IN_PLACE,
    ),
    "unnamed unique dropped": (
        lambda b: b.drop_constraint("uq_item_name", type_="unique"),
        ("  UNIQUE (name, price) ON CONFLICT REPLACE,\n", ""),
        Way.REBUILD,
    ),
    "unique added": (
        lambda b: b.create_unique_constraint("uq_owner", ["owner", "price"]),
        ("< 99)\n", "< 99),\n  CONSTRAINT uq_owner UNIQUE (owner, price)\n"),
        Way.REBUILD,
    ),
    "another affinity": (
        lambda b: b.alter_column("price", type_=sa.Float()),
        ("NUMERIC(10, 2)", "FLOAT"),
        Way.REBUILD,
    ),
    "column added and check": (
        lambda b: (
            b.add_column(
                sa.Column("x", sa.Integer, server_default="3", nullable=False)
            ),
            b.create_check_constraint("ck_x", "x > 2"),
        ),
        (
            "VIRTUAL,\n",
            "VIRTUAL,\n  x INTEGER DEFAULT '3' NOT NULL,\n",
            "< 99)\n",
            "< 99),\n  CONSTRAINT ck_x CHECK (x > 2)\n",
        ),
        Way.IN_PLACE,
    ),
    "column in the middle": (
        lambda b: b.add_column(sa.Column("x", sa.Text), insert_after="name"),
        ("  /* money */", "  x TEXT,\n  /* money */"),
        Way.REBUILD,
    ),
}


@pytest.mark.parametrize(("change", "edit", "way"), CHANGES.values(), ids=list(CHANGES))
@pytest.mark.parametrize("recreate", ["auto", "always"])
def test_only_what_is_spoken_of_changes(rich, ways, change, edit, way, recreate):
    """The text differs by the edit; rows, indexes, triggers and views stay."""
    before = rich.everything()
    expected = RICH
    for old, new in zip(edit[::2], edit[1::2], strict=True):
        assert old in expected
        expected = expected.replace(old, new, 1)
    _alter(rich, change, recreate=recreate)
    assert rich.sql("item") == expected
    assert _others(rich.everything()) == _others(before)
    assert rich.rows("SELECT id, name, price, owner, twice FROM item") == [
        (1, "a", 1.5, 1, 3),
        (5, "b", 7, 2, 14),
    ]
    assert rich.rows("SELECT * FROM sale") == [(1, 1), (2, 5)]
    assert rich.rows("SELECT seq FROM sqlite_sequence WHERE name = 'item'") == [(9,)]
    assert rich.rows("PRAGMA integrity_check") == [("ok",)]
    assert rich.sql("ix_part")
    assert rich.sql("ix_owner")
    assert ways == [Way.REBUILD if recreate == "always" else way]


def _others(statements):
    return sorted(
        each for each in statements if "item" not in each or "CREATE TRIGGER" in each
    )


def test_back_again(rich):
    """What is added and dropped again leaves the text as it was."""
    _alter(rich, lambda b: b.create_unique_constraint("u", ["owner", "name"]))
    _alter(rich, lambda b: b.add_column(sa.Column("x", sa.Integer)))
    _alter(rich, lambda b: b.drop_column("x"))
    _alter(rich, lambda b: b.drop_constraint("u"))
    assert rich.sql("item") == RICH


def test_a_rename_is_told_to_all(rich):
    """Indexes, triggers, views and checks follow a column that is renamed."""
    _alter(rich, lambda b: b.alter_column("price", new_column_name="cost"))
    assert "cost NUMERIC(10, 2) CHECK (cost >= 0)" in rich.sql("item")
    assert "WHERE cost > 1" in rich.sql("ix_part")
    assert "UPDATE OF cost" in rich.sql("bought").replace('"', "")
    assert "cost < 5" in rich.sql("cheap")


def test_a_rename_and_more_in_one_batch(rich):
    """Operations may name a renamed column as it was or as it is."""

    def change(batch):
        batch.alter_column("name", new_column_name="title", type_=sa.String(30))
        batch.alter_column("name", nullable=True)
        batch.create_unique_constraint("uq_t", ["title"])
        batch.create_index("ix_t", ["title", "price"])
        batch.drop_index("ix_owner")

    _alter(rich, change)
    assert "title VARCHAR(30) COLLATE NOCASE DEFAULT 'n'," in rich.sql("item")
    assert rich.sql("ix_t")
    assert not rich.sql("ix_owner")


def test_a_name_can_pass_to_another_column(rich):
    """Dropping a column and giving another one its name is one batch."""

    def change(batch):
        batch.drop_column("owner")
        batch.alter_column("price", new_column_name="owner")

    rich.run("DROP TRIGGER sold")
    _alter(rich, change)
    assert rich.rows("SELECT owner FROM item ORDER BY id") == [(1.5,), (7,)]


def test_a_dropped_column_takes_its_own_along(rich):
    """Its index and its foreign key go with it, nothing else does."""
    rich.run("DROP TRIGGER sold")
    _alter(rich, lambda b: b.drop_column("owner"))
    assert "owner" not in rich.sql("item")
    assert rich.sql("ix_owner") is None
    assert rich.sql("ix_part")


@pytest.fixture
def plain(database):
    """A table with two rows that refer to nothing and are alike."""
    database.run(
        "CREATE TABLE other (id INTEGER PRIMARY KEY)",
        "CREATE TABLE item (id INTEGER NOT NULL, a VARCHAR(9), b INTEGER, PRIMARY KEY (id))",
        "INSERT INTO item VALUES (17, 'x', 1), (29, 'x', NULL), (112, NULL, NULL)",
    )
    return database


REFUSED = {
    "NOT NULL": (
        lambda b: b.alter_column("b", nullable=False),
        r"2 rows of item have no b, so it cannot be NOT NULL\. The first: id 29; 112",
    ),
    "NOT NULL and rebuild": (
        lambda b: b.alter_column("b", nullable=False, type_=sa.Text()),
        "2 rows of item have no b",
    ),
    "new NOT NULL": (
        lambda b: b.add_column(sa.Column("c", sa.Integer, nullable=False)),
        "3 rows of item would have no c: the new column is NOT NULL and has no default",
    ),
    "unique": (
        lambda b: b.create_unique_constraint("uq", ["a"]),
        r"1 value of a in item come more than once.* The first: 'x' \(2 rows\)",
    ),
    "primary key": (
        lambda b: b.create_primary_key("pk", ["a"]),
        "1 value of a in item come more than once.*the primary key",
    ),
    "check": (
        lambda b: b.create_check_constraint("ck_b", "b > 5"),
        r"1 row of item violate the check ck_b \(b > 5\)\. The first: id 17",
    ),
    "check and rebuild": (
        lambda b: (
            b.create_check_constraint("ck_b", "b > 5"),
            b.alter_column("a", type_=sa.Integer()),
        ),
        "1 row of item violate the check ck_b",
    ),
    "foreign key": (
        lambda b: b.create_foreign_key("fk", "other", ["b"], ["id"]),
        "1 row of item refer by b to rows of other that do not exist. The first: rowid 17",
    ),
    "foreign key and rebuild": (
        lambda b: (
            b.create_foreign_key("fk", "other", ["b"], ["id"]),
            b.alter_column("a", type_=sa.Integer()),
        ),
        "1 row of item refer by b to rows of other that do not exist",
    ),
    "no such constraint": (
        lambda b: b.drop_constraint("uq_nothing", type_="unique"),
        r"No such constraint: table item has no constraint uq_nothing\. It has: pk_item"
        r" \(unnamed\)\.",
    ),
    "no such column": (
        lambda b: b.alter_column("zz", nullable=False),
        "Table item has no column zz; it has id, a, b",
    ),
    "column twice": (
        lambda b: b.add_column(sa.Column("A", sa.Integer)),
        "Table item already has a column A",
    ),
}


@pytest.mark.parametrize(("change", "sentence"), REFUSED.values(), ids=list(REFUSED))
def test_what_rows_forbid_is_told_in_a_sentence(plain, change, sentence):
    """The error names table, columns and the first rows; nothing is changed."""
    before = plain.everything()
    with pytest.raises(MigrationFailed, match=sentence):
        _alter(plain, change)
    assert plain.everything() == before


def test_a_caught_failure_leaves_the_transaction_usable(plain):
    """A script may try something and go on without it."""
    with operations(plain.url) as op:
        with pytest.raises(MigrationFailed):
            op.create_unique_constraint("uq", "item", ["a"])
        op.add_column("item", sa.Column("c", sa.Integer))
    assert "c INTEGER" in plain.sql("item")
    assert "uq" not in plain.sql("item")


@pytest.mark.parametrize(
    "change",
    [
        lambda op: op.alter_column("item", "a", type_=sa.String(20), nullable=True),
        lambda op: op.create_unique_constraint("uq", "item", ["b"]),
        lambda op: op.create_check_constraint("ck", "item", "b < 9"),
        lambda op: op.create_foreign_key("fk", "item", "item", ["b"], ["id"]),
        lambda op: op.drop_constraint("pk_item", "item", type_="primary"),
        lambda op: op.create_primary_key("pk", "item", ["id"]),
        lambda op: op.drop_column("item", "b"),
    ],
)
def test_operations_need_no_batch(plain, change):
    """Outside of a batch an operation does what it says too."""
    plain.run("UPDATE item SET b = NULL")
    before = plain.sql("item")
    with operations(plain.url) as op:
        change(op)
    assert plain.sql("item") != before
    assert plain.rows("SELECT count(*) FROM item") == [(3,)]


def test_rows_from_before_a_column_keep_their_value(plain):
    """A row that was there before ADD COLUMN keeps the default of that time."""
    plain.run("ALTER TABLE item ADD COLUMN c INTEGER DEFAULT 1")
    plain.run("INSERT INTO item (id) VALUES (200)")
    for default in ("2", None, "3"):
        _alter(plain, lambda b, d=default: b.alter_column("c", server_default=d))
    assert plain.rows("SELECT c FROM item") == [(1,)] * 4
    assert plain.sql("item").endswith("c INTEGER DEFAULT '3', PRIMARY KEY (id))")


def test_rowids_stay(database):
    """A table without a number of its own keeps its rowids, so its rows' order."""
    database.run(
        "CREATE TABLE item (a TEXT, b TEXT)",
        "INSERT INTO item (rowid, a) VALUES (7, 'x'), (3, 'y')",
    )
    _alter(database, lambda b: b.create_unique_constraint("u", ["a"]))
    assert database.rows("SELECT rowid, a FROM item ORDER BY rowid") == [
        (3, "y"),
        (7, "x"),
    ]


def test_leftovers_of_alembic_are_cleared_away(plain):
    """A table that a failed batch of Alembic left behind stops nobody."""
    plain.run("CREATE TABLE _alembic_tmp_item (x)")
    _alter(plain, lambda b: b.create_unique_constraint("u", ["b"]))
    assert plain.sql("_alembic_tmp_item") is None


def test_a_broken_view_is_refused(rich):
    """A column that a view shows is not dropped behind its back."""
    with pytest.raises(MigrationFailed, match="View cheap would no longer work"):
        _alter(rich, lambda b: (b.drop_constraint("ck name"), b.drop_column("name")))
    assert rich.sql("item") == RICH


@pytest.mark.parametrize("name", ["prices (old)", "a --(", 'the "("'])
def test_a_table_called_by_a_parenthesis(database, name, ways):
    """What is between the parentheses of its text begins behind its name."""
    quoted = '"' + name.replace('"', '""') + '"'
    database.run(f"CREATE TABLE {quoted} /* ( */ (a INT)")
    with operations(database.url) as op, op.batch_alter_table(name) as batch:
        batch.create_check_constraint("ck", "a > 0")
    assert database.sql(name).endswith("(a INT,CONSTRAINT ck CHECK (a > 0))")
    assert ways == [Way.IN_PLACE]


def test_unnamed_constraints_stay_unnamed(plain):
    """What the script calls by a name only it knows is stored without a name."""
    plain.run("UPDATE item SET a = id")
    info = {"info": {"unnamed": ["uq_item_a", "fk_item_b_other"]}}

    def change(batch):
        batch.create_unique_constraint("uq_item_a", ["a"])
        batch.create_foreign_key("fk_item_b_other", "other", ["b"], ["id"])

    plain.run("UPDATE item SET b = NULL")
    _alter(plain, change, table_kwargs=info)
    assert "CONSTRAINT" not in plain.sql("item")
    _alter(plain, lambda b: b.drop_constraint("uq_item_a", type_="unique"))
    _alter(plain, lambda b: b.drop_constraint("fk_item_b_other", type_="foreignkey"))
    assert "UNIQUE" not in plain.sql("item")
    assert "other" not in plain.sql("item")


CONVENTION = {
    "uq": "unique_%(table_name)s_%(column_0_N_name)s",
    "fk": "%(table_name)s_to_%(referred_table_name)s",
    "pk": "primary_%(table_name)s",
}


@pytest.mark.parametrize(
    ("name", "kind", "gone"),
    [
        ("unique_item_a_b", "unique", "UNIQUE"),
        ("item_to_other", "foreignkey", "REFERENCES"),
        ("primary_item", "primary", "PRIMARY"),
        ("item_a_b_key", "unique", "UNIQUE"),
        (None, "unique", "UNIQUE"),
    ],
)
@pytest.mark.parametrize("given_to", ["batch", "metadata"])
def test_an_unnamed_constraint_is_found(database, name, kind, gone, given_to):
    """By the name of a convention, by its columns, or as the only one of its kind."""
    database.run(
        "CREATE TABLE other (id INTEGER PRIMARY KEY)",
        "CREATE TABLE item (a INT, b INT REFERENCES other, UNIQUE (a, b), PRIMARY KEY (a))",
    )
    metadata = sa.MetaData(naming_convention=CONVENTION)
    options = {"target_metadata": metadata} if given_to == "metadata" else {}
    batch_options = {"naming_convention": CONVENTION} if given_to == "batch" else {}
    if name is None and given_to == "metadata":
        pytest.skip("a convention cannot name what has no columns")
    with (
        operations(database.url, **options) as op,
        op.batch_alter_table("item", **batch_options) as batch,
    ):
        batch.drop_constraint(name, type_=kind)
    assert gone not in database.sql("item")


def test_types_bring_their_checks(plain):
    """Boolean and Enum with create_constraint add their check, and take it away."""
    flag = sa.Boolean(name="ck_flag", create_constraint=True)
    kinds = sa.Enum("p", "q", name="kinds", create_constraint=True)
    _alter(plain, lambda b: b.add_column(sa.Column("flag", flag)))
    assert "CONSTRAINT ck_flag CHECK (flag IN (0, 1))" in plain.sql("item")
    _alter(plain, lambda b: b.add_column(sa.Column("k", kinds)))
    _alter(
        plain,
        lambda b: b.alter_column("flag", existing_type=flag, type_=sa.Integer()),
    )
    assert "ck_flag" not in plain.sql("item")
    assert "CONSTRAINT kinds CHECK (k IN ('p', 'q'))" in plain.sql("item")


def test_autoincrement_survives_a_named_primary_key(rich):
    """A key that is only given a name keeps counting."""
    _alter(rich, lambda b: b.create_primary_key("pk_item", ["id"]))
    assert "id INTEGER CONSTRAINT pk_item PRIMARY KEY AUTOINCREMENT," in rich.sql(
        "item"
    )


def test_columns_come_into_order(plain):
    """partial_reordering keeps Alembic's meaning."""
    _alter(
        plain, lambda b: None, recreate="always", partial_reordering=[("b", "a", "id")]
    )
    assert plain.rows("SELECT * FROM item LIMIT 1") == [(1, "x", 17)]


def test_table_options_can_change(plain):
    """STRICT, WITHOUT ROWID and AUTOINCREMENT are said by table_kwargs."""
    _alter(
        plain,
        lambda b: b.alter_column("a", type_=sa.Text()),
        table_kwargs={"sqlite_strict": True, "sqlite_with_rowid": False},
    )
    assert plain.sql("item").endswith(") WITHOUT ROWID, STRICT")
    _alter(plain, lambda b: None, table_kwargs={"sqlite_with_rowid": True})
    _alter(plain, lambda b: None, table_kwargs={"sqlite_autoincrement": True})
    assert "id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT" in plain.sql("item")
    assert plain.rows("SELECT id FROM item") == [(17,), (29,), (112,)]


def test_what_is_restated_is_not_doubled(plain):
    """table_args restate what Alembic would lose; here nothing was lost."""
    plain.run(
        "DROP TABLE item", "CREATE TABLE item (a INT, b INT, UNIQUE (a), CHECK (a < b))"
    )
    args = (sa.UniqueConstraint("a"), sa.CheckConstraint("a < b"))
    _alter(plain, lambda b: b.alter_column("b", type_=sa.BigInteger()), table_args=args)
    assert (
        plain.sql("item")
        == "CREATE TABLE item (a INT, b BIGINT, UNIQUE (a), CHECK (a < b))"
    )


def test_copy_from_says_what_the_table_is(plain):
    """copy_from takes the place of the stored text."""
    told = sa.Table(
        "item",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("a", sa.String(9)),
        sa.Column("b", sa.Integer),
        sa.CheckConstraint("b < 99", name="ck_told"),
    )
    _alter(plain, lambda b: b.alter_column("a", type_=sa.String(30)), copy_from=told)
    assert "ck_told" in plain.sql("item")
    assert "VARCHAR(30)" in plain.sql("item")
    assert plain.rows("SELECT count(*) FROM item") == [(3,)]


def test_recreate_never_is_kept(plain):
    """A script that forbids a rebuild gets a reason instead."""
    with pytest.raises(MigrationFailed, match="recreate='never'"):
        _alter(plain, lambda b: b.alter_column("b", type_=sa.Text()), recreate="never")
    _alter(plain, lambda b: b.alter_column("a", type_=sa.String(20)), recreate="never")
    assert "VARCHAR(20)" in plain.sql("item")


def test_an_attached_database_is_altered_too(plain, tmp_path):
    """A schema is a database that was attached."""
    side = tmp_path / "side.db"
    with sqlite3.connect(side) as connection:
        connection.execute("CREATE TABLE item (a INT, b INT)")
        connection.execute("CREATE INDEX ix_side ON item (a)")
        connection.execute("INSERT INTO item VALUES (1, 2)")
    with operations(plain.url) as op:
        pass
    engine = sa.create_engine(plain.url)
    sa.event.listen(
        engine, "connect", lambda d, _: d.execute(f"ATTACH '{side}' AS side")
    )
    from alembic.runtime.migration import MigrationContext

    from whimbrel.run.runtime import Operations, owned_context

    with engine.connect() as connection:
        context = owned_context(
            MigrationContext.configure(connection, opts={"transactional_ddl": True})
        )
        op = Operations(context)
        with context.begin_transaction():
            with op.batch_alter_table("item", schema="side") as batch:
                batch.alter_column("b", type_=sa.Text(), nullable=False)
            op.create_check_constraint("ck", "item", "a > 0", schema="side")
    with sqlite3.connect(side) as connection:
        ((sql,),) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'table'"
        ).fetchall()
        assert sql == (
            "CREATE TABLE side.item (a INT, b TEXT NOT NULL, CONSTRAINT ck CHECK (a > 0))"
        ).replace("side.", "")
        assert connection.execute("SELECT * FROM item").fetchall() == [(1, "2")]
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (
            2,
        )
    assert "ck" not in plain.sql("item")


def test_without_a_writable_schema_rows_are_written_anew(rich, monkeypatch):
    """In defensive mode the same changes are made by a rebuild."""
    monkeypatch.setattr(alteration, "can_write_schema", lambda *_: False)
    _alter(rich, lambda b: b.alter_column("price", type_=sa.Numeric(12, 2)))
    _alter(rich, lambda b: b.drop_constraint("ck name"))
    assert rich.rows("SELECT id FROM item") == [(1,), (5,)]
    assert "NUMERIC(12, 2)" in rich.sql("item")


def test_the_reader_sees_what_was_done(rich):
    """The catalog tells what the script said."""
    _alter(rich, lambda b: b.create_unique_constraint("u", ["owner"]))
    engine = sa.create_engine(rich.url)
    with engine.connect() as connection:
        state = read_state(connection, Scope(accepts=lambda name: name.name == "item"))
    (table,) = state.tables
    assert "u" in {each.name for each in table.constraints}


def test_a_comma_in_a_comment_takes_nothing_with_a_dropped_column(database):
    """SQLite's own DROP COLUMN would cut at it, and comment out what follows."""
    database.run(
        "CREATE TABLE item (a TEXT, /* c, (' */ b TEXT, CHECK (a <> ''), /* d */ UNIQUE (a))"
    )
    with operations(database.url) as op:
        op.drop_column("item", "b")

    assert "(a TEXT, CHECK (a <> '')" in database.sql("item")
