"""How PostgreSQL's sequences and identity columns count, as SQL says it.

https://www.postgresql.org/docs/current/sql-createsequence.html
"""

from __future__ import annotations

from collections.abc import Mapping

from whimbrel.plan.postgresql_words import qualified, values_of
from whimbrel.schema.state import Sequence


UNLOGGED = "sequence_unlogged"


def sequence_words(options: Mapping[str, str]) -> list[str]:
    """Return what a sequence, or an identity column, says of its numbers."""
    words = {
        "start": "START WITH {}",
        "increment": "INCREMENT BY {}",
        "minvalue": "MINVALUE {}",
        "maxvalue": "MAXVALUE {}",
        "cache": "CACHE {}",
        "cycle": "CYCLE",
    }
    return [words[name].format(options[name]) for name in words if name in options]


def reset_words(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return what is said of a sequence's numbers for them to change.

    What is not said any more becomes the server's default; the start, which is told
    only where it is not the first number, is said where that becomes another.
    """
    first = _first(after)
    if "start" not in after and _first(before) != first:
        before = {**before, "start": _first(before)}
    if _is_falling(before) != _is_falling(after):
        before = {**before, "minvalue": "", "maxvalue": ""}  # the usual ones differ
    defaults = {
        "start": f"START WITH {first}",
        "increment": "INCREMENT BY 1",
        "minvalue": "NO MINVALUE" if _is_falling(after) else "MINVALUE 1",
        "maxvalue": "MAXVALUE -1" if _is_falling(after) else "NO MAXVALUE",
        "cache": "CACHE 1",
        "cycle": "NO CYCLE",
    }
    changed = {name for name in defaults if before.get(name) != after.get(name)}
    said = sequence_words({name: after[name] for name in changed if name in after})
    said += [defaults[name] for name in defaults if name in changed - {*after}]
    return [*said, "RESTART"] if _are_apart(_ends(before), _ends(after)) else said


def moved_sql(
    before: Mapping[str, str], after: Mapping[str, str], name: str, quoted: str
) -> str | None:
    """Return what moves a sequence that stands before its new beginning there.

    The server lets no sequence stand beyond its ends, be it one that was never used.

    Args:
        before: how the sequence counts.
        after: how it shall count.
        name: the sequence, as SQL refers to it.
        quoted: its name as a string in SQL.
    """
    first, start = _first(after), before.get("start", _first(before))
    way = -1 if _is_falling(after) else 1
    if way * int(first) <= way * int(start) or _are_apart(_ends(before), _ends(after)):
        return None
    sign = "<" if way > 0 else ">"
    return (
        f"SELECT setval({quoted}, {first}, false) FROM {name}"
        f" WHERE last_value {sign} {first}"
    )


Ends = tuple[float, float]


def _ends(options: Mapping[str, str]) -> Ends:
    """Return the least and the greatest number, those of the type as endless."""
    is_falling = _is_falling(options)
    least = options.get("minvalue") or ("-inf" if is_falling else "1")
    most = options.get("maxvalue") or ("-1" if is_falling else "inf")
    return float(least), float(most)


def _are_apart(one: Ends, other: Ends) -> bool:
    return one[1] < other[0] or other[1] < one[0]


def _first(options: Mapping[str, str]) -> str:
    """Return the number that a sequence begins with, if nothing else is said."""
    return options.get(
        *("maxvalue", "-1") if _is_falling(options) else ("minvalue", "1")
    )


def _is_falling(options: Mapping[str, str]) -> bool:
    return options.get("increment", "1").startswith("-")


def create_sequence(sequence: Sequence) -> str:
    """Return the statement that makes a sequence."""
    unlogged = "UNLOGGED " if UNLOGGED in values_of(sequence.options) else ""
    words = [f"CREATE {unlogged}SEQUENCE {qualified(sequence.name, sequence.schema)}"]
    if sequence.type is not None:
        words.append(f"AS {sequence.type}")
    return " ".join([*words, *sequence_words(values_of(sequence.options))])


def logged_sql(
    before: Mapping[str, str], after: Mapping[str, str], name: str
) -> str | None:
    """Return what lets a sequence be logged, or no more, if that becomes otherwise."""
    if (UNLOGGED in before) == (UNLOGGED in after):
        return None
    return f"ALTER SEQUENCE {name} SET {'UN' * (UNLOGGED in after)}LOGGED"


def alter_sequence(before: Sequence, after: Sequence) -> str:
    """Return the statement that makes a sequence count otherwise; nothing if not."""
    words = [f"AS {after.type or 'bigint'}"] if before.type != after.type else []
    old, new = values_of(before.options), values_of(after.options)
    if words:
        old = {**old, "minvalue": "", "maxvalue": ""}  # the old type's might stay
    words += reset_words(old, new)
    name = qualified(after.name, after.schema)
    return " ".join([f"ALTER SEQUENCE {name}", *words]) if words else ""
