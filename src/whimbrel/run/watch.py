"""Every statement of a script is seen before it is sent: skipped, noted, or repeated.

Where the database undoes all of a script that fails, marks are kept in memory. They
are written as soon as something is to be committed in the middle: by a database that
commits whatever changes its schema, or by an autocommit block.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection

from whimbrel.catalog.fingerprint import is_invalid_index
from whimbrel.run.driver import sent_through
from whimbrel.run.event import Conduct, Event
from whimbrel.run.marks import Marks, Running
from whimbrel.run.outcome import give_again, outcome_of
from whimbrel.run.resume import Resume
from whimbrel.run.sight import Sight
from whimbrel.run.statement import Statement
from whimbrel.run.waiting import Waiting
from whimbrel.schema.dialect import described


class Watch:
    """Sees the statements of the scripts of one run on one connection.

    Args:
        connection: the connection that the scripts use.
        marks: what is done.
        conduct: how the run behaves.
        waiting: how it waits for tables that others use.
    """

    def __init__(
        self, connection: Connection, marks: Marks, conduct: Conduct, waiting: Waiting
    ) -> None:
        self._connection = connection
        self._conduct = conduct
        self._waiting = waiting
        self._dialect = described(connection.dialect)
        self._autocommits = connection._is_autocommit_isolation()
        self._resume = Resume((), "", is_edited=False)
        self._temporary: set[str] = set()
        self._operation = ""
        self._is_skipping = False
        self._sight = Sight()
        self.marks = marks

    @contextmanager
    def over(self, running: Running) -> Iterator[None]:
        """Watch one script."""
        entries = [
            each
            for each in self.marks.entries()
            if (each.revision, each.direction) == (running.revision, running.direction)
        ]
        is_edited = any(each.checksum != running.checksum for each in entries)
        self._resume = Resume(entries, running.revision, is_edited=is_edited)
        self.marks.clear()
        self.marks.kept = done = self._resume.done
        if done:
            self._conduct.notice(
                f"Revision {running.revision} is half done; the run goes on after"
                f" {done} {'statement' if done == 1 else 'statements'}."
            )
        self._temporary.clear()
        if self._dialect.ddl_commits:
            self.marks.create_table()
        self.marks.running = running
        try:
            yield
            self._resume.end()
        finally:
            self.marks.running = None

    @contextmanager
    def block(self) -> Iterator[None]:
        """Know that every statement of the block is committed by itself."""
        before, self._autocommits = self._autocommits, True
        try:
            yield
        finally:
            self._autocommits = before

    @contextmanager
    def operation(self, name: str) -> Iterator[None]:
        """Tell of an operation; skip all of it if it is done."""
        if self.marks.running is None or self._operation:
            yield
            return
        self._operation = name
        self._conduct.go_on()
        mark = Statement(f"operation {name}")
        self._is_skipping = self._resume.meet_operation(mark.hash)
        self._sight = Sight(self._resume.seen_by(name))
        start, done = time.perf_counter(), self.marks.done
        try:
            yield
            if not self._is_skipping and (self._sight.seen or self.marks.done != done):
                self.marks.add_operation(mark.hash, name, self._sight.seen)
                if self._autocommits:
                    self.marks.write()
            self._tell(name, time.perf_counter() - start)
        finally:
            self._is_skipping, self._operation = False, ""

    def _tell(self, name: str, seconds: float) -> None:
        assert self.marks.running is not None
        done = ", was done" if self._is_skipping else ""
        self._conduct.tell(
            Event(
                kind="operation",
                revision=self.marks.running.revision,
                text=f"{name}{done}",
                seconds=seconds,
            )
        )

    @contextmanager
    def listening(self) -> Iterator[None]:
        """See the statements of the connection, in the block."""
        own: dict[str, Callable[..., None]] = {
            "commit": self._before_commit,
            "rollback": self.marks.undo,
            "savepoint": self.marks.save,
            "rollback_savepoint": self.marks.undo_to,
        }
        for name, hear in own.items():
            event.listen(self._connection, name, hear)
        try:
            with sent_through(self._connection, self._see):
                yield
        finally:
            for name, hear in own.items():
                event.remove(self._connection, name, hear)

    def _before_commit(self, _connection: Connection) -> None:
        if self.marks.running is not None and not self.marks.is_writing:
            self.marks.write()

    def _see(
        self, cursor: Any, sql: str, context: Any, send: Callable[[], None]
    ) -> bool:
        """Return whether the statement was taken care of."""
        if self.marks.running is None or self.marks.is_writing:
            return False
        statement = Statement(sql)
        if statement.temporary_table:
            self._temporary.add(statement.temporary_table)
        if statement.is_read or statement.target in self._temporary:
            if statement.verb == "COMMIT":
                self.marks.write()
            if not (self._operation and self._dialect.ddl_commits):
                return False
            self._sight.look(statement, cursor, context, send)
            return True
        self._conduct.go_on()
        if self._is_skipping:
            self._resume.meet(statement)
            return True
        outcome = self._resume.meet(statement)
        if outcome is not None:
            give_again(outcome, context)
            return True
        self._carry_out(statement, cursor, context, send)
        return True

    def _carry_out(
        self, statement: Statement, cursor: Any, context: Any, send: Callable[[], None]
    ) -> None:
        """Send a statement, and note that it is done."""
        is_apart = not statement.writes_rows
        if self._autocommits and not (is_apart and not self._dialect.is_one_file):
            self._send_with_its_mark(statement, cursor, context, send)
        elif is_apart and (self._autocommits or self._dialect.ddl_commits):
            self._send_by_itself(statement, send)
        else:
            send()
            self.marks.add(statement, outcome_of(cursor, context), self._operation)

    def _send_with_its_mark(
        self, statement: Statement, cursor: Any, context: Any, send: Callable[[], None]
    ) -> None:
        """Commit a statement and its mark together, where each would be committed."""
        self.marks.create_table()
        self._say("BEGIN")
        try:
            send()
            self.marks.add(statement, outcome_of(cursor, context), self._operation)
            self.marks.write()
        except BaseException:
            self._say("ROLLBACK")
            self.marks.clear()
            raise
        self._say("COMMIT")

    def _send_by_itself(self, statement: Statement, send: Callable[[], None]) -> None:
        """Send what the database commits at once, together with all before it."""
        self.marks.create_table()
        if statement.concurrent_index:
            self.marks.write()
            self._clear_the_way(statement.concurrent_index)
        self.marks.begin(statement, self._operation, self._sight.seen)
        try:
            self._waiting.patiently(
                send, statement.text, is_concurrent=statement.is_concurrent
            )
        except BaseException:
            self.marks.doubt()
            raise
        self.marks.end(is_committed=self._autocommits)

    def _clear_the_way(self, index: str) -> None:
        """Drop what is left of an index that could not be built."""
        with self.marks.own():
            if is_invalid_index(self._connection, index):
                self._conduct.notice(
                    f"The index {index} was not built to its end; it is built anew."
                )
                self._connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY {index}")

    def _say(self, sql: str) -> None:
        with self.marks.own():
            self._connection.exec_driver_sql(sql)
