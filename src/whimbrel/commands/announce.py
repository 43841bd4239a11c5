"""What was found, in the words that Alembic's log has for it.

People watch those lines, and their tools search them; the loggers are Alembic's
own.  Our report tells the same, and more, in plain words.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TypeAlias

from whimbrel.commands.generate import Target
from whimbrel.plan.spelled import Spelled, column_type
from whimbrel.schema.changes import (
    Change,
    ColumnChange,
    ConstraintChange,
    IndexChange,
    TableChange,
)
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import Check, Column, Constraint, ForeignKey, Index


log = logging.getLogger("alembic.autogenerate.compare")

Told: TypeAlias = str | None


def announce(targets: Iterable[Target]) -> None:
    """Log what was found in each database at the level INFO."""
    if not log.isEnabledFor(logging.INFO):
        return
    for target in targets:
        for change in target.comparison.changes:
            for line in _lines(change, target.comparison.dialect):
                log.info("Detected %s", line)


def _lines(change: Change, dialect: Dialect) -> Iterable[str]:
    match change:
        case TableChange(before=None, after=after) if after is not None:
            return [f"added table {str(after.name)!r}"]
        case TableChange(before=before, after=None) if before is not None:
            return [f"removed table {str(before.name)!r}"]
        case ColumnChange():
            return _column_lines(change, dialect)
        case ConstraintChange() | IndexChange():
            return _part_lines(change)
        case _:
            return []


def _column_lines(change: ColumnChange, dialect: Dialect) -> Iterable[str]:
    before, after = change.before, change.after
    if before is None or after is None:
        verb = "added" if before is None else "removed"
        name = getattr(after or before, "name", "")
        yield f"{verb} column '{change.table}.{name}'"
        return
    place = f"'{change.table}.{after.name}'"
    if before.type != after.type:
        old, new = _type(before, dialect), _type(after, dialect)
        yield f"type change from {old} to {new} on {place}"
    if before.nullable != after.nullable:
        yield f"{'NULL' if after.nullable else 'NOT NULL'} on column {place}"
    if before.default != after.default:
        yield f"server default on column {place}"
    if before.comment != after.comment:
        yield f"column comment {place}"


def _type(column: Column, dialect: Dialect) -> str:
    found = column.type.form or column_type(column, dialect)
    return found.spelling if isinstance(found, Spelled) else repr(found)


def _part_lines(change: ConstraintChange | IndexChange) -> Iterable[str]:
    if change.before is not None:
        yield f"removed {_part(change.before)} on '{change.table}'"
    if change.after is not None:
        yield f"added {_part(change.after)} on '{change.table}'"


def _part(thing: Constraint | Index) -> str:
    if isinstance(thing, Index):
        return f"index {thing.name!r}"
    kind = type(thing).__name__.lower()
    if isinstance(thing, Check):
        return f"{kind} {thing.name!r} ({thing.expression})"
    said = f"{kind} ({','.join(thing.columns)})"
    if isinstance(thing, ForeignKey):
        return f"{said}({','.join(thing.target_columns)})"
    return said
