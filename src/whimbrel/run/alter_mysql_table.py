"""A table of MySQL or MariaDB as it stands, and the statements that alter it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection, Dialect

from whimbrel.catalog.mysql_shown import show_create
from whimbrel.catalog.mysql_table_text import (
    ColumnText,
    ItemKind,
    ItemText,
    Kind,
    TableText,
    folded,
    parse_table,
)
from whimbrel.catalog.mysql_tokens import without_escapes
from whimbrel.plan.items import text
from whimbrel.plan.mysql_text import called
from whimbrel.run.alter_mysql_column import undoubled


RENAMES_COLUMNS = {True: (10, 5, 2), False: (8, 0, 3)}
"""Since when there is RENAME COLUMN: MariaDB, MySQL."""

REFERRING = (
    "SELECT DISTINCT table_name, constraint_name"
    " FROM information_schema.key_column_usage"
    " WHERE referenced_table_schema = coalesce(%s, database())"
    " AND referenced_table_name = %s ORDER BY 1, 2"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTable:
    """A table as it stands.

    Args:
        connection: its database.
        name: its name.
        schema: the database that it lives in, unless it is the connection's own.
        text: its definition.
    """

    connection: Connection
    name: str
    schema: str | None
    text: TableText

    @property
    def dialect(self) -> Dialect:
        """SQLAlchemy's dialect of the connection."""
        return self.connection.dialect

    @property
    def is_mariadb(self) -> bool:
        """Whether the server is MariaDB."""
        return bool(getattr(self.dialect, "is_mariadb", False))

    def column(self, name: str) -> ColumnText | None:
        """Return the column called *name*, if there is one."""
        return self.text.column(name)

    def quoted(self, name: str) -> str:
        """Return *name* as an identifier in SQL."""
        return undoubled(self.dialect.identifier_preparer.quote(name), self.dialect)

    def altering(self, *clauses: str) -> str:
        """Return the statement that alters the table by *clauses*."""
        written = self.quoted(self.name)
        if self.schema:
            written = f"{self.quoted(self.schema)}.{written}"
        return f"ALTER TABLE {written} {', '.join(clauses)}"

    def modifying(self, before: ColumnText, after: ColumnText) -> str:
        """Return the clause that makes a column what it shall be, its name too."""
        if before.name == after.name:
            return f"MODIFY {self.quoted(after.name)} {after.definition}"
        if before.clauses == after.clauses and self._renames_columns:
            names = f"{self.quoted(before.name)} TO {self.quoted(after.name)}"
            return f"RENAME COLUMN {names}"
        names = f"{self.quoted(before.name)} {self.quoted(after.name)}"
        return f"CHANGE {names} {after.definition}"

    def speaking(self, before: ColumnText, name: str) -> list[str]:
        """Return the clauses by which all that speaks of a column uses its new name.

        Without them MySQL refuses to rename a column of which something speaks.
        """
        if self.is_mariadb or folded(before.name) == folded(name):
            return []
        clauses = []
        for item in self.text.items:
            fresh = called(item.written, before.name, name)
            speaks = item.kind is ItemKind.CHECK or None in item.columns
            if speaks and fresh != item.written:
                clauses += [*self.dropping(item), f"ADD {fresh}"]
        for column in self.text.columns:
            for kind in (Kind.GENERATED, Kind.DEFAULT):
                said = column.clause(kind) or ""
                fresh = called(said, before.name, name)
                if fresh != said:
                    after = column.with_clause(kind, fresh)
                    clauses.append(self._saying(column, kind, after))
        return clauses

    def _saying(self, column: ColumnText, kind: Kind, after: ColumnText) -> str:
        if kind is Kind.GENERATED:
            return self.modifying(column, after)
        return f"ALTER {self.quoted(column.name)} SET {after.clause(kind)}"

    @property
    def _renames_columns(self) -> bool:
        version = getattr(self.dialect, "server_version_info", None) or ()
        return tuple(version) >= RENAMES_COLUMNS[self.is_mariadb]

    def dropping(self, item: ItemText) -> list[str]:
        """Return the clauses that drop a constraint or an index."""
        match item.kind:
            case ItemKind.PRIMARY_KEY:
                stopped = (self.without_counting(each) for each in self._only_in(item))
                return [*stopped, "DROP PRIMARY KEY"]
            case ItemKind.FOREIGN_KEY:
                return [f"DROP FOREIGN KEY {self.quoted(item.name)}"]
            case ItemKind.CHECK:
                return [self._dropping_check(item)]
        stopped = (self.without_counting(each) for each in self._only_in(item))
        return [*stopped, f"DROP INDEX {self.quoted(item.name)}"]

    def _dropping_check(self, item: ItemText) -> str:
        column = self.column(item.column) if item.column is not None else None
        if column is not None:
            return self.modifying(column, column.with_clause(Kind.CHECK, None))
        kind = "CONSTRAINT" if self.is_mariadb else "CHECK"
        return f"DROP {kind} {self.quoted(item.name)}"

    def without_counting(self, column: ColumnText) -> str:
        """Return the clause by which a column no longer has AUTO_INCREMENT."""
        return self.modifying(column, column.with_clause(Kind.AUTO_INCREMENT, None))

    def _only_in(self, key: ItemText) -> list[ColumnText]:
        """Return the AUTO_INCREMENT column that would be in no key without *key*."""
        return [
            column
            for column in self.text.columns
            if column.clause(Kind.AUTO_INCREMENT)
            if key.serves([column.name]) and not self._others_serve(key, [column.name])
        ]

    def counting_only_in(self, key: ItemText) -> str | None:
        """Return the name of the column that loses AUTO_INCREMENT with *key*."""
        return next((each.name for each in self._only_in(key)), None)

    def _others_serve(self, index: ItemText, columns: Sequence[str]) -> bool:
        return any(
            each.serves(columns) for each in self.text.items if each is not index
        )

    def keys_in_need_of(self, index: ItemText) -> list[ItemText]:
        """Return the foreign keys of the table that only *index* serves."""
        return [
            key
            for key in self.text.items
            if key.kind is ItemKind.FOREIGN_KEY
            if index.serves(key.columns_named)
            and not self._others_serve(index, key.columns_named)
        ]

    def keys_of(self, column: str) -> list[ItemText]:
        """Return the foreign keys in which *column* stands."""
        return [
            each
            for each in self.text.items
            if each.kind is ItemKind.FOREIGN_KEY
            if folded(column) in map(folded, each.columns_named)
        ]

    def referring(self) -> list[str]:
        """Return the foreign keys that refer to the table, as people write them."""
        rows = self.connection.exec_driver_sql(REFERRING, (self.schema, self.name))
        return [f"{key} of {table}" for table, key in rows]

    def nulls(self, column: str) -> int:
        """Return in how many rows *column* is NULL."""
        written = self.altering().removeprefix("ALTER TABLE ").rstrip()
        count = text(
            f"SELECT count(*) FROM {written} WHERE {self.quoted(column)} IS NULL"
        )
        return int(self.connection.execute(count).scalar_one())


def read_live(connection: Connection, name: str, schema: str | None) -> LiveTable:
    """Return a table as it stands."""
    quote = connection.dialect.identifier_preparer.quote
    written = ".".join(quote(each) for each in (schema, name) if each)
    written = undoubled(written, connection.dialect)
    shown = show_create(connection, written)
    has_escapes = "\\" not in shown or _has_escapes(connection)
    if not has_escapes:
        shown = without_escapes(shown)
    parsed = parse_table(shown, has_escapes=has_escapes)
    if not getattr(connection.dialect, "is_mariadb", False):
        columns = tuple(map(_as_the_table, parsed.columns))
        parsed = replace(parsed, columns=columns)
    return LiveTable(connection=connection, name=name, schema=schema, text=parsed)


def _has_escapes(connection: Connection) -> bool:
    mode = str(connection.exec_driver_sql("SELECT @@sql_mode").scalar_one())
    return "NO_BACKSLASH_ESCAPES" not in mode.upper()


def _as_the_table(column: ColumnText) -> ColumnText:
    """Return a definition without the collation that the column has from its table.

    MySQL tells that one alone; said again, it would be the column's own.
    """
    is_own = column.clause(Kind.CHARSET) is not None
    return column if is_own else column.with_clause(Kind.COLLATE, None)
