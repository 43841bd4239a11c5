"""What others made on columns that change, and that another database may not have.

So a script does not speak of it, where the server can make it again by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from whimbrel.plan.columns import mentions
from whimbrel.plan.generic import Forms, changes_type
from whimbrel.schema.changes import Change, ColumnChange, ConstraintChange, IndexChange
from whimbrel.schema.state import Check, Column, Expression, Index, TableName


def left_alone(
    outside: Iterable[Change], changes: Collection[Change], forms: Forms
) -> Iterator[Index | Check]:
    """Yield what is in *outside* and bears the types that *changes* give to columns.

    They come one after the other: an expression of several columns bears it only if
    each of them stays akin to what it was.
    """
    for each in outside:
        if not isinstance(each, IndexChange | ConstraintChange):
            continue
        thing = each.before
        if not isinstance(thing, Index | Check):
            continue
        retyped = tuple(_retyped(changes, each.table))
        if all(_is_borne(one, retyped, forms) for one in _expressions(thing)):
            yield thing


def _retyped(
    changes: Iterable[Change], table: TableName
) -> Iterator[tuple[Column, Column]]:
    """Yield the columns of *table* that get another type, before and after."""
    for change in changes:
        if not isinstance(change, ColumnChange) or change.table != table:
            continue
        before, after = change.before, change.after
        if before and after and changes_type(before, after):
            yield before, after


def _expressions(thing: Index | Check) -> Iterator[Expression | None]:
    if isinstance(thing, Check):
        yield thing.expression
        return
    yield thing.where
    yield from (part.expression for part in thing.parts)


def _is_borne(
    expression: Expression | None,
    retyped: Iterable[tuple[Column, Column]],
    forms: Forms,
) -> bool:
    named = [each for each in retyped if mentions(expression, each[0].name)]
    return len(named) == 1 or not any(forms.retypes(*each) for each in named)
