"""What the rows forbid: NULLs, duplicates, violated checks, references to nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from whimbrel.catalog.sqlite_ddl import (
    Clause,
    ClauseKind,
    TableText,
    canonical,
    folded,
    quote,
)
from whimbrel.errors import MigrationFailed
from whimbrel.run.alter_text import Draft
from whimbrel.run.constraint_text import Place, places
from whimbrel.run.stored_table import StoredTable
from whimbrel.run.table_layout import gives_null, primary_key, rowid_alias, rowid_name
from whimbrel.run.transaction import query


MEND_ROWS = (
    "Nothing was changed. Mend these rows, in the script before this operation or by"
    " hand, then run it again."
)
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key as it is told in a sentence."""

    table: str
    columns: tuple[str, ...]
    target: str


Orphans = dict[Reference, tuple[object, ...]]
"""The rows that refer to nothing, by the key that they violate."""


def refuse_nulls(table: StoredTable, draft: Draft) -> None:
    """Raise if a column is to be NOT NULL and is NULL in a row.

    Raises:
        MigrationFailed: with the column, how many rows, and the first of them.
    """
    _refuse_numbers_of_our_own(table, draft)
    for column in draft.text.columns:
        if column.clause(ClauseKind.NOT_NULL) is None:
            continue
        source = draft.sources.get(folded(column.name))
        if source is None:
            _refuse_new_null(table, draft, column.name)
        elif _may_be_null(table.text, source):
            _refuse_rows(
                table,
                f"{quote(source)} IS NULL",
                f"have no {column.name}, so it cannot be NOT NULL",
            )


def _refuse_numbers_of_our_own(table: StoredTable, draft: Draft) -> None:
    """Raise if SQLite would number rows that have no value in their new key."""
    alias, before = rowid_alias(draft.text), rowid_alias(table.text)
    source = draft.sources.get(folded(alias)) if alias else None
    if source is not None and source != before:
        _refuse_rows(
            table,
            f"{quote(source)} IS NULL",
            f"have no {alias}, so it cannot be the primary key",
        )


def _may_be_null(text: TableText, name: str) -> bool:
    column = Draft.of(text).column(name)
    return column.clause(ClauseKind.NOT_NULL) is None


def _refuse_new_null(table: StoredTable, draft: Draft, name: str) -> None:
    is_numbered = rowid_alias(draft.text)
    if is_numbered and folded(is_numbered) == folded(name):
        return
    if gives_null(draft.column(name)) and table.has_rows:
        (rows,) = query(table.connection, f"SELECT count(*) FROM {table.full_name}")
        raise MigrationFailed(
            f"{_rows(int(rows[0]))} of {table.name} would have no {name}: the new"
            " column is NOT NULL and has no default.",
            f"Nothing was changed. Give {name} a server_default, or add it as nullable,"
            " fill it, and make it NOT NULL then.",
            table=table.name,
            column=name,
        )


def refuse_duplicates(table: StoredTable, draft: Draft) -> None:
    """Raise if a key that is to be unique has a value twice.

    Raises:
        MigrationFailed: with the key, and the values that come more than once.
    """
    for place in places(draft.text):
        if place.clause.kind not in (ClauseKind.UNIQUE, ClauseKind.PRIMARY_KEY):
            continue
        sources = [draft.sources.get(folded(name)) for name in place.columns]
        if any(source is None for source in sources):
            continue
        columns = ", ".join(quote(source or "") for source in sources)
        filled = " AND ".join(f"{quote(source or '')} NOT NULL" for source in sources)
        groups = (
            f"SELECT {columns}, count(*) FROM {table.full_name} WHERE {filled}"
            f" GROUP BY {columns} HAVING count(*) > 1"
        )
        first = query(table.connection, f"{groups} ORDER BY {columns} LIMIT {_SHOWN}")
        if first:
            ((count,),) = query(table.connection, f"SELECT count(*) FROM ({groups})")
            raise _duplicates(table, place, first, int(count))


def _duplicates(
    table: StoredTable, place: Place, first: list[tuple[object, ...]], count: int
) -> MigrationFailed:
    shown = "; ".join(
        f"{', '.join(map(repr, row[:-1]))} ({row[-1]} rows)" for row in first
    )
    names = ", ".join(place.columns)
    values = f"{count} values" if count > 1 else "1 value"
    return MigrationFailed(
        f"{values} of {names} in {table.name} come more than once, so {names} cannot be"
        f" {'the primary key' if _is_primary(place) else 'unique'}."
        f" The first: {shown}.",
        MEND_ROWS,
        table=table.name,
        columns=place.columns,
        constraint=place.clause.name,
    )


def _is_primary(place: Place) -> bool:
    return place.clause.kind is ClauseKind.PRIMARY_KEY


def new_checks(before: TableText, after: TableText) -> tuple[Clause, ...]:
    """Return the checks that *after* has and *before* has not."""
    known = Counter(_checks(before))
    found = []
    for place in places(after):
        if place.clause.kind is ClauseKind.CHECK:
            said = canonical(place.clause.expression or "")
            if known[said]:
                known[said] -= 1
            else:
                found.append(place.clause)
    return tuple(found)


def _checks(text: TableText) -> list[str]:
    return [
        canonical(place.clause.expression or "")
        for place in places(text)
        if place.clause.kind is ClauseKind.CHECK
    ]


def refuse_violations(table: StoredTable, checks: Iterable[Clause]) -> None:
    """Raise if a row violates one of *checks*.

    Raises:
        MigrationFailed: with the check, how many rows, and the first of them.
    """
    for check in checks:
        named = f" {check.name}" if check.name else ""
        _refuse_rows(
            table,
            f"NOT ({check.expression}\n)",
            f"violate the check{named} ({check.expression})",
        )


def _refuse_rows(table: StoredTable, condition: str, what: str) -> None:
    source = f"FROM {table.full_name} WHERE {condition}"
    key = _key_of(table.text)
    first = query(table.connection, f"SELECT {key} {source} LIMIT {_SHOWN}")
    if not first:
        return
    ((count,),) = query(table.connection, f"SELECT count(*) {source}")
    shown = "; ".join(", ".join(map(repr, row)) for row in first)
    raise MigrationFailed(
        f"{_rows(int(count))} of {table.name} {what}. The first: {key} {shown}.",
        MEND_ROWS,
        table=table.name,
    )


def _key_of(text: TableText) -> str:
    """Return what a row is called by."""
    key = primary_key(text)
    if key is not None:
        return ", ".join(map(quote, key.columns))
    return rowid_name(text) or quote(text.columns[0].name)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


# -- references ---------------------------------------------------------------------


def tables_referring_to(table: StoredTable) -> tuple[str, ...]:
    """Return the names of the other tables whose foreign keys lead to *table*."""
    rows = query(
        table.connection,
        f"SELECT DISTINCT m.name FROM {quote(table.schema)}.sqlite_master AS m,"
        " pragma_foreign_key_list(m.name, ?) AS f WHERE m.type = 'table'"
        ' AND f."table" = ? COLLATE NOCASE AND m.name <> ? COLLATE NOCASE',
        table.schema,
        table.name,
        table.name,
    )
    return tuple(sorted(name for (name,) in rows))


def orphans_of(connection: Connection, schema: str, names: Iterable[str]) -> Orphans:
    """Return the rows of these tables that refer to nothing."""
    found: dict[Reference, list[object]] = {}
    for name in names:
        for reference, rowid in _orphans_of(connection, schema, name):
            found.setdefault(reference, []).append(rowid)
    return {reference: tuple(rows) for reference, rows in found.items()}


def _orphans_of(
    connection: Connection, schema: str, name: str
) -> list[tuple[Reference, object]]:
    try:
        rows = query(
            connection, f"PRAGMA {quote(schema)}.foreign_key_check({quote(name)})"
        )
    except DBAPIError:  # a key leads to columns that are not unique: no row is told
        return []
    if not rows:
        return []
    keys = _foreign_keys(connection, schema, name)
    return [(keys[number], rowid) for _, rowid, _, number in rows]


def _foreign_keys(
    connection: Connection, schema: str, name: str
) -> dict[int, Reference]:
    rows = query(
        connection,
        'SELECT id, "table", "from" FROM pragma_foreign_key_list(?, ?)'
        " ORDER BY id, seq",
        name,
        schema,
    )
    columns: dict[int, list[str]] = {}
    targets: dict[int, str] = {}
    for number, target, column in rows:
        columns.setdefault(number, []).append(folded(column))
        targets[number] = folded(target)
    return {
        number: Reference(name, tuple(columns[number]), targets[number])
        for number in columns
    }


def refuse_new_orphans(before: Orphans, after: Orphans) -> None:
    """Raise if more rows refer to nothing than did before.

    Raises:
        MigrationFailed: with the foreign key, how many rows, and the first of them.
    """
    for reference, rows in after.items():
        if len(rows) > len(before.get(reference, ())):
            columns = ", ".join(reference.columns)
            first = ", ".join(repr(row) for row in rows[:_SHOWN])
            raise MigrationFailed(
                f"{_rows(len(rows))} of {reference.table} refer by {columns} to rows of"
                f" {reference.target} that do not exist. The first: rowid {first}.",
                MEND_ROWS,
                table=reference.table,
                columns=reference.columns,
                target=reference.target,
            )
