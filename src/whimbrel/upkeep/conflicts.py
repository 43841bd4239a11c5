"""Where two lines of a history do what cannot be done together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from whimbrel.schema.changes import Change, TableChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Something that two sides change, each in its way.

    Args:
        ours: what the one side does.
        theirs: what the other one does.
    """

    ours: Change
    theirs: Change


def conflicts(ours: Iterable[Change], theirs: Iterable[Change]) -> Iterator[Conflict]:
    """Yield the pairs of changes that are about one thing.

    The same thing made twice, or changed twice, or changed on one side and gone on
    the other: whichever runs second finds what it does not expect.
    """
    others = list(theirs)
    for change in ours:
        for other in others:
            if _touch(change, other):
                yield Conflict(ours=change, theirs=other)


def _touch(one: Change, other: Change) -> bool:
    if _things(one) & _things(other):
        return True
    return _goes_with_its_table(one, other) or _goes_with_its_table(other, one)


def _goes_with_its_table(one: Change, other: Change) -> bool:
    """Whether *one* takes the table, or its name, in which *other* does something."""
    if not isinstance(one, TableChange) or one.before is None:
        return False
    is_gone = one.after is None or one.after.name != one.before.name
    return is_gone and getattr(other, "table", None) == one.before.name


def _things(change: Change) -> set[Any]:
    """Return what a change is about: a kind of thing, its table and its names."""
    table = getattr(change, "table", None)
    sides = (change.before, change.after)
    names = {getattr(side, "name", None) for side in sides if side is not None}
    return {(type(change), table, name) for name in names}
