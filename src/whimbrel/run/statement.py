"""What a statement does, read, write rows or change a schema, and to which tables."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property


_COMMENT = re.compile(r"\s*(?:--[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|/\*(?!!).*?\*/)", re.S)
_FIRST = re.compile(r"\s*(?:/\*!\d*)?\s*\(*\s*([A-Za-z]+)")
_NAME = r'(?:`(?:[^`]|``)+`|"(?:[^"]|"")+"|[\w$]+)'
_FULL_NAME = rf"{_NAME}(?:\s*\.\s*{_NAME})?"
_TEMPORARY = re.compile(
    r"\s*(?:CREATE|DROP)\s+(?:OR\s+REPLACE\s+)?TEMP(?:ORARY)?\b", re.I
)
_CHANGES_IN_WITH = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE)\b", re.I)
_TABLES = re.compile(
    rf"""\s*(?:
    (?:CREATE|DROP|ALTER|TRUNCATE|RENAME)\s+(?:OR\s+REPLACE\s+)?
      (?:ONLINE\s+|OFFLINE\s+|IGNORE\s+)*TABLES?\s+
      (?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?P<table>{_FULL_NAME})
      (?:\s+(?:TO|RENAME(?:\s+TO|\s+AS)?)\s+(?!COLUMN\b|INDEX\b|KEY\b)(?P<new>{_FULL_NAME}))?
    |(?:CREATE|DROP)\s+(?:OR\s+REPLACE\s+)?(?:ONLINE\s+|OFFLINE\s+|UNIQUE\s+|FULLTEXT\s+
      |SPATIAL\s+)*INDEX\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?{_FULL_NAME}
      (?:\s+USING\s+\w+)?\s+ON\s+(?P<indexed>{_FULL_NAME})
    )""",
    re.I | re.X,
)
_TARGET = re.compile(
    rf"\s*(?:INSERT|REPLACE|UPDATE|DELETE)\s+(?:LOW_PRIORITY\s+|IGNORE\s+|INTO\s+|FROM\s+"
    rf"|ONLY\s+)*(?P<table>{_FULL_NAME})",
    re.I,
)
_MADE = re.compile(
    rf"\s*CREATE\s+(?:OR\s+REPLACE\s+)?TEMP(?:ORARY)?\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    rf"(?P<table>{_FULL_NAME})",
    re.I,
)
_CONCURRENT = re.compile(
    rf"\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    rf"(?P<index>{_NAME})\s+ON\s+(?:ONLY\s+)?(?P<table>{_FULL_NAME})",
    re.I,
)

_READING = re.compile(
    r"SELECT|SHOW|EXPLAIN|DESC(RIBE)?|VALUES|TABLE|SET|RESET|PRAGMA|USE|DO|HELP"
    r"|SAVEPOINT|RELEASE|ROLLBACK|COMMIT|BEGIN|START|END|ABORT|LOCK|UNLOCK|ATTACH|DETACH"
    r"|DECLARE|FETCH|CLOSE|LISTEN|NOTIFY|FLUSH|KILL|DISCARD|PREPARE|EXECUTE"
    r"|DEALLOCATE|VACUUM|CHECKPOINT|"
)
"""What leaves nothing behind, or what a session needs each time."""

_ROWS = re.compile("INSERT|UPDATE|DELETE|REPLACE|MERGE|WITH|LOAD|CALL|COPY")


@dataclass(frozen=True)
class Statement:
    """One statement as a script sends it.

    Args:
        text: its SQL.
    """

    text: str

    @cached_property
    def verb(self) -> str:
        """Its first word."""
        match = _FIRST.match(self._bare)
        return match[1].upper() if match else ""

    @cached_property
    def _bare(self) -> str:
        """The text without the comments before it."""
        text = self.text
        while match := _COMMENT.match(text):
            text = text[match.end() :]
        return text

    @property
    def is_read(self) -> bool:
        """Whether it must be sent again by whoever repeats the script."""
        if self.verb == "WITH":
            return _CHANGES_IN_WITH.search(self.text) is None
        is_temporary = _TEMPORARY.match(self._bare) is not None
        return is_temporary or _READING.fullmatch(self.verb) is not None

    @property
    def writes_rows(self) -> bool:
        """Whether it changes rows, and no schema."""
        return _ROWS.fullmatch(self.verb) is not None

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables whose schema it changes; none if it does not begin with them."""
        match = _TABLES.match(self._bare)
        if match is None:
            return ()
        return tuple(_plain(each) for each in match.groups() if each)

    @property
    def target(self) -> str:
        """The table whose rows it changes; empty if that cannot be seen."""
        match = _TARGET.match(self._bare)
        return _plain(match["table"]) if match else ""

    @property
    def temporary_table(self) -> str:
        """The table that it makes for the session alone; empty if it makes none."""
        match = _MADE.match(self._bare)
        return _plain(match["table"]) if match else ""

    @property
    def concurrent_index(self) -> str:
        """The index that it builds beside its table's traffic; empty if none.

        It carries the schema of the table, if that is said.
        """
        match = _CONCURRENT.match(self._bare)
        if match is None:
            return ""
        *schema, _ = re.findall(_NAME, match["table"])
        return ".".join([*schema, match["index"]])

    @property
    def is_concurrent(self) -> bool:
        """Whether it works beside the traffic, and nobody queues behind it."""
        return "CONCURRENTLY" in self.text[:200].upper()

    @cached_property
    def hash(self) -> str:
        """What tells it from every other one."""
        return hashlib.sha256(self.text.strip().encode()).hexdigest()


def _plain(name: str) -> str:
    """Return *name* with MySQL's quotes around each part."""
    parts = re.findall(_NAME, name)
    bare = [p[1:-1].replace(p[0] * 2, p[0]) if p[0] in '`"' else p for p in parts]
    return ".".join(f"`{each.replace('`', '``')}`" for each in bare)
