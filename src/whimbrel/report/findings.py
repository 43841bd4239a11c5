"""A finding as lines: what was found, the first rows, what to do, and the query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from whimbrel.checks.rule import Finding, Severity
from whimbrel.report.report import Line, Tone


_HEADS: Mapping[Severity, tuple[str, Tone]] = {
    Severity.FAILS: ("rows", Tone.BAD),
    Severity.LOSES: ("loss", Tone.WARN),
    Severity.BLOCKS: ("lock", Tone.DIM),
    Severity.BREAKS: ("breaks", Tone.WARN),
    Severity.UNKNOWN: ("unknown", Tone.WARN),
}
INDENT = " " * 16


@dataclass(frozen=True, slots=True)
class Presumed(Line):
    """A line about rows that nobody counted; a finding of that code says it better.

    Args:
        code: the rule that counts them.
        subject: the thing that it is about, by its full name.
        says_more: it tells something that the finding does not.
    """

    code: str = ""
    subject: str = ""
    says_more: bool = False


def describe_findings(findings: Iterable[Finding]) -> tuple[Line, ...]:
    """Return *findings* as lines, each with its code and what to do about it."""
    return tuple(line for each in findings for line in _lines(each))


def reasons_of(finding: Finding) -> tuple[str, ...]:
    """Return what was found, what to do about it and what shows it all: a line each."""
    query = f"All of them: {finding.query}" if finding.query else ""
    told = (_sentence(finding), finding.remedy, query)
    return tuple(each for each in told if each)


def as_data(finding: Finding) -> dict[str, object]:
    """Return *finding* as what a program reads of it."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "object": finding.subject,
        "sentence": finding.sentence,
        "revision": finding.revision,
        "line": finding.line,
        "count": finding.count,
        "more": finding.is_more,
        "keys": list(finding.keys),
        "query": finding.query,
        "remedy": finding.remedy,
    }


def _lines(finding: Finding) -> Iterable[Line]:
    head, tone = _HEADS[finding.severity]
    yield Line(f"{head:<8} {finding.code:<6} {_sentence(finding)}", tone)
    if finding.severity is Severity.BLOCKS:
        return
    if finding.remedy:
        yield Line(f"{INDENT}{finding.remedy}")
    if finding.query:
        yield Line(f"{INDENT}All of them: {finding.query}", Tone.DIM)


def _sentence(finding: Finding) -> str:
    first = f" The first: {'; '.join(finding.keys)}." if finding.keys else ""
    return f"{finding.sentence}{first}"
