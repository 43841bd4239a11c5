"""Characters beyond the first 65,536, which MySQL and MariaDB tell as question marks."""

import pytest
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from mysql_runs import ours, plain
from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.commands.differ import diff
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.diff import diff as differences
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import TableName


ONE, TWO = "\U0001f600", "\U0001f60e"

FORMS = {
    "value of an enum": "a ENUM('x', '{0}?', '?', 'it''s') DEFAULT '{0}?'",
    "value of an enum that takes no NULL": "a ENUM('{0}', 'b') NOT NULL DEFAULT '{0}'",
    "value of a set": "a SET('x', '{0}', 'é?', 'z') NOT NULL DEFAULT 'x,{0}'",
    "value of an enum of UTF-16": "a ENUM('é', '{0}') CHARSET utf16 COMMENT 'it?'",
    "default": "a VARCHAR(9) NOT NULL DEFAULT '{0}'",
    "default in parentheses": "a TEXT DEFAULT (concat('it''s {0}?', '\\\\ %'))",
    "generated column": "b INT, a VARCHAR(20) AS (concat(b, '{0}?', 'é'))",
    "check": "a VARCHAR(20), CONSTRAINT ck CHECK (a <> '{0}?')",
    "check beside a column": "a VARCHAR(20) CHECK (a <> '{0}?')",
}
FORMS_OF_MYSQL = {
    "index over an expression": "a VARCHAR(20), KEY one ((concat(a, '{0}')))",
}


def marks(name):
    return [pytest.mark.only_on("mysql")] if name in FORMS_OF_MYSQL else []


EACH = [
    pytest.param(form, marks=marks(name), id=name)
    for name, form in (FORMS | FORMS_OF_MYSQL).items()
]


def made(connection, form, face):
    connection.exec_driver_sql("DROP TABLE IF EXISTS item")
    said = form.format(face).replace("%", "%%")
    connection.exec_driver_sql(
        f"CREATE TABLE item (id INT PRIMARY KEY, {said}) CHARSET utf8mb4"
    )
    connection.commit()


@pytest.mark.parametrize("form", EACH)
@pytest.mark.parametrize("way", [plain, ours])
def test_a_script_leads_there_and_back(mariadb, mariadb_url, tmp_path, form, way):
    """One character is another than the other, and than a question mark."""
    wanted = tmp_path / "wanted.sql"
    made(mariadb, form, TWO)
    target = read_state(mariadb, Scope())
    said = form.format(TWO)
    wanted.write_text(
        f"CREATE TABLE item (id INT PRIMARY KEY, {said}) CHARSET utf8mb4;",
        encoding="utf-8",
    )
    for other in ("?", ONE):
        made(mariadb, form, other)
        first = read_state(mariadb, Scope())
        assert differences(first, target)
    script = tmp_path / "script.py"
    diff(None, [mariadb_url, str(wanted)], script=str(script))
    functions = {}
    exec(compile(script.read_text(encoding="utf-8"), "script.py", "exec"), functions)
    for function, expected in (("upgrade", target), ("downgrade", first)):
        with way(mariadb):
            functions[function]()
        assert differences(read_state(mariadb, Scope()), expected) == ()
        mariadb.commit()


@pytest.mark.parametrize("form", EACH)
def test_what_a_script_does_not_mention_stays(mariadb, form):
    """The column is written again for a comment."""
    made(mariadb, form, ONE)
    before = read_state(mariadb, Scope())
    mariadb.commit()
    for comment in ("new", None):
        with ours(mariadb):
            op.alter_column("item", "a", comment=comment, existing_comment="it?")
        mariadb.commit()
    after = read_state(mariadb, Scope())
    left = [each for each in differences(before, after) if each.after.comment]
    assert left == []


PARTS = "PARTITION BY LIST COLUMNS (a) (PARTITION p VALUES IN ('{0}', '?'))"


def test_partitions_by_rare_characters(mariadb):
    """The server tells the bytes of their values."""
    states = []
    for face in (ONE, TWO, ONE):
        made(mariadb, "a VARCHAR(9), b INT", face)
        mariadb.exec_driver_sql("ALTER TABLE item DROP PRIMARY KEY")
        mariadb.exec_driver_sql(f"ALTER TABLE item {PARTS.format(face)}")
        states.append(read_state(mariadb, Scope()))
    assert differences(states[0], states[1])
    assert differences(states[0], states[2]) == ()


@pytest.mark.parametrize("kind", [sa.Enum, mysql.SET])
def test_models_are_told_as_the_database_tells_them(mariadb, kind):
    """Values of models are the same values, and others are others."""

    def models(face):
        metadata = sa.MetaData()
        key = sa.Column("id", sa.Integer, primary_key=True)
        values = sa.Column("a", kind("x", f"{face}?", "?"), server_default=f"{face}?")
        sa.Table("item", metadata, key, values, mysql_charset="utf8mb4")
        return metadata

    models(ONE).create_all(mariadb)
    current = read_state(mariadb, Scope())
    for face, is_same in ((ONE, True), (TWO, False), ("!", False)):
        found = read_models([models(face)], mariadb, Scope())
        assert (differences(current, adopt_names(found, current)) == ()) is is_same


@pytest.mark.parametrize("form", EACH)
def test_a_role_that_may_only_read_is_told_as_much(mariadb, as_role, form):
    """Nothing is made to find out what a character is."""
    made(mariadb, form, ONE)
    whole = read_state(mariadb, Scope())
    with as_role("SELECT") as reader:
        assert read_state(reader, Scope()) == whole


def test_comments_are_told_as_the_server_keeps_them(mariadb):
    """It keeps question marks."""
    metadata = sa.MetaData()
    key = sa.Column("id", sa.Integer, primary_key=True, comment=f"é{ONE}")
    sa.Table("item", metadata, key, sa.Column("a", sa.Text), comment=f"{TWO}{ONE}?")
    metadata.create_all(mariadb)
    current = read_state(mariadb, Scope())
    assert current.table(TableName("item")).comment == "???"
    found = read_models([metadata], mariadb, Scope())
    assert differences(current, adopt_names(found, current)) == ()
