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

from whimbrel.checks.holdings import numbers_rows
from whimbrel.checks.outlook import Outlook, Rows, Standing
from whimbrel.plan.spelled import sqlalchemy_dialect
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
        refusal: what is said where a value makes the query fail, as the operation
            would; ``{words}`` becomes what the server says.
        attempt: a query that fails as the operation would; only then the rows are
            asked for.
        before: statements that the query needs; what they make is undone.
        spare: is asked in its place where a value makes it fail.
    """

    code: str
    subject: str
    rows: sa.Select[Any]
    keys: tuple[str, ...]
    found: str
    remedy: str
    refusal: str = ""
    attempt: sa.Select[Any] | None = None
    before: tuple[str, ...] = ()
    spare: Question | None = None


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
            yield from _new_key(operation, outlook, dialect)
        case ops.CreateIndexOp() if operation.unique:
            yield from _new_unique_index(operation, outlook, dialect)
        case ops.CreateForeignKeyOp():
            yield from _new_foreign_key(operation, outlook, dialect)
        case ops.CreateCheckConstraintOp():
            yield from _new_check(operation, outlook, dialect)
        case ops.AddColumnOp():
            yield from _new_column(operation, outlook, dialect)
        case ops.AlterColumnOp() if operation.modify_nullable is False:
            yield from _not_null(operation, outlook)
        case _:
            pass


def sql_of(said: Any, dialect: Dialect) -> str:
    """Return an expression of a script as the text that the database is sent."""
    if isinstance(said, str):
        return said
    options = {"literal_binds": True}
    spoken = sqlalchemy_dialect(dialect.name)
    return str(said.compile(dialect=spoken, compile_kwargs=options))


def _settled(outlook: Outlook, name: str, schema: str | None) -> Standing | None:
    """Return the live table if its rows are known: there, and not changed before."""
    standing = outlook.table(name, schema)
    return None if standing is None or standing.are_rows_changed else standing


def _names(columns: Iterable[Any]) -> list[str]:
    return [str(getattr(each, "name", each)) for each in columns]


def _new_key(
    operation: ops.CreateUniqueConstraintOp | ops.CreatePrimaryKeyOp,
    outlook: Outlook,
    dialect: Dialect,
) -> Iterator[Question]:
    names = _names(operation.columns)
    standing = _settled(outlook, operation.table_name, operation.schema)
    if standing is None or (rows := standing.rows(names)) is None:
        return
    if isinstance(operation, ops.CreatePrimaryKeyOp):
        live = [standing.columns[name].live for name in names]
        types = [each.type.spelling if each is not None else "" for each in live]
        for name in names if dialect.key_refuses_null(types) else ():
            yield from _nulls(standing, name)
    are_nulls_one = bool(operation.kw.get(f"{dialect.name}_nulls_not_distinct"))
    yield from _duplicates(standing, rows, names, are_nulls_one=are_nulls_one)


def _new_unique_index(
    operation: ops.CreateIndexOp, outlook: Outlook, dialect: Dialect
) -> Iterator[Question]:
    standing = _settled(outlook, operation.table_name, operation.schema)
    if standing is None:
        return
    where = operation.kw.get(f"{dialect.name}_where")
    where = sql_of(where, dialect) if where is not None else ""
    parts = _parts(operation, dialect)
    texts = [part for part in (*parts, where) if part not in standing.columns]
    names = [part for part in parts if part in standing.columns]
    rows = standing.rows_for(" ".join(texts), names)
    if rows is None:
        return
    yield from _duplicates(
        standing,
        rows,
        parts,
        where=where,
        are_nulls_one=bool(operation.kw.get(f"{dialect.name}_nulls_not_distinct")),
    )


_ORDERED = re.compile(r"\s+(ASC|DESC)?(\s*NULLS\s+(FIRST|LAST))?\s*$", re.IGNORECASE)


def _parts(operation: ops.CreateIndexOp, dialect: Dialect) -> list[str]:
    """Return the parts of an index: names of columns, and expressions."""
    lengths = operation.kw.get(f"{dialect.name}_length") or {}
    parts: list[str] = []
    for each in operation.columns:
        name = getattr(each, "name", each)
        if not isinstance(name, str):
            parts.append(_ORDERED.sub("", sql_of(each, dialect)))
        elif length := lengths if isinstance(lengths, int) else lengths.get(name):
            begins = sa.func.left(sa.column(name), sa.literal_column(str(length)))
            parts.append(sql_of(begins, dialect))
        else:
            parts.append(name)
    return parts


def _duplicates(
    standing: Standing,
    rows: Rows,
    parts: list[str],
    *,
    where: str = "",
    are_nulls_one: bool = False,
) -> Iterator[Question]:
    live = [
        held.live.name
        for each in parts
        if (held := standing.columns.get(each)) and held.live
    ]
    if _is_key_already(standing.live, set(live)) and not are_nulls_one:
        return
    columns = [
        rows.columns[each] if each in rows.columns else sa.literal_column(f"({each})")
        for each in parts
    ]
    query = sa.select(*columns, sa.func.count()).select_from(rows.source)
    if not are_nulls_one:
        query = query.where(*(column.is_not(None) for column in columns))
    if where:
        query = query.where(sa.literal_column(f"({where})"))
    told = ", ".join(parts)
    yield Question(
        code="W302",
        subject=f"{standing.live.name}({told})",
        rows=query.group_by(*columns).having(sa.func.count() > 1),
        keys=(*parts, "rows"),
        found=f"{{values}} of {told} in {standing.live.name} stand{{s}} in several"
        " rows; a unique key would fail",
        remedy="Give the rows different values, or delete those that are too many.",
    )


def _is_key_already(table: Table, names: set[str]) -> bool:
    return any(
        isinstance(each, PrimaryKey | Unique) and names.issuperset(each.columns)
        for each in table.constraints
    )


def _new_foreign_key(
    operation: ops.CreateForeignKeyOp, outlook: Outlook, dialect: Dialect
) -> Iterator[Question]:
    child = _settled(outlook, operation.source_table, operation.kw.get("source_schema"))
    if child is None or operation.kw.get("postgresql_not_valid"):
        return
    rows = child.rows(_names(operation.local_cols))
    if rows is None:
        return
    columns = tuple(rows.columns.values())
    unmet = _unmet(operation, columns, outlook)
    if unmet is None:
        return
    is_set = sa.and_(*(column.is_not(None) for column in columns))
    broken = sa.and_(is_set, unmet)
    if dialect.has_full_match and str(operation.kw.get("match")).upper() == "FULL":
        is_bare = sa.and_(*(column.is_(None) for column in columns))
        broken = sa.or_(broken, sa.not_(sa.or_(is_set, is_bare)))
    yield Question(
        code="W303",
        subject=f"{child.live.name}({', '.join(rows.columns)})",
        rows=rows.where(broken),
        keys=rows.key_names,
        found=f"{{rows}} of {child.live.name} refer{{s}} to a row of"
        f" {operation.referent_table} that is not there; a foreign key would fail",
        remedy="Add the missing rows, or give these rows another value or NULL.",
    )


def _unmet(
    operation: ops.CreateForeignKeyOp, columns: Iterable[Any], outlook: Outlook
) -> sa.ColumnElement[bool] | None:
    """Return what is true where no row is referred to; None if nobody knows."""
    schema = operation.kw.get("referent_schema")
    if outlook.is_empty(operation.referent_table, schema):
        return sa.true()
    parent = _settled(outlook, operation.referent_table, schema)
    rows = parent and parent.rows(_names(operation.remote_cols), "referred")
    if rows is None:
        return None
    pairs = zip(columns, rows.columns.values(), strict=True)
    met: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(rows.source)
    return ~sa.exists(met.where(*(here == there for here, there in pairs)))


def _new_check(
    operation: ops.CreateCheckConstraintOp, outlook: Outlook, dialect: Dialect
) -> Iterator[Question]:
    standing = _settled(outlook, operation.table_name, operation.schema)
    if standing is None or operation.kw.get("postgresql_not_valid"):
        return
    condition = sql_of(operation.condition, dialect)
    rows = standing.rows_for(condition)
    if rows is None:
        return
    called = f"{operation.constraint_name} " if operation.constraint_name else ""
    yield Question(
        code="W304",
        subject=f"{standing.live.name}",
        rows=rows.where(sa.literal_column(f"NOT ({condition})")),
        keys=rows.key_names,
        found=f"{{rows}} of {standing.live.name} break{{s}} the check"
        f" {called}({condition})",
        remedy="Mend the rows, or the condition.",
        refusal=f"The check {called}({condition}) cannot be computed for the rows of"
        f" {standing.live.name}: {{words}}",
    )


def _new_column(
    operation: ops.AddColumnOp, outlook: Outlook, dialect: Dialect
) -> Iterator[Question]:
    column = operation.column
    counts = numbers_rows(column, is_key_enough=dialect.numbers_new_keys)
    has_value = column.server_default is not None or column.computed is not None
    if column.nullable or has_value or counts:
        return
    standing = outlook.table(operation.table_name, operation.schema)
    if standing is None or str(column.name) in standing.columns:
        return  # an interrupted run added it
    is_invented = dialect.invents_values
    yield from _any_rows(standing, str(column.name), is_invented=is_invented)


def _any_rows(
    standing: Standing, column: str, *, is_invented: bool
) -> Iterator[Question]:
    name, rows = standing.live.name, standing.all_rows
    found = f"{{rows}} of {name} {{have}} no value for the new column {column}"
    end = "the server would invent one" if is_invented else "NOT NULL would fail"
    yield Question(
        code="W309" if is_invented else "W308",
        subject=f"{name}.{column}",
        rows=rows.where(),
        keys=rows.key_names,
        found=f"{found}; {end}",
        remedy=f"Give the rows one: migrate --fill {name}.{column}=VALUE, or a"
        " server_default in the model.",
    )


def _not_null(operation: ops.AlterColumnOp, outlook: Outlook) -> Iterator[Question]:
    standing = _settled(outlook, operation.table_name, operation.schema)
    if standing is not None:
        yield from _nulls(standing, operation.column_name)


def _nulls(standing: Standing, name: str) -> Iterator[Question]:
    """Yield what finds the rows that have no value in a column that must have one."""
    held = standing.columns.get(name)
    if held is None or held.is_recast:
        return
    if held.is_empty:
        yield from _any_rows(standing, name, is_invented=False)
    live, rows = held.live, standing.all_rows
    if live is None or not live.nullable:
        return
    table = standing.live.name
    yield Question(
        code="W301",
        subject=f"{table}.{name}",
        rows=rows.where(standing.source.c[live.name].is_(None)),
        keys=rows.key_names,
        found=f"{{rows}} of {table} {{have}} no {name}; NOT NULL would fail",
        remedy=f"Give them a value: migrate --fill {table}.{name}=VALUE, or"
        f" UPDATE {table} SET {live.name} = ... WHERE {live.name} IS NULL.",
    )
