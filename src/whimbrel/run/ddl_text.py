"""What SQLAlchemy's objects are in SQL, as its compiler writes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Constraint, MetaData, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.schema import Computed, CreateColumn, CreateTable, FetchedValue
from sqlalchemy.types import TypeEngine

from whimbrel.catalog.sqlite_ddl import (
    ColumnText,
    TableText,
    parse_column,
    parse_table,
)


def type_text(dialect: Dialect, type_: TypeEngine[Any]) -> ColumnText:
    """Return a column of that type: what it says is all due to the type."""
    column: Column[Any] = Column("x", type_)
    compiler: Any = dialect.type_compiler_instance
    return parse_column(f"x {compiler.process(type_, type_expression=column)}")


def default_text(dialect: Dialect, server_default: Any) -> ColumnText:
    """Return a column with that default, or computed so."""
    given: tuple[Any, ...] = ()
    if isinstance(server_default, Computed):
        given = (Computed(server_default.sqltext, persisted=server_default.persisted),)
        server_default = None
    elif isinstance(server_default, FetchedValue):
        server_default = getattr(server_default, "arg", None)
    column: Column[Any] = Column("x", Text(), *given, server_default=server_default)
    Table("t", MetaData(), column)
    return parse_column(_compiler(dialect).get_column_specification(column))


def column_text(dialect: Dialect, column: Column[Any]) -> ColumnText:
    """Return a column with the constraints that are written within it."""
    return parse_column(str(_compiler(dialect).process(CreateColumn(column))).strip())


def constraint_text(dialect: Dialect, constraint: Constraint) -> str | None:
    """Return a constraint; None if this database has no words for it."""
    written: str | None = _compiler(dialect).process(constraint)
    return written


def is_created(dialect: Dialect, constraint: Constraint) -> bool:
    """Whether a constraint that a type brings along is one on this database."""
    rule = constraint._create_rule
    return rule is None or bool(rule(_compiler(dialect)))


def table_text(dialect: Dialect, table: Table) -> TableText:
    """Return a table as it would be created."""
    with _nameless(_unnameable(dialect, table)):
        created = str(CreateTable(table).compile(dialect=dialect))
    return parse_table(created.strip())


def _unnameable(dialect: Dialect, table: Table) -> list[Constraint]:
    """Return the checks of types for which the naming convention makes no name.

    It wants one to begin with; https://github.com/sqlalchemy/alembic/issues/1844
    """
    found = []
    for constraint in table.constraints:
        if constraint._type_bound and not isinstance(constraint.name, str):
            try:
                constraint_text(dialect, constraint)
            except InvalidRequestError:
                found.append(constraint)
    return found


@contextmanager
def _nameless(constraints: Sequence[Constraint]) -> Iterator[None]:
    names = [constraint.name for constraint in constraints]
    for constraint in constraints:
        constraint.name = None
    try:
        yield
    finally:
        for constraint, name in zip(constraints, names, strict=True):
            constraint.name = name


def _compiler(dialect: Dialect) -> Any:
    return dialect.ddl_compiler(dialect, None)  # type: ignore[arg-type]  # as SQLAlchemy does
