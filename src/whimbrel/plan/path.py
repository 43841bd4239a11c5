"""One direction of a plan: the steps that lead from one state to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import takewhile

from alembic.operations import ops

from whimbrel.plan.alter import (
    add_keys,
    alteration,
    drop_keys,
    in_parts,
    index_made,
)
from whimbrel.plan.fill import change_values, fill_rows
from whimbrel.plan.generated_early import gone_early, without
from whimbrel.plan.generic import Forms, alter_column, drop_index
from whimbrel.plan.kin import columns_merged, kept_by_heirs
from whimbrel.plan.onlookers import (
    dropped,
    heirs_of,
    in_the_way,
    restored,
    sent_away,
)
from whimbrel.plan.order import Arrangement, Task, Thing, Verb, arrange
from whimbrel.plan.remade_types import (
    TYPE,
    coming_in_order,
    gone_in_order,
    with_types_remade,
)
from whimbrel.plan.set_aside import set_aside
from whimbrel.plan.standing_forms import NOTHING_AROUND
from whimbrel.plan.step import Step
from whimbrel.plan.tables import create_table, drop_table
from whimbrel.plan.tasks import tasks_of
from whimbrel.schema.apply import apply, apply_all
from whimbrel.schema.changes import (
    Change,
    ColumnChange,
    EnumChange,
    FootingChange,
    TableChange,
    ValueChange,
    reverse_all,
)
from whimbrel.schema.fills import Fill, FilledColumn, split_at_fills
from whimbrel.schema.state import (
    Column,
    Constraint,
    Enum,
    Footing,
    ForeignKey,
    Index,
    State,
    Table,
    TableName,
)
from whimbrel.schema.values import split_at_values


def path(
    changes: tuple[Change, ...],
    current: State,
    wanted: State,
    forms: Forms,
    fills: Iterable[Fill] = (),
) -> Iterator[Step]:
    """Yield the steps of one direction, rows changed where columns are open to it."""
    changes, current, wanted = with_types_remade(changes, current, wanted, forms)
    forms.leaving = tuple(_leaving(current, wanted))
    renames = tuple(takewhile(is_rename, changes))
    revalued = split_at_values(changes[len(renames) :])
    split = split_at_fills(revalued.after, fills)
    loose = apply_all(current, (*renames, *revalued.before))
    opened = apply_all(loose, split.before)
    if split.before or revalued.values:
        there = (e for e in wanted.footings if not forms.waits(e, opened, wanted))
        opened = replace(opened, footings=tuple(there))
    if revalued.values:
        yield from _steps((*renames, *revalued.before), current, loose, forms)
        yield from (_revaluing(forms, each) for each in revalued.values)
        yield from _steps(split.before, loose, opened, forms)
    else:
        yield from _steps((*renames, *split.before), current, opened, forms)
    yield from (_filling(forms, each) for each in split.filled)
    yield from _steps(split.after, opened, wanted, forms, is_last=True)
    for operation in forms.closing_operations(current, wanted):
        yield Step(operation=operation, changes=changes)


def _leaving(current: State, wanted: State) -> Iterator[Footing]:
    """Yield the types that go, each behind those that it is made of."""
    for each in current.footings:
        if each.is_needed and each.kind == TYPE and each not in wanted.footings:
            yield each


def _revaluing(forms: Forms, change: ValueChange) -> Step:
    return Step(operation=change_values(forms, change), changes=(change,))


def _filling(forms: Forms, filled: FilledColumn) -> Step:
    return Step(operation=fill_rows(forms, filled), changes=())


def _steps(
    changes: tuple[Change, ...],
    current: State,
    wanted: State,
    forms: Forms,
    *,
    is_last: bool = False,
) -> Iterator[Step]:
    """Yield the steps; renames stand where the changes have them, first or last."""
    first = tuple(takewhile(is_rename, changes))
    rest = changes[len(first) :]
    last = tuple(takewhile(is_rename, reversed(rest)))[::-1]
    between = rest[: len(rest) - len(last)]
    start = apply_all(current, first)
    end = apply_all(wanted, reverse_all(last))
    yield from _renames(first, current, forms)
    ending: list[Step] = []
    yield from _between(between, start, end, forms, ending, is_last=is_last)
    yield from _renames(last, end, forms)
    yield from ending


def _between(
    changes: tuple[Change, ...],
    start: State,
    end: State,
    forms: Forms,
    ending: list[Step],
    *,
    is_last: bool,
) -> Iterator[Step]:
    """Yield the steps between the renames, onlookers out of their way.

    What makes these again is *ending* where it says the names that come last.
    """
    forms.enums = (*end.enums, *start.enums)  # the values that a type has by then
    aside = set_aside(changes, start, end, forms)
    types = [each for each in changes if forms.ends_type(each)]
    tables = aside.start.tables
    onlookers = in_the_way(
        forms.onlookers,
        aside.changes,
        tables,
        types,
        heirs=(heirs_of(tables, forms.parents), heirs_of(end.tables, forms.parents)),
        lost=forms.lost if is_last else (),
    )
    forms.sent_away.update(sent_away(forms.onlookers, onlookers, aside.changes))
    yield from dropped(onlookers, aside.changes)
    yield from aside.steps
    for operation in forms.schema_operations(start, end):
        yield Step(operation=operation, changes=changes)
    for change in columns_merged(aside.start, end, forms):
        yield from _retyped_early(change, forms, changes)
    new = coming_in_order(aside.changes)
    yield from _enum_steps(new, forms, are_coming=True)
    yield from _footing_steps(changes, start, end, forms)
    footings = (e for e in changes if isinstance(e, FootingChange))
    changes, start = tuple({}.fromkeys((*aside.changes, *footings))), aside.start
    yield from _enum_steps((e for e in changes if e not in new), forms, are_coming=True)
    yield from _sequence_steps(changes, forms, are_tables_done=False)
    yield from _table_steps(changes, start, end, forms)
    yield from _sequence_steps(changes, forms, are_tables_done=True)
    for operation in forms.types_dropped() if is_last else ():
        yield Step(operation=operation, changes=changes)
    yield from _enum_steps(gone_in_order(changes), forms, are_coming=False)
    made = restored(onlookers, changes)
    if forms.restores_last:
        ending += made
    else:
        yield from made


def _retyped_early(
    change: ColumnChange, forms: Forms, changes: tuple[Change, ...]
) -> Iterator[Step]:
    """Yield what makes a column another before its table's kin get it, too."""
    if change.before is not None and change.after is not None:
        altered = forms.alter_column(change.table, change.before, change.after)
        for operation in in_parts(change.table, altered):
            yield Step(operation=operation, changes=changes)


def _footing_steps(
    changes: tuple[Change, ...], start: State, end: State, forms: Forms
) -> Iterator[Step]:
    """Yield the steps that make, and alter, what tables stand on."""
    for operation in forms.types_made(start, end):
        yield Step(operation=operation, changes=changes)
    for change in changes:
        if isinstance(change, FootingChange) and not (
            change.after and forms.waits(change.after, start, end)
        ):
            for operation in forms.footing_operations(change):
                yield Step(operation=operation, changes=(change,))


def is_rename(change: Change) -> bool:
    """Whether a change gives a table, a column or an enumerated type another name."""
    if not isinstance(change, TableChange | ColumnChange | EnumChange):
        return False
    before, after = change.before, change.after
    if before is None or after is None:
        return False
    if isinstance(before, Enum) and isinstance(after, Enum):
        names = (before.schema, before.name), (after.schema, after.name)
        return names[0] != names[1] or bool(getattr(change, "renamed", ()))
    return before.name != after.name


def _renames(changes: Iterable[Change], state: State, forms: Forms) -> Iterator[Step]:
    """Yield the steps that give tables, columns and enumerated types their names."""
    for change in changes:
        for operation in _renaming(change, state, forms):
            yield Step(operation=operation, changes=(change,))
        state = apply(state, change)


def _renaming(
    change: Change, state: State, forms: Forms
) -> Iterator[ops.MigrateOperation]:
    """Yield what gives a thing of *state* another name."""
    match change:
        case EnumChange():
            yield from forms.enum_operations(change)
        case TableChange(before=Table() as before, after=Table() as after):
            yield from forms.rename_table(before.name, after.name)
            yield from forms.rename_belongings(before, after)
        case ColumnChange(before=Column() as old, after=Column() as new):
            table = state.table(change.table) or Table(name=change.table)
            operations = forms.rename_column(table, old, new)
            if operations is None:
                operations = (alter_column(forms, change.table, old, new),)
            yield from in_parts(change.table, operations)
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
    changes: Iterable[Change], forms: Forms, *, are_tables_done: bool
) -> Iterator[Step]:
    """Yield what sequences need before the tables whose defaults ask them, or after."""
    for change in forms.sequence_changes(changes):
        for operation in forms.sequence_operations(
            change, are_tables_done=are_tables_done
        ):
            yield Step(operation=operation, changes=(change,))


def _table_steps(
    changes: tuple[Change, ...], start: State, end: State, forms: Forms
) -> Iterator[Step]:
    """Yield the steps that make, alter and drop tables."""
    arrangement = forms.arranged(
        arrange(
            tasks_of(changes, start, end, forms),
            start.tables,
            can_split=not forms.keeps_keys_inline,
            sharing=forms.sharing,
            any_index_serves=forms.any_index_serves,
            demanded=forms.demanded,
        )
    )
    forms.kept = kept_by_heirs(start, end, forms.parents)
    late = _late_keys(arrangement, forms)
    served = {(task.verb, task.name): task.changes for task in arrangement.tasks}
    gone = gone_early(forms, arrangement.tasks)
    yield from _early_steps(forms, arrangement, gone)
    around = forms.around(arrangement.tasks, changes, start, end)
    for whole in arrangement.tasks:
        task = without(forms, whole, gone.get(whole.name, ()))
        types = around.get(task.key, NOTHING_AROUND)
        yield from _serving(task, types.ahead)
        yield from _task_steps(forms, task, arrangement)
        yield from _serving(task, types.behind)
    for name, keys in late.items():
        why = served.get((Verb.CREATE, name)) or served.get((Verb.ALTER, name), ())
        for operation in add_keys(forms, name, keys):
            yield Step(operation=operation, changes=why)


def _early_steps(
    forms: Forms, arrangement: Arrangement, gone: Mapping[TableName, Iterable[Column]]
) -> Iterator[Step]:
    """Yield what drops things, and columns, before all tasks.

    A foreign key may stand on a key, which may stand on an index; and all on a column.
    """
    served = {(task.verb, task.name): task.changes for task in arrangement.tasks}
    for drops in (_early_references, _early_keys, _early_indexes):
        for name, things in arrangement.early.items():
            why = served.get((Verb.DROP, name)) or served.get((Verb.ALTER, name), ())
            for operation in drops(forms, name, things):
                yield Step(operation=operation, changes=why)
    for name, columns in gone.items():
        dropped = [each for one in columns for each in forms.drop_column(name, one)]
        for operation in in_parts(name, dropped):
            yield Step(operation=operation, changes=served[Verb.ALTER, name])


def _serving(task: Task, operations: Iterable[ops.MigrateOperation]) -> Iterator[Step]:
    return (Step(operation=each, changes=task.changes) for each in operations)


def _late_keys(
    arrangement: Arrangement, forms: Forms
) -> dict[TableName, tuple[Constraint, ...]]:
    """Return the keys that are added last, those too that no new table can say."""
    late = dict(arrangement.late)
    for task in arrangement.tasks:
        if task.verb is Verb.CREATE and task.after is not None:
            keys = (each for each in task.after.constraints if _is_key(each))
            apart = tuple(
                each for each in keys if forms.is_said_apart(each, task.after)
            )
            if apart:
                late[task.name] = tuple({*late.get(task.name, ()), *apart})
    return late


def _is_key(constraint: Constraint) -> bool:
    return isinstance(constraint, ForeignKey)


def _early_references(
    forms: Forms, name: TableName, things: Iterable[Thing]
) -> Iterator[ops.MigrateOperation]:
    keys = [each for each in things if isinstance(each, ForeignKey)]
    yield from drop_keys(forms, name, keys)


def _early_keys(
    forms: Forms, name: TableName, things: Iterable[Thing]
) -> Iterator[ops.MigrateOperation]:
    keys = [each for each in things if not isinstance(each, Index | ForeignKey)]
    yield from drop_keys(forms, name, keys)


def _early_indexes(
    forms: Forms, name: TableName, things: Iterable[Thing]
) -> Iterator[ops.MigrateOperation]:
    for thing in things:
        if isinstance(thing, Index):
            yield drop_index(forms, name, thing)


def _task_steps(forms: Forms, task: Task, arrangement: Arrangement) -> Iterator[Step]:
    early = frozenset(arrangement.early.get(task.name, ()))
    late = frozenset(arrangement.late.get(task.name, ()))
    match task:
        case Task(verb=Verb.CREATE, after=Table() as table):
            table = forms.made(table, late)
            made = tuple(forms.table_made(table, late))
            for operation in made or (create_table(forms, table, late),):
                yield Step(operation=operation, changes=task.changes)
            made_now = replace(table, constraints=table.constraints - late)
            for operation in forms.after_create(made_now):
                yield Step(operation=operation, changes=task.changes)
            for index in sorted(table.indexes, key=lambda each: each.name):
                indexed = index_made(forms, table.name, index)
                yield Step(operation=indexed, changes=task.changes)
                for operation in forms.remarks(table.name, index):
                    yield Step(operation=operation, changes=task.changes)
            for operation in forms.after_indexes(made_now):
                yield Step(operation=operation, changes=task.changes)
        case Task(verb=Verb.DROP, before=Table() as table):
            dropped = drop_table(forms, table)
            yield Step(operation=dropped, changes=task.changes, loses=task.changes)
        case _:
            going = tuple(each for each in task.going if each not in early)
            coming = tuple(each for each in task.coming if each not in late)
            yield from alteration(forms, replace(task, going=going, coming=coming))
