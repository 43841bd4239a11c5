"""What the rows forbid: NULLs, duplicates, orphans, overlong values.

Each pending operation that rows can forbid becomes a question, one bounded query.
Nothing is asked of rows that the scripts themselves change before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops

from whimbrel.checks.outlook import Outlook, Standing
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import PrimaryKey, Table, Unique


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A query that finds the rows that an operation will not like.

    Args:
        code: the rule that asks.
        subject: the thing that it asks about, by its full name.
        rows: the query; it selects what a row is told by.
        keys: the names of what is selected.
        found: what is said of what is found; ``{rows}`` becomes "3 rows".
        remedy: what to do about it.
        is_attempt: the query does what the operation will do, and fails with it.
    """

    code: str
    subject: str
    rows: sa.Select[Any]
    keys: tuple[str, ...]
    found: str
    remedy: str
    is_attempt: bool = False


def questions(
    operation: ops.MigrateOperation, outlook: Outlook, dialect: Dialect
) -> Iterator[Question]:
    """Yield what must be asked of the rows before *operation* is carried out.

    Args:
        operation: what is pending.
        outlook: what will stand there by then.
        dialect: the database.
    """
    match operation:
        case ops.CreateUniqueConstraintOp() | ops.CreatePrimaryKeyOp():
            yield from _new_key(operation, outlook)
        case ops.CreateIndexOp() if operation.unique:
            yield from _new_unique_index(operation, outlook, dialect)
        case ops.CreateForeignKeyOp():
            yield from _new_foreign_key(operation, outlook)
        case ops.CreateCheckConstraintOp():
            yield from _new_check(operation, outlook)
        case ops.AddColumnOp():
            yield from _new_column(operation, outlook, dialect)
        case ops.AlterColumnOp() if operation.modify_nullable is False:
            yield from _not_null(operation, outlook)
        case _:
            pass


def key_of(table: Table) -> tuple[str, ...]:
    """Return the columns by which a row of *table* is told."""
    key = table.primary_key
    if key is not None:
        return key.columns
    return tuple(each.name for each in table.ordered_columns[:1])


def rows_where(standing: Standing, condition: Any) -> sa.Select[Any]:
    """Return the query for the rows for which *condition* is true."""
    source = standing.source
    return sa.select(*(source.c[name] for name in key_of(standing.live))).where(
        condition
    )


def _settled(
    outlook: Outlook, name: str, schema: str | None, columns: Iterable[str]
) -> Standing | None:
    """Return the live table if its rows are known: there, and not changed before."""
    standing = outlook.table(name, schema)
    if standing is None or standing.are_rows_changed:
        return None
    return standing if standing.live_columns(columns) is not None else None


def _names(columns: Iterable[Any]) -> list[str]:
    return [str(getattr(each, "name", each)) for each in columns]


def _new_key(
    operation: ops.CreateUniqueConstraintOp | ops.CreatePrimaryKeyOp, outlook: Outlook
) -> Iterator[Question]:
    names = _names(operation.columns)
    standing = _settled(outlook, operation.table_name, operation.schema, names)
    if standing is not None:
        takes_null = isinstance(operation, ops.CreateUniqueConstraintOp)
        yield from _duplicates(standing, names, None, takes_null=takes_null)


def _new_unique_index(
    operation: ops.CreateIndexOp, outlook: Outlook, dialect: Dialect
) -> Iterator[Question]:
    if not all(isinstance(each, str | sa.Column) for each in operation.columns):
        return
    if any(name.endswith(("_length", "_nulls_not_distinct")) for name in operation.kw):
        return
    names = _names(operation.columns)
    standing = _settled(outlook, operation.table_name, operation.schema, names)
    if standing is not None:
        where = operation.kw.get(f"{dialect.name}_where")
        yield from _duplicates(standing, names, where, takes_null=True)


def _duplicates(
    standing: Standing, names: list[str], where: Any, *, takes_null: bool
) -> Iterator[Question]:
    live = standing.live_columns(names)
    if not live or _is_key_already(standing.live, {each.name for each in live}):
        return
    source = standing.source
    columns = [source.c[each.name] for each in live]
    query = sa.select(*columns, sa.func.count()).group_by(*columns)
    if takes_null:
        query = query.where(*(column.is_not(None) for column in columns))
    if where is not None:
        query = query.where(_condition(where))
    told = ", ".join(names)
    yield Question(
        code="W302",
        subject=f"{standing.live.name}({told})",
        rows=query.having(sa.func.count() > 1),
        keys=(*(each.name for each in live), "rows"),
        found=f"{{values}} of {told} in {standing.live.name} stand{{s}} in several"
        " rows; a unique key would fail",
        remedy="Give the rows different values, or delete those that are too many.",
    )


def _is_key_already(table: Table, names: set[str]) -> bool:
    return any(
        isinstance(each, PrimaryKey | Unique) and names.issuperset(each.columns)
        for each in table.constraints
    )


def _condition(said: Any) -> Any:
    """Return a condition as SQL in parentheses, for whatever surrounds it."""
    if isinstance(said, sa.ColumnElement):
        return said
    return sa.text(f"({said})")


def _negated(said: Any) -> Any:
    """Return what is true where a check is broken: it is false there, not NULL."""
    if isinstance(said, sa.ColumnElement):
        return sa.not_(said)
    return sa.text(f"NOT ({said})")


def _new_foreign_key(
    operation: ops.CreateForeignKeyOp, outlook: Outlook
) -> Iterator[Question]:
    schema, target_schema = (
        operation.kw.get(name) for name in ("source_schema", "referent_schema")
    )
    local, remote = _names(operation.local_cols), _names(operation.remote_cols)
    child = _settled(outlook, operation.source_table, schema, local)
    parent = _settled(outlook, operation.referent_table, target_schema, remote)
    if child is None or parent is None or operation.kw.get("postgresql_not_valid"):
        return
    children, parents = child.source, parent.source.alias("referred")
    pairs = list(
        zip(
            child.live_columns(local) or (),
            parent.live_columns(remote) or (),
            strict=True,
        )
    )
    columns = [children.c[here.name] for here, _ in pairs]
    met = sa.and_(
        *(children.c[here.name] == parents.c[there.name] for here, there in pairs)
    )
    query = (
        sa.select(*(children.c[name] for name in key_of(child.live)))
        .where(*(column.is_not(None) for column in columns))
        .where(~sa.exists(sa.select(sa.literal(1)).select_from(parents).where(met)))
    )
    yield Question(
        code="W303",
        subject=f"{child.live.name}({', '.join(local)})",
        rows=query,
        keys=key_of(child.live),
        found=f"{{rows}} of {child.live.name} refer{{s}} to a row of {parent.live.name}"
        " that is not there; a foreign key would fail",
        remedy="Add the missing rows, or give these rows another value or NULL.",
    )


def _new_check(
    operation: ops.CreateCheckConstraintOp, outlook: Outlook
) -> Iterator[Question]:
    standing = _settled(outlook, operation.table_name, operation.schema, ())
    if standing is None or operation.kw.get("postgresql_not_valid"):
        return
    words = set(re.findall(r"\w+", str(operation.condition).casefold()))
    if any(
        standing.is_new(each) and each.casefold() in words for each in standing.columns
    ):
        return  # the condition names what is not there yet
    called = f"{operation.constraint_name} " if operation.constraint_name else ""
    yield Question(
        code="W304",
        subject=f"{standing.live.name}",
        rows=rows_where(standing, _negated(operation.condition)),
        keys=key_of(standing.live),
        found=f"{{rows}} of {standing.live.name} break{{s}} the check"
        f" {called}({operation.condition})",
        remedy="Mend the rows, or the condition.",
    )


def _new_column(
    operation: ops.AddColumnOp, outlook: Outlook, dialect: Dialect
) -> Iterator[Question]:
    column = operation.column
    has_value = column.server_default is not None or column.identity is not None
    if column.nullable or has_value or column.computed is not None:
        return
    standing = outlook.table(operation.table_name, operation.schema)
    if standing is None or str(column.name) in standing.columns:
        return  # an interrupted run added it
    if column.autoincrement is not True:
        is_invented = dialect.invents_values
        yield _any_rows(standing, str(column.name), is_invented=is_invented)


def _any_rows(standing: Standing, column: str, *, is_invented: bool) -> Question:
    source = standing.source
    keys = key_of(standing.live)
    name = standing.live.name
    found = f"{{rows}} of {name} {{have}} no value for the new column {column}"
    end = "the server would invent one" if is_invented else "NOT NULL would fail"
    return Question(
        code="W309" if is_invented else "W308",
        subject=f"{name}.{column}",
        rows=sa.select(*(source.c[key] for key in keys)),
        keys=keys,
        found=f"{found}; {end}",
        remedy=f"Give the rows one: migrate --fill {name}.{column}=VALUE, or a"
        " server_default in the model.",
    )


def _not_null(operation: ops.AlterColumnOp, outlook: Outlook) -> Iterator[Question]:
    standing = outlook.table(operation.table_name, operation.schema)
    if standing is None or standing.are_rows_changed:
        return
    name = operation.column_name
    live = standing.columns.get(name)
    if name in standing.empty:
        yield _any_rows(standing, name, is_invented=False)
        return
    if live is None or not live.nullable:
        return
    source = standing.source
    yield Question(
        code="W301",
        subject=f"{standing.live.name}.{name}",
        rows=rows_where(standing, source.c[live.name].is_(None)),
        keys=key_of(standing.live),
        found=f"{{rows}} of {standing.live.name} {{have}} no {name};"
        " NOT NULL would fail",
        remedy="Give them a value: migrate --fill"
        f" {standing.live.name}.{name}=VALUE, or UPDATE {standing.live.name}"
        f" SET {name} = ... WHERE {name} IS NULL.",
    )
