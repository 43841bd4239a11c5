"""What was done to each database, as its ledger tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script

from whimbrel.report.report import Line, Report, Tone
from whimbrel.run.binds import DEFAULT
from whimbrel.run.ledger import LedgerEntry, edited, read_ledger
from whimbrel.run.runtime import run_environment
from whimbrel.schema.state import TableName
from whimbrel.script.history import History


def list_applied(config: Config) -> Report:
    """List what was done to each database, the latest first."""
    history = History.from_config(config)
    lines: list[Line] = []
    found: list[Mapping[str, object]] = []

    def find(revision: str) -> Script | None:
        known = history.revision_map._revision_map.get(revision)
        return known if isinstance(known, Script) else None

    def tell(_rev: Any, context: MigrationContext) -> list[Any]:
        assert context.connection is not None
        table = TableName(context.version_table, context.version_table_schema)
        entries = read_ledger(context.connection, table)
        changed = {each.number for each in edited(entries, find)}
        bind = getattr(context, "arguments", {}).get("engine_name")
        if bind is not None:
            url = context.connection.engine.url.render_as_string(hide_password=True)
            lines.append(Line(f"{bind or DEFAULT}: {url}"))
        for entry in reversed(entries):
            is_edited, is_there = entry.number in changed, find(entry.revision)
            lines.append(_line(entry, is_edited=is_edited, is_there=bool(is_there)))
            found.append(
                {**asdict(entry), "is_edited": is_edited, "is_there": bool(is_there)}
            )
        return []

    run_environment(config, history, tell, dont_mutate=True)
    if not found:
        lines.append(
            Line(
                "No ledger says what was done here; `ledger = true` in the settings"
                " keeps one from the next run on.",
                Tone.DIM,
            )
        )
    return Report(lines=tuple(lines), data={"applied": found})


def _line(entry: LedgerEntry, *, is_edited: bool, is_there: bool) -> Line:
    text = f"{entry.at}  {entry.direction:9}  {entry.revision}  {entry.name}"
    if entry.direction != "stamp":
        text = f"{text} ({entry.seconds:.2f} s)"
    if is_edited:
        return Line(f"{text}  edited since", Tone.WARN)
    if entry.direction == "upgrade" and not is_there:
        return Line(f"{text}  no script here", Tone.WARN)
    return Line(text)
