"""The forms that PostgreSQL needs: https://www.postgresql.org/docs/current/ddl.html."""

# ruff: noqa: ARG002  # what others ask of a thing, PostgreSQL need not

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops

from whimbrel.plan.generic import Optioned, Thing
from whimbrel.plan.order import Arrangement, Task
from whimbrel.plan.postgresql_columns import counter_renamed, stored
from whimbrel.plan.postgresql_logging import unlogged, with_keys_off
from whimbrel.plan.postgresql_partitions import (
    INDEX_NAMES,
    INDEX_OF,
    NOTHING_UNSAID,
    OWN_DEFAULTS,
    PART_OF,
    Unsaid,
    as_inherited,
    attached,
    handed,
    indexes_named,
    inherited_gone,
    is_parted_oddly,
    key_off_index,
    key_on_index,
    own_defaults,
    partition_made,
    refuse_new_partitions,
    told_whole,
    with_own_defaults,
    without_gone,
)
from whimbrel.plan.postgresql_standing import StandingForms
from whimbrel.plan.postgresql_turns import (
    lasting,
    statistics_sql,
    turned_sql,
)
from whimbrel.plan.postgresql_words import (
    add_constraint_sql,
    comments_sql,
    is_plain,
    listed,
    named,
    parameters,
    part_words,
    quoted,
    said_sql,
    statement,
    storage_sql,
    table_sql,
    values_of,
)
from whimbrel.plan.step import BatchOptions
from whimbrel.plan.tables import add_constraint, create_table, ordered
from whimbrel.schema.changes import (
    TableFacts,
)
from whimbrel.schema.state import (
    NO_OPTIONS,
    Check,
    Column,
    Constraint,
    Exclusion,
    ForeignKey,
    Index,
    IndexPart,
    PrimaryKey,
    Table,
    TableName,
    Unique,
)


SAID_LAST = frozenset(
    {
        *("row_security", "force_row_security", "replica_identity", "cluster_on"),
        *(OWN_DEFAULTS, "inherited_not_null", "validated", INDEX_NAMES),
    }
)
"""The options that are said of a table that is there, with its indexes."""


class PostgreSQLForms(StandingForms):
    """How PostgreSQL's things are told to SQLAlchemy and Alembic."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._unsaid: dict[TableName, Unsaid] = {}

    def entailed(self, task: Task) -> Task:
        """Return *task*, if the server can do all of it."""
        refuse_new_partitions(task)
        return task

    def arranged(self, arrangement: Arrangement) -> Arrangement:
        """Return *arrangement*, the keys off that no table could be logged under."""
        self._unsaid = inherited_gone(arrangement.tasks)
        return with_keys_off(arrangement)

    def parents(self, table: Table) -> frozenset[TableName]:
        """Return the tables of which *table* inherits."""
        found = values_of(table.options)
        parents = (*listed(found.get("inherits")), *listed(found.get(PART_OF))[:1])
        return frozenset(map(named, parents))

    def hands_down(self, table: Table) -> bool:
        """Whether the keys and indexes of a table are those of its parts too."""
        return "partition_by" in values_of(table.options)

    def handed(self, whole: Table, heir: Table) -> Iterable[Constraint | Index]:
        """Return the keys and indexes of *whole* as a part of it has them."""
        return handed(whole, heir) if self.hands_down(whole) else ()

    def own_defaults(self, table: Table) -> Mapping[str, str | None]:
        """Return the defaults that a table says of columns that it inherits."""
        return own_defaults(table)

    def with_own_defaults(
        self, table: Table, defaults: Mapping[str, str | None]
    ) -> Table:
        """Return *table*, which says *defaults* of columns that it inherits."""
        return with_own_defaults(table, defaults)

    def as_inherited(self, column: Column, whole: TableName, heir: Table) -> Column:
        """Return a column of *whole* with what *heir* says of it otherwise."""
        return as_inherited(column, whole, heir)

    def table_made(
        self, table: Table, late: frozenset[Constraint]
    ) -> Iterable[ops.MigrateOperation]:
        """Return what makes a part of another table, or one that is parted oddly."""
        if is_parted_oddly(table):
            return told_whole(create_table(self, table, late))
        return partition_made(table)

    def options(self, thing: Optioned) -> dict[str, Any]:
        """Return the options of *thing* as SQLAlchemy's keyword arguments."""
        found = values_of(thing.options)
        match thing:
            case Table():
                return _table_arguments(found)
            case Index():
                return _index_arguments(found)
            case Unique() | PrimaryKey() | Exclusion():
                return _key_arguments(found)
            case _:
                return {}

    def part_words(self, part: IndexPart) -> list[str]:
        """Return what stands in the place of *part* in ``CREATE INDEX``."""
        return part_words(part)

    def is_said_apart(self, constraint: Constraint, table: Table) -> bool:
        """Whether ``CREATE TABLE`` cannot say a constraint by SQLAlchemy's words.

        Neither can it where a column is one that the table inherits, and of two that
        say the same it makes one.
        """
        if PART_OF in values_of(table.options):
            return True
        own = {column.name for column in table.columns}
        columns = () if isinstance(constraint, Check) else constraint.columns
        is_sayable = is_plain(constraint) and own.issuperset(columns)
        return not is_sayable or _is_said_before(constraint, table)

    def add_constraint(
        self, table: TableName, constraint: Constraint
    ) -> ops.MigrateOperation | None:
        """Return what adds a constraint of which Alembic cannot say all."""
        return None if is_plain(constraint) else _added(table, constraint)

    def drop_constraint(
        self, table: TableName, constraint: Constraint
    ) -> Iterable[ops.MigrateOperation] | None:
        """Return what drops a key that stands on an index of the whole's."""
        is_shared = INDEX_OF in values_of(constraint.options)
        return key_off_index(table, constraint) if is_shared else None

    def in_place(
        self, table: TableName, before: Thing, after: Thing
    ) -> ops.MigrateOperation | None:
        """Return what makes a constraint or an index another without a drop."""
        sql = turned_sql(table, before, after)
        return None if sql is None else statement(sql)

    def turned_more(
        self, table: TableName, before: Thing, after: Thing
    ) -> Iterable[ops.MigrateOperation]:
        """Return what gives the index of a key its comment, if the key gets one too."""
        return [*map(statement, comments_sql(table, before, after))][1:]

    def remarks(self, table: TableName, thing: Thing) -> Iterable[ops.MigrateOperation]:
        """Return what a new constraint or index needs that cannot be said with it."""
        yield from map(statement, comments_sql(table, None, thing))
        if (sql := statistics_sql(table, None, thing)) is not None:
            yield statement(sql)

    def after_create(self, table: Table) -> Iterable[ops.MigrateOperation]:
        """Return what a table needs that ``CREATE TABLE`` cannot say."""
        name, said = table_sql(table.name), values_of(table.options)
        if PART_OF in said and table.comment is not None:
            yield statement(said_sql(f"TABLE {name}", table.comment))
        storage = said.get("with")
        for words in storage_sql(None, storage):
            yield statement(f"ALTER TABLE {name} {words}")
        for column in table.ordered_columns:
            yield from stored(table.name, None, column)
        ordered = sorted(table.constraints, key=lambda each: each.name)
        for each in ordered:
            is_apart = self.is_said_apart(each, table)
            if is_apart and isinstance(each, ForeignKey):
                continue
            if is_apart and _is_said_before(each, table) and is_plain(each):
                yield add_constraint(self, table.name, each)
            elif is_apart:
                yield _added(table.name, each)
            yield from self.remarks(table.name, each)

    def after_indexes(self, table: Table) -> Iterable[ops.MigrateOperation]:
        """Return what a new table needs that may speak of its indexes."""
        said = {each for each in table.options if each.name in SAID_LAST}
        return self.facts_operations(
            table.name,
            TableFacts(options=NO_OPTIONS),
            TableFacts(options=frozenset(said)),
        )

    def after_add(
        self, table: TableName, column: Column
    ) -> Iterable[ops.MigrateOperation]:
        """Return what says how the values of a new column are stored."""
        return stored(table, None, column)

    def facts(self, before: TableFacts, after: TableFacts) -> BatchOptions:
        """Return nothing: no option needs the table to be made anew."""
        return BatchOptions()

    def facts_operations(
        self, table: TableName, before: TableFacts, after: TableFacts
    ) -> Iterator[ops.MigrateOperation]:
        """Yield what changes a table's options by statements of their own."""
        old, new = values_of(before.options), values_of(after.options)
        old = without_gone(old, self._unsaid.get(table, NOTHING_UNSAID))
        name = table_sql(table)
        for words in _facts_words(old, new):
            yield statement(f"ALTER TABLE {name} {words}")
        yield from attached(name, old, new)
        yield from indexes_named(name, old, new)

    def first(self, task: Task) -> Iterable[ops.MigrateOperation]:
        """Return what unlogs a table."""
        return unlogged(task)

    def last(self, task: Task) -> Iterable[ops.MigrateOperation]:
        """Return what the server forgot of the table's indexes."""
        return map(statement, lasting(task))

    def rename_table(
        self, before: TableName, after: TableName
    ) -> Iterator[ops.MigrateOperation]:
        """Yield what gives a table another name, be it in another schema."""
        if before.schema != after.schema:
            if after.schema is not None:
                yield statement(f"CREATE SCHEMA IF NOT EXISTS {quoted(after.schema)}")
            schema = quoted(after.schema or "public")
            yield statement(f"ALTER TABLE {table_sql(before)} SET SCHEMA {schema}")
        if before.name != after.name:
            yield ops.RenameTableOp(before.name, after.name, schema=after.schema)

    def rename_belongings(
        self, before: Table, after: Table
    ) -> Iterator[ops.MigrateOperation]:
        """Yield what renames the sequences of columns after their table."""
        for column in after.ordered_columns:
            yield from counter_renamed(
                (before.name, column), (after.name, column), self.sequences
            )


def _added(table: TableName, constraint: Constraint) -> ops.MigrateOperation:
    """Return what adds a constraint, with all that it says."""
    is_shared = INDEX_OF in values_of(constraint.options)
    if is_shared and isinstance(constraint, PrimaryKey | Unique):
        return key_on_index(table, constraint)
    return statement(add_constraint_sql(table, constraint))


def _is_said_before(constraint: Constraint, table: Table) -> bool:
    """Whether an earlier key of *table* has the index that *constraint* would get.

    Of such two, ``CREATE TABLE`` makes but the first, whatever their names:
    https://github.com/postgres/postgres/blob/REL_17_0/src/backend/parser/parse_utilcmd.c
    """
    alike: list[Constraint] = [
        each
        for each in ordered(table.constraints)
        if _makes_one_index(each, constraint)
    ]
    return bool(alike) and alike[0] != constraint


def _makes_one_index(one: Constraint, other: Constraint) -> bool:
    match other:
        case Unique(columns=columns):
            return isinstance(one, PrimaryKey | Unique) and one.columns == columns
        case Exclusion(parts=parts):
            return isinstance(one, Exclusion) and one.parts == parts
        case _:
            return False


def _table_arguments(options: dict[str, str]) -> dict[str, Any]:
    said: dict[str, Any] = {
        f"postgresql_{name}": options[name]
        for name in ("partition_by", "tablespace", "using")
        if name in options
    }
    if "inherits" in options:
        said["postgresql_inherits"] = [*map(_unquoted, listed(options["inherits"]))]
    if "unlogged" in options:
        said["prefixes"] = ["UNLOGGED"]
    return said


def _unquoted(written: str) -> str:
    """Return the name of a table for SQLAlchemy, which quotes what it is told."""
    name = named(written)
    return name.name if name.schema is None else sa.quoted_name(written, quote=False)


def _index_arguments(options: dict[str, str]) -> dict[str, Any]:
    said: dict[str, Any] = {
        f"postgresql_{name}": options[name]
        for name in ("tablespace", "using")
        if name in options
    }
    if "include" in options:
        said["postgresql_include"] = listed(options["include"])
    if "with" in options:
        said["postgresql_with"] = parameters(options["with"])
    if "nulls_not_distinct" in options:
        said["postgresql_nulls_not_distinct"] = True
    return said


def _key_arguments(options: dict[str, str]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if "deferrable" in options:
        said = {"deferrable": True, "initially": options["deferrable"].upper()}
    if "nulls_not_distinct" in options:
        said["postgresql_nulls_not_distinct"] = True
    return said


def _facts_words(old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    """Yield what makes the options of a table others."""
    yield from storage_sql(old.get("with"), new.get("with"))
    if "unlogged" in old and "unlogged" not in new:
        yield "SET LOGGED"
    if old.get("tablespace") != new.get("tablespace"):
        yield f"SET TABLESPACE {quoted(new.get('tablespace', 'pg_default'))}"
    if old.get("using") != new.get("using"):
        yield f"SET ACCESS METHOD {quoted(new.get('using', 'heap'))}"
    for name, force in (("row_security", ""), ("force_row_security", "FORCE ")):
        if old.get(name) != new.get(name):
            off = "NO FORCE " if force else "DISABLE "
            on = force or "ENABLE "
            yield f"{on if name in new else off}ROW LEVEL SECURITY"
    if old.get("replica_identity") != new.get("replica_identity"):
        yield f"REPLICA IDENTITY {_identity_words(new.get('replica_identity'))}"
    if old.get("cluster_on") != new.get("cluster_on"):
        index = new.get("cluster_on")
        yield f"CLUSTER ON {quoted(index)}" if index else "SET WITHOUT CLUSTER"
    yield from _defaults_words(
        parameters(old.get(OWN_DEFAULTS)), parameters(new.get(OWN_DEFAULTS))
    )
    yield from _not_null_words(
        listed(old.get("inherited_not_null")), listed(new.get("inherited_not_null"))
    )
    known, valid = listed(old.get("validated")), listed(new.get("validated"))
    yield from (f"VALIDATE CONSTRAINT {quoted(e)}" for e in valid if e not in known)
    parents, others = listed(old.get("inherits")), listed(new.get("inherits"))
    yield from (f"INHERIT {each}" for each in others if each not in parents)


def _defaults_words(
    old: Mapping[str, str | None], new: Mapping[str, str | None]
) -> Iterator[str]:
    """Yield what gives columns another default than the table has that they are of.

    One of which nothing is said any more has that of the table by then.
    """
    for name, default in sorted(new.items()):
        if old.get(name, "") != default:
            words = "DROP DEFAULT" if default is None else f"SET DEFAULT {default}"
            yield f"ALTER COLUMN {quoted(name)} {words}"


def _not_null_words(old: list[str], new: list[str]) -> Iterator[str]:
    """Yield what closes columns to NULL that the table has which they are of."""
    for name in sorted({*old, *new}):
        if (name in old) != (name in new):
            verb = "SET" if name in new else "DROP"
            yield f"ALTER COLUMN {quoted(name)} {verb} NOT NULL"


def _identity_words(value: str | None) -> str:
    kind, _, index = (value or "default").partition(" ")
    return f"USING INDEX {quoted(index)}" if index else kind.upper()
