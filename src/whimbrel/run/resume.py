"""What of a script is done already, when it is run again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from whimbrel.errors import EditedScript
from whimbrel.run.journal import NAMED, JournalEntry, Outcome
from whimbrel.run.statement import Statement


def _sights(entries: Iterable[JournalEntry]) -> dict[str, list[list[Outcome]]]:
    """Return what each operation saw, each time that it was run."""
    found: dict[str, list[list[Outcome]]] = {}
    open_: dict[str, list[Outcome]] = {}
    for entry in entries:
        seen = [list(each["seen"]) for each in entry.outcomes if "seen" in each]
        if entry.statement:
            if seen:
                open_[entry.operation] = seen[-1]
            continue
        open_.pop(entry.operation, None)
        missing: list[list[Outcome]] = [[] for _ in range(entry.times - len(seen))]
        found.setdefault(entry.operation, []).extend([*seen, *missing])
    for name, last in open_.items():
        found.setdefault(name, []).append(last)
    return found


@dataclass
class _Left:
    """How often a statement is done and was not met again yet."""

    entry: JournalEntry
    times: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    is_met: bool = False


class Resume:
    """The statements of a script that are done; each is met again as often.

    The script runs from its beginning, since it must compute what it computed.  It
    may look at the database, and so do less than the first time; that is its right
    as long as nobody edited it.

    Args:
        entries: what the journal says of the script.
        revision: the script.
        is_edited: its text is not what it was; then all that is done must be met
            in the same order, before anything else is done.
    """

    def __init__(
        self, entries: Iterable[JournalEntry], revision: str, *, is_edited: bool
    ) -> None:
        self._revision = revision
        self._is_edited = is_edited
        self._left: dict[str, _Left] = {}
        self.done = 0
        entries = tuple(entries)
        self._sights = _sights(entries)
        for entry in entries:
            left = self._left.setdefault(entry.hash, _Left(entry))
            left.times += entry.times
            left.outcomes += entry.outcomes
            self.done += entry.times if entry.statement else 0

    def meet(self, statement: Statement) -> Outcome | None:
        """Return what *statement* gave if it is done already, and count it.

        Raises:
            EditedScript: the script was edited in what is done.
        """
        left = self._left.get(statement.hash)
        if self._is_edited:
            self._demand_order(statement, left)
        if left is None or not left.times:
            return None
        left.is_met = True
        left.times -= 1
        return left.outcomes.pop(0) if left.outcomes else {}

    def meet_operation(self, name: str) -> bool:
        """Whether all of the operation *name* is done already; it is counted."""
        left = self._left.get(name)
        if left is None or not left.times or self._is_edited:
            return False
        left.times -= 1
        return True

    def seen_by(self, name: str) -> list[Outcome]:
        """Return what the operation *name* saw when it was first run; it is counted.

        It sends what it sends because of that; by now it may have changed it.
        """
        sights = self._sights.get(name[:NAMED])
        return sights.pop(0) if sights else []

    def end(self) -> None:
        """Refuse an edited script that no longer does what is done.

        Raises:
            EditedScript: there is such a statement.
        """
        if self._is_edited and (waits := self._first_unmet()) is not None:
            raise self._refusal(waits, "The script no longer does that.")

    def _demand_order(self, statement: Statement, left: _Left | None) -> None:
        waits = self._first_unmet()
        is_met = left is not None and left.is_met and left.times
        if waits is None or is_met or left is waits:
            return
        said = " ".join(statement.text.split())[:200]
        raise self._refusal(waits, f"Now the script says there: {said}.")

    def _first_unmet(self) -> _Left | None:
        unmet = (e for e in self._left.values() if e.entry.statement and not e.is_met)
        return next(unmet, None)

    def _refusal(self, waits: _Left, now: str) -> EditedScript:
        done = " ".join(waits.entry.statement.split())[:200]
        return EditedScript(
            f"Revision {self._revision} is half done, and was edited where it is done:"
            f" {done}. {now}",
            "Nothing was changed. Write that part of the script as it was; what comes"
            " after it may be edited.",
            revision=self._revision,
            statement=done,
        )
