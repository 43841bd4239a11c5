"""What SHOW CREATE TABLE says: the one catalog text that tells of temporary tables.

It also tells what the information_schema keeps from a role that may only read: the
actions of foreign keys; and the parsers of fulltext indexes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from whimbrel.catalog.mysql_tokens import Cursor, name_of, string_of


_STOPS = (
    "CHARACTER",
    "COLLATE",
    "GENERATED",
    "AS",
    "NOT",
    "NULL",
    "DEFAULT",
    "ON",
    "INVISIBLE",
    "AUTO_INCREMENT",
    "COMMENT",
    "CHECK",
    "WITHOUT",
    "WITH",
    "SRID",
    "/*!80023",
    "/*!80003",
    "*/",
)
_KEYS = ("PRIMARY", "UNIQUE", "KEY", "FULLTEXT", "SPATIAL")
_OPTION = re.compile(r"`?(\w+(?: (?:DIRECTORY|TABLE))?)`?=('(?:[^']|'')*'|[^\s,]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnText:
    """A column as the server tells it, in whichever of its two ways.

    Args:
        type: the type with all that belongs to it.
        collation: the collation, if the column has one and tells it.
        charset: the character set, if that is told.
        default: what stands behind DEFAULT, None if there is nothing but NULL.
        on_update: what stands behind ON UPDATE.
        computed: the expression of a generated column.
        check: the condition that stands beside the column.
    """

    name: str
    type: str
    nullable: bool = True
    collation: str | None = None
    charset: str | None = None
    default: str | None = None
    on_update: str | None = None
    computed: str | None = None
    is_stored: bool = False
    is_invisible: bool = False
    is_unversioned: bool = False
    counts: bool = False
    check: str | None = None
    srid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyText:
    """A foreign key's actions, or a fulltext index's parser, by its name."""

    name: str
    on_delete: str | None = None
    on_update: str | None = None
    parser: str | None = None
    parts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableText:
    """What a SHOW CREATE TABLE says, as far as we ask it."""

    columns: tuple[ColumnText, ...]
    checks: tuple[tuple[str, str], ...]
    keys: tuple[KeyText, ...]
    options: tuple[tuple[str, str], ...]

    def option(self, name: str) -> str | None:
        """Return the value of a table option, or None."""
        return dict(self.options).get(name)


def parse_table(sql: str) -> TableText:
    """Return what the text of SHOW CREATE TABLE says."""
    cursor = Cursor(sql)
    while cursor.peek().text != "(":
        cursor.take()
    body = Cursor(cursor.group())
    columns, checks, keys = [], [], []
    while body.peek().kind != "end":
        if body.peek().word in _KEYS:
            keys.append(_key(body))
        elif body.takes("CONSTRAINT"):
            name = name_of(body.take())
            if body.takes("CHECK"):
                checks.append((name, body.group()))
                body.until(())
            else:
                keys.append(_foreign_key(body, name))
        else:
            columns.append(parse_column(body))
        body.takes(",")
    return TableText(
        columns=tuple(columns),
        checks=tuple(checks),
        keys=tuple(keys),
        options=_options(sql[cursor.peek().start :]),
    )


def _options(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.lower(), value.strip("'")) for name, value in _OPTION.findall(text)
    )


def _key(body: Cursor) -> KeyText:
    """Read the line of an index."""
    while body.peek().kind not in ("name", "string") and body.peek().text != "(":
        body.take()
    name = "" if body.peek().text == "(" else name_of(body.take())
    parts = body.group()
    rest = body.until(())
    parser = re.search(r"WITH PARSER `?(\w+)", rest)
    return KeyText(name=name, parts=parts, parser=parser[1] if parser else None)


def _foreign_key(body: Cursor, name: str) -> KeyText:
    rest = body.until(())
    deletes = re.search(r"ON DELETE (\w+(?: (?:NULL|ACTION|DEFAULT))?)", rest)
    updates = re.search(r"ON UPDATE (\w+(?: (?:NULL|ACTION|DEFAULT))?)", rest)
    return KeyText(
        name=name,
        on_delete=deletes[1] if deletes else None,
        on_update=updates[1] if updates else None,
    )


def parse_column(body: Cursor) -> ColumnText:
    """Return the column whose definition comes next."""
    name = name_of(body.take())
    said: dict[str, object] = {"name": name, "type": body.until(_STOPS)}
    while body.peek().kind != "end" and body.peek().text != ",":
        _attribute(body, said)
    return ColumnText(**said)  # type: ignore[arg-type]  # each by its own name


def _attribute(body: Cursor, said: dict[str, object]) -> None:
    """Read one thing that a definition says behind the type."""
    if body.takes("CHARACTER", "SET"):
        said["charset"] = name_of(body.take())
    elif body.takes("NOT", "NULL"):
        said["nullable"] = False
    elif body.takes("AUTO_INCREMENT"):
        said["counts"] = True
    elif body.takes("INVISIBLE"):
        said["is_invisible"] = True
    elif body.takes("ON", "UPDATE"):
        said["on_update"] = body.until(_STOPS)
    elif body.takes("DEFAULT"):
        said["default"] = _default(body)
    else:
        _expression(body, said)


def _default(body: Cursor) -> str | None:
    if body.takes("NULL"):
        return None
    return body.until(_STOPS)


def _expression(body: Cursor, said: dict[str, object]) -> None:
    """Read a collation, an expression or a comment; pass over what we do not know."""
    if body.takes("COLLATE"):
        said["collation"] = name_of(body.take())
    elif body.takes("CHECK"):
        said["check"] = body.group()
    elif body.takes("AS"):
        said["computed"] = body.group()
        said["is_stored"] = body.takes("STORED") or body.takes("PERSISTENT")
    elif body.takes("SRID"):
        said["srid"] = body.take().text
    elif body.takes("COMMENT"):
        said["comment"] = string_of(body.take().text)
    else:
        body.take()
    said.pop("comment", None)
