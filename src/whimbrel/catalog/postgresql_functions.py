"""What PostgreSQL knows of its functions."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, text
from sqlalchemy.engine import Connection


_VOLATILE = text(
    "SELECT count(*) FROM pg_proc WHERE provolatile = 'v' AND proname IN :names"
).bindparams(bindparam("names", expanding=True))


def is_any_volatile(connection: Connection, names: Iterable[str]) -> bool:
    """Whether a function of these names may give another value for each row.

    What is no function's name, such as CAST in front of a parenthesis, tells nothing.
    https://www.postgresql.org/docs/current/xfunc-volatility.html
    """
    asked = sorted(set(names))
    return bool(asked) and bool(connection.scalar(_VOLATILE, {"names": asked}))
