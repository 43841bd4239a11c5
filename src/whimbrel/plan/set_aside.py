"""Enumerated types that a new one must replace: set aside until nothing needs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from whimbrel.plan.generic import Forms
from whimbrel.plan.step import Step
from whimbrel.schema.apply import apply_all
from whimbrel.schema.changes import Change, EnumChange
from whimbrel.schema.diff import diff
from whimbrel.schema.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """What is left to do when the types that are replaced have another name.

    Args:
        steps: the steps that give them that name.
        changes: what leads from there to the end.
        start: the state by then.
    """

    steps: tuple[Step, ...]
    changes: tuple[Change, ...]
    start: State


def set_aside(
    changes: tuple[Change, ...], start: State, end: State, forms: Forms
) -> Aside:
    """Return what is done with types of which values go, or get another order.

    The type gets another name, which all that has it follows; then the rest is
    what any two states differ by: a new type comes, columns become of that type
    with what stands on them, the old one goes.
    """
    renames = dict(_renames(changes, forms))
    if not renames:
        return Aside(steps=(), changes=changes, start=start)
    steps = tuple(
        Step(operation=operation, changes=(change,))
        for change, rename in renames.items()
        for operation in forms.enum_operations(rename)
    )
    start = apply_all(start, renames.values())
    return Aside(steps=steps, changes=diff(start, end), start=start)


def _renames(
    changes: tuple[Change, ...], forms: Forms
) -> Iterator[tuple[EnumChange, EnumChange]]:
    for change in changes:
        if isinstance(change, EnumChange):
            other = forms.sets_aside(change)
            if other is not None:
                yield change, EnumChange(before=change.before, after=other)
