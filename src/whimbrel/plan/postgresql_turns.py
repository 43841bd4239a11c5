"""Which constraints and indexes of PostgreSQL become others where they stand."""

from __future__ import annotations

from dataclasses import replace

from whimbrel.plan.order import Thing
from whimbrel.plan.postgresql_words import (
    comment_sql,
    qualified,
    quoted,
    storage_sql,
    table_sql,
    values_of,
)
from whimbrel.schema.state import (
    Check,
    Exclusion,
    ForeignKey,
    Index,
    PrimaryKey,
    TableName,
    Unique,
)


COMMENTS = ("comment", "index_comment")
PARAMETERS = "key_with"


def turned_sql(table: TableName, before: Thing, after: Thing) -> str | None:
    """Return the statement that makes the one the other; None if there is none."""
    if type(before) is not type(after):
        return None
    if replace(before, name=after.name, naming=after.naming) == after:
        return _renamed(table, before, after)
    if without(before, *COMMENTS) == without(after, *COMMENTS):
        return comment_sql(table, after)
    if isinstance(before, PrimaryKey | Unique | Exclusion):
        return _stored(table, before, after)
    if isinstance(before, Check | ForeignKey) and without(before, "not_valid") == after:
        words = f"VALIDATE CONSTRAINT {quoted(before.name)}"
        return f"ALTER TABLE {table_sql(table)} {words}"
    return None


def without(thing: Thing, *names: str) -> Thing:
    """Return *thing* without the options of these names."""
    rest = frozenset(each for each in thing.options if each.name not in names)
    return replace(thing, options=rest)


def _renamed(table: TableName, before: Thing, after: Thing) -> str:
    new = quoted(after.name)
    if isinstance(before, Index):
        return f"ALTER INDEX {qualified(before.name, table.schema)} RENAME TO {new}"
    words = f"RENAME CONSTRAINT {quoted(before.name)} TO {new}"
    return f"ALTER TABLE {table_sql(table)} {words}"


def _stored(table: TableName, before: Thing, after: Thing) -> str | None:
    """Return what lets the index of a key be stored otherwise, in one statement."""
    if without(before, PARAMETERS) != without(after, PARAMETERS):
        return None
    old, new = (values_of(each.options).get(PARAMETERS) for each in (before, after))
    words = [*storage_sql(old, new)]
    name = qualified(before.name, table.schema)
    return f"ALTER INDEX {name} {words[0]}" if len(words) == 1 else None
