"""What can happen to a schema.

One class for each kind of thing, none for each verb: a change is a *before* and
an *after*.  Nothing before means that the thing comes, nothing after that it
goes, two names that it is renamed.  So every change can be undone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from whimbrel.schema.state import (
    Column,
    Constraint,
    Enum,
    Footing,
    Index,
    Options,
    Sequence,
    Table,
    TableName,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChange:
    """A table comes or goes with all that stands in it, or only gets a new name.

    With two names, both sides are otherwise equal but for what follows the name.
    """

    before: Table | None
    after: Table | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChange:
    """A column of a table that stays."""

    table: TableName
    before: Column | None
    after: Column | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintChange:
    """A constraint of a table that stays; both sides are of one kind."""

    table: TableName
    before: Constraint | None
    after: Constraint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexChange:
    """An index of a table that stays."""

    table: TableName
    before: Index | None
    after: Index | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """What is said of a table as a whole: its options and its comment."""

    options: Options
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsChange:
    """The options or the comment of a table that stays."""

    table: TableName
    before: TableFacts
    after: TableFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRename:
    """A value of an enumerated type that gets another name, its rows with it."""

    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumChange:
    """An enumerated type that stands by itself.

    With two names, or with values that are *renamed*, both sides are otherwise
    equal: what else becomes of the type is a change of its own.
    """

    before: Enum | None
    after: Enum | None
    renamed: tuple[ValueRename, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueChange:
    """A value that rows hold in a column, and the one that they hold afterwards.

    The schema does not tell it: it stands beside the change of the column's type,
    or of the check, that lets the new value in and the old one no more.
    """

    table: TableName
    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceChange:
    """A sequence that stands by itself."""

    before: Sequence | None
    after: Sequence | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FootingChange:
    """What tables stand on; compared where both sides are databases, not models."""

    before: Footing | None
    after: Footing | None

    @property
    def kind(self) -> str:
        """What it is: a type, or a schema."""
        found = self.after or self.before
        return found.kind if found else ""


Change: TypeAlias = (
    TableChange
    | ColumnChange
    | ConstraintChange
    | IndexChange
    | FactsChange
    | EnumChange
    | ValueChange
    | SequenceChange
    | FootingChange
)
C = TypeVar("C", bound=Change)


def reverse(change: C) -> C:
    """Return the change that undoes *change*."""
    undone = replace(change, before=change.after, after=change.before)  # type: ignore[arg-type]  # both sides are of one kind
    if isinstance(undone, EnumChange) and undone.renamed:
        back = (
            replace(each, before=each.after, after=each.before)
            for each in undone.renamed
        )
        return replace(undone, renamed=tuple(back))
    return undone


def reverse_all(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes that undo *changes*, last one first."""
    return tuple(reverse(change) for change in reversed(tuple(changes)))


def told_as_renames(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return *changes*, what goes and comes again by another name as one of them."""
    every = dict.fromkeys(changes)
    coming: dict[TableName, list[Change]] = {}
    for each in every:
        if isinstance(each, ConstraintChange | IndexChange) and each.before is None:
            coming.setdefault(each.table, []).append(each)
    for going in tuple(every):
        if not isinstance(going, ConstraintChange | IndexChange):
            continue
        for each in coming.get(going.table, ()):
            joined = _joined(going, each)
            if joined is not None:
                coming[going.table].remove(each)
                del every[going], every[each]
                every[joined] = None
                break
    return tuple(every)


def _joined(going: Change, coming: Change) -> Change | None:
    """Return a thing that goes and one that comes as a rename, if that is all."""
    match going, coming:
        case (
            ConstraintChange(table=table, before=old, after=None),
            ConstraintChange(table=place, before=None, after=new),
        ) if old is not None and new is not None and table == place:
            is_one = replace(old, name=new.name, naming=new.naming) == new
            return replace(going, after=new) if is_one else None
        case (
            IndexChange(table=table, before=start, after=None),
            IndexChange(table=place, before=None, after=end),
        ) if start is not None and end is not None and table == place:
            is_one = replace(start, name=end.name, naming=end.naming) == end
            return replace(going, after=end) if is_one else None
        case _:
            return None
