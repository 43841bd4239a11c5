"""Why a database stands at a revision that no script carries, and what mends it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from whimbrel.schema.state import TableName
from whimbrel.script.history import History
from whimbrel.upkeep.versioned import Kept, kept_scripts


SHOWN = 5
"""How many names of a long list are told."""


class Case(Enum):
    """Why a script is not there."""

    NO_SCRIPTS = "folder lost"
    OTHER_DATABASE = "wrong database"
    ON_A_BRANCH = "on another branch"
    DELETED = "deleted"
    AHEAD = "database ahead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Revisions that a database stands at and no script carries.

    Args:
        revisions: their ids.
        case: why they are not there.
        sentence: what is known of it.
        remedy: the command that mends it.
    """

    revisions: tuple[str, ...]
    case: Case
    sentence: str
    remedy: str

    @property
    def other_remedy(self) -> str:
        """What may be done beside `repair`."""
        if self.case is Case.AHEAD:
            return "If this checkout may be behind, update it first."
        return self.remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is at hand to tell one case from another.

    Args:
        database: what the database is called, without a password.
        tables: the tables that it has; None if they cannot be read.
        wanted: the tables of the models.
        applied: what the ledger says of revisions, by their ids.
    """

    database: str
    tables: Collection[TableName] | None = None
    wanted: Collection[TableName] = ()
    applied: Mapping[str, str] | None = None


def unknown_among(history: History, revisions: Collection[str]) -> tuple[str, ...]:
    """Return those of *revisions* that no script carries."""
    known = history.revision_map._revision_map
    return tuple(each for each in revisions if each not in known)


def known_ids(history: History) -> tuple[str, ...]:
    """Return the ids of all scripts, even of those that are in disorder."""
    return tuple(script.revision for script in history.files())


def why_lost(revisions: Sequence[str], history: History, around: Surroundings) -> Lost:
    """Tell why *revisions* are not in the folder, and what to do.

    Args:
        revisions: ids that no script carries.
        history: the scripts that are there.
        around: what is known of the database.
    """
    kept = kept_scripts(
        history.dir, revisions[0], (each.revision for each in _scripts(history))
    )
    sentence, remedy, case = _told(history, around, kept)
    names = _quoted(revisions)
    return Lost(
        revisions=tuple(revisions),
        case=case,
        sentence=f"Can't locate revision identified by {names}: the database"
        f" {around.database} stands at it, but no script in {_folder(history)}"
        f" carries it. {_noted(revisions, around)}{sentence}",
        remedy=remedy,
    )


def _told(
    history: History, around: Surroundings, kept: Sequence[Kept]
) -> tuple[str, str, Case]:
    program = history.program
    if kept and kept[0].branch:
        return (*_on_a_branch(kept), Case.ON_A_BRANCH)
    if kept:
        return (*_deleted(kept), Case.DELETED)
    if _is_anothers(history, around):
        shown = _listed(str(each) for each in around.tables or ())
        sentence = (
            f"It looks like the wrong database: it holds {shown}, of which neither"
            " the scripts nor the models know anything."
        )
        remedy = (
            "Check the URL of the database, then look again with"
            f" `{program} current -v`."
        )
        return sentence, remedy, Case.OTHER_DATABASE
    if not _scripts(history):
        sentence = "The folder holds no script at all: it was lost, or made anew."
        remedy = (
            f"`{program} repair` writes a first script from what the database holds"
            " and shows its plan before it changes anything."
        )
        return sentence, remedy, Case.NO_SCRIPTS
    sentence = (
        "The database is ahead of this checkout, or the script was never committed."
    )
    remedy = (
        f"Update the checkout; if the script is lost for good, `{program} repair`"
        " finds where the database stands and shows its plan before it changes"
        " anything."
    )
    return sentence, remedy, Case.AHEAD


def _on_a_branch(kept: Sequence[Kept]) -> tuple[str, str]:
    first = kept[0]
    sentence = (
        f"It is on the branch {first.branch} of git (commit {first.commit},"
        f" {first.subject!r})."
    )
    return sentence, f"Bring it here: `{_restoring(kept)}`."


def _deleted(kept: Sequence[Kept]) -> tuple[str, str]:
    first = kept[0]
    sentence = (
        f"Git still has it, though no branch does (commit {first.commit},"
        f" {first.subject!r})."
    )
    return sentence, f"Bring it back: `{_restoring(kept)}`."


def _restoring(kept: Sequence[Kept]) -> str:
    """Return the command that brings the scripts back, those of the first source."""
    source = kept[0].source
    paths = [each.path for each in kept if each.source == source]
    return f"git restore --source={source} -- {' '.join(paths)}"


def _is_anothers(history: History, around: Surroundings) -> bool:
    """Whether the database has tables, and none that scripts or models speak of."""
    if not around.tables:
        return False
    if any(each in around.wanted for each in around.tables):
        return False
    text = text_of(history)
    if "create_all" in text or not (text or around.wanted):
        return False
    return not any(
        re.search(rf"\b{re.escape(each.name)}\b", text) for each in around.tables
    )


def text_of(history: History) -> str:
    """Return the text of all scripts."""
    return "\n".join(
        Path(script.path).read_text(encoding="utf-8", errors="replace")
        for script in _scripts(history)
    )


def _noted(revisions: Sequence[str], around: Surroundings) -> str:
    """Return what the ledger of the database says of *revisions*."""
    notes = around.applied or {}
    return "".join(f"{notes[each]} " for each in revisions if each in notes)


def _scripts(history: History) -> list[Any]:
    return list(history.walk_revisions())


def _folder(history: History) -> str:
    locations = [str(each) for each in history._version_locations]
    return ", ".join(_shown(each) for each in locations)


def _shown(path: str) -> str:
    place = Path(path).absolute()
    here = Path.cwd()
    return str(place.relative_to(here)) if place.is_relative_to(here) else path


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _listed(names: Any) -> str:
    found = sorted(names)
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more
