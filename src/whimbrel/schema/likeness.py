"""Which drop and add may be one rename: how alike two things are, and why.

Only facts of the two states count: type, nullability, place, what hangs on a
column, what stands in a table, and how the names resemble each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import IntEnum
from typing import TypeAlias

from whimbrel.schema.changes import Change, ColumnChange, TableChange, ValueChange
from whimbrel.schema.renames import ColumnRename, TableRename
from whimbrel.schema.state import (
    Check,
    Column,
    Constraint,
    ForeignKey,
    Index,
    State,
    Table,
    TableName,
)


class Verdict(IntEnum):
    """What may be made of a thing that goes and one that comes."""

    UNLIKE = 0
    """Two things: what goes is lost, what comes is new."""

    PLAUSIBLE = 1
    """It may be a rename; only a person can tell."""

    ALIKE = 2
    """It is taken for a rename, unless another pair is plausible too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How alike two things are, and the reasons that speak for a rename."""

    verdict: Verdict
    score: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A column in its table."""

    table: Table
    column: Column


Pair: TypeAlias = TableRename | ColumnRename | ValueChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A rename that may be meant."""

    rename: Pair
    likeness: Likeness


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The renames that may be meant, the likeliest first.

    Args:
        certain: what is taken for a rename where nobody can be asked.
        uncertain: what stops a run there.
        values: values of enums, of which a person is asked; nobody else decides.
    """

    certain: tuple[Candidate, ...] = ()
    uncertain: tuple[Candidate, ...] = ()
    values: tuple[Candidate, ...] = ()


PLAUSIBLE = 5
"""The score from which a pair of like type may be a rename.

Two columns that are defined alike reach it wherever they stand, as do most of like
type at one place; others need names that resemble each other.
"""

NAMES_RESEMBLE = 0.6
SHORTEST_WORD = 3
TABLES_RESEMBLE = 0.6
TABLES_RESEMBLE_WITH_NAMES = 0.4


def candidates(changes: Iterable[Change], current: State, wanted: State) -> Candidates:
    """Return the renames that *changes* may hide as drops and adds.

    A pair is certain if it is alike and neither of the two may be another's partner.

    Args:
        changes: what leads from the one state to the other.
        current: the state of the database.
        wanted: the state of the models.
    """
    found = sorted(
        _pairs(tuple(changes), current, wanted),
        key=lambda each: (-each.likeness.score, str(each.rename)),
    )
    certain = tuple(each for each in found if _is_certain(each, found))
    return Candidates(
        certain=certain, uncertain=tuple(each for each in found if each not in certain)
    )


def _is_certain(candidate: Candidate, found: Iterable[Candidate]) -> bool:
    if candidate.likeness.verdict is not Verdict.ALIKE:
        return False
    return not any(
        excludes(candidate.rename, other.rename)
        for other in found
        if other is not candidate
    )


def excludes(one: Pair, other: Pair) -> bool:
    """Whether two renames cannot both be meant."""
    if isinstance(one, ColumnRename) and isinstance(other, ColumnRename):
        is_near = one.table == other.table
    elif isinstance(one, ValueChange) and isinstance(other, ValueChange):
        is_near = (one.table, one.column) == (other.table, other.column)
    else:
        is_near = type(one) is type(other)
    return is_near and (one.before == other.before or one.after == other.after)


def _pairs(
    changes: tuple[Change, ...], current: State, wanted: State
) -> Iterator[Candidate]:
    tables = [each for each in changes if isinstance(each, TableChange)]
    for gone in (each.before for each in tables if each.after is None):
        for new in (each.after for each in tables if each.before is None):
            if gone is not None and new is not None:
                yield from _plausible(
                    TableRename(before=gone.name, after=new.name),
                    table_likeness(gone, new),
                )
    columns = [each for each in changes if isinstance(each, ColumnChange)]
    olds = {table.name: table for table in current.tables}
    news = {table.name: table for table in wanted.tables}
    for name in dict.fromkeys(each.table for each in columns):
        here = [each for each in columns if each.table == name]
        for old in (each.before for each in here if each.after is None):
            for now in (each.after for each in here if each.before is None):
                if old is not None and now is not None:
                    yield from _plausible(
                        ColumnRename(table=name, before=old.name, after=now.name),
                        column_likeness(
                            Placed(table=olds[name], column=old),
                            Placed(table=news[name], column=now),
                        ),
                    )


def _plausible(rename: Pair, likeness: Likeness) -> Iterator[Candidate]:
    if likeness.verdict is not Verdict.UNLIKE:
        yield Candidate(rename=rename, likeness=likeness)


def column_likeness(before: Placed, after: Placed) -> Likeness:
    """Return how alike a column that goes and one that comes are."""
    old, new = before.column, after.column
    if (old.computed is None) is not (new.computed is None):
        return Likeness(verdict=Verdict.UNLIKE, score=0)
    same_type = old.type.spelling.lower() == new.type.spelling.lower()
    same_family = same_type or _family(old) == _family(new)
    hangs, also_hangs = _hanging(before), _hanging(after)
    same_place = _place(before, after) == _place(after, before)
    same_rest = _rest(old) == _rest(new)
    by_case = old.name.casefold() == new.name.casefold()
    alike_names = by_case or names_resemble(old.name, new.name)
    weighed = (
        (3 if same_type else 1, same_family, _of_type(old, new, same_type)),
        (1, old.nullable == new.nullable, _nullability(old)),
        (2, same_place, "the same place in the table"),
        (2 if hangs else 1, hangs == also_hangs, "the same on it" if hangs else ""),
        (1, same_rest, "the same default" if old.default else ""),
        (4 if by_case else 2, alike_names, "names that resemble each other"),
    )
    score = sum(weight for weight, is_so, _ in weighed if is_so)
    is_alike = same_type and old.nullable == new.nullable and same_place
    is_alike = is_alike and hangs == also_hangs and same_rest
    if is_alike or (by_case and same_family):
        verdict = Verdict.ALIKE
    else:
        may_be = score >= PLAUSIBLE and (same_family or alike_names)
        verdict = Verdict.PLAUSIBLE if may_be else Verdict.UNLIKE
    reasons = tuple(told for _, is_so, told in weighed if is_so and told)
    return Likeness(verdict=verdict, score=score, reasons=reasons)


def _of_type(old: Column, new: Column, is_same: bool) -> str:
    if is_same:
        return f"the same type {old.type}"
    return f"a like type, {old.type} and {new.type}"


def _nullability(column: Column) -> str:
    return "both may be NULL" if column.nullable else "both NOT NULL"


def _rest(column: Column) -> tuple[object, ...]:
    return (
        column.default,
        column.computed,
        column.identity,
        column.collation,
        column.options,
    )


FAMILIES = {
    "text": "char text clob string citext",
    "time": "date time year interval",
    "number": "int serial numeric decimal float double real number",
    "truth": "bool bit",
    "binary": "blob binary bytea raw",
    "json": "json",
    "enum": "enum",
}


def _family(column: Column) -> str:
    """Return what kind of values the type of *column* holds, roughly."""
    spelling = column.type.spelling.lower()
    for family, words in FAMILIES.items():
        if any(word in spelling.partition("(")[0] for word in words.split()):
            return family
    return spelling


def _place(one: Placed, other: Placed) -> tuple[frozenset[str], int]:
    """Return where a column stands: behind which that stay, how far behind those."""
    staying = {column.name for column in other.table.columns}
    ahead: set[str] = set()
    behind = 0
    for column in one.table.ordered_columns:
        if column.name == one.column.name:
            break
        if column.name in staying:
            ahead.add(column.name)
            behind = 0
        else:
            behind += 1
    return frozenset(ahead), behind


def _hanging(placed: Placed) -> frozenset[str]:
    """Return what hangs on a column, told without its name and without theirs."""
    table, column = placed.table, placed.column
    return frozenset(
        [
            *(
                _shape(each, table.name, column.name)
                for each in table.constraints
                if _speaks_of(each, column.name)
            ),
            *(
                _index_shape(each, column.name)
                for each in table.indexes
                if any(part.column == column.name for part in each.parts)
            ),
        ]
    )


def _speaks_of(constraint: Constraint, column: str) -> bool:
    if isinstance(constraint, Check):
        pattern = rf"(?<!\w){re.escape(column)}(?!\w)"
        return re.search(pattern, constraint.expression.text) is not None
    return column in constraint.columns


ITSELF = "\0"


def _shape(constraint: Constraint, table: TableName, column: str = "") -> str:
    """Return what a constraint is, less all names that a rename would change."""
    if isinstance(constraint, Check):
        pattern = rf"(?<!\w){re.escape(column)}(?!\w)" if column else "(?!)"
        text = re.sub(pattern, ITSELF, constraint.expression.canonical, flags=re.I)
        return f"check {text}"
    columns = tuple(ITSELF if each == column else each for each in constraint.columns)
    told = f"{type(constraint).__name__} {columns}"
    if isinstance(constraint, ForeignKey):
        target = ITSELF if constraint.target == table else str(constraint.target)
        keys = constraint.target_columns
        told += f" {target} {keys} {constraint.on_delete} {constraint.on_update}"
    return told


def _index_shape(index: Index, column: str = "") -> str:
    parts = tuple(
        replace(part, column=ITSELF) if part.column == column else part
        for part in index.parts
    )
    return f"index {parts} {index.unique} {index.where}"


def table_likeness(before: Table, after: Table) -> Likeness:
    """Return how alike a table that goes and one that comes are."""
    old = {column.name: column for column in before.columns}
    new = {column.name: column for column in after.columns}
    shared = [name for name in old if name in new and _same_type(old[name], new[name])]
    telling = {*old, *new} - _bare_key(before) - _bare_key(after)
    told_by = [name for name in shared if name in telling]
    ratio = len(told_by) / len(telling) if telling else 0.0
    by_case = str(before.name).casefold() == str(after.name).casefold()
    by_schema = before.name.name == after.name.name
    alike_names = by_schema or names_resemble(before.name.name, after.name.name)
    same_shapes = _shapes(before) == _shapes(after)
    is_same = len(shared) == len(old) == len(new) and all(
        old[name].nullable == new[name].nullable
        and _rest(old[name]) == _rest(new[name])
        for name in shared
    )
    score = round(10 * ratio) + 2 * same_shapes + 2 * alike_names
    if (is_same and same_shapes and (telling or alike_names)) or (by_case and ratio):
        verdict = Verdict.ALIKE
    elif ratio >= (TABLES_RESEMBLE_WITH_NAMES if alike_names else TABLES_RESEMBLE):
        verdict = Verdict.PLAUSIBLE
    else:
        verdict = Verdict.UNLIKE
    reasons = [f"{len(shared)} of {len(old)} columns are the same"]
    reasons += ["the same keys and indexes"] if same_shapes else []
    reasons += ["names that resemble each other"] if alike_names else []
    return Likeness(verdict=verdict, score=score, reasons=tuple(reasons))


def _same_type(old: Column, new: Column) -> bool:
    return old.type.spelling.lower() == new.type.spelling.lower()


def _bare_key(table: Table) -> set[str]:
    """Return the one column of a key that says nothing of what the table holds."""
    key = table.primary_key
    if key is None or len(key.columns) != 1:
        return set()
    is_reference = any(
        isinstance(each, ForeignKey) and each.columns == key.columns
        for each in table.constraints
    )
    return set() if is_reference else set(key.columns)


def _shapes(table: Table) -> frozenset[str]:
    return frozenset(
        [
            *(_shape(each, table.name) for each in table.constraints),
            *(_index_shape(each) for each in table.indexes),
        ]
    )


def names_resemble(one: str, other: str) -> bool:
    """Whether two names share a word, or most of their letters."""
    a, b = _words(one), _words(other)
    if any(word in b for word in a if len(word) >= SHORTEST_WORD):
        return True
    joined, other_joined = "".join(a), "".join(b)
    shorter, longer = sorted((joined, other_joined), key=len)
    if len(shorter) >= SHORTEST_WORD and shorter in longer:
        return True
    matched = SequenceMatcher(None, joined, other_joined).ratio()
    return matched >= NAMES_RESEMBLE


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return [word for word in re.split(r"[\W_]+", spaced.lower()) if word]
