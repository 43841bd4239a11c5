"""What MySQL and MariaDB call the keys and checks that scripts leave unnamed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count

from whimbrel.plan.mysql_text import column_of_check
from whimbrel.plan.order import Arrangement, Task, Thing, Verb
from whimbrel.schema.names import counted
from whimbrel.schema.state import (
    Check,
    ForeignKey,
    Index,
    Naming,
    State,
    Table,
    TableName,
    Unique,
)


class KeyNames:
    """The foreign keys of all tables, followed through a plan.

    The server counts on from the highest number that is there: ``item_ibfk_3``.
    """

    def __init__(self) -> None:
        self._there: dict[TableName, set[str]] = {}
        self._made: dict[tuple[TableName, ForeignKey], str] = {}

    def recall(self, others: KeyNames) -> None:
        """Know the names that were made on the way that is gone back now."""
        self._made = dict(others._made)

    def begin(self, state: State) -> None:
        """Stand where the tables are those of *state*."""
        self._there = {
            table.name: {self.called(table.name, key) for key in _keys(table)}
            for table in state.tables
        }

    def called(self, table: TableName, key: ForeignKey) -> str:
        """Return the name of a key that is there."""
        if key.naming is not Naming.NONE:
            return key.name
        return self._made.get((table, key), key.name)

    def made_with(self, table: Table) -> None:
        """Note the keys that stand in a new table's ``CREATE TABLE``."""
        for key in sorted(_keys(table), key=lambda each: (each.name, repr(each))):
            self.added(table.name, key)

    def added(self, table: TableName, key: ForeignKey) -> bool:
        """Note a key that comes; return whether the server makes its name."""
        there = self._there.setdefault(table, set())
        stem = f"{table.name}_ibfk_"
        made = f"{stem}{max((_number(each, stem) for each in there), default=0) + 1}"
        is_unnamed = key.naming is Naming.NONE
        if is_unnamed:
            self._made[table, key] = made
        there.add(self.called(table, key))
        return is_unnamed or key.name == made

    def dropped(self, table: TableName, key: ForeignKey) -> str:
        """Note a key that goes; return its name."""
        name = self.called(table, key)
        self._there.setdefault(table, set()).discard(name)
        return name


def name_of_index(columns: Sequence[str], table: Table) -> str:
    """Return what the server calls an index of *columns* that nobody named."""
    things = (*table.constraints, *table.indexes)
    taken = {each.name for each in things if isinstance(each, Unique | Index)}
    taken |= {each.index for each in _keys(table) if each.index is not None}
    folded = {"primary", *map(str.casefold, taken)}
    first = columns[0]
    names = (first if number == 1 else f"{first}_{number}" for number in count(1))
    return next(each for each in names if each.casefold() not in folded)


def names_of_uniques(task: Task) -> Iterator[tuple[Unique, str]]:
    """Yield the unique keys that scripts leave unnamed, as the server calls them.

    They come one by one, behind all indexes with a name and before foreign keys.
    """
    if task.before is None or task.after is None:
        return
    stay = task.before.constraints & task.after.constraints
    for table, things in ((task.before, task.going), (task.after, task.coming)):
        new = [each for each in things if isinstance(each, Unique)]
        unnamed = [each for each in new if each.naming is Naming.NONE]
        unnamed.sort(key=lambda each: (each.name, repr(each)))
        stands = replace(
            table, constraints=table.constraints - {*unnamed, *_moving(table, stay)}
        )
        for each in unnamed:
            name = name_of_index(each.columns, stands)
            yield each, name
            called = replace(each, name=name, naming=Naming.GIVEN)
            stands = replace(stands, constraints=stands.constraints | {called})


def _moving(table: Table, stay: Iterable[object]) -> list[ForeignKey]:
    """Return the foreign keys of a table that are not there all the time."""
    return [key for key in _keys(table) if key not in stay]


def with_unnamed_last(arrangement: Arrangement) -> Arrangement:
    """Return *arrangement* with the unnamed keys behind those that come again.

    Otherwise the server would give a new one the name that another comes back with.
    """
    late = {}
    for name, keys in arrangement.late.items():
        new = [
            each
            for task in arrangement.tasks
            if task.name == name and task.verb is Verb.ALTER
            for each in task.coming
            if isinstance(each, ForeignKey) and each.naming is Naming.NONE
        ]
        late[name] = tuple(
            sorted(
                {*keys, *new}, key=lambda e: (e.naming is Naming.NONE, counted(e.name))
            )
        )
    return replace(arrangement, late=late)


def names_of_checks(task: Task, is_mariadb: bool) -> Iterator[tuple[Check, str]]:
    """Yield the checks that scripts leave unnamed, as the server calls them.

    MariaDB takes the first number that is free, ``CONSTRAINT_1``; MySQL counts on.

    Args:
        task: what becomes of a table.
        is_mariadb: whether it is a MariaDB's.
    """
    if task.before is None or task.after is None:
        return
    sides = (
        (task.before, task.going, task.after, task.coming),
        (task.after, task.coming, task.before, task.going),
    )
    stem = "CONSTRAINT_" if is_mariadb else f"{task.name.name}_chk_"
    for table, gone, other, new in sides:
        stays = _checks(table.constraints - {*gone}, table)
        yield from _numbered(stays, _checks(new, other), stem, fills=is_mariadb)


def _numbered(
    stays: Iterable[Check], new: Iterable[Check], stem: str, *, fills: bool
) -> Iterator[tuple[Check, str]]:
    """Yield what is *new* and has the name that the server would make, with it."""
    taken = {_number(each.name, stem) for each in stays} | {0}
    for each in sorted(new, key=lambda each: (each.name, repr(each))):
        free = max(taken) + 1
        if fills:
            free = next(n for n in count(1) if n not in taken)
        if each.naming is Naming.NONE or _number(each.name, stem) == free:
            taken.add(free)
            yield each, f"{stem}{free}"
        taken.add(_number(each.name, stem))


def _number(name: str, stem: str) -> int:
    """Return the number in a name that a server gave; 0 if it did not."""
    match = re.fullmatch(rf"{re.escape(stem)}(\d+)", name)
    return int(match[1]) if match is not None else 0


def _keys(table: Table) -> list[ForeignKey]:
    return [each for each in table.constraints if isinstance(each, ForeignKey)]


def _checks(things: Iterable[Thing], table: Table) -> list[Check]:
    """Return the checks with a name of their own, and not their column's."""
    checks = (each for each in things if isinstance(each, Check))
    return [each for each in checks if column_of_check(each, table) is None]
