"""Two states in, changes out.

Both states were read from a catalog of the same dialect, so equal means equal:
no dialect, no database and no normalising here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Protocol, TypeVar

from whimbrel.schema.changes import (
    Change,
    ColumnChange,
    ConstraintChange,
    EnumChange,
    FactsChange,
    IndexChange,
    SequenceChange,
    TableChange,
    TableFacts,
)
from whimbrel.schema.state import Constraint, State, Table, TableName


class Named(Protocol):
    """What is found by its name."""

    @property
    def name(self) -> str | TableName:
        """The name, unique among its siblings."""
        ...


T = TypeVar("T", bound=Named)


def diff(current: State, wanted: State) -> tuple[Change, ...]:
    """Return what must happen to *current* for it to equal *wanted*.

    The order is by name; one in which a database can carry the changes out
    is found by the plan.
    """
    enums = tuple(
        EnumChange(before=before, after=after)
        for before, after in pairs(current.enums, wanted.enums)
        if before != after
    )
    sequences = tuple(
        SequenceChange(before=old, after=new)
        for old, new in pairs(current.sequences, wanted.sequences)
        if old != new
    )
    tables = tuple(
        change
        for before, after in pairs(current.tables, wanted.tables)
        if before != after
        for change in _table_changes(before, after)
    )
    return enums + sequences + tables


def pairs(
    before: Iterable[T], after: Iterable[T]
) -> Iterator[tuple[T | None, T | None]]:
    """Match two families by name; None stands for a missing partner.

    Where several things go by one name, what is equal belongs together.
    """
    olds, news = _by_key(before), _by_key(after)
    for key in sorted(olds | news):
        old, new = olds.get(key, []), news.get(key, [])
        if len(old) > 1 or len(new) > 1:
            both = [each for each in old if each in new]
            yield from ((each, each) for each in both)
            old, new = (sorted(_without(each, both), key=repr) for each in (old, new))
        yield from zip_longest(old, new)


def _by_key(things: Iterable[T]) -> dict[tuple[str, str, str], list[T]]:
    found: dict[tuple[str, str, str], list[T]] = {}
    for thing in things:
        found.setdefault(_key(thing), []).append(thing)
    return found


def _without(things: Iterable[T], others: Iterable[T]) -> list[T]:
    return [each for each in things if each not in others]


def _key(thing: Named) -> tuple[str, str, str]:
    """Return what tells a thing from its siblings, sortable."""
    name = thing.name
    if isinstance(name, TableName):
        return ("", name.schema or "", name.name)
    return ("", getattr(thing, "schema", None) or "", name)


def _table_changes(before: Table | None, after: Table | None) -> Iterator[Change]:
    if before is None or after is None:
        yield TableChange(before=before, after=after)
        return
    name = after.name
    old_facts, new_facts = _facts(before), _facts(after)
    if old_facts != new_facts:
        yield FactsChange(table=name, before=old_facts, after=new_facts)
    for old, new in pairs(before.columns, after.columns):
        if old != new:
            yield ColumnChange(table=name, before=old, after=new)
    yield from _constraint_changes(before, after)
    for old_index, new_index in pairs(before.indexes, after.indexes):
        if old_index != new_index:
            yield IndexChange(table=name, before=old_index, after=new_index)


def _facts(table: Table) -> TableFacts:
    return TableFacts(options=table.options, comment=table.comment)


def _constraint_changes(before: Table, after: Table) -> Iterator[ConstraintChange]:
    kinds = {type(each) for each in before.constraints | after.constraints}
    for kind in sorted(kinds, key=lambda each: each.__name__):
        old_ones = (each for each in before.constraints if type(each) is kind)
        new_ones = (each for each in after.constraints if type(each) is kind)
        for old, new in pairs(old_ones, new_ones):
            if old != new:
                yield _constraint_change(after.name, old, new)


def _constraint_change(
    table: TableName, before: Constraint | None, after: Constraint | None
) -> ConstraintChange:
    return ConstraintChange(table=table, before=before, after=after)
