"""The text of SHOW CREATE TABLE, and in it what MariaDB tells otherwise than it is.

It puts the bytes of a binary default into the text as they are, which then need not be
text at all, and which a driver fails to read.  Of the default of a text it tells
characters beyond the first 65,536 as question marks.
"""

from __future__ import annotations

import re

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from whimbrel.catalog.mysql_tokens import literal, string_of
from whimbrel.schema.dialect import dialect_of


_AS_BYTES = "SET STATEMENT character_set_results = binary FOR "
_QUOTED = re.compile(
    r"""(`(?:[^`]|``)*`|"(?:[^"]|"")*")|'(?:[^'\\]|''|\\.)*'""", re.DOTALL
)
_MAY_BE_LOST = re.compile(
    r"""^\ \ (`(?:[^`]|``)+`|"(?:[^"]|"")+")\ (?:var)?char\(\d+\)[^'\n]*?\ DEFAULT\ """
    r"""('(?=[^\n]*\?)(?:[^'\\]|''|\\.)*')""",
    re.MULTILINE | re.VERBOSE,
)
_COPY = "whimbrel_defaults"


def show_create(connection: Connection, name: str) -> str:
    """Return the text of SHOW CREATE TABLE for a quoted name, all defaults exact."""
    is_mariadb = dialect_of(connection).is_mariadb
    statement = f"{_AS_BYTES if is_mariadb else ''}SHOW CREATE TABLE {name}"
    told = _sent(connection, statement)
    if not is_mariadb:
        return told
    text = _QUOTED.sub(_readable, told)
    unsure = list(_MAY_BE_LOST.finditer(text))
    if unsure:
        found = _defaults(connection, name, [match[1] for match in unsure])
        for match, value in reversed(list(zip(unsure, found, strict=False))):
            text = text[: match.start(2)] + literal(value) + text[match.end(2) :]
    return text


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
        return f"0x{value.hex().upper()}"
    return written


def _defaults(connection: Connection, name: str, columns: list[str]) -> list[str]:
    """Return the defaults of texts, by a row that has nothing else.

    Nothing is returned to a role that may not make such a row.
    """
    copied = ", ".join(columns)
    told = ", ".join(f"HEX(CONVERT({column} USING utf8mb4))" for column in columns)
    options = {"no_parameters": True}
    try:
        connection.exec_driver_sql(
            f"CREATE TEMPORARY TABLE {_COPY} SELECT {copied} FROM {name} LIMIT 0",
            execution_options=options,
        )
    except DBAPIError:
        return []
    try:
        connection.exec_driver_sql(f"INSERT INTO {_COPY} () VALUES ()")
        row = connection.exec_driver_sql(
            f"SELECT {told} FROM {_COPY}", execution_options=options
        ).one()
    finally:
        connection.exec_driver_sql(f"DROP TEMPORARY TABLE {_COPY}")
    return [bytes.fromhex(value).decode() for value in row]
