"""A change as Alembic operations, where all dialects agree."""

# ruff: noqa: ARG002  # what a dialect asks of a thing, all the others need not

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.sql.elements import TextClause, conv
from sqlalchemy.sql.schema import SchemaItem
from sqlalchemy.types import TypeEngine

from whimbrel.errors import Unalterable
from whimbrel.plan.items import (
    STRING,
    computed_item,
    has_word,
    identity_item,
    text,
)
from whimbrel.plan.spelled import column_type, existing_type, sqlalchemy_dialect
from whimbrel.plan.standing_forms import StandingForms
from whimbrel.plan.step import BatchOptions, Step
from whimbrel.plan.table_forms import TableForms
from whimbrel.schema.changes import TableFacts
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import (
    Check,
    Column,
    Constraint,
    Enum,
    Expression,
    Index,
    IndexPart,
    Naming,
    Onlooker,
    PrimaryKey,
    Table,
    TableName,
)


Thing = Constraint | Index
Default = str | TextClause
Optioned = Table | TableFacts | Column | Constraint | Index


class Forms(TableForms, StandingForms):
    """The forms in which one dialect wants things; where others differ, they override.

    Args:
        dialect: the database that the plan is for.
        enums: the enumerated types that columns may have; the first of a name counts.
        onlookers: what reads the tables of the database, each behind what it reads.
    """

    def __init__(
        self,
        dialect: Dialect,
        enums: Iterable[Enum] = (),
        onlookers: Iterable[Onlooker] = (),
    ) -> None:
        self.dialect = dialect
        self.enums = tuple(enums)
        self.onlookers = tuple(onlookers)
        self.sent_away: set[tuple[str, TableName]] = set()
        self.lost: frozenset[tuple[str, TableName]] = frozenset()
        self.restores_last = False
        self.collations: Mapping[str | None, str] = {}
        self.left_alone: frozenset[Thing] = frozenset()
        self.sequences: frozenset[TableName] = frozenset()
        self.kept: dict[tuple[TableName, str], list[tuple[TableName, bool]]] = {}

    @property
    def keeps_keys_inline(self) -> bool:
        """Whether a table may be made with a foreign key to a table not there yet."""
        return not self.dialect.has_alter

    def spoken(self, steps: Iterable[Step]) -> Iterable[Step]:
        """Return *steps*, unless a script could not say one as it is meant."""
        return steps

    def column_type(self, column: Column) -> TypeEngine[Any]:
        """Return the type by which a script writes that of *column*."""
        return column_type(column, self.dialect)

    def type_in_table(self, column: Column, table: Table | None) -> TypeEngine[Any]:
        """Return the type of *column* where it is made; *table* is made with it."""
        return self.column_type(column)

    def existing_type(self, column: Column) -> TypeEngine[Any] | None:
        """Return the type that a script says *column* to have until then."""
        return existing_type(column, self.dialect)

    def truth(self, is_true: bool) -> str:
        """Return a truth value as SQL."""
        return str(int(is_true))

    def options(self, thing: Optioned) -> dict[str, Any]:
        """Return the options of *thing* as SQLAlchemy's keyword arguments."""
        return {
            f"{self.dialect.name}_{option.name}": option.value
            for option in sorted(thing.options)
        }

    def column_options(
        self,
        column: Column,
        table: Table | None,
    ) -> dict[str, Any]:
        """Return the options of *column*, in the table that is made with it."""
        return self.options(column)

    def default(self, expression: Expression) -> Default:
        """Return a server default: a plain string as such, all else as SQL."""
        for literal in (expression.canonical, expression.text):
            if STRING.fullmatch(literal):
                return literal[1:-1].replace("''", "'")
        return text(expression.text)

    def part(self, part: IndexPart) -> str | TextClause:
        """Return a part of an index: a column's name or an expression."""
        words = self.part_words(part)
        if part.column is not None and len(words) == 1:
            return part.column
        return text(" ".join(words))

    def part_words(self, part: IndexPart) -> list[str]:
        """Return what stands in the place of *part* in ``CREATE INDEX``."""
        written = str(part.expression)
        if part.column is not None:
            written = self.quoted(part.column)
        return [written, "DESC"] if part.descending else [written]

    def quoted(self, name: str) -> str:
        """Return *name* as an identifier in SQL."""
        preparer = sqlalchemy_dialect(self.dialect.name).identifier_preparer
        return preparer.quote(name)

    def index_stands_apart(self, index: Index) -> bool:
        """Whether *index* is better made and dropped outside of its table's batch.

        Where a batch makes the table anew, Alembic's cannot carry an index that
        is more than columns.
        """
        return not self.dialect.has_alter and any(
            not isinstance(self.part(part), str) for part in index.parts
        )

    def key_is_replaced(self, before: PrimaryKey, after: PrimaryKey | None) -> bool:
        """Whether a new primary key takes the place of *before* without a drop."""
        is_unnamed = before.naming is Naming.NONE
        return not self.dialect.has_alter and is_unnamed and after is not None

    def closed_by_key(self, table: Table) -> frozenset[str]:
        """Return the columns that take no NULL only while they are in the key."""
        return frozenset()

    def facts(self, before: TableFacts, after: TableFacts) -> BatchOptions:
        """Return what a batch must be told for the options of a table to change."""
        if before.options == after.options:
            return BatchOptions()
        said = {**dict.fromkeys(keywords(self, before)), **keywords(self, after)}
        return BatchOptions(recreate="always", table_kwargs=said)

    def altered_options(self, before: Column, after: Column) -> dict[str, Any]:
        """Return the options of a column that an alteration must speak of."""
        if before.options == after.options:
            return {}
        return {**dict.fromkeys(self.options(before)), **self.options(after)}

    def rename_table(
        self, before: TableName, after: TableName
    ) -> Iterable[ops.MigrateOperation]:
        """Return what gives a table another name, be it in another schema."""
        yield ops.RenameTableOp(before.name, after.name, schema=before.schema)

    def is_replaced(self, before: Column, after: Column) -> bool:
        """Whether a column goes and comes again, as it cannot become the other."""
        return before.computed != after.computed

    def retypes(self, before: Column, after: Column) -> bool:
        """Whether foreign keys of a column must go while its type becomes another."""
        return False

    def unsettles(self, before: Column, after: Column, thing: Thing) -> bool:
        """Whether *thing*, on a column, must go while the column is altered."""
        return False

    def unsettles_generated(self, before: Column, after: Column) -> bool:
        """Whether what is made from a column must go while the column is altered."""
        return False

    def alter_column(
        self,
        table: TableName,
        before: Column,
        after: Column,
        *,
        says_nullable: bool = False,
    ) -> Iterable[ops.MigrateOperation]:
        """Return what makes a column another, or gives it another name."""
        yield alter_column(self, table, before, after, says_nullable=says_nullable)

    def add_column(self, table: TableName, column: Column) -> ops.MigrateOperation:
        """Return what adds a column."""
        return add_column(self, table, column)

    def drop_column(
        self, table: TableName, column: Column
    ) -> Iterable[ops.MigrateOperation]:
        """Return what drops a column."""
        yield drop_column(self, table, column)

    def is_said_apart(self, constraint: Constraint, table: Table) -> bool:
        """Whether ``CREATE TABLE`` cannot say a constraint by SQLAlchemy's words."""
        return False

    def add_constraint(
        self, table: TableName, constraint: Constraint
    ) -> ops.MigrateOperation | None:
        """Return what adds a constraint to a table; None: what all others do."""
        return None

    def in_place(
        self, table: TableName, before: Thing, after: Thing
    ) -> ops.MigrateOperation | None:
        """Return what makes a constraint or an index another without a drop."""
        return None

    def after_indexes(self, table: Table) -> Iterable[ops.MigrateOperation]:
        """Return what a new table needs that may speak of its indexes."""
        return ()

    def after_create(self, table: Table) -> Iterable[ops.MigrateOperation]:
        """Return what a table needs that ``CREATE TABLE`` cannot say."""
        return ()

    def facts_operations(
        self, table: TableName, before: TableFacts, after: TableFacts
    ) -> Iterable[ops.MigrateOperation]:
        """Return what changes a table's options by statements of its own."""
        return ()

    def rename_belongings(
        self,
        before: Table,
        after: Table,
    ) -> Iterable[ops.MigrateOperation]:
        """Return what renames that which is called after a table that was renamed."""
        return ()


def keywords(forms: Forms, thing: Table | TableFacts | Index) -> dict[str, Any]:
    """Return the options of *thing* as keyword arguments that SQLAlchemy takes.

    Raises:
        Unalterable: the installed SQLAlchemy has no word for one of them.
    """
    said, kind = forms.options(thing), "index" if isinstance(thing, Index) else "table"
    name = f" {thing.name}" if isinstance(thing, Table | Index) else ""
    for word in said:
        if not has_word(kind, word):
            raise Unalterable(
                f"SQLAlchemy {sa.__version__} has no {word}, so no script can say it of"
                f" {kind}{name}.",
                "Install a later SQLAlchemy.",
                word=word,
            )
    return said


def column_item(
    forms: Forms,
    column: Column,
    table: Table | None = None,
    check: Check | None = None,
) -> sa.Column[Any]:
    """Return *column* as SQLAlchemy writes it, without keys and indexes.

    Args:
        forms: how the dialect wants things.
        column: the column.
        table: the table that is made with it.
        check: the check that stands in its definition.
    """
    type_ = forms.type_in_table(column, table)
    kw: dict[str, Any] = {"nullable": column.nullable}
    inside: list[SchemaItem] = []
    if column.computed is not None:
        inside.append(computed_item(column.computed))
    elif column.identity is not None:
        inside.append(identity_item(column.identity))
    elif column.default is not None:
        kw["server_default"] = forms.default(column.default)
    if column.comment is not None:
        kw["comment"] = column.comment
    options = forms.column_options(column, table)
    if check is not None:
        inside.append(sa.CheckConstraint(text(check.expression.text)))
    return sa.Column(column.name, type_, *inside, **{**kw, **options})


def create_index(forms: Forms, table: TableName, index: Index) -> ops.CreateIndexOp:
    """Return the operation that makes *index*."""
    return ops.CreateIndexOp(
        conv(index.name),
        table.name,
        [forms.part(part) for part in index.parts],
        schema=table.schema,
        unique=index.unique,
        **index_arguments(forms, index),
    )


def drop_index(forms: Forms, table: TableName, index: Index) -> ops.DropIndexOp:
    """Return the operation that drops *index*."""
    return ops.DropIndexOp(
        conv(index.name),
        table.name,
        schema=table.schema,
        _reverse=create_index(forms, table, index),
        **index_arguments(forms, index),
    )


def index_arguments(forms: Forms, index: Index) -> dict[str, Any]:
    """Return what an index says beside its columns, for this dialect."""
    kw = keywords(forms, index)
    if index.where is not None:
        kw[f"{forms.dialect.name}_where"] = text(index.where.text)
    return kw


def add_column(
    forms: Forms, table: TableName, column: Column, check: Check | None = None
) -> ops.AddColumnOp:
    """Return the operation that adds *column*, with the check in its definition."""
    item = column_item(forms, column, check=check)
    return ops.AddColumnOp(table.name, item, schema=table.schema)


def drop_column(forms: Forms, table: TableName, column: Column) -> ops.DropColumnOp:
    """Return the operation that drops *column*."""
    return ops.DropColumnOp(
        table.name,
        column.name,
        schema=table.schema,
        _reverse=add_column(forms, table, column),
    )


def alter_column(
    forms: Forms,
    table: TableName,
    before: Column,
    after: Column,
    *,
    says_nullable: bool = False,
) -> ops.AlterColumnOp:
    """Return the operation that alters a column, or gives it another name.

    Args:
        forms: how the dialect wants things.
        table: its table.
        before: the column as it is.
        after: the column as it shall be.
        says_nullable: say whether it takes NULL even if that stays as it is.
    """
    modified = _modified(forms, before, after)
    if says_nullable:
        modified["modify_nullable"] = after.nullable
    return ops.AlterColumnOp(
        table.name,
        before.name,
        schema=table.schema,
        **_existing(forms, before),
        **modified,
        **forms.altered_options(before, after),
    )


def changes_type(before: Column, after: Column) -> bool:
    """Whether a column's type changes, or the collation that is said with it."""
    return (before.type, before.collation) != (after.type, after.collation)


def _existing(forms: Forms, column: Column) -> dict[str, Any]:
    said: dict[str, Any] = {
        "existing_type": forms.existing_type(column),
        "existing_nullable": column.nullable,
    }
    if said["existing_type"] is None:
        del said["existing_type"]
    if column.computed is not None:
        said["existing_server_default"] = computed_item(column.computed)
    elif column.default is not None:
        default = forms.default(column.default)
        said["existing_server_default"] = sa.DefaultClause(default)
    if column.comment is not None:
        said["existing_comment"] = column.comment
    return said


def _modified(forms: Forms, before: Column, after: Column) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if before.name != after.name:
        said["modify_name"] = after.name
    if changes_type(before, after):
        said["modify_type"] = forms.column_type(after)
    if before.nullable != after.nullable or before.options != after.options:
        said["modify_nullable"] = after.nullable
    if before.default != after.default:
        said["modify_server_default"] = after.default and forms.default(after.default)
    if before.comment != after.comment:
        said["modify_comment"] = after.comment
    return said
