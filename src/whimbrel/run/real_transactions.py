"""Alembic's context with transactions that hold DDL too, where a database is a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import event
from sqlalchemy.engine import Connection

from whimbrel.errors import MigrationFailed
from whimbrel.run.event import Conduct
from whimbrel.run.lock import wait_for_a_file
from whimbrel.run.transaction import (
    end_transaction,
    has_foreign_keys_on,
    ignores_commit,
    is_free,
    is_open,
    open_transaction,
    refuse_orphans,
    reopen,
    short_of_patience,
    standing_alone,
    switch_off_until_end,
    without_foreign_keys,
)
from whimbrel.schema.dialect import described


class RealTransactions(MigrationContext):
    """Alembic's context, with transactions that hold DDL too.

    On a database that is one file, all scripts of a run stand in one transaction,
    in which foreign keys neither cascade nor refuse; those that would refer to
    nothing are found before the commit.
    """

    _checks_orphans = False
    _known_orphans: frozenset[tuple[Any, ...]] | None = None

    @property
    def _conduct(self) -> Conduct | None:
        """How the run behaves that this is a part of, if it is one."""
        return getattr(self.environment_context, "conduct", None)

    @property
    def is_ours(self) -> bool:
        """Whether the transactions are ours to open and to end."""
        return (
            not self.as_sql
            and self.impl.transactional_ddl
            and described(self.dialect).is_one_file
        )

    @property
    def _online(self) -> Connection:
        assert self.connection is not None
        return self.connection

    def begin_transaction(
        self, _per_migration: bool = False
    ) -> AbstractContextManager[Any]:
        """Begin a transaction where Alembic would, and a real one."""
        begins = _per_migration == self._transaction_per_migration
        if not self.is_ours or self._in_external_transaction or not begins:
            return super().begin_transaction(_per_migration)
        return self._real_transaction()

    @contextmanager
    def _real_transaction(self) -> Iterator[Any]:
        connection = self._online
        if is_open(connection) and has_foreign_keys_on(connection):
            self._end_what_queries_began()
        with without_foreign_keys(connection) as were_on:
            self._checks_orphans, self._known_orphans = were_on, None
            self._open()
            try:
                yield self._transaction
                self._refuse_new_orphans()
            except BaseException:
                self._close("ROLLBACK")
                raise
            self._close("COMMIT")

    def _open(self) -> None:
        self._transaction = self._online.get_transaction() or self._online.begin()
        writes, conduct = "destination_rev" in self.opts, self._conduct

        def begin() -> None:
            open_transaction(self._online, writes=writes)

        if conduct is None or not writes:
            begin()
        else:
            with short_of_patience(self._online):
                wait_for_a_file(begin, conduct, str(self._online.engine.url.database))
        event.listen(self._online, "before_cursor_execute", self._demand_transaction)

    def _demand_transaction(self, *_: object) -> None:
        """Refuse what would stand alone: on some errors SQLite undoes all."""
        if not is_open(self._online):
            raise MigrationFailed(
                "SQLite undid the transaction of the run, as it does where it has no"
                " room, cannot read or write, or is interrupted.",
                "Mend that, then run the command again.",
            )

    def _close(self, how: str) -> None:
        if self._transaction is None:
            return  # an autocommit block had ended it, and failed
        transaction, self._transaction = self._transaction, None
        event.remove(self._online, "before_cursor_execute", self._demand_transaction)
        reopen(self._online)
        if transaction.is_active:
            transaction.commit() if how == "COMMIT" else transaction.rollback()
        end_transaction(self._online, how)

    def _end_what_queries_began(self) -> None:
        transaction = self._online.get_transaction()
        if transaction is not None:
            transaction.commit()

    def _refuse_new_orphans(self) -> None:
        if self._known_orphans is not None:
            refuse_orphans(self._online, self._known_orphans)

    def _calm_foreign_keys(self) -> AbstractContextManager[object]:
        """Switch foreign keys off for a run that is to have no transaction."""
        is_file = not self.as_sql and described(self.dialect).is_one_file
        if not is_file or not is_free(self._online):
            return nullcontext()
        return without_foreign_keys(self._online)

    @contextmanager
    def _callers_transaction(self) -> Iterator[None]:
        """Be part of what the caller commits or rolls back, if its driver does that."""
        connection = self._online
        if is_open(connection):
            yield
        elif ignores_commit(connection):
            with without_foreign_keys(connection), standing_alone(connection):
                yield
        else:
            switch_off_until_end(connection)
            open_transaction(connection)
            yield
