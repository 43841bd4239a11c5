"""What others made on columns that change, and that another database may not have.

So a script does not speak of it, where the server can make it again by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from whimbrel.plan.columns import stands_on
from whimbrel.schema.changes import Change, ColumnChange, ConstraintChange, IndexChange
from whimbrel.schema.state import Check, Index


def left_alone(
    outside: Iterable[Change], changes: Collection[Change]
) -> Iterator[Index | Check]:
    """Yield what stands on one column that *changes* touch, and is in *outside*.

    What stands on several would have to bear them one after the other.
    """
    for each in outside:
        if not isinstance(each, IndexChange | ConstraintChange):
            continue
        touched = (
            change.before.name
            for change in changes
            if isinstance(change, ColumnChange) and change.before is not None
            if change.table == each.table
        )
        thing = each.before
        if not isinstance(thing, Index | Check):
            continue
        if sum(stands_on(thing, name) for name in touched) == 1:
            yield thing
