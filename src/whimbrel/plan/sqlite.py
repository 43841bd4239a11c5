"""The forms that SQLite needs: https://www.sqlite.org/lang_createtable.html."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

from alembic.operations import ops

from whimbrel.plan.generic import Default, Forms, Optioned
from whimbrel.plan.items import text
from whimbrel.plan.step import BatchOptions
from whimbrel.schema.changes import TableFacts
from whimbrel.schema.state import (
    Column,
    Expression,
    IndexPart,
    Options,
    Table,
    TableName,
)


TABLE_OPTIONS: dict[str, tuple[str, bool]] = {
    "autoincrement": ("sqlite_autoincrement", True),
    "strict": ("sqlite_strict", True),
    "without_rowid": ("sqlite_with_rowid", False),
}
"""The options of a table: SQLAlchemy's argument, and its value when it is on."""

CONFLICT_OPTIONS = {
    "on_conflict": "sqlite_on_conflict",
    "not_null_on_conflict": "sqlite_on_conflict_not_null",
}
"""What happens on a conflict.  SQLAlchemy can say nothing else of a key: neither
its order (``PRIMARY KEY (a DESC)``) nor its collation (``UNIQUE (a COLLATE x)``).
``alter_column()`` of plain Alembic takes the argument, and drops the clause."""

OPENS = ("'", '"', "(")
QUOTED = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`|\[[^]]*\]""")


class SQLiteForms(Forms):
    """How SQLite's things are told to SQLAlchemy and Alembic."""

    def options(self, thing: Optioned) -> dict[str, Any]:
        """Return the options of *thing* as SQLAlchemy's keyword arguments."""
        if isinstance(thing, Table | TableFacts):
            return dict(
                TABLE_OPTIONS[option.name]
                for option in sorted(thing.options)
                if option.name in TABLE_OPTIONS
            )
        return {
            CONFLICT_OPTIONS[option.name]: option.value
            for option in sorted(thing.options)
            if option.name in CONFLICT_OPTIONS
        }

    def column_options(self, column: Column, table: Table | None) -> dict[str, Any]:
        """Return the options of *column*, in the table that is made with it.

        A key with AUTOINCREMENT stands at its column, with all that it says.
        """
        options = self.options(column)
        key = table.primary_key if table is not None else None
        if table is not None and key is not None and key.columns == (column.name,):
            conflict = _values(key.options).get("on_conflict")
            if conflict and "autoincrement" in _values(table.options):
                options["sqlite_on_conflict_primary_key"] = conflict
        return options

    def default(self, expression: Expression) -> Default:
        """Return a server default; SQLite wants an expression in parentheses.

        SQLAlchemy adds them, unless it begins with a quote or a parenthesis.
        """
        found = super().default(expression)
        written = expression.text
        if isinstance(found, str) or not written.startswith(OPENS):
            return found
        return found if is_enclosed(written) else text(f"({written})")

    def closed_by_key(self, table: Table) -> frozenset[str]:
        """Return the columns that take no NULL only while they are in the key."""
        key, options = table.primary_key, _values(table.options)
        types = {column.name: column.type.spelling for column in table.columns}
        if key is None or not options.keys() & {"strict", "without_rowid"}:
            return frozenset()
        is_rowid = [types.get(name) for name in key.columns] == ["INTEGER"]
        if is_rowid and "without_rowid" not in options:
            return frozenset()
        return frozenset(key.columns)

    def part_words(self, part: IndexPart) -> list[str]:
        """Return what stands in the place of *part* in ``CREATE INDEX``."""
        written, *order = super().part_words(part)
        collation = _values(part.options).get("collation")
        collate = ["COLLATE", self.quoted(collation)] if collation else []
        return [written, *collate, *order]

    def rename_table(
        self, before: TableName, after: TableName
    ) -> Iterable[ops.MigrateOperation]:
        """Return what gives a table another name.

        SQLite takes a name that differs by its case only for the same one, and
        refuses it; by way of a third name it gets there.
        """
        if before.name.casefold() != after.name.casefold():
            return super().rename_table(before, after)
        between = f"_{after.name}_renamed"
        return [
            ops.RenameTableOp(before.name, between, schema=before.schema),
            ops.RenameTableOp(between, after.name, schema=before.schema),
        ]

    def facts(self, before: TableFacts, after: TableFacts) -> BatchOptions:
        """Return what a batch must be told for the options of a table to change."""
        changed = _values(before.options ^ after.options)
        is_on = _values(after.options)
        said = {
            argument: value if name in is_on else not value
            for name, (argument, value) in TABLE_OPTIONS.items()
            if name in changed
        }
        if not said:
            return BatchOptions()
        return BatchOptions(recreate="always", table_kwargs=said)


def _values(options: Options) -> dict[str, str]:
    return {option.name: option.value for option in options}


def is_enclosed(sql: str) -> bool:
    """Whether one pair of parentheses holds the whole of *sql*."""
    bare = QUOTED.sub("", sql)
    depths = accumulate(+1 if each == "(" else -1 for each in bare if each in "()")
    return bare[:1] == "(" and bare[-1:] == ")" and list(depths).count(0) == 1
