"""What a new thing must take the place of: set aside until nothing needs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from alembic.operations import ops

from whimbrel.plan.generic import Forms
from whimbrel.plan.step import Step
from whimbrel.schema.apply import apply
from whimbrel.schema.changes import (
    Change,
    ConstraintChange,
    EnumChange,
    IndexChange,
    SequenceChange,
    TableChange,
)
from whimbrel.schema.diff import diff
from whimbrel.schema.state import ForeignKey, State, Table, TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """What is left to do when that which is replaced has another name.

    Args:
        steps: the steps that give it that name.
        changes: what leads from there to the end.
        start: the state by then.
    """

    steps: tuple[Step, ...]
    changes: tuple[Change, ...]
    start: State


def set_aside(
    changes: tuple[Change, ...], start: State, end: State, forms: Forms
) -> Aside:
    """Return what is done with types of which values go, or get another order.

    The type gets another name, which all that has it follows; then the rest is
    what any two states differ by: a new type comes, columns become of that type
    with what stands on them, the old one goes.  So does what goes, and whose name
    something else takes.
    """
    renames: dict[Change, Change] = dict(_renames(changes, forms))
    for rename in forms.names_taken(changes, start, end):
        renames.setdefault(rename, rename)
    if not renames:
        return Aside(steps=(), changes=changes, start=start)
    steps = tuple(
        Step(operation=operation, changes=tuple(dict.fromkeys((change, rename))))
        for change, rename in renames.items()
        for operation in _renaming(rename, forms)
    )
    for rename in renames.values():
        start = _with_name(start, rename)
        if isinstance(rename, EnumChange):
            for beside in forms.renamed_beside(rename):
                start = replace(apply(start, beside), enums=start.enums)
    return Aside(steps=steps, changes=diff(start, end), start=start)


def _renames(
    changes: tuple[Change, ...], forms: Forms
) -> Iterator[tuple[EnumChange, EnumChange]]:
    for change in changes:
        if isinstance(change, EnumChange):
            other = forms.sets_aside(change)
            if other is not None:
                yield change, EnumChange(before=change.before, after=other)


def _with_name(state: State, rename: Change) -> State:
    """Return *state* with a thing by another name, by which nothing else is called."""
    match rename:
        case TableChange(before=before, after=after) if before and after:
            tables = (_moved(table, before.name, after.name) for table in state.tables)
            return replace(state, tables=frozenset(tables))
        case _:
            return apply(state, rename)


def _moved(table: Table, before: TableName, after: TableName) -> Table:
    constraints = (
        replace(each, target=after)
        if isinstance(each, ForeignKey) and each.target == before
        else each
        for each in table.constraints
    )
    name = after if table.name == before else table.name
    return replace(table, name=name, constraints=frozenset(constraints))


def _renaming(rename: Change, forms: Forms) -> Iterator[ops.MigrateOperation]:
    """Yield what gives a thing the name under which it is set aside."""
    match rename:
        case EnumChange():
            yield from forms.enum_operations(rename)
        case SequenceChange():
            yield from forms.sequence_operations(rename, are_tables_done=False)
        case TableChange(before=before, after=after) if before and after:
            yield from forms.rename_table(before.name, after.name)
        case (
            ConstraintChange(table=table, before=before, after=after)
            | IndexChange(table=table, before=before, after=after)
        ) if before and after:
            operation = forms.in_place(table, before, after)
            if operation is not None:
                yield operation
