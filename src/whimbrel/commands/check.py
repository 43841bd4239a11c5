"""The verb that fails where models, database and scripts do not go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from alembic.script import Script

from whimbrel.commands import scripts
from whimbrel.commands.scripts import shown
from whimbrel.commands.wishes import Wishes
from whimbrel.config import Config
from whimbrel.errors import DifferencesFound, HistoryError
from whimbrel.report.report import Line, Report, Tone, describe_changes, json_lines
from whimbrel.script.history import History
from whimbrel.script.save import HEAD_FILE, noted_heads


PLAIN_WISHES = Wishes()


def check(
    config: Config,
    wishes: Wishes = PLAIN_WISHES,
    only_history: bool = False,
    json: bool = False,
) -> Report:
    """Compare the models with the database and write nothing.

    The exit code is 0 if they are equal and 1 if they differ, as Alembic has it.

    Args:
        config: where the scripts and the database are.
        wishes: what the user asks for.
        only_history: look at the scripts alone, without a database: there is one
            head, nothing is missing, every script can be imported.
        json: tell it as JSON.

    Raises:
        DifferencesFound: they differ; the differences are told in plain words.
    """
    if only_history:
        return _history(config, is_json=json)
    if not json:
        return scripts.check(config, wishes)
    try:
        report = scripts.check(config, wishes)
    except DifferencesFound as error:
        facts: Mapping[str, Any] = getattr(error, "facts", {})
        told = [line.text for line in describe_changes(facts.get("changes", ()))]
        return _answer(told or [error.sentence], facts)
    return _answer([], report.data or {})


def _answer(differences: list[str], facts: Mapping[str, Any]) -> Report:
    data: dict[str, Any] = {"in_sync": not differences, "differences": differences}
    data.update(
        (each, facts[each]) for each in ("not_compared", "edited") if facts.get(each)
    )
    code = 1 if differences else 0
    return Report(lines=json_lines(data), exit_code=code, data=data)


def _history(config: Config, *, is_json: bool) -> Report:
    problems = list(_problems(config))
    data = {"in_order": not problems, "problems": problems}
    lines = [Line(each, Tone.BAD) for each in problems]
    if not problems:
        lines.append(Line("The scripts are in order: one head, nothing missing."))
    return Report(
        lines=json_lines(data) if is_json else tuple(lines),
        exit_code=1 if problems else 0,
        data=data,
    )


def _problems(config: Config) -> Iterator[str]:
    """Yield what is wrong with the scripts; disorder hides all that is behind it."""
    history = History.from_config(config)
    try:
        heads = history.get_heads()
    except HistoryError as error:
        yield f"{error.sentence} {error.remedy}"
        return
    if len(heads) > 1:
        parting = ", ".join(history.graph.parting(heads)) or "the beginning"
        yield (
            f"The history has several heads: {', '.join(heads)}, since {parting}."
            f" `{history.program} merge heads` joins them,"
            f" `{history.program} rebase {heads[-1]}` puts one behind the other."
        )
    noted = noted_heads(history)
    if noted is not None and noted != set(heads):
        yield (
            f"The file {shown(f'{history.dir}/{HEAD_FILE}')} names"
            f" {', '.join(sorted(noted)) or 'no head'}, the scripts end at"
            f" {', '.join(heads) or 'nothing'}. Write that into it."
        )
    for script in history.walk_revisions():
        yield from _problems_of(script)


def _problems_of(script: Script) -> Iterator[str]:
    try:
        module = script.module
    except HistoryError as error:
        yield f"{error.sentence} {error.remedy}"
        return
    for name in ("upgrade", "downgrade"):
        if not hasattr(module, name):
            yield f"The script {shown(script.path)} has no function {name}()."
