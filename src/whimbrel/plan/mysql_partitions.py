"""Tables of MySQL and MariaDB are partitioned, and in another way, or no more.

https://mariadb.com/kb/en/partitioning-tables/.  No row is lost: where one has no
partition to go to, the server refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from whimbrel.errors import Unalterable
from whimbrel.plan.columns import mentions
from whimbrel.plan.mysql_text import values
from whimbrel.plan.order import Task
from whimbrel.schema.changes import ColumnChange, TableFacts
from whimbrel.schema.state import Expression, PrimaryKey, Table, Unique


KEY = "partition_by"
"""The option of a table that tells all that stands behind PARTITION BY."""

HAVE_LISTS = ("RANGE", "LIST")

_CALLED = re.compile(r"\w+\s*(?=\()")


def ending(task: Task, before: TableFacts, after: TableFacts) -> Iterator[str]:
    """Yield the clause that ends the partitions, before columns and keys change.

    Those that only become others go for a while where what they stand on changes.
    """
    old, new = parting(before), parting(after)
    if old is not None and old != new and (new is None or _shakes(task, old)):
        yield "REMOVE PARTITIONING"


def beginning(before: TableFacts, after: TableFacts) -> Iterator[str]:
    """Yield the clause that makes the partitions what they shall be."""
    old, new = parting(before), parting(after)
    if new is None or new == old:
        return
    more = _more(old, new)
    yield f"ADD PARTITION ({more})" if more else f"PARTITION BY {new}"


def is_late(name: str, value: str) -> bool:
    """Whether an option of a table tells of partitions that ``CREATE TABLE`` cannot.

    Drivers take a per cent sign in it for a parameter, and SQLAlchemy lets them; a
    history that is parted must be there.
    """
    return name == KEY and ("%" in value or value.startswith("SYSTEM_TIME"))


def parting(facts: TableFacts | Table) -> str | None:
    """Return how a table is partitioned, None if it is not."""
    return values(facts.options).get(KEY)


def refuse_new_name(table: Table, before: str, after: str) -> None:
    """Let a column get another name, unless MySQL parts the table by it.

    Raises:
        Unalterable: it does; a new name and the partitions anew are one statement,
            which writes the whole table.
    """
    said = parting(table)
    if said is None:
        return
    head = _CALLED.sub("", said.partition("(PARTITION ")[0])
    if mentions(Expression(head, head), before):
        raise Unalterable(
            f"MySQL cannot rename {table.name}.{before}: the table is partitioned by"
            f" it, {said}.",
            "Leave the column its name, or let a script that is written by hand do it"
            " together with the partitions, which writes the table anew: ALTER TABLE"
            f" {table.name} RENAME COLUMN {before} TO {after} PARTITION BY ...",
            table=str(table.name),
            column=before,
        )


def _more(old: str | None, new: str) -> str:
    """Return the partitions that come behind all of the *old* ones."""
    if old is None or not old.startswith(HAVE_LISTS) or not old.endswith(")"):
        return ""
    start = f"{old[:-1]}, "
    return new[len(start) : -1] if new.startswith(f"{start}PARTITION ") else ""


def _shakes(task: Task, parting: str) -> bool:
    """Whether a task touches what the partitions of a table stand on."""
    said = Expression(parting, parting)
    changed = (each.before for each in task.changes if isinstance(each, ColumnChange))
    return any(isinstance(each, PrimaryKey | Unique) for each in task.going) or any(
        column is not None and mentions(said, column.name) for column in changed
    )
