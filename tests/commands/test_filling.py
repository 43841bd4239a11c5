"""What the rows that are there get in columns that must not be NULL."""

import pytest

from whimbrel.errors import UsageError
from whimbrel.schema.fills import Fill, parse_fills
from whimbrel.schema.state import TableName


def item(*columns):
    lines = [
        "class Item(Base):",
        "    __tablename__ = 'item'",
        "    id = sa.Column(sa.Integer, primary_key=True)",
        "    n = sa.Column(sa.Integer)",
        *(f"    {column}" for column in columns),
        "",
    ]
    return "\n".join(lines)


ROWS = "INSERT INTO item (n) VALUES (1), (NULL), (3)"


def column(type_, more=""):
    return f"v = sa.Column(sa.{type_}, nullable=False{more})"


DEFAULTS = [
    ("Integer", "7", 7),
    ("String(9)", "'it\\'s'", "it's"),
    ("Boolean", "True", 1),
    ("Boolean", "False", 0),
    ("Numeric(8, 2)", "2.5", 2.5),
    ("JSON", "{'a': [1]}", '{"a": [1]}'),
    ("Enum('a', 'b', name='kind')", "'b'", "b"),
    ("Date", "__import__('datetime').date(2020, 2, 29)", "2020-02-29"),
    ("Integer", "sa.text('2 + 3')", 5),
    ("Integer", "sa.func.abs(-4)", 4),
]


@pytest.mark.parametrize(("type_", "default", "stored"), DEFAULTS)
def test_a_default_of_the_models_fills(project, type_, default, stored):
    """A value, or SQL, that the models give to new rows goes to old rows too."""
    project.begin(item(), ROWS)
    project.models(item(column(type_, f", default={default}")))

    told = project.runs()

    assert "Rows without a value in item.v get the models' default" in told
    assert [(stored,)] * 3 == project.rows("SELECT v FROM item")
    project.does("downgrade")
    assert [(1,), (None,), (3,)] == project.rows("SELECT n FROM item")


def test_a_server_default_fills_a_column_that_is_closed(project):
    """Rows with NULL get what new rows get."""
    project.begin(item(), ROWS)
    closed = item().replace(
        "sa.Integer)", "sa.Integer, nullable=False, server_default='5')"
    )
    project.models(closed)

    assert "get the server default" in project.runs()
    assert [(1,), (5,), (3,)] == project.rows("SELECT n FROM item ORDER BY id")


@pytest.mark.parametrize("default", ["", ", default=lambda: 4"])
def test_without_a_value_a_new_column_is_refused(project, default):
    """Neither options nor models say it: nothing is written, the options are told."""
    project.begin(item(), ROWS)
    project.models(item(column("Integer", default)))

    project.refuses(
        "migrate", "item.v", "--fill item.v=", "--fill-sql", "server_default"
    )

    project.runs("--fill item.v=4")
    assert [(4,)] * 3 == project.rows("SELECT v FROM item")


def test_rows_may_be_filled_by_an_expression(project):
    """--fill-sql takes SQL that may speak of the other columns."""
    project.begin(item(), ROWS)
    project.models(item(column("Integer")))

    project.runs("--fill-sql 'item.v=coalesce(n, 0) * 10'")

    assert [(10,), (0,), (30,)] == project.rows("SELECT v FROM item ORDER BY id")


def test_an_empty_table_needs_no_value(project):
    """The column is added as it is, and it is told that this is for empty tables."""
    project.begin(item())
    project.models(item(column("Integer")))

    told = project.runs()

    assert "item must be empty, as it is here" in told
    assert "UPDATE" not in project.script


def test_rows_without_null_need_no_value(project):
    """A column that is full is closed without a word."""
    project.begin(item(), "INSERT INTO item (n) VALUES (1)")
    project.models(item().replace("sa.Integer)", "sa.Integer, nullable=False)"))

    told = project.runs()

    assert "--fill" not in told
    assert "UPDATE" not in project.script


def test_rows_with_null_are_told(project):
    """The script is written, for rows can be mended; that it will fail is told."""
    project.begin(item(), ROWS)
    project.models(item().replace("sa.Integer)", "sa.Integer, nullable=False)"))

    told = project.does("migrate")

    assert "1 row of item has no n; NOT NULL would fail" in told
    assert "--fill item.n=VALUE" in told


def test_a_value_given_goes_before_a_default(project):
    """Who says --fill knows better than the models."""
    project.begin(item(), ROWS)
    project.models(item(column("Integer", ", default=7")))

    project.runs("--fill item.v=1")

    assert [(1,)] * 3 == project.rows("SELECT v FROM item")


def test_a_renamed_table_is_asked_by_its_old_name(project):
    """Rows are looked for where they are now."""
    project.begin(item(), ROWS)
    renamed = item(column("Integer")).replace("'item'", "'thing'")
    project.models(renamed)

    project.refuses("migrate --rename item:thing", "thing.v")

    project.runs("--rename item:thing --fill thing.v=2")
    assert [(2,)] * 3 == project.rows("SELECT v FROM thing")


def test_defaults_in_python_are_told_once(project):
    """What is new and has a default that the database does not know is named."""
    project.begin(item())
    other = (
        "class Other(Base):\n    __tablename__ = 'other'\n"
        "    id = sa.Column(sa.Integer, primary_key=True)\n"
        "    kind = sa.Column(sa.String(9), default='x')\n"
        "    at = sa.Column(sa.Integer, default=lambda: 1)\n"
    )
    project.models(item("v = sa.Column(sa.Integer, default=3, nullable=False)") + other)

    told = project.runs()

    assert "not known to the database: item.v, other.kind." in told
    assert "--server-defaults" in told
    assert "not known" not in project.does("migrate")


def test_defaults_are_written_where_that_is_asked_for(project):
    """What is new gets them; the models must say so too, and then all is the same."""
    project.begin(item(), ROWS)
    text = item(
        column("String(9)", ", default='x'"), "w = sa.Column(sa.Integer, default=2)"
    )
    project.models(text)

    told = project.does("migrate --server-defaults")
    project.does("upgrade")

    assert "Say server_default=... in the models too" in told
    assert [("x", 2)] * 3 == project.rows("SELECT v, w FROM item")
    project.models(text.replace("default=", "server_default=").replace("=2", "='2'"))
    project.does("check")


@pytest.mark.parametrize("option", ["--fill", "--fill-sql"])
def test_what_is_no_fill_is_told(option):
    """What is not understood is a sentence with the right form."""
    given = ([], ["x"]) if option == "--fill-sql" else (["x"], [])
    with pytest.raises(UsageError, match=option):
        parse_fills(*given)


def test_a_value_and_an_expression_are_two_things():
    """--fill quotes what --fill-sql does not."""
    both = parse_fills(["s.t.a=1"], ["t.b=x || y"])

    assert both == (
        Fill(table=TableName("t", "s"), column="a", value="1"),
        Fill(table=TableName("t"), column="b", value="x || y", is_sql=True),
    )


MISFITS = {
    "Integer": ("7", "abc", "a whole number"),
    "BigInteger": ("-7", "1.5", "a whole number"),
    "Numeric(8, 2)": ("2.5", "2,5", "a number"),
    "Boolean": ("True", "perhaps", "true or false"),
    "Date": ("2026-12-31", "31.12.2026", "a day like 2026-12-31"),
    "DateTime": ("2026-12-31 23:59:00.000000", "today", "a moment like 2026-12-31"),
    "String(3)": ("abc", "abcd", "no longer than 3 characters"),
    "Enum('a', 'b', name='kind')": ("b", "c", "one of a, b"),
}


@pytest.mark.parametrize("type_", MISFITS)
def test_a_value_must_be_one_of_the_type(project, type_):
    """SQLite would store whatever it is given, and the app could not read it."""
    value, wrong, told = MISFITS[type_]
    project.begin(item(), ROWS)
    project.models(item(column(type_)))

    project.refuses(f"migrate --fill item.v={wrong}", wrong, "item.v", told)

    project.runs(f"--fill 'item.v={value}'")
