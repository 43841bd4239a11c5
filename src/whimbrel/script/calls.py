"""Calls that Alembic writes not at all, not fully, or not in every version."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import render as alembic_render
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops


def rename_table(context: AutogenContext, op: ops.RenameTableOp) -> str:
    """Write the call that gives a table another name."""
    arguments = [repr(str(op.table_name)), repr(str(op.new_table_name))]
    if op.schema:
        arguments.append(f"schema={str(op.schema)!r}")
    return _call("rename_table", context, arguments)


def create_primary_key(context: AutogenContext, op: ops.CreatePrimaryKeyOp) -> str:
    """Write the call that adds a primary key to a table."""
    columns = repr([str(column) for column in op.columns])
    return _call("create_primary_key", context, _placed(context, op, [columns]))


def create_check(context: AutogenContext, op: ops.CreateCheckConstraintOp) -> str:
    """Write the call that adds a check to a table; Alembic can since 1.19 only."""
    check = op.to_constraint()
    condition = alembic_render._render_potential_expr(
        check.sqltext, context, wrap_in_element=False
    )
    options = alembic_render._render_dialect_kwargs_items(context, check.dialect_kwargs)
    arguments = _placed(context, op, [condition])
    return _call("create_check_constraint", context, [*arguments, *options])


def _placed(context: AutogenContext, op: Any, content: list[str]) -> list[str]:
    """Return name, table and content of a constraint; a batch knows its table."""
    name = repr(alembic_render._render_gen_name(context, op.constraint_name))
    if context._has_batch:
        return [name, *content]
    schema = [f"schema={str(op.schema)!r}"] if op.schema else []
    return [name, repr(str(op.table_name)), *content, *schema]


def _call(name: str, context: AutogenContext, arguments: list[str]) -> str:
    prefix = alembic_render._alembic_autogenerate_prefix(context)
    return f"{prefix}{name}({', '.join(arguments)})"
