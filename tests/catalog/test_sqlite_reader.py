"""The state that we read of a SQLite database is the one that SQLite has."""

import gc
import re
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from hypothesis import assume, given
from sqlalchemy.exc import OperationalError

from sqlite_texts import create_tables
from whimbrel.catalog.read import read_state
from whimbrel.catalog.sqlite import read_sqlite
from whimbrel.errors import DatabaseError
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import (
    Check,
    Expression,
    ForeignKey,
    Index,
    IndexPart,
    Naming,
    Option,
    PrimaryKey,
    TableName,
    Unique,
    by_name,
)


@contextmanager
def connected(*statements):
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        yield connection
    engine.dispose()


def table_of(*statements, name="item"):
    with connected(*statements) as connection:
        return read_sqlite(connection, Scope()).table(TableName(name))


def of_kind(table, kind):
    found = [each for each in table.constraints if isinstance(each, kind)]
    return sorted(found, key=lambda each: each.name)


def rows(connection, sql):
    return [tuple(row) for row in connection.exec_driver_sql(sql)]


@given(create_tables())
def test_columns_agree_with_the_pragma(sql):
    """Nullability and the key are what table_xinfo tells, whatever the options."""
    try:
        with connected(
            "CREATE TABLE parent (Id INTEGER PRIMARY KEY)", sql
        ) as connection:
            table = read_sqlite(connection, Scope()).table(TableName("item"))
            told = rows(
                connection,
                "SELECT name, \"notnull\", pk FROM pragma_table_xinfo('item')",
            )
    except OperationalError:
        assume(False)
    key = sorted((place, name) for name, _, place in told if place)

    assert [(each.name, not each.nullable) for each in table.ordered_columns] == [
        (name, bool(never_null)) for name, never_null, _ in told
    ]
    assert [name for _, name in key] == list(
        table.primary_key.columns if table.primary_key else ()
    )


@given(create_tables())
def test_unique_constraints_agree_with_the_pragma(sql):
    """Each unique constraint has its index in SQLite, with its columns and collations."""
    try:
        with connected(
            "CREATE TABLE parent (Id INTEGER PRIMARY KEY)", sql
        ) as connection:
            table = read_sqlite(connection, Scope()).table(TableName("item"))
            told = rows(
                connection,
                "SELECT i.name, c.name FROM pragma_index_list('item') AS i,"
                " pragma_index_xinfo(i.name) AS c WHERE c.key"
                " ORDER BY i.name, c.seqno",
            )
    except OperationalError:
        assume(False)
    keys = {}
    for index, column in told:
        keys.setdefault(index, []).append(column)
    found = {each.columns for each in of_kind(table, Unique)}
    of_key = {table.primary_key.columns} if table.primary_key else set()

    assert {tuple(each) for each in keys.values()} | of_key == found | of_key


FACTS = [
    ("a INTEGER PRIMARY KEY AUTOINCREMENT", "", {Option("autoincrement", "on")}),
    ("a INT PRIMARY KEY", " WITHOUT ROWID", {Option("without_rowid", "on")}),
    ("a INT PRIMARY KEY", " STRICT", {Option("strict", "on")}),
    (
        "a INT PRIMARY KEY",
        " strict, without rowid",
        {Option("strict", "on"), Option("without_rowid", "on")},
    ),
]


@pytest.mark.parametrize(("column", "options", "expected"), FACTS)
def test_the_options_of_a_table_are_told(column, options, expected):
    """STRICT, WITHOUT ROWID and AUTOINCREMENT are options of the table."""
    assert table_of(f"CREATE TABLE item ({column}){options}").options == expected


def test_a_column_is_told_whole():
    """Type, default, collation, computed value and conflict clause stand in the state."""
    columns = by_name(
        table_of(
            "CREATE TABLE item (a numeric( 10,2 ) NOT NULL ON CONFLICT IGNORE DEFAULT (1 + A),"
            " b TEXT COLLATE nocase, c INT GENERATED ALWAYS AS (a*2) STORED, d AS (\"A\"), e)"
            .replace("(1 + A)", "(1 + 2)")
        ).columns
    )  # fmt: skip

    assert columns["a"].type.spelling == "NUMERIC(10, 2)"
    assert not columns["a"].nullable
    assert columns["a"].default == Expression("1 + 2", "")
    assert columns["a"].options == {Option("not_null_on_conflict", "IGNORE")}
    assert columns["b"].collation == "NOCASE"
    assert columns["c"].computed.is_stored
    assert columns["c"].computed.expression == Expression("a * 2", "")
    assert not columns["d"].computed.is_stored
    assert columns["e"].type.spelling == ""
    assert [columns[name].position for name in "abcde"] == [0, 1, 2, 3, 4]


def test_unnamed_constraints_are_called_by_the_usual_convention():
    """Their names are made up, and marked as nobody's."""
    table = table_of(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        "CREATE TABLE item (id INTEGER PRIMARY KEY, a INT UNIQUE REFERENCES parent,"
        " B INT CHECK (b > a), CHECK (1))",
    )

    assert {each.naming for each in table.constraints} == {Naming.NONE}
    assert sorted(each.name for each in table.constraints) == [
        "ck_item",
        "ck_item_B",
        "fk_item_a_parent",
        "pk_item",
        "uq_item_a",
    ]


def test_unnamed_constraints_that_are_alike_are_marked_by_what_they_say():
    """A mark is the same whatever else the table has, so that a script finds it again."""

    def marks(*more):
        table = table_of(f"CREATE TABLE item (a INT, b INT, {', '.join(more)})")
        return {
            each.name: getattr(each, "expression", each) for each in table.constraints
        }

    two = marks("CHECK (a > 0)", "CHECK (a < 9)", "UNIQUE (a)", "UNIQUE (a, b)")
    three = marks("UNIQUE (a, b)", "CHECK (a <> 5)", "CHECK (a < 9)", "CHECK (a > 0)",
                  "UNIQUE (a)")  # fmt: skip
    assert 4 == len(two)
    assert 5 == len(three)
    assert two == {name: three[name] for name in two}
    assert all(re.fullmatch(r"(ck|uq)_item_a_[0-9a-f]{4}", name) for name in three)


def test_names_that_were_given_are_kept():
    """Constraints of columns and of tables keep the names that they have."""
    table = table_of(
        "CREATE TABLE item (id INT CONSTRAINT one PRIMARY KEY,"
        " a INT CONSTRAINT two UNIQUE CONSTRAINT three CHECK (a > 0),"
        " CONSTRAINT \"the four\" FOREIGN KEY (a) REFERENCES item (id))"
    )  # fmt: skip

    assert {each.naming for each in table.constraints} == {Naming.GIVEN}
    assert {each.name for each in table.constraints} == {
        "one",
        "two",
        "three",
        "the four",
    }


def test_a_foreign_key_is_told_whole():
    """Defaults of the standard are None; names are spelled as their tables spell them."""
    table = table_of(
        'CREATE TABLE Parent ("Id" INTEGER PRIMARY KEY, other INT UNIQUE)',
        "CREATE TABLE item (Aa INT, FOREIGN KEY (aA) REFERENCES PARENT (ID)"
        " ON DELETE cascade ON UPDATE NO ACTION MATCH SIMPLE DEFERRABLE INITIALLY DEFERRED,"
        " CONSTRAINT implied FOREIGN KEY (aa) REFERENCES parent ON UPDATE SET NULL,"
        " CONSTRAINT lost FOREIGN KEY (aa) REFERENCES nowhere)",
    )
    keys = by_name(of_kind(table, ForeignKey))

    assert keys["fk_item_Aa_Parent"] == ForeignKey(
        name="fk_item_Aa_Parent",
        columns=("Aa",),
        target=TableName("Parent"),
        target_columns=("Id",),
        on_delete="CASCADE",
        deferrable=True,
        initially_deferred=True,
        naming=Naming.NONE,
    )
    assert keys["implied"].target_columns == ("Id",)
    assert keys["implied"].on_update == "SET NULL"
    assert (keys["lost"].target, keys["lost"].target_columns) == (
        TableName("nowhere"),
        (),
    )


def test_what_a_key_says_beyond_its_columns_is_an_option():
    """Conflict clauses, descending keys and collations are told; ABORT is the default."""
    table = table_of(
        "CREATE TABLE item (id INTEGER PRIMARY KEY DESC ON CONFLICT REPLACE, a TEXT,"
        " CONSTRAINT u UNIQUE (a COLLATE nocase, id COLLATE binary) ON CONFLICT ABORT)"
    )
    (unique,) = of_kind(table, Unique)

    assert table.primary_key == PrimaryKey(
        name="pk_item",
        columns=("id",),
        options=frozenset(
            {Option("descending", "id"), Option("on_conflict", "REPLACE")}
        ),
        naming=Naming.NONE,
    )
    assert unique.options == {Option("collation", "a NOCASE")}


def test_checks_are_compared_without_outer_parentheses():
    """The spelling of a check does not depend on how it was written."""
    (one,) = of_kind(table_of("CREATE TABLE item (a, CHECK ((\"A\" != 'X')))"), Check)
    (other,) = of_kind(table_of("CREATE TABLE item (a CHECK (a<>'X'))"), Check)

    assert one == other


def test_indexes_are_told_whole():
    """Parts, order, collations, uniqueness and the condition; not the shadows of keys."""
    table = table_of(
        "CREATE TABLE item (a TEXT COLLATE nocase UNIQUE, B INT)",
        "CREATE UNIQUE INDEX one ON ITEM (b DESC, A COLLATE NOCASE) WHERE a IS NOT NULL",
        "CREATE INDEX two ON item (lower(a), a COLLATE binary)",
    )

    assert table.indexes == {
        Index(
            name="one",
            parts=(IndexPart(column="B", descending=True), IndexPart(column="a")),
            unique=True,
            where=Expression("a is not null", ""),
        ),
        Index(
            name="two",
            parts=(
                IndexPart(expression=Expression("lower ( a )", "")),
                IndexPart(
                    column="a", options=frozenset({Option("collation", "BINARY")})
                ),
            ),
        ),
    }


def test_altered_tables_are_told_as_they_are_now():
    """ALTER TABLE changes what is read."""
    table = table_of(
        "CREATE TABLE first (id INTEGER PRIMARY KEY, name TEXT)",
        "CREATE INDEX ix ON first (name)",
        "ALTER TABLE first RENAME TO item",
        "ALTER TABLE item RENAME COLUMN name TO title",
        "ALTER TABLE item ADD COLUMN age INTEGER DEFAULT 3 REFERENCES item (id)",
    )

    assert [column.name for column in table.ordered_columns] == ["id", "title", "age"]
    assert next(iter(table.indexes)).parts == (IndexPart(column="title"),)
    assert of_kind(table, ForeignKey)[0].columns == ("age",)


VIRTUAL = [
    "CREATE TABLE docs_tags (id INTEGER PRIMARY KEY)",
    "CREATE VIRTUAL TABLE docs USING fts5(body)",
    "CREATE VIRTUAL TABLE [old docs] USING fts4(body)",
    "CREATE VIRTUAL TABLE places USING rtree(id, x0, x1)",
]


def test_virtual_tables_and_what_they_keep_are_left_alone():
    """Only tables that somebody defined are in the state."""
    with connected(*VIRTUAL) as connection:
        state = read_sqlite(connection, Scope())

    assert {table.name.name for table in state.tables} == {"docs_tags"}


def test_only_what_is_in_scope_is_told():
    """SQLite's own tables, the version table and what a filter refuses are not."""
    statements = (
        "CREATE TABLE kept (id INTEGER PRIMARY KEY AUTOINCREMENT)",
        "CREATE TABLE refused (id INTEGER PRIMARY KEY)",
        "CREATE TABLE alembic_version (version_num VARCHAR(32))",
        "CREATE VIEW seen AS SELECT * FROM kept",
        "CREATE TRIGGER fired AFTER INSERT ON kept BEGIN SELECT 1; END",
        "ANALYZE",
    )
    scope = Scope(accepts=lambda name: name != TableName("refused"))
    with connected(*statements) as connection:
        state = read_state(connection, scope)

    assert {table.name.name for table in state.tables} == {"kept"}


def test_attached_databases_are_schemas():
    """A table of an attached database carries its name; its keys point within it."""
    statements = (
        "ATTACH ':memory:' AS \"the aux\"",
        "CREATE TABLE item (id INTEGER PRIMARY KEY)",
        'CREATE TABLE "the aux".item (id INTEGER PRIMARY KEY, up INT REFERENCES item)',
        'CREATE INDEX "the aux".ix ON item (up)',
    )
    with connected(*statements) as connection:
        state = read_sqlite(connection, Scope(schemas=(None, "the aux")))
    table = state.table(TableName("item", "the aux"))

    assert len(state.tables) == 2
    assert of_kind(table, ForeignKey)[0].target == TableName("item", "the aux")
    assert len(table.indexes) == 1


def test_a_schema_that_is_not_attached_is_an_error_with_a_remedy():
    """The sentence names the schema and says how to attach it."""
    with connected() as connection, pytest.raises(DatabaseError) as caught:
        read_sqlite(connection, Scope(schemas=("elsewhere",)))

    assert "elsewhere" in caught.value.sentence
    assert "ATTACH" in caught.value.remedy


@pytest.mark.parametrize("extra", [(), tuple(VIRTUAL)])
def test_the_number_of_queries_does_not_grow(extra):
    """As many statements for 60 tables as for one, virtual tables or not."""

    def count(tables):
        statements = []
        with connected(*extra, *tables) as connection:
            sa.event.listen(
                connection,
                "before_cursor_execute",
                lambda *args: statements.append(args[2]),
            )
            read_sqlite(connection, Scope())
        return len(statements)

    tables = [
        f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY, a INT UNIQUE)"
        for number in range(60)
    ]
    more = [f"CREATE INDEX i{number} ON t{number} (a)" for number in range(60)]
    fewer = [
        f"CREATE VIRTUAL TABLE v{number} USING fts5(a)"
        for number in range(5 if extra else 0)
    ]

    assert count(tables[:1]) == count(tables + more + fewer) <= 2


def test_reading_twice_tells_the_same_and_leaves_the_collector_as_it_was():
    """A state is a value, and reading has no effect on the process."""
    with connected(
        *VIRTUAL, "CREATE TABLE item (a, b CHECK (a > b), UNIQUE (a, b))"
    ) as connection:
        assert read_state(connection, Scope()) == read_state(connection, Scope())

    assert gc.isenabled()
