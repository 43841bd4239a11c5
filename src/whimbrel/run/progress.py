"""What takes long tells how far it is: rows, how many a second, how long it will take.

Whoever runs scripts listens for the time of one; what works on a table tells.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeAlias


PATIENCE = 1.0
"""So many seconds nothing is told."""

PAUSE = 0.5
"""So many seconds pass at least until more is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the work on a table is.

    Args:
        table: the table.
        task: what is done to it.
        rows: how many rows are done.
        total: how many there are.
        seconds: how long the work has taken until now.
    """

    table: str
    task: str
    rows: int
    total: int
    seconds: float

    @property
    def rate(self) -> float:
        """How many rows are done in a second."""
        return self.rows / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rows that are left will take; None if that is not known."""
        if not self.rate or self.rows >= self.total:
            return None
        return (self.total - self.rows) / self.rate

    @property
    def text(self) -> str:
        """A line that tells it."""
        if self.seconds_left is None:
            return f"{self.table}: {self.task}, {self.seconds:.0f} s so far"
        return (
            f"{self.table}: {self.task}, {self.rows:,} of {self.total:,} rows,"
            f" {self.rate:,.0f} rows/s, {self.seconds_left:.0f} s left"
        )


Listener: TypeAlias = Callable[[Progress], None]

_LISTENER: ContextVar[Listener | None] = ContextVar("whimbrel_progress", default=None)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Let *listener* hear of all that takes long in the block."""
    before = _LISTENER.get()
    _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.set(before)


class Watch:
    """Tells of the work on one table, once that has taken longer than a moment."""

    def __init__(self, table: str, total: int) -> None:
        self.total = total
        self._table = table
        self._start = time.monotonic()
        self._last = self._start + PATIENCE - PAUSE

    def tell(self, task: str, rows: int = 0, *, is_new: bool = False) -> None:
        """Tell how far the work is.

        Args:
            task: what is done to the table.
            rows: how many rows are done, if they are counted.
            is_new: this task begins now, so it is told soon after the one before.
        """
        listener, now = _LISTENER.get(), time.monotonic()
        is_due = now - self._start > PATIENCE if is_new else now - self._last > PAUSE
        if listener is None or not is_due:
            return
        self._last = now
        listener(
            Progress(
                table=self._table,
                task=task,
                rows=rows,
                total=self.total,
                seconds=now - self._start,
            )
        )
