"""Calls that Alembic writes not at all, not fully, or not in every version."""

from __future__ import annotations

import ast
from typing import Any

from alembic.autogenerate import render as alembic_render
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy.schema import Column
from sqlalchemy.sql import quoted_name


class _Code(str):
    """Code that stands for a value, and is written as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def as_code(context: AutogenContext, value: Any) -> Any:
    """Return an option by which names that are quoted already are written so."""
    if isinstance(value, list):
        return [as_code(context, each) for each in value]
    if isinstance(value, quoted_name) and value.quote is False:
        prefix = (context.opts or {}).get("sqlalchemy_module_prefix") or ""
        return _Code(f"{prefix}quoted_name({str(value)!r}, quote=False)")
    return value


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


def column(context: AutogenContext, column: Column[Any]) -> str | bool:
    """Write a column with the checks in its definition, which Alembic leaves out.

    A column that has none is not written: Alembic does.
    """
    checks = [each for each in column.constraints if not each._type_bound]
    if not checks:
        return False
    bare = column._copy()
    bare.constraints.clear()
    written = alembic_render._render_column(bare, context)
    said = (alembic_render._render_constraint(each, context, None) for each in checks)
    return _with_arguments(written, *filter(None, said))


def _with_arguments(call: str, *arguments: str) -> str:
    """Return *call* with more arguments behind those that have no keyword."""
    written = ast.parse(call, mode="eval").body
    assert isinstance(written, ast.Call)
    last = written.args[-1].end_col_offset or 0
    start = call.encode()[:last].decode()
    return f"{start}, {', '.join(arguments)}{call[len(start) :]}"


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
