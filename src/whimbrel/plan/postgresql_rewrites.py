"""Which new types of a column leave its rows on disk as they are.

https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from whimbrel.plan.postgresql_types import Spelling, parsed
from whimbrel.plan.spelled import ddl_of, sqlalchemy_dialect
from whimbrel.schema.state import Column


_GROWING = (
    "character varying",
    "bit varying",
    "numeric",
    "timestamp",
    "time",
    "interval",
)
"""The types, by their first words, that may get more room."""


def keeps_rows(live: Column, new: TypeEngine[Any] | type[TypeEngine[Any]]) -> bool:
    """Whether PostgreSQL gives *live* the type *new* without writing its rows anew.

    Args:
        live: the column as the catalog tells it.
        new: the type that it is to have.
    """
    wanted = sa.types.to_instance(new)
    written = ddl_of(wanted, sqlalchemy_dialect("postgresql"))
    if written is None:
        return False
    before, after = parsed(live.type.spelling), _spelled(written)
    if before.is_array or getattr(wanted, "collation", None) != live.collation:
        return False  # of another collation, all indexes are made again
    if before.name in ("text", "character varying") and after == Spelling("text"):
        return True
    if (before.name, after) == ("text", Spelling("character varying")):
        return True
    if (before.name, after.name) == ("cidr", "inet"):
        return True
    is_alike = before.whole == after.whole and before.name.startswith(_GROWING)
    return is_alike and _has_room(before.numbers, after.numbers)


def _has_room(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    if not (before and after):
        return not after
    return before[0] <= after[0] and (before[1:] or (0,)) == (after[1:] or (0,))


def _spelled(written: str) -> Spelling:
    text = written.lower()
    for short, name in (("varchar", "character varying"), ("char(", "character(")):
        if text.startswith(short):
            text = name + text.removeprefix(short)
    return parsed(text)
