"""Which constraint of a table a script means by a name.

A constraint may stand in the table without a name, and yet a script must call it
something: the name that a naming convention makes, or the one that we give it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

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

from whimbrel.catalog.sqlite import tables_of
from whimbrel.catalog.sqlite_ddl import ClauseKind, TableText, canonical, folded
from whimbrel.catalog.sqlite_master import SchemaText
from whimbrel.catalog.sqlite_text import Reference
from whimbrel.errors import MigrationFailed
from whimbrel.run.constraint_text import Place, places
from whimbrel.schema import state
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import Naming


Convention = Mapping[str, str]


class NoSuchConstraint(MigrationFailed, ValueError):
    """A script speaks of a constraint that the table does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a script says of a constraint that it means.

    Args:
        name: its name; None if the script has none to tell.
        kind: what it is; None if the script does not say.
        expression: what a check says, if the script tells that.
    """

    name: str | None
    kind: ClauseKind | None
    expression: str | None = None


def find_constraint(
    table: TableText,
    wanted: Wanted,
    conventions: Iterable[Convention],
    others: Callable[[], Sequence[SchemaText]],
) -> Place:
    """Return the constraint that a script means.

    Args:
        table: the definition of the table.
        wanted: what the script says.
        conventions: naming conventions that may have made the name.
        others: gives the texts of the tables as they stand in the database; the
            names that we give go by these.

    Raises:
        NoSuchConstraint: there is none, or it is not clear which one.
    """
    candidates = [
        place
        for place in places(table)
        if wanted.kind is None or place.clause.kind is wanted.kind
    ]
    found = (
        _by_name(candidates, wanted.name)
        or _by_default_name(table, candidates, wanted.name, others)
        or _by_convention(table, candidates, wanted.name, conventions)
        or _by_content(candidates, wanted)
    )
    if found is None:
        raise _missing(table, wanted, others)
    return found


def _by_name(candidates: Sequence[Place], name: str | None) -> Place | None:
    if name is None:
        return None
    named = [each for each in candidates if each.clause.name]
    exact = [each for each in named if each.clause.name == name]
    alike = [each for each in named if folded(each.clause.name or "") == folded(name)]
    return next(iter(exact + alike), None)


def _by_default_name(
    table: TableText,
    candidates: Sequence[Place],
    name: str | None,
    others: Callable[[], Sequence[SchemaText]],
) -> Place | None:
    if name is None or all(each.clause.name for each in candidates):
        return None
    for constraint in _read(table.name, others()):
        is_meant = folded(constraint.name) == folded(name)
        if is_meant and constraint.naming is Naming.NONE:
            for place in candidates:
                if place.clause.name is None and _is_place_of(place, constraint):
                    return place
    return None


def _read(name: str, stored: Iterable[SchemaText]) -> tuple[state.Constraint, ...]:
    """Return the constraints of a table as the reader of the catalog tells them."""
    scope = Scope(accepts=lambda each: folded(each.name) == folded(name))
    (read,) = tables_of(stored, scope)
    return tuple(sorted(read.constraints, key=lambda each: each.name))


def _is_place_of(place: Place, constraint: state.Constraint) -> bool:
    """Whether a clause says what a constraint of the catalog says."""
    clause = place.clause
    columns = [folded(name) for name in place.columns]
    match constraint:
        case state.PrimaryKey():
            return clause.kind is ClauseKind.PRIMARY_KEY
        case state.Unique():
            is_kind = clause.kind is ClauseKind.UNIQUE
            return is_kind and columns == [folded(each) for each in constraint.columns]
        case state.ForeignKey():
            is_from = columns == [folded(each) for each in constraint.columns]
            reference = clause.reference
            return is_from and reference is not None and _leads(reference, constraint)
        case state.Check():
            is_kind = clause.kind is ClauseKind.CHECK
            said = canonical(clause.expression or "")
            return is_kind and said == constraint.expression.canonical
        case state.Exclusion():
            return False


def _leads(reference: Reference, key: state.ForeignKey) -> bool:
    """Whether a reference leads where a foreign key does, and does what it does."""
    columns = [folded(each) for each in reference.columns]
    actions = (reference.on_delete, reference.on_update)
    return (
        folded(reference.table) == folded(key.target.name)
        and columns in ([], [folded(each) for each in key.target_columns])
        and [None if each == "NO ACTION" else each for each in actions]
        == [key.on_delete, key.on_update]
    )


def _by_convention(
    table: TableText,
    candidates: Sequence[Place],
    name: str | None,
    conventions: Iterable[Convention],
) -> Place | None:
    if name is None:
        return None
    for convention in conventions:
        for place in candidates:
            if place.clause.name is None:
                made = _conventional_name(table, place, convention)
                if made is not None and folded(made) == folded(name):
                    return place
    return None


def _conventional_name(
    table: TableText, place: Place, convention: Convention
) -> str | None:
    """Return the name that SQLAlchemy makes for a constraint by *convention*."""
    metadata = MetaData(naming_convention=dict(convention))
    columns = [Column(column.name, NULLTYPE) for column in table.columns]
    constraint = _as_sqlalchemy(table, place, metadata)
    with suppress(SQLAlchemyError, KeyError, ValueError):
        Table(table.name, metadata, *columns, constraint)
        return str(constraint.name) if isinstance(constraint.name, str) else None
    return None


def _as_sqlalchemy(table: TableText, place: Place, metadata: MetaData) -> Constraint:
    clause, names = place.clause, _spelled(table, place.columns)
    if clause.kind is ClauseKind.PRIMARY_KEY:
        return PrimaryKeyConstraint(*names)
    if clause.kind is ClauseKind.UNIQUE:
        return UniqueConstraint(*names)
    if clause.reference is None:
        return CheckConstraint(text(clause.expression or ""))
    target = clause.reference.table
    targets = clause.reference.columns or ("id",) * len(names)
    if folded(target) != folded(table.name):
        Table(target, metadata, *(Column(each, NULLTYPE) for each in targets))
    return ForeignKeyConstraint(names, [f"{target}.{each}" for each in targets])


def _spelled(table: TableText, names: Iterable[str]) -> list[str]:
    known = {folded(column.name): column.name for column in table.columns}
    return [known.get(folded(name), name) for name in names]


def _by_content(candidates: Sequence[Place], wanted: Wanted) -> Place | None:
    """Return the unnamed constraint that is meant, if only one can be."""
    unnamed = [each for each in candidates if each.clause.name is None]
    if wanted.expression is not None:
        said = canonical(wanted.expression)
        unnamed = [each for each in unnamed if _says(each, said)]
        return unnamed[0] if unnamed else None
    if wanted.kind is None:
        return None
    if wanted.name is None:
        return candidates[0] if len(candidates) == 1 else None
    name = folded(wanted.name)
    meant = [
        each
        for each in unnamed
        if each.columns and all(folded(column) in name for column in each.columns)
    ]
    return meant[0] if len(meant) == 1 else None


def _says(place: Place, expression: str) -> bool:
    return canonical(place.clause.expression or "") == expression


def _missing(
    table: TableText, wanted: Wanted, others: Callable[[], Sequence[SchemaText]]
) -> NoSuchConstraint:
    there = [
        f"{each.name}{' (unnamed)' if each.naming is Naming.NONE else ''}"
        for each in _read(table.name, others())
    ]
    what = f"constraint {wanted.name}" if wanted.name else "constraint that fits"
    return NoSuchConstraint(
        f"No such constraint: table {table.name} has no {what}. It has:"
        f" {', '.join(there) or 'none'}.",
        "Name one of them in the script; an unnamed one goes by the name shown here.",
        table=table.name,
        constraint=wanted.name,
    )
