"""Values of composite types whose attributes get another order: kept by their names.

The server casts by places, and would give each attribute the value of another one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from whimbrel.errors import Unalterable
from whimbrel.plan.generic import changes_type
from whimbrel.plan.postgresql_enums import set_aside_as, spellings
from whimbrel.plan.postgresql_footings import PART
from whimbrel.plan.postgresql_held_rows import Holding
from whimbrel.plan.postgresql_types import using
from whimbrel.plan.postgresql_words import listed, quoted, values_of
from whimbrel.plan.remade_types import ATTRIBUTES, MADE
from whimbrel.schema.changes import EnumChange
from whimbrel.schema.state import Column, Enum, State, TableName, by_name


def recomposed(
    enums: Collection[Enum], table: TableName, before: Column, after: Column
) -> str | None:
    """Return by what SQL values keep their attributes; None if the server knows.

    Args:
        enums: the types that there are, those of the end first.
        table: the table of the column.
        before: the column, of a type that was set aside.
        after: the column, of the type that takes its place.

    Raises:
        Unalterable: what gets another order is only a part of the column's values.
    """
    pairs = list(_replaced(enums))
    moved = [old for old, new in pairs if _names(old) != _names(new)]
    for old, new in pairs if moved else ():
        aside = set_aside_as(EnumChange(before=old, after=new), enums)
        names = spellings(aside) if aside is not None else ()
        if before.type.spelling in names and old in moved:
            return _row(old, new, before.name, after.type.spelling, pairs)
        if before.type.spelling.removesuffix("[]") in names and _holds(old, moved):
            raise Unalterable(
                f"PostgreSQL cannot give the values of {moved[0].name} that are within"
                f" those of {table}.{before.name} other attributes, or another order.",
                "Write a script that makes those values anew, or say in the models what"
                " the database has.",
                table=str(table),
            )
    return None


def _replaced(enums: Collection[Enum]) -> Iterator[tuple[Enum, Enum]]:
    """Yield the types that others of their name take the place of, with those."""
    news: dict[tuple[str, str | None], Enum] = {}
    for each in enums:
        place = each.name, each.schema
        if place not in news:
            news[place] = each
        elif each != news[place] or MADE in values_of(each.options):
            yield each, news[place]


def _names(enum: Enum) -> list[str]:
    return listed(values_of(enum.options).get(ATTRIBUTES))


def _holds(enum: Enum, others: list[Enum]) -> bool:
    """Whether a type, or an array of it, holds values of one of *others*."""
    body = values_of(enum.options).get(MADE, "")
    words = "|".join(re.escape(each.name) for each in others)
    return bool(words) and re.search(rf"(?<!\w)(?:{words})(?!\w)", body) is not None


def _row(
    old: Enum, new: Enum, column: str, spelling: str, pairs: list[tuple[Enum, Enum]]
) -> str:
    """Return a value of the new type, made of the attributes of an old one."""
    had, has = (values_of(each.options) for each in (old, new))
    turned = {name for _, each in pairs for name in spellings(each)}
    parts = []
    for name in _names(new):
        was, becomes = (
            said.get(PART + name, "").partition(" COLLATE ")[0] for said in (had, has)
        )
        value = f"({quoted(column)}).{quoted(name)}"
        if not was:
            value = "NULL"
        elif was in turned:
            value = f"{value}::text::{becomes}"
        else:
            value = using(was, becomes, value) or value
        parts.append(value)
    return (
        f"CASE WHEN {quoted(column)} IS DISTINCT FROM NULL"
        f" THEN ROW({', '.join(parts)})::{spelling} END"
    )


def refuse_held_rows(start: State, end: State, holds: Holding) -> None:
    """Refuse another type for a column of a table whose rows another table holds.

    Raises:
        Unalterable: the server alters no column of a table that is a column's type.
    """
    later = {table.name: by_name(table.columns) for table in end.tables}
    holders = {
        each: f"{table.name}.{column.name}"
        for table in start.tables
        for column in table.columns
        if column.name in later.get(table.name, {})
        for each in holds.of_column(column)
    }
    for table in start.tables:
        holder = holders.get(table.name)
        others = later.get(table.name, {}) if holder else {}
        for column in table.columns if holder else ():
            after = others.get(column.name)
            if after is not None and changes_type(column, after):
                raise Unalterable(
                    f"PostgreSQL gives {table.name}.{column.name} no other type while"
                    f" {holder} holds rows of {table.name}.",
                    f"Write a script that gives {holder} another type, changes this"
                    " one, and gives it its type again.",
                    table=str(table.name),
                )
