"""A database that no stamp speaks of is taken in where it equals a revision."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError

from whimbrel.catalog.read import is_readable
from whimbrel.commands.outside import text_of
from whimbrel.commands.unknown import Steps
from whimbrel.commands.whereabouts import live_state, whereabouts
from whimbrel.errors import NotAdopted
from whimbrel.report.report import describe_changes
from whimbrel.run.event import Event, Tell
from whimbrel.run.runtime import is_half_done
from whimbrel.schema.dialect import described
from whimbrel.script.history import History
from whimbrel.upkeep.standing import Standing


LOOKS_FIRST = re.compile(
    r"has_table|get_table_names|inspect\(|if_not_exists|checkfirst|create_all"
    r"|IF\s+NOT\s+EXISTS",
    re.IGNORECASE,
)
"""What a script says that looks what is there before it makes anything."""


class RefusedAdoption(NotAdopted, CommandError):
    """A database without a stamp equals no revision; Alembic's error too."""


def adopting(history: History, fn: Steps, tell: Tell) -> Steps:
    """Return *fn*, which upgrades, for databases that were made without scripts too.

    What was made by ``create_all()``, or by scripts whose stamp was lost, is noted
    to stand at the revision that it equals, and is upgraded from there.

    Args:
        history: the scripts that are there.
        fn: upgrades from the revisions that it is given.
        tell: hears of what is noted.

    Raises:
        NotAdopted: it holds what the scripts make, and equals no revision.
    """

    def steps(rev: Any, context: MigrationContext) -> Iterable[Any]:
        place = None if rev or is_half_done(context) else _place(history, context)
        if not place:
            return fn(rev, context)
        tell(Event(kind="adopt", revision=", ".join(place), text=_text(place)))
        return chain(history._stamp_revs(place, ()), _later(fn, place, context))

    return steps


def _later(
    fn: Steps, place: tuple[str, ...], context: MigrationContext
) -> Iterator[Any]:
    yield from fn(place, context)


def _text(place: tuple[str, ...]) -> str:
    return (
        "the database was made without scripts and equals revision"
        f" {', '.join(place)}: noted as applied"
    )


def _place(history: History, context: MigrationContext) -> tuple[str, ...]:
    """Return the revisions that an unversioned database equals; none if it is new."""
    is_asked = context.connection is not None and not context.as_sql
    if not is_asked or not is_readable(described(context.dialect)):
        return ()
    if not history.get_heads() or not live_state(context).tables:
        return ()
    found = _standing(context, history)
    if found is None or not found.has_ours:
        return ()
    if found.place is not None:
        return found.place.heads
    if LOOKS_FIRST.search(text_of(history)):
        return ()
    raise _refused(found, history, context)


def _standing(context: MigrationContext, history: History) -> Standing | None:
    try:
        return whereabouts(context, history)
    except Exception:  # scripts that cannot be replayed tell nothing
        return None


def _refused(
    found: Standing, history: History, context: MigrationContext
) -> RefusedAdoption:
    assert context.connection is not None
    url = context.connection.engine.url.render_as_string(hide_password=True)
    program = history.program
    near = ", ".join(found.nearest.heads)
    lines = "\n".join(f"  {each.text}" for each in describe_changes(found.differences))
    ways = (
        f"`{program} stamp {near}` notes it there if the difference does not matter."
        if near
        else f"`{program} stamp <revision>` notes where it stands."
    )
    place = f"revision {near}" if near else "an empty database"
    return RefusedAdoption(
        f"The database {url} has tables that the scripts make, but no stamp, and it"
        f" equals no revision. The nearest is {place}; to equal it the database would"
        f" need:\n{lines}",
        f"Make these changes, or go on as it is: {ways}",
        differences=found.differences,
        nearest=found.nearest.heads,
    )
