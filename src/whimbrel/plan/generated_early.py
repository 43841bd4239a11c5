"""Generated columns of heirs that go before what they are made from, which is kin's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from whimbrel.plan.columns import dependents_first, ends_generated
from whimbrel.plan.generic import Forms
from whimbrel.plan.order import Task, Verb
from whimbrel.schema.changes import Change, ColumnChange
from whimbrel.schema.state import Column, Table, TableName


def gone_early(forms: Forms, tasks: Iterable[Task]) -> dict[TableName, list[Column]]:
    """Return the columns that go before all tasks, in that order, by their tables.

    No statement about a parent's column can make a way for itself there.
    """
    altered = {task.name: task for task in tasks if task.verb is Verb.ALTER}
    found = {
        name: [*dependents_first(_ending(forms, task.changes))]
        for name, task in altered.items()
        if not altered.keys().isdisjoint(task.parents)
    }
    return {name: columns for name, columns in found.items() if columns}


def _ending(forms: Forms, changes: Iterable[Change]) -> Iterator[Column]:
    for change in changes:
        if isinstance(change, ColumnChange) and ends_generated(forms, change):
            yield from (each for each in (change.before,) if each is not None)


def without(forms: Forms, task: Task, columns: Iterable[Column]) -> Task:
    """Return *task* where some of the *columns* of its table are gone already."""
    gone = {column.name for column in columns}
    if task.verb is not Verb.ALTER or not gone or task.before is None:
        return task
    return replace(
        task,
        changes=tuple(_left(forms, task.changes)),
        before=_narrowed(task.before, gone),
    )


def _left(forms: Forms, changes: Iterable[Change]) -> Iterator[Change]:
    for change in changes:
        if not isinstance(change, ColumnChange) or not ends_generated(forms, change):
            yield change
        elif change.after is not None:
            yield replace(change, before=None)


def _narrowed(table: Table, gone: Iterable[str]) -> Table:
    columns = tuple(each for each in table.columns if each.name not in gone)
    return replace(table, columns=columns)
