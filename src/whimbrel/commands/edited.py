"""Applied scripts that were edited since, as the ledger tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alembic.script import Script
from sqlalchemy.engine import Connection

from whimbrel.report.report import Line, Tone
from whimbrel.run.ledger import LedgerEntry, edited, read_ledger
from whimbrel.schema.state import TableName
from whimbrel.script.history import History


def edited_scripts(
    connection: Connection, version_table: TableName, history: History
) -> tuple[LedgerEntry, ...]:
    """Return what was applied by scripts that say something else by now."""
    carried = history.revision_map._revision_map

    def find(revision: str) -> Script | None:
        script = carried.get(revision)
        return script if isinstance(script, Script) else None

    return edited(read_ledger(connection, version_table), find)


def told_edited(entries: Iterable[LedgerEntry]) -> Iterator[Line]:
    """Yield a line for each script that was edited after it was applied."""
    for entry in entries:
        yield Line(
            f"Edited after it was applied: {entry.revision} ({entry.name}),"
            f" {entry.at}. A change for databases that have it needs a new script.",
            Tone.WARN,
        )
