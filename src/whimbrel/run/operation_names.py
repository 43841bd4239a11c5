"""An operation in, what a script calls it and what it is done to out."""

from __future__ import annotations

import re
from typing import Any


LONGEST = 80
"""So much of a statement is told."""

NAMES = ("constraint_name", "index_name", "column_name", "new_table_name")
"""Where operations keep the name of what they make, change or drop."""


def name_of(operation: Any) -> str:
    """Return a text such as ``add_column orders.total``."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", type(operation).__name__)
    verb = "_".join(words).lower().removesuffix("_op")
    if verb == "execute_sql":
        text = " ".join(str(operation.sqltext).split())
        return f"execute {text[:LONGEST]}"
    return f"{verb} {_place(operation)}".rstrip()


def _place(operation: Any) -> str:
    """Return the table, and the part of it."""
    table = getattr(operation, "table_name", None)
    if table is None:
        table = getattr(operation, "source_table", None)
    if table is not None and not isinstance(table, str):
        table = getattr(table, "name", "")
    column = getattr(operation, "column", None)
    parts = [getattr(operation, name, None) for name in NAMES]
    parts.append(getattr(column, "name", None))
    part = next((str(each) for each in parts if each), "")
    return ".".join(each for each in (str(table or ""), part) if each)
