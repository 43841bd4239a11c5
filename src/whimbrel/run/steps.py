"""The steps of a plan carried out without a script, or written down as SQL."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import ops
from sqlalchemy import event
from sqlalchemy.engine import Connection

from whimbrel.catalog.wording import unescaped
from whimbrel.plan.step import Step, TableOps
from whimbrel.run.copy_rows import CHUNK
from whimbrel.run.host import nothing_logged
from whimbrel.run.runtime import RUNTIME_LOG, Operations, owned_context


_CHANGES = re.compile(
    r"\s*(?:CREATE|ALTER|DROP|INSERT|UPDATE|DELETE|PRAGMA\s+\w+\s*=)", re.I
)


_ONLY_TRIES = (" WHERE 0", "writable_schema=ON", "writable_schema=OFF")
_SIMPLE = (ops.CreateIndexOp, ops.DropIndexOp)


def carry_out(connection: Connection, steps: Iterable[Step]) -> None:
    """Do on *connection* what *steps* say."""
    with nothing_logged(RUNTIME_LOG):
        context = MigrationContext.configure(connection)
    _invoke(Operations(context), steps)


def sql_of(connection: Connection, steps: Iterable[Step]) -> str:
    """Return *steps* as SQL for the database of *connection*, which is not touched."""
    buffer = io.StringIO()
    options = {"as_sql": True, "literal_binds": True, "output_buffer": buffer}
    with nothing_logged(RUNTIME_LOG):
        dialect = unescaped(connection.dialect)
        context = MigrationContext.configure(dialect=dialect, opts=options)
    with context.begin_transaction():
        _invoke(Operations(context), steps)
    return buffer.getvalue().strip()


def sql_of_doing(scratch: Connection, steps: Iterable[Step]) -> str:
    """Carry *steps* out on a scratch database, and return the SQL that changed it."""
    said: list[str] = []

    def hear(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if _CHANGES.match(statement) and not statement.endswith(_ONLY_TRIES):
            whole = statement.removesuffix(f" LIMIT {CHUNK}")
            said.append(_with_values(whole, parameters))

    event.listen(scratch, "before_cursor_execute", hear)
    with nothing_logged(RUNTIME_LOG):
        context = owned_context(
            MigrationContext.configure(scratch, opts={"transactional_ddl": True})
        )
    try:
        with context.begin_transaction():
            _invoke(Operations(context), map(_by_statements, steps))
    finally:
        event.remove(scratch, "before_cursor_execute", hear)
    body = "\n\n".join(f"{each.strip().removesuffix(';')};" for each in said)
    return f"PRAGMA foreign_keys=OFF;\n\nBEGIN;\n\n{body}\n\nCOMMIT;"


def _by_statements(step: Step) -> Step:
    """Return *step* so that it edits no catalog, which is nothing for a file of SQL."""
    operation = step.operation
    if not isinstance(operation, TableOps):
        return step
    if all(isinstance(each, _SIMPLE) for each in operation.ops):
        return step
    batch = replace(operation.batch, recreate="always")
    whole = TableOps(
        operation.table_name, operation.ops, schema=operation.schema, batch=batch
    )
    return replace(step, operation=whole)


def _with_values(statement: str, parameters: Any) -> str:
    """Return a statement with its values in their places."""
    values = iter(parameters if isinstance(parameters, tuple | list) else ())
    return re.sub(r"\?", lambda mark: _literal(next(values, mark[0])), statement)


def _literal(value: Any) -> str:
    if isinstance(value, str) and value != "?":
        return "'" + value.replace("'", "''") + "'"
    return "NULL" if value is None else str(value)


def _invoke(operations: Operations, steps: Iterable[Step]) -> None:
    for step in steps:
        alone = operations.get_context().autocommit_block
        with nullcontext() if step.in_transaction else alone():
            _invoke_one(operations, step)


def _invoke_one(operations: Operations, step: Step) -> None:
    operation = step.operation
    if not isinstance(operation, TableOps):
        operations.invoke(operation)
        return
    with operations.batch_alter_table(
        operation.table_name, schema=operation.schema, **operation.batch.arguments
    ) as batch:
        for each in operation.ops:
            batch.invoke(each)
