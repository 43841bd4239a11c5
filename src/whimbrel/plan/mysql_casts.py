"""Between which types MariaDB has no cast: it refuses such an ALTER, rows or not.

Addresses and UUIDs become texts or bytes, or come from them; numbers, times and
places know nothing of them. https://mariadb.com/kb/en/inet4/, .../uuid-data-type/
"""

from __future__ import annotations

import re

from whimbrel.errors import Unalterable
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import Column, TableName


_KINDS = re.compile(
    r"(?P<value>(?:tiny|small|medium|big)?int|bit|bool|dec|numeric|fixed|float|double|real"
    r"|date|time|year)"
    r"|(?P<place>geometry|(?:multi)?(?:point|linestring|polygon))"
    r"|(?P<address>uuid|inet4|inet6)",
    re.IGNORECASE,
)
_MAPS_ADDRESSES = (11, 3)
"""Since when an INET4 becomes an INET6, and the other way."""
_ADDRESSES = {"inet4", "inet6"}


def has_cast(before: str, after: str, server: Dialect) -> bool:
    """Whether the server can make values of one type those of another, if they fit.

    Args:
        before: the type as the catalog tells it.
        after: the type that it is to be.
        server: which server that is.
    """
    old, new = (_KINDS.match(each) for each in (before, after))
    if not server.is_mariadb or old is None or new is None:
        return True
    if {old[0].lower(), new[0].lower()} == _ADDRESSES:
        return server.version >= _MAPS_ADDRESSES
    if old.lastgroup == new.lastgroup == "address":
        return old[0].lower() == new[0].lower()
    return old.lastgroup == new.lastgroup


def uncast(place: str, before: str, after: str) -> str:
    """Return what is said where there is no cast."""
    return f"MariaDB has no cast from {before} to {after} for {place}."


WITHOUT_CAST = (
    "Let a script that is written by hand drop the column and add it anew; or alter it"
    " to a VARCHAR first, where the texts are values of the new type."
)
"""What can be done then."""


def refuse_uncast(
    table: TableName, before: Column, after: Column, server: Dialect
) -> None:
    """Let a column get another type, unless the server has no cast to it.

    Raises:
        Unalterable: it has none.
    """
    types = before.type.spelling, after.type.spelling
    if not has_cast(*types, server):
        raise Unalterable(
            uncast(f"{table}.{before.name}", *types),
            WITHOUT_CAST,
            table=str(table),
            column=before.name,
        )
