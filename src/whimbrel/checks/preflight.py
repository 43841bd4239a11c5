"""Pending operations in, findings out: each question is put to the live rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.engine import Connection

from whimbrel.catalog.answers import PATIENCE, Answer, ask_rows
from whimbrel.checks.alterations import alterations
from whimbrel.checks.blocking import blocked
from whimbrel.checks.broken import Bystanders
from whimbrel.checks.casts import cast_questions, castless
from whimbrel.checks.destructive import losses
from whimbrel.checks.outlook import Foreseen, Foresight, Outlook
from whimbrel.checks.rows import Question, questions
from whimbrel.checks.rule import RULES, Finding, accepted_codes, in_order
from whimbrel.errors import ended
from whimbrel.schema.dialect import Dialect, dialect_of
from whimbrel.schema.state import State


def preflight(
    foresights: Iterable[Foresight],
    state: State,
    connection: Connection,
    patience: float = PATIENCE,
) -> tuple[Finding, ...]:
    """Return what pending operations will meet, the worst first.

    Args:
        foresights: the pending scripts in their order, or the steps of a plan.
        state: the live database.
        connection: leads there; the transaction that it is in goes on as it was.
        patience: how many seconds each question may take.
    """
    schema = connection.dialect.default_schema_name
    dialect = dialect_of(connection)
    outlook = Outlook(state, schema)
    foresights = tuple(foresights)
    beside = Bystanders(foresights, connection)
    found: list[Finding] = []
    for foresight in foresights:
        for each in _spelled_out(foresight.operations, outlook, dialect):
            found += _found(each, foresight, outlook, connection, patience)
            broken = beside.broken_by(each.operation, outlook)
            found += _placed(broken, each, foresight)
            outlook.follow(each.operation)
        if foresight.blind_because:
            outlook.lose_sight()
    return in_order(found)


def told_broken(
    operations: Iterable[ops.MigrateOperation], state: State, connection: Connection
) -> tuple[str, ...]:
    """Return a sentence for each thing beside the tables that would work no more.

    Args:
        operations: what is to be done, one thing each.
        state: the live database.
        connection: leads there.
    """
    pending = [Foreseen(operation=each) for each in operations]
    beside = Bystanders([Foresight(operations=tuple(pending))], connection)
    outlook = Outlook(state, connection.dialect.default_schema_name)
    found: list[str] = []
    for each in _spelled_out(pending, outlook, dialect_of(connection)):
        broken = beside.broken_by(each.operation, outlook)
        found += [f"{finding.code}: {finding.sentence}" for finding in broken]
        outlook.follow(each.operation)
    return tuple(found)


def _found(
    each: Foreseen,
    foresight: Foresight,
    outlook: Outlook,
    connection: Connection,
    patience: float,
) -> Iterator[Finding]:
    accepted = accepted_codes(foresight.source, each.line) if each.line else frozenset()
    dialect = dialect_of(connection)
    asked = (
        *questions(each.operation, outlook, dialect),
        *cast_questions(each.operation, outlook, dialect),
        *losses(each.operation, outlook),
    )
    for question in asked:
        if question.code not in accepted:
            finding = _answered(question, connection, patience)
            if finding is not None:
                yield from _placed((finding,), each, foresight)
    certain = castless(each.operation, outlook, dialect)
    waiting = blocked(each.operation, outlook, connection)
    yield from _placed((*certain, *waiting), each, foresight)


def _placed(
    findings: Iterable[Finding], each: Foreseen, foresight: Foresight
) -> Iterator[Finding]:
    """Yield *findings* about an operation, with its place, unless it accepts them."""
    accepted = accepted_codes(foresight.source, each.line) if each.line else frozenset()
    for finding in findings:
        if finding.code not in accepted:
            yield replace(finding, revision=foresight.revision, line=each.line)


def _spelled_out(
    operations: Iterable[Foreseen], outlook: Outlook, dialect: Dialect
) -> Iterator[Foreseen]:
    """Yield *operations*, each followed by what it brings along.

    A statement that is understood is told by the operations that it stands for.
    """
    for each in operations:
        if isinstance(each.operation, ops.ExecuteSQLOp):
            sql = str(each.operation.sqltext)
            if said := alterations(sql, outlook, dialect):
                yield from (replace(each, operation=more) for more in said)
                continue
        yield each
        if isinstance(each.operation, ops.AddColumnOp):
            for more in _brought_along(each.operation):
                yield replace(each, operation=more)


def _brought_along(operation: ops.AddColumnOp) -> Iterator[ops.MigrateOperation]:
    """Yield the keys that a new column has by its own words, as Alembic adds them."""
    column = operation.column._copy()
    table = sa.Table(
        operation.table_name, sa.MetaData(), column, schema=operation.schema
    )
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            yield ops.CreateUniqueConstraintOp.from_constraint(constraint)
        elif isinstance(constraint, sa.ForeignKeyConstraint):
            yield ops.CreateForeignKeyOp.from_constraint(constraint)
    for index in table.indexes:
        yield ops.CreateIndexOp.from_index(index)


def _answered(
    question: Question, connection: Connection, patience: float
) -> Finding | None:
    """Return what the rows say to a question; None if nothing stands in the way."""
    attempted = Answer()
    if question.attempt is not None:
        attempted = ask_rows(connection, question.attempt, patience)
        if not (attempted.is_late or attempted.is_data_at_fault):
            return None
    answer = attempted
    if not attempted.is_late:
        answer = ask_rows(connection, question.rows, patience, before=question.before)
    if answer.is_data_at_fault and question.spare is not None:
        return _answered(question.spare, connection, patience)
    sentence = _told(question, answer, attempted)
    if sentence:
        return _finding(question, answer, sentence, connection)
    return _unanswered(question, patience, connection) if answer.is_late else None


def _told(question: Question, answer: Answer, attempted: Answer) -> str:
    """Return what is said of the rows; nothing if nothing was found."""
    if answer.count:
        is_one = answer.count == 1
        sentence = question.found.format(
            rows=_many(answer, "row"),
            values=_many(answer, "value"),
            s="s" if is_one else "",
            have="has" if is_one else "have",
            are="is" if is_one else "are",
        )
        return f"{sentence}."
    words = (each.refused for each in (answer, attempted) if each.is_data_at_fault)
    refused = next(words, "")
    if refused and question.refusal:
        return ended(question.refusal.format(words=refused))
    return ""


def _unanswered(question: Question, patience: float, connection: Connection) -> Finding:
    title = RULES[question.code].title
    return Finding(
        code="W401",
        subject=question.subject,
        sentence=f"{question.subject} has too many rows to be asked in {patience:g}"
        f" seconds about {question.code}: {title}",
        query=_spelled(question, connection),
        remedy="Ask yourself, with more time; the run goes on.",
    )


def _finding(
    question: Question, answer: Answer, sentence: str, connection: Connection
) -> Finding:
    return Finding(
        code=question.code,
        subject=question.subject,
        sentence=sentence,
        count=answer.count,
        is_more=answer.is_more,
        keys=tuple(_key(question.keys, row) for row in answer.keys),
        query=_spelled(question, connection),
        remedy=question.remedy,
    )


def _many(answer: Answer, noun: str) -> str:
    if answer.is_more:
        return f"More than {answer.count:,} {noun}s"
    return (
        f"{answer.count:,} {noun}" if answer.count == 1 else f"{answer.count:,} {noun}s"
    )


def _key(names: tuple[str, ...], row: tuple[Any, ...]) -> str:
    pairs = zip(names, row, strict=False)
    return ", ".join(f"{name} {_shown(value)}" for name, value in pairs)


def _shown(value: Any) -> str:
    """Return a value as SQL would write it, or nearly so."""
    if value is None:
        return "NULL"
    return repr(value) if isinstance(value, str | bytes) else str(value)


def _spelled(question: Question, connection: Connection) -> str:
    """Return the query that shows all the rows, as one line of SQL."""
    compiled = question.rows.compile(
        dialect=connection.dialect, compile_kwargs={"literal_binds": True}
    )
    query = " ".join(str(compiled).replace("%%", "%").split())
    return ";\n".join((*question.before, query))
