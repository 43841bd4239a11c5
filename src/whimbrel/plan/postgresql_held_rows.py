"""What holds rows of tables, columns and types: made behind those, and gone before.

A table is a type too.  So a column, an attribute, a domain may be of it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from whimbrel.plan.order import Key, Task, Verb
from whimbrel.plan.postgresql_footings import (
    PART,
    footing_dropped,
    footing_made,
    footing_operations,
)
from whimbrel.plan.postgresql_words import named, values_of
from whimbrel.plan.standing_forms import Around
from whimbrel.schema.changes import FootingChange
from whimbrel.schema.state import Column, Footing, State, Table, TableName


_SUBTYPE = re.compile(r" AS RANGE \(SUBTYPE = (.+?)[,)]")


@dataclass(frozen=True, slots=True)
class Holding:
    """Of which types others are made; a table's name is that of a type, too."""

    parts: Mapping[TableName, frozenset[TableName]]

    def within(self, types: Iterable[TableName]) -> set[TableName]:
        """Return *types*, and all that their values are made of."""
        found: set[TableName] = set()
        left = [*types]
        while left:
            each = left.pop()
            if each not in found:
                found.add(each)
                left += self.parts.get(each, ())
        return found

    def of_footing(self, footing: Footing) -> set[TableName]:
        """Return all that the values of a type are made of."""
        return self.within([TableName(footing.name, footing.schema)])

    def of_table(self, table: Table | None) -> set[TableName]:
        """Return the types of a table's columns, and what those are made of."""
        columns = table.columns if table is not None else ()
        return {name for each in columns for name in self.of_column(each)}

    def of_column(self, column: Column) -> set[TableName]:
        """Return the type of a column, and all that its values are made of."""
        return self.within([_type(column.type.spelling)])


def holding(footings: Iterable[Footing]) -> Holding:
    """Return of which types those among *footings* are made."""
    found: dict[TableName, frozenset[TableName]] = {}
    for each in footings:
        name = TableName(each.name, each.schema)
        found[name] = found.get(name, frozenset()) | {*_made_of(each)}
    return Holding(found)


def _made_of(footing: Footing) -> Iterator[TableName]:
    said = values_of(footing.says)
    attributes = (said[each] for each in said if each.startswith(PART))
    bases = (said[each] for each in said if each == "type")
    for written in attributes if "attributes" in said else bases:
        yield _type(written.partition(" COLLATE ")[0])
    yield from map(_type, _SUBTYPE.findall(footing.made))


def _type(spelling: str) -> TableName:
    return named(spelling.removesuffix("[]"))


def demanded(tasks: list[Task], holds: Holding) -> Iterator[tuple[Task, Task]]:
    """Yield the pairs of tasks of which the one must come first, for rows are held."""
    by_table: dict[TableName, list[Task]] = defaultdict(list)
    for task in tasks:
        by_table[task.name].append(task)
    for task in tasks:
        was, becomes = map(holds.of_table, (task.before, task.after))
        for name in (was | becomes) & {*by_table} - {task.name}:
            for other in by_table[name]:
                begins = other.verb is Verb.ALTER and name not in was
                ends = other.verb is Verb.ALTER and name not in becomes
                if name in becomes and (begins or other.verb is Verb.CREATE):
                    yield other, task
                elif name in was and (ends or other.verb is Verb.DROP):
                    yield task, other


def waits(footing: Footing, start: State, end: State, holds: Holding) -> bool:
    """Whether a type holds rows of tables that are yet to be made."""
    new = {each.name for each in end.tables} - {each.name for each in start.tables}
    return not new.isdisjoint(holds.of_footing(footing))


def holds_going(footing: Footing, tasks: Iterable[Task], holds: Holding) -> bool:
    """Whether a type holds rows of a table that is dropped."""
    return bool(_holders(tasks, Verb.DROP, footing, holds))


def around(
    tasks: tuple[Task, ...],
    altered: Iterable[FootingChange],
    going: Iterable[Footing],
    coming: Iterable[Footing],
    holds: Holding,
) -> dict[Key, Around]:
    """Return what is done with types that hold rows of the tables of *tasks*.

    Args:
        tasks: the tasks in their order.
        altered: what becomes of types that are there.
        going: the types that go, each behind what it is made of.
        coming: the types that come, likewise.
        holds: what types are made of.
    """
    found: dict[Key, Around] = defaultdict(lambda: Around([], []))
    for each in going:
        for task in _holders(tasks, Verb.DROP, each, holds)[:1]:
            found[task.key].ahead.insert(0, footing_dropped(each))
    new = [(each, footing_made(each)) for each in coming]
    new += [(e.after, footing_operations(e)) for e in altered if e.after is not None]
    for each, operations in new:
        for task in _holders(tasks, Verb.CREATE, each, holds)[-1:]:
            found[task.key].behind.extend(operations)
    return found


def _holders(
    tasks: Iterable[Task], verb: Verb, footing: Footing, holds: Holding
) -> list[Task]:
    """Return the tasks that make, or drop, tables whose rows a type holds."""
    names = holds.of_footing(footing)
    return [task for task in tasks if task.verb is verb and task.name in names]
