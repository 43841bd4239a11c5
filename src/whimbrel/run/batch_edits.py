"""What a batch says of its table as a whole, as edits of its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Column, Constraint, ForeignKeyConstraint, Index, MetaData, Table
from sqlalchemy.types import NULLTYPE

from whimbrel.catalog.sqlite_ddl import (
    canonical,
    folded,
    parse_clause,
    parse_constraint,
    quote,
)
from whimbrel.run import alter_text, constraint_text
from whimbrel.run.alter_text import Draft
from whimbrel.run.constraint_edits import ConstraintEdits
from whimbrel.run.table_layout import primary_key


class BatchEdits(ConstraintEdits):
    """The edits of one table, and what ``batch_alter_table`` itself was told."""

    def finished(self) -> Draft:
        """Return the draft after all that the batch says of the table as a whole."""
        for each in (
            *self.options.get("reflect_args", ()),
            *self.options.get("table_args", ()),
        ):
            self._add_argument(each)
        if self.key_columns and primary_key(self.draft.text) is None:
            columns = ", ".join(map(quote, self.key_columns))
            self.draft = constraint_text.add_constraint(
                self.draft, f"PRIMARY KEY ({columns})"
            )
        orders = self.options.get("partial_reordering")
        if orders:
            named = [[self._name(name) for name in order] for order in orders]
            self.draft = alter_text.reorder(self.draft, named)
        self._set_options(self.options.get("table_kwargs") or {})
        return self.draft

    def _add_argument(self, given: Any) -> None:
        """Add what ``table_args`` or ``reflect_args`` restate, unless it is there."""
        if isinstance(given, Column):
            self._restate_column(given)
        elif isinstance(given, Index):
            self.new_indexes.append(given)
        elif isinstance(given, Constraint):
            columns = [Column(name, NULLTYPE) for name in self.draft.column_names]
            is_attached = getattr(given, "parent", None) is not None
            again = given._copy() if is_attached else given
            Table(self.table.name, self._referred_tables(given), *columns, again)
            written = self._written(again)
            if not self._says_already(written):
                self.draft = constraint_text.add_constraint(self.draft, written)

    def _referred_tables(self, given: Constraint) -> MetaData:
        metadata = MetaData()
        if isinstance(given, ForeignKeyConstraint):
            for key in given.elements:
                table, _, column = key.target_fullname.rpartition(".")
                if folded(table) != folded(self.table.name):
                    Table(
                        table, metadata, Column(column, NULLTYPE), extend_existing=True
                    )
        return metadata

    def _says_already(self, written: str) -> bool:
        wanted = canonical(constraint_text.nameless(parse_constraint(written)))
        return any(
            canonical(constraint_text.nameless(place.clause)) == wanted
            for place in constraint_text.places(self.draft.text)
        )

    def _restate_column(self, column: Column[Any]) -> None:
        """Let a column have the type and the default that a restatement gives it."""
        name = self._name(column.name)
        if not self.draft.has_column(name):
            self._add_column(self.table.name, column._copy())
            return
        if not column.type._isnull:
            self._set_type(name, column.type, None)
        if column.server_default is not None:
            self._set_default(name, column.server_default)
        if isinstance(column._user_defined_nullable, bool):
            self.draft = alter_text.set_nullable(
                self.draft, name, column._user_defined_nullable
            )

    def _set_options(self, given: Mapping[str, Any]) -> None:
        for key, option, is_on in (
            ("sqlite_with_rowid", "WITHOUT ROWID", False),
            ("sqlite_strict", "STRICT", True),
        ):
            if key in given:
                self.draft = alter_text.set_option(
                    self.draft, option, is_on=bool(given[key]) is is_on
                )
        if "sqlite_autoincrement" in given:
            self._set_autoincrement(bool(given["sqlite_autoincrement"]))

    def _set_autoincrement(self, is_on: bool) -> None:
        place = primary_key(self.draft.text)
        if place is None or place.clause.is_autoincrement == is_on:
            return
        name, clause = place.columns[0], place.clause
        start = f"CONSTRAINT {quote(clause.name)} " if clause.name else ""
        end = f" ON CONFLICT {clause.on_conflict}" if clause.on_conflict else ""
        end += " AUTOINCREMENT" if is_on else ""
        self.draft = constraint_text.drop_constraint(self.draft, place)
        column = self.draft.column(name)
        key = parse_clause(f"{start}PRIMARY KEY{end}")
        self.draft = alter_text.set_column(
            self.draft, name, replace(column, clauses=(*column.clauses, key))
        )
