"""A change as Alembic operations, where all dialects agree."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic.ddl.postgresql import CreateExcludeConstraintOp
from alembic.operations import ops
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.sql.elements import TextClause, conv
from sqlalchemy.types import TypeEngine

from whimbrel.plan.spelled import column_type, existing_type, sqlalchemy_dialect
from whimbrel.plan.step import BatchOptions
from whimbrel.schema.changes import EnumChange, SequenceChange, TableFacts
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import (
    Check,
    Column,
    Computed,
    Constraint,
    Exclusion,
    ExclusionPart,
    Expression,
    ForeignKey,
    Index,
    IndexPart,
    Naming,
    PrimaryKey,
    Table,
    TableName,
    Unique,
)


Default = str | TextClause
Optioned = Table | TableFacts | Column | Constraint | Index

STRING = re.compile(r"'(?:[^']|'')*'")
BIND = re.compile(r"(?<![:\w\\]):(\w+)(?![:\w])")
ESCAPED = re.compile(r"\\(:\w*(?![:\w]))")


def text(sql: str) -> TextClause:
    r"""Return *sql* as SQLAlchemy's text, in which ``:name`` is no parameter.

    The escapes (``\:name``) are part of ``.text``, as a script must write them.
    """
    return sa.text(BIND.sub(r"\\:\1", ESCAPED.sub(r"\\\\\1", sql)))


class Forms:
    """The forms in which one dialect wants things; where others differ, they override.

    Args:
        dialect: the database that the plan is for.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    @property
    def keeps_keys_inline(self) -> bool:
        """Whether a table may be made with a foreign key to a table not there yet."""
        return not self.dialect.has_alter

    def options(self, thing: Optioned) -> dict[str, Any]:
        """Return the options of *thing* as SQLAlchemy's keyword arguments."""
        return {
            f"{self.dialect.name}_{option.name}": option.value
            for option in sorted(thing.options)
        }

    def column_options(
        self,
        column: Column,
        table: Table | None,  # noqa: ARG002  # some dialects ask its key
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

    def closed_by_key(self, table: Table) -> frozenset[str]:  # noqa: ARG002
        """Return the columns that take no NULL only while they are in the key."""
        return frozenset()

    def facts(self, before: TableFacts, after: TableFacts) -> BatchOptions:
        """Return what a batch must be told for the options of a table to change."""
        if before.options == after.options:
            return BatchOptions()
        said = {**dict.fromkeys(self.options(before)), **self.options(after)}
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

    def enum_operations(self, change: EnumChange) -> Iterable[ops.MigrateOperation]:
        """Return what makes, alters or drops an enumerated type."""
        raise ValueError(f"{self.dialect.name} has no enumerated types: {change}.")

    def sequence_operation(self, change: SequenceChange) -> ops.MigrateOperation:
        """Return what makes, alters or drops a sequence."""
        raise ValueError(f"{self.dialect.name} has no sequences: {change}.")


def create_table(
    forms: Forms, table: Table, apart: frozenset[Constraint] = frozenset()
) -> ops.CreateTableOp:
    """Return the operation that makes *table*, but for its indexes.

    Args:
        forms: how the dialect wants things.
        table: the table as it shall be.
        apart: its foreign keys that are added later.
    """
    inside = (each for each in ordered(table.constraints) if each not in apart)
    items = [
        *(column_item(forms, column, table) for column in table.ordered_columns),
        *(
            constraint_item(forms, each)
            for each in inside
            if not (isinstance(each, Check) and each.of_type)
        ),
    ]
    kw = forms.options(table)
    if table.comment is not None:
        kw["comment"] = table.comment
    return ops.CreateTableOp(table.name.name, items, schema=table.name.schema, **kw)


def drop_table(forms: Forms, table: Table) -> ops.DropTableOp:
    """Return the operation that drops *table*."""
    return ops.DropTableOp(
        table.name.name,
        schema=table.name.schema,
        _reverse=create_table(forms, table),
    )


def ordered(constraints: Iterable[Constraint]) -> list[Constraint]:
    """Return constraints in the order in which tables are written."""
    kinds = (PrimaryKey, Unique, ForeignKey, Check, Exclusion)
    return sorted(
        constraints, key=lambda each: (kinds.index(type(each)), each.name, repr(each))
    )


def column_item(
    forms: Forms, column: Column, table: Table | None = None
) -> sa.Column[Any]:
    """Return *column* as SQLAlchemy writes it, without keys, indexes and checks."""
    type_: TypeEngine[Any] = column_type(column, forms.dialect)
    kw: dict[str, Any] = {"nullable": column.nullable}
    generated: list[sa.Computed] = []
    if column.computed is not None:
        generated = [computed_item(column.computed)]
    elif column.default is not None:
        kw["server_default"] = forms.default(column.default)
    if column.comment is not None:
        kw["comment"] = column.comment
    options = forms.column_options(column, table)
    return sa.Column(column.name, type_, *generated, **kw, **options)


def computed_item(computed: Computed) -> sa.Computed:
    """Return what makes a column a generated one."""
    return sa.Computed(text(computed.expression.text), persisted=computed.is_stored)


def constraint_item(forms: Forms, constraint: Constraint) -> sa.Constraint:
    """Return *constraint* as it stands in ``CREATE TABLE``; unnamed if it is."""
    name = None if constraint.naming is Naming.NONE else conv(constraint.name)
    kw: dict[str, Any] = {"name": name, **forms.options(constraint)}
    match constraint:
        case PrimaryKey():
            return sa.PrimaryKeyConstraint(*constraint.columns, **kw)
        case Unique():
            return sa.UniqueConstraint(*constraint.columns, **kw)
        case Check():
            return sa.CheckConstraint(text(constraint.expression.text), **kw)
        case ForeignKey():
            targets = [
                f"{constraint.target}.{column}" for column in constraint.target_columns
            ]
            kw |= key_arguments(constraint)
            return sa.ForeignKeyConstraint(constraint.columns, targets, **kw)
        case Exclusion():
            kw |= exclusion_arguments(constraint)
            return ExcludeConstraint(*map(excluded, constraint.parts), **kw)


def excluded(part: ExclusionPart) -> tuple[Any, str]:
    """Return a part of an exclusion constraint, and its operator."""
    if part.column is not None:
        return sa.column(part.column), part.operator
    return text(str(part.expression)), part.operator


def exclusion_arguments(exclusion: Exclusion) -> dict[str, Any]:
    """Return what an exclusion constraint says beside its parts."""
    said: dict[str, Any] = {"using": exclusion.using}
    if exclusion.where is not None:
        said["where"] = text(exclusion.where.text)
    return said


def key_arguments(key: ForeignKey) -> dict[str, Any]:
    """Return what a foreign key says beside its columns, and would not hold anyway."""
    said = {
        "onupdate": key.on_update,
        "ondelete": key.on_delete,
        "deferrable": key.deferrable or None,
        "initially": "DEFERRED" if key.initially_deferred else None,
        "match": key.match,
    }
    return {name: value for name, value in said.items() if value is not None}


def add_constraint(
    forms: Forms, table: TableName, constraint: Constraint
) -> ops.AddConstraintOp:
    """Return the operation that adds *constraint* to a table that is there.

    It has a name in any case; that of an unnamed one is its default name.
    """
    name, kw = conv(constraint.name), forms.options(constraint)
    match constraint:
        case PrimaryKey():
            return ops.CreatePrimaryKeyOp(
                name, table.name, list(constraint.columns), schema=table.schema, **kw
            )
        case Unique():
            return ops.CreateUniqueConstraintOp(
                name, table.name, list(constraint.columns), schema=table.schema, **kw
            )
        case Check():
            condition = text(constraint.expression.text)
            return ops.CreateCheckConstraintOp(
                name, table.name, condition, schema=table.schema, **kw
            )
        case ForeignKey():
            schemas = {
                "source_schema": table.schema,
                "referent_schema": constraint.target.schema,
            }
            return ops.CreateForeignKeyOp(
                name,
                table.name,
                constraint.target.name,
                list(constraint.columns),
                list(constraint.target_columns),
                **{key: value for key, value in schemas.items() if value is not None},
                **key_arguments(constraint),
                **kw,
            )
        case Exclusion():
            return CreateExcludeConstraintOp(
                name,
                table.name,
                [excluded(part) for part in constraint.parts],
                schema=table.schema,
                **exclusion_arguments(constraint),
                **kw,
            )


DROPPED_AS: dict[type[Constraint], str] = {
    PrimaryKey: "primary",
    Unique: "unique",
    ForeignKey: "foreignkey",
    Check: "check",
    Exclusion: "exclude",
}


def drop_constraint(
    forms: Forms, table: TableName, constraint: Constraint
) -> ops.DropConstraintOp:
    """Return the operation that drops *constraint*."""
    return ops.DropConstraintOp(
        conv(constraint.name),
        table.name,
        DROPPED_AS[type(constraint)],
        schema=table.schema,
        _reverse=add_constraint(forms, table, constraint),
    )


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
    kw = forms.options(index)
    if index.where is not None:
        kw[f"{forms.dialect.name}_where"] = text(index.where.text)
    return kw


def add_column(forms: Forms, table: TableName, column: Column) -> ops.AddColumnOp:
    """Return the operation that adds *column*."""
    return ops.AddColumnOp(table.name, column_item(forms, column), schema=table.schema)


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
        "existing_type": existing_type(column, forms.dialect),
        "existing_nullable": column.nullable,
    }
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
        said["modify_type"] = column_type(after, forms.dialect)
    if before.nullable != after.nullable or before.options != after.options:
        said["modify_nullable"] = after.nullable
    if before.default != after.default:
        said["modify_server_default"] = after.default and forms.default(after.default)
    if before.comment != after.comment:
        said["modify_comment"] = after.comment
    return said
