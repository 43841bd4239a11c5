"""Questions to a catalog that may fail, each asked so that no other fails with it.

A third party's dialect may ask its database what that does not understand, and many
databases abort the whole transaction then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from whimbrel.catalog.beside import connection_beside, drop


Answer = TypeVar("Answer")


class Questions:
    """Puts questions to a database; one that fails leaves its transaction as it was.

    In a transaction that the caller began, each is asked in a savepoint. Where there
    are none, the transaction is *fragile*: what fails in it ends it. Then a question is
    tried on a second connection first. Whether there are savepoints is seen there too,
    for the transactions of DuckDB do not outlive the attempt. To be closed.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        is_ours = not connection.in_transaction()
        self.beside = None if is_ours else connection_beside(connection)
        self._has_savepoints = not is_ours and _has_savepoints(
            self.beside or connection
        )
        self.is_fragile = not is_ours and not self._has_savepoints
        if self.beside is not None:
            self.beside.rollback()

    def close(self) -> None:
        """Give up the second connection, if one was needed."""
        if self.beside is not None:
            drop(self.beside)

    def answer(self, ask: Callable[[Connection], Answer]) -> Answer:
        """Return what *ask* finds out; whatever it raises, the next one can be asked.

        Args:
            ask: only reads, on the connection that it is given; what it sends must not
                hang on what it finds.
        """
        here = self._connection
        if self._has_savepoints:
            savepoint = here.begin_nested()
            answer = _or_undo(ask, here, savepoint.rollback)
            savepoint.commit()
            return answer
        if not self.is_fragile:
            return _or_undo(ask, here, here.rollback)
        self.answer_safely(ask)
        return ask(here)

    def answer_safely(self, ask: Callable[[Connection], Answer]) -> Answer:
        """Return what *ask* finds out, whatever it sends.

        In a fragile transaction it sees what is committed, and no more.
        """
        if not self.is_fragile:
            return self.answer(ask)
        there = self.beside or self._connection
        return _or_undo(ask, there, there.rollback if self.beside else _nothing)


_HAVE_SAVEPOINTS = ("mariadb", "mysql", "postgresql", "sqlite")


def is_fragile(connection: Connection) -> bool:
    """Whether what fails now ends the transaction that the connection is in."""
    if connection.dialect.name in _HAVE_SAVEPOINTS:
        return False
    with closing(Questions(connection)) as questions:
        return questions.is_fragile


@contextmanager
def undone(connection: Connection) -> Iterator[Connection]:
    """Give a connection on which all that the block does is undone, failures too.

    For a fragile transaction it is another one, which sees what is committed.
    """
    if not connection.in_transaction():
        try:
            yield connection
        finally:
            connection.rollback()
        return
    if connection.dialect.name not in _HAVE_SAVEPOINTS:
        with closing(Questions(connection)) as questions:
            if questions.is_fragile:
                yield questions.beside or connection
                return
    savepoint = connection.begin_nested()
    try:
        yield connection
    finally:
        savepoint.rollback()


def _nothing() -> None:
    """Undo nothing: the transaction is the caller's."""


def _has_savepoints(connection: Connection) -> bool:
    try:
        connection.begin_nested().rollback()
    except SQLAlchemyError:
        return False
    return True


def _or_undo(
    ask: Callable[[Connection], Answer], there: Connection, undo: Callable[[], None]
) -> Answer:
    try:
        return ask(there)
    except Exception:
        undo()
        raise
