"""What is done to one table that stays, in an order that every database can run."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from alembic.operations import ops

from whimbrel.plan.fill import copy_values
from whimbrel.plan.generic import (
    Forms,
    add_column,
    add_constraint,
    alter_column,
    changes_type,
    create_index,
    drop_column,
    drop_constraint,
    drop_index,
)
from whimbrel.plan.order import Task, Thing
from whimbrel.plan.step import BatchOptions, Step, TableOps
from whimbrel.schema.changes import Change, ColumnChange, FactsChange
from whimbrel.schema.names import CONVENTION, CONVENTION_KEYS, unique_name
from whimbrel.schema.state import (
    NO_OPTIONS,
    Check,
    Column,
    Constraint,
    Exclusion,
    Expression,
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


QUOTES = ('"', "`")
"""What may stand around a name, and is doubled within it."""


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
    if stand_ins := tuple(_stand_ins(task)):
        generated = [each for each in task.changes if _ends_generated(each)]
        standing = [each for each in going if _stands_on_any(each, generated)]
        yield from _keeping_values(forms, task, stand_ins, standing)
        task = _without_generated(task, standing)
    operation = _whole(forms, task)
    if not operation.is_empty():
        loses = tuple(each for each in task.changes if _loses_values(each))
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


def add_keys(forms: Forms, name: TableName, keys: Iterable[Constraint]) -> TableOps:
    """Return the operation that adds constraints, and nothing else."""
    added = tuple(keys)
    inner = [add_constraint(forms, name, each) for each in added]
    return table_ops(name, inner, _naming((), added))


def drop_keys(forms: Forms, name: TableName, keys: Iterable[Constraint]) -> TableOps:
    """Return the operation that drops constraints, and nothing else."""
    dropped = tuple(keys)
    inner = [drop_constraint(forms, name, each) for each in dropped]
    return table_ops(name, inner, _naming(dropped, ()))


def _whole(forms: Forms, task: Task) -> TableOps:
    """Return all that is done to the table within its batch."""
    going = [each for each in task.going if not _is_replaced_key(forms, each, task)]
    coming = [each for each in task.coming if not _is_made_by_type(each, task)]
    inner: list[ops.MigrateOperation] = []
    for thing in sorted(going, key=lambda each: _rank(GOING, each)):
        inner.append(_drop(forms, task.name, thing))
    inner += _column_operations(forms, task)
    for thing in sorted(coming, key=lambda each: _rank(COMING, each)):
        inner.append(_create(forms, task.name, thing))
    batch = _naming(going, coming)
    for change in task.changes:
        if isinstance(change, FactsChange):
            inner += _comment(change)
            facts = forms.facts(change.before, change.after)
            batch = replace(
                batch, recreate=facts.recreate, table_kwargs=facts.table_kwargs
            )
    return table_ops(task.name, inner, batch)


def _rank(kinds: tuple[type[Thing], ...], thing: Thing) -> tuple[int, str, str]:
    return (kinds.index(type(thing)), thing.name, repr(thing))


def _drop(forms: Forms, table: TableName, thing: Thing) -> ops.MigrateOperation:
    if isinstance(thing, Index):
        return drop_index(forms, table, thing)
    return drop_constraint(forms, table, thing)


def _create(forms: Forms, table: TableName, thing: Thing) -> ops.MigrateOperation:
    if isinstance(thing, Index):
        return create_index(forms, table, thing)
    return add_constraint(forms, table, thing)


def _column_operations(forms: Forms, task: Task) -> Iterator[ops.MigrateOperation]:
    """Yield what happens to the columns: they go, change, come.

    Generated columns go before those that they are made from, and come after.  A
    table is never without a column.
    """
    changes = [each for each in task.changes if isinstance(each, ColumnChange)]
    gone = [each.before for each in changes if _goes(each) and each.before]
    come = [each.after for each in changes if _comes(each) and each.after]
    opening = _opening(forms, task)
    altered = [*_altered(changes), *_restated(task, opening)]
    early = () if _has_column_left(task, gone, altered) else _plain_and_new(come, gone)
    come = [each for each in come if each not in early]
    for column in early:
        yield add_column(forms, task.name, column)
    for column in _dependents_first(gone):
        yield drop_column(forms, task.name, column)
    for before, after in sorted(altered, key=lambda pair: _place(pair[1])):
        is_opening = before.name in opening and before.nullable == after.nullable
        yield alter_column(forms, task.name, before, after, says_nullable=is_opening)
    plain = [each for each in come if each.computed is None]
    generated = [each for each in come if each.computed is not None]
    for column in (*sorted(plain, key=_place), *_dependents_last(generated)):
        yield add_column(forms, task.name, column)


def _dependents_first(columns: Iterable[Column]) -> Iterator[Column]:
    """Yield generated columns before what they are made from, plain ones last."""
    columns = tuple(columns)
    yield from reversed(_dependents_last([e for e in columns if e.computed]))
    yield from sorted((e for e in columns if not e.computed), key=_place)


def _dependents_last(columns: Iterable[Column]) -> list[Column]:
    """Return generated columns, each behind those that it is made from."""
    left, ordered = sorted(columns, key=_place), list[Column]()
    while left:
        names = [each.name for each in left]
        free = (each for each in left if not is_made_from(each, names))
        ordered.append(next(free, left[0]))
        left.remove(ordered[-1])
    return ordered


def is_made_from(column: Column, names: Iterable[str]) -> bool:
    """Whether a generated column is made from another that is among *names*."""
    expression = column.computed.expression if column.computed is not None else None
    return any(mentions(expression, name) for name in names if name != column.name)


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
    task: Task, gone: Collection[Column], altered: Collection[object]
) -> bool:
    """Whether the table keeps a column when those that go are gone."""
    return bool(altered) or task.before is None or len(gone) < len(task.before.columns)


def _plain_and_new(
    come: Iterable[Column], gone: Iterable[Column]
) -> tuple[Column, ...]:
    """Return the columns that can come before others go."""
    names = {column.name for column in gone}
    new = (each for each in come if each.computed is None and each.name not in names)
    return tuple(sorted(new, key=_place))


def _place(column: Column) -> tuple[int, str]:
    return column.position, column.name


def _stand_ins(task: Task) -> Iterator[tuple[ColumnChange, Column, Column]]:
    """Yield the generated columns that become plain, and what keeps their values.

    No database makes the one the other: a plain column takes the values, then the
    name.  Its type is told as the database spells it, for a type of the app's own
    may bring a check.
    """
    tables = [each for each in (task.before, task.after) if each is not None]
    taken = {column.name for table in tables for column in table.columns}
    for change in task.changes:
        if isinstance(change, ColumnChange) and change.after and _becomes_plain(change):
            name = unique_name(f"{change.after.name}_values", taken)
            taken.add(name)
            stand_in = replace(
                change.after,
                name=name,
                type=Type(change.after.type.spelling),
                nullable=True,
                default=None,
                options=NO_OPTIONS,
            )
            yield change, stand_in, change.after


def _keeping_values(
    forms: Forms,
    task: Task,
    stand_ins: Iterable[tuple[ColumnChange, Column, Column]],
    standing: Iterable[Thing],
) -> Iterator[Step]:
    """Yield the steps by which plain columns take the place of generated ones."""
    inner = [
        _drop(forms, task.name, each)
        for each in sorted(standing, key=lambda each: _rank(GOING, each))
    ]
    ending = [each for each in task.changes if _ends_generated(each)]
    gone = [each.before for each in ending if isinstance(each, ColumnChange)]
    inner += [
        drop_column(forms, task.name, column)
        for column in _dependents_first(filter(None, gone))
    ]
    for change, stand_in, after in stand_ins:
        added = table_ops(task.name, [add_column(forms, task.name, stand_in)])
        yield Step(operation=added, changes=(change,))
        copied = copy_values(forms, task.name, stand_in.name, of=after.name)
        yield Step(operation=copied, changes=(change,))
        inner.append(alter_column(forms, task.name, stand_in, after))
    operation = table_ops(task.name, inner, _naming(standing, ()))
    yield Step(operation=operation, changes=tuple(ending))


def _without_generated(task: Task, standing: Collection[Thing]) -> Task:
    """Return what is left to do when the generated columns that end are gone."""
    left: list[Change] = []
    for change in task.changes:
        if not _ends_generated(change):
            left.append(change)
        elif not isinstance(change, ColumnChange) or _becomes_plain(change):
            continue
        elif change.after is not None:
            left.append(replace(change, before=None))
    going = tuple(each for each in task.going if each not in standing)
    return replace(task, changes=tuple(left), going=going)


def _ends_generated(change: Change) -> bool:
    """Whether a generated column goes, or is replaced."""
    if not isinstance(change, ColumnChange) or change.before is None:
        return False
    return change.before.computed is not None and _goes(change)


def _stands_on_any(thing: Thing, changes: Iterable[Change]) -> bool:
    return any(
        stands_on(thing, change.before.name)
        for change in changes
        if isinstance(change, ColumnChange) and change.before is not None
    )


def _becomes_plain(change: ColumnChange) -> bool:
    """Whether a generated column becomes one that has values of its own."""
    before, after = change.before, change.after
    return bool(before and before.computed and after and after.computed is None)


def _altered(changes: Iterable[ColumnChange]) -> Iterator[tuple[Column, Column]]:
    for change in changes:
        if change.before and change.after and not is_replaced(change):
            yield change.before, change.after


def is_replaced(change: Change) -> bool:
    """Whether a column is dropped and added again, as its expression changes."""
    if not isinstance(change, ColumnChange):
        return False
    before, after = change.before, change.after
    return bool(before and after) and _computed(before) != _computed(after)


def _computed(column: Column | None) -> object:
    return column.computed if column is not None else None


def _goes(change: ColumnChange) -> bool:
    return change.after is None or is_replaced(change)


def _comes(change: ColumnChange) -> bool:
    return change.before is None or is_replaced(change)


def _loses_values(change: Change) -> bool:
    """Whether values are lost that nothing else tells; generated ones are not."""
    if not isinstance(change, ColumnChange) or change.before is None:
        return False
    is_gone = change.after is None or is_replaced(change)
    return is_gone and change.before.computed is None


def _is_replaced_key(forms: Forms, thing: Thing, task: Task) -> bool:
    if not isinstance(thing, PrimaryKey):
        return False
    keys = (each for each in task.coming if isinstance(each, PrimaryKey))
    return forms.key_is_replaced(thing, next(keys, None))


def _is_made_by_type(thing: Thing, task: Task) -> bool:
    """Whether a check comes with the type of a column, and is not written again."""
    if not isinstance(thing, Check) or not thing.of_type:
        return False
    return any(
        mentions(thing.expression, change.after.name)
        for change in task.changes
        if isinstance(change, ColumnChange) and change.after is not None
        if change.before is None
        or is_replaced(change)
        or changes_type(change.before, change.after)
    )


def mentions(expression: Expression | None, name: str) -> bool:
    """Whether *expression* seems to speak of the column called *name*."""
    if expression is None:
        return False
    doubled = (name.replace(quote, quote * 2) for quote in QUOTES)
    written = "|".join(re.escape(each) for each in (name, *doubled))
    pattern = rf"(?<!\w)(?:{written})(?!\w)"
    return re.search(pattern, expression.text, re.IGNORECASE) is not None


def stands_on(thing: Thing, name: str) -> bool:
    """Whether a constraint or an index stands on the column called *name*."""
    match thing:
        case Check():
            return mentions(thing.expression, name)
        case Index() | Exclusion():
            return mentions(thing.where, name) or any(
                part.column == name or mentions(part.expression, name)
                for part in thing.parts
            )
        case _:
            return name in thing.columns


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
