"""The forms that MySQL and MariaDB need: https://mariadb.com/kb/en/alter-table/."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from alembic.operations import ops

from whimbrel.plan.columns import mentions
from whimbrel.plan.generic import changes_type
from whimbrel.plan.mysql_casts import refuse_uncast
from whimbrel.plan.mysql_columns import is_apart
from whimbrel.plan.mysql_counting import MySQLCounting, engine_with_keys
from whimbrel.plan.mysql_engines import changes_engine, gains_engine, optioned
from whimbrel.plan.mysql_escapes import refuse_escapes
from whimbrel.plan.mysql_history import (
    refuse_own_period,
    refuse_periods,
    turning,
)
from whimbrel.plan.mysql_keys import entailed, with_indexes_of_keys
from whimbrel.plan.mysql_names import (
    KeyNames,
    names_of_checks,
    names_of_uniques,
    with_unnamed_last,
)
from whimbrel.plan.mysql_partitions import beginning, ending
from whimbrel.plan.mysql_sequences import sequence_operation
from whimbrel.plan.mysql_sessions import Easing, eased
from whimbrel.plan.mysql_text import (
    adding_check,
    adding_index,
    altering,
    check_beside,
    column_of_check,
    in_index,
    loose_checks,
    modifying,
    primary_key,
    quoted,
    says_more_of_index,
    values,
)
from whimbrel.plan.mysql_types import is_text
from whimbrel.plan.order import Arrangement, Task, Thing
from whimbrel.plan.step import BatchOptions
from whimbrel.plan.table_forms import TableForms
from whimbrel.plan.tables import add_constraint, drop_constraint
from whimbrel.schema.changes import (
    ColumnChange,
    FactsChange,
    SequenceChange,
    TableFacts,
)
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import (
    Check,
    Column,
    Constraint,
    ForeignKey,
    Index,
    Naming,
    PrimaryKey,
    State,
    Table,
    TableName,
    Unique,
)


class MySQLForms(MySQLCounting):
    """How tables are altered, and what must be done in one piece."""

    sharing: tuple[type[Constraint | Index], ...] = (ForeignKey, Check)
    any_index_serves = True
    needs_column = True

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        if self.dialect.is_mariadb:
            self.sharing = (ForeignKey,)  # a check is called within its table only
        self._keys = KeyNames()
        self._unparted: set[TableName] = set()
        self._easing = Easing()

    def recall(self, there: TableForms) -> None:
        """Know what was done on the way that is gone back now."""
        if isinstance(there, MySQLForms):
            self._keys.recall(there._keys)

    def schema_operations(
        self, start: State, end: State
    ) -> Iterable[ops.MigrateOperation]:
        """Look at the keys that are there; let the history of tables be altered."""
        refuse_escapes(start, end, self.dialect)
        self._keys.begin(start)
        yield from self._easing.begin(start, end)

    def closing_operations(
        self, start: State, end: State
    ) -> Iterable[ops.MigrateOperation]:
        """Return what ends what was allowed."""
        return eased(start, end, is_end=True)

    def arranged(self, arrangement: Arrangement) -> Arrangement:
        """Return *arrangement* with the unnamed keys behind those that come again."""
        return with_unnamed_last(arrangement)

    def made(self, table: Table, late: frozenset[Constraint]) -> Table:
        """Return a new *table* whose keys get the indexes that they shall have."""
        refuse_periods(table, table.columns)
        keys = (key.options for key in (*table.constraints, *table.indexes))
        refuse_own_period(table.name, table.options, *keys)
        return with_indexes_of_keys(table, late)

    def is_said_apart(self, constraint: Constraint, table: Table) -> bool:  # noqa: ARG002  # another asks it
        """Whether ``CREATE TABLE`` cannot say a constraint by SQLAlchemy's words."""
        return isinstance(constraint, PrimaryKey) and is_apart(constraint)

    def after_create(self, table: Table) -> Iterable[ops.MigrateOperation]:
        """Return what a table needs that ``CREATE TABLE`` cannot say."""
        self._keys.made_with(table)
        return super().after_create(table)

    def retypes(self, before: Column, after: Column) -> bool:
        """Whether foreign keys of a column must go while its type becomes another."""
        return changes_type(before, after)

    def unsettles(self, before: Column, after: Column, thing: Thing) -> bool:
        """Whether *thing*, on a column, must go while the column is altered."""
        is_spatial = values(thing.options).get("prefix") == "spatial"
        systems = (values(each.options).get("srid") for each in (before, after))
        return is_spatial and len({*systems}) > 1

    def entailed(self, task: Task) -> Task:
        """Return *task* with all that it entails."""
        if task.before is not None and task.after is not None:
            moved = {*task.before.columns} ^ {*task.after.columns}
            refuse_periods(task.after, moved)
            _refuse_uncast(task, self.dialect)
            self._tables[task.name] = (task.before, task.after)
            made = names_of_checks(task, self.dialect.is_mariadb)
            self._made |= {(task.name, each): name for each, name in made}
            called = names_of_uniques(task)
            self._made |= {(task.name, each): name for each, name in called}
        task = replace(task, retyped=task.retyped | _resettled(self, task))
        task = entailed(task, is_mariadb=self.dialect.is_mariadb)
        self._beside |= {
            (task.name, name): check for name, check in _said_with_column(task)
        }
        said = self._beside.values()
        coming = (each for each in task.coming if each not in said)
        return replace(task, coming=tuple(coming))

    def check_beside(self, column: Column, table: Table) -> Check | None:
        """Return the check that stands in the definition of a column of *table*."""
        return check_beside(column, table)

    def sequence_operation(self, change: SequenceChange) -> ops.MigrateOperation:
        """Return what makes, alters or drops a sequence."""
        return sequence_operation(change)

    # -- constraints and indexes ----------------------------------------------------

    def add_constraint(
        self, table: TableName, constraint: Constraint
    ) -> ops.MigrateOperation | None:
        """Return what adds a check that stands in the definition of a column."""
        refuse_own_period(table, constraint.options)
        column = self._column_of(table, constraint, side=1)
        if column is not None and isinstance(constraint, Check):
            return altering(table, modifying(column, column, constraint))
        clause = _adding(constraint, self.dialect.is_mariadb)
        if clause is not None:
            return altering(table, clause)
        if self._is_named_by_server(table, constraint):
            operation = add_constraint(self, table, constraint)
            operation.constraint_name = None  # type: ignore[attr-defined]  # the server's own
            return operation
        return None

    def add_index(self, table: TableName, index: Index) -> ops.MigrateOperation | None:
        """Return what makes an index of which SQLAlchemy cannot say all."""
        if not says_more_of_index(index):
            return None
        parts = [in_index(part, self.part_words(part)) for part in index.parts]
        return altering(table, adding_index(index, parts, self.dialect.is_mariadb))

    def _is_named_by_server(self, table: TableName, constraint: Constraint) -> bool:
        """Whether a script had better leave the name of a constraint to the server."""
        match constraint:
            case ForeignKey():
                is_made = self._keys.added(table, constraint)
                return is_made and not _names_index(constraint)
            case Unique():
                return constraint.naming is Naming.NONE and table in self._tables
            case _:
                return (table, constraint) in self._made

    def drop_constraint(
        self, table: TableName, constraint: Constraint
    ) -> Iterable[ops.MigrateOperation] | None:
        """Return what drops a check that stands in the definition of a column."""
        if isinstance(constraint, ForeignKey):
            made: str | None = self._keys.dropped(table, constraint)
        else:
            made = self._made_name(table, constraint)
        if made is not None:
            named = replace(constraint, name=made)
            return (drop_constraint(self, table, named),)
        column = self._column_of(table, constraint, side=0)
        if column is None:
            return None
        if self._column_of(table, constraint, side=1) is None:
            return ()
        return (altering(table, modifying(column, column)),)

    def _column_of(
        self, table: TableName, constraint: Constraint, *, side: int
    ) -> Column | None:
        """Return the column in whose definition a check stands, before or after."""
        if table not in self._tables:
            return None
        stands = self._tables[table][side]
        name = column_of_check(constraint, stands)
        return next((each for each in stands.columns if each.name == name), None)

    # -- the table as a whole ---------------------------------------------------------

    def facts(self, before: TableFacts, after: TableFacts) -> BatchOptions:  # noqa: ARG002
        """Return nothing: the options have statements of their own."""
        return BatchOptions()

    def facts_operations(
        self, table: TableName, before: TableFacts, after: TableFacts
    ) -> Iterable[ops.MigrateOperation]:
        """Yield what changes a table's options but for its collation."""
        refuse_own_period(
            table, after.options, before.options, but=before.options & after.options
        )
        if table not in self._able:
            yield from _optioned(table, before, after)
        if table in self._unparted:
            before = replace(before, options=frozenset())
        for clause in beginning(before, after):
            yield altering(table, clause)

    def ahead(self, task: Task) -> Iterable[ops.MigrateOperation]:
        """Yield what ends partitions that cannot stay: they may stand on a key."""
        for change in task.changes:
            if isinstance(change, FactsChange):
                for clause in ending(task, change.before, change.after):
                    self._unparted.add(task.name)
                    yield altering(task.name, clause)

    def first(self, task: Task) -> Iterable[ops.MigrateOperation]:
        """Yield what gives a table a better engine, or another collation.

        What is there keeps its collation then, until its column is altered.
        """
        for change in task.changes:
            if isinstance(change, FactsChange):
                for clause in turning(change.before, change.after):
                    yield altering(task.name, clause)
                if gains_engine(change) and engine_with_keys(task) is None:
                    self._able.add(task.name)
                    yield from _optioned(task.name, change.before, change.after)
                yield from _collated(self, task, change)


def _resettled(forms: MySQLForms, task: Task) -> frozenset[str]:
    """Return the columns whose foreign keys wait for another collation or engine."""
    if task.after is not None and any(map(changes_engine, task.changes)):
        return frozenset(column.name for column in task.after.columns)
    return frozenset(column.name for column, _ in _following(forms, task))


def _refuse_uncast(task: Task, server: Dialect) -> None:
    """Let *task* pass, unless the server has no cast between types of a column."""
    for each in task.changes:
        if isinstance(each, ColumnChange) and each.before and each.after:
            refuse_uncast(task.name, each.before, each.after, server)


def _optioned(
    table: TableName, before: TableFacts, after: TableFacts
) -> Iterator[ops.MigrateOperation]:
    """Yield what changes the options of a table that stand beside each other."""
    for clause in optioned(before, after):
        yield altering(table, clause)


def _collated(
    forms: MySQLForms, task: Task, change: FactsChange
) -> Iterator[ops.MigrateOperation]:
    """Yield what gives a table another collation, and the columns that follow."""
    old, new = (
        values(each.options).get("collate") for each in (change.before, change.after)
    )
    if old == new:
        return
    said = f"COLLATE={new}" if new else _usual_collation(forms, task.name)
    yield altering(task.name, f"DEFAULT {said}")
    clauses = [
        modifying(before, after, forms.check_now(task.name, before))
        for before, after in _following(forms, task)
    ]
    if clauses:
        yield altering(task.name, *clauses)


def _usual_collation(forms: MySQLForms, table: TableName) -> str:
    """Return what gives a table the collation that its database has.

    ``CHARACTER SET DEFAULT`` gives it the usual one of the database's character set.
    """
    usual = forms.collations.get(table.schema)
    return f"COLLATE={usual}" if usual else "CHARACTER SET DEFAULT"


def _adding(constraint: Constraint, is_mariadb: bool) -> str | None:
    """Return the clause that adds what SQLAlchemy cannot say all of."""
    match constraint:
        case Check() if loose_checks([constraint]):
            return adding_check(constraint)
        case PrimaryKey() if constraint.options:
            return f"ADD {primary_key(constraint)}"
        case Unique() if says_more_of_index(constraint):
            parts = list(map(quoted, constraint.columns))
            return adding_index(constraint, parts, is_mariadb)
        case _:
            return None


def _said_with_column(task: Task) -> Iterator[tuple[str, Check]]:
    """Yield the checks that come in the definition of a new column.

    One that names another new column must wait for it.
    """
    if task.before is None or task.after is None:
        return
    there = {each.name for each in task.before.columns}
    new = {each.name for each in task.after.columns} - there
    for check in task.coming:
        name = column_of_check(check, task.after)
        if not isinstance(check, Check) or name not in new:
            continue
        if not any(mentions(check.expression, each) for each in new - {name}):
            yield name, check


def _names_index(key: ForeignKey) -> bool:
    """Whether a foreign key gave its name to the index that the server made for it.

    It does so where a statement names it, be it as the server would have.
    """
    return key.index == key.name


def _following(forms: MySQLForms, task: Task) -> Iterator[tuple[Column, Column]]:
    """Yield the columns that have the table's collation, if that becomes another."""
    said = [
        values(each.options).get("collate")
        for change in task.changes
        if isinstance(change, FactsChange)
        for each in (change.before, change.after)
    ]
    if task.before is None or task.after is None or len(set(said)) < len(said):
        return
    ends = {column.name: column for column in task.after.columns}
    for column in task.before.columns if said else ():
        end = ends.get(column.name)
        if end is None or not all(map(_has_collation_of_table, (column, end))):
            continue
        if end.computed == column.computed:
            retyped = replace(end, nullable=column.nullable)
            yield column, column if column.type == end.type else retyped
        elif end.computed is None and forms.is_replaced(column, end):
            yield end, end  # a plain one has taken its place by now


def _has_collation_of_table(column: Column) -> bool:
    return column.collation is None and is_text(column)
