"""What a database schema is.

A state is compared with ``==``: two databases are alike when their states are
equal.  Whatever must not count in that comparison says so (``compare=False``):
the spelling that a script should use, who gave a name, the order of columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum as PythonEnum
from operator import attrgetter
from typing import TypeAlias, TypeVar

from sqlalchemy.types import TypeEngine


class Naming(PythonEnum):
    """Who gave a constraint or an index its name."""

    GIVEN = "given"
    """It is written in the models, or stored in the database."""

    CONVENTION = "convention"
    """The naming convention of the models' metadata made it."""

    SERVER = "server"
    """The models leave it unnamed, and the server will make this name by its rule."""

    NONE = "none"
    """Nobody did; the name is the one that we call the thing by."""

    __hash__ = object.__hash__  # of C, and asked for each thing of a state


@dataclass(frozen=True, slots=True)
class TableName:
    """A table's name, with the schema that it lives in (None: the default one)."""

    name: str
    schema: str | None = None

    def __lt__(self, other: TableName) -> bool:
        """Put it by its name; of two alike, that of the default schema is first."""
        return (self.name, self.schema or "") < (other.name, other.schema or "")

    def __str__(self) -> str:
        """Return the name as people write it."""
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, slots=True)
class Expression:
    """A piece of SQL: the catalog's spelling is compared, the written one kept."""

    canonical: str
    text: str = field(compare=False)

    def __str__(self) -> str:
        """Return the SQL as it was written."""
        return self.text


@dataclass(frozen=True, slots=True)
class Type:
    """A column type as the catalog spells it.

    ``form`` is the SQLAlchemy type by which a script writes it: the models' own
    for what comes from models, None for what comes from a database.
    """

    spelling: str
    form: TypeEngine[object] | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        """Return the catalog's spelling."""
        return self.spelling


@dataclass(frozen=True, slots=True, order=True)
class Option:
    """Something that one dialect can say of a thing, in that dialect's words."""

    name: str
    value: str


Options: TypeAlias = frozenset[Option]
Speaking: TypeAlias = Callable[[str, str], Callable[[Expression], Expression]]
NO_OPTIONS: Options = frozenset()
COUNTS_NOT = Option("autoincrement", "off")
"""Said of a key's column that SQLAlchemy would let count by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """A generated column's expression, and whether its value is stored."""

    expression: Expression
    is_stored: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An identity column of the SQL standard."""

    is_always: bool
    options: Options = NO_OPTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """The sequence of a serial column that its type alone would not make."""

    sequence: Sequence
    default: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column as the catalog tells it, type and default in its own words."""

    name: str
    type: Type
    nullable: bool = True
    default: Expression | None = None
    collation: str | None = None
    computed: Computed | None = None
    identity: Identity | None = None
    comment: str | None = None
    options: Options = NO_OPTIONS
    position: int = field(default=0, compare=False)
    counter: Counter | None = field(default=None, compare=False, repr=False)
    """By what a serial or identity column counts, if not by what is made for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimaryKey:
    """The primary key of a table."""

    name: str
    columns: tuple[str, ...]
    options: Options = NO_OPTIONS
    naming: Naming = Naming.GIVEN

    def __hash__(self) -> int:
        """Hash what tells it from its siblings, which is quicker than all of it."""
        return hash(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """A unique constraint."""

    name: str
    columns: tuple[str, ...]
    options: Options = NO_OPTIONS
    naming: Naming = Naming.GIVEN
    is_index: bool = field(default=False, compare=False)
    """The models declare it as a unique index, which is the same on this database;
    a script had better write it as one."""

    def __hash__(self) -> int:
        """Hash what tells it from its siblings, which is quicker than all of it."""
        return hash(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """A foreign key; an action that is the standard's default is None."""

    name: str
    columns: tuple[str, ...]
    target: TableName
    target_columns: tuple[str, ...]
    on_delete: str | None = None
    on_update: str | None = None
    match: str | None = None
    deferrable: bool = False
    initially_deferred: bool = False
    options: Options = NO_OPTIONS
    naming: Naming = Naming.GIVEN
    index: str | None = field(default=None, compare=False)
    """The index that the database made for it by itself; it is not listed."""

    def __hash__(self) -> int:
        """Hash what tells it from its siblings, which is quicker than all of it."""
        return hash(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check constraint."""

    name: str
    expression: Expression
    options: Options = NO_OPTIONS
    naming: Naming = Naming.GIVEN
    of_type: bool = field(default=False, compare=False)
    """A column type of the app's own makes it (a TypeDecorator over Boolean or
    Enum with ``create_constraint=True``), so a script must not write it again."""

    def __hash__(self) -> int:
        """Hash what tells it from its siblings, which is quicker than all of it."""
        return hash(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusionPart:
    """One column or expression of an exclusion constraint, and its operator."""

    operator: str
    column: str | None = None
    expression: Expression | None = None
    options: Options = NO_OPTIONS
    """collation, ops (the operator class), nulls: what is not so by itself."""
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """An exclusion constraint: no two rows for which all operators hold."""

    name: str
    parts: tuple[ExclusionPart, ...]
    using: str = "gist"
    where: Expression | None = None
    options: Options = NO_OPTIONS
    naming: Naming = Naming.GIVEN

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that stand in it as such."""
        return tuple(part.column for part in self.parts if part.column is not None)


Constraint: TypeAlias = PrimaryKey | Unique | ForeignKey | Check | Exclusion


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPart:
    """One column or expression of an index, in its place."""

    column: str | None = None
    expression: Expression | None = None
    descending: bool = False
    options: Options = NO_OPTIONS
    """nulls (first, last), collation, opclass, length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index that is not the shadow of a constraint."""

    name: str
    parts: tuple[IndexPart, ...]
    unique: bool = False
    where: Expression | None = None
    options: Options = NO_OPTIONS
    naming: Naming = Naming.GIVEN

    def __hash__(self) -> int:
        """Hash what tells it from its siblings, which is quicker than all of it."""
        return hash(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enum:
    """An enumerated type that stands by itself in its database."""

    name: str
    schema: str | None = None
    values: tuple[str, ...] = ()
    options: Options = NO_OPTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A sequence that stands by itself: no serial or identity column counts by it.

    ``type`` and ``options`` (start, increment, minvalue, maxvalue, cache, cycle)
    tell only what is not the server's default.
    """

    name: str
    schema: str | None = None
    type: str | None = None
    options: Options = NO_OPTIONS


_NAME = attrgetter("name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; columns are found by name, their order is kept but not compared."""

    name: TableName
    columns: tuple[Column, ...] = ()
    constraints: frozenset[Constraint] = frozenset()
    indexes: frozenset[Index] = frozenset()
    options: Options = NO_OPTIONS
    comment: str | None = None
    repeated: frozenset[tuple[Constraint, Constraint]] = field(
        default=frozenset(), compare=False, repr=False
    )
    """What models say again, behind what says it first; a server may make but one."""

    def __post_init__(self) -> None:
        """Sort the columns by name, so that their order does not count."""
        columns = tuple(sorted(self.columns, key=_NAME))
        object.__setattr__(self, "columns", columns)

    def __hash__(self) -> int:
        """Hash what tells it from its siblings, which is quicker than all of it."""
        return hash(self.name)

    @property
    def ordered_columns(self) -> tuple[Column, ...]:
        """The columns in the order in which the table has them."""
        return tuple(sorted(self.columns, key=lambda each: (each.position, each.name)))

    @property
    def primary_key(self) -> PrimaryKey | None:
        """The primary key, if there is one."""
        for constraint in self.constraints:
            if isinstance(constraint, PrimaryKey):
                return constraint
        return None


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """A column that is read; None for a view, or a whole table, that is read.

    What groups by a key, and reads more than its columns, needs that key: it is told
    by its name.
    """

    table: TableName
    column: str | None = None


OWN_DEFAULT, STATISTICS = "default", "statistics"
"""Kinds of onlookers; the first is a default that a part, or an heir, says itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Onlooker:
    """What reads tables and is none of ours, but may stand in the way of changes.

    A view, a trigger, a function.  ``dropped`` is the statement that drops it, None
    where that cannot be undone; ``made`` are those that make it again with all on it.
    """

    kind: str
    name: TableName
    uses: frozenset[Use]
    dropped: str | None
    made: tuple[str, ...]
    table: TableName | None = None
    """The table that it stands on and goes with, if it does."""
    needs: frozenset[Use] | None = None
    """What it reads once it is made again, if that is not what it reads now."""
    was: tuple[str, ...] | None = None
    """What made it before, if another is made in its place."""
    has_old_names: bool = False
    """Whether its statements say names that something has no more."""

    def __str__(self) -> str:
        """Return what it is, and its name."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """What tables can stand on and is none of ours: a domain, an extension, a schema.

    ``made`` is the statement that makes it; ``is_needed`` tells whether some do.
    ``says`` tells all of it, if it is compared between two databases.
    """

    kind: str
    name: str
    schema: str | None
    made: str = field(compare=False)
    is_needed: bool = field(compare=False)
    says: Options = field(default=NO_OPTIONS, compare=False)


class Following(PythonEnum):
    """How a name that a server made follows another."""

    KEYS = "ibfk"
    """A foreign key is called after its table, and numbered."""

    CHECKS = "chk"
    """So is a check."""

    INDEXES = "index"
    """The index of a key is called after the key's first column."""


@dataclass(frozen=True, slots=True)
class State:
    """All that we manage of one database at one moment."""

    tables: frozenset[Table] = frozenset()
    enums: frozenset[Enum] = frozenset()
    sequences: frozenset[Sequence] = frozenset()
    onlookers: tuple[Onlooker, ...] = field(default=(), compare=False)
    """What stands in the way of changes; each behind the views that it reads."""
    partitions: frozenset[TableName] = field(default=frozenset(), compare=False)
    """The tables that are parts of others and follow them; they are left alone."""
    parts: frozenset[Table] = field(default=frozenset(), compare=False)
    """The same with what they have of their own; read for `diff` alone."""
    footings: tuple[Footing, ...] = field(default=(), compare=False)
    """What tables stand on, each behind what it stands on; read for `diff` alone."""
    discords: tuple[str, ...] = field(default=(), compare=False)
    """What is otherwise in the database than in models, and no change makes alike."""
    unsaid: frozenset[str] = field(default=frozenset(), compare=False)
    """The options that models, if the state comes from some, have no words for."""
    unseen: frozenset[str] = field(default=frozenset(), compare=False)
    """What its reader cannot see, or not in the models' words, if it comes from one."""
    following: frozenset[Following] = field(default=frozenset(), compare=False)
    """Which names that the server made follow the names of tables and columns."""
    speaking: Speaking | None = field(default=None, compare=False, repr=False)
    """How expressions call a column by another name, where the server writes them."""
    folds_names: bool = field(default=False, compare=False)
    """Names of tables are kept in small letters, however they are written."""
    collations: Mapping[str | None, str] = field(default_factory=dict, compare=False)
    """The collation of tables that say none, by schema, where each has one."""

    def table(self, name: TableName) -> Table | None:
        """Return the table of that name, or None."""
        for table in self.tables:
            if table.name == name:
                return table
        return None


Named = TypeVar(
    "Named", Column, PrimaryKey, Unique, ForeignKey, Check, Exclusion, Index
)


def by_name(things: Iterable[Named]) -> dict[str, Named]:
    """Return *things* by their names."""
    return {thing.name: thing for thing in things}
