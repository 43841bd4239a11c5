"""Changes parted where rows get another value: opened before, closed afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from whimbrel.schema.changes import (
    Change,
    ColumnChange,
    ConstraintChange,
    ValueChange,
)
from whimbrel.schema.state import Check, Type


@dataclass(frozen=True, slots=True, kw_only=True)
class Revalued:
    """Changes, parted: what lets new values in, the values, and all the rest."""

    before: tuple[Change, ...]
    values: tuple[ValueChange, ...]
    after: tuple[Change, ...]


def split_at_values(changes: Iterable[Change]) -> Revalued:
    """Part *changes* so that rows take their new values while both are allowed."""
    every = tuple(changes)
    values = tuple(each for each in every if isinstance(each, ValueChange))
    if not values:
        return Revalued(before=(), values=(), after=every)
    columns = {(each.table, each.column) for each in values}
    tables = {each.table for each in values}
    before: list[Change] = []
    after: list[Change] = []
    for change in every:
        if isinstance(change, ValueChange):
            continue
        if isinstance(change, ConstraintChange) and change.table in tables:
            parts = _parted_check(change)
        elif isinstance(change, ColumnChange) and (
            (change.table, _old_name(change)) in columns
        ):
            parts = _parted_column(change)
        else:
            parts = _Parts(None, change)
        before += parts.loosening
        after += parts.tightening
    return Revalued(before=tuple(before), values=values, after=tuple(after))


@dataclass(frozen=True, slots=True)
class _Parts:
    """A change in two: what allows more, and what allows less."""

    loose: Change | None
    tight: Change | None

    @property
    def loosening(self) -> Iterator[Change]:
        """What comes before the rows, if anything."""
        return (each for each in (self.loose,) if each is not None)

    @property
    def tightening(self) -> Iterator[Change]:
        """What comes after the rows, if anything."""
        return (each for each in (self.tight,) if each is not None)


def _old_name(change: ColumnChange) -> str:
    return change.before.name if change.before is not None else ""


def _parted_check(change: ConstraintChange) -> _Parts:
    if not isinstance(change.before or change.after, Check):
        return _Parts(None, change)
    goes = replace(change, after=None) if change.before is not None else None
    comes = replace(change, before=None) if change.after is not None else None
    return _Parts(goes, comes)


def _parted_column(change: ColumnChange) -> _Parts:
    """Part the change of a column whose type says which values it takes."""
    before, after = change.before, change.after
    if before is None or after is None or before.type == after.type:
        return _Parts(None, change)
    both = _both(before.type.spelling, after.type.spelling)
    if both is not None:
        opened = replace(before, type=Type(both))
        return _Parts(replace(change, after=opened), replace(change, before=opened))
    if _length(after.type.spelling) >= _length(before.type.spelling):
        opened = replace(before, type=after.type)
        rest = replace(change, before=opened) if opened != after else None
        return _Parts(replace(change, after=opened), rest)
    return _Parts(None, change)


VALUES = re.compile(r"enum\((.*)\)", re.IGNORECASE | re.DOTALL)
VALUE = re.compile(r"'(?:[^']|'')*'")
LENGTH = re.compile(r"\((\d+)\)")


def listed(spelling: str) -> tuple[str, ...]:
    """Return the values that the spelling of a type lists; none if it lists none."""
    found = VALUES.fullmatch(spelling)
    texts = VALUE.findall(found[1]) if found is not None else ()
    return tuple(text[1:-1].replace("''", "'") for text in texts)


def _both(before: str, after: str) -> str | None:
    """Return the type that takes the values of both, where types list their values."""
    old, new = VALUES.fullmatch(before), VALUES.fullmatch(after)
    if old is None or new is None:
        return None
    values = dict.fromkeys((*VALUE.findall(old[1]), *VALUE.findall(new[1])))
    return f"enum({','.join(values)})"


def _length(spelling: str) -> int:
    found = LENGTH.search(spelling)
    return int(found[1]) if found else 0
