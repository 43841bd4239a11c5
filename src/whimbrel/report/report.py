"""What a command has to tell, as data: lines, changes, findings, and an exit code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from whimbrel.report.words import describe_change, sort_key
from whimbrel.schema.changes import Change, told_as_renames


class Tone(Enum):
    """What a line is, for whoever shows it in colours."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    DIM = "dim"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text, without its line break."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a command did and found.

    ``data`` is what a program reads of it, made of plain mappings, lists and
    strings; ``script_path`` the script that was written.
    """

    lines: tuple[Line, ...] = ()
    exit_code: int = 0
    changes: tuple[Change, ...] = ()
    findings: tuple[object, ...] = ()
    data: Mapping[str, object] = field(default_factory=dict)
    script_path: str | None = None

    @property
    def text(self) -> str:
        """The lines as one text, each with its line break."""
        return "".join(f"{line.text}\n" for line in self.lines)


def plain_lines(*texts: str) -> tuple[Line, ...]:
    """Return *texts* as plain lines; a text of several lines becomes several."""
    return tuple(Line(line) for text in texts for line in text.split("\n"))


def json_lines(data: Mapping[str, object]) -> tuple[Line, ...]:
    """Return *data* as the lines that a program reads."""
    return plain_lines(json.dumps(data, indent=2, ensure_ascii=False))


def told_left(changes: Iterable[Change]) -> tuple[Line, ...]:
    """Return what a downgrade leaves as it is, for it cannot be undone."""
    return tuple(
        Line(f"The downgrade cannot undo, and leaves as it is: {line.text}", Tone.WARN)
        for line in describe_changes(changes)
    )


def describe_changes(changes: Iterable[Change]) -> tuple[Line, ...]:
    """Return *changes* in plain words, one line each, always in the same order.

    ``+`` comes, ``-`` goes, ``~`` becomes something else, ``>`` gets another name.
    """
    told = sorted(told_as_renames(changes), key=sort_key)
    texts = [describe_change(change) for change in told]
    return tuple(Line(text, _TONES.get(text[0], Tone.PLAIN)) for text in texts)


_TONES = {"+": Tone.GOOD, "-": Tone.BAD, "~": Tone.WARN, ">": Tone.WARN}
