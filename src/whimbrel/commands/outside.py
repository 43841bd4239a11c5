"""What stands in the database although no script of the history speaks of it.

A table of another app, an index that an administrator made, a column added by
hand: the models do not have them, but it was not the models that lost them.
They are named and left alone, unless the user says that they shall go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from whimbrel.commands.wishes import is_named
from whimbrel.schema.changes import (
    Change,
    ColumnChange,
    ConstraintChange,
    EnumChange,
    FactsChange,
    IndexChange,
    SequenceChange,
    TableChange,
)
from whimbrel.schema.names import is_servers_name
from whimbrel.schema.spoken import speaks_of
from whimbrel.schema.state import Index, Naming, Option, State, TableName
from whimbrel.script.history import History


MAKES_ALL = "create_all"
"""A script that calls this makes things that it does not name."""


LEFT_ALONE = "# Left alone, no script made it: "
"""What a script says of a thing that it must drop and make again for a change."""

_LEFT_ALONE = re.compile(rf"^\s*{LEFT_ALONE}(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the scripts say, and the user.

    Args:
        text: the text of all scripts.
        dropped: names, or patterns of them, that the user wants dropped in any case.
        left: the names of what scripts speak of, but did not make.
    """

    text: str
    dropped: Collection[str] = ()
    left: Collection[str] = ()

    @classmethod
    def by(cls, text: str, dropped: Collection[str] = ()) -> Told:
        """Return what scripts of that *text* say."""
        return cls(text=text, dropped=dropped, left={*_LEFT_ALONE.findall(text)})

    def speaks(self, name: str, table: TableName | None = None) -> bool:
        """Whether there is a word of something called *name*, as its maker."""
        if is_named(name, self.dropped):
            return True
        return _noted(name, table) not in self.left and self._says(name)

    def speaks_of_table(self, name: TableName) -> bool:
        """Whether there is a word of the table called *name*, in its schema."""
        if any(is_named(each, self.dropped) for each in (name.name, str(name))):
            return True
        return (
            _noted(str(name)) not in self.left
            and self._says(name.name)
            and (
                name.schema is None
                or self._says(str(name))
                or says_schema(self.text, name.schema)
            )
        )

    def _says(self, word: str) -> bool:
        return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", self.text) is not None


def says_schema(text: str, schema: str) -> bool:
    """Whether the *text* of scripts speaks of things in *schema*."""
    return f'schema="{schema}"' in text or f"schema='{schema}'" in text


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """Changes, parted into what the history is about and what it is not."""

    ours: tuple[Change, ...]
    outside: tuple[Change, ...] = ()


Part = Callable[[Iterable[Change]], Parted]


def part(
    changes: Iterable[Change], history: History, dropped: Collection[str]
) -> Parted:
    """Part what goes into what a script may have made and what none speaks of.

    Args:
        changes: the changes from the live database to the models.
        history: the scripts; an empty history has made nothing, so that a table
            that the models lack is taken for another's, and the rest for ours.
        dropped: names, or patterns of them, that the user wants dropped in any case.
    """
    return parter(history, dropped)(changes)


def parter(history: History, dropped: Collection[str] = ()) -> Part:
    """Return what parts changes, for many of them: it reads the scripts once."""
    texts: list[str] = []

    def part(changes: Iterable[Change]) -> Parted:
        every = tuple(changes)
        if not any(_goes(change) for change in every):
            return Parted(ours=every)
        if not texts:
            texts.append(text_of(history))
        if not texts[0]:
            return _parted_tables(every, dropped)
        if MAKES_ALL in texts[0]:
            return Parted(ours=every)
        return _parted_all(every, Told.by(texts[0], dropped))

    return part


def _parted_all(changes: Iterable[Change], told: Told) -> Parted:
    pairs = [_parted(change, told) for change in changes]
    return Parted(
        ours=tuple(change for pair in pairs for change in pair.ours),
        outside=tuple(change for pair in pairs for change in pair.outside),
    )


def with_what_goes(parted: Parted, state: State) -> Parted:
    """Return *parted*, indexes and constraints on columns that go among what is ours.

    Args:
        parted: the changes.
        state: the database, before all but the renames.
    """
    gone = [
        change
        for change in parted.ours
        if isinstance(change, ColumnChange) and change.before and change.after is None
    ]
    taken = tuple(
        each
        for each in parted.outside
        if isinstance(each, IndexChange | ConstraintChange) and each.before is not None
        if any(
            speaks_of(state, each.before, column.before.name)
            for column in gone
            if column.before is not None and column.table == each.table
        )
    )
    if not taken:
        return parted
    place = parted.ours.index(gone[0])
    return Parted(
        ours=(*parted.ours[:place], *taken, *parted.ours[place:]),
        outside=tuple(each for each in parted.outside if each not in taken),
    )


def _parted_tables(changes: Iterable[Change], dropped: Collection[str]) -> Parted:
    """Part changes for an empty history: a table that no model has is another's."""
    ours: list[Change] = []
    outside: list[Change] = []
    for change in changes:
        match change:
            case TableChange(before=before, after=None) if before is not None:
                names = (before.name.name, str(before.name))
                is_dropped = any(is_named(each, dropped) for each in names)
                (ours if is_dropped else outside).append(change)
            case EnumChange(before=before, after=None) if before is not None:
                is_dropped = is_named(before.name, dropped)
                (ours if is_dropped else outside).append(change)
            case _:
                ours.append(change)
    return Parted(ours=tuple(ours), outside=tuple(outside))


def _parted(change: Change, told: Told) -> Parted:
    if isinstance(change, FactsChange):
        return _parted_facts(change, told)
    if _is_outside(change, told):
        return Parted(ours=(), outside=(change,))
    return Parted(ours=(change,))


def _parted_facts(change: FactsChange, told: Told) -> Parted:
    """Part the options that a table lost from those that it has by hand."""
    kept = _kept_options(change, told)
    if not kept:
        return Parted(ours=(change,))
    after = replace(change.after, options=change.after.options | kept)
    left = replace(change.before, options=change.before.options - kept)
    return Parted(
        ours=(replace(change, after=after),) if after != change.before else (),
        outside=(replace(change, after=left),),
    )


def with_notes(body: str, outside: Iterable[Change]) -> str:
    """Return the *body* of a script, with notes on what it did not make.

    Otherwise the next comparison would take such things for made by the script, and
    drop them.

    Args:
        body: the statements of an upgrade.
        outside: what goes by the models, and is left alone.
    """
    told = Told.by(body)
    spoken = [
        _noted(str(before.name), getattr(change, "table", None))
        for change in outside
        if not isinstance(change, FactsChange) and not _is_outside(change, told)
        if (before := change.before) is not None and not isinstance(before, str)
    ]
    return "\n".join((*(f"{LEFT_ALONE}{each}" for each in sorted(spoken)), body))


def _noted(name: str, table: TableName | None = None) -> str:
    """Return *name* in one line, with that of the table in which it is no other's."""
    told = name if table is None else f"{table}.{name}"
    return told.replace("\n", "\\n").replace("\r", "\\r")


def _goes(change: Change) -> bool:
    if isinstance(change, FactsChange):
        return bool(change.before.options - change.after.options)
    return change.after is None


def text_of(history: History) -> str:
    """Return the text of all scripts."""
    paths = {script.path for script in history.walk_revisions()}
    return "\n".join(
        Path(path).read_text(encoding="utf-8", errors="replace") for path in paths
    )


def _kept_options(change: FactsChange, told: Told) -> frozenset[Option]:
    """Return the options that a table has by hand: no script sets them."""
    gone = change.before.options - change.after.options
    return frozenset(
        option
        for option in gone
        if f"_{option.name.rpartition('_')[2]}" not in told.text
    )


def _is_outside(change: Change, told: Told) -> bool:
    """Whether something goes that no script speaks of."""
    match change:
        case TableChange(before=before, after=None) if before is not None:
            return not told.speaks_of_table(before.name)
        case (
            EnumChange(before=before, after=None)
            | SequenceChange(before=before, after=None)
        ) if before is not None:
            return not told.speaks(before.name)
        case ColumnChange(before=before, after=None) if before is not None:
            return not told.speaks(before.name, change.table)
        case IndexChange(before=before, after=None) if before is not None:
            is_spoken = told.speaks(before.name, change.table)
            return not (is_spoken or _is_shorthand(change.table, before))
        case ConstraintChange(before=before, after=None) if before is not None:
            is_named = before.naming is Naming.GIVEN and not is_servers_name(
                before, change.table.name
            )
            return is_named and not told.speaks(before.name, change.table)
        case _:
            return False


def _is_shorthand(table: TableName, index: Index) -> bool:
    """Whether *index* has the name that ``index=True`` on a column gives."""
    columns = (part.column or "" for part in index.parts)
    return index.name == "_".join(("ix", table.name, *columns))
