"""What is lost by a script, and what models keep to themselves, told once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from whimbrel.commands.filling import Defaults, Place
from whimbrel.plan.mysql_history import keeps_history
from whimbrel.report.findings import Presumed
from whimbrel.report.report import Line, Tone
from whimbrel.schema.changes import Change, ColumnChange, FactsChange, TableChange
from whimbrel.schema.state import Column


def losses(changes: Iterable[Change]) -> Iterator[Line]:
    """Yield a line for each table, column and history that goes with what it holds."""
    every = tuple(changes)
    for change in every:
        match change:
            case TableChange(before=table, after=None) if table is not None:
                told = f"Loss: {table.name} goes with its rows."
                yield Presumed(told, Tone.WARN, "W101", str(table.name))
            case ColumnChange(table=name, before=column, after=None) if column:
                yield _column_lost(Place(name, column.name), column, every)
            case FactsChange(table=name, before=before, after=after):
                if keeps_history(before) and not keeps_history(after):
                    told = f"Loss: the history of {name} goes, which ends."
                    yield Presumed(told, Tone.WARN, "W105", str(name))
            case _:
                pass


def _column_lost(place: Place, column: Column, changes: tuple[Change, ...]) -> Line:
    moved = _moved_to(column, changes)
    if column.computed is not None or moved is None:
        told = f"Loss: {place} goes with its values."
        return Presumed(told, Tone.WARN, "W102", str(place))
    return Presumed(
        f"Loss: {place} goes with its values, they do not move to {moved}. Let the"
        " script copy them before it drops the column:"
        f" op.execute('UPDATE {moved.table} SET {moved.column} = ...')",
        Tone.WARN,
        "W102",
        str(place),
        says_more=True,
    )


def _moved_to(column: Column, changes: Iterable[Change]) -> Place | None:
    """Return where a column of the same name and type comes, if there is one."""
    for change in changes:
        match change:
            case ColumnChange(table=table, before=None, after=new) if new is not None:
                coming: tuple[Column, ...] = (new,)
            case TableChange(before=None, after=made) if made is not None:
                table, coming = made.name, made.columns
            case _:
                continue
        for each in coming:
            if (each.name, each.type) == (column.name, column.type):
                return Place(table, each.name)
    return None


def kept_from_database(
    changes: Iterable[Change], defaults: Defaults, *, are_written: bool
) -> Iterator[Line]:
    """Yield a line that tells which defaults of what is new only Python knows.

    Args:
        changes: what leads to the models.
        defaults: the defaults that the models have and do not tell the database.
        are_written: the script gives them to the database by the user's wish.
    """
    new = [place for place in _new(changes) if place in defaults]
    told = [str(place) for place in new if defaults[place].sql is not None]
    if told and are_written:
        yield Line(
            f"Server defaults are written for {', '.join(told)}. Say server_default=..."
            " in the models too, or the next script takes them away.",
            Tone.WARN,
        )
    elif told:
        yield Line(
            f"Defaults in Python are not known to the database: {', '.join(told)}."
            " Other programs, and SQL by hand, need server_default=... in the models;"
            " --server-defaults writes it into the script.",
            Tone.DIM,
        )


def _new(changes: Iterable[Change]) -> Iterator[Place]:
    """Yield the columns of new tables, and the new ones that must have a value."""
    for change in changes:
        match change:
            case TableChange(before=None, after=table) if table is not None:
                for each in table.ordered_columns:
                    yield Place(table.name, each.name)
            case ColumnChange(table=name, before=None, after=column) if column:
                if not column.nullable:
                    yield Place(name, column.name)
            case _:
                pass
