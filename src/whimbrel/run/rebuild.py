"""Changes of a table for which its rows must be written anew.

The table steps aside under another name, the new one is made from its text and
filled, and what belongs to it is made again as it was written.  The texts of other
tables, triggers and views stay as they are.
https://www.sqlite.org/lang_altertable.html#otheralter
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from whimbrel.catalog.sqlite_ddl import ClauseKind, folded, quote
from whimbrel.catalog.sqlite_master import SchemaText
from whimbrel.catalog.sqlite_tokens import literal
from whimbrel.errors import MigrationFailed, ended
from whimbrel.run.alter_text import Draft, unqualified
from whimbrel.run.constraint_text import places
from whimbrel.run.copy_rows import copy_rows, with_room
from whimbrel.run.disk import refuse_small_disk
from whimbrel.run.in_place import write_text
from whimbrel.run.own_indexes import give_keys, late_keys
from whimbrel.run.progress import Watch
from whimbrel.run.row_checks import (
    MEND_ROWS,
    orphans_of,
    refuse_duplicates,
    refuse_new_orphans,
    refuse_nulls,
    refuse_violations,
    tables_referring_to,
)
from whimbrel.run.stored_table import StoredTable, all_texts, index_columns
from whimbrel.run.table_layout import counts
from whimbrel.run.transaction import has_foreign_keys_on, in_one_piece, query


def temporary_name(name: str) -> str:
    """Return the name under which a table steps aside; Alembic's is the same."""
    return f"_alembic_tmp_{name}"[:50]


def rebuild(table: StoredTable, draft: Draft) -> None:
    """Let *draft* be the table, its rows written anew.

    Raises:
        MigrationFailed: rows violate what is new, or foreign keys that cannot be
            switched off would cascade.
    """
    refuse_small_disk(table)
    refuse_nulls(table, draft)
    try:
        with in_one_piece(table.connection):
            _rebuild(table, draft)
    except IntegrityError as error:
        _tell_what_rows_forbid(table, draft)
        raise MigrationFailed(
            ended(f"The rows of {table.name} cannot be kept: {error.orig}"),
            MEND_ROWS,
            table=table.name,
        ) from error


def _rebuild(table: StoredTable, draft: Draft) -> None:
    connection = table.connection
    others = tables_referring_to(table)
    _refuse_if_cascading(table, others)
    has_keys = (
        bool(others)
        or _has_foreign_keys(draft)
        or _has_foreign_keys(Draft.of(table.text))
    )
    checked = [table.name, *others] if has_keys else []
    before = orphans_of(connection, table.schema, checked)
    texts = all_texts(connection, table.schema)
    with with_room(connection, table.schema):
        watch = _write_anew(table, draft)
        for text in (*_kept_indexes(table, draft), *table.triggers):
            watch.tell(f"building {text.name}", is_new=True)
            _make(connection, table.schema, text.sql)
    watch.tell("looking at what refers to it", is_new=True)
    refuse_new_orphans(before, orphans_of(connection, table.schema, checked))
    _refuse_losses(table, draft, texts)


def _write_anew(table: StoredTable, draft: Draft) -> Watch:
    """Make the table of *draft*, with the rows and the keys and nothing else."""
    connection = table.connection
    ((rows,),) = query(connection, f"SELECT count(*) FROM {table.full_name}")
    watch = Watch(table.name, int(rows))
    late = late_keys(table, draft, int(rows))
    aside = _step_aside(table)
    made = late.without if late else draft
    _make(connection, table.schema, made.text.text)
    copy_rows(table, draft, aside, watch)
    if counts(draft.text) and counts(table.text):
        _hand_on_sequence(table)
    watch.tell("dropping what it was", is_new=True)
    query(connection, f"DROP TABLE {aside}")
    if late is not None:
        give_keys(table, draft, late, watch)
    return watch


def _has_foreign_keys(draft: Draft) -> bool:
    return any(each.clause.kind is ClauseKind.REFERENCES for each in places(draft.text))


def _refuse_if_cascading(table: StoredTable, others: tuple[str, ...]) -> None:
    if others and has_foreign_keys_on(table.connection):
        raise MigrationFailed(
            f"The rows of {table.name} must be written anew, and rows of"
            f" {', '.join(others)} refer to them: foreign keys are enforced in a"
            " transaction that was open already, so they cannot be switched off, and"
            " what refers to the rows would be deleted or refused.",
            "Run PRAGMA foreign_keys=OFF on the connection before its transaction"
            " begins, or hand over a connection without an open transaction.",
            table=table.name,
            tables=others,
        )


@contextmanager
def _other_texts_untouched(connection: Connection) -> Iterator[None]:
    """Let a table get another name without those being told that speak of it."""
    ((was_on,),) = query(connection, "PRAGMA legacy_alter_table")
    query(connection, "PRAGMA legacy_alter_table=ON")
    try:
        yield
    finally:
        query(connection, f"PRAGMA legacy_alter_table={was_on}")


def _step_aside(table: StoredTable) -> str:
    """Give the table a temporary name, freed of what Alembic may have left there."""
    name = quote(temporary_name(table.name))
    aside = f"{quote(table.schema)}.{name}"
    query(table.connection, f"DROP TABLE IF EXISTS {aside}")
    now = Draft.of(table.text)
    plain = unqualified(now)
    if plain != now:  # a check that names its table would not find it
        write_text(table, plain.text.text)
    with _other_texts_untouched(table.connection):
        query(table.connection, f"ALTER TABLE {table.full_name} RENAME TO {name}")
    return aside


def _hand_on_sequence(table: StoredTable) -> None:
    """Let AUTOINCREMENT go on from the number that it has come to."""
    sequences = f"{quote(table.schema)}.sqlite_sequence"
    name, aside = literal(table.name), literal(temporary_name(table.name))
    query(table.connection, f"DELETE FROM {sequences} WHERE name = {name}")
    query(
        table.connection,
        f"INSERT INTO {sequences} (name, seq)"
        f" SELECT {name}, seq FROM {sequences} WHERE name = {aside}",
    )


def _kept_indexes(table: StoredTable, draft: Draft) -> tuple[SchemaText, ...]:
    """Return the indexes but for those that speak of a column that is gone."""
    names = [column.name for column in table.text.columns]
    return tuple(
        index
        for index in table.indexes
        if all(map(draft.has_column, index_columns(index.sql, names)))
    )


def _make(connection: Connection, schema: str, sql: str) -> None:
    """Make a thing from its text, which does not name the schema."""
    if schema != "main":
        words = sql.split(None, 3)
        place = 3 if words[1].upper() == "UNIQUE" else 2
        start = len(sql) - len(sql.split(None, place)[place])
        sql = f"{sql[:start]}{quote(schema)}.{sql[start:]}"
    query(connection, sql)


def _refuse_losses(
    table: StoredTable, draft: Draft, before: tuple[SchemaText, ...]
) -> None:
    """Raise if anything else in the schema is not what it was.

    Raises:
        MigrationFailed: with what is missing or differs.
    """
    kept = {index.name for index in _kept_indexes(table, draft)}
    dropped = {index.name for index in table.indexes} - kept
    leftover = temporary_name(table.name)
    wanted = {
        (text.kind, text.name): draft.text.text
        if _is_the_table(text, table)
        else text.sql
        for text in before
        if text.name not in dropped and folded(text.table) != folded(leftover)
    }
    after = {
        (text.kind, text.name): text.sql
        for text in all_texts(table.connection, table.schema)
    }
    differing = sorted(
        f"{kind} {name}"
        for kind, name in wanted.keys() | after.keys()
        if wanted.get((kind, name)) != after.get((kind, name))
        and not folded(name).startswith("sqlite_")
    )
    if differing:
        raise MigrationFailed(
            f"While {table.name} was altered, {', '.join(differing)} would have changed"
            " or gone.",
            "Nothing was changed. Please report this, with the table's definition.",
            table=table.name,
        )


def _is_the_table(text: SchemaText, table: StoredTable) -> bool:
    return text.kind == "table" and folded(text.name) == folded(table.name)


def _tell_what_rows_forbid(table: StoredTable, draft: Draft) -> None:
    """Raise with the rows that stand against the draft, if that can be told."""
    try:
        refuse_duplicates(table, draft)
        checks = (each.clause for each in places(draft.text))
        refuse_violations(
            table, (each for each in checks if each.kind is ClauseKind.CHECK)
        )
    except DBAPIError:  # a check may speak of a column that is new
        return
