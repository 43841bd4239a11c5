"""What would mend a history and its databases: found first, shown, done later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from whimbrel.run.ledger import LedgerEntry, applied
from whimbrel.script.history import History
from whimbrel.upkeep.lost import Lost, known_ids
from whimbrel.upkeep.standing import Standing
from whimbrel.upkeep.versioned import kept_scripts


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found in one database.

    Args:
        database: what it is called, without a password.
        stamped: the revisions that it is stamped with.
        has_tables: whether it holds any table.
        ledger: what it knows of the scripts that it ran.
        lost: why some of its revisions have no script; None if all have.
        standing: what the replayed history says of it; None if that cannot be told.
        failure: why it cannot.
    """

    database: str
    stamped: tuple[str, ...]
    has_tables: bool
    ledger: tuple[LedgerEntry, ...] = ()
    lost: Lost | None = None
    standing: Standing | None = None
    failure: str = ""

    @property
    def is_where_it_says(self) -> bool:
        """Whether the database holds what its stamp says."""
        if self.lost is not None or self.standing is None:
            return False
        stamped = set(self.stamped)
        return any(set(each.heads) == stamped for each in self.standing.equal)


@dataclass(frozen=True, slots=True, kw_only=True)
class LostScript:
    """A script that is no longer in the folder, and can be written again.

    Args:
        revision: its id.
        path: its file.
        text: the script.
        source: who still had it.
    """

    revision: str
    path: str
    text: str
    source: str


def found_again(
    wanted: Iterable[str], history: History, ledger: Sequence[LedgerEntry]
) -> tuple[LostScript, ...]:
    """Return the scripts of *wanted* and of all that they follow; none if one is gone.

    Args:
        wanted: ids that no script of the folder carries.
        history: the scripts that are there; they may be in disorder.
        ledger: what a database knows of the scripts that it ran.
    """
    known, entries = set(known_ids(history)), applied(ledger)
    found: dict[str, LostScript] = {}
    waiting = [each for each in wanted if each not in known]
    while waiting:
        revision = waiting.pop()
        if revision in known or revision in found:
            continue
        one = _from_git(revision, history, known) or _from_ledger(
            revision, history, entries
        )
        if one is None:
            return ()
        found[revision] = one.script
        waiting += one.follows
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class _Found:
    """A script that was found, and what it follows."""

    script: LostScript
    follows: tuple[str, ...]


def _from_git(revision: str, history: History, known: Iterable[str]) -> _Found | None:
    for kept in kept_scripts(history.dir, revision, iter(known))[:1]:
        where = f"branch {kept.branch}" if kept.branch else f"commit {kept.commit}"
        script = LostScript(
            revision=revision,
            path=kept.path,
            text=kept.text,
            source=f"git, {where}",
        )
        return _Found(script, kept.down)
    return None


def _from_ledger(
    revision: str, history: History, entries: Mapping[str, LedgerEntry]
) -> _Found | None:
    entry = entries.get(revision)
    if entry is None or not entry.script:
        return None
    folder = history._version_locations[0]
    path = history._rev_path(folder, revision, entry.name, _moment(entry))
    script = LostScript(
        revision=revision,
        path=str(path),
        text=entry.script,
        source=f"the ledger of the database, where it ran at {entry.at}",
    )
    return _Found(script, entry.follows)


def _moment(entry: LedgerEntry) -> datetime:
    return datetime.fromisoformat(entry.at)
