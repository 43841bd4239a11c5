"""What tables say of the defaults of columns that they inherit, on both of two sides.

Where one side says nothing, the default is that of the table that the column is of:
which one that is must be told, for no statement takes back what is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from whimbrel.plan.generic import Forms
from whimbrel.schema.state import Column, State, Table, TableName


def with_defaults_told(
    current: State, target: State, forms: Forms
) -> tuple[State, State]:
    """Return two states whose tables say a default on both sides if they do on one."""
    olds, news = (
        {table.name: table for table in state.tables} for state in (current, target)
    )
    pairs = {
        name: _told((olds[name], news[name]), (olds, news), forms)
        for name in olds.keys() & news.keys()
        if forms.parents(olds[name]) == forms.parents(news[name])
    }
    return _with(current, {n: pair[0] for n, pair in pairs.items()}), _with(
        target, {n: pair[1] for n, pair in pairs.items()}
    )


def _with(state: State, others: Mapping[TableName, Table]) -> State:
    tables = (others.get(table.name, table) for table in state.tables)
    return replace(state, tables=frozenset(tables))


def _told(
    sides: tuple[Table, Table],
    tables: tuple[Mapping[TableName, Table], Mapping[TableName, Table]],
    forms: Forms,
) -> tuple[Table, Table]:
    old, new = map(forms.own_defaults, sides)
    if old == new:
        return sides
    before, after = (
        _defaults(table, old.keys() | new.keys(), around, forms)
        for table, around in zip(sides, tables, strict=True)
    )
    # where the whole's becomes what the other side says, or was it, one side says it
    is_said = {each for each in before if before[each] != after.get(each, "")}
    told = (
        forms.with_own_defaults(
            table, {each: found[each] for each in found if each in is_said | own.keys()}
        )
        for table, found, own in zip(sides, (before, after), (old, new), strict=True)
    )
    return next(told), next(told)


def _defaults(
    table: Table, names: set[str], tables: Mapping[TableName, Table], forms: Forms
) -> dict[str, str | None]:
    """Return the defaults of those columns of *table* that have one of *names*."""
    columns = ((name, _column(table, name, tables, forms)) for name in names)
    return {
        name: None if column.default is None else column.default.canonical
        for name, column in columns
        if column is not None
    }


def _column(
    table: Table, name: str, tables: Mapping[TableName, Table], forms: Forms
) -> Column | None:
    """Return a column as a table has it, be it of another one."""
    own = next((each for each in table.columns if each.name == name), None)
    if own is not None:
        return own
    for parent in sorted(forms.parents(table) & tables.keys()):
        found = _column(tables[parent], name, tables, forms)
        if found is not None:
            return forms.as_inherited(found, parent, table)
    return None
