"""The words of MySQL's SQL: tokens, names, and pieces between parentheses.

Nothing is lost: the tokens of a text, with the spaces between them, make the text
again.  A quoted name may hold anything, a string has backslashes in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from typing import NamedTuple

from whimbrel.schema.spoken import words


_TOKEN = re.compile(
    r"""
    (?P<space>\s+|/\*(?!M?!).*?\*/)
    |(?P<name>`(?:[^`]|``)*`)
    |(?P<string>(?:(?:[bBxXnN]|_[a-zA-Z0-9]+\s?)?'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*"))
    |(?P<word>[^\W\d][\w$]*)
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<hint>/\*M?!\d*|\*/)
    |(?P<other>.)
    """,
    re.DOTALL | re.VERBOSE,
)
_ESCAPED = re.compile(r"''|\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a"}


class Token(NamedTuple):
    """One token, and where it stands in its text."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The token in capitals, if it is a word or a sign."""
        return "" if self.kind in ("name", "string") else self.text.upper()


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of *text*, without the spaces."""
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind != "space":
            yield Token(kind, match[0], match.start(), match.end())


def name_of(token: Token) -> str:
    """Return the name that *token* spells, quoted or not."""
    mark = token.text[:1]
    if mark in ("`", '"'):
        return token.text[1:-1].replace(mark * 2, mark)
    return token.text


QUOTE = "`"
"""What the server writes around each name."""

SPEAKING = partial(words, quote=QUOTE)
"""How its expressions call a column by another name."""


def quoted(name: str) -> str:
    """Return *name* as SQL writes it."""
    return f"{QUOTE}{name.replace(QUOTE, QUOTE * 2)}{QUOTE}"


def string_of(literal: str) -> str:
    """Return what a string literal of the server says."""

    def plain(match: re.Match[str]) -> str:
        escaped: str | None = match[1]
        return "'" if escaped is None else _ESCAPES.get(escaped, escaped)

    return _ESCAPED.sub(plain, literal[1:-1])


def without_escapes(text: str) -> str:
    """Return SQL of the server's in which no backslash escapes.

    The server always tells strings with escapes.  A session whose SQL mode is
    NO_BACKSLASH_ESCAPES takes what they are for two characters.
    """
    found = []
    for token in tokens(text):
        mark = token.text.find("'")
        if token.kind == "string" and mark >= 0 and "\\" in token.text:
            value = string_of(token.text[mark:]).replace("'", "''")
            found.append((token, f"{token.text[:mark]}'{value}'"))
    for token, plain in reversed(found):
        text = text[: token.start] + plain + text[token.end :]
    return text


def literal(text: str) -> str:
    """Return *text* as a string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
    return f"'{escaped}'"


def mentioned(text: str, columns: Iterable[str]) -> tuple[str, ...]:
    """Return those of *columns* that *text* names, in order of appearance."""
    known = {column.casefold(): column for column in columns}
    return tuple([known[name] for name in _names_in(text) if name in known])


@lru_cache
def _names_in(text: str) -> tuple[str, ...]:
    """Return all that may be a name in *text*, casefolded, each once."""
    names = (
        name_of(token).casefold()
        for token in tokens(text)
        if token.kind in ("name", "word")
    )
    return tuple(dict.fromkeys(names))


def split(text: str) -> tuple[str, ...]:
    """Return what stands between the commas of *text*, those in parentheses kept."""
    parts, depth, start = [], 0, 0
    for token in tokens(text):
        depth += (token.text == "(") - (token.text == ")")
        if token.text == "," and depth == 0:
            parts.append(text[start : token.start])
            start = token.end
    parts.append(text[start:])
    return tuple(part.strip() for part in parts)


class Cursor:
    """Goes through the tokens of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = list(tokens(text))
        self._place = 0

    def peek(self, ahead: int = 0) -> Token:
        """Return the next token, or an empty one at the end."""
        place = self._place + ahead
        if place < len(self._tokens):
            return self._tokens[place]
        end = len(self.text)
        return Token("end", "", end, end)

    def take(self) -> Token:
        """Return the next token and go behind it."""
        token = self.peek()
        self._place += 1
        return token

    def takes(self, *words: str) -> bool:
        """Go behind *words* if they come next, and say so."""
        if all(self.peek(place).word == word for place, word in enumerate(words)):
            self._place += len(words)
            return True
        return False

    def group(self) -> str:
        """Return what stands between the parentheses that come next."""
        first = self.take()
        depth, token = 1, first
        while depth and token.kind != "end":
            token = self.take()
            depth += (token.text == "(") - (token.text == ")")
        return self.text[first.end : token.start]

    def until(self, words: Iterable[str]) -> str:
        """Return what stands before the first of *words*, a comma or the end."""
        start = end = self.peek().start
        while True:
            token = self.peek()
            if token.kind == "end" or token.word in words or token.text in (",", ")"):
                return self.text[start:end]
            if token.text == "(":
                self.group()
            else:
                self.take()
            end = self._tokens[self._place - 1].end
