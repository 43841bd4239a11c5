"""What a server words anew by itself when a column becomes of another type.

PostgreSQL writes the casts into what it stores: ``lower((a)::text)`` of a VARCHAR is
``lower(a)`` of a TEXT.  What the models do not have, no change of ours says anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from whimbrel.schema.changes import (
    Change,
    ColumnChange,
    ConstraintChange,
    IndexChange,
)
from whimbrel.schema.state import Check, Index


_TYPES = (
    r"character varying|character|bpchar|text|name|numeric|smallint|integer|bigint|real"
    r"|double precision|date|(?:timestamp|time)(?: with(?:out)? time zone)?|interval"
    r"|jsonb?|inet|uuid|bytea|boolean"
)
_CAST = re.compile(rf"::(?:{_TYPES})(?:\(\d+(?:,\d+)?\))?(?:\[\])?(?!\w)|[()]")


def is_worded_anew(left: Change, made: Iterable[Change]) -> bool:
    """Whether a difference is but the server's own words for a new type.

    Args:
        left: what is different after *made*.
        made: what was changed.
    """
    if not isinstance(left, IndexChange | ConstraintChange):
        return False
    before, after = left.before, left.after
    if not isinstance(before, Index | Check) or type(before) is not type(after):
        return False
    beside = [each for each in made if getattr(each, "table", None) == left.table]
    if not any(map(_is_retyped, beside)) or _bare(before) != _bare(after):
        return False
    names = {
        side.name
        for each in beside
        if isinstance(each, type(left))
        for side in (each.before, each.after)
        if side is not None
    }
    return before.name not in names


def _is_retyped(change: Change) -> bool:
    if not isinstance(change, ColumnChange):
        return False
    before, after = change.before, change.after
    return before is not None and after is not None and before.type != after.type


def _bare(thing: object) -> str:
    return _CAST.sub("", repr(thing))
