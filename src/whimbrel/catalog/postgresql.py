"""The state of a PostgreSQL database, read from pg_catalog in a few bulk queries.

Everything is read with a search path of the default schema alone, so that the same
thing is spelled alike whatever the session's own path is.

The words of such a state, beyond what `whimbrel.schema.state` says: names are bare; a
constant default of a column's own type is told without a cast. ``Table.options`` are
with, tablespace, partition_by, inherits, unlogged and using, and row_security,
force_row_security, replica_identity, cluster_on, of_type, inherited_defaults and
inherited_not_null, of which models say nothing; a partition, read where two databases
are compared, has partition_of, index_names and validated, its keys index_of; a column's
are serial, and storage, compression, statistics, settings and sequence_comment, of
which models say nothing; a key's deferrable, include, with and nulls_not_distinct; a
check's no_inherit; a check's and foreign key's not_valid and not_enforced; an index's
using, include, with, tablespace, nulls_not_distinct, invalid, and index_comment and
index_statistics, which models cannot say, its parts' nulls, ops and collation; any
constraint's comment. What has several values is JSON, what only is or is not has the
value "on".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy.engine import Connection

from whimbrel.catalog.postgresql_columns import TableColumns, read_columns
from whimbrel.catalog.postgresql_constraints import read_constraints
from whimbrel.catalog.postgresql_hanging import read_hanging
from whimbrel.catalog.postgresql_indexes import TableIndexes, read_indexes
from whimbrel.catalog.postgresql_own_defaults import read_own_defaults
from whimbrel.catalog.postgresql_parameters import parameters_text
from whimbrel.catalog.postgresql_parts import with_own_ways
from whimbrel.catalog.postgresql_sequences import (
    OwnedSequences,
    read_owned,
    read_sequences,
)
from whimbrel.catalog.postgresql_session import Session, literal
from whimbrel.catalog.postgresql_settled import settled
from whimbrel.catalog.postgresql_spoken import words
from whimbrel.catalog.postgresql_types import read_enums
from whimbrel.catalog.postgresql_views import read_as_wholes, read_views
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import Option, State, Table, TableName


_TABLES = """
SELECT c.oid, n.nspname, c.relname, c.relpersistence = 'u', c.reloptions,
       toast.reloptions, ts.spcname, am.amname, ds.description,
       c.relrowsecurity, c.relforcerowsecurity, c.relreplident::text,
       (SELECT 'index ' || x.relname FROM pg_catalog.pg_index i
        JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND i.indisreplident AND c.relreplident = 'i'),
       (SELECT x.relname FROM pg_catalog.pg_index i
        JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND i.indisclustered),
       CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END,
       CASE WHEN h.children IS NOT NULL AND NOT c.relispartition THEN
           (SELECT json_agg(p.inhparent::regclass::text ORDER BY p.inhseqno)::text
            FROM pg_catalog.pg_inherits p WHERE p.inhrelid = c.oid) END,
       CASE WHEN h.children IS NOT NULL THEN
           (SELECT json_object_agg(a.attname, pg_get_expr(d.adbin, d.adrelid)
                ORDER BY a.attname)::text
            FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d
                ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = c.oid AND a.attgenerated = '' AND a.attnum > 0
            AND NOT a.attisdropped AND (c.relispartition OR NOT a.attislocal)
            AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_inherits p JOIN pg_catalog.pg_attribute pa
                    ON pa.attrelid = p.inhparent AND pa.attname = a.attname
                LEFT JOIN pg_catalog.pg_attrdef pd
                    ON pd.adrelid = pa.attrelid AND pd.adnum = pa.attnum
                WHERE p.inhrelid = c.oid AND pg_get_expr(pd.adbin, pd.adrelid)
                    IS NOT DISTINCT FROM pg_get_expr(d.adbin, d.adrelid))) END,
       CASE WHEN h.children IS NOT NULL THEN
           (SELECT json_agg(a.attname ORDER BY a.attname)::text
            FROM pg_catalog.pg_attribute a
            WHERE a.attrelid = c.oid AND a.attnotnull AND a.attnum > 0
            AND (c.relispartition OR NOT a.attislocal)
            AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_inherits p JOIN pg_catalog.pg_attribute pa
                    ON pa.attrelid = p.inhparent AND pa.attname = a.attname
                WHERE p.inhrelid = c.oid AND pa.attnotnull)) END,
       CASE WHEN c.relispartition THEN
           (SELECT p.inhparent::regclass::text FROM pg_catalog.pg_inherits p
            WHERE p.inhrelid = c.oid) END,
       pg_catalog.pg_get_expr(c.relpartbound, c.oid),
       CASE WHEN c.reloftype <> 0 THEN c.reloftype::regtype::text END
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_class toast ON toast.oid = c.reltoastrelid
LEFT JOIN pg_catalog.pg_tablespace ts ON ts.oid = c.reltablespace
LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam AND am.amname <> 'heap'
LEFT JOIN pg_catalog.pg_description ds ON ds.objoid = c.oid AND ds.objsubid = 0
    AND ds.classoid = 'pg_catalog.pg_class'::regclass
LEFT JOIN (SELECT DISTINCT inhrelid AS children FROM pg_catalog.pg_inherits) h
    ON h.children = c.oid
WHERE {which} AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::regclass
    AND d.objid = c.oid AND d.deptype = 'e')
"""
_STORED = (
    "c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND NOT c.relispartition"
    " AND c.relnamespace IN"
    " (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname IN ({schemas}))"
)

_IDENTITIES = {"f": "full", "n": "nothing"}

_PARTITIONS = """
WITH RECURSIVE wholes (part, whole) AS (
    SELECT h.inhrelid, h.inhparent FROM pg_catalog.pg_inherits h
    JOIN pg_catalog.pg_class c ON c.oid = h.inhrelid
    WHERE c.relispartition AND c.relkind IN ('r', 'p')
    UNION ALL SELECT w.part, h.inhparent FROM wholes w
    JOIN pg_catalog.pg_inherits h ON h.inhrelid = w.whole)
SELECT n.nspname, c.relname, wn.nspname, wc.relname FROM wholes
JOIN pg_catalog.pg_class c ON c.oid = part
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class wc ON wc.oid = whole
JOIN pg_catalog.pg_namespace wn ON wn.oid = wc.relnamespace
WHERE n.nspname IN ({schemas})
"""


def read_postgresql(connection: Connection, scope: Scope) -> State:
    """Return the state of the PostgreSQL database at the other end of *connection*."""
    session = Session(connection)
    schemas = ", ".join(
        literal(schema or session.default_schema) for schema in scope.schemas
    )
    with session.undone():
        session.see_only_default_schema()
        wholes = _wholes(session, schemas)
        views = (read_as_wholes(each, wholes) for each in read_views(session))
        which = _STORED.format(schemas=schemas)
        owned = read_owned(session, which)
        return State(
            tables=frozenset(tables_of(session, which, scope.has, owned)),
            enums=frozenset(read_enums(session, schemas)),
            onlookers=(*views, *read_hanging(session), *read_own_defaults(session)),
            sequences=frozenset(read_sequences(session, schemas, owned)),
            partitions=frozenset(wholes),
            speaking=partial(words, reserved=session.reserved),
        )


def read_postgresql_parts(connection: Connection, scope: Scope) -> frozenset[Table]:
    """Return the partitions of tables, with what they have of their own."""
    session = Session(connection)
    schemas = ", ".join(
        literal(schema or session.default_schema) for schema in scope.schemas
    )
    which = _STORED.replace("NOT c.relispartition", "c.relispartition")
    with session.undone():
        session.see_only_default_schema()
        which = which.format(schemas=schemas)
        parts = tables_of(session, which, scope.has)
        return frozenset(with_own_ways(session, which, parts))


def tables_of(
    session: Session,
    which: str,
    accepts: Callable[[TableName], bool],
    owned: OwnedSequences | None = None,
) -> Iterator[Table]:
    """Yield the tables that fulfil a condition.

    Args:
        session: where to read; its search path tells what is spelled barely.
        which: the condition, on ``c``, a row of pg_class.
        accepts: whether the table of that name is to be told.
        owned: the sequences that their columns own, if those were read before.
    """
    if owned is None:
        owned = read_owned(session, which)
    tables = session.rows(_TABLES.format(which=which))
    columns = read_columns(session, which, owned)
    constraints = read_constraints(session, which, columns)
    indexes = read_indexes(session, which, columns)
    for row in tables:
        identifier, schema, name, *_ = row
        table = TableName(name, session.schema(schema))
        if accepts(table):
            own = indexes.get(identifier) or TableIndexes()
            yield Table(
                name=table,
                columns=tuple(columns.get(identifier, TableColumns()).own),
                constraints=frozenset([*constraints.get(identifier, ()), *own.keys]),
                indexes=frozenset(own.indexes),
                options=frozenset(_options(row)),
                comment=row[8],
            )


def _wholes(session: Session, schemas: str) -> dict[TableName, list[TableName]]:
    """Return the tables of which others are parts, by the parts."""
    found: dict[TableName, list[TableName]] = {}
    for schema, name, of, whole in session.rows(_PARTITIONS.format(schemas=schemas)):
        part = TableName(name, session.schema(schema))
        found.setdefault(part, []).append(TableName(whole, session.schema(of)))
    return found


def _options(row: Sequence[Any]) -> Iterator[Option]:
    _, _, _, is_unlogged, parameters, toasted, tablespace, method, _, *more = row
    is_secured, is_forced, identity, index, cluster, *more = more
    partition_by, parents, defaults, closed, whole, bound, of_type = more
    toast = [f"toast.{parameter}" for parameter in toasted or ()]
    said = [*(parameters or ()), *toast]
    told = {
        "unlogged": "on" if is_unlogged else None,
        "with": parameters_text(said) if said else None,
        "tablespace": tablespace,
        "using": method,
        "row_security": "on" if is_secured else None,
        "force_row_security": "on" if is_forced else None,
        "replica_identity": index or _IDENTITIES.get(identity),
        "cluster_on": cluster,
        "inherited_defaults": defaults and _list(json.loads(defaults)),
        "inherited_not_null": closed and _list(json.loads(closed)),
        "partition_by": partition_by and settled(partition_by),
        "partition_of": whole and _list([whole, bound]),
        "of_type": of_type,
        "inherits": _list(json.loads(parents)) if parents else None,
    }
    for name, value in told.items():
        if value is not None:
            yield Option(name, value)


def _list(values: list[str] | dict[str, str | None]) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True)
