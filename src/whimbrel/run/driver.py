"""Where SQLAlchemy hands a statement to its driver, and we may take it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias

from sqlalchemy import event
from sqlalchemy.engine import Connection


See: TypeAlias = Callable[[Any, str, Any, Callable[[], None]], bool]
"""Is given the cursor, the statement, its context, and what sends it."""


@contextmanager
def sent_through(connection: Connection, see: See) -> Iterator[None]:
    """Let *see* take every statement of *connection*; it returns whether it did."""

    def taken(cursor: Any, sql: str, context: Any, send: Callable[[], None]) -> bool:
        is_its_own = context.root_connection is connection
        return is_its_own and see(cursor, sql, context, send)

    def execute(cursor: Any, sql: str, values: Any, context: Any) -> bool:
        send = partial(context.dialect.do_execute, cursor, sql, values, context)
        return taken(cursor, sql, context, send)

    def executemany(cursor: Any, sql: str, values: Any, context: Any) -> bool:
        send = partial(context.dialect.do_executemany, cursor, sql, values, context)
        return taken(cursor, sql, context, send)

    def execute_no_params(cursor: Any, sql: str, context: Any) -> bool:
        send = partial(context.dialect.do_execute_no_params, cursor, sql, context)
        return taken(cursor, sql, context, send)

    calls: dict[str, Callable[..., bool]] = {
        "do_execute": execute,
        "do_executemany": executemany,
        "do_execute_no_params": execute_no_params,
    }
    for name, call in calls.items():
        event.listen(connection.engine, name, call)
    try:
        yield
    finally:
        for name, call in calls.items():
            event.remove(connection.engine, name, call)
