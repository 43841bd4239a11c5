"""The marks of statements that are done, until the whole script is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from whimbrel.catalog.fingerprint import Session, fingerprint
from whimbrel.run import journal
from whimbrel.run.event import Conduct
from whimbrel.run.journal import JournalEntry, Outcome
from whimbrel.run.settling import Settling
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
        self._settling = Settling(connection, version_table, conduct)
        self._session = Session(connection)
        self._is_empty = False
        self._was_empty = False
        self._is_in_doubt = False
        self._marks: dict[str, _Mark] = {}
        self._saved: dict[str, dict[str, int]] = {}
        self.running: Running | None = None
        self.is_writing = False
        self.kept = 0

    def entries(self) -> tuple[JournalEntry, ...]:
        """Return what is half done, once the database has told what took effect."""
        if self._is_empty or not self.has_table:
            return ()
        with self.own():
            entries = self._read()
            if self._settling.settle(entries):
                entries = self._read()
        self._is_in_doubt = False
        self._is_empty = not entries
        return entries

    def _read(self) -> tuple[JournalEntry, ...]:
        return journal.read_entries(self._connection, self._version_table)

    @property
    def has_table(self) -> bool:
        """Whether there is a journal."""
        if self._has_table is None:
            self._has_table = journal.has_journal(self._connection, self._version_table)
        return self._has_table

    def forget(self, revision: str | None = None) -> None:
        """Take *revision*, or all, out of the journal: it is whole."""
        self._marks.clear()
        self.kept = 0
        if self.has_table:
            with self.own():
                journal.forget(self._connection, self._version_table, revision=revision)
            self._is_empty = self._was_empty

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
        if self._marks:
            self.create_table()
            self._add()

    def _add(self, *begun: JournalEntry) -> None:
        """Add what is done, and then what is begun, to the journal."""
        entries = [*map(self._entry, self._marks.values()), *begun]
        self._marks.clear()
        self.kept += sum(e.times for e in entries if e.is_done and e.statement)
        with self.own():
            if self._is_in_doubt:
                self._settling.settle(self._read())
                self._is_in_doubt = False
            journal.write_entries(self._connection, self._version_table, entries)
        self._was_empty, self._is_empty = self._was_empty or self._is_empty, False

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
            session=self._session.number() if before is not None else None,
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
        self._add(entry)

    def end(self, *, is_committed: bool) -> None:
        """Note that the statement that was begun took effect.

        In a transaction that is not committed yet, the note would be no surer than
        what the database tells: it stands as soon as another entry is behind it.
        """
        if is_committed:
            with self.own():
                journal.mark_done(self._connection, self._version_table)
        self.kept += 1

    def doubt(self) -> None:
        """Note that nobody knows whether what was begun took effect: it failed."""
        self._is_in_doubt = True

    def undo(self, _connection: Connection | None = None) -> None:
        """Forget what was undone with its transaction."""
        self._marks.clear()
        self._has_table = None
        self._is_empty = self._was_empty = False

    def save(self, _connection: Connection, name: str) -> None:
        """Remember what is done, at a savepoint."""
        self._saved[name] = {key: each.times for key, each in self._marks.items()}

    def undo_to(self, _connection: Connection, name: str, _context: object) -> None:
        """Forget what was undone since a savepoint."""
        self._is_empty = self._was_empty = False
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
