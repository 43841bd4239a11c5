"""What is done to PostgreSQL's sequences, and to what they belong.

https://www.postgresql.org/docs/current/sql-altersequence.html
"""

from __future__ import annotations

from collections.abc import Iterator

from alembic.operations import ops

from whimbrel.plan.postgresql_words import (
    alter_sequence,
    create_sequence,
    qualified,
    said_sql,
    statement,
    values_of,
)
from whimbrel.schema.changes import SequenceChange
from whimbrel.schema.state import Sequence


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
    sql = create_sequence(after) if before is None else alter_sequence(before, after)
    if sql:
        yield statement(sql)
    comment = values_of(after.options).get("sequence_comment")
    if comment != (before and values_of(before.options).get("sequence_comment")):
        yield statement(said_sql(f"SEQUENCE {name}", comment))


def _owner(sequence: Sequence | None) -> str | None:
    return values_of(sequence.options).get("owned_by") if sequence else None
