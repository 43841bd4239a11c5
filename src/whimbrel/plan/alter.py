"""What is done to one table that stays, in an order that every database can run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import TypeAlias

from alembic.operations import ops

from whimbrel.plan.columns import (
    altered,
    askers_last,
    asks_any,
    becomes_plain,
    comes,
    dependents_first,
    dependents_last,
    ends_generated,
    goes,
    is_replaced,
    loses_values,
    mentions,
    place,
    settling,
    stand_ins,
    stands_on_any,
)
from whimbrel.plan.fill import copy_values
from whimbrel.plan.generic import (
    Forms,
    alter_column,
    changes_type,
    create_index,
    drop_column,
    drop_index,
)
from whimbrel.plan.order import Task, Thing
from whimbrel.plan.step import BatchOptions, Moment, Step, TableOps
from whimbrel.plan.tables import add_constraint, drop_constraint
from whimbrel.schema.changes import Change, ColumnChange, FactsChange
from whimbrel.schema.names import CONVENTION, CONVENTION_KEYS, counted, unique_name
from whimbrel.schema.state import (
    Check,
    Column,
    Constraint,
    Exclusion,
    ForeignKey,
    Index,
    Naming,
    PrimaryKey,
    TableName,
    Type,
    Unique,
)


GOING = (ForeignKey, Index, Exclusion, Check, Unique, PrimaryKey)
COMING = (PrimaryKey, Unique, Check, Exclusion, Index, ForeignKey)
"""In this order constraints go and come.  Indexes come before foreign keys, which
may refer to them, and for which some databases would make an index of their own."""


def alteration(forms: Forms, task: Task) -> Iterator[Step]:
    """Yield the steps that alter a table: one for the table as a whole.

    Only an index that its table's batch cannot carry has a step of its own, and
    what keeps the values of a generated column that becomes a plain one.
    """
    going = tuple(each for each in task.going if not _stands_apart(forms, each))
    coming = tuple(each for each in task.coming if not _stands_apart(forms, each))
    for index in task.going:
        if isinstance(index, Index) and index not in going:
            operation: ops.MigrateOperation = drop_index(forms, task.name, index)
            yield Step(operation=operation, changes=task.changes)
    task, apart = replace(task, going=going, coming=coming), task.coming
    if replacing := tuple(stand_ins(forms, task)):
        generated = [each for each in task.changes if ends_generated(forms, each)]
        standing = [each for each in going if stands_on_any(each, generated)]
        yield from _keeping_values(forms, task, replacing, standing)
        task = _without_generated(forms, task, standing)
    loses = tuple(each for each in task.changes if loses_values(forms, each))
    for operation in _whole(forms, task):
        yield Step(operation=operation, changes=task.changes, loses=loses)
    for index in apart:
        if isinstance(index, Index) and index not in coming:
            operation = create_index(forms, task.name, index)
            yield Step(operation=operation, changes=task.changes)


def _stands_apart(forms: Forms, thing: Thing) -> bool:
    return isinstance(thing, Index) and forms.index_stands_apart(thing)


def table_ops(
    name: TableName,
    inner: Iterable[ops.MigrateOperation],
    batch: BatchOptions | None = None,
) -> TableOps:
    """Return the operations on one table as one."""
    return TableOps(name.name, list(inner), schema=name.schema, batch=batch)


def in_parts(
    name: TableName,
    inner: Iterable[ops.MigrateOperation],
    batch: BatchOptions | None = None,
) -> Iterator[ops.MigrateOperation]:
    """Yield the operations on one table; a plain statement stands by itself.

    A batch runs what it holds at its end, and knows no ``execute()``.
    """
    for is_statement, group in groupby(inner, _is_statement):
        if is_statement:
            yield from group
        else:
            yield table_ops(name, group, batch)


def _is_statement(operation: ops.MigrateOperation) -> bool:
    return isinstance(operation, ops.ExecuteSQLOp)


def add_keys(
    forms: Forms, name: TableName, keys: Iterable[Constraint]
) -> Iterator[ops.MigrateOperation]:
    """Yield the operations that add constraints, and nothing else."""
    added = tuple(keys)
    inner = [
        operation
        for each in added
        for operation in (_added(forms, name, each), *forms.remarks(name, each))
    ]
    yield from in_parts(name, inner, _naming((), added))


def _added(
    forms: Forms, table: TableName, constraint: Constraint
) -> ops.MigrateOperation:
    special = forms.add_constraint(table, constraint)
    return special if special is not None else add_constraint(forms, table, constraint)


def drop_keys(
    forms: Forms, name: TableName, keys: Iterable[Constraint]
) -> Iterator[ops.MigrateOperation]:
    """Yield the operations that drop constraints, and nothing else."""
    dropped = tuple(keys)
    inner = [each for key in dropped for each in _drop(forms, name, key)]
    yield from in_parts(name, inner, _naming(dropped, ()))


def _whole(forms: Forms, task: Task) -> Iterator[ops.MigrateOperation]:
    """Yield all that is done to the table: in its batch, if that can hold it all."""
    going = [each for each in task.going if not _is_replaced_key(forms, each, task)]
    coming = [each for each in task.coming if not _is_made_by_type(forms, each, task)]
    together = forms.together(task)
    if together is not None:
        going = [each for each in going if each not in together.things]
        coming = [each for each in coming if each not in together.things]
    inner: list[ops.MigrateOperation] = [*forms.ahead(task)]
    for thing in sorted(going, key=lambda each: _rank(GOING, each)):
        inner += _drop(forms, task.name, thing)
    inner += _turns(forms, task)
    inner += forms.first(task)
    inner += (
        _column_operations(forms, task) if together is None else [together.operation]
    )
    for thing in sorted(coming, key=_rank_of_coming):
        inner.append(_create(forms, task.name, thing))
        inner += forms.remarks(task.name, thing)
    batch = _naming(going, coming)
    for change in task.changes:
        if isinstance(change, FactsChange):
            inner += _comment(change)
            inner += forms.facts_operations(task.name, change.before, change.after)
            facts = forms.facts(change.before, change.after)
            batch = replace(
                batch, recreate=facts.recreate, table_kwargs=facts.table_kwargs
            )
    inner += forms.last(task)
    if inner or batch.recreate == "always":
        yield from (
            in_parts(task.name, inner, batch)
            if inner
            else [table_ops(task.name, (), batch)]
        )


def _turns(forms: Forms, task: Task) -> Iterator[ops.MigrateOperation]:
    for turn in task.turned:
        operation = forms.in_place(task.name, turn.before, turn.after)
        if operation is not None:
            yield operation
            yield from forms.turned_more(task.name, turn.before, turn.after)


Rank: TypeAlias = tuple[int, tuple[str | int, ...], str]


def _rank(kinds: tuple[type[Thing], ...], thing: Thing) -> Rank:
    return (kinds.index(type(thing)), counted(thing.name), repr(thing))


def _rank_of_coming(thing: Thing) -> tuple[int, bool, tuple[str | int, ...], str]:
    """Return by what things are put in order; names that are made up come last.

    A unique constraint without a name comes behind the indexes, for a server may
    give it one that an index has.
    """
    kind, name, content = _rank(COMING, thing)
    is_unnamed = thing.naming is Naming.NONE
    if is_unnamed and isinstance(thing, Unique):
        kind = COMING.index(Index)
    return (kind, is_unnamed, name, content)


def _drop(
    forms: Forms, table: TableName, thing: Thing
) -> Iterable[ops.MigrateOperation]:
    if isinstance(thing, Index):
        return (drop_index(forms, table, thing),)
    special = forms.drop_constraint(table, thing)
    return (drop_constraint(forms, table, thing),) if special is None else special


def _create(forms: Forms, table: TableName, thing: Thing) -> ops.MigrateOperation:
    return (
        index_made(forms, table, thing)
        if isinstance(thing, Index)
        else _added(forms, table, thing)
    )


def index_made(forms: Forms, table: TableName, index: Index) -> ops.MigrateOperation:
    """Return the operation that makes *index*."""
    special = forms.add_index(table, index)
    return create_index(forms, table, index) if special is None else special


def _column_operations(forms: Forms, task: Task) -> Iterator[ops.MigrateOperation]:
    """Yield what happens to the columns: they go, change, come.

    Generated columns go before those that they are made from, or become plain, and come
    after.  A table is never without a column.
    """
    changes = [each for each in task.changes if isinstance(each, ColumnChange)]
    gone = [each.before for each in changes if goes(forms, each) and each.before]
    come = [each.after for each in changes if comes(forms, each) and each.after]
    opening = _opening(forms, task)
    turning = [*altered(forms, changes), *_restated(task, opening)]
    early: tuple[Column, ...] = ()
    holder: tuple[Column, ...] = ()
    if not _has_column_left(forms, task, gone, [after for _, after in turning]):
        early = _plain_and_new(come, gone)
        holder = () if early else _holder(forms, gone)
    come = [each for each in come if each not in early]
    for column in (*early, *holder):
        yield forms.add_column(task.name, column)
        yield from forms.after_add(task.name, column)
    turns: dict[Moment, list[ops.MigrateOperation]] = defaultdict(list)
    for before, after in askers_last(turning):
        is_opening = before.name in opening and before.nullable == after.nullable
        moment = forms.moment(before, after) or _moment(before, after, gone, come)
        turns[moment] += forms.alter_column(
            task.name, before, after, says_nullable=is_opening
        )
    yield from turns[Moment.EARLY]
    for column in dependents_first(gone):
        yield from forms.drop_column(task.name, column)
    yield from turns[Moment.USUAL]
    plain = [each for each in come if each.computed is None]
    generated = [each for each in come if each.computed is not None]
    for column in (*dependents_last(plain), *dependents_last(generated)):
        yield forms.add_column(task.name, column)
        yield from forms.after_add(task.name, column)
    yield from turns[Moment.LATE]
    for column in holder:
        yield drop_column(forms, task.name, column)


def _moment(
    before: Column, after: Column, gone: Collection[Column], come: Collection[Column]
) -> Moment:
    """Return when a column changes that may lean on others."""
    old, new = ({each.name for each in side} for side in (gone, come))
    if before.computed and not after.computed:
        return Moment.EARLY
    if before.default != after.default:
        if asks_any(before.default, old):
            return Moment.EARLY
        if asks_any(after.default, new):
            return Moment.LATE
    return Moment.USUAL


def _opening(forms: Forms, task: Task) -> frozenset[str]:
    """Return the columns that would take NULL now, as no key forbids it any more."""
    if task.before is None or task.after is None:
        return frozenset()
    open_now = forms.closed_by_key(task.before) - forms.closed_by_key(task.after)
    closed = {column.name for column in task.after.columns if not column.nullable}
    return open_now & closed


def _restated(task: Task, names: Collection[str]) -> Iterator[tuple[Column, Column]]:
    """Yield the columns called *names* that stay as they are."""
    if task.before is not None and task.after is not None:
        for column in set(task.before.columns) & set(task.after.columns):
            if column.name in names:
                yield column, column


def _has_column_left(
    forms: Forms, task: Task, gone: Collection[Column], altered: Iterable[Column]
) -> bool:
    """Whether the table keeps columns enough when those that go are gone."""
    if task.before is None:
        return True
    left = [each for each in task.before.columns if each not in gone]
    return forms.are_enough([*altered, *left], task)


def _plain_and_new(
    come: Iterable[Column], gone: Iterable[Column]
) -> tuple[Column, ...]:
    """Return the columns that can come before others go."""
    names = {column.name.casefold() for column in gone}
    new = (
        each
        for each in come
        if each.computed is None and each.name.casefold() not in names
    )
    return tuple(sorted(new, key=place))


def _holder(forms: Forms, gone: Iterable[Column]) -> tuple[Column, ...]:
    """Return a column that a table has while it would be without one."""
    if not forms.needs_column:
        return ()
    name = unique_name("stand_in", [column.name for column in gone])
    return (Column(name=name, type=Type("int"), nullable=True),)


def _keeping_values(
    forms: Forms,
    task: Task,
    replacing: Iterable[tuple[ColumnChange, Column, Column]],
    standing: Iterable[Thing],
) -> Iterator[Step]:
    """Yield the steps by which plain columns take the place of generated ones."""
    inner = [
        operation
        for each in sorted(standing, key=lambda each: _rank(GOING, each))
        for operation in _drop(forms, task.name, each)
    ]
    ending = [each for each in task.changes if ends_generated(forms, each)]
    gone = [each.before for each in ending if isinstance(each, ColumnChange)]
    inner += [
        drop_column(forms, task.name, column)
        for column in dependents_first(filter(None, gone))
    ]
    for change, stand_in, after in replacing:
        added = table_ops(task.name, [forms.add_column(task.name, stand_in)])
        yield Step(operation=added, changes=(change,))
        copied = copy_values(forms, task.name, stand_in.name, of=after.name)
        yield Step(operation=copied, changes=(change,))
        inner.append(alter_column(forms, task.name, stand_in, after))
    operation = table_ops(task.name, inner, _naming(standing, ()))
    yield Step(operation=operation, changes=tuple(ending))


def _without_generated(forms: Forms, task: Task, standing: Collection[Thing]) -> Task:
    """Return what is left to do when the generated columns that end are gone."""
    left: list[Change] = []
    for change in task.changes:
        if not ends_generated(forms, change):
            left.append(change)
        elif not isinstance(change, ColumnChange):
            continue
        elif becomes_plain(forms, change):
            left += settling(change)
        elif change.after is not None:
            left.append(replace(change, before=None))
    going = tuple(each for each in task.going if each not in standing)
    return replace(task, changes=tuple(left), going=going)


def _is_replaced_key(forms: Forms, thing: Thing, task: Task) -> bool:
    if not isinstance(thing, PrimaryKey):
        return False
    keys = (each for each in task.coming if isinstance(each, PrimaryKey))
    return forms.key_is_replaced(thing, next(keys, None))


def _is_made_by_type(forms: Forms, thing: Thing, task: Task) -> bool:
    """Whether a check comes with the type of a column, and is not written again."""
    if not isinstance(thing, Check) or not thing.of_type:
        return False
    return any(
        mentions(thing.expression, change.after.name)
        for change in task.changes
        if isinstance(change, ColumnChange) and change.after is not None
        if change.before is None
        or is_replaced(forms, change)
        or changes_type(change.before, change.after)
    )


def _naming(going: Iterable[Thing], coming: Iterable[Thing]) -> BatchOptions:
    """Return how a batch is told of the constraints that have no name.

    No convention finds a check: those in a table's text belong to no column.
    """
    kinds = {
        CONVENTION_KEYS[type(each)]
        for each in going
        if not isinstance(each, Index | Check) and each.naming is Naming.NONE
    }
    unnamed = sorted(
        each.name
        for each in coming
        if not isinstance(each, Index) and each.naming is Naming.NONE
    )
    return BatchOptions(
        unnamed=tuple(unnamed),
        naming_convention={kind: CONVENTION[kind] for kind in sorted(kinds)},
    )


def _comment(change: FactsChange) -> Iterator[ops.MigrateOperation]:
    before, after = change.before.comment, change.after.comment
    name = change.table
    if before == after:
        return
    if after is None:
        yield ops.DropTableCommentOp(
            name.name, schema=name.schema, existing_comment=before
        )
    else:
        yield ops.CreateTableCommentOp(
            name.name, after, schema=name.schema, existing_comment=before
        )
