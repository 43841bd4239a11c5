"""Changes in, a plan out: what is done to reach a state, and to come back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import takewhile
from typing import TypeAlias

from whimbrel.plan.alter import (
    add_keys,
    alteration,
    drop_keys,
    is_made_from,
    is_replaced,
    stands_on,
    table_ops,
)
from whimbrel.plan.fill import change_values, fill_rows
from whimbrel.plan.generic import (
    Forms,
    alter_column,
    create_index,
    create_table,
    drop_index,
    drop_table,
)
from whimbrel.plan.order import Arrangement, Task, Thing, Verb, arrange
from whimbrel.plan.sqlite import SQLiteForms
from whimbrel.plan.step import Plan, Step
from whimbrel.schema.apply import apply_all
from whimbrel.schema.changes import (
    Change,
    ColumnChange,
    ConstraintChange,
    EnumChange,
    FactsChange,
    IndexChange,
    SequenceChange,
    TableChange,
    ValueChange,
    reverse_all,
)
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.fills import Fill, FilledColumn, split_at_fills
from whimbrel.schema.state import Column, Enum, Index, State, Table, TableName
from whimbrel.schema.values import split_at_values


FORMS: dict[str, type[Forms]] = {"sqlite": SQLiteForms}

Alteration: TypeAlias = ColumnChange | ConstraintChange | IndexChange | FactsChange


def build(
    changes: Iterable[Change],
    current: State,
    wanted: State,
    dialect: Dialect,
    fills: Iterable[Fill] = (),
) -> Plan:
    """Return the plan of *changes*, which lead from *current* to *wanted*.

    The way back is planned as the way there, from the reversed changes, so the
    one undoes the other.  With *fills*, rows get a value before their column is
    closed to NULL.
    """
    forms = FORMS.get(dialect.name, Forms)(dialect)
    there = tuple(changes)
    return Plan(
        upgrade=tuple(_path(there, current, wanted, forms, fills)),
        downgrade=tuple(_path(reverse_all(there), wanted, current, forms)),
    )


def _path(
    changes: tuple[Change, ...],
    current: State,
    wanted: State,
    forms: Forms,
    fills: Iterable[Fill] = (),
) -> Iterator[Step]:
    """Yield the steps of one direction, rows changed where columns are open to it."""
    renames = tuple(takewhile(_is_rename, changes))
    revalued = split_at_values(changes[len(renames) :])
    split = split_at_fills(revalued.after, fills)
    loose = apply_all(current, (*renames, *revalued.before))
    opened = apply_all(loose, split.before)
    if revalued.values:
        yield from _steps((*renames, *revalued.before), current, loose, forms)
        yield from (_revaluing(forms, each) for each in revalued.values)
        yield from _steps(split.before, loose, opened, forms)
    else:
        yield from _steps((*renames, *split.before), current, opened, forms)
    yield from (_filling(forms, each) for each in split.filled)
    yield from _steps(split.after, opened, wanted, forms)


def _revaluing(forms: Forms, change: ValueChange) -> Step:
    return Step(operation=change_values(forms, change), changes=(change,))


def _filling(forms: Forms, filled: FilledColumn) -> Step:
    return Step(operation=fill_rows(forms, filled), changes=())


def _steps(
    changes: tuple[Change, ...], current: State, wanted: State, forms: Forms
) -> Iterator[Step]:
    """Yield the steps; renames stand where the changes have them, first or last."""
    first = tuple(takewhile(_is_rename, changes))
    rest = changes[len(first) :]
    last = tuple(takewhile(_is_rename, reversed(rest)))[::-1]
    between = rest[: len(rest) - len(last)]
    start = apply_all(current, first)
    end = apply_all(wanted, reverse_all(last))
    yield from _renames(first, forms)
    yield from _enum_steps(between, forms, are_coming=True)
    yield from _sequence_steps(between, forms, are_coming=True)
    yield from _table_steps(between, start, end, forms)
    yield from _sequence_steps(between, forms, are_coming=False)
    yield from _enum_steps(between, forms, are_coming=False)
    yield from _renames(last, forms)


def _is_rename(change: Change) -> bool:
    if not isinstance(change, TableChange | ColumnChange | EnumChange):
        return False
    before, after = change.before, change.after
    if before is None or after is None:
        return False
    if isinstance(before, Enum) and isinstance(after, Enum):
        names = (before.schema, before.name), (after.schema, after.name)
        return names[0] != names[1] or bool(getattr(change, "renamed", ()))
    return before.name != after.name


def _renames(changes: Iterable[Change], forms: Forms) -> Iterator[Step]:
    """Yield the steps that give tables, columns and enumerated types their names."""
    for change in changes:
        match change:
            case EnumChange():
                for altered in forms.enum_operations(change):
                    yield Step(operation=altered, changes=(change,))
            case TableChange(before=Table() as before, after=Table() as after):
                for renaming in forms.rename_table(before.name, after.name):
                    yield Step(operation=renaming, changes=(change,))
            case ColumnChange(before=Column() as old, after=Column() as new):
                operation = table_ops(
                    change.table, [alter_column(forms, change.table, old, new)]
                )
                yield Step(operation=operation, changes=(change,))
            case _:
                raise AssertionError(f"{change} is not a rename.")


def _enum_steps(
    changes: Iterable[Change], forms: Forms, *, are_coming: bool
) -> Iterator[Step]:
    """Yield what enumerated types need before the tables, or after them."""
    for change in changes:
        if isinstance(change, EnumChange) and are_coming == (change.after is not None):
            for operation in forms.enum_operations(change):
                yield Step(operation=operation, changes=(change,))


def _sequence_steps(
    changes: Iterable[Change], forms: Forms, *, are_coming: bool
) -> Iterator[Step]:
    """Yield what sequences need before the tables whose defaults ask them, or after."""
    for change in changes:
        if not isinstance(change, SequenceChange):
            continue
        if are_coming == (change.after is not None):
            operation = forms.sequence_operation(change)
            yield Step(operation=operation, changes=(change,))


def _table_steps(
    changes: tuple[Change, ...], start: State, end: State, forms: Forms
) -> Iterator[Step]:
    """Yield the steps that make, alter and drop tables."""
    arrangement = arrange(
        _tasks(changes, start, end),
        start.tables,
        can_split=not forms.keeps_keys_inline,
    )
    served = {(task.verb, task.name): task.changes for task in arrangement.tasks}
    for name, things in arrangement.early.items():
        why = served.get((Verb.DROP, name)) or served.get((Verb.ALTER, name), ())
        yield from _early_steps(forms, name, things, why)
    for task in arrangement.tasks:
        yield from _task_steps(forms, task, arrangement)
    for name, keys in arrangement.late.items():
        why = served.get((Verb.CREATE, name)) or served.get((Verb.ALTER, name), ())
        yield Step(operation=add_keys(forms, name, keys), changes=why)


def _early_steps(
    forms: Forms, name: TableName, things: Iterable[Thing], why: tuple[Change, ...]
) -> Iterator[Step]:
    keys = []
    for thing in things:
        if isinstance(thing, Index):
            yield Step(operation=drop_index(forms, name, thing), changes=why)
        else:
            keys.append(thing)
    if keys:
        yield Step(operation=drop_keys(forms, name, keys), changes=why)


def _task_steps(forms: Forms, task: Task, arrangement: Arrangement) -> Iterator[Step]:
    early = frozenset(arrangement.early.get(task.name, ()))
    late = frozenset(arrangement.late.get(task.name, ()))
    match task:
        case Task(verb=Verb.CREATE, after=Table() as table):
            made = create_table(forms, table, late)
            yield Step(operation=made, changes=task.changes)
            for index in sorted(table.indexes, key=lambda each: each.name):
                operation = create_index(forms, table.name, index)
                yield Step(operation=operation, changes=task.changes)
        case Task(verb=Verb.DROP, before=Table() as table):
            dropped = drop_table(forms, table)
            yield Step(operation=dropped, changes=task.changes, loses=task.changes)
        case _:
            going = tuple(each for each in task.going if each not in early)
            coming = tuple(each for each in task.coming if each not in late)
            yield from alteration(forms, replace(task, going=going, coming=coming))


def _tasks(changes: Iterable[Change], start: State, end: State) -> Iterator[Task]:
    """Yield what happens to each table."""
    alterations: dict[TableName, list[Alteration]] = defaultdict(list)
    for change in changes:
        match change:
            case TableChange():
                yield from _table_tasks(change)
            case EnumChange() | SequenceChange() | ValueChange():
                continue
            case _:
                alterations[change.table].append(change)
    before = {table.name: table for table in start.tables if alterations}
    after = {table.name: table for table in end.tables if alterations}
    for name, served in alterations.items():
        yield _altering(before[name], after[name], tuple(served))


def _table_tasks(change: TableChange) -> Iterator[Task]:
    """Yield the tasks of a table that comes or goes."""
    if (table := change.before) is not None:
        yield Task(
            verb=Verb.DROP,
            name=table.name,
            changes=(change,),
            before=table,
            going=_sorted(table.constraints | table.indexes),
        )
    if (table := change.after) is not None:
        yield Task(
            verb=Verb.CREATE,
            name=table.name,
            changes=(change,),
            after=table,
            coming=_sorted(table.constraints | table.indexes),
        )


def _altering(before: Table, after: Table, changes: tuple[Alteration, ...]) -> Task:
    """Return the task of altering a table.

    What stands on a column that is replaced goes with it and comes again, and so do
    the generated columns that are made from it; so does what shares its name with a
    constraint that goes, for a script drops by name.
    """
    remade = _made_from_replaced(before, after, changes)
    going: set[Thing] = set()
    coming: set[Thing] = set()
    staying = (before.constraints | before.indexes) & (
        after.constraints | after.indexes
    )
    for change in changes:
        if isinstance(change, ConstraintChange | IndexChange):
            going |= {change.before} if change.before is not None else set()
            coming |= {change.after} if change.after is not None else set()
        elif isinstance(change, ColumnChange) and is_replaced(change):
            name = change.before.name if change.before is not None else ""
            standing = {each for each in staying if stands_on(each, name)}
            going |= standing
            coming |= standing
    for old, new in remade:
        standing = {each for each in staying if stands_on(each, old.name)}
        going |= standing
        coming |= standing
        ends = ColumnChange(table=after.name, before=old, after=None)
        comes = ColumnChange(table=after.name, before=None, after=new)
        changes = (*(each for each in changes if not _alters(each, old)), ends, comes)
    names = {_kind_and_name(each) for each in going}
    namesakes = {each for each in staying if _kind_and_name(each) in names}
    going |= namesakes
    coming |= namesakes
    return Task(
        verb=Verb.ALTER,
        name=after.name,
        changes=changes,
        before=before,
        after=after,
        going=_sorted(going),
        coming=_sorted(coming),
    )


def _made_from_replaced(
    before: Table, after: Table, changes: Iterable[Alteration]
) -> list[tuple[Column, Column]]:
    """Return the generated columns that stay, but not what they are made from."""
    names = [
        change.before.name
        for change in changes
        if isinstance(change, ColumnChange) and change.before and is_replaced(change)
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
