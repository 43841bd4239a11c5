"""The verb that tells where things stand: database, scripts, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script

from whimbrel.commands.edited import edited_scripts, told_edited
from whimbrel.commands.unknown import lost_at
from whimbrel.report.report import Line, Report, Tone, json_lines
from whimbrel.run.journal import JournalEntry, look_into_journal
from whimbrel.run.ledger import LedgerEntry
from whimbrel.run.runtime import run_environment
from whimbrel.schema.state import TableName
from whimbrel.script.history import History
from whimbrel.upkeep.lost import Lost


WRONG, PENDING = 1, 2
"""The exit codes of a status with something to mend, and with scripts to run."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """Where one database stands.

    Args:
        database: what it is called, without a password.
        bind: the name of the bind; empty for the default one, or if there is one.
        current: the revisions that it is stamped with.
        pending: the scripts that were not applied, the next one first; nobody
            knows them while one is lost.
        lost: why some of its revisions have no script.
        edited: the applied scripts that say something else by now.
        interrupted: the steps of a script that is half done.
    """

    database: str
    bind: str
    current: tuple[str, ...]
    pending: tuple[Script, ...]
    lost: Lost | None
    edited: tuple[LedgerEntry, ...]
    interrupted: tuple[JournalEntry, ...]

    @property
    def is_wrong(self) -> bool:
        """Whether there is something to mend."""
        return bool(self.lost or self.edited or self.interrupted)

    @property
    def data(self) -> Mapping[str, object]:
        """What a program reads of it."""
        return {
            "database": self.database,
            "bind": self.bind,
            "current": list(self.current),
            "unknown": list(self.lost.revisions) if self.lost else [],
            "pending": [script.revision for script in self.pending],
            "edited": [entry.revision for entry in self.edited],
            "interrupted": sorted({entry.revision for entry in self.interrupted}),
        }


def status(config: Config, json: bool = False) -> Report:
    """Tell where each database stands, and what is pending or wrong.

    The exit code is 0 if all is applied, 2 if scripts are pending, and 1 if there is
    something to mend: unknown revisions, scripts that were edited after they ran, a
    script that is half done, several heads.

    Args:
        config: where the scripts and the databases are.
        json: tell it as JSON.
    """
    history = History.from_config(config)
    heads = tuple(history.get_heads())
    found: list[Status] = []

    def look(rev: Any, context: MigrationContext) -> list[Any]:
        found.append(_status(tuple(rev), context, history))
        return []

    run_environment(config, history, look, dont_mutate=True)
    is_wrong = len(heads) > 1 or any(each.is_wrong for each in found)
    is_pending = any(each.pending for each in found)
    data = {"heads": list(heads), "databases": [each.data for each in found]}
    lines = tuple(line for each in found for line in _told(each, history))
    return Report(
        lines=json_lines(data) if json else (*lines, *_told_heads(heads, history)),
        exit_code=WRONG if is_wrong else PENDING if is_pending else 0,
        data=data,
    )


def _status(
    current: tuple[str, ...], context: MigrationContext, history: History
) -> Status:
    connection = context.connection
    assert connection is not None
    table = TableName(context.version_table, context.version_table_schema)
    lost = lost_at(history, current, context)
    known = [each for each in current if not lost or each not in lost.revisions]
    applied = {each for one in known for each in history.graph.ids_before(one)}
    scripts = [
        each
        for each in history.walk_revisions()
        if lost is None and each.revision not in applied
    ]
    return Status(
        database=connection.engine.url.render_as_string(hide_password=True),
        bind=str(getattr(context, "arguments", {}).get("engine_name", "")),
        current=current,
        pending=tuple(reversed(scripts)),
        lost=lost,
        edited=edited_scripts(connection, table, history),
        interrupted=look_into_journal(connection, table),
    )


def _told(status: Status, history: History) -> Iterator[Line]:
    program = history.program
    name = f"{status.bind}: {status.database}" if status.bind else status.database
    yield Line(f"Database: {name}")
    yield Line(f"Stands at: {_placed(status.current, history)}")
    if status.lost is not None:
        yield Line(status.lost.sentence, Tone.BAD)
        yield Line(status.lost.remedy)
    yield from told_edited(status.edited)
    for step in status.interrupted[-1:]:
        done = sum(
            each.times for each in status.interrupted if each.statement and each.is_done
        )
        what = "statement is" if done == 1 else "statements are"
        last = " ".join((step.operation or step.statement).split())[:100]
        yield Line(
            f"Half done: {step.direction} {step.revision}; {done} {what} done, the last"
            f" that was begun is of {last}."
            f" `{program} {step.direction}` goes on there.",
            Tone.BAD,
        )
    if status.pending:
        runs = (
            f", `{program} upgrade` runs them" if len(history.get_heads()) == 1 else ""
        )
        yield Line(f"Pending: {len(status.pending)}{runs}")
        for script in status.pending:
            yield Line(f"  {script.revision} {script.doc}")
    elif not status.is_wrong:
        yield Line("Nothing is pending.", Tone.GOOD)


def _placed(current: Sequence[str], history: History) -> str:
    if not current:
        return "nothing applied"
    heads = history.get_heads()
    return ", ".join(f"{each} (head)" if each in heads else each for each in current)


def _told_heads(heads: Sequence[str], history: History) -> Iterator[Line]:
    if len(heads) > 1:
        parting = ", ".join(history.graph.parting(heads)) or "the beginning"
        yield Line(
            f"The history has several heads: {', '.join(heads)}, since {parting}."
            f" `{history.program} merge heads` joins them,"
            f" `{history.program} rebase {heads[-1]}` puts one behind the other.",
            Tone.WARN,
        )
