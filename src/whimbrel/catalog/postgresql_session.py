"""A transaction in which a catalog is read, and of which nothing stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from whimbrel.schema.dialect import described


_SAVEPOINT = "whimbrel_reading"


class Session:
    """What is asked of a PostgreSQL database, whatever its driver is."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        dialect = connection.dialect
        self.version = described(dialect).version
        self.default_schema = dialect.default_schema_name or "public"
        self.doubles_percents = dialect.identifier_preparer._double_percents

    def rows(self, sql: str) -> Sequence[Sequence[Any]]:
        """Return the rows that a query finds."""
        found: Sequence[Sequence[Any]] = self._sent(sql).fetchall()
        return found

    @cached_property
    def default_tablespace(self) -> str:
        """Where the database keeps what is told no other place."""
        ((name,),) = self.rows(
            "SELECT ts.spcname::text FROM pg_catalog.pg_database d"
            " JOIN pg_catalog.pg_tablespace ts ON ts.oid = d.dattablespace"
            " WHERE d.datname = pg_catalog.current_database()"
        )
        return str(name)

    def run(self, sql: str) -> None:
        """Run a statement."""
        self._sent(sql).close()

    def run_all(self, statements: Sequence[str]) -> None:
        """Run statements in one round trip, on every driver alike."""
        body = "\n".join(f"{statement};" for statement in statements)
        if body:
            self.run(f"DO LANGUAGE plpgsql {literal(f'BEGIN {body} END')}")

    @cached_property
    def reserved(self) -> frozenset[str]:
        """The words that are names only where they are quoted."""
        ((found,),) = self.rows(
            "SELECT pg_catalog.array_agg(word) FROM pg_catalog.pg_get_keywords()"
            " WHERE catcode <> 'U'"
        )
        return frozenset(found)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Take back whatever is done meanwhile.

        The caller's transaction goes on as it was; where there is none, as on a
        connection with AUTOCOMMIT, there is none afterwards either.
        """
        was_in_transaction = self._connection.in_transaction()
        begun = self._begun()
        try:
            yield
        finally:
            for statement in begun:
                self.run(statement)
            if not was_in_transaction:
                self._connection.rollback()

    def _begun(self) -> tuple[str, ...]:
        """Open a savepoint, or a transaction, and return what takes it back."""
        try:
            self.run(f"SAVEPOINT {_SAVEPOINT}")
        except DBAPIError as error:
            if "SAVEPOINT" not in str(error.orig):
                raise
            self.run("BEGIN")
            return ("ROLLBACK",)
        return (
            f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}",
            f"RELEASE SAVEPOINT {_SAVEPOINT}",
        )

    def see_only_default_schema(self) -> None:
        """Let the server name what lies in the default schema, and only that, barely.

        It must be undone: the session's own search path is another one.  Nor does
        the server compile queries meanwhile, which takes it longer than they do.
        """
        self.run(
            "SELECT pg_catalog.set_config('search_path', pg_catalog.quote_ident("
            f"{literal(self.default_schema)}), true),"
            " pg_catalog.set_config('jit', 'off', true)"
        )

    def schema(self, name: str) -> str | None:
        """Return the schema of that name as a state calls it: None for the default."""
        return None if name == self.default_schema else name

    def _sent(self, sql: str) -> Any:
        if self.doubles_percents:
            sql = sql.replace("%", "%%")
        return self._connection.exec_driver_sql(sql)


def literal(text: str) -> str:
    """Return *text* as a string constant of SQL."""
    quoted = text.replace("'", "''")
    if "\\" in quoted:
        escaped = quoted.replace("\\", "\\\\")
        return f" E'{escaped}'"
    return f"'{quoted}'"
