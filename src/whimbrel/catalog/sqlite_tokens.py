"""The words of SQLite's SQL: tokens, names and the canonical spelling of a piece.

Nothing is lost: the tokens of a text, with what stands before each, make the text
again.  What counts as a word, a name or a space follows SQLite's own tokenizer
(https://www.sqlite.org/src/file/src/tokenize.c): only ASCII letters have a case,
and every character beyond ASCII belongs to a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from whimbrel.schema.state import Expression


SPACE = " \t\n\f\r"
_COMMENT = r"(?:--[^\n]*(?:\n|\Z)|/\*.*?(?:\*/|\Z))"
TRIVIA = rf"[\ \t\n\f\r]*(?:{_COMMENT}[\ \t\n\f\r]*)*"
QUOTED = r'"[^"]*(?:""[^"]*)*"|`[^`]*(?:``[^`]*)*`|\[[^\]]*\]'
STRING = r"'[^']*(?:''[^']*)*'"
# what a word is not: a class of all that it may be takes re.compile() 40 ms
_NO_WORD = r"\x25-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f"
WORD = rf"[^\x00-\x24\x30-\x39{_NO_WORD}][^\x00-\x23{_NO_WORD}]*"

_TOKEN = re.compile(
    rf"""
    (?P<before>{TRIVIA})
    (?:(?P<word>(?![xX]'){WORD})
      |(?P<operator>->>|->|\|\||<<|>>|<=|>=|==|!=|<>|[(),;=<>*/%&|~+-])
      |(?P<number>0[xX][0-9a-fA-F_]+
         |(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?)
      |(?P<string>{STRING})
      |(?P<quoted>{QUOTED})
      |(?P<blob>[xX]{STRING})
      |(?P<other>.)
      |(?P<end>\Z))
    """,
    re.DOTALL | re.VERBOSE,
)
_QUOTED_NUMBER = re.compile(r"'(0|-?[1-9][0-9]{0,17})'")
_AFFINITIES = {
    "INTEGER": ("INT",),
    "TEXT": ("CHAR", "CLOB", "TEXT"),
    "BLOB": ("BLOB",),
    "REAL": ("REAL", "FLOA", "DOUB"),
}
_PLAIN = re.compile(rf"{WORD}\Z")
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_SAME_OPERATOR = {"!=": "<>", "==": "="}

_RESERVED = """
    ADD ALL ALTER AND AS AUTOINCREMENT BETWEEN CASE CHECK COLLATE COMMIT CONSTRAINT
    CREATE CROSS CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DEFAULT DEFERRABLE DELETE
    DISTINCT DROP ELSE ESCAPE EXISTS FALSE FOREIGN FROM FULL GROUP HAVING IN INDEX
    INDEXED INNER INSERT INTO IS ISNULL JOIN LEFT LIMIT NATURAL NOT NOTHING NOTNULL
    NULL ON OR ORDER OUTER PRIMARY REFERENCES RETURNING RIGHT SELECT SET TABLE THEN TO
    TRANSACTION TRUE UNION UNIQUE UPDATE USING VALUES WHEN WHERE
"""
RESERVED = frozenset(_RESERVED.split())
"""The words that must be quoted to be a name, or that mean something unquoted."""


class TokenKind(Enum):
    """What a token is."""

    WORD = "word"
    QUOTED = "quoted"
    STRING = "string"
    BLOB = "blob"
    NUMBER = "number"
    OPERATOR = "operator"
    END = "end"


_KINDS = {kind.value: kind for kind in TokenKind}


class Token(NamedTuple):
    """One token, with the spaces and comments that stand before it.

    Args:
        kind: what it is.
        text: the token as written.
        before: spaces and comments before it.
        word: the keyword in upper case, or the operator; empty for all else.
    """

    kind: TokenKind
    text: str
    before: str = ""
    word: str = ""

    @property
    def is_name(self) -> bool:
        """Whether the token can stand for a name where SQLite expects one."""
        return self.kind in (TokenKind.WORD, TokenKind.QUOTED, TokenKind.STRING)


def tokens(sql: str) -> tuple[Token, ...]:
    """Return the tokens of *sql*; the last one is the END, with what precedes it."""
    result = []
    for match in _TOKEN.finditer(sql):
        group = match.lastgroup or "end"
        before, text = match.group("before", group)
        if group == "word":
            token = Token(TokenKind.WORD, text, before, text.upper())
        elif group in ("operator", "other"):
            token = Token(TokenKind.OPERATOR, text, before, text)
        else:
            token = Token(_KINDS[group], text, before)
        result.append(token)
        if group == "end":
            break
    return tuple(result)


def text_of(parts: Sequence[Token]) -> str:
    """Return the text of *parts* without what stands before the first."""
    if not parts:
        return ""
    rest = (token.before + token.text for token in parts[1:])
    return parts[0].text + "".join(rest)


def folded(name: str) -> str:
    """Return *name* as SQLite compares it: only ASCII letters lose their case."""
    return name.lower() if name.isascii() else name.translate(_LOWER)


def unquoted(text: str) -> str:
    """Return the name that *text* writes, be it in quotes of whatever kind."""
    first = text[:1]
    if first == "[":
        return text[1:-1]
    if first and first in "\"'`":
        return text[1:-1].replace(first * 2, first)
    return text


def quote(name: str) -> str:
    """Return *name* as SQL writes it, quoted only if it must be."""
    if _PLAIN.match(name) and name.upper() not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


@lru_cache(maxsize=16384)
def canonical(sql: str) -> str:
    """Return the one spelling of an expression that is compared.

    One space stands between tokens, comments and outer parentheses are dropped,
    names lose their case and the quotes that they do not need, and ``!=`` and
    ``==`` are written ``<>`` and ``=``.  Literals stay as they are.
    """
    parts = without_parentheses(tokens(sql)[:-1])
    return " ".join(map(_spelled, parts))


@lru_cache(maxsize=16384)
def expression(sql: str) -> Expression:
    """Return *sql* as an expression: its canonical spelling and the written one."""
    return Expression(canonical(sql), sql.strip(SPACE))


@lru_cache(maxsize=16384)
def default_expression(sql: str, type_: str = "") -> Expression:
    """Return the value of a DEFAULT clause as an expression.

    A bare or double-quoted name is a string there: ``DEFAULT "x"`` means ``'x'``.
    A column that stores numbers makes one of ``'0'``, so that means ``0`` there.

    Args:
        sql: what the clause says.
        type_: the spelling of the column's type, if that is known.
    """
    parts = tokens(sql)[:-1]
    if len(parts) == 1 and _names_a_string(parts[0]):
        name = unquoted(parts[0].text)
        return Expression(literal(name), sql.strip(SPACE))
    value = expression(sql)
    number = _QUOTED_NUMBER.fullmatch(value.canonical)
    if number is None or not _stores_numbers(type_):
        return value
    return Expression(expression(number[1]).canonical, value.text)


def affinity(type_: str) -> str:
    """Return how SQLite likes to store the values of a column of that type.

    https://www.sqlite.org/datatype3.html#determination_of_column_affinity
    """
    name = type_spelling(type_)
    for each, marks in _AFFINITIES.items():
        if any(mark in name for mark in marks):
            return each
    return "NUMERIC" if name else "BLOB"


def _stores_numbers(type_: str) -> bool:
    """Whether numbers that are written as texts are stored as numbers."""
    return type_ != "ANY" and affinity(type_) not in ("TEXT", "BLOB")


@lru_cache(maxsize=4096)
def type_spelling(sql: str) -> str:
    """Return a column type's one spelling: upper case, as in ``NUMERIC(10, 2)``.

    Of a type that starts with a quote, SQLite takes what the quotes hold.
    """
    parts = tokens(sql)[:-1]
    if parts and parts[0].kind in (TokenKind.QUOTED, TokenKind.STRING):
        parts = tokens(unquoted(parts[0].text))[:-1]
    result = ""
    for token in parts:
        if token.word == ",":
            result += ", "
        elif not result or token.word in ("(", ")") or result[-1] in "( +-":
            result += token.word or token.text
        else:
            result += " " + (token.word or token.text)
    return result


def mentioned(sql: str, columns: Iterable[str]) -> tuple[str, ...]:
    """Return those of *columns* that an expression names, in order of appearance."""
    names = _names_in(sql)
    known = {folded(column): column for column in columns}
    return tuple(known[name] for name in names if name in known)


@lru_cache(maxsize=4096)
def _names_in(sql: str) -> tuple[str, ...]:
    """Return the folded names in an expression that are not those of functions."""
    parts = tokens(sql)
    names = (
        folded(unquoted(token.text))
        for token, following in pairwise(parts)
        if token.kind in (TokenKind.WORD, TokenKind.QUOTED) and following.word != "("
    )
    return tuple(dict.fromkeys(names))


def without_parentheses(parts: Sequence[Token]) -> Sequence[Token]:
    """Return *parts* without the parentheses that enclose all of them."""
    while len(parts) > 1 and parts[0].word == "(":
        if closing(parts, 0) != len(parts) - 1:
            break
        parts = parts[1:-1]
    return parts


def closing(parts: Sequence[Token], opening: int) -> int:
    """Return the place of the parenthesis that closes the one at *opening*.

    The number of *parts* is returned if none does.
    """
    depth = 0
    for place in range(opening, len(parts)):
        word = parts[place].word
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
            if not depth:
                return place
    return len(parts)


def _spelled(token: Token) -> str:
    if token.kind is TokenKind.QUOTED:
        return quote(folded(unquoted(token.text)))
    if token.kind is TokenKind.WORD:
        return folded(token.text)
    return _SAME_OPERATOR.get(token.text, token.text)


def _names_a_string(token: Token) -> bool:
    if token.kind is TokenKind.QUOTED:
        return True
    return token.kind is TokenKind.WORD and token.word not in RESERVED


def literal(value: str) -> str:
    """Return *value* as a string in SQL."""
    return "'" + value.replace("'", "''") + "'"
