"""Types that are no enumerated ones, and must be replaced like those: set aside.

A domain over another type, a type of several parts of which one becomes another: no
statement makes the one the other while columns have it.  So it is taken for an
enumerated type that gives way to a new one: it is set aside, the new one is made, the
columns become of that, the old one goes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from whimbrel.plan.generic import Forms
from whimbrel.schema.changes import Change, EnumChange, FootingChange
from whimbrel.schema.state import Enum, Footing, Option, State


MADE, PLACE = "made", "place"
"""By what statement such a type is made, and behind how many others."""

MULTIRANGE = re.compile(
    r" AS RANGE \(.*MULTIRANGE_TYPE_NAME = (?P<name>.*?\"?(?P<bare>[^\".]+)\"?)\)$"
)
"""What says the name of the type of several ranges."""

ATTRIBUTES = "attributes"
TYPE = "type"

Place = tuple[str | None, str]


def with_types_remade(
    changes: tuple[Change, ...], current: State, wanted: State, forms: Forms
) -> tuple[tuple[Change, ...], State, State]:
    """Return changes and states, types that are to be replaced among the enumerated.

    What is made from a type that is replaced is replaced with it.

    Args:
        changes: what leads from the one state to the other.
        current: the one.
        wanted: the other.
        forms: the forms of the dialect.
    """
    places = {*_remade(changes, (current, wanted), forms)}
    if not places:
        return changes, current, wanted
    firm = {*places}
    while more := {*_made_from(current, places)} | {*_made_from(wanted, places)}:
        places |= more
    if places == firm and not _has_footing(places, current, wanted):
        return changes, current, wanted
    current, wanted = (_with_enums(each, places) for each in (current, wanted))
    about = [each for each in changes if _place_of(each) in places]
    first = changes.index(about[0])
    left = (each for each in changes[first:] if each not in about)
    remade = _changes(places, current, wanted)
    return (*changes[:first], *remade, *left), current, wanted


def coming_in_order(changes: Iterable[Change]) -> list[EnumChange]:
    """Return the types that come; what is made from others comes behind them."""
    new = [e for e in changes if isinstance(e, EnumChange) and e.before is None]
    return sorted(new, key=_place)


def gone_in_order(changes: Iterable[Change]) -> list[EnumChange]:
    """Return the types that go; what is made from others goes before them."""
    old = [e for e in changes if isinstance(e, EnumChange) and e.after is None]
    return sorted(old, key=_place, reverse=True)


def _place(change: EnumChange) -> int:
    enum = change.after or change.before
    options = enum.options if enum is not None else ()
    return next((int(each.value) for each in options if each.name == PLACE), 0)


def _remade(
    changes: Iterable[Change], states: Collection[State], forms: Forms
) -> Iterator[Place]:
    """Yield the types that a new one must take the place of, whatever they are."""
    going: set[Place] = set()
    coming: set[Place] = set()
    for change in changes:
        place = _place_of(change)
        if place is None or not isinstance(change, EnumChange | FootingChange):
            continue
        if change.before is None or change.after is None:
            (coming if change.before is None else going).add(place)
        elif isinstance(change, FootingChange):
            held = any(_is_held(change, each) for each in states)
            if forms.is_remade(change, is_held=held):
                yield place
        elif forms.sets_aside(change) is not None:
            yield place
    yield from going & coming  # a domain that becomes an enumerated type


def _place_of(change: Change) -> Place | None:
    """Return the schema and the name of the type that a change is about."""
    match change:
        case FootingChange(kind=kind) if kind != TYPE:
            return None
        case (
            EnumChange(before=before, after=after)
            | FootingChange(before=before, after=after)
        ):
            thing = after or before
            if thing is None or (before and before.name != thing.name):
                return None  # a rename stands where it does
            return thing.schema, thing.name
        case _:
            return None


def _made_from(state: State, places: set[Place]) -> Iterator[Place]:
    """Yield the types of a state that are made from those at *places*."""
    pattern = _named([name for _, name in places] + [*_beside(state, places)])
    for footing in _types(state):
        place = (footing.schema, footing.name)
        if place not in places and pattern.search(_body(footing)):
            yield place


def _beside(state: State, places: Collection[Place]) -> Iterator[str]:
    """Yield the names of types that the server makes beside those at *places*."""
    for footing in _types(state):
        found = MULTIRANGE.search(footing.made)
        if found is not None and (footing.schema, footing.name) in places:
            yield found["bare"]


def _named(names: Iterable[str]) -> re.Pattern[str]:
    """Return what finds a type of one of those *names* in SQL."""
    written = "|".join(map(re.escape, names))
    return re.compile(rf"(?<!\w)(?:{written})(?!\w)")


def _body(footing: Footing) -> str:
    _, _, body = footing.made.partition(" AS ")
    return body


def _is_held(change: FootingChange, state: State) -> bool:
    """Whether columns have values of a type within others: an array, a composite."""
    if change.after is None:
        return False
    within, plain = {(change.after.schema, change.after.name)}, {change.after.name}
    while more := {*_made_from(state, within)}:
        within |= more
    for footing in _types(state):  # each behind what it is made from
        base, *_ = _DOMAIN.findall(footing.made) or [""]
        if base.strip('"') in plain:
            plain.add(footing.name)
    pattern = _named({name for _, name in within} | {*_beside(state, within)})
    return any(
        pattern.search(spelling) and _last(spelling) not in plain
        for table in state.tables
        for spelling in (column.type.spelling for column in table.columns)
    )


_DOMAIN = re.compile(r'^CREATE DOMAIN .* AS (?:[^ ]*\.)?("(?:[^"]|"")+"|[^ "]+)(?= |$)')


def _last(spelling: str) -> str:
    """Return the name of a type without its schema."""
    return spelling.rpartition(".")[2].strip('"')


def _has_footing(places: set[Place], *states: State) -> bool:
    return any(
        (each.schema, each.name) in places for state in states for each in _types(state)
    )


def _types(state: State) -> list[Footing]:
    return [each for each in state.footings if each.kind == TYPE]


def _with_enums(state: State, places: set[Place]) -> State:
    """Return a state that tells its types at *places* among the enumerated ones."""
    found = [
        Enum(
            name=each.name,
            schema=each.schema,
            options=frozenset(
                {Option(MADE, each.made), Option(PLACE, str(number))}
                | {_comment(said) for said in each.says if said.name == "comment"}
                | {*_parts(each)}
            ),
        )
        for number, each in enumerate(_types(state), 1)
        if (each.schema, each.name) in places
    ]
    left = (
        each
        for each in state.footings
        if each.kind != TYPE or (each.schema, each.name) not in places
    )
    return replace(state, enums=state.enums | {*found}, footings=tuple(left))


def _parts(footing: Footing) -> Iterable[Option]:
    """Return what a composite type says of its attributes, a domain of its checks."""
    names = {each.name for each in footing.says}
    return footing.says if {ATTRIBUTES, "type"} & names else ()


def _comment(said: Option) -> Option:
    return Option("type_comment", said.value)


def _changes(places: set[Place], current: State, wanted: State) -> Iterator[EnumChange]:
    olds, news = (
        {(each.schema, each.name): each for each in state.enums}
        for state in (current, wanted)
    )
    for place in sorted(places, key=str):
        yield EnumChange(before=olds.get(place), after=news.get(place))
