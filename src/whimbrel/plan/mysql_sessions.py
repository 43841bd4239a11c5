"""What the session of a script on MySQL and MariaDB is allowed while it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic.operations import ops

from whimbrel.plan.mysql_history import allowing, is_altered
from whimbrel.plan.mysql_text import execute
from whimbrel.schema.state import State, Table


_ZERO = re.compile(r"'\d{4}-(?:00-\d\d|\d\d-00)")
"""A default that is no day; MySQL's usual SQL mode refuses to say it again."""

_EASING = (
    "SET @mode_before = @@sql_mode, sql_mode = REPLACE(REPLACE(REPLACE(@@sql_mode,"
    " 'NO_ZERO_IN_DATE', ''), 'NO_ZERO_DATE', ''), 'TRADITIONAL', '')"
)
"""TRADITIONAL stands beside the modes that it means, and would bring them back."""

_TIGHTENING = "SET sql_mode = @mode_before"


def eased(start: State, end: State, *, is_end: bool) -> Iterator[ops.ExecuteSQLOp]:
    """Yield what lets a session do all that is between two states, or no more.

    Tables keep their history while they are altered, and defaults that are no day.
    """
    if is_altered(start, end):
        yield allowing(is_end=is_end)
    if _has_zeros(start, end):
        yield execute(_TIGHTENING if is_end else _EASING)


class Easing:
    """What a session is allowed at the beginning of a way, which may have parts."""

    def __init__(self) -> None:
        self._said: set[object] = set()

    def begin(self, start: State, end: State) -> Iterator[ops.ExecuteSQLOp]:
        """Yield what allows all that is between two states, unless it is allowed."""
        for each in eased(start, end, is_end=False):
            if each.sqltext not in self._said:
                self._said.add(each.sqltext)
                yield each


def _has_zeros(start: State, end: State) -> bool:
    """Whether a table is made or altered in which a default is no day."""
    changed = {*start.tables} ^ {*end.tables}
    return any(map(_says_zero, changed))


def _says_zero(table: Table) -> bool:
    said = (each.default for each in table.columns if each.default is not None)
    return any(_ZERO.match(each.canonical) for each in said)
