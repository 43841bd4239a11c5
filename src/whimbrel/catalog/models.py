"""MetaData in, its State out: what the models describe, as the database tells it.

No table is created and no CREATE TABLE compiled.  Each table is drafted from its
attributes; what only the database can spell is collected in *forms*, spelled once
for each distinct one, and put into the state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import TypeVar, cast

from sqlalchemy import (
    CheckConstraint,
    Constraint,
    MetaData,
    Table,
    TypeDecorator,
)
from sqlalchemy.engine import Connection
from sqlalchemy.exc import NoReferenceError
from sqlalchemy.types import TypeEngine

from whimbrel.catalog.drafts import (
    ColumnDraft,
    Drafter,
    IndexDraft,
    TableDraft,
    forms_of,
    unspoken,
)
from whimbrel.catalog.models_constraints import ConstraintBuilder, naming_of
from whimbrel.catalog.wording import AnyColumn, Spellings, Unspeakable
from whimbrel.errors import ModelsError
from whimbrel.schema import state as schema
from whimbrel.schema.collector import uncollected
from whimbrel.schema.dialect import described
from whimbrel.schema.names import tell_apart
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import Expression, IndexPart, Naming, State, TableName, Type


Standing = TypeVar("Standing", schema.Enum, schema.Sequence)
_TEMPORARY = ("TEMP", "TEMPORARY")


def read_models(
    metadatas: Sequence[MetaData],
    connection: Connection,
    scope: Scope,
    default_of: Callable[[AnyColumn], str | None] | None = None,
) -> State:
    """Return the state that the models describe, in the words of the database.

    Args:
        metadatas: the models' metadata; a table may stand in one of them only.
        connection: the database in whose words the models are told.
        scope: what of the models is ours.
        default_of: gives columns a default, as SQL, that the models keep from the
            database.

    Raises:
        ModelsError: the models cannot be created on this database either.
    """
    with uncollected():
        drafter = Drafter(connection, default_of)
        found = list(_tables(metadatas, drafter, scope))
        drafts = [drafter.draft(*each) for each in found]
        drafter.wording.prepare(metadatas, [table for _, table in found])
        try:
            spellings = drafter.wording.spell(forms_of(drafts))
        except Unspeakable as refused:
            raise unspoken(drafts, refused) from refused.cause
        builder = _Builder(drafter, spellings)
        tables = [builder.table(draft) for draft in drafts]
        return State(
            tables=frozenset(drafter.wording.told_apart(tables)),
            enums=_within(drafter.wording.enums, scope),
            sequences=_within(drafter.wording.sequences, scope),
            unsaid=drafter.wording.unsaid,
            following=drafter.wording.following,
            speaking=drafter.wording.speaking,
            footings=drafter.wording.footings,
            discords=drafter.wording.discords,
        )


def _within(things: Iterable[Standing], scope: Scope) -> frozenset[Standing]:
    """Return those of *things* whose schema is ours."""
    return frozenset(each for each in things if each.schema in scope.schemas)


def _tables(
    metadatas: Iterable[MetaData], drafter: Drafter, scope: Scope
) -> Iterator[tuple[TableName, Table]]:
    """Yield the tables that are ours, each with its name in the database."""
    seen: dict[TableName, Table] = {}
    for metadata in metadatas:
        for table in metadata.tables.values():
            name = drafter.name_of(table)
            if not _is_stored(table) or name.schema not in scope.schemas:
                continue
            if seen.setdefault(name, table) is not table:
                raise ModelsError(
                    f"The table {name} stands in two of the metadata objects.",
                    "Give env.py only one of them, or give one table another name.",
                    table=name,
                )
            if scope.has(name):
                yield name, table


def _is_stored(table: Table) -> bool:
    """Whether *table* is a table of the database, neither temporary nor a view."""
    if getattr(table, "is_view", False):
        return False
    return not any(prefix.upper() in _TEMPORARY for prefix in table._prefixes)


_IDENTITY_OPTIONS = (
    "start",
    "increment",
    "minvalue",
    "maxvalue",
    "nominvalue",
    "nomaxvalue",
    "cycle",
    "cache",
)


class _Builder:
    """Puts what was drafted and spelled into the dataclasses of a state."""

    def __init__(self, drafter: Drafter, spellings: Spellings) -> None:
        self.drafter = drafter
        self.wording = drafter.wording
        self.spellings = spellings
        self.has_comments = described(drafter.dialect).has_comments
        self.has_identity = drafter.dialect.supports_identity_columns
        self.constraints = ConstraintBuilder(drafter, spellings)
        self._columns: dict[tuple[ColumnDraft, int], schema.Column] = {}
        self._parts_of: dict[tuple[str, ...], tuple[IndexPart, ...]] = {}

    def table(self, draft: TableDraft) -> schema.Table:
        """Return the table that was drafted."""
        try:
            said = [*self.constraints.constraints(draft)]
        except NoReferenceError as cause:
            raise ModelsError(
                f"A foreign key of {draft.name} leads nowhere: {cause}",
                "Import the module of the model that it refers to, or mend the name.",
                table=draft.name,
            ) from cause
        found = self.wording.kept(said)
        table = schema.Table(
            name=draft.name,
            columns=tuple(map(self._column, draft.columns, count())),
            constraints=frozenset(_told_apart(found)),
            indexes=frozenset(_each_once([*map(self._index, draft.indexes)])),
            options=self._options(draft),
            comment=self._comment(draft.table),
            repeated=self.wording.repeated(said),
        )
        return self.wording.finished(table, draft.table)

    def _comment(self, thing: Table | AnyColumn) -> str | None:
        """Return what is said of *thing*; no database keeps an empty comment."""
        return (thing.comment or None) if self.has_comments else None

    def _options(self, draft: TableDraft) -> schema.Options:
        """Return what is said of a table: by the models, and by the database."""
        options = self.wording.options(draft.table)
        if draft.form is None:
            return options
        return options | self.spellings.tables[draft.form]

    def _column(self, draft: ColumnDraft, position: int) -> schema.Column:
        """Return the column that was drafted; with the same draft, the same column."""
        known = self._columns.get((draft, position))
        if known is None:
            known = self._columns[draft, position] = self._built(draft, position)
        return known

    def _built(self, draft: ColumnDraft, position: int) -> schema.Column:
        column, form = draft.column, draft.form
        spelled = self.spellings.columns[form]
        options = self.wording.options(column)
        generated = column.computed is not None or column.identity is not None
        return schema.Column(
            name=self.wording.stored_name(column.name),
            type=Type(spelled.type_spelling, _form(column)),
            nullable=self.wording.is_nullable(form, column),
            default=spelled.default,
            collation=spelled.collation,
            computed=self._computed(column, spelled.computed) if generated else None,
            identity=self._identity(column, spelled.identity) if generated else None,
            comment=self._comment(column),
            options=options | spelled.options if options else spelled.options,
            position=position,
        )

    def _computed(
        self, column: AnyColumn, expression: Expression | None
    ) -> schema.Computed | None:
        if expression is None or column.computed is None:
            return None
        written = self.drafter.ddl.process(column.computed)
        return schema.Computed(
            expression=expression, is_stored=written.endswith("STORED")
        )

    def _identity(
        self, column: AnyColumn, spelled: schema.Identity | None
    ) -> schema.Identity | None:
        """Return what is said of an identity column, if the database has them."""
        identity = column.identity
        if spelled is not None or identity is None or not self.has_identity:
            return spelled
        return schema.Identity(
            is_always=bool(identity.always),
            options=frozenset(
                schema.Option(name, str(getattr(identity, name)))
                for name in _IDENTITY_OPTIONS
                if getattr(identity, name, None) is not None
            ),
        )

    def _index(self, draft: IndexDraft) -> schema.Index:
        index = draft.index
        name = self.constraints.name(index)
        if name is None:
            raise ModelsError(
                f"An index of {index.table} has no name.",
                "Give it one, Index('ix_...', ...), or add \"ix\" to the naming"
                " convention of the metadata.",
            )
        return schema.Index(
            name=name,
            parts=self._parts(draft),
            unique=bool(index.unique),
            where=self.spellings.indexes[draft.form].where if draft.form else None,
            options=self.wording.options(index),
            naming=naming_of(index, name),
        )

    def _parts(self, draft: IndexDraft) -> tuple[IndexPart, ...]:
        if draft.form is not None:
            return self.spellings.indexes[draft.form].parts
        names = self.constraints.names(cast("list[AnyColumn]", draft.index.expressions))
        known = self._parts_of.get(names)
        if known is None:
            known = tuple([IndexPart(column=name) for name in names])
            self._parts_of[names] = known
        return known


def _told_apart(
    constraints: Sequence[schema.Constraint],
) -> Iterable[schema.Constraint]:
    """Number the made-up names that are alike; a convention's name is a name."""
    names = {(type(each), each.name) for each in constraints}
    if len(names) == len(constraints):
        return constraints
    unnamed = [each for each in constraints if each.naming is Naming.NONE]
    named = [each for each in constraints if each.naming is not Naming.NONE]
    as_given = {replace(each, naming=Naming.GIVEN) for each in named}
    numbered = tell_apart([*unnamed, *as_given])
    return [*named, *(each for each in numbered if each.naming is Naming.NONE)]


def _each_once(indexes: Sequence[schema.Index]) -> Iterable[schema.Index]:
    """Return *indexes*; one that is said twice, also with index=True, is one index."""
    if len({index.name for index in indexes}) == len(indexes):
        return indexes
    once: dict[schema.Index, schema.Index] = {}
    for index in indexes:
        same = replace(index, naming=Naming.GIVEN)
        if index.naming is Naming.GIVEN or same not in once:
            once[same] = index
    return once.values()


def _form(column: AnyColumn) -> TypeEngine[object] | None:
    """Return the type by which a script writes that of *column*, if it can be told.

    A column takes the type of what it refers to, but not the check that this type
    of the app's own brings.
    """
    type_: TypeEngine[object] = column.type
    if isinstance(type_, TypeDecorator) and column.foreign_keys:
        makes_check = getattr(type_.impl_instance, "create_constraint", False)
        if makes_check and not any(
            map(_brings_check(column), column.table.constraints)
        ):
            return None
    return type_


def _brings_check(column: AnyColumn) -> Callable[[Constraint], bool]:
    """Return what tells whether a constraint came with the type of *column*."""
    return lambda constraint: (
        isinstance(constraint, CheckConstraint)
        and constraint._type_bound
        and column.name in constraint.columns
    )
