"""The verb that joins several heads into one.

It takes the project's Config and the parameters that ``alembic.command`` has, and
returns a Report; nothing is printed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from alembic import util as alembic_util
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError

from whimbrel.catalog.read import is_readable
from whimbrel.commands.scripts import shown
from whimbrel.commands.whereabouts import made_by
from whimbrel.errors import HistoryError, UsageError
from whimbrel.report.report import Line, Report, Tone, describe_changes
from whimbrel.run.runtime import run_environment
from whimbrel.schema.dialect import described
from whimbrel.script.history import History
from whimbrel.script.save import note_heads
from whimbrel.upkeep.conflicts import conflicts
from whimbrel.upkeep.standing import differences


class RefusedMerge(HistoryError, CommandError):
    """What the heads do cannot be done together; Alembic's error too."""


def merge(
    config: Config,
    revisions: str | Sequence[str],
    message: str | None = None,
    branch_label: str | None = None,
    rev_id: str | None = None,
    splice: bool = False,
    force: bool = False,
) -> Report:
    """Write a script that joins several heads into one.

    The parameters are those of ``alembic.command.merge``, and *force*: join them
    although both do something to one thing.

    Raises:
        HistoryError: what the heads do cannot be done together.
    """
    history = History.from_config(config)
    template_args: dict[str, Any] = {"config": config}
    if alembic_util.asbool(config.get_alembic_option("revision_environment")):
        run_environment(
            config,
            history,
            lambda *_: [],
            template_args=template_args,
        )
    _refuse_one_head(history, revisions)
    heads = [script.revision for script in history.get_revisions(revisions)]
    sides = compared_sides(config, history, heads)
    if sides.conflicts and not force:
        raise _refusal(history, heads, sides)
    script = history.generate_revision(
        rev_id or alembic_util.rev_id(),
        message,
        refresh=True,
        head=revisions,
        splice=splice,
        branch_labels=branch_label,
        **template_args,
    )
    note_heads(history)
    path = script.path if script is not None else None
    lines = (Line(f"Script: {shown(path)}", Tone.GOOD),) if path else ()
    return Report(lines=(*sides.notes, *sides.conflicts, *lines), script_path=path)


def _refuse_one_head(history: History, revisions: str | Sequence[str]) -> None:
    """Refuse to merge what is one already."""
    scripts = history.get_revisions(revisions)
    if len(scripts) > 1:
        return
    told = "".join(f"only {each.revision}" for each in scripts) or "nothing"
    raise UsageError(
        f"There is {told} to merge; a merge joins two revisions or more.",
        "See the heads with the command `heads`.",
    )


# ------------------------------------------------------ what both sides do


@dataclass(frozen=True, slots=True)
class Sides:
    """What is told of two lines of the history.

    Args:
        conflicts: a line for each thing to which both do something.
        notes: why that is not known.
    """

    conflicts: tuple[Line, ...] = ()
    notes: tuple[Line, ...] = ()


def compared_sides(config: Config, history: History, heads: Sequence[str]) -> Sides:
    """Compare what *heads* do since they parted.

    Each side is run on a scratch database. Where that is not possible, because there
    is no database or a script does not run on an empty one, a line says so.
    """
    found: list[Line] = []

    def look(_rev: Any, context: MigrationContext) -> list[Any]:
        if context.connection is not None and is_readable(described(context.dialect)):
            found.extend(_conflicts(context, history, heads))
        return []

    try:
        run_environment(config, history, look, dont_mutate=True)
    except Exception as cause:  # no database, or whatever a script raises
        why = str(cause).partition("\n")[0]
        note = Line(f"What the sides do was not compared: {why}", Tone.WARN)
        return Sides(notes=(note,))
    return Sides(conflicts=tuple(found))


def _refusal(history: History, heads: Sequence[str], sides: Sides) -> RefusedMerge:
    told = "\n".join(f"  {line.text}" for line in sides.conflicts)
    return RefusedMerge(
        f"The heads {' and '.join(heads)} do something to one thing:\n{told}",
        f"Mend one of them (`{history.program} rebase {heads[-1]}` lets it follow"
        " the other first), or join them as they are with --force.",
    )


def _conflicts(
    context: MigrationContext, history: History, heads: Sequence[str]
) -> Iterator[Line]:
    parting = history.graph.parting(heads)
    start = made_by(context, history, parting)
    changes = {
        head: differences(start, made_by(context, history, (head,))) for head in heads
    }
    for one, other in combinations(heads, 2):
        for conflict in conflicts(changes[one], changes[other]):
            (ours,) = describe_changes([conflict.ours])
            (theirs,) = describe_changes([conflict.theirs])
            yield Line(f"{one}: {ours.text}; {other}: {theirs.text}", Tone.WARN)
