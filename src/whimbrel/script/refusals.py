"""The errors of a history, each a ``CommandError`` of Alembic's too; their sentences.

Code that calls Alembic from Python catches ``alembic.util.CommandError``, and goes
on doing so when a :class:`~whimbrel.script.history.History` raises ours.  The
classes of :mod:`whimbrel.errors` know nothing of Alembic, so that importing them
stays cheap; these know both.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

from alembic.script import Script
from alembic.script.revision import ResolutionError, Revision
from alembic.util import CommandError

from whimbrel.errors import (
    BrokenScript,
    ConfigError,
    CyclicHistory,
    DuplicateRevision,
    HistoryError,
    NoMigrationsFolder,
    SeveralHeads,
    UnknownRevision,
    ended,
)


DEFAULT_PROGRAM = "whimbrel"
"""What the user types before a command, unless the settings say otherwise."""


class RefusedConfig(ConfigError, CommandError):
    """A setting that the history needs is missing."""


class RefusedFolder(NoMigrationsFolder, CommandError):
    """There is no migrations folder where the settings say."""


class RefusedHistory(HistoryError, CommandError):
    """The history cannot do what was asked of it."""


class RefusedHeads(SeveralHeads, CommandError):
    """There are several heads where one was asked for."""


class RefusedRevision(UnknownRevision, CommandError):
    """A revision was asked for that is not in the folder."""


class RefusedScript(BrokenScript, CommandError):
    """A script cannot be read or loaded."""


class RefusedDuplicate(DuplicateRevision, CommandError):
    """Two scripts carry one revision id."""


class RefusedLabel(HistoryError, CommandError):
    """Two branches carry one label."""


class RefusedCircle(CyclicHistory, CommandError):
    """Scripts follow each other in a circle."""


def no_folder(directory: str, program: str) -> RefusedFolder:
    """Return the error that there is no migrations folder in *directory*."""
    command = f"{program} init"
    if program == DEFAULT_PROGRAM:
        command += f" {directory}"
    return RefusedFolder(
        f"There is no migrations folder at {directory}.",
        f"Create it with `{command}`. If it was lost: `{program} repair`.",
        path=directory,
    )


def several_heads(
    message: str, heads: Sequence[Revision | str], parting: Sequence[str], program: str
) -> RefusedHeads:
    """Return the error that one head was asked for where there are *heads*.

    Args:
        message: how Alembic says it.
        heads: their scripts, or their ids where there is no script.
        parting: the last revisions that they have in common.
        program: what the user types before a command.
    """
    ids = [each if isinstance(each, str) else each.revision for each in heads]
    told = [
        f"{each.revision} ({each.doc})" if isinstance(each, Script) else str(each)
        for each in heads
    ]
    since = f"They part after {' and '.join(parting)}." if parting else ""
    since = since or "They have nothing in common."
    return RefusedHeads(
        ended(message),
        f"The heads are {' and '.join(told)}. {since} Join them with "
        f"`{program} merge {' '.join(ids)}`, or let one follow the other with"
        f" `{program} rebase {ids[-1]}`.",
        heads=tuple(ids),
    )


def unknown_revision(
    message: str, cause: ResolutionError, known: Collection[str], program: str
) -> RefusedRevision:
    """Return the error that no script answers to a revision.

    Args:
        message: how Alembic says it.
        cause: Alembic's own error, which sometimes says more.
        known: the revisions and branches that there are.
        program: what the user types before a command.
    """
    wanted, detail = str(cause.argument), str(cause)
    if detail.startswith(("No such revision", "No such branch")):
        detail = detail.partition("; ")[2]
    close = difflib.get_close_matches(wanted, known, n=3)
    hint = f"Did you mean {' or '.join(close)}? " if close else ""
    return RefusedRevision(
        ended(f"{message}{': ' if detail else ''}{detail}"),
        f"{hint}`{program} history` lists the revisions that there are. If a database "
        "is stamped with this one, get its script back from version control, or stamp "
        f"the database anew with `{program} stamp --purge <revision>`.",
        revision=wanted,
    )


def no_way(message: str, program: str) -> RefusedHistory:
    """Return the error that no way through the history leads where it was asked.

    Args:
        message: how Alembic says it.
        program: what the user types before a command.
    """
    return RefusedHistory(
        ended(message),
        f"See the order with `{program} history`, and where the database stands with "
        f"`{program} current`.",
    )


def nothing_applied(destination: str, program: str) -> RefusedHistory:
    """Return the error that a database to which nothing was applied is at its base.

    Args:
        destination: the steps that were to be undone, such as ``-1``.
        program: what the user types before a command.
    """
    return RefusedHistory(
        f"Relative revision {destination} didn't produce {destination[1:]} migrations:"
        " nothing has been applied to this database, so there is nothing to undo.",
        f"See what there is to apply with `{program} history`.",
    )
