"""What SQLite makes of models: the spelling of its texts, and its own options."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from sqlalchemy import (
    Column,
    Constraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.sql.compiler import DDLCompiler

from whimbrel.catalog.sqlite import index_part
from whimbrel.catalog.sqlite_ddl import parse_column, parse_index
from whimbrel.catalog.sqlite_spoken import words
from whimbrel.catalog.sqlite_text import ClauseKind
from whimbrel.catalog.sqlite_tokens import (
    default_expression,
    expression,
    mentioned,
    type_spelling,
)
from whimbrel.catalog.wording import (
    AnyColumn,
    ColumnForm,
    Forms,
    IndexForm,
    SpelledColumn,
    SpelledIndex,
    Spellings,
    Thing,
    Wording,
)
from whimbrel.schema.state import NO_OPTIONS, Option, Options


class SQLiteWording(Wording):
    """SQLite keeps the text as written, so the models' text is read as its own."""

    speaking = staticmethod(words)

    def spell(self, forms: Forms) -> Spellings:
        """Return the canonical spelling of all *forms*; SQLite need not be asked."""
        return Spellings(
            columns={form: _column(form) for form in forms.columns},
            checks={form: expression(form.text) for form in forms.checks},
            indexes={form: _index(form) for form in forms.indexes},
        )

    def mentioned(self, text: str, columns: Iterable[str]) -> tuple[str, ...]:
        """Return those of *columns* that *text* names, in order of appearance."""
        return mentioned(text, columns)

    def is_emitted(self, constraint: Constraint, ddl: DDLCompiler) -> bool:
        """Return whether CREATE TABLE says anything of *constraint*.

        A foreign key cannot lead into another database file.
        """
        if isinstance(constraint, ForeignKeyConstraint):
            target = constraint.elements[0].column.table
            if constraint.table.schema != target.schema:
                return False
        return super().is_emitted(constraint, ddl)

    def keeps_name(self, thing: Constraint | Index) -> bool:
        """Return whether the database gets to know the name of *thing*.

        SQLAlchemy writes the key of an AUTOINCREMENT table beside its column,
        without a name.
        """
        if isinstance(thing, PrimaryKeyConstraint) and self._counts(thing.table):
            return False
        return super().keeps_name(thing)

    def is_nullable(self, form: ColumnForm, column: AnyColumn) -> bool:
        """Return whether the database takes NULL in *column*.

        A key of a WITHOUT ROWID or STRICT table takes none, unless it is the rowid.
        """
        if not column.nullable or not column.primary_key:
            return bool(column.nullable)
        if self.said(column.table, "with_rowid") is False:
            return False
        if not self.said(column.table, "strict"):
            return True
        is_alone = len(column.table.primary_key.columns) == 1
        return is_alone and type_spelling(form.type_text) == "INTEGER"

    def options(self, thing: Thing) -> Options:
        """Return what the keyword arguments ``sqlite_...`` say of *thing*."""
        match thing:
            case Column():
                return self._column_options(thing)
            case Table():
                return self._table_options(thing)
            case PrimaryKeyConstraint() | UniqueConstraint():
                return self._key_options(thing)
            case _:
                return NO_OPTIONS

    def _table_options(self, table: Table) -> Options:
        if "dialect_options" not in table.__dict__:
            return NO_OPTIONS
        options = {
            "strict": bool(self.said(table, "strict")),
            "without_rowid": self.said(table, "with_rowid") is False,
            "autoincrement": self._counts(table),
        }
        return frozenset(Option(name, "on") for name, is_on in options.items() if is_on)

    def _column_options(self, column: AnyColumn) -> Options:
        if column.nullable:
            return NO_OPTIONS
        conflict = self.said(column, "on_conflict_not_null")
        return _unless_usual("not_null_on_conflict", conflict)

    def _key_options(self, key: PrimaryKeyConstraint | UniqueConstraint) -> Options:
        columns = list(key.columns)
        is_primary = isinstance(key, PrimaryKeyConstraint)
        conflict = None
        if not is_primary or not self._counts(key.table):
            conflict = self.said(key, "on_conflict")
        if conflict is None and len(columns) == 1:
            argument = "on_conflict_primary_key" if is_primary else "on_conflict_unique"
            conflict = self.said(columns[0], argument)
        return _unless_usual("on_conflict", conflict)

    def _counts(self, table: Table) -> bool:
        """Whether SQLAlchemy writes AUTOINCREMENT into the table."""
        if not self.said(table, "autoincrement"):
            return False
        columns = list(table.primary_key.columns)
        return (
            len(columns) == 1
            and issubclass(columns[0].type._type_affinity or object, Integer)
            and not columns[0].foreign_keys
        )


def _column(form: ColumnForm) -> SpelledColumn:
    type_ = type_spelling(parse_column(f"c {form.type_text}").type_text)
    default = form.default
    return SpelledColumn(
        type_spelling=type_,
        collation=_collation(form.type_text),
        default=None if default is None else default_expression(default, type_),
        computed=None if form.computed is None else expression(form.computed),
    )


@lru_cache(maxsize=4096)
def _collation(type_text: str) -> str | None:
    """Return the collation that a type says, unless it is SQLite's usual one."""
    clause = parse_column(f"c {type_text}").clause(ClauseKind.COLLATE)
    collation = (clause.collation or "").upper() if clause else "BINARY"
    return None if collation == "BINARY" else collation


def _index(form: IndexForm) -> SpelledIndex:
    text = parse_index(f"CREATE INDEX i ON t ({form.parts})")
    collations = {need.name: _collation(need.type_text) for need in form.needs}
    return SpelledIndex(
        parts=tuple(index_part(part, collations) for part in text.parts),
        where=None if form.where is None else expression(form.where),
    )


def _unless_usual(name: str, conflict: str | None) -> Options:
    """Return what happens on a conflict as an option, unless it is the usual."""
    if conflict is None or conflict.upper() == "ABORT":
        return NO_OPTIONS
    return frozenset({Option(name, conflict.upper())})
