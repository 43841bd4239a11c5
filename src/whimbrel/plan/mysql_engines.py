"""When a table of MySQL or MariaDB gets another engine, which may be able to more."""

from __future__ import annotations

from whimbrel.plan.mysql_counting import counting_inside
from whimbrel.plan.mysql_text import values
from whimbrel.plan.order import Task
from whimbrel.schema.changes import FactsChange, TableFacts


_ABLE = {"memory": 0, "innodb": 2}
"""How much engines can do: InnoDB has foreign keys, those in memory have no texts."""


def changes_engine(change: object) -> bool:
    """Whether a table gets another engine by *change*."""
    if not isinstance(change, FactsChange):
        return False
    return _engine(change.before) != _engine(change.after)


def gains_engine(task: Task, change: FactsChange) -> bool:
    """Whether a table gets an engine that can do more, but for how columns count.

    It comes before all that the other one could not do then, else behind that.
    """
    was, becomes = (
        _ABLE.get(_engine(each), 1) for each in (change.before, change.after)
    )
    is_simple = task.before is not None and not counting_inside(task.before)
    return becomes > was and is_simple


def _engine(facts: TableFacts) -> str:
    return values(facts.options).get("engine", "InnoDB").lower()
