"""A pending operation in plain words: a mark, a thing by its full name.

+ table tag (id, name)
+ column user.email VARCHAR(64), NOT NULL
~ column user.name: type TEXT, NULL
- index ix_user_name
> table mail -> message
. UPDATE user SET active = true
"""

from __future__ import annotations

from typing import Any

from alembic.operations import ops
from sqlalchemy import Column
from sqlalchemy.engine import Dialect


WIDTH = 70
"""So many characters of a statement are told."""

_DROPPED = {"foreignkey": "foreign key", "primary": "primary key"}


def describe_operation(  # noqa: C901, PLR0911, PLR0912 - one line for each kind
    operation: ops.MigrateOperation, dialect: Dialect
) -> str:
    """Return *operation* as one line that begins with its mark."""
    match operation:
        case ops.CreateTableOp():
            columns = [
                each.name for each in operation.columns if isinstance(each, Column)
            ]
            named = ", ".join(map(str, columns))
            return f"+ table {_table(operation)} ({named})"
        case ops.DropTableOp():
            return f"- table {_table(operation)}"
        case ops.RenameTableOp():
            return f"> table {_table(operation)} -> {operation.new_table_name}"
        case ops.AddColumnOp():
            column = _column(operation.column, dialect)
            return f"+ column {_table(operation)}.{column}"
        case ops.DropColumnOp():
            return f"- column {_table(operation)}.{operation.column_name}"
        case ops.AlterColumnOp():
            return _altered(operation, dialect)
        case ops.CreateIndexOp():
            kind = "unique index" if operation.unique else "index"
            return f"+ {kind} {operation.index_name} on {_table(operation)}"
        case ops.DropIndexOp():
            return f"- index {operation.index_name}"
        case ops.CreateForeignKeyOp():
            local = ", ".join(map(str, operation.local_cols))
            place = f"{operation.source_table}({local}) -> {operation.referent_table}"
            return f"+ foreign key {place}"
        case ops.CreateUniqueConstraintOp():
            named = ", ".join(map(str, operation.columns))
            return f"+ unique {_table(operation)}({named})"
        case ops.CreatePrimaryKeyOp():
            named = ", ".join(map(str, operation.columns))
            return f"+ primary key {_table(operation)}({named})"
        case ops.CreateCheckConstraintOp():
            return f"+ check {_table(operation)}: {_short(str(operation.condition))}"
        case ops.DropConstraintOp():
            given = operation.constraint_type or "constraint"
            kind = _DROPPED.get(given, given)
            return f"- {kind} {operation.constraint_name} of {_table(operation)}"
        case ops.ExecuteSQLOp():
            return f". {_short(str(operation.sqltext))}"
        case ops.BulkInsertOp():
            return f". insert {len(operation.rows)} rows into {operation.table.name}"
        case _:
            return f"~ {type(operation).__name__.removesuffix('Op')}"


def _table(operation: Any) -> str:
    schema = getattr(operation, "schema", None)
    return f"{schema}.{operation.table_name}" if schema else str(operation.table_name)


def _type(type_: Any, dialect: Dialect) -> str:
    try:
        return str(type_.compile(dialect=dialect))
    except Exception:  # whatever the app's own type raises
        return repr(type_)


def _column(column: Column[Any], dialect: Dialect) -> str:
    closed = "" if column.nullable else ", NOT NULL"
    return f"{column.name} {_type(column.type, dialect)}{closed}"


def _altered(operation: ops.AlterColumnOp, dialect: Dialect) -> str:
    place = f"{_table(operation)}.{operation.column_name}"
    facts = []
    if operation.modify_type is not None:
        facts.append(f"type {_type(operation.modify_type, dialect)}")
    if operation.modify_nullable is not None:
        facts.append("NULL" if operation.modify_nullable else "NOT NULL")
    if operation.modify_server_default is not False:
        facts.append("default")
    if operation.modify_comment is not False:
        facts.append("comment")
    if operation.modify_name is not None:
        also = f": {', '.join(facts)}" if facts else ""
        return f"> column {place} -> {operation.modify_name}{also}"
    return f"~ column {place}: {', '.join(facts) or 'changed'}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..."
