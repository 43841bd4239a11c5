"""The defaults that parts, and heirs, of a PostgreSQL database's tables say themselves.

What becomes of the default of a table becomes of that of all that is made from it,
whatever they say; so does what becomes of the type of a column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from whimbrel.catalog.postgresql_session import Session
from whimbrel.schema.state import OWN_DEFAULT, Onlooker, TableName, Use


_DEFAULTS = """
WITH RECURSIVE kin (heir, whole) AS (
    SELECT h.inhrelid, h.inhparent FROM pg_catalog.pg_inherits h
    JOIN pg_catalog.pg_class c ON c.oid = h.inhrelid AND c.relkind IN ('r', 'p', 'f')
    UNION SELECT k.heir, h.inhparent FROM kin k
    JOIN pg_catalog.pg_inherits h ON h.inhrelid = k.whole)
SELECT n.nspname, c.relname, a.attname,
       format('ALTER TABLE IF EXISTS ONLY %s ALTER %I', c.oid::regclass, a.attname),
       pg_catalog.pg_get_expr(d.adbin, d.adrelid),
       json_agg(json_build_array(wn.nspname, wc.relname))
FROM kin
JOIN pg_catalog.pg_class c ON c.oid = heir
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = heir AND a.attnum > 0
    AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
JOIN pg_catalog.pg_class wc ON wc.oid = whole
JOIN pg_catalog.pg_namespace wn ON wn.oid = wc.relnamespace
JOIN pg_catalog.pg_attribute w ON w.attrelid = whole AND w.attname = a.attname
    AND NOT w.attisdropped AND w.attgenerated = '' AND w.attidentity = ''
LEFT JOIN pg_catalog.pg_attrdef wd ON wd.adrelid = w.attrelid AND wd.adnum = w.attnum
GROUP BY n.nspname, c.relname, a.attname, c.oid, d.adbin, d.adrelid
HAVING bool_or(pg_catalog.pg_get_expr(wd.adbin, wd.adrelid)
    IS DISTINCT FROM pg_catalog.pg_get_expr(d.adbin, d.adrelid))
ORDER BY n.nspname, c.relname, a.attname
"""
_LITERAL = re.compile(r"('(?:[^']|'')*')::[^:(']+")


def read_own_defaults(session: Session) -> Iterator[Onlooker]:
    """Yield the defaults of columns that are not those of the tables they are of."""
    for row in session.rows(_DEFAULTS):
        yield _own_default(session, *row)


def _own_default(session: Session, *row: Any) -> Onlooker:
    schema, name, column, alter, default, wholes = row
    table = TableName(name, session.schema(schema))
    kin = [TableName(whole, session.schema(of)) for of, whole in wholes]
    drop = f"{alter} DROP DEFAULT"
    made = f"{alter} SET DEFAULT {_said(default)}" if default is not None else drop
    return Onlooker(
        kind=OWN_DEFAULT,
        name=TableName(f"of {table}.{column}"),
        uses=frozenset(Use(each, column) for each in (table, *kin)),
        dropped=drop,
        made=(made,),
        table=table,
        needs=frozenset(),
    )


def _said(default: str) -> str:
    """Return a default for whatever type its column gets, if that may be another."""
    found = _LITERAL.fullmatch(default)
    return found[1] if found else default
