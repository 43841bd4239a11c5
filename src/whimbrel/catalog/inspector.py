"""The state of a database that no reader here knows, by SQLAlchemy's Inspector.

Every dialect that SQLAlchemy has, its own or another package's, tells tables,
columns and most constraints so.  What it cannot tell is listed in the state; what
it tells in words that may not be those of the models is not compared (see
`whimbrel.schema.unseen`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeEngine

from whimbrel.catalog.questions import Questions
from whimbrel.catalog.sheets import Asker, Sheets, Told
from whimbrel.catalog.unknown_dialect import let_alembic_know
from whimbrel.schema.names import default_name, tell_apart
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import (
    COUNTS_NOT,
    NO_OPTIONS,
    Check,
    Column,
    Computed,
    Constraint,
    Expression,
    ForeignKey,
    Identity,
    Index,
    IndexPart,
    Naming,
    Option,
    PrimaryKey,
    State,
    Table,
    TableName,
    Type,
    Unique,
)
from whimbrel.schema.unseen import (
    ACTIONS,
    COLUMN_COMMENTS,
    OF_EXPRESSIONS,
    UNCOMPARED,
)


NO_TYPE: TypeEngine[Any] = sa.types.NullType()


def read_inspected(connection: Connection, scope: Scope) -> State:
    """Return the state of a database so far as SQLAlchemy's Inspector can see it.

    Raises:
        DatabaseError: its dialect cannot even tell the columns of tables.
    """
    let_alembic_know(connection.dialect)
    with closing(Questions(connection)) as questions:
        asker = Asker(connection, questions)
        reader = _Reader(asker)
        tables = [table for schema in scope.schemas for table in reader.tables(schema)]
        sequences = [
            each for schema in scope.schemas for each in asker.sequences(schema)
        ]
    return State(
        tables=frozenset(table for table in tables if scope.has(table.name)),
        sequences=frozenset(sequences),
        unseen=frozenset((UNCOMPARED, *reader.unseen(tables))),
    )


class _Reader:
    """Makes tables of what an asker finds out."""

    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        self.dialect = asker.dialect
        self.tells_comments_of_columns = False

    def unseen(self, tables: list[Table]) -> set[str]:
        """Return what there may be in *tables* that was not told."""
        missing = set(self.asker.missing)
        if not self.tells_comments_of_columns:
            missing.add(COLUMN_COMMENTS)
        keys = [
            each
            for table in tables
            for each in table.constraints
            if isinstance(each, ForeignKey)
        ]
        if not any(key.on_delete or key.on_update for key in keys):
            missing.add(ACTIONS)
        parts = [p for table in tables for each in table.indexes for p in each.parts]
        if not any(part.expression for part in parts):
            missing.add(OF_EXPRESSIONS)
        return missing

    def tables(self, schema: str | None) -> Iterator[Table]:
        """Yield the tables of a schema."""
        sheets = self.asker.sheets(schema)
        for key in sheets.columns:
            yield self._table(key, sheets)

    def _table(self, key: tuple[str | None, str], sheets: Sheets) -> Table:
        name = self._name(key[1], key[0])
        columns = sheets.columns[key]
        self.tells_comments_of_columns |= any("comment" in each for each in columns)
        primary = sheets.primary_keys.get(key) or {}
        key_columns = _names(primary.get("constrained_columns"))
        constraints = tell_apart(self._constraints(name.name, key, sheets))
        names = {each.name for each in constraints if each.naming is Naming.GIVEN}
        return Table(
            name=name,
            columns=tuple(
                self._column(each, place, is_key=str(each["name"]) in key_columns)
                for place, each in enumerate(columns)
            ),
            constraints=frozenset(constraints),
            indexes=frozenset(
                _index(each)
                for each in sheets.indexes.get(key) or ()
                if each["name"] not in names | {None}
                and not each.get("duplicates_constraint")
            ),
            comment=(sheets.comments.get(key) or {}).get("text") or None,
        )

    def _name(self, name: str, schema: str | None) -> TableName:
        is_default = schema == self.dialect.default_schema_name
        return TableName(
            str(name), None if is_default or schema is None else str(schema)
        )

    def _column(self, told: Told, position: int, *, is_key: bool) -> Column:
        counts_not = is_key and told.get("autoincrement") is False
        default, computed = told.get("default"), told.get("computed")
        return Column(
            name=str(told["name"]),
            type=self._type(told["type"]),
            nullable=bool(told.get("nullable", True)),
            default=_expression(default) if default and not computed else None,
            computed=_computed(computed) if computed else None,
            identity=_identity(told["identity"]) if told.get("identity") else None,
            comment=told.get("comment") or None,
            options=frozenset((COUNTS_NOT,)) if counts_not else NO_OPTIONS,
            position=position,
        )

    def _type(self, type_: TypeEngine[Any]) -> Type:
        """Return a type as the dialect's compiler writes it; nothing if it does not."""
        try:
            return Type(type_.compile(dialect=self.dialect), type_)
        except (SQLAlchemyError, NotImplementedError, AttributeError, TypeError):
            return Type("", NO_TYPE)

    def _constraints(
        self, table: str, key: object, sheets: Sheets
    ) -> Iterator[Constraint]:
        primary = sheets.primary_keys.get(key) or {}
        columns = _names(primary.get("constrained_columns"))
        if columns:
            name, naming = _named(primary, PrimaryKey, table, columns)
            yield PrimaryKey(name=name, columns=columns, naming=naming)
        for told in sheets.uniques.get(key) or ():
            columns = _names(told["column_names"])
            name, naming = _named(told, Unique, table, columns)
            yield Unique(name=name, columns=columns, naming=naming)
        for told in sheets.checks.get(key) or ():
            name, naming = _named(told, Check, table, ())
            expression = _expression(told["sqltext"])
            yield Check(name=name, expression=expression, naming=naming)
        for told in sheets.foreign_keys.get(key) or ():
            yield self._foreign_key(told, table)

    def _foreign_key(self, told: Told, table: str) -> ForeignKey:
        columns, options = (
            _names(told["constrained_columns"]),
            told.get("options") or {},
        )
        target = self._name(told["referred_table"], told.get("referred_schema"))
        name, naming = _named(told, ForeignKey, table, columns, target.name)
        return ForeignKey(
            name=name,
            columns=columns,
            target=target,
            target_columns=_names(told["referred_columns"]),
            on_delete=_action(options.get("ondelete")),
            on_update=_action(options.get("onupdate")),
            match=options.get("match"),
            deferrable=bool(options.get("deferrable")),
            initially_deferred=str(options.get("initially")).upper() == "DEFERRED",
            naming=naming,
        )


def _names(columns: Iterable[object] | None) -> tuple[str, ...]:
    return tuple(map(str, columns or ()))


def _named(
    told: Told,
    kind: type[Constraint],
    table: str,
    columns: tuple[str, ...],
    target: str = "",
) -> tuple[str, Naming]:
    """Return the name of a constraint, and whether the database knows it."""
    if told.get("name"):
        return str(told["name"]), Naming.GIVEN
    return default_name(kind, table, columns, target), Naming.NONE


def _action(said: object) -> str | None:
    action = str(said or "").upper()
    return None if action in ("", "NO ACTION") else action


def _index(told: Told) -> Index:
    where = next(
        (
            value
            for name, value in (told.get("dialect_options") or {}).items()
            if name.endswith("_where")
        ),
        None,
    )
    expressions = told.get("expressions") or told["column_names"]
    sorting = told.get("column_sorting") or {}
    return Index(
        name=str(told["name"]),
        parts=tuple(
            IndexPart(column=str(column), descending="desc" in sorting.get(column, ()))
            if column is not None
            else IndexPart(expression=_expression(written))
            for column, written in zip(told["column_names"], expressions, strict=False)
        ),
        unique=bool(told.get("unique")),
        where=_expression(where) if where else None,
    )


def _expression(text: object) -> Expression:
    return Expression(str(text), str(text))


def _computed(told: Told) -> Computed:
    return Computed(
        expression=_expression(told["sqltext"]), is_stored=bool(told.get("persisted"))
    )


def _identity(told: Told) -> Identity:
    said = ((name, value) for name, value in told.items() if name != "always")
    return Identity(
        is_always=bool(told.get("always")),
        options=frozenset(
            Option(name, str(value)) for name, value in said if value is not None
        ),
    )
