"""The indexes that foreign keys of MySQL and MariaDB need, and what hangs on them.

https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from whimbrel.plan.mysql_names import name_of_index
from whimbrel.plan.mysql_text import values
from whimbrel.plan.order import Task, Thing
from whimbrel.schema.state import (
    Constraint,
    ForeignKey,
    Index,
    IndexPart,
    Naming,
    PrimaryKey,
    Table,
    Unique,
)


MOST_NUMBERED = 10
"""Fewer keys than these are called in the order in which they are written."""


def entailed(task: Task, *, is_mariadb: bool) -> Task:
    """Return *task* with the indexes that go with their keys, and the keys in need.

    A foreign key that stays goes for a while when the index that it needs does, or
    when a column at one of its ends gets another type; the server makes an index of
    its own when it comes again.  When a foreign key goes, that index is left.
    """
    if task.before is None or task.after is None:
        return task
    renamed = {turn.before for turn in task.turned}
    going, coming = set(task.going), set(task.coming)
    for key in _keys(task.before.constraints & task.after.constraints):
        is_served = any(
            serves(each, key, is_mariadb=is_mariadb)
            for each in (task.before.constraints | task.before.indexes) - going
        )
        needs = not is_served and any(
            serves(each, key, is_mariadb=is_mariadb) for each in going
        )
        if needs or _is_retyped(key, task):
            going.add(key)
            coming.add(key)
    going |= set(_left_behind(task.before, going - renamed, coming, is_mariadb))
    coming |= set(_own_indexes(task.before, task.after, going, coming, is_mariadb))
    return replace(task, going=_sorted(going), coming=_sorted(coming))


def with_indexes_of_keys(table: Table, late: frozenset[Constraint]) -> Table:
    """Return a new table so that the indexes of its foreign keys are called right.

    The server calls one after its key, if that has a name, else after the first
    column.  A key that is called as the server would is left without a name; for
    the others an index is made, and the server drops its own.
    """
    inside = [key for key in _keys(table.constraints) if key not in late]
    nameless: dict[Constraint, Constraint] = {}
    if _are_numbered(inside, table):
        nameless = {key: replace(key, naming=Naming.NONE) for key in inside}
    named = (key for key in _keys(table.constraints) if key not in nameless)
    indexes = (_index(key.index, key) for key in named if _calls_otherwise(key))
    return replace(
        table,
        constraints=frozenset(nameless.get(each, each) for each in table.constraints),
        indexes=table.indexes.union(indexes),
    )


def _calls_otherwise(key: ForeignKey) -> bool:
    """Whether the index of a key has a name that the server would not give it."""
    return key.index not in (None, key.name) and key.naming is not Naming.NONE


def _index(name: str | None, key: ForeignKey) -> Index:
    parts = tuple(IndexPart(column=column) for column in key.columns)
    return Index(name=name or key.name, parts=parts)


def _are_numbered(keys: list[ForeignKey], table: Table) -> bool:
    """Whether the server would call *keys* and their indexes as they are called."""
    if not 0 < len(keys) < MOST_NUMBERED:
        return False
    things = (*table.constraints, *table.indexes)
    named = (each for each in things if isinstance(each, Unique | Index))
    taken = {each.name.casefold() for each in named}
    firsts = [key.columns[0].casefold() for key in keys]
    written = [repr(key.columns) for key in keys]  # in this order scripts have them
    return (
        [key.name for key in keys]
        == [f"{table.name}_ibfk_{number}" for number, _ in enumerate(keys, 1)]
        and all(key.index in (None, key.columns[0]) for key in keys)
        and any(key.index is not None for key in keys)
        and len(set(firsts)) == len(firsts)
        and written == sorted(written)
        and taken.isdisjoint(firsts)
    )


def _own_indexes(
    before: Table,
    after: Table,
    going: set[Thing],
    coming: set[Thing],
    is_mariadb: bool,
) -> Iterator[Index]:
    """Yield the indexes of new keys that the server would call otherwise."""
    there = {*before.constraints, *before.indexes} - going | coming
    old = _keys(before.constraints)
    numbered = re.compile(rf"{re.escape(after.name.name)}_ibfk_\d+")
    for key in _keys(coming - going):
        is_served = any(
            serves(each, key, is_mariadb=is_mariadb) for each in there
        ) or any(each.columns[: len(key.columns)] == key.columns for each in old)
        if not is_served and _calls_otherwise(key) and not numbered.match(key.name):
            yield _index(key.index, key)


def serves(thing: Thing, key: ForeignKey, *, is_mariadb: bool) -> bool:
    """Whether a foreign key can use an index, or that of a constraint.

    MariaDB has no need of another one where an index descends.
    """
    match thing:
        case PrimaryKey() | Unique():
            return thing.columns[: len(key.columns)] == key.columns
        case Index():
            parts = thing.parts[: len(key.columns)]
            is_plain = not any(
                part.options or (part.descending and not is_mariadb) for part in parts
            )
            names = tuple(part.column for part in parts)
            return is_plain and names == key.columns and not _is_special(thing)
    return False


def _is_special(index: Index) -> bool:
    return "prefix" in values(index.options)


def _is_retyped(key: ForeignKey, task: Task) -> bool:
    """Whether the table itself gives a column at one end of *key* another type."""
    if not task.retyped.isdisjoint(key.columns):
        return True
    is_own = key.target == task.name
    return is_own and not task.retyped.isdisjoint(key.target_columns)


def _left_behind(
    before: Table, going: Iterable[Thing], coming: Iterable[Thing], is_mariadb: bool
) -> Iterator[Index]:
    """Yield the indexes that the server made for foreign keys that go for good."""
    going, coming = frozenset(going), frozenset(coming)
    listed = before.constraints | before.indexes
    others = _keys((before.constraints - going) | coming)
    shared = {key.columns: key.index for key in _keys(before.constraints) if key.index}
    for key in _keys(going):
        if any(each.columns[: len(key.columns)] == key.columns for each in others):
            continue
        if key.index is None and any(
            serves(each, key, is_mariadb=is_mariadb) for each in listed
        ):
            continue
        yield _index(shared.get(key.columns) or _own_index(before, key), key)


def _own_index(table: Table, key: ForeignKey) -> str:
    """Return what the server calls the index that it makes for a foreign key."""
    pattern = rf"({re.escape(table.name.name)}_ibfk_)?\d+"
    if key.naming is not Naming.NONE and not re.fullmatch(pattern, key.name):
        return key.name
    return name_of_index(key.columns, table)


def _keys(things: Iterable[object]) -> list[ForeignKey]:
    keys = (each for each in things if isinstance(each, ForeignKey))
    return sorted(keys, key=lambda key: key.name)


def _sorted(things: Iterable[Thing]) -> tuple[Thing, ...]:
    return tuple(sorted(things, key=lambda each: (each.name, repr(each))))
