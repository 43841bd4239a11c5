"""Tables and their constraints as Alembic operations, where all dialects agree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic.ddl.postgresql import CreateExcludeConstraintOp
from alembic.operations import ops
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.sql.elements import conv

from whimbrel.plan.generic import Forms, column_item, keywords
from whimbrel.plan.items import excluded, exclusion_arguments, key_arguments, text
from whimbrel.schema.state import (
    Check,
    Constraint,
    Exclusion,
    ForeignKey,
    Naming,
    PrimaryKey,
    Table,
    TableName,
    Unique,
)


def create_table(
    forms: Forms, table: Table, apart: frozenset[Constraint] = frozenset()
) -> ops.CreateTableOp:
    """Return the operation that makes *table*, but for its indexes.

    Args:
        forms: how the dialect wants things.
        table: the table as it shall be.
        apart: its foreign keys that are added later.
    """
    beside = {each: forms.check_beside(each, table) for each in table.columns}
    elsewhere = {*apart, *beside.values()}
    inside = (each for each in ordered(table.constraints) if each not in elsewhere)
    items = [
        *(
            column_item(forms, column, table, beside[column])
            for column in table.ordered_columns
        ),
        *(
            constraint_item(forms, each)
            for each in inside
            if not (isinstance(each, Check) and each.of_type)
            and not forms.is_said_apart(each, table)
        ),
    ]
    kw = keywords(forms, table)
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


DROPPED_AS: dict[type[Constraint], str | None] = {
    PrimaryKey: "primary",
    Unique: "unique",
    ForeignKey: "foreignkey",
    Check: "check",
    Exclusion: None,
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
