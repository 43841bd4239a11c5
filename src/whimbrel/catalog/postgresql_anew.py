"""What a server words anew by itself when a column becomes of another type.

PostgreSQL writes the casts into what it stores: ``lower((a)::text)`` of a VARCHAR is
``lower(a)`` of a TEXT.  What the models do not have, no change of ours says anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy.engine import Connection

from whimbrel.catalog.models_postgresql import PostgreSQLWording
from whimbrel.catalog.wording import CheckForm, Forms, Need, Unspeakable
from whimbrel.errors import DatabaseError
from whimbrel.schema.changes import Change, ConstraintChange, IndexChange
from whimbrel.schema.state import Check, Expression, Index, State, Table


_INTEGERS = ("smallint", "integer", "bigint")
_CAST = re.compile(
    r"\((?P<inner>(?P<number>\d+)|(?P<bare>[a-z_]\w*)|\"(?P<quoted>(?:[^\"]|\"\")+)\")\)"
    rf"::(?:{'|'.join(_INTEGERS)})\b"
)
_BLANK = Expression("", "")


def is_worded_anew(
    left: Change, made: Iterable[Change], goal: State, scratch: Connection
) -> bool:
    """Whether a difference is but the server's own words for a new type.

    The server itself is asked whether it takes both sides for the same.

    Args:
        left: what is different after *made*.
        made: what was changed.
        goal: what *made* was to lead to.
        scratch: a throw-away database.
    """
    if scratch.dialect.name != "postgresql":
        return False
    if not isinstance(left, IndexChange | ConstraintChange):
        return False
    before, after = left.before, left.after
    if not isinstance(before, Index | Check) or not isinstance(after, Index | Check):
        return False
    if _bare(before) != _bare(after) or before.name in _named(made, left):
        return False
    table = goal.table(left.table)
    if table is None:
        return False
    pair = (_words(before), _words(after))
    uncast = (_uncast(pair[0], table), _uncast(pair[1], table))
    return any(_are_alike(*each, table, scratch) for each in (pair, uncast))


def _are_alike(
    before: Iterable[Expression],
    after: Iterable[Expression],
    table: Table,
    scratch: Connection,
) -> bool:
    """Whether the server words two lists of expressions alike."""
    one, other = (_worded(each, table, scratch) for each in (before, after))
    return one is not None and one == other


def _named(
    made: Iterable[Change], left: IndexChange | ConstraintChange
) -> frozenset[str]:
    """Return the names of what was changed beside *left*, and is of its kind."""
    return frozenset(
        side.name
        for each in made
        if isinstance(each, type(left)) and each.table == left.table
        for side in (each.before, each.after)
        if side is not None
    )


def _words(thing: Index | Check) -> tuple[Expression, ...]:
    """Return the expressions of a thing, each in its place."""
    if isinstance(thing, Check):
        return (thing.expression,)
    found = (*(part.expression for part in thing.parts), thing.where)
    return tuple(each for each in found if each is not None)


def _uncast(expressions: Iterable[Expression], table: Table) -> tuple[Expression, ...]:
    """Return *expressions* without casts of integers to others, which have no effect.

    The server keeps those that it wrote for a wider type when that is one no more.
    """
    whole = {each.name for each in table.columns if each.type.spelling in _INTEGERS}

    def bare(found: re.Match[str]) -> str:
        name = found["quoted"] or found["bare"]
        is_whole = found["number"] or (name or "").replace('""', '"') in whole
        return found["inner"] if is_whole else found[0]

    texts = (_CAST.sub(bare, each.text) for each in expressions)
    return tuple(Expression(each, each) for each in texts)


def _bare(thing: Index | Check) -> Index | Check:
    """Return a thing without its expressions; where they stand is kept."""
    if isinstance(thing, Check):
        return replace(thing, expression=_BLANK)
    parts = (
        replace(each, expression=each.expression and _BLANK) for each in thing.parts
    )
    return replace(thing, parts=tuple(parts), where=thing.where and _BLANK)


def _worded(
    expressions: Iterable[Expression], table: Table, scratch: Connection
) -> tuple[Expression, ...] | None:
    """Return *expressions* as the server words them; None if it refuses one.

    They become parts of conditions: of these, it takes all types.
    """
    wording = PostgreSQLWording(scratch)
    types = {column.name: column.type.spelling for column in table.columns}
    forms = []
    for each in expressions:
        text = f"({each.text}) IS NULL"
        needs = (Need(name, types[name]) for name in wording.mentioned(text, types))
        forms.append(CheckForm(text, tuple(needs)))
    try:
        spelled = wording.spell(
            Forms(columns=frozenset(), checks=frozenset(forms), indexes=frozenset())
        )
    except (Unspeakable, DatabaseError):
        return None
    return tuple(spelled.checks[form] for form in forms)
