"""The names of columns in expressions of SQLite, quoted or not."""

from __future__ import annotations

from whimbrel.catalog.sqlite_tokens import (
    Token,
    TokenKind,
    canonical,
    folded,
    quote,
    tokens,
    unquoted,
)
from whimbrel.schema.spoken import Words
from whimbrel.schema.state import Expression


_NAMES = (TokenKind.WORD, TokenKind.QUOTED)


def words(before: str, after: str) -> Words:
    """Return what replaces a column's name within expressions.

    Args:
        before: the name.
        after: what stands there afterwards.
    """
    old, new = folded(before), quote(after)

    def replaced(expression: Expression) -> Expression:
        called = _called(expression.canonical, old, new)
        if called == expression.canonical:  # where a name stands for a string, too
            return expression
        return Expression(canonical(called), _called(expression.text, old, new))

    return replaced


def _called(text: str, old: str, new: str) -> str:
    """Return an expression with another name for a column."""
    found = tokens(text)
    last = found[-1]
    return "".join(
        token.before + (new if _is_column(token, old, before, behind) else token.text)
        for before, token, behind in zip(
            (last, *found), found, (*found[1:], last), strict=False
        )
    )


def _is_column(token: Token, name: str, before: Token, behind: Token) -> bool:
    """Whether *token* is the name of a column, and of no function, type or table."""
    return (
        token.kind in _NAMES
        and folded(unquoted(token.text)) == name
        and before.word not in ("AS", "COLLATE")
        and behind.text not in ("(", ".")
    )
