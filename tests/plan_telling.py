"""A plan told in short lines, so that a test shows it as a table."""

from alembic.operations import ops

from whimbrel.plan.step import TableOps


def told(steps):
    """Return one line for each operation, indented within a table's batch."""
    return [line for step in steps for line in lines(step.operation)]


def lines(operation):
    if not isinstance(operation, TableOps):
        return [line(operation)]
    said = operation.batch.arguments
    words = [f"{name}={said[name]}" for name in sorted(said)]
    head = " ".join([f"alter {full(operation)}", *words])
    return [head, *(f"  {line(each)}" for each in operation.ops)]


def full(operation):
    schema = f"{operation.schema}." if operation.schema else ""
    return f"{schema}{operation.table_name}"


def line(operation):  # noqa: C901  # one case for each operation
    match operation:
        case ops.CreateTableOp():
            return f"create table {full(operation)} ({items(operation)})"
        case ops.DropTableOp():
            return f"drop table {full(operation)}"
        case ops.RenameTableOp():
            return f"rename table {full(operation)} to {operation.new_table_name}"
        case ops.CreateIndexOp():
            return f"create index {operation.index_name} on {full(operation)}"
        case ops.DropIndexOp():
            return f"drop index {operation.index_name} on {full(operation)}"
        case ops.AddColumnOp():
            return f"add {operation.column.name} {operation.column.type!r}"
        case ops.DropColumnOp():
            return f"drop {operation.column_name}"
        case ops.AlterColumnOp():
            return f"alter {operation.column_name}: {modified(operation)}"
        case ops.DropConstraintOp():
            return f"drop {operation.constraint_type} {operation.constraint_name}"
        case ops.CreateForeignKeyOp():
            return (
                f"add foreignkey {operation.constraint_name}"
                f" to {operation.referent_table}"
            )
        case ops.CreatePrimaryKeyOp():
            return f"add primary {operation.constraint_name}"
        case ops.CreateUniqueConstraintOp():
            return f"add unique {operation.constraint_name}"
        case ops.CreateCheckConstraintOp():
            return f"add check {operation.constraint_name}: {operation.condition.text}"
        case ops.CreateTableCommentOp():
            return f"comment {operation.comment}"
        case ops.DropTableCommentOp():
            return "no comment"
        case ops.ExecuteSQLOp():
            return operation.sqltext
    raise AssertionError(operation)


def items(operation):
    kinds = {
        "primary_key_constraint": "primary",
        "unique_constraint": "unique",
        "foreign_key_constraint": "foreignkey",
        "check_constraint": "check",
        "table_or_column_check_constraint": "check",
    }
    return ", ".join(
        " ".join(filter(None, [kinds.get(each.__visit_name__), each.name]))
        for each in operation.columns
    )


def modified(operation):
    said = {
        "type": operation.modify_type,
        "nullable": operation.modify_nullable,
        "name": operation.modify_name,
        **operation.kw,
    }
    words = [
        f"{name}={value!r}"
        for name, value in said.items()
        if value is not None or name in operation.kw
    ]
    default = operation.modify_server_default
    if default is not False:
        words.append(f"default={getattr(default, 'text', default)!r}")
    if operation.modify_comment is not False:
        words.append(f"comment={operation.modify_comment!r}")
    return ", ".join(words)
