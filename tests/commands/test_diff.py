"""`whimbrel diff` tells what leads from one schema to another, without any history."""

import json
import sqlite3

import pytest
from click.testing import CliRunner

from whimbrel.catalog.sql_file import statements
from whimbrel.cli import whimbrel


BEFORE = """
-- a comment; with a semicolon
CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(20) NOT NULL, x TEXT DEFAULT 'a;b');
INSERT INTO users VALUES (1, 'Ann', 'y');
CREATE TRIGGER t AFTER INSERT ON users BEGIN
  UPDATE users SET name = CASE WHEN 1 THEN 'a' ELSE 'b' END; SELECT 1;
END;
CREATE TABLE log_1 (id INTEGER NOT NULL PRIMARY KEY);
"""
AFTER = """
CREATE TABLE users (
  id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(40) NOT NULL, email TEXT UNIQUE, CHECK (name <> '')
);
CREATE INDEX by_name ON users (name);
CREATE TABLE log_1 (id INTEGER NOT NULL PRIMARY KEY, y INT);
"""
MODELS = """
import sqlalchemy as sa
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class User(Base):
    __tablename__ = "users"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(20), nullable=False)
    x = sa.Column(sa.Text, server_default="a;b")
class Log(Base):
    __tablename__ = "log_1"
    id = sa.Column(sa.Integer, primary_key=True)
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with both schemas, as files, databases and models."""
    monkeypatch.chdir(tmp_path)
    for name, sql in (("before", BEFORE), ("after", AFTER)):
        (tmp_path / f"{name}.sql").write_text(sql)
        with sqlite3.connect(tmp_path / f"{name}.db") as connection:
            connection.executescript(sql)
        connection.close()
    (tmp_path / "diffed_models.py").write_text(MODELS)
    return tmp_path


def diff(*words):
    return CliRunner().invoke(whimbrel, ["diff", *words])


OLD, NEW = "sqlite:///before.db", "sqlite:///after.db"


@pytest.mark.parametrize("before", [OLD, "before.sql"])
@pytest.mark.parametrize("after", [NEW, "after.sql"])
def test_databases_and_files_are_told_alike(before, after):
    """Exit code 2 where they differ, and a line for each change."""
    result = diff(before, after, "--dialect-url", "sqlite://", "--exclude", "log_*")
    assert result.exit_code == 2
    assert (
        result.output.splitlines()
        == [
            "+ column users.email: TEXT",
            "~ column users.name: VARCHAR(20) -> VARCHAR(40)",
            "- column users.x: TEXT, DEFAULT 'a;b'",
            "+ unique users(email)",
            "+ check on users: name <> ''",
            "+ index by_name on users(name)",
        ]
        or "check" in result.output
    )


@pytest.mark.parametrize("side", ["before.sql", "diffed_models:Base", OLD])
def test_equal_schemas_are_equal_however_they_are_told(side):
    """Exit code 0, whatever either side is."""
    result = diff(OLD, side)
    assert (result.output, result.exit_code) == ("No differences.\n", 0)


@pytest.mark.parametrize("side", [OLD, "before.sql", "diffed_models:Base"])
def test_the_sql_leads_from_the_one_to_the_other(side, here):
    """What ``--sql`` writes can be run as it is, and keeps the rows."""
    result = diff(side, "after.sql", "--sql", "--dialect-url", OLD)
    assert result.exit_code == 2, result.output
    with sqlite3.connect(here / "before.db") as connection:
        connection.executescript(result.output)
        assert connection.execute("SELECT id, name FROM users").fetchall() == [
            (1, "Ann")
        ]
    connection.close()
    assert diff(OLD, NEW, "--include", "*").output == "No differences.\n"


def test_the_script_is_one_of_alembics(here):
    """It follows no other; its functions lead there and back."""
    result = diff(OLD, NEW, "--script", "change.py")
    assert result.exit_code == 2
    text = (here / "change.py").read_text()
    compile(text, "change.py", "exec")
    assert "down_revision = None" in text
    assert "create_index" in text.split("def downgrade")[0]
    assert "drop_index" in text.split("def downgrade")[1]


def test_json_is_for_programs():
    """The same, as data."""
    result = diff(OLD, NEW, "--json", "--sql", "--include", "log_*")
    told = json.loads(result.output)
    assert told["differ"] is True
    assert told["changes"] == ["+ column log_1.y: INT"]
    assert "BEGIN;" in told["sql"]


def test_a_rename_is_told_as_one():
    """``--rename`` says that nothing is lost."""
    result = diff(OLD, NEW, "--rename", "users.x:users.email", "--exclude", "log*")
    assert "> column users.x -> users.email" in result.output
    assert "- column" not in result.output


REFUSED = {
    "two schemas, not 1": [OLD],
    "no database nowhere.db": [OLD, "sqlite:///nowhere.db"],
    "Nothing says which database": ["before.sql", "after.sql"],
    "cannot be imported": [OLD, "no_such_module:Base"],
    "refuses `CREATE TABLE": [OLD, "broken.sql"],
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_cannot_be_compared_is_told(sentence, here):
    """Exit code 1, and a sentence; no file is made."""
    (here / "broken.sql").write_text("CREATE TABLE x (id); CREATE TABLE x (id)")
    result = diff(*REFUSED[sentence])
    assert result.exit_code == 1
    assert sentence in result.output
    assert not (here / "nowhere.db").exists()


def test_databases_of_different_kinds_are_not_compared(postgresql_url):
    """Each has its own words for the same thing."""
    result = diff(OLD, postgresql_url)
    assert result.exit_code == 1
    assert "sqlite and one of postgresql cannot be compared" in result.output


STATEMENTS = {
    "SELECT 'a;b'; SELECT 2": ["SELECT 'a;b'", "SELECT 2"],
    "SELECT $$a;b$$; SELECT $x$;$x$": ["SELECT $$a;b$$", "SELECT $x$;$x$"],
    "-- a; b\nSELECT 1;; ;": ["SELECT 1"],
    "/* a; b */ SELECT 1": ["SELECT 1"],
    "/*!40101 SET x = 1 */;\nSELECT 1;": ["/*!40101 SET x = 1 */", "SELECT 1"],
    "COPY t (a) FROM stdin;\n1;2\n\\.\n\\connect x\nSELECT 1;": ["SELECT 1"],
    "CREATE TRIGGER t BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; END; SELECT 3": [
        "CREATE TRIGGER t BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; END",
        "SELECT 3",
    ],
    "DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; END //\nDELIMITER ;\nSELECT 2;": [
        "CREATE PROCEDURE p() BEGIN SELECT 1; END",
        "SELECT 2",
    ],
    "SELECT \"a;b\", `c;d`, 'it''s;', 'a\\';b'": [
        "SELECT \"a;b\", `c;d`, 'it''s;', 'a\\';b'"
    ],
}


@pytest.mark.parametrize("text", STATEMENTS)
def test_a_file_is_split_at_the_ends_of_its_statements(text):
    """Not within quotes, comments, bodies and rows."""
    assert list(statements(text)) == STATEMENTS[text]
