"""What ``--sql`` writes for SQLite, done to an empty database in memory as well.

SQLite alters little by statement. For all else a table is made anew from its text,
which a script does not know and ``--sql`` has no database to ask for. The scripts
before it made that table, so that the shadow has its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from whimbrel.run.transaction import WRITTEN_DOWN


_WORD = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*(\w*)", re.DOTALL)
_ENDS = ("BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE")
_READS = ("SELECT", "PRAGMA", "EXPLAIN")
_SETS = "PRAGMA legacy_alter_table="


class Shadow:
    """A database in memory that follows what is written, as soon as it is needed.

    Args:
        connection: an empty database.
        start: makes in it what is there before the first statement.
    """

    def __init__(
        self, connection: Connection, start: Callable[[Connection], None]
    ) -> None:
        self._connection = connection
        self._start = start
        self._waiting: list[str] = []
        self._follows = False
        self.failure = ""
        """Why it follows no more, if it does not."""

    def hear(self, statement: str) -> None:
        """Take note of *statement*, which was written."""
        if self._follows:
            self._do(statement)
        else:
            self._waiting.append(statement)

    def has_table(self, name: str, schema: str | None) -> bool:
        """Whether the scripts made a table by now."""
        self._catch_up()
        if self.failure:
            return False
        there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        found = self._connection.exec_driver_sql(
            f"{there} COLLATE NOCASE", (str(name),)
        )
        return schema in (None, "main") and bool(found.all())

    def statements(self, alter: Callable[[Any], Any]) -> list[str]:
        """Return the statements that *alter* runs.

        Args:
            alter: is called with what the shadow is altered by.
        """
        self._catch_up()
        context = MigrationContext.configure(connection=self._connection)
        with _listening_to(self._connection) as heard:
            alter(context.impl)
        return heard

    def _catch_up(self) -> None:
        if self._follows:
            return
        self._follows = True
        try:
            self._start(self._connection)
        except Exception as cause:  # whatever a script raises
            self.failure = f"the scripts before cannot be replayed: {cause}"
        for each in self._waiting:
            self._do(each)
        self._waiting.clear()

    def _do(self, statement: str) -> None:
        word = _first_word(statement)
        if not word or word in _ENDS or self.failure:
            return
        try:
            self._connection.exec_driver_sql(statement)
        except DBAPIError as error:
            self.failure = f"where there are no rows, {statement} fails: {error.orig}"


@contextmanager
def shadowed(
    context: MigrationContext, start: Callable[[Connection], None]
) -> Iterator[None]:
    """Let *context* know the tables in the block if it writes SQL for SQLite.

    Args:
        context: one of any database, live or not.
        start: makes in an empty database what is there before the first script.
    """
    impl: Any = context.impl
    if not (context.as_sql and hasattr(impl, "shadow")):
        yield
        return
    engine = create_engine("sqlite://", poolclass=StaticPool)
    try:
        with engine.connect() as connection:
            connection.info[WRITTEN_DOWN] = True
            impl.shadow = Shadow(connection, start)
            yield
    finally:
        impl.shadow = None
        engine.dispose()


@contextmanager
def _listening_to(connection: Connection) -> Iterator[list[str]]:
    """Give a list of the statements of the block that change something."""
    heard: list[str] = []

    def hear(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith(_SETS) or _first_word(statement) not in (
            *_ENDS,
            *_READS,
        ):
            heard.append(statement)

    event.listen(connection, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(connection, "before_cursor_execute", hear)


def _first_word(statement: str) -> str:
    match = _WORD.match(statement)
    return match[1].upper() if match is not None else ""
