"""The text of SHOW CREATE TABLE, and in it what is told otherwise than it is.

The server puts the bytes of a binary default, and MySQL those of a string of another
character set, into the text as they are, which then need not be text at all, and which
a driver fails to read.  Characters beyond the first 65,536 it tells as question marks:
MySQL in expressions, if the text is not asked for in bytes, MariaDB in defaults of
texts, and both in values of ENUM and SET.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Connection

from whimbrel.catalog.mysql_members import defaults, exact_type
from whimbrel.catalog.mysql_packed import LOST
from whimbrel.catalog.mysql_tokens import literal, string_of
from whimbrel.schema.dialect import dialect_of


_AS_BYTES = "SET STATEMENT character_set_results = binary FOR "
_STRING = r"'(?:[^'\\]|''|\\.)*'"
_NAME = r"`(?:[^`]|``)+`|\"(?:[^\"]|\"\")*\""
_QUOTED = re.compile(f"({_NAME})|{_STRING}", re.DOTALL)
_VALUES = rf"(?:enum|set)\((?:{_STRING},?)+\)"
_OF_VALUES = re.compile(rf"^  ({_NAME}) ({_VALUES})", re.MULTILINE)
_LITERAL = re.compile(
    rf"^  ({_NAME}) (?:(?:var)?char\(\d+\)|{_VALUES})[^'\n]*? DEFAULT"
    rf" (?=[^\n]*\?)({_STRING})",
    re.MULTILINE,
)


def show_create(connection: Connection, name: str) -> str:
    """Return the text of SHOW CREATE TABLE for a quoted name, all of it exact."""
    text = _told(connection, f"SHOW CREATE TABLE {name}")
    if LOST not in text:
        return text
    for match in reversed([*_OF_VALUES.finditer(text)]):
        if LOST in match[2]:
            exact = exact_type(connection, name, match[1], match[2])
            text = text[: match.start(2)] + exact + text[match.end(2) :]
    unsure = [each for each in _LITERAL.finditer(text) if LOST in each[2]]
    if unsure and dialect_of(connection).is_mariadb:
        found = defaults(connection, name, [match[1] for match in unsure])
        for match, value in reversed([*zip(unsure, found, strict=False)]):
            text = text[: match.start(2)] + literal(value) + text[match.end(2) :]
    return text


def _told(connection: Connection, statement: str) -> str:
    """Return what a statement tells, in bytes where that tells more."""
    if dialect_of(connection).is_mariadb:
        told = _sent(connection, f"{_AS_BYTES}{statement}")
    else:
        told = _sent(connection, statement)
        if LOST not in told:
            return told
        with _in_bytes(connection):
            told = _sent(connection, statement)
    return _QUOTED.sub(_readable, told)


@contextmanager
def _in_bytes(connection: Connection) -> Iterator[None]:
    """Let the server answer in bytes as they are until the end of the block."""
    connection.exec_driver_sql(
        "SET @whimbrel_results = @@character_set_results,"
        " character_set_results = binary"
    )
    try:
        yield
    finally:
        connection.exec_driver_sql(
            "SET character_set_results = @whimbrel_results, @whimbrel_results = NULL"
        )


def _sent(connection: Connection, statement: str) -> str:
    """Return what SHOW CREATE TABLE tells; bytes that are no text are surrogates."""
    result = connection.exec_driver_sql(
        statement, execution_options={"no_parameters": True}
    )
    told = result.one()[1]
    if isinstance(told, bytes | bytearray):
        return told.decode(errors="surrogateescape")
    return str(told)


def _readable(match: re.Match[str]) -> str:
    """Return a string of the server's, in digits if its bytes are no text."""
    written = match[0]
    try:
        written.encode()
    except UnicodeEncodeError:
        value = string_of(written).encode(errors="surrogateescape")
        is_introduced = match.string[: match.start()][-1:].isalnum()
        return f"{' ' if is_introduced else ''}0x{value.hex().upper()}"
    return written
