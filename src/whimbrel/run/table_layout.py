"""How the rows of a table are stored, as its text decides: pure.

Two texts with one layout can stand for the same pages of the file, so the one can
take the place of the other without a row being touched.
https://www.sqlite.org/datatype3.html#determination_of_column_affinity
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from whimbrel.catalog.sqlite_ddl import (
    Clause,
    ClauseKind,
    ColumnText,
    TableText,
    TokenKind,
    affinity,
    canonical,
    folded,
    tokens,
    type_spelling,
)
from whimbrel.run.alter_text import Draft
from whimbrel.run.constraint_text import Place, places


_ROWID_NAMES = ("rowid", "_rowid_", "oid")
_KEYS = (ClauseKind.PRIMARY_KEY, ClauseKind.UNIQUE)
_LITERALS = (TokenKind.STRING, TokenKind.BLOB, TokenKind.NUMBER)


class Way(Enum):
    """How a draft becomes the table."""

    NOTHING = "nothing"
    ADD = "ALTER TABLE ADD COLUMN"
    DROP = "ALTER TABLE DROP COLUMN"
    IN_PLACE = "in place"
    REBUILD = "rebuild"


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """What of a column decides how its values are stored and compared."""

    name: str
    source: str | None
    affinity: str
    collation: str
    computed: str


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key that is kept by an index of SQLite's own, or is the order of the rows."""

    is_primary: bool
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows of a table are stored."""

    columns: tuple[StoredColumn, ...]
    keys: tuple[StoredKey, ...]
    rowid_alias: str | None
    has_rowid: bool
    is_strict: bool
    counts: bool


def layout_of(draft: Draft, indexed: Collection[str]) -> Layout:
    """Return the layout of a table.

    Args:
        draft: the table.
        indexed: the folded names of the columns that its other indexes speak of.
    """
    text = draft.text
    keys = [each for each in places(text) if each.clause.kind in _KEYS]
    sorted_by = {folded(name) for key in keys for name in key.columns} | set(indexed)
    is_strict = "STRICT" in text.options
    return Layout(
        columns=tuple(
            StoredColumn(
                name=folded(column.name),
                source=folded(draft.sources.get(folded(column.name), "")) or None,
                affinity=_stored_as(column.type_text, is_strict=is_strict),
                collation=_collation(column)
                if folded(column.name) in sorted_by
                else "",
                computed=_computed(column),
            )
            for column in text.columns
        ),
        keys=tuple(map(_key, keys)),
        rowid_alias=rowid_alias(text),
        has_rowid=has_rowid(text),
        is_strict=is_strict,
        counts=counts(text),
    )


def _stored_as(written: str, *, is_strict: bool) -> str:
    name = type_spelling(written) if written else ""
    if is_strict:
        return "INTEGER" if name == "INT" else name
    return affinity(name)


def _collation(column: ColumnText) -> str:
    clause = column.clause(ClauseKind.COLLATE)
    return (clause.collation or "BINARY").upper() if clause else "BINARY"


def _computed(column: ColumnText) -> str:
    clause = column.clause(ClauseKind.GENERATED)
    if clause is None:
        return ""
    stored = "stored" if clause.is_stored else "virtual"
    return f"{canonical(clause.expression or '')} {stored}"


def _key(place: Place) -> StoredKey:
    clause = place.clause
    if place.column is not None:
        parts: tuple[str, ...] = (folded(place.column.name),)
        if clause.is_descending:
            parts = (f"{parts[0]} desc",)
    else:
        parts = tuple(
            f"{folded(part.name)} {part.collation or ''}"
            f"{' desc' if part.is_descending else ''}".strip()
            for part in clause.columns
        )
    return StoredKey(clause.kind is ClauseKind.PRIMARY_KEY, parts)


def primary_key(text: TableText) -> Place | None:
    """Return the primary key of a table, wherever it stands."""
    for place in places(text):
        if place.clause.kind is ClauseKind.PRIMARY_KEY:
            return place
    return None


def has_rowid(text: TableText) -> bool:
    """Whether the rows of a table are kept by a number of their own."""
    return "WITHOUT ROWID" not in text.options


def counts(text: TableText) -> bool:
    """Whether a table has AUTOINCREMENT."""
    key = primary_key(text)
    return key is not None and key.clause.is_autoincrement


def rowid_alias(text: TableText) -> str | None:
    """Return the column that is another name of the rowid, if there is one."""
    key = primary_key(text)
    if key is None or not has_rowid(text) or len(key.columns) != 1:
        return None
    if key.column is not None and key.clause.is_descending:
        return None
    for column in text.columns:
        is_key = folded(column.name) == folded(key.columns[0])
        if is_key and type_spelling(column.type_text) == "INTEGER":
            return column.name
    return None


def rowid_name(text: TableText) -> str | None:
    """Return a name by which the rowid can be reached; columns may hide all three."""
    if not has_rowid(text):
        return None
    hidden = {folded(column.name) for column in text.columns}
    return next((name for name in _ROWID_NAMES if name not in hidden), None)


# -- columns that are new -----------------------------------------------------------


def new_columns(before: Draft, after: Draft, indexed: Collection[str]) -> int | None:
    """Return how many columns *after* has at its end more; None if more differs."""
    old, new = layout_of(before, indexed), layout_of(after, indexed)
    count = len(new.columns) - len(old.columns)
    if count <= 0 or new.columns[: len(old.columns)] != old.columns:
        return None
    if (old.keys, old.rowid_alias, old.has_rowid, old.is_strict, old.counts) != (
        new.keys,
        new.rowid_alias,
        new.has_rowid,
        new.is_strict,
        new.counts,
    ):
        return None
    return count


def can_be_added(column: ColumnText, *, has_rows: bool) -> bool:
    """Whether a column can be told to be there without the rows being written anew."""
    computed = column.clause(ClauseKind.GENERATED)
    if computed is not None and computed.is_stored:
        return False
    return not has_rows or is_constant(column.clause(ClauseKind.DEFAULT))


def is_constant(default: Clause | None) -> bool:
    """Whether a DEFAULT clause gives every row one and the same value."""
    if default is None:
        return True
    parts = tokens(canonical(default.expression or ""))[:-1]
    if parts and parts[0].word in ("+", "-"):
        parts = parts[1:]
    if len(parts) != 1:
        return False
    return parts[0].kind in _LITERALS or not parts[0].word.startswith("CURRENT_")


def gives_null(column: ColumnText) -> bool:
    """Whether a new column has NULL in the rows that are there."""
    if column.clause(ClauseKind.GENERATED) is not None:
        return False
    default = column.clause(ClauseKind.DEFAULT)
    return default is None or canonical(default.expression or "") == "null"
