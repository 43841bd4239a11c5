"""Whatever MariaDB's catalog tells is in the state, and only what is ours."""

import pytest
import sqlalchemy as sa

from whimbrel.catalog import mysql_packed, mysql_portions
from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.catalog.rows import has_tables
from whimbrel.plan.mysql_text import definition
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import Check, ForeignKey, Naming, TableName, Unique


TABLES = """
CREATE TABLE parent (id INT PRIMARY KEY, code VARCHAR(9), KEY (code));
CREATE TABLE t (
  id INT AUTO_INCREMENT PRIMARY KEY, n INT DEFAULT 1, w VARCHAR(20) DEFAULT 'x',
  body TEXT, m DATETIME(3), made INT AS (n + 1), e ENUM('a', 'b'), s SET('a', 'b'),
  shape POINT NOT NULL, beside INT CHECK (beside > 1), parent_id INT, other_id INT,
  UNIQUE KEY uq_w (w), KEY ix_n (n), KEY ix_two (n, w), FULLTEXT KEY ix_body (body),
  SPATIAL KEY ix_shape (shape), CONSTRAINT ck CHECK (n > 0), KEY ix_long (w(5)),
  CONSTRAINT fk FOREIGN KEY (parent_id) REFERENCES parent (id),
  KEY ix_other (other_id)
)
"""

CHANGES = [
    "MODIFY n BIGINT DEFAULT 1", "MODIFY n INT UNSIGNED DEFAULT 1",
    "MODIFY n INT ZEROFILL DEFAULT 1", "MODIFY n INT(5) DEFAULT 1",
    "MODIFY n INT NOT NULL DEFAULT 1", "MODIFY n INT DEFAULT 2", "MODIFY n INT",
    "MODIFY n INT DEFAULT (1 + 1)", "MODIFY n INT DEFAULT 1 COMMENT 'c'",
    "MODIFY n INT INVISIBLE DEFAULT 1", "MODIFY w VARCHAR(21) DEFAULT 'x'",
    "MODIFY w VARCHAR(20) COLLATE utf8mb4_bin DEFAULT 'x'",
    "MODIFY w VARCHAR(20) CHARACTER SET latin1 DEFAULT 'x'",
    "MODIFY w VARCHAR(20) DEFAULT 'X'", "MODIFY w VARCHAR(20) DEFAULT ''",
    "MODIFY body MEDIUMTEXT", "ADD packed TEXT COMPRESSED", "MODIFY m DATETIME(6)",
    "MODIFY m DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3)",
    "MODIFY m DATETIME(3) ON UPDATE CURRENT_TIMESTAMP(3)", "MODIFY m TIMESTAMP(3) NULL",
    "MODIFY made INT AS (n + 2)", "DROP made, ADD made INT AS (n + 1) STORED", "DROP made, ADD made INT",
    "MODIFY e ENUM('a', 'b', 'c')", "MODIFY e ENUM('b', 'a')", "MODIFY s SET('a')",
    "MODIFY id INT", "DROP PRIMARY KEY, MODIFY id INT NOT NULL, ADD PRIMARY KEY (id, n)",
    "MODIFY beside INT", "MODIFY beside INT CHECK (beside > 2)", "ADD more INT",
    "DROP KEY uq_w", "DROP KEY uq_w, ADD UNIQUE KEY uq_w (w, n)",
    "DROP KEY uq_w, ADD UNIQUE KEY uq_w (w(5))", "RENAME KEY ix_n TO ix_m",
    "DROP KEY ix_n", "DROP KEY ix_n, ADD UNIQUE KEY ix_n (n)",
    "DROP KEY ix_n, ADD KEY ix_n (n DESC)", "DROP KEY ix_n, ADD KEY ix_n (n) COMMENT 'c'",
    "ALTER INDEX ix_n IGNORED", "DROP KEY ix_two, ADD KEY ix_two (w, n)",
    "DROP KEY ix_long, ADD KEY ix_long (w(6))", "DROP KEY ix_long, ADD KEY ix_long (w)",
    "DROP KEY ix_body", "DROP KEY ix_body, ADD KEY ix_body (body(9))",
    "DROP KEY ix_shape", "DROP CONSTRAINT ck", "DROP CONSTRAINT ck, ADD CHECK (n > 0)",
    "DROP CONSTRAINT ck, ADD CONSTRAINT ck CHECK (n > 1)",
    "DROP FOREIGN KEY fk", "DROP FOREIGN KEY fk, DROP KEY fk",
    "DROP FOREIGN KEY fk, ADD CONSTRAINT f2 FOREIGN KEY (parent_id) REFERENCES parent(id)",
    "DROP FOREIGN KEY fk, ADD CONSTRAINT fk2 FOREIGN KEY (parent_id)"
    " REFERENCES parent (id) ON DELETE CASCADE",
    "DROP FOREIGN KEY fk, ADD CONSTRAINT fk2 FOREIGN KEY (parent_id)"
    " REFERENCES parent (id) ON UPDATE SET NULL",
    "DROP FOREIGN KEY fk, ADD CONSTRAINT fk2 FOREIGN KEY (other_id)"
    " REFERENCES parent (id)",
    "ADD KEY ix_parent (parent_id)", "COMMENT 'told'",
    "COLLATE utf8mb4_bin", "CHARACTER SET latin1", "ROW_FORMAT COMPRESSED",
    "KEY_BLOCK_SIZE 8", "STATS_PERSISTENT 1", "RENAME TO u", "RENAME COLUMN n TO n2",
]  # fmt: skip


ONLY_MARIADB = (
    "ADD packed TEXT COMPRESSED",
    "RENAME COLUMN n TO n2",
    "MODIFY n INT(5) DEFAULT 1",
    "MODIFY beside INT",
)
"""What MySQL does not know, forbids, or does not keep."""
IGNORED = {"mariadb": "IGNORED", "mysql": "INVISIBLE"}
"""What keeps an index from the optimizer."""


@pytest.fixture
def connection(mariadb_url):
    engine = sa.create_engine(mariadb_url)
    with engine.connect() as connection:
        for statement in TABLES.split(";"):
            connection.exec_driver_sql(statement)
        yield connection
    engine.dispose()


def state_of(connection):
    return read_state(connection, Scope())


def test_whatever_changes_in_the_catalog_changes_the_state(connection, kind_of_server):
    """Each change of a property is seen, and is gone again when it is undone."""
    before = state_of(connection)
    unseen = []
    for change in CHANGES:
        if kind_of_server == "mysql" and change in ONLY_MARIADB:
            continue
        said = change.replace("IGNORED", IGNORED[kind_of_server])
        connection.exec_driver_sql(f"ALTER TABLE t {said}")
        if state_of(connection) == before:
            unseen.append(change)
        connection.exec_driver_sql("DROP TABLE IF EXISTS t, u")
        connection.exec_driver_sql(TABLES.split(";")[1])
    assert state_of(connection) == before
    assert unseen == []


def test_what_does_not_count_is_not_told(connection):
    """RESTRICT is NO ACTION, the counter of AUTO_INCREMENT is data, rows are too."""
    before = state_of(connection)
    for change in (
        "AUTO_INCREMENT 100",
        "DROP FOREIGN KEY fk, ADD CONSTRAINT fk2 FOREIGN KEY (parent_id)"
        " REFERENCES parent (id) ON DELETE RESTRICT ON UPDATE NO ACTION",
        "DROP FOREIGN KEY fk2, ADD CONSTRAINT fk FOREIGN KEY (parent_id)"
        " REFERENCES parent (id)",
        "ROW_FORMAT DEFAULT",
        "MODIFY n INT NULL DEFAULT 1",
    ):
        connection.exec_driver_sql(f"ALTER TABLE t {change}")
    connection.exec_driver_sql("INSERT INTO parent VALUES (1, 'x')")
    table = state_of(connection).table(TableName("t"))
    was = before.table(TableName("t"))
    assert table.columns == was.columns
    assert table.options == was.options
    assert table.constraints == was.constraints


def test_other_things_are_left_alone(connection):
    """Views and temporary tables are not tables of ours."""
    before = state_of(connection)
    for statement in (
        "CREATE VIEW seen AS SELECT id FROM t",
        "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)",
        "CREATE TEMPORARY TABLE passing (id INT)",
    ):
        connection.exec_driver_sql(statement)
    found = state_of(connection)
    assert found == before


@pytest.mark.only_on("mariadb")
def test_a_sequence_is_no_table(connection):
    """It stands beside them."""
    before = state_of(connection)
    connection.exec_driver_sql("CREATE SEQUENCE counter")
    found = state_of(connection)
    assert found.tables == before.tables
    assert [each.name for each in found.sequences] == ["counter"]


def test_the_engine_of_a_table_is_told(connection):
    """Only where it is not the server's usual one."""
    tables = {"usual": "ENGINE InnoDB", "said": "", "other": "ENGINE MyISAM"}
    for name, engine in tables.items():
        connection.exec_driver_sql(f"CREATE TABLE {name} (id INT) {engine}")
    state = state_of(connection)
    told = {
        name: {each.value for each in state.table(TableName(name)).options}
        for name in tables
    }
    assert told == {"usual": set(), "said": set(), "other": {"MyISAM"}}


def test_json_is_told_as_json(connection, kind_of_server):
    """The check that the alias brings is no check; that of a plain text is one."""
    connection.exec_driver_sql(
        "CREATE TABLE j (a JSON, b LONGTEXT CHECK (json_valid(b)), c JSON NOT NULL)"
    )
    table = state_of(connection).table(TableName("j"))
    assert [(each.name, each.type.spelling) for each in table.columns] == [
        ("a", "json"), ("b", "longtext"), ("c", "json"),
    ]  # fmt: skip
    (check,) = table.constraints
    assert (check.name, check.naming) == {
        "mariadb": ("b", Naming.NONE), "mysql": ("j_chk_1", Naming.GIVEN),
    }[kind_of_server]  # fmt: skip


def test_the_index_of_a_foreign_key_is_known_though_not_listed(connection):
    """Whoever drops the key must drop the index that the server made for it."""
    table = state_of(connection).table(TableName("t"))
    (key,) = (each for each in table.constraints if isinstance(each, ForeignKey))
    assert key.index == "fk"
    assert "fk" not in {index.name for index in table.indexes}


def test_a_unique_key_is_one_thing_however_it_is_declared(connection):
    """A UniqueConstraint and a unique Index of the models are told alike."""
    told = []
    for number, thing in enumerate(
        (sa.UniqueConstraint("a", name="uq"), sa.Index("uq", "a", unique=True))
    ):
        metadata = sa.MetaData()
        sa.Table("one", metadata, sa.Column("a", sa.Integer), thing)
        state = read_models([metadata], connection, Scope())
        (unique,) = state.table(TableName("one")).constraints
        assert isinstance(unique, Unique)
        assert unique.is_index == bool(number)
        told.append(state)
    assert told[0] == told[1]


def test_what_models_cannot_say_stays_as_it_is(connection, kind_of_server):
    """Invisible columns, ignored indexes and their comments are no difference."""
    metadata = sa.MetaData()
    sa.Table(
        "quiet",
        metadata,
        sa.Column("a", sa.Integer, index=True),
        sa.Column("b", sa.String(5), unique=True),
        sa.Column("c", sa.Integer),
    )
    metadata.create_all(connection)
    connection.exec_driver_sql(
        "ALTER TABLE quiet MODIFY c INT INVISIBLE, ALTER INDEX ix_quiet_a"
        f" {IGNORED[kind_of_server]}, DROP KEY b, ADD UNIQUE KEY b (b) COMMENT 'told'"
    )
    scope = Scope(accepts=lambda name: name.name == "quiet")
    current = read_state(connection, scope)
    wanted = adopt_names(read_models([metadata], connection, scope), current)
    assert diff(current, wanted) == ()
    assert "invisible" in {
        option.name
        for column in wanted.table(TableName("quiet")).columns
        for option in column.options
    }


def test_reading_takes_as_many_queries_for_many_tables(connection):
    """The number of statements does not depend on that of tables and databases."""
    statements = []
    counts = []
    sa.event.listen(
        connection, "before_cursor_execute", lambda *args: statements.append(args[2])
    )
    for run in range(2):
        statements.clear()
        read_state(connection, Scope(accepts=lambda name: name.name != "t"))
        counts.append(len(statements))
        for number in range(5):
            connection.exec_driver_sql(
                f"CREATE TABLE x{run}_{number} (id INT PRIMARY KEY, n INT CHECK (n > 1),"
                " FOREIGN KEY (n) REFERENCES parent (id))"
            )
    assert counts[0] == counts[1] < 10


@pytest.mark.only_on("mariadb")
def test_checks_of_both_levels(connection):
    """A check beside its column has no name; one of the table has the server's."""
    connection.exec_driver_sql("ALTER TABLE t ADD CHECK (n < 9)")
    table = state_of(connection).table(TableName("t"))
    checks = {
        each.name: each.naming for each in table.constraints if isinstance(each, Check)
    }
    assert checks == {
        "ck": Naming.GIVEN, "CONSTRAINT_1": Naming.GIVEN, "beside": Naming.NONE,
    }  # fmt: skip


@pytest.mark.only_on("mysql")
def test_a_check_that_is_not_enforced(connection):
    """It is another check than one that is, and models leave it as it is."""
    before = state_of(connection)
    connection.exec_driver_sql("ALTER TABLE t ALTER CHECK ck NOT ENFORCED")
    current = state_of(connection)
    assert current != before
    metadata = sa.MetaData()
    column = sa.Column("n", sa.Integer)
    sa.Table("t", metadata, column, sa.CheckConstraint("n > 0", name="ck"))
    wanted = adopt_names(read_models([metadata], connection, Scope()), current)
    (check,) = wanted.table(TableName("t")).constraints
    assert check in current.table(TableName("t")).constraints
    connection.exec_driver_sql("ALTER TABLE t ALTER CHECK ck ENFORCED")
    assert state_of(connection) == before


TEXTS = r"""
CREATE TABLE texts (
  a VARCHAR(60) DEFAULT ('it''s \\ \n"中"'), b VARCHAR(60) DEFAULT 'it''s \\ \n"中"',
  c VARCHAR(99) AS (concat(a, 'it''s \\ \n"x"')), d VARCHAR(99) AS (concat(a, '中')),
  e BINARY(4) DEFAULT 0x00610000, f VARBINARY(9) DEFAULT 'it''s', g DATETIME DEFAULT (now()),
  h DATETIME DEFAULT CURRENT_TIMESTAMP, i VARCHAR(30) DEFAULT 'CURRENT_TIMESTAMP',
  `名` INT CHECK (`名` > 0), CHECK (b <> 'it''s \\ \n"x"')
)
"""


def test_texts_are_told_as_they_are(connection):
    """What the catalog says of expressions and defaults makes the same table again."""
    connection.exec_driver_sql(TEXTS)
    table = state_of(connection).table(TableName("texts"))
    columns = [f"`{each.name}` {definition(each)}" for each in table.ordered_columns]
    checks = [
        f"CHECK ({each.expression.text})"
        for each in sorted(table.constraints, key=lambda each: each.name)
    ]
    made = f"CREATE TABLE again ({', '.join(columns + checks)})"
    connection.exec_driver_sql(made.replace("%", "%%"))
    again = state_of(connection).table(TableName("again"))
    assert again.columns == table.columns
    assert {each.expression for each in again.constraints} == {
        each.expression for each in table.constraints
    }
    default = connection.exec_driver_sql("INSERT INTO again (a) VALUES (DEFAULT)")
    assert default.rowcount == 1
    rows = connection.exec_driver_sql("SELECT a, b, d, hex(e), f FROM again").all()
    assert rows == [
        ('it\'s \\ \n"中"', 'it\'s \\ \n"中"', 'it\'s \\ \n"中"中', "00610000", b"it's")
    ]


def test_a_database_that_goes_meanwhile_is_passed_by(mariadb_url, monkeypatch):
    """Scratch databases of others come and go while the schemas are looked through."""
    engine = sa.create_engine(mariadb_url)
    real = type(sa.inspect(engine)).get_schema_names
    asked = []

    def one_too_many(self, **kw):
        asked.append(1)
        return [*(["gone"] if len(asked) == 1 else []), *real(self, **kw)]

    monkeypatch.setattr(type(sa.inspect(engine)), "get_schema_names", one_too_many)
    with engine.connect() as connection:
        own = engine.url.database
        assert not has_tables(connection, Scope(accepts=lambda _: False))
        connection.exec_driver_sql(f"CREATE TABLE {own}.some (id INTEGER)")
        asked.clear()
        assert has_tables(connection, Scope())
    engine.dispose()


def test_a_database_that_went_is_passed_by(mariadb_url):
    """MySQL lists it until the end of a transaction that began before."""
    engine = sa.create_engine(mariadb_url)
    other = f"{engine.url.database}_x"
    with engine.connect() as connection, engine.connect() as somebody:
        somebody.exec_driver_sql(f"CREATE DATABASE {other}")
        assert other in sa.inspect(connection).get_schema_names()
        somebody.exec_driver_sql(f"DROP DATABASE {other}")
        mine = Scope(accepts=lambda name: name.schema == other)
        assert not has_tables(connection, mine)
    engine.dispose()


@pytest.mark.parametrize("longest", range(64, 5000, 600))
def test_rows_that_the_server_cuts_short_are_read_again(
    connection, longest, monkeypatch
):
    """However little text a server tells at once, all of the catalog is read."""
    whole = state_of(connection)
    monkeypatch.setattr(mysql_packed, "_LONGEST", longest)
    assert state_of(connection) == whole


def test_rows_come_in_one_text(connection, monkeypatch):
    """What tells that rows do not, tells it of none of these."""
    whole = state_of(connection)
    monkeypatch.setattr(mysql_packed.Query, "_one_by_one", None)
    assert state_of(connection) == whole


def test_a_text_with_the_character_between_fields_is_read(connection):
    """It is no more than a character to a comment."""
    connection.exec_driver_sql("CREATE TABLE odd (a INT COMMENT 'a\\0b', b INT)")
    odd = next(each for each in state_of(connection).tables if each.name.name == "odd")
    told = {column.name: column.comment for column in odd.columns}
    assert told == {"a": "a\0b", "b": None}


@pytest.mark.only_on("mariadb")
def test_tables_are_read_a_portion_at_a_time(connection, mariadb_url, monkeypatch):
    """Whatever stands in a portion, each table is read once, whatever its name."""
    names = ["Ab", "aB", "a_", "a%", "ä", "z z", "订单", "Z`", "_", "0", "T"]
    other = f"{sa.make_url(mariadb_url).database}_y"
    connection.exec_driver_sql(f"CREATE DATABASE {other}")
    try:
        for name in [*names, "v"]:
            quoted = name.replace("`", "``").replace("%", "%%")
            for place in (f"`{quoted}`", f"{other}.`{quoted}`"):
                connection.exec_driver_sql(
                    f"CREATE TABLE {place} (id INT, n INT CHECK (n > 1))"
                )
        connection.exec_driver_sql("CREATE VIEW b AS SELECT 1")
        scope = Scope(schemas=(None, other))
        whole = read_state(connection, scope)
        assert {"Ab", "aB", "订单"} <= {table.name.name for table in whole.tables}
        for portion in (1, 2, 3, 7, 12, 13, 14, 25):
            monkeypatch.setattr(mysql_portions, "PORTION", portion)
            assert read_state(connection, scope) == whole
    finally:
        connection.exec_driver_sql(f"DROP DATABASE {other}")
