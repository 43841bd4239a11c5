"""The checks and foreign keys of a PostgreSQL database's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from whimbrel.catalog.postgresql_columns import TableColumns, read_names
from whimbrel.catalog.postgresql_session import Session
from whimbrel.catalog.postgresql_types import stored_expression
from whimbrel.schema.state import (
    NO_OPTIONS,
    Check,
    Constraint,
    ForeignKey,
    Option,
    Options,
    TableName,
)


_CONSTRAINTS = """
SELECT k.conrelid, k.contype = 'c', k.conname, k.conkey,
       pg_catalog.pg_get_expr(k.conbin, k.conrelid), k.connoinherit,
       k.convalidated, {enforced},
       k.confrelid, fn.nspname, fc.relname, k.confkey,
       k.confdeltype::text, k.confupdtype::text, k.confmatchtype::text,
       k.condeferrable, k.condeferred, {listed}, ds.description
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
LEFT JOIN pg_catalog.pg_class fc ON fc.oid = k.confrelid
LEFT JOIN pg_catalog.pg_namespace fn ON fn.oid = fc.relnamespace
LEFT JOIN pg_catalog.pg_description ds ON ds.objoid = k.oid
    AND ds.classoid = 'pg_catalog.pg_constraint'::regclass
WHERE k.contype IN ('c', 'f') AND k.conparentid = 0
AND (k.conislocal AND NOT c.relispartition OR k.coninhcount = 0) AND {which}
"""
_LISTED = """CASE WHEN k.confdelsetcols IS NOT NULL THEN
    (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY each.place)
     FROM unnest(k.confdelsetcols) WITH ORDINALITY AS each(number, place)
     JOIN pg_catalog.pg_attribute a
     ON a.attrelid = k.conrelid AND a.attnum = each.number) END"""
_ACTIONS = {"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


@dataclass(frozen=True, slots=True)
class Named:
    """A check and the columns that it names, as the server counts them."""

    check: Check
    columns: tuple[str, ...]


def read_constraints(
    session: Session, which: str, columns: Mapping[int, TableColumns]
) -> dict[int, list[Constraint]]:
    """Return the checks and foreign keys of tables, by the tables' identifiers.

    Args:
        session: where to read.
        which: the condition on the tables.
        columns: the columns of the tables.
    """
    rows = session.rows(
        _CONSTRAINTS.format(
            which=which,
            enforced="k.conenforced" if session.version >= (18,) else "true",
            listed=_LISTED if session.version >= (15,) else "NULL",
        )
    )
    names = {relation: table.names for relation, table in columns.items()}
    elsewhere = {row[8] for row in rows if row[8] and row[8] not in names}
    names.update(read_names(session, sorted(elsewhere)))
    found: dict[int, list[Constraint]] = {}
    for row in rows:
        constraint = _check(row) if row[1] else _foreign_key(row, session, names)
        found.setdefault(row[0], []).append(constraint)
    return found


def _check(row: Sequence[Any]) -> Check:
    name, text, no_inherit = row[2], row[4], row[5]
    options = _validity(row)
    if no_inherit:
        options |= {Option("no_inherit", "on")}
    return Check(name=name, expression=stored_expression(text), options=options)


def _foreign_key(
    row: Sequence[Any], session: Session, names: Mapping[int, Mapping[int, str]]
) -> ForeignKey:
    relation, target = row[0], row[8]
    on_delete, on_update, match, deferrable, deferred, listed, _ = row[12:]
    action = _ACTIONS.get(on_delete)
    return ForeignKey(
        name=row[2],
        columns=tuple([names[relation][number] for number in row[3]]),
        target=TableName(row[10], session.schema(row[9])),
        target_columns=tuple([names[target][number] for number in row[11]]),
        on_delete=f"{action} ({listed})" if listed else action,
        on_update=_ACTIONS.get(on_update),
        match="FULL" if match == "f" else None,
        deferrable=deferrable,
        initially_deferred=deferred,
        options=_validity(row),
    )


def _validity(row: Sequence[Any]) -> Options:
    """Return whether a constraint holds for all rows; and its comment."""
    is_valid, is_enforced, comment = row[6], row[7], row[-1]
    said = NO_OPTIONS if comment is None else frozenset({Option("comment", comment)})
    if not is_enforced:
        return said | {Option("not_enforced", "on")}
    return said if is_valid else said | {Option("not_valid", "on")}
