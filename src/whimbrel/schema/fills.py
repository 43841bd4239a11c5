"""What the rows that are there get in a column that must not be NULL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from whimbrel.errors import UsageError
from whimbrel.schema.changes import (
    Change,
    ColumnChange,
    EnumChange,
    FootingChange,
    SequenceChange,
)
from whimbrel.schema.renames import table_name
from whimbrel.schema.state import Column, TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A value for the rows of a column in which they have none.

    Args:
        table: the column's table.
        column: the column.
        value: the value as it is, or SQL for it.
        is_sql: whether it is SQL.
    """

    table: TableName
    column: str
    value: str
    is_sql: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledColumn:
    """A fill, and the column as it is to be."""

    fill: Fill
    column: Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Changes parted where the rows are filled."""

    before: tuple[Change, ...]
    filled: tuple[FilledColumn, ...]
    after: tuple[Change, ...]


def parse_fills(
    texts: Iterable[str], sql_texts: Iterable[str] = ()
) -> tuple[Fill, ...]:
    """Return what ``--fill table.column=value`` and ``--fill-sql`` say.

    Raises:
        UsageError: a text has another form.
    """
    return (
        *(_parsed(text, "--fill", is_sql=False) for text in texts),
        *(_parsed(text, "--fill-sql", is_sql=True) for text in sql_texts),
    )


def _parsed(text: str, option: str, *, is_sql: bool) -> Fill:
    place, equals, value = text.partition("=")
    table, _, column = place.rpartition(".")
    if not (table and column and equals):
        raise UsageError(
            f"{option} {text} is not understood.",
            f"Write {option} table.column={'expression' if is_sql else 'value'}",
        )
    return Fill(table=table_name(table), column=column, value=value, is_sql=is_sql)


def split_at_fills(changes: Iterable[Change], fills: Iterable[Fill]) -> Split:
    """Part *changes* so that rows can be filled before a column is closed.

    A new NOT NULL column is first added open; then its rows are filled; then it
    is closed with all else that happens.

    Raises:
        UsageError: a fill speaks of a column that does not become NOT NULL.
    """
    changes = tuple(changes)
    wanted = {(fill.table, fill.column): fill for fill in fills}
    altered = set(_altered_enums(changes))
    before: list[Change] = []
    filled: list[FilledColumn] = []
    after: list[Change] = []
    for change in changes:
        fill = _fill_of(change, wanted)
        if fill is None or not isinstance(change, ColumnChange) or not change.after:
            after.append(change)
            continue
        filled.append(FilledColumn(fill=fill, column=change.after))
        opened = replace(change.after, nullable=True)
        if change.before is None or _enum_of(change.after) in altered:
            before.append(replace(change, after=opened))
            after.append(replace(change, before=opened))
        else:
            after.append(change)
    if filled:
        enums = {_enum_of(each.column) for each in filled}
        made = [each for each in after if _comes_first(each, enums)]
        before = [*made, *before]
        after = [each for each in after if each not in before]
    _refuse_useless(wanted.values(), filled)
    return Split(before=tuple(before), filled=tuple(filled), after=tuple(after))


def _comes_first(change: Change, enums: Collection[str]) -> bool:
    """Whether a change must happen before columns of the types *enums* are filled.

    A type, or a sequence, comes or changes; with a type go all its columns, for
    their defaults may be none of its values any more.
    """
    if isinstance(change, ColumnChange):
        is_there = change.before is not None and change.after is not None
        return is_there and _enum_of(change.after) in enums and _stays_open(change)
    if isinstance(change, EnumChange) and change.before is not None:
        return change.after is not None and change.after.name in enums
    is_alone = isinstance(change, EnumChange | SequenceChange | FootingChange)
    return is_alone and change.after is not None


def _stays_open(change: ColumnChange) -> bool:
    """Whether rows without a value are no hindrance to a change."""
    before, after = change.before, change.after
    return not (before and after and before.nullable and not after.nullable)


def _altered_enums(changes: Iterable[Change]) -> Iterator[str]:
    """Yield the names of the enumerated types that become others."""
    for change in changes:
        if isinstance(change, EnumChange) and change.before and change.after:
            yield change.after.name


def _enum_of(column: Column | None) -> str:
    """Return the bare name of a column's type, by which an enumerated type goes."""
    if column is None:
        return ""
    spelling = column.type.spelling.replace('"', "").removesuffix("[]")
    return spelling.rpartition(".")[2]


def _fill_of(change: Change, wanted: dict[tuple[TableName, str], Fill]) -> Fill | None:
    if not isinstance(change, ColumnChange) or change.after is None:
        return None
    if change.after.nullable:
        return None
    return wanted.get((change.table, change.after.name))


def _refuse_useless(fills: Iterable[Fill], filled: list[FilledColumn]) -> None:
    used = {each.fill for each in filled}
    for fill in fills:
        if fill not in used:
            raise UsageError(
                f"--fill speaks of {fill.table}.{fill.column}, which does not become"
                " NOT NULL by this script.",
                "Leave the option out, or mend its spelling: --fill table.column=value",
            )
