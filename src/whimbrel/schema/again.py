"""Constraints that models say twice stand twice where the database has them so."""

from __future__ import annotations

from dataclasses import replace

from whimbrel.schema.state import Constraint, Naming, Table


def with_repeated(wanted: Table, current: Table) -> Table:
    """Return *wanted* with both constraints that say the same, if both are there.

    A server may make but one of them if it is told both at once; where they were
    told one after the other, both stand.

    Args:
        wanted: the table as a server makes it at once.
        current: the table as it is.
    """
    if not wanted.repeated:
        return wanted
    constraints = set(wanted.constraints)
    for first, again in wanted.repeated:
        there = [each for each in current.constraints if _is_like(each, again)]
        others = {each for each in current.constraints if _is_like(each, first)}
        if there and others - {there[0]}:
            named = replace(first, name=again.name, naming=again.naming)
            constraints = (constraints - {first, named}) | {first, again}
    if constraints == wanted.constraints:
        return wanted
    return replace(wanted, constraints=frozenset(constraints))


def _is_like(current: Constraint, wanted: Constraint) -> bool:
    """Whether a constraint is *wanted*; a name that nobody gave may be any."""
    is_named = wanted.naming is Naming.GIVEN
    name = wanted.name if is_named else current.name
    return replace(wanted, name=name, naming=current.naming) == current
