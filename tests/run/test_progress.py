"""What takes long tells how far it is, on a terminal and nowhere else."""

import io
import re

import pytest
import sqlalchemy as sa

from running import Project
from whimbrel.report.progress_line import ProgressLine
from whimbrel.run import copy_rows, progress
from whimbrel.run.progress import Progress, Watch, heard_by


ROWS = 5000
FILLED = (
    "CREATE TABLE item (id INTEGER PRIMARY KEY, code TEXT UNIQUE, price NUMERIC)",
    "CREATE INDEX ix_price ON item (price)",
    f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"
    " INSERT INTO item (code, price) SELECT 'number ' || i, i FROM n",
)
CHANGE = 'op.alter_column("item", "price", type_=sa.Text())'


class Terminal(io.StringIO):
    """A terminal, as far as anybody asks."""

    def isatty(self):
        return True


@pytest.fixture
def project(database, tmp_path):
    """A project that writes the rows of a table anew."""
    database.run(*FILLED)
    project = Project(tmp_path / "migrations")
    project.script("a", CHANGE)
    return project


def test_a_long_rebuild_tells_how_far_it_is(project, database, monkeypatch):
    """Rows done, rows in all, rate and time left; then what else is done."""
    monkeypatch.setattr(progress, "PATIENCE", 0)
    monkeypatch.setattr(progress, "PAUSE", 0)
    monkeypatch.setattr(copy_rows, "CHUNK", 1000)

    project.upgrade(sa.create_engine(database.url))

    *told, done = project.events
    assert done.progress is None
    assert {each.revision for each in told} == {"a"}
    copying = [each.progress for each in told if each.progress.task == "copying"]
    assert [(each.rows, each.total) for each in copying] == [
        (n, ROWS) for n in (1000, 2000, 3000, 4000, 5000)
    ]
    assert copying[0].rate > 0
    assert copying[0].seconds_left > 0
    line = r"item: copying, 1,000 of 5,000 rows, [\d,]+ rows/s, \d+ s left"
    assert re.fullmatch(line, copying[0].text)
    assert [each.progress.task for each in told if each.progress.task != "copying"] == [
        "dropping what it was",
        "building the index of its key 1",
        "building ix_price",
        "looking at what refers to it",
    ]


def test_what_is_quick_is_not_told(project, database):
    """Nobody wants to hear of what takes less than a second."""
    project.upgrade(sa.create_engine(database.url))
    assert [each.progress for each in project.events] == [None]


def test_a_watch_does_not_tell_too_often(monkeypatch):
    """It waits for a second, and between two lines for half of one."""
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    heard = []
    watch = Watch("item", 100)
    with heard_by(heard.append):
        for _ in range(40):
            now += 0.1
            watch.tell("copying", 10)
    assert 5 <= len(heard) <= 7
    assert heard[0].seconds > 1.0
    watch.tell("copying", 10)
    assert len(heard) <= 7


def test_a_line_takes_the_place_of_the_one_before():
    """In the end nothing is left of it; where there is no terminal, nothing is said."""
    for stream in (Terminal(), io.StringIO()):
        line = ProgressLine(stream)
        line.show("one")
        line.show("two")
        line.hide()
        line.hide()
        erased = "\r\x1b[K"
        said = f"{erased}one{erased}two{erased}" if stream.isatty() else ""
        assert stream.getvalue() == said


def test_no_time_is_left_when_all_rows_are_done():
    """What is left to do then is not counted in rows."""
    done = Progress(table="t", task="building ix", rows=0, total=9, seconds=2.4)
    assert done.seconds_left is None
    assert done.text == "t: building ix, 2 s so far"
