"""What the live rows say to a plan, told and asked about before it is a script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from alembic.operations import ops
from sqlalchemy.engine import Connection

from whimbrel.checks.outlook import Foreseen, Foresight
from whimbrel.checks.preflight import preflight
from whimbrel.checks.rule import Finding, Severity
from whimbrel.commands.questions import YES, Ask, Question
from whimbrel.plan.step import Plan, accept
from whimbrel.report.findings import Presumed, describe_findings, reasons_of
from whimbrel.report.report import Line
from whimbrel.schema.state import State


def look_ahead(plan: Plan, state: State, connection: Connection) -> tuple[Finding, ...]:
    """Return what the upgrade of *plan* will meet; a finding's line is its operation's.

    Args:
        plan: what is about to become a script.
        state: the live database.
        connection: leads there.
    """
    pending = tuple(
        Foreseen(operation=each, line=number)
        for number, each in enumerate(_operations(plan), 1)
    )
    return preflight([Foresight(operations=pending)], state, connection)


def accept_losses(
    plan: Plan, findings: Iterable[Finding], ask: Ask | None, *, are_meant: bool
) -> tuple[Finding, ...]:
    """Note beside the operations which losses are accepted, if somebody says so.

    What a question told is returned: it stands on the screen.

    Args:
        plan: what is about to become a script.
        findings: what :func:`look_ahead` found.
        ask: asks the person at the terminal; None if there is none.
        are_meant: it was said already.
    """
    losses = tuple(each for each in findings if each.severity is Severity.LOSES)
    is_asked = bool(losses) and ask is not None and not are_meant
    if is_asked and ask is not None:
        are_meant = ask(_question(losses)) == YES
    if losses and are_meant:
        operations = tuple(_operations(plan))
        for each in losses:
            accept(operations[each.line - 1], each.code)
    return losses if is_asked else ()


def _question(losses: Sequence[Finding]) -> Question:
    return Question(
        text="Is that loss meant? Then the script says so, and no upgrade asks again.",
        reasons=tuple(reason for each in losses for reason in reasons_of(each)),
    )


def with_findings(
    notes: Iterable[Line], findings: Sequence[Finding], told: Sequence[Finding] = ()
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
        if not isinstance(each, Presumed) or (each.code, each.subject) not in found
    )
    rest = (each for each in findings if each not in told)
    return (*left, *describe_findings(rest))


def _operations(plan: Plan) -> Iterator[ops.MigrateOperation]:
    for step in plan.upgrade:
        yield from _single(step.operation)


def _single(operation: ops.MigrateOperation) -> Iterator[ops.MigrateOperation]:
    if isinstance(operation, ops.OpContainer):
        for each in operation.ops:
            yield from _single(each)
    else:
        yield operation
