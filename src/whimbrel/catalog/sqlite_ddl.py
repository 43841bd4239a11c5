"""What a CREATE TABLE or CREATE INDEX text of SQLite says.

SQLite keeps the text by which a table was made and keeps it up to date, so all
that is known of a table stands there.  The grammar is SQLite's own:
https://www.sqlite.org/src/file/src/parse.y
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

from whimbrel.catalog.sqlite_cursor import Cursor, unreadable
from whimbrel.catalog.sqlite_parts import index_part, key_part
from whimbrel.catalog.sqlite_text import (
    Clause,
    ClauseKind,
    ColumnText,
    IndexPartText,
    IndexText,
    Item,
    KeyPart,
    Reference,
    TableText,
    options_of,
)
from whimbrel.catalog.sqlite_tokens import (
    QUOTED,
    RESERVED,
    SPACE,
    STRING,
    TRIVIA,
    WORD,
    Token,
    TokenKind,
    affinity,
    canonical,
    default_expression,
    expression,
    folded,
    mentioned,
    quote,
    tokens,
    type_spelling,
    unquoted,
)


__all__ = [
    "Clause",
    "ClauseKind",
    "ColumnText",
    "IndexPartText",
    "IndexText",
    "Item",
    "KeyPart",
    "Reference",
    "TableText",
    "Token",
    "TokenKind",
    "affinity",
    "canonical",
    "default_expression",
    "expression",
    "folded",
    "is_virtual",
    "mentioned",
    "parse_clause",
    "parse_column",
    "parse_constraint",
    "parse_index",
    "parse_table",
    "quote",
    "tokens",
    "type_spelling",
    "unquoted",
]

_NAME = rf"(?:{QUOTED}|{STRING}|{WORD})"
_HEAD = re.compile(
    rf"""(?P<head>{TRIVIA}CREATE{TRIVIA}(?:TEMP(?:ORARY)?{TRIVIA})?TABLE\b{TRIVIA}
        (?:IF{TRIVIA}NOT{TRIVIA}EXISTS\b{TRIVIA})?(?:{_NAME}{TRIVIA}\.{TRIVIA})?)
        (?P<name>{_NAME})(?P<opening>{TRIVIA}\()""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_INDEX_HEAD = re.compile(
    rf"""{TRIVIA}CREATE{TRIVIA}(?P<unique>UNIQUE{TRIVIA})?INDEX\b{TRIVIA}
        (?:IF{TRIVIA}NOT{TRIVIA}EXISTS\b{TRIVIA})?(?:{_NAME}{TRIVIA}\.{TRIVIA})?
        (?P<name>{_NAME}){TRIVIA}ON\b{TRIVIA}(?P<table>{_NAME}){TRIVIA}\(""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_WHERE = re.compile(rf"{TRIVIA}WHERE\b{TRIVIA}", re.IGNORECASE | re.DOTALL)
_VIRTUAL = re.compile(
    rf"{TRIVIA}CREATE{TRIVIA}VIRTUAL{TRIVIA}TABLE\b", re.IGNORECASE | re.DOTALL
)
_MARK = re.compile(rf"{STRING}|{QUOTED}|--[^\n]*|/\*.*?(?:\*/|\Z)|\(|\)|,", re.DOTALL)
_STARTS_CONSTRAINT = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")


def is_virtual(sql: str) -> bool:
    """Whether *sql* makes a virtual table, whose text is its module's business."""
    return _VIRTUAL.match(sql) is not None


def parse_table(sql: str) -> TableText:
    """Return what a CREATE TABLE text says.

    Raises:
        DatabaseError: for a virtual table, CREATE TABLE ... AS SELECT, and what
            is no CREATE TABLE at all.
    """
    match = _HEAD.match(sql)
    if match is None:
        raise unreadable(sql)
    slices, end = _slices(sql, match.end())
    last = slices[-1]
    body_end = end - len(last) + len(last.rstrip(SPACE)) if "--" not in last else end
    slices[-1] = sql[end - len(last) : body_end]
    items = [item for piece in slices for item in _items(piece)]
    tail = sql[end + 1 :]
    return TableText(
        name=unquoted(match["name"]),
        head=match["head"],
        items=tuple(items),
        options=options_of(tail),
        written_name=match["name"],
        opening=match["opening"],
        closing=sql[body_end : end + 1],
        tail=tail,
    )


def parse_column(sql: str) -> ColumnText:
    """Return what the definition of one column says, to stand in a table."""
    item = _items(sql)[0]
    if not isinstance(item, ColumnText):
        raise unreadable(sql)
    return replace(item, before=item.before or " ", after="")


def parse_constraint(sql: str) -> Clause:
    """Return what a constraint says, to stand among a table's columns."""
    item = _items(sql)[0]
    if not isinstance(item, Clause):
        raise unreadable(sql)
    return replace(item, before=item.before or " ", after="")


def parse_clause(sql: str) -> Clause:
    """Return what one clause says, to stand in a column's definition."""
    clause = _clause(Cursor(sql), _COLUMN_CLAUSES)
    return replace(clause, before=clause.before or " ")


def parse_index(sql: str) -> IndexText:
    """Return what a CREATE INDEX text says."""
    match = _INDEX_HEAD.match(sql)
    if match is None:
        raise unreadable(sql)
    slices, end = _slices(sql, match.end())
    where = _WHERE.match(sql, end + 1)
    return IndexText(
        name=unquoted(match["name"]),
        table=unquoted(match["table"]),
        unique=match["unique"] is not None,
        parts=tuple(map(_index_part, slices)),
        where=sql[where.end() :].strip(SPACE) if where else None,
    )


@lru_cache(maxsize=4096)
def _index_part(sql: str) -> IndexPartText:
    return index_part(tokens(sql)[:-1])


def _slices(sql: str, start: int) -> tuple[list[str], int]:
    """Return the texts between a table's commas, and where its parenthesis closes."""
    depth, slices = 0, []
    for match in _MARK.finditer(sql, start):
        mark = match[0]
        if mark == "(":
            depth += 1
        elif mark == "," and not depth:
            slices.append(sql[start : match.start()])
            start = match.end()
        elif mark == ")":
            depth -= 1
            if depth < 0:
                slices.append(sql[start : match.start()])
                return slices, match.start()
    raise unreadable(sql)


@lru_cache(maxsize=16384)
def _items(sql: str) -> tuple[Item, ...]:
    """Return what stands between two commas of a table.

    That is a column, or a constraint, or several that no comma divides.
    """
    cursor = Cursor(sql)
    if cursor.word not in _STARTS_CONSTRAINT:
        items: list[Item] = [_column(cursor)]
    else:
        items = [_clause(cursor, _TABLE_CLAUSES)]
        while not cursor.is_at_end:
            following = _clause(cursor, _TABLE_CLAUSES)
            items.append(replace(following, follows_comma=False))
    if not cursor.is_at_end:
        raise unreadable(sql)
    if cursor.next.before:
        items[-1] = replace(items[-1], after=cursor.next.before)
    return tuple(items)


def _column(cursor: Cursor) -> ColumnText:
    before, written = cursor.next.before, cursor.next.text
    name = cursor.name()
    type_before, start = cursor.next.before, cursor.place
    while _is_of_type(cursor):
        cursor.take()
    if cursor.place > start and cursor.word == "(":
        cursor.group()
    type_text = cursor.text_from(start)
    clauses = []
    while not cursor.is_at_end:
        clauses.append(_clause(cursor, _COLUMN_CLAUSES))
        if clauses[-1].kind is ClauseKind.DEFERRABLE:
            _defer(clauses)
    return ColumnText(name, written, type_text, tuple(clauses), before, type_before)


def _is_of_type(cursor: Cursor) -> bool:
    if cursor.sees("GENERATED", "ALWAYS", "AS"):
        return False
    return cursor.next.is_name and cursor.word not in RESERVED


def _defer(clauses: list[Clause]) -> None:
    """Give the deferring of a clause that stands by itself to its reference."""
    said = clauses[-1].reference
    for place in range(len(clauses) - 1, -1, -1):
        reference = clauses[place].reference
        if said and reference and clauses[place].kind is ClauseKind.REFERENCES:
            deferred = replace(
                reference,
                is_deferrable=said.is_deferrable,
                is_initially_deferred=said.is_initially_deferred,
            )
            clauses[place] = replace(clauses[place], reference=deferred)
            return


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a clause starts, and the name that CONSTRAINT gives it."""

    place: int
    before: str
    name: str | None


_Readers: TypeAlias = dict[str, Callable[[Cursor, _Start], Clause]]


def _clause(cursor: Cursor, readers: _Readers) -> Clause:
    """Read a clause, with the name that it may have."""
    place, before = cursor.place, cursor.next.before
    name = cursor.name() if cursor.accept("CONSTRAINT") else None
    at = _Start(place, before, name)
    reader = readers.get(cursor.word)
    if reader is not None:
        return reader(cursor, at)
    if name is not None and (cursor.is_at_end or cursor.word == "CONSTRAINT"):
        return _made(cursor, at, ClauseKind.NAME)
    raise unreadable(cursor.sql)


def _made(cursor: Cursor, at: _Start, kind: ClauseKind, **facts: Any) -> Clause:
    """Return the clause that started *at* a place and is read up to here."""
    text = cursor.text_from(at.place)
    return Clause(kind, text, at.name, before=at.before, **facts)


def _primary_key(cursor: Cursor, at: _Start) -> Clause:
    cursor.expect("PRIMARY", "KEY")
    return _made(
        cursor,
        at,
        ClauseKind.PRIMARY_KEY,
        is_descending=cursor.one_of("ASC", "DESC") == "DESC",
        on_conflict=_on_conflict(cursor),
        is_autoincrement=cursor.accept("AUTOINCREMENT"),
    )


def _not(cursor: Cursor, at: _Start) -> Clause:
    if cursor.sees("NOT", "DEFERRABLE"):
        return _deferrable(cursor, at)
    cursor.expect("NOT", "NULL")
    return _made(cursor, at, ClauseKind.NOT_NULL, on_conflict=_on_conflict(cursor))


def _null(cursor: Cursor, at: _Start) -> Clause:
    cursor.expect("NULL")
    return _made(cursor, at, ClauseKind.NULL, on_conflict=_on_conflict(cursor))


def _unique(cursor: Cursor, at: _Start) -> Clause:
    cursor.expect("UNIQUE")
    return _made(cursor, at, ClauseKind.UNIQUE, on_conflict=_on_conflict(cursor))


def _check(cursor: Cursor, at: _Start) -> Clause:
    cursor.expect("CHECK")
    body = cursor.body()
    conflict = _on_conflict(cursor)
    return _made(cursor, at, ClauseKind.CHECK, expression=body, on_conflict=conflict)


def _default(cursor: Cursor, at: _Start) -> Clause:
    cursor.expect("DEFAULT")
    if cursor.word == "(":
        return _made(cursor, at, ClauseKind.DEFAULT, expression=cursor.body())
    start = cursor.place
    cursor.one_of("+", "-")
    cursor.take()
    return _made(cursor, at, ClauseKind.DEFAULT, expression=cursor.text_from(start))


def _collate(cursor: Cursor, at: _Start) -> Clause:
    cursor.expect("COLLATE")
    return _made(cursor, at, ClauseKind.COLLATE, collation=cursor.name())


def _generated(cursor: Cursor, at: _Start) -> Clause:
    cursor.accept("GENERATED", "ALWAYS")
    cursor.expect("AS")
    body = cursor.body()
    stored = cursor.one_of("STORED", "VIRTUAL") == "STORED"
    return _made(cursor, at, ClauseKind.GENERATED, expression=body, is_stored=stored)


def _references(cursor: Cursor, at: _Start) -> Clause:
    return _made(cursor, at, ClauseKind.REFERENCES, reference=_reference(cursor))


def _deferrable(cursor: Cursor, at: _Start) -> Clause:
    said = replace(Reference(""), **_deferring(cursor))
    return _made(cursor, at, ClauseKind.DEFERRABLE, reference=said)


def _table_primary_key(cursor: Cursor, at: _Start) -> Clause:
    cursor.expect("PRIMARY", "KEY")
    parts = cursor.parts()
    counts = parts[-1][-1].word == "AUTOINCREMENT"
    if counts:
        parts[-1].pop()
    return _made(
        cursor,
        at,
        ClauseKind.PRIMARY_KEY,
        columns=tuple(map(key_part, parts)),
        on_conflict=_on_conflict(cursor),
        is_autoincrement=counts,
    )


def _table_unique(cursor: Cursor, at: _Start) -> Clause:
    cursor.expect("UNIQUE")
    columns = tuple(map(key_part, cursor.parts()))
    conflict = _on_conflict(cursor)
    return _made(cursor, at, ClauseKind.UNIQUE, columns=columns, on_conflict=conflict)


def _foreign_key(cursor: Cursor, at: _Start) -> Clause:
    cursor.expect("FOREIGN", "KEY")
    columns = tuple(map(key_part, cursor.parts()))
    reference = _reference(cursor)
    return _made(
        cursor, at, ClauseKind.REFERENCES, columns=columns, reference=reference
    )


_COLUMN_CLAUSES: _Readers = {
    "PRIMARY": _primary_key,
    "NOT": _not,
    "NULL": _null,
    "UNIQUE": _unique,
    "CHECK": _check,
    "DEFAULT": _default,
    "COLLATE": _collate,
    "REFERENCES": _references,
    "DEFERRABLE": _deferrable,
    "GENERATED": _generated,
    "AS": _generated,
}
_TABLE_CLAUSES: _Readers = {
    "PRIMARY": _table_primary_key,
    "UNIQUE": _table_unique,
    "CHECK": _check,
    "FOREIGN": _foreign_key,
}


def _on_conflict(cursor: Cursor) -> str | None:
    return cursor.take().word if cursor.accept("ON", "CONFLICT") else None


def _reference(cursor: Cursor) -> Reference:
    cursor.expect("REFERENCES")
    table = cursor.name()
    columns: tuple[str, ...] = ()
    if cursor.word == "(":
        columns = tuple(key_part(part).name for part in cursor.parts())
    said: dict[str, str] = {}
    while cursor.word in ("MATCH", "ON"):
        if cursor.accept("MATCH"):
            said["MATCH"] = cursor.name().upper()
        else:
            cursor.expect("ON")
            event = cursor.take().word
            said[event] = _action(cursor)
    reference = Reference(
        table, columns, said.get("DELETE"), said.get("UPDATE"), said.get("MATCH")
    )
    if cursor.word == "DEFERRABLE" or cursor.sees("NOT", "DEFERRABLE"):
        return replace(reference, **_deferring(cursor))
    return reference


def _action(cursor: Cursor) -> str:
    word = cursor.take().word
    return f"{word} {cursor.take().word}" if word in ("SET", "NO") else word


def _deferring(cursor: Cursor) -> dict[str, Any]:
    """Read [NOT] DEFERRABLE and what follows it, as fields of a reference."""
    is_not = cursor.accept("NOT")
    cursor.expect("DEFERRABLE")
    initially = cursor.accept("INITIALLY") and cursor.take().word
    return {
        "is_deferrable": not is_not,
        "is_initially_deferred": initially == "DEFERRED" and not is_not,
    }
