"""What the indexes of partitions are called, which their wholes gave them."""

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
_LABELS = {"p": "pkey", "u": "key", "x": "excl", "": "idx"}


def with_given_names(
    session: Session, which: str, tables: Iterable[Table]
) -> Iterator[Table]:
    """Yield partitions, with those names of indexes that the server would not choose.

    Args:
        session: where to read.
        which: the condition on the partitions.
        tables: the partitions.
    """
    found: dict[TableName, dict[str, tuple[str, str]]] = {}
    for schema, table, whole, name, kind, columns in session.rows(
        _GIVEN.format(which=which)
    ):
        label = _LABELS[kind]
        own = re.search(r"\d*$", name)
        second = "" if kind == "p" else columns
        usual = fitted_name(table, second, label)
        numbered = fitted_name(table, second, label + (own[0] if own else ""))
        if name not in (usual, numbered):
            place = TableName(table, session.schema(schema))
            found.setdefault(place, {})[whole] = (name, usual)
    for each in tables:
        names = found.get(each.name)
        if names is None:
            yield each
        else:
            told = Option("index_names", json.dumps(names, ensure_ascii=False))
            yield replace(each, options=each.options | {told})
