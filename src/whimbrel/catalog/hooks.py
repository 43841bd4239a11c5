"""What a project's env.py says about what is compared, heard before anything is.

Whatever a project leaves alone, the wanted state takes from the current one: what
is there stays as it is, what is not there does not come.  So the diff needs to know
nothing of hooks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Protocol, TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.schema import SchemaItem

from whimbrel.catalog.reflected import Part, Reflected
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.diff import pairs
from whimbrel.schema.state import (
    Check,
    Column,
    Constraint,
    Exclusion,
    ForeignKey,
    Index,
    Naming,
    State,
    Table,
    TableName,
    Unique,
)


Hook: TypeAlias = Callable[..., Any]
P = TypeVar("P", Unique, ForeignKey, Check, Exclusion, Index)

_TYPE_NAMES: dict[type[Part], str] = {
    Unique: "unique_constraint",
    ForeignKey: "foreign_key_constraint",
    Check: "check_constraint",
    Exclusion: "exclude_constraint",
    Index: "index",
}


class Context(Protocol):
    """Alembic's migration context, of which the hooks get hold."""

    @property
    def dialect(self) -> Dialect:
        """The dialect of the database."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What a project gave to ``context.configure()`` about what is compared.

    The meaning of each is in Alembic's documentation of ``configure()``:
    https://alembic.sqlalchemy.org/en/latest/api/runtime.html

    Args:
        include_name: ``(name, type_, parent_names)``, whether a name that was found
            in the database is to be compared at all.
        include_object: ``(object, name, type_, reflected, compare_to)``, whether a
            thing of the database or of the models is to be compared.
        compare_type: False, or a function that returns False, leaves types alone.
        compare_server_default: likewise for server defaults.
    """

    include_name: Hook | None = None
    include_object: Hook | None = None
    compare_type: Hook | bool | None = None
    compare_server_default: Hook | bool | None = None

    @property
    def are_silent(self) -> bool:
        """Whether all is compared."""
        compared = (self.compare_type, self.compare_server_default)
        return (
            self.include_name is None
            and self.include_object is None
            and not any(each is False or callable(each) for each in compared)
        )


@dataclass(frozen=True, slots=True)
class Sides:
    """The two states that are to be compared."""

    current: State
    wanted: State


def heard(
    current: State,
    wanted: State,
    hooks: Hooks,
    metadatas: Sequence[sa.MetaData],
    context: Context,
) -> Sides:
    """Return both states as the project wants them compared.

    Args:
        current: the state of the database.
        wanted: the state of the models; its made-up names need not be adopted yet.
        hooks: what the project says.
        metadatas: the models, whose objects the hooks get to see.
        context: what the hooks for types and defaults get as their context.
    """
    if hooks.are_silent:
        return Sides(current, wanted)
    listener = _Listener(_Asker(current, hooks, metadatas, context))
    named = {table.name: table for table in adopt_names(wanted, current).tables}
    kept = (
        after
        if after is not None and named[after.name] == before
        else listener.table(before, after)
        for before, after in pairs(current.tables, wanted.tables)
    )
    tables = frozenset(table for table in kept if table is not None)
    return Sides(current, replace(wanted, tables=tables))


class _Listener:
    """Asks the hooks about each difference, and says what is wanted then."""

    def __init__(self, asker: _Asker) -> None:
        self._asker = asker
        self._reflected = asker.reflected
        self._models = asker.models
        self._sees_objects = asker.hooks.include_object is not None

    def table(self, before: Table | None, after: Table | None) -> Table | None:
        """Return what is wanted of a table: as before, as after, or between."""
        if not self._includes_table(before, after):
            return before
        if after is None:
            return None
        if before is None:
            return self._new(after)
        return self._altered(before, after)

    def _includes_table(self, before: Table | None, after: Table | None) -> bool:
        if before is not None:
            name = before.name
            if not self._asker.has_name(name.schema, "schema", {}):
                return False
            parents = {"schema_name": name.schema}
            if not self._asker.has_name(name.name, "table", parents, str(name)):
                return False
        if not self._sees_objects:
            return True
        there = self._reflected.table(before.name) if before is not None else None
        ours = self._models.table(after.name) if after is not None else None
        return self._asker.has_object(ours, there, "table")

    def _new(self, table: Table) -> Table:
        indexes = (
            index
            for index in table.indexes
            if self._asker.has_object(
                self._models.part(table.name, index), None, "index"
            )
        )
        return replace(table, indexes=frozenset(indexes))

    def _altered(self, before: Table, after: Table) -> Table:
        found = (
            self._column(after.name, old, new)
            for old, new in pairs(before.columns, after.columns)
        )
        columns = tuple(column for column in found if column is not None)
        names = frozenset(column.name for column in columns)
        constraints = frozenset(self._constraints(before, after, names))
        indexes = self._family(Index, before.indexes, after.indexes, after.name)
        return replace(
            after,
            columns=columns,
            constraints=constraints,
            indexes=frozenset(
                each
                for each in indexes
                if each in before.indexes or names.issuperset(_columns(each))
            ),
        )

    def _constraints(
        self, before: Table, after: Table, names: frozenset[str]
    ) -> Iterator[Constraint]:
        """Yield the constraints that are wanted, if the table has their columns."""
        key = after.primary_key
        if key is not None and not names.issuperset(key.columns):
            key = before.primary_key
        if key is not None:
            yield key
        theirs, ours, table = before.constraints, after.constraints, after.name
        families: tuple[Iterator[Unique | ForeignKey | Check | Exclusion], ...] = (
            self._family(Unique, theirs, ours, table),
            self._family(ForeignKey, theirs, ours, table),
            self._family(Check, theirs, ours, table),
            self._family(Exclusion, theirs, ours, table),
        )
        for each in chain.from_iterable(families):
            if each in theirs or names.issuperset(_columns(each)):
                yield each

    def _family(
        self,
        kind: type[P],
        before: Iterable[object],
        after: Iterable[object],
        table: TableName,
    ) -> Iterator[P]:
        """Yield what is wanted of one kind of things in a table."""
        theirs = sorted((each for each in before if isinstance(each, kind)), key=repr)
        ours = sorted((each for each in after if isinstance(each, kind)), key=repr)
        new = []
        for thing in ours:
            partner = next((each for each in theirs if _alike(each, thing)), None)
            if partner is None:
                new.append(thing)
            else:
                theirs.remove(partner)
                yield thing
        for old_one, new_one in pairs(theirs, new):
            kept = self._part(table, old_one, new_one)
            if kept is not None:
                yield kept

    def _part(self, table: TableName, old: P | None, new: P | None) -> P | None:
        type_ = _TYPE_NAMES[type(old if old is not None else new)]  # type: ignore[index]  # one of both is there
        if old is not None:
            name = None if old.naming is Naming.NONE else old.name
            if not self._asker.has_name(name, type_, _parents(table), str(table)):
                return old
        if not self._sees_objects:
            return new
        there = self._reflected.part(table, old) if old is not None else None
        ours = self._models.part(table, new) if new is not None else None
        return new if self._asker.has_object(ours, there, type_) else old

    def _column(
        self, table: TableName, old: Column | None, new: Column | None
    ) -> Column | None:
        if old == new:
            return new
        if old is not None and not self._asker.has_name(
            old.name, "column", _parents(table), str(table)
        ):
            return old
        if self._sees_objects:
            there = self._reflected.column(table, old.name) if old else None
            ours = self._models.column(table, new.name) if new else None
            if not self._asker.has_object(ours, there, "column"):
                return old
        if old is None or new is None:
            return new
        return self._asker.with_default(
            table, old, self._asker.with_type(table, old, new)
        )


class _Asker:
    """Asks the hooks, each with the arguments that Alembic gives it."""

    def __init__(
        self,
        current: State,
        hooks: Hooks,
        metadatas: Iterable[sa.MetaData],
        context: Context,
    ) -> None:
        self.hooks = hooks
        self.context = context
        self.reflected = Reflected(current, context.dialect)
        self.models = _Models(metadatas, context.dialect)

    def with_type(self, table: TableName, old: Column, new: Column) -> Column:
        """Return *new*, with the type of *old* if the project wants that."""
        hook = self.hooks.compare_type
        differs = old.type != new.type or old.collation != new.collation
        if differs and callable(hook):
            there = self.reflected.column(table, old.name)
            ours = self.models.column(table, new.name)
            hook = ours is None or hook(
                self.context, there, ours, there.type, ours.type
            )
        if differs and hook is False:
            return replace(new, type=old.type, collation=old.collation)
        return new

    def with_default(self, table: TableName, old: Column, new: Column) -> Column:
        """Return *new*, with the default of *old* if the project wants that."""
        hook = self.hooks.compare_server_default
        differs = _generation(old) != _generation(new)
        if differs and callable(hook):
            ours = self.models.column(table, new.name)
            hook = ours is None or hook(
                self.context,
                self.reflected.column(table, old.name),
                ours,
                old.default.text if old.default is not None else None,
                ours.server_default,
                _rendered(ours.server_default, self.context.dialect),
            )
        if differs and hook is False:
            return replace(
                new, default=old.default, computed=old.computed, identity=old.identity
            )
        return new

    def has_name(
        self,
        name: str | None,
        type_: str,
        parents: dict[str, str | None],
        qualified: str | None = None,
    ) -> bool:
        """Ask ``include_name`` about a name that was found in the database."""
        if self.hooks.include_name is None:
            return True
        if qualified is not None:
            parents = {**parents, "schema_qualified_table_name": qualified}
        return bool(self.hooks.include_name(name, type_, parents))

    def has_object(
        self, ours: SchemaItem | None, there: SchemaItem | None, type_: str
    ) -> bool:
        """Ask ``include_object`` about a thing of the models or of the database."""
        thing: Any = ours if ours is not None else there
        if self.hooks.include_object is None or thing is None:
            return True
        is_reflected = ours is None
        compare_to = None if is_reflected else there
        return bool(
            self.hooks.include_object(
                thing, thing.name, type_, is_reflected, compare_to
            )
        )


class _Models:
    """The objects of the models, found by what a state says of them."""

    def __init__(self, metadatas: Iterable[sa.MetaData], dialect: Dialect) -> None:
        usual = dialect.default_schema_name
        self._tables = {
            TableName(
                table.name, None if table.schema == usual else table.schema
            ): table
            for metadata in metadatas
            for table in metadata.tables.values()
        }

    def table(self, name: TableName) -> sa.Table | None:
        """Return the table of that name."""
        return self._tables.get(name)

    def column(self, table: TableName, name: str) -> sa.Column[Any] | None:
        """Return the column of that name, whatever its key is."""
        found = self._tables.get(table)
        columns = found.columns if found is not None else ()
        return next((column for column in columns if column.name == name), None)

    def part(self, table: TableName, part: Part) -> SchemaItem | None:
        """Return the constraint or index that *part* describes."""
        found = self._tables.get(table)
        if found is None:
            return None
        things: Iterable[Any] = (
            found.indexes if isinstance(part, Index) else found.constraints
        )
        kind = _KINDS[type(part)]
        family: list[Any] = [each for each in things if isinstance(each, kind)]
        named = [each for each in family if each.name == part.name]
        columns = [each for each in family if _column_names(each) == _columns(part)]
        return next(iter(named or columns), None)


_KINDS: dict[type[Part], type[SchemaItem]] = {
    Unique: sa.UniqueConstraint,
    ForeignKey: sa.ForeignKeyConstraint,
    Check: sa.CheckConstraint,
    Exclusion: ExcludeConstraint,
    Index: sa.Index,
}


def _parents(table: TableName) -> dict[str, str | None]:
    return {"table_name": table.name, "schema_name": table.schema}


def _alike(current: Part, wanted: Part) -> bool:
    """Whether two things are equal but for a name that may give way."""
    if wanted.naming is Naming.GIVEN:
        return wanted == current
    return replace(wanted, name=current.name, naming=current.naming) == current


def _columns(thing: Constraint | Index) -> tuple[str, ...]:
    """Return the columns that a thing names, as far as they are known."""
    if isinstance(thing, Check):
        return ()
    if isinstance(thing, Index):
        return tuple(part.column for part in thing.parts if part.column is not None)
    return thing.columns


def _column_names(thing: Any) -> tuple[str, ...]:
    return tuple(column.name for column in thing.columns)


def _generation(column: Column) -> tuple[object, object, object]:
    """Return all that gives a column its value when a row comes without one."""
    return column.default, column.computed, column.identity


def _rendered(default: Any, dialect: Dialect) -> str | None:
    """Return a default of the models as Alembic shows it to its hooks."""
    if not isinstance(default, sa.DefaultClause):
        return None
    if isinstance(default.arg, str):
        return default.arg
    return str(
        default.arg.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    )
