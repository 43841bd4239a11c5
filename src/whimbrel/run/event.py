"""What is told of a run while it runs, and how a run is to behave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from whimbrel.errors import Interrupted
from whimbrel.run.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that was done to a database, or is waited for.

    Args:
        kind: ``upgrade``, ``downgrade`` or ``stamp`` of a script that is done,
            ``operation`` of one of its operations, ``notice`` of what happens
            besides, ``again`` where all scripts of the run begin once more.
        revision: the revision that it concerns.
        text: a line that tells it.
        seconds: how long it took.
        progress: how far it is, of what is not done yet; None of what is done.
    """

    kind: str
    revision: str
    text: str
    seconds: float = 0.0
    progress: Progress | None = None


Tell: TypeAlias = Callable[[Event], None]


def tell_nobody(event: Event) -> None:
    """Let *event* pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """How a run behaves towards others who use the database.

    Args:
        direction: ``upgrade``, ``downgrade`` or ``stamp``.
        patience: for so many seconds it waits for another run, or for a table that
            others use; None is what suits the database.
        lock_wait: for so many seconds others queue behind it, each time; 0: for
            ever, as Alembic does.
        has_ledger: whether it is noted what was done, and when: True makes the
            ledger, None goes on with one that is there, False keeps none.
        is_atomic: all scripts stand in one transaction, or the run is refused.
        is_stopped: whether somebody wants the run to end.
        program: what the user typed, for commands in messages.
        tell: who hears what happens.
    """

    direction: str
    patience: float | None = None
    lock_wait: float = 5.0
    has_ledger: bool | None = None
    is_atomic: bool = False
    is_stopped: Callable[[], bool] = bool
    program: str = "flask db"
    tell: Tell = tell_nobody

    def go_on(self) -> None:
        """Go on, unless somebody wants the run to end.

        Raises:
            Interrupted: somebody does.
        """
        if self.is_stopped():
            raise Interrupted(
                f"The {self.direction} was ended on request.", "Nothing was changed."
            )

    def notice(self, text: str, kind: str = "notice") -> None:
        """Tell something that happens besides the scripts."""
        self.tell(Event(kind=kind, revision="", text=text))
