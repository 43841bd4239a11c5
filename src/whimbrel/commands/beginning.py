"""The first script of a database that was there before its history."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from alembic.runtime.migration import MigrationContext
from alembic.util import to_list
from sqlalchemy.engine import Connection

from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.commands.compare import Comparison, compare, scope_of
from whimbrel.commands.wishes import Wishes
from whimbrel.errors import DatabaseError
from whimbrel.plan.build import build
from whimbrel.schema.changes import Change, TableChange
from whimbrel.schema.dialect import dialect_of
from whimbrel.schema.diff import diff
from whimbrel.schema.state import State
from whimbrel.script.history import History
from whimbrel.upkeep.baseline import Baseline, baseline


def compare_first(
    context: MigrationContext, history: History, wishes: Wishes, stack: ExitStack
) -> Comparison:
    """Compare for a first script, which makes what was there before the models' wishes.

    A database with none of the models' tables is compared as any other one.
    """
    connection = context.connection
    if connection is None or context.get_current_heads():
        return compare(context, history, wishes, stack)
    found = what_is_there(context, connection, takes_all=False)
    if not found.known.tables or not found.wanted.tables:
        return compare(context, history, wishes, stack)
    return _comparison(context, connection, found)


def compare_existing(
    context: MigrationContext, _history: History, wishes: Wishes, _stack: ExitStack
) -> Comparison:
    """Compare an empty database with what is there, whatever the models want."""
    connection = context.connection
    if connection is None:
        raise DatabaseError(
            "There is no database to make a first script from.",
            "Name it as for any other command; offline there is none.",
        )
    found = what_is_there(context, connection, takes_all=wishes.takes_all)
    return replace(_comparison(context, connection, found), left=())


def compare_at_init(
    context: MigrationContext, _history: History, _wishes: Wishes, _stack: ExitStack
) -> Comparison:
    """Compare for a first script where the folder is made; none if nothing is there."""
    connection = context.connection
    assert connection is not None, "a folder is not made offline"
    if context.get_current_heads():
        return _comparison(context, connection, NOTHING_THERE)
    found = what_is_there(context, connection, takes_all=False)
    if not found.known.tables or not found.wanted.tables:
        found = NOTHING_THERE
    return replace(_comparison(context, connection, found), left=())


NOTHING_THERE = Baseline(known=State(), others=(), wanted=State())


def what_is_there(
    context: MigrationContext, connection: Connection, *, takes_all: bool
) -> Baseline:
    """Return what the database of *context* holds, parted by what the models know."""
    metadatas = to_list(context.opts.get("target_metadata"), default=[])
    scope = scope_of(context, metadatas)
    live = read_state(connection, scope)
    models = read_models(metadatas, connection, scope) if metadatas else State()
    return baseline(live, models, takes_all=takes_all)


def _comparison(
    context: MigrationContext,
    connection: Connection,
    found: Baseline,
) -> Comparison:
    nothing = State()
    dialect = dialect_of(connection)
    changes = diff(nothing, found.known)
    metadatas = to_list(context.opts.get("target_metadata"), default=[])
    return Comparison(
        database=connection.engine.url.render_as_string(hide_password=True),
        dialect=dialect,
        is_live=True,
        is_first=True,
        scope=scope_of(context, metadatas),
        current=nothing,
        wanted=found.known,
        changes=changes,
        outside=_others(found),
        left=_left(found),
        plan=build(changes, nothing, found.known, dialect),
        scratch=None,
    )


def _others(found: Baseline) -> tuple[Change, ...]:
    return tuple(TableChange(before=table, after=None) for table in found.others)


def _left(found: Baseline) -> tuple[Change, ...]:
    """Return what the models want beyond what is there."""
    return diff(found.known, found.wanted)
