"""A state as SQLAlchemy's own objects, for the hooks of a project that expect them.

Nothing is read from a database here, and no table is made that nobody asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.schema import SchemaItem
from sqlalchemy.types import NullType, TypeEngine

from whimbrel.schema.state import (
    Check,
    Column,
    Exclusion,
    ForeignKey,
    Index,
    IndexPart,
    Naming,
    PrimaryKey,
    State,
    Table,
    TableName,
    Unique,
)


AnyType: TypeAlias = TypeEngine[Any]
Part: TypeAlias = Unique | ForeignKey | Check | Exclusion | Index


class Reflected:
    """The tables of a state as reflection would have made them.

    Args:
        state: what a catalog told.
        dialect: the dialect that told it.
    """

    def __init__(self, state: State, dialect: Dialect) -> None:
        self._dialect = dialect
        self._described = {table.name: table for table in state.tables}
        self._metadata = sa.MetaData()
        self._bare: dict[TableName, sa.Table] = {}
        self._parts: dict[TableName, dict[Part, SchemaItem]] = {}
        self._types: dict[str, AnyType] = {}

    def table(self, name: TableName) -> sa.Table:
        """Return the table of that name with all that stands in it."""
        self._parts_of(name)
        return self._bare[name]

    def column(self, table: TableName, name: str) -> sa.Column[Any]:
        """Return a column of a table."""
        return self.table(table).c[name]

    def part(self, table: TableName, part: Part) -> SchemaItem:
        """Return a constraint or an index of a table."""
        return self._parts_of(table)[part]

    def _parts_of(self, name: TableName) -> dict[Part, SchemaItem]:
        if name not in self._parts:
            table, described = self._bare_table(name), self._described[name]
            parts = self._parts[name] = {}
            for constraint in described.constraints:
                if not isinstance(constraint, PrimaryKey):
                    made = parts[constraint] = self._constraint(constraint, table)
                    table.append_constraint(made)
            for index in described.indexes:
                parts[index] = self._index(index, table)
        return self._parts[name]

    def _bare_table(self, name: TableName) -> sa.Table:
        """Return a table with its columns and its key, but nothing else.

        Foreign keys can lead to it without a circle.
        """
        if name not in self._bare:
            described = self._described.get(name, Table(name=name))
            table = sa.Table(
                name.name,
                self._metadata,
                *map(self._column, described.ordered_columns),
                schema=name.schema,
                comment=described.comment,
            )
            key = described.primary_key
            if key is not None:
                columns = [table.c[column] for column in key.columns]
                table.append_constraint(
                    sa.PrimaryKeyConstraint(*columns, name=_name(key))
                )
            self._bare[name] = table
        return self._bare[name]

    def _column(self, column: Column) -> sa.Column[Any]:
        default: sa.Computed | sa.DefaultClause | None = None
        if column.computed is not None:
            text = column.computed.expression.text
            default = sa.Computed(_sql(text), persisted=column.computed.is_stored)
        elif column.default is not None:
            default = sa.DefaultClause(_sql(column.default.text), _reflected=True)
        return sa.Column(
            column.name,
            self._type(column.type.spelling),
            *([default] if default is not None else []),
            nullable=column.nullable,
            comment=column.comment,
        )

    def _type(self, spelling: str) -> AnyType:
        if spelling not in self._types:
            self._types[spelling] = type_of(spelling, self._dialect)
        return self._types[spelling]

    def _constraint(
        self, constraint: Unique | ForeignKey | Check | Exclusion, table: sa.Table
    ) -> sa.Constraint:
        match constraint:
            case Unique():
                columns = [table.c[column] for column in constraint.columns]
                return sa.UniqueConstraint(*columns, name=_name(constraint))
            case Check():
                text = _sql(constraint.expression.text)
                return sa.CheckConstraint(text, name=_name(constraint))
            case ForeignKey():
                return self._foreign_key(constraint, table)
            case Exclusion():
                return _exclusion(constraint)

    def _foreign_key(
        self, constraint: ForeignKey, table: sa.Table
    ) -> sa.ForeignKeyConstraint:
        target = self._bare_table(constraint.target)
        for column in constraint.target_columns:
            if column not in target.c:  # a key may lead where nothing is
                target.append_column(sa.Column(column, NullType()))
        return sa.ForeignKeyConstraint(
            [table.c[column] for column in constraint.columns],
            [target.c[column] for column in constraint.target_columns],
            name=_name(constraint),
            ondelete=constraint.on_delete,
            onupdate=constraint.on_update,
            match=constraint.match,
            deferrable=constraint.deferrable or None,
            initially="DEFERRED" if constraint.initially_deferred else None,
        )

    def _index(self, index: Index, table: sa.Table) -> sa.Index:
        options: dict[str, Any] = {}
        if index.where is not None:
            options[f"{self._dialect.name}_where"] = _sql(index.where.text)
        return sa.Index(
            index.name,
            *_index_parts(index.parts, table),
            unique=index.unique,
            _table=table,
            **options,
        )


def _exclusion(exclusion: Exclusion) -> ExcludeConstraint:
    where = exclusion.where
    parts: list[tuple[Any, str]] = [
        (
            sa.column(part.column) if part.column else _sql(str(part.expression)),
            operator,
        )
        for part, operator in ((each, each.operator) for each in exclusion.parts)
    ]
    return ExcludeConstraint(
        *parts,
        name=_name(exclusion),
        using=exclusion.using,
        where=_sql(where.text) if where is not None else None,
    )


def type_of(spelling: str, dialect: Dialect) -> AnyType:
    """Return the type that reflection makes of a spelling."""
    resolve = getattr(dialect, "_resolve_type_affinity", None)
    if resolve is not None:
        found: AnyType = resolve(spelling)
        return found
    names = getattr(dialect, "ischema_names", {})
    name = spelling.partition("(")[0].strip()
    kind = names.get(name.lower(), names.get(name.upper(), NullType))
    return sa.types.to_instance(kind)


def _index_parts(parts: Sequence[IndexPart], table: sa.Table) -> list[Any]:
    made: list[Any] = []
    for part in parts:
        expression: Any = table.c[part.column] if part.column else None
        if expression is None and part.expression is not None:
            expression = _sql(part.expression.text)
        made.append(sa.desc(expression) if part.descending else expression)
    return made


def _name(thing: PrimaryKey | Part) -> str | None:
    """Return the name that the database knows."""
    return None if thing.naming is Naming.NONE else thing.name


def _sql(text: str) -> sa.TextClause:
    return sa.text(text.replace("\\", "\\\\").replace(":", r"\:"))
