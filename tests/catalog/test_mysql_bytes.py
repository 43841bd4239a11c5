"""Defaults of bytes that are no text, and of rare characters, arrive byte for byte."""

import pytest
import sqlalchemy as sa
from alembic import op

from mysql_runs import ours, plain
from whimbrel.catalog.fingerprint import fingerprint
from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.commands.differ import diff
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.diff import diff as differences
from whimbrel.schema.scope import Scope


VALUES = ("00FF", "FE41", "3F3F", "C3A9", "F09F9880", "275CFF0A", "5C3F80", "F09F9881")
"""Zeros, quotes and backslashes among them; a question mark is one, or stands for any."""

WORDS = ("\U0001f600", "\U0001f601", "?", "it''s \\\\ \U0001f600?", "\u00e9?", "a")


def table(values, words, moved=0):
    """The SQL of a table with a key of which only SHOW CREATE TABLE tells all."""
    values = [*values[moved:], *values[:moved]]
    words = [*words[moved:], *words[:moved]]
    columns = [
        f"b{number} {TYPES[number % 2]} {NULL[number % 3]} DEFAULT 0x{value}"
        for number, value in enumerate(values)
    ]
    columns += [
        f"w{number} VARCHAR(9) {NULL[number % 2]} DEFAULT '{word}' COMMENT 'it?'"
        for number, word in enumerate(words)
    ]
    return (
        f"CREATE TABLE item (id INT PRIMARY KEY, said TEXT, {', '.join(columns)},"
        " FULLTEXT (said)) CHARACTER SET utf8mb4"
    )


TYPES = ("VARBINARY(9)", "BINARY(5)")
NULL = ("NULL", "NOT NULL", "NULL")
FIRST, OTHER = table(VALUES, WORDS), table(VALUES, WORDS, moved=1)


def arrived(connection):
    """Return what a row has that says nothing else, in digits."""
    names = [
        *(f"HEX(b{number})" for number in range(len(VALUES))),
        *(f"HEX(w{number})" for number in range(len(WORDS))),
    ]
    connection.exec_driver_sql("INSERT INTO item (id) VALUES (1)")
    row = connection.exec_driver_sql(f"SELECT {', '.join(names)} FROM item").one()
    connection.exec_driver_sql("DELETE FROM item")
    connection.commit()
    return row


def made(connection, sql):
    """Make the table, and return its defaults."""
    connection.exec_driver_sql("DROP TABLE IF EXISTS item")
    connection.exec_driver_sql(sql)
    return arrived(connection)


@pytest.mark.parametrize("way", [plain, ours])
def test_a_script_writes_each_byte(mariadb, mariadb_url, tmp_path, way):
    """Up and down, with and without our runtime, in columns with NULL and without."""
    wanted = tmp_path / "wanted.sql"
    wanted.write_text(OTHER, encoding="utf-8")
    then = made(mariadb, OTHER)
    before = made(mariadb, FIRST)
    assert before != then
    script = tmp_path / "script.py"
    diff(None, [mariadb_url, str(wanted)], script=str(script))
    functions = {}
    exec(compile(script.read_text(encoding="utf-8"), "script.py", "exec"), functions)
    for function, expected in (("upgrade", then), ("downgrade", before)):
        with way(mariadb):
            functions[function]()
        assert arrived(mariadb) == expected
        found = diff(None, [mariadb_url, str(wanted)])
        assert bool(found.exit_code) == (function == "downgrade")


def test_what_is_not_altered_stays_byte_for_byte(mariadb):
    """A script that says nothing but a comment has the whole column written again."""
    before = made(mariadb, FIRST)
    columns = [f"b{number}" for number in range(len(VALUES))]
    columns += [f"w{number}" for number in range(len(WORDS))]
    with ours(mariadb):
        for name in columns:
            op.alter_column("item", name, comment="new")
    assert arrived(mariadb) == before


def models(values, words):
    """The same columns as models have them; a text is said without its escapes."""
    metadata = sa.MetaData()
    columns = [
        sa.Column(f"b{number}", sa.VARBINARY(9), server_default=sa.text(f"0x{value}"))
        for number, value in enumerate(values)
    ]
    columns += [
        sa.Column(f"w{number}", sa.String(9), server_default=sa.text(f"'{word}'"))
        for number, word in enumerate(words)
    ]
    key = sa.Column("id", sa.Integer, primary_key=True)
    sa.Table("item", metadata, key, *columns, mysql_charset="utf8mb4")
    return metadata


def test_models_are_told_as_the_database_tells_them(mariadb):
    """A default of models is the same default, and another one is another."""
    models(VALUES, WORDS).create_all(mariadb)
    current = read_state(mariadb, Scope())
    same = read_models([models(VALUES, WORDS)], mariadb, Scope())
    assert differences(current, adopt_names(same, current)) == ()
    other = models([*VALUES[1:], VALUES[0]], [*WORDS[1:], WORDS[0]])
    found = read_models([other], mariadb, Scope())
    changes = differences(current, adopt_names(found, current))
    assert len(changes) == len(VALUES) + len(WORDS)


def test_the_fingerprint_counts_each_byte(mariadb):
    """A run that was cut off is told what took effect."""
    made(mariadb, FIRST)
    before = fingerprint(mariadb, ["`item`"])
    assert fingerprint(mariadb, ["`item`"]) == before
    mariadb.exec_driver_sql("ALTER TABLE item ALTER b0 SET DEFAULT 0x00FE")
    assert fingerprint(mariadb, ["`item`"]) != before


def test_a_rare_character_alone_is_no_question_mark(mariadb):
    """Also where nothing else of a table is told otherwise than it is."""
    models((), WORDS[:1]).create_all(mariadb)
    current = read_state(mariadb, Scope())
    for word, changes in ((WORDS[0], 0), ("?", 1)):
        found = read_models([models((), [word])], mariadb, Scope())
        assert len(differences(current, adopt_names(found, current))) == changes
