"""Constraints that models say twice stand twice where the database has them so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from whimbrel.schema.state import Constraint, Naming, Table


def with_repeated(wanted: Table, current: Table) -> Table:
    """Return *wanted* with all constraints that say the same, as many as are there.

    A server may make but one of them if it is told all at once; where they were
    told one after the other, all stand.

    Args:
        wanted: the table as a server makes it at once.
        current: the table as it is.
    """
    if not wanted.repeated:
        return wanted
    families: dict[Constraint, list[Constraint]] = {}
    for first, again in wanted.repeated:
        families.setdefault(first, [first]).append(again)
    constraints = wanted.constraints
    for first, family in families.items():
        others = frozenset(each for each in constraints if not _is_of(family, each))
        named = {each.name for each in others if not _is_free(each)}
        there = _there(family, [c for c in current.constraints if c.name not in named])
        if first in there and len(there) > 1:
            constraints = others | there
    return replace(wanted, constraints=constraints)


def nameless(constraint: Constraint) -> Constraint:
    """Return what *constraint* says, whatever it is called."""
    return replace(constraint, name="", naming=Naming.NONE)


def _is_of(family: Collection[Constraint], constraint: Constraint) -> bool:
    """Whether *constraint* is one of a family, or stands for it."""
    content = nameless(constraint)
    return any(content == nameless(each) for each in family) and (
        _is_free(constraint) or constraint.name in {each.name for each in family}
    )


def _there(
    family: Collection[Constraint], current: Collection[Constraint]
) -> set[Constraint]:
    """Return those of a family for which *current* has one each."""
    free, found = set(current), set()
    for each in sorted(family, key=_is_free):
        own = next((other for other in free if _is_like(other, each)), None)
        if own is not None:
            free.remove(own)
            found.add(each)
    return found


def _is_free(constraint: Constraint) -> bool:
    """Whether nobody gave *constraint* its name: it may be any."""
    return constraint.naming is not Naming.GIVEN


def _is_like(current: Constraint, wanted: Constraint) -> bool:
    """Whether a constraint is *wanted*; a name that nobody gave may be any."""
    name = current.name if _is_free(wanted) else wanted.name
    return replace(wanted, name=name, naming=current.naming) == current
