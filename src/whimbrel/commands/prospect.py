"""What the live rows say to a script, told and asked about before it is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alembic.operations import ops
from sqlalchemy.engine import Connection

from whimbrel.checks.destructive import losses
from whimbrel.checks.outlook import Foreseen, Foresight, Outlook
from whimbrel.checks.preflight import preflight
from whimbrel.checks.rule import Finding, Severity
from whimbrel.commands.questions import YES, Ask, Question
from whimbrel.plan.step import accept
from whimbrel.report.findings import Presumed, describe_findings, reasons_of
from whimbrel.report.report import Line
from whimbrel.schema.state import State


@dataclass(frozen=True, kw_only=True)
class Prospect:
    """How the live rows are asked, once it is known what becomes a script.

    Args:
        state: the live database.
        connection: leads there.
        ask: asks the person at the terminal; None if there is none.
        are_losses_meant: it was said already that they are.
    """

    state: State
    connection: Connection
    ask: Ask | None
    are_losses_meant: bool

    def told(
        self, notes: Iterable[Line], operations: Sequence[ops.MigrateOperation]
    ) -> tuple[Line, ...]:
        """Return *notes* with what the rows say; where a loss is meant, it is noted."""
        findings = self._look_ahead(operations)
        told = self._accept_losses(operations, findings)
        return _with_findings(notes, findings, told)

    def _look_ahead(
        self, operations: Iterable[ops.MigrateOperation]
    ) -> tuple[Finding, ...]:
        """Return what *operations* will meet; a finding's line is its operation's."""
        pending = tuple(
            Foreseen(operation=each, line=number)
            for number, each in enumerate(operations, 1)
        )
        return preflight([Foresight(operations=pending)], self.state, self.connection)

    def _accept_losses(
        self,
        operations: Sequence[ops.MigrateOperation],
        findings: Iterable[Finding],
    ) -> tuple[Finding, ...]:
        """Note beside the operations which losses are accepted, if somebody says so.

        What a question told is returned: it stands on the screen.
        """
        lost = tuple(each for each in findings if each.severity is Severity.LOSES)
        are_meant, is_asked = self.are_losses_meant, False
        if lost and self.ask is not None and not are_meant:
            is_asked = True
            are_meant = self.ask(_question(lost)) == YES
        for each in lost if are_meant else ():
            accept(operations[each.line - 1], each.code)
        return lost if is_asked else ()


def without_taken_out(
    notes: Iterable[Line],
    state: State,
    planned: Iterable[ops.MigrateOperation],
    left: Iterable[ops.MigrateOperation],
) -> tuple[Line, ...]:
    """Return *notes* without the losses that a hook took out of the script.

    Args:
        notes: what was told without a look at the rows.
        state: the database as it is.
        planned: what the script was to do.
        left: what it does.
    """
    gone = _losses(planned, state) - _losses(left, state)
    return tuple(
        each
        for each in notes
        if not isinstance(each, Presumed) or (each.code, each.subject) not in gone
    )


def _losses(
    operations: Iterable[ops.MigrateOperation], state: State
) -> frozenset[tuple[str, str]]:
    """Return the codes of what *operations* lose, each with what it is about."""
    outlook, found = Outlook(state), set[tuple[str, str]]()
    for operation in operations:
        found.update((each.code, each.subject) for each in losses(operation, outlook))
        outlook.follow(operation)
    return frozenset(found)


def _question(losses: Sequence[Finding]) -> Question:
    return Question(
        text="Is that loss meant? Then the script says so, and no upgrade asks again.",
        reasons=tuple(reason for each in losses for reason in reasons_of(each)),
    )


def _with_findings(
    notes: Iterable[Line], findings: Sequence[Finding], told: Sequence[Finding]
) -> tuple[Line, ...]:
    """Return *notes* without those that a finding says better, and the findings.

    Args:
        notes: what was told without a look at the rows.
        findings: what the rows say.
        told: those that stand on the screen already.
    """
    found = {(each.code, each.subject) for each in findings}
    left = (
        each
        for each in notes
        if not isinstance(each, Presumed)
        or each.says_more
        or (each.code, each.subject) not in found
    )
    rest = (each for each in findings if each not in told)
    return (*left, *describe_findings(rest))
