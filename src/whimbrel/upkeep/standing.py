"""At which place of its history a database stands, told by what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from whimbrel.run.replay import Stage
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.changes import Change, TableChange
from whimbrel.schema.diff import diff
from whimbrel.schema.state import State


Ours: TypeAlias = Callable[[Iterable[Change]], tuple[Change, ...]]
"""Picks from changes those of things that the history is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a replayed history says of a database.

    Args:
        equal: the places at which the scripts make what the database holds.
        nearest: the place with the fewest differences, the latest of several.
        differences: what would have to happen for the database to equal that.
        has_ours: whether the database holds any of what the scripts make.
        besides: the tables that no script here makes.
    """

    equal: tuple[Stage, ...]
    nearest: Stage
    differences: tuple[Change, ...]
    has_ours: bool
    besides: tuple[str, ...] = ()

    @property
    def place(self) -> Stage | None:
        """The latest place that equals the database, if there is one."""
        return self.equal[-1] if self.equal else None


def standing(live: State, stages: Sequence[Stage], ours: Ours) -> Standing:
    """Tell which of *stages* equal the state *live*, or which is the nearest.

    What no script ever makes is not looked at: it belongs to somebody else.

    Args:
        live: what the database holds.
        stages: the places of the history, the first one first.
        ours: picks the changes that count.
    """
    made = {name for stage in stages for name in _names(stage.state)}
    measured: list[tuple[Stage, tuple[Change, ...]]] = []
    for stage in stages:
        changes = differences(live, stage.state)
        counting = (each for each in changes if not _is_anothers(each, made))
        measured.append((stage, ours(counting)))
    fewest = min(_size(changes) for _, changes in measured)
    nearest, left = [pair for pair in measured if _size(pair[1]) == fewest][-1]
    return Standing(
        equal=tuple(stage for stage, changes in measured if not changes),
        nearest=nearest,
        differences=left,
        has_ours=bool(made & set(_names(live))),
        besides=tuple(
            str(each.name) for each in live.tables if _name(each) not in made
        ),
    )


def _size(changes: Iterable[Change]) -> int:
    """Return how much is changed; a table that comes or goes counts with its parts."""
    size = 0
    for change in changes:
        size += 1
        if isinstance(change, TableChange) and None in (change.before, change.after):
            table = change.before or change.after
            assert table is not None
            size += len(table.columns) + len(table.constraints) + len(table.indexes)
    return size


def differences(live: State, wanted: State) -> tuple[Change, ...]:
    """Return what would have to happen to *live* for it to equal *wanted*."""
    return diff(live, adopt_names(wanted, live))


def drifted(live: State, made: State) -> tuple[Change, ...]:
    """Return what leads from *live* back to *made*, what stands in its tables included.

    A table of which the scripts know nothing is somebody else's.
    """
    names = set(_names(made))
    changes = differences(live, made)
    return tuple(each for each in changes if not _is_anothers(each, names))


def _is_anothers(change: Change, made: set[Any]) -> bool:
    """Whether a thing goes that stands by itself and that no script ever makes."""
    before, after = change.before, change.after
    if before is None or after is not None or hasattr(change, "table"):
        return False
    return _name(before) not in made


def _names(state: State) -> Iterable[Any]:
    for kind in fields(state):
        if kind.compare:
            yield from map(_name, getattr(state, kind.name))


def _name(thing: Any) -> tuple[str, str, str]:
    name = thing.name
    schema = getattr(name, "schema", None) or getattr(thing, "schema", None) or ""
    return type(thing).__name__, schema, getattr(name, "name", name)
