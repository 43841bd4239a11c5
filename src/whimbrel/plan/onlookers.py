"""What looks on and is in the way of a change: dropped before it, made again after."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from alembic.operations import ops

from whimbrel.errors import OnlookerInTheWay
from whimbrel.plan.columns import is_made_from
from whimbrel.plan.generic import changes_type
from whimbrel.plan.items import text
from whimbrel.plan.step import Step
from whimbrel.schema.changes import (
    Change,
    ColumnChange,
    ConstraintChange,
    EnumChange,
    FootingChange,
    TableChange,
)
from whimbrel.schema.state import (
    OWN_DEFAULT,
    STATISTICS,
    Column,
    Enum,
    Footing,
    Onlooker,
    PrimaryKey,
    Table,
    TableName,
    Use,
)


Key: TypeAlias = tuple[str, TableName]
Heirs: TypeAlias = Mapping[TableName, Sequence[TableName]]
NO_HEIRS: Heirs = {}

_DROP = re.compile(r"DROP (?:MATERIALIZED )?\w+ ")


def followed(
    onlookers: Iterable[Onlooker], renames: Iterable[Change]
) -> tuple[Onlooker, ...]:
    """Return *onlookers* by the names that what they read has after *renames*."""
    found = tuple(onlookers)
    for change in renames:
        match change:
            case TableChange(before=Table() as old, after=Table() as new):
                names = {old.name: new.name}
                found = tuple(_followed(each, names, {}) for each in found)
            case EnumChange(before=Enum() as old, after=Enum() as new):
                names = {type_name(old): type_name(new)}
                found = tuple(_followed(each, names, {}) for each in found)
            case ColumnChange(before=Column() as old, after=Column() as new):
                uses = {Use(change.table, old.name): Use(change.table, new.name)}
                found = tuple(_followed(each, {}, uses) for each in found)
            case _:
                continue
    return found


def turned_into(onlooker: Onlooker, other: Onlooker | None) -> Onlooker:
    """Return an onlooker so that *other* takes its place where it must go."""
    made, needs = (other.made, other.uses) if other else ((), frozenset[Use]())
    return replace(onlooker, made=made, needs=needs, was=onlooker.made)


def turned_back(onlooker: Onlooker) -> Onlooker:
    """Return an onlooker as it stands on the way back, if another took its place."""
    if onlooker.was is None or onlooker.dropped is None:
        return onlooker
    needs = onlooker.needs or frozenset()
    return replace(
        onlooker,
        dropped=_DROP.sub(r"\g<0>IF EXISTS ", onlooker.dropped, count=1),
        made=onlooker.was,
        uses=onlooker.uses | needs,
        needs=onlooker.uses,
        was=None,
    )


def key_of(onlooker: Onlooker) -> Key:
    """Return what tells an onlooker from the others."""
    return onlooker.kind, onlooker.name


def sent_away(
    onlookers: Iterable[Onlooker],
    found: Collection[Onlooker],
    changes: Iterable[Change],
) -> Iterator[Key]:
    """Yield which of *onlookers* the way back is to make as they were.

    Args:
        onlookers: what looks on.
        found: those that stood in the way.
        changes: what happens; what stands on a table goes with it.
    """
    gone = {name for name in map(_gone, changes) if name is not None}
    for each in onlookers:
        if (
            each.was is not None
            and each.was != each.made
            and (each in found or each.table in gone)
        ):
            yield key_of(each)


def type_name(thing: Enum | Footing) -> TableName:
    """Return the name of a type: no table has it, so that it is told like one."""
    return TableName(thing.name, thing.schema)


def _followed(
    onlooker: Onlooker, names: dict[TableName, TableName], renamed: dict[Use, Use]
) -> Onlooker:
    uses = frozenset(
        renamed.get(use, replace(use, table=names.get(use.table, use.table)))
        for use in onlooker.uses
    )
    table = onlooker.table and names.get(onlooker.table, onlooker.table)
    if (uses, table) == (onlooker.uses, onlooker.table):
        return onlooker
    is_dropped_by_new = not names or onlooker.kind.endswith("view")
    is_made_by_new = onlooker.was is not None and is_dropped_by_new
    return replace(
        onlooker,
        uses=uses,
        table=table,
        has_old_names=onlooker.has_old_names or not is_made_by_new,
    )


def in_the_way(
    onlookers: Iterable[Onlooker],
    changes: Iterable[Change],
    tables: Iterable[Table],
    types: Iterable[Change] = (),
    *,
    heirs: tuple[Heirs, Heirs] = (NO_HEIRS, NO_HEIRS),
    lost: Collection[Key] = (),
) -> tuple[Onlooker, ...]:
    """Return what reads that which changes, and what reads what goes for it.

    Args:
        onlookers: what looks on, each behind those that it reads.
        changes: what happens.
        tables: the tables as they are until then.
        types: the changes by which types go, or give way to others.
        heirs: by the names of tables, those that have their columns; and those that
            have them in the end.
        lost: those that are made again in any case.

    Raises:
        OnlookerInTheWay: one needs what there will be no more, or cannot be set aside.
    """
    onlookers, changes = tuple(onlookers), tuple(changes)
    if not onlookers:
        return ()
    gone = {name for name in map(_gone, changes) if name is not None}
    left = [each for each in onlookers if each.table not in gone]
    firm = _firm_defaults(left, changes, gone, heirs)
    changes = tuple(_with_heirs(changes, heirs[0]))
    others = [each for each in left if each.kind not in (OWN_DEFAULT, STATISTICS)]
    touched = set(_touched(changes, others, {table.name: table for table in tables}))
    touched |= set(_read_below(touched, heirs[0], gone))
    touched |= set(_types_touched(types, others))
    defaulted = touched | set(_with_other_default(changes))
    found: list[Onlooker] = []
    for each in left:
        if each.kind == OWN_DEFAULT:
            if each in firm and not each.uses.isdisjoint(defaulted):
                found.append(firm[each])
            continue
        read = {use.table for use in each.uses}
        names = {other.name for other in found}
        is_met = not each.uses.isdisjoint(touched) or not read.isdisjoint(names)
        if is_met or key_of(each) in lost:
            found.append(each)
    return tuple(_set_aside(found, touched, set(_lost(changes))))


def _set_aside(
    found: Iterable[Onlooker], touched: Collection[Use], lost: Collection[Use]
) -> Iterator[Onlooker]:
    """Yield what is in the way; statistics go with a column of theirs, if one goes."""
    for each in found:
        if each.kind != STATISTICS:
            _refuse_fixed(
                each, sorted(each.uses.intersection(touched), key=_said), lost
            )
            yield each
        elif not each.has_old_names:
            is_over = each.was is None and not each.uses.isdisjoint(lost)
            yield replace(each, made=()) if is_over else each


def _lost(changes: Iterable[Change]) -> Iterator[Use]:
    """Yield the columns that go, and the tables."""
    for change in changes:
        match change:
            case TableChange(before=Table() as table, after=None):
                yield Use(table.name)
                yield from (Use(table.name, each.name) for each in table.columns)
            case ColumnChange(before=Column() as column, after=None):
                yield Use(change.table, column.name)
            case _:
                continue


def heirs_of(
    tables: Iterable[Table], parents: Callable[[Table], Iterable[TableName]]
) -> Heirs:
    """Return the tables that are made from others, by the names of those."""
    found: dict[TableName, list[TableName]] = {}
    for table in tables:
        for parent in parents(table):
            found.setdefault(parent, []).append(table.name)
    return found


def _with_heirs(changes: Iterable[Change], heirs: Heirs) -> Iterator[Change]:
    """Yield *changes*; what becomes of a column does so in all that have it."""
    for change in changes:
        yield change
        if isinstance(change, ColumnChange) and change.before is not None:
            for name in _below(change.table, heirs):
                yield replace(change, table=name)


def _below(table: TableName, heirs: Heirs) -> Iterator[TableName]:
    """Yield all tables that are made from one."""
    names = [*heirs.get(table, ())]
    for name in names:  # which grow
        names += (each for each in heirs.get(name, ()) if each not in names)
        yield name


def _read_below(
    uses: Iterable[Use], heirs: Heirs, gone: Collection[TableName]
) -> Iterator[Use]:
    """Yield columns as the heirs of their tables have them, if these do not go."""
    for use in uses:
        if use.column is not None and use.table not in gone:
            yield from (Use(name, use.column) for name in _below(use.table, heirs))


def _firm_defaults(
    onlookers: Iterable[Onlooker],
    changes: Iterable[Change],
    gone: Collection[TableName],
    heirs: tuple[Heirs, Heirs],
) -> dict[Onlooker, Onlooker]:
    """Return the defaults of tables' own that stay, whatever becomes of the wholes.

    Not so what goes with its column; of what becomes another by its own table's change,
    nothing is made again.
    """
    told, lost = set(_with_other_default(changes)), set[Use]()
    for change in changes:
        if isinstance(change, ColumnChange) and change.before and not change.after:
            lost.add(Use(change.table, change.before.name))
    before, after = ({(e, name) for e in side for name in side[e]} for side in heirs)
    moved = {name for _, name in before ^ after}
    return {
        each: each
        if not any(use.table == each.table for use in told & each.uses)
        else replace(each, made=())
        for each in onlookers
        if each.kind == OWN_DEFAULT
        and each.table not in moved
        and lost.isdisjoint(each.uses)
        and not any(use.table in gone for use in each.uses)
    }


def _with_other_default(changes: Iterable[Change]) -> Iterator[Use]:
    """Yield the columns that get another default, as do all that are made from them."""
    for change in changes:
        match change:
            case ColumnChange(before=Column() as old, after=Column() as new):
                if old.default != new.default:
                    yield Use(change.table, old.name)
            case _:
                continue


def _gone(change: Change) -> TableName | None:
    """Return the table that goes, and all that hangs on it."""
    if isinstance(change, TableChange) and change.before and change.after is None:
        return change.before.name
    return None


def _touched(
    changes: Iterable[Change],
    onlookers: Iterable[Onlooker],
    tables: dict[TableName, Table],
) -> Iterator[Use]:
    """Yield the columns that nothing may read while they change."""
    for change in changes:
        match change:
            case TableChange(before=table, after=None) if table is not None:
                for each in onlookers:
                    yield from _read_of(each, table)
            case ColumnChange(before=column) if column is not None:
                yield from _of_column(change, column, onlookers, tables)
            case ConstraintChange(before=PrimaryKey() as key, after=after):
                use = Use(change.table, key.name)
                if not isinstance(after, PrimaryKey) or {*after.columns} - {
                    *key.columns
                }:
                    _refuse(onlookers, use)
                yield use
            case _:
                continue


def _types_touched(
    changes: Iterable[Change], onlookers: Iterable[Onlooker]
) -> Iterator[Use]:
    """Yield the types of which nothing may have values while they change."""
    for change in changes:
        if isinstance(change, EnumChange | FootingChange) and change.before:
            use = Use(type_name(change.before))
            if change.after is None:
                _refuse(onlookers, use)
            yield use


def _read_of(onlooker: Onlooker, table: Table) -> Iterator[Use]:
    """Yield what is read of a table that goes."""
    read = {use for use in onlooker.uses if use.table == table.name}
    if read and not read.isdisjoint(_needs(onlooker)):
        raise _refused(onlooker, str(table.name))
    yield from read


def _of_column(
    change: ColumnChange,
    column: Column,
    onlookers: Iterable[Onlooker],
    tables: dict[TableName, Table],
) -> Iterator[Use]:
    use, after = Use(change.table, column.name), change.after
    if after is None:
        _refuse(onlookers, use)
        yield use
    elif changes_type(column, after) or column.computed != after.computed:
        yield use
        yield from _made_from(column, tables.get(change.table))


def _made_from(column: Column, table: Table | None) -> Iterator[Use]:
    """Yield the generated columns that are made anew with *column*."""
    for each in table.columns if table is not None else ():
        if table is not None and is_made_from(each, [column.name]):
            yield Use(table.name, each.name)


def _needs(onlooker: Onlooker) -> frozenset[Use]:
    return onlooker.uses if onlooker.needs is None else onlooker.needs


def _refuse(onlookers: Iterable[Onlooker], use: Use) -> None:
    for each in onlookers:
        if use in each.uses and use in _needs(each):
            raise _refused(each, _said(use))


def _said(use: Use) -> str:
    return f"{use.table}.{use.column}" if use.column else str(use.table)


def _refused(onlooker: Onlooker, what: str) -> OnlookerInTheWay:
    return OnlookerInTheWay(
        f"The {onlooker} reads {what}, which the models have no more.",
        f"Write a script that drops the {onlooker.kind}, or makes it anew without"
        f" {what}, and upgrade the database; then generate this one again.",
        onlooker=str(onlooker.name),
        used=what,
    )


def _refuse_fixed(
    onlooker: Onlooker, touched: Sequence[Use], lost: Collection[Use]
) -> None:
    """Refuse what cannot be dropped and made again without a loss."""
    what = ", ".join(map(_said, touched)) or "what must be made again"
    if onlooker.dropped is None and any(use in lost for use in touched):
        gone = ", ".join(_said(use) for use in touched if use in lost)
        raise OnlookerInTheWay(
            f"The {onlooker} reads {gone}, which goes.",
            f"Write a script that drops the {onlooker.kind}, or lets it read something"
            " else, and upgrade the database; then generate this one again.",
            onlooker=str(onlooker.name),
            used=gone,
        )
    if onlooker.dropped is None:
        raise OnlookerInTheWay(
            f"The {onlooker} reads {what}, which changes its type.",
            f"Write a script that drops the {onlooker.kind}, changes the type and"
            f" makes the {onlooker.kind} again.",
            onlooker=str(onlooker.name),
            used=what,
        )
    if onlooker.has_old_names:
        raise OnlookerInTheWay(
            f"The {onlooker} reads {what}, which changes its type, while something"
            " that it reads gets another name.",
            "Do it in two scripts: one that gives the other name, and, when the"
            " database is upgraded, one for the rest.",
            onlooker=str(onlooker.name),
            used=what,
        )


def dropped(onlookers: tuple[Onlooker, ...], changes: tuple[Change, ...]) -> list[Step]:
    """Return the steps that drop *onlookers*, those first that read others."""
    return [
        _statement(each.dropped, changes)
        for each in reversed(onlookers)
        if each.dropped is not None
    ]


def restored(
    onlookers: tuple[Onlooker, ...], changes: tuple[Change, ...]
) -> list[Step]:
    """Return the steps that make *onlookers* again, with all that hangs on them."""
    return [_statement(sql, changes) for each in onlookers for sql in each.made]


def _statement(sql: str, changes: tuple[Change, ...]) -> Step:
    return Step(operation=ops.ExecuteSQLOp(text(sql).text), changes=changes)
