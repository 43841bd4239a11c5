"""What the SQL standard's own catalog tells of tables, where a dialect's way fails.

A dialect that an Inspector asks for more than it knows, since it was made for another
version of SQLAlchemy or of its database, may still have INFORMATION_SCHEMA.
https://www.postgresql.org/docs/current/information-schema.html
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeEngine


Told: TypeAlias = dict[str, Any]
"""A thing in the words of SQLAlchemy's Inspector."""

Key: TypeAlias = tuple[str | None, str]

_TABLES = """
SELECT table_catalog, table_name FROM information_schema.tables
WHERE table_schema = :schema AND table_type = 'BASE TABLE' ORDER BY table_name
"""
_COLUMNS = """
SELECT table_catalog, table_name, column_name, column_default, is_nullable, data_type,
    character_maximum_length, numeric_precision, numeric_scale
FROM information_schema.columns WHERE table_schema = :schema
ORDER BY table_name, ordinal_position
"""
_KEYS = """
SELECT c.table_catalog, c.table_name, c.constraint_name, c.constraint_type,
    u.column_name
FROM information_schema.table_constraints c
JOIN information_schema.key_column_usage u
    ON u.constraint_catalog = c.constraint_catalog
    AND u.constraint_schema = c.constraint_schema
    AND u.constraint_name = c.constraint_name
    AND u.table_schema = c.table_schema AND u.table_name = c.table_name
WHERE c.table_schema = :schema AND c.constraint_type = :kind
ORDER BY c.table_name, c.constraint_name, u.ordinal_position
"""
_REFERENCES = """
SELECT o.table_catalog, o.table_name, r.constraint_name, o.column_name,
    t.table_schema AS referred_schema, t.table_name AS referred_table,
    t.column_name AS referred_column, r.update_rule, r.delete_rule
FROM information_schema.referential_constraints r
JOIN information_schema.key_column_usage o
    ON o.constraint_catalog = r.constraint_catalog
    AND o.constraint_schema = r.constraint_schema
    AND o.constraint_name = r.constraint_name
JOIN information_schema.key_column_usage t
    ON t.constraint_catalog = r.unique_constraint_catalog
    AND t.constraint_schema = r.unique_constraint_schema
    AND t.constraint_name = r.unique_constraint_name
    AND t.ordinal_position = o.position_in_unique_constraint
WHERE o.table_schema = :schema
ORDER BY o.table_name, r.constraint_name, o.ordinal_position
"""
_TYPE = re.compile(r"([^()\[\]]+?)\s*(?:\(([\d\s,]+)\))?( with time zone)?", re.I)
_EXACT = ("NUMERIC", "DECIMAL", "DEC")


def columns(connection: Connection, schema: str | None) -> Mapping[Key, list[Told]]:
    """Return the columns of all tables of a schema."""
    found: dict[Key, list[Told]] = _tables(connection, schema)
    for row in _rows(connection, _COLUMNS, schema):
        if (schema, row["table_name"]) in found:
            found[schema, row["table_name"]].append(
                {
                    "name": row["column_name"],
                    "type": _type(row, connection.dialect),
                    "nullable": str(row["is_nullable"]).upper() != "NO",
                    "default": row["column_default"],
                    "autoincrement": False,  # what counts here does so by its default
                }
            )
    return found


def primary_keys(connection: Connection, schema: str | None) -> Mapping[Key, Told]:
    """Return the primary keys of all tables of a schema."""
    found = _keys(connection, schema, "PRIMARY KEY")
    nothing: Told = {"constrained_columns": [], "name": None}
    return {
        key: {"constrained_columns": keys[0]["column_names"], "name": keys[0]["name"]}
        if keys
        else nothing
        for key, keys in found.items()
    }


def uniques(connection: Connection, schema: str | None) -> Mapping[Key, list[Told]]:
    """Return the unique constraints of all tables of a schema."""
    return _keys(connection, schema, "UNIQUE")


def foreign_keys(
    connection: Connection, schema: str | None
) -> Mapping[Key, list[Told]]:
    """Return the foreign keys of all tables of a schema."""
    found: dict[Key, list[Told]] = _tables(connection, schema)
    for (table, name), rows in _by_name(_rows(connection, _REFERENCES, schema)):
        first = rows[0]
        target = first["referred_schema"]
        is_default = target == connection.dialect.default_schema_name
        found.setdefault((schema, table), []).append(
            {
                "name": name,
                "constrained_columns": [row["column_name"] for row in rows],
                "referred_schema": None if is_default else target,
                "referred_table": first["referred_table"],
                "referred_columns": [row["referred_column"] for row in rows],
                "options": {
                    "onupdate": first["update_rule"],
                    "ondelete": first["delete_rule"],
                },
            }
        )
    return found


def _tables(connection: Connection, schema: str | None) -> dict[Key, Any]:
    rows = _rows(connection, _TABLES, schema)
    return {(schema, row["table_name"]): [] for row in rows}


def _keys(
    connection: Connection, schema: str | None, kind: str
) -> dict[Key, list[Told]]:
    found: dict[Key, list[Told]] = _tables(connection, schema)
    rows = _rows(connection, _KEYS, schema, kind=kind)
    for (table, name), columns in _by_name(rows):
        names = [row["column_name"] for row in columns]
        told = {"name": name, "column_names": names}
        found.setdefault((schema, table), []).append(told)
    return found


def _rows(
    connection: Connection, sql: str, schema: str | None, **words: str
) -> list[Mapping[str, Any]]:
    """Return the rows of a schema, but for those of other databases on the server."""
    if schema is None:
        schema = connection.dialect.default_schema_name
    found = connection.execute(sa.text(sql), {"schema": schema, **words}).mappings()
    rows: list[Mapping[str, Any]] = [
        {name.lower(): value for name, value in row.items()} for row in found
    ]
    if len({row["table_catalog"] for row in rows}) <= 1:
        return rows
    ours = connection.exec_driver_sql("SELECT current_catalog").scalar()
    return [row for row in rows if row["table_catalog"] == ours]


def _by_name(
    rows: Iterable[Mapping[str, Any]],
) -> Iterator[tuple[tuple[str, str], list[Mapping[str, Any]]]]:
    found = defaultdict(list)
    for row in rows:
        found[row["table_name"], row["constraint_name"]].append(row)
    yield from found.items()


def _type(row: Mapping[str, Any], dialect: Dialect) -> TypeEngine[Any]:
    """Return the type of a column; none where SQLAlchemy has no word for it."""
    written = " ".join(str(row["data_type"]).split())
    match = _TYPE.fullmatch(written)
    if match is None:
        return sa.types.NullType()
    name, said, zone = match.groups()
    if zone is None and name.lower().endswith(" with time zone"):
        name, zone = name[: -len(" with time zone")], name
    made: Any = getattr(sa.types, name.upper(), None)
    if not isinstance(made, type) or not issubclass(made, TypeEngine):
        names: Mapping[str, Any] = getattr(dialect, "ischema_names", {})
        made = names.get(name.lower()) or names.get(name.upper())
    if made is None:
        return sa.types.NullType()
    arguments = [int(each) for each in (said or "").split(",") if each.strip()]
    try:
        told: Any = made(*(arguments or _measures(name.upper(), row)))
    except (TypeError, SQLAlchemyError):
        told = made()
    if hasattr(told, "timezone"):
        told.timezone = bool(zone)
    return cast("TypeEngine[Any]", told)


def _measures(name: str, row: Mapping[str, Any]) -> list[int]:
    """Return what stands in the parentheses of a type, told apart from its name."""
    if row["character_maximum_length"] is not None:
        return [int(row["character_maximum_length"])]
    if name in _EXACT and row["numeric_precision"] is not None:
        return [int(row["numeric_precision"]), int(row["numeric_scale"] or 0)]
    return []
