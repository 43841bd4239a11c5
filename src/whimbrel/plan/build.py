"""Changes in, a plan out: what is done to reach a state, and to come back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import takewhile

from whimbrel.errors import OnlookerInTheWay
from whimbrel.plan.generic import Forms
from whimbrel.plan.inspected import InspectedForms
from whimbrel.plan.kin import with_kin_as_it_is
from whimbrel.plan.late_renames import with_renames_last
from whimbrel.plan.left_alone import left_alone
from whimbrel.plan.mysql import MySQLForms
from whimbrel.plan.onlookers import (
    followed,
    turned_back,
    type_name,
)
from whimbrel.plan.own_defaults import with_defaults_told
from whimbrel.plan.path import is_rename, path
from whimbrel.plan.postgresql import PostgreSQLForms
from whimbrel.plan.postgresql_columns import other_sequences
from whimbrel.plan.sqlite import SQLiteForms
from whimbrel.plan.step import Autocommitted, Plan, Step
from whimbrel.schema.changes import (
    Change,
    EnumChange,
    TableChange,
    reverse_all,
)
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.fills import Fill
from whimbrel.schema.state import (
    Enum,
    Onlooker,
    State,
    Table,
)


FORMS: dict[str, type[Forms]] = {
    "mariadb": MySQLForms,
    "mysql": MySQLForms,
    "postgresql": PostgreSQLForms,
    "sqlite": SQLiteForms,
}


def told_alike(current: State, target: State, dialect: Dialect) -> tuple[State, State]:
    """Return the states of two databases, whose tables say of others what both can."""
    forms = FORMS.get(dialect.name, InspectedForms)(dialect, (), ())
    target = with_kin_as_it_is(target, current, forms.parents)
    return with_defaults_told(current, target, forms)


def with_footings_followed(
    state: State, renames: Iterable[Change], dialect: Dialect
) -> State:
    """Return *state* whose types are of what it is that *renames* call otherwise."""
    forms = FORMS.get(dialect.name, InspectedForms)(dialect, (), ())
    footings = state.footings
    for change in renames:
        match change:
            case TableChange(before=Table() as old, after=Table() as new):
                names = {old.name: new.name}
            case EnumChange(before=Enum() as old, after=Enum() as new):
                names = {type_name(old): type_name(new)}
            case _:
                continue
        footings = tuple(forms.followed(each, names) for each in footings)
    return replace(state, footings=footings)


def build(
    changes: Iterable[Change],
    current: State,
    wanted: State,
    dialect: Dialect,
    fills: Iterable[Fill] = (),
    outside: Iterable[Change] = (),
) -> Plan:
    """Return the plan of *changes*, which lead from *current* to *wanted*.

    The way back is planned as the way there, from the reversed changes, so the
    one undoes the other.

    Args:
        changes: what happens.
        current: the state that is there.
        wanted: the state that shall be there.
        dialect: the database.
        fills: what rows get before their column is closed to NULL.
        outside: the changes that are left alone, for nobody here made what they drop.
    """
    there, fills, outside = tuple(changes), tuple(fills), tuple(outside)
    onlookers = followed(current.onlookers, filter(is_rename, there))
    called = replace(current, onlookers=onlookers)
    try:
        return _planned(there, called, wanted, dialect, fills, outside)
    except OnlookerInTheWay:
        if fills or not _may_wait(onlookers):
            raise
        renames = tuple(takewhile(is_rename, there))
        later = with_renames_last(renames, there[len(renames) :], current, wanted)
        if later is None:
            raise
        return _planned(later, current, wanted, dialect, fills, outside)


def _may_wait(onlookers: Iterable[Onlooker]) -> bool:
    """Whether what looks on has old names, and is made again by these alone."""
    onlookers = tuple(onlookers)
    return any(each.has_old_names for each in onlookers) and all(
        each.was is None for each in onlookers
    )


def _planned(
    there: tuple[Change, ...],
    current: State,
    wanted: State,
    dialect: Dialect,
    fills: Iterable[Fill],
    outside: Iterable[Change],
) -> Plan:
    """Return the plan of changes in their order, which what looks on has followed."""
    forms = FORMS.get(dialect.name, InspectedForms)
    up = forms(dialect, (*wanted.enums, *current.enums), current.onlookers)
    back = tuple(map(turned_back, current.onlookers))
    down = forms(dialect, (*current.enums, *wanted.enums), back)
    down.restores_last = any(each.was is not None for each in current.onlookers)
    up.collations = down.collations = current.collations
    up.footings = down.footings = (*current.footings, *wanted.footings)
    up.sequences, down.sequences = map(other_sequences, (current, wanted))
    up.left_alone = down.left_alone = frozenset(left_alone(outside, there, up))
    upgrade = tuple(up.spoken(path(there, current, wanted, up, fills)))
    down.recall(up)
    down.lost = frozenset(up.sent_away)
    turned = reverse_all(there)
    left = tuple(down.left_on_way_back(turned, wanted))
    current = replace(current, enums=frozenset(_left_as_they_are(current, left)))
    turned = tuple(each for each in turned if each not in left)
    return Plan(
        upgrade=_committed_first(upgrade),
        downgrade=_committed_first(down.spoken(path(turned, wanted, current, down))),
        left=left,
    )


def _left_as_they_are(state: State, left: Iterable[EnumChange]) -> Iterator[Enum]:
    """Yield the enumerated types of a state to which not all could be led back."""
    stays = {each.after: each.before for each in left}
    for enum in state.enums:
        yield stays.get(enum) or enum


def _committed_first(way: Iterable[Step]) -> tuple[Step, ...]:
    """Return the steps, those first that are committed with all that is done before.

    So a script that fails later leaves nothing of itself but what stands alone. What
    gets another name in the script is told by that name, and waits for it.
    """
    steps = tuple(way)
    renamed = {
        (change.after.name, change.after.schema)
        for step in steps
        for change in step.changes
        if isinstance(change, EnumChange) and is_rename(change) and change.after
    }
    first, others = list[Step](), list[Step]()
    for step in steps:
        is_alone = isinstance(step.operation, Autocommitted)
        may_lead = is_alone and not any(_is_of(each, renamed) for each in step.changes)
        (first if may_lead else others).append(step)
    return (*first, *others)


def _is_of(change: Change, names: Collection[tuple[str, str | None]]) -> bool:
    """Whether a change is of an enumerated type of one of *names*."""
    before = change.before if isinstance(change, EnumChange) else None
    return before is not None and (before.name, before.schema) in names
