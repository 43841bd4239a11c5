"""A scratch database is brought to the state in which a script will find the real one.

SQLite keeps the texts by which all was made; on a server, our own plan makes the
tables, and what stands around them is made from what the catalog tells.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy.engine import Connection

from whimbrel.catalog.scratch import copy_schema, copy_surroundings
from whimbrel.plan.build import build
from whimbrel.run.steps import carry_out
from whimbrel.schema.dialect import dialect_of
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import (
    ForeignKey,
    Index,
    IndexPart,
    State,
    Table,
    TableName,
)


def stand(
    source: Connection,
    scratch: Connection,
    scope: Scope,
    current: State,
    touched: Collection[TableName] | None = None,
) -> State:
    """Bring *scratch* to the state of *source*, as far as a script may look.

    Args:
        source: the original database.
        scratch: an empty database like it.
        scope: the schemas that are ours.
        current: the state of *source*.
        touched: the tables that the script is about; None: it may be any.

    Returns:
        the state that was to be made.
    """
    if dialect_of(source).is_one_file:
        if current.tables:  # a first script stands on nothing
            copy_schema(source, scratch, scope)
        return current
    wanted = current if touched is None else around(current, touched)
    copy_surroundings(source, scratch, scope, are_tables_there=False)
    make(scratch, _with_indexes_of_keys(wanted))
    copy_surroundings(source, scratch, scope, are_tables_there=True)
    return wanted


def _with_indexes_of_keys(state: State) -> State:
    """Return *state* with the indexes that a server made for foreign keys by itself.

    A key that it named as well is written with that name now, and the index that it
    would make for such a key is called otherwise than the one that is there.
    """
    tables = (
        replace(table, indexes=table.indexes | _indexes_of_keys(table))
        for table in state.tables
    )
    return replace(state, tables=frozenset(tables))


def _indexes_of_keys(table: Table) -> frozenset[Index]:
    return frozenset(
        Index(
            name=key.index,
            parts=tuple(IndexPart(column=column) for column in key.columns),
        )
        for key in _keys(table)
        if key.index is not None and key.index != key.name
    )


def make(scratch: Connection, state: State) -> None:
    """Make all of *state* in an empty database."""
    nothing = State()
    plan = build(diff(nothing, state), nothing, state, dialect_of(scratch))
    carry_out(scratch, plan.upgrade)


def around(state: State, names: Collection[TableName]) -> State:
    """Return the tables *names* of *state*, and those that are tied to them by keys.

    Keys that lead further are left out, else all tables would hang together.
    """
    core = frozenset(names)
    tied = {
        each
        for table in state.tables
        for key in _keys(table)
        for each in (table.name, key.target)
        if table.name in core or key.target in core
    }
    kept = core | tied
    tables = (_within(table, kept) for table in state.tables if table.name in kept)
    return replace(state, tables=frozenset(tables))


def _keys(table: Table) -> list[ForeignKey]:
    return [each for each in table.constraints if isinstance(each, ForeignKey)]


def _within(table: Table, names: frozenset[TableName]) -> Table:
    leading_out = {key for key in _keys(table) if key.target not in names}
    return replace(table, constraints=table.constraints - leading_out)
