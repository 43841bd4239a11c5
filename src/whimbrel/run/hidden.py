"""Scripts that look which tables there are do not see ours.

Nova's make a copy of the shape of every table that the Inspector names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy.engine import Dialect

from whimbrel.schema.scope import OURS


_is_script: ContextVar[bool] = ContextVar("_is_script", default=False)


@contextmanager
def hidden_tables(dialect: Dialect) -> Iterator[None]:
    """Let *dialect* name no table of ours to what runs within.

    It may be shared with other threads, so it asks each time who wants to know.
    """
    if not isinstance(dialect.get_table_names, _Names):
        dialect.get_table_names = _Names(dialect.get_table_names)  # type: ignore[method-assign]  # of this one only
    token = _is_script.set(True)
    try:
        yield
    finally:
        _is_script.reset(token)


class _Names:
    """Names the tables as a dialect does, to scripts without ours."""

    def __init__(self, names: Callable[..., list[str]]) -> None:
        self._names = names

    def __call__(self, *arguments: Any, **options: Any) -> list[str]:
        names = self._names(*arguments, **options)
        if not _is_script.get():
            return names
        return [name for name in names if not name.startswith(OURS)]
