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


def sequence_changes(changes: Collection[Change]) -> Iterator[SequenceChange]:
    """Yield what becomes of sequences.

    One that a serial column counted by, and that stands by itself from now on, does
    not come but stays; neither does one go by which a column becomes serial.
    """
    losing, gaining = _losing(changes), _losing(map(reverse, changes))
    for change in changes:
        if not isinstance(change, SequenceChange):
            continue
        before, after = change.before, change.after
        if before is None and after is not None:
            before = losing.get((after.schema, after.name))
        elif after is None and before is not None:
            after = gaining.get((before.schema, before.name))
        yield SequenceChange(before=before, after=after)


Place = tuple[str | None, str]


def _losing(changes: Iterable[Change]) -> dict[Place, Sequence]:
    """Return the sequences of columns that are serial no more."""
    return {
        (own.schema, own.name): own
        for change in changes
        if isinstance(change, ColumnChange) and change.before and change.after
        if is_serial(change.before) and not is_serial(change.after)
        for own in [_own(change.table, change.before)]
    }


def _own(table: TableName, column: Column) -> Sequence:
    """Return the sequence of a serial column, as if it stood by itself."""
    owner = Option("owned_by", f"{table_sql(table)}.{quoted(column.name)}")
    spelling = column.type.spelling
    return Sequence(
        name=serial_name(table, column.name),
        schema=table.schema,
        type=spelling if spelling in SERIALS and spelling != "bigint" else None,
        options=frozenset({owner}),
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
    if not are_tables_done:
        if old and old != new:
            yield statement(f"ALTER SEQUENCE {name} OWNED BY NONE")
        yield from _made(before, after, name)
    elif after is None:
        yield statement(f"DROP SEQUENCE {name}")
    elif new and old != new:
        yield statement(f"ALTER SEQUENCE {name} OWNED BY {new}")


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
