"""Law: a process killed while it alters leaves all of the old, or all of the new."""

import json
import os
import random
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

import crashing
from running import Database, Project
from whimbrel.catalog.read import read_state
from whimbrel.schema.scope import Scope


KILLS = 100 if os.environ.get("WHIMBREL_SOAK") else 8
"""How many for each kind of journal."""

ROWS = 10_000
TABLES = (
    "CREATE TABLE owner (id INTEGER PRIMARY KEY, name TEXT)",
    "CREATE TABLE item (\n  id INTEGER PRIMARY KEY AUTOINCREMENT, -- counts\n"
    "  code VARCHAR(20) COLLATE NOCASE NOT NULL,\n  price NUMERIC(10, 2),\n"
    "  owner INTEGER REFERENCES owner (id) ON DELETE SET NULL,\n"
    "  CHECK (length(code) < 99)\n)",
    "CREATE TABLE sale (id INTEGER PRIMARY KEY,"
    " item INT REFERENCES item ON DELETE CASCADE)",
    "CREATE TABLE log (x)",
)
NUMBERS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
)
FILLED = (
    "INSERT INTO owner VALUES (1, 'a'), (2, 'b')",
    f"INSERT INTO item (code, price, owner) {NUMBERS}"
    " SELECT 'item number ' || i, i * 0.5, 1 + i % 2 FROM n",
    f"INSERT INTO sale (item) {NUMBERS} SELECT i * 5 FROM n WHERE i * 5 <= {{rows}}",
)
AROUND = (
    "CREATE INDEX ix_code ON item (code, owner)",
    "CREATE INDEX ix_part ON item (lower(code)) WHERE price > 100",
    "CREATE TRIGGER sold AFTER DELETE ON item BEGIN INSERT INTO log VALUES (1); END",
    "CREATE VIEW cheap AS SELECT id, code FROM item WHERE price < 5",
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"
    " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))",
    "INSERT INTO alembic_version VALUES ('old')",
)
MIDDLE = """
with op.batch_alter_table("item") as batch:
    batch.alter_column("price", type_=sa.Text())
    batch.create_unique_constraint("uq_item_code", ["code"])
op.execute("UPDATE item SET price = 'free' WHERE id % 7 = 0")
with op.batch_alter_table("item") as batch:
    batch.alter_column("code", type_=sa.String(200), server_default="none")
    batch.create_check_constraint("ck_item_code", sa.text("code <> 'bad'"))
"""
NEW = """
with op.batch_alter_table("item") as batch:
    batch.add_column(sa.Column("stock", sa.Integer(), nullable=False, server_default="0"))
    batch.drop_column("owner")
op.add_column("owner", sa.Column("age", sa.Integer()))
with op.batch_alter_table("owner", recreate="always") as batch:
    batch.alter_column("name", nullable=False)
"""


def snapshot(database):
    """All that a database says."""
    engine = sa.create_engine(database.url)
    with engine.connect() as connection:
        state = read_state(connection, Scope())
    engine.dispose()
    return state, database.everything()


class Victim:
    """The program that is killed, and the databases that it is let loose on."""

    def __init__(self, folder, journal):
        self.folder = folder
        project = Project(folder / "migrations")
        project.script("old", "pass")
        project.script("middle", MIDDLE)
        project.script("new", NEW)
        self.original = Database(folder / "original.db")
        self.original.run(
            *(text.format(rows=ROWS) for text in (*TABLES, *FILLED, *AROUND))
        )
        with closing(self.original.connect()) as connection:
            connection.execute(f"PRAGMA journal_mode={journal}")
        self.database = Database(folder / "victim.db")
        self.process = subprocess.Popen(
            [sys.executable, crashing.__file__, str(project.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def renewed(self):
        """Let the database be as it was."""
        for path in self.folder.glob("victim.db*"):
            path.unlink()
        shutil.copy(self.original.path, self.database.path)
        return self.database

    def run(self, *, is_each_alone=False, **when):
        """Upgrade the database, to die at some time."""
        options = {"transaction_per_migration": is_each_alone}
        order = {"database": str(self.database.path), "options": options, **when}
        print(json.dumps(order), file=self.process.stdin, flush=True)
        done = json.loads(self.process.stdout.readline())
        assert not done["failed"], order
        return done

    def close(self):
        """End the program."""
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(params=["DELETE", "WAL"])
def victim(tmp_path, request):
    """A program that upgrades a database with this kind of journal."""
    victim = Victim(tmp_path, request.param)
    yield victim
    victim.close()


def _snapshots(victim):
    """What the database may say, by its version, and how a whole run went."""
    snapshots = {"old": snapshot(victim.renewed())}
    done = victim.run()
    snapshots["new"] = snapshot(victim.database)
    middle = victim.renewed()
    engine = sa.create_engine(middle.url)
    project = Project(victim.folder / "again")
    project.script("old", "pass")
    project.script("middle", MIDDLE)
    project.upgrade(engine)
    engine.dispose()
    snapshots["middle"] = snapshot(middle)
    return snapshots, done


def test_a_killed_run_left_all_or_nothing_and_can_be_repeated(victim, request):
    """Killed at any moment, the database is sound, and as it was or as it should be."""
    snapshots, whole = _snapshots(victim)
    dice = random.Random(request.node.name)
    found = []
    while len(found) < KILLS:
        is_each_alone = dice.random() < 0.25
        if dice.random() < 0.5:
            when = {"delay": dice.uniform(0, whole["seconds"])}
        else:
            when = {"moment": dice.randint(1, whole["moments"])}
        victim.renewed()
        done = victim.run(is_each_alone=is_each_alone, **when)
        version = _version_after(victim, snapshots)
        assert is_each_alone or version != "middle"
        if done["killed"]:
            found.append(version)
            victim.run()
        assert snapshot(victim.database) == snapshots["new"]
    assert "old" in found


def _version_after(victim, snapshots):
    """Check the database that was left, and return its version."""
    database = victim.database
    assert database.rows("PRAGMA integrity_check") == [("ok",)]
    assert database.rows("PRAGMA foreign_key_check") == []
    ((version,),) = database.rows("SELECT version_num FROM alembic_version")
    assert snapshot(database) == snapshots[version]
    return version


def test_a_change_reaches_the_file_before_its_end(victim):
    """The kills above mean something: there is a journal that must be rolled back."""
    victim.renewed()
    whole = victim.run()
    for share in (0.5, 0.6, 0.7, 0.8, 0.9):
        victim.renewed()
        victim.run(moment=int(whole["moments"] * share))
        beside = list(victim.folder.glob("victim.db-*"))
        if any(Path(path).stat().st_size > 100_000 for path in beside):
            return
    raise AssertionError("no journal was ever left behind")
