"""Which statements of a script are done, where a database cannot undo them together.

The journal is a table that holds rows only while a script is half done: as soon as
its revision is noted, they go, and at the end of the run the table. What is done and
its mark are committed together; a statement that the database commits by itself is
noted before, with a fingerprint of what it changes, so that afterwards the database
tells whether it took effect.

Each table of revisions has a journal of its own, as it has a lock of its own: so who
holds the lock may drop it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from whimbrel.catalog.questions import is_fragile, undone
from whimbrel.errors import ended
from whimbrel.schema.dialect import described
from whimbrel.schema.scope import OURS, VERSION_TABLE
from whimbrel.schema.state import TableName


JOURNAL = f"{OURS}journal"
"""What the table is called beside a version table with the name that Alembic gives."""

LONGEST_NAME = 60
"""So long may its name be beside another one; every database takes that."""

NAMED = 255
"""So much of the name of an operation is kept."""

SHOWN = 2000
"""So much of a statement is kept, to be shown."""

Outcome: TypeAlias = Mapping[str, Any]
"""What a statement gave its script: how many rows, the last id, the rows.

That of an operation is ``{"seen": [...]}``: what it saw of the database, in the order
in which it asked, with the hash of each query.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One statement of a script that is half done.

    Args:
        number: its place among all entries, the first is the lowest.
        revision: the revision of the script.
        direction: ``upgrade`` or ``downgrade``.
        checksum: of the script's text, as it was.
        operation: what the script calls it: ``add_column orders.total``.
        statement: its SQL, the beginning of it.
        hash: of the whole SQL.
        times: how often it is done.
        before: what it changes, as it was, while nobody knows whether it is done.
        session: the server's number for the connection that ran it.
        outcomes: what it gave its script, each time.
        at: when, in UTC, as ISO 8601 writes it.
    """

    number: int
    revision: str
    direction: str
    checksum: str = ""
    operation: str = ""
    statement: str = ""
    hash: str = ""
    times: int = 1
    before: str | None = None
    session: int | None = None
    outcomes: tuple[Outcome, ...] = ()
    at: str = ""

    @property
    def is_done(self) -> bool:
        """Whether it is known that it is done."""
        return self.before is None


def journal_name(version_table: TableName) -> str:
    """Return what the journal is called that stands beside *version_table*."""
    if version_table.name == VERSION_TABLE.name:
        return JOURNAL
    name = f"{JOURNAL}_{version_table.name}"
    if len(name) <= LONGEST_NAME:
        return name
    mark = hashlib.sha256(version_table.name.encode()).hexdigest()[:12]
    return f"{name[: LONGEST_NAME - len(mark) - 1]}_{mark}"


@lru_cache
def journal_table(version_table: TableName = VERSION_TABLE) -> sa.Table:
    """Return the table of the journal that stands beside *version_table*."""
    return sa.Table(
        journal_name(version_table),
        sa.MetaData(),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("revision", sa.String(255), nullable=False),
        sa.Column("direction", sa.String(16), nullable=False),
        sa.Column("checksum", sa.String(64), nullable=False),
        sa.Column("operation", sa.String(NAMED), nullable=False),
        sa.Column("statement", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("before", sa.String(64)),
        sa.Column("session", sa.BigInteger),
        sa.Column("outcomes", sa.Text),
        sa.Column("at", sa.String(40), nullable=False),
        schema=version_table.schema,
    )


def read_journal(
    connection: Connection, version_table: TableName = VERSION_TABLE
) -> tuple[JournalEntry, ...]:
    """Return all entries, the first at the beginning; none if all is whole."""
    if not has_journal(connection, version_table):
        return ()
    return read_entries(connection, version_table)


def read_entries(
    connection: Connection, version_table: TableName
) -> tuple[JournalEntry, ...]:
    """Return all entries of a journal that is there."""
    table = journal_table(version_table)
    rows = connection.execute(sa.select(table).order_by(table.c.number))
    return tuple(_entry(row._asdict()) for row in rows)


def look_into_journal(
    connection: Connection, version_table: TableName
) -> tuple[JournalEntry, ...]:
    """Return all entries, while a run may drop the journal."""
    try:
        with undone(connection) as there:
            return read_journal(there, version_table)
    except SQLAlchemyError:
        if has_journal(connection, version_table):
            raise
        return ()


def has_journal(
    connection: Connection, version_table: TableName = VERSION_TABLE
) -> bool:
    """Whether the table of the journal is there."""
    name = journal_name(version_table)
    return sa.inspect(connection).has_table(name, schema=version_table.schema)


def drop_if_empty(connection: Connection, version_table: TableName) -> str:
    """Drop a journal that has nothing to tell; return what hindered it, or nothing."""
    if read_journal(connection, version_table) or is_fragile(connection):
        return ""
    dialect = described(connection.dialect)
    guard: AbstractContextManager[object] = nullcontext()
    if dialect.ddl_is_transactional:
        guard = connection.begin_nested()
    table = journal_table(version_table)
    try:
        with guard:
            table.drop(connection)
    except DBAPIError as error:
        if error.connection_invalidated and not dialect.ddl_commits:
            raise  # with it, all that the run did is undone
        return ended(f"The empty table {table.name} was not dropped: {error.orig}")
    return ""


def write_entries(
    connection: Connection,
    version_table: TableName,
    entries: Sequence[JournalEntry],
) -> None:
    """Add *entries*, in the transaction of *connection*; their numbers are made."""
    rows = [
        {
            "revision": each.revision,
            "direction": each.direction,
            "checksum": each.checksum,
            "operation": each.operation[:NAMED],
            "statement": each.statement[:SHOWN],
            "hash": each.hash,
            "times": each.times,
            "before": each.before,
            "session": each.session,
            "outcomes": _written(each.outcomes),
            "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
        for each in entries
    ]
    if rows:
        connection.execute(journal_table(version_table).insert().inline(), rows)


def mark_done(
    connection: Connection,
    version_table: TableName,
    *,
    number: int | None = None,
) -> None:
    """Note that a statement took effect.

    Args:
        connection: where the journal is.
        version_table: the table of the revisions.
        number: which one; all that were begun if it is not said.
    """
    table = journal_table(version_table)
    chosen: list[sa.ColumnElement[bool]] = [table.c.before.is_not(None)]
    if number is not None:
        chosen.append(table.c.number == number)
    connection.execute(table.update().where(*chosen).values(before=None))


def forget(
    connection: Connection,
    version_table: TableName,
    *,
    number: int | None = None,
    revision: str | None = None,
) -> None:
    """Take out an entry by its *number*, those of a *revision*, or all."""
    table = journal_table(version_table)
    chosen: list[sa.ColumnElement[bool]] = []
    if number is not None:
        chosen.append(table.c.number == number)
    if revision is not None:
        chosen.append(table.c.revision == revision)
    connection.execute(table.delete().where(*chosen))


def _entry(row: dict[str, Any]) -> JournalEntry:
    outcomes = tuple(json.loads(row["outcomes"] or "[]"))
    return JournalEntry(**{**row, "outcomes": outcomes})


def _written(outcomes: Sequence[Outcome]) -> str | None:
    """Return *outcomes* as text; None if they are too long or cannot be written."""
    try:
        text = json.dumps(list(outcomes))
    except TypeError:
        return None
    return text if outcomes and len(text) < 60_000 else None  # noqa: PLR2004 - a text of any database
