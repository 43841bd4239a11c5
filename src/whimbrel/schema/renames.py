"""What a rename carries along, and how a user says that there is one.

A rename is a change with two names.  What hangs on the thing follows it as the
database makes it follow: keys, indexes, checks and the foreign keys of others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from whimbrel.errors import UsageError
from whimbrel.schema.carried import follow_column, follow_table, heirs_of
from whimbrel.schema.changes import (
    ColumnChange,
    EnumChange,
    TableChange,
    ValueChange,
)
from whimbrel.schema.enum_renames import (
    find_enum,
    follow_enum,
    is_renamed,
    rename_of_enum,
    rename_of_value,
)
from whimbrel.schema.names import settled
from whimbrel.schema.spoken import words_of
from whimbrel.schema.state import (
    Check,
    Column,
    Constraint,
    ForeignKey,
    Index,
    State,
    Table,
    TableName,
)


Thing = TypeVar("Thing", bound=Constraint | Index)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRename:
    """A table that gets another name."""

    before: TableName
    after: TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRename:
    """A column that gets another name; *table* is the table's new name."""

    table: TableName
    before: str
    after: str


Rename = TableRename | ColumnRename | ValueChange
Renaming = TableChange | ColumnChange | EnumChange | ValueChange


def parse_renames(texts: Iterable[str]) -> tuple[Rename, ...]:
    """Return what the options ``--rename`` say, tables first, then columns.

    ``old:new`` renames a table or an enumerated type, ``table.old:new`` (or
    ``table.old:table.new``) a column, ``table.column=old:new`` a value of an enum;
    ``table`` and ``column`` are the new names.

    Raises:
        UsageError: a text has another form.
    """
    return in_order(_parsed(text) for text in texts)


def in_order(renames: Iterable[Rename]) -> tuple[Rename, ...]:
    """Return *renames* in the order in which they are carried out."""
    order = (TableRename, ColumnRename, ValueChange)
    return tuple(sorted(renames, key=lambda each: order.index(type(each))))


def meant(renames: Iterable[Rename], current: State) -> tuple[Rename, ...]:
    """Return *renames*, ``app.item:app.thing`` read as a table where it is one.

    A word before a dot is a table, unless there is none and a schema has that name.
    """

    def read(rename: Rename) -> Rename:
        if not isinstance(rename, ColumnRename) or current.table(rename.table):
            return rename
        before = TableName(rename.before, rename.table.name)
        if rename.table.schema is not None or current.table(before) is None:
            return rename
        after = table_name(rename.after)
        schema = after.schema or rename.table.name
        return TableRename(before=before, after=TableName(after.name, schema))

    return in_order(read(each) for each in renames)


def is_about(rename: Rename, current: State, wanted: State) -> bool:
    """Whether one of two states has what *rename* speaks of."""
    if isinstance(rename, TableRename):
        has_table = current.table(rename.before) is not None
        return has_table or find_enum(current, rename.before) is not None
    return current.table(rename.table) is not None or (
        wanted.table(rename.table) is not None
    )


def is_of_a_part(rename: Rename, current: State, wanted: State) -> bool:
    """Whether *rename* speaks of an index or a constraint.

    That is known already: what is otherwise equal gets its new name in place.
    """
    if not isinstance(rename, TableRename) or current.table(rename.before) is not None:
        return False
    return rename.before.name in _parts(current) and rename.after.name in _parts(wanted)


def _parts(state: State) -> set[str]:
    """Return the names of all indexes and constraints."""
    return {
        part.name
        for table in state.tables
        for part in (*table.indexes, *table.constraints)
    }


def not_done(
    hints: Iterable[TableRename | ColumnRename],
    told: Iterable[Rename],
    current: State,
    wanted: State,
) -> tuple[Rename, ...]:
    """Return those of *hints* that are still to be carried out.

    A hint says nothing once the old name is gone or the new one is there, nor where
    the models still have the old name, or options say otherwise.

    Args:
        hints: what the models hint at.
        told: what options name.
        current: the state of the database.
        wanted: the state of the models.
    """
    renames = list(told)
    for hint in sorted(hints, key=lambda each: isinstance(each, ColumnRename)):
        if isinstance(hint, TableRename):
            old, new = current.table(hint.before), current.table(hint.after)
            is_open = old is not None and new is None
            is_open = is_open and wanted.table(hint.before) is None
        else:
            is_open = _is_open(hint, renames, current, wanted)
        said = {each.after for each in renames if type(each) is type(hint)}
        if is_open and hint.after not in said:
            renames.append(hint)
    return tuple(each for each in renames if each not in tuple(told))


def _is_open(
    hint: ColumnRename, renames: Iterable[Rename], current: State, wanted: State
) -> bool:
    tables = (each for each in renames if isinstance(each, TableRename))
    was = {each.after: each.before for each in tables}.get(hint.table, hint.table)
    old, new = current.table(was), wanted.table(hint.table)
    if old is None or new is None:
        return False
    there = {column.name for column in old.columns}
    meant = {column.name for column in new.columns}
    return hint.before in there - meant and hint.after in meant - there


def _parsed(text: str) -> Rename:
    place, equals, values = text.partition("=")
    before, colon, after = (values if equals else text).partition(":")
    if not (before and colon and after) or (equals and "." not in place):
        raise UsageError(
            f"--rename {text} is not understood.",
            "Write --rename old_table:new_table, --rename table.old:table.new, or"
            " --rename table.column=old:new for a value of an enum",
        )
    if equals:
        table, _, column = place.rpartition(".")
        name = table_name(table)
        return ValueChange(table=name, column=column, before=before, after=after)
    table, dot, column = before.rpartition(".")
    if dot:
        new = after.removeprefix(f"{table}.")
        return ColumnRename(table=table_name(table), before=column, after=new)
    return TableRename(before=TableName(before), after=table_name(after))


def table_name(text: str) -> TableName:
    """Return the name of a table that may be written with its schema."""
    schema, _, name = text.rpartition(".")
    return TableName(name, schema or None)


def firm_names(wanted: State, renames: Iterable[Rename]) -> State:
    """Return *wanted* with the conventional names of what is renamed made firm.

    So an index called after its column by a convention is renamed with it.
    """
    tables = {each.after for each in renames if isinstance(each, TableRename)}
    columns = {
        (name, each.after)
        for each in renames
        if isinstance(each, ColumnRename)
        for name in (each.table, *heirs_of(wanted, each.table))
    }
    if not (tables or columns):
        return wanted

    def firm(table: Table) -> Table:
        def is_touched(thing: Constraint | Index) -> bool:
            said = _columns_of(thing, table, wanted)
            named = {(table.name, column) for column in said}
            leads_to = {table.name}
            if isinstance(thing, ForeignKey):
                named |= {(thing.target, column) for column in thing.target_columns}
                leads_to.add(thing.target)
            return not leads_to.isdisjoint(tables) or not named.isdisjoint(columns)

        def firmed(thing: Thing) -> Thing:
            return settled(thing) if is_touched(thing) else thing

        return replace(
            table,
            constraints=frozenset(firmed(each) for each in table.constraints),
            indexes=frozenset(firmed(each) for each in table.indexes),
        )

    return replace(wanted, tables=frozenset(firm(table) for table in wanted.tables))


def _columns_of(thing: Constraint | Index, table: Table, of: State) -> tuple[str, ...]:
    """Return the columns that may have given *thing* its name."""
    if isinstance(thing, Index):
        return tuple(part.column for part in thing.parts if part.column is not None)
    if not isinstance(thing, Check):
        return thing.columns
    text, names = thing.expression, (column.name for column in table.columns)
    return tuple(each for each in names if words_of(of, each, "")(text) != text)


def rename_all(
    current: State, renames: Iterable[Rename]
) -> tuple[tuple[Renaming, ...], State]:
    """Return the changes that *renames* mean, and *current* after them.

    What an heir has of its parent gets its name with that.

    Raises:
        UsageError: a rename speaks of a table or a column that is not there.
    """
    changes: list[Renaming] = []
    renames = tuple(renames)
    for rename in renames:
        change: Renaming
        match rename:
            case TableRename():
                change, current = _table_renamed(current, rename)
            case ColumnRename():
                if _comes_with_parent(rename, renames, current):
                    continue
                change, current = _column_renamed(current, rename)
            case ValueChange():
                column = _column_of(_found(current, rename.table), rename.column)
                if is_renamed(current, column, rename, changes):
                    continue
                change, current = _value_renamed(current, column, rename)
        changes.append(change)
    return tuple(changes), current


def _table_renamed(
    current: State, rename: TableRename
) -> tuple[TableChange | EnumChange, State]:
    enum = find_enum(current, rename.before)
    if enum is not None and current.table(rename.before) is None:
        change = rename_of_enum(enum, rename.after)
        return change, follow_enum(current, change)
    old = _found(current, rename.before)
    current = follow_table(current, rename.before, rename.after)
    new = _found(current, rename.after)
    return TableChange(before=old, after=new), current


def _column_renamed(current: State, rename: ColumnRename) -> tuple[ColumnChange, State]:
    table = _found(current, rename.table)
    column = _column_of(table, rename.before)
    after = replace(column, name=rename.after)
    change = ColumnChange(table=table.name, before=column, after=after)
    return change, follow_column(current, table.name, rename.before, rename.after)


def _comes_with_parent(
    rename: ColumnRename, renames: Iterable[Rename], state: State
) -> bool:
    """Whether one of *renames* says the same of what the table is made from."""
    return any(
        isinstance(each, ColumnRename)
        and (each.before, each.after) == (rename.before, rename.after)
        and rename.table in heirs_of(state, each.table)
        for each in renames
    )


def _value_renamed(
    current: State, column: Column, wish: ValueChange
) -> tuple[EnumChange | ValueChange, State]:
    change = rename_of_value(current, column, wish)
    return (change, follow_enum(current, change)) if change else (wish, current)


def _found(state: State, name: TableName) -> Table:
    table = state.table(name)
    if table is None:
        raise UsageError(
            f"--rename speaks of the table {name}, which the database does not have.",
            "Write the name that the database has, then a colon, then the new one.",
        )
    return table


def _column_of(table: Table, name: str) -> Column:
    for column in table.columns:
        if column.name == name:
            return column
    raise UsageError(
        f"--rename speaks of the column {table.name}.{name}, which is not there.",
        "Write the name that the database has, then a colon, then the new one.",
    )
