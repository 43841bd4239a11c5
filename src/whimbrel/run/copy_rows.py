"""The copying of a table's rows into what it is to be: in their order, none lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from whimbrel.catalog.sqlite_ddl import ClauseKind, folded, quote
from whimbrel.errors import MigrationFailed
from whimbrel.run.alter_text import Draft
from whimbrel.run.progress import Watch
from whimbrel.run.stored_table import StoredTable
from whimbrel.run.table_layout import rowid_alias, rowid_name
from whimbrel.run.transaction import query


CHUNK = 50_000
"""So many rows are copied before it is told how far the copying is."""

CACHE = 32 * 1024 * 1024
"""So many bytes of the file and of what is sorted are kept in memory."""


@dataclass(frozen=True, slots=True)
class _Copy:
    """What is copied from where."""

    columns: tuple[str, ...]
    sources: tuple[str, ...]
    old_rowid: str | None
    kept_rowid: str | None
    """By which name the new rows have the numbers of the old; None if they do not."""


@contextmanager
def with_room(connection: Connection, schema: str) -> Iterator[None]:
    """Let SQLite keep more of the file in memory for the block."""
    cache = f"PRAGMA {quote(schema)}.cache_size"
    ((size,),) = query(connection, cache)
    ((page,),) = query(connection, f"PRAGMA {quote(schema)}.page_size")
    has_room = (-size * 1024 if size < 0 else size * page) >= CACHE
    if not has_room:
        query(connection, f"{cache}={-CACHE // 1024}")
    try:
        yield
    finally:
        if not has_room:
            query(connection, f"{cache}={size}")


def copy_rows(table: StoredTable, draft: Draft, aside: str, watch: Watch) -> None:
    """Copy the rows in their order, each under the number that it had.

    Raises:
        MigrationFailed: not all were copied.
    """
    copied = _copied(table, draft, aside, watch)
    if copied != watch.total:
        raise MigrationFailed(
            f"Of {watch.total} rows of {table.name} {copied} were copied.",
            "Nothing was changed. See what PRAGMA integrity_check says of the"
            " database.",
            table=table.name,
        )


def _copied(table: StoredTable, draft: Draft, aside: str, watch: Watch) -> int:
    """Copy the rows, part by part where their numbers allow it; return how many."""
    copy = _copy_of(table, draft)
    order = f" ORDER BY {copy.old_rowid}" if copy.old_rowid else ""
    insert = (
        f"INSERT OR ABORT INTO {table.full_name} ({', '.join(copy.columns)})"
        f" SELECT {', '.join(copy.sources)} FROM {aside}"
    )
    if copy.kept_rowid is None or watch.total <= CHUNK:
        return _run(table, f"{insert}{order}")
    done = part = _run(table, f"{insert}{order} LIMIT {CHUNK}")
    last = f"SELECT max({copy.kept_rowid}) FROM {table.full_name}"
    while part == CHUNK:
        watch.tell("copying", done)
        ((number,),) = query(table.connection, last)  # within it, it would cost a copy
        beyond = f" WHERE {copy.old_rowid} > {number}"
        part = _run(table, f"{insert}{beyond}{order} LIMIT {CHUNK}")
        done += part
    return done


def _run(table: StoredTable, sql: str) -> int:
    return int(table.connection.exec_driver_sql(sql).rowcount)


def _copy_of(table: StoredTable, draft: Draft) -> _Copy:
    columns, sources = [], []
    old_rowid, new_rowid = rowid_name(table.text), rowid_name(draft.text)
    old_alias, new_alias = rowid_alias(table.text), rowid_alias(draft.text)
    kept_rowid = None
    if old_rowid and new_rowid and new_alias is None:
        kept_rowid = new_rowid
        columns.append(new_rowid)
        sources.append(old_rowid)
    elif old_rowid and new_alias and old_alias:
        is_same = draft.sources.get(folded(new_alias)) == old_alias
        kept_rowid = quote(new_alias) if is_same else None
    for column in draft.text.columns:
        source = draft.sources.get(folded(column.name))
        if source is not None and column.clause(ClauseKind.GENERATED) is None:
            columns.append(quote(column.name))
            sources.append(quote(source))
    if not columns:
        columns, sources = [quote(draft.text.columns[0].name)], ["NULL"]
    return _Copy(tuple(columns), tuple(sources), old_rowid, kept_rowid)
