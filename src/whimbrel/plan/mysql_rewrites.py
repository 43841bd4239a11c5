"""Which new types of a column leave the rows of a MySQL or MariaDB table as they are.

https://mariadb.com/kb/en/innodb-online-ddl-operations-with-the-instant-alter-algorithm/
and https://dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-operations.html
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from whimbrel.plan.mysql_types import SPELLING, VALUE
from whimbrel.plan.spelled import ddl_of, sqlalchemy_dialect
from whimbrel.schema.state import Column


ONE_BYTE = 255
"""What a number of one byte counts: bytes of a VARCHAR, values of an ENUM."""


MOST_BYTES = 4
"""A SET that needs more takes eight."""


def keeps_rows(
    live: Column, new: TypeEngine[Any] | type[TypeEngine[Any]], width: int
) -> bool:
    """Whether *live* gets the type *new* without its rows being written anew.

    Args:
        live: the column as the catalog tells it.
        new: the type that it is to have.
        width: how many bytes a character of the column may take.
    """
    wanted = sa.types.to_instance(new)
    if getattr(wanted, "charset", None) is not None:
        return False
    if getattr(wanted, "collation", None) != live.collation:
        return False
    written = ddl_of(wanted, sqlalchemy_dialect("mysql"))
    before, after = _parted(live.type.spelling), _parted(written or "")
    if before is None or after is None or before[0] != after[0]:
        return False
    match before[0]:
        case "varchar":
            old, room = int(before[1]), int(after[1])
            is_short = old * width <= ONE_BYTE
            return room >= old and is_short == (room * width <= ONE_BYTE)
        case "enum" | "set":
            values, more = VALUE.findall(before[1]), VALUE.findall(after[1])
            is_longer = more[: len(values)] == values
            return is_longer and _bytes(before[0], values) == _bytes(after[0], more)
        case _:
            return before == after


def _parted(spelling: str) -> tuple[str, str] | None:
    """Return the first word of a type, in small letters, and what is in brackets."""
    name, bracket, rest = spelling.partition("(")
    inner, _, behind = rest.rpartition(")")
    found = SPELLING.fullmatch(name.lower().strip())
    if found is None or behind.strip():
        return None
    return found["name"], inner if bracket else ""


def _bytes(kind: str, values: list[str]) -> int:
    """Return how many bytes a value takes."""
    if kind == "enum":
        return 1 if len(values) <= ONE_BYTE else 2
    needed = (len(values) + 7) // 8
    return needed if needed <= MOST_BYTES else 8
