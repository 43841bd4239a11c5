"""What must come before what: the tasks of a plan, one for each table, in order."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import partial
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TypeAlias, TypeVar

from alembic.operations import ops

from whimbrel.schema.changes import Change, ColumnChange
from whimbrel.schema.state import (
    Constraint,
    ForeignKey,
    Index,
    PrimaryKey,
    Table,
    TableName,
    Unique,
)


Thing: TypeAlias = Constraint | Index
"""What stands in a table beside its columns."""

Demanded: TypeAlias = Callable[[list["Task"]], Iterable[tuple["Task", "Task"]]]

Key: TypeAlias = tuple[int, str, str]

Served: TypeAlias = Callable[[Iterable[Thing]], set[tuple[str, ...]]]
"""Things in, the columns out to which foreign keys can refer by them."""


class Verb(IntEnum):
    """What happens to a table, in the order in which a reader expects it."""

    CREATE = 1
    ALTER = 2
    DROP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A constraint or an index that becomes another where it stands."""

    before: Thing
    after: Thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """One statement that alters columns, and drops and makes *things* with them."""

    operation: ops.MigrateOperation
    things: frozenset[Thing]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """What happens to one table.

    Args:
        verb: whether it is made, altered or dropped.
        name: the table's name while that happens.
        changes: the changes that are served.
        before: the table as it was.
        after: the table as it shall be.
        going: the constraints and indexes that are dropped, be it for a while.
        coming: the constraints and indexes that are made.
        turned: what becomes another without being dropped.
        retyped: the columns whose type becomes another, so that the foreign keys
            that lead from them, or to them, must go for a while.
        parents: the tables that it is made from, before or after.
    """

    verb: Verb
    name: TableName
    changes: tuple[Change, ...]
    before: Table | None = None
    after: Table | None = None
    going: tuple[Thing, ...] = ()
    coming: tuple[Thing, ...] = ()
    turned: tuple[Turn, ...] = ()
    retyped: frozenset[str] = frozenset()
    parents: frozenset[TableName] = frozenset()

    @property
    def key(self) -> Key:
        """What the tasks are ordered by where nothing else demands an order."""
        return (self.verb, self.name.schema or "", self.name.name)

    def withdraws(self, columns: tuple[str, ...], served: Served) -> bool:
        """Whether *columns*, or their being a key, is there no more afterwards."""
        touched = (each.before for each in _column_changes(self.changes))
        names = {column.name for column in touched if column is not None}
        names |= self.retyped
        return not names.isdisjoint(columns) or columns in served(self.going)

    def provides(self, columns: tuple[str, ...], served: Served) -> bool:
        """Whether *columns*, or their being a key, is not there until afterwards."""
        touched = (each.after for each in _column_changes(self.changes))
        names = {column.name for column in touched if column is not None}
        names |= self.retyped
        return not names.isdisjoint(columns) or columns in served(self.coming)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """The tasks in order, and what cannot wait for its task or must wait longer.

    Args:
        tasks: the tasks in an order that every database can run.
        early: what is dropped before all of them, by table.
        late: the foreign keys that are added after all of them, by table.
    """

    tasks: tuple[Task, ...]
    early: dict[TableName, tuple[Thing, ...]] = field(default_factory=dict)
    late: dict[TableName, tuple[Constraint, ...]] = field(default_factory=dict)


def arrange(
    tasks: Iterable[Task],
    current: Iterable[Table],
    *,
    can_split: bool,
    sharing: tuple[type[Thing], ...] = (Index,),
    any_index_serves: bool = False,
    demanded: Demanded = lambda _: (),
) -> Arrangement:
    """Return *tasks* in the order in which they can be carried out.

    Args:
        tasks: what happens, at most one task of a kind for each table.
        current: the tables that are there before.
        can_split: whether a foreign key may be dropped before, or added after,
            the task that it belongs to; otherwise keys do not hold tasks up
            that wait for each other.
        sharing: of what two tables cannot have one of the same name.
        any_index_serves: whether a foreign key may refer to what stands first in an
            index that is not unique.
        demanded: tasks in, the pairs of them out that have an order beside all that.
    """
    served = _prefixes if any_index_serves else _keys
    ready = sorted(_unturned([*tasks], served), key=lambda task: task.key)
    early: dict[TableName, set[Thing]] = defaultdict(set)
    late: dict[TableName, set[Constraint]] = defaultdict(set)
    for task, thing in _moving(ready, sharing):
        early[task.name].add(thing)
        for name, key in _keys_going_from(thing, task.name, ready):
            early[name].add(key)
    for task in _children_of_altered(ready):
        early[task.name] |= {*task.going}
    edges = _edges(ready, served, demanded(ready))
    done, broken = _sorted(ready, edges)
    if can_split:
        for edge in broken:
            for reason in edges[edge].keys:
                (late if reason.is_coming else early)[reason.task.name].add(reason.key)
        for name, key in _keys_standing_on_others(ready, current, served):
            early[name].add(key)
            late[name].add(key)
    return Arrangement(
        tasks=tuple(done),
        early={name: _by_name(early[name]) for name in sorted(early, key=_sortable)},
        late={name: _by_name(late[name]) for name in sorted(late, key=_sortable)},
    )


Pair = tuple[Key, Key]


@dataclass(frozen=True, slots=True)
class _Reason:
    """A foreign key of a task, which comes or goes."""

    task: Task
    key: ForeignKey
    is_coming: bool


@dataclass(slots=True)
class _Edge:
    """Why one task comes before another; a firm reason outweighs foreign keys."""

    keys: list[_Reason] = field(default_factory=list)
    is_firm: bool = False


def _edges(
    tasks: list[Task], served: Served, demanded: Iterable[tuple[Task, Task]]
) -> dict[Pair, _Edge]:
    """Return which task comes before which other one, and why."""
    edges: dict[Pair, _Edge] = defaultdict(_Edge)
    for first, second, reason in _key_edges(tasks, served):
        edges[first.key, second.key].keys.append(reason)
    for first, second in (*_replacements(tasks), *_descents(tasks), *demanded):
        edges[first.key, second.key].is_firm = True
    return edges


def _key_edges(
    tasks: list[Task], served: Served
) -> Iterator[tuple[Task, Task, _Reason]]:
    """Yield the pairs of tasks of which foreign keys demand an order."""
    by_table: dict[TableName, list[Task]] = defaultdict(list)
    for task in tasks:
        by_table[task.name].append(task)
        for parent in task.parents if task.verb is Verb.DROP else ():
            by_table[parent].append(task)  # what refers to the whole refers to a part
    for task in tasks:
        for key in _foreign_keys(task.going):
            waiting = partial(_must_wait_for_drop, key=key, served=served)
            for other in _others(by_table[key.target], task, waiting):
                yield task, other, _Reason(task, key, is_coming=False)
        for key in _foreign_keys(task.coming):
            first = partial(_must_come_first, key=key, served=served)
            for other in _others(by_table[key.target], task, first):
                yield other, task, _Reason(task, key, is_coming=True)


def _others(
    tasks: Iterable[Task], task: Task, concerns: Callable[[Task], bool]
) -> list[Task]:
    """Return the tasks beside *task* that something of it *concerns*."""
    return [other for other in tasks if other is not task and concerns(other)]


def _must_wait_for_drop(other: Task, key: ForeignKey, served: Served) -> bool:
    """Whether a foreign key must be gone before *other* happens to its target."""
    return other.verb is Verb.DROP or (
        other.verb is Verb.ALTER and other.withdraws(key.target_columns, served)
    )


def _must_come_first(other: Task, key: ForeignKey, served: Served) -> bool:
    """Whether *other* must happen to its target before a foreign key is added."""
    return other.verb is Verb.CREATE or (
        other.verb is Verb.ALTER and other.provides(key.target_columns, served)
    )


def _replacements(tasks: list[Task]) -> Iterator[tuple[Task, Task]]:
    """Yield tables that go, with those that come under the same name but for case."""
    going = {_folded(task.name): task for task in tasks if task.verb is Verb.DROP}
    for task in tasks:
        if task.verb is Verb.CREATE and _folded(task.name) in going:
            yield going[_folded(task.name)], task


def _descents(tasks: list[Task]) -> Iterator[tuple[Task, Task]]:
    """Yield tables that come before those made from them, or go after them."""
    for task in tasks:
        for other in tasks:
            if other.name not in task.parents or other is task:
                continue
            if other.verb is Verb.DROP:
                yield task, other
            elif task.verb is not Verb.DROP:
                yield other, task


def _children_of_altered(tasks: list[Task]) -> Iterator[Task]:
    """Yield the altered tables that are made from others which are altered.

    What goes from them must be gone before a column of those goes.
    """
    altered = {task.name for task in tasks if task.verb is Verb.ALTER}
    for task in tasks:
        if task.name in altered and not altered.isdisjoint(task.parents):
            yield task


def _folded(name: TableName) -> tuple[str, str]:
    return (name.schema or "").casefold(), name.name.casefold()


def _keys_going_from(
    thing: Thing, table: TableName, tasks: Iterable[Task]
) -> Iterator[tuple[TableName, ForeignKey]]:
    """Yield the foreign keys that go, and may stand on *thing* if it is an index."""
    columns = {e.column for e in thing.parts} if isinstance(thing, Index) else None
    for task in tasks:
        for each in task.going:
            if not isinstance(each, ForeignKey) or each.target != table:
                continue
            if set(each.target_columns) == columns:
                yield task.name, each


def _moving(
    tasks: list[Task], kinds: tuple[type[Thing], ...]
) -> Iterator[tuple[Task, Thing]]:
    """Yield what of *kinds* goes, and has a name that one of another table takes."""
    takers: dict[tuple[str, str], set[Key]] = defaultdict(set)
    for task in tasks:
        for thing in task.coming:
            if isinstance(thing, kinds):
                takers[task.name.schema or "", thing.name.casefold()].add(task.key)
    for task in tasks:
        for thing in task.going:
            name = task.name.schema or "", thing.name.casefold()
            if isinstance(thing, kinds) and takers.get(name, set()) - {task.key}:
                yield task, thing


def _unturned(tasks: list[Task], served: Served) -> Iterator[Task]:
    """Yield the tasks; a foreign key does not turn where what it stands on goes."""
    altered = {task.name: task for task in tasks if task.verb is Verb.ALTER}
    for task in tasks:
        loose = [
            turn
            for turn in task.turned
            if isinstance(turn.before, ForeignKey)
            if _is_loose(turn.before, task.name, altered, served)
        ]
        yield replace(
            task,
            turned=tuple(turn for turn in task.turned if turn not in loose),
            going=(*task.going, *(turn.before for turn in loose)),
            coming=(*task.coming, *(turn.after for turn in loose)),
        )


def _is_loose(
    key: ForeignKey, table: TableName, altered: dict[TableName, Task], served: Served
) -> bool:
    """Whether what a foreign key refers to goes, or gets another type."""
    target = altered.get(key.target)
    is_gone = target is not None and key.target_columns in served(target.going)
    return is_gone or _is_retyped(key, table, altered)


def _keys_standing_on_others(
    tasks: list[Task], current: Iterable[Table], served: Served
) -> Iterator[tuple[TableName, ForeignKey]]:
    """Yield the foreign keys that stay although what they stand on does not.

    The key that they refer to goes, or a column at either end gets another type.
    """
    altered = {task.name: task for task in tasks if task.verb is Verb.ALTER}
    busy = {task.name: task for task in tasks}
    for table in sorted(current, key=lambda each: _sortable(each.name)):
        task = busy.get(table.name)
        going = task.going if task is not None else ()
        for key in _foreign_keys(table.constraints):
            if _is_loose(key, table.name, altered, served) and key not in going:
                yield table.name, key


def _is_retyped(
    key: ForeignKey, table: TableName, altered: dict[TableName, Task]
) -> bool:
    """Whether a column at either end of a foreign key gets another type."""
    ends = ((table, key.columns), (key.target, key.target_columns))
    return any(
        name in altered and not altered[name].retyped.isdisjoint(columns)
        for name, columns in ends
    )


def _sorted(
    tasks: list[Task], edges: dict[Pair, _Edge]
) -> tuple[list[Task], list[Pair]]:
    """Return the tasks in order, and the edges that had to be broken for it."""
    left = dict(edges)
    broken: list[Pair] = []
    while True:
        sorter: TopologicalSorter[Key] = TopologicalSorter(
            {task.key: () for task in tasks}
        )
        for first, second in sorted(left):
            sorter.add(second, first)
        try:
            sorter.prepare()
        except CycleError as error:
            edge = _weakest(error.args[1], left)
            del left[edge]
            broken.append(edge)
        else:
            by_key = {task.key: task for task in tasks}
            return [by_key[key] for key in _drained(sorter)], broken


def _weakest(cycle: list[Key], edges: dict[Pair, _Edge]) -> Pair:
    """Return the edge of a circle by which it is opened: one of foreign keys only.

    What comes first by name need not wait, so that the order reads naturally.
    """
    return min(pairwise(cycle), key=lambda pair: (edges[pair].is_firm, pair[1]))


def _drained(sorter: TopologicalSorter[Key]) -> Iterator[Key]:
    """Yield all keys in order; the smallest first where the order is free."""
    heap: list[Key] = []
    while sorter.is_active():
        for key in sorter.get_ready():
            heapq.heappush(heap, key)
        key = heapq.heappop(heap)
        yield key
        sorter.done(key)


def _column_changes(changes: Iterable[Change]) -> Iterator[ColumnChange]:
    return (each for each in changes if isinstance(each, ColumnChange))


def _keys(things: Iterable[Thing]) -> set[tuple[str, ...]]:
    """Return the columns of what a foreign key can refer to."""
    found = set()
    for thing in things:
        if isinstance(thing, PrimaryKey | Unique):
            found.add(thing.columns)
        elif isinstance(thing, Index) and thing.unique:
            found.add(tuple(part.column or "" for part in thing.parts))
    return found


def _prefixes(things: Iterable[Thing]) -> set[tuple[str, ...]]:
    """Return the columns that stand first in the indexes of *things*."""
    things = [*things]
    found = _keys(things)
    for thing in things:
        if isinstance(thing, Index):
            found.add(tuple(part.column or "" for part in thing.parts))
    return {key[:count] for key in found for count in range(1, len(key) + 1)}


def _foreign_keys(things: Iterable[Thing]) -> list[ForeignKey]:
    keys = (each for each in things if isinstance(each, ForeignKey))
    return sorted(keys, key=lambda key: (key.name, repr(key)))


T = TypeVar("T", bound=Thing)


def _by_name(things: Iterable[T]) -> tuple[T, ...]:
    return tuple(sorted(things, key=lambda each: (each.name, repr(each))))


def _sortable(name: TableName) -> tuple[str, str]:
    return name.schema or "", name.name
