"""What create_all() makes of models on MariaDB and MySQL is what we read from the models."""

import warnings

import pytest
import sqlalchemy as sa
from hypothesis import assume, given, settings
from sqlalchemy.dialects import mysql

from conftest import SOAK
from mysql_models import TYPES, metadatas
from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.errors import ModelsError, NoTemporaryTables
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import TableName
from whimbrel.schema.unsaid import told_otherwise


EVERYTHING = Scope()
IMPOSSIBLE = {"mariadb": (1918,), "mysql": (1178, 3854)}
"""Their numbers for: a character set has not every text, MyISAM no falling index."""


@pytest.fixture
def connection(mariadb):
    return mariadb


def differences(metadata, connection):
    """Make the models, and return what their state lacks of the database's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metadata.create_all(connection)
    current = read_state(connection, EVERYTHING)
    wanted = adopt_names(read_models([metadata], connection, EVERYTHING), current)
    found = diff(current, wanted)
    assert (wanted == current) == (found == ())
    return found


def test_every_type_is_told_alike(connection):
    """In tables of two character sets, with and without NULL."""
    metadata = sa.MetaData()
    for start in range(0, len(TYPES), 12):
        some = TYPES[start : start + 12]
        for nullable, charset in ((True, "utf8mb4"), (False, "latin1")):
            sa.Table(
                f"t_{charset}_{start}",
                metadata,
                *[
                    sa.Column(f"c{number}", type_, nullable=nullable)
                    for number, type_ in enumerate(some)
                ],
                mysql_charset=charset,
            )
    assert differences(metadata, connection) == ()


def test_models_are_what_create_all_makes_of_them(mariadb_url, kind_of_server):
    """For any models, once what is unnamed has taken its equal's name."""
    engine = sa.create_engine(mariadb_url)

    @given(metadatas(kind_of_server == "mariadb"))
    @settings(max_examples=2000 if SOAK else 25)
    def holds(metadata):
        with engine.connect() as connection:
            try:
                assert differences(metadata, connection) == ()
            except sa.exc.OperationalError as error:
                assume(error.orig.args[0] not in IMPOSSIBLE[kind_of_server])
                raise
            finally:
                metadata.drop_all(connection)

    holds()
    engine.dispose()


ARIA = {
    "nothing": {},
    "what holds anyway": {"transactional": "1", "page_checksum": "1"},
    "not crash-safe": {"transactional": "0"},
    "no checksum": {"page_checksum": "0"},
    "another format": {"row_format": "dynamic"},
    "that format, and crash-safe": {"row_format": "dynamic", "transactional": "1"},
}


@pytest.mark.only_on("mariadb")
@pytest.mark.parametrize("said", ARIA.values(), ids=ARIA)
def test_the_options_of_aria(connection, said):
    """What its tables have anyway the server tells or not, said or not."""
    metadata, usual = sa.MetaData(), sa.MetaData()
    words = {"engine": "Aria", **said}
    named = {
        f"{kind}_{key}": words[key] for kind in ("mysql", "mariadb") for key in words
    }
    sa.Table("t", metadata, sa.Column("a", sa.Integer), **named)
    assert differences(metadata, connection) == ()
    sa.Table("t", usual, sa.Column("a", sa.Integer), mysql_engine="Aria")
    wanted = read_models([usual], connection, EVERYTHING)
    found = diff(read_state(connection, EVERYTHING), wanted)
    assert bool(found) == (said not in (ARIA["nothing"], ARIA["what holds anyway"]))


@pytest.mark.parametrize("engine", ["MEMORY", "InnoDB"])
def test_how_the_keys_of_a_table_are_kept(connection, engine):
    """A tree in memory is another key; on disk there is nothing else."""
    metadata, usual = sa.MetaData(), sa.MetaData()
    for each, using in ((metadata, {"mysql_using": "btree"}), (usual, {})):
        key = sa.PrimaryKeyConstraint("a", **using)
        index = sa.Index("x", "b", **using)
        columns = [sa.Column(name, sa.Integer) for name in ("a", "b")]
        sa.Table("t", each, *columns, key, index, mysql_engine=engine)
    assert differences(metadata, connection) == ()
    wanted = read_models([usual], connection, EVERYTHING)
    found = diff(read_state(connection, EVERYTHING), wanted)
    assert len(found) == (2 if engine == "MEMORY" else 0)


KEYS = {
    "unnamed": [],
    "index of its own": [(sa.Index, "ix_child_parent", "parent_id")],
    "the server's own index said": [(sa.Index, "parent_id", "parent_id")],
    "served by a wider index": [(sa.Index, "ix_wide", "parent_id", "number")],
    "served by a unique key": [(sa.UniqueConstraint, "parent_id", "number")],
    "check beside": [(sa.CheckConstraint, "number > 1")],
}


@pytest.mark.parametrize("things", KEYS.values(), ids=KEYS)
def test_a_foreign_key_and_the_index_that_serves_it(connection, things):
    """The index that the server makes is no difference, the models' own is seen."""
    metadata = sa.MetaData()
    sa.Table("parent", metadata, sa.Column("id", sa.Integer, primary_key=True))
    sa.Table(
        "child",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("parent_id", sa.ForeignKey("parent.id", ondelete="RESTRICT")),
        sa.Column("number", sa.Integer, sa.CheckConstraint("number < 9")),
        sa.Column("me", sa.ForeignKey("child.id", name="fk_me")),
        *[kind(*arguments) for kind, *arguments in things],
    )
    assert differences(metadata, connection) == ()


def test_an_index_that_is_called_like_the_foreign_key_that_it_serves(connection):
    """Models that name the index and not the key are what a script with both makes."""
    connection.exec_driver_sql("CREATE TABLE nest (id INT AUTO_INCREMENT PRIMARY KEY)")
    connection.exec_driver_sql(
        "CREATE TABLE egg (id INT AUTO_INCREMENT PRIMARY KEY, nest_id INT,"
        " KEY fk_egg_nest (nest_id),"
        " CONSTRAINT fk_egg_nest FOREIGN KEY (nest_id) REFERENCES nest (id))"
    )
    metadata = sa.MetaData()
    sa.Table("nest", metadata, sa.Column("id", sa.Integer, primary_key=True))
    egg = sa.Table(
        "egg",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("nest_id", sa.ForeignKey("nest.id")),
    )
    named = sa.Index("fk_egg_nest", egg.c.nest_id)
    assert differences(metadata, connection) == ()
    egg.indexes.remove(named)
    assert differences(metadata, connection) == ()
    sa.Index("ix_egg_nest", egg.c.nest_id)
    (change,) = differences(metadata, connection)
    assert (change.before, change.after.name) == (None, "ix_egg_nest")


SAID = {
    "check": lambda name: sa.CheckConstraint("number > 1", name=name),
    "unique": lambda name: sa.UniqueConstraint("number", name=name),
    "foreign key": lambda name: sa.ForeignKeyConstraint(
        ["number"], ["t.id"], name, ondelete="RESTRICT"
    ),
}


AGAIN = [(None,) * 2, (None,) * 3, ("a", None), (None, "a"), ("b", None, "a")]


@pytest.mark.parametrize("names", AGAIN)
@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_what_models_say_again_without_a_name(connection, said, names):
    """A database that has it as often as models say is no other, nor one with less."""

    def models(names):
        metadata = sa.MetaData()
        other = sa.CheckConstraint("number < 9")
        id_, number = (sa.Column(each, sa.Integer) for each in ("id", "number"))
        things = [id_, number, sa.PrimaryKeyConstraint("id"), other]
        sa.Table("t", metadata, *things, *map(said, names))
        return metadata

    assert differences(models(names), connection) == ()
    models(names).drop_all(connection)
    named = [each for each in names if each]
    models(named or [None]).create_all(connection)
    assert differences(models(names), connection) == ()


def test_tables_in_other_databases(connection, mariadb_url):
    """A schema is a database; the connection's own is the default one."""
    other = f"{connection.engine.url.database}_x"
    connection.exec_driver_sql(f"CREATE DATABASE {other} COLLATE latin1_swedish_ci")
    try:
        metadata = sa.MetaData()
        own = connection.engine.url.database
        sa.Table("here", metadata, sa.Column("id", sa.Integer, primary_key=True))
        sa.Table(
            "there",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("here_id", sa.ForeignKey(f"{own}.also.id")),
            sa.Column("word", sa.String(5)),
            sa.Column("wide", sa.String(5, collation="utf8mb4_bin")),
            schema=other,
        )
        sa.Table(
            "also", metadata, sa.Column("id", sa.Integer, primary_key=True), schema=own
        )
        metadata.create_all(connection)
        scope = Scope(schemas=(None, other, own))
        current = read_state(connection, scope)
        wanted = adopt_names(read_models([metadata], connection, scope), current)
        assert {str(table.name) for table in current.tables} == {
            "here", "also", f"{other}.there",
        }  # fmt: skip
        assert diff(current, wanted) == ()
    finally:
        connection.exec_driver_sql(f"DROP DATABASE {other}")


def test_the_transaction_of_the_caller_goes_on(connection):
    """Spelling models neither commits nor rolls back what the caller did."""
    connection.exec_driver_sql("CREATE TABLE kept (id INT)")
    connection.exec_driver_sql("INSERT INTO kept VALUES (1)")
    metadata = sa.MetaData()
    sa.Table("t", metadata, sa.Column("a", sa.String(5), server_default="x"))
    read_models([metadata], connection, EVERYTHING)
    connection.rollback()
    assert connection.exec_driver_sql("SELECT * FROM kept").all() == []


LOWER = [
    ("(lower(code))", {}),
    ("(concat(code, 'it''s \\\\ \"中\"'))", {}),
    ("(lower(code)) DESC", {}),
    ("(cast(data->'$.a' as unsigned array))", {}),
    ("(cast(data->>'$.\"it''s\"' as char(20)))", {"unique": True}),
]


@pytest.mark.only_on("mysql")
@pytest.mark.parametrize(("text", "options"), LOWER)
def test_an_index_over_an_expression(connection, text, options):
    """It is told as the database tells it, quotes and letters of all sorts too."""
    metadata = sa.MetaData()
    sa.Table(
        "t",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("code", sa.String(20)),
        sa.Column("data", sa.JSON),
        sa.Index("ix_text", sa.text(text), **options),
        sa.Index("ix_more", "code", sa.text(text), "id"),
    )
    assert differences(metadata, connection) == ()


REFUSED = {
    "default": (
        lambda: sa.Column("a", sa.Integer, server_default=sa.text("nonsense()")),
        "t.a",
    ),
    "check": (lambda: sa.CheckConstraint("nowhere > 1"), "nowhere > 1"),
    "type": (lambda: sa.Column("a", mysql.VARCHAR(20, charset="klingon")), "t.a"),
    "expression": (
        lambda: sa.Index("ix_lower", sa.text("(nonsense(word))")),
        "ix_lower",
    ),
    "long name": (lambda: sa.Column("a" * 65, sa.Integer), "a" * 65),
}


@pytest.mark.parametrize(("thing", "name"), REFUSED.values(), ids=REFUSED)
def test_what_the_server_refuses_is_named(connection, thing, name):
    """The error names the column or the constraint."""
    metadata = sa.MetaData()
    sa.Table(
        "t", metadata, sa.Column("id", sa.Integer), sa.Column("word", sa.Text), thing()
    )
    with pytest.raises(ModelsError, match=name.replace("(", r"\(")):
        read_models([metadata], connection, EVERYTHING)


def models_for_a_role():
    metadata = sa.MetaData()
    sa.Table("p", metadata, sa.Column("id", sa.Integer, primary_key=True))
    sa.Table(
        "c",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("p_id", sa.ForeignKey("p.id", ondelete="CASCADE")),
        sa.Column("n", sa.Integer, sa.CheckConstraint("n > 1"), server_default="2"),
    )
    return metadata


def test_a_role_that_may_only_read(connection, as_role):
    """SELECT and CREATE TEMPORARY TABLES are enough; foreign keys are read wholly."""
    metadata = models_for_a_role()
    metadata.create_all(connection)
    current = read_state(connection, EVERYTHING)
    with as_role("SELECT, CREATE TEMPORARY TABLES") as theirs:
        assert read_state(theirs, EVERYTHING) == current
        wanted = read_models([metadata], theirs, EVERYTHING)
        assert diff(current, adopt_names(wanted, current)) == ()


def test_a_role_without_temporary_tables(connection, as_role):
    """The error says which privilege is missing."""
    metadata = models_for_a_role()
    metadata.create_all(connection)
    with (
        as_role("SELECT") as theirs,
        pytest.raises(NoTemporaryTables, match="CREATE TEMPORARY TABLES"),
    ):
        read_models([metadata], theirs, EVERYTHING)


@pytest.mark.only_on("mysql")
def test_what_no_catalog_tells_of_a_table_is_no_difference(connection):
    """A new table gets it; of one that is there nobody knows."""
    metadata = sa.MetaData()
    said = {"mysql_autoextend_size": "4M", "mysql_tablespace": "innodb_file_per_table"}
    sa.Table("t", metadata, sa.Column("id", sa.Integer, primary_key=True), **said)
    wanted = read_models([metadata], connection, EVERYTHING)
    assert {each.name for each in wanted.table(TableName("t")).options} == {
        name.removeprefix("mysql_") for name in said
    }
    metadata.create_all(connection)
    current = read_state(connection, EVERYTHING)
    wanted = adopt_names(wanted, current)
    assert diff(current, wanted) == ()
    assert [*told_otherwise(wanted, current)] == []


def test_foreign_keys_that_an_engine_does_not_keep_are_told(connection):
    """The server says nothing when it forgets them."""
    metadata = sa.MetaData()
    sa.Table("p", metadata, sa.Column("id", sa.Integer, primary_key=True))
    for engine in ("MyISAM", "InnoDB"):
        said = {"mysql_engine": engine, "mariadb_engine": engine}
        key = sa.Column("p_id", sa.ForeignKey("p.id"))
        sa.Table(engine.lower(), metadata, key, **said)
    (told,) = read_models([metadata], connection, EVERYTHING).discords
    assert told.startswith(
        "myisam: the models say foreign keys of p_id, and the engine"
    )
