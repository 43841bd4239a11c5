"""Columns and indexes as MySQL and MariaDB want them told to SQLAlchemy and Alembic."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.types import TypeEngine

from whimbrel.plan.columns import asks_any, dependents_last
from whimbrel.plan.fill import take_default
from whimbrel.plan.generic import Default, Optioned, add_column, changes_type
from whimbrel.plan.items import text
from whimbrel.plan.mysql_history import KEY as HISTORY
from whimbrel.plan.mysql_history import HistoryForms, keeps_history
from whimbrel.plan.mysql_partitions import is_late
from whimbrel.plan.mysql_text import (
    STRING,
    altering,
    check_beside,
    default_in_sql,
    definition,
    is_counting,
    loose_checks,
    modifying,
    primary_key,
    quoted,
    unescaped,
    values,
    with_length,
)
from whimbrel.plan.mysql_types import existing_type_of, type_of
from whimbrel.schema.changes import TableFacts
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import (
    Check,
    Column,
    Constraint,
    Expression,
    Index,
    IndexPart,
    PrimaryKey,
    Table,
    TableName,
)


UNSAID = ("compressed", "invisible", "srid", "unversioned")
"""What SQLAlchemy cannot say of a column."""

BITS = re.compile(r"b'([01]+)'")
"""A constant that SQLAlchemy takes for an expression: that is another default."""

_UNSAFE = re.compile(
    r"\b(?:uuid|uuid_short|rand|random_bytes|sysdate|(?:current_|session_|system_)?user)\(",
    re.IGNORECASE,
)
"""What gives each row a value of its own: a default of a new column cannot ask it.

MySQL takes it for unsafe, whether there are replicas or not (error 1674).
"""

INDEX_OPTIONS = ("prefix", "using", "with_parser")
"""What it can say of an index."""


def _constant(canonical: str) -> Default | None:
    """Return a default that is a string, or bits; None for all others."""
    if STRING.fullmatch(canonical):
        return unescaped(canonical)
    bits = BITS.fullmatch(canonical)
    return text(str(int(bits[1], 2))) if bits is not None else None


class MySQLColumns(HistoryForms):
    """How columns and indexes are told to SQLAlchemy and Alembic."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._tables: dict[TableName, tuple[Table, Table]] = {}
        self._made: dict[tuple[TableName, Constraint], str] = {}
        self._beside: dict[tuple[TableName, str], Check] = {}

    def column_type(self, column: Column) -> TypeEngine[Any]:
        """Return the type by which a script writes that of *column*."""
        return type_of(column)

    def existing_type(self, column: Column) -> TypeEngine[Any]:
        """Return the type that a script says *column* to have until then."""
        return existing_type_of(column)

    def quoted(self, name: str) -> str:
        """Return *name* as an identifier in SQL."""
        return quoted(name)

    def options(self, thing: Optioned) -> dict[str, Any]:
        """Return the options of *thing* as SQLAlchemy's keyword arguments."""
        said = values(thing.options)
        match thing:
            case Index():
                said = {key: said[key] for key in INDEX_OPTIONS if key in said}
                lengths = _lengths(thing)
                named: dict[str, Any] = {
                    **said,
                    **({"length": lengths} if lengths else {}),
                }
            case Table() | TableFacts():
                named = {key: said[key] for key in said if not is_late(key, said[key])}
                named.pop(HISTORY, None)
            case _:
                named = {}
        if "prefix" in named:
            named["prefix"] = named["prefix"].upper()
        return {f"{self.dialect.name}_{key}": named[key] for key in sorted(named)}

    def part_words(self, part: IndexPart) -> list[str]:
        """Return what stands in the place of *part* in ``CREATE INDEX``."""
        words = super().part_words(part)
        if part.column is None:
            words[0] = f"({words[0]})"
        return with_length(part, words)

    def column_options(self, column: Column, table: Table | None) -> dict[str, Any]:
        """Return the options of *column*, in the table that is made with it."""
        said: dict[str, Any] = {}
        default = self._server_default(column)
        if default is not None:
            said["server_default"] = default
        key = table.primary_key if table is not None else None
        if table is not None and key is not None and column.name in key.columns:
            is_sole = key.columns == (column.name,)
            has_key = any(
                column.name in getattr(each, "columns", ())
                for each in table.constraints
                if not isinstance(each, PrimaryKey)
            )
            if is_counting(column) and (has_key or not is_sole):
                said["autoincrement"] = True
            elif not is_counting(column) and is_sole and _is_whole(column):
                said["autoincrement"] = False
        return said

    def default(self, expression: Expression) -> Default:
        """Return a server default: a plain string as such, all else as SQL."""
        known = _constant(expression.canonical)
        return super().default(expression) if known is None else known

    def _server_default(self, column: Column) -> Default | None:
        """Return the default with what SQLAlchemy lets stand only there."""
        on_update = values(column.options).get("on_update")
        if on_update is None or column.computed is not None:
            return None if column.default is None else self.default(column.default)
        default = default_in_sql(column.default) if column.default else "NULL"
        return text(f"{default} ON UPDATE {on_update}")

    # -- columns --------------------------------------------------------------------

    def alter_column(
        self,
        table: TableName,
        before: Column,
        after: Column,
        *,
        says_nullable: bool = False,
    ) -> Iterable[ops.MigrateOperation]:
        """Yield what makes a column another, or gives it another name."""
        check = self.check_now(table, after)
        behind = _behind(after, self._tables.get(table), self.dialect)
        is_said = any(map(is_unalterable, (before, after)))
        if check or behind or is_said or _ends_update(before, after):
            yield altering(table, modifying(before, after, check) + behind)
            return
        said = {"modify_nullable": after.nullable} if says_nullable else {}
        yield self.alteration(table, before, after, said)

    def alteration(
        self, table: TableName, before: Column, after: Column, said: dict[str, Any]
    ) -> ops.AlterColumnOp:
        """Return what makes a column another in Alembic's words."""
        words = self._existing(before) | self._modified(before, after) | said
        return ops.AlterColumnOp(table.name, before.name, schema=table.schema, **words)

    def _existing(self, column: Column) -> dict[str, Any]:
        said: dict[str, Any] = {
            "existing_type": self.existing_type(column),
            "existing_nullable": column.nullable,
        }
        default = self._server_default(column)
        if default is not None:
            said["existing_server_default"] = sa.DefaultClause(default)
        if column.comment is not None:
            said["existing_comment"] = column.comment
        if is_counting(column):
            said["existing_autoincrement"] = True
        return said

    def _modified(self, before: Column, after: Column) -> dict[str, Any]:
        said: dict[str, Any] = {}
        if before.name != after.name:
            said["modify_name"] = after.name
        if changes_type(before, after):
            said["modify_type"] = self.column_type(after)
        if before.nullable != after.nullable or before.options != after.options:
            said["modify_nullable"] = after.nullable
        was, becomes = (
            values(each.options).get("on_update") for each in (before, after)
        )
        if before.default != after.default or was != becomes:
            said["modify_server_default"] = self._server_default(after)
            if not self.dialect.is_mariadb and _is_no_literal(after.default):
                said["modify_nullable"] = after.nullable
        if before.comment != after.comment:
            said["modify_comment"] = after.comment
        if is_counting(before) != is_counting(after):
            said["autoincrement"] = is_counting(after)
        return said

    def add_column(self, table: TableName, column: Column) -> ops.MigrateOperation:
        """Return what adds a column; the server is to make up no values for it.

        Where a column takes no NULL and has no default, rows would get '' or 0.
        """
        check = self._beside.get((table, column.name))
        column = _opened(column, self.dialect)
        if _is_unsaid(column) or is_counting(column):
            clause = f"ADD COLUMN {quoted(column.name)} {definition(column, check)}"
            return altering(table, clause)
        return add_column(self, table, column, check)

    def after_add(
        self, table: TableName, column: Column
    ) -> Iterable[ops.MigrateOperation]:
        """Yield what closes a new column, which no row may leave without a value."""
        opened = _opened(column, self.dialect)
        if column.default is not None and opened.default is None:
            yield take_default(self, table, column.name, column.default)
        if opened != column:
            yield from self.alter_column(table, opened, column)

    def after_create(self, table: Table) -> Iterable[ops.MigrateOperation]:
        """Yield what a table needs that ``CREATE TABLE`` cannot say."""
        for check in loose_checks(table.constraints):
            yield altering(table.name, f"ALTER CHECK {quoted(check.name)} NOT ENFORCED")
        key = table.primary_key
        if key is not None and key.options:
            clauses = [] if is_apart(key) else ["DROP PRIMARY KEY"]
            yield altering(table.name, *clauses, f"ADD {primary_key(key)}")
        if keeps_history(table):
            yield altering(table.name, "ADD SYSTEM VERSIONING")
        for column in table.ordered_columns:
            if _is_unsaid(column) and not _counts_late(column, key):
                yield self._said_of(column, table)
        for name, value in values(table.options).items():
            if is_late(name, value):
                yield altering(table.name, f"PARTITION BY {value}")

    def after_indexes(self, table: Table) -> Iterable[ops.MigrateOperation]:
        """Yield what lets the columns count that stand in no primary key."""
        for column in table.ordered_columns:
            if _counts_late(column, table.primary_key):
                yield self._said_of(column, table)

    def _said_of(self, column: Column, table: Table) -> ops.MigrateOperation:
        check = check_beside(column, table)
        return altering(table.name, modifying(column, column, check))

    def check_now(self, table: TableName, column: Column) -> Check | None:
        """Return the check that stands in the definition of a column by now."""
        if table not in self._tables:
            return None
        before, after = self._tables[table]
        check = check_beside(column, after)
        is_there = check in before.constraints or (table, column.name) in self._beside
        return check if is_there else None


def _ends_update(before: Column, after: Column) -> bool:
    gone = values(before.options).keys() - values(after.options).keys()
    return "on_update" in gone


def _behind(column: Column, tables: tuple[Table, Table] | None, server: Dialect) -> str:
    """Return where a column of MySQL must stand, if not where it does.

    Its default cannot ask one behind it that is generated, or has an expression for
    its own default; and new columns come behind all others.
    """
    if server.is_mariadb or tables is None or column.default is None:
        return ""
    was, becomes = tables
    there = {each.name for each in was.columns}
    new = dependents_last(each for each in becomes.columns if each.name not in there)
    asked = [
        each.name
        for each in sorted(new, key=lambda each: each.computed is not None)
        if each.computed is not None or _is_asking(each.default)
        if asks_any(column.default, [each.name])
    ]
    return f" AFTER {quoted(asked[-1])}" if asked else ""


def _is_asking(default: Expression | None) -> bool:
    return default is not None and default.canonical.startswith("(")


def _opened(column: Column, dialect: Dialect) -> Column:
    """Return a new column as it is until its rows have values."""
    said = column.default.canonical if column.default is not None else ""
    if not dialect.is_mariadb and _UNSAFE.search(said):
        return replace(column, nullable=True, default=None)
    is_open = not _is_made_up(column) or _is_unsaid(column)
    return column if is_open else replace(column, nullable=True)


def _lengths(index: Index) -> dict[str, int]:
    return {
        part.column: int(length)
        for part in index.parts
        if part.column is not None
        and not part.descending
        and (length := values(part.options).get("length")) is not None
    }


def _is_unsaid(column: Column) -> bool:
    """Whether SQLAlchemy has no words for a column."""
    options = values(column.options)
    needs_null = "on_update" in options and not column.nullable and not column.default
    return needs_null or any(name in options for name in UNSAID)


def is_unalterable(column: Column) -> bool:
    """Whether ``alter_column()`` of Alembic has no words for a column."""
    return _is_unsaid(column) or column.computed is not None


def is_apart(key: PrimaryKey) -> bool:
    """Whether a primary key cannot stand in ``CREATE TABLE``."""
    return "length" in values(key.options)


def _counts_late(column: Column, key: PrimaryKey | None) -> bool:
    """Whether SQLAlchemy lets a column of a new table not count yet."""
    in_key = () if key is None or is_apart(key) else key.columns
    return is_counting(column) and column.name not in in_key


def _is_no_literal(default: Expression | None) -> bool:
    """Whether MySQL takes a default for what it is only in the whole definition.

    ``SET DEFAULT ('x')`` is a literal to it, and ``DROP DEFAULT`` leaves a column that
    must be given a value, even if that may be NULL.
    """
    return default is None or default.canonical.startswith("(")


def _is_made_up(column: Column) -> bool:
    """Whether the server would make up values for a new column."""
    is_open = column.nullable or column.default is not None
    return not (is_open or column.computed or is_counting(column))


def _is_whole(column: Column) -> bool:
    """Whether SQLAlchemy would have a key of this column count by itself."""
    is_int = re.match(r"(tiny|small|medium|big)?int\b", column.type.spelling)
    return is_int is not None and column.default is None
