"""The forms of a database that no reader here knows: SQLAlchemy's words for all."""

# ruff: noqa: ARG002  # what a dialect asks of a thing, all the others need not

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.schema import CreateSequence, DropSequence

from whimbrel.plan.generic import Forms
from whimbrel.plan.spelled import sqlalchemy_dialect
from whimbrel.schema.changes import SequenceChange
from whimbrel.schema.state import COUNTS_NOT, Column, Table


class InspectedForms(Forms):
    """What SQLAlchemy would do by itself is forbidden where models do not want it."""

    def column_options(self, column: Column, table: Table | None) -> dict[str, Any]:
        """Return what keeps a key's column from counting by itself."""
        return {"autoincrement": False} if COUNTS_NOT in column.options else {}

    def altered_options(self, before: Column, after: Column) -> dict[str, Any]:
        """Return nothing: no option of a column is said by its alteration."""
        return {}

    def sequence_operation(self, change: SequenceChange) -> ops.MigrateOperation:
        """Return what makes or drops a sequence."""
        told = change.after or change.before
        assert told is not None
        said: dict[str, Any] = {
            each.name: each.value == "True" if each.name == "cycle" else int(each.value)
            for each in told.options
        }
        sequence = sa.Sequence(told.name, schema=told.schema, **said)
        statement = CreateSequence if change.after else DropSequence
        dialect = sqlalchemy_dialect(self.dialect.name)
        return ops.ExecuteSQLOp(str(statement(sequence).compile(dialect=dialect)))
