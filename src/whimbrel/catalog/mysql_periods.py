"""Periods of an application's own on MariaDB: SHOW CREATE TABLE alone tells them.

information_schema has the check that comes with one, and the two columns of one in the
place of it in a key: https://mariadb.com/kb/en/application-time-periods/
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from whimbrel.schema.state import Check, Index, Option, PrimaryKey


_NAME = r"`(?:[^`]|``)+`"
_LIKE_ITS_CHECK = re.compile(rf"{_NAME} < {_NAME}")
_PERIOD = re.compile(rf"^  PERIOD FOR ({_NAME}) \((({_NAME}), ({_NAME}))\)", re.M)
_KEY = re.compile(
    rf"^  (?:PRIMARY KEY|UNIQUE KEY ({_NAME})) \(.*? WITHOUT OVERLAPS\)", re.M
)
WITHOUT_OVERLAPS = "without_overlaps"
"""The option of a key that keeps the times of its values apart."""


def may_have_period(clauses: Iterable[str]) -> bool:
    """Whether one of the checks of a table may be that of a period."""
    return any(_LIKE_ITS_CHECK.fullmatch(each) for each in clauses)


@dataclass(frozen=True, slots=True)
class Period:
    """A period of a table, and the keys that it stands in.

    Args:
        name: what it is called.
        text: what there is to compare.
        keys: the names of the keys; None is the primary key.
    """

    name: str
    text: str
    keys: frozenset[str | None]

    @staticmethod
    def of(sql: str) -> Period | None:
        """Return the period that a text of SHOW CREATE TABLE tells, if it has one."""
        found = _PERIOD.search(sql)
        if found is None:
            return None
        name, columns = found[1], found[2]
        keys = {_bare(each[1]) if each[1] else None for each in _KEY.finditer(sql)}
        told = [f"{name} ({columns})", *sorted(filter(None, keys))]
        return Period(_bare(name), ", ".join(told), frozenset(keys))

    def is_check(self, check: Check) -> bool:
        """Whether *check* is nothing but the period."""
        return check.name == self.name

    def key(self, key: PrimaryKey) -> PrimaryKey:
        """Return a primary key as it was said: the period is no two columns."""
        if None not in self.keys:
            return key
        said = key.options | {Option(WITHOUT_OVERLAPS, self.name)}
        return replace(key, columns=key.columns[:-2], options=said)

    def has(self, index: Index) -> bool:
        """Whether *index* keeps the times of its values apart, and not the values.

        Models have no such key, so that it is told with the period.
        """
        return index.name in self.keys


def _bare(quoted: str) -> str:
    return quoted[1:-1].replace("``", "`")
