"""What MySQL and MariaDB make of models: the server spells it in temporary tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Column, Constraint, Index, MetaData, PrimaryKeyConstraint, Table
from sqlalchemy.engine import Connection
from sqlalchemy.schema import CheckConstraint
from sqlalchemy.sql.compiler import DDLCompiler

from whimbrel.catalog.mysql_arguments import Arguments
from whimbrel.catalog.mysql_ddl import ColumnText
from whimbrel.catalog.mysql_parts import parts_of, told_parts
from whimbrel.catalog.mysql_rows import Facts, read_facts
from whimbrel.catalog.mysql_sequences import model_sequences, next_value
from whimbrel.catalog.mysql_sheets import Sheets
from whimbrel.catalog.mysql_spelling import (
    expression,
    options,
    spelled,
)
from whimbrel.catalog.mysql_stored import (
    commented,
    following,
    repeated,
    stored,
    told_forgotten,
)
from whimbrel.catalog.mysql_tokens import SPEAKING, mentioned
from whimbrel.catalog.wording import (
    AnyColumn,
    ColumnForm,
    Forms,
    SpelledColumn,
    SpelledIndex,
    Spellings,
    Thing,
    Wording,
)
from whimbrel.errors import ModelsError
from whimbrel.schema.dialect import dialect_of
from whimbrel.schema.state import (
    NO_OPTIONS,
    Expression,
    Options,
    TableName,
)
from whimbrel.schema.state import Sequence as StoredSequence
from whimbrel.schema.state import Table as StateTable
from whimbrel.schema.unsaid import UNTOLD


LONGEST_NAME = 64

UNSAID = frozenset(
    {
        *("comment", "compressed", "ignored", "invisible", "srid", "unversioned"),
        *("partition_by", "system_versioning", "period", "without_overlaps"),
        *("enforced", *UNTOLD),
    }
)
"""What SQLAlchemy cannot say, or not in the server's words, or what nobody is told."""

COUNTS = options([("autoincrement", "on")])

OTHER_CHECK = "CHECK (1)"
"""What stands for a check of a column's own: MariaDB's JSON is none beside another."""


class MySQLWording(Wording):
    """The server is asked for everything that it spells in its own words."""

    unsaid = UNSAID
    repeated = staticmethod(repeated)

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.facts: Facts = read_facts(connection)
        self.arguments = Arguments(connection, self.facts)
        self.server = dialect_of(connection)
        self.ddl: DDLCompiler = self.dialect.ddl_compiler(self.dialect, None)  # type: ignore[arg-type]  # a compiler of parts needs no statement
        self._refined: dict[tuple[ColumnForm, str], ColumnForm] = {}
        self._sequences: frozenset[StoredSequence] = frozenset()
        self._counting = Counting(self.ddl)
        self._columns: Mapping[ColumnForm, ColumnText] = {}
        self._collations: Mapping[str, str] = {}
        self.following = following(self.server)
        self.speaking = SPEAKING
        version = self.server.version
        self.has_descending = version >= ((10, 8) if self.server.is_mariadb else (8,))

    def spell(self, forms: Forms) -> Spellings:
        """Return what the server makes of all *forms* in temporary tables.

        Raises:
            Unspeakable: the server refuses one of them.
            NoTemporaryTables: it lets nobody make such tables here.
        """
        indexes = {form: parts_of(form) for form in forms.indexes}
        asked = [form for form, parts in indexes.items() if parts is None]
        bare = {form: _unasked(form, self.facts) for form in forms.columns}
        columns = dict.fromkeys(bare.values())
        told = Sheets(self.connection).told([*columns, *forms.checks, *asked])
        self._columns = {form: told.columns[bare[form]] for form in forms.columns}
        self._collations = told.collations
        return Spellings(
            columns={form: self._column(form, self._columns[form]) for form in bare},
            checks={
                form: Expression(expression(told.texts[form]).canonical, form.text)
                for form in forms.checks
            },
            indexes={
                form: SpelledIndex(parts or told_parts(told.texts[form]))
                for form, parts in indexes.items()
            },
        )

    def prepare(self, metadatas: Sequence[MetaData], tables: Iterable[Table]) -> None:  # noqa: ARG002 - the columns' own stand in the metadata too
        """Find the sequences that the models name."""
        if self.connection.dialect.supports_sequences:
            self._sequences = frozenset(
                model_sequences(metadatas, self.facts, self.connection.dialect)
            )

    @property
    def sequences(self) -> frozenset[StoredSequence]:
        """The sequences that the models describe."""
        return self._sequences

    def _column(self, form: ColumnForm, text: ColumnText) -> SpelledColumn:
        words = spelled(text, self._collations.get(form.setting, ""))
        default, computed = words.default, words.computed
        default = next_value(form.default, self.facts) or default
        if default is not None and text.on_update is None:
            default = Expression(default.canonical, form.default or "")
        if computed is not None:
            computed = Expression(computed.canonical, form.computed or "")
        return SpelledColumn(
            type_spelling=words.type,
            collation=words.collation,
            default=default,
            computed=computed,
            options=words.options,
        )

    def mentioned(self, text: str, columns: Iterable[str]) -> tuple[str, ...]:
        """Return those of *columns* that *text* names, in order of appearance."""
        return mentioned(text, columns)

    def located(self, name: TableName) -> TableName:
        """Return the name of a table as the server keeps it."""
        schema = self.facts.folded(name.schema) if name.schema else None
        if schema == self.facts.database:
            schema = None
        return TableName(self.facts.folded(_short(name.name)), schema)

    def setting(self, table: Table) -> str:
        """Return the character set and the collation of *table*."""
        return self.arguments.setting(table)

    def refined(self, form: ColumnForm, column: AnyColumn) -> ColumnForm:
        """Return the form of *column*, default and NULL as CREATE TABLE has them."""
        attributes = self._attributes(form, column)
        known = self._refined.get((form, attributes))
        if known is None:
            known = self._written(replace(form, attributes=attributes), column)
            self._refined[form, attributes] = known
        return known

    def _written(self, form: ColumnForm, column: AnyColumn) -> ColumnForm:
        """Return *form* with its default as CREATE TABLE has it."""
        if form.default is None:
            return form
        definition = self.ddl.get_column_specification(column)
        wrapped = f"({form.default})"
        is_wrapped = definition.endswith(f" DEFAULT {wrapped}")
        return replace(form, default=wrapped) if is_wrapped else form

    def _attributes(self, form: ColumnForm, column: AnyColumn) -> str:
        """Return whether a column takes NULL, in the words of CREATE TABLE.

        MariaDB's generated columns cannot say it.
        """
        if column.computed is not None and self.server.is_mariadb:
            return ""
        said = "" if column.nullable else "NOT NULL"
        if column.nullable and form.type_text.upper().startswith("TIMESTAMP"):
            said = "NULL"
        if form.type_text.upper() == "JSON" and any(map(self.beside, _checks(column))):
            said = f"{said} {OTHER_CHECK}"
        return said

    def beside(self, check: CheckConstraint) -> str | None:
        """Return the column in whose definition the server keeps *check*.

        MariaDB takes no more than one there, and none that has a name.
        """
        column = check.parent
        if not self.server.is_mariadb or not isinstance(column, Column):
            return None
        is_sole = check.name is None and len(_checks(column)) == 1
        return self.stored_name(column.name) if is_sole else None

    def is_emitted(self, constraint: Constraint, ddl: DDLCompiler) -> bool:
        """Return whether CREATE TABLE says anything of *constraint*."""
        if isinstance(constraint, CheckConstraint):
            version = self.server.version
            if version < ((10, 2) if self.server.is_mariadb else (8, 0, 16)):
                return False
        return super().is_emitted(constraint, ddl)

    def keeps_name(self, thing: Constraint | Index) -> bool:
        """Return whether the server gets to know the name of *thing*."""
        return not isinstance(thing, PrimaryKeyConstraint) and super().keeps_name(thing)

    def stored_name(self, name: str) -> str:
        """Return *name*, which must be one that the server takes."""
        if type(name) is str and len(name) <= LONGEST_NAME:
            return name
        return _short(str(name))

    def is_nullable(self, form: ColumnForm, column: AnyColumn) -> bool:
        """Return whether the database takes NULL in *column*: a key takes none."""
        return not column.primary_key and self._columns[form].nullable

    def index_parts(self, index: Index, written: Callable[[Any], str]) -> str | None:
        """Return what *index* says between its parentheses; None if only columns."""
        expressions: list[Any] = list(index.expressions)
        lengths = self.said(index, "length")
        if lengths is None and all(isinstance(each, Column) for each in expressions):
            return None
        parts = []
        for each in expressions:
            text = written(each)
            length = lengths
            if isinstance(lengths, Mapping):
                length = lengths.get(getattr(each, "name", text), lengths.get(text))
            parts.append(text if length is None else f"{text}({length})")
        return ", ".join(parts)

    def options(self, thing: Thing) -> Options:
        """Return what the keyword arguments ``mysql_...`` say of *thing*."""
        match thing:
            case Column():
                return COUNTS if self._counting.counts(thing) else NO_OPTIONS
            case Table():
                return self.arguments.options(thing, self._collations)
            case Index():
                return self._index_options(thing)
            case PrimaryKeyConstraint() if not self.is_silent(thing):
                return options([("using", _method(self.said(thing, "using")))])
            case _:
                return NO_OPTIONS

    def finished(self, table: StateTable, model: Table) -> StateTable:
        """Return *table* as the server tells it: with what it adds and leaves out."""
        engine = self.arguments.engine(model)
        self.discords += told_forgotten(table, engine)
        return commented(stored(table, engine, has_descending=self.has_descending))

    def _index_options(self, index: Index) -> Options:
        if self.is_silent(index):
            return NO_OPTIONS
        prefix = self.said(index, "prefix")
        said = {
            "prefix": prefix.lower() if prefix and prefix.upper() != "UNIQUE" else None,
            "with_parser": self.said(index, "with_parser"),
            "using": _method(self.said(index, "using")),
        }
        return options(said.items())


class Counting:
    """Tells the columns behind which SQLAlchemy writes AUTO_INCREMENT."""

    def __init__(self, ddl: DDLCompiler) -> None:
        self._ddl = ddl
        self._kinds: dict[type, bool] = {}

    def counts(self, column: AnyColumn) -> bool:
        """Whether *column* is one; if nothing else is said, by its type's class."""
        if column is not column.table._autoincrement_column:
            return False
        if column.server_default is not None or column.default is not None:
            return self._is_written(column)
        kind = type(column.type)
        known = self._kinds.get(kind)
        if known is None:
            known = self._kinds[kind] = self._is_written(column)
        return known

    def _is_written(self, column: AnyColumn) -> bool:
        return self._ddl.get_column_specification(column).endswith(" AUTO_INCREMENT")


def _method(using: str | None) -> str | None:
    """Return how an index is kept, if not in the usual way of memory."""
    return "btree" if using and using.lower() == "btree" else None


def _unasked(form: ColumnForm, facts: Facts) -> ColumnForm:
    """Return *form* without a default that asks a sequence, which may come later."""
    asks = next_value(form.default, facts) is not None
    return replace(form, default=None) if asks else form


def _checks(column: AnyColumn) -> list[CheckConstraint]:
    """Return the checks that stand in the definition of *column*."""
    return [each for each in column.constraints if isinstance(each, CheckConstraint)]


def _short(name: str) -> str:
    """Return *name* if the server takes it; it takes no longer ones.

    Raises:
        ModelsError: the name is too long.
    """
    if len(name) > LONGEST_NAME:
        raise ModelsError(
            f"The name {name} has {len(name)} characters; MySQL and MariaDB take"
            f" {LONGEST_NAME}.",
            "Give the thing a shorter name, or one at all: name='...'.",
        )
    return name
