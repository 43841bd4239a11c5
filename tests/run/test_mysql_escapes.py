"""Backslashes under the SQL mode in which they escape nothing."""

import pytest
import sqlalchemy as sa
from alembic import op

from mysql_runs import ours, tables
from whimbrel.commands.differ import diff
from whimbrel.errors import Unalterable


MODE = "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'"
COLUMNS = {
    "a": r"VARCHAR(20) DEFAULT 'x\y''q\' COMMENT 'c\d''f\'",
    "b": r"ENUM('b\c', 'it''s\') NOT NULL DEFAULT 'b\c'",
    "c": r"VARCHAR(20), CONSTRAINT ck CHECK (c <> 'k\l''n\')",
}
OF_MYSQL = COLUMNS | {"c": r"VARCHAR(20) DEFAULT 'k\l'"}
"""It reads no such check of its own again in that mode."""


@pytest.fixture
def bare_url(mariadb_url):
    """The URL of a database to which each connection comes in that mode."""
    return sa.make_url(mariadb_url).update_query_dict({"init_command": MODE})


@pytest.fixture
def bare(bare_url):
    engine = sa.create_engine(bare_url)
    with engine.connect() as connection:
        columns = COLUMNS if engine.dialect.is_mariadb else OF_MYSQL
        said = ", ".join(f"{name} {text}" for name, text in columns.items())
        connection.exec_driver_sql("DROP TABLE IF EXISTS item")
        connection.exec_driver_sql(f"CREATE TABLE item (id INT, {said})")
        connection.commit()
        yield connection
    engine.dispose()


@pytest.mark.parametrize("name", COLUMNS)
def test_what_a_script_does_not_mention_stays(bare, name):
    """No backslash is doubled by being told, and written, again."""
    before = tables(bare)["item"]
    with ours(bare):
        op.alter_column("item", name, new_column_name="new")
    with ours(bare):
        op.alter_column("item", "new", new_column_name=name, type_=sa.Text())
    with ours(bare):
        op.drop_column("item", name)
    after = tables(bare)["item"]
    assert [each for each in before if f"`{name}`" not in each] == after


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_is_written_again_as_it_is(bare, name):
    """For another comment, which goes again."""
    wanted = [each.partition(" COMMENT")[0] for each in tables(bare)["item"]]
    for comment in ("new", None):
        with ours(bare):
            op.alter_column("item", name, comment=comment)
    assert [each.partition(" COMMENT")[0] for each in tables(bare)["item"]] == wanted


def test_no_script_is_written_that_would_say_another_string(bare, bare_url, tmp_path):
    """It is said, and which connection would do."""
    wanted = tmp_path / "wanted.sql"
    url = bare_url.render_as_string(hide_password=False)
    wanted.write_text("CREATE TABLE item (id INT, a VARCHAR(20));")
    script = str(tmp_path / "script.py")
    with pytest.raises(Unalterable, match=r"(?s)item has SQL with a backslash.*--excl"):
        diff(None, [url, str(wanted)], script=script)
    if bare.dialect.is_mariadb:
        bare.exec_driver_sql("ALTER TABLE item DROP CONSTRAINT ck")
    bare.exec_driver_sql("ALTER TABLE item DROP c, DROP b")
    bare.commit()
    diff(None, [url, str(wanted)], script=script)


SAME = {
    "an expression": (
        r"VARCHAR(20) DEFAULT (concat('q\w', 'x'))",
        r"VARCHAR(30) DEFAULT (concat('q\w', 'x')) NOT NULL",
    ),
    "members": (r"ENUM('q\w', 'b')", r"ENUM('q\w', 'b') NOT NULL"),
    "a comment in a statement of ours": (
        r"INT COMMENT 'c\d'",
        r"INT INVISIBLE COMMENT 'c\d'",
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_nor_one_that_says_again_what_stays(bare_url, tmp_path, name):
    """A column that becomes another is said with all that it has."""
    before, after = (f"CREATE TABLE item (id INT, c {each})" for each in SAME[name])
    engine = sa.create_engine(bare_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(before)
    engine.dispose()
    wanted = tmp_path / "wanted.sql"
    wanted.write_text(f"{after};")
    url = bare_url.render_as_string(hide_password=False)
    with pytest.raises(Unalterable, match=r"(?s)item.* has SQL with a backslash"):
        diff(None, [url, str(wanted)], script=str(tmp_path / "script.py"))
