"""What models have no words for, told where two databases are compared."""

from __future__ import annotations

import re
from dataclasses import replace

from whimbrel.schema.names import fitted_name
from whimbrel.schema.state import Column, Option, Sequence, State, Table


SERIAL = "serial"
SEQUENCE_NAME = "sequence_name"
"""What the sequence of an identity column is called, if not after its column."""


def with_counters_told(state: State) -> State:
    """Return the state of a database with the sequences of serial columns beside it.

    Those are told that the type alone would not make.  Models do not say what the
    sequence of a serial column is called, nor how it counts.  Between two databases
    that is a difference; so the column is told by its default, and its sequence stands
    by itself.  So is the name of the sequence of an identity column.
    """
    found: list[Sequence] = []
    tables = frozenset(_told(table, found) for table in state.tables)
    return replace(state, tables=tables, sequences=state.sequences | {*found})


def with_parts_told(state: State) -> State:
    """Return the state of a database with the parts of its tables among the tables."""
    tables = state.tables | state.parts
    return replace(state, tables=tables, parts=frozenset(), partitions=frozenset())


def _told(table: Table, found: list[Sequence]) -> Table:
    counters = [each.counter for each in table.columns if each.identity is None]
    found += [each.sequence for each in counters if each is not None]
    columns = (_by_default(each, table.name.name) for each in table.columns)
    return replace(table, columns=tuple(columns))


def _by_default(column: Column, table: str) -> Column:
    if column.counter is None:
        return column
    if column.identity is not None:
        name = column.counter.sequence.name
        usual = re.escape(fitted_name(table, column.name, "seq"))
        if re.fullmatch(rf"{usual}\d*", name):
            return column
        return replace(column, options=column.options | {Option(SEQUENCE_NAME, name)})
    rest = frozenset(each for each in column.options if each.name != SERIAL)
    default = column.counter.default
    return replace(column, default=default, options=rest, counter=None)
