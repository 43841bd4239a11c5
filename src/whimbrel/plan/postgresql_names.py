"""Names that something of another kind takes: what has them is set aside.

A table, an index, a key and a sequence cannot have one name in a schema of PostgreSQL,
neither can a table and a type.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from whimbrel.plan.postgresql_columns import is_serial, serial_name
from whimbrel.schema.changes import (
    Change,
    ConstraintChange,
    EnumChange,
    IndexChange,
    SequenceChange,
    TableChange,
)
from whimbrel.schema.names import unique_name
from whimbrel.schema.state import (
    Check,
    Enum,
    Exclusion,
    ForeignKey,
    Index,
    PrimaryKey,
    Sequence,
    State,
    Table,
    TableName,
    Unique,
)


Thing: TypeAlias = Table | Index | PrimaryKey | Unique | Exclusion | Sequence | Enum
Place: TypeAlias = tuple[str, str | None, str]


@dataclass(frozen=True, slots=True)
class _Holder:
    """What has a name: a thing, or the sequence of a serial column.

    Args:
        kind: what it is.
        table: the table that it belongs to.
        thing: the thing itself, if it can be called otherwise.
    """

    kind: str
    table: TableName | None = None
    thing: Thing | None = None

    def is_like(self, other: _Holder) -> bool:
        """Whether two are one thing, or what belongs to one table."""
        if self.kind == other.kind == "index" and self.table != other.table:
            both = isinstance(self.thing, Index), isinstance(other.thing, Index)
            return all(both)  # an index goes before another one comes
        return (self.kind, self.table) == (other.kind, other.table)


def names_taken(start: State, end: State) -> Iterator[Change]:
    """Yield renames of what goes, and whose name a thing of another kind takes."""
    held = [*_held(start)]
    wanted: dict[Place, list[_Holder]] = defaultdict(list)
    for place, holder in (*_held(end), *_counted(start, end)):
        wanted[place].append(holder)
    taken = {name for _, _, name in (*wanted, *(place for place, _ in held))}
    found = ((place, holder) for place, holder in held if place in wanted)
    for place, holder in sorted(found, key=_tables_last):
        if holder.thing is None:
            continue
        if not any(holder.is_like(each) for each in wanted[place]):
            name = unique_name(f"{place[2]}_old", taken)
            taken.add(name)
            yield _renamed(holder.thing, holder.table, name)


def _tables_last(pair: tuple[Place, _Holder]) -> tuple[bool, str, str]:
    """Return by what renames are put in order: a table is told by its name."""
    place, holder = pair
    return holder.kind == "table", str(place), str(holder.table)


def _held(state: State) -> Iterator[tuple[Place, _Holder]]:
    """Yield the names that are taken; relations and types have a space each."""
    for table in state.tables:
        yield from _held_by(table)
    for sequence in state.sequences:
        holder = _Holder("sequence", thing=sequence)
        yield ("relation", sequence.schema, sequence.name), holder
    for enum in state.enums:
        yield ("type", enum.schema, enum.name), _Holder("type", thing=enum)
    for footing in state.footings:
        if footing.kind == "type":
            yield ("type", footing.schema, footing.name), _Holder("type")


def _held_by(table: Table) -> Iterator[tuple[Place, _Holder]]:
    schema = table.name.schema
    for space in ("relation", "type"):
        yield (space, schema, table.name.name), _Holder("table", thing=table)
    for thing in (*table.indexes, *table.constraints):
        if not isinstance(thing, Check | ForeignKey):
            yield ("relation", schema, thing.name), _Holder("index", table.name, thing)


def _counted(start: State, end: State) -> Iterator[tuple[Place, _Holder]]:
    """Yield the sequences of the serial columns that come."""
    there = {
        (table.name, column.name) for table in start.tables for column in table.columns
    }
    for table in end.tables:
        for column in table.columns:
            if is_serial(column) and (table.name, column.name) not in there:
                name = serial_name(table.name, column.name)
                yield ("relation", table.name.schema, name), _Holder("serial")


def _renamed(thing: Thing, table: TableName | None, name: str) -> Change:
    match thing:
        case Table():
            other = replace(thing, name=replace(thing.name, name=name))
            return TableChange(before=thing, after=other)
        case Sequence():
            return SequenceChange(before=thing, after=replace(thing, name=name))
        case Enum():
            return EnumChange(before=thing, after=replace(thing, name=name))
        case Index():
            after = replace(thing, name=name)
            return IndexChange(table=_of(table), before=thing, after=after)
        case _:
            key = replace(thing, name=name)
            return ConstraintChange(table=_of(table), before=thing, after=key)


def _of(table: TableName | None) -> TableName:
    assert table is not None
    return table
