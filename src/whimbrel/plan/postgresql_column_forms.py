"""How PostgreSQL wants its columns: types, serial ones, what stands on them."""

# ruff: noqa: ARG002  # what others ask of a thing, PostgreSQL need not

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from whimbrel.plan.generic import Forms, Thing, alter_column
from whimbrel.plan.postgresql_columns import (
    SERIALS,
    changes_base,
    column_operations,
    counter_renamed,
    is_serial,
)
from whimbrel.plan.postgresql_composites import recomposed
from whimbrel.plan.postgresql_enums import spellings
from whimbrel.plan.postgresql_types import (
    NUMBERS,
    STRINGS,
    parsed,
    spelled_type,
)
from whimbrel.plan.postgresql_words import (
    quoted,
    statement,
    table_sql,
    type_sql,
    unmarked,
)
from whimbrel.plan.remade_types import MADE
from whimbrel.plan.spelled import Spelled, column_type
from whimbrel.schema.state import (
    Check,
    Column,
    Enum,
    Exclusion,
    ForeignKey,
    Index,
    Table,
    TableName,
)


class ColumnForms(Forms):
    """How PostgreSQL's columns are told to SQLAlchemy and Alembic."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._named: tuple[tuple[Enum, ...], dict[str, TypeEngine[Any]]] = ((), {})

    def truth(self, is_true: bool) -> str:
        """Return a truth value as SQL."""
        return "true" if is_true else "false"

    def column_type(self, column: Column) -> TypeEngine[Any]:
        """Return the type by which a script writes that of *column*.

        An enumerated type is made by a statement of its own, never by a table.
        """
        named = self._named_types()
        is_named = column.type.spelling.removesuffix("[]") in named
        if column.type.form is not None and not is_named:
            return column_type(column, self.dialect)
        if "." in (column.collation or ""):
            return _spelled(column)  # SQLAlchemy quotes it as one name
        found = spelled_type(column.type.spelling, column.collation, named)
        return found if found is not None else _spelled(column)

    def type_in_table(self, column: Column, table: Table | None) -> TypeEngine[Any]:
        """Return the type of *column* where it is made; *table* is made with it."""
        if is_serial(column) and not self._counts_anyway(column, table):
            return Spelled(SERIALS.get(column.type.spelling, "SERIAL"))
        return self.column_type(column)

    def _counts_anyway(self, column: Column, table: Table | None) -> bool:
        """Whether SQLAlchemy makes a column of *table* a serial one by itself."""
        key = table.primary_key if table is not None else None
        if table is None or key is None or key.columns != (column.name,):
            return False
        if self.is_said_apart(key, table):
            return False
        leads = (each for each in table.constraints if isinstance(each, ForeignKey))
        affinity = self.column_type(column)._type_affinity
        is_number = affinity is not None and issubclass(
            affinity, sa.Integer | sa.Numeric
        )
        is_free = column.default is None and column.computed is None
        return (
            is_number
            and is_free
            and not any(column.name in each.columns for each in leads)
        )

    def column_options(self, column: Column, table: Table | None) -> dict[str, Any]:
        """Return what keeps a key's column from counting by itself."""
        counts = self._counts_anyway(column, table)
        is_counting = is_serial(column) or column.identity is not None
        return {"autoincrement": False} if counts and not is_counting else {}

    def existing_type(self, column: Column) -> TypeEngine[Any] | None:
        """Return the type that a script says *column* to have until then."""
        spelling = replace(column.type, form=None)
        found = self.column_type(replace(column, type=spelling))
        return None if isinstance(found, Spelled) else found

    def _named_types(self) -> dict[str, TypeEngine[Any]]:
        """Return the enumerated types as they are by now, by their spellings."""
        enums, found = self._named
        if enums is not self.enums:
            found = dict(_named(self.enums))
            self._named = self.enums, found
        return found

    def altered_options(self, before: Column, after: Column) -> dict[str, Any]:
        """Return nothing: no option of a column is said by its alteration."""
        return {}

    def is_replaced(self, before: Column, after: Column) -> bool:
        """Whether a column goes and comes again, as it cannot become the other.

        A stored value stays when its expression is dropped.
        """
        ends = before.computed is not None and after.computed is None
        if ends and before.computed is not None and before.computed.is_stored:
            return False
        return super().is_replaced(before, after)

    def retypes(self, before: Column, after: Column) -> bool:
        """Whether foreign keys of a column must go while its type becomes another."""
        old, new = parsed(before.type.spelling), parsed(after.type.spelling)
        families = (NUMBERS, STRINGS)
        is_akin = any(old.name in each and new.name in each for each in families)
        return old.whole != new.whole and not is_akin

    def unsettles(self, before: Column, after: Column, thing: Thing) -> bool:
        """Whether *thing*, on a column, must go while the column is altered.

        The server makes indexes and checks again by itself, from what they say: that
        is nothing for another type, unless a script shall not speak of them.
        """
        if thing in self.left_alone or not changes_base(before, after):
            return False
        match thing:
            case Index():
                plain = all(
                    part.column is not None and not part.options for part in thing.parts
                )
                return not plain or thing.where is not None or bool(thing.options)
            case Check() | Exclusion():
                return True
            case _:
                return False

    def unsettles_generated(self, before: Column, after: Column) -> bool:
        """Whether what is made from a column must go while the column is altered."""
        return (before.type, before.collation) != (after.type, after.collation)

    def alter_column(
        self,
        table: TableName,
        before: Column,
        after: Column,
        *,
        says_nullable: bool = False,
    ) -> Iterable[ops.MigrateOperation]:
        """Return what makes a column another, or gives it another name."""
        by = recomposed(self.enums, table, before, after)
        return column_operations(
            self, table, before, after, says_nullable=says_nullable, by=by
        )

    def drop_column(
        self, table: TableName, column: Column
    ) -> Iterable[ops.MigrateOperation]:
        """Yield what drops a column, but not the values that heirs keep of it."""
        if (table, column.name) not in self.kept:
            yield from super().drop_column(table, column)
        for each, is_alone in self.kept.get((table, column.name), ()):
            only = "ONLY " if is_alone else ""
            dropped = f"{only}{table_sql(each)} DROP COLUMN {quoted(column.name)}"
            yield statement(f"ALTER TABLE {dropped}")

    def rename_column(
        self, table: Table, before: Column, after: Column
    ) -> Iterable[ops.MigrateOperation]:
        """Yield what gives a column another name, and its sequence with it."""
        yield alter_column(self, table.name, before, after)
        yield from counter_renamed(
            (table.name, before), (table.name, after), self.sequences
        )


def _named(enums: tuple[Enum, ...]) -> Iterator[tuple[str, TypeEngine[Any]]]:
    """Yield spellings of enumerated types; of two that are alike, the first is last."""
    for enum in reversed(enums):
        if any(each.name == MADE for each in enum.options):
            continue  # a domain, or another type that is replaced like one
        form = postgresql.ENUM(
            *enum.values, name=enum.name, schema=enum.schema, create_type=False
        )
        yield from ((each, form) for each in spellings(enum))


def _spelled(column: Column) -> Spelled:
    return Spelled(unmarked(type_sql(column)))
