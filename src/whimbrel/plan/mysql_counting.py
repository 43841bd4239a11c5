"""Columns that count on MySQL and MariaDB: they never stand there without a key."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any

from whimbrel.plan.columns import altered, comes, dependents_last, goes
from whimbrel.plan.mysql_engines import changes_engine, gains_engine, optioned
from whimbrel.plan.mysql_renames import MySQLRenames
from whimbrel.plan.mysql_text import (
    adding_index,
    altering,
    definition,
    in_index,
    is_counting,
    modifying,
    primary_key,
    quoted,
)
from whimbrel.plan.order import Task, Thing, Together
from whimbrel.schema.changes import ColumnChange, FactsChange
from whimbrel.schema.state import (
    Constraint,
    Index,
    Naming,
    PrimaryKey,
    Table,
    TableName,
    Unique,
)


class MySQLCounting(MySQLRenames):
    """The one statement that exchanges keys under a column that counts."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._able: set[TableName] = set()
        """The tables that have their options already, before the end of all."""

    def together(self, task: Task) -> Together | None:
        """Return the statement that alters columns and their keys, if it must be one.

        A column that counts must be the first of an index, at any moment; some
        engines let it stand behind others, too, and come and go with such a key.
        """
        tables = [each for each in (task.before, task.after) if each is not None]
        counting = {c.name for table in tables for c in table.columns if is_counting(c)}
        inner = {name for table in tables for name in counting_inside(table)}
        turn = engine_with_keys(task)
        stays = set() if turn else set(_carried(_staying(task), inner))
        bare = counting - stays
        going, coming = (
            [each for each in things if _is_needed(each, counting, bare, inner)]
            for things in (task.going, task.coming)
        )
        if not (going or coming or turn):
            return None
        clauses = [
            *(self._dropping(task.name, each) for each in going),
            *self._of_columns(task),
            *(f"ADD {self._key(each)}" for each in coming),
        ]
        if turn is not None:
            self._able.add(task.name)
            clauses += optioned(turn.before, turn.after)
        return Together(
            operation=altering(task.name, *clauses), things=frozenset((*going, *coming))
        )

    def _of_columns(self, task: Task) -> Iterator[str]:
        """Yield the clauses by which columns go, change and come."""
        changes = [each for each in task.changes if isinstance(each, ColumnChange)]
        for change in changes:
            if goes(self, change) and change.before is not None:
                yield f"DROP COLUMN {quoted(change.before.name)}"
        for before, after in altered(self, changes):
            yield modifying(before, after, self.check_now(task.name, after))
        come = [e.after for e in changes if comes(self, e) and e.after]
        plain = [each for each in come if each.computed is None]
        made = dependents_last(each for each in come if each.computed is not None)
        for column in (*dependents_last(plain), *made):
            check = self._beside.get((task.name, column.name))
            yield f"ADD COLUMN {quoted(column.name)} {definition(column, check)}"

    def _dropping(self, table: TableName, thing: Thing) -> str:
        if isinstance(thing, PrimaryKey):
            return "DROP PRIMARY KEY"
        made = None if isinstance(thing, Index) else self._made_name(table, thing)
        return f"DROP INDEX {quoted(made or thing.name)}"

    def _made_name(self, table: TableName, constraint: Constraint) -> str | None:
        """Return what the server calls a constraint that the script leaves unnamed."""
        if constraint.naming is not Naming.NONE or table not in self._tables:
            return None
        return self._made.get((table, constraint))

    def _key(self, thing: Thing) -> str:
        """Return a key as it stands behind ADD."""
        is_mariadb = self.dialect.is_mariadb
        if isinstance(thing, Index):
            parts: Iterable[str] = [
                in_index(part, self.part_words(part)) for part in thing.parts
            ]
            return adding_index(thing, parts, is_mariadb).removeprefix("ADD ")
        if isinstance(thing, Unique):
            parts = map(quoted, thing.columns)
            return adding_index(thing, parts, is_mariadb).removeprefix("ADD ")
        assert isinstance(thing, PrimaryKey)
        return primary_key(thing)


def engine_with_keys(task: Task) -> FactsChange | None:
    """Return the change to another engine that can only come with the keys."""
    for change in task.changes:
        if changes_engine(change) and task.before and task.after:
            was, becomes = map(counting_inside, (task.before, task.after))
            if was or (becomes and not gains_engine(change)):
                return change
    return None


def _staying(task: Task) -> Iterator[Thing]:
    """Yield what stands in the table all the time."""
    if task.before is not None:
        things = task.before.constraints | task.before.indexes
        yield from things - {*task.going}


def counting_inside(table: Table) -> set[str]:
    """Return the columns that count in keys and indexes which others begin."""
    counting = {column.name for column in table.columns if is_counting(column)}
    return counting.difference(_carried((*table.constraints, *table.indexes), ()))


def _carried(things: Iterable[Thing], inner: Container[str]) -> Iterator[str]:
    """Yield the columns with which keys and indexes begin, and *inner* in them."""
    for thing in things:
        match thing:
            case PrimaryKey() | Unique():
                columns: tuple[str | None, ...] = thing.columns
            case Index():
                columns = tuple(part.column for part in thing.parts)
            case _:
                continue
        for place, name in enumerate(columns):
            if name is not None and (place == 0 or name in inner):
                yield name


def _is_needed(
    thing: Thing, counting: set[str], bare: set[str], inner: Container[str]
) -> bool:
    """Whether a column that counts cannot be without a key or an index."""
    if isinstance(thing, PrimaryKey):
        return not counting.isdisjoint(thing.columns)
    return not bare.isdisjoint(_carried([thing], inner))
