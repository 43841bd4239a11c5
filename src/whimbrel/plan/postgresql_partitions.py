"""What PostgreSQL cannot change of a partitioned table."""

from __future__ import annotations

from whimbrel.errors import Unalterable
from whimbrel.plan.columns import mentions
from whimbrel.plan.generic import changes_type
from whimbrel.plan.order import Task
from whimbrel.plan.postgresql_words import values_of
from whimbrel.schema.changes import ColumnChange
from whimbrel.schema.state import Expression, Table


REMEDY = (
    "Write a script that makes a new table, copies the rows and takes the name; or say"
    " in the models what the database has."
)


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
