"""The verb that tells how a database differs from its own history."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from alembic.runtime.migration import MigrationContext

from whimbrel.commands.baseline import noted
from whimbrel.commands.compare import BehindHead, Comparison
from whimbrel.commands.generate import Generation
from whimbrel.commands.scripts import revision
from whimbrel.commands.whereabouts import live_state, made_by, project_scope
from whimbrel.commands.wishes import Wishes
from whimbrel.config import Config
from whimbrel.plan.build import build
from whimbrel.report.report import Line, Report, Tone, describe_changes, json_lines
from whimbrel.schema.apply import apply_all
from whimbrel.schema.changes import reverse_all
from whimbrel.schema.dialect import dialect_of
from whimbrel.script.history import History
from whimbrel.upkeep.standing import drifted


DRIFTED = 2
"""The exit code of a database that differs from its history."""

NOTHING_ASKED = {
    "message": None,
    "autogenerate": True,
    "sql": False,
    "head": "heads",
    "splice": False,
    "branch_label": None,
    "version_path": None,
    "rev_id": None,
    "depends_on": None,
}


def drift(
    config: Config,
    fix: bool = False,
    accept: bool = False,
    message: str | None = None,
    json: bool = False,
) -> Report:
    """Compare each database with what its scripts make, up to where it stands.

    The exit code is 0 if they are equal and 2 if they differ.

    Args:
        config: where the scripts and the databases are.
        fix: write the scripts that bring the database back to its history.
        accept: write the script that takes what differs into the history, and note
            it as applied.
        message: what that script does.
        json: tell it as JSON.

    Raises:
        NotAtHead: a script is to be written, and the database is behind head.
    """
    if fix or accept:
        return _fixed(config, message) if fix else _accepted(config, message)
    history = History.from_config(config)
    with ExitStack() as stack:
        generation = Generation(
            config, history, NOTHING_ASKED, Wishes(), stack, compare=compare_drift
        )
        generation.run_environment(autogenerate=True)
        found = [target.comparison for target in generation.targets]
    return _told(found, history, is_json=json)


def compare_drift(
    context: MigrationContext, history: History, _wishes: Wishes, _stack: ExitStack
) -> Comparison:
    """Compare a database with what the scripts make up to where it stands."""
    return _compared(context, history, tuple(context.get_current_heads()))


def compare_back(
    context: MigrationContext, history: History, _wishes: Wishes, _stack: ExitStack
) -> Comparison:
    """Compare what the scripts make with the database, so that a script leads to it."""
    heads = tuple(context.get_current_heads())
    if set(heads) != history.graph.stamp_of_all():
        raise BehindHead(
            "A script follows the head, and the database does not stand there.",
            f"Bring it to head with `{history.program} upgrade` first.",
        )
    found = _compared(context, history, heads)
    changes = reverse_all(found.changes)
    return replace(
        found,
        is_live=False,
        current=found.wanted,
        wanted=found.current,
        changes=changes,
        plan=build(changes, found.wanted, found.current, found.dialect),
    )


def _compared(
    context: MigrationContext, history: History, heads: tuple[str, ...]
) -> Comparison:
    connection = context.connection
    assert connection is not None, "models are not compared offline"
    live = live_state(context)
    changes = drifted(live, made_by(context, history, heads))
    wanted = apply_all(live, changes)
    dialect = dialect_of(connection)
    return Comparison(
        database=connection.engine.url.render_as_string(hide_password=True),
        dialect=dialect,
        is_live=True,
        scope=project_scope(context),
        current=live,
        wanted=wanted,
        changes=changes,
        outside=(),
        plan=build(changes, live, wanted, dialect),
        scratch=None,
    )


def _accepted(config: Config, message: str | None) -> Report:
    """Write the script that makes elsewhere what differs here, and note it here."""
    report = revision(
        config,
        message,
        autogenerate=True,
        wishes=Wishes(is_proved=False),  # nothing is left to be done where it is noted
        compare=compare_back,
    )
    if report.script_path is None:
        return report
    lines = tuple(each for each in report.lines if not each.text.startswith("Proof:"))
    return replace(report, lines=(*lines, noted(config)))


def _fixed(config: Config, message: str | None) -> Report:
    """Write the script that brings the database back to what its scripts make.

    One that only did that would fail where nothing was altered by hand, and so
    in every new database. So a first one makes what differs, noted as applied
    here, and the second takes it back everywhere.
    """
    before = tuple(History.from_config(config).get_heads())
    first = _accepted(config, "what was altered by hand")
    if first.script_path is None:
        return first

    def compare(
        context: MigrationContext, history: History, _w: Wishes, _s: ExitStack
    ) -> Comparison:
        return _compared(context, history, before)

    second = revision(
        config, message or "take that back", autogenerate=True, compare=compare
    )
    return replace(second, lines=(*first.lines, *second.lines))


def _told(found: Sequence[Comparison], history: History, *, is_json: bool) -> Report:
    has_drifted = any(each.changes for each in found)
    data = {
        "in_sync": not has_drifted,
        "databases": [
            {
                "database": each.database,
                "differences": [line.text for line in describe_changes(each.changes)],
            }
            for each in found
        ],
    }
    lines: list[Line] = []
    for each in found:
        if not each.changes:
            lines.append(Line(f"{each.database} is as its scripts made it.", Tone.GOOD))
            continue
        lines.append(Line(f"{each.database} differs; to be as its scripts made it:"))
        lines.extend(describe_changes(each.changes))
    if has_drifted:
        lines.append(
            Line(
                f"`{history.program} drift --fix` writes the scripts that do that,"
                f" `{history.program} drift --accept` one that takes the difference in."
            )
        )
    return Report(
        lines=json_lines(data) if is_json else tuple(lines),
        exit_code=DRIFTED if has_drifted else 0,
        changes=tuple(change for each in found for change in each.changes),
        data=data,
    )
