"""What a run will do, shown and asked about before anything is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy.engine import Connection

from whimbrel.catalog.read import is_readable, read_state
from whimbrel.catalog.rows import has_tables
from whimbrel.checks.outlook import Foresight
from whimbrel.checks.preflight import preflight
from whimbrel.checks.rule import Finding, Severity
from whimbrel.commands.questions import YES, Ask, Question
from whimbrel.config import setting
from whimbrel.errors import LossRefused, RowsForbid, UsageError
from whimbrel.report.findings import as_data, describe_findings
from whimbrel.report.operations import describe_operation
from whimbrel.report.report import Line, Tone
from whimbrel.run.execute import told_step
from whimbrel.run.foresee import foresee
from whimbrel.run.host import ended_at_once
from whimbrel.schema.dialect import dialect_of
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import State, TableName


POLICIES = ("ask", "allow", "refuse")
SHOWN = 20
"""So many scripts are shown with their operations; of more only what was found."""


@dataclass(frozen=True, kw_only=True)
class Precautions:
    """What a user wants of a run before it begins.

    Args:
        is_only_shown: show what would be done, and do nothing.
        is_shown: tell the target and what is pending.
        is_asked: ask the rows whether they allow what is pending.
        loss: what to do where values would be lost: ``ask`` (where somebody can
            answer; otherwise say so and run), ``allow``, ``refuse``; nothing said
            is what the setting says.
        is_json: tell it all as JSON.
        is_atomic: all scripts of the run stand in one transaction.
    """

    is_only_shown: bool = False
    is_shown: bool = True
    is_asked: bool = True
    is_json: bool = False
    is_atomic: bool = False
    loss: str = ""


def precautions_of(words: dict[str, Any]) -> Precautions:
    """Take the precautions out of the options of a command.

    Raises:
        UsageError: they contradict each other.
    """
    allows, refuses = (words.pop(f"{how}_loss", False) for how in ("allow", "refuse"))
    if allows and refuses:
        raise UsageError("--allow-loss and --refuse-loss contradict each other.")
    return Precautions(
        is_only_shown=words.pop("plan", False),
        is_asked=not words.pop("no_preflight", False),
        is_json=words.pop("json", False),
        is_atomic=words.pop("atomic", False),
        loss="allow" if allows else "refuse" if refuses else "",
    )


def _policy(config: Config, wanted: Precautions) -> str:
    """Return what is to be done where values would be lost.

    Raises:
        UsageError: the setting is unknown.
    """
    said = wanted.loss or config.attributes.get("loss") or setting(config, "loss")
    said = str(said or "ask")
    if said not in POLICIES:
        raise UsageError(
            f"The setting loss = {said!r} is unknown.",
            f"It is one of {', '.join(POLICIES)}.",
        )
    return said


class Lookout:
    """Looks ahead of a run: shows what is pending, and what the rows say to it.

    Args:
        config: the project's configuration.
        wanted: what the user wants of it.
        tell: hears each line at once.
    """

    def __init__(
        self, config: Config, wanted: Precautions, tell: Callable[[Line], None]
    ) -> None:
        self.config = config
        self.wanted = wanted
        self.loss = _policy(config, wanted)
        self.tell = tell
        self.findings: tuple[Finding, ...] = ()
        self.data: dict[str, object] = {}

    def __call__(
        self, steps: list[RevisionStep], context: MigrationContext
    ) -> list[RevisionStep]:
        """Return the steps that are to be run.

        Raises:
            RowsForbid: an operation is certain to fail.
            LossRefused: values would be lost, and that is not wanted.
        """
        connection = context.connection
        is_heeded = self.wanted.is_shown or self.wanted.is_asked
        if context.as_sql or connection is None or not steps or not is_heeded:
            return steps
        are_told = len(steps) <= SHOWN or self.wanted.is_only_shown
        is_asked = self.wanted.is_asked and _may_have_rows(context, connection)
        foresights: tuple[Foresight, ...] = ()
        if are_told or is_asked:
            foresights = foresee(steps, context, getattr(context, "arguments", {}))
        found = self._found(foresights, connection) if is_asked else ()
        self.findings = found if steps[0].is_upgrade else _on_the_way_back(found)
        self._show(steps, foresights if are_told else (), connection)
        self._refuse()
        return [] if self.wanted.is_only_shown else steps

    def _found(
        self, foresights: Sequence[Foresight], connection: Connection
    ) -> tuple[Finding, ...]:
        state = self._state(foresights, connection)
        return preflight(foresights, state, connection) if state.tables else ()

    def _state(self, foresights: Sequence[Foresight], connection: Connection) -> State:
        """Return the live tables that the pending operations speak of."""
        default = connection.dialect.default_schema_name
        spoken = {
            TableName(str(name), None if schema == default else schema)
            for foresight in foresights
            for each in foresight.operations
            for name, schema in _tables(each.operation)
        }
        schemas = {name.schema for name in spoken} or {None}
        ordered = tuple(sorted(schemas, key=lambda schema: schema or ""))
        return read_state(
            connection, Scope(schemas=ordered, accepts=spoken.__contains__)
        )

    def _show(
        self,
        steps: Sequence[RevisionStep],
        foresights: Sequence[Foresight],
        connection: Connection,
    ) -> None:
        self.data = {
            "target": _target(connection),
            "pending": [str(each.revision.revision) for each in steps],
            "plan": [_told(each, connection) for each in foresights],
            "findings": [as_data(each) for each in self.findings],
        }
        self.tell(Line(_target(connection), Tone.DIM))
        for step, foresight in zip(steps, foresights, strict=False):
            self._show_script(step, foresight, connection)
        if not foresights:
            self.tell(Line(f"{len(steps)} scripts are pending."))
        for line in describe_findings(self.findings):
            self.tell(line)

    def _show_script(
        self, step: RevisionStep, foresight: Foresight, connection: Connection
    ) -> None:
        kind = "upgrade" if step.is_upgrade else "downgrade"
        self.tell(Line(f"pending: {told_step(step, kind)}"))
        marks = {
            (each.revision, each.line): each.severity.value
            for each in reversed(self.findings)
        }
        for each in foresight.operations:
            mark = marks.get((foresight.revision, each.line), "")
            told = describe_operation(each.operation, connection.dialect)
            text = f"  {told}  [{mark}]" if mark else f"  {told}"
            self.tell(Line(text, Tone.WARN if mark else Tone.PLAIN))
        if foresight.blind_because:
            self.tell(
                Line(
                    f"  the rest cannot be foreseen: {foresight.blind_because}",
                    Tone.DIM,
                )
            )

    def _refuse(self) -> None:
        if self.wanted.is_only_shown:
            return
        failures = [each for each in self.findings if each.is_certain_failure]
        if failures and self.wanted.is_asked:
            raise RowsForbid(
                f"{_things(len(failures))} would fail on the rows that are there;"
                " nothing was changed.",
                "Mend the rows or the script, or go on with --no-preflight.",
                findings=tuple(failures),
            )
        losses = [each for each in self.findings if each.severity is Severity.LOSES]
        if losses and not self._is_accepted():
            raise LossRefused(
                f"{_things(len(losses))} would lose values; nothing was changed.",
                "If that is wanted: --allow-loss, or a comment in the script beside the"
                f" operation, `# accepted: {losses[0].code}`.",
                findings=tuple(losses),
            )

    def _is_accepted(self) -> bool:
        ask: Ask | None = self.config.attributes.get("ask")
        match self.loss:
            case "allow":
                return True
            case "refuse":
                return False
            case _:
                return ask is None or _is_wanted(ask)


def _told(foresight: Foresight, connection: Connection) -> dict[str, object]:
    """Return what a script will do, as a program reads it."""
    return {
        "revision": foresight.revision,
        "operations": [
            {
                "line": each.line,
                "told": describe_operation(each.operation, connection.dialect),
            }
            for each in foresight.operations
        ],
        "unforeseen": foresight.blind_because,
    }


def _is_wanted(ask: Ask) -> bool:
    with ended_at_once():
        return ask(Question(text="Values will be lost. Go on?")) == YES


def _may_have_rows(context: MigrationContext, connection: Connection) -> bool:
    """Whether there are tables to ask, and we know how to ask them."""
    if not is_readable(dialect_of(connection)):
        return False
    table = TableName(context.version_table, context.version_table_schema)
    return has_tables(connection, Scope(version_table=table))


def _on_the_way_back(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return *findings* of a downgrade, which was not written for the rows of today."""
    copied = "Copy the values first, if they are wanted."
    return tuple(
        replace(each, remedy=copied) if each.severity is Severity.LOSES else each
        for each in findings
    )


def _things(count: int) -> str:
    return "1 operation" if count == 1 else f"{count} operations"


def _tables(operation: Any) -> list[tuple[str, str | None]]:
    """Return the tables that an operation speaks of, each with its schema."""
    schema = getattr(operation, "schema", None)
    keywords: dict[str, Any] = getattr(operation, "kw", {})
    found = [(getattr(operation, "table_name", None), schema)]
    found.append((getattr(operation, "new_table_name", None), schema))
    found.append(
        (getattr(operation, "source_table", None), keywords.get("source_schema"))
    )
    found.append(
        (getattr(operation, "referent_table", None), keywords.get("referent_schema"))
    )
    return [(str(name), place) for name, place in found if name is not None]


def _target(connection: Connection) -> str:
    """Say which database it is: dialect, host, database, user; never the password."""
    url = connection.engine.url
    said = [url.get_backend_name()]
    if url.host:
        said.append(f"at {url.host}" + (f":{url.port}" if url.port else ""))
    if url.database:
        said.append(f"database {url.database}")
    if url.username:
        said.append(f"user {url.username}")
    return f"Target: {', '.join(said)}"
