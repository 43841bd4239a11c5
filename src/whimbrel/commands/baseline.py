"""The verb that gives a history to a database that has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from whimbrel.commands.beginning import compare_existing
from whimbrel.commands.database import stamp
from whimbrel.commands.scripts import RefusedUsage, revision
from whimbrel.commands.wishes import Wishes
from whimbrel.config import Config
from whimbrel.report.report import Line, Report, Tone
from whimbrel.script.history import History


def baseline(
    config: Config,
    message: str | None = None,
    rev_id: str | None = None,
    takes_all: bool = False,
) -> Report:
    """Write a script that makes what is in the database, and note it as applied.

    Args:
        config: where the scripts and the database are.
        message: what the script does; made from the tables if it is None.
        rev_id: the id of the script, instead of a made one.
        takes_all: take the tables that the models do not know too.

    Raises:
        UsageError: there are scripts already.
    """
    history = History.from_config(config)
    if history.get_heads():
        raise RefusedUsage(
            "The history has scripts already; a baseline is the first one.",
            f"`{history.program} repair` finds where the database stands in it.",
        )
    wishes = Wishes(takes_all=takes_all, ignores_stamp=True)
    report = revision(
        config,
        message,
        autogenerate=True,
        rev_id=rev_id,
        wishes=wishes,
        compare=compare_existing,
    )
    if report.script_path is None:
        line = Line(f"The first script is for `{history.program} migrate` to write.")
        return replace(report, lines=(*report.lines, line))
    return replace(report, lines=(*report.lines, noted(config)))


def noted(config: Config, revisions: str | Sequence[str] = "heads") -> Line:
    """Note *revisions* as applied, and return the line that says so."""
    stamp(config, revisions)
    named = (revisions,) if isinstance(revisions, str) else tuple(revisions)
    heads = History.from_config(config).get_heads() if named == ("heads",) else named
    return Line(f"The database is noted to stand at {', '.join(heads)}.", Tone.GOOD)
