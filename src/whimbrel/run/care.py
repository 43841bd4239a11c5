"""What surrounds the scripts of a run: the lock, patience, the journal, the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Any

from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from whimbrel.errors import HalfDone, Locked, ended
from whimbrel.run.event import Conduct
from whimbrel.run.hidden import hidden_tables
from whimbrel.run.journal import JournalEntry
from whimbrel.run.ledger import Ledger
from whimbrel.run.lock import take_lock
from whimbrel.run.marks import Marks, Running
from whimbrel.run.settling import HeldUp
from whimbrel.run.waiting import Waiting, too_long, waiting_on
from whimbrel.run.watch import Watch
from whimbrel.schema.dialect import described
from whimbrel.schema.state import TableName
from whimbrel.script.reading import checksum, source_of


class Care:
    """The care that a run takes of one database.

    Args:
        context: Alembic's context on the database.
        conduct: how the run behaves.
        until: ends with the run; then the lock is given back.
        begin_anew: ends a transaction in which nothing was done yet, and begins another
            one, if it is ours; returns whether it is.
    """

    def __init__(
        self,
        context: MigrationContext,
        conduct: Conduct,
        until: ExitStack,
        begin_anew: Callable[[], bool],
    ) -> None:
        assert context.connection is not None
        self._context = context
        self._connection: Connection = context.connection
        self._conduct = conduct
        self._until = until
        self._version_table = TableName(
            context.version_table, context.version_table_schema
        )
        self._marks = Marks(self._connection, self._version_table, conduct)
        self._waiting = waiting_on(self._connection, conduct)
        self._watch = Watch(self._connection, self._marks, conduct, self._waiting)
        self._ledger = Ledger(self._connection, self._version_table, conduct)
        self._script: Any = None
        self._began = 0.0
        self._was_in_part = False
        self._begin_anew = begin_anew
        self._demand_lock: Callable[[], None] = lambda: None

    def carry_out(
        self, run: Callable[[], None], start_over: Callable[[], bool]
    ) -> None:
        """Run the scripts, when nobody else does, and again if others were in the way.

        Args:
            run: runs them.
            start_over: undoes what they did, if that is possible, to run them again.
        """
        context = self._context
        self._demand_lock = take_lock(
            self._connection,
            self._version_table,
            self._conduct,
            self._until,
            is_callers=context._in_external_transaction,
        )
        callbacks = context.on_version_apply_callbacks
        context.on_version_apply_callbacks = (self._note, *callbacks)
        try:
            with self._waiting.polite(), self._watch.listening():
                self._attempts(run, start_over)
        finally:
            context.on_version_apply_callbacks = callbacks

    def _attempts(
        self, run: Callable[[], None], start_over: Callable[[], bool]
    ) -> None:
        for _ in self._waiting.pauses():
            try:
                with _undone_alone(self._context, self._waiting):
                    run()
            except Exception as error:
                self._settle()
                in_the_way = self._waiting.is_in_the_way(error)
                if not (in_the_way and self._waiting.repeats_all and start_over()):
                    raise
                cause = error
            else:
                break
            self._conduct.go_on()
            self._waiting.tell_who_blocks(_statement(cause))
            self._conduct.notice("All scripts of the run begin once more.", "again")
        else:
            raise too_long(_statement(cause)) from cause
        if self._conduct.direction == "stamp":
            self._forget_all()
        self._drop_at_the_end()

    def _forget_all(self) -> None:
        self._marks.forget()
        self._drop_with_the_run()
        if self._commits_ddl and not self._context._in_external_transaction:
            self._connection.commit()  # each revision was; nobody else does it now

    def _drop_with_the_run(self) -> None:
        """Drop a journal that is empty, in the transaction that made it so."""
        if not self._commits_ddl:
            self._marks.drop_table()

    def _drop_at_the_end(self) -> None:
        """Drop a journal that is empty where that commits all there is.

        What a caller can still undo must not be committed by this.
        """
        is_open = self._context._in_external_transaction and not self._was_in_part
        if not self._commits_ddl or is_open:
            return
        try:
            if self._marks.has_table:
                self._demand_lock()
                with self._waiting.briefly():
                    self._marks.drop_table()
        except Locked:
            pass  # it may be somebody else's by now
        except DBAPIError as error:  # what the scripts did is done nevertheless
            self._conduct.notice(ended(f"The journal was not dropped: {error.orig}"))

    @property
    def _commits_ddl(self) -> bool:
        return described(self._connection.dialect).ddl_commits

    def _settle(self) -> None:
        """After a failure, find out what is done; it may be nothing."""
        connection = self._connection
        if not self._commits_ddl or connection.in_transaction():
            return
        with suppress(SQLAlchemyError), connection.begin():
            self._marks.entries()

    # ------------------------------------------------------------ each script

    def expect(self, steps: Sequence[Any]) -> None:
        """Refuse a run that would pass by what is half done.

        Raises:
            HalfDone: a script is half done, and is none of *steps*.
        """
        if self._conduct.direction == "stamp":
            return
        ways = {_way(step) for step in steps if isinstance(step, RevisionStep)}
        for entry in self._half_done():
            if (entry.revision, entry.direction) not in ways:
                raise _half_done(entry, self._marks.entries(), self._conduct.program)

    def _half_done(self) -> tuple[JournalEntry, ...]:
        """Return what is half done, in a new transaction if this one is in the way."""
        while True:
            try:
                return self._marks.entries()
            except HeldUp:
                if not self._begin_anew():
                    raise

    @property
    def is_half_done(self) -> bool:
        """Whether the journal has anything to tell."""
        return bool(self._marks.entries())

    @contextmanager
    def over(self, step: RevisionStep) -> Iterator[None]:
        """Take care of one script."""
        self._demand_lock()
        self._script, self._began = step.revision, time.perf_counter()
        revision, direction = _way(step)
        running = Running(
            revision=revision,
            direction=direction,
            checksum=checksum(source_of(step.revision.path)),
        )
        with hidden_tables(self._connection.dialect), self._watch.over(running):
            yield

    def operation(self, name: str) -> AbstractContextManager[None]:
        """Tell of one operation of a script, which nobody else may do meanwhile."""
        self._demand_lock()
        return self._watch.operation(name)

    @contextmanager
    def block(self) -> Iterator[None]:
        """Know that every statement of the block is committed by itself."""
        with self._watch.block(), self._waiting.by_itself():
            yield

    @property
    def kept(self) -> int:
        """How many statements of the script stay done, whatever happens."""
        return self._marks.kept

    def _note(self, *, step: Any, **_facts: Any) -> None:
        """Note that a revision was applied, in the transaction that does so."""
        if step.is_stamp:
            self._ledger.write("stamp", step.up_revision_ids or ("base",))
            return
        script, seconds = self._script, time.perf_counter() - self._began
        direction = "upgrade" if step.is_upgrade else "downgrade"
        if self._marks.kept:
            self._was_in_part = True
            self._marks.forget(script.revision)
            self._drop_with_the_run()
        self._ledger.write(direction, (script,), seconds)


def _undone_alone(
    context: MigrationContext, waiting: Waiting
) -> AbstractContextManager[Any]:
    """Let what a run did in the transaction of a caller be undone by itself."""
    if waiting.repeats_all and context._in_external_transaction:
        return waiting.connection.begin_nested()
    return ExitStack()


def _half_done(
    entry: JournalEntry, entries: Iterable[JournalEntry], program: str
) -> HalfDone:
    """Return the error that the script of *entry*, one of *entries*, is half done."""
    same = [each for each in entries if each.revision == entry.revision]
    done = [" ".join(e.statement.split())[:100] for e in same if e.statement]
    revision = entry.revision
    command = (
        f"{program} upgrade {revision}"
        if entry.direction == "upgrade"
        else f"{program} downgrade {revision}-1"
    )
    return HalfDone(
        f"The {entry.direction} of revision {revision} is half done:"
        f" {'; '.join(done)}.",
        f"Nothing was changed. Go on with it: `{command}`; mend first what made it"
        " fail. Or undo by hand what is done, or do the rest, and say where the"
        f" database stands then: `{program} stamp REVISION`.",
        revision=revision,
        direction=entry.direction,
        done=tuple(done),
    )


def _way(step: RevisionStep) -> tuple[str, str]:
    return str(step.revision.revision), "upgrade" if step.is_upgrade else "downgrade"


def _statement(error: BaseException) -> str:
    """Return the statement that failed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, DBAPIError):
            return cause.statement or ""
        cause = cause.__cause__
    return ""
