"""Which constraint of a table a script means, where MySQL or MariaDB named it.

A constraint without a name gets one from the server: ``email``, ``item_ibfk_1``,
``CONSTRAINT_1``.  Scripts that also run elsewhere call it as a convention does, or
not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from sqlalchemy import (
    CheckConstraint,
    Column,
    Constraint,
    ForeignKeyConstraint,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import NULLTYPE

from whimbrel.catalog.mysql_table_text import ItemKind, ItemText, TableText, folded
from whimbrel.errors import MigrationFailed
from whimbrel.schema import state
from whimbrel.schema.names import default_name


Convention = Mapping[str, str]

KINDS: dict[type[Constraint], ItemKind] = {
    PrimaryKeyConstraint: ItemKind.PRIMARY_KEY,
    UniqueConstraint: ItemKind.UNIQUE,
    ForeignKeyConstraint: ItemKind.FOREIGN_KEY,
    CheckConstraint: ItemKind.CHECK,
}
_STATE_KINDS: dict[ItemKind, type[state.Constraint]] = {
    ItemKind.PRIMARY_KEY: state.PrimaryKey,
    ItemKind.UNIQUE: state.Unique,
    ItemKind.FOREIGN_KEY: state.ForeignKey,
    ItemKind.CHECK: state.Check,
}


def find_item(
    table: TableText,
    table_name: str,
    name: str | None,
    kind: ItemKind | None,
    conventions: Iterable[Convention],
) -> ItemText | None:
    """Return the constraint that a script means, if it is clear which one.

    Args:
        table: the definition of the table.
        table_name: its name.
        name: what the script calls the constraint; None if it does not.
        kind: what it is; None if the script does not say.
        conventions: naming conventions that may have made the name.
    """
    candidates = [
        each
        for each in table.items
        if each.kind in _STATE_KINDS and kind in (None, each.kind)
    ]
    if kind is ItemKind.PRIMARY_KEY:
        return next(iter(candidates), None)
    if name is None:
        return candidates[0] if kind and len(candidates) == 1 else None
    by_name = (each for each in candidates if folded(each.name) == folded(name))
    if found := next(by_name, None):
        return found
    if kind in (None, ItemKind.UNIQUE) and (found := find_index(table, name)):
        return found
    unnamed = [each for each in candidates if is_named_by_server(each, table_name)]
    return _by_made_name(unnamed, table, table_name, name, conventions)


def find_index(table: TableText, name: str) -> ItemText | None:
    """Return the index called *name*, be it that of a key."""
    kinds = (ItemKind.UNIQUE, ItemKind.INDEX, ItemKind.PRIMARY_KEY)
    for item in table.items:
        if item.kind in kinds and folded(item.name) == folded(name):
            return item
    return None


def is_named_by_server(item: ItemText, table_name: str) -> bool:
    """Whether the name of a constraint looks as if nobody had given it."""
    if item.column is not None or item.kind is ItemKind.PRIMARY_KEY:
        return True
    table = re.escape(table_name)
    first = re.escape(next(iter(item.columns), None) or "")
    pattern = {
        ItemKind.UNIQUE: rf"{first}(_\d+)?",
        ItemKind.FOREIGN_KEY: rf"({table}_ibfk_)?\d+",
        ItemKind.CHECK: rf"CONSTRAINT_\d+|{table}_chk_\d+",
    }.get(item.kind, "")
    return re.fullmatch(pattern, item.name, re.IGNORECASE) is not None


def _by_made_name(
    unnamed: Sequence[ItemText],
    table: TableText,
    table_name: str,
    name: str,
    conventions: Iterable[Convention],
) -> ItemText | None:
    for item in unnamed:
        if folded(_default_name(item, table_name)) == folded(name):
            return item
    for convention in conventions:
        for item in unnamed:
            made = _conventional_name(item, table, table_name, convention)
            if made is not None and folded(made) == folded(name):
                return item
    meant = [
        each
        for each in unnamed
        if each.columns
        and all(folded(column or "") in folded(name) for column in each.columns)
    ]
    return meant[0] if len(meant) == 1 else None


def _default_name(item: ItemText, table_name: str) -> str:
    return default_name(
        _STATE_KINDS[item.kind],
        table_name,
        [column for column in item.columns if column],
        item.target[-1] if item.target else "",
    )


def _conventional_name(
    item: ItemText, table: TableText, table_name: str, convention: Convention
) -> str | None:
    """Return the name that SQLAlchemy makes for a constraint by *convention*."""
    metadata = MetaData(naming_convention=dict(convention))
    columns = [Column(each.name, NULLTYPE) for each in table.columns]
    constraint = _as_sqlalchemy(item, table_name, metadata)
    with suppress(SQLAlchemyError, KeyError, ValueError):
        Table(table_name, metadata, *columns, constraint)
        return str(constraint.name) if isinstance(constraint.name, str) else None
    return None


def _as_sqlalchemy(item: ItemText, table_name: str, metadata: MetaData) -> Constraint:
    names = [column for column in item.columns if column]
    match item.kind:
        case ItemKind.PRIMARY_KEY:
            return PrimaryKeyConstraint(*names)
        case ItemKind.FOREIGN_KEY:
            target = item.target[-1]
            if folded(target) != folded(table_name):
                others = (Column(each, NULLTYPE) for each in item.target_columns)
                Table(target, metadata, *others)
            targets = [f"{target}.{each}" for each in item.target_columns]
            return ForeignKeyConstraint(names, targets)
        case ItemKind.CHECK:
            return CheckConstraint(text(item.expression))
        case _:
            return UniqueConstraint(*names)


def no_such_constraint(
    table: TableText, table_name: str, name: str | None
) -> MigrationFailed:
    """Return the error that a script speaks of what the table does not have."""
    there = [each.name for each in table.items if each.kind in _STATE_KINDS]
    what = f"constraint {name}" if name else "constraint that fits"
    return MigrationFailed(
        f"No such constraint: table {table_name} has no {what}. It has:"
        f" {', '.join(there) or 'none'}.",
        "Name one of them in the script.",
        table=table_name,
        constraint=name,
    )
