"""What undoes the operations of a plan, for hooks that ask the operations for it.

``upgrade_ops.reverse_into(downgrade_ops)`` asks each operation for its opposite.
Alembic's know one, or think so; a statement knows none.  The plan has a way back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise
from typing import Any, TypeAlias

from alembic.operations import ops

from whimbrel.errors import ConfigError
from whimbrel.plan.step import ACCEPTED, Plan, Step
from whimbrel.schema.changes import (
    Change,
    EnumChange,
    FootingChange,
    SequenceChange,
    TableChange,
)
from whimbrel.schema.state import TableName


Thing: TypeAlias = tuple[str, ...]
Operation: TypeAlias = ops.MigrateOperation
Operations: TypeAlias = tuple[Operation, ...]
Words: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Placed:
    """An operation, and the group of those that serve the same things.

    Args:
        operation: what is done.
        group: stands for what it serves.
        alembics: what Alembic takes for its opposite.
        said: what the operation says, before a hook has seen it.
    """

    operation: Operation
    group: object
    alembics: Callable[[], Operation]
    said: Words

    @property
    def is_changed(self) -> bool:
        """Whether a hook has let the operation say something else."""
        now = _said(self.operation)
        return len(now) != len(self.said) or not all(map(_is_same, now, self.said))

    def undone_by_itself(self) -> Operation:
        """Return what Alembic takes for the opposite.

        Raises:
            ConfigError: it has none.
        """
        try:
            return self.alembics()
        except NotImplementedError as cause:
            said = getattr(self.operation, "sqltext", type(self.operation).__name__)
            raise ConfigError(
                f"Nothing is known that undoes this by itself: {said}.",
                "The hook process_revision_directives changed what belongs to it. Let"
                " it reverse the operations as they were found, or write the way back.",
            ) from cause


@dataclass(frozen=True, eq=False)
class Together:
    """Groups of operations that reach into each other: they are undone as one."""

    there: tuple[Placed, ...]
    back: tuple[Placed, ...]

    def opposite_of(self, placed: Placed) -> Operation:
        """Return what undoes an operation: where it stands last, what undoes all.

        Raises:
            ConfigError: a hook has changed it, and nobody knows what undoes it now.
        """
        if placed.is_changed:
            return placed.undone_by_itself()
        if len(self.there) == 1 and len(self.back) == 1:
            return self.back[0].operation
        back = self.back if placed is self.there[-1] else ()
        return Undone(self, placed, [each.operation for each in back])


class Undone(ops.OpContainer):
    """What undoes operations that belong together; it stands for one of them."""

    def __init__(
        self, together: Together, placed: Placed, operations: Sequence[Operation]
    ) -> None:
        super().__init__(operations)
        self.together = together
        self.placed = placed


def let_operations_be_undone(plan: Plan) -> None:
    """Let ``reverse()`` of the operations of *plan* give what its way back has."""
    for there, back in _parts(plan):
        together = Together(tuple(there), tuple(back))
        for each in there:
            vars(each.operation)["reverse"] = partial(together.opposite_of, each)


def settle(
    upgrades: Iterable[ops.OpContainer], downgrade: ops.OpContainer
) -> Operations:
    """Let *downgrade* undo what a hook has left in *upgrades*, and nothing else.

    Returns:
        The operations of which it took out a part only: they cannot be undone.

    Raises:
        ConfigError: nobody knows what undoes an operation beside a changed one.
    """
    there = {id(each) for upgrade in upgrades for each in _all_in(upgrade)}
    undone = [each for each in downgrade.ops if isinstance(each, Undone)]
    left = {each: _Left.of(each, there) for each in {one.together for one in undone}}
    for together, each in left.items():
        if each.torn:
            return tuple(e.operation for e in together.there if e.group in each.torn)
    settled: list[Operation] = []
    for operation in downgrade.ops:
        if not isinstance(operation, Undone):
            settled.append(operation)
        elif operation.placed.group in left[operation.together].changed:
            settled.append(operation.placed.undone_by_itself())
        else:
            settled += left[operation.together].take()
    downgrade.ops[:] = settled
    return ()


@dataclass(kw_only=True)
class _Left:
    """What is left to be undone of operations that are undone together.

    Args:
        changed: the groups in which an operation says something else by now.
        torn: the groups of which a hook took out a part.
        operations: what undoes the others, until it is taken.
    """

    changed: set[object]
    torn: set[object]
    operations: Operations

    @classmethod
    def of(cls, together: Together, there: Collection[int]) -> _Left:
        """Find out what is left, by what is still *there*."""
        changed = {each.group for each in together.there if each.is_changed}
        ids = [(each.group, id(each.operation)) for each in together.there]
        stay = {group for group, one in ids if one in there}
        go = {group for group, one in ids if one not in there}
        return cls(
            changed=changed,
            torn=(go & stay) - changed,
            operations=tuple(
                each.operation
                for each in together.back
                if each.group not in changed and (each.group not in go)
            ),
        )

    def take(self) -> Operations:
        """Return the operations, once."""
        taken, self.operations = self.operations, ()
        return taken


def _all_in(container: ops.OpContainer) -> Iterator[Operation]:
    for each in container.ops:
        yield each
        if isinstance(each, ops.OpContainer):
            yield from _all_in(each)


def _said(operation: Operation) -> Words:
    """Return what an operation says, as it is now, whatever becomes of it."""
    said: list[object] = [operation]
    for key, value in vars(operation).items():
        if key not in UNSAID:
            said += (key, *_items(value))
    if isinstance(operation, ops.OpContainer):
        for each in operation.ops:
            said += _said(each)
    return tuple(said)


UNSAID = ("reverse", "ops", ACCEPTED)


def _items(value: Any) -> Iterable[object]:
    """Return what a value holds, which may be changed where it stands."""
    if isinstance(value, dict):
        return tuple(chain.from_iterable(value.items()))
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _is_same(one: object, other: object) -> bool:
    return one is other or (isinstance(one, str) and one == other)


Part: TypeAlias = tuple[list[Placed], list[Placed]]


def _parts(plan: Plan) -> Iterator[Part]:
    """Yield operations and those that undo them; what serves the same things is a part.

    Parts do not reach into each other, so that each can be undone as a whole.
    """
    groups = Joined()
    served = {id(e.changes): e.changes for e in (*plan.upgrade, *plan.downgrade)}
    for changes in served.values():  # many steps may serve the same
        groups.join([thing for each in changes for thing in _things(each)])
    there = tuple(_placed(plan.upgrade, groups))
    back = tuple(_placed(plan.downgrade, groups))
    wholes = Joined()
    for side in (there, back):
        _join_overlapping(side, wholes)
    parts: dict[object, Part] = {}
    for number, side in enumerate((there, back)):
        for each in side:
            part = parts.setdefault(wholes.of(each.group), ([], []))
            part[number].append(each)
    yield from (part for part in parts.values() if part[0])


def _placed(steps: Sequence[Step], groups: Joined) -> Iterator[Placed]:
    """Yield the operations of *steps*; one that serves nothing belongs to the last."""
    group: object = None
    for step in steps:
        things = (thing for each in step.changes for thing in _things(each))
        first = next(things, None)
        group = group if first is None else groups.of(first)
        each = step.operation
        yield Placed(each, group, each.reverse, _said(each))


class Joined:
    """Which things are one, since somebody joined them."""

    def __init__(self) -> None:
        self._next: dict[object, object] = {}

    def join(self, things: Iterable[object]) -> None:
        """Let *things* be one."""
        for one, other in pairwise(things):
            first, second = self.of(one), self.of(other)
            if first != second:
                self._next[second] = first

    def of(self, thing: object) -> object:
        """Return what stands for *thing* and all that it is joined with."""
        while thing in self._next:
            thing = self._next[thing]
        return thing


def _join_overlapping(side: Sequence[Placed], wholes: Joined) -> None:
    """Join the groups of which one begins before another has ended."""
    last = {each.group: number for number, each in enumerate(side)}
    begun, end = None, -1
    for number, each in enumerate(side):
        if number <= end:
            wholes.join((begun, each.group))
        begun, end = each.group, max(end, last[each.group])


def _things(change: Change) -> Iterator[Thing]:
    """Yield by what names *change* speaks of tables, types and the like."""
    if isinstance(change, TableChange):
        for table in filter(None, (change.before, change.after)):
            yield _table(table.name)
    elif isinstance(change, EnumChange | SequenceChange | FootingChange):
        sides = (change.before, change.after)
        yield from (("", each.schema or "", each.name) for each in sides if each)
    else:
        yield _table(change.table)


def _table(name: TableName) -> Thing:
    return ("table", name.schema or "", name.name)
