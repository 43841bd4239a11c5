"""What a database must be asked before models can be told in its words.

Most of a model is structural.  Only types, defaults, checks and the expressions of
indexes have a spelling of the database's own.  The distinct ones are collected as
*forms* - a thousand tables have a few dozen - and spelled all at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import (
    CheckConstraint,
    Column,
    Constraint,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.sql.compiler import DDLCompiler

from whimbrel.schema.names import default_name, each_once
from whimbrel.schema.state import (
    NO_OPTIONS,
    Enum,
    Exclusion,
    Expression,
    Following,
    Footing,
    Identity,
    IndexPart,
    Naming,
    Option,
    Options,
    Speaking,
    TableName,
)
from whimbrel.schema.state import Constraint as StoredConstraint
from whimbrel.schema.state import Sequence as StoredSequence
from whimbrel.schema.state import Table as StoredTable


if TYPE_CHECKING:
    AnyColumn: TypeAlias = Column[Any]
else:
    AnyColumn: TypeAlias = Column

Thing: TypeAlias = Table | AnyColumn | Constraint | Index
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Need:
    """A column that an expression names, and its type as the compiler writes it."""

    name: str
    type_text: str


@dataclass(frozen=True, slots=True)
class ColumnForm:
    """A column without its name: what follows the name in CREATE TABLE.

    Args:
        type_text: the type, as the compiler writes it, with its collation.
        default: what follows DEFAULT.
        computed: the expression of a generated column.
        identity: what makes it an identity column.
        needs: the columns that the expression names.
        attributes: what else of the definition its spelling hangs on.
        setting: what of its table the spelling hangs on.
    """

    type_text: str
    default: str | None = None
    computed: str | None = None
    identity: str | None = None
    needs: tuple[Need, ...] = ()
    attributes: str = ""
    setting: str = ""

    def __hash__(self) -> int:
        """Hash what most forms differ in, which is quicker than all of it."""
        return hash((self.type_text, self.default, self.attributes))


@dataclass(frozen=True, slots=True)
class CheckForm:
    """The condition of a check constraint."""

    text: str
    needs: tuple[Need, ...] = ()
    setting: str = ""


@dataclass(frozen=True, slots=True)
class IndexForm:
    """What an index says between its parentheses, and behind WHERE.

    Args:
        using: the method of the index, where the parts depend on it.
    """

    parts: str
    where: str | None = None
    needs: tuple[Need, ...] = ()
    using: str | None = None


@dataclass(frozen=True, slots=True)
class TableForm:
    """What stands behind the parentheses of CREATE TABLE."""

    text: str
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class ExclusionForm:
    """An exclusion constraint without its name."""

    text: str
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class Forms:
    """The distinct forms of some models."""

    columns: frozenset[ColumnForm]
    checks: frozenset[CheckForm]
    indexes: frozenset[IndexForm]
    tables: frozenset[TableForm] = frozenset()
    exclusions: frozenset[ExclusionForm] = frozenset()


Form: TypeAlias = ColumnForm | CheckForm | IndexForm | TableForm | ExclusionForm


@dataclass(frozen=True, slots=True)
class SpelledColumn:
    """A column form in the catalog's own words."""

    type_spelling: str
    collation: str | None = None
    default: Expression | None = None
    computed: Expression | None = None
    identity: Identity | None = None
    options: Options = NO_OPTIONS


@dataclass(frozen=True, slots=True)
class SpelledIndex:
    """An index form in the catalog's own words."""

    parts: tuple[IndexPart, ...]
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class SpelledExclusion:
    """An exclusion constraint in the catalog's own words.

    Args:
        exclusion: the constraint, under a name that does not count.
        words: the words that its columns and expressions give to a made-up name.
    """

    exclusion: Exclusion
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spellings:
    """What the database makes of each form.

    ``mentions`` are the columns that the checks name, where the database counts them.
    """

    columns: Mapping[ColumnForm, SpelledColumn]
    checks: Mapping[CheckForm, Expression]
    indexes: Mapping[IndexForm, SpelledIndex]
    tables: Mapping[TableForm, Options] = field(default_factory=dict)
    mentions: Mapping[CheckForm, tuple[str, ...]] = field(default_factory=dict)
    exclusions: Mapping[ExclusionForm, SpelledExclusion] = field(default_factory=dict)


class Unspeakable(Exception):
    """The database refuses a form."""

    def __init__(self, form: Form, cause: Exception) -> None:
        super().__init__(str(cause))
        self.form = form
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Made:
    """A name, and who made it."""

    name: str
    naming: Naming


class Wording:
    """How one kind of database words what models say.

    This one takes the compiler's word for everything; a dialect that knows better
    overrides what it must.
    """

    unsaid: frozenset[str] = frozenset()
    """The options that models have no words for."""

    following: frozenset[Following] = frozenset()
    """Which names that the server makes follow those of tables and columns."""

    speaking: Speaking | None = None
    """How expressions call a column by another name, where the server writes them."""

    footings: tuple[Footing, ...] = ()
    """What the models name, tables stand on, and is not there yet; once spelled."""

    discords: tuple[str, ...] = ()
    """What is there otherwise than models have it, and is not changed; in sentences."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.dialect = unescaped(connection.dialect)
        self.dialect_name = connection.dialect.name

    def prepare(self, metadatas: Sequence[MetaData], tables: Iterable[Table]) -> None:
        """Look at the models before their forms are spelled."""

    @property
    def enums(self) -> frozenset[Enum]:
        """The enumerated types that the models describe."""
        return frozenset()

    def spell(self, forms: Forms) -> Spellings:
        """Return the catalog's spelling of all *forms*."""
        return Spellings(
            columns={form: _as_written(form) for form in forms.columns},
            checks={form: written(form.text) for form in forms.checks},
            indexes={
                form: SpelledIndex(
                    parts=(IndexPart(expression=written(form.parts)),),
                    where=written(form.where) if form.where else None,
                )
                for form in forms.indexes
            },
        )

    def mentioned(self, text: str, columns: Iterable[str]) -> tuple[str, ...]:
        """Return those of *columns* that *text* names, in order of appearance."""
        known = {column.casefold(): column for column in columns}
        words = (word.casefold() for word in _WORD.findall(text))
        return tuple(dict.fromkeys(known[word] for word in words if word in known))

    def is_emitted(self, constraint: Constraint, ddl: DDLCompiler) -> bool:
        """Return whether ``create_all()`` makes *constraint* on this database.

        A foreign key that it once made by ALTER TABLE has a rule that keeps it out
        of CREATE TABLE: that is how it was made, not that it is none.
        """
        if not isinstance(constraint, ForeignKeyConstraint):
            return constraint._should_create_for_compiler(ddl)
        condition: Any = constraint._ddl_if
        return condition is None or bool(
            condition._should_execute(constraint, constraint, None, compiler=ddl)
        )

    def unqualified(self, text: str, table: Table) -> str:  # noqa: ARG002 - for those that override
        """Return an expression as it reads where *table* has another name."""
        return text

    def keeps_name(self, thing: Constraint | Index) -> bool:
        """Return whether the database gets to know the name of *thing*."""
        return thing.name is not None

    @property
    def sequences(self) -> frozenset[StoredSequence]:
        """The sequences that the models describe."""
        return frozenset()

    def exclusion_text(self, constraint: Constraint) -> str | None:  # noqa: ARG002 - for those that override
        """Return what an exclusion constraint says, without its name."""
        return None

    def stored_name(self, name: str) -> str:
        """Return *name* as the database keeps it."""
        return str(name)

    def located(self, name: TableName) -> TableName:
        """Return the name of a table as the database keeps it."""
        return name

    def setting(self, table: Table) -> str:  # noqa: ARG002 - for those that override
        """Return what of *table* the spelling of its columns hangs on."""
        return ""

    def refined(self, form: ColumnForm, column: AnyColumn) -> ColumnForm:  # noqa: ARG002 - for those that override
        """Return the form of *column* with all that its spelling hangs on."""
        return form

    def finished(self, table: StoredTable, model: Table) -> StoredTable:  # noqa: ARG002 - for those that override
        """Return *table* as the database tells it, all of it being known."""
        return table

    def unnamed(
        self,
        kind: type[StoredConstraint],
        table: str,
        columns: tuple[str, ...],
        target: str = "",
    ) -> Made:
        """Return the name of a constraint that the models leave unnamed.

        Args:
            kind: the class of the constraint.
            table: the bare name of its table.
            columns: its columns; for a check those that its expression names.
            target: the bare name of the table that a foreign key refers to.
        """
        return Made(default_name(kind, table, columns, target), Naming.NONE)

    def beside(self, check: CheckConstraint) -> str | None:  # noqa: ARG002 - for those that override
        """Return the column in whose definition the database keeps *check*."""
        return None

    def kept(self, constraints: Iterable[StoredConstraint]) -> list[StoredConstraint]:
        """Return those of a table's *constraints* that the database keeps.

        Args:
            constraints: in the order in which CREATE TABLE says them.
        """
        return list(each_once(constraints))

    def repeated(
        self,
        constraints: Collection[StoredConstraint],  # noqa: ARG002 - one database asks
    ) -> frozenset[tuple[StoredConstraint, StoredConstraint]]:
        """Return constraints that say what another one says, each behind that."""
        return frozenset()

    def told_apart(self, tables: list[StoredTable]) -> list[StoredTable]:
        """Return *tables* with the names that are one too many changed."""
        return tables

    def column_form(self, column: AnyColumn) -> ColumnForm | None:  # noqa: ARG002 - for those that override
        """Return the form of *column* if it is not what its type and default say."""
        return None

    def identity_text(self, column: AnyColumn) -> str | None:  # noqa: ARG002 - for those that override
        """Return what makes *column* an identity, where the database spells that."""
        return None

    def index_parts(self, index: Index, written: Callable[[Any], str]) -> str | None:
        """Return what *index* says between its parentheses; None if only columns.

        Args:
            index: the index.
            written: writes an expression.
        """
        expressions: list[Any] = list(index.expressions)
        if all(isinstance(each, Column) for each in expressions):
            return None
        return ", ".join(map(written, expressions))

    def table_text(self, table: Table) -> str | None:  # noqa: ARG002 - for those that override
        """Return what stands behind the parentheses of CREATE TABLE, to be spelled."""
        return None

    def is_nullable(self, form: ColumnForm, column: AnyColumn) -> bool:  # noqa: ARG002 - for those that override
        """Return whether the database takes NULL in *column*."""
        return bool(column.nullable)

    def options(self, thing: Thing) -> Options:
        """Return what is said of *thing* in the dialect's own words."""
        if isinstance(thing, PrimaryKeyConstraint | UniqueConstraint):
            return _deferral(thing)
        return NO_OPTIONS

    def predicate(self, index: Index) -> Any:
        """Return the condition of a partial index, or None."""
        return self.said(index, "where")

    def is_silent(self, thing: Thing) -> bool:
        """Whether no ``<dialect>_<argument>`` says anything of *thing*."""
        options = thing.__dict__.get("dialect_options")
        told = options.get(self.dialect_name) if options else None
        return told is None or not told._non_defaults

    def said(self, thing: Thing, argument: str) -> Any:
        """Return what ``<dialect>_<argument>`` says of *thing*, or None."""
        options = thing.__dict__.get("dialect_options")
        if options is None or self.dialect_name not in options:
            return None
        return options[self.dialect_name].get(argument)


def unescaped(dialect: Dialect) -> Dialect:
    """Return *dialect* for texts that no driver takes for a format.

    Where it marks parameters by percent signs, it doubles those of an expression.
    """
    plain = copy(dialect)
    plain.__dict__.pop("_type_memos", None)  # what writes strings is kept there
    plain.identifier_preparer = type(dialect.identifier_preparer)(plain)
    plain.identifier_preparer._double_percents = False
    kind = type(dialect.type_compiler_instance)
    plain.type_compiler_instance = plain.type_compiler = kind(plain)
    plain.__dict__.pop("_type_memos", None)  # processors of the other's literals
    return plain


def written(text: str) -> Expression:
    """Return an expression whose one spelling is the written one."""
    return Expression(text, text)


def _as_written(form: ColumnForm) -> SpelledColumn:
    return SpelledColumn(
        type_spelling=form.type_text,
        default=None if form.default is None else written(form.default),
        computed=None if form.computed is None else written(form.computed),
    )


def _deferral(constraint: Constraint) -> Options:
    if not constraint.deferrable:
        return NO_OPTIONS
    initially = (constraint.initially or "IMMEDIATE").upper()
    return frozenset({Option("deferrable", initially.lower())})
