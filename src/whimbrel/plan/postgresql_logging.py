"""Tables that are logged from now on, or no more, and the foreign keys between them.

A table that is logged refers to no unlogged one, not even between two statements:
https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-UNLOGGED
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from alembic.operations import ops

from whimbrel.plan.order import Arrangement, Task
from whimbrel.plan.postgresql_words import statement, table_sql, values_of
from whimbrel.schema.state import ForeignKey, Table


UNLOGGED = "unlogged"


def unlogged(task: Task) -> Iterator[ops.MigrateOperation]:
    """Yield what makes a table an unlogged one, before it gets new keys."""
    if _turn(task) == (False, True):
        yield statement(f"ALTER TABLE {table_sql(task.name)} SET UNLOGGED")


def with_keys_off(arrangement: Arrangement) -> Arrangement:
    """Return *arrangement*, those keys off for a while that would be in the way.

    What refers to a table must be unlogged before that is, and logged after it.
    """
    early = {name: [*things] for name, things in arrangement.early.items()}
    late = {name: [*keys] for name, keys in arrangement.late.items()}
    places = {task.name: at for at, task in enumerate(arrangement.tasks)}
    turns = {task.name: _turn(task) for task in arrangement.tasks}
    for at, task in enumerate(arrangement.tasks):
        olds, news = _keys(task.before), _keys(task.after)
        for key in sorted(olds | news, key=lambda each: each.name):
            turn, place = turns.get(key.target), places.get(key.target, at)
            is_stuck = key in olds and turn == (False, True) and place < at
            is_eager = key in news and turn == (True, False) and at < place
            if (is_stuck or is_eager) and key in olds:
                early.setdefault(task.name, []).append(key)
            if (is_stuck or is_eager) and key in news:
                late.setdefault(task.name, []).append(key)
    return replace(
        arrangement,
        early={name: tuple(dict.fromkeys(each)) for name, each in early.items()},
        late={name: tuple(dict.fromkeys(each)) for name, each in late.items()},
    )


def _turn(task: Task) -> tuple[bool, bool] | None:
    """Return whether a table that stays is unlogged before, and whether after."""
    if task.before is None or task.after is None:
        return None
    was, becomes = (
        UNLOGGED in values_of(each.options) for each in (task.before, task.after)
    )
    return was, becomes


def _keys(table: Table | None) -> set[ForeignKey]:
    constraints = table.constraints if table is not None else ()
    return {each for each in constraints if isinstance(each, ForeignKey)}
