"""The parts of partitioned tables, and what PostgreSQL cannot change of those."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping

from alembic.operations import ops

from whimbrel.errors import Unalterable
from whimbrel.plan.columns import mentions
from whimbrel.plan.generic import changes_type
from whimbrel.plan.order import Task, Verb
from whimbrel.plan.postgresql_words import (
    listed,
    literal,
    named,
    parameters,
    quoted,
    statement,
    table_sql,
    values_of,
)
from whimbrel.schema.changes import ColumnChange
from whimbrel.schema.state import (
    Constraint,
    Expression,
    PrimaryKey,
    State,
    Table,
    TableName,
    Unique,
)


REMEDY = (
    "Write a script that makes a new table, copies the rows and takes the name; or say"
    " in the models what the database has."
)


PART_OF = "partition_of"


def partition_made(table: Table) -> ops.MigrateOperation | None:
    """Return what makes a table that is part of another one; None if it is not."""
    said = values_of(table.options)
    if PART_OF not in said:
        return None
    whole, bound = listed(said[PART_OF])
    unlogged = "UNLOGGED " if "unlogged" in said else ""
    words = [
        f"CREATE {unlogged}TABLE {table_sql(table.name)} PARTITION OF",
        whole,
        bound,
    ]
    if "partition_by" in said:
        words.append(f"PARTITION BY {said['partition_by']}")
    if "using" in said:
        words.append(f"USING {quoted(said['using'])}")
    if "tablespace" in said:
        words.append(f"TABLESPACE {quoted(said['tablespace'])}")
    return statement(" ".join(words))


def detached(
    name: str, old: Mapping[str, str], new: Mapping[str, str]
) -> Iterator[ops.MigrateOperation]:
    """Yield what takes a table out of that which it is a part of."""
    if PART_OF in old and old[PART_OF] != new.get(PART_OF):
        whole, _ = listed(old[PART_OF])
        yield statement(f"ALTER TABLE {whole} DETACH PARTITION {name}")


def parted_early(start: State, end: State) -> Iterator[ops.MigrateOperation]:
    """Yield what takes parts out of tables that stay, if they go or get other values.

    Another part may take the values that they have.
    """
    ends = {table.name: table for table in end.tables}
    parts = (table for table in start.tables if PART_OF in values_of(table.options))
    for table in sorted(parts, key=lambda each: each.name):
        old, after = values_of(table.options), ends.get(table.name)
        new = values_of(after.options) if after is not None else {}
        is_left = after is not None and PART_OF not in new
        if named(listed(old[PART_OF])[0]) in ends and not is_left:
            yield from detached(table_sql(table.name), old, new)


def attached(
    name: str, old: Mapping[str, str], new: Mapping[str, str]
) -> Iterator[ops.MigrateOperation]:
    """Yield what makes a table that is there a part of another one."""
    if PART_OF in new and new[PART_OF] != old.get(PART_OF):
        whole, bound = listed(new[PART_OF])
        yield statement(f"ALTER TABLE {whole} ATTACH PARTITION {name} {bound}")


def inherited_gone(tasks: Collection[Task]) -> dict[TableName, frozenset[str]]:
    """Return the columns that go, by the tables that only inherited them."""
    altered = {task.name: task for task in tasks if task.verb is Verb.ALTER}
    found: dict[TableName, frozenset[str]] = {}
    for name in altered:
        left, gone = [name], set[str]()
        while left:
            task = altered.get(left.pop())
            if task is not None:
                left += task.parents
                gone |= {*_columns_gone(task)} if task.name != name else set()
        found[name] = frozenset(gone)
    return found


def _columns_gone(task: Task) -> Iterator[str]:
    for change in task.changes:
        if isinstance(change, ColumnChange) and change.before and change.after is None:
            yield change.before.name


def without_gone(options: Mapping[str, str], gone: Collection[str]) -> dict[str, str]:
    """Return what a table says of the columns that it inherits, and that are left."""
    found = dict(options)
    defaults = parameters(found.pop("inherited_defaults", None))
    closed = listed(found.pop("inherited_not_null", None))
    if left := {name: defaults[name] for name in defaults if name not in gone}:
        found["inherited_defaults"] = json.dumps(left)
    if left_closed := [name for name in closed if name not in gone]:
        found["inherited_not_null"] = json.dumps(left_closed)
    return found


INDEX_NAMES = "index_names"
INDEX_OF = "index_of"
"""Of a key of a part: it stands on the index that an index of the whole gave it."""


def indexes_named(
    name: str, old: Mapping[str, str], new: Mapping[str, str]
) -> Iterator[ops.MigrateOperation]:
    """Yield what calls the indexes of a part that those of the whole gave it.

    Args:
        name: the part, as SQL writes it.
        old: its options.
        new: those that it shall have.
    """
    before, after = (json.loads(e.get(INDEX_NAMES, "{}")) for e in (old, new))
    for whole in sorted({*before, *after}):
        given, usual = after.get(whole) or before[whole][1:] * 2
        if before.get(whole, [usual])[0] != given:
            words = f"'ALTER INDEX %s RENAME TO %I', each, {literal(given)}"
            yield _with_index(name, whole, words)


def key_on_index(
    table: TableName, constraint: PrimaryKey | Unique
) -> ops.MigrateOperation:
    """Return what makes a key of an index that one of the whole gave to a part."""
    said = values_of(constraint.options)
    kind = "PRIMARY KEY" if isinstance(constraint, PrimaryKey) else "UNIQUE"
    added = f"ADD CONSTRAINT {quoted(constraint.name)} {kind}".replace("%", "%%")
    when = said.get("deferrable")
    end = f" DEFERRABLE INITIALLY {when.upper()}" if when else ""
    words = literal(f"ALTER TABLE %s {added} USING INDEX %I{end}")
    index = "(SELECT relname FROM pg_class WHERE oid = each)"
    name, (whole, *_) = table_sql(table), listed(said[INDEX_OF])
    return _with_index(name, whole, f"{words}, {literal(name)}, {index}")


def key_off_index(
    table: TableName, constraint: Constraint
) -> Iterator[ops.MigrateOperation]:
    """Yield what drops a key of an index without which the whole's would not be."""
    _, whole, bound = listed(values_of(constraint.options)[INDEX_OF])
    name = table_sql(table)
    yield statement(f"ALTER TABLE {whole} DETACH PARTITION {name}")
    yield statement(f"ALTER TABLE {name} DROP CONSTRAINT {quoted(constraint.name)}")
    yield statement(f"ALTER TABLE {whole} ATTACH PARTITION {name} {bound}")


def _with_index(name: str, whole: str, words: str) -> ops.MigrateOperation:
    """Return what is done with the index that *whole* gave to a part."""
    return statement(
        "DO $$ DECLARE each regclass; BEGIN FOR each IN SELECT h.inhrelid FROM"
        " pg_inherits h JOIN pg_index i ON i.indexrelid = h.inhrelid WHERE h.inhparent"
        f" = to_regclass({literal(whole)}) AND i.indrelid = {literal(name)}::regclass"
        f" LOOP EXECUTE format({words}); END LOOP; END $$"
    )


def refuse_new_partitions(task: Task) -> None:
    """Let *task* pass, unless it parts a table in another way.

    Raises:
        Unalterable: how a table is partitioned, and by which columns, stays as it is.
    """
    if task.before is None or task.after is None:
        return
    old, new = _parting(task.before), _parting(task.after)
    if old != new:
        raise Unalterable(
            f"PostgreSQL cannot change how {task.name} is partitioned: it is"
            f" {old or 'not'}, and shall be {new or 'not'}.",
            REMEDY,
            table=str(task.name),
        )
    for change in task.changes:
        if old is not None and isinstance(change, ColumnChange):
            _refuse_on_key(task, change, old)


def _parting(table: Table) -> str | None:
    return values_of(table.options).get("partition_by")


def _refuse_on_key(task: Task, change: ColumnChange, parting: str) -> None:
    before, after = change.before, change.after
    if before is None or not mentions(Expression(parting, parting), before.name):
        return
    if after is None or changes_type(before, after):
        raise Unalterable(
            f"PostgreSQL cannot change the type of {task.name}.{before.name}: the table"
            f" is partitioned by it, {parting}.",
            REMEDY,
            table=str(task.name),
        )
