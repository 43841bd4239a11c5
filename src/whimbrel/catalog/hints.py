"""What the models say beyond their schema: old names, and defaults in Python.

``info={"renamed_from": "email"}`` on a column or a table names what it was called;
``default=`` is a value that the models give to new rows, and the database does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import MetaData, Table, literal
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.elements import ClauseElement

from whimbrel.catalog.drafts import Drafter
from whimbrel.catalog.wording import AnyColumn
from whimbrel.schema.renames import ColumnRename, TableRename, table_name
from whimbrel.schema.state import TableName


HINT = "renamed_from"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDefault:
    """What the models give to new rows, and the database does not.

    Args:
        table: the column's table.
        column: the column.
        told: the default as the models write it.
        sql: the same as SQL; None for a function, which only Python can call.
    """

    table: TableName
    column: str
    told: str
    sql: str | None


def read_hints(
    metadatas: Sequence[MetaData], connection: Connection
) -> Iterator[TableRename | ColumnRename]:
    """Yield the renames that the models hint at, whether they are done or not."""
    drafter = Drafter(connection)
    for table in _tables(metadatas):
        name = drafter.name_of(table)
        for old in _said(table.info):
            before = table_name(old)
            if before.schema is None:
                before = TableName(before.name, name.schema)
            yield TableRename(before=drafter.wording.located(before), after=name)
        for column in table.columns:
            for old in _said(column.info):
                yield ColumnRename(table=name, before=old, after=str(column.name))


def read_defaults(
    metadatas: Sequence[MetaData], connection: Connection
) -> Iterator[ModelDefault]:
    """Yield the defaults that the models have and do not tell the database."""
    drafter = Drafter(connection)
    for table in _tables(metadatas):
        for column in table.columns:
            default: Any = column.default
            if default is None or column.server_default is not None:
                continue
            if not hasattr(default, "arg"):
                continue  # a sequence, which a database knows
            yield ModelDefault(
                table=drafter.name_of(table),
                column=str(column.name),
                told=_told(default),
                sql=_as_a_script_says(_sql(default, column, connection), connection),
            )


def default_as_sql(connection: Connection) -> Callable[[AnyColumn], str | None]:
    """Return what writes the default that a column has in Python as SQL."""

    def as_sql(column: AnyColumn) -> str | None:
        default = column.default
        if default is None or not hasattr(default, "arg"):
            return None
        return _sql(default, column, connection)

    return as_sql


def _tables(metadatas: Iterable[MetaData]) -> Iterator[Table]:
    for metadata in metadatas:
        yield from metadata.tables.values()


def _said(info: Any) -> tuple[str, ...]:
    """Return the old names that ``info`` tells: one, or several."""
    said = info.get(HINT) if info else None
    if said is None:
        return ()
    return (said,) if isinstance(said, str) else tuple(map(str, said))


def _told(default: Any) -> str:
    if default.is_callable:
        function = getattr(default.arg, "__wrapped__", default.arg)
        return f"{getattr(function, '__name__', 'a function')}()"
    return str(default.arg) if default.is_clause_element else repr(default.arg)


def _as_a_script_says(sql: str | None, connection: Connection) -> str | None:
    """Return *sql* with percent signs single, which are doubled for some drivers."""
    is_doubled = connection.dialect.identifier_preparer._double_percents
    return sql.replace("%%", "%") if sql and is_doubled else sql


def _sql(default: Any, column: AnyColumn, connection: Connection) -> str | None:
    """Return a default as SQL, if it is a value or SQL already."""
    if default.is_callable:
        return None
    try:
        return _compiled(default.arg, column, connection)
    except (SQLAlchemyError, NotImplementedError, ValueError, TypeError, LookupError):
        return _bound(default.arg, column, connection)


def _compiled(value: Any, column: AnyColumn, connection: Connection) -> str:
    is_sql = isinstance(value, ClauseElement)
    element = value if is_sql else literal(value, column.type)
    compiled = element.compile(
        dialect=connection.dialect, compile_kwargs={"literal_binds": True}
    )
    return str(compiled)


def _bound(value: Any, column: AnyColumn, connection: Connection) -> str | None:
    """Return as SQL what a driver would be given, where that is a text."""
    dialect = connection.dialect
    process = column.type.dialect_impl(dialect).bind_processor(dialect)
    try:
        given = process(value) if process else value
    except Exception:  # whatever the app's own type raises
        return None
    return _compiled_text(given, connection) if isinstance(given, str) else None


def _compiled_text(value: str, connection: Connection) -> str:
    options = {"literal_binds": True}
    compiled = literal(value).compile(
        dialect=connection.dialect, compile_kwargs=options
    )
    return str(compiled)
