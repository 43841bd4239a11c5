"""The verb that mends: lost scripts, unknown stamps, a folder that is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alembic.runtime.migration import MigrationContext

from whimbrel.catalog.read import is_readable
from whimbrel.commands.baseline import baseline, noted
from whimbrel.commands.folder import make_folder, take_over
from whimbrel.commands.rebase import rebase
from whimbrel.commands.scripts import shown
from whimbrel.commands.unknown import lost_at
from whimbrel.commands.whereabouts import live_state, whereabouts
from whimbrel.config import Config
from whimbrel.errors import NoMigrationsFolder, UnknownRevision
from whimbrel.report.report import Line, Report, Tone, describe_changes
from whimbrel.run.ledger import read_ledger
from whimbrel.run.runtime import run_environment
from whimbrel.schema.dialect import described
from whimbrel.schema.state import TableName
from whimbrel.script.history import History
from whimbrel.script.save import write_again
from whimbrel.upkeep.repair import Finding, LostScript, found_again


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question to the person at a terminal."""

    text: str
    reasons: tuple[str, ...] = ()
    is_open: bool = False


@dataclass(frozen=True, kw_only=True)
class Mending:
    """What would be done, told before it is.

    Args:
        lines: the plan.
        deed: does it and returns what is to be told; None if there is nothing to do.
        is_whole: nothing is wrong.
    """

    lines: tuple[Line, ...]
    deed: Callable[[], Iterable[Line]] | None = None
    is_whole: bool = False


NOT_DONE = "Nothing was changed. Add --yes to do it."


def repair(
    config: Config,
    yes: bool = False,
    rebase_revision: str | None = None,
    init_template: str = "",
) -> Report:
    """Find out what is wrong with the history and its databases, and mend it.

    The plan is shown first; it is done with *yes*, or if the person at the terminal
    says so.

    Args:
        config: where the scripts and the databases are.
        yes: do what the plan says.
        rebase_revision: let this script, not applied yet, follow the other head.
        init_template: what the folder is made from if it is gone.
    """
    if rebase_revision:
        return rebase(config, rebase_revision)
    return _done(config, _planned(config, init_template), yes=yes)


def _done(config: Config, plan: Mending, *, yes: bool) -> Report:
    if plan.deed is None:
        return Report(lines=plan.lines, exit_code=0 if plan.is_whole else 1)
    ask = config.attributes.get("ask")
    tell = config.attributes.get("tell")
    told = plan.lines
    if not yes and ask is not None and tell is not None:
        for line in plan.lines:
            tell(line)
        yes = ask(Question(text="Do this?")) == "yes"
        told = ()
    if not yes:
        return Report(lines=(*told, Line(NOT_DONE, Tone.WARN)), exit_code=1)
    return Report(lines=(*told, *plan.deed()))


def _planned(config: Config, init_template: str) -> Mending:
    try:
        history = History.from_config(config)
    except NoMigrationsFolder as error:
        return _new_folder(config, str(error.facts["path"]), init_template)
    findings = look_into(config, history)
    try:
        heads = history.get_heads()
    except UnknownRevision as error:
        return _half_a_folder(error, history, findings)
    lost = [each for each in findings if each.lost is not None]
    if lost:
        scripts = _found_again(lost, history)
        if scripts:
            return _written_again(scripts)
    if not heads:
        return _without_scripts(config, findings, history)
    return _stamped(config, findings, history)


# ------------------------------------------------------------- what is looked at


def look_into(config: Config, history: History) -> tuple[Finding, ...]:
    """Return what is found in each database; nothing is changed."""
    found: list[Finding] = []

    def look(rev: Any, context: MigrationContext) -> list[Any]:
        found.append(_finding(tuple(rev), context, history))
        return []

    run_environment(config, history, look, dont_mutate=True)
    return tuple(found)


def _finding(
    stamped: tuple[str, ...], context: MigrationContext, history: History
) -> Finding:
    assert context.connection is not None
    version_table = TableName(context.version_table, context.version_table_schema)
    is_read = is_readable(described(context.dialect))
    finding = Finding(
        database=context.connection.engine.url.render_as_string(hide_password=True),
        stamped=stamped,
        has_tables=is_read and bool(live_state(context).tables),
        ledger=read_ledger(context.connection, version_table),
    )
    try:
        finding = replace(finding, lost=lost_at(history, stamped, context))
        if not is_read or not history.get_heads():
            return finding
        return replace(
            finding,
            standing=whereabouts(context, history, lacks_scripts=bool(finding.lost)),
        )
    except Exception as cause:  # disorder, or whatever a replayed script raises
        return replace(finding, failure=str(cause))


def _found_again(
    findings: Sequence[Finding], history: History
) -> tuple[LostScript, ...]:
    for finding in findings:
        assert finding.lost is not None
        scripts = found_again(finding.lost.revisions, history, finding.ledger)
        if scripts:
            return scripts
    return ()


# --------------------------------------------------------------- what is planned


def _new_folder(config: Config, directory: str, template: str) -> Mending:
    def deed() -> Iterable[Line]:
        yield from make_folder(config, directory, template, package=False)
        take_over(config, "file_template")
        yield from repair(config, yes=True).lines

    lines = (
        Line(f"There is no migrations folder at {directory}.", Tone.BAD),
        Line(f"Plan: make {directory}, then repair what is in it.", Tone.GOOD),
    )
    return Mending(lines=lines, deed=deed)


def _half_a_folder(
    error: UnknownRevision, history: History, findings: Sequence[Finding]
) -> Mending:
    wanted = str(error.facts["revision"])
    ledger = tuple(entry for each in findings for entry in each.ledger)
    scripts = found_again([wanted], history, ledger)
    if scripts:
        return _written_again(scripts, Line(error.sentence, Tone.BAD))
    again = f"`{history.program} repair` again"
    lines = (
        Line(error.sentence, Tone.BAD),
        Line("Neither git nor the ledger of a database has it."),
        Line(
            "Get it from somebody who has it. If nobody has, put the other scripts of"
            f" {shown(history.versions)} aside and run {again}: it writes"
            " a first script that makes what the database holds."
        ),
    )
    return Mending(lines=lines)


def _written_again(scripts: Sequence[LostScript], *before: Line) -> Mending:
    def deed() -> Iterable[Line]:
        for script in scripts:
            write_again(script.path, script.text)
        yield Line("The scripts are there again.", Tone.GOOD)

    plan = tuple(
        Line(f"Plan: write {shown(each.path)} again, from {each.source}.", Tone.GOOD)
        for each in scripts
    )
    return Mending(lines=(*before, *plan), deed=deed)


def _without_scripts(
    config: Config, findings: Sequence[Finding], history: History
) -> Mending:
    lines = tuple(
        Line(each.lost.sentence, Tone.BAD) for each in findings if each.lost is not None
    )
    if not any(each.has_tables for each in findings):
        told = "No scripts and no tables: there is nothing to mend."
        remedy = f"`{history.program} migrate` writes the first script."
        return Mending(lines=(*lines, Line(told), Line(remedy)), is_whole=not lines)
    plan = Line(
        "Plan: write a first script that makes what the database holds, and note it"
        " as applied.",
        Tone.GOOD,
    )
    return Mending(lines=(*lines, plan), deed=lambda: baseline(config).lines)


def _stamped(config: Config, findings: Sequence[Finding], history: History) -> Mending:
    """Plan a stamp where all databases equal one place, or tell what differs."""
    wrong = [each for each in findings if not each.is_where_it_says]
    if not wrong:
        return Mending(
            lines=(
                Line("Every database holds what its revision says."),
                *_told_heads(history),
            ),
            is_whole=True,
        )
    places = [
        tuple(stage.heads for stage in each.standing.equal) if each.standing else ()
        for each in findings
    ]
    shared = [heads for heads in places[0] if all(heads in rest for rest in places)]
    lines = tuple(line for each in wrong for line in _told(each, history))
    if not shared:
        return Mending(lines=(*lines, *_told_heads(history)))
    place = ", ".join(shared[-1]) or "base"
    plan = f"Plan: note that the database stands at {place}; it equals that revision."

    def deed() -> Iterable[Line]:
        yield noted(config, shared[-1] or "base")

    return Mending(lines=(*lines, Line(plan, Tone.GOOD)), deed=deed)


def _told(finding: Finding, history: History) -> Iterable[Line]:
    """Yield what is wrong with a database, and the nearest revision if none equals."""
    if finding.lost is not None:
        yield Line(finding.lost.sentence, Tone.BAD)
    elif finding.failure:
        why = f"The history cannot be replayed on a scratch database: {finding.failure}"
        yield Line(why, Tone.BAD)
        yield Line(f"Mend that script, or `{history.program} stamp <revision>`.")
    else:
        at = ", ".join(finding.stamped) or "no revision"
        yield Line(
            f"The database {finding.database} is stamped with {at}, but does not hold"
            " what that makes.",
            Tone.BAD,
        )
    if finding.lost is not None and finding.standing and finding.standing.besides:
        tables = ", ".join(finding.standing.besides)
        yield Line(
            f"The database also holds {tables}, which no script here makes. If the"
            f" lost script did, bring that back instead. {finding.lost.other_remedy}",
            Tone.WARN,
        )
    if finding.standing is None or finding.standing.equal:
        return
    near = ", ".join(finding.standing.nearest.heads) or "an empty database"
    yield Line(f"It equals no revision. The nearest is {near}; it would need:")
    yield from describe_changes(finding.standing.differences)
    if finding.lost is not None:
        yield Line(finding.lost.other_remedy)
    yield Line(
        f"If that does not matter: `{history.program} stamp"
        f" {' '.join(finding.standing.nearest.heads) or 'base'}`; to write the script"
        f" that mends it, stamp and then `{history.program} drift --fix`."
    )


def _told_heads(history: History) -> Iterable[Line]:
    heads = history.get_heads()
    if len(heads) > 1:
        yield Line(f"The history has several heads: {', '.join(heads)}.", Tone.WARN)
        yield Line(
            f"Join them with `{history.program} merge heads`, or move one with"
            f" `{history.program} rebase {heads[-1]}`."
        )
