"""The operations that ``from alembic import op`` gives a script, as they are done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from alembic import operations as alembic_operations
from alembic.operations.base import BatchOperations
from alembic.operations.batch import BatchOperationsImpl
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from alembic.util.langhelpers import ModuleClsProxy
from sqlalchemy import Table

from whimbrel.errors import MigrationFailed
from whimbrel.run.operation_names import name_of
from whimbrel.run.shadow import Shadow
from whimbrel.run.sql_for_sqlite import WritingSQLite


class Operations(alembic_operations.Operations):
    """Alembic's operations, whose batches are given whole to the database's own way."""

    @contextmanager
    def batch_alter_table(  # noqa: PLR0913, PLR0917 - Alembic's signature
        self,
        table_name: str,
        schema: str | None = None,
        recreate: str = "auto",
        partial_reordering: Sequence[tuple[str, ...]] | None = None,
        copy_from: Table | None = None,
        table_args: Sequence[Any] = (),
        table_kwargs: Mapping[str, Any] | None = None,
        reflect_args: Sequence[Any] = (),
        reflect_kwargs: Mapping[str, Any] | None = None,
        naming_convention: Mapping[str, str] | None = None,
    ) -> Iterator[BatchOperations]:
        """Collect what is said of one table, and carry it out at the end."""
        batch = TableBatch(  # type: ignore[no-untyped-call]  # Alembic's __init__
            self,
            table_name,
            schema,
            recreate,
            copy_from,
            tuple(table_args),
            table_kwargs or {},
            tuple(reflect_args),
            reflect_kwargs or {},
            naming_convention,
            partial_reordering,
        )
        yield BatchOperations(self.migration_context, impl=batch)
        with self._told(f"batch_alter_table {table_name}"):
            batch.flush()

    def invoke(self, operation: Any) -> Any:
        """Carry out *operation*; whoever listens to the run hears of it."""
        with self._told(name_of(operation)):
            return super().invoke(operation)

    def _told(self, name: str) -> AbstractContextManager[None]:
        care = getattr(self.migration_context, "care", None)
        return nullcontext() if care is None else care.operation(name)

    @classmethod
    @contextmanager
    def context(cls, migration_context: MigrationContext) -> Iterator[Operations]:
        """Be what ``from alembic import op`` gives, for the block."""
        operations = cls(migration_context)
        with as_proxy_of(alembic_operations.Operations, operations):
            yield operations


class TableBatch(BatchOperationsImpl):
    """What a script says of one table between ``with`` and the end of the block."""

    def add_column(self, *args: Any, **kwargs: Any) -> None:
        """Note a new column; where it may stand is known at the end."""
        if self._alter is None:
            super().add_column(*args, **kwargs)
        else:
            self.batch.append(("add_column", args, kwargs))

    def flush(self) -> None:
        """Carry out all that was noted."""
        alter = self._alter
        if alter is not None:
            alter(self)
            return
        try:
            super().flush()
        except CommandError as cause:
            if self._shadow is None:
                raise
            why = self._shadow.failure or "no script makes it"
            raise MigrationFailed(
                f"--sql cannot alter table {self.table_name}: {why}; only its database"
                " knows what it is now.",
                "Run the script on the database itself, without --sql, or hand the"
                " table to batch_alter_table() as copy_from.",
                table=str(self.table_name),
            ) from cause

    @property
    def _alter(self) -> Callable[[BatchOperationsImpl], None] | None:
        """How the database alters a table as a whole, if it has a way of its own."""
        alter = getattr(self.impl, "alter_table", None)
        if not self.impl.as_sql:
            return alter
        shadow = self._shadow
        is_known = shadow is not None and shadow.has_table(self.table_name, self.schema)
        return alter if is_known else None

    @property
    def _shadow(self) -> Shadow | None:
        """What the scripts made so far, where SQL is written."""
        return self.impl.shadow if isinstance(self.impl, WritingSQLite) else None


@contextmanager
def as_proxy_of(kind: type[ModuleClsProxy], thing: Any) -> Iterator[None]:
    """Let Alembic's module of functions for *kind* speak to *thing* in the block.

    Alembic does this for instances of exactly that class, and once at a time; runs
    may be nested, when a script upgrades another database.
    """
    attributes, modules = kind._setups[kind]
    namespaces = [namespace for namespace, _ in modules]
    names = ("_proxy", *attributes)
    before = [
        {name: each[name] for name in names if name in each} for each in namespaces
    ]
    for namespace in namespaces:
        namespace["_proxy"] = thing
        namespace.update({name: getattr(thing, name) for name in attributes})
    try:
        yield
    finally:
        for namespace, kept in zip(namespaces, before, strict=True):
            for name in names:
                namespace.pop(name, None)
            namespace.update(kept)
            namespace.setdefault("_proxy", None)
