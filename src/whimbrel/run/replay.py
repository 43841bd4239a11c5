"""Scripts run on a scratch database, to see what state they make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from alembic import context as alembic_context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from whimbrel.catalog.read import read_state
from whimbrel.catalog.scratch_server import is_held
from whimbrel.run.host import nothing_logged
from whimbrel.run.runtime import (
    ENVIRONMENT_LOCK,
    RUNTIME_LOG,
    Context,
    Environment,
    Operations,
    owned_context,
)
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.changes import Change
from whimbrel.schema.dialect import dialect_of
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import State


_OF_THE_LIVE_RUN = ("fn", "purge", "starting_rev", "destination_rev", "output_buffer")
"""Options that speak of the run of a command, not of the project."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What still lies between what a script makes and what it should make.

    Args:
        upgrade: the changes that its upgrade leaves to be done.
        downgrade: the changes that its downgrade leaves to be done.
    """

    upgrade: tuple[Change, ...] = ()
    downgrade: tuple[Change, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing is left to be done."""
        return not (self.upgrade or self.downgrade)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A place in a history, and the state that the scripts up to it make.

    Args:
        heads: the revisions that a database is stamped with there.
        state: what it holds there.
    """

    heads: tuple[str, ...]
    state: State


def prove(  # noqa: PLR0913 - the caller names all that it has
    script: ModuleType,
    scratch: Connection,
    current: State,
    wanted: State | None,
    scope: Scope,
    *,
    upgrade: str = "upgrade",
    downgrade: str | None = "downgrade",
    options: Mapping[str, Any] | None = None,
) -> Proof:
    """Run a script up and down, and tell what it leaves undone.

    Args:
        script: the module of the script.
        scratch: a throw-away database that stands in the state *current*.
        current: the state that the downgrade must lead back to.
        wanted: the state that the upgrade must lead to; None: only run it.
        scope: what of the database is read.
        upgrade: the name of the function that upgrades.
        downgrade: the name of the function that downgrades; None: there is none.
        options: what the project's env.py says to ``configure()``.
    """
    context = _context_on(scratch, options or {})
    with _standing_in(context, None):
        reached = _run(context, getattr(script, upgrade), scope)
        left = _between(reached, wanted) if wanted is not None else ()
        if downgrade is None:
            return Proof(upgrade=left, downgrade=())
        returned = _run(context, getattr(script, downgrade), scope)
    return Proof(upgrade=left, downgrade=_between(returned, current))


def replay(
    history: ScriptDirectory,
    revisions: tuple[str, ...],
    scratch: Connection,
    scope: Scope,
    options: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> State:
    """Run all scripts up to *revisions* on an empty database; return what they make.

    Args:
        history: the scripts.
        revisions: the revisions to come to.
        scratch: an empty throw-away database.
        scope: what of the database is read.
        options: what the project's env.py says to ``configure()``.
        arguments: what the functions of the scripts are called with.
    """
    bring_to(history, revisions, scratch, options, arguments)
    return read_state(scratch, scope)


def bring_to(
    history: ScriptDirectory,
    revisions: tuple[str, ...],
    scratch: Connection,
    options: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> None:
    """Run all scripts up to *revisions* on an empty database.

    The parameters are those of :func:`replay`.
    """

    def steps(rev: Any, _context: MigrationContext) -> Any:
        return history._upgrade_revs(revisions, rev)  # type: ignore[arg-type]  # takes several

    _run_all(history, steps, scratch, options, arguments)


def replay_each(
    history: ScriptDirectory,
    scratch: Connection,
    scope: Scope,
    options: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> tuple[Stage, ...]:
    """Run all scripts once on an empty database; return what each of them makes.

    The first stage is the empty database. The parameters are those of
    :func:`replay`.
    """
    stages: list[Stage] = []

    def note(context: MigrationContext) -> None:
        heads = tuple(context.get_current_heads())
        stages.append(Stage(heads=heads, state=read_state(scratch, scope)))

    def steps(rev: Any, context: MigrationContext) -> Iterator[Any]:
        note(context)
        for step in history._upgrade_revs(tuple(history.get_heads()), rev):  # type: ignore[arg-type]  # takes several
            yield step
            note(context)

    _run_all(history, steps, scratch, options, arguments)
    return tuple(stages)


def _run_all(
    history: ScriptDirectory,
    steps: Any,
    scratch: Connection,
    options: Mapping[str, Any] | None,
    arguments: Mapping[str, Any] | None,
) -> None:
    context = _context_on(scratch, {**(options or {}), "script": history}, fn=steps)
    with _standing_in(context, history), context.begin_transaction():
        context.run_migrations(**(arguments or {}))


def _run(context: Context, function: Any, scope: Scope) -> State:
    with context.begin_transaction():
        function()
    assert context.connection is not None
    return read_state(context.connection, scope)


def _between(reached: State, wanted: State) -> tuple[Change, ...]:
    return diff(reached, adopt_names(wanted, reached))


def _context_on(
    scratch: Connection, options: Mapping[str, Any], fn: Any = None
) -> Context:
    """Return a context on a database that is nobody's but ours."""
    if scratch.in_transaction() and not is_held(scratch):
        scratch.commit()
    kept = {k: v for k, v in options.items() if k not in _OF_THE_LIVE_RUN}
    kept.update(as_sql=False, literal_binds=False, dont_mutate=False)
    kept["transaction_per_migration"] = False
    kept["transactional_ddl"] = dialect_of(scratch).ddl_is_transactional
    if fn is not None:
        kept["fn"] = fn
    with nothing_logged(RUNTIME_LOG):
        context = MigrationContext.configure(connection=scratch, opts=kept)
    return owned_context(context)


@contextmanager
def _standing_in(context: Context, history: ScriptDirectory | None) -> Iterator[None]:
    """Let ``op`` and ``alembic.context`` speak of *context* to scripts."""
    live = getattr(alembic_context, "_proxy", None)
    config = live.config if live is not None else Config()
    script = history or getattr(live, "script", None)
    with (
        ENVIRONMENT_LOCK,
        nothing_logged(RUNTIME_LOG),
        Environment(config, script) as environment,
    ):
        environment._migration_context = context
        context.environment_context = environment
        with Operations.context(context):
            yield
