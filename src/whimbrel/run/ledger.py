"""What was done to a database, and when: a table beside the one of the revisions.

The version table knows one word, the revision. The ledger knows how it came there:
which script, by its checksum and text, when, how long, by which version of the tool.
So an applied script that was edited is seen, and one that is no longer in the folder
is still known. Plain Alembic never reads it; without it everything works but that.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import sqlalchemy as sa
from alembic.script import Script
from alembic.util import to_tuple
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from whimbrel.catalog.questions import is_fragile
from whimbrel.run.event import Conduct
from whimbrel.schema.dialect import described
from whimbrel.schema.scope import VERSION_TABLE
from whimbrel.schema.state import TableName
from whimbrel.script.reading import checksum, source_of


LEDGER = "_whimbrel_ledger"
"""What the table is called; it stands in the schema of the version table."""

LONGEST = 60_000
"""So many bytes fit into a text of any database; longer scripts are packed."""

PACKED = "zlib:"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One script that was run, or one revision that was stamped.

    Args:
        number: its place among all entries, the first is the lowest.
        direction: ``upgrade``, ``downgrade`` or ``stamp``.
        revision: the revision of the script.
        follows: the revisions that the script follows.
        name: the message of the script.
        checksum: of its text, as it was when it ran.
        at: when it was done, in UTC, as ISO 8601 writes it.
        seconds: how long it took.
        tool: which program did it, and its version.
        script: the text of the script; empty for a stamp.
    """

    number: int
    direction: str
    revision: str
    follows: tuple[str, ...] = ()
    name: str = ""
    checksum: str = ""
    at: str = ""
    seconds: float = 0.0
    tool: str = ""
    script: str = field(default="", repr=False)


@lru_cache
def ledger_table(version_table: TableName = VERSION_TABLE) -> sa.Table:
    """Return the table of the ledger that stands beside *version_table*."""
    return sa.Table(
        LEDGER,
        sa.MetaData(),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("history", sa.String(255), nullable=False),
        sa.Column("direction", sa.String(16), nullable=False),
        sa.Column("revision", sa.String(255), nullable=False),
        sa.Column("follows", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("checksum", sa.String(64), nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("tool", sa.String(80), nullable=False),
        sa.Column("script", sa.Text, nullable=False),
        schema=version_table.schema,
    )


def read_ledger(
    connection: Connection, version_table: TableName = VERSION_TABLE
) -> tuple[LedgerEntry, ...]:
    """Return all entries, the first at the beginning; none if there is no ledger."""
    table = ledger_table(version_table)
    if not sa.inspect(connection).has_table(LEDGER, schema=version_table.schema):
        return ()
    rows = connection.execute(
        sa.select(table)
        .where(table.c.history == version_table.name)
        .order_by(table.c.number)
    )
    return tuple(_entry(row._asdict()) for row in rows)


def applied(entries: Iterable[LedgerEntry]) -> Mapping[str, LedgerEntry]:
    """Return the entries of the revisions that stand now, by revision."""
    found: dict[str, LedgerEntry] = {}
    for entry in entries:
        found.pop(entry.revision, None)
        if entry.direction == "upgrade":
            found[entry.revision] = entry
    return found


def edited(
    entries: Iterable[LedgerEntry], find: Callable[[str], Script | None]
) -> tuple[LedgerEntry, ...]:
    """Return the applied entries whose scripts say something else today.

    Args:
        entries: the ledger.
        find: returns the script of a revision; None if the folder has none.
    """
    found = []
    for entry in applied(entries).values():
        script = find(entry.revision)
        if script is not None and checksum(source_of(script.path)) != entry.checksum:
            found.append(entry)
    return tuple(found)


def ahead_of(
    entries: Iterable[LedgerEntry], heads: Iterable[str], known: Callable[[str], bool]
) -> tuple[LedgerEntry, ...]:
    """Return the entries by which the database is ahead of the scripts that are here.

    They lead from revisions that are *known* to *heads*, the latest first; none if
    that is not how it is: a revision that neither the ledger nor the folder knows.
    """
    standing = applied(entries)
    found: dict[str, LedgerEntry] = {}
    waiting = [head for head in heads if not known(head)]
    while waiting:
        revision = waiting.pop(0)
        entry = standing.get(revision)
        if entry is None:
            return ()
        found[revision] = entry
        waiting += [e for e in entry.follows if not known(e) and e not in found]
    return tuple(found.values())


def write_entry(
    connection: Connection,
    version_table: TableName,
    direction: str,
    script: Script | str,
    seconds: float = 0.0,
) -> None:
    """Add what was just done, in the transaction that it was done in.

    Args:
        connection: where it was done.
        version_table: the table of the revisions.
        direction: ``upgrade``, ``downgrade`` or ``stamp``.
        script: the script that was run, or the revision that was stamped.
        seconds: how long it took.
    """
    values: dict[str, Any] = {"revision": script, "follows": "", "name": ""}
    values.update(checksum="", script="")
    if isinstance(script, Script):
        source = source_of(script.path)
        values = {
            "revision": script.revision,
            "follows": ",".join(to_tuple(script.down_revision, default=())),
            "name": script.doc or "",
            "checksum": checksum(source),
            "script": _packed(source.decode("utf-8", "replace")),
        }
    connection.execute(
        ledger_table(version_table)
        .insert()
        .inline()
        .values(
            history=version_table.name,
            direction=direction,
            at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            seconds=round(seconds, 3),
            tool=TOOL,
            **values,
        )
    )


TOOL = f"whimbrel {version('whimbrel')} (alembic {version('alembic')})"


class Ledger:
    """The ledger as a run keeps it: made with its first script, never by a stamp.

    Args:
        connection: the connection of the run.
        version_table: the table of the revisions.
        conduct: whether a ledger is wanted, and who is told that there is none.
    """

    def __init__(
        self, connection: Connection, version_table: TableName, conduct: Conduct
    ) -> None:
        self._connection = connection
        self._version_table = version_table
        self._conduct = conduct
        self._is_kept = False if conduct.has_ledger is False else None

    def write(
        self, direction: str, scripts: Iterable[Script | str], seconds: float = 0.0
    ) -> None:
        """Add what was just done, if a ledger is kept, as `write_entry` does."""
        if self._keeps(is_created=direction != "stamp"):
            for script in scripts:
                write_entry(
                    self._connection, self._version_table, direction, script, seconds
                )

    def _keeps(self, *, is_created: bool) -> bool:
        """Whether there is a ledger, made now if need be."""
        if self._is_kept is None:
            table = ledger_table(self._version_table)
            inspector = sa.inspect(self._connection)
            there = inspector.has_table(LEDGER, schema=table.schema)
            if not there and not (is_created and self._conduct.has_ledger):
                self._is_kept = None if self._conduct.has_ledger else False
                return False
            hindered = "" if there else _created(self._connection, table)
            self._is_kept = not hindered
            if hindered:
                self._conduct.notice(f"No ledger can be kept: {hindered}")
        return self._is_kept


def _created(connection: Connection, table: sa.Table) -> str:
    """Create the ledger; return what hindered that, or nothing."""
    if is_fragile(connection):  # a failure would undo the script, unsaid
        return f"{connection.dialect.name} has no savepoints."
    try:
        if described(connection.dialect).ddl_is_transactional:
            with connection.begin_nested():
                table.create(connection)
        else:
            table.create(connection)
    except DBAPIError as error:
        return str(error.orig)
    return ""


def _entry(row: dict[str, Any]) -> LedgerEntry:
    values = {name: row[name] for name in row if name != "history"}
    values["follows"] = tuple(filter(None, row["follows"].split(",")))
    values["script"] = _unpacked(row["script"])
    return LedgerEntry(**values)


def _packed(text: str) -> str:
    if len(text.encode()) <= LONGEST:
        return text
    packed = base64.b64encode(zlib.compress(text.encode())).decode()
    return f"{PACKED}{packed}" if len(packed) <= LONGEST else ""


def _unpacked(text: str) -> str:
    if not text.startswith(PACKED):
        return text
    return zlib.decompress(base64.b64decode(text.removeprefix(PACKED))).decode()
