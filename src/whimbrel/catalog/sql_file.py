"""The SQL of a file, run in a scratch database to see what schema it makes.

Dumps are taken as they are: rows, owners, rights and what only the terminal client
of a database understands are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from whimbrel.errors import ConfigError, ended


_PIECE = re.compile(
    r"""
      (?P<comment> --[^\n]* | (?<=\n)\#[^\n]* | /\*(?!!|M!).*?\*/ )
    | (?P<quoted> '(?:[^'\\]|''|\\.)*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` )
    | (?P<dollar> \$(?P<tag>\w*)\$ .*? \$(?P=tag)\$ )
    | (?P<end> ; )
    | (?P<block> \b(?:BEGIN|CASE)\b | \bEND\b )
    | (?P<other> \w+ | . )
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_COPY = re.compile(r"^COPY\s[^;]*?FROM\s+stdin[^;]*;\n.*?^\\\.$", re.M | re.S | re.I)
_CLIENT = re.compile(r"^(?:\\.*|SOURCE\s.*)$", re.M | re.I)
_DELIMITER = re.compile(r"^DELIMITER[ \t]+(\S+)[ \t]*$", re.M | re.I)
_ROUTINE = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:DEFINER\s*=\s*\S+\s+)?"
    r"(?:TEMP(?:ORARY)?\s+)?(?:TRIGGER|FUNCTION|PROCEDURE|EVENT)\b",
    re.IGNORECASE,
)
_EXTENSION = re.compile(r"\A\s*CREATE\s+EXTENSION\b(?!\s+IF\b)", re.I)
"""A scratch database has the extensions of the one that it is like."""
_PASSED_OVER = re.compile(
    r"\s*(?:INSERT|REPLACE|GRANT|REVOKE|USE|LOCK\s+TABLES|UNLOCK|BEGIN|COMMIT"
    r"|START\s+TRANSACTION|CREATE\s+DATABASE|DROP\s+DATABASE"
    r"|COMMENT\s+ON\s+(?:EXTENSION|SCHEMA)|CREATE\s+SCHEMA\s+public\b"
    r"|ALTER\s+DEFAULT\s+PRIVILEGES|ALTER\s+[^;]*\sOWNER\s+TO\s)",
    re.IGNORECASE,
)


def load_sql(connection: Connection, path: Path) -> None:
    """Run the statements of the file *path* that make a schema.

    Raises:
        ConfigError: the file cannot be read, or the database refuses a statement.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as cause:
        raise ConfigError(
            ended(f"{path} cannot be read: {cause}"), "Name a file of SQL in UTF-8."
        ) from cause
    plainly = {"no_parameters": True}  # a connection's own options would stay on
    for statement in statements(text):
        if _PASSED_OVER.match(statement):
            continue
        try:
            kept = _EXTENSION.sub(r"\g<0> IF NOT EXISTS", statement)
            connection.exec_driver_sql(kept, execution_options=plainly)
        except DBAPIError as cause:
            first = " ".join(statement.split())[:100]
            raise ConfigError(
                f"{path}: the database refuses `{first}`: {cause.orig}",
                "Mend the file, or leave that statement out.",
            ) from cause
    connection.commit()


def statements(text: str) -> Iterator[str]:
    """Yield the statements of a file of SQL, without what ends them."""
    text = _CLIENT.sub("", _COPY.sub("", text.replace("\r\n", "\n")))
    first, *rest = _DELIMITER.split(text)
    yield from _split(first)
    for delimiter, part in zip(rest[::2], rest[1::2], strict=True):
        if delimiter == ";":
            yield from _split(part)
        else:
            for each in part.split(delimiter):
                yield from _worth(each)


def _split(text: str) -> Iterator[str]:
    said: list[str] = []
    depth = 0
    for piece in _PIECE.finditer(text):
        word = piece[0]
        if piece["comment"]:
            said.append(" ")
        elif piece["block"] and _ROUTINE.match("".join(said)):
            depth += -1 if word.upper() == "END" else 1
            said.append(word)
        elif piece["end"] and depth <= 0:
            yield from _worth("".join(said))
            said, depth = [], 0
        else:
            said.append(word)
    yield from _worth("".join(said))


def _worth(statement: str) -> Iterator[str]:
    if statement.strip():
        yield statement.strip()
