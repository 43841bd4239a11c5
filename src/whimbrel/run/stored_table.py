"""A table as it stands in its database: its text, and what belongs to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from whimbrel.catalog.sqlite_ddl import (
    TableText,
    folded,
    is_virtual,
    mentioned,
    parse_index,
    parse_table,
    quote,
)
from whimbrel.catalog.sqlite_master import SchemaText
from whimbrel.errors import MigrationFailed, ended
from whimbrel.run.transaction import query


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTable:
    """A table, its text, and the texts of its indexes and triggers."""

    connection: Connection
    schema: str
    text: TableText
    indexes: tuple[SchemaText, ...]
    triggers: tuple[SchemaText, ...]

    @property
    def name(self) -> str:
        """The table's name, as its text spells it."""
        return self.text.name

    @property
    def full_name(self) -> str:
        """The table's name as a statement writes it."""
        return f"{quote(self.schema)}.{quote(self.name)}"

    @property
    def has_rows(self) -> bool:
        """Whether there is a row."""
        return bool(query(self.connection, f"SELECT 1 FROM {self.full_name} LIMIT 1"))

    @property
    def indexed_columns(self) -> frozenset[str]:
        """The folded names of all columns that an index speaks of."""
        names = [column.name for column in self.text.columns]
        return frozenset(
            folded(name)
            for index in self.indexes
            for name in index_columns(index.sql, names)
        )


def index_columns(sql: str, columns: list[str]) -> tuple[str, ...]:
    """Return those of *columns* that an index speaks of, in whatever place."""
    index = parse_index(sql)
    spoken = [part.expression for part in index.parts]
    if index.where:
        spoken.append(index.where)
    found = {name for each in spoken for name in mentioned(each, columns)}
    known = {folded(name): name for name in columns}
    named = {folded(part.column) for part in index.parts if part.column}
    return tuple(found | {known[name] for name in named if name in known})


def read_table(connection: Connection, name: str, schema: str | None) -> StoredTable:
    """Return a table as its database has it.

    Raises:
        MigrationFailed: there is none of that name, or it is a virtual one.
    """
    space = schema or "main"
    rows = query(
        connection,
        f"SELECT type, name, tbl_name, sql FROM {quote(space)}.sqlite_master"
        " WHERE tbl_name = ? COLLATE NOCASE AND sql IS NOT NULL",
        str(name),
    )
    texts = [SchemaText(*row) for row in rows]
    tables = [each for each in texts if each.kind == "table"]
    if not tables or is_virtual(tables[0].sql):
        what = "is a virtual table" if tables else "does not exist"
        raise MigrationFailed(
            f"Table {name} cannot be altered: it {what}.",
            "Name the table in the script as the database does.",
            table=str(name),
        )
    return StoredTable(
        connection=connection,
        schema=space,
        text=parse_table(tables[0].sql),
        indexes=tuple(each for each in texts if each.kind == "index"),
        triggers=tuple(each for each in texts if each.kind == "trigger"),
    )


def all_texts(connection: Connection, schema: str) -> tuple[SchemaText, ...]:
    """Return the texts of all that a schema holds, in the order of their making."""
    rows = query(
        connection,
        f"SELECT type, name, tbl_name, sql FROM {quote(schema)}.sqlite_master"
        " WHERE sql IS NOT NULL ORDER BY rowid",
    )
    return tuple(SchemaText(*row) for row in rows)


@contextmanager
def nothing_breaks(table: StoredTable) -> Iterator[None]:
    """Raise if views or triggers that worked before the block do not after it.

    Raises:
        MigrationFailed: with the first of them and what SQLite says of it.
    """
    before = _broken(table)
    texts = _of_others(table)
    yield
    for what, words in sorted({**_broken(table), **_rewritten(table, texts)}.items()):
        if what not in before:
            raise MigrationFailed(
                ended(
                    f"{what} would no longer work when {table.name} is altered: {words}"
                ),
                "Drop it in the script before, and create it anew after.",
                table=table.name,
            )


def _of_others(table: StoredTable) -> dict[str, str]:
    """Return the texts of views and triggers, by what they are called."""
    return {
        f"{text.kind.capitalize()} {text.name}": text.sql
        for text in all_texts(table.connection, table.schema)
        if text.kind in ("view", "trigger")
    }


def _rewritten(table: StoredTable, before: dict[str, str]) -> dict[str, str]:
    """Return what SQLite wrote anew although nobody asked for it.

    A column that is gone reads as a string where it stands in double quotes, and
    the next ``ALTER TABLE ... DROP COLUMN`` writes it as one:
    https://www.sqlite.org/quirks.html#double_quoted_string_literals_are_accepted.
    """
    return {
        what: f"SQLite would make it {sql}"
        for what, sql in _of_others(table).items()
        if before.get(what) != sql
    }


def _broken(table: StoredTable) -> dict[str, str]:
    """Return the views and the tables with triggers that SQLite cannot use.

    Statements that touch no row show it.
    """
    texts = all_texts(table.connection, table.schema)
    found: dict[str, str] = {}
    for text in texts:
        name = f"{quote(table.schema)}.{quote(text.name)}"
        if text.kind == "view":
            _try(table, f"SELECT * FROM {name} LIMIT 0", f"View {text.name}", found)
    for target in sorted({each.table for each in texts if each.kind == "trigger"}):
        name = f"{quote(table.schema)}.{quote(target)}"
        what = f"A trigger on {target}"
        _try(table, f"DELETE FROM {name} WHERE 0", what, found)
        for column in map(quote, _writable(table, target)):
            insert = f"INSERT INTO {name} ({column}) SELECT NULL WHERE 0"
            _try(table, insert, what, found)
            update = f"UPDATE {name} SET {column} = {column} WHERE 0"
            _try(table, update, what, found)
    return found


def _try(table: StoredTable, sql: str, what: str, found: dict[str, str]) -> None:
    try:
        query(table.connection, sql)
    except DBAPIError as error:
        found.setdefault(what, str(error.orig))


def _writable(table: StoredTable, name: str) -> list[str]:
    rows = query(
        table.connection,
        "SELECT name FROM pragma_table_xinfo(?, ?) WHERE hidden = 0",
        name,
        table.schema,
    )
    return [column for (column,) in rows]
