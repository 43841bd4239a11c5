"""The marks of statements that are done, until the whole script is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from whimbrel.catalog.fingerprint import fingerprint, is_busy, session_number
from whimbrel.errors import Locked
from whimbrel.run import journal
from whimbrel.run.event import Conduct
from whimbrel.run.journal import JournalEntry, Outcome
from whimbrel.run.lock import PATIENCE, SILENCE, moments
from whimbrel.run.statement import Statement
from whimbrel.schema.state import TableName


MOST_OUTCOMES = 1000
"""So often what a statement gave is kept; one in a loop of more is rarely asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The script that runs: its revision, which way, and the checksum of its text."""

    revision: str
    direction: str
    checksum: str


@dataclass
class _Mark:
    """A statement that is done, and not yet in the journal."""

    hash: str
    statement: str
    operation: str
    times: int = 0
    outcomes: list[Outcome] = field(default_factory=list)


class Marks:
    """What is done of the script that runs: in memory, and in the journal.

    Args:
        connection: the connection of the run; what is written there is committed
            together with what the script does.
        version_table: the table of the revisions.
        conduct: how long to wait for what the server still works on.
    """

    def __init__(
        self, connection: Connection, version_table: TableName, conduct: Conduct
    ) -> None:
        self._connection = connection
        self._conduct = conduct
        self._version_table = version_table
        self._has_table: bool | None = None
        self._marks: dict[str, _Mark] = {}
        self._saved: dict[str, dict[str, int]] = {}
        self.running: Running | None = None
        self.is_writing = False
        self.kept = 0

    def entries(self) -> tuple[JournalEntry, ...]:
        """Return what is half done, once the database has told what took effect."""
        if not self.has_table:
            return ()
        with self.own():
            for entry in journal.read_journal(self._connection, self._version_table):
                if entry.before is not None:
                    self._settle(entry, entry.before)
            return journal.read_journal(self._connection, self._version_table)

    @property
    def has_table(self) -> bool:
        """Whether there is a journal."""
        if self._has_table is None:
            self._has_table = journal.has_journal(self._connection, self._version_table)
        return self._has_table

    def _settle(self, entry: JournalEntry, before: str) -> None:
        """Find out whether a statement that was begun took effect."""
        self._wait_for_its_end(entry)
        tables = Statement(entry.statement).tables
        if fingerprint(self._connection, tables) == before:
            journal.forget(self._connection, self._version_table, number=entry.number)
        else:
            journal.mark_done(
                self._connection, self._version_table, number=entry.number
            )

    def _wait_for_its_end(self, entry: JournalEntry) -> None:
        """Wait while the server works on a statement whose client is gone."""
        if entry.session is None:
            return
        patience, is_told = self._conduct.patience, False
        said = " ".join(entry.statement.split())[:80]
        for waited in moments(PATIENCE if patience is None else patience):
            if not is_busy(self._connection, entry.session, entry.statement):
                return
            if waited >= SILENCE and not is_told:
                is_told = True
                self._conduct.notice(f"Waiting: the server still works on {said}.")
            self._conduct.go_on()
        raise Locked(
            f"The server still works on what a run that was cut off began: {said}",
            "Wait until it has ended, or end it there, then run the command again;"
            " --lock-timeout SECONDS says how long to wait.",
        )

    def forget(self, revision: str | None = None) -> None:
        """Take *revision*, or all, out of the journal: it is whole."""
        self._marks.clear()
        self.kept = 0
        if self.has_table:
            with self.own():
                journal.forget(self._connection, self._version_table, revision=revision)

    def create_table(self) -> None:
        """Make the journal if there is none."""
        if self.has_table:
            return
        with self.own():
            journal.journal_table(self._version_table).create(
                self._connection, checkfirst=True
            )
        self._has_table = True

    def drop_table(self) -> None:
        """Drop the journal if it has nothing to tell; what hinders that is told."""
        if not self.has_table:
            return
        with self.own():
            hindered = journal.drop_if_empty(self._connection, self._version_table)
        self._has_table = None
        if hindered:
            self._conduct.notice(hindered)

    def write(self) -> None:
        """Write what is done and not yet written, in the same transaction."""
        marks, self._marks = self._marks, {}
        if marks:
            self.create_table()
            self._add([self._entry(mark) for mark in marks.values()])

    def _add(self, entries: list[JournalEntry]) -> None:
        self.kept += sum(e.times for e in entries if e.is_done and e.statement)
        with self.own():
            journal.write_entries(self._connection, self._version_table, entries)

    def _entry(self, mark: _Mark, before: str | None = None) -> JournalEntry:
        assert self.running is not None
        return JournalEntry(
            number=0,
            revision=self.running.revision,
            direction=self.running.direction,
            checksum=self.running.checksum,
            operation=mark.operation,
            statement=mark.statement,
            hash=mark.hash,
            times=mark.times or 1,
            outcomes=tuple(mark.outcomes),
            before=before,
            session=session_number(self._connection) if before is not None else None,
        )

    def add(self, statement: Statement, outcome: Outcome, operation: str = "") -> None:
        """Note that a statement is done, in memory."""
        mark = self._marks.setdefault(
            statement.hash, _Mark(statement.hash, statement.text, operation)
        )
        mark.times += 1
        if len(mark.outcomes) < MOST_OUTCOMES:
            mark.outcomes.append(outcome)

    def add_operation(self, hash: str, name: str, seen: Sequence[Outcome]) -> None:
        """Note that all statements of an operation are done, in memory."""
        mark = self._marks.setdefault(hash, _Mark(hash, "", name))
        mark.times += 1
        if len(mark.outcomes) < MOST_OUTCOMES:
            mark.outcomes.append({"seen": list(seen)})

    @property
    def done(self) -> int:
        """How many statements are done, whether that is written or not."""
        return self.kept + sum(e.times for e in self._marks.values() if e.statement)

    def begin(
        self, statement: Statement, operation: str, seen: Sequence[Outcome]
    ) -> None:
        """Note in the journal that a statement is about to be sent.

        Args:
            statement: the statement.
            operation: the operation that sends it.
            seen: what that saw of the database so far.
        """
        mark = _Mark(statement.hash, statement.text, operation)
        mark.outcomes.append({"seen": list(seen)})
        with self.own():
            before = fingerprint(self._connection, statement.tables)
            entry = self._entry(mark, before)
        self._add([entry])

    def end(self) -> None:
        """Note that the statement that was begun took effect."""
        with self.own():
            journal.mark_done(self._connection, self._version_table)
        self.kept += 1

    def undo(self, _connection: Connection | None = None) -> None:
        """Forget what was undone with its transaction."""
        self._marks.clear()
        self._has_table = None

    def save(self, _connection: Connection, name: str) -> None:
        """Remember what is done, at a savepoint."""
        self._saved[name] = {key: each.times for key, each in self._marks.items()}

    def undo_to(self, _connection: Connection, name: str, _context: object) -> None:
        """Forget what was undone since a savepoint."""
        saved = self._saved.get(name, {})
        for key in [each for each in self._marks if each not in saved]:
            del self._marks[key]
        for key, times in saved.items():
            if key in self._marks:
                self._marks[key].times = times
                del self._marks[key].outcomes[times:]

    def clear(self) -> None:
        """Begin with a script of which nothing is noted in memory."""
        self._marks.clear()
        self._saved.clear()

    @contextmanager
    def own(self) -> Iterator[None]:
        """Send what is no statement of the script."""
        before, self.is_writing = self.is_writing, True
        try:
            yield
        finally:
            self.is_writing = before
