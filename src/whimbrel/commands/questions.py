"""What a command may ask the person at the terminal, and how it is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, and what a person must know to answer it.

    Args:
        text: the question, as a sentence.
        reasons: what speaks for one answer or the other, a line each.
        is_open: any text is an answer; otherwise it is yes or no, and no if
            nothing is said.
    """

    text: str
    reasons: tuple[str, ...] = ()
    is_open: bool = False


Ask: TypeAlias = Callable[[Question], str]
"""Takes a question to the person and brings the answer: ``yes``, ``no``, or a text.

It is there only where a person sits at a terminal; a face brings it.
"""

YES = "yes"
NO = "no"
