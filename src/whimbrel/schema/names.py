"""What an unnamed constraint is called, and when two names mean one thing.

Models may leave constraints unnamed, databases may store them unnamed, and a
naming convention may come later than the database.  None of that is a change:
what is unnamed on one side takes the name of its equal on the other.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

from whimbrel.schema.again import nameless, with_repeated
from whimbrel.schema.collector import uncollected
from whimbrel.schema.state import (
    Check,
    Constraint,
    Enum,
    Exclusion,
    ForeignKey,
    Index,
    Naming,
    Option,
    PrimaryKey,
    State,
    Table,
    Unique,
)
from whimbrel.schema.unsaid import with_unsaid, with_unsaid_alone
from whimbrel.schema.unseen import with_unseen


Nameable = TypeVar("Nameable", bound=Constraint | Index)

LONGEST_NAME = 63
"""PostgreSQL's limit, the lowest of the databases that a script may run on."""

CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
    "ex": "ex_%(table_name)s_%(column_0_name)s",
}
"""The naming convention that users of Flask-Migrate are told to write."""

_OWED = (Naming.CONVENTION, Naming.SERVER)
"""Whose names are given names once they are in a database."""

_NOT_VALID = frozenset({Option("not_valid", "on")})
_MAY_BE = frozenset({Option("not_valid", "may")})
"""A constraint was made without a look at the rows; they may have been seen since."""

CONVENTION_KEYS: dict[type[Constraint], str] = {
    PrimaryKey: "pk",
    Unique: "uq",
    ForeignKey: "fk",
    Check: "ck",
    Exclusion: "ex",
}
"""By which key a kind of constraint is found in a naming convention."""


def default_name(
    kind: type[Constraint],
    table: str,
    columns: Iterable[str],
    target: str = "",
    longest: int = LONGEST_NAME,
) -> str:
    """Return the name by which a constraint without one is called.

    It is made by `CONVENTION`, less what is not known of the constraint.

    Args:
        kind: the class of the constraint.
        table: the bare name of its table.
        columns: its columns; for a check those that its expression names.
        target: the bare name of the table that a foreign key refers to.
        longest: the number of characters that a name may have.
    """
    words = {
        "table_name": table,
        "column_0_name": next(iter(columns), ""),
        "referred_table_name": target,
    }
    pattern = CONVENTION[CONVENTION_KEYS[kind]]
    for word in (word for word in words if not words[word]):
        pattern = pattern.replace(f"_%({word})s", "")
    return shortened(pattern % words, longest)


def shortened(name: str, longest: int) -> str:
    """Return *name*, cut and marked with a hash of the whole if it is too long."""
    if len(name) <= longest:
        return name
    mark = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()[-4:]
    return f"{name[: longest - 5]}_{mark}"


def fitted_name(
    first: str, second: str, label: str, longest: int = LONGEST_NAME
) -> str:
    """Return a name of several parts, of which the longer is cut by bytes.

    So does PostgreSQL's ``makeObjectName``.
    """
    plain = f"{first}_{second}_{label}" if second else f"{first}_{label}"
    if len(plain) <= longest and plain.isascii():
        return plain
    one, two = first.encode(), second.encode()
    room = longest - len(label) - 1 - (1 if second else 0)
    long_one, long_two = len(one), len(two)
    while long_one + long_two > room:
        if long_one > long_two:
            long_one -= 1
        else:
            long_two -= 1
    parts = [one[:long_one].decode(errors="ignore")]
    if second:
        parts.append(two[:long_two].decode(errors="ignore"))
    return "_".join([*parts, label])


def unique_name(name: str, taken: Iterable[str], longest: int = LONGEST_NAME) -> str:
    """Return *name*, numbered if it is among those that are *taken*."""
    used = set(taken)
    candidate, number = name, 1
    while candidate in used:
        candidate = f"{shortened(name, longest - len(str(number)) - 1)}_{number}"
        number += 1
    return candidate


def is_servers_name(thing: Constraint, table: str) -> bool:
    """Whether a constraint is called as a server calls what a script left unnamed."""
    first = next(iter(getattr(thing, "columns", ())), "")
    start = rf"{re.escape(table[:28])}.*"  # long names are cut
    words = {
        Check: rf"CONSTRAINT_\d+|{re.escape(table)}_chk_\d+|{start}_check\d*",
        Unique: rf"{re.escape(first)}(_\d+)?|{start}_key\d*",
        ForeignKey: rf"({re.escape(table)}_ibfk_)?\d+|{start}_fkey\d*",
        PrimaryKey: rf"{start}_pkey\d*",
        Exclusion: rf"{start}_excl\d*",
    }
    pattern = words.get(type(thing))
    return pattern is not None and re.fullmatch(pattern, thing.name) is not None


def each_once(things: Iterable[Nameable]) -> tuple[Nameable, ...]:
    """Return *things* without the unnamed that only say again what another says."""
    given = tuple(things)
    if all(each.naming is not Naming.NONE for each in given):
        return given
    ordered = sorted(given, key=lambda each: each.naming is Naming.NONE)
    if len(set(map(gist, given))) == len(given):
        return tuple(ordered)
    once: dict[Nameable, Nameable] = {}
    result = []
    for thing in ordered:
        content = replace(thing, name="", naming=Naming.NONE)
        if thing.naming is not Naming.NONE or content not in once:
            result.append(thing)
        once[content] = thing
    return tuple(result)


def gist(thing: Constraint | Index) -> tuple[object, ...]:
    """Return the heart of what *thing* says; what differs in it is not alike.

    A primary key is unique, too.
    """
    if isinstance(thing, Check):
        return Check, thing.expression.canonical
    if isinstance(thing, Index | Exclusion):
        return type(thing), thing.parts
    return ForeignKey if isinstance(thing, ForeignKey) else Unique, thing.columns


def tell_apart(things: Iterable[Nameable]) -> tuple[Nameable, ...]:
    """Mark the made-up names among *things* that are alike by what each thing says.

    Things with a name of their own keep it.  A mark does not depend on what else
    there is, so that a script finds a constraint again after others came and went.
    """
    ordered = sorted(things, key=lambda each: (_is_soft(each), _content(each)))
    count = Counter((type(each), each.name) for each in ordered)
    taken: set[tuple[type, str]] = set()
    result = []
    for thing in ordered:
        kind, name = type(thing), thing.name
        if _is_soft(thing) and count[kind, name] > 1:
            used = [each for of, each in taken if of is kind]
            name = unique_name(_marked(thing), used)
        taken.add((kind, name))
        result.append(replace(thing, name=name) if name != thing.name else thing)
    return tuple(result)


def _marked(thing: Nameable) -> str:
    """Return the name of *thing* with a mark made of all that it says."""
    mark = hashlib.md5(_content(thing).encode(), usedforsecurity=False).hexdigest()[:4]
    return f"{shortened(thing.name, LONGEST_NAME - 5)}_{mark}"


def _content(thing: object) -> str:
    """Return what *thing* says, less its name and less what does not count."""
    if isinstance(thing, Constraint | Index):
        thing = replace(thing, name="", naming=Naming.NONE)
    return _written(thing)


def _written(value: object) -> str:
    if is_dataclass(value):
        counted = [each.name for each in fields(value) if each.compare]
        said = ",".join(_written(getattr(value, name)) for name in counted)
        return f"{type(value).__name__}({said})"
    if isinstance(value, tuple):
        return f"({','.join(map(_written, value))})"
    if isinstance(value, frozenset):
        return f"{{{','.join(sorted(map(_written, value)))}}}"
    return repr(value)


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
    return replace(
        wanted, constraints=_with_keys_of(current, constraints), indexes=indexes
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
    there: dict[Constraint, Constraint] = {
        each: each
        for each in current.constraints
        if isinstance(each, ForeignKey) and each.index is not None
    }
    if not there:
        return wanted
    return frozenset(there.get(each, each) for each in wanted)


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
    as_stored = [settled(each) for each in ours]
    if len(as_stored) == len(theirs) and frozenset(as_stored) == frozenset(theirs):
        return as_stored
    if len(ours) == len(theirs) == 1 and ours[0].naming is Naming.NONE:
        called = _named_like(ours[0], theirs[0])
        if called == theirs[0]:
            return [called]
    given = {each.name for each in ours if not _is_soft(each)}

    def agrees(current: Nameable, wanted: Nameable) -> bool:
        is_taken = _is_soft(wanted) and current.name in given
        return not is_taken and _alike(current, wanted)

    free = sorted(theirs, key=repr) if len(theirs) > 1 else list(theirs)
    placed: list[Nameable] = []
    insisting = map(_insisting, ours) if rename else ours
    waiting = _placed_by(free, insisting, placed, _same)
    waiting = _placed_by(free, waiting, placed, agrees)
    for thing in waiting:
        taken = [each.name for each in placed] if _is_soft(thing) else []
        name = thing.name
        if name in taken:
            name = unique_name(_marked(thing), taken)
        placed.append(replace(settled(thing), name=name))
    return placed


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
        waiting.sort(key=lambda each: (_is_soft(each), repr(each)))
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
    if _is_soft(wanted):
        return _named_like(wanted, current) == current
    return wanted == current


def _named_like(thing: Nameable, other: Nameable) -> Nameable:
    return replace(thing, name=other.name, naming=other.naming)


def settled(thing: Nameable) -> Nameable:
    """Return *thing* as a database has it: a convention's name is a name."""
    if thing.naming in _OWED:
        return replace(thing, naming=Naming.GIVEN)
    return thing


def _insisting(thing: Nameable) -> Nameable:
    """Return *thing* with the name that a convention makes taken as given."""
    return settled(thing) if thing.naming is Naming.CONVENTION else thing


def _is_soft(thing: Nameable) -> bool:
    """Whether the name of *thing* may give way to another."""
    return thing.naming is not Naming.GIVEN
