"""A scratch database is empty, like the original, and never the original."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from whimbrel.catalog.read import read_state
from whimbrel.catalog.scratch import copy_schema, scratch_like
from whimbrel.schema.scope import Scope


SCHEMA = (
    "CREATE VIEW first AS SELECT unknown_function(id) FROM later",
    "CREATE TABLE later (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT UNIQUE)",
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
    "CREATE TRIGGER t AFTER INSERT ON later BEGIN DELETE FROM log WHERE x = 'a;b'; END",
    "CREATE TABLE log (x TEXT, y INT REFERENCES later -- why\n)",
    "CREATE UNIQUE INDEX ix ON log (lower(x)) WHERE y > 0",
    "CREATE VIRTUAL TABLE docs USING fts5(body)",
    "INSERT INTO later (a) VALUES ('a row')",
)
ALL_TEXTS = "SELECT type, name, tbl_name, sql FROM {}.sqlite_master ORDER BY type, name"


@pytest.fixture
def source(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'app.db'}")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def run(connection, *statements):
    for statement in statements:
        connection.exec_driver_sql(statement)


def texts(connection, schema="main"):
    return connection.exec_driver_sql(ALL_TEXTS.format(schema)).all()


def test_a_scratch_database_is_empty_and_leaves_nothing(source, tmp_path):
    """What is done to it is not done to the original, nor to the disk."""
    run(source, *SCHEMA)
    source.commit()
    before = sorted(tmp_path.iterdir())
    with scratch_like(source) as scratch:
        assert texts(scratch) == []
        run(scratch, "CREATE TABLE extra (id INTEGER)")
        scratch.commit()
        assert scratch.dialect.name == source.dialect.name

    assert "extra" not in {row[1] for row in texts(source)}
    assert sorted(tmp_path.iterdir()) == before


def test_a_copied_schema_is_the_schema(source):
    """Tables, indexes, views, triggers and virtual tables are there, word for word."""
    run(source, *SCHEMA)
    with scratch_like(source) as scratch:
        copy_schema(source, scratch, Scope())

        assert texts(scratch) == texts(source)
        assert read_state(scratch, Scope()) == read_state(source, Scope())
        assert scratch.exec_driver_sql("SELECT count(*) FROM later").scalar() == 0


def test_attached_databases_are_copied_into_memory(source, tmp_path):
    """A scratch database has the same schemas, none of them a file."""
    run(
        source,
        f"ATTACH '{tmp_path / 'aux.db'}' AS \"the aux\"",
        'CREATE TABLE "the aux".[odd name] (id INTEGER PRIMARY KEY, a INT)',
        'CREATE INDEX "the aux".ix ON [odd name] (a)',
        'CREATE VIEW "the aux".v AS SELECT * FROM [odd name]',
        'CREATE TRIGGER "the aux".t AFTER INSERT ON [odd name] BEGIN SELECT 1; END',
    )
    scope = Scope(schemas=(None, "the aux"))
    with scratch_like(source) as scratch:
        copy_schema(source, scratch, scope)
        files = [row[2] for row in scratch.exec_driver_sql("PRAGMA database_list")]

        assert texts(scratch, '"the aux"') == texts(source, '"the aux"')
        assert read_state(scratch, scope) == read_state(source, scope)
        assert not any(files)


def test_what_an_application_attaches_is_not_touched(tmp_path):
    """A hook that attaches a file to each connection does not open it to scripts."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'app.db'}")
    path = tmp_path / "aux.db"

    @sa.event.listens_for(engine, "connect")
    def attach(connection, record):
        connection.execute(f"ATTACH '{path}' AS aux")

    with engine.connect() as connection:
        with scratch_like(connection) as scratch:
            run(scratch, "CREATE TABLE aux.extra (id INTEGER)")
            scratch.commit()
        names = connection.exec_driver_sql("SELECT name FROM aux.sqlite_master").all()
    engine.dispose()

    assert names == []


@pytest.mark.parametrize("of_all", [True, False], ids=["class", "engine"])
def test_hooks_of_an_application_apply(source, of_all):
    """Functions and pragmas that it gives its connections are there as well."""
    target = sa.Engine if of_all else source.engine
    calls = []

    def hook(connection, record):
        calls.append(connection)
        connection.create_function("twice", 1, lambda x: x * 2, deterministic=True)
        connection.execute("PRAGMA foreign_keys = ON")

    sa.event.listen(target, "connect", hook)
    try:
        source.connection.driver_connection.create_function(
            "twice", 1, lambda x: x * 2, deterministic=True
        )
        run(
            source,
            "CREATE TABLE item (a INT CHECK (twice(a) > 2))",
            "CREATE INDEX ix ON item (twice(a))",
        )
        with scratch_like(source) as scratch:
            copy_schema(source, scratch, Scope())

            assert len(calls) == 1
            assert scratch.exec_driver_sql("SELECT twice(4)").scalar() == 8
            assert scratch.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
            assert texts(scratch) == texts(source)
    finally:
        sa.event.remove(target, "connect", hook)


def test_an_asynchronous_engine_gets_a_plain_scratch_database():
    """With aiosqlite, the scratch database is run by the standard library's driver."""

    def check(connection):
        run(connection, "CREATE TABLE item (id INTEGER PRIMARY KEY)")
        with scratch_like(connection) as scratch:
            copy_schema(connection, scratch, Scope())
            driver = scratch.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            assert read_state(scratch, Scope()) == read_state(connection, Scope())

    async def main():
        engine = create_async_engine("sqlite+aiosqlite://")
        async with engine.connect() as connection:
            await connection.run_sync(check)
        await engine.dispose()

    asyncio.run(main())


def test_a_scratch_database_may_be_used_in_another_thread(source):
    """An env.py may run migrations in a thread of its own; the proof comes later."""
    run(source, "CREATE TABLE item (id INTEGER)")
    with ExitStack() as stack, ThreadPoolExecutor(max_workers=1) as thread:

        def copied():
            with sa.create_engine(source.engine.url).connect() as connection:
                scratch = stack.enter_context(scratch_like(connection))
                copy_schema(connection, scratch, Scope())
            return scratch

        scratch = thread.submit(copied).result()
        assert read_state(scratch, Scope()) == read_state(source, Scope())


def test_a_virtual_table_without_its_module_is_left_out(source):
    """It is not ours, and what is ours can be tried without it."""
    run(
        source,
        "CREATE TABLE item (id INTEGER PRIMARY KEY)",
        "PRAGMA writable_schema = ON",
        "INSERT INTO sqlite_master VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING nowhere(a)')",
    )
    with scratch_like(source) as scratch:
        copy_schema(source, scratch, Scope())

        assert [row[1] for row in texts(scratch)] == ["item"]


def test_other_errors_of_copying_are_not_swallowed(source):
    """A schema that cannot be made again is told."""
    function = source.connection.driver_connection.create_function
    function("mine", 1, lambda x: x, deterministic=True)
    run(source, "CREATE TABLE item (a CHECK (mine(a)))")
    with scratch_like(source) as scratch, pytest.raises(OperationalError, match="mine"):
        copy_schema(source, scratch, Scope())
