"""Which drop and add is one rename: told, hinted, asked, or plain to see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from whimbrel.commands.live_rows import LiveRows
from whimbrel.commands.questions import YES, Ask, Question
from whimbrel.errors import RenameUnsure
from whimbrel.report.report import Line, Tone
from whimbrel.schema.changes import ValueChange
from whimbrel.schema.likeness import Candidate, Candidates, Pair
from whimbrel.schema.renames import ColumnRename, Rename, TableRename, in_order


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What is taken for a rename, and what is known to be none.

    Args:
        renames: in the order in which they are carried out.
        refused: the pairs of which a person said that they are two things.
        notes: what was decided without one.
    """

    renames: tuple[Rename, ...] = ()
    refused: frozenset[Pair] = frozenset()
    notes: tuple[Line, ...] = ()

    def plus(self, pairs: Iterable[Pair], notes: Iterable[Line] = ()) -> Decided:
        """Return this with more renames."""
        return replace(
            self,
            renames=in_order((*self.renames, *pairs)),
            notes=(*self.notes, *notes),
        )


def decide(
    found: Candidates, decided: Decided, rows: LiveRows, ask: Ask | None
) -> Decided:
    """Return what is known after a look at the pairs that were found.

    On a terminal each pair is asked for.  Elsewhere those are taken that are plain.

    Args:
        found: the pairs that may be renames.
        decided: what was known before; the answer is the same if there is no more.
        rows: tells how full a column is.
        ask: asks a person; None if there is none.
    """
    if ask is not None:
        return _asked(found, decided, rows, ask)
    return decided.plus(
        (each.rename for each in found.certain), map(_note, found.certain)
    )


def _asked(found: Candidates, decided: Decided, rows: LiveRows, ask: Ask) -> Decided:
    for candidate in (*found.certain, *found.uncertain, *found.values):
        if candidate.rename in decided.refused:
            continue
        if ask(_question(candidate, rows)) == YES:
            return decided.plus([candidate.rename])
        decided = replace(decided, refused=decided.refused | {candidate.rename})
    return decided


def _question(candidate: Candidate, rows: LiveRows) -> Question:
    rename = candidate.rename
    reasons = list(candidate.likeness.reasons)
    match rename:
        case ColumnRename():
            kind = "column"
            full = rows.fullness(rename.table, rename.before)
            if full is not None:
                reasons.append(f"{rename.table}.{rename.before} has {full}")
        case ValueChange():
            return Question(
                text=f"Was the value {rename.before!r} of {rename.table}"
                f".{rename.column} renamed to {rename.after!r}?",
                reasons=(*reasons, "if not, no row may have it any more"),
            )
        case TableRename():
            kind = "table"
            has_rows = rows.has_rows(rename.before)
            if has_rows is not None:
                reasons.append(f"{rename.before} has {'' if has_rows else 'no '}rows")
    return Question(
        text=f"Was the {kind} {_old(rename)} renamed to {_new(rename)}?",
        reasons=tuple(reasons),
    )


def _note(candidate: Candidate) -> Line:
    rename = candidate.rename
    reasons = ", ".join(candidate.likeness.reasons)
    return Line(
        f"Taken for a rename: {_old(rename)} -> {_new(rename)} ({reasons})."
        " If it is none: --no-rename",
        Tone.WARN,
    )


def _old(rename: Pair) -> str:
    if isinstance(rename, ColumnRename):
        return f"{rename.table}.{rename.before}"
    return str(rename.before)


def _new(rename: Pair) -> str:
    if isinstance(rename, ColumnRename):
        return f"{rename.table}.{rename.after}"
    return str(rename.after)


def unsure(uncertain: Iterable[Candidate]) -> RenameUnsure:
    """Return the error that stops a run where only a person can tell."""
    pairs = tuple(uncertain)
    told = "".join(
        f"\n  {_old(each.rename)} -> {_new(each.rename)}"
        f" ({', '.join(each.likeness.reasons)})"
        for each in pairs
    )
    first = pairs[0].rename
    return RenameUnsure(
        f"Something may have been renamed; only you can tell:{told}",
        f"Say what was: --rename {_old(first)}:{_new(first)}, and so on. --no-rename"
        " says that nothing else was: what goes is dropped with its values, and what"
        " comes is new.",
        pairs=tuple(each.rename for each in pairs),
    )
