"""The ground on which a script is tried: a scratch database in the right state."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import make_url
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError

from whimbrel.catalog.read import read_state
from whimbrel.catalog.scratch import scratch_like
from whimbrel.config import Config
from whimbrel.errors import ConfigError, NoScratch
from whimbrel.run.stand import stand
from whimbrel.schema.changes import (
    Change,
    ConstraintChange,
    EnumChange,
    FootingChange,
    SequenceChange,
    TableChange,
)
from whimbrel.schema.dialect import is_one_kind
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import ForeignKey, State, TableName


VARIABLE = "WHIMBREL_SCRATCH_URL"


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A scratch database, and how it stands.

    Args:
        scratch: a connection to it.
        start: its state.
        flaws: what it still lacks of the state that it should have.
    """

    scratch: Connection
    start: State
    flaws: tuple[Change, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NoGround:
    """Why a script cannot be tried, and what would help."""

    why: str
    remedy: str = ""


def ground_like(
    context: MigrationContext,
    scope: Scope,
    current: State,
    touched: frozenset[TableName] | None,
    stack: ExitStack,
) -> Ground | NoGround:
    """Return a scratch database that stands as that of *context* does.

    Args:
        context: leads to the database.
        scope: what of it is ours.
        current: its state.
        touched: the tables that the script is about; None: it may be any.
        stack: drops the scratch database.
    """
    source = context.connection
    assert source is not None
    try:
        scratch = stack.enter_context(
            scratch_like(source, scope, scratch_url_of(context))
        )
    except NoScratch as cause:
        return NoGround(why=cause.sentence, remedy=cause.remedy)
    try:
        wanted = stand(source, scratch, scope, current, touched)
        start = read_state(scratch, scope)
    except Exception as cause:  # whatever the server says to what it has itself
        why = f"the current state cannot be made in a scratch database: {cause}"
        return NoGround(why=why)
    return Ground(scratch=scratch, start=start, flaws=diff(start, wanted))


def tables_of(changes: Iterable[Change], current: State) -> frozenset[TableName]:
    """Return the tables of *current* that *changes* are about."""
    return frozenset(name for change in changes for name in _names_of(change, current))


def _names_of(change: Change, current: State) -> Iterable[TableName]:
    match change:
        case TableChange():
            sides = [each for each in (change.before, change.after) if each]
            things = [thing for side in sides for thing in side.constraints]
            return [*(side.name for side in sides), *_targets(things, current)]
        case ConstraintChange(before=before, after=after):
            things = [each for each in (before, after) if each is not None]
            return [change.table, *_targets(things, current)]
        case EnumChange():
            return _users_of(change, current)
        case SequenceChange() | FootingChange():
            return ()
        case _:
            return [change.table]


def _targets(things: Iterable[object], current: State) -> Iterable[TableName]:
    """Return the tables of *current* that foreign keys among *things* refer to."""
    targets = {each.target for each in things if isinstance(each, ForeignKey)}
    return [table.name for table in current.tables if table.name in targets]


def _users_of(change: EnumChange, current: State) -> Iterable[TableName]:
    """Return the tables with columns of an enumerated type."""
    names = {side.name for side in (change.before, change.after) if side is not None}
    return [
        table.name
        for table in current.tables
        if any(
            name in column.type.spelling for column in table.columns for name in names
        )
    ]


def scratch_url_of(context: MigrationContext) -> str | None:
    """Return the server or database that the user set aside for scratch databases.

    Raises:
        ConfigError: what was set is no URL.
    """
    dialect = context.dialect.name
    for url in _set_aside(context):
        try:
            backend = make_url(url).get_backend_name()
        except ArgumentError as cause:
            raise ConfigError(
                f"scratch_url is no URL of a database: {url}",
                "Write it as for the database itself: dialect://user@host/database",
            ) from cause
        if is_one_kind(backend, dialect):
            return url
    return None


def _set_aside(context: MigrationContext) -> list[str]:
    """Return what the options, the settings and the environment say, in that order."""
    environment = context.environment_context
    config = environment.config if environment is not None else None
    said: list[Any] = [context.opts.get("scratch_url")]
    if config is not None:
        settings = config.settings if isinstance(config, Config) else {}
        said += [config.get_main_option("scratch_url"), settings.get("scratch_url")]
    said.append(os.environ.get(VARIABLE))
    urls: list[str] = []
    for each in said:
        if isinstance(each, Mapping):
            urls += each.values()
        elif isinstance(each, list | tuple):
            urls += each
        elif each:
            urls += str(each).split()
    return urls
