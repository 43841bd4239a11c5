"""The verb that compares any two schemas: databases, files of SQL, models."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations import ops
from sqlalchemy import MetaData, make_url
from sqlalchemy.engine import URL, Connection

from whimbrel.catalog.bystanders import read_bystanders
from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_footings, read_parts, read_state
from whimbrel.catalog.scratch import scratch_like
from whimbrel.catalog.scratch_server import synchronous
from whimbrel.catalog.sql_file import load_sql
from whimbrel.checks.preflight import told_broken
from whimbrel.commands.wishes import Wishes
from whimbrel.config import Config, engine_from_section, named_metadata
from whimbrel.errors import ConfigError
from whimbrel.plan.build import build, told_alike, with_footings_followed
from whimbrel.plan.onlookers import turned_into
from whimbrel.plan.step import Plan, Step, one_by_one
from whimbrel.report.report import Line, Report, Tone, describe_changes, told_left
from whimbrel.run.stand import make, stand
from whimbrel.run.steps import sql_of, sql_of_doing
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.bystanders import told_bystanders
from whimbrel.schema.changes import Change
from whimbrel.schema.dialect import Dialect, described, dialect_of, is_one_kind
from whimbrel.schema.diff import diff as difference
from whimbrel.schema.exactly import with_counters_told, with_parts_told
from whimbrel.schema.fills import parse_fills
from whimbrel.schema.folding import renames_by_case
from whimbrel.schema.footings import SCHEMA, with_footings_of
from whimbrel.schema.key_indexes import with_indexes_told
from whimbrel.schema.renames import Rename, firm_names, parse_renames, rename_all
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import Onlooker, State, TableName
from whimbrel.schema.unseen import told_unseen
from whimbrel.schema.untangling import untangled
from whimbrel.script.render import render
from whimbrel.script.save import Part, message_of, save_alone


HOW = (
    "Name two of these: the URL of a database, a file of SQL, models as"
    " package.module:Base. For instance: whimbrel diff postgresql:///old schema.sql"
)
ARE_DIFFERENT = 2
NO_WISHES = Wishes()


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What of two schemas is compared.

    Args:
        schemas: schemas beside the default one.
        include: patterns of the tables; none: all.
        exclude: patterns of tables that are left out.
    """

    schemas: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def accepts(self, name: TableName) -> bool:
        """Whether a table is compared."""
        return (not self.include or _matches(name, self.include)) and not _matches(
            name, self.exclude
        )

    def scope(self, models: Iterable[MetaData] = ()) -> Scope:
        """Return what is read of a database, or of *models*."""
        named = {
            table.schema
            for metadata in models
            for table in metadata.tables.values()
            if table.schema is not None
        }
        schemas = dict.fromkeys((None, *self.schemas, *sorted(named)))
        return Scope(schemas=tuple(schemas), accepts=self.accepts)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What lies between two schemas.

    Args:
        at: a connection to a database of their dialect.
        source: a connection to where the first schema stands; None for models.
        beside: what differs beside the tables, and is not compared.
    """

    at: Connection
    source: Connection | None
    current: State
    target: State
    changes: tuple[Change, ...]
    plan: Plan
    beside: tuple[str, ...] = ()

    @property
    def uncompared(self) -> tuple[str, ...]:
        """What of the two is not compared, in a sentence, if not all is."""
        unseen = self.current.unseen | self.target.unseen
        told = (told_unseen(dialect_of(self.at).name, unseen),) if unseen else ()
        return (*told, *self.beside)


def diff(
    config: Config,  # noqa: ARG001 - every verb has one
    sides: Sequence[str] | None,
    *,
    as_sql: bool = False,
    script: str | None = None,
    json: bool = False,
    schema: Sequence[str] = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    dialect_url: str | None = None,
    wishes: Wishes = NO_WISHES,
) -> Report:
    """Tell what leads from one schema to another; exit code 2 where they differ.

    Args:
        config: not needed; no project is.
        sides: two of: the URL of a database, a file of SQL, ``package.module:Base``.
        as_sql: tell it as SQL.
        script: write it to this file as a script of Alembic's.
        json: tell it as JSON.
        schema: schemas to compare beside the default one.
        include: patterns of the tables to compare.
        exclude: patterns of tables to leave out.
        dialect_url: a database whose server is used for files of SQL and models.
        wishes: renames, and values for rows.

    Raises:
        ConfigError: a side cannot be read, or the two cannot be compared.
    """
    sides = sides or ()
    if len(sides) != 2:  # noqa: PLR2004 - from one to the other
        raise ConfigError(f"There must be two schemas, not {len(sides)}.", HOW)
    wanted = Wanted(
        schemas=tuple(schema), include=tuple(include), exclude=tuple(exclude)
    )
    with ExitStack() as stack:
        outcome = _compared(sides, wanted, dialect_url, wishes, stack)
        if script is not None:
            _write(script, outcome)
        sql = _as_sql(outcome, wanted, stack) if as_sql else None
    return _told(outcome, script, is_json=json, sql=sql)


def _compared(
    sides: Sequence[str],
    wanted: Wanted,
    dialect_url: str | None,
    wishes: Wishes,
    stack: ExitStack,
) -> Outcome:
    connections = {each: _connection(each, stack) for each in sides if _is_url(each)}
    home = next(iter(connections.values()), None)
    if dialect_url is not None:
        home = home or _connection(dialect_url, stack)
    if home is None:
        raise ConfigError(
            "Nothing says which database these schemas are for.",
            "Name the URL of one whose server may be used: --dialect-url URL",
        )
    for each in connections.values():
        _refuse_another_kind(home, each)
    at, scope = _Reading(home, connections, wanted, stack), wanted.scope(_models(sides))
    current, target = (at.state(each, scope) for each in sides)
    if all(each in at.connections for each in sides):
        current, target = _exactly(current, target, home)
    current, target = with_indexes_told(current, target)
    renames = _renames(wishes, current, target, dialect_of(home))
    renamings, renamed = rename_all(current, untangled(renames, current))
    target = adopt_names(firm_names(target, renames), renamed)
    changes = renamings + difference(renamed, target)
    fills = parse_fills(wishes.fill)
    if all(each in at.connections for each in sides):
        is_whole = not (wanted.include or wanted.exclude) and all(map(_is_url, sides))
        called = with_footings_followed(current, renamings, dialect_of(home))
        current, target, beside = with_footings_of(called, target, schemas_too=is_whole)
        changes = renamings + beside + changes[len(renamings) :]
    else:
        footings = dict.fromkeys((*current.footings, *target.footings))
        target = replace(target, footings=tuple(footings))  # none of them goes
    if sides[1] in at.connections:
        current = replace(current, onlookers=tuple(_turned(current, target)))
    plan = build(changes, current, target, dialect_of(home), fills)
    return Outcome(
        at=home,
        source=connections.get(sides[0]),
        current=current,
        target=target,
        changes=changes,
        plan=plan,
        beside=at.told_beside(sides, scope, current, target)
        + at.broken_by(plan, current, sides[0]),
    )


def _renames(
    wishes: Wishes, current: State, target: State, dialect: Dialect
) -> tuple[Rename, ...]:
    """Return the renames that are told, and those that can be nothing else."""
    told = parse_renames(wishes.rename)
    if not dialect.folds_columns:
        return told
    _, renamed = rename_all(current, untangled(told, current))
    return (*told, *renames_by_case(renamed, target))


def _exactly(current: State, target: State, home: Connection) -> tuple[State, State]:
    """Return the states of two databases with what models have no words for."""
    current, target = map(with_counters_told, (current, target))
    current, target = map(with_parts_told, (current, target))
    return told_alike(current, target, dialect_of(home))


@dataclass(frozen=True)
class _Reading:
    """Reads each kind of side, and keeps the connections to those that stand."""

    home: Connection
    connections: dict[str, Connection]
    wanted: Wanted
    stack: ExitStack

    def state(self, side: str, scope: Scope) -> State:
        """Return the state that *side* describes."""
        if side in self.connections:
            found = _standing(self.connections[side], scope)
        elif _is_sql(side):
            scratch = self.stack.enter_context(scratch_like(self.home, scope))
            load_sql(scratch, Path(side))
            self.connections[side] = scratch
            found = _standing(scratch, scope)
        else:
            found = read_models(list(named_metadata(side)), self.home, scope)
        tables, parts = (
            frozenset(each for each in every if self.wanted.accepts(each.name))
            for every in (found.tables, found.parts)
        )
        return replace(found, tables=tables, parts=parts)

    def broken_by(self, plan: Plan, current: State, side: str) -> tuple[str, ...]:
        """Return what is said of what works no more after *plan*, where it runs."""
        if side not in self.connections:
            return ()
        operations = one_by_one(step.operation for step in plan.upgrade)
        return told_broken(operations, current, self.connections[side])

    def told_beside(
        self, sides: Sequence[str], scope: Scope, current: State, target: State
    ) -> tuple[str, ...]:
        """Return what differs beside the tables, where both are databases."""
        is_part = self.wanted.include or self.wanted.exclude
        if is_part or not all(each in self.connections for each in sides):
            return ()
        made = {
            f"{each.kind} {each.name}" for each in target.footings if each.is_needed
        }
        made |= {
            f"comment on schema {each.name}"
            for each in (*current.footings, *target.footings)
            if each.kind == SCHEMA
        }
        found = (read_bystanders(self.connections[each], scope) for each in sides)
        return told_bystanders(
            *([each for each in side if str(each) not in made] for side in found)
        )


def _turned(current: State, target: State) -> Iterator[Onlooker]:
    """Yield what looks on as it is to be made again, if a change sends it away."""
    others = {(each.kind, each.name): each for each in target.onlookers}
    for each in current.onlookers:
        yield turned_into(each, others.get((each.kind, each.name)))


def _standing(connection: Connection, scope: Scope) -> State:
    footings = read_footings(connection, scope)
    parts = read_parts(connection, scope)
    return replace(read_state(connection, scope), footings=footings, parts=parts)


def _models(sides: Iterable[str]) -> list[MetaData]:
    found: list[MetaData] = []
    for side in sides:
        if not (_is_url(side) or _is_sql(side)):
            if str(Path.cwd()) not in sys.path:
                sys.path.insert(0, str(Path.cwd()))
            found += named_metadata(side)
    return found


def _is_url(side: str) -> bool:
    return "://" in side


def _is_sql(side: str) -> bool:
    return not _is_url(side) and (side.endswith(".sql") or Path(side).is_file())


def _connection(text: str, stack: ExitStack) -> Connection:
    url = make_url(text)
    if url.get_dialect().is_async:
        url = synchronous(url)
    _refuse_missing_file(url)
    engine: Any = engine_from_section({"sqlalchemy.url": url})
    stack.callback(engine.dispose)
    connection: Connection = stack.enter_context(engine.connect())
    return connection


def _refuse_missing_file(url: URL) -> None:
    """Refuse a file that is not there: to connect would make it."""
    name = url.database or ""
    if not described(url.get_dialect()()).is_one_file or name in ("", ":memory:"):
        return
    if not name.startswith("file:") and not Path(name).is_file():
        raise ConfigError(
            f"There is no database {name}.", "Name one that exists, or a file of SQL."
        )


def _refuse_another_kind(home: Connection, other: Connection) -> None:
    if not is_one_kind(home.dialect.name, other.dialect.name):
        raise ConfigError(
            f"A schema of {home.dialect.name} and one of {other.dialect.name} cannot be"
            " compared: each database has its own words for the same thing.",
            "Compare each of them with the models: package.module:Base.",
        )


def _matches(name: TableName, patterns: Iterable[str]) -> bool:
    return any(
        fnmatchcase(text, pattern)
        for pattern in patterns
        for text in {name.name, str(name)}
    )


def _as_sql(outcome: Outcome, wanted: Wanted, stack: ExitStack) -> str:
    """Return the SQL of the plan; a database in one file rebuilds, so that is tried."""
    if not outcome.plan.upgrade:
        return ""
    if not dialect_of(outcome.at).is_one_file:
        return sql_of(outcome.at, outcome.plan.upgrade)
    scope = wanted.scope()
    scratch = stack.enter_context(scratch_like(outcome.at, scope))
    if outcome.source is None:
        make(scratch, outcome.current)
    else:
        stand(outcome.source, scratch, scope, outcome.current)
    return sql_of_doing(scratch, outcome.plan.upgrade)


def _write(path: str, outcome: Outcome) -> None:
    """Write the plan as a script that follows no other."""
    context = MigrationContext.configure(
        outcome.at, opts={"render_as_batch": not dialect_of(outcome.at).has_alter}
    )
    body = render(
        ops.UpgradeOps(_operations(outcome.plan.upgrade)),
        ops.DowngradeOps(_operations(outcome.plan.downgrade)),
        AutogenContext(context, opts=_RENDERED | context.opts, autogenerate=False),
    )
    part = Part(upgrade_token="upgrades", downgrade_token="downgrades", body=body)
    save_alone(Path(path), part, message_of(outcome.changes))


_RENDERED = {
    "alembic_module_prefix": "op.",
    "sqlalchemy_module_prefix": "sa.",
    "user_module_prefix": None,
    "render_item": None,
}


def _operations(steps: Iterable[Step]) -> list[ops.MigrateOperation]:
    return [step.operation for step in steps]


def _told(
    outcome: Outcome, script: str | None, *, is_json: bool, sql: str | None
) -> Report:
    changes = outcome.changes
    lines = describe_changes(changes)
    data: dict[str, object] = {
        "differ": bool(changes),
        "changes": [line.text for line in lines],
    }
    if sql is not None:
        data["sql"] = sql
        lines = tuple(Line(each) for each in sql.splitlines())
    elif not changes:
        lines = (Line("No differences.", Tone.GOOD),)
    lines += told_left(outcome.plan.left) if sql is None else ()
    if outcome.uncompared:
        data["not_compared"] = list(outcome.uncompared)
        sign = "" if sql is None else "-- "
        told = (Line(f"{sign}{each}", Tone.WARN) for each in outcome.uncompared)
        lines = (*told, *lines)
    if script is not None:
        data["script"] = script
        lines += (Line(f"Script: {script}", Tone.GOOD),) if sql is None else ()
    if is_json:
        lines = (Line(json_text.dumps(data, indent=2, ensure_ascii=False)),)
    return Report(
        lines=lines,
        changes=changes,
        data=data,
        script_path=script,
        exit_code=ARE_DIFFERENT if changes else 0,
    )
