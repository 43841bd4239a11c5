"""What partitions have of their wholes otherwise than these: names, and what holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from whimbrel.catalog.postgresql_session import Session
from whimbrel.schema.names import fitted_name
from whimbrel.schema.state import Option, Table, TableName


_GIVEN = """
SELECT n.nspname, c.relname, h.inhparent::regclass::text, ic.relname,
       COALESCE(k.contype::text, ''),
       (SELECT string_agg(a.attname, '_' ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a WHERE a.attrelid = ic.oid)
FROM pg_catalog.pg_inherits h
JOIN pg_catalog.pg_class ic ON ic.oid = h.inhrelid AND ic.relkind IN ('i', 'I')
JOIN pg_catalog.pg_index i ON i.indexrelid = ic.oid
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = ic.oid
    AND k.contype IN ('p', 'u', 'x')
WHERE (k.oid IS NULL OR k.conparentid <> 0) AND {which}
ORDER BY 3
"""
_VALID = """
SELECT n.nspname, c.relname, json_agg(k.conname ORDER BY k.conname)::text
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_inherits h ON h.inhrelid = c.oid
JOIN pg_catalog.pg_constraint w ON w.conrelid = h.inhparent AND w.contype = 'c'
    AND w.conname = k.conname AND NOT w.convalidated
WHERE k.contype = 'c' AND k.coninhcount > 0 AND k.convalidated AND {which}
GROUP BY n.nspname, c.relname
"""
_LABELS = {"p": "pkey", "u": "key", "x": "excl", "": "idx"}


def with_own_ways(
    session: Session, which: str, tables: Iterable[Table]
) -> Iterator[Table]:
    """Yield partitions, with what they have of their wholes otherwise than these.

    Args:
        session: where to read.
        which: the condition on the partitions.
        tables: the partitions.
    """
    names = _given_names(session, which)
    valid = {
        TableName(table, session.schema(schema)): checks
        for schema, table, checks in session.rows(_VALID.format(which=which))
    }
    for each in tables:
        told = {"index_names": names.get(each.name), "validated": valid.get(each.name)}
        own = {Option(name, value) for name, value in told.items() if value}
        yield replace(each, options=each.options | own) if own else each


def _given_names(session: Session, which: str) -> dict[TableName, str]:
    """Return the names of indexes that the server would not choose, by partitions."""
    found: dict[TableName, dict[str, tuple[str, str]]] = {}
    for schema, table, whole, name, kind, columns in session.rows(
        _GIVEN.format(which=which)
    ):
        label, second = _LABELS[kind], "" if kind == "p" else columns
        number = re.search(r"\d*$", name)
        usual = fitted_name(table, second, label)
        numbered = fitted_name(table, second, label + (number[0] if number else ""))
        if name not in (usual, numbered):
            place = TableName(table, session.schema(schema))
            found.setdefault(place, {})[whole] = (name, usual)
    return {
        place: json.dumps(names, ensure_ascii=False) for place, names in found.items()
    }
