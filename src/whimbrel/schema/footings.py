"""What tables stand on, compared between two databases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from whimbrel.schema.changes import FootingChange
from whimbrel.schema.state import Footing, Option, State


def with_footings_of(
    current: State, target: State, *, schemas_too: bool
) -> tuple[State, State, tuple[FootingChange, ...]]:
    """Return two states whose footings come and go, and the changes of them.

    An extension comes where tables need it, and never goes.

    Args:
        current: the state of the one database.
        target: that of the other.
        schemas_too: whether a schema that nothing stands in is made, or dropped.
    """
    compared = [
        tuple(each for each in state.footings if schemas_too or each.kind != SCHEMA)
        for state in (current, target)
    ]
    changes = tuple(_changes(*compared))
    going = {each.before for each in changes if each.after is None}
    coming = {each.after for each in changes if each.before is None}
    starts, ends = (
        tuple(replace(each, is_needed=True) if each in moved else each for each in side)
        for side, moved in zip(compared, (going, coming), strict=True)
    )
    staying = (each for each in starts if each not in going and each not in ends)
    return (
        replace(current, footings=starts),
        replace(target, footings=(*staying, *ends)),
        changes,
    )


SCHEMA, EXTENSION = "schema", "extension"
HELD = Option("held", "on")
"""Of a schema that holds more than what we manage: it does not come or go as such."""


def _changes(
    before: Iterable[Footing], after: Iterable[Footing]
) -> Iterator[FootingChange]:
    olds, news = ({each: each for each in side} for side in (before, after))
    for each in sorted({*olds, *news}, key=repr):
        old, new = olds.get(each), news.get(each)
        is_alone = old is None or new is None
        if each.kind == EXTENSION or (is_alone and HELD in (new or each).says):
            continue
        if old and new and old.says - {HELD} == new.says - {HELD}:
            continue
        yield FootingChange(before=old, after=new)
