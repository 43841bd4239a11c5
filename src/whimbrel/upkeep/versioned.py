"""What git knows of a script that is not in the folder."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from whimbrel.errors import HistoryError
from whimbrel.script.reading import heading_of


PATIENCE = 20
"""Seconds after which git is not waited for: it only helps to tell more."""

MANY = 50
"""How many lost scripts are followed back at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A script as git keeps it.

    Args:
        revision: its id.
        path: its file, as seen from where the user stands.
        branch: a branch that has it now; empty if none has.
        commit: the last commit that has it, abbreviated.
        subject: what that commit says of itself.
        text: the script.
        down: the ids that it follows.
    """

    revision: str
    path: str
    branch: str
    commit: str
    subject: str
    text: str
    down: tuple[str, ...]

    @property
    def source(self) -> str:
        """What git calls the place where the script is."""
        return self.branch or self.commit


def kept_scripts(folder: str, revision: str, known: Iterator[str]) -> tuple[Kept, ...]:
    """Return the script of *revision* and those before it that are lost too.

    Args:
        folder: the folder of the scripts, or where it was.
        revision: the id of a script that is not there.
        known: the ids of the scripts that are there.
    """
    git = _Repository.around(folder)
    if git is None:
        return ()
    seen, waiting = set(known), [revision]
    found: list[Kept] = []
    while waiting and len(found) < MANY:
        wanted = waiting.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        script = git.script(wanted)
        if script is None:
            break
        found.append(script)
        waiting += script.down
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Repository:
    """A repository of git, and the folder of scripts in it."""

    place: Path
    folder: str

    @classmethod
    def around(cls, folder: str) -> _Repository | None:
        """Return the repository that *folder* is, or was, in; None if in none."""
        place = Path(folder).absolute()
        while not place.is_dir():
            place = place.parent
        repository = cls(place, str(Path(folder).absolute()))
        is_inside = repository.says("rev-parse", "--is-inside-work-tree") == "true"
        return repository if is_inside else None

    def says(self, *words: str) -> str:
        """Return what git answers; nothing where it refuses or is not installed."""
        command = ("git", "-C", str(self.place), *words)
        try:
            done = subprocess.run(  # our words, no shell
                command, capture_output=True, timeout=PATIENCE, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        said = done.stdout if done.returncode == 0 else b""
        return said.decode("utf-8", "replace").strip()

    def script(self, revision: str) -> Kept | None:
        """Return the script that carries *revision*, the latest that git has."""
        carries = rf"^revision\b.*['\"]{re.escape(revision)}['\"]"
        commits = self.says(
            *(
                "log",
                "--all",
                "--reflog",
                "--format=%H",
                "--pickaxe-regex",
                "-S",
                carries,
            ),
            *("--", self.folder),
        ).split()
        for commit in commits:
            for path in self._paths(commit, carries):
                return self._kept(revision, path, commit)
        return None

    def _paths(self, commit: str, pattern: str) -> list[str]:
        found = self.says(
            *("grep", "--full-name", "-l", "-E", "-e", pattern, commit),
            *("--", self.folder),
        )
        return [line.partition(":")[2] for line in found.splitlines()]

    def _kept(self, revision: str, path: str, commit: str) -> Kept:
        text = self.says("show", f"{commit}:{path}")
        root = self.says("rev-parse", "--show-toplevel")
        return Kept(
            revision=revision,
            path=_shown(Path(root, path)),
            branch=self._branch(commit, path),
            commit=self.says("rev-parse", "--short", commit),
            subject=self.says("log", "-1", "--format=%s", commit),
            text=text,
            down=_followed(text, path),
        )

    def _branch(self, commit: str, path: str) -> str:
        """Return a branch that has the file at *path* now, a local one if there is."""
        names = self.says(
            *("for-each-ref", "--contains", commit, "--format=%(refname:short)"),
            *("refs/heads", "refs/remotes"),
        )
        for name in names.splitlines():
            if self.says("cat-file", "-t", f"{name}:{path}") == "blob":
                return name
        return ""


def _followed(text: str, path: str) -> tuple[str, ...]:
    try:
        down = heading_of(text.encode(), path).down_revision
    except HistoryError:
        return ()
    return (down,) if isinstance(down, str) else tuple(down or ())


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
