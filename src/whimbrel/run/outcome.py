"""What a statement gave its script, kept so that it can be given again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from whimbrel.run.journal import Outcome


MOST_ROWS = 100
"""So many rows are kept, of a statement that writes and returns what it wrote."""


def outcome_of(cursor: Any) -> Outcome:
    """Return what *cursor* has to give, and leave it there."""
    found: dict[str, Any] = {"rowcount": cursor.rowcount}
    last = getattr(cursor, "lastrowid", None)
    if isinstance(last, int):
        found["lastrowid"] = last
    is_small = 0 <= cursor.rowcount <= MOST_ROWS
    if cursor.description is not None and is_small and hasattr(cursor, "scroll"):
        rows = cursor.fetchall()
        if rows:
            cursor.scroll(0, mode="absolute")
        found["columns"] = [column[0] for column in cursor.description]
        found["rows"] = [[_plain(value) for value in row] for row in rows]
    return found


def give_again(outcome: Outcome, cursor: Any, quote: Callable[[str], str]) -> None:
    """Let *cursor* give what the statement gave when it was run.

    Args:
        outcome: what it gave.
        cursor: a cursor that has run nothing.
        quote: writes a name so that the database takes it.
    """
    columns = outcome.get("columns")
    if columns:
        names = [quote(name).replace("%", "%%") for name in columns]
        row = "SELECT " + ", ".join(f"%s AS {name}" for name in names)
        rows = outcome["rows"] or [[None] * len(names)]
        sql = " UNION ALL ".join([row] * len(rows))
        if not outcome["rows"]:
            sql = f"SELECT * FROM ({sql}) AS nothing WHERE 1 = 0"
        cursor.execute(sql, tuple(value for each in rows for value in each))
        return
    for name in ("rowcount", "_rowcount", "lastrowid"):
        value = outcome.get(name.lstrip("_"))
        if value is not None:
            with suppress(AttributeError, TypeError):  # some drivers do not let us
                setattr(cursor, name, value)


def _plain(value: Any) -> Any:
    is_plain = value is None or isinstance(value, str | int | float)
    return value if is_plain else str(value)
