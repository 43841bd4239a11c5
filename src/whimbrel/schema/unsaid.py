"""What models have no words for stays as the database has it.

A column that somebody made invisible, an index that carries a comment: SQLAlchemy
cannot say so, and what cannot be said is not said to be unwanted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from whimbrel.schema.state import (
    Column,
    Constraint,
    Enum,
    Index,
    Naming,
    Options,
    Sequence,
    State,
    Table,
)


OF_VALUES = frozenset({"storage", "compression"})
"""The options that not every type can have."""

UNTOLD = frozenset({"autoextend_size", "tablespace", "connection"})
"""The options of a table that a new one gets, and of which no catalog tells."""

_TEXT = re.compile("char|text", re.IGNORECASE)

Optioned = TypeVar("Optioned", bound=Column | Constraint | Index | Enum | Sequence)


def with_unsaid(wanted: Table, current: Table, unsaid: frozenset[str]) -> Table:
    """Return *wanted* with those options of *current* that it has no words for.

    Args:
        wanted: the table as the models describe it.
        current: the table as it is.
        unsaid: the names of the options that models cannot tell.
    """
    said = (*wanted.options, *current.options) if current.columns else ()
    if any(option.name in unsaid for option in said):  # of a table that is there
        wanted = replace(wanted, options=_of_table(wanted, current, unsaid))
    if not _has_any(current, unsaid):
        return wanted
    there = {column.name: column for column in current.columns}
    columns = (
        _like(column, partner, _of_type(column, partner, unsaid))
        for column in wanted.columns
        for partner in (there.get(column.name),)
    )
    return replace(
        wanted,
        columns=tuple(columns),
        constraints=frozenset(
            _like(each, _partner(each, current.constraints, unsaid), unsaid)
            for each in wanted.constraints
        ),
        indexes=frozenset(
            _like(each, _partner(each, current.indexes, unsaid), unsaid)
            for each in wanted.indexes
        ),
    )


def _of_table(wanted: Table, current: Table, unsaid: frozenset[str]) -> Options:
    """Return what is said of a table as a whole, what is *unsaid* as it is there."""
    said = {each for each in wanted.options if each.name not in unsaid}
    return frozenset(said | {each for each in current.options if each.name in unsaid})


def told_otherwise(wanted: State, current: State) -> Iterator[str]:
    """Yield a sentence for what models say of a table, and no script makes so.

    Nobody but the server knows its words for it, so that only that is told which
    cannot be another spelling.

    Args:
        wanted: the state of the models.
        current: the state that is there.
    """
    there = {table.name: table for table in current.tables}
    for table in sorted(wanted.tables, key=lambda each: each.name):
        partner = there.get(table.name)
        for option in sorted(table.options if partner is not None else ()):
            if partner is None or option.name not in wanted.unsaid - UNTOLD:
                continue
            has = {each.name: each.value for each in partner.options}.get(option.name)
            if _kind(has or "") != _kind(option.value):
                yield (
                    f"{table.name}: the models say {option.name}"
                    f" {option.value}, the database has {has or 'none'}. It is left"
                    " alone: write a script with ALTER TABLE."
                )


def _kind(text: str) -> list[str]:
    """Return the words in front, which have no other spelling."""
    return text.partition("(")[0].casefold().split()


def with_unsaid_alone(wanted: State, current: State) -> State:
    """Return *wanted* with what it has no words for of what stands beside tables.

    A sequence that a column owns, but does not count by, is such a thing as a whole.
    """
    if not wanted.unsaid:
        return wanted
    enums = {(each.schema, each.name): each for each in current.enums}
    sequences = {(each.schema, each.name): each for each in current.sequences}
    like = [
        _like(each, sequences.pop((each.schema, each.name), None), wanted.unsaid)
        for each in wanted.sequences
    ]
    like += [each for each in sequences.values() if _has_owner(each, wanted)]
    return replace(
        wanted,
        enums=frozenset(
            _like(each, enums.get((each.schema, each.name)), wanted.unsaid)
            for each in wanted.enums
        ),
        sequences=frozenset(like),
    )


def _has_owner(sequence: Sequence, wanted: State) -> bool:
    owners = {each.value for each in sequence.options if each.name == "owned_by"}
    bare = {owner.replace('"', "") for owner in owners}
    return any(
        f"{table.name}.{column.name}".replace('"', "") in bare
        for table in wanted.tables
        if bare
        for column in table.columns
    )


def _of_type(
    wanted: Column, current: Column | None, unsaid: frozenset[str]
) -> frozenset[str]:
    """Return those of the names *unsaid* that stay with a column of that type."""
    if current is None or wanted.type == current.type:
        return unsaid
    ours, theirs = (each.type.spelling.partition("(")[0] for each in (wanted, current))
    is_akin = ours == theirs or all(_TEXT.search(each) for each in (ours, theirs))
    return unsaid if is_akin else unsaid - OF_VALUES


def _has_any(table: Table, unsaid: frozenset[str]) -> bool:
    things = (*table.columns, *table.constraints, *table.indexes)
    return any(
        option.name in unsaid
        for thing in things
        if thing.options
        for option in thing.options
    )


def _like(
    thing: Optioned, partner: Optioned | None, unsaid: frozenset[str]
) -> Optioned:
    """Return *thing* with the options of its partner that are not in its words."""
    if partner is None or not partner.options:
        return thing
    said = {option.name for option in thing.options}
    taken = {
        option
        for option in partner.options
        if option.name in unsaid and option.name not in said
    }
    return replace(thing, options=thing.options | taken) if taken else thing


Named = TypeVar("Named", bound=Constraint | Index)


def _partner(
    thing: Named, others: Iterable[Named], unsaid: frozenset[str]
) -> Named | None:
    """Return what in the database is *thing*: by its name, or by all else it says."""
    alike = [each for each in others if type(each) is type(thing)]
    named = (each for each in alike if each.name == thing.name)
    found = next(named, None)
    if found is not None or thing.naming is Naming.GIVEN:
        return found
    content = _content(thing, unsaid)
    return next((each for each in alike if _content(each, unsaid) == content), None)


def _content(thing: Named, unsaid: frozenset[str]) -> Named:
    said = frozenset(option for option in thing.options if option.name not in unsaid)
    return replace(thing, name="", naming=Naming.NONE, options=said)
