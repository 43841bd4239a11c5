"""What a script says of columns, as edits of the text of their table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from alembic.ddl.impl import DefaultImpl
from sqlalchemy import (
    Column,
    Index,
    Table,
)
from sqlalchemy.types import TypeEngine, to_instance

from whimbrel.catalog.sqlite_ddl import (
    ClauseKind,
    folded,
    type_spelling,
)
from whimbrel.run import alter_text, ddl_text
from whimbrel.run.alter_text import Draft
from whimbrel.run.stored_table import StoredTable, read_table


ON_CONFLICT = "sqlite_on_conflict_not_null"
"""SQLAlchemy's argument; Alembic's own batch takes it too, and does nothing with it."""


@dataclass(frozen=True, slots=True)
class Said:
    """One operation that a script says, as Alembic hands it on."""

    operation: str
    args: tuple[Any, ...] = ()
    kw: dict[str, Any] = field(default_factory=dict)


class ColumnEdits:
    """The edits of a table's columns: each operation of a script changes the draft.

    Args:
        impl: Alembic's implementation, which knows the dialect and the options.
        table: the table as it stands.
        options: what ``batch_alter_table`` was told.
    """

    def __init__(
        self, impl: DefaultImpl, table: StoredTable, options: Mapping[str, Any]
    ) -> None:
        self.impl = impl
        self.table = table
        self.options = options
        self.dialect = impl.dialect
        self.renamed: dict[str, str] = {}
        self.key_columns: list[str] = []
        self.new_indexes: list[Index] = []
        self.draft = Draft.of(table.text)

    # -- names ----------------------------------------------------------------------

    def rename_columns(
        self, said: Iterable[Said], rename: Callable[[str, str], None]
    ) -> None:
        """Have the columns renamed first; everything that names them follows."""
        for each in said:
            name = each.kw.get("name")
            if each.operation == "alter_column" and name:
                old = self._name(str(each.args[1]))
                if str(name) != old:
                    rename(Draft.of(self.table.text).column(old).name, str(name))
                    self.renamed[folded(old)] = str(name)
                    self.table = self._read_again()
        self.draft = self._first_draft()

    def _read_again(self) -> StoredTable:
        table = self.table
        return read_table(table.connection, table.name, table.schema)

    def _first_draft(self) -> Draft:
        """Return the table as it stands, or as ``copy_from`` says it does."""
        draft = Draft.of(self.table.text)
        told: Table | None = self.options.get("copy_from")
        if told is None:
            return draft
        text = ddl_text.table_text(self.dialect, told)
        now = self.table.text
        text = replace(
            text, name=now.name, head=now.head, written_name=now.written_name
        )
        sources = {
            folded(name): draft.sources[folded(name)]
            for name in Draft.of(text).column_names
            if folded(name) in draft.sources
        }
        return Draft(text=text, sources=sources)

    def _name(self, name: str) -> str:
        """Return the name that a column goes by after renames of this batch."""
        if name and not self.draft.has_column(name):
            return self.renamed.get(folded(name), name)
        return name

    # -- operations -----------------------------------------------------------------

    def apply(self, said: Said) -> None:
        """Change the draft as an operation says."""
        edit = getattr(self, f"_{said.operation}", None)
        if edit is not None:
            edit(*said.args, **said.kw)

    def _alter_column(
        self,
        _table_name: str,
        column_name: str,
        *,
        nullable: bool | None = None,
        server_default: Any = False,
        type_: Any = None,
        existing_type: Any = None,
        **others: Any,
    ) -> None:
        name = self._name(str(column_name))
        self.draft.column(name)
        if type_ is not None:
            self._set_type(name, to_instance(type_), existing_type)
        if nullable is not None:
            self.draft = alter_text.set_nullable(self.draft, name, nullable)
        if ON_CONFLICT in others:
            self.draft = alter_text.set_on_conflict(
                self.draft, name, others[ON_CONFLICT]
            )
        if server_default is not False:
            self._set_default(name, server_default)

    def _set_type(self, name: str, wanted: TypeEngine[Any], before: Any) -> None:
        new = ddl_text.type_text(self.dialect, wanted)
        now = self.draft.column(name).type_text
        if type_spelling(now) != type_spelling(new.type_text):
            self.draft = alter_text.set_type(self.draft, name, new.type_text)
        collation = new.clause(ClauseKind.COLLATE)
        was_collated = before is not None and getattr(
            to_instance(before), "collation", None
        )
        if collation is not None or was_collated:
            said = collation.text if collation is not None else None
            self.draft = alter_text.set_clause(
                self.draft, name, ClauseKind.COLLATE, said
            )

    def _set_default(self, name: str, server_default: Any) -> None:
        default, computed = None, None
        if server_default is not None and server_default is not True:
            written = ddl_text.default_text(self.dialect, server_default)
            default = written.clause(ClauseKind.DEFAULT)
            computed = written.clause(ClauseKind.GENERATED)
        for kind, clause in (
            (ClauseKind.DEFAULT, default),
            (ClauseKind.GENERATED, computed),
        ):
            text = clause.text if clause is not None else None
            self.draft = alter_text.set_clause(self.draft, name, kind, text)

    def _add_column(
        self,
        _table_name: str,
        column: Column[Any],
        *,
        if_not_exists: bool | None = None,
        insert_before: str | None = None,
        insert_after: str | None = None,
        **_others: Any,
    ) -> None:
        if if_not_exists and self.draft.has_column(column.name):
            return
        self.draft = alter_text.add_column(
            self.draft,
            ddl_text.column_text(self.dialect, column),
            before=self._name(insert_before) if insert_before else None,
            after=self._name(insert_after) if insert_after else None,
        )
        if column.primary_key:
            self.key_columns.append(column.name)

    def _drop_column(
        self,
        _table_name: str,
        column: Any,
        *,
        if_exists: bool | None = None,
        **_others: Any,
    ) -> None:
        name = self._name(str(column.name))
        if not if_exists or self.draft.has_column(name):
            self.draft = alter_text.drop_column(self.draft, name)
