"""What leads from a database to its models, and what of it a person decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData
from sqlalchemy.engine import Connection

from whimbrel.catalog.hints import default_as_sql, read_defaults, read_hints
from whimbrel.catalog.hooks import Hooks, Sides, heard
from whimbrel.catalog.models import read_models
from whimbrel.commands.filling import Defaults, Place, fill_rows
from whimbrel.commands.live_rows import LiveRows
from whimbrel.commands.loss import kept_from_database, losses
from whimbrel.commands.outside import Parted, part, with_what_goes
from whimbrel.commands.questions import YES, Ask, Question
from whimbrel.commands.renaming import Decided, decide, unsure
from whimbrel.commands.wishes import Wishes, is_named
from whimbrel.errors import TablesVanish
from whimbrel.report.report import Line, Tone
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.changes import Change, TableChange
from whimbrel.schema.diff import diff
from whimbrel.schema.enum_likeness import (
    renamed_types,
    shared_values,
    value_candidates,
)
from whimbrel.schema.fills import Fill, parse_fills
from whimbrel.schema.folding import kept_fills, kept_patterns, kept_renames
from whimbrel.schema.likeness import Candidates, candidates
from whimbrel.schema.renames import (
    Rename,
    TableRename,
    firm_names,
    in_order,
    is_about,
    is_of_a_part,
    meant,
    not_done,
    parse_renames,
    rename_all,
)
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import State
from whimbrel.schema.unsaid import told_otherwise
from whimbrel.schema.untangling import untangled
from whimbrel.script.history import History


MANY = 5
"""How many tables must vanish for someone to be asked whether that is meant."""


@dataclass(frozen=True, kw_only=True)
class Basis:
    """All that a comparison starts from.

    Args:
        context: Alembic's context as the project's env.py configured it.
        hooks: what the project says about what is compared.
        history: the scripts that are there.
        metadatas: the models.
        connection: the live database.
        scope: what of it is ours.
        current: the state of the database, or the one that the history makes.
        wanted: the state of the models.
        is_live: the current state is that of the live database.
        wishes: what the user asked for.
        ask: asks the person at the terminal; None if there is none.
    """

    context: MigrationContext
    hooks: Hooks
    history: History
    metadatas: Sequence[MetaData]
    connection: Connection
    scope: Scope
    current: State
    wanted: State
    is_live: bool
    wishes: Wishes
    ask: Ask | None

    @property
    def is_one_of_many(self) -> bool:
        """Whether other databases are compared too, of which options may speak."""
        return str(self.context.opts.get("upgrade_token", "upgrades")) != "upgrades"

    @cached_property
    def defaults(self) -> Defaults:
        """The defaults that the models have and do not tell the database."""
        found = read_defaults(self.metadatas, self.connection)
        return {Place(each.table, each.column): each for each in found}

    def rows(self, renames: tuple[Rename, ...]) -> LiveRows:
        """Return what tells of the rows, by the names after *renames*."""
        return LiveRows(
            connection=self.connection if self.is_live else None, renames=renames
        )


@dataclass(frozen=True, kw_only=True)
class Found:
    """What leads from a database to its models.

    Args:
        ours: the changes that a script makes.
        outside: what the models do not have and no script ever made; left alone.
        fills: what rows get in columns that must not be NULL.
        are_losses_meant: a person said already that tables go with their rows.
        notes: what was decided, and what is lost.
    """

    ours: tuple[Change, ...]
    outside: tuple[Change, ...] = ()
    fills: tuple[Fill, ...] = ()
    are_losses_meant: bool = False
    notes: tuple[Line, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """Two states, some renames between them, and what else is different."""

    sides: Sides
    parted: Parted

    @property
    def candidates(self) -> Candidates:
        """The pairs that may be renames too."""
        ours, current = self.parted.ours, self.sides.current
        found = candidates(ours, current, self.sides.wanted)
        return replace(found, values=value_candidates(ours, current))

    @property
    def types(self) -> tuple[TableRename, ...]:
        """The enumerated types that are others only by name."""
        sides = self.sides
        return tuple(renamed_types(self.parted.ours, sides.current, sides.wanted))


def find_differences(basis: Basis) -> Found:
    """Return what leads from the database to the models.

    Raises:
        RenameUnsure: there may be renames, and nobody says.
        ValueNeeded: rows need a value, and nobody says which.
        TablesVanish: most tables are gone from the models, and nobody says why.
    """
    decided, seen = _with_renames(basis)
    ours, wishes = seen.parted.ours, basis.wishes
    fills = _fills(basis)
    if not wishes.is_written:
        return Found(
            ours=ours,
            outside=seen.parted.outside,
            fills=fills,
            notes=tuple(_left_as_it_is(basis)),
        )
    are_meant = _beware_of_vanishing(basis, ours)
    rows = basis.rows(decided.renames)
    filled = fill_rows(ours, fills, basis.defaults, rows, basis.ask)
    python = kept_from_database(
        ours, basis.defaults, are_written=wishes.server_defaults
    )
    return Found(
        ours=ours,
        outside=seen.parted.outside,
        fills=filled.fills,
        are_losses_meant=are_meant,
        notes=(
            *decided.notes,
            *_left_as_it_is(basis),
            *losses(ours),
            *filled.notes,
            *python,
        ),
    )


def _left_as_it_is(basis: Basis) -> Iterator[Line]:
    """Yield a line for each thing of the models that is not compared."""
    for told in (*basis.wanted.discords, *told_otherwise(basis.wanted, basis.current)):
        yield Line(told, Tone.WARN)
    for table in sorted(basis.wanted.tables, key=lambda each: each.name):
        if table.name in basis.current.partitions:
            yield Line(
                f"{table.name} is a part of a partitioned table and follows it; what"
                " the models say of it is not compared.",
                Tone.WARN,
            )


def _fills(basis: Basis) -> tuple[Fill, ...]:
    """Return the values for rows that options name."""
    said = parse_fills(basis.wishes.fill, basis.wishes.fill_sql)
    fills = kept_fills(said, basis.current)
    if not basis.is_one_of_many:
        return fills
    return tuple(each for each in fills if basis.wanted.table(each.table))


def _with_renames(basis: Basis) -> tuple[Decided, _Seen]:
    """Look, decide what was renamed, and look again, until there is no more."""
    decided = Decided(renames=_told(basis))
    seen = _look(basis, decided.renames)
    if basis.wishes.no_rename:
        return decided, seen
    while True:
        rows = basis.rows(decided.renames)
        further = decide(seen.candidates, decided, rows, basis.ask).plus(seen.types)
        if further.renames == decided.renames:
            break
        decided = further
        seen = _look(basis, decided.renames)
    left = seen.candidates.uncertain
    if left and basis.ask is None and basis.wishes.is_written:
        raise unsure(left)
    return decided, seen


def _told(basis: Basis) -> tuple[Rename, ...]:
    """Return the renames that options name, and those at which the models hint."""
    current, wanted = basis.current, basis.wanted
    said = kept_renames(parse_renames(basis.wishes.rename), current)
    told = meant(said, current)
    told = tuple(each for each in told if not is_of_a_part(each, current, wanted))
    if basis.is_one_of_many:
        told = tuple(each for each in told if is_about(each, current, wanted))
    hinted = read_hints(basis.metadatas, basis.connection)
    return in_order((*told, *not_done(hinted, told, current, wanted)))


def _look(basis: Basis, renames: tuple[Rename, ...]) -> _Seen:
    """Return what is different beside *renames*."""
    wishes = basis.wishes
    ordered = untangled(renames, basis.current)
    renamings, renamed = rename_all(basis.current, ordered)
    further = shared_values(ordered, renamed, basis.wanted)
    if further:
        renamings, renamed = rename_all(basis.current, (*ordered, *further))
    sides = heard(
        renamed,
        _with_server_defaults(basis, renamed),
        basis.hooks,
        basis.metadatas,
        basis.context,
    )
    wanted = adopt_names(
        firm_names(sides.wanted, renames),
        sides.current,
        rename=wishes.rename_constraints,
    )
    changes = renamings + diff(sides.current, wanted)
    parted = Parted(ours=changes)
    if basis.is_live:
        drop = kept_patterns(wishes.drop, basis.current)
        parted = part(changes, basis.history, drop)
        parted = with_what_goes(parted, sides.current)
    return _Seen(sides=Sides(sides.current, wanted), parted=parted)


def _with_server_defaults(basis: Basis, current: State) -> State:
    """Return the wanted state; if asked for, what is new has the models' defaults."""
    if not basis.wishes.server_defaults:
        return basis.wanted
    generous = read_models(
        basis.metadatas,
        basis.connection,
        basis.scope,
        default_as_sql(basis.connection),
    )
    there = {
        Place(table.name, column.name)
        for table in current.tables
        for column in table.columns
    }
    plain = {table.name: table for table in basis.wanted.tables}
    tables = (
        replace(
            table,
            columns=tuple(
                old if Place(table.name, new.name) in there else new
                for old, new in zip(
                    plain[table.name].columns, table.columns, strict=True
                )
            ),
        )
        for table in generous.tables
    )
    return replace(basis.wanted, tables=frozenset(tables))


def _beware_of_vanishing(basis: Basis, changes: tuple[Change, ...]) -> bool:
    """Whether a person was asked about most of the tables, and lets them go."""
    gone = sorted(_vanishing(changes))
    dropped = kept_patterns(basis.wishes.drop, basis.current)
    unnamed = [name for name in gone if not is_named(name, dropped)]
    total = len(basis.current.tables)
    if len(unnamed) < MANY or 2 * len(gone) <= total:
        return False
    told = (
        f"{len(gone)} of {total} tables are in the models no more: {', '.join(gone)}."
    )
    if basis.ask is not None:
        question = Question(
            text="Drop them with their rows?",
            reasons=(told, "a module with models that is not imported looks like this"),
        )
        if basis.ask(question) == YES:
            return True
    raise TablesVanish(
        told,
        "If a module with models was not imported, import it where the app is made. If"
        " they shall go, name them, or a pattern: --drop 'old_*'",
        tables=tuple(gone),
    )


def _vanishing(changes: tuple[Change, ...]) -> Iterator[str]:
    for change in changes:
        if isinstance(change, TableChange) and change.before and not change.after:
            yield str(change.before.name)
