"""What a dialect tells of the tables of a schema, or else the standard's catalog."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Inspector
from sqlalchemy.exc import SQLAlchemyError

from whimbrel.catalog import information_schema
from whimbrel.catalog.questions import Questions
from whimbrel.errors import DatabaseError
from whimbrel.schema.state import Check, ForeignKey, PrimaryKey, Sequence, Unique
from whimbrel.schema.unseen import COMMENTS, INDEXES, KINDS, SEQUENCES


Told: TypeAlias = Mapping[str, Any]
"""A thing in the words of SQLAlchemy's Inspector."""

_Way: TypeAlias = Callable[["str | None"], Mapping[Any, Any]]
_Standard: TypeAlias = Callable[[Connection, "str | None"], Mapping[Any, Any]]
_CHECK = re.compile(r"CHECK\s*\(", re.IGNORECASE)
_METHODS = {
    KINDS[PrimaryKey]: "get_multi_pk_constraint",
    KINDS[Unique]: "get_multi_unique_constraints",
    KINDS[ForeignKey]: "get_multi_foreign_keys",
    KINDS[Check]: "get_multi_check_constraints",
    INDEXES: "get_multi_indexes",
    COMMENTS: "get_multi_table_comment",
}


@dataclass(frozen=True, slots=True)
class Sheets:
    """What the Inspector tells of all tables of a schema, by their names there."""

    columns: Mapping[Any, list[Told]]
    primary_keys: Mapping[Any, Told]
    uniques: Mapping[Any, list[Told]]
    foreign_keys: Mapping[Any, list[Told]]
    checks: Mapping[Any, list[Told]]
    indexes: Mapping[Any, list[Told]]
    comments: Mapping[Any, Told]


class Asker:
    """Asks about the tables of one database, and notes what nobody can answer.

    Args:
        connection: the database.
        questions: puts the questions to it.
    """

    def __init__(self, connection: Connection, questions: Questions) -> None:
        self.connection = connection
        self.questions = questions
        self.dialect = connection.dialect
        self.inspector: Inspector = sa.inspect(connection)
        self.missing: set[str] = set()
        self.is_doubtful = False
        """Whether the dialect was made for another version, and is refused or wrong."""

    def sheets(self, schema: str | None) -> Sheets:
        """Return what there is to know of the tables of a schema.

        Raises:
            DatabaseError: nobody can tell their columns.
        """
        columns = self._columns(schema)
        tables = frozenset(columns)

        def told(kind: str, standard: _Standard | None = None) -> Mapping[Any, Any]:
            return self._told(kind, schema, tables, standard)

        sheets = Sheets(
            columns=columns,
            primary_keys=told(KINDS[PrimaryKey], information_schema.primary_keys),
            uniques=told(KINDS[Unique], information_schema.uniques),
            foreign_keys=told(KINDS[ForeignKey], information_schema.foreign_keys),
            checks=self._with_names(told(KINDS[Check])),
            indexes=told(INDEXES),
            comments=told(COMMENTS),
        )
        if self.is_doubtful:
            with suppress(SQLAlchemyError):
                told_again = self._standard(information_schema.columns, schema)
                sheets = replace(sheets, columns=told_again)
        return sheets

    def _with_names(self, checks: Mapping[Any, list[Told]]) -> Mapping[Any, list[Told]]:
        """Return *checks*, or none if the dialect takes their texts for their names."""
        every = (each["name"] or "" for found in checks.values() for each in found)
        if not any(map(_CHECK.match, every)):
            return checks
        self.is_doubtful = True
        self.missing.add(KINDS[Check])
        return {}

    def sequences(self, schema: str | None) -> list[Sequence]:
        """Return the sequences of a schema, of which only the names are known."""
        if not self.dialect.supports_sequences:
            return []
        try:
            found = self._inspected("get_sequence_names", schema)
        except Exception:  # a third party's code: it may raise anything
            self.missing.add(SEQUENCES)
            return []
        return [Sequence(name=str(name), schema=schema) for name in found]

    def _columns(self, schema: str | None) -> Mapping[Any, Any]:
        refused: list[Exception] = []
        for way in self._ways("get_multi_columns", information_schema.columns):
            try:
                return way(schema)
            except Exception as cause:  # a third party's code: it may raise anything
                refused.append(cause)
        by_dialect = refused[-1] if self.questions.is_fragile else refused[0]
        raise self._silent(by_dialect) from by_dialect

    def _told(
        self,
        kind: str,
        schema: str | None,
        tables: frozenset[Any],
        standard: _Standard | None,
    ) -> Mapping[Any, Any]:
        """Return what there is of a kind; it is noted if that cannot be told.

        Args:
            kind: what it is.
            schema: where to look.
            tables: an answer that leaves out one of them is none: a dialect has a
                word for a table that has nothing of the kind.
            standard: how to find it out by the standard's catalog.
        """
        for way in self._ways(_METHODS[kind], standard):
            with suppress(Exception):  # a third party's code: it may raise anything
                answer = way(schema)
                if tables <= answer.keys():
                    return answer
        self.missing.add(kind)
        return {}

    def _ways(self, method: str, standard: _Standard | None) -> list[_Way]:
        """Return the ways to find something out, the better first.

        What a dialect sends may hang on what it finds. The standard's questions are
        always the same; so they come first in a transaction that one too many ends.
        """
        by_dialect = partial(self._inspected, method)
        if standard is None:
            return [by_dialect]
        by_standard = partial(self._standard, standard)
        if self.questions.is_fragile:
            return [by_standard, by_dialect]
        return [by_dialect, by_standard]

    def _inspected(self, method: str, schema: str | None) -> Any:
        def ask(connection: Connection) -> Any:
            is_here = connection is self.connection
            inspector = self.inspector if is_here else sa.inspect(connection)
            return getattr(inspector, method)(schema=schema)

        with warnings.catch_warnings():  # what is left out is told by the state
            warnings.simplefilter("ignore")
            try:
                return self.questions.answer_safely(ask)
            except SQLAlchemyError:
                self.is_doubtful = True
                raise

    def _standard(self, ask: _Standard, schema: str | None) -> Mapping[Any, Any]:
        return self.questions.answer(lambda connection: ask(connection, schema))

    def _silent(self, cause: Exception) -> DatabaseError:
        name = self.dialect.name
        why = str(cause).partition("\n")[0] or "it has no method for that"
        return DatabaseError(
            f"SQLAlchemy's Inspector cannot read this {name} database: {why}",
            f"Look for a version of the {name} dialect that goes with SQLAlchemy"
            f" {sa.__version__}, or write the script by hand: `revision`.",
            dialect=name,
        )
