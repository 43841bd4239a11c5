"""A finding, the register of rules that make them, and what silences a rule.

A rule is silenced where the danger stands: by a comment in the script, on the line
of the operation or on the line above it, ``# accepted: W102``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """What becomes of a run that meets what was found."""

    FAILS = "fails"
    """The operation is certain to fail on the rows that are there."""

    LOSES = "loses"
    """Stored values are lost."""

    BLOCKS = "blocks"
    """Others wait while the operation runs."""

    BREAKS = "breaks"
    """Something beside the tables works no more."""

    UNKNOWN = "unknown"
    """Nobody could tell in time."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a code stands for."""

    code: str
    severity: Severity
    title: str


def _rules(*rules: Rule) -> Mapping[str, Rule]:
    return {rule.code: rule for rule in rules}


RULES: Mapping[str, Rule] = _rules(
    Rule("W101", Severity.LOSES, "A table with rows is dropped."),
    Rule("W102", Severity.LOSES, "A column with values is dropped."),
    Rule("W103", Severity.LOSES, "Values are cut to a new length."),
    Rule("W104", Severity.LOSES, "Values become others under a new type."),
    Rule("W105", Severity.LOSES, "The history of rows ends."),
    Rule("W201", Severity.BLOCKS, "An index is built under a lock."),
    Rule("W202", Severity.BLOCKS, "A table is written anew."),
    Rule("W203", Severity.BLOCKS, "All rows are read under a lock."),
    Rule("W301", Severity.FAILS, "NULL stands where NOT NULL comes."),
    Rule("W302", Severity.FAILS, "Duplicates stand where a key comes."),
    Rule("W303", Severity.FAILS, "A new foreign key leads nowhere."),
    Rule("W304", Severity.FAILS, "Rows break a new check."),
    Rule("W305", Severity.FAILS, "Values are too long for a new type."),
    Rule("W306", Severity.FAILS, "Values do not fit a new type."),
    Rule("W307", Severity.FAILS, "Rows hold a value that an enum loses."),
    Rule("W308", Severity.FAILS, "Rows have no value for a new column."),
    Rule("W309", Severity.LOSES, "The server invents a value for rows."),
    Rule("W310", Severity.FAILS, "The server has no cast to a new type."),
    Rule("W401", Severity.UNKNOWN, "The rows did not answer in time."),
    Rule("W501", Severity.BREAKS, "A view or the like speaks of what goes."),
)
"""What can be found, by its code; the hundreds say which file of this room finds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that was found out about a pending operation.

    Args:
        code: the rule that found it.
        subject: the thing by its full name, ``users.email``.
        sentence: what was found.
        revision: the script that has the operation; empty if it is not written yet.
        line: the line of the script; 0 if that is not known.
        count: how many rows are concerned.
        is_more: there are more of them than were counted.
        keys: the first of them, each as text.
        query: what shows them all.
        remedy: what to do next.
    """

    code: str
    subject: str
    sentence: str
    revision: str = ""
    line: int = 0
    count: int = 0
    is_more: bool = False
    keys: tuple[str, ...] = ()
    query: str = ""
    remedy: str = ""

    @property
    def severity(self) -> Severity:
        """What becomes of a run that meets this."""
        return RULES[self.code].severity

    @property
    def is_certain_failure(self) -> bool:
        """Whether a run that meets this cannot end well."""
        return self.severity is Severity.FAILS


_ACCEPTED = re.compile(r"#\s*accepted:\s*(?P<codes>W\d{3}(?:[\s,]+W\d{3})*)")


def accepted_codes(source: str, line: int) -> frozenset[str]:
    """Return the codes that a script accepts at *line*, or on the line above it.

    Args:
        source: the text of the script.
        line: where the operation stands, from 1.
    """
    lines = source.splitlines()
    near = lines[max(line - 2, 0) : line]
    found: set[str] = set()
    for text in near:
        match = _ACCEPTED.search(text)
        if match is not None:
            found.update(re.findall(r"W\d{3}", match["codes"]))
    return frozenset(found)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return *findings*, those first that stop a run, then those that lose data."""
    order = list(Severity)
    return tuple(sorted(findings, key=lambda each: order.index(each.severity)))
