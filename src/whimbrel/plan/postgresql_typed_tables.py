"""Tables that are of a composite type: no more while they, or it, become others.

The server alters no column of such a table, and no such type under it.  What has the
columns of a type, in their order, can be made a table of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alembic.operations import ops

from whimbrel.errors import Unalterable
from whimbrel.plan.postgresql_words import named, statement, table_sql, values_of
from whimbrel.plan.remade_types import MADE
from whimbrel.schema.state import State, Table, TableName


OF_TYPE = "of_type"


def let_go(start: State, end: State) -> list[TableName]:
    """Return the tables that cannot be of their type while all that happens."""
    later = {table.name: table for table in end.tables}
    altered = {*_altered(start, end)}
    return [
        table.name
        for table in _typed(start.tables)
        if named(_type(table)) in altered
        or (table.name in later and not _is_like(table, later[table.name]))
    ]


def taken_in(start: State, end: State) -> list[TableName]:
    """Return the tables that are of a type by then, and are not now.

    Raises:
        Unalterable: the columns of one would not stand in the order of its type.
    """
    sooner = {table.name: table for table in start.tables}
    found = []
    for table in _typed(end.tables):
        before = sooner.get(table.name)
        if before is not None:
            _refuse_order(before, table)
        if before is None or _type(before) != _type(table):
            found.append(table.name)
    return found


def is_typed(table: Table) -> bool:
    """Whether a table is of a type."""
    return bool(_type(table))


def let_go_of(table: TableName) -> ops.MigrateOperation:
    """Return what makes a table one that is of no type."""
    return statement(f"ALTER TABLE {table_sql(table)} NOT OF")


def made_of_type(
    wanted: State, tables: Iterable[TableName]
) -> Iterator[ops.MigrateOperation]:
    """Yield what makes those of *tables* again that are to be of a type."""
    tables = {*tables}
    for table in _typed(wanted.tables):
        if table.name in tables:
            yield statement(f"ALTER TABLE {table_sql(table.name)} OF {_type(table)}")


def _typed(tables: Iterable[Table]) -> list[Table]:
    found = (table for table in tables if is_typed(table))
    return sorted(found, key=lambda each: each.name)


def _type(table: Table) -> str:
    return values_of(table.options).get(OF_TYPE, "")


def _altered(start: State, end: State) -> Iterator[TableName]:
    """Yield the types that become others, or give way to them."""
    later = {(e.kind, e.name, e.schema): e.says for e in end.footings}
    for footing in start.footings:
        said = later.get((footing.kind, footing.name, footing.schema), footing.says)
        if said != footing.says:
            yield TableName(footing.name, footing.schema)
    for enum in start.enums:
        if MADE in values_of(enum.options):
            yield TableName(enum.name, enum.schema)


def _is_like(before: Table, after: Table) -> bool:
    """Whether a table stays of its type, and as that has it."""
    columns = (
        {(each.name, each.type.spelling, each.collation) for each in table.columns}
        for table in (before, after)
    )
    return _type(before) == _type(after) and next(columns) == next(columns)


def _refuse_order(before: Table, after: Table) -> None:
    had, wanted = (
        [each.name for each in table.ordered_columns] for table in (before, after)
    )
    kept = [each for each in had if each in wanted]
    if [*kept, *(each for each in wanted if each not in kept)] != wanted:
        raise Unalterable(
            f"PostgreSQL lets {after.name} be a table of the type {_type(after)} only"
            " with its columns in the type's order, and theirs is another.",
            "Write a script that makes the table anew and fills it, or give the type"
            " the table's order.",
            table=str(after.name),
        )
