"""Options that name things: each must be known to a database, or it is misspelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from whimbrel.commands.compare import Comparison
from whimbrel.commands.wishes import Wishes, is_named
from whimbrel.errors import UsageError
from whimbrel.schema.fills import Fill, parse_fills
from whimbrel.schema.folding import kept_fills, kept_patterns, kept_renames
from whimbrel.schema.renames import (
    is_about,
    is_of_a_part,
    meant,
    parse_renames,
)
from whimbrel.schema.state import State


def refuse_unknown(wishes: Wishes, comparisons: Sequence[Comparison]) -> None:
    """Raise if an option names what no database has.

    With several databases each heeds the options that speak of it: what none of them
    knows would pass unseen.

    Raises:
        UsageError: with the options.
    """
    unknown = tuple(
        chain(
            _unknown_renames(wishes, comparisons),
            _unknown_fills(wishes, comparisons),
            _unknown_drops(wishes, comparisons),
        )
    )
    if unknown:
        are = "what these options name" if len(unknown) > 1 else "what it names"
        raise UsageError(
            f"{', '.join(unknown)}: no database has {are}.",
            "Mend the spelling, or leave it out if it is done already.",
        )


def _unknown_renames(wishes: Wishes, found: Iterable[Comparison]) -> Iterator[str]:
    for text in wishes.rename:
        if not any(_knows(each, text) for each in found):
            yield f"--rename {text}"


def _knows(comparison: Comparison, text: str) -> bool:
    """Whether a database has what a rename speaks of, or has no other name for it."""
    current, wanted = comparison.current, comparison.wanted
    renames = meant(kept_renames(parse_renames([text]), current), current)
    return not renames or any(
        is_about(each, current, wanted) or is_of_a_part(each, current, wanted)
        for each in renames
    )


def _unknown_fills(wishes: Wishes, found: Iterable[Comparison]) -> Iterator[str]:
    said = [("--fill", each, parse_fills([each], ())) for each in wishes.fill]
    said += [("--fill-sql", each, parse_fills((), [each])) for each in wishes.fill_sql]
    for option, text, (fill,) in said:
        if not any(_has_table(each, fill) for each in found):
            yield f"{option} {text}"


def _has_table(comparison: Comparison, fill: Fill) -> bool:
    (kept,) = kept_fills([fill], comparison.current)
    return comparison.wanted.table(kept.table) is not None


def _unknown_drops(wishes: Wishes, found: Iterable[Comparison]) -> Iterator[str]:
    """Yield the names that nothing has; of patterns nobody expects that."""
    for text in wishes.drop:
        is_pattern = any(sign in text for sign in "*?[")
        if not is_pattern and not any(_has(each.current, text) for each in found):
            yield f"--drop {text}"


def _has(state: State, text: str) -> bool:
    patterns = kept_patterns((text,), state)
    return any(is_named(name, patterns) for name in _names(state))


def _names(state: State) -> Iterator[str]:
    """Yield all names of a state, those of columns with and without their tables."""
    for table in state.tables:
        yield from (table.name.name, str(table.name))
        for part in (*table.columns, *table.constraints, *table.indexes):
            yield from (part.name, f"{table.name}.{part.name}")
    for enum in state.enums:
        yield from (enum.name, f"{enum.schema}.{enum.name}")
    for sequence in state.sequences:
        yield from (sequence.name, f"{sequence.schema}.{sequence.name}")
