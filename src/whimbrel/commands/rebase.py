"""The verb that lets a script which was not applied yet follow another head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError

from whimbrel.commands.merge import compared_sides
from whimbrel.commands.scripts import shown
from whimbrel.commands.unknown import refusing_unknown
from whimbrel.errors import HistoryError, UsageError
from whimbrel.report.report import Line, Report, Tone
from whimbrel.run.runtime import run_environment
from whimbrel.script.graph import Side
from whimbrel.script.history import History
from whimbrel.script.save import note_heads, rewrite
from whimbrel.upkeep.reparent import reparented


class RefusedRebase(HistoryError, CommandError):
    """A line of scripts cannot be moved; Alembic's error too."""


def rebase(config: Config, revision: str, onto: str | None = None) -> Report:
    """Let the scripts of one head follow another one, so that there is one line.

    Args:
        config: where the scripts and the databases are.
        revision: a revision on the line that is moved; no database may have it.
        onto: the head that it is to follow; needed where there are more than two.

    Raises:
        UsageError: there is nothing to move it to.
        HistoryError: it was applied already, or does not say plainly what it follows.
    """
    history = History.from_config(config)
    side = _side(history, revision, onto)
    _refuse_applied(config, history, side)
    first = history.get_revision(side.only[-1])
    assert first is not None
    before = first.down_revision
    if before is not None and not isinstance(before, str):
        raise RefusedRebase(
            f"The script {shown(first.path)} joins several revisions, and cannot be"
            " moved.",
            f"Join the heads instead: `{history.program} merge heads`.",
        )
    sides = compared_sides(config, history, (side.head, side.only[0]))
    text = Path(first.path).read_text(encoding="utf-8")
    rewrite(first.path, reparented(text, shown(first.path), before, side.head))
    _demand_one_line(config, first.path, text)
    moved = f"{shown(first.path)} follows {side.head} now, and no longer"
    lines = [Line(f"{moved} {before or 'nothing'}.", Tone.GOOD)]
    if sides.conflicts:
        what = "Both lines do something to one thing: mend it in what was moved."
        lines += [Line(what, Tone.WARN), *sides.conflicts]
    return Report(lines=tuple(lines))


def _side(history: History, revision: str, onto: str | None) -> Side:
    """Return the line to move, its head replaced by the one that it is to follow."""
    script = history.get_revision(revision)
    heads = history.get_heads()
    if len(heads) < 2:  # noqa: PLR2004  # one line is all there is
        raise UsageError(
            "The history has one head, so there is nothing to rebase.",
            f"See its order with `{history.program} history`.",
        )
    others = [onto] if onto else heads
    target = {each.revision for each in history.get_revisions(tuple(others))}
    sides = history.graph.sides(heads)
    mine = [each for each in sides if script.revision in each.only]
    target -= {each.head for each in mine}
    if len(mine) != 1 or len(target) != 1:
        told = ", ".join(sorted(set(heads) - {each.head for each in mine}))
        raise UsageError(
            f"It is not clear what {script.revision} is to follow: {told}.",
            f"Name a head with --onto: `{history.program} rebase {script.revision}"
            " --onto HEAD`.",
        )
    return Side(head=target.pop(), only=mine[0].only)


def _refuse_applied(config: Config, history: History, side: Side) -> None:
    """Refuse a line of which any database has a script already."""

    def look(rev: Any, context: MigrationContext) -> list[Any]:
        at = {each.revision for each in history.get_all_current(rev)}
        past = {
            each.revision for one in at for each in history.walk_revisions("base", one)
        }
        applied = [each for each in side.only if each in past]
        if applied:
            assert context.connection is not None
            url = context.connection.engine.url.render_as_string(hide_password=True)
            raise RefusedRebase(
                f"The revision {applied[0]} was applied to {url} already, and cannot"
                " follow another one now.",
                f"Join the heads with `{history.program} merge heads`, or take it back"
                f" there first with `{history.program} downgrade`.",
            )
        return []

    run_environment(config, history, refusing_unknown(history, look), dont_mutate=True)


def _demand_one_line(config: Config, path: str, text: str) -> None:
    """Put the script back as it was if the history is none any more."""
    try:
        note_heads(History.from_config(config))
    except HistoryError:
        rewrite(path, text)
        raise
