"""PostgreSQL's types and defaults in the words of a state; its enumerated types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from whimbrel.catalog.postgresql_session import Session
from whimbrel.catalog.postgresql_settled import settled
from whimbrel.schema.state import Enum, Expression, Option


_STRINGS = frozenset({"text", "character varying", "character", "bpchar"})
_NUMBERS = frozenset(
    {"smallint", "integer", "bigint", "numeric", "real", "double precision"}
)
_CONSTANT = re.compile(r"('(?:[^']|'')*'|NULL)::([\w\s.\"\[\](),]+)", re.DOTALL)
_NUMBER = re.compile(r"'(-?\d+(?:\.\d+)?)'")
_NOW = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\b(?:CURRENT_TIMESTAMP\b(?!\()|transaction_timestamp\(\))"""
)
_MODIFIER = re.compile(r"\([^()]*\)")

_ENUMS = """
SELECT n.nspname, t.typname,
       ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e
             WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder), ds.description
FROM pg_catalog.pg_type t
LEFT JOIN pg_catalog.pg_description ds ON ds.objoid = t.oid
    AND ds.classoid = 'pg_catalog.pg_type'::regclass
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'e' AND n.nspname IN ({schemas})
AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                WHERE d.classid = 'pg_catalog.pg_type'::regclass
                AND d.objid = t.oid AND d.deptype = 'e')
"""


def read_enums(session: Session, schemas: str) -> Iterator[Enum]:
    """Yield the enumerated types of some schemas that no extension owns.

    Args:
        session: where to read.
        schemas: the names of the schemas, as SQL lists them.
    """
    for schema, name, values, comment in session.rows(_ENUMS.format(schemas=schemas)):
        said = frozenset({Option("type_comment", comment)} if comment else ())
        yield Enum(
            name=name,
            schema=session.schema(schema),
            values=tuple(values),
            options=said,
        )


def stored_expression(text: str) -> Expression:
    """Return an expression that the server spells *text*."""
    return Expression(settled(text), text)


@lru_cache(maxsize=4096)
def default_expression(text: str, spelling: str) -> Expression | None:
    """Return a default that the server spells *text* on a column of a type.

    A constant of the column's own type is told without the name of that type; so
    ``'0'`` and ``0`` are one default of a number. The moment at which a transaction
    began has three spellings, of which the server keeps the one that was written.

    Args:
        text: what ``pg_get_expr`` tells.
        spelling: what ``format_type`` tells of the column.
    """
    found = _CONSTANT.fullmatch(text)
    if found is None:
        return Expression(_NOW.sub(_said_of_now, settled(text)), text)
    constant, label = found.groups()
    family, label = _unmodified(spelling), _unmodified(label)
    if label != family and not _are_kin(label, family):
        return Expression(text, text)
    if constant == "NULL":
        return None
    if family in _NUMBERS:
        constant = _NUMBER.sub(r"\1", constant)
    return Expression(constant, text)


def _said_of_now(found: re.Match[str]) -> str:
    """Return ``now()``; what stands between quotes is not meant."""
    return found[0] if found[0][0] in "'\"" else "now()"


def _unmodified(spelling: str) -> str:
    """Return a type without its modifiers: ``numeric[]`` for ``numeric(10,2)[]``."""
    return " ".join(_MODIFIER.sub("", spelling).split())


def _are_kin(label: str, family: str) -> bool:
    """Whether a constant of the one type is the same as one of the other."""
    return any(label in kin and family in kin for kin in (_STRINGS, _NUMBERS))
