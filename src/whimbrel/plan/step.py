"""A plan and its steps: operations in order, and the changes that they serve.

The operations are Alembic's own, so that a project's hooks
(``process_revision_directives``, ``Rewriter``) meet what they know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from alembic.operations import ops

from whimbrel.schema.changes import Change


class Moment(Enum):
    """When a column changes: before others go, when they are gone, or others came."""

    EARLY = 1
    USUAL = 2
    LATE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """What ``op.batch_alter_table()`` has to know besides the table.

    Args:
        unnamed: the constraints added under a made-up name that the models
            leave without one.
        naming_convention: the conventions by which constraints without a name
            are found when they are dropped, by kind (``uq``, ``fk``, ``pk``).
        table_kwargs: what is to be said of the table as a whole.
        recreate: whether the table must be made anew.
    """

    unnamed: tuple[str, ...] = ()
    naming_convention: Mapping[str, str] = field(default_factory=dict)
    table_kwargs: Mapping[str, Any] = field(default_factory=dict)
    recreate: Literal["auto", "always", "never"] = "auto"

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of ``op.batch_alter_table()``, as far as needed."""
        table_kwargs = dict(self.table_kwargs)
        if self.unnamed:
            table_kwargs["info"] = {"unnamed": list(self.unnamed)}
        given: dict[str, Any] = {}
        if self.recreate != "auto":
            given["recreate"] = self.recreate
        if table_kwargs:
            given["table_kwargs"] = table_kwargs
        if self.naming_convention:
            given["naming_convention"] = dict(self.naming_convention)
        return given


class TableOps(ops.ModifyTableOps):
    """All that is done to one table, with what its batch has to know."""

    def __init__(
        self,
        table_name: str,
        ops: Sequence[ops.MigrateOperation],
        *,
        schema: str | None = None,
        batch: BatchOptions | None = None,
    ) -> None:
        super().__init__(table_name, ops, schema=schema)
        self.batch = batch if batch is not None else BatchOptions()

    def is_empty(self) -> bool:
        """Whether nothing is done, not even to the table as a whole."""
        return not self.ops and self.batch.recreate != "always"


def one_by_one(
    operations: Iterable[ops.MigrateOperation],
) -> Iterator[ops.MigrateOperation]:
    """Yield *operations*, those of containers one after the other."""
    for each in operations:
        if isinstance(each, ops.OpContainer):
            yield from one_by_one(each.ops)
        else:
            yield each


class Autocommitted(ops.ExecuteSQLOp):
    """A statement that is committed at once, with all that was done before it."""


ACCEPTED = "accepted_losses"
"""Where an operation keeps it; Alembic's own `info` is not there on all of them."""


def accept(operation: ops.MigrateOperation, code: str) -> None:
    """Note with *operation* that what *code* stands for is accepted there."""
    vars(operation).setdefault(ACCEPTED, []).append(code)


def accepted(operation: ops.MigrateOperation) -> tuple[str, ...]:
    """Return the codes of what is accepted at *operation*."""
    return tuple(dict.fromkeys(vars(operation).get(ACCEPTED, ())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operation, and the changes that it serves.

    Args:
        operation: what is done, as Alembic writes and runs it.
        changes: what it is done for.
        loses: those among the changes by which stored values are lost.
        in_transaction: whether it may run within a transaction.
    """

    operation: ops.MigrateOperation
    changes: tuple[Change, ...]
    loses: tuple[Change, ...] = ()
    in_transaction: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps that lead to the wanted state, and those that lead back."""

    upgrade: tuple[Step, ...] = ()
    downgrade: tuple[Step, ...] = ()
    left: tuple[Change, ...] = ()
    """What the way back cannot undo, and leaves as it is."""
