"""Options that name things: each must be known to a database, or it is misspelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from whimbrel.commands.compare import Comparison
from whimbrel.commands.wishes import Wishes, is_named
from whimbrel.errors import UsageError
from whimbrel.schema.fills import parse_fills
from whimbrel.schema.renames import is_about, is_of_a_part, meant, parse_renames
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
        is_known = any(
            is_about(rename, each.current, each.wanted)
            or is_of_a_part(rename, each.current, each.wanted)
            for each in found
            for rename in meant(parse_renames([text]), each.current)
        )
        if not is_known:
            yield f"--rename {text}"


def _unknown_fills(wishes: Wishes, found: Iterable[Comparison]) -> Iterator[str]:
    said = [("--fill", each, parse_fills([each], ())) for each in wishes.fill]
    said += [("--fill-sql", each, parse_fills((), [each])) for each in wishes.fill_sql]
    for option, text, (fill,) in said:
        if not any(each.wanted.table(fill.table) for each in found):
            yield f"{option} {text}"


def _unknown_drops(wishes: Wishes, found: Iterable[Comparison]) -> Iterator[str]:
    """Yield the names that nothing has; of patterns nobody expects that."""
    if not wishes.drop:
        return
    names = {name for each in found for name in _names(each.current)}
    for text in wishes.drop:
        is_pattern = any(sign in text for sign in "*?[")
        if not is_pattern and not any(is_named(name, (text,)) for name in names):
            yield f"--drop {text}"


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
