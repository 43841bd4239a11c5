"""The running of scripts through Alembic's runtime, in transactions that are real.

``Environment`` is what ``from alembic import context`` gives an env.py; it and its
contexts are Alembic's own but for what stands here.  No other file touches them.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from types import MappingProxyType
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import (
    MigrationContext,
    MigrationStep,
    RevisionStep,
)
from alembic.script import ScriptDirectory
from sqlalchemy import make_url
from sqlalchemy.engine import URL, Connection, Dialect

from whimbrel.catalog.unknown_dialect import let_alembic_know
from whimbrel.errors import MigrationFailed, UsageError
from whimbrel.run import alter_mysql, alter_sqlite  # register how tables are altered
from whimbrel.run.binds import ChosenBind, for_each_bind
from whimbrel.run.care import Care
from whimbrel.run.event import Conduct
from whimbrel.run.failure import (
    HALF_DONE,
    UNDONE,
    UNDONE_ALONE,
    UNTOUCHED,
    guarded,
    left_in_part,
)
from whimbrel.run.host import logging_left_alone
from whimbrel.run.operations import Operations, as_proxy_of
from whimbrel.run.real_transactions import RealTransactions
from whimbrel.run.transaction import (
    orphans,
    without_transaction,
)
from whimbrel.run.version_table import (
    ALEMBICS,
    make_room,
    widen_before_it_is_made,
)
from whimbrel.schema.dialect import described


__all__ = [
    "Context",
    "Environment",
    "Operations",
    "alter_mysql",
    "alter_sqlite",
    "run_environment",
]

COMPARED_UNLESS_TOLD = {"compare_type": True, "compare_server_default": True}
"""What is compared when env.py says nothing of it; Alembic leaves out the second."""

ENVIRONMENT_LOCK = threading.RLock()
"""Alembic's ``context`` and ``op`` are globals of their modules: one run at a time."""


RUNTIME_LOG = "alembic.runtime.migration"
"""Who tells of upgrades; those of a scratch database would pass for real ones."""


class Context(RealTransactions):
    """Alembic's context, with real transactions, and with the care that a run takes."""

    _was_committed_between = False
    _has_committed = False
    care: Care | None = None

    arguments: Mapping[str, Any] = MappingProxyType({})
    """What the functions of the scripts are called with: the bind, where there are."""

    @contextmanager
    def autocommit_block(self) -> Iterator[None]:
        """Let every statement of the block stand for itself.

        Raises:
            MigrationFailed: the run is to be all or nothing.
        """
        if self._conduct is not None and self._conduct.is_atomic:
            raise MigrationFailed(
                "The script wants statements outside of a transaction"
                " (autocommit_block), and --atomic forbids it.",
                "Run it without --atomic, or up to the script before it.",
            )
        if not self.is_ours:
            self._was_committed_between = self._has_committed = True
            with super().autocommit_block(), self._by_itself():
                yield
            return
        self._refuse_new_orphans()
        self._was_committed_between = self._has_committed = True
        was_begun = self._transaction is not None
        if was_begun:
            self._close("COMMIT")
        with without_transaction(self._online), self._by_itself():
            yield
        if was_begun:
            self._open()

    def _by_itself(self) -> AbstractContextManager[None]:
        return nullcontext() if self.care is None else self.care.block()

    def run_migrations(self, **kw: Any) -> None:
        """Run the scripts; where they change something, with all care."""
        conduct = self._conduct
        if conduct is None or self.as_sql or self.opts.get("dont_mutate"):
            self._run_scripts(**kw)
            return
        assert isinstance(self.environment_context, Environment)
        until = self.environment_context.until
        self.care = Care(self, conduct, until, self._begin_anew)
        try:
            self.care.carry_out(lambda: self._run_scripts(**kw), self._start_over)
        finally:
            self.care = None

    def _start_over(self) -> bool:
        """Undo what the scripts did, if that is possible."""
        if self._in_external_transaction or self._transaction_per_migration:
            return True
        return self._transaction is not None and self._begin_anew()

    def _begin_anew(self) -> bool:
        """Let go of what the transaction saw, if it is ours; nothing was done in it."""
        if self._in_external_transaction:
            return False
        if self._transaction is not None:
            self._transaction.rollback()
            self._transaction = self._online.begin()
        elif self._online.in_transaction():
            self._online.rollback()
        return True

    def _run_scripts(self, **kw: Any) -> None:
        """Run the scripts, in a transaction even where env.py begins none."""
        scripts = self._migrations_fn
        assert scripts is not None
        self.arguments = kw

        def watched(heads: Any, context: Any) -> Iterator[Any]:
            return self._watched(scripts(heads, context))

        self._migrations_fn = watched
        try:
            if not self.is_ours:
                with self._calm_foreign_keys():
                    super().run_migrations(**kw)
            elif self._transaction or self._transaction_per_migration:
                super().run_migrations(**kw)
            elif self._in_external_transaction:
                with self._callers_transaction():
                    super().run_migrations(**kw)
            else:
                with self.begin_transaction():
                    super().run_migrations(**kw)
        finally:
            self._migrations_fn = scripts

    def _watched(self, steps: Iterable[MigrationStep]) -> Iterator[MigrationStep]:
        """Yield the steps; their failures are told in a sentence."""
        for step in steps:
            self._was_committed_between = False
            if isinstance(step, RevisionStep):
                step.migration_fn = self._script(step, step.migration_fn)
            self._make_room(step)
            yield step
            if self._was_committed_between and self.care is not None:
                self._commit_revision()

    def _commit_revision(self) -> None:
        """Commit that a script is done of which a part is committed already."""
        if self._transaction is None:
            return
        if self.is_ours:
            self._refuse_new_orphans()
            self._close("COMMIT")
            self._open()
        else:
            self._transaction.commit()
            self._transaction = self._online.begin()

    def _make_room(self, step: Any) -> None:
        """Let the ids that *step* leads to fit, unless those it leaves do already."""
        if max(map(len, step.from_revisions), default=0) <= ALEMBICS:
            make_room(self, step.to_revisions)

    def _script(
        self, step: RevisionStep, run: Callable[..., Any]
    ) -> Callable[..., Any]:
        run = for_each_bind(step, run)
        told = guarded(step, run, left=self._left_by_a_failure)

        @functools.wraps(run)
        def call(**kw: Any) -> Any:
            if self._checks_orphans and self._known_orphans is None:
                self._known_orphans = orphans(self._online)
            with nullcontext() if self.care is None else self.care.over(step):
                return told(**kw)

        return call

    def _left_by_a_failure(self) -> str:
        """Say what a script that fails now leaves behind."""
        if self.as_sql:
            return UNTOUCHED
        if self.care is not None and (kept := self.care.kept):
            return left_in_part(kept)
        stays = not self.impl.transactional_ddl or self._has_committed
        if self.care is None and stays:
            return HALF_DONE
        is_alone = stays or self._transaction_per_migration
        return UNDONE_ALONE if is_alone else UNDONE


def is_half_done(context: MigrationContext) -> bool:
    """Whether an earlier run left a script half done."""
    care = context.care if isinstance(context, Context) else None
    return care is not None and care.is_half_done


def owned_context(context: MigrationContext) -> Context:
    """Make *context*, which Alembic made, one of ours; it stays the same object."""
    context.__class__ = Context
    widen_before_it_is_made(context)
    assert isinstance(context, Context)
    return context


class Environment(EnvironmentContext):
    """Alembic's environment, whose contexts and operations are ours.

    Args:
        conduct: how the run behaves; without it, as one of Alembic's.
    """

    def __init__(
        self, *args: Any, conduct: Conduct | None = None, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.conduct = conduct
        self.chosen = ChosenBind.of(self.config)
        self.until = ExitStack()

    def __enter__(self) -> Environment:
        """Be what ``from alembic import context`` gives, until the end of the block."""
        self._proxied = as_proxy_of(EnvironmentContext, self)
        self._proxied.__enter__()
        return self

    def __exit__(self, *arg: Any, **kw: Any) -> None:
        """Give ``alembic.context`` back to whoever had it before."""
        self._proxied.__exit__(*arg)
        self.until.close()

    def configure(
        self,
        connection: Connection | None = None,
        url: str | URL | None = None,
        dialect_name: str | None = None,
        *args: Any,
        **options: Any,
    ) -> None:
        """Take what env.py says, every option that Alembic knows and any other.

        A database that is one file can roll back DDL, unless env.py says
        ``transactional_ddl=False``.
        """
        options = {**COMPARED_UNLESS_TOLD, **options}
        is_said = len(args) > 1 or options.get("transactional_ddl") is not None
        is_said = is_said or self.context_opts.get("transactional_ddl") is not None
        dialect = _dialect(connection, url, dialect_name)
        if dialect is not None:
            let_alembic_know(dialect)
        if not is_said and dialect is not None and described(dialect).is_one_file:
            options["transactional_ddl"] = True
        is_atomic = self.conduct is not None and self.conduct.is_atomic
        if is_atomic:
            options["transaction_per_migration"] = False
        super().configure(connection, url, dialect_name, *args, **options)
        if not is_said:  # the next database of this env.py may be of another kind
            self.context_opts.pop("transactional_ddl", None)
        assert self._migration_context is not None
        context = owned_context(self._migration_context)
        if is_atomic and not context.impl.transactional_ddl:
            raise UsageError(
                f"{context.dialect.name} commits each change of a table by itself;"
                " --atomic cannot hold there.",
                "Leave it out: a run that is cut off is gone on with by the next one.",
            )

    def run_migrations(self, **kw: Any) -> None:
        """Run the scripts that the command names, with our operations.

        Of several databases only those that the command is about are worked on.
        """
        if not self.chosen.takes(kw.get("engine_name")):
            return
        with Operations.context(self.get_context()):
            self.get_context().run_migrations(**kw)


def _dialect(
    connection: Any, url: str | URL | None, dialect_name: str | None
) -> Dialect | None:
    """Return the dialect that env.py speaks of, if it says one."""
    if connection is not None:
        dialect: Dialect = connection.dialect
        return dialect
    if not url and not dialect_name:
        return None
    return make_url(url or f"{dialect_name}://").get_dialect()()


def run_environment(
    config: Config,
    history: ScriptDirectory,
    fn: Callable[[Any, MigrationContext], Iterable[Any]],
    *,
    keep_logging: bool | None = None,
    **environment_options: Any,
) -> None:
    """Run the project's env.py with *fn* as what ``run_migrations()`` does.

    Args:
        config: the project's configuration.
        history: the scripts; runs the env.py, or what stands for it.
        fn: yields the steps to run, as Alembic's environments want it.
        keep_logging: let the process log as env.py configured it, which a command
            line wants; unless given, ``config.attributes["keep_logging"]`` says it.
        environment_options: what else ``EnvironmentContext`` takes: ``as_sql``,
            ``starting_rev``, ``destination_rev``, ``tag``, ``dont_mutate`` ...

    Raises:
        UsageError: the command is about a bind that there is not.
    """
    if keep_logging is None:
        keep_logging = bool(config.attributes.get("keep_logging", False))
    with (
        ENVIRONMENT_LOCK,
        logging_left_alone(is_left_alone=not keep_logging),
        Environment(config, history, fn=fn, **environment_options) as environment,
    ):
        with environment.chosen.reached():
            history.run_env()
        environment.chosen.demand()
