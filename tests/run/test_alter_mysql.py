"""On MySQL and MariaDB a column is altered from what it is: nothing is forgotten."""

import re
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from sqlalchemy.dialects import mysql

from whimbrel.catalog.mysql_table_text import parse_table
from whimbrel.errors import MigrationFailed
from whimbrel.run.failure import guarded
from whimbrel.run.runtime import Operations, owned_context


RICH = """CREATE TABLE item (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT COMMENT 'it''s\\n100% :x',
  name VARCHAR(50) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL DEFAULT 'q''u\\\\o'
    COMMENT 'a, b) NOT NULL',
  kind ENUM('a','b,c','d''e') NOT NULL DEFAULT 'b,c',
  seen TIMESTAMP(3) NOT NULL DEFAULT current_timestamp(3)
    ON UPDATE current_timestamp(3),
  hidden INT INVISIBLE DEFAULT 7,
  size INT UNSIGNED ZEROFILL DEFAULT 5 CHECK (size < 99),
  twice INT GENERATED ALWAYS AS (size * 2) VIRTUAL COMMENT 'made',
  said JSON DEFAULT NULL,
  `or``der` INT,
  note TEXT,
  PRIMARY KEY (id),
  UNIQUE (name),
  KEY ix_kind (kind),
  CONSTRAINT ck_size CHECK (size <> 50)
) COMMENT 'all'"""


@pytest.fixture
def server(mariadb_url):
    engine = sa.create_engine(mariadb_url)
    yield engine
    engine.dispose()


@contextmanager
def operations(engine, **options):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        yield Operations(owned_context(context))


@contextmanager
def refused(told):
    """The database refuses, with an error of its own that carries what is told."""
    with pytest.raises(sa.exc.DBAPIError) as caught:
        yield

    def fail():
        raise caught.value

    step = SimpleNamespace(
        is_downgrade=False, revision=SimpleNamespace(revision="a1", path="a1.py")
    )
    with pytest.raises(MigrationFailed, match=told):
        guarded(step, fail, left=str)()


def text(engine, table="item"):
    with engine.connect() as connection:
        return connection.execute(sa.text(f"SHOW CREATE TABLE {table}")).one()[1]


def run(engine, *statements):
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement.replace(":", "\\:")))


def changed(before, after):
    """The lines that differ, each side's."""
    old, new = before.splitlines(), after.splitlines()
    return (
        [each.strip().rstrip(",") for each in old if each not in new],
        [each.strip().rstrip(",") for each in new if each not in old],
    )


INT = sa.Integer()
SAID = {
    "counting column longer": (
        ("id", {"comment": None, "existing_type": INT}),
        [" COMMENT 'it''s\\n100% :x'", ""],
    ),
    "default of a text": (
        ("name", {"server_default": "x"}),
        ["DEFAULT 'q''u\\\\o'", "DEFAULT 'x'"],
    ),
    "longer text": (
        ("name", {"type_": sa.String(80), "existing_type": sa.String(50)}),
        ["varchar(50)", "varchar(80)"],
    ),
    "nullable text": (
        ("name", {"nullable": True, "existing_type": sa.String(50)}),
        [" NOT NULL", ""],
    ),
    "nullable, default gone": (
        ("name", {"nullable": True, "server_default": None}),
        [" NOT NULL DEFAULT 'q''u\\\\o'", " DEFAULT NULL"],
    ),
    "comment": (
        ("kind", {"comment": "it's 5% \\ :x"}),
        ["DEFAULT 'b,c'", "DEFAULT 'b,c' COMMENT 'it''s 5% \\\\ :x'"],
    ),
    "one value more": (
        ("kind", {"type_": sa.Enum("a", "b,c", "d'e", "f")}),
        ["'d''e')", "'d''e','f')"],
    ),
    "one value more, mentioned only": (
        ("kind", {"comment": None, "existing_type": sa.Enum("a", "b,c", "d'e", "f")}),
        ["'d''e')", "'d''e','f')"],
    ),
    "more room, mentioned only": (
        ("name", {"nullable": False, "existing_type": sa.String(99)}),
        ["varchar(50)", "varchar(99)"],
    ),
    "less room, mentioned only": (
        ("name", {"nullable": True, "existing_type": sa.String(9)}),
        [" NOT NULL", ""],
    ),
    "default beside ON UPDATE": (
        ("seen", {"server_default": sa.text("'2020-01-01 00:00:00'")}),
        ["DEFAULT current_timestamp(3)", "DEFAULT '2020-01-01 00:00:00.000'"],
    ),
    "ON UPDATE said away": (
        (
            "seen",
            {
                "server_default": sa.text("CURRENT_TIMESTAMP(3)"),
                "existing_server_default": sa.text(
                    "CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)"
                ),
            },
        ),
        [" ON UPDATE current_timestamp(3)", ""],
    ),
    "ON UPDATE kept": (
        ("seen", {"comment": "c", "existing_type": sa.TIMESTAMP()}),
        [
            "ON UPDATE current_timestamp(3)",
            "ON UPDATE current_timestamp(3) COMMENT 'c'",
        ],
    ),
    "invisible stays": (
        ("hidden", {"nullable": False}),
        ["`hidden` int(11) ", "`hidden` int(11) NOT NULL "],
    ),
    "a check of the column stays": (
        ("size", {"server_default": "6", "existing_type": INT}),
        ["DEFAULT 0000000005", "DEFAULT 0000000006"],
    ),
    "generated column": (
        ("twice", {"comment": "new", "existing_type": INT, "nullable": True}),
        ["'made'", "'new'"],
    ),
    "generated anew": (
        ("twice", {"server_default": sa.Computed("size * 3")}),
        ["`size` * 2", "`size` * 3"],
    ),
    "JSON becomes text": (
        ("said", {"type_": sa.Text()}),
        [
            "longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL"
            " CHECK (json_valid(`said`))",
            "text DEFAULT NULL",
        ],
    ),
    "text becomes JSON": (
        ("note", {"type_": sa.JSON()}),
        [
            "text DEFAULT NULL",
            "longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL"
            " CHECK (json_valid(`note`))",
        ],
    ),
    "collation said away": (
        (
            "name",
            {
                "type_": sa.String(50),
                "existing_type": mysql.VARCHAR(50, collation="latin1_bin"),
            },
        ),
        [" CHARACTER SET latin1 COLLATE latin1_bin", ""],
    ),
    "collation said": (
        ("name", {"type_": mysql.VARCHAR(50, collation="utf8mb4_bin")}),
        [
            "CHARACTER SET latin1 COLLATE latin1_bin",
            "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        ],
    ),
    "another name": (
        ("size", {"new_column_name": "width", "existing_type": INT}),
        [
            ("`size` int(10) unsigned", "`width` int(10) unsigned"),
            ("(`size` < 99)", "(`width` < 99)"),
            ("`size` * 2", "`width` * 2"),
            ("`size` <> 50", "`width` <> 50"),
        ],
    ),
    "another name and more": (
        ("size", {"new_column_name": "width", "comment": "c"}),
        [
            ("`size` int(10) unsigned", "`width` int(10) unsigned"),
            ("CHECK (`size` < 99)", "COMMENT 'c' CHECK (`width` < 99)"),
            ("`size` * 2", "`width` * 2"),
            ("`size` <> 50", "`width` <> 50"),
        ],
    ),
    "a name with a quote": (
        ("or`der", {"new_column_name": "or:der%", "existing_type": INT}),
        ["`or``der`", "`or:der%`"],
    ),
}


ON_MYSQL = {
    "default beside ON UPDATE": [
        "DEFAULT CURRENT_TIMESTAMP(3)",
        "DEFAULT '2020-01-01 00:00:00.000'",
    ],
    "ON UPDATE said away": [" ON UPDATE CURRENT_TIMESTAMP(3)", ""],
    "ON UPDATE kept": [
        "ON UPDATE CURRENT_TIMESTAMP(3)",
        "ON UPDATE CURRENT_TIMESTAMP(3) COMMENT 'c'",
    ],
    "invisible stays": ["`hidden` int DEFAULT", "`hidden` int NOT NULL DEFAULT"],
    "a check of the column stays": ["DEFAULT '0000000005'", "DEFAULT '0000000006'"],
    "JSON becomes text": ["`said` json DEFAULT NULL", "`said` text"],
    "text becomes JSON": ["`note` text", "`note` json DEFAULT NULL"],
    "another name": [
        ("`size` int(10) unsigned", "`width` int(10) unsigned"),
        ("(`size` < 99)", "(`width` < 99)"),
        ("`size` * 2", "`width` * 2"),
        ("`size` <> 50", "`width` <> 50"),
    ],
    "another name and more": [
        ("`size` int(10) unsigned", "`width` int(10) unsigned"),
        ("DEFAULT '0000000005'", "DEFAULT '0000000005' COMMENT 'c'"),
        ("(`size` < 99)", "(`width` < 99)"),
        ("`size` * 2", "`width` * 2"),
        ("`size` <> 50", "`width` <> 50"),
    ],
}
"""What is another there, where MySQL writes it otherwise."""


@pytest.mark.parametrize("in_batch", [False, True], ids=["op", "batch"])
@pytest.mark.parametrize("case", SAID)
def test_what_is_not_said_stays(server, case, in_batch, kind_of_server):
    """Exactly what the script says is another after it."""
    (column, said), edits = SAID[case]
    if kind_of_server == "mysql":
        edits = ON_MYSQL.get(case, edits)
    run(server, RICH, "INSERT INTO item (name) VALUES ('one')")
    expected = text(server)
    with operations(server) as op:
        if in_batch:
            with op.batch_alter_table("item", recreate="always") as batch:
                batch.alter_column(column, **said)
        else:
            op.alter_column("item", column, **said)
    for old, new in edits if isinstance(edits[0], tuple) else [edits]:
        lines = expected.splitlines()
        at = [
            place
            for place, line in enumerate(lines)
            if old in line and (old[0] != " " or line.startswith(f"  `{column}`"))
        ]
        lines[at[0]] = lines[at[0]].replace(old, new, 1)
        expected = "\n".join(lines)
    assert text(server) == expected


def test_what_another_type_cannot_have_goes(server):
    """A default that nobody mentions does not keep a column from its new type."""
    run(server, "CREATE TABLE item (a INT DEFAULT 7)")
    with operations(server) as op:
        op.alter_column("item", "a", type_=sa.Enum("x", "y"), existing_type=INT)
    assert "enum('x','y') DEFAULT NULL" in text(server)


def test_what_only_is_mentioned_changes_nothing(server):
    """Without anything to write, Alembic writes no existing type either."""
    run(server, "CREATE TABLE item (a VARCHAR(9) NOT NULL DEFAULT 'x')")
    before = text(server)
    with operations(server) as op:
        op.alter_column("item", "a", existing_type=sa.String(99))
        assert text(server) == before
        op.alter_column("item", "a", server_default="x", existing_type=sa.String(99))
        assert text(server) == before
        op.alter_column("item", "a", new_column_name="b", existing_type=sa.String(99))
    assert "`b` varchar(99) NOT NULL DEFAULT 'x'" in text(server)


def test_rows_without_a_value_are_counted(server):
    """NOT NULL over NULLs fails in a sentence, and nothing was changed."""
    run(server, "CREATE TABLE item (a INT)", "INSERT INTO item VALUES (1), (NULL)")
    before = text(server)
    with operations(server) as op, refused("1 row of"):
        op.alter_column("item", "a", nullable=False, existing_type=INT)
    assert text(server) == before


def test_offline_is_alembics(server):
    """Where there is no database to look at, Alembic's own statement is written."""
    written = []
    context = MigrationContext.configure(
        dialect_name="mysql",
        opts={
            "as_sql": True,
            "output_buffer": type(
                "B",
                (),
                {
                    "write": lambda _, text: written.append(text),
                    "flush": lambda _: None,
                },
            )(),
        },
    )
    op = Operations(context)
    op.alter_column("item", "a", nullable=False, existing_type=INT)
    assert "MODIFY a INTEGER NOT NULL" in "".join(written)


KEYS = (
    "CREATE TABLE owner (id INT PRIMARY KEY, code INT, UNIQUE uq_code (code))",
    "CREATE TABLE item (id INT NOT NULL AUTO_INCREMENT, owner_id INT, code INT,"
    " email VARCHAR(20), size INT CHECK (size > 0), PRIMARY KEY (id),"
    " KEY ix_owner (owner_id), UNIQUE (email), CHECK (code <> 5),"
    " CONSTRAINT fk_owner FOREIGN KEY (owner_id) REFERENCES owner (id),"
    " FOREIGN KEY (code) REFERENCES owner (code))",
)


def test_a_foreign_key_gets_an_index_of_its_own(server):
    """The index that a foreign key needs goes; with the key its own goes too."""
    run(server, *KEYS)
    with operations(server) as op:
        op.drop_index("ix_owner", "item")
        assert "KEY `fk_owner` (`owner_id`)" in text(server)
        assert "ix_owner" not in text(server)
        op.drop_constraint("fk_owner", "item", type_="foreignkey")
    assert "fk_owner" not in text(server)


def test_an_index_takes_over(server):
    """What stood in for an index goes when another one can serve the foreign key."""
    run(server, *KEYS)
    with operations(server) as op:
        op.drop_index("ix_owner", "item")
        op.create_index("ix_both", "item", ["owner_id", "size"])
    assert "KEY `fk_owner`" not in text(server)


def test_what_others_refer_to_is_named(server):
    """A key that a foreign key of another table needs is not dropped; it is said why."""
    run(server, *KEYS)
    with operations(server) as op, refused("of item"):
        op.drop_constraint("uq_code", "owner", type_="unique")


@pytest.mark.parametrize(
    ("kind", "names", "gone"),
    [
        ("unique", [None, "uq_item_email", "email"], "UNIQUE KEY"),
        ("foreignkey", ["fk_item_code_owner", "item_ibfk_1"], "item_ibfk_1"),
        ("check", ["ck_item_size"], "(`size` > 0)"),
        pytest.param(
            *("check", ["CONSTRAINT_1"], "CONSTRAINT_1"),
            marks=pytest.mark.only_on("mariadb"),
        ),
        pytest.param(
            *("check", ["ck_item_code", "item_chk_2"], "(`code` <> 5)"),
            marks=pytest.mark.only_on("mysql"),
        ),
        (None, ["email", "item_ibfk_1"], None),
    ],
)
def test_a_constraint_is_found_by_what_it_is(server, kind, names, gone):
    """Whatever the server called it, a script finds what it made without a name."""
    for name in names:
        run(server, "DROP TABLE IF EXISTS item", "DROP TABLE IF EXISTS owner", *KEYS)
        with operations(server) as op:
            op.drop_constraint(name, "item", type_=kind)
        assert (gone or f"`{name}`") not in text(server).replace("  `email`", "")


def test_a_batch_brings_its_convention(server):
    """The naming convention of a batch tells which constraint is meant."""
    run(server, *KEYS)
    convention = {"fk": "zz_%(column_0_name)s", "uq": "yy_%(table_name)s"}
    with (
        operations(server) as op,
        op.batch_alter_table("item", naming_convention=convention) as batch,
    ):
        batch.drop_constraint("zz_code", type_="foreignkey")
        batch.drop_constraint("yy_item", type_="unique")
    assert "ibfk" not in text(server)
    assert "UNIQUE" not in text(server)


def test_what_is_not_there_is_said(server):
    """A constraint that is not there is named, with those that are."""
    run(server, *KEYS)
    with operations(server) as op:
        with refused("It has: "):
            op.drop_constraint("nonsense", "item", type_="unique")
        with refused("It has: "):
            op.alter_column("item", "nonsense", nullable=True, existing_type=INT)


def test_a_key_under_a_counting_column(server):
    """A primary key is exchanged; its column goes on counting."""
    run(server, *KEYS, "INSERT INTO item (size) VALUES (1), (2)")
    with operations(server) as op:
        op.drop_constraint("PRIMARY", "item", type_="primary")
        op.create_primary_key(None, "item", ["id", "size"])
    assert " NOT NULL AUTO_INCREMENT" in text(server)
    assert "PRIMARY KEY (`id`,`size`)" in text(server)


def test_a_column_goes_with_its_foreign_keys(server):
    """A column is dropped although a foreign key stands on it, as elsewhere."""
    run(server, *KEYS)
    with operations(server) as op:
        op.drop_column("item", "owner_id")
    assert "owner_id" not in text(server)


def test_a_batch_sets_options_and_places(server):
    """A batch that would copy the table alters it instead."""
    run(server, *KEYS)
    with (
        operations(server) as op,
        op.batch_alter_table(
            "item", recreate="always", table_kwargs={"mysql_row_format": "COMPACT"}
        ) as batch,
    ):
        batch.add_column(sa.Column("new", INT), insert_after="id")
        batch.add_column(sa.Column("newer", INT), insert_before="id")
    lines = text(server).splitlines()
    names = [line.split("`")[1] for line in lines if line.startswith("  `")]
    assert names[:3] == ["newer", "id", "new"]
    assert "ROW_FORMAT=COMPACT" in lines[-1]


@pytest.mark.only_on("mariadb")
def test_the_other_spelling_of_the_url(server):
    """A URL that says mariadb has the same implementation."""
    url = server.url.set(drivername="mariadb+pymysql")
    run(server, RICH)
    engine = sa.create_engine(url)
    with operations(engine) as op:
        op.alter_column("item", "name", nullable=True, existing_type=sa.String(50))
    engine.dispose()
    assert "COLLATE latin1_bin DEFAULT 'q" in text(server)


@pytest.mark.only_on("mysql")
def test_what_speaks_of_a_column_follows_its_name(server):
    """Checks, defaults, generated columns and indexes, as they were but for the name."""
    run(
        server,
        "CREATE TABLE item (id INT, a VARCHAR(40), b VARCHAR(40) DEFAULT (concat(a, '`a`')),"
        " c VARCHAR(90) AS (concat(a, 'it''s `a`')) STORED COMMENT '`a`',"
        " d INT AS (length(a)) INVISIBLE, KEY ix (a, (lower(a)) DESC) INVISIBLE,"
        " UNIQUE (a, ((id + 1))), KEY plain (a),"
        " CHECK (a <> 'a' AND a <> '`a`'), CONSTRAINT ck CHECK (a <> b) NOT ENFORCED)",
        "INSERT INTO item (id, a) VALUES (1, 'x')",
    )
    before = text(server)
    with operations(server) as op:
        op.alter_column(
            "item", "a", new_column_name="w`:%", existing_type=sa.String(40)
        )
    assert sorted(text(server).split(",\n")) == sorted(
        re.sub(r"(?<!')`a`(?!')", "`w``:%`", before).split(",\n")
    )
    with operations(server) as op:
        op.alter_column("item", "w`:%", new_column_name="a", type_=sa.String(41))
    assert "`a` varchar(41)" in text(server)


def test_a_check_called_by_a_parenthesis():
    """What it says begins behind its name."""
    said = "CREATE TABLE `t` (\n  `a` int,\n  CONSTRAINT `(``b` CHECK (`a` > 0)\n)"
    (check,) = parse_table(said).items
    assert (check.name, check.columns, check.expression) == ("(`b", ("a",), "`a` > 0")


def test_the_collation_of_the_table_stays_that(server):
    """A column that says none says none when it is altered."""
    run(server, "CREATE TABLE item (a VARCHAR(9)) COLLATE utf8mb4_general_ci")
    with operations(server) as op:
        op.alter_column("item", "a", comment="c", existing_type=sa.String(9))
    altered = text(server)
    made = "CREATE TABLE item (a VARCHAR(9) COMMENT 'c') COLLATE utf8mb4_general_ci"
    run(server, "DROP TABLE item", made)
    assert altered == text(server)


def test_a_national_type_is_a_character_set(server):
    """What was NATIONAL VARCHAR and is VARCHAR has the table's character set again."""
    run(server, "CREATE TABLE item (a VARCHAR(9)) CHARACTER SET utf8mb4")
    before = text(server)
    plain, national = sa.String(9), mysql.NVARCHAR(9)
    with operations(server) as op:
        op.alter_column("item", "a", type_=national, existing_type=plain)
        assert "utf8mb3" in text(server)
        op.alter_column("item", "a", type_=plain, existing_type=national)
    assert text(server) == before
