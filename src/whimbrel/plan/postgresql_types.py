"""PostgreSQL's spellings of types: what SQLAlchemy calls them, what casts to what.

https://www.postgresql.org/docs/current/datatype.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine


AnyType = TypeEngine[Any]

SPELLING = re.compile(
    r"(?P<name>.*?)\s*(?:\((?P<numbers>-?[\d\s]+(?:,-?[\d\s]+)*)\))?"
    r"(?P<rest> with(?:out)? time zone)?(?P<array>\[\])?",
    re.DOTALL,
)

PLAIN: dict[str, type[AnyType]] = {
    "bigint": sa.BigInteger,
    "boolean": sa.Boolean,
    "bytea": sa.LargeBinary,
    "citext": postgresql.CITEXT,
    "cidr": postgresql.CIDR,
    "date": sa.Date,
    "datemultirange": postgresql.DATEMULTIRANGE,
    "daterange": postgresql.DATERANGE,
    "double precision": sa.Double,
    "hstore": postgresql.HSTORE,
    "inet": postgresql.INET,
    "int4multirange": postgresql.INT4MULTIRANGE,
    "int4range": postgresql.INT4RANGE,
    "int8multirange": postgresql.INT8MULTIRANGE,
    "int8range": postgresql.INT8RANGE,
    "integer": sa.Integer,
    "json": sa.JSON,
    "jsonb": postgresql.JSONB,
    "macaddr": postgresql.MACADDR,
    "macaddr8": postgresql.MACADDR8,
    "money": postgresql.MONEY,
    "nummultirange": postgresql.NUMMULTIRANGE,
    "numrange": postgresql.NUMRANGE,
    "oid": postgresql.OID,
    "real": sa.REAL,
    "regclass": postgresql.REGCLASS,
    "smallint": sa.SmallInteger,
    "text": sa.Text,
    "time without time zone": sa.Time,
    "timestamp without time zone": sa.DateTime,
    "tsmultirange": postgresql.TSMULTIRANGE,
    "tsquery": postgresql.TSQUERY,
    "tsrange": postgresql.TSRANGE,
    "tstzmultirange": postgresql.TSTZMULTIRANGE,
    "tstzrange": postgresql.TSTZRANGE,
    "tsvector": postgresql.TSVECTOR,
    "uuid": sa.Uuid,
}
"""What needs nothing more than its name."""

NUMBERED: dict[str, type[AnyType]] = {
    "bit": postgresql.BIT,
    "character": sa.CHAR,
    "character varying": sa.String,
    "numeric": sa.Numeric,
}
COLLATABLE = ("text", "character", "character varying", "citext")

NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
STRINGS = ("text", "character varying", "character", "citext", "name", "bpchar")

ASSIGNABLE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(NUMBERS, NUMBERS),
    "box": ("polygon",),
    "bit": ("bit varying",),
    "bit varying": ("bit",),
    "cidr": ("inet",),
    "date": ("timestamp without time zone", "timestamp with time zone"),
    "inet": ("cidr",),
    "interval": ("time without time zone",),
    "json": ("jsonb",),
    "jsonb": ("json",),
    "macaddr": ("macaddr8",),
    "macaddr8": ("macaddr",),
    "money": ("numeric",),
    "path": ("polygon",),
    "point": ("box",),
    "polygon": ("path",),
    "time with time zone": ("time without time zone",),
    "time without time zone": ("interval", "time with time zone"),
    "timestamp with time zone": (
        "date",
        "time without time zone",
        "timestamp without time zone",
        "time with time zone",
    ),
    "timestamp without time zone": (
        "date",
        "time without time zone",
        "timestamp with time zone",
    ),
}
"""What a column becomes by itself: the assignment casts of ``pg_cast``.

All becomes a string.
"""

EXPLICIT: dict[str, tuple[str, ...]] = {
    "bit": ("bigint", "integer"),
    "boolean": ("integer",),
    "bigint": ("bit",),
    "integer": ("bit",),
    "int4range": ("int4multirange",),
    "int8range": ("int8multirange",),
    "numrange": ("nummultirange",),
    "daterange": ("datemultirange",),
    "tsrange": ("tsmultirange",),
    "tstzrange": ("tstzmultirange",),
    "box": ("point", "lseg", "circle"),
    "circle": ("point", "box", "polygon"),
    "lseg": ("point",),
    "polygon": ("point", "box", "circle"),
    "jsonb": ("boolean", *NUMBERS),
}
"""What a column becomes when asked to: the explicit casts of ``pg_cast``."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """A type's spelling in its parts."""

    name: str
    numbers: tuple[int, ...] = ()
    is_array: bool = False

    @property
    def whole(self) -> tuple[str, bool]:
        """The type without its modifiers."""
        return self.name, self.is_array


def parsed(spelling: str) -> Spelling:
    """Return the parts of what ``format_type()`` says."""
    match = SPELLING.fullmatch(spelling)
    if match is None:
        return Spelling(spelling)
    numbers = tuple(int(each) for each in re.findall(r"-?\d+", match["numbers"] or ""))
    name = match["name"] + (match["rest"] or "")
    return Spelling(name, numbers, bool(match["array"]))


def spelled_type(
    spelling: str, collation: str | None, named: Mapping[str, AnyType]
) -> AnyType | None:
    """Return SQLAlchemy's type for a spelling; None if it has none.

    Args:
        spelling: what ``format_type()`` says.
        collation: the collation of the column, if it is not the type's own.
        named: the types that stand by themselves, by their spelling.
    """
    parts = parsed(spelling)
    element = spelling.removesuffix("[]") if parts.is_array else spelling
    found = named.get(element) or _builtin(parts, collation)
    if found is None or not parts.is_array:
        return found
    return postgresql.ARRAY(found)


def _builtin(parts: Spelling, collation: str | None) -> AnyType | None:
    name, numbers = parts.name, parts.numbers
    if collation is not None and name not in COLLATABLE:
        return None
    kw = {"collation": collation} if collation is not None else {}
    if name in PLAIN and not numbers:
        return PLAIN[name](**kw)
    if name in NUMBERED:
        return NUMBERED[name](*numbers, **kw)
    if name == "bit varying":
        return postgresql.BIT(numbers[0] if numbers else None, varying=True)
    return _temporal(name, numbers)


def _temporal(name: str, numbers: tuple[int, ...]) -> AnyType | None:
    """Return a type of times that says a precision, a time zone or fields."""
    precision = numbers[0] if numbers else None
    has_zone = name.endswith(" with time zone")
    kind = name.partition(" ")[0]
    if kind == "timestamp":
        if precision is None:
            return sa.DateTime(timezone=has_zone)
        return postgresql.TIMESTAMP(timezone=has_zone, precision=precision)
    if kind == "time":
        if precision is None:
            return sa.Time(timezone=has_zone)
        return postgresql.TIME(timezone=has_zone, precision=precision)
    if kind == "interval":
        fields = name.partition(" ")[2] or None
        return postgresql.INTERVAL(fields=fields, precision=precision)
    return None


def using(before: str, after: str, column: str) -> str | None:
    """Return by what SQL a column's values become another type's.

    None where the server knows by itself.

    Args:
        before: the spelling of the type that the column has.
        after: the spelling of the type that it shall have.
        column: its name, quoted.
    """
    old, new = parsed(before), parsed(after)
    if old.whole == new.whole:
        return None
    if old.is_array and new.is_array:
        if is_assignable(old.name, new.name):
            return None
        through = "" if new.name in EXPLICIT.get(old.name, ()) else "::text[]"
        return f"{column}{through}::{after}"
    if new.is_array:
        element = after.removesuffix("[]")
        value = using(before, element, column) or column
        return f"CASE WHEN {column} IS NOT NULL THEN ARRAY[{value}]::{after} END"
    if old.is_array:
        return _array_becomes(new.name, after, column)
    return _scalar_becomes(old.name, new.name, after, column)


def is_assignable(old: str, new: str) -> bool:
    """Whether a column of one type becomes another by itself."""
    if old == new or new in ASSIGNABLE.get(old, ()):
        return True
    return new in STRINGS and old != "bytea"


def _array_becomes(name: str, after: str, column: str) -> str | None:
    if name in STRINGS:
        return None
    if name in ("json", "jsonb"):
        return f"to_{name}({column})"
    return f"{column}::text::{after}"


def _scalar_becomes(old: str, new: str, after: str, column: str) -> str | None:
    if is_assignable(old, new):
        return None
    ways = (
        (old == "bytea" and new == "uuid", f"encode({column}, 'hex')::uuid"),
        (old == "uuid" and new == "bytea", f"uuid_send({column})"),
        (old == "bytea" and new in STRINGS, f"convert_from({column}, 'UTF8')"),
        (old == "bytea", f"convert_from({column}, 'UTF8')::{after}"),
        (old in STRINGS and new == "bytea", f"convert_to({column}, 'UTF8')"),
        (new == "bytea", f"convert_to({column}::text, 'UTF8')"),
        (old in NUMBERS and new == "boolean", f"{column} <> 0"),
        (old == "boolean" and new in NUMBERS, f"{column}::integer::{after}"),
        (old in STRINGS, f"{column}::{after}"),
        (new in EXPLICIT.get(old, ()), f"{column}::{after}"),
        (new in ("json", "jsonb"), f"to_{new}({column})"),
    )
    found = (sql for holds, sql in ways if holds)
    return next(found, f"{column}::text::{after}")
