"""The two states of a database, current and wanted, and what lies between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError, to_list
from sqlalchemy import MetaData
from sqlalchemy.engine import Connection

from whimbrel.catalog.hooks import Hooks
from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_schemas, read_state
from whimbrel.catalog.scratch import scratch_like
from whimbrel.commands.differences import Basis, Found, find_differences
from whimbrel.commands.edited import edited_scripts, told_edited
from whimbrel.commands.outside import parter, says_schema, text_of
from whimbrel.commands.prospect import Prospect
from whimbrel.commands.questions import Ask
from whimbrel.commands.trial import scratch_url_of
from whimbrel.commands.wishes import Wishes
from whimbrel.config import named_metadata
from whimbrel.errors import (
    ModelsError,
    NoModels,
    NoScratch,
    NotAtHead,
    OnlookerInTheWay,
)
from whimbrel.plan.build import build
from whimbrel.plan.step import Plan
from whimbrel.report.report import Line, Tone, told_left
from whimbrel.run.ledger import LedgerEntry
from whimbrel.run.replay import Stage, replay
from whimbrel.schema.apply import apply_all
from whimbrel.schema.changes import Change
from whimbrel.schema.dialect import Dialect, dialect_of
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import State, TableName
from whimbrel.schema.unseen import told_unseen
from whimbrel.script.history import History
from whimbrel.script.refusals import several_heads
from whimbrel.upkeep.standing import standing


class BehindHead(NotAtHead, CommandError):
    """The database is not at head; Alembic's callers catch a CommandError."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two states and what leads from the one to the other.

    Args:
        database: what the database is called in messages, without a password.
        is_live: the current state is that of the live database; otherwise it is
            the one that the history makes.
        outside: what the models do not have and no script ever made; left alone.
        scratch: the throw-away database on which the history was replayed, if so.
        is_first: the database was there before its history, and the changes make
            what it holds.
        left: what the models want beyond that, for a second script.
        notes: what was decided on the way, and what is lost.
        prospect: how the live rows are asked about the script; None if they are not.
        refusal: what stands in the way of the plan, unless a hook takes it out.
        edited: applied scripts that say something else by now, where that is asked.
    """

    database: str
    dialect: Dialect
    is_live: bool
    scope: Scope
    current: State
    wanted: State
    changes: tuple[Change, ...]
    outside: tuple[Change, ...]
    plan: Plan
    scratch: Connection | None
    is_first: bool = False
    left: tuple[Change, ...] = ()
    notes: tuple[Line, ...] = ()
    prospect: Prospect | None = None
    refusal: OnlookerInTheWay | None = None
    edited: tuple[LedgerEntry, ...] = ()


def compare(
    context: MigrationContext, history: History, wishes: Wishes, stack: ExitStack
) -> Comparison:
    """Compare the models of *context* with its database.

    Args:
        context: Alembic's context as the project's env.py configured it.
        history: the scripts that are there.
        wishes: what the user asked for.
        stack: drops the scratch database.

    Raises:
        ModelsError: env.py gives no metadata.
        NoModels: the metadata is empty although the database is not.
        NotAtHead: the database is not at head, and the history cannot be replayed.
    """
    connection = context.connection
    if connection is None:
        raise ModelsError("There is no connection to compare the models with.")
    metadatas = _metadatas(context)
    scope = scope_of(context, metadatas, history)
    is_live = _is_at_head(context, history) or _equals_head(
        context, history, scope, wishes
    )
    if wishes.must_be_at_head and not is_live:
        raise _behind(history)
    scratch = None if is_live else _scratch(context, history, scope, stack)
    if scratch is None:
        current = read_state(connection, scope)
    else:
        current = _replayed(context, history, scratch, scope)
    wanted = read_models(metadatas, connection, scope)
    if _names(current) - _names(wanted):  # it may be the scripts that import them
        history.load_scripts()
        wanted = read_models(metadatas, connection, scope)
    _refuse_to_drop_everything(current, wanted)
    basis = Basis(
        context=context,
        hooks=hooks_of(context),
        history=history,
        metadatas=metadatas,
        connection=connection,
        scope=scope,
        current=current,
        wanted=wanted,
        is_live=is_live,
        wishes=wishes,
        ask=None if wishes.no_input else _asker(context),
    )
    return _comparison(basis, find_differences(basis), scratch)


def _comparison(basis: Basis, found: Found, scratch: Connection | None) -> Comparison:
    """Return what was found, with the plan that leads there."""
    current, dialect = basis.current, dialect_of(basis.connection)
    wanted = replace(apply_all(current, found.ours), footings=basis.wanted.footings)
    url = basis.connection.engine.url
    refusal = None
    try:
        plan = build(found.ours, current, wanted, dialect, found.fills, found.outside)
    except OnlookerInTheWay as cause:
        unseen = replace(current, onlookers=()), replace(wanted, onlookers=())
        plan = build(found.ours, *unseen, dialect, found.fills, found.outside)
        refusal = cause
    edited = _edited(basis)
    return Comparison(
        database=url.render_as_string(hide_password=True),
        dialect=dialect,
        is_live=basis.is_live,
        scope=basis.scope,
        current=current,
        wanted=wanted,
        changes=found.ours,
        outside=found.outside,
        plan=plan,
        scratch=scratch,
        notes=(
            *told_edited(edited),
            *found.notes,
            *_in_the_way(refusal),
            *told_left(plan.left),
        ),
        prospect=_prospect(basis, found),
        refusal=refusal,
        edited=edited,
    )


def _in_the_way(refusal: OnlookerInTheWay | None) -> Iterator[Line]:
    if refusal is not None:
        yield Line(f"{refusal.sentence} {refusal.remedy}", Tone.WARN)


def _edited(basis: Basis) -> tuple[LedgerEntry, ...]:
    """Return the applied scripts that were edited since, for `check`."""
    if not basis.wishes.must_be_at_head:
        return ()
    return edited_scripts(basis.connection, basis.scope.version_table, basis.history)


def _prospect(basis: Basis, found: Found) -> Prospect | None:
    """Return how the rows are asked, where they are those that a script will meet."""
    if not (basis.is_live and basis.wishes.is_written):
        return None
    return Prospect(
        state=basis.current,
        connection=basis.connection,
        ask=basis.ask,
        are_losses_meant=found.are_losses_meant or basis.wishes.allow_loss,
    )


def scope_of(
    context: MigrationContext,
    metadatas: Sequence[MetaData],
    history: History | None = None,
) -> Scope:
    """Return what of its database the project manages.

    Args:
        context: Alembic's context, with the options of the project's env.py.
        metadatas: the models.
        history: the scripts, which may have made things in schemas that the models
            have no more.
    """
    schemas: set[str | None] = {None}
    for metadata in metadatas:
        schemas.update(table.schema for table in metadata.tables.values())
    schemas.update(_further_schemas(context, history, schemas))
    return Scope(
        schemas=tuple(sorted(schemas, key=lambda schema: schema or "")),
        version_table=TableName(context.version_table, context.version_table_schema),
    )


def _further_schemas(
    context: MigrationContext, history: History | None, known: set[str | None]
) -> Iterator[str]:
    """Yield the schemas of which the models say nothing, and that are compared too."""
    if context.connection is None:
        return
    include_name = context.opts.get("include_name")
    others = [name for name in read_schemas(context.connection) if name not in known]
    is_wanted = bool(context.opts.get("include_schemas"))
    text = text_of(history) if others and history is not None else ""
    for name in others:
        is_included = include_name is None or include_name(name, "schema", {})
        if is_included and (is_wanted or says_schema(text, name)):
            yield name


def hooks_of(context: MigrationContext) -> Hooks:
    """Return what the project's options say about what is compared."""
    options: dict[str, Any] = context.opts
    return Hooks(
        include_name=options.get("include_name"),
        include_object=options.get("include_object"),
        compare_type=options.get("compare_type", True),
        compare_server_default=options.get("compare_server_default", True),
    )


def _metadatas(context: MigrationContext) -> Sequence[MetaData]:
    given = context.opts.get("target_metadata")
    if given is None:
        given = _named_by_the_user(context)
    if given is None:
        raise ModelsError(
            "Can't proceed with --autogenerate option; env.py does not provide a"
            " MetaData object or sequence of objects to the context.",
            "Set target_metadata in env.py, or name it: --metadata package.module:Base",
        )
    metadatas: list[MetaData] = to_list(given)
    return metadatas


def _named_by_the_user(context: MigrationContext) -> Sequence[MetaData] | None:
    """Return the models that ``--metadata`` names, for an env.py that names none."""
    environment = context.environment_context
    names = environment.config.attributes.get("metadata") if environment else None
    return named_metadata(names) if names else None


def _asker(context: MigrationContext) -> Ask | None:
    """Return what asks the person at the terminal, if a face brought it."""
    environment = context.environment_context
    ask: Ask | None = environment.config.attributes.get("ask") if environment else None
    return ask


def _is_at_head(context: MigrationContext, history: History) -> bool:
    stands_at = {
        each.revision for each in history.get_revisions(context.get_current_heads())
    }
    return stands_at == history.graph.stamp_of_all()


def _behind(history: History) -> CommandError:
    return _parted(history) or BehindHead(
        "Target database is not up to date.",
        f"Bring it to head with `{history.program} upgrade`, then look again.",
    )


def _parted(history: History) -> CommandError | None:
    """Return what is to be said first where a history has several heads."""
    heads = tuple(history.get_heads())
    if len(heads) < 2:  # noqa: PLR2004  # one line is as it should be
        return None
    return several_heads(
        "Target database is not up to date, and the history has several heads",
        [history.get_revision(each) for each in heads],
        history.graph.parting(heads),
        history.program,
    )


def _equals_head(
    context: MigrationContext, history: History, scope: Scope, wishes: Wishes
) -> bool:
    """Whether a database without a stamp holds what the scripts make."""
    connection = context.connection
    if not wishes.must_be_at_head or context.get_current_heads() or connection is None:
        return False
    live = read_state(connection, scope)
    if not live.tables:
        return False
    with ExitStack() as stack:
        scratch = _scratch(context, history, scope, stack)
        made = Stage(
            heads=tuple(history.get_heads()),
            state=_replayed(context, history, scratch, scope),
        )
    parted = parter(history)
    return bool(standing(live, [made], lambda changes: parted(changes).ours).equal)


def _scratch(
    context: MigrationContext, history: History, scope: Scope, stack: ExitStack
) -> Connection:
    """Return an empty database for the history to be replayed on."""
    assert context.connection is not None
    url = scratch_url_of(context)
    try:
        return stack.enter_context(scratch_like(context.connection, scope, url))
    except NoScratch as cause:
        raise BehindHead(
            f"Target database is not up to date, and {_lowered(cause.sentence)}",
            f"Bring it to head with `{history.program} upgrade` first. {cause.remedy}",
        ) from cause


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _replayed(
    context: MigrationContext, history: History, scratch: Connection, scope: Scope
) -> State:
    heads = tuple(history.get_heads())
    try:
        return replay(
            history,
            heads,
            scratch,
            scope,
            context.opts,
            getattr(context, "arguments", None),
        )
    except CommandError:
        raise
    except Exception as cause:
        raise _parted(history) or BehindHead(
            "Target database is not up to date, and the history cannot be replayed"
            f" on a scratch database: {cause}",
            f"Bring the database to head first, with `{history.program} upgrade`.",
        ) from cause


def _names(state: State) -> set[TableName]:
    return {table.name for table in state.tables}


def _refuse_to_drop_everything(current: State, wanted: State) -> None:
    if current.tables and not wanted.tables:
        raise NoModels(
            f"The models hold no table, but the database has {len(current.tables)};"
            " a script made now would drop them all.",
            "Most likely the module with the models was not imported. Import it where"
            " the app is made, for example `import models` beside `db.init_app(app)`.",
        )


def told_of_unseen(comparisons: Iterable[Comparison]) -> tuple[Line, ...]:
    """Return a line for each database of which not all can be seen or compared."""
    found = {
        told_unseen(each.dialect.name, unseen): None
        for each in comparisons
        if (unseen := each.current.unseen | each.wanted.unseen)
    }
    return tuple(Line(text, Tone.WARN) for text in found)


def facts_of(comparisons: Iterable[Comparison]) -> dict[str, Any]:
    """Return the same as what a program reads of it."""
    all_of_them = list(comparisons)
    return {
        "not_compared": [line.text for line in told_of_unseen(all_of_them)],
        "edited": [entry.revision for each in all_of_them for entry in each.edited],
    }
