"""What ``--sql`` must know of the tables of a database that it has not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy.engine import Connection

from whimbrel.commands.unknown import Steps
from whimbrel.errors import MigrationFailed
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
            _replay(history, tuple(context.get_current_heads()), scratch, context)

        with shadowed(context, start):
            yield from fn(rev, context)

    return steps


def _replay(
    history: History,
    revisions: tuple[str, ...],
    scratch: Connection,
    context: MigrationContext,
) -> None:
    if not revisions:
        return
    arguments = getattr(context, "arguments", None)
    try:
        bring_to(history, revisions, scratch, context.opts, arguments)
    except CommandError:
        raise
    except Exception as cause:
        raise MigrationFailed(
            "--sql must know the tables that the scripts up to"
            f" {', '.join(revisions)} made, and they cannot be replayed: {cause}",
            "Run the scripts on the database itself, without --sql.",
        ) from cause
