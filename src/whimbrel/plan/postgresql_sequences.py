"""What is done to PostgreSQL's sequences, and to what they belong.

https://www.postgresql.org/docs/current/sql-altersequence.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from alembic.operations import ops

from whimbrel.plan.postgresql_columns import SERIALS, is_serial, serial_name
from whimbrel.plan.postgresql_counting import (
    alter_sequence,
    create_sequence,
    logged_sql,
    moved_sql,
)
from whimbrel.plan.postgresql_words import (
    literal,
    qualified,
    quoted,
    said_sql,
    statement,
    table_sql,
    values_of,
)
from whimbrel.schema.changes import (
    Change,
    ColumnChange,
    SequenceChange,
    reverse,
)
from whimbrel.schema.state import Column, Option, Sequence, TableName


ALONE = Option("serial", "on")
"""Of the sequence of a serial column, told as if it stood by itself."""


def sequence_changes(changes: Collection[Change]) -> Iterator[SequenceChange]:
    """Yield what becomes of sequences.

    One that a serial column counted by, and that stands by itself from now on, does
    not come but stays, be it by another name; neither does one go by which a column
    becomes serial.
    """
    losing = _losing(changes)
    gaining = _losing(each for each in map(reverse, changes) if _alters(each))
    for change in changes:
        if not isinstance(change, SequenceChange):
            continue
        before, after = change.before, change.after
        if before is None and after is not None:
            before = _found(after, losing)
        elif after is None and before is not None:
            after = _found(before, gaining)
        yield SequenceChange(before=before, after=after)


def _found(sequence: Sequence, others: Iterable[Sequence]) -> Sequence | None:
    """Return the one of *others* that *sequence* is: by its name, or by its column."""
    place, owner = (sequence.schema, sequence.name), _owner(sequence)
    for each in others:
        is_of_column = each.schema == sequence.schema and _owner(each) == owner
        if (each.schema, each.name) == place or is_of_column:
            return each
    return None


def _losing(changes: Iterable[Change]) -> list[Sequence]:
    """Return the sequences of columns that are serial no more, or go."""
    return [
        _own(change.table, change.before)
        for change in changes
        if isinstance(change, ColumnChange) and change.before
        if is_serial(change.before)
        if change.after is None or not is_serial(change.after)
    ]


def _alters(change: Change) -> bool:
    return isinstance(change, ColumnChange) and None not in (
        change.before,
        change.after,
    )


def _own(table: TableName, column: Column) -> Sequence:
    """Return the sequence of a serial column, as if it stood by itself."""
    owner = Option("owned_by", f"{table_sql(table)}.{quoted(column.name)}")
    spelling = column.type.spelling
    return Sequence(
        name=serial_name(table, column.name),
        schema=table.schema,
        type=spelling if spelling in SERIALS and spelling != "bigint" else None,
        options=frozenset({owner, ALONE}),
    )


def sequence_operations(
    change: SequenceChange, *, are_tables_done: bool
) -> Iterator[ops.MigrateOperation]:
    """Yield what makes, alters or drops a sequence.

    A sequence goes with the column that owns it.  So the old owner lets it go before
    the tables change, and it is given to the new one when they are as they shall be.

    Args:
        change: what becomes of the sequence.
        are_tables_done: whether the tables have become what they shall be.
    """
    before, after = change.before, change.after
    thing = after or before
    assert thing is not None
    name = qualified(thing.name, thing.schema)
    old, new = _owner(before), _owner(after)
    is_given = old != new or _counted_alone(before) != _counted_alone(after)
    if not are_tables_done:
        if before is not None and after is not None and before.name != after.name:
            called = qualified(before.name, before.schema)
            yield statement(f"ALTER SEQUENCE {called} RENAME TO {quoted(after.name)}")
        if old and is_given:
            yield statement(f"ALTER SEQUENCE {name} OWNED BY NONE")
        yield from _made(before, after, name)
    elif after is None:
        yield statement(f"DROP SEQUENCE {name}")
    elif new and is_given:
        yield statement(f"ALTER SEQUENCE {name} OWNED BY {new}")


def _counted_alone(sequence: Sequence | None) -> bool:
    """Whether a serial column counts by the sequence, which would go with that."""
    return sequence is not None and ALONE in sequence.options


def _made(
    before: Sequence | None, after: Sequence | None, name: str
) -> Iterator[ops.MigrateOperation]:
    if after is None:
        return
    if before is None:
        yield statement(create_sequence(after))
    else:
        old, new = values_of(before.options), values_of(after.options)
        for sql in (
            logged_sql(old, new, name),
            moved_sql(old, new, name, literal(name)),
            alter_sequence(before, after),
        ):
            if sql:
                yield statement(sql)
    comment = values_of(after.options).get("sequence_comment")
    if comment != (before and values_of(before.options).get("sequence_comment")):
        yield statement(said_sql(f"SEQUENCE {name}", comment))


def _owner(sequence: Sequence | None) -> str | None:
    return values_of(sequence.options).get("owned_by") if sequence else None
