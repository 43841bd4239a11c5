"""What of an existing database a first script makes, in the words of the models."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.state import State, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a database holds, parted into what its project knows and the rest.

    Args:
        known: what a first script is to make.
        others: the tables that it leaves alone.
        wanted: what the models want, constraints called as the database calls them.
    """

    known: State
    others: tuple[Table, ...]
    wanted: State


def baseline(live: State, models: State, *, takes_all: bool = False) -> Baseline:
    """Return what of *live* a first script makes.

    It is what the models know of, as it is and not as they want it. Where both agree
    it is told by the models' own types and expressions.

    Args:
        live: what the database holds.
        models: what the models want; empty if there are none.
        takes_all: make the tables too that the models do not know.
    """
    wanted = adopt_names(models, live)
    if takes_all or not models.tables:
        return Baseline(known=_reworded(live, wanted), others=(), wanted=wanted)
    names = {table.name for table in wanted.tables}
    tables = frozenset(table for table in live.tables if table.name in names)
    spelled = " ".join(
        column.type.spelling for table in tables for column in table.columns
    )
    others: dict[str, Any] = {
        kind.name: _known(getattr(live, kind.name), getattr(wanted, kind.name), spelled)
        for kind in fields(State)
        if kind.compare and kind.name != "tables"
    }
    left = sorted(live.tables - tables, key=lambda table: str(table.name))
    return Baseline(
        known=_reworded(replace(live, tables=tables, **others), wanted),
        others=tuple(left),
        wanted=wanted,
    )


def _known(live: Iterable[Any], wanted: Iterable[Any], spelled: str) -> frozenset[Any]:
    """Return the things beside the tables that models or the types of columns name."""
    names = {(each.schema, each.name) for each in wanted}
    return frozenset(
        each
        for each in live
        if (each.schema, each.name) in names or each.name in spelled
    )


def _reworded(live: State, wanted: State) -> State:
    models = {table.name: table for table in wanted.tables}
    tables = (_like(table, models.get(table.name)) for table in live.tables)
    return replace(live, tables=frozenset(tables))


def _like(table: Table, model: Table | None) -> Table:
    """Return *table*, each of its parts as *model* writes what is equal to it."""
    if model is None:
        return table
    columns = {column: column for column in model.columns}
    return replace(
        table,
        columns=tuple(
            replace(columns.get(column, column), position=column.position)
            for column in table.columns
        ),
        constraints=_as_written(table.constraints, model.constraints),
        indexes=_as_written(table.indexes, model.indexes),
    )


def _as_written(live: frozenset[Any], written: frozenset[Any]) -> frozenset[Any]:
    texts = {each: each for each in written}
    return frozenset(texts.get(each, each) for each in live)
