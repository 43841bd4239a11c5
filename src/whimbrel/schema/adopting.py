"""Names that nobody gave, taken from what is there; and when two names mean one thing.

Models may leave constraints unnamed, databases may store them unnamed, and a
naming convention may come later than the database.  None of that is a change:
what is unnamed on one side takes the name of its equal on the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from operator import attrgetter
from typing import Any, TypeVar

from whimbrel.schema.again import nameless, with_repeated
from whimbrel.schema.collector import uncollected
from whimbrel.schema.names import (
    is_servers_name,
    is_soft,
    marked,
    settled,
    unique_name,
)
from whimbrel.schema.state import (
    Constraint,
    Enum,
    ForeignKey,
    Index,
    IndexPart,
    Naming,
    Option,
    State,
    Table,
    Unique,
)
from whimbrel.schema.unsaid import with_unsaid, with_unsaid_alone
from whimbrel.schema.unseen import with_unseen


Nameable = TypeVar("Nameable", bound=Constraint | Index)

_BESIDES = ("name", "naming", "index")
_SAYS: dict[type, Callable[[Any], object]] = {
    kind: attrgetter(*(e.name for e in fields(kind) if e.name not in _BESIDES))
    for kind in (Unique, ForeignKey)
}
"""What gives all that a thing without expressions says, but for what it is called."""

_NOT_VALID = frozenset({Option("not_valid", "on")})
_MAY_BE = frozenset({Option("not_valid", "may")})
"""A constraint was made without a look at the rows; they may have been seen since."""


def adopt_names(wanted: State, current: State, *, rename: bool = False) -> State:
    """Return *wanted* with its made-up names replaced by those that *current* has.

    Args:
        wanted: the state whose unnamed things, and those named by a convention,
            take the name of their equal; what its models have no words for stays.
        current: the state whose names are taken.
        rename: let the names of a convention stand, so that the difference
            becomes a change.
    """
    with uncollected():
        return _adopting(wanted, current, rename)


def _adopting(wanted: State, current: State, rename: bool) -> State:
    wanted = with_unseen(wanted, current)
    partners = {table.name: table for table in current.tables}
    tables = []
    for table in wanted.tables:
        partner = partners.get(table.name) or Table(name=table.name)
        full = with_unsaid(table, partner, wanted.unsaid)
        tables.append(_adopted(full, partner, rename))
    made = with_unsaid_alone(replace(wanted, tables=frozenset(tables)), current)
    return replace(made, enums=made.enums | frozenset(_in_use(made, current)))


def _in_use(wanted: State, current: State) -> Iterator[Enum]:
    """Yield the enumerated types of *current* that only columns speak of.

    A column type of an app's own, or a hook, can leave a column with a type that
    the models do not describe.
    """
    known = {(each.schema, each.name) for each in wanted.enums}
    known |= {(each.schema, each.name) for each in wanted.footings}
    others = [each for each in current.enums if (each.schema, each.name) not in known]
    if not others:
        return
    spelled = {
        column.type.spelling.replace('"', "").removesuffix("[]")
        for table in wanted.tables
        for column in table.columns
    }
    for enum in others:
        name = f"{enum.schema}.{enum.name}" if enum.schema else enum.name
        if name in spelled:
            yield enum


def _adopted(wanted: Table, current: Table, rename: bool) -> Table:
    wanted = with_repeated(_decided(wanted, current), current)
    constraints = frozenset(map(settled, wanted.constraints))
    indexes = frozenset(map(settled, wanted.indexes))
    if constraints != current.constraints:
        constraints = frozenset(_matched_constraints(wanted, current, rename))
    if indexes != current.indexes:
        indexes = frozenset(_matched(wanted.indexes, current.indexes, rename))
    constraints = _with_keys_of(current, constraints)
    return replace(
        wanted, constraints=constraints, indexes=_unlisted(indexes, constraints)
    )


def _matched_constraints(
    wanted: Table, current: Table, rename: bool
) -> Iterator[Constraint]:
    """Yield the constraints of *wanted*, those of each kind under their names there."""
    there = _by_kind(current.constraints)
    for kind, family in _by_kind(wanted.constraints).items():
        theirs = there.get(kind, [])
        ours = [_firm_index(each, theirs, wanted.name.name) for each in family]
        yield from _matched(ours, theirs, rename)


def _by_kind(constraints: Iterable[Constraint]) -> dict[type, list[Constraint]]:
    found: dict[type, list[Constraint]] = {}
    for each in constraints:
        found.setdefault(type(each), []).append(each)
    return found


def _with_keys_of(
    current: Table, wanted: frozenset[Constraint]
) -> frozenset[Constraint]:
    """Return *wanted* with the foreign keys that are there, their indexes told."""
    there = [
        each
        for each in current.constraints
        if isinstance(each, ForeignKey) and each.index is not None
    ]
    told = wanted.intersection(there)
    return wanted.difference(told).union(each for each in there if each in told)


def _unlisted(
    indexes: frozenset[Index], constraints: Iterable[Constraint]
) -> frozenset[Index]:
    """Return *indexes* without those that count as made for a foreign key.

    Models may name the very index that serves a key; a database cannot tell it from
    one that it made for the key by itself.
    """
    names = {index.name for index in indexes}
    made = {
        Index(name=each.index, parts=tuple(map(_plain_part, each.columns)))
        for each in constraints
        if isinstance(each, ForeignKey)
        and each.index is not None
        and each.index in names
    }
    return indexes - made


def _plain_part(column: str) -> IndexPart:
    return IndexPart(column=column)


def _firm_index(
    wanted: Constraint, theirs: Iterable[Constraint], table: str
) -> Constraint:
    """Return a unique index with its name firm where nobody named what is there.

    What a database keeps as one thing is an index now, and was none before.
    """
    if not isinstance(wanted, Unique) or not wanted.is_index:
        return wanted
    alike = [each for each in theirs if _alike(each, wanted)]
    is_new = bool(alike) and all(is_servers_name(each, table) for each in alike)
    return settled(wanted) if is_new else wanted


def _decided(wanted: Table, current: Table) -> Table:
    """Return *wanted* with what may or may not be as it is in *current*."""
    if not any(_MAY_BE & each.options for each in wanted.constraints):
        return wanted
    there = {nameless(each) for each in current.constraints}
    constraints = frozenset(
        _decided_one(each, there) if _MAY_BE & each.options else each
        for each in wanted.constraints
    )
    return replace(wanted, constraints=constraints)


def _decided_one(constraint: Constraint, there: set[Constraint]) -> Constraint:
    options = constraint.options - _MAY_BE
    doubtful = replace(constraint, options=options | _NOT_VALID)
    if nameless(doubtful) in there:
        return doubtful
    return replace(constraint, options=options)


def _matched(
    ours: Iterable[Nameable], theirs: Iterable[Nameable], rename: bool
) -> list[Nameable]:
    """Return *ours*, each soft name replaced by that of its equal in *theirs*.

    A name that one of *ours* was given is not for another one.
    """
    ours, theirs = tuple(ours), tuple(theirs)
    if not ours:
        return []
    equal = _equal_one(ours[0], theirs) if len(ours) == 1 else None
    if equal is not None:
        return [equal]
    as_stored = [settled(each) for each in ours]
    if len(ours) == len(theirs) and frozenset(as_stored) == frozenset(theirs):
        return as_stored
    given = {each.name for each in ours if not is_soft(each)}

    def agrees(current: Nameable, wanted: Nameable) -> bool:
        is_taken = is_soft(wanted) and current.name in given
        return not is_taken and _alike(current, wanted)

    free = sorted(theirs, key=repr) if len(theirs) > 1 else list(theirs)
    placed: list[Nameable] = []
    insisting = map(_insisting, ours) if rename else ours
    waiting = _placed_by(free, insisting, placed, _same)
    waiting = _placed_by(free, waiting, placed, agrees)
    for thing in waiting:
        taken = [each.name for each in placed] if is_soft(thing) else []
        name = thing.name
        if name in taken:
            name = unique_name(marked(thing), taken)
        placed.append(replace(settled(thing), name=name))
    return placed


def _equal_one(thing: Nameable, theirs: Sequence[Nameable]) -> Nameable | None:
    """Return the only *thing* of its kind as the only one of *theirs*, if it is that.

    So it is with most tables, and to tell it so is quicker than any other way.
    """
    if len(theirs) != 1:
        return None
    (other,) = theirs
    called = settled(thing)
    if called == other:
        return called
    if thing.naming is not Naming.NONE:
        return None
    says = _SAYS.get(type(thing))
    if says is not None and type(thing) is type(other) and says(thing) == says(other):
        return other
    called = _named_like(thing, other)
    return called if called == other else None


def _placed_by(
    free: list[Nameable],
    things: Iterable[Nameable],
    placed: list[Nameable],
    agrees: Callable[[Nameable, Nameable], bool],
) -> list[Nameable]:
    """Move from *free* to *placed* what agrees with a thing; return the others."""
    left = []
    waiting = list(things)
    if len(waiting) > 1:
        waiting.sort(key=lambda each: (is_soft(each), repr(each)))
    for thing in waiting:
        partner = next((other for other in free if agrees(other, thing)), None)
        if partner is None:
            left.append(thing)
        else:
            free.remove(partner)
            placed.append(_named_like(thing, partner))
    return left


def _same(current: Nameable, wanted: Nameable) -> bool:
    """Whether two things are equal, name and all."""
    return current.name == wanted.name and _alike(current, wanted)


def _alike(current: Nameable, wanted: Nameable) -> bool:
    """Whether two things are equal but for a name that may give way."""
    if is_soft(wanted):
        return _named_like(wanted, current) == current
    return wanted == current


def _named_like(thing: Nameable, other: Nameable) -> Nameable:
    return replace(thing, name=other.name, naming=other.naming)


def _insisting(thing: Nameable) -> Nameable:
    """Return *thing* with the name that a convention makes taken as given."""
    return settled(thing) if thing.naming is Naming.CONVENTION else thing
