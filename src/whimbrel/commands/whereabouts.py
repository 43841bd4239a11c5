"""Where a database stands in its history, by what it holds and not by its stamp."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack

from alembic.runtime.migration import MigrationContext
from alembic.util import to_list
from sqlalchemy import MetaData

from whimbrel.catalog.read import read_state
from whimbrel.catalog.scratch import scratch_like
from whimbrel.commands.compare import scope_of
from whimbrel.commands.outside import parter
from whimbrel.commands.trial import scratch_url_of
from whimbrel.run.replay import Stage, replay_each
from whimbrel.schema.changes import Change
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import State
from whimbrel.script.history import History
from whimbrel.upkeep.standing import Ours, Standing, standing


def whereabouts(context: MigrationContext, history: History) -> Standing:
    """Return which places of *history* equal the database of *context*.

    All scripts are run once, on a scratch database.

    Raises:
        Exception: whatever a script raises that does not run there.
    """
    stages = stages_of(context, history)
    return standing(live_state(context), stages, ours_of(history))


def stages_of(context: MigrationContext, history: History) -> tuple[Stage, ...]:
    """Return what the scripts make, one after the other, on a scratch database."""
    assert context.connection is not None
    scope = project_scope(context)
    with ExitStack() as stack:
        scratch = stack.enter_context(
            scratch_like(context.connection, scope, scratch_url_of(context))
        )
        return replay_each(
            history,
            scratch,
            scope,
            context.opts,
            getattr(context, "arguments", None),
        )


def live_state(context: MigrationContext) -> State:
    """Return what the database of *context* holds."""
    assert context.connection is not None
    return read_state(context.connection, project_scope(context))


def project_scope(context: MigrationContext) -> Scope:
    """Return what of its database the project of *context* manages."""
    metadatas: list[MetaData] = to_list(context.opts.get("target_metadata"), default=[])
    return scope_of(context, metadatas)


def ours_of(history: History) -> Ours:
    """Return what picks the changes of things that the scripts speak of."""
    part = parter(history)

    def ours(changes: Iterable[Change]) -> tuple[Change, ...]:
        return part(changes).ours

    return ours
