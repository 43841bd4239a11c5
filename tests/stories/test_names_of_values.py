"""Stories of enumerated types, their values, and indexes that get another name."""

import pytest
import sqlalchemy as sa

from stories.terminal import Terminal
from stories.test_questions import CTRL_C, talk


MODELS = """
import sqlalchemy as sa
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Task(Base):
    __tablename__ = "task"
    id = sa.Column(sa.Integer, primary_key=True)
    state = sa.Column(sa.Enum("activ", "gone", name="state"), server_default="activ")
    note = sa.Column(sa.String(50))
    __table_args__ = (
        sa.Index("ix_old", "note"),
        sa.UniqueConstraint("note", "state", name="uq_old"),
        sa.CheckConstraint("note <> ''", name="ck_old"),
    )
class Log(Base):
    __tablename__ = "log"
    id = sa.Column(sa.Integer, primary_key=True)
    state = sa.Column(sa.Enum("activ", "gone", name="state"), nullable=False)
"""
RENAMED = MODELS.replace("activ", "active")
ASKED = "Was the value 'activ' of log.state renamed to 'active'?"


class Place(Terminal):
    """A project whose database has rows."""

    def __init__(self, folder, url):
        super().__init__(folder)
        self.url = url
        self.engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        self.write("models.py", MODELS)

    def whimbrel(self, line):
        """Do *line*, which must succeed; return what it said."""
        return self.does(
            f"whimbrel --url {self.url} --metadata models:Base {line}"
        ).text

    def talks(self, line, *answers):
        return talk(self, f"--url {self.url} {line}", *answers)

    def begin(self):
        self.whimbrel("migrate --init --no-proof")
        self.whimbrel("upgrade")
        self.run("INSERT INTO task (id, note) VALUES (1, 'x')")
        self.run("INSERT INTO log (id, state) VALUES (1, 'activ'), (2, 'gone')")

    def run(self, sql):
        with self.engine.begin() as connection:
            connection.exec_driver_sql(sql)

    @property
    def states(self):
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "SELECT state FROM log UNION ALL SELECT state FROM task"
            )
            return sorted(rows.scalars())

    @property
    def script(self):
        return self.scripts[-1]


def begun(folder, url, monkeypatch):
    """Yield a project in *folder* whose tables and rows are there."""
    monkeypatch.chdir(folder)
    place = Place(folder, url)
    place.begin()
    yield place
    place.engine.dispose()


@pytest.fixture(params=["postgresql", "mariadb", "mysql"])
def place(request, tmp_path, monkeypatch):
    """A project on a database whose enums list their values."""
    url = request.getfixturevalue(f"{request.param}_url")
    yield from begun(tmp_path, url, monkeypatch)


@pytest.fixture
def on_postgresql(postgresql_url, tmp_path, monkeypatch):
    """A project on PostgreSQL, where types stand by themselves."""
    yield from begun(tmp_path, postgresql_url, monkeypatch)


def test_a_person_is_asked_whether_a_value_was_renamed(place):
    """Yes, said once: the rows of all columns of the type follow, and go back again."""
    place.write("models.py", RENAMED)

    status, shown = place.talks("migrate", "y")

    assert status == 0, shown
    assert ASKED in shown
    place.whimbrel("upgrade")
    assert place.states == ["active", "active", "gone"]
    assert "No changes" in place.whimbrel("migrate")
    place.whimbrel("downgrade")
    assert place.states == ["activ", "activ", "gone"]


@pytest.mark.parametrize("said", [("task",), ("log",), ("task", "log")])
def test_a_value_is_renamed_for_all_columns_of_a_type(place, said):
    """It is one type in the models, be it named for one of its columns or for each."""
    place.write("models.py", RENAMED)
    options = [f"--rename {table}.state=activ:active" for table in said]

    place.whimbrel(" ".join(["migrate", *options]))

    place.whimbrel("upgrade")
    assert place.states == ["active", "active", "gone"]
    assert "No changes" in place.whimbrel("migrate")
    place.whimbrel("downgrade")
    assert place.states == ["activ", "activ", "gone"]


def test_a_value_that_was_not_renamed_is_gone(place):
    """No: the rows that hold it are counted, and stop the upgrade."""
    place.write("models.py", RENAMED)
    answers = ["n"] if place.engine.name == "postgresql" else ["n", "n"]

    status, shown = place.talks("migrate", *answers)

    assert status == 0, shown
    assert "1 row of log holds a value in state that the enum" in shown
    assert "migrate --rename log.state=OLD:NEW" in shown


def test_nothing_is_written_where_a_person_stops(place):
    """Ctrl-C at the question leaves all as it was."""
    place.write("models.py", RENAMED)
    before = place.everything()

    status, shown = place.talks("migrate", CTRL_C)

    assert status != 0, shown
    assert ASKED in shown
    assert before == place.everything()


def test_a_type_gets_another_name(on_postgresql):
    """No column is written anew, nothing is asked, and there is a way back."""
    place = on_postgresql
    new = MODELS.replace('name="state"', 'name="status"')
    place.write("models.py", new.replace('"gone", name', '"gone", "new", name'))

    told = place.whimbrel("migrate")

    assert "> enum state -> status" in told
    assert "ALTER TYPE state RENAME TO status" in place.script
    place.whimbrel("upgrade")
    assert "No changes" in place.whimbrel("migrate")
    place.whimbrel("downgrade")
    assert place.states == ["activ", "activ", "gone"]


def test_a_part_of_a_table_gets_another_name(place):
    """Where only the name differs it is a rename, said or not."""
    new = MODELS.replace("ix_old", "ix_new").replace("uq_old", "uq_new")
    hint = '"ix_new", "note", info={"renamed_from": "ix_old"}'
    place.write("models.py", new.replace('"ix_new", "note"', hint))

    told = place.whimbrel("migrate --rename uq_old:uq_new")

    assert "Loss" not in told
    assert "> index ix_old -> ix_new" in told
    upgrade, _ = place.script.split("def downgrade")
    assert upgrade.count("RENAME ") == 2
    assert "drop_" not in place.script
    place.whimbrel("upgrade")
    assert "No changes" in place.whimbrel("migrate")
    place.whimbrel("downgrade")


FILLED = (
    RENAMED.replace('"gone", name="state"', '"late", name="state"')
    .replace('server_default="active"', 'nullable=False, server_default="late"')
    .replace("    note =", "    body = sa.Column(sa.Text, nullable=False)\n    note =")
    + '    last = sa.Column(sa.Enum("active", "late", name="state"), nullable=False)\n'
)


@pytest.mark.parametrize("is_renamed", [True, False])
def test_values_and_defaults_change_while_rows_are_filled(is_renamed, on_postgresql):
    """A default that a type no longer has goes with the type, before rows are filled.

    What a script says of a type half-way is what it is half-way, so that the rows are
    not found to be wrong on the way back.
    """
    place = on_postgresql
    place.run("DELETE FROM log WHERE state = 'gone'")
    place.run("UPDATE task SET state = NULL")
    decided = "--rename task.state=activ:active"
    if not is_renamed:
        place.run("DELETE FROM log")
        decided = "--no-rename"
    place.write("models.py", FILLED)
    words = "--fill task.body=hm --fill log.last=late --fill task.state=late"
    said = place.whimbrel(f"migrate {words} {decided}")
    assert "the upgrade reaches the models, the downgrade leads back" in said
    place.whimbrel("upgrade")
    place.whimbrel("check")
    if is_renamed:
        place.run("UPDATE task SET state = 'active'")
        place.whimbrel("downgrade -- -1")
        assert sorted(place.states) == ["activ", "activ"]
