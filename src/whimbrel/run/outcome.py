"""What a statement gave its script, kept so that it can be given again.

It is given through SQLAlchemy's context, not by the driver's cursor: drivers differ in
what a cursor can be told, and asynchronous ones cannot be told anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

from whimbrel.run.journal import Outcome


MOST_ROWS = 100
"""So many rows are kept, of a statement that writes and returns what it wrote."""

_WRITTEN: Mapping[type, Callable[[Any], Any]] = {
    Decimal: str,
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: timedelta.total_seconds,
    UUID: str,
    bytes: bytes.hex,
}
"""How values are written that JSON has no words for, by their type."""

_READ: Mapping[str, Callable[[Any], Any]] = {
    "Decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda seconds: timedelta(seconds=seconds),
    "UUID": UUID,
    "bytes": bytes.fromhex,
}


def outcome_of(cursor: Any, context: Any) -> Outcome:
    """Return what a statement has to give, and leave it there.

    Args:
        cursor: the driver's, which ran the statement.
        context: SQLAlchemy's context of the statement.
    """
    found: dict[str, Any] = {"rowcount": cursor.rowcount}
    last = getattr(cursor, "lastrowid", None)
    if isinstance(last, int):
        found["lastrowid"] = last
    if cursor.description is None or not _can_be_read(cursor, context):
        return found
    rows = cursor.fetchall()
    if hasattr(cursor, "scroll") and rows:
        cursor.scroll(0, mode="absolute")
    _hand_over(context, cursor.description, rows)
    if len(rows) <= MOST_ROWS:
        found["columns"] = [_column(each) for each in cursor.description]
        found["rows"] = [[_written(value) for value in row] for row in rows]
    return found


def give_again(outcome: Outcome, context: Any) -> None:
    """Let the statement of *context*, which was not sent, give what it gave before."""
    count, last = outcome.get("rowcount", -1), outcome.get("lastrowid")
    context._rowcount = count
    context.cursor = _Counted(context.cursor, count)  # asked before SQLAlchemy 2.0.28
    context.get_lastrowid = lambda: last
    context.post_exec = lambda: None
    if "columns" in outcome:
        description = [(*each, *[None] * 5) for each in outcome["columns"]]
        rows = [tuple(_read(value) for value in row) for row in outcome["rows"]]
        _hand_over(context, description, rows)


class _Counted:
    """A driver's cursor that tells how many rows there were the first time."""

    def __init__(self, cursor: Any, rowcount: int) -> None:
        self._cursor = cursor
        self.rowcount = rowcount

    def __getattr__(self, name: str) -> Any:
        """Return what the cursor itself has."""
        return getattr(self._cursor, name)


def _can_be_read(cursor: Any, context: Any) -> bool:
    """Whether the rows may be taken: they are few, and can be given back."""
    return not (cursor.rowcount > MOST_ROWS or context._is_server_side)


def _hand_over(context: Any, description: Any, rows: Sequence[Any]) -> None:
    """Let SQLAlchemy find *rows* where it looks for those of the cursor."""
    context.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
        None, description, rows
    )
    context.fetchall_for_returning = lambda _cursor: rows


def _column(described: Sequence[Any]) -> list[Any]:
    """Return the name of a column, and the driver's number for its type."""
    name, code = described[0], described[1]
    return [name, code if isinstance(code, int) else None]


def _written(value: Any) -> Any:
    write = _WRITTEN.get(type(value))
    if write is not None:
        return {type(value).__name__: write(value)}
    if isinstance(value, list | tuple):
        return [_written(each) for each in value]
    is_plain = value is None or isinstance(value, str | int | float)
    return value if is_plain else str(value)


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        ((kind, text),) = value.items()
        return _READ[kind](text)
    return [_read(each) for each in value] if isinstance(value, list) else value
