"""Which columns go, come or are replaced, and what stands on them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from whimbrel.plan.generic import Forms
from whimbrel.plan.order import Task, Thing
from whimbrel.schema.changes import Change, ColumnChange
from whimbrel.schema.names import unique_name
from whimbrel.schema.state import (
    NO_OPTIONS,
    Check,
    Column,
    Exclusion,
    Expression,
    Index,
    Type,
)


QUOTES = ('"', "`")
"""What may stand around a name, and is doubled within it."""


def dependents_first(columns: Iterable[Column]) -> Iterator[Column]:
    """Yield columns before those that they are made from, or take a default from."""
    columns = tuple(columns)
    names = [each.name for each in columns]
    leaning = [each for each in columns if each.computed or leans_on(each, names)]
    yield from reversed(dependents_last(leaning))
    yield from sorted((each for each in columns if each not in leaning), key=place)


def dependents_last(columns: Iterable[Column]) -> list[Column]:
    """Return columns, each behind those that it is made from."""
    left, ordered = sorted(columns, key=place), list[Column]()
    while left:
        names = [each.name for each in left]
        free = (each for each in left if not leans_on(each, names))
        ordered.append(next(free, left[0]))
        left.remove(ordered[-1])
    return ordered


def askers_last(
    turning: Iterable[tuple[Column, Column]],
) -> list[tuple[Column, Column]]:
    """Return columns that change, those last whose defaults will ask the others.

    These may have asked them until then.
    """
    pairs = [*turning]
    names = {after.name for _, after in pairs}

    def when(pair: tuple[Column, Column]) -> tuple[bool, tuple[int, str]]:
        after = pair[1]
        return asks_any(after.default, names - {after.name}), place(after)

    return sorted(pairs, key=when)


def place(column: Column) -> tuple[int, str]:
    """Return by what columns are put in order."""
    return column.position, column.name


def is_made_from(column: Column, names: Iterable[str]) -> bool:
    """Whether a generated column is made from another that is among *names*."""
    expression = column.computed.expression if column.computed is not None else None
    return any(mentions(expression, name) for name in names if name != column.name)


def leans_on(column: Column, names: Iterable[str]) -> bool:
    """Whether a column cannot be without another that is among *names*.

    MySQL and MariaDB let a default speak of other columns.
    """
    others = [name for name in names if name != column.name]
    return is_made_from(column, others) or asks_any(column.default, others)


def asks_any(default: Expression | None, names: Iterable[str]) -> bool:
    """Whether a default seems to speak of a column that is among *names*."""
    return any(mentions(default, name) for name in names)


def stand_ins(
    forms: Forms, task: Task
) -> Iterator[tuple[ColumnChange, Column, Column]]:
    """Yield the generated columns that become plain, and what keeps their values.

    No database makes the one the other: a plain column takes the values, then the
    name, and its options behind that: it may count only when it has a key.  Its type
    is told as the database spells it, for a type of the app's own may bring a check.
    """
    tables = [each for each in (task.before, task.after) if each is not None]
    taken = {column.name for table in tables for column in table.columns}
    for change in task.changes:
        if (
            isinstance(change, ColumnChange)
            and change.after
            and becomes_plain(forms, change)
        ):
            name = unique_name(f"{change.after.name}_values", taken)
            taken.add(name)
            stand_in = replace(
                change.after,
                name=name,
                type=Type(change.after.type.spelling),
                nullable=True,
                default=None,
                options=NO_OPTIONS,
            )
            yield change, stand_in, _without_options(change.after)


def settling(change: ColumnChange) -> Iterator[ColumnChange]:
    """Yield what is left of a change by which a generated column became plain."""
    plain = change.after and _without_options(change.after)
    if plain != change.after:
        yield replace(change, before=plain)


def _without_options(column: Column) -> Column:
    return replace(column, options=NO_OPTIONS)


def ends_generated(forms: Forms, change: Change) -> bool:
    """Whether a generated column goes, or is replaced."""
    if not isinstance(change, ColumnChange) or change.before is None:
        return False
    return change.before.computed is not None and goes(forms, change)


def stands_on_any(thing: Thing, changes: Iterable[Change]) -> bool:
    """Whether something stands on a column that one of *changes* is about."""
    return any(
        stands_on(thing, change.before.name)
        for change in changes
        if isinstance(change, ColumnChange) and change.before is not None
    )


def becomes_plain(forms: Forms, change: ColumnChange) -> bool:
    """Whether a generated column becomes one that has values of its own."""
    before, after = change.before, change.after
    is_ending = before and before.computed and after and after.computed is None
    return bool(is_ending) and is_replaced(forms, change)


def altered(
    forms: Forms, changes: Iterable[ColumnChange]
) -> Iterator[tuple[Column, Column]]:
    """Yield the columns that stay, as they are and as they shall be."""
    for change in changes:
        if change.before and change.after and not is_replaced(forms, change):
            yield change.before, change.after


def is_replaced(forms: Forms, change: Change) -> bool:
    """Whether a column is dropped and added again, as its expression changes."""
    if not isinstance(change, ColumnChange):
        return False
    before, after = change.before, change.after
    return bool(before and after and forms.is_replaced(before, after))


def goes(forms: Forms, change: ColumnChange) -> bool:
    """Whether a column goes, be it for a while."""
    return change.after is None or is_replaced(forms, change)


def comes(forms: Forms, change: ColumnChange) -> bool:
    """Whether a column comes, be it again."""
    return change.before is None or is_replaced(forms, change)


def loses_values(forms: Forms, change: Change) -> bool:
    """Whether values are lost that nothing else tells; generated ones are not."""
    if not isinstance(change, ColumnChange) or change.before is None:
        return False
    is_gone = change.after is None or is_replaced(forms, change)
    return is_gone and change.before.computed is None


def mentions(expression: Expression | None, name: str) -> bool:
    """Whether *expression* seems to speak of the column called *name*."""
    if expression is None:
        return False
    doubled = (name.replace(quote, quote * 2) for quote in QUOTES)
    written = "|".join(re.escape(each) for each in (name, *doubled))
    pattern = rf"(?<!\w)(?:{written})(?!\w)"
    return re.search(pattern, expression.text, re.IGNORECASE) is not None


def stands_on(thing: Thing, name: str) -> bool:
    """Whether a constraint or an index stands on the column called *name*."""
    match thing:
        case Check():
            return mentions(thing.expression, name)
        case Index() | Exclusion():
            return mentions(thing.where, name) or any(
                part.column == name or mentions(part.expression, name)
                for part in thing.parts
            )
        case _:
            return name in thing.columns
