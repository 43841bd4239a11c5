"""What models have no words for, told where two databases are compared."""

from __future__ import annotations

from dataclasses import replace

from whimbrel.schema.state import Column, Sequence, State, Table


SERIAL = "serial"


def with_counters_told(state: State) -> State:
    """Return the state of a database with the sequences of serial columns beside it.

    Those are told that the type alone would not make.  Models do not say what the
    sequence of a serial column is called, nor how it counts.  Between two databases
    that is a difference; so the column is told by its default, and its sequence stands
    by itself.
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
    return replace(table, columns=tuple(map(_by_default, table.columns)))


def _by_default(column: Column) -> Column:
    if column.counter is None or column.identity is not None:
        return column
    rest = frozenset(each for each in column.options if each.name != SERIAL)
    default = column.counter.default
    return replace(column, default=default, options=rest, counter=None)
