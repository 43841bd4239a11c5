"""Law: MySQL and MariaDB do not say what works no more; whoever looks ahead does."""

import pytest
import sqlalchemy as sa
from alembic.operations import ops

from whimbrel.catalog.read import read_state
from whimbrel.checks.outlook import Foreseen, Foresight
from whimbrel.checks.preflight import preflight
from whimbrel.commands.differ import diff
from whimbrel.schema.scope import Scope


BESIDE = {
    "view seen": "CREATE VIEW seen AS SELECT i.id, i.a AS b FROM item AS i",
    "view own": "CREATE VIEW own AS SELECT id, name FROM other",
    "trigger before_item": "CREATE TRIGGER before_item BEFORE INSERT ON item FOR EACH ROW"
    " SET NEW.a = 1",
    "procedure tidy": "CREATE PROCEDURE tidy() DELETE FROM item WHERE a IS NULL",
    "event nightly": "CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DISABLE DO"
    " DELETE FROM item WHERE a > 7",
}
OF_A = ["event nightly", "procedure tidy", "trigger before_item", "view seen"]
OF_ITEM = ["event nightly", "procedure tidy", "view seen"]


@pytest.fixture
def connection(mariadb):
    metadata = sa.MetaData()
    for name in ("item", "other"):
        sa.Table(
            name,
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("a", sa.Integer),
            sa.Column("name", sa.Text),
        )
    metadata.create_all(mariadb)
    for sql in BESIDE.values():
        mariadb.exec_driver_sql(sql)
    mariadb.commit()
    yield mariadb
    mariadb.rollback()
    for each in BESIDE:
        mariadb.exec_driver_sql(f"DROP {each}")


def told(connection, *operations):
    """Return what is said to work no more by operations, and about what."""
    pending = tuple(Foreseen(operation=each) for each in operations)
    state = read_state(connection, Scope())
    found = preflight([Foresight(operations=pending)], state, connection)
    broken = [each for each in found if each.code == "W501"]
    assert not any(each.is_certain_failure for each in broken)
    return [each.sentence.split(" seems")[0].removeprefix("The ") for each in broken], {
        each.subject for each in broken
    }


RENAMED = ops.AlterColumnOp("item", "a", modify_name="z")
GONE = ops.DropColumnOp("item", "a")


@pytest.mark.parametrize(
    "operation",
    [
        RENAMED,
        GONE,
        ops.ExecuteSQLOp("ALTER TABLE item DROP COLUMN a"),
        ops.ExecuteSQLOp("ALTER TABLE `item` RENAME COLUMN `a` TO `z`"),
    ],
)
def test_a_column_goes_or_has_another_name(connection, operation):
    """All that speaks of it is named."""
    assert told(connection, operation) == (OF_A, {"item.a"})


@pytest.mark.parametrize(
    "operation", [ops.DropTableOp("item"), ops.RenameTableOp("item", "things")]
)
def test_a_table_goes_or_has_another_name(connection, operation):
    """Its own trigger goes with it."""
    assert told(connection, operation) == (OF_ITEM, {"item"})


@pytest.mark.parametrize(
    "operations",
    [
        [ops.DropColumnOp("item", "name")],
        [ops.AlterColumnOp("item", "a", modify_nullable=False)],
        [ops.DropColumnOp("other", "a")],
        [GONE, ops.AddColumnOp("item", sa.Column("a", sa.Text))],
        [RENAMED, *(ops.ExecuteSQLOp(f"DROP {each}") for each in OF_A)],
    ],
)
def test_nothing_is_said_of_what_is_taken_care_of(connection, operations):
    """Nor of what no view speaks of."""
    assert told(connection, *operations)[0] == []


def test_names_of_today_count(connection):
    """A column that gets two new names is known by its first."""
    again = ops.AlterColumnOp("things", "z", modify_name="last")
    moved = ops.RenameTableOp("item", "things")
    names, subjects = told(connection, RENAMED, moved, again)
    assert subjects == {"item", "item.a"}
    assert {*names} == {*OF_A}


def test_names_may_have_spaces(mariadb):
    """A table's own trigger goes with it; the remedy quotes the name of a view."""
    for sql in (
        "CREATE TABLE `my item` (id INT, `a b` INT)",
        "CREATE TRIGGER r BEFORE INSERT ON `my item` FOR EACH ROW SET NEW.`a b` = 1",
        "CREATE VIEW `my view` AS SELECT id FROM `my item`",
    ):
        mariadb.exec_driver_sql(sql)
    pending = (Foreseen(operation=ops.DropTableOp("my item")),)
    state = read_state(mariadb, Scope())
    found = preflight([Foresight(operations=pending)], state, mariadb)
    (broken,) = [each for each in found if each.code == "W501"]
    assert "view my view seems to speak of my item," in broken.sentence
    assert "DROP VIEW `my view`" in broken.remedy


def test_the_server_does_not_say_so(connection):
    """What was found is true: the view can be asked no more."""
    connection.exec_driver_sql("ALTER TABLE item DROP COLUMN a")
    with pytest.raises(sa.exc.DBAPIError):
        connection.exec_driver_sql("SELECT * FROM seen")


def test_diff_says_so(connection, mariadb_url, tmp_path):
    """Beside what it tells of the two schemas."""
    wanted = tmp_path / "wanted.sql"
    wanted.write_text(
        "CREATE TABLE item (id INT PRIMARY KEY AUTO_INCREMENT, name TEXT);"
        "CREATE TABLE other (id INT PRIMARY KEY AUTO_INCREMENT, a INT, name TEXT);"
    )
    told = [line.text for line in diff(None, [mariadb_url, str(wanted)]).lines]
    found = [each for each in told if "W501" in each]
    assert [each.split(" seems")[0] for each in found] == [
        f"W501: The {each}" for each in OF_A
    ]
