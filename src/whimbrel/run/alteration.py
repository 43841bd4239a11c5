"""The cheapest sound way from a table to what it is to be."""

from __future__ import annotations

from contextlib import nullcontext

from sqlalchemy.exc import DBAPIError

from whimbrel.catalog.sqlite_ddl import ClauseKind, folded, quote
from whimbrel.errors import MigrationFailed, ended
from whimbrel.run.alter_text import Draft
from whimbrel.run.constraint_text import places
from whimbrel.run.disk import is_full
from whimbrel.run.in_place import NotInPlace, can_write_schema, write_in_place
from whimbrel.run.rebuild import rebuild
from whimbrel.run.stored_table import (
    StoredTable,
    index_columns,
    nothing_breaks,
)
from whimbrel.run.table_layout import (
    Way,
    can_be_added,
    gives_null,
    layout_of,
    new_columns,
)
from whimbrel.run.transaction import in_one_piece, query


def carry_out(table: StoredTable, draft: Draft, recreate: str = "auto") -> None:
    """Let *draft* be the table.

    Args:
        table: the table as it stands.
        draft: the table as it is to be; its columns have their final names.
        recreate: ``always`` writes the rows anew, ``never`` refuses to.

    Raises:
        MigrationFailed: rows forbid it, views or triggers would break, or SQLite
            refuses; nothing is changed then.
    """
    way = choose(table, draft, recreate)
    if way is Way.NOTHING:
        return
    loses = len(draft.sources) < len(table.text.columns)
    try:
        unbroken = nothing_breaks(table) if loses else nullcontext()
        with in_one_piece(table.connection), unbroken:
            _carry_out(table, draft, way, recreate)
    except DBAPIError as error:
        mend = "Make room on the disk" if is_full(error) else "Mend the script"
        raise MigrationFailed(
            ended(
                f"Table {table.name} cannot be altered as the script says: {error.orig}"
            ),
            f"Nothing was changed. {mend}, then run it again.",
            table=table.name,
            definition=draft.text.text,
        ) from error


def _carry_out(table: StoredTable, draft: Draft, way: Way, recreate: str) -> None:
    match way:
        case Way.NOTHING:
            pass
        case Way.ADD:
            _add_columns(table, draft)
        case Way.DROP:
            _drop_columns(table, draft, recreate)
        case Way.IN_PLACE:
            _write_in_place(table, draft, recreate)
        case Way.REBUILD:
            _rebuild(table, draft, recreate)


def choose(table: StoredTable, draft: Draft, recreate: str = "auto") -> Way:
    """Return the way that costs least of those that are sound."""
    now = Draft.of(table.text)
    if recreate == "always":
        return Way.REBUILD
    if draft == now:
        return Way.NOTHING
    indexed = table.indexed_columns
    is_writable = can_write_schema(table.connection, table.schema)
    if layout_of(draft, indexed) == layout_of(now, indexed):
        return Way.IN_PLACE if is_writable else Way.REBUILD
    if new_columns(now, draft, indexed):
        return _way_to_add(table, draft, is_writable=is_writable)
    if _only_drops(table, draft):
        return Way.DROP
    return Way.REBUILD


def _way_to_add(table: StoredTable, draft: Draft, *, is_writable: bool) -> Way:
    added = [
        each for each in draft.text.columns if folded(each.name) not in draft.sources
    ]
    has_rows = table.has_rows
    if not all(can_be_added(column, has_rows=has_rows) for column in added):
        return Way.REBUILD
    others = [item for item in draft.text.items if item not in added]
    is_all = (
        others == list(table.text.items) and draft.text.options == table.text.options
    )
    plain = (
        ClauseKind.DEFAULT,
        ClauseKind.COLLATE,
        ClauseKind.NULL,
        ClauseKind.NOT_NULL,
    )
    if is_all and all(
        can_be_added(column, has_rows=True)
        and not (column.clause(ClauseKind.NOT_NULL) and gives_null(column))
        and all(clause.kind in plain for clause in column.clauses)
        for column in added
    ):
        return Way.ADD
    return Way.IN_PLACE if is_writable else Way.REBUILD


def _only_drops(table: StoredTable, draft: Draft) -> bool:
    """Whether columns go that nothing else speaks of, and nothing else changes.

    SQLite cuts the last column off at the comma before it, a comma in a comment
    included; what that comment then takes in is lost.
    """
    if any(mark in table.text.text for mark in ("--", "/*")):
        return False
    gone = [
        each for each in table.text.columns if folded(each.name) not in draft.sources
    ]
    if any(folded(each.name) not in draft.sources for each in draft.text.columns):
        return False
    kept = [item for item in table.text.items if item not in gone]
    if kept != list(draft.text.items) or table.text.options != draft.text.options:
        return False
    named = {folded(name) for place in places(table.text) for name in place.columns}
    plain = (
        ClauseKind.DEFAULT,
        ClauseKind.COLLATE,
        ClauseKind.NULL,
        ClauseKind.NOT_NULL,
    )
    return bool(gone) and all(
        folded(column.name) not in named
        and all(clause.kind in plain for clause in column.clauses)
        for column in gone
    )


def _add_columns(table: StoredTable, draft: Draft) -> None:
    for column in draft.text.columns:
        if folded(column.name) not in draft.sources:
            query(
                table.connection,
                f"ALTER TABLE {table.full_name} ADD COLUMN {column.text}",
            )


def _drop_columns(table: StoredTable, draft: Draft, recreate: str) -> None:
    """Drop columns by statement; where SQLite will not, write the rows anew."""
    names = [column.name for column in table.text.columns]
    gone = [name for name in names if folded(name) not in draft.sources]
    try:
        with in_one_piece(table.connection):
            for index in table.indexes:
                if set(index_columns(index.sql, names)) & set(gone):
                    full = f"{quote(table.schema)}.{quote(index.name)}"
                    query(table.connection, f"DROP INDEX {full}")
            for name in gone:
                query(
                    table.connection,
                    f"ALTER TABLE {table.full_name} DROP COLUMN {quote(name)}",
                )
    except DBAPIError:
        _rebuild(table, draft, recreate)


def _write_in_place(table: StoredTable, draft: Draft, recreate: str) -> None:
    try:
        write_in_place(table, draft)
    except NotInPlace:
        _rebuild(table, draft, recreate)


def _rebuild(table: StoredTable, draft: Draft, recreate: str) -> None:
    if recreate == "never":
        raise MigrationFailed(
            f"The rows of {table.name} must be written anew for this change, and the"
            " script says recreate='never'.",
            'Say recreate="auto" in batch_alter_table, or leave it out.',
            table=table.name,
        )
    rebuild(table, draft)
