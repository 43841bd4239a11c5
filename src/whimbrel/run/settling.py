"""What of that which was begun took effect, found out from the database itself."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from whimbrel.catalog.fingerprint import (
    fingerprint,
    held_up_by,
    is_busy,
    session_number,
)
from whimbrel.errors import Locked
from whimbrel.run import journal
from whimbrel.run.event import Conduct
from whimbrel.run.journal import JournalEntry
from whimbrel.run.lock import PATIENCE, SILENCE, moments, sessions_of_locks
from whimbrel.run.statement import Statement
from whimbrel.schema.state import TableName


class HeldUp(Locked):
    """The server waits for the transaction of the run that waits for it."""


class Settling:
    """Finds out what took effect, and notes it in the journal.

    Args:
        connection: the connection of the run.
        version_table: the table of the revisions.
        conduct: how long to wait for what the server still works on.
    """

    def __init__(
        self, connection: Connection, version_table: TableName, conduct: Conduct
    ) -> None:
        self._connection = connection
        self._version_table = version_table
        self._conduct = conduct

    def settle(self, entries: Sequence[JournalEntry]) -> bool:
        """Settle all *entries* of the journal; return whether it says otherwise now.

        Of what was begun, only the last can be in doubt: what is noted behind it was
        done when that had ended.
        """
        begun = [each for each in entries if each.before is not None]
        for entry in begun:
            if entry is entries[-1] and self._had_no_effect(entry):
                journal.forget(
                    self._connection, self._version_table, number=entry.number
                )
            else:
                journal.mark_done(
                    self._connection, self._version_table, number=entry.number
                )
        return bool(begun)

    def _had_no_effect(self, entry: JournalEntry) -> bool:
        """Whether all that a statement changes is as it was before."""
        self._wait_for_its_end(entry)
        tables = Statement(entry.statement).tables
        return fingerprint(self._connection, tables) == entry.before

    def _wait_for_its_end(self, entry: JournalEntry) -> None:
        """Wait while the server works on a statement whose client is gone."""
        if entry.session is None:
            return
        patience, is_told = self._conduct.patience, False
        said = _said(entry.statement)
        for waited in moments(PATIENCE if patience is None else patience):
            if not is_busy(self._connection, entry.session, entry.statement):
                return
            self._refuse_to_be_in_the_way(entry.statement)
            if waited >= SILENCE and not is_told:
                is_told = True
                self._conduct.notice(f"Waiting: the server still works on {said}.")
            self._conduct.go_on()
        raise Locked(
            f"The server still works on what a run that was cut off began: {said}",
            "Wait until it has ended, or end it there, then run the command again;"
            " --lock-timeout SECONDS says how long to wait.",
        )

    def _refuse_to_be_in_the_way(self, statement: str) -> None:
        """Refuse to wait for what waits for this very run."""
        waited_for = held_up_by(self._connection, statement)
        is_own = session_number(self._connection) in waited_for
        if is_own or waited_for & sessions_of_locks():
            kind = HeldUp if is_own else Locked
            raise kind(
                "What a run that was cut off began waits until this run itself ends:"
                f" {_said(statement)}",
                "Nothing was changed. Run the command again, in a transaction that has"
                " just begun.",
            )


def _said(statement: str) -> str:
    return " ".join(statement.split())[:80]
