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
from whimbrel.report.findings import Presumed, describe_findings
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
) -> None:
    """Note beside the operations which losses are accepted, if somebody says so.

    Args:
        plan: what is about to become a script.
        findings: what :func:`look_ahead` found.
        ask: asks the person at the terminal; None if there is none.
        are_meant: it was said already.
    """
    losses = [each for each in findings if each.severity is Severity.LOSES]
    if not losses or not (are_meant or _is_meant(losses, ask)):
        return
    operations = tuple(_operations(plan))
    for each in losses:
        accept(operations[each.line - 1], each.code)


def _is_meant(losses: Sequence[Finding], ask: Ask | None) -> bool:
    question = Question(
        text="Is that loss meant? Then the script says so, and no upgrade asks again.",
        reasons=tuple(each.sentence for each in losses),
    )
    return ask is not None and ask(question) == YES


def with_findings(
    notes: Iterable[Line], findings: Sequence[Finding]
) -> tuple[Line, ...]:
    """Return *notes* without those that a finding says better, and the findings."""
    found = {(each.code, each.subject) for each in findings}
    left = (
        each
        for each in notes
        if not isinstance(each, Presumed) or (each.code, each.subject) not in found
    )
    return (*left, *describe_findings(findings))


def _operations(plan: Plan) -> Iterator[ops.MigrateOperation]:
    for step in plan.upgrade:
        yield from _single(step.operation)


def _single(operation: ops.MigrateOperation) -> Iterator[ops.MigrateOperation]:
    if isinstance(operation, ops.OpContainer):
        for each in operation.ops:
            yield from _single(each)
    else:
        yield operation
