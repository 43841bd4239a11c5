"""What a reader cannot see, or can see only in words of its own, is left alone.

SQLAlchemy's Inspector reads any database, but a default or a condition that it
tells need not be spelled as the models spell it, and some things it does not tell.
Of such a database only that counts which cannot be mere wording: a wanted state
takes all else from the current one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from whimbrel.schema.loose_types import is_maybe_same
from whimbrel.schema.state import (
    Check,
    Column,
    Constraint,
    Exclusion,
    ForeignKey,
    Index,
    Naming,
    PrimaryKey,
    Sequence,
    State,
    Table,
    Type,
    Unique,
)


Thing = TypeVar("Thing", bound=Constraint | Index)

COMMENTS, COLUMN_COMMENTS = "comments", "comments of columns"
ACTIONS = "actions of foreign keys"
INDEXES, OF_EXPRESSIONS = "indexes", "indexes of expressions"
SEQUENCES = "sequences"
KINDS: dict[type[Constraint], str] = {
    PrimaryKey: "primary keys",
    Unique: "unique constraints",
    ForeignKey: "foreign keys",
    Check: "check constraints",
}
UNCOMPARED = (
    "defaults, generated and identity columns, collations, the conditions of checks,"
    " expressions in indexes, constraints without a name, how sequences count"
)
"""What is never compared where the words of a database are not known."""


def with_unseen(wanted: State, current: State) -> State:
    """Return *wanted* with all of *current* that may differ by its wording only.

    The parts of a partitioned table are as that is, whatever models say of them.

    Args:
        wanted: the state that is wanted.
        current: the state that is there; one that was read in full leaves *wanted*
            as it is.
    """
    unseen = current.unseen | wanted.unseen
    if current.partitions:
        tables = (t for t in wanted.tables if t.name not in current.partitions)
        wanted = replace(wanted, tables=frozenset(tables))
    if not unseen:
        return wanted
    there = {table.name: table for table in current.tables}
    tables = (
        _table(table, there[table.name], unseen) if table.name in there else table
        for table in wanted.tables
    )
    return replace(
        wanted,
        tables=frozenset(tables),
        sequences=frozenset(_sequences(wanted, current, unseen)),
        unseen=unseen,
    )


def _sequences(
    wanted: State, current: State, unseen: frozenset[str]
) -> Iterable[Sequence]:
    """Return the sequences; one that the models lack may be the server's own."""
    if SEQUENCES in unseen:
        return current.sequences
    there = {(each.schema, each.name) for each in current.sequences}
    new = {each for each in wanted.sequences if (each.schema, each.name) not in there}
    return current.sequences | new


def _table(wanted: Table, current: Table, unseen: frozenset[str]) -> Table:
    keys, indexes = _uniques_and_indexes(wanted, current, unseen)
    constraints = {
        *_primary_key(wanted, current, unseen),
        *_foreign_keys(wanted, current, unseen),
        *_checks(wanted, current, unseen),
        *(each for each in wanted.constraints if isinstance(each, Exclusion)),
        *keys,
    }
    there = {column.name: column for column in current.columns}
    in_key = {name for each in (wanted, current) for name in _key_columns(each)}
    columns = (
        _column(column, there[column.name], unseen, is_key=column.name in in_key)
        if column.name in there
        else column
        for column in wanted.columns
    )
    return replace(
        wanted,
        columns=tuple(columns),
        constraints=frozenset(constraints),
        indexes=frozenset(indexes),
        options=current.options,
        comment=current.comment if COMMENTS in unseen else wanted.comment,
    )


def _key_columns(table: Table) -> tuple[str, ...]:
    key = table.primary_key
    return key.columns if key is not None else ()


def _column(
    wanted: Column, current: Column, unseen: frozenset[str], *, is_key: bool
) -> Column:
    is_same = is_maybe_same(wanted.type.spelling, current.type.spelling)
    spelling = (current if is_same else wanted).type.spelling
    return replace(
        current,
        type=Type(spelling, wanted.type.form),
        nullable=current.nullable if is_key else wanted.nullable,
        comment=current.comment if COLUMN_COMMENTS in unseen else wanted.comment,
        position=wanted.position,
    )


def _of(kind: type[Thing], table: Table) -> list[Thing]:
    found = (each for each in table.constraints if isinstance(each, kind))
    return sorted(found, key=lambda each: each.name)


def _unnamed(things: Iterable[Thing]) -> list[Thing]:
    """Return those that no statement could drop, for want of a name."""
    return [each for each in things if each.naming is Naming.NONE]


def _take(things: list[Thing], is_it: Callable[[Thing], bool]) -> Thing | None:
    """Take the first of *things* that *is_it* accepts."""
    for each in things:
        if is_it(each):
            things.remove(each)
            return each
    return None


def _primary_key(
    wanted: Table, current: Table, unseen: frozenset[str]
) -> Iterable[Constraint]:
    there, ours = _of(PrimaryKey, current), _of(PrimaryKey, wanted)
    is_same = set(_key_columns(wanted)) == set(_key_columns(current))
    if is_same or KINDS[PrimaryKey] in unseen or _unnamed(there):
        return there
    return ours


def _uniques_and_indexes(
    wanted: Table, current: Table, unseen: frozenset[str]
) -> tuple[list[Constraint], list[Index]]:
    """Return the unique constraints and the indexes; one may be told as the other."""
    keys, left = _of(Unique, current), sorted(current.indexes, key=lambda e: e.name)
    found = _found_indexes(wanted, keys, left, unseen)
    for unique in _of(Unique, wanted):
        same = _covers(frozenset(unique.columns))
        twin = _take(keys, same)
        shadow = None if twin else _take(left, same)
        if twin or shadow:
            found.append(twin or shadow or unique)
        elif KINDS[Unique] not in unseen:
            found.append(unique)
    key = frozenset(_key_columns(current))
    found += [each for each in left if key and _unique_columns(each) == key]
    constraints = [each for each in found if isinstance(each, Unique)]
    indexes = [each for each in found if isinstance(each, Index)]
    return [*constraints, *_unnamed(keys)], indexes


def _found_indexes(
    wanted: Table, keys: list[Unique], left: list[Index], unseen: frozenset[str]
) -> list[Unique | Index]:
    """Return what *wanted* has for indexes, and take that from *keys* and *left*."""
    found: list[Unique | Index] = []
    for index in sorted(wanted.indexes, key=lambda each: each.name):
        kind = INDEXES if _plain_columns(index) else OF_EXPRESSIONS
        partner = _take(left, _is_called(index)) or _take(left, _is_like(index))
        if partner is not None:
            found.append(partner if _are_alike(index, partner) else index)
        elif twin := _take(keys, _covers(_unique_columns(index))):
            found.append(twin)
        elif not {kind, INDEXES} & unseen:
            found.append(index)
    return found


def _is_called(index: Index) -> Callable[[Index], bool]:
    return lambda other: other.name == index.name


def _is_like(index: Index) -> Callable[[Index], bool]:
    """Return what tells whether an index is *index*, whose name may give way."""
    if index.naming is Naming.GIVEN:
        return lambda _: False
    columns = _plain_columns(index)
    return lambda other: (
        columns is not None
        and (_plain_columns(other), other.unique) == (columns, index.unique)
    )


def _are_alike(index: Index, other: Index) -> bool:
    ours, theirs = _plain_columns(index), _plain_columns(other)
    is_same = ours is None or theirs is None or ours == theirs
    return is_same and index.unique == other.unique


def _plain_columns(index: Index) -> tuple[str, ...] | None:
    """Return the columns of an index; None if it has more than columns."""
    columns = tuple(part.column for part in index.parts if part.column is not None)
    return columns if len(columns) == len(index.parts) else None


def _unique_columns(thing: Unique | Index) -> frozenset[str] | None:
    """Return the columns that a thing keeps unique in all rows."""
    if isinstance(thing, Unique):
        return frozenset(thing.columns)
    columns = _plain_columns(thing)
    is_key = thing.unique and thing.where is None and columns is not None
    return frozenset(columns or ()) if is_key else None


def _covers(columns: frozenset[str] | None) -> Callable[[Unique | Index], bool]:
    return lambda other: columns is not None and _unique_columns(other) == columns


def _foreign_keys(
    wanted: Table, current: Table, unseen: frozenset[str]
) -> Iterable[Constraint]:
    left = _of(ForeignKey, current)
    if KINDS[ForeignKey] in unseen:
        return left
    result = []
    for key in _of(ForeignKey, wanted):
        way = _way(key)
        partner = _take(left, lambda other, way=way: _way(other) == way)  # type: ignore[misc]  # a default cannot be typed there
        if partner is None:
            result.append(key)
            continue
        is_same = ACTIONS in unseen or _actions(key) == _actions(partner)
        is_stuck = partner.naming is Naming.NONE
        result.append(partner if is_same or is_stuck else key)
    return [*result, *_unnamed(left)]


def _way(key: ForeignKey) -> object:
    pairs = zip(key.columns, key.target_columns, strict=False)
    return key.target, frozenset(pairs)


def _actions(key: ForeignKey) -> tuple[str | None, ...]:
    """Return what a foreign key does; RESTRICT may be told as no action at all."""
    said = ((each or "").upper() for each in (key.on_delete, key.on_update))
    none = ("", "NO ACTION", "RESTRICT")
    return tuple(None if each in none else each for each in said)


def _checks(
    wanted: Table, current: Table, unseen: frozenset[str]
) -> Iterable[Constraint]:
    """Return the checks; one that the models leave unnamed may be any of the others."""
    left, ours = _of(Check, current), _of(Check, wanted)
    if KINDS[Check] in unseen:
        return left
    result, nameless = [], _unnamed(ours)
    for check in ours:
        if check.naming is Naming.NONE:
            continue
        name = check.name
        partner = _take(left, lambda other, name=name: other.name == name)  # type: ignore[misc]  # a default cannot be typed there
        if partner is None and check.naming is not Naming.GIVEN:
            partner = _take(left, lambda other: other.naming is Naming.NONE)
        result.append(partner or check)
    return [*result, *(left if nameless else _unnamed(left))]


def told_unseen(dialect: str, unseen: frozenset[str]) -> str:
    """Return in one sentence what of a database is not compared."""
    missing = sorted(unseen - {UNCOMPARED})
    told = f"; its dialect cannot tell {', '.join(missing)}" if missing else ""
    return (
        f"{dialect} is read through SQLAlchemy's Inspector. Not compared:"
        f" {UNCOMPARED}{told}."
    )
