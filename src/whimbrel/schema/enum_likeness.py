"""Which enumerated types, and which values of one, may be one by another name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sqlalchemy.types import Enum as EnumForm

from whimbrel.schema.changes import Change, ColumnChange, EnumChange, ValueChange
from whimbrel.schema.enum_renames import enum_of
from whimbrel.schema.likeness import Candidate, Likeness, Verdict, names_resemble
from whimbrel.schema.renames import Rename, TableRename
from whimbrel.schema.state import Column, Enum, State, TableName
from whimbrel.schema.values import listed


def renamed_types(
    changes: Iterable[Change], current: State, wanted: State
) -> Iterator[TableRename]:
    """Yield the types that are others only by name.

    All columns that have the old one have the new one, and no value is missing.
    """
    enums = [each for each in changes if isinstance(each, EnumChange)]
    gone = [each.before for each in enums if each.before and not each.after]
    new = [each.after for each in enums if each.after and not each.before]
    if not gone or not new:
        return
    for old in gone:
        heirs = [
            each
            for each in new
            if _holds(each, old) and _inherits(each, wanted, old, current)
        ]
        if len(heirs) == 1:
            yield TableRename(
                before=TableName(old.name, old.schema),
                after=TableName(heirs[0].name, heirs[0].schema),
            )


def _holds(new: Enum, old: Enum) -> bool:
    """Whether a type has all values of another, in their order."""
    left = iter(new.values)
    return all(value in left for value in old.values)


def _inherits(new: Enum, wanted: State, old: Enum, current: State) -> bool:
    """Whether the columns of one type, as far as they stay, become another's."""
    found = [
        enum_of(heir, wanted) == new
        for table in current.tables
        for column in table.columns
        if enum_of(column, current) == old
        for heir in _columns(wanted, table.name)
        if heir.name == column.name
    ]
    return bool(found) and all(found)


def _columns(state: State, name: TableName) -> tuple[Column, ...]:
    table = state.table(name)
    return table.columns if table is not None else ()


def shared_values(
    renames: Iterable[Rename], current: State, wanted: State
) -> tuple[ValueChange, ...]:
    """Return what *renames* of values mean for other columns of the same type.

    Where no type stands by itself, each column has the values of its own; the models
    tell that they are one type, by its name.

    Args:
        renames: what is renamed; tables and columns have their new names.
        current: the state after these renames.
        wanted: the state of the models.
    """
    said = [each for each in renames if isinstance(each, ValueChange)]
    found = dict.fromkeys(
        replace(value, table=table.name, column=column.name)
        for value in said
        if (type_ := _type_said(wanted, value.table, value.column)) is not None
        for table in wanted.tables
        for column in table.columns
        if _same_type(type_, column.type.form)
        if _may_hold(current, table.name, column.name, value.before)
    )
    known = {(each.table, each.column, each.before) for each in said}
    further = (e for e in found if (e.table, e.column, e.before) not in known)
    return tuple(sorted(further, key=lambda each: (each.table, each.column)))


def _type_said(state: State, table: TableName, name: str) -> EnumForm | None:
    """Return the enumerated type that the models give to a column, if it has a name."""
    for column in _columns(state, table):
        form = column.type.form
        if column.name == name and isinstance(form, EnumForm) and form.name:
            return form
    return None


def _same_type(one: EnumForm, other: object) -> bool:
    return isinstance(other, EnumForm) and (
        (one.name, one.schema, one.enums) == (other.name, other.schema, other.enums)
    )


def _may_hold(state: State, table: TableName, name: str, value: str) -> bool:
    """Whether a column may hold *value*: its type lists it, or lists nothing."""
    for column in _columns(state, table):
        if column.name == name:
            values = listed(column.type.spelling)
            return not values or value in values
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Values:
    """The values that a column could have, and those that it will."""

    table: TableName
    column: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def value_candidates(
    changes: Iterable[Change], current: State
) -> tuple[Candidate, ...]:
    """Return the values that may have another name; only a person can tell."""
    every = tuple(changes)
    done = {
        (each.table, each.column, value)
        for each in every
        if isinstance(each, ValueChange)
        for value in (each.before, each.after)
    }
    return tuple(
        candidate
        for values in _altered(every, current)
        for candidate in _pairs(values)
        if isinstance(candidate.rename, ValueChange)
        if done.isdisjoint(
            (values.table, values.column, value)
            for value in (candidate.rename.before, candidate.rename.after)
        )
    )


def _altered(changes: Iterable[Change], current: State) -> Iterator[_Values]:
    """Yield the columns whose type lists other values than it did."""
    for change in changes:
        before, after = getattr(change, "before", None), getattr(change, "after", None)
        if before is None or after is None:
            continue
        if isinstance(change, ColumnChange):
            old, new = (listed(each.type.spelling) for each in (before, after))
            if old and new:
                yield _Values(
                    table=change.table, column=after.name, before=old, after=new
                )
        elif isinstance(change, EnumChange):
            users = sorted(
                (table.name, column.name)
                for table in current.tables
                for column in table.columns
                if enum_of(column, current) == before
            )
            for name, column in users[:1]:
                yield _Values(
                    table=name, column=column, before=before.values, after=after.values
                )


def _pairs(values: _Values) -> Iterator[Candidate]:
    gone = [each for each in values.before if each not in values.after]
    new = [each for each in values.after if each not in values.before]
    for old in gone:
        for now in new:
            reasons = []
            if values.before.index(old) == values.after.index(now):
                reasons.append("the same place among the values")
            if names_resemble(old, now):
                reasons.append("names that resemble each other")
            if len(gone) == len(new) == 1:
                reasons.append("no other value goes or comes")
            if reasons:
                rename = ValueChange(
                    table=values.table, column=values.column, before=old, after=now
                )
                likeness = Likeness(
                    verdict=Verdict.PLAUSIBLE,
                    score=len(reasons),
                    reasons=tuple(reasons),
                )
                yield Candidate(rename=rename, likeness=likeness)
