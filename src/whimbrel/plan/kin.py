"""What a table has of others that it is made from, if those become others.

A part that stands by itself keeps what its whole gave it, and a table that becomes a
part, or inherits, must have before what those have that it is made from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias, TypeVar

from whimbrel.plan.generic import Forms
from whimbrel.plan.order import Thing
from whimbrel.schema.changes import (
    ColumnChange,
    ConstraintChange,
    FactsChange,
    IndexChange,
)
from whimbrel.schema.state import (
    Check,
    Column,
    Constraint,
    Index,
    Naming,
    State,
    Table,
    TableName,
)


Alteration: TypeAlias = ColumnChange | ConstraintChange | IndexChange | FactsChange
Kin: TypeAlias = Mapping[TableName, Table]
"""The tables that a table is made from, by their names."""


def own_changes(
    changes: Iterable[Alteration],
    sides: tuple[Table, Table],
    kin: tuple[Kin, Kin],
    forms: Forms,
) -> tuple[Alteration, ...]:
    """Return what is done to a table by itself.

    Args:
        changes: what becomes of the table.
        sides: the table before and after.
        kin: what it is made from, before and after.
        forms: how things are told.
    """
    olds, news = kin
    own = _without_kin(changes, _of_kin(forms, news, olds), _of_kin(forms, olds, news))
    if forms.parents(sides[0]) == forms.parents(sides[1]):
        return (*_retyped_with_kin(own, kin), *_columns_kept(sides, kin, forms))
    return (
        *own,
        *_columns_fitted(sides, kin, forms),
        *_checks_fitted(sides, kin),
        *_keys_left(sides, kin, forms),
    )


def _of_kin(
    forms: Forms, ancestors: Kin, others: Collection[TableName]
) -> frozenset[object]:
    """Return what a table has of its *ancestors* on one side of its changes.

    That is columns and checks, by their names, and keys and indexes without a name.
    Of those of an ancestor on both sides, a table may have others of its own that are
    like them.
    """
    found: set[object] = set()
    for parent in ancestors.values():
        checks = [each for each in parent.constraints if isinstance(each, Check)]
        found |= {*map(_handed, parent.columns), *map(_handed, checks)}
        if forms.hands_down(parent) and parent.name not in others:
            found |= {*map(_nameless, parent.constraints | parent.indexes)}
    return frozenset(found)


def _without_kin(
    changes: Iterable[Alteration], coming: frozenset[object], going: frozenset[object]
) -> tuple[Alteration, ...]:
    """Return *changes* without what only is of another table from now on, or no more.

    Args:
        changes: what becomes of a table.
        coming: what those have that it shall be made from.
        going: what those have that it was made from.
    """

    def is_own(change: Alteration) -> bool:
        if isinstance(change, FactsChange):
            return True
        before, after = change.before, change.after
        if after is None:
            return before is not None and _handed(before) not in coming
        return before is not None or _handed(after) not in going

    return tuple(change for change in changes if is_own(change))


def _handed(thing: Column | Thing) -> object:
    """Return by what a thing is found among those that are handed down."""
    if isinstance(thing, Column | Check):
        return type(thing), thing.name
    return _nameless(thing)


def _nameless(thing: Thing) -> Thing:
    return replace(thing, name="", naming=Naming.NONE)


def kept_by_heirs(
    start: State, end: State, parents: Callable[[Table], Collection[TableName]]
) -> dict[tuple[TableName, str], list[tuple[TableName, bool]]]:
    """Return how columns go that heirs of their table keep, as their own from then on.

    That is by the table and the column: from which tables it goes, and whether only
    from that one, for it would take the heirs' with it.
    """
    heirs = _Heirs(start, end, parents)
    found: dict[tuple[TableName, str], list[tuple[TableName, bool]]] = {}
    for name in heirs.olds.keys() & heirs.news.keys():
        for column in _own(heirs.olds[name]) - _own(heirs.news[name]):
            drops = [*heirs.drops(name, column)]
            if drops[0][1]:
                found[name, column] = drops
    return found


def _own(table: Table) -> frozenset[str]:
    return frozenset(column.name for column in table.columns)


class _Heirs:
    """What tables are made from others, in two states."""

    def __init__(
        self,
        start: State,
        end: State,
        parents: Callable[[Table], Collection[TableName]],
    ) -> None:
        self.olds, self.news = (
            {table.name: table for table in state.tables} for state in (start, end)
        )
        self.parents = parents
        self.of: dict[TableName, list[TableName]] = defaultdict(list)
        for name in sorted(self.olds.keys() & self.news.keys()):
            for each in {*parents(self.olds[name])} & {*parents(self.news[name])}:
                self.of[each].append(name)

    def drops(self, table: TableName, column: str) -> Iterator[tuple[TableName, bool]]:
        """Yield from which tables a column goes, and whether from those alone."""
        is_alone = self._is_kept_below(table, column)
        yield table, is_alone
        for heir in self._that_had(table, column) if is_alone else ():
            if not self._has(heir, column):
                yield from self.drops(heir, column)

    def _is_kept_below(self, table: TableName, column: str) -> bool:
        return any(
            column in _own(self.news[heir]) or self._is_kept_below(heir, column)
            for heir in self._that_had(table, column)
        )

    def _that_had(self, table: TableName, column: str) -> list[TableName]:
        """Return what is made of *table*, and had a column of it alone."""
        return [each for each in self.of[table] if column not in _own(self.olds[each])]

    def _has(self, table: TableName, column: str) -> bool:
        """Whether a table has a column in the end, be it of another one."""
        found = self.news.get(table)
        return found is not None and (
            column in _own(found)
            or any(self._has(each, column) for each in self.parents(found))
        )


T = TypeVar("T", Column, Check)


def _fitted(
    own: Sequence[Mapping[str, T]], handed: Sequence[Mapping[str, T]]
) -> Iterator[tuple[T | None, T | None]]:
    """Yield what must become another because of what is handed down, and what not.

    Args:
        own: what a table has by itself, before and after.
        handed: what it has of others, before and after.
    """
    olds, news = own
    for name in dict.fromkeys(each for side in handed for each in side):
        before, after = (
            one.get(name) or other.get(name)
            for one, other in zip(own, handed, strict=True)
        )
        is_seen = (
            (name in olds and name in news)
            or (name in olds and after is None)
            or (name in news and before is None)
        )
        if not is_seen:
            yield before, after


def _retyped_with_kin(
    changes: Iterable[Alteration], kin: tuple[Kin, Kin]
) -> Iterator[Alteration]:
    """Yield *changes*; a column that kin have, too, gets its type with theirs.

    One that kin get becomes like theirs before that (`columns_merged`).
    """
    olds, news = ({name for e in side.values() for name in _own(e)} for side in kin)
    for change in changes:
        match change:
            case ColumnChange(before=Column() as old, after=Column() as new) if (
                old.name in olds and new.name in news
            ):
                old = replace(old, type=new.type, collation=new.collation)
                if old != new:
                    yield replace(change, before=old)
            case ColumnChange(before=Column() as old, after=Column() as new) if (
                new.name in news
            ):
                continue
            case _:
                yield change


def columns_merged(start: State, end: State, forms: Forms) -> Iterator[ColumnChange]:
    """Yield what makes columns of tables' own those that their kin get from now on.

    The two become one only if they are alike.
    """
    olds, news = ({table.name: table for table in e.tables} for e in (start, end))
    for name in sorted(olds.keys() & news.keys()):
        old, new = olds[name], news[name]
        if not forms.parents(new) or forms.parents(old) != forms.parents(new):
            continue
        before, after = (
            _kin_of(each, tables, forms.parents)
            for each, tables in ((old, olds), (new, news))
        )
        had = {column for each in before for column in _own(each)}
        handed = {c.name: (c, kin) for kin in reversed(after) for c in kin.columns}
        shared = {column.name: column for column in new.columns}
        for own in old.columns:
            if own.name in had or own.name not in handed:
                continue
            column, kin = handed[own.name]
            bare = replace(column, identity=None, comment=own.comment)
            shall = shared.get(own.name) or forms.as_inherited(bare, kin.name, new)
            if shall != own:
                yield ColumnChange(table=name, before=own, after=shall)


def _columns_kept(
    sides: tuple[Table, Table], kin: tuple[Kin, Kin], forms: Forms
) -> Iterator[ColumnChange]:
    """Yield what makes a column that only a table's kin loses what it shall be."""
    before, after = sides
    olds, news = kin
    left = {name for each in news.values() for name in _own(each)} | _own(before)
    new = {column.name: column for column in after.columns}
    for parent in olds.values():
        for column in parent.columns:
            if column.name in left or column.name not in new:
                continue
            bare = replace(column, identity=None, comment=None)
            had = forms.as_inherited(bare, parent.name, before)
            if had != new[column.name]:
                change = ColumnChange(
                    table=after.name, before=had, after=new[column.name]
                )
                yield change


def _columns_fitted(
    sides: tuple[Table, Table], kin: tuple[Kin, Kin], forms: Forms
) -> Iterator[ColumnChange]:
    """Yield what makes the columns that a table was handed those that it shall have."""
    had, has = (
        {
            each.name: forms.as_inherited(
                replace(each, identity=None, comment=None), table.name, heir
            )
            for table in others.values()
            for each in table.columns
        }
        for heir, others in zip(sides, kin, strict=True)
    )
    olds, news = ({each.name: each for each in table.columns} for table in sides)
    for before, after in _fitted((olds, news), (had, has)):
        made = after
        if before is not None and after is not None and after.name not in news:
            made = replace(after, comment=before.comment, options=before.options)
        if before != made:
            yield ColumnChange(table=sides[1].name, before=before, after=made)


def _checks_fitted(
    sides: tuple[Table, Table], kin: tuple[Kin, Kin]
) -> Iterator[ConstraintChange]:
    """Yield what makes the checks that a table was handed those that it shall have."""
    had, has = (
        _checks(each for table in others.values() for each in table.constraints)
        for others in kin
    )
    olds, news = (_checks(table.constraints) for table in sides)
    for before, after in _fitted((olds, news), (had, has)):
        if before != after:
            yield ConstraintChange(table=sides[1].name, before=before, after=after)


def _checks(constraints: Iterable[Constraint]) -> dict[str, Check]:
    """Return the checks that are handed down, by their names."""
    return {
        each.name: each
        for each in sorted(constraints, key=lambda each: each.name)
        if isinstance(each, Check)
        if all(option.name != "no_inherit" for option in each.options)
    }


def _keys_left(
    sides: tuple[Table, Table], kin: tuple[Kin, Kin], forms: Forms
) -> Iterator[ConstraintChange | IndexChange]:
    """Yield the end of keys and indexes that a table keeps of what it was made from."""
    before, after = sides
    olds, news = kin
    staying = {*map(_nameless, after.constraints | after.indexes)}
    for whole in news.values():
        staying |= {*map(_nameless, forms.handed(whole, after))}
    for name, whole in olds.items():
        for each in forms.handed(whole, before) if name not in news else ():
            if _nameless(each) in staying:
                continue
            if isinstance(each, Index):
                yield IndexChange(table=after.name, before=each, after=None)
            else:
                yield ConstraintChange(table=after.name, before=each, after=None)


def with_kin_as_it_is(
    target: State, current: State, parents: Callable[[Table], Collection[TableName]]
) -> State:
    """Return *target*, in which that is a table's own too which is so in *current*.

    What a table inherits may be said by itself too, which no statement can change.

    Args:
        target: the state that shall be.
        current: the state that is there.
        parents: tells what a table is made from.
    """
    there = {table.name: table for table in current.tables}
    wanted = {table.name: table for table in target.tables}
    tables = [
        _as_it_is(table, old, _kin_of(table, wanted, parents))
        if old is not None and parents(table) and parents(table) == parents(old)
        else table
        for table in target.tables
        for old in (there.get(table.name),)
    ]
    return replace(target, tables=frozenset(tables))


def _kin_of(
    table: Table,
    tables: Mapping[TableName, Table],
    parents: Callable[[Table], Collection[TableName]],
) -> list[Table]:
    names = [*parents(table)]
    for name in names:  # which grow
        kin = tables.get(name)
        names += [each for each in parents(kin) if each not in names] if kin else []
    return [tables[name] for name in names if name in tables]


def _as_it_is(table: Table, old: Table, kin: list[Table]) -> Table:
    """Return *table* with those columns and checks of its *kin* that *old* has."""
    columns = {each.name: each for one in kin for each in one.columns}
    checks = _checks(each for one in kin for each in one.constraints)
    own = {each.name: each for each in table.columns if each.name not in columns}
    for each in (each for each in old.columns if each.name in columns):
        shared = {each.name: each for each in table.columns}.get(each.name)
        handed = replace(columns[each.name], identity=None, comment=each.comment)
        own[each.name] = shared or replace(handed, options=each.options)
    said = {each for each in table.constraints if each.name not in checks}
    kept = {each.name for each in old.constraints}
    said |= {each for each in checks.values() if each.name in kept}
    return replace(table, columns=tuple(own.values()), constraints=frozenset(said))
