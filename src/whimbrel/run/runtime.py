"""The running of scripts through Alembic's runtime, in transactions that are real.

``Environment`` is what ``from alembic import context`` gives an env.py,
``Operations`` what ``from alembic import op`` gives a script; both are Alembic's own
but for what stands here.  No other file touches Alembic's contexts.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import MappingProxyType
from typing import Any

from alembic import operations as alembic_operations
from alembic.config import Config
from alembic.operations.base import BatchOperations
from alembic.operations.batch import BatchOperationsImpl
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import (
    MigrationContext,
    MigrationStep,
    RevisionStep,
)
from alembic.script import ScriptDirectory
from alembic.util.langhelpers import ModuleClsProxy
from sqlalchemy import Table, make_url
from sqlalchemy.engine import URL, Connection

from whimbrel.run import alter_mysql, alter_sqlite  # register how tables are altered
from whimbrel.run.failure import HALF_DONE, UNDONE, UNDONE_ALONE, guarded
from whimbrel.run.host import logging_left_alone
from whimbrel.run.transaction import (
    end_transaction,
    has_foreign_keys_on,
    ignores_commit,
    is_free,
    is_open,
    open_transaction,
    orphans,
    refuse_orphans,
    reopen,
    standing_alone,
    switch_off_until_end,
    without_foreign_keys,
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


class Operations(alembic_operations.Operations):
    """Alembic's operations, whose batches are given whole to the database's own way."""

    @contextmanager
    def batch_alter_table(  # noqa: PLR0913, PLR0917 - Alembic's signature
        self,
        table_name: str,
        schema: str | None = None,
        recreate: str = "auto",
        partial_reordering: Sequence[tuple[str, ...]] | None = None,
        copy_from: Table | None = None,
        table_args: Sequence[Any] = (),
        table_kwargs: Mapping[str, Any] | None = None,
        reflect_args: Sequence[Any] = (),
        reflect_kwargs: Mapping[str, Any] | None = None,
        naming_convention: Mapping[str, str] | None = None,
    ) -> Iterator[BatchOperations]:
        """Collect what is said of one table, and carry it out at the end."""
        batch = TableBatch(  # type: ignore[no-untyped-call]  # Alembic's __init__
            self,
            table_name,
            schema,
            recreate,
            copy_from,
            tuple(table_args),
            table_kwargs or {},
            tuple(reflect_args),
            reflect_kwargs or {},
            naming_convention,
            partial_reordering,
        )
        yield BatchOperations(self.migration_context, impl=batch)
        batch.flush()

    @classmethod
    @contextmanager
    def context(cls, migration_context: MigrationContext) -> Iterator[Operations]:
        """Be what ``from alembic import op`` gives, for the block."""
        operations = cls(migration_context)
        with _as_proxy_of(alembic_operations.Operations, operations):
            yield operations


class TableBatch(BatchOperationsImpl):
    """What a script says of one table between ``with`` and the end of the block."""

    def add_column(self, *args: Any, **kwargs: Any) -> None:
        """Note a new column; where it may stand is known at the end."""
        if self._alter is None:
            super().add_column(*args, **kwargs)
        else:
            self.batch.append(("add_column", args, kwargs))

    def flush(self) -> None:
        """Carry out all that was noted."""
        if self._alter is None:
            super().flush()
        else:
            self._alter(self)

    @property
    def _alter(self) -> Callable[[BatchOperationsImpl], None] | None:
        """How the database alters a table as a whole, if it has a way of its own."""
        alter = getattr(self.impl, "alter_table", None)
        return None if self.impl.as_sql else alter


class Context(MigrationContext):
    """Alembic's context, with transactions that hold DDL too.

    On a database that is one file, all scripts of a run stand in one transaction,
    in which foreign keys neither cascade nor refuse; those that would refer to
    nothing are found before the commit.
    """

    _checks_orphans = False
    _was_committed_between = False
    _known_orphans: frozenset[tuple[Any, ...]] | None = None

    arguments: Mapping[str, Any] = MappingProxyType({})
    """What the functions of the scripts are called with: the bind, where there are."""

    @property
    def is_ours(self) -> bool:
        """Whether the transactions are ours to open and to end."""
        return (
            not self.as_sql
            and self.impl.transactional_ddl
            and described(self.dialect).is_one_file
        )

    @property
    def _online(self) -> Connection:
        assert self.connection is not None
        return self.connection

    def begin_transaction(
        self, _per_migration: bool = False
    ) -> AbstractContextManager[Any]:
        """Begin a transaction where Alembic would, and a real one."""
        begins = _per_migration == self._transaction_per_migration
        if not self.is_ours or self._in_external_transaction or not begins:
            return super().begin_transaction(_per_migration)
        return self._real_transaction()

    @contextmanager
    def _real_transaction(self) -> Iterator[Any]:
        connection = self._online
        if is_open(connection) and has_foreign_keys_on(connection):
            self._end_what_queries_began()
        with without_foreign_keys(connection) as were_on:
            self._checks_orphans, self._known_orphans = were_on, None
            self._open()
            try:
                yield self._transaction
                self._refuse_new_orphans()
            except BaseException:
                self._close("ROLLBACK")
                raise
            self._close("COMMIT")

    def _open(self) -> None:
        self._transaction = self._online.get_transaction() or self._online.begin()
        open_transaction(self._online, writes="destination_rev" in self.opts)

    def _close(self, how: str) -> None:
        transaction, self._transaction = self._transaction, None
        reopen(self._online)
        if transaction is not None and transaction.is_active:
            transaction.commit() if how == "COMMIT" else transaction.rollback()
        end_transaction(self._online, how)

    def _end_what_queries_began(self) -> None:
        transaction = self._online.get_transaction()
        if transaction is not None:
            transaction.commit()

    def _refuse_new_orphans(self) -> None:
        if self._known_orphans is not None:
            refuse_orphans(self._online, self._known_orphans)

    @contextmanager
    def autocommit_block(self) -> Iterator[None]:
        """Let every statement of the block stand for itself."""
        if not self.is_ours:
            with super().autocommit_block():
                yield
            return
        self._refuse_new_orphans()
        self._was_committed_between = True
        was_begun = self._transaction is not None
        if was_begun:
            self._close("COMMIT")
        with without_transaction(self._online):
            yield
        if was_begun:
            self._open()

    def run_migrations(self, **kw: Any) -> None:
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

    def _calm_foreign_keys(self) -> AbstractContextManager[object]:
        """Switch foreign keys off for a run that is to have no transaction."""
        is_file = not self.as_sql and described(self.dialect).is_one_file
        if not is_file or not is_free(self._online):
            return nullcontext()
        return without_foreign_keys(self._online)

    @contextmanager
    def _callers_transaction(self) -> Iterator[None]:
        """Be part of what the caller commits or rolls back, if its driver does that."""
        connection = self._online
        if is_open(connection):
            yield
        elif ignores_commit(connection):
            with without_foreign_keys(connection), standing_alone(connection):
                yield
        else:
            switch_off_until_end(connection)
            open_transaction(connection)
            yield

    def _watched(self, steps: Iterable[MigrationStep]) -> Iterator[MigrationStep]:
        """Yield the steps; their failures are told in a sentence."""
        for step in steps:
            if isinstance(step, RevisionStep):
                step.migration_fn = self._script(step, step.migration_fn)
            self._make_room(step)
            yield step

    def _make_room(self, step: Any) -> None:
        """Let the ids that *step* leads to fit, unless those it leaves do already."""
        if max(map(len, step.from_revisions), default=0) <= ALEMBICS:
            make_room(self, step.to_revisions)

    def _script(
        self, step: RevisionStep, run: Callable[..., Any]
    ) -> Callable[..., Any]:
        told = guarded(step, run, left=self._left_by_a_failure)

        @functools.wraps(run)
        def call(**kw: Any) -> Any:
            if self._checks_orphans and self._known_orphans is None:
                self._known_orphans = orphans(self._online)
            return told(**kw)

        return call

    def _left_by_a_failure(self) -> str:
        """Say what a script that fails now leaves behind."""
        if not self.impl.transactional_ddl or self._was_committed_between:
            return HALF_DONE
        return UNDONE_ALONE if self._transaction_per_migration else UNDONE


def owned_context(context: MigrationContext) -> Context:
    """Make *context*, which Alembic made, one of ours; it stays the same object."""
    context.__class__ = Context
    widen_before_it_is_made(context)
    assert isinstance(context, Context)
    return context


class Environment(EnvironmentContext):
    """Alembic's environment, whose contexts and operations are ours."""

    def __enter__(self) -> Environment:
        """Be what ``from alembic import context`` gives, until the end of the block."""
        self._proxied = _as_proxy_of(EnvironmentContext, self)
        self._proxied.__enter__()
        return self

    def __exit__(self, *arg: Any, **kw: Any) -> None:
        """Give ``alembic.context`` back to whoever had it before."""
        self._proxied.__exit__(*arg)

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
        if not is_said and _is_one_file(connection, url, dialect_name):
            options["transactional_ddl"] = True
        super().configure(connection, url, dialect_name, *args, **options)
        if not is_said:  # the next database of this env.py may be of another kind
            self.context_opts.pop("transactional_ddl", None)
        assert self._migration_context is not None
        owned_context(self._migration_context)

    def run_migrations(self, **kw: Any) -> None:
        """Run the scripts that the command names, with our operations."""
        with Operations.context(self.get_context()):
            self.get_context().run_migrations(**kw)


def _is_one_file(
    connection: Any, url: str | URL | None, dialect_name: str | None
) -> bool:
    if connection is not None:
        return described(connection.dialect).is_one_file
    if not url and not dialect_name:
        return False
    dialect = make_url(url or f"{dialect_name}://").get_dialect()
    return described(dialect()).is_one_file


@contextmanager
def _as_proxy_of(kind: type[ModuleClsProxy], thing: Any) -> Iterator[None]:
    """Let Alembic's module of functions for *kind* speak to *thing* in the block.

    Alembic does this for instances of exactly that class, and once at a time; runs
    may be nested, when a script upgrades another database.
    """
    attributes, modules = kind._setups[kind]
    namespaces = [namespace for namespace, _ in modules]
    names = ("_proxy", *attributes)
    before = [
        {name: each[name] for name in names if name in each} for each in namespaces
    ]
    for namespace in namespaces:
        namespace["_proxy"] = thing
        namespace.update({name: getattr(thing, name) for name in attributes})
    try:
        yield
    finally:
        for namespace, kept in zip(namespaces, before, strict=True):
            for name in names:
                namespace.pop(name, None)
            namespace.update(kept)
            namespace.setdefault("_proxy", None)


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
    """
    if keep_logging is None:
        keep_logging = bool(config.attributes.get("keep_logging", False))
    with (
        ENVIRONMENT_LOCK,
        logging_left_alone(is_left_alone=not keep_logging),
        Environment(config, history, fn=fn, **environment_options),
    ):
        history.run_env()
