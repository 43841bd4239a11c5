"""A database that is ahead of the scripts: the code was rolled back, the schema not."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from whimbrel.commands.unknown import LostRevision, Steps
from whimbrel.config import flag
from whimbrel.run.event import Event, Tell
from whimbrel.run.ledger import LedgerEntry, ahead_of, read_ledger
from whimbrel.schema.state import TableName
from whimbrel.script.history import History
from whimbrel.upkeep.lost import Case


MAY_BE_AHEAD = {each.value for each in (Case.AHEAD, Case.ON_A_BRANCH, Case.DELETED)}
"""Where a revision that no script carries may be one of a newer release."""


def allowing_ahead(history: History, fn: Steps, tell: Tell) -> Steps:
    """Return *fn*, which upgrades, for databases that may be ahead of the scripts.

    Such a database is told of and left as it is, if its ledger knows the way that
    leads to it from a script that is here; any other one is a matter for *fn*.

    Args:
        history: the scripts that are there.
        fn: upgrades, or refuses.
        tell: hears that a database is ahead.
    """

    def steps(rev: Any, context: MigrationContext) -> Iterator[Any]:
        entries = revisions_ahead(history, rev, context)
        if not entries:
            try:
                yield from fn(rev, context)
            except LostRevision as error:
                if error.facts["case"] in MAY_BE_AHEAD:
                    error.remedy = f"{_why_unsure(context)} {error.remedy}"
                raise
            return
        names = ", ".join(f"{e.revision} ({e.name})" for e in reversed(entries))
        many = "revision" if len(entries) == 1 else "revisions"
        text = f"The database is ahead of this code by {len(entries)} {many}: {names}."
        tell(Event(kind="notice", revision=entries[0].revision, text=text))

    return steps


def _why_unsure(context: MigrationContext) -> str:
    """Say why nobody can tell that the database is ahead, and what would tell."""
    assert context.connection is not None
    table = TableName(context.version_table, context.version_table_schema)
    if read_ledger(context.connection, table):
        return (
            "Its ledger does not lead from a script that is here to where it stands,"
            " so it may be anything but ahead."
        )
    return (
        "Whether it is ahead cannot be known: it has no ledger. With `ledger = true` or"
        " `allow_ahead = true` in the settings, the newer release would have kept one."
        " To start this release all the same, leave `upgrade` out."
    )


def revisions_ahead(
    history: History, rev: Collection[str], context: MigrationContext
) -> tuple[LedgerEntry, ...]:
    """Return what brought the database beyond the scripts, the latest first."""
    if context.connection is None or context.as_sql:
        return ()
    known = history.revision_map._revision_map
    if all(each in known for each in rev):
        return ()
    table = TableName(context.version_table, context.version_table_schema)
    entries = read_ledger(context.connection, table)
    return ahead_of(entries, rev, known.__contains__)


def may_be_ahead(config: Config, is_said: bool = False) -> bool:
    """Whether the command or the settings say that a database may be ahead."""
    return is_said or bool(flag(config, "allow_ahead"))
