"""Where a database stands in its history, by what it holds and not by its stamp."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager

from alembic.runtime.migration import MigrationContext
from alembic.util import to_list
from sqlalchemy import MetaData
from sqlalchemy.engine import Connection

from whimbrel.catalog.read import read_state
from whimbrel.catalog.scratch import scratch_like
from whimbrel.commands.compare import scope_of
from whimbrel.commands.outside import parter
from whimbrel.commands.trial import scratch_url_of
from whimbrel.run.replay import Stage, replay, replay_each
from whimbrel.schema.changes import Change
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import State
from whimbrel.script.history import History
from whimbrel.upkeep.standing import Ours, Standing, standing


def whereabouts(
    context: MigrationContext, history: History, *, lacks_scripts: bool = False
) -> Standing:
    """Return which places of *history* equal the database of *context*.

    All scripts are run once, on a scratch database. Where some are lost, whatever
    stands in their tables may be of those that are.

    Raises:
        Exception: whatever a script raises that does not run there.
    """
    stages = stages_of(context, history)
    ours = tuple if lacks_scripts else ours_of(history)
    return standing(live_state(context), stages, ours)


def stages_of(context: MigrationContext, history: History) -> tuple[Stage, ...]:
    """Return what the scripts make, one after the other, on a scratch database."""
    with scratch_of(context) as scratch:
        return replay_each(
            history,
            scratch,
            project_scope(context),
            context.opts,
            getattr(context, "arguments", None),
        )


def made_by(
    context: MigrationContext, history: History, revisions: tuple[str, ...]
) -> State:
    """Return what the scripts up to *revisions* make of an empty database."""
    if not revisions:
        return State()
    with scratch_of(context) as scratch:
        return replay(
            history,
            revisions,
            scratch,
            project_scope(context),
            context.opts,
            getattr(context, "arguments", None),
        )


def scratch_of(context: MigrationContext) -> AbstractContextManager[Connection]:
    """Return an empty database like that of *context*, gone afterwards."""
    assert context.connection is not None
    scope, url = project_scope(context), scratch_url_of(context)
    return scratch_like(context.connection, scope, url)


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
