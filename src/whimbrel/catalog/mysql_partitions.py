"""How tables of MySQL and MariaDB are partitioned: SHOW CREATE TABLE tells it."""

from __future__ import annotations

from collections.abc import Mapping

from whimbrel.catalog.mysql_tokens import Cursor


PARTITIONED = "partitioned"
"""What CREATE_OPTIONS says of a table that has partitions."""

_KEYS = ("PARTITION_BY", "PARTITIONS", "SUBPARTITION_BY", "SUBPARTITIONS")
"""What models say of partitions, in the order in which SQLAlchemy writes it."""


def partitioning(sql: str) -> str | None:
    """Return what stands behind PARTITION BY in a text of SHOW CREATE TABLE.

    Each partition names the engine there, which can be none but the table's.
    """
    cursor = Cursor(sql)
    while cursor.peek().text != "(":
        cursor.take()
    cursor.group()
    while not cursor.takes("PARTITION", "BY"):
        if cursor.take().kind == "end":
            return None
    said, end = [], cursor.peek().start
    while (token := cursor.peek()).kind != "end":
        gap = " " if token.start > end else ""
        if cursor.takes("ENGINE", "="):
            end = cursor.take().end
            continue
        end = cursor.take().end
        said.append("" if token.kind == "hint" else gap + token.text)
    return "".join(said).strip()


def said_of_partitions(arguments: Mapping[str, str]) -> str | None:
    """Return what models say of the partitions of a table, as one text."""
    if "PARTITION_BY" not in arguments:
        return None
    words = (
        (key.replace("_", " "), arguments[key]) for key in _KEYS if key in arguments
    )
    return " ".join(" ".join(pair) for pair in words).removeprefix("PARTITION BY ")
