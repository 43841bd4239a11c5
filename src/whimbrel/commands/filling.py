"""What the rows that are there get in columns that must not be NULL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from whimbrel.catalog.hints import ModelDefault
from whimbrel.commands.live_rows import LiveRows
from whimbrel.commands.questions import Ask, Question
from whimbrel.errors import ValueNeeded
from whimbrel.report.findings import Presumed
from whimbrel.report.report import Line, Tone
from whimbrel.schema.changes import Change, ColumnChange, ConstraintChange
from whimbrel.schema.fills import Fill
from whimbrel.schema.state import Column, PrimaryKey, TableName


SQL = "sql:"
"""What begins an answer that is an SQL expression."""


@dataclass(frozen=True, slots=True)
class Place:
    """A column of a table."""

    table: TableName
    column: str

    def __str__(self) -> str:
        """Return it as people write it."""
        return f"{self.table}.{self.column}"


Defaults: TypeAlias = Mapping[Place, ModelDefault]


@dataclass(frozen=True, kw_only=True)
class Filled:
    """The values for rows, and what is to be told of them."""

    fills: tuple[Fill, ...] = ()
    notes: tuple[Line, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Closing:
    """A column that takes NULL no more, or that comes and never will."""

    place: Place
    column: Column
    is_new: bool


def fill_rows(
    changes: Iterable[Change],
    given: Iterable[Fill],
    defaults: Defaults,
    rows: LiveRows,
    ask: Ask | None,
) -> Filled:
    """Return the values for the rows of all columns that become NOT NULL.

    Args:
        changes: what leads to the models.
        given: the values that the user gave; they come first.
        defaults: what the models give to new rows, and not the database.
        rows: tells whether there are rows to fill.
        ask: asks a person for a value; None if there is none.

    Raises:
        ValueNeeded: rows cannot get a new column, for nobody says their value.
    """
    fills = list(given)
    done = {Place(each.table, each.column) for each in fills}
    notes: list[Line] = []
    for closing in _closing(tuple(changes)):
        if closing.place in done:
            continue
        filled = _filled(closing, defaults.get(closing.place), rows, ask)
        fills += filled.fills
        notes += filled.notes
    return Filled(fills=tuple(fills), notes=tuple(notes))


def _closing(changes: tuple[Change, ...]) -> Iterable[_Closing]:
    keys = {
        Place(each.table, column)
        for each in changes
        if isinstance(each, ConstraintChange) and isinstance(each.after, PrimaryKey)
        for column in each.after.columns
    }
    for change in changes:
        if not isinstance(change, ColumnChange) or change.after is None:
            continue
        before, after = change.before, change.after
        place = Place(change.table, after.name)
        was_open = before is None or before.nullable
        is_made = after.computed or after.identity or place in keys
        if was_open and not after.nullable and not is_made:
            yield _Closing(place=place, column=after, is_new=before is None)


def _filled(
    closing: _Closing, default: ModelDefault | None, rows: LiveRows, ask: Ask | None
) -> Filled:
    """Return how one column is filled: by a default, by an answer, or not at all."""
    server_default = closing.column.default
    if server_default is not None:
        if closing.is_new:
            return Filled()  # the database fills it
        told = f"the server default, {server_default}"
        return _by(closing.place, str(server_default), told)
    if default is not None and default.sql is not None:
        return _by(closing.place, default.sql, f"the models' default, {default.told}")
    if any(option.name in MADE for option in closing.column.options):
        return Filled()
    if closing.is_new:
        return _new(closing, default, rows, ask)
    return _existing(closing, rows, ask)


MADE = ("serial", "autoincrement")
"""Options of columns that the database fills by itself."""


def _by(place: Place, sql: str, told: str) -> Filled:
    fill = Fill(table=place.table, column=place.column, value=sql, is_sql=True)
    note = Line(f"Rows without a value in {place} get {told}.", Tone.WARN)
    return Filled(fills=(fill,), notes=(note,))


def _new(
    closing: _Closing, default: ModelDefault | None, rows: LiveRows, ask: Ask | None
) -> Filled:
    place = closing.place
    has_rows = rows.has_rows(place.table)
    if has_rows:
        if ask is None:
            raise _needed(closing, default)
        return _answered(closing, default, ask)
    here = "" if has_rows is None else ", as it is here"
    told = f"{place} is NOT NULL without a default: {place.table} must be empty{here}."
    return Filled(notes=(Line(f"{told} {_remedy(place)}", Tone.DIM),))


def _existing(closing: _Closing, rows: LiveRows, ask: Ask | None) -> Filled:
    place = closing.place
    if not rows.has_nulls(place.table, place.column):
        return Filled()
    if ask is not None:
        return _answered(closing, None, ask)
    told = (
        f"Rows have no value in {place}, which becomes NOT NULL: the script will fail"
    )
    note = Presumed(f"{told}. {_remedy(place)}", Tone.BAD, "W301", str(place))
    return Filled(notes=(note,))


def _answered(closing: _Closing, default: ModelDefault | None, ask: Ask) -> Filled:
    place = closing.place
    reasons = [f"its type is {closing.column.type}"]
    if default is not None:
        reasons.append(f"the models' default, {default.told}, is known to Python only")
    reasons.append(f"write {SQL}expression for SQL, or nothing to stop")
    question = Question(
        text=f"{place} is NOT NULL, and {place.table} has rows without a value for it."
        " Which value do they get?",
        reasons=tuple(reasons),
        is_open=True,
    )
    answer = ask(question).strip()
    if not answer:
        raise _needed(closing, default)
    fill = Fill(
        table=place.table,
        column=place.column,
        value=answer.removeprefix(SQL).strip(),
        is_sql=answer.startswith(SQL),
    )
    return Filled(fills=(fill,))


def _needed(closing: _Closing, default: ModelDefault | None) -> ValueNeeded:
    place = closing.place
    why = f"{place} is NOT NULL and has no default, but {place.table} has rows."
    if default is not None:
        why = (
            f"{place} is NOT NULL, {place.table} has rows, and the default in the"
            f" models, {default.told}, is known to Python only."
        )
    return ValueNeeded(why, _remedy(place), column=str(place))


def _remedy(place: Place) -> str:
    return (
        f"Say what rows get: --fill {place}=VALUE, or --fill-sql {place}=EXPRESSION;"
        " or give the column a server_default, or nullable=True."
    )
