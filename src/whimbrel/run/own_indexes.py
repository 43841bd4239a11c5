"""The indexes that SQLite makes for keys, built after the rows are there.

A key's index that grows row by row is written in the order of the rows, all over the
file; built at once it is sorted first.  CREATE TABLE cannot put that off, so the rows
come into a table without its keys, whose indexes are then given to the keys: they are
stored alike, and that they are is looked at.
https://www.sqlite.org/fileformat2.html#representation_of_sql_indices
"""

from __future__ import annotations

from dataclasses import dataclass

from whimbrel.catalog.sqlite_ddl import ClauseKind, quote
from whimbrel.errors import MigrationFailed
from whimbrel.run.alter_text import Draft
from whimbrel.run.constraint_text import drop_constraint, places
from whimbrel.run.in_place import (
    can_write_schema,
    made_beside,
    put_text,
    written_schema,
)
from whimbrel.run.progress import Watch
from whimbrel.run.stored_table import StoredTable
from whimbrel.run.table_layout import has_rowid, rowid_alias
from whimbrel.run.transaction import has_foreign_keys_on, query


FEW = 1000
"""For so many rows the indexes may grow as they like."""


@dataclass(frozen=True, slots=True)
class OwnPart:
    """A column of an index; one that the index only carries along is no key."""

    name: str | None
    is_descending: int
    collation: str | None
    is_key: int


@dataclass(frozen=True, slots=True)
class OwnIndex:
    """An index that SQLite makes for a key."""

    name: str
    parts: tuple[OwnPart, ...]


@dataclass(frozen=True, slots=True)
class LateKeys:
    """A table without keys, and the indexes that its keys need."""

    without: Draft
    indexes: tuple[OwnIndex, ...]


def late_keys(table: StoredTable, draft: Draft, rows: int) -> LateKeys | None:
    """Return how the keys of *draft* can wait for the rows.

    None if they cannot, or if it is not worth it.
    """
    text = draft.text
    if rows <= FEW or not has_rowid(text) or "STRICT" in text.options:
        return None
    if has_foreign_keys_on(table.connection):
        return None
    without = _without_keys(draft)
    if without == draft or not can_write_schema(table.connection, table.schema):
        return None
    with made_beside(table, text.text):
        return LateKeys(without, _indexes_in(table, "temp"))


def give_keys(table: StoredTable, draft: Draft, late: LateKeys, watch: Watch) -> None:
    """Build the indexes of the keys, and let the table have them.

    Args:
        table: the table, which has the rows and no keys.
        draft: what it is to be.
        late: its indexes.
        watch: hears what is built.
    """
    connection, space = table.connection, quote(table.schema)
    for number, index in enumerate(late.indexes):
        parts = ", ".join(_written(part) for part in index.parts if part.is_key)
        watch.tell(f"building the index of its key {number + 1}", is_new=True)
        query(
            connection,
            f"CREATE UNIQUE INDEX {space}.{quote(_temporary(number))}"
            f" ON {quote(table.name)} ({parts})",
        )
    with written_schema(connection, table.schema):
        for number, index in enumerate(late.indexes):
            query(
                connection,
                f"UPDATE {space}.sqlite_master SET name = ?, sql = NULL"
                " WHERE type = 'index' AND name = ?",
                index.name,
                _temporary(number),
            )
        put_text(table, draft.text.text)
    if set(_indexes_in(table, table.schema)) != set(late.indexes):
        raise MigrationFailed(
            f"The indexes of the keys of {table.name} are not what SQLite would make.",
            "Nothing was changed. Please report this, with the table's definition.",
            table=table.name,
        )


def _temporary(number: int) -> str:
    return f"_whimbrel_key_{number}"


def _written(part: OwnPart) -> str:
    order = " DESC" if part.is_descending else ""
    return f"{quote(part.name or '')} COLLATE {quote(part.collation or '')}{order}"


def _without_keys(draft: Draft) -> Draft:
    """Return *draft* without the keys that have an index."""
    kinds = {ClauseKind.UNIQUE}
    if rowid_alias(draft.text) is None:
        kinds.add(ClauseKind.PRIMARY_KEY)
    while keys := [each for each in places(draft.text) if each.clause.kind in kinds]:
        draft = drop_constraint(draft, keys[0])
    return draft


def _indexes_in(table: StoredTable, schema: str) -> tuple[OwnIndex, ...]:
    connection = table.connection
    names = query(
        connection,
        "SELECT name FROM pragma_index_list(?, ?) WHERE origin <> 'c' ORDER BY name",
        table.name,
        schema,
    )
    return tuple(
        OwnIndex(
            name,
            tuple(
                OwnPart(*row)
                for row in query(
                    connection,
                    'SELECT name, "desc", coll, "key" FROM pragma_index_xinfo(?, ?)'
                    " ORDER BY seqno",
                    name,
                    schema,
                )
            ),
        )
        for (name,) in names
    )
