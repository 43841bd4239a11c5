"""The options of tables of MySQL and MariaDB, and which engine can do more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from whimbrel.plan.mysql_history import KEY as HISTORY
from whimbrel.plan.mysql_history import PERIOD
from whimbrel.plan.mysql_partitions import KEY as PARTITION_BY
from whimbrel.plan.mysql_text import values
from whimbrel.schema.changes import FactsChange, TableFacts


DEFAULTS = {
    "engine": "InnoDB",
    "row_format": "DEFAULT",
    "stats_persistent": "DEFAULT",
    "stats_auto_recalc": "DEFAULT",
    "stats_sample_pages": "DEFAULT",
    "pack_keys": "DEFAULT",
    "page_compressed": "DEFAULT",
    "page_compression_level": "DEFAULT",
    "encrypted": "DEFAULT",
    "encryption_key_id": "DEFAULT",
    "transactional": "DEFAULT",
    "page_checksum": "1",
    "insert_method": "NO",
    "compression": "''",
}
"""What is said of a table when an option is no more; otherwise it is 0."""

APART = ("collate", PARTITION_BY, HISTORY, PERIOD)
"""The options of a table that are changed by other words."""

_ABLE = {"memory": 0, "innodb": 2}
"""How much engines can do: InnoDB has foreign keys, those in memory have no texts."""


def changes_engine(change: object) -> TypeGuard[FactsChange]:
    """Whether a table gets another engine by *change*."""
    if not isinstance(change, FactsChange):
        return False
    return _engine(change.before) != _engine(change.after)


def gains_engine(change: FactsChange) -> bool:
    """Whether a table gets an engine that can do more.

    It comes before all that the other one could not do then, else behind that.
    """
    was, becomes = (
        _ABLE.get(_engine(each), 1) for each in (change.before, change.after)
    )
    return becomes > was


def optioned(before: TableFacts, after: TableFacts) -> Iterator[str]:
    """Yield the clause for the options of a table that stand beside each other."""
    old, new = values(before.options), values(after.options)
    said = [
        f"{key.upper()}={new.get(key) or DEFAULTS.get(key, '0')}"
        for key in sorted(old.keys() | new.keys())
        if key not in APART and old.get(key) != new.get(key)
    ]
    if said:
        yield " ".join(said)


def _engine(facts: TableFacts) -> str:
    return values(facts.options).get("engine", "InnoDB").lower()
