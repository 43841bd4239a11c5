"""What follows a table or a column that gets another name, in parts and heirs too."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TypeVar

from whimbrel.schema.following import retargeted, with_indexes_called, with_name
from whimbrel.schema.names import default_name, tell_apart
from whimbrel.schema.spoken import (
    Swap,
    Words,
    options_called,
    tables_called,
    tables_named,
    text_called,
    with_defaults_called,
    words_of,
    written_place,
)
from whimbrel.schema.state import (
    Check,
    Column,
    Constraint,
    Exclusion,
    ExclusionPart,
    Following,
    ForeignKey,
    Index,
    IndexPart,
    Naming,
    State,
    Table,
    TableName,
)


Part = TypeVar("Part", bound=IndexPart | ExclusionPart)


def heirs_of(state: State, name: TableName) -> frozenset[TableName]:
    """Return the tables that are made from another one, near and far.

    Args:
        state: has them all.
        name: the table that they inherit from, or are parts of.
    """
    kin = {table.name: tables_named(table.options) for table in state.tables}
    kin = {heir: parents for heir, parents in kin.items() if parents}
    found: set[TableName] = set()
    left = [name] if kin else []
    while left:
        place = written_place(state, left.pop())
        near = {heir for heir, parents in kin.items() if place in parents}
        left += near - found
        found |= near
    return frozenset(found)


def follow_table(state: State, before: TableName, after: TableName) -> State:
    """Return *state* with the table *before* called *after* everywhere."""
    old, new = (written_place(state, each) for each in (before, after))

    def moved(table: Table) -> Table:
        constraints = frozenset(retargeted(e, before, after) for e in table.constraints)
        options = tables_called(table.options, old, new)
        met = replace(table, constraints=constraints, options=options)
        if table.name == before:
            met = with_name(met, after, state.following)
        return table if met == table else _renamed_again(met)

    return replace(state, tables=frozenset(moved(table) for table in state.tables))


def follow_column(state: State, name: TableName, before: str, after: str) -> State:
    """Return *state* with a column of a table, and of its heirs, called *after*."""
    names = {name, *heirs_of(state, name)}

    def moved(table: Table) -> Table:
        if table.name in names:
            if Following.INDEXES in state.following:
                table = with_indexes_called(table, before, after)
            spoken = words_of(state, before, after)
            called = _with_column_called(table, before, after, spoken)
            called = _with_targets_called(called, names, before, after)
            if state.speaking:  # else no default names a column
                called = with_defaults_called(called, spoken)
            return _renamed_again(called)
        return _with_targets_called(table, names, before, after)

    return replace(state, tables=frozenset(moved(table) for table in state.tables))


def _with_column_called(table: Table, before: str, after: str, spoken: Words) -> Table:
    def swap(column: str) -> str:
        return after if column == before else column

    return replace(
        table,
        columns=tuple(_column_called(each, swap, spoken) for each in table.columns),
        constraints=frozenset(
            _constraint_called(each, swap, spoken) for each in table.constraints
        ),
        indexes=frozenset(_index_called(each, swap, spoken) for each in table.indexes),
        options=options_called(table.options, swap, spoken),
    )


def _column_called(column: Column, swap: Swap, spoken: Words) -> Column:
    computed = column.computed
    if computed is not None:
        computed = replace(computed, expression=spoken(computed.expression))
    return replace(column, name=swap(column.name), computed=computed)


def _constraint_called(constraint: Constraint, swap: Swap, spoken: Words) -> Constraint:
    if isinstance(constraint, Check):
        is_named = constraint.naming is not Naming.NONE
        name = constraint.name if is_named else swap(constraint.name)
        return replace(constraint, name=name, expression=spoken(constraint.expression))
    options = options_called(constraint.options, swap, spoken)
    if isinstance(constraint, Exclusion):
        return replace(_exclusion_called(constraint, swap, spoken), options=options)
    if isinstance(constraint, ForeignKey):
        action = text_called(constraint.on_delete, spoken)
        constraint = replace(constraint, on_delete=action)
    columns = tuple(map(swap, constraint.columns))
    return replace(constraint, columns=columns, options=options)


def _exclusion_called(exclusion: Exclusion, swap: Swap, spoken: Words) -> Exclusion:
    parts = tuple(_part_called(part, swap, spoken) for part in exclusion.parts)
    where = spoken(exclusion.where) if exclusion.where else None
    return replace(exclusion, parts=parts, where=where)


def _part_called(part: Part, swap: Swap, spoken: Words) -> Part:
    column = swap(part.column) if part.column is not None else None
    expression = spoken(part.expression) if part.expression else None
    return replace(part, column=column, expression=expression)


def _with_targets_called(
    table: Table, targets: Collection[TableName], before: str, after: str
) -> Table:
    constraints = (
        _target_called(each, targets, before, after) for each in table.constraints
    )
    return replace(table, constraints=frozenset(constraints))


def _target_called(
    constraint: Constraint, targets: Collection[TableName], before: str, after: str
) -> Constraint:
    if not isinstance(constraint, ForeignKey) or constraint.target not in targets:
        return constraint
    columns = (after if each == before else each for each in constraint.target_columns)
    return replace(constraint, target_columns=tuple(columns))


def _index_called(index: Index, swap: Swap, spoken: Words) -> Index:
    parts = tuple(_part_called(part, swap, spoken) for part in index.parts)
    where = spoken(index.where) if index.where else None
    options = options_called(index.options, swap, spoken)
    return replace(index, parts=parts, where=where, options=options)


def _renamed_again(table: Table) -> Table:
    """Give the unnamed constraints the names that they now go by."""
    fresh = (_called_anew(each, table) for each in table.constraints)
    return replace(table, constraints=frozenset(tell_apart(fresh)))


def _called_anew(constraint: Constraint, table: Table) -> Constraint:
    if constraint.naming is not Naming.NONE or isinstance(constraint, Check):
        return constraint
    target = constraint.target.name if isinstance(constraint, ForeignKey) else ""
    name = default_name(type(constraint), table.name.name, constraint.columns, target)
    return replace(constraint, name=name)
