"""Changes of a table that leave its rows where they are: its text is written anew.

SQLite's manual allows this for what does not change how rows are stored, under
``PRAGMA writable_schema`` and with a raised ``schema_version``.
https://www.sqlite.org/lang_altertable.html#otheralter
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import dropwhile

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from whimbrel.catalog.sqlite_ddl import (
    ClauseKind,
    ColumnText,
    canonical,
    folded,
    quote,
    tokens,
)
from whimbrel.errors import MigrationFailed
from whimbrel.run.alter_text import Draft, set_clause
from whimbrel.run.row_checks import (
    new_checks,
    orphans_of,
    refuse_new_orphans,
    refuse_nulls,
    refuse_violations,
)
from whimbrel.run.stored_table import StoredTable
from whimbrel.run.transaction import (
    in_one_piece,
    is_open,
    is_written_down,
    query,
    run_now,
)


NEEDED_VERSION = (3, 26)
"""The version of SQLite from which on this is relied upon."""

SENTINEL = "x'7768696d6272656c2d73656e74696e656c2d7830'"
"""A value that no row has."""

_BARE = (ClauseKind.DEFAULT, ClauseKind.COLLATE, ClauseKind.GENERATED)
_SMALL = 10_000
"""So many rows are looked through for damage after a change."""


class NotInPlace(Exception):
    """The rows must be written anew after all."""


def can_write_schema(connection: Connection, schema: str) -> bool:
    """Whether the texts of this database can be written; in defensive mode not.

    Nor can those of a database that nobody sees: who knows what its texts are.
    """
    if is_written_down(connection):
        return False
    version = query(connection, "SELECT sqlite_version()")[0][0]
    if tuple(map(int, version.split("."))) < NEEDED_VERSION:
        return False
    was_open = is_open(connection)
    try:
        query(connection, "PRAGMA writable_schema=ON")
        query(
            connection,
            f"UPDATE {quote(schema)}.sqlite_master SET sql = sql WHERE 0",
        )
    except DBAPIError:
        if was_open and not is_open(connection):
            raise  # that was no answer: SQLite undid all
        return False
    finally:
        run_now(connection, "PRAGMA writable_schema=OFF")
    return True


def write_in_place(table: StoredTable, draft: Draft) -> None:
    """Let *draft* be the table, its rows untouched.

    Args:
        table: the table as it stands.
        draft: the same with an equal layout; columns may come at the end.

    Raises:
        NotInPlace: rows take their value from a default that is to change.
        MigrationFailed: rows violate what is added.
    """
    connection, names = table.connection, [table.name]
    refuse_nulls(table, draft)
    if _short_rows_would_change(table, draft):
        raise NotInPlace
    is_small = _is_small(table)
    keys_differ = _references(Draft.of(table.text)) != _references(draft)
    with in_one_piece(connection):
        damage = _damage(table) if is_small else []
        before = orphans_of(connection, table.schema, names) if keys_differ else {}
        with made_beside(table, draft.text.text):
            pass  # SQLite takes it
        _add_bare_columns(table, draft)
        write_text(table, draft.text.text)
        refuse_violations(table, new_checks(table.text, draft.text))
        if keys_differ:
            refuse_new_orphans(before, orphans_of(connection, table.schema, names))
        if is_small and _damage(table) != damage:
            raise MigrationFailed(
                f"Table {table.name} was not sound after its definition was changed.",
                "Nothing was changed. Please report this, with the table's definition.",
                table=table.name,
            )


def write_text(table: StoredTable, sql: str) -> None:
    """Write the text of a table; SQLite reads it again with the next statement."""
    with written_schema(table.connection, table.schema):
        put_text(table, sql)
    query(table.connection, f"SELECT * FROM {table.full_name} LIMIT 0")


def put_text(table: StoredTable, sql: str) -> None:
    """Put a text into ``sqlite_master``, which can be written at this moment."""
    query(
        table.connection,
        f"UPDATE {quote(table.schema)}.sqlite_master SET sql = ?"
        " WHERE type = 'table' AND name = ? COLLATE NOCASE",
        sql,
        table.name,
    )


@contextmanager
def written_schema(connection: Connection, schema: str) -> Iterator[None]:
    """Let the block write ``sqlite_master``, and have it read again afterwards."""
    space = quote(schema)
    query(connection, "PRAGMA writable_schema=ON")
    try:
        yield
        ((version,),) = query(connection, f"PRAGMA {space}.schema_version")
        query(connection, f"PRAGMA {space}.schema_version={version + 1}")
    finally:
        run_now(connection, "PRAGMA writable_schema=RESET")


@contextmanager
def made_beside(table: StoredTable, sql: str) -> Iterator[None]:
    """Let there be a temporary table of that text for the block, if SQLite takes it.

    AUTOINCREMENT is left out: it would make a second ``sqlite_sequence``.
    """
    behind_name = dropwhile(lambda token: token.word != "(", tokens(sql))
    beside = "".join(
        token.before + token.text
        for token in behind_name
        if token.word != "AUTOINCREMENT"
    )
    query(table.connection, f"CREATE TEMP TABLE {quote(table.name)} {beside}")
    try:
        yield
    finally:
        query(table.connection, f"DROP TABLE temp.{quote(table.name)}")


def _add_bare_columns(table: StoredTable, draft: Draft) -> None:
    """Add the new columns by statement, without what rows are checked for.

    SQLite may have to raise the format of the file for them, which only it can.
    """
    for column in draft.text.columns:
        if folded(column.name) not in draft.sources:
            bare = tuple(each for each in column.clauses if each.kind in _BARE)
            written = replace(column, clauses=bare).text
            query(
                table.connection, f"ALTER TABLE {table.full_name} ADD COLUMN {written}"
            )


def _references(draft: Draft) -> list[str]:
    text = draft.text
    inline = [
        f"{folded(column.name)} {canonical(clause.text)}"
        for column in text.columns
        for clause in column.clauses
        if clause.kind is ClauseKind.REFERENCES
    ]
    apart = [
        canonical(clause.text)
        for clause in text.constraints
        if clause.kind is ClauseKind.REFERENCES
    ]
    return sorted(inline + apart)


def _is_small(table: StoredTable) -> bool:
    limited = f"SELECT 1 FROM {table.full_name} LIMIT {_SMALL + 1}"
    ((count,),) = query(table.connection, f"SELECT count(*) FROM ({limited})")
    return bool(count <= _SMALL)


def _damage(table: StoredTable) -> list[tuple[object, ...]]:
    space, name = quote(table.schema), quote(table.name)
    rows = query(table.connection, f"PRAGMA {space}.quick_check({name})")
    return [
        row for row in rows if "constraint" not in str(row) and "NULL" not in str(row)
    ]


# -- rows that were there before a column was ---------------------------------------


def _short_rows_would_change(table: StoredTable, draft: Draft) -> bool:
    """Whether there are rows whose value is the default that is to change.

    ALTER TABLE ADD COLUMN writes no row: the value of a row that was there before
    is the default as it stands in the text.  Such rows show themselves when
    another default stands there.
    """
    changed = [
        column.name
        for column in draft.text.columns
        if folded(column.name) in draft.sources
        and _default_differs(table, draft, column)
    ]
    if not changed or not table.has_rows:
        return False
    probe = Draft.of(table.text)
    for name in changed:
        probe = set_clause(probe, name, ClauseKind.DEFAULT, f"DEFAULT {SENTINEL}")
    condition = " OR ".join(f"{quote(name)} = {SENTINEL}" for name in changed)
    connection = table.connection
    query(connection, "SAVEPOINT whimbrel_probe")
    try:
        write_text(table, probe.text.text)
        return bool(
            query(
                connection,
                f"SELECT 1 FROM {table.full_name} NOT INDEXED"
                f" WHERE {condition} LIMIT 1",
            )
        )
    finally:
        query(connection, "ROLLBACK TO whimbrel_probe")
        query(connection, "RELEASE whimbrel_probe")


def _default_differs(table: StoredTable, draft: Draft, column: ColumnText) -> bool:
    old = Draft.of(table.text).column(draft.sources[folded(column.name)])
    return _default(old) != _default(column)


def _default(column: ColumnText) -> str:
    clause = column.clause(ClauseKind.DEFAULT)
    return canonical(clause.expression or "") if clause else ""
