"""Questions to the person at a terminal, asked where no answer is redirected."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Protocol

import click


class Askable(Protocol):
    """A question, and what a person must know to answer it."""

    @property
    def text(self) -> str:
        """The question."""
        ...

    @property
    def reasons(self) -> Iterable[str]:
        """What speaks for one answer or the other."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether any text is an answer, and not only yes and no."""
        ...


def is_someone_there() -> bool:
    """Whether a person sits at both ends: one sees the question, and can type."""
    ends = (sys.stdin, sys.stderr)
    return all(end is not None and end.isatty() for end in ends)


def ask_at_terminal(question: Askable) -> str:
    """Return the answer: ``yes``, ``no`` (also for nothing), or a text.

    All goes to stderr, so that stdout may lead elsewhere.
    """
    reasons = [f"  - {reason}" for reason in question.reasons]
    text = "\n".join((*reasons, question.text))
    if question.is_open:
        return str(click.prompt(text, "", show_default=False, err=True))
    return "yes" if click.confirm(text, err=True) else "no"
