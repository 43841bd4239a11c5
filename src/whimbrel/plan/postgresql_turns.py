"""Which constraints and indexes of PostgreSQL become others where they stand.

And what is said of them once more where the server forgets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from whimbrel.plan.columns import stands_on
from whimbrel.plan.order import Task, Thing
from whimbrel.plan.postgresql_words import (
    COMMENTS,
    comments_sql,
    parameters,
    qualified,
    quoted,
    storage_sql,
    table_sql,
    values_of,
)
from whimbrel.schema.changes import ColumnChange
from whimbrel.schema.state import (
    Exclusion,
    Index,
    PrimaryKey,
    TableName,
    Unique,
)


PARAMETERS = "key_with"
STATISTICS = "index_statistics"


def turned_sql(table: TableName, before: Thing, after: Thing) -> str | None:
    """Return the statement that makes the one the other; None if there is none."""
    if type(before) is not type(after):
        return None
    if replace(before, name=after.name, naming=after.naming) == after:
        return _renamed(table, before, after)
    if without(before, *COMMENTS) == without(after, *COMMENTS):
        return next(comments_sql(table, before, after), None)
    if isinstance(before, PrimaryKey | Unique | Exclusion | Index):
        return _stored(table, before, after)
    if without(before, "not_valid") == after:
        words = f"VALIDATE CONSTRAINT {quoted(before.name)}"
        return f"ALTER TABLE {table_sql(table)} {words}"
    return None


def without(thing: Thing, *names: str) -> Thing:
    """Return *thing* without the options of these names."""
    rest = frozenset(each for each in thing.options if each.name not in names)
    return replace(thing, options=rest)


def statistics_sql(table: TableName, before: Thing | None, after: Thing) -> str | None:
    """Return what tells how many statistics are kept of an index's expressions."""
    old, new = (
        parameters(values_of(each.options).get(STATISTICS)) if each else {}
        for each in (before, after)
    )
    words = [
        f"ALTER COLUMN {place} SET STATISTICS {new.get(place, '-1')}"
        for place in sorted({*old, *new}, key=int)
        if old.get(place) != new.get(place)
    ]
    name = qualified(after.name, table.schema)
    return f"ALTER INDEX {name} {', '.join(words)}" if words else None


def lasting(task: Task) -> Iterator[str]:
    """Yield what the server forgets of indexes that are made again with a table's own.

    So it does as a column gets another type, but for the table's replica identity and
    the index by which it is clustered; those go with an index that is dropped.
    """
    old, new = task.before, task.after
    if old is None or new is None:
        return
    made = {each.name for each in task.coming}
    were, are = values_of(old.options), values_of(new.options)
    identity = are.get("replica_identity", "").partition("index ")[2]
    if identity in made and were.get("replica_identity") == are["replica_identity"]:
        yield f"ALTER TABLE {table_sql(new.name)} REPLICA IDENTITY USING INDEX" + (
            f" {quoted(identity)}"
        )
    cluster = are.get("cluster_on")
    if cluster in made and were.get("cluster_on") == cluster:
        yield f"ALTER TABLE {table_sql(new.name)} CLUSTER ON {quoted(cluster)}"
    retyped = {
        change.before.name
        for change in task.changes
        if isinstance(change, ColumnChange) and change.before and change.after
        if (change.before.type, change.before.collation)
        != (change.after.type, change.after.collation)
    }
    for index in sorted(new.indexes & old.indexes, key=lambda each: each.name):
        if any(stands_on(index, name) for name in retyped):
            sql = statistics_sql(new.name, None, index)
            if sql is not None:
                yield sql


def _renamed(table: TableName, before: Thing, after: Thing) -> str:
    new = quoted(after.name)
    if isinstance(before, Index):
        return f"ALTER INDEX {qualified(before.name, table.schema)} RENAME TO {new}"
    words = f"RENAME CONSTRAINT {quoted(before.name)} TO {new}"
    return f"ALTER TABLE {table_sql(table)} {words}"


def _stored(table: TableName, before: Thing, after: Thing) -> str | None:
    """Return what lets an index be kept otherwise, in one statement."""
    if without(before, STATISTICS) == without(after, STATISTICS):
        return statistics_sql(table, before, after)
    if without(before, PARAMETERS) != without(after, PARAMETERS):
        return None
    old, new = (values_of(each.options).get(PARAMETERS) for each in (before, after))
    words = [*storage_sql(old, new)]
    name = qualified(before.name, table.schema)
    return f"ALTER INDEX {name} {words[0]}" if len(words) == 1 else None
