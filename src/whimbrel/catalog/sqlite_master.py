"""The texts that SQLite keeps in ``sqlite_master``: by them all things were made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from whimbrel.catalog.sqlite_ddl import folded, is_virtual, quote
from whimbrel.errors import DatabaseError


_MODULE = re.compile(r"\bUSING\s+[\"'`\[]?(\w+)", re.IGNORECASE)
_SHADOWS = {
    "fts3": ("content", "segments", "segdir", "docsize", "stat"),
    "fts4": ("content", "segments", "segdir", "docsize", "stat"),
    "fts5": ("data", "idx", "content", "docsize", "config"),
    "rtree": ("node", "parent", "rowid"),
    "rtree_i32": ("node", "parent", "rowid"),
    "geopoly": ("node", "parent", "rowid"),
}
"""The tables that a module of SQLite's own keeps for its virtual tables."""
_TELLS_SHADOWS = (3, 37)
"""The version of SQLite that has ``pragma_table_list``."""


@dataclass(frozen=True, slots=True)
class SchemaText:
    """A row of ``sqlite_master``: what a thing is, and the text that makes it."""

    kind: str
    name: str
    table: str
    sql: str


def read_texts(connection: Connection, schema: str | None) -> tuple[SchemaText, ...]:
    """Return the texts of a schema in the order in which they were made.

    SQLite's own tables and those that virtual tables keep are left out.
    """
    try:
        rows = connection.exec_driver_sql(
            "SELECT type, name, tbl_name, sql"
            f" FROM {quote(schema or 'main')}.sqlite_master"
            " WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            " ORDER BY rowid"
        ).all()
    except OperationalError as error:
        if schema is None or schema in attached(connection):
            raise
        raise DatabaseError(
            f"There is no database attached under the name {schema}.",
            f"Attach it to each new connection: ATTACH 'file.db' AS {quote(schema)}",
            schema=schema,
        ) from error
    texts = tuple(SchemaText(*row) for row in rows)
    shadows = _shadows(connection, schema, texts)
    return tuple(text for text in texts if folded(text.table) not in shadows)


def attached(connection: Connection) -> tuple[str, ...]:
    """Return the names of the databases that are attached to a connection."""
    rows = connection.exec_driver_sql("PRAGMA database_list").all()
    return tuple(name for _, name, _ in rows if name not in ("main", "temp"))


def _shadows(
    connection: Connection, schema: str | None, texts: Iterable[SchemaText]
) -> frozenset[str]:
    """Return the folded names of the tables that virtual tables keep."""
    virtual = [text for text in texts if text.kind == "table" and is_virtual(text.sql)]
    if not virtual:
        return frozenset()
    names = set()
    for text in virtual:
        module = _MODULE.search(text.sql)
        for suffix in _SHADOWS.get(module[1].lower() if module else "", ()):
            names.add(folded(f"{text.name}_{suffix}"))
    version = getattr(connection.dialect, "server_version_info", None) or ()
    if tuple(version) >= _TELLS_SHADOWS:
        rows = connection.exec_driver_sql(
            "SELECT name FROM pragma_table_list WHERE type = 'shadow' AND schema = ?",
            (schema or "main",),
        )
        names.update(folded(name) for (name,) in rows)
    return frozenset(names)
