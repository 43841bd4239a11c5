"""The one wording of expressions that PostgreSQL words anew when it reads them again.

What the server keeps of an expression is not all that it makes of its own words for it:
a dump that is restored, or a script made of one, would differ from what it was made of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


_VALUE = re.compile(r"""(?:E?'(?:[^']|'')*'|NULL)::[\w ."]+""")
_CAST_LIST = re.compile(
    rf"""\(ARRAY\[({_VALUE.pattern}(?:, {_VALUE.pattern})*)\]\)::([\w ."]+)\[\]"""
)
_SIGN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]| (?:AND|OR)(?= )""")


def settled(text: str) -> str:
    """Return the wording to which what the server spells *text* comes in the end.

    It spells ``a IN ('x', 'y')`` of a VARCHAR with a cast of the whole list, and what
    it spelled, once it is run again, with a cast of each value. ``a BETWEEN 1 AND 2
    AND b`` is a conjunction within another one, which are one when they are read again.
    """
    if "(ARRAY[" in text:
        text = _CAST_LIST.sub(_cast_each, text)
    if "((" in text and (" AND " in text or " OR " in text):
        text = _joined(text)
    return text


def _cast_each(found: re.Match[str]) -> str:
    values, type_ = found.groups()
    cast = (f"({value[0]})::{type_}" for value in _VALUE.finditer(values))
    return f"ARRAY[{', '.join(cast)}]"


@dataclass(slots=True)
class _Group:
    """What stands in parentheses, where they are, and what joins its parts."""

    start: int
    end: int = -1
    sign: str | None = None
    first: _Group | None = None
    """The group that stands first in it."""


def _joined(text: str) -> str:
    """Return *text* without parentheses around a first part that is joined alike."""
    groups, idle = [_Group(-1)], set[int]()
    for found in _SIGN.finditer(text):
        sign, place = found[0], found.start()
        if sign == "(":
            groups.append(_Group(place))
        elif sign == ")" and len(groups) > 1:
            _close(groups.pop(), place, groups[-1])
        elif sign in (" AND", " OR"):
            group, group.sign = groups[-1], sign
            if (part := group.first) and part.end + 1 == place and part.sign == sign:
                idle |= {part.start, part.end}
    return "".join(each for place, each in enumerate(text) if place not in idle)


def _close(group: _Group, place: int, around: _Group) -> None:
    group.end = place
    if group.start == around.start + 1:
        around.first = group
