"""From what the models want to a script: comparison, plan, rendering, proof.

Alembic's revision machinery stays around it, so that every hook of a project
(``process_revision_directives``, ``include_object``, templates, post-write
hooks) is called as it always was; what is compared and how is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from alembic.autogenerate.api import AutogenContext, RevisionContext
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError, rev_id
from sqlalchemy.engine import Dialect

from whimbrel.catalog.read import read_state
from whimbrel.commands.compare import Comparison, compare
from whimbrel.commands.heeded import refuse_unknown
from whimbrel.commands.outside import with_notes
from whimbrel.commands.plugins import third_party_operations
from whimbrel.commands.prospect import without_taken_out
from whimbrel.commands.trial import Ground, NoGround, ground_like, tables_of
from whimbrel.commands.unknown import refusing_unknown
from whimbrel.commands.unmanaged import Managed
from whimbrel.commands.wishes import Wishes
from whimbrel.config import Config
from whimbrel.errors import ConfigError, UsageError, WhimbrelError
from whimbrel.plan.step import Step, one_by_one
from whimbrel.plan.way_back import let_operations_be_undone, settle
from whimbrel.report.operations import describe_operation
from whimbrel.report.report import describe_changes
from whimbrel.run.runtime import run_environment
from whimbrel.script.history import History
from whimbrel.script.render import render
from whimbrel.script.save import Part


Compare = Callable[[MigrationContext, History, Wishes, ExitStack], Comparison]


@dataclass(frozen=True, kw_only=True)
class Target:
    """One database of a run of the environment, and what was found there.

    Args:
        comparison: the two states and what lies between them.
        upgrade_token: the template variable that takes the upgrade's body.
        operations: what the plan proposes; hooks may change it.
        one_by_one: the same, for hooks change containers where they stand.
        ground: where the script can be tried; None if there is nothing to try.
    """

    comparison: Comparison
    upgrade_token: str
    operations: tuple[ops.MigrateOperation, ...]
    operations_back: tuple[ops.MigrateOperation, ...]
    one_by_one: tuple[ops.MigrateOperation, ...]
    ground: Ground | NoGround | None = None

    def is_as_planned(self, container: ops.UpgradeOps) -> bool:
        """Whether the project's hooks left the planned operations alone."""
        return tuple(container.ops) == self.operations

    def is_back_as_planned(self, container: ops.DowngradeOps) -> bool:
        """Whether the project's hooks left the planned way back alone."""
        return tuple(container.ops) == self.operations_back


class Generation(RevisionContext):
    """Alembic's revision machinery with our comparison and our rendering.

    Args:
        config: the project's configuration.
        history: the scripts that are there.
        command_args: the arguments of ``revision``, by Alembic's names.
        wishes: what the user asked for beyond those.
        stack: closes the scratch databases when the command ends.
        process_revision_directives: Alembic's hook, for Python callers.
        compare: tells what lies between the two states of a database.
    """

    def __init__(
        self,
        config: Config,
        history: History,
        command_args: Mapping[str, Any],
        wishes: Wishes,
        stack: ExitStack,
        process_revision_directives: Any = None,
        compare: Compare = compare,
    ) -> None:
        super().__init__(
            config,
            history,
            dict(command_args),
            process_revision_directives=process_revision_directives,
        )
        for script in self.generated_revisions:
            script.imports = set(script.imports)  # Alembic's default is one for all
        self.random_id = (
            None if command_args["rev_id"] else self.generated_revisions[0].rev_id
        )
        self.history = history
        self.wishes = wishes
        self.stack = stack
        self.compare = compare
        self.targets: list[Target] = []
        self.managed = Managed()

    def run_environment(
        self, *, autogenerate: bool, as_sql: bool = False, needs_head: bool = False
    ) -> None:
        """Run the project's environment, comparing where *autogenerate* says so.

        Args:
            autogenerate: compare, and fill the script with what was found.
            as_sql: there is no database to connect to.
            needs_head: before anything is compared, refuse a script that has no
                place, unless the project has a hook that may find one.
        """

        def retrieve(rev: Any, context: MigrationContext) -> list[Any]:
            if autogenerate and context.as_sql:
                raise UsageError(
                    "Using --sql with --autogenerate does not make any sense.",
                    "Leave --sql out: models are compared with a live database.",
                )
            self._begin(context)
            self.managed.note(context)
            if needs_head and not any(self._hooks(context)):
                _refuse_several_heads(self.history, self.command_args["head"])
            known = len(self.targets)
            if autogenerate:
                self._compare(context)
            self._call_hooks(rev, context)
            self.targets[known:] = _with_what_rows_say(
                self.targets[known:], self.generated_revisions
            )
            if self.wishes.is_written:
                _refuse_what_is_in_the_way(
                    self.targets[known:], self.generated_revisions
                )
            if len(self.targets) > known and self.wishes.is_proved:
                self.targets[-1] = self._on_ground(self.targets[-1], context)
            return []

        run_environment(
            self.config,
            self.history,
            retrieve
            if self.wishes.ignores_stamp
            else refusing_unknown(self.history, retrieve),
            as_sql=as_sql,
            template_args=self.template_args,
            revision_context=self,
        )
        if self.targets:
            refuse_unknown(self.wishes, [each.comparison for each in self.targets])

    def _begin(self, context: MigrationContext) -> None:
        """Open a pair of operation lists for the database of *context*."""
        script = self.generated_revisions[-1]
        up, down = context.opts["upgrade_token"], context.opts["downgrade_token"]
        if getattr(script, "_needs_render", False):
            script._upgrade_ops.append(ops.UpgradeOps([], upgrade_token=up))
            script._downgrade_ops.append(ops.DowngradeOps([], downgrade_token=down))
        else:
            script.upgrade_ops_list[-1].upgrade_token = up
            script.downgrade_ops_list[-1].downgrade_token = down
            script._needs_render = True
        self._last_autogen_context = AutogenContext(context, autogenerate=False)

    def _compare(self, context: MigrationContext) -> None:
        script = self.generated_revisions[-1]
        comparison = self.compare(context, self.history, self.wishes, self.stack)
        upgrade, downgrade = script.upgrade_ops_list[-1], script.downgrade_ops_list[-1]
        if any(self._hooks(context)):
            let_operations_be_undone(comparison.plan)
        upgrade.ops.extend(_operations(comparison.plan.upgrade))
        downgrade.ops.extend(_operations(comparison.plan.downgrade))
        for operation in third_party_operations(context):
            upgrade.ops.append(operation)
            downgrade.ops.insert(0, operation.reverse())
        target = Target(
            comparison=comparison,
            upgrade_token=upgrade.upgrade_token,
            operations=tuple(upgrade.ops),
            operations_back=tuple(downgrade.ops),
            one_by_one=tuple(one_by_one(upgrade.ops)),
        )
        self.targets.append(target)

    def _on_ground(self, target: Target, context: MigrationContext) -> Target:
        """Return *target* with a scratch database, if there is anything to try.

        It is made while the connection is there; the script is written later.
        """
        if not self.generated_revisions or self.is_empty:
            return target
        comparison = target.comparison
        if comparison.scratch is not None:
            start = read_state(comparison.scratch, comparison.scope)
            return replace(
                target, ground=Ground(scratch=comparison.scratch, start=start)
            )
        script = self.generated_revisions[-1]
        is_planned = target.is_as_planned(script.upgrade_ops_list[-1])
        is_planned &= target.is_back_as_planned(script.downgrade_ops_list[-1])
        current = comparison.current
        touched = tables_of(comparison.changes, current) if is_planned else None
        ground = ground_like(context, comparison.scope, current, touched, self.stack)
        return replace(target, ground=ground)

    def _hooks(self, context: MigrationContext) -> tuple[Any, ...]:
        return (
            self.process_revision_directives,
            context.opts["process_revision_directives"],
        )

    def _call_hooks(self, rev: Any, context: MigrationContext) -> None:
        for hook in self._hooks(context):
            if hook:
                try:
                    hook(context, rev, self.generated_revisions)
                except (WhimbrelError, CommandError):
                    raise
                except Exception as cause:  # whatever it does not know
                    raise _failed_hook(hook, cause, self.targets) from cause
                _refuse_torn(hook, self.generated_revisions, context.dialect)
        for script in self.generated_revisions:
            script._needs_render = True

    @property
    def is_first(self) -> bool:
        """Whether a database was there before its history."""
        return any(target.comparison.is_first for target in self.targets)

    @property
    def leaves_something(self) -> bool:
        """Whether the models want more than what was there."""
        return any(target.comparison.left for target in self.targets)

    def keep_words_for_the_second(self) -> None:
        """Let a first script that leaves something have a message and id of its own."""
        if self.leaves_something:
            self.random_id = rev_id()
            self.generated_revisions[0].message = None
            self.generated_revisions[0].rev_id = self.random_id

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found, or a hook took everything away."""
        return all(
            container.is_empty()
            for script in self.generated_revisions
            for container in script.upgrade_ops_list
        )

    def parts(self, script: ops.MigrationScript) -> Iterator[Part]:
        """Yield the rendered bodies of *script*, one for each database.

        There is none where the environment was not run: the template's own
        ``pass`` stands then.
        """
        if not getattr(script, "_needs_render", False):
            return
        context = self._last_autogen_context
        pairs = zip(script.upgrade_ops_list, script.downgrade_ops_list, strict=True)
        outside = {each.upgrade_token: each.comparison.outside for each in self.targets}
        for upgrade, downgrade in pairs:
            body = render(upgrade, downgrade, context)
            left = outside.get(upgrade.upgrade_token, ())
            yield Part(
                upgrade_token=upgrade.upgrade_token,
                downgrade_token=downgrade.downgrade_token,
                body=replace(body, upgrades=with_notes(body.upgrades, left)),
            )


def _operations(steps: tuple[Step, ...]) -> list[ops.MigrateOperation]:
    return [step.operation for step in steps]


def _refuse_several_heads(history: History, head: str) -> None:
    told = (
        "Multiple heads are present; please specify the head revision on which the"
        " new revision should be based, or perform a merge"
    )
    with history._catch_revision_errors(multiple_heads=told):
        history.revision_map.get_revisions(head)


def _with_what_rows_say(
    targets: Iterable[Target], scripts: Iterable[ops.MigrationScript]
) -> Iterator[Target]:
    """Yield *targets* with what there is to tell of what the hooks left."""
    containers = [each.upgrade_ops_list[-1] for each in scripts]
    left = tuple(one_by_one(containers))
    for target in targets:
        comparison = target.comparison
        notes = without_taken_out(
            comparison.notes, comparison.current, target.one_by_one, left
        )
        if comparison.prospect is not None:
            notes = comparison.prospect.told(notes, left)
        yield replace(target, comparison=replace(comparison, notes=notes))


def _refuse_what_is_in_the_way(
    targets: Iterable[Target], scripts: Iterable[ops.MigrationScript]
) -> None:
    """Refuse a script that cannot run, unless a hook took something out of it."""
    refused = [each for each in targets if each.comparison.refusal is not None]
    for script in tuple(scripts)[-1:] if refused else ():
        for target in refused:
            if target.is_as_planned(script.upgrade_ops_list[-1]):
                assert target.comparison.refusal is not None
                raise target.comparison.refusal


def _refuse_torn(
    hook: Any, scripts: Sequence[ops.MigrationScript], dialect: Dialect
) -> None:
    """Refuse a way back that undoes what a hook has taken out."""
    there = [each for script in scripts for each in script.upgrade_ops_list]
    for script in scripts:
        for downgrade in script.downgrade_ops_list:
            if together := settle(there, downgrade):
                found = (
                    f"\n  {describe_operation(each, dialect)}"
                    for each in one_by_one(together)
                )
                raise ConfigError(
                    f"The hook process_revision_directives ({_place(hook)}) took out a"
                    " part of what is undone together, and reversed the rest.",
                    f"Let it take out all of this, or nothing:{''.join(found)}",
                )


def _failed_hook(hook: Any, cause: Exception, targets: Iterable[Target]) -> ConfigError:
    """Return the error for a hook, with what was found, which it would not hear."""
    comparisons = [target.comparison for target in targets]
    changes = [change for each in comparisons for change in each.changes]
    found = "".join(f"\n  {line.text}" for line in describe_changes(changes))
    return ConfigError(
        f"The hook process_revision_directives ({_place(hook)}) failed on what was"
        f" found: {type(cause).__name__}: {cause}",
        f"Let it take these operations, or leave them alone:{found}",
    )


def _place(hook: Any) -> str:
    return f"{getattr(hook, '__module__', '')}.{getattr(hook, '__qualname__', '')}"
