"""How a column of PostgreSQL becomes another.

https://www.postgresql.org/docs/current/sql-altertable.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from alembic.operations import ops

from whimbrel.plan.generic import Forms, alter_column
from whimbrel.plan.postgresql_counting import (
    moved_sql,
    reset_words,
    sequence_words,
)
from whimbrel.plan.postgresql_types import parsed, using
from whimbrel.plan.postgresql_words import (
    literal,
    qualified,
    quoted,
    said_sql,
    statement,
    storage_sql,
    table_sql,
    type_sql,
    values_of,
)
from whimbrel.schema.names import fitted_name
from whimbrel.schema.state import NO_OPTIONS, Column, Identity, State, TableName


SERIALS = {"smallint": "SMALLSERIAL", "integer": "SERIAL", "bigint": "BIGSERIAL"}
MAIN = ("numeric", "inet", "cidr")
"""The types of which values are stored in the row as long as they can be."""


def is_serial(column: Column) -> bool:
    """Whether a column takes its numbers from a sequence of its own."""
    return "serial" in values_of(column.options)


def changes_base(before: Column, after: Column) -> bool:
    """Whether a column's type becomes another, not only its length or the like."""
    return parsed(before.type.spelling).whole != parsed(after.type.spelling).whole


def column_operations(
    forms: Forms,
    table: TableName,
    before: Column,
    after: Column,
    *,
    says_nullable: bool = False,
    by: str | None = None,
) -> Iterator[ops.MigrateOperation]:
    """Yield what makes a column another: what gives it values goes, and comes again."""
    yield from _ended(table, before, after)
    old = replace(before, identity=None, computed=None, options=NO_OPTIONS)
    new = replace(after, identity=None, computed=None, options=NO_OPTIONS)
    sql = by or using(before.type.spelling, after.type.spelling, quoted(before.name))
    if old.default is not None and changes_base(before, after):
        bare = replace(old, default=None)
        if sql or new.default is None:
            yield alter_column(forms, table, old, bare)
        old = bare  # the server casts a default as it does a value; it is said anew
    if sql and "%" in sql:
        # Alembic hands this to the driver as it is, which sees a parameter in it
        yield _alter(table, before.name, f"TYPE {type_sql(new)} USING {sql}")
        old, sql = replace(old, type=new.type, collation=new.collation), None
    altered = alter_column(forms, table, old, new, says_nullable=says_nullable)
    if sql:
        altered.kw["postgresql_using"] = sql
    if altered.has_changes():
        yield altered
    yield from _begun(table, before, after)
    yield from stored(table, before, after)


def stored(
    table: TableName, before: Column | None, after: Column
) -> Iterator[ops.MigrateOperation]:
    """Yield what lets values be stored as wanted; a new type forgets it."""
    is_kept = before is not None and before.type == after.type
    old = values_of(before.options) if before is not None and is_kept else {}
    new = values_of(after.options)
    for name in ("storage", "compression"):
        if old.get(name) != new.get(name):
            value = new.get(name) or _usual(name, after)
            yield _alter(table, after.name, f"SET {name.upper()} {value.upper()}")
    yield from _measured(table, after.name, before, new)
    yield from _remarked(table, before, after)


def _measured(
    table: TableName, name: str, before: Column | None, new: Mapping[str, str]
) -> Iterator[ops.MigrateOperation]:
    """Yield what lets the server count a column's values otherwise."""
    old = values_of(before.options) if before is not None else {}
    if old.get("statistics") != new.get("statistics"):
        yield _alter(table, name, f"SET STATISTICS {new.get('statistics', '-1')}")
    for words in storage_sql(old.get("settings"), new.get("settings")):
        yield _alter(table, name, words)


def _remarked(
    table: TableName, before: Column | None, after: Column
) -> Iterator[ops.MigrateOperation]:
    """Yield what gives the sequence of an identity column its comment."""
    old, new = (
        values_of(each.options).get("sequence_comment") if each else None
        for each in (before, after)
    )
    if old != new and after.identity is not None:
        said = said_sql("SEQUENCE %s", new and new.replace("%", "%%"))
        yield of_sequence(table, after.name, said)


def _usual(option: str, column: Column) -> str:
    """Return what a column has for an option that is not said."""
    if option == "compression":
        return "default"
    return "main" if parsed(column.type.spelling).name in MAIN else "extended"


def _alter(table: TableName, column: str, words: str) -> ops.MigrateOperation:
    return statement(f"ALTER TABLE {table_sql(table)} ALTER {quoted(column)} {words}")


def _ended(
    table: TableName, before: Column, after: Column
) -> Iterator[ops.MigrateOperation]:
    """Yield what ends the generation of a column's values."""
    name = before.name
    if before.computed is not None and after.computed is None:
        yield _alter(table, name, "DROP EXPRESSION")
    if before.identity is not None and after.identity is None:
        yield _alter(table, name, "DROP IDENTITY")
    if is_serial(before) and not is_serial(after):
        yield _end_of_serial(table, name)


def _begun(
    table: TableName, before: Column, after: Column
) -> Iterator[ops.MigrateOperation]:
    """Yield what begins, or changes, the generation of a column's values."""
    name = after.name
    if after.identity is not None and before.identity is None:
        yield _alter(table, name, f"ADD {identity_sql(after.identity)}")
        yield from _beyond_rows(table, name, values_of(after.identity.options))
    elif after.identity is not None and before.identity is not None:
        yield from _altered_identity(table, name, before.identity, after.identity)
    if is_serial(after) and not is_serial(before):
        yield from _serial(table, after)
    elif is_serial(after) and before.type != after.type:
        kind = f"ALTER SEQUENCE %s AS {after.type.spelling}"
        yield of_sequence(table, name, kind)


def identity_sql(identity: Identity) -> str:
    """Return what makes a column an identity column."""
    when = "ALWAYS" if identity.is_always else "BY DEFAULT"
    options = " ".join(sequence_words(values_of(identity.options)))
    return f"GENERATED {when} AS IDENTITY" + (f" ({options})" if options else "")


def _altered_identity(
    table: TableName, name: str, before: Identity, after: Identity
) -> Iterator[ops.MigrateOperation]:
    old, new = values_of(before.options), values_of(after.options)
    moved = moved_sql(old, new, "%1$s", "%1$L")
    if moved:
        yield of_sequence(table, name, moved)
    words = reset_words(old, new)
    said = [each if each == "RESTART" else f"SET {each}" for each in words]
    if before.is_always != after.is_always:
        when = "ALWAYS" if after.is_always else "BY DEFAULT"
        said.insert(0, f"SET GENERATED {when}")
    if said:
        yield _alter(table, name, " ".join(said))


def serial_name(table: TableName, column: str) -> str:
    """Return what the sequence of a serial or identity column is called."""
    return fitted_name(table.name, column, "seq")


def other_sequences(state: State) -> frozenset[TableName]:
    """Return the names of sequences, but of those called after their own column."""
    owned = (
        column.counter.sequence
        for table in state.tables
        for column in table.columns
        if column.counter is not None
        if column.counter.sequence.name != serial_name(table.name, column.name)
    )
    return frozenset(
        TableName(each.name, each.schema) for each in (*state.sequences, *owned)
    )


def counter_renamed(
    before: tuple[TableName, Column],
    after: tuple[TableName, Column],
    others: Collection[TableName],
) -> Iterator[ops.MigrateOperation]:
    """Yield what renames the sequence of a column after it and its table.

    One that is not called after them is left alone, and so are all if one of *others*
    has such a name, old or new.
    """
    (table, column), (new_table, new_column) = before, after
    old = serial_name(table, column.name)
    new = serial_name(new_table, new_column.name)
    counts = is_serial(column) or column.identity is not None
    own = column.counter.sequence.name if column.counter else None
    if not counts or old == new or own not in (None, old, new):
        return
    taken = {each.name for each in others if each.schema == new_table.schema}
    if not taken.isdisjoint({old, new} - {own}):
        return
    name = f"{qualified(old, new_table.schema)} RENAME TO {quoted(new)}"
    yield statement(f"ALTER SEQUENCE IF EXISTS {name}")


def _serial(table: TableName, column: Column) -> Iterator[ops.MigrateOperation]:
    """Yield what a serial type stands for, for a column that is there already."""
    sequence = qualified(serial_name(table, column.name), table.schema)
    owner = f"{table_sql(table)}.{quoted(column.name)}"
    kind = f"AS {column.type.spelling} " if column.type.spelling in SERIALS else ""
    yield statement(f"CREATE SEQUENCE IF NOT EXISTS {sequence} {kind}OWNED BY {owner}")
    asked = f"nextval({literal(sequence)}::regclass)"
    yield _alter(table, column.name, f"SET DEFAULT {asked}")
    yield from _beyond_rows(table, column.name, {})


def _beyond_rows(
    table: TableName, column: str, options: Mapping[str, str]
) -> Iterator[ops.MigrateOperation]:
    """Yield what lets a sequence go on behind the numbers that rows have."""
    if int(options.get("increment", "1")) < 0:
        return
    start = options.get("start") or options.get("minvalue") or "1"
    own, name = _own_sequence(table, column), quoted(column)
    yield statement(
        f"SELECT setval({own}, max({name})) FROM {table_sql(table)}"
        f" HAVING max({name}) >= {start}"
    )


def _own_sequence(table: TableName, column: str) -> str:
    return f"pg_get_serial_sequence({literal(table_sql(table))}, {literal(column)})"


def of_sequence(table: TableName, column: str, sql: str) -> ops.ExecuteSQLOp:
    """Return a statement about the sequence of a column, whatever its name is."""
    own = _own_sequence(table, column)
    return statement(f"DO $$ BEGIN EXECUTE format({literal(sql)}, {own}); END $$")


def _end_of_serial(table: TableName, column: str) -> ops.ExecuteSQLOp:
    """Return what takes its sequence from a column."""
    own = _own_sequence(table, column)
    alter = f"ALTER TABLE {table_sql(table)} ALTER {quoted(column)} DROP DEFAULT"
    return statement(
        f"DO $$ DECLARE owned text = {own}; BEGIN {alter};"
        " IF owned IS NOT NULL THEN EXECUTE 'DROP SEQUENCE ' || owned; END IF; END $$"
    )
