"""A place in the tokens of a SQLite text, moved by reading."""

from __future__ import annotations

from whimbrel.catalog.sqlite_tokens import (
    SPACE,
    Token,
    TokenKind,
    closing,
    text_of,
    tokens,
    unquoted,
)
from whimbrel.errors import DatabaseError


def unreadable(sql: str) -> DatabaseError:
    """Return the error that says that *sql* is none that SQLite would keep."""
    start = " ".join(sql.split())[:60]
    return DatabaseError(
        f"The definition {start!r} cannot be read as one of a table or an index.",
        "Look at it with: SELECT name, sql FROM sqlite_master;",
        sql=sql,
    )


class Cursor:
    """A place in the tokens of a text, moved by reading."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.tokens = tokens(sql)
        self.place = 0

    @property
    def next(self) -> Token:
        """The token that is read next."""
        return self.tokens[self.place]

    @property
    def word(self) -> str:
        """The next token's keyword or operator."""
        return self.tokens[self.place].word

    @property
    def is_at_end(self) -> bool:
        """Whether all is read."""
        return self.next.kind is TokenKind.END

    def sees(self, *words: str) -> bool:
        """Whether *words* come next."""
        place = self.place
        if self.tokens[place].word != words[0]:
            return False
        return all(
            self.tokens[place + ahead].word == word for ahead, word in enumerate(words)
        )

    def accept(self, *words: str) -> bool:
        """Read *words* if they come next, and tell whether they did."""
        if not self.sees(*words):
            return False
        self.place += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Read *words*, which must come next."""
        if not self.accept(*words):
            raise unreadable(self.sql)

    def take(self) -> Token:
        """Read a token."""
        token = self.next
        if token.kind is TokenKind.END:
            raise unreadable(self.sql)
        self.place += 1
        return token

    def name(self) -> str:
        """Read a name."""
        token = self.take()
        if not token.is_name:
            raise unreadable(self.sql)
        return unquoted(token.text)

    def one_of(self, *words: str) -> str | None:
        """Read one of *words* if it comes next."""
        return self.take().word if self.word in words else None

    def group(self) -> tuple[Token, ...]:
        """Read a parenthesised group and return what stands within."""
        end = closing(self.tokens, self.place)
        if self.word != "(" or end == len(self.tokens):
            raise unreadable(self.sql)
        inner = self.tokens[self.place + 1 : end]
        self.place = end + 1
        return inner

    def body(self) -> str:
        """Read a parenthesised group and return its text without parentheses."""
        start = self.place + 1
        self.group()
        inner = self.tokens[start : self.place]
        text = "".join(token.before + token.text for token in inner[:-1])
        return (text + inner[-1].before).strip(SPACE)

    def parts(self) -> list[list[Token]]:
        """Read a parenthesised group and return what stands between its commas."""
        parts: list[list[Token]] = [[]]
        depth = 0
        for token in self.group():
            depth += {"(": 1, ")": -1}.get(token.word, 0)
            if token.word == "," and not depth:
                parts.append([])
            else:
                parts[-1].append(token)
        return parts

    def text_from(self, start: int) -> str:
        """Return the text from the token at *start* up to here."""
        return text_of(self.tokens[start : self.place])

    def rest(self) -> str:
        """Read all that is left."""
        start, self.place = self.place, len(self.tokens) - 1
        return self.text_from(start)
