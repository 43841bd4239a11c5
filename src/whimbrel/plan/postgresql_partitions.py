"""The parts of partitioned tables, and what PostgreSQL cannot change of those."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from alembic.operations import ops
from sqlalchemy.schema import CreateTable

from whimbrel.errors import Unalterable
from whimbrel.plan.columns import mentions
from whimbrel.plan.generic import changes_type
from whimbrel.plan.order import Task, Verb
from whimbrel.plan.postgresql_columns import is_serial, serial_name
from whimbrel.plan.postgresql_enums import spellings
from whimbrel.plan.postgresql_words import (
    listed,
    literal,
    named,
    parameters,
    qualified,
    quoted,
    said_sql,
    statement,
    table_sql,
    values_of,
)
from whimbrel.plan.spelled import sqlalchemy_dialect
from whimbrel.schema.changes import ColumnChange
from whimbrel.schema.names import fitted_name
from whimbrel.schema.state import (
    Column,
    Constraint,
    Enum,
    Expression,
    ForeignKey,
    Index,
    Option,
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
OWN_DEFAULTS = "inherited_defaults"


def is_parted_oddly(table: Table) -> bool:
    """Whether drivers would see parameters in what a table of its own is parted by."""
    said = values_of(table.options)
    return PART_OF not in said and "%" in said.get("partition_by", "")


def told_whole(made: ops.CreateTableOp) -> Iterator[ops.MigrateOperation]:
    """Yield statements that do what an operation does, whatever signs there are."""
    table = made.to_table()
    create = CreateTable(table).compile(dialect=sqlalchemy_dialect("postgresql"))
    yield statement(str(create).strip())
    name = table_sql(TableName(table.name, table.schema))
    if table.comment is not None:
        yield statement(said_sql(f"TABLE {name}", table.comment))
    for column in table.columns:
        if column.comment is not None:
            what = f"COLUMN {name}.{quoted(column.name)}"
            yield statement(said_sql(what, column.comment))


def partition_made(table: Table) -> Iterator[ops.MigrateOperation]:
    """Yield what makes a table that is part of another one; nothing if it is not."""
    said = values_of(table.options)
    if PART_OF not in said:
        return
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
    yield statement(" ".join(words))


def detached(
    name: str, old: Mapping[str, str], new: Mapping[str, str]
) -> Iterator[ops.MigrateOperation]:
    """Yield what takes a table out of that which it is a part of."""
    if PART_OF in old and old[PART_OF] != new.get(PART_OF):
        whole, _ = listed(old[PART_OF])
        yield statement(f"ALTER TABLE {whole} DETACH PARTITION {name}")


def parted_early(start: State, end: State) -> Iterator[ops.MigrateOperation]:
    """Yield what parts tables from those that they are made from no more.

    Another part may take the values that one has. What gets other values in the same
    table is a part of it again before that changes, and so changes with it.
    """
    ends = {table.name: table for table in end.tables}
    for table in sorted(start.tables, key=lambda each: each.name):
        if (stays := ends.get(table.name)) is not None:
            yield from _disinherited(table, stays)
    parts = (table for table in start.tables if PART_OF in values_of(table.options))
    again: list[ops.MigrateOperation] = []
    for table in sorted(parts, key=lambda each: each.name):
        old, after = values_of(table.options), ends.get(table.name)
        new = values_of(after.options) if after is not None else {}
        if after is not None or named(listed(old[PART_OF])[0]) in ends:
            yield from detached(table_sql(table.name), old, new)
        if _is_bound_anew(old, new):
            again += _attachment(table_sql(table.name), new)
    yield from again


def _disinherited(before: Table, after: Table) -> Iterator[ops.MigrateOperation]:
    parents, others = (
        listed(values_of(each.options).get("inherits")) for each in (before, after)
    )
    for each in parents:
        if each not in others:
            yield statement(f"ALTER TABLE {table_sql(after.name)} NO INHERIT {each}")


def _is_bound_anew(old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    """Whether a part gets other values in the table that it is a part of."""
    is_another = old.get(PART_OF) != new.get(PART_OF)
    return is_another and _whole(old) == _whole(new)


def attached(
    name: str, old: Mapping[str, str], new: Mapping[str, str]
) -> Iterator[ops.MigrateOperation]:
    """Yield what makes a table that is there a part of another one."""
    if new.get(PART_OF) != old.get(PART_OF) and not _is_bound_anew(old, new):
        yield from _attachment(name, new)


def _attachment(name: str, new: Mapping[str, str]) -> Iterator[ops.MigrateOperation]:
    if PART_OF in new:
        whole, bound = listed(new[PART_OF])
        yield statement(f"ALTER TABLE {whole} ATTACH PARTITION {name} {bound}")


def handed(whole: Table, heir: Table) -> Iterator[Constraint | Index]:
    """Yield keys and indexes as a part has them, by the names that it gave them."""
    others = json.loads(values_of(heir.options).get(INDEX_NAMES, "{}"))
    schema = whole.name.schema
    for each in sorted(
        (*whole.constraints, *whole.indexes), key=lambda each: each.name
    ):
        match each:
            case PrimaryKey():
                usual = fitted_name(heir.name.name, "", "pkey")
            case Unique(columns=columns):
                usual = fitted_name(heir.name.name, "_".join(columns), "key")
            case Index(parts=parts) if all(part.column for part in parts):
                columns = tuple(part.column or "" for part in parts)
                usual = fitted_name(heir.name.name, "_".join(columns), "idx")
            case ForeignKey():
                usual = each.name
            case _:
                continue
        name, *_ = others.get(qualified(each.name, schema), (usual,))
        yield replace(each, name=name)


def as_inherited(column: Column, whole: TableName, heir: Table) -> Column:
    """Return a column of *whole* with what *heir* says of it otherwise.

    It counts by the sequence of the whole, and has none of its own.
    """
    said = values_of(heir.options)
    if is_serial(column):
        sequence = qualified(serial_name(whole, column.name), whole.schema)
        asked = f"nextval({literal(sequence)}::regclass)"
        rest = frozenset(each for each in column.options if each.name != "serial")
        column = replace(column, default=Expression(asked, asked), options=rest)
    closed = listed(said.get("inherited_not_null"))
    defaults = own_defaults(heir)
    if column.name in defaults:
        default = defaults[column.name]
        said_so = None if default is None else Expression(default, default)
        column = replace(column, default=said_so)
    return replace(column, nullable=column.nullable and column.name not in closed)


def own_defaults(table: Table) -> dict[str, str | None]:
    """Return the defaults that a table says of columns that it inherits."""
    found = values_of(table.options).get(OWN_DEFAULTS)
    return dict(json.loads(found)) if found else {}


def with_own_defaults(table: Table, defaults: Mapping[str, str | None]) -> Table:
    """Return *table*, which says *defaults* of columns that it inherits."""
    rest = {each for each in table.options if each.name != OWN_DEFAULTS}
    if defaults:
        told = json.dumps(defaults, sort_keys=True, ensure_ascii=False)
        rest.add(Option(OWN_DEFAULTS, told))
    return replace(table, options=frozenset(rest))


@dataclass(frozen=True, slots=True)
class Unsaid:
    """Of which columns that it inherits a table says nothing more by itself.

    Args:
        gone: those that go.
        closed: those that NULL is kept out of by the table that they are of.
    """

    gone: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()


NOTHING_UNSAID = Unsaid()


def inherited_gone(tasks: Collection[Task]) -> dict[TableName, Unsaid]:
    """Return of which columns tables say no more, because of their kin.

    Of what a table is made from no more, it says nothing either.
    """
    altered = {task.name: task for task in tasks if task.verb is Verb.ALTER}
    found: dict[TableName, Unsaid] = {}
    for name, own in altered.items():
        left, gone, closed = [name], set[str](), set[str]()
        while left:
            task = altered.get(left.pop())
            if task is not None:
                left += task.parents
                gone |= {*_columns_gone(task)} if task is not own else set()
                closed |= {*_columns_closed(task)} if task is not own else set()
        gone |= _named_of_others(own)
        found[name] = Unsaid(frozenset(gone), frozenset(closed))
    return found


def _named_of_others(task: Task) -> set[str]:
    """Return the columns of which a table says more, if it gets other kin."""
    old, new = (
        values_of(each.options) if each is not None else {}
        for each in (task.before, task.after)
    )
    if old.get("inherits") == new.get("inherits") and _whole(old) == _whole(new):
        return set()
    defaults = parameters(old.get(OWN_DEFAULTS))
    return {*defaults, *listed(old.get("inherited_not_null"))}


def _whole(said: Mapping[str, str]) -> list[str]:
    """Return the table of which one is a part, if it is one."""
    return listed(said.get(PART_OF))[:1]


def _columns_gone(task: Task) -> Iterator[str]:
    for change in task.changes:
        if isinstance(change, ColumnChange) and change.before and change.after is None:
            yield change.before.name


def _columns_closed(task: Task) -> Iterator[str]:
    for change in task.changes:
        after = change.after if isinstance(change, ColumnChange) else None
        if after is not None and not after.nullable:
            yield after.name


def without_gone(options: Mapping[str, str], unsaid: Unsaid) -> dict[str, str]:
    """Return what a table says of the columns that it inherits, and that are left."""
    found, gone = dict(options), unsaid.gone
    defaults = parameters(found.pop(OWN_DEFAULTS, None))
    closed = listed(found.pop("inherited_not_null", None))
    if left := {name: defaults[name] for name in defaults if name not in gone}:
        found[OWN_DEFAULTS] = json.dumps(left)
    if left_closed := [e for e in closed if e not in gone | unsaid.closed]:
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


def is_key(enum: Enum, tables: Iterable[Table]) -> bool:
    """Whether some tables are partitioned by columns of a type."""
    names = spellings(enum)
    return any(
        column.type.spelling.removesuffix("[]") in names
        and mentions(Expression(parting, parting), column.name)
        for table in tables
        if (parting := _parting(table)) is not None
        for column in table.columns
    )


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
