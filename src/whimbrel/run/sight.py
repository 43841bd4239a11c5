"""What an operation sees of the database: the first time, and when it is repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from whimbrel.run.journal import Outcome
from whimbrel.run.outcome import give_again, outcome_of
from whimbrel.run.statement import Statement


class Sight:
    """What one operation asked, and what it was told.

    Only if it is told the same again does it send the same statements again, those
    that are done and those that are not: what it changed it would find changed.

    Args:
        before: what it was told when it was run before.
    """

    def __init__(self, before: Sequence[Outcome] = ()) -> None:
        self._before = list(before)
        self.seen: list[Outcome] = []

    def look(
        self, query: Statement, cursor: Any, context: Any, send: Callable[[], None]
    ) -> None:
        """Let *cursor* have the answer to *query*: the one of before, if there was one.

        Args:
            query: what is asked.
            cursor: the driver's.
            context: SQLAlchemy's context of the query.
            send: asks the database.
        """
        asked = [each["query"] for each in self._before]
        if query.hash in asked:
            place = asked.index(query.hash)
            seen = self._before[place]
            del self._before[: place + 1]
            give_again(seen, context)
        else:
            send()
            seen = {"query": query.hash, **outcome_of(cursor, context)}
        if "rows" in seen:
            self.seen.append(seen)
