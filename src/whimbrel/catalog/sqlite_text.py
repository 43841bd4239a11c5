"""The parts of a CREATE TABLE or CREATE INDEX text: lossless, and to be edited.

A part keeps how it was written and the spaces and comments around it, so a text
that was not edited comes out as it went in, and one that was edited
(``dataclasses.replace``) differs only there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from whimbrel.catalog.sqlite_tokens import quote, tokens, unquoted


class ClauseKind(Enum):
    """What a clause of a column or of a table says."""

    PRIMARY_KEY = "PRIMARY KEY"
    NOT_NULL = "NOT NULL"
    NULL = "NULL"
    UNIQUE = "UNIQUE"
    CHECK = "CHECK"
    DEFAULT = "DEFAULT"
    COLLATE = "COLLATE"
    REFERENCES = "REFERENCES"
    GENERATED = "GENERATED"
    DEFERRABLE = "DEFERRABLE"
    """Stands by itself only when another clause divides it from its REFERENCES."""
    NAME = "CONSTRAINT"
    """A name that no constraint follows."""


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One column of a key, as the key writes it."""

    name: str
    collation: str | None = None
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """What a foreign key refers to; a word that is not written is None."""

    table: str
    columns: tuple[str, ...] = ()
    on_delete: str | None = None
    on_update: str | None = None
    match: str | None = None
    is_deferrable: bool = False
    is_initially_deferred: bool = False


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of a column, or a constraint that stands among the columns.

    Args:
        kind: what it says.
        text: the clause as written, its CONSTRAINT name included.
        name: the name that CONSTRAINT gives it.
        columns: the columns of a constraint that stands among the columns.
        expression: what a CHECK, DEFAULT or GENERATED says, without parentheses.
        on_conflict: the word after ON CONFLICT.
        is_autoincrement: whether AUTOINCREMENT is written.
        is_descending: whether a column's PRIMARY KEY says DESC.
        reference: what REFERENCES says.
        collation: the word after COLLATE.
        is_stored: whether a generated column is STORED.
        before: spaces and comments before the clause.
        after: spaces and comments behind it, up to the comma.
        follows_comma: False where a constraint follows another without a comma.
    """

    kind: ClauseKind
    text: str
    name: str | None = None
    columns: tuple[KeyPart, ...] = ()
    expression: str | None = None
    on_conflict: str | None = None
    is_autoincrement: bool = False
    is_descending: bool = False
    reference: Reference | None = None
    collation: str | None = None
    is_stored: bool = False
    before: str = " "
    after: str = ""
    follows_comma: bool = True


@dataclass(frozen=True, slots=True)
class ColumnText:
    """The definition of a column.

    Args:
        name: the name, without quotes.
        written_name: the name as written; not used when it names another column.
        type_text: the type as written; empty when there is none.
        clauses: what follows the type.
        before: spaces and comments before the name.
        type_before: spaces and comments before the type.
        after: spaces and comments behind the definition, up to the comma.
    """

    name: str
    written_name: str = ""
    type_text: str = ""
    clauses: tuple[Clause, ...] = ()
    before: str = " "
    type_before: str = " "
    after: str = ""

    @property
    def text(self) -> str:
        """The definition as SQL, without what stands around it."""
        text = _written(self.name, self.written_name)
        if self.type_text:
            text = _joined(text, self.type_before, self.type_text)
        for clause in self.clauses:
            text = _joined(text, clause.before, clause.text)
        return text

    def clause(self, kind: ClauseKind) -> Clause | None:
        """Return the clause of that kind that counts, the last one, or None."""
        for clause in reversed(self.clauses):
            if clause.kind is kind:
                return clause
        return None


Item: TypeAlias = ColumnText | Clause


@dataclass(frozen=True, slots=True)
class TableText:
    """A CREATE TABLE statement.

    Args:
        name: the table's name, without quotes.
        head: all that stands before the name.
        items: columns, then constraints.
        options: WITHOUT ROWID and STRICT, in upper case.
        written_name: the name as written; not used when it names another table.
        opening: what stands between the name and the first item.
        closing: what stands behind the last item, with the parenthesis.
        tail: the options as written; not used when *options* says otherwise.
    """

    name: str
    head: str = "CREATE TABLE "
    items: tuple[Item, ...] = ()
    options: tuple[str, ...] = ()
    written_name: str = ""
    opening: str = " ("
    closing: str = ")"
    tail: str = ""

    @property
    def text(self) -> str:
        """The statement as SQL; what was not edited stands as it was written."""
        text = self.head + _written(self.name, self.written_name) + self.opening
        previous: Item | None = None
        for item in self.items:
            if previous is not None:
                text += _separator(previous, item)
            text = _joined(text, item.before, item.text) + item.after
            previous = item
        return text + self.closing + self._written_options

    @property
    def columns(self) -> tuple[ColumnText, ...]:
        """The columns, in their order."""
        return tuple(item for item in self.items if isinstance(item, ColumnText))

    @property
    def constraints(self) -> tuple[Clause, ...]:
        """The constraints that stand among the columns, in their order."""
        return tuple(item for item in self.items if isinstance(item, Clause))

    @property
    def _written_options(self) -> str:
        if options_of(self.tail) == self.options:
            return self.tail
        return " " + ", ".join(self.options) if self.options else ""


@dataclass(frozen=True, slots=True)
class IndexPartText:
    """One part of an index: a column or an expression, as written."""

    expression: str
    column: str | None = None
    collation: str | None = None
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class IndexText:
    """A CREATE INDEX statement.

    Args:
        name: the index's name, without quotes.
        table: its table's name as the statement spells it, without quotes.
        unique: whether it is a UNIQUE INDEX.
        parts: its columns and expressions.
        where: the condition of a partial index, as written.
    """

    name: str
    table: str
    unique: bool
    parts: tuple[IndexPartText, ...]
    where: str | None = None


def options_of(tail: str) -> tuple[str, ...]:
    """Return the table options that stand behind a table's closing parenthesis."""
    if not tail:
        return ()
    words = " ".join(token.word or token.text for token in tokens(tail)[:-1])
    return tuple(option.strip().upper() for option in words.split(",") if option)


def _written(name: str, written: str) -> str:
    return written if written and unquoted(written) == name else quote(name)


def _joined(left: str, before: str, right: str) -> str:
    """Return both pieces, with a space where they would melt into one word."""
    if before or not left or not right:
        return left + before + right
    end, start = left[-1], right[0]
    melts = end == start or (_is_of_word(end) and _is_of_word(start))
    return f"{left} {right}" if melts and start != "(" else left + right


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character in "_$" or character > "\x7f"


def _separator(previous: Item, item: Item) -> str:
    if isinstance(item, Clause) and isinstance(previous, Clause):
        return "," if item.follows_comma else ""
    return ","
