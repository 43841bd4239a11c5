"""Tables of MariaDB that keep the history of their rows.

https://mariadb.com/kb/en/system-versioned-tables/
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from alembic.operations import ops

from whimbrel.errors import Unalterable
from whimbrel.plan.generic import Forms
from whimbrel.plan.mysql_text import execute, values
from whimbrel.plan.order import Task
from whimbrel.plan.step import Moment
from whimbrel.schema.changes import TableFacts
from whimbrel.schema.state import NO_OPTIONS, Column, Options, State, Table, TableName


KEY = "system_versioning"
"""The option of a table whose rows have a history."""

PERIODS = ("ROW START", "ROW END")
"""What generates the columns that tell of a row's time, where they have a name."""


def keeps_history(thing: Table | TableFacts) -> bool:
    """Whether the rows of a table have a history."""
    return KEY in values(thing.options)


def turning(before: TableFacts, after: TableFacts) -> Iterator[str]:
    """Yield the clause by which the history begins, or ends with all that it holds."""
    old, new = keeps_history(before), keeps_history(after)
    if old != new:
        yield f"{'DROP' if old else 'ADD'} SYSTEM VERSIONING"


def is_kept(column: Column) -> bool:
    """Whether a table that keeps a history keeps that of a column."""
    return "unversioned" not in values(column.options)


class HistoryForms(Forms):
    """How columns change in a table that keeps a history: of one it always does."""

    def are_enough(self, columns: Collection[Column], task: Task) -> bool:
        """Whether a table may have no more than *columns* for a while.

        One that keeps a history must keep that of a column.
        """
        tables = [each for each in (task.before, task.after) if each is not None]
        if all(map(keeps_history, tables)):
            return any(map(is_kept, columns))
        return bool(columns)

    def moment(self, before: Column, after: Column) -> Moment | None:
        """Return when a column changes: one has its history before others have none."""
        if is_kept(before) == is_kept(after):
            return None
        return Moment.LATE if is_kept(before) else Moment.EARLY


def is_altered(start: State, end: State) -> bool:
    """Whether tables with a history are altered, which the server must be told."""
    left = {table.name: table for table in end.tables}
    pairs = [(table, left[table.name]) for table in start.tables if table.name in left]
    return any(
        before != after if keeps_history(before) else _is_begun_early(before, after)
        for before, after in pairs
    ) or any("unversioned" in values(c.options) for t in end.tables for c in t.columns)


def _is_begun_early(before: Table, after: Table) -> bool:
    """Whether a history begins before the columns of its table are as they shall be."""
    return keeps_history(after) and before.columns != after.columns


def allowing(*, is_end: bool) -> ops.ExecuteSQLOp:
    """Return what lets the history be altered with its table, or no more."""
    value = "DEFAULT" if is_end else "KEEP"
    return execute(f"SET SESSION system_versioning_alter_history = {value}")


OVERLAPS, PERIOD = "without_overlaps", "period"
"""What is said of a key, and of a table, that has a period of an application's own."""


def refuse_own_period(
    name: TableName, *said: Options, but: Options = NO_OPTIONS
) -> None:
    """Let a table pass, unless a period of an application's own is made or altered.

    Args:
        name: the table.
        said: the options of the table, and of its keys.
        but: what is there already.

    Raises:
        Unalterable: no generated script says such a period.
    """
    for option in frozenset().union(*said) - but:
        if option.name in (OVERLAPS, PERIOD):
            raise Unalterable(
                f"{name} has a period of its own, {option.value}, and generated scripts"
                " cannot make, alter or drop one, nor a key WITHOUT OVERLAPS.",
                "Make the two tables alike by hand, with ALTER TABLE ... ADD PERIOD FOR"
                " and ADD UNIQUE (..., ... WITHOUT OVERLAPS), or leave the table out:"
                " --exclude.",
                table=str(name),
            )


def refuse_periods(table: Table, columns: Iterable[Column]) -> None:
    """Let *columns* pass, unless they tell of the times of a table's rows.

    Raises:
        Unalterable: no statement of a script makes or drops such columns.
    """
    for column in columns:
        computed = column.computed
        if computed is not None and computed.expression.canonical in PERIODS:
            raise Unalterable(
                f"{table.name}.{column.name} tells since or until when a row is valid,"
                " and generated scripts cannot make, alter or drop such a column.",
                "Make the two tables alike by hand, with ALTER TABLE ... ADD PERIOD FOR"
                " SYSTEM_TIME, or leave the table out: --exclude.",
                table=str(table.name),
            )
