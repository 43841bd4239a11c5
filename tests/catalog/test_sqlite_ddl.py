"""What we read in a CREATE TABLE text is what SQLite reads in it."""

import sqlite3
from dataclasses import replace

import pytest
from hypothesis import assume, given

from sqlite_texts import create_tables
from whimbrel.catalog.sqlite_ddl import (
    ClauseKind,
    canonical,
    default_expression,
    expression,
    is_virtual,
    mentioned,
    parse_clause,
    parse_column,
    parse_constraint,
    parse_index,
    parse_table,
    quote,
    tokens,
    type_spelling,
)
from whimbrel.errors import DatabaseError


def made(*statements):
    """A database in memory in which the statements were executed."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE parent (Id INTEGER PRIMARY KEY)")
    for statement in statements:
        connection.execute(statement)
    return connection


def made_or_none(sql):
    try:
        return made(sql)
    except sqlite3.OperationalError:
        return None


def stored(connection, name="item"):
    """The text that SQLite keeps of a table."""
    query = "SELECT sql FROM sqlite_master WHERE name = ?"
    return connection.execute(query, (name,)).fetchone()[0]


def pragma(connection, name, table="item"):
    return connection.execute(f"SELECT * FROM pragma_{name}(?)", (table,)).fetchall()


def columns_told(connection, table="item"):
    """Name, type, default and hidden of each column, in SQLite's own words."""
    return [
        (name, type_spelling(type_), default and canonical(default), hidden)
        for _, name, type_, _, default, _, hidden in pragma(connection, "table_xinfo", table)
    ]  # fmt: skip


def columns_parsed(text):
    """The same of a parsed table."""
    result = []
    for column in text.columns:
        default = column.clause(ClauseKind.DEFAULT)
        generated = column.clause(ClauseKind.GENERATED)
        hidden = 0 if generated is None else 3 if generated.is_stored else 2
        said = default and canonical(default.expression)
        result.append((column.name, type_spelling(column.type_text), said, hidden))
    return result


@given(create_tables())
def test_a_text_comes_out_as_it_went_in(sql):
    """Whatever SQLite accepts, we parse, and give back word for word."""
    connection = made_or_none(sql)
    assume(connection is not None)

    assert parse_table(sql).text == sql
    assert parse_table(stored(connection)).text == stored(connection)


@given(create_tables())
def test_columns_are_those_of_the_pragma(sql):
    """Names, types, defaults and what is generated agree with table_xinfo."""
    connection = made_or_none(sql)
    assume(connection is not None)

    assert columns_parsed(parse_table(sql)) == columns_told(connection)


@given(create_tables())
def test_foreign_keys_are_those_of_the_pragma(sql):
    """Columns, targets and actions agree with foreign_key_list."""
    connection = made_or_none(sql)
    assume(connection is not None)
    told = [
        (column, table, target, on_update, on_delete)
        for _, _, table, column, target, on_update, on_delete, _ in reversed(
            pragma(connection, "foreign_key_list")
        )
    ]
    text = parse_table(sql)
    spelling = {name.lower(): name for name in (each.name for each in text.columns)}
    clauses = [
        (columns, clause.reference)
        for item in text.items
        for columns, clause in (
            [((item.name,), each) for each in item.clauses]
            if hasattr(item, "clauses")
            else [(tuple(part.name for part in item.columns), item)]
        )
        if clause.kind is ClauseKind.REFERENCES
    ]

    assert told == [
        (
            spelling[columns[0].lower()],
            reference.table,
            reference.columns[0] if reference.columns else None,
            reference.on_update or "NO ACTION",
            reference.on_delete or "NO ACTION",
        )
        for columns, reference in clauses
    ]


@given(create_tables())
def test_a_renamed_table_is_made_alike(sql):
    """A text with another name makes a table with the same columns and keys."""
    connection = made_or_none(sql)
    assume(connection is not None)
    copy = replace(parse_table(stored(connection)), name="the copy")
    connection.execute(copy.text)

    assert columns_told(connection, "the copy") == columns_told(connection)
    for name in ("foreign_key_list", "table_xinfo"):
        assert pragma(connection, name, "the copy") == pragma(connection, name)


@given(create_tables())
def test_what_is_left_out_leaves_valid_sql(sql):
    """Without any one clause or constraint, the text is still SQL that SQLite accepts."""
    assume(made_or_none(sql) is not None)
    text = parse_table(sql)
    for place, item in enumerate(text.items):
        before, after = text.items[:place], text.items[place + 1 :]
        kept = ("PRIMARY KEY", "GENERATED")
        if not hasattr(item, "clauses"):
            if item.kind.value not in kept:
                made(replace(text, items=before + after).text)
            continue
        for index, clause in enumerate(item.clauses):
            if clause.kind.value not in kept:
                clauses = item.clauses[:index] + item.clauses[index + 1 :]
                changed = replace(item, clauses=clauses)
                made(replace(text, items=(*before, changed, *after)).text)


@given(create_tables())
def test_what_is_put_in_is_made(sql):
    """A column, a clause and a constraint that are added are there afterwards."""
    assume(made_or_none(sql) is not None)
    text = parse_table(sql)
    column = parse_column("extra TEXT")
    column = replace(column, clauses=(parse_clause("DEFAULT 'x'"),))
    constraint = parse_constraint("CONSTRAINT added CHECK (extra <> '')")
    items = (*text.columns, column, *text.constraints, constraint)
    connection = made(replace(text, items=items).text)

    assert columns_told(connection)[-1] == ("extra", "TEXT", "'x'", 0)
    assert parse_table(stored(connection)).constraints[-1] == constraint


@given(create_tables())
def test_tokens_lose_nothing(sql):
    """The tokens of a text, with what stands before each, make the text again."""
    assert "".join(token.before + token.text for token in tokens(sql)) == sql


def test_options_are_put_on_and_taken_off():
    """STRICT and WITHOUT ROWID follow the field, not the former text."""
    text = parse_table("CREATE TABLE t (id INT PRIMARY KEY) without\n rowid, Strict")

    assert text.options == ("WITHOUT ROWID", "STRICT")
    assert replace(text, options=()).text == "CREATE TABLE t (id INT PRIMARY KEY)"
    assert replace(text, options=("STRICT",)).text.endswith(") STRICT")


@pytest.mark.parametrize(
    "name",
    [
        "x",
        "order",
        "Group",
        "two words",
        'a"b',
        "1st",
        "",
        "Größe",
        "a-b",
        "true",
        "a$1",
    ],
)
def test_a_quoted_name_is_a_name(name):
    """SQLite reads back the name that was quoted."""
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE {quote(name)} (a)")

    assert parse_table(f"CREATE TABLE {quote(name)} (a)").name == name
    assert connection.execute("SELECT name FROM sqlite_master").fetchone() == (name,)


def test_only_what_must_be_quoted_is():
    """A plain word stands as it is."""
    assert [quote("User"), quote("user"), quote("key")] == ["User", "user", "key"]
    assert quote("select") == '"select"'


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a>0", "( (A) > 0 )".replace("(A)", "A")),
        ("\"Name\" != 'X'", "name <> 'X'"),
        ("[a]==1", "a = 1"),
        ("a /* why */ IN(1,2)", "a in (1, 2) -- because\n"),
        ('"order" > 1', "`ORDER` > 1"),
    ],
)
def test_spellings_of_one_expression_are_one(one, other):
    """What only looks different is spelled alike."""
    assert canonical(one) == canonical(other)
    assert expression(one) == expression(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a = 'x'", "a = 'X'"),
        ('a = "null"', "a = null"),
        ("(a) + (b)", "a) + (b"),
        ("a - -1", "a + 1"),
        ("x'00'", "'00'"),
        ("a ->> 'b'", "a -> 'b'"),
    ],
)
def test_different_expressions_differ(one, other):
    """What means something else is spelled otherwise."""
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize("word", ["bare", '"bare"', "'bare'", "('bare')"])
def test_a_bare_word_as_a_default_is_a_string(word):
    """DEFAULT x and DEFAULT "x" insert what DEFAULT 'x' inserts."""
    connection = made(f"CREATE TABLE t (a, b DEFAULT {word})")
    connection.execute("INSERT INTO t (a) VALUES (1)")

    assert connection.execute("SELECT b FROM t").fetchone() == ("bare",)
    assert default_expression(word) == default_expression("'bare'")


def test_an_expression_tells_the_columns_that_it_names():
    """They come in order of appearance, as the table spells them; functions are none."""
    named = mentioned("length(\"B\") > a AND 'c' <> A", ["A", "b", "c", "length"])

    assert named == ("b", "A")


INDEXES = [
    ("CREATE INDEX i ON t (a)", [("a", None, False)], None),
    ('create unique index if not exists main."i" on [t] ( "A" desc , b )', [("A", None, True), ("b", None, False)], None),
    ("CREATE INDEX i ON t (a COLLATE nocase DESC, lower(b))", [("a", "nocase", True), (None, None, False)], None),
    ("CREATE INDEX i ON t (b || 'x' COLLATE rtrim) WHERE a > 1 -- end", [(None, None, False)], "a > 1 -- end"),
    ("CREATE INDEX i ON t (lower(b) COLLATE rtrim)", [(None, "rtrim", False)], None),
    ("CREATE INDEX i ON t(('a'), \"b\")where(a IS NOT NULL)", [("a", None, False), ("b", None, False)], "(a IS NOT NULL)"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "parts", "where"), INDEXES)
def test_an_index_is_read_as_sqlite_reads_it(sql, parts, where):
    """Columns, collations, order and uniqueness agree with index_xinfo."""
    connection = made("CREATE TABLE t (a, b)", sql)
    text = parse_index(sql)
    told = [row for row in pragma(connection, "index_xinfo", "i") if row[5]]
    unique = pragma(connection, "index_list", "t")[0][2]

    assert [
        (part.column, part.collation, part.is_descending) for part in text.parts
    ] == parts
    assert text.where == where
    assert (text.name, text.table, text.unique) == ("i", "t", bool(unique))
    assert len(told) == len(parts)
    for (_, _, column, descending, collation, _), part in zip(
        told, text.parts, strict=True
    ):
        assert (column and column.lower()) == (part.column and part.column.lower())
        assert bool(descending) == part.is_descending
        if part.collation:
            assert collation.lower() == part.collation.lower()


def test_a_table_made_from_a_query_is_read():
    """SQLite keeps a plain CREATE TABLE of it."""
    connection = made("CREATE TABLE item AS SELECT 1 AS a, 'x' AS \"b c\", 2.5 AS d")

    assert columns_parsed(parse_table(stored(connection))) == columns_told(connection)


def test_altered_tables_are_read():
    """What ALTER TABLE adds, renames and drops stands in the text."""
    connection = made(
        "CREATE TABLE first (id INTEGER PRIMARY KEY, gone TEXT, name TEXT -- the name\n, UNIQUE (name))",
        "ALTER TABLE first ADD COLUMN age INTEGER NOT NULL DEFAULT 3",
        'ALTER TABLE first RENAME COLUMN name TO "new name"',
        "ALTER TABLE first DROP COLUMN gone",
        "ALTER TABLE first RENAME TO item",
    )
    text = parse_table(stored(connection))

    assert text.name == "item"
    assert columns_parsed(text) == columns_told(connection)
    assert text.constraints[0].columns[0].name == "new name"


def test_deferring_behind_another_clause_is_said_of_the_reference():
    """SQLite lets NOT NULL stand between REFERENCES and DEFERRABLE."""
    sql = "CREATE TABLE t (a REFERENCES p NOT NULL DEFERRABLE INITIALLY DEFERRED)"
    (column,) = parse_table(sql).columns
    reference = column.clause(ClauseKind.REFERENCES).reference

    assert (reference.is_deferrable, reference.is_initially_deferred) == (True, True)
    assert column.text in sql


def test_autoincrement_is_read_in_both_places():
    """It stands behind the clause, or within the parentheses of the constraint."""
    clause = "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)"
    constraint = "CREATE TABLE t (a INTEGER, PRIMARY KEY (a AUTOINCREMENT))"
    made(clause)
    made(constraint.replace(" t ", " u "))

    assert parse_table(clause).columns[0].clauses[0].is_autoincrement
    assert parse_table(constraint).constraints[0].is_autoincrement
    assert parse_table(constraint).constraints[0].columns[0].name == "a"


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIRTUAL TABLE t USING fts5(a)",
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE t (a",
        "nonsense",
    ],
)
def test_what_is_no_table_is_refused_with_a_sentence(sql):
    """The error quotes the text and says how to look at it."""
    with pytest.raises(DatabaseError) as caught:
        parse_table(sql)

    assert sql[:20] in caught.value.sentence
    assert caught.value.remedy
    assert is_virtual(sql) == ("VIRTUAL" in sql)
