"""How much room a character takes in a column of MySQL and MariaDB."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.engine import Connection

from whimbrel.schema.state import TableName


_WIDTH = """
SELECT character_octet_length DIV character_maximum_length
FROM information_schema.columns
WHERE table_schema = COALESCE(:schema, DATABASE())
 AND table_name = :table AND column_name = :column
 AND character_maximum_length > 0
"""


def width_of(connection: Connection, table: TableName, column: str) -> int:
    """Return how many bytes a character of a column may take; 1 if it has none."""
    names = {"schema": table.schema, "table": table.name, "column": column}
    return int(connection.scalar(text(_WIDTH), names) or 1)
