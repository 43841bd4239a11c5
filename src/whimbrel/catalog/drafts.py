"""Tables of models, drafted: their attributes as they are, their SQL as text.

SQLAlchemy's own compiler writes each piece of SQL, just as it would in CREATE TABLE.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sqlalchemy import CheckConstraint, Column, Constraint, Index, Table
from sqlalchemy.engine import Connection
from sqlalchemy.sql.compiler import DDLCompiler

from whimbrel.catalog.expression_texts import ExpressionTexts
from whimbrel.catalog.models_inspected import InspectedWording
from whimbrel.catalog.models_mysql import MySQLWording
from whimbrel.catalog.models_postgresql import PostgreSQLWording
from whimbrel.catalog.models_sqlite import SQLiteWording
from whimbrel.catalog.plain_columns import PlainColumns
from whimbrel.catalog.type_texts import TypeTexts
from whimbrel.catalog.wording import (
    AnyColumn,
    CheckForm,
    ColumnForm,
    ExclusionForm,
    Form,
    Forms,
    IndexForm,
    Need,
    TableForm,
    Unspeakable,
    Wording,
)
from whimbrel.errors import ModelsError
from whimbrel.schema.state import TableName


log = logging.getLogger("alembic.autogenerate.compare")

_WORDINGS: dict[str, type[Wording]] = {
    "mariadb": MySQLWording,
    "mysql": MySQLWording,
    "postgresql": PostgreSQLWording,
    "sqlite": SQLiteWording,
}


@dataclass(frozen=True, slots=True, eq=False)
class ColumnDraft:
    """A column, and the form that must be spelled.

    Plain columns of several tables that say the same have one draft.
    """

    column: AnyColumn
    form: ColumnForm


@dataclass(frozen=True, slots=True)
class CheckDraft:
    """A check, its form, and the columns that it names."""

    constraint: CheckConstraint
    form: CheckForm
    mentions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExclusionDraft:
    """An exclusion constraint, and its form."""

    constraint: Constraint
    form: ExclusionForm


@dataclass(frozen=True, slots=True)
class IndexDraft:
    """An index, and its form if it has more than plain columns."""

    index: Index
    form: IndexForm | None


@dataclass(frozen=True, slots=True)
class TableDraft:
    """A table with all its SQL as SQLAlchemy writes it."""

    name: TableName
    table: Table
    columns: list[ColumnDraft]
    checks: list[CheckDraft]
    indexes: list[IndexDraft]
    form: TableForm | None = None
    exclusions: list[ExclusionDraft] = field(default_factory=list)


def forms_of(drafts: Iterable[TableDraft]) -> Forms:
    """Return the distinct forms of all *drafts*."""
    drafts = list(drafts)
    return Forms(
        columns=frozenset(each.form for draft in drafts for each in draft.columns),
        checks=frozenset(each.form for draft in drafts for each in draft.checks),
        indexes=frozenset(
            each.form
            for draft in drafts
            for each in draft.indexes
            if each.form is not None
        ),
        tables=frozenset(draft.form for draft in drafts if draft.form is not None),
        exclusions=frozenset(
            each.form for draft in drafts for each in draft.exclusions
        ),
    )


def unspoken(drafts: Iterable[TableDraft], refused: Unspeakable) -> ModelsError:
    """Return the error that names what has the form that the database refuses."""
    for draft in drafts:
        for thing in _speakers(draft, refused.form):
            return ModelsError(
                f"The database refuses {thing}: {refused.cause}",
                "If it needs an extension, a type or a function, let the database"
                " have it first, for instance by `CREATE EXTENSION` in a script;"
                " otherwise mend the model.",
                table=draft.name,
            )
    return ModelsError(f"The database refuses a part of the models: {refused.cause}")


def _speakers(draft: TableDraft, form: Form) -> Iterator[str]:
    """Yield, in words, what of a table has *form*."""
    name = draft.name
    told: list[tuple[Form | None, str]] = [
        (draft.form, f"what is said of the table {name}"),
        *(
            (each.form, f"the column {name}.{each.column.name} ({each.form.type_text})")
            for each in draft.columns
        ),
        *(
            (each.form, f"the check ({each.form.text}) of {name}")
            for each in draft.checks
        ),
        *(
            (each.form, f"the index {each.index.name} of {name}")
            for each in draft.indexes
        ),
        *(
            (each.form, f"the constraint ({each.form.text}) of {name}")
            for each in draft.exclusions
        ),
    ]
    yield from (words for each, words in told if each == form)


class Drafter:
    """Reads the attributes of tables, and lets SQLAlchemy write what is SQL.

    Args:
        connection: a database of the dialect that is meant.
        default_of: gives columns a default, as SQL, that the models do not give to
            the database.
    """

    def __init__(
        self,
        connection: Connection,
        default_of: Callable[[AnyColumn], str | None] | None = None,
    ) -> None:
        self.default_of = default_of
        self.wording = _WORDINGS.get(connection.dialect.name, InspectedWording)(
            connection
        )
        self.dialect = dialect = self.wording.dialect
        self.ddl: DDLCompiler = dialect.ddl_compiler(dialect, None)  # type: ignore[arg-type]  # a compiler of parts needs no statement
        self.texts = ExpressionTexts(self.ddl)
        self.types = TypeTexts(dialect, is_known=dialect.name in _WORDINGS)
        self._plain = PlainColumns[ColumnDraft](
            self.types, has_defaults=default_of is not None
        )
        self._set: dict[tuple[ColumnForm, str], ColumnForm] = {}
        self._forms: dict[tuple[str, str | None], ColumnForm] = {}
        self._names: dict[Table, TableName] = {}
        options = connection.get_execution_options()
        self.translation = options.get("schema_translate_map") or {}

    def name_of(self, table: Table) -> TableName:
        """Return the name of *table* in the database."""
        known = self._names.get(table)
        if known is None:
            known = self._names[table] = self._located(table)
        return known

    def _located(self, table: Table) -> TableName:
        schema = self.translation.get(table.schema, table.schema)
        if schema is None or schema == self.dialect.default_schema_name:
            schema = None
        name = self.wording.stored_name(table.name)
        return self.wording.located(TableName(name, schema and str(schema)))

    def draft(self, name: TableName, table: Table) -> TableDraft:
        """Return *table* with all its SQL as SQLAlchemy writes it."""
        columns = [column for column in table.columns if not column.system]
        setting = self.wording.setting(table)
        known = [self._plain.known(column, setting) for column in columns]
        texts = {
            str(column.name): draft.form.type_text if draft else self.types.text(column)
            for column, (_, draft) in zip(columns, known, strict=True)
        }
        return TableDraft(
            name=name,
            table=table,
            columns=[
                draft
                or self._plain.keep(
                    said, ColumnDraft(column, self._form(column, texts, setting))
                )
                for column, (said, draft) in zip(columns, known, strict=True)
            ],
            checks=[
                self._check(check, table, texts, setting)
                for check in self._checks(
                    table,
                    (
                        column
                        for column, (said, _) in zip(columns, known, strict=True)
                        if said is None  # those that are plain have none
                    ),
                )
            ],
            indexes=[
                self._index(index, texts)
                for index in filter(_names_columns, table.indexes)
                if index._ddl_if is None or self._is_wanted(index)
            ],
            form=self._table_form(table, texts),
            exclusions=list(self._exclusions(table, texts)),
        )

    def _exclusions(
        self, table: Table, texts: dict[str, str]
    ) -> Iterator[ExclusionDraft]:
        found = [
            (constraint, text)
            for constraint in table.constraints
            if (text := self.wording.exclusion_text(constraint)) is not None
        ]
        for constraint, text in sorted(found, key=lambda each: each[0]._creation_order):
            if self.wording.is_emitted(constraint, self.ddl):
                form = ExclusionForm(text, self._needs(text, texts))
                yield ExclusionDraft(constraint, form)

    def _table_form(self, table: Table, texts: dict[str, str]) -> TableForm | None:
        text = self.wording.table_text(table)
        return None if text is None else TableForm(text, self._needs(text, texts))

    def _is_wanted(self, index: Index) -> bool:
        """Whether ``ddl_if()`` lets *index* be created on this database."""
        condition: Any = index._ddl_if
        return bool(condition._should_execute(index, index, None, compiler=self.ddl))

    def _form(
        self, column: AnyColumn, texts: dict[str, str], setting: str
    ) -> ColumnForm:
        form = self.wording.refined(self._column_form(column, texts), column)
        if not setting:
            return form
        known = self._set.get((form, setting))
        if known is None:
            known = self._set[form, setting] = replace(form, setting=setting)
        return known

    def _column_form(self, column: AnyColumn, texts: dict[str, str]) -> ColumnForm:
        own = self.wording.column_form(column)
        if own is not None:
            return own
        text = texts[column.name]
        if column.server_default is None:
            given = self.default_of(column) if self.default_of else None
            return self._simple_form(text, given)
        identity = self.wording.identity_text(column)
        if identity is not None:
            return ColumnForm(text, identity=identity)
        if column.computed is None:
            default = self.texts.default(column)
            needs = self._needs(default, texts) if "(" in default else ()
            if not needs:
                return self._simple_form(text, default or None)
            return ColumnForm(text, default=default or None, needs=needs)
        computed = self._sql(column.computed.sqltext, column.table)
        return ColumnForm(text, computed=computed, needs=self._needs(computed, texts))

    def _simple_form(self, text: str, default: str | None) -> ColumnForm:
        """Return a form; those that are equal are one, which is found faster."""
        known = self._forms.get((text, default))
        if known is None:
            known = self._forms[text, default] = ColumnForm(text, default=default)
        return known

    def _checks(
        self, table: Table, columns: Iterable[AnyColumn]
    ) -> Iterator[CheckConstraint]:
        """Yield the checks that CREATE TABLE has, those of its columns too."""
        for constraint in table.constraints:
            if isinstance(constraint, CheckConstraint) and self.wording.is_emitted(
                constraint, self.ddl
            ):
                yield constraint
        for column in columns:
            for constraint in column.constraints:
                if isinstance(constraint, CheckConstraint):
                    yield constraint

    def _check(
        self,
        constraint: CheckConstraint,
        table: Table,
        texts: dict[str, str],
        setting: str,
    ) -> CheckDraft:
        text = self._sql(constraint.sqltext, table)
        needs = self._needs(text, texts)
        mentions = tuple(need.name for need in needs)
        return CheckDraft(constraint, CheckForm(text, needs, setting), mentions)

    def _index(self, index: Index, texts: dict[str, str]) -> IndexDraft:
        if self.wording.is_silent(index) and all(map(_is_column, index.expressions)):
            return IndexDraft(index, None)
        predicate = self.wording.predicate(index)
        written = partial(self._sql, table=index.table)
        parts = self.wording.index_parts(index, written)
        if parts is None:
            if predicate is None:
                return IndexDraft(index, None)
            parts = ", ".join(map(written, index.expressions))
        where = None if predicate is None else written(predicate)
        needs = self._needs(f"{parts} {where or ''}", texts)
        using = self.wording.said(index, "using") or None
        return IndexDraft(index, IndexForm(parts, where, needs, using))

    def _needs(self, text: str, texts: dict[str, str]) -> tuple[Need, ...]:
        names = self.wording.mentioned(text, texts)
        return tuple(Need(name, texts[name]) for name in names)

    def _sql(self, expression: Any, table: Table | None) -> str:
        """Return an expression of *table* as CREATE TABLE and CREATE INDEX write it."""
        text = self.texts.text(expression)
        return text if table is None else self.wording.unqualified(text, table)


def _is_column(thing: Any) -> bool:
    return isinstance(thing, Column)


def _names_columns(index: Index) -> bool:
    """Whether an index can be made at all; it is told of one that cannot."""
    if not index.expressions:
        log.warning(
            "The index %s of %s names no column, and is left out. Name its columns"
            " after its name: Index(%r, 'column').",
            index.name,
            index.table,
            str(index.name),
        )
    return bool(index.expressions)
