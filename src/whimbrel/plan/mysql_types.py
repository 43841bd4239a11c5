"""The types of MySQL and MariaDB: from the server's spelling to SQLAlchemy's.

https://mariadb.com/kb/en/data-types/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from whimbrel.plan.spelled import Spelled, is_own, without_check
from whimbrel.schema.state import Column


AnyType = TypeEngine[Any]

SPELLING = re.compile(
    r"(?P<name>[a-z_0-9 ]+?)\s*(?:\((?P<inner>.*)\))?"
    r"(?P<unsigned> unsigned)?(?P<zerofill> zerofill)?",
    re.DOTALL,
)
VALUE = re.compile(r"'((?:[^']|'')*)'")

WIDTHS = {
    "tinyint": (4, 3),
    "smallint": (6, 5),
    "mediumint": (9, 8),
    "int": (11, 10),
    "bigint": (20, 20),
}
"""The display widths that nobody has to say: signed, unsigned."""

INTEGERS: dict[str, type[AnyType]] = {
    "tinyint": mysql.TINYINT,
    "smallint": mysql.SMALLINT,
    "mediumint": mysql.MEDIUMINT,
    "int": mysql.INTEGER,
    "bigint": mysql.BIGINT,
}
PLAIN_INTEGERS: dict[str, type[AnyType]] = {
    "smallint": sa.SmallInteger,
    "int": sa.Integer,
    "bigint": sa.BigInteger,
}
FRACTIONS: dict[str, type[AnyType]] = {
    "decimal": mysql.DECIMAL,
    "float": mysql.FLOAT,
    "double": mysql.DOUBLE,
}
PLAIN_FRACTIONS: dict[str, type[AnyType]] = {
    "decimal": sa.Numeric,
    "float": sa.Float,
    "double": sa.Double,
}
TEXTS: dict[str, type[AnyType]] = {
    "char": sa.CHAR,
    "varchar": sa.String,
    "text": sa.Text,
    "tinytext": mysql.TINYTEXT,
    "mediumtext": mysql.MEDIUMTEXT,
    "longtext": mysql.LONGTEXT,
}
TIMES: dict[str, Callable[..., AnyType]] = {
    "time": mysql.TIME,
    "datetime": mysql.DATETIME,
    "timestamp": mysql.TIMESTAMP,
}
PLAIN: dict[str, type[AnyType]] = {
    "time": sa.Time,
    "datetime": sa.DateTime,
    "timestamp": sa.TIMESTAMP,
    "date": sa.Date,
    "year": mysql.YEAR,
    "json": sa.JSON,
    "blob": sa.LargeBinary,
    "tinyblob": mysql.TINYBLOB,
    "mediumblob": mysql.MEDIUMBLOB,
    "longblob": mysql.LONGBLOB,
    "binary": sa.BINARY,
    "varbinary": sa.VARBINARY,
    "bit": mysql.BIT,
    "uuid": sa.UUID,
}


def type_of(column: Column) -> AnyType:
    """Return the type of *column*, by which a script makes it."""
    form = column.type.form
    return without_check(form) if form is not None else spelled_type(column)


def existing_type_of(column: Column) -> AnyType:
    """Return the type that a script says *column* to have until then.

    A type of the app's own may be gone by then.
    """
    form = column.type.form
    return spelled_type(column) if form is None or is_own(form) else without_check(form)


def is_text(column: Column) -> bool:
    """Whether a column has a collation."""
    spelling = column.type.spelling
    return spelling.startswith(("enum(", "set(")) or (
        spelling.partition("(")[0].split(" ")[0] in TEXTS
    )


def spelled_type(column: Column) -> AnyType:
    """Return SQLAlchemy's type that the server would spell like that of *column*."""
    spelling, collation = column.type.spelling, column.collation
    match = SPELLING.fullmatch(spelling)
    found = _found(match, collation) if match is not None else None
    if found is not None:
        return found
    return Spelled(f"{spelling} COLLATE {collation}" if collation else spelling)


def _found(match: re.Match[str], collation: str | None) -> AnyType | None:
    name, inner = match["name"], match["inner"]
    collated = {"collation": collation} if collation else {}
    if name in ("enum", "set"):
        return _of_values(name, inner, collated)
    try:
        numbers = [int(each) for each in inner.split(",")] if inner else []
    except ValueError:
        return None
    signs = {key: True for key in ("unsigned", "zerofill") if match[key]}
    if name in WIDTHS:
        return _integer(name, numbers, signs)
    if name in FRACTIONS:
        plain = PLAIN_FRACTIONS[name]
        is_plain = not signs and (name == "decimal" or not numbers)
        return plain(*numbers) if is_plain else FRACTIONS[name](*numbers, **signs)
    return _simple(name, numbers, collated)


def _simple(
    name: str, numbers: list[int], collated: Mapping[str, Any]
) -> AnyType | None:
    if name in TEXTS:
        return TEXTS[name](*numbers, **collated)
    if name in TIMES and numbers:
        return TIMES[name](fsp=numbers[0])
    if name == "year":
        return mysql.YEAR() if numbers in ([], [4]) else None
    return PLAIN[name](*numbers) if name in PLAIN else None


def _integer(name: str, numbers: list[int], signs: Mapping[str, Any]) -> AnyType:
    is_usual = not numbers or numbers[0] == WIDTHS[name]["unsigned" in signs]
    if is_usual and not signs and name in PLAIN_INTEGERS:
        return PLAIN_INTEGERS[name]()
    width = {} if is_usual else {"display_width": numbers[0]}
    return INTEGERS[name](**width, **signs)


def _of_values(
    name: str, inner: str | None, collated: Mapping[str, Any]
) -> AnyType | None:
    """Return an ENUM or a SET; one with escapes is left as it is spelled."""
    if inner is None or "\\" in inner:
        return None
    values = [each.replace("''", "'") for each in VALUE.findall(inner)]
    if name == "set":
        return None if "" in values else mysql.SET(*values, **collated)
    return mysql.ENUM(*values, **collated) if collated else sa.Enum(*values)
