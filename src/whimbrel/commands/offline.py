"""What ``--sql`` must know of the tables of a database that it has not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Connection

from whimbrel.commands.unknown import Steps
from whimbrel.run.replay import bring_to
from whimbrel.run.shadow import shadowed
from whimbrel.script.history import History


def knowing_tables(history: History, fn: Steps) -> Steps:
    """Return *fn*, which on SQLite knows what the scripts before its own made.

    Args:
        history: the scripts, which are replayed where a statement needs it.
        fn: yields the steps of a run.
    """

    def steps(rev: Any, context: MigrationContext) -> Iterator[Any]:
        def start(scratch: Connection) -> None:
            if revisions := tuple(context.get_current_heads()):
                arguments = getattr(context, "arguments", None)
                bring_to(history, revisions, scratch, context.opts, arguments)

        with shadowed(context, start):
            yield from fn(rev, context)

    return steps
