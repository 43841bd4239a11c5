"""The verb that joins several heads into one.

It takes the project's Config and the parameters that ``alembic.command`` has, and
returns a Report; nothing is printed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic import util as alembic_util
from alembic.config import Config

from whimbrel.commands.scripts import shown
from whimbrel.errors import UsageError
from whimbrel.report.report import Line, Report, Tone
from whimbrel.run.runtime import run_environment
from whimbrel.script.history import History


def merge(
    config: Config,
    revisions: str | Sequence[str],
    message: str | None = None,
    branch_label: str | None = None,
    rev_id: str | None = None,
    splice: bool = False,
) -> Report:
    """Write a script that joins several heads into one.

    The parameters are those of ``alembic.command.merge``.
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
    script = history.generate_revision(
        rev_id or alembic_util.rev_id(),
        message,
        refresh=True,
        head=revisions,
        splice=splice,
        branch_labels=branch_label,
        **template_args,
    )
    path = script.path if script is not None else None
    lines = (Line(f"Script: {shown(path)}", Tone.GOOD),) if path else ()
    return Report(lines=lines, script_path=path)


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
