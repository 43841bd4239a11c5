"""A disk that is too small is found before the change, or leaves all as it was."""

import shutil
from collections import namedtuple
from pathlib import Path

import pytest
import sqlalchemy as sa

from running import Database, Project, operations
from whimbrel.errors import MigrationFailed


Usage = namedtuple("Usage", "total used free")
FILLED = (
    "CREATE TABLE item (id INTEGER PRIMARY KEY, code TEXT, price NUMERIC)",
    "CREATE TABLE other (x)",
    "CREATE INDEX ix_code ON item (code)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
    " INSERT INTO item (code, price) SELECT 'number ' || i, i FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
    " INSERT INTO other SELECT zeroblob(10000) FROM n",
)


@pytest.fixture
def filled(database):
    """A small table beside a large one."""
    database.run(*FILLED)
    return database


def _rebuild(url):
    with (
        operations(url) as op,
        op.batch_alter_table("item") as batch,
    ):
        batch.alter_column("price", type_=sa.Text())


def _let_be_free(monkeypatch, free):
    """Let each folder have so many free bytes; *free* is asked for each."""
    monkeypatch.setattr(
        shutil, "disk_usage", lambda folder: Usage(0, 0, free(Path(folder)))
    )


def test_a_disk_without_room_is_refused_before(filled, monkeypatch):
    """The sentence says what is needed and what is there; nothing was changed."""
    before = filled.everything()
    _let_be_free(monkeypatch, lambda folder: 100_000)

    with pytest.raises(MigrationFailed, match="100 kB are free") as caught:
        _rebuild(filled.url)

    assert caught.value.sentence.startswith("The rows of item must be written anew")
    assert caught.value.facts["folder"] == str(filled.path.parent)
    assert 300_000 < caught.value.facts["needed"] < 1_200_000
    assert filled.everything() == before


def test_what_other_tables_take_is_not_needed(filled, monkeypatch):
    """A file may be larger than what is free, if the table is not."""
    assert filled.path.stat().st_size > 5_000_000
    _let_be_free(monkeypatch, lambda folder: 1_500_000)

    _rebuild(filled.url)

    assert "price TEXT" in filled.sql("item")


def test_the_folder_of_temporary_files_counts(filled, monkeypatch, tmp_path):
    """An index is sorted where SQLITE_TMPDIR says, which may be a smaller disk."""
    beside = Path("/dev/shm")
    if not beside.is_dir() or beside.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second disk")
    monkeypatch.setenv("SQLITE_TMPDIR", str(beside))
    _let_be_free(monkeypatch, lambda folder: 1000 if folder == beside else 10**12)

    with pytest.raises(MigrationFailed, match="SQLITE_TMPDIR") as caught:
        _rebuild(filled.url)

    assert caught.value.facts["folder"] == str(beside)


def test_what_leaves_the_rows_alone_needs_no_room(filled, monkeypatch):
    """A change in place is made on a full disk too."""
    _let_be_free(monkeypatch, lambda folder: 0)

    with operations(filled.url) as op, op.batch_alter_table("item") as batch:
        batch.alter_column("code", type_=sa.String(99))

    assert "VARCHAR(99)" in filled.sql("item")


def test_a_database_in_memory_needs_no_disk(monkeypatch):
    """There is no folder to ask."""
    _let_be_free(monkeypatch, lambda folder: 0)
    with operations("sqlite://") as op:
        op.execute("CREATE TABLE item (price NUMERIC)")
        op.alter_column("item", "price", type_=sa.Text())


@pytest.mark.parametrize("room", [0, 3, 10, 20, 30])
@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_disk_that_gets_full_changes_nothing(filled, tmp_path, journal, room):
    """Whenever the disk is full, all is as before, and the run can be repeated."""
    project = Project(tmp_path / "migrations")
    change = 'with op.batch_alter_table("item") as batch:\n'
    change += '    batch.alter_column("price", type_=sa.Text())\n'
    change += '    batch.create_unique_constraint("uq_code", ["code"])'
    project.script("a", 'op.create_table("first", sa.Column("x", sa.Integer()))')
    project.script("b", change)
    filled.rows(f"PRAGMA journal_mode={journal}")
    filled.run("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    before = filled.everything()
    ((pages,),) = filled.rows("PRAGMA page_count")
    engine = sa.create_engine(filled.url)

    @sa.event.listens_for(engine, "connect")
    def keep_small(driver, _record):
        driver.execute(f"PRAGMA max_page_count={pages + room}")

    with pytest.raises(MigrationFailed) as caught:
        project.upgrade(engine)

    engine.dispose()
    assert "disk is full" in caught.value.sentence
    assert caught.value.remedy.startswith("Nothing was changed.")
    assert filled.everything() == before
    project.upgrade(sa.create_engine(filled.url))
    assert Database(filled.path).rows("SELECT * FROM alembic_version") == [("b",)]
    assert filled.rows("PRAGMA integrity_check") == [("ok",)]
