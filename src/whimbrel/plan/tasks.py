"""What happens to each table: changes in, one task for each table out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from whimbrel.plan.columns import is_made_from, is_replaced, stands_on
from whimbrel.plan.generic import Forms
from whimbrel.plan.kin import Alteration, own_changes
from whimbrel.plan.order import Task, Thing, Turn, Verb
from whimbrel.schema.changes import (
    Change,
    ColumnChange,
    ConstraintChange,
    EnumChange,
    FootingChange,
    IndexChange,
    SequenceChange,
    TableChange,
    ValueChange,
)
from whimbrel.schema.state import (
    Column,
    State,
    Table,
    TableName,
)


def tasks_of(
    changes: Iterable[Change], start: State, end: State, forms: Forms
) -> Iterator[Task]:
    """Yield what happens to each table."""
    alterations: dict[TableName, list[Alteration]] = defaultdict(list)
    before = {table.name: table for table in start.tables}
    after = {table.name: table for table in end.tables}
    for change in changes:
        match change:
            case TableChange():
                yield from _table_tasks(change, forms, before, after)
            case EnumChange() | SequenceChange() | FootingChange() | ValueChange():
                continue
            case _:
                alterations[change.table].append(change)
    for name in (*alterations, *_heirs(forms, before, after, alterations)):
        olds, news = (_ancestors(forms, side[name], side) for side in (before, after))
        sides, served = (before[name], after[name]), alterations.get(name, [])
        shared = sorted(olds.keys() & news.keys())
        above = [each for kin in shared for each in alterations.get(kin, ())]
        own = own_changes(served, sides, (olds, news), forms)
        around = _Kin(
            names=frozenset({*olds, *news}),
            changes=tuple(above),
            columns=_columns_of((*olds.values(), *news.values())),
            remade=_columns_remade(forms, shared, before, after, above),
        )
        task = _altering(forms, sides, own, around)
        if served or task.going or task.changes != own:
            yield task


def _columns_of(tables: Iterable[Table]) -> frozenset[str]:
    return frozenset(column.name for table in tables for column in table.columns)


def _columns_remade(
    forms: Forms,
    names: Iterable[TableName],
    before: Mapping[TableName, Table],
    after: Mapping[TableName, Table],
    changes: Collection[Alteration],
) -> frozenset[str]:
    """Return the generated columns of tables that go and come again by *changes*."""
    return frozenset(
        old.name
        for name in names
        for old, _ in _remade(forms, before[name], after[name], changes)
    )


def _heirs(
    forms: Forms,
    before: Mapping[TableName, Table],
    after: Mapping[TableName, Table],
    altered: Collection[TableName],
) -> list[TableName]:
    """Return the tables that stay as they are, and are made from some that do not."""
    return [
        name
        for name in sorted((before.keys() & after.keys()) - {*altered})
        if forms.parents(before[name])
        if not _ancestors(forms, before[name], before).keys().isdisjoint(altered)
    ]


def _ancestors(
    forms: Forms, table: Table, tables: Mapping[TableName, Table]
) -> dict[TableName, Table]:
    """Return the tables that *table* is made from, and what those are made from."""
    found: dict[TableName, Table] = {}
    left = [*forms.parents(table)]
    while left:
        parent = tables.get(left.pop())
        if parent is not None:
            found[parent.name] = parent
            left += forms.parents(parent)
    return found


def _kin_of(
    forms: Forms, table: Table, tables: Mapping[TableName, Table]
) -> frozenset[TableName]:
    """Return the names of all tables that *table* is made from."""
    return forms.parents(table) | {*_ancestors(forms, table, tables)}


def _table_tasks(
    change: TableChange,
    forms: Forms,
    before: Mapping[TableName, Table],
    after: Mapping[TableName, Table],
) -> Iterator[Task]:
    """Yield the tasks of a table that comes or goes."""
    if (table := change.before) is not None:
        yield Task(
            verb=Verb.DROP,
            name=table.name,
            changes=(change,),
            before=table,
            going=_sorted(table.constraints | table.indexes),
            parents=_kin_of(forms, table, before),
        )
    if (table := change.after) is not None:
        yield Task(
            verb=Verb.CREATE,
            name=table.name,
            changes=(change,),
            after=table,
            coming=_sorted(table.constraints | table.indexes),
            parents=_kin_of(forms, table, after),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kin:
    """The tables that one is made from.

    Args:
        names: their names, before or after.
        changes: what becomes of those that it is made from before and after.
        columns: their columns.
        remade: those of them that go and come again.
    """

    names: frozenset[TableName]
    changes: tuple[Alteration, ...]
    columns: frozenset[str]
    remade: frozenset[str]


@dataclass(slots=True)
class _Traffic:
    """The constraints and indexes of a table that go and come."""

    staying: frozenset[Thing]
    going: set[Thing] = field(default_factory=set)
    coming: set[Thing] = field(default_factory=set)

    def rest(self, things: Iterable[Thing]) -> None:
        """Let *things* go, and come again."""
        again = {each for each in things if each in self.staying}
        self.going |= again
        self.coming |= again


def _altering(
    forms: Forms,
    sides: tuple[Table, Table],
    changes: tuple[Alteration, ...],
    kin: _Kin,
) -> Task:
    """Return the task of altering a table.

    What stands on a column that is replaced goes with it and comes again, and so do
    the generated columns that are made from it; so does what shares its name with a
    constraint that goes, for a script drops by name.

    Args:
        forms: how things are told.
        sides: the table before and after.
        changes: what becomes of it.
        kin: the tables that it is made from.
    """
    before, after = sides
    remade = [
        pair
        for pair in _remade(forms, before, after, (*changes, *kin.changes))
        if pair[0].name not in kin.columns
    ]
    traffic = _Traffic(
        (before.constraints | before.indexes) & (after.constraints | after.indexes)
    )
    for change in changes:
        if isinstance(change, ConstraintChange | IndexChange):
            traffic.going |= {change.before} if change.before is not None else set()
            traffic.coming |= {change.after} if change.after is not None else set()
    turned = _turned(forms, traffic, changes)
    for change in (*changes, *kin.changes):
        if isinstance(change, ColumnChange):
            traffic.rest(_unsettled(forms, traffic.staying, change))
    for name in (*kin.remade, *(old.name for old, _ in remade)):
        traffic.rest(each for each in traffic.staying if stands_on(each, name))
    for old, new in remade:
        ends = ColumnChange(table=after.name, before=old, after=None)
        comes = ColumnChange(table=after.name, before=None, after=new)
        changes = (*(each for each in changes if not _alters(each, old)), ends, comes)
    names = {_kind_and_name(each) for each in traffic.going}
    traffic.rest(each for each in traffic.staying if _kind_and_name(each) in names)
    task = Task(
        verb=Verb.ALTER,
        name=after.name,
        changes=changes,
        before=before,
        after=after,
        going=_sorted(traffic.going),
        coming=_sorted(traffic.coming),
        turned=turned,
        retyped=frozenset(_retyped(forms, changes)),
        parents=kin.names,
    )
    return forms.entailed(task)


def _unsettled(
    forms: Forms, things: Iterable[Thing], change: ColumnChange
) -> Iterator[Thing]:
    """Yield what stands on a column and cannot stay while that happens to it."""
    before, after = change.before, change.after
    if before is None or after is None:
        return
    goes = is_replaced(forms, change)
    for thing in things:
        is_loose = goes or forms.unsettles(before, after, thing)
        if is_loose and stands_on(thing, before.name):
            yield thing


def _retyped(forms: Forms, changes: Iterable[Change]) -> Iterator[str]:
    """Yield the columns whose values the database tells apart by another type."""
    for change in changes:
        if not isinstance(change, ColumnChange) or change.before is None:
            continue
        if change.after is not None and forms.retypes(change.before, change.after):
            yield change.before.name


def _turned(
    forms: Forms, traffic: _Traffic, changes: Iterable[Alteration]
) -> tuple[Turn, ...]:
    """Take from what goes and comes what becomes the other where it stands."""
    found: list[Turn] = []
    touched = [
        each.before.name
        for each in changes
        if isinstance(each, ColumnChange) and each.before is not None
        if each.after is None or is_replaced(forms, each)
    ]
    for old in _sorted(traffic.going):
        for new in _sorted(traffic.coming):
            if any(turn.after == new for turn in found):
                continue
            if any(stands_on(old, name) for name in touched):
                continue
            if forms.in_place(TableName(""), old, new) is not None:
                found.append(Turn(before=old, after=new))
                break
    taken = {turn.before.name.casefold() for turn in found}
    free = [turn for turn in found if _keeps_out(turn, taken)]
    traffic.going -= {turn.before for turn in free}
    traffic.coming -= {turn.after for turn in free}
    return tuple(free)


def _keeps_out(turn: Turn, taken: set[str]) -> bool:
    """Whether no other thing has the name that this one takes, of whatever kind."""
    old, new = turn.before.name.casefold(), turn.after.name.casefold()
    return old == new or new not in taken


def _remade(
    forms: Forms, before: Table, after: Table, changes: Iterable[Alteration]
) -> list[tuple[Column, Column]]:
    """Return the generated columns that stay, but not what they are made from."""
    names = [
        change.before.name
        for change in changes
        if isinstance(change, ColumnChange) and change.before and change.after
        if is_replaced(forms, change)
        or forms.unsettles_generated(change.before, change.after)
    ]
    new = {each.name: each for each in after.columns}
    left = [
        (each, new[each.name])
        for each in before.columns
        if each.name in new and each.computed == new[each.name].computed
    ]
    found: list[tuple[Column, Column]] = []
    while more := [pair for pair in left if is_made_from(pair[0], names)]:
        found += more
        left = [pair for pair in left if pair not in more]
        names += [old.name for old, _ in more]
    return found


def _alters(change: Alteration, column: Column) -> bool:
    return isinstance(change, ColumnChange) and change.before == column


def _kind_and_name(thing: Thing) -> tuple[type, str]:
    return type(thing), thing.name


def _sorted(things: Iterable[Thing]) -> tuple[Thing, ...]:
    return tuple(sorted(things, key=lambda each: (each.name, repr(each))))
