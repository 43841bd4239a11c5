"""The parts of partitioned tables, and what PostgreSQL cannot change of those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alembic.operations import ops

from whimbrel.errors import Unalterable
from whimbrel.plan.columns import mentions
from whimbrel.plan.generic import changes_type
from whimbrel.plan.order import Task
from whimbrel.plan.postgresql_words import (
    listed,
    named,
    quoted,
    statement,
    table_sql,
    values_of,
)
from whimbrel.schema.changes import ColumnChange
from whimbrel.schema.state import Expression, State, Table


REMEDY = (
    "Write a script that makes a new table, copies the rows and takes the name; or say"
    " in the models what the database has."
)


PART_OF = "partition_of"


def partition_made(table: Table) -> ops.MigrateOperation | None:
    """Return what makes a table that is part of another one; None if it is not."""
    said = values_of(table.options)
    if PART_OF not in said:
        return None
    whole, bound = listed(said[PART_OF])
    unlogged = "UNLOGGED " if "unlogged" in said else ""
    words = [
        f"CREATE {unlogged}TABLE {table_sql(table.name)} PARTITION OF",
        whole,
        bound,
    ]
    if "partition_by" in said:
        words.append(f"PARTITION BY {said['partition_by']}")
    if "using" in said:
        words.append(f"USING {quoted(said['using'])}")
    if "tablespace" in said:
        words.append(f"TABLESPACE {quoted(said['tablespace'])}")
    return statement(" ".join(words))


def detached(
    name: str, old: Mapping[str, str], new: Mapping[str, str]
) -> Iterator[ops.MigrateOperation]:
    """Yield what takes a table out of that which it is a part of."""
    if PART_OF in old and old[PART_OF] != new.get(PART_OF):
        whole, _ = listed(old[PART_OF])
        yield statement(f"ALTER TABLE {whole} DETACH PARTITION {name}")


def parted_early(start: State, end: State) -> Iterator[ops.MigrateOperation]:
    """Yield what takes parts out of tables that stay, if they go or get other values.

    Another part may take the values that they have.
    """
    ends = {table.name: table for table in end.tables}
    parts = (table for table in start.tables if PART_OF in values_of(table.options))
    for table in sorted(parts, key=lambda each: each.name):
        old, after = values_of(table.options), ends.get(table.name)
        new = values_of(after.options) if after is not None else {}
        is_left = after is not None and PART_OF not in new
        if named(listed(old[PART_OF])[0]) in ends and not is_left:
            yield from detached(table_sql(table.name), old, new)


def attached(
    name: str, old: Mapping[str, str], new: Mapping[str, str]
) -> Iterator[ops.MigrateOperation]:
    """Yield what makes a table that is there a part of another one."""
    if PART_OF in new and new[PART_OF] != old.get(PART_OF):
        whole, bound = listed(new[PART_OF])
        yield statement(f"ALTER TABLE {whole} ATTACH PARTITION {name} {bound}")


def refuse_new_partitions(task: Task) -> None:
    """Let *task* pass, unless it parts a table in another way.

    Raises:
        Unalterable: how a table is partitioned, and by which columns, stays as it is.
    """
    if task.before is None or task.after is None:
        return
    old, new = _parting(task.before), _parting(task.after)
    if old != new:
        raise Unalterable(
            f"PostgreSQL cannot change how {task.name} is partitioned: it is"
            f" {old or 'not'}, and shall be {new or 'not'}.",
            REMEDY,
            table=str(task.name),
        )
    for change in task.changes:
        if old is not None and isinstance(change, ColumnChange):
            _refuse_on_key(task, change, old)


def _parting(table: Table) -> str | None:
    return values_of(table.options).get("partition_by")


def _refuse_on_key(task: Task, change: ColumnChange, parting: str) -> None:
    before, after = change.before, change.after
    if before is None or not mentions(Expression(parting, parting), before.name):
        return
    if after is None or changes_type(before, after):
        raise Unalterable(
            f"PostgreSQL cannot change the type of {task.name}.{before.name}: the table"
            f" is partitioned by it, {parting}.",
            REMEDY,
            table=str(task.name),
        )
