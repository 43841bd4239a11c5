"""What loses stored values: tables and columns dropped while they hold some."""

from __future__ import annotations

from collections.abc import Iterator

from alembic.operations import ops

from whimbrel.checks.outlook import Outlook, Standing
from whimbrel.checks.rows import Question


def losses(operation: ops.MigrateOperation, outlook: Outlook) -> Iterator[Question]:
    """Yield what must be asked before *operation* drops something.

    What the scripts read elsewhere before, to keep it, is no loss.
    """
    match operation:
        case ops.DropTableOp():
            standing = outlook.table(operation.table_name, operation.schema)
            if standing is not None and not standing.are_rows_changed:
                yield _dropped_table(standing)
        case ops.DropColumnOp():
            standing = outlook.table(operation.table_name, operation.schema)
            if standing is not None:
                yield from _dropped_column(standing, operation.column_name)
        case _:
            pass


def _dropped_table(standing: Standing) -> Question:
    name, rows = standing.live.name, standing.all_rows
    return Question(
        code="W101",
        subject=str(name),
        rows=rows.where(),
        keys=rows.key_names,
        found=f"{{rows}} of {name} {{are}} lost when the table is dropped",
        remedy=f"If it has another name now: migrate --rename {name}:NEW. If its rows"
        " are wanted elsewhere, copy them in the script before.",
    )


def _dropped_column(standing: Standing, name: str) -> Iterator[Question]:
    held = standing.columns.get(name)
    live = held.live if held is not None else None
    if live is None or live.computed is not None:
        return
    if not standing.changed.isdisjoint(("", name.casefold(), live.name.casefold())):
        return
    table, rows = standing.live.name, standing.all_rows
    yield Question(
        code="W102",
        subject=f"{table}.{name}",
        rows=rows.where(standing.source.c[live.name].is_not(None)),
        keys=rows.key_names,
        found=f"{{rows}} of {table} {{have}} a value in {name}, which is lost",
        remedy="If it has another name now: migrate --rename"
        f" {table}.{name}:{table}.NEW. If its values are wanted elsewhere, copy them in"
        " the script before.",
    )
