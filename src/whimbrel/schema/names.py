"""What an unnamed constraint is called, and what tells such names apart."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import TypeVar

from whimbrel.schema.state import (
    Check,
    Constraint,
    Exclusion,
    ForeignKey,
    Index,
    Naming,
    PrimaryKey,
    Unique,
)


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

_WORDS = ("table_name", "column_0_name", "referred_table_name")

_OWED = (Naming.CONVENTION, Naming.SERVER)
"""Whose names are given names once they are in a database."""

CONVENTION_KEYS: dict[type[Constraint], str] = {
    PrimaryKey: "pk",
    Unique: "uq",
    ForeignKey: "fk",
    Check: "ck",
    Exclusion: "ex",
}
"""By which key a kind of constraint is found in a naming convention."""


def counted(name: str) -> tuple[str | int, ...]:
    """Return by what *name* is put among others: what has number 2 before number 10."""
    parts = re.split(r"(\d+)", name)
    return tuple(int(each) if each.isdecimal() else each for each in parts)


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
    first = next(iter(columns), "")
    words = {
        "table_name": table,
        "column_0_name": first,
        "referred_table_name": target,
    }
    pattern = _pattern(CONVENTION_KEYS[kind], bool(table), bool(first), bool(target))
    return shortened(pattern % words, longest)


@cache
def _pattern(key: str, *known: bool) -> str:
    """Return what the convention says under *key*, less the words not known."""
    pattern = CONVENTION[key]
    for word, is_known in zip(_WORDS, known, strict=True):
        if not is_known:
            pattern = pattern.replace(f"_%({word})s", "")
    return pattern


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
    unnamed = [each for each in given if each.naming is Naming.NONE]
    if not unnamed:
        return given
    ordered = [each for each in given if each.naming is not Naming.NONE] + unnamed
    if are_unlike(given):
        return tuple(ordered)
    once: dict[Nameable, Nameable] = {}
    result = []
    for thing in ordered:
        content = replace(thing, name="", naming=Naming.NONE)
        if thing.naming is not Naming.NONE or content not in once:
            result.append(thing)
        once[content] = thing
    return tuple(result)


def are_unlike(things: Collection[Constraint | Index]) -> bool:
    """Whether each of *things* says at heart what no other one says."""
    return len(set(map(gist, things))) == len(things)


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
    ordered = sorted(things, key=lambda each: (is_soft(each), _content(each)))
    count = Counter((type(each), each.name) for each in ordered)
    taken: set[tuple[type, str]] = set()
    result = []
    for thing in ordered:
        kind, name = type(thing), thing.name
        if is_soft(thing) and count[kind, name] > 1:
            used = [each for of, each in taken if of is kind]
            name = unique_name(marked(thing), used)
        taken.add((kind, name))
        result.append(replace(thing, name=name) if name != thing.name else thing)
    return tuple(result)


def marked(thing: Nameable) -> str:
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


def is_soft(thing: Nameable) -> bool:
    """Whether the name of *thing* may give way to another."""
    return thing.naming is not Naming.GIVEN


def settled(thing: Nameable) -> Nameable:
    """Return *thing* as a database has it: a convention's name is a name."""
    if thing.naming in _OWED:
        return replace(thing, naming=Naming.GIVEN)
    return thing
