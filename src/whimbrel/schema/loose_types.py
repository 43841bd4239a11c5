"""Whether two spellings of a column type may stand for one type.

The models' types are spelled by SQLAlchemy's compiler, those of a database by its
catalog, and the two need not use the same word.
"""

from __future__ import annotations

import re


_GROUPS = (
    "INTEGER|INT|INT4|INT32|SIGNED|SERIAL|MEDIUMINT",
    "BIGINT|INT8|INT64|LONG|BIGSERIAL|HUGEINT",
    "SMALLINT|INT2|INT16|TINYINT|SMALLSERIAL",
    "BOOLEAN|BOOL",
    "NUMERIC|DECIMAL|DEC|NUMBER|FIXED",
    "FLOAT|REAL|DOUBLE|DOUBLE PRECISION|FLOAT4|FLOAT8|FLOAT32|FLOAT64"
    "|BINARY_FLOAT|BINARY_DOUBLE",
    "VARCHAR|CHARACTER VARYING|CHAR VARYING|VARCHAR2|NVARCHAR|NVARCHAR2|STRING",
    "CHAR|CHARACTER|NCHAR|BPCHAR",
    "TEXT|CLOB|NCLOB|NTEXT|LONG VARCHAR|LONGTEXT|STRING|BLOB SUB_TYPE TEXT",
    "BLOB|BYTEA|BINARY|VARBINARY|RAW|BYTES|LONGBLOB|IMAGE|LONG RAW|BINARY VARYING",
    "TIMESTAMP|DATETIME|DATETIME2|SMALLDATETIME|TIMESTAMP WITHOUT TIME ZONE"
    "|TIMESTAMP_NTZ",
    "TIMESTAMP WITH TIME ZONE|TIMESTAMPTZ|DATETIMEOFFSET|TIMESTAMP_TZ",
    "TIME|TIME WITHOUT TIME ZONE",
)
_FAMILIES = tuple(frozenset(group.split("|")) for group in _GROUPS)
_STANDS_IN = {
    "BOOLEAN": "BIT|TINYINT|SMALLINT|NUMBER|CHAR",
    "BOOL": "BIT|TINYINT|SMALLINT|NUMBER|CHAR",
    "NUMBER": "INTEGER|BIGINT|SMALLINT|FLOAT",
    "UUID": "UNIQUEIDENTIFIER|CHAR|RAW|BINARY|STRING",
    "JSON": "JSONB|VARIANT|SUPER|OBJECT|TEXT|CLOB|LONGTEXT|STRING",
}
"""What a database may have in the place of a type that it lacks."""

_ENDLESS = frozenset(("TEXT", "CLOB", "NCLOB", "NTEXT", "LONGTEXT", "STRING"))
_TEXTS = _FAMILIES[6]
_UNMEASURED = _FAMILIES[0] | _FAMILIES[1] | _FAMILIES[2] | _FAMILIES[3] | _FAMILIES[5]
"""The types whose numbers, if any, are no more than a width for showing."""

_SAID_BESIDE = re.compile(
    r'\s+(?:COLLATE|CHARACTER SET|CHARSET)\s+(?:"[^"]*"|`[^`]*`|\S+)', re.IGNORECASE
)
_ARGUMENTS = re.compile(r"\s*\(([^()]*)\)")


def is_maybe_same(one: str, other: str) -> bool:
    """Whether two spellings may stand for one type; what has no spelling may be any."""
    if not one or not other:
        return True
    name, arguments = _parsed(one)
    other_name, other_arguments = _parsed(other)
    if not _are_kin((name, arguments), (other_name, other_arguments)):
        return False
    if not arguments or not other_arguments:
        return True
    if not (_numbers(arguments) and _numbers(other_arguments)):
        return name != other_name or _squeezed(arguments) == _squeezed(other_arguments)
    if _UNMEASURED & {name, other_name}:
        return True
    return _numbers(arguments) == _numbers(other_arguments)


def _are_kin(one: tuple[str, str], other: tuple[str, str]) -> bool:
    names = {one[0], other[0]}
    if len(names) == 1 or any(names <= family for family in _FAMILIES):
        return True
    for name in names & _STANDS_IN.keys():
        if names & set(_STANDS_IN[name].split("|")):
            return True
    texts = [arguments for name, arguments in (one, other) if name in _TEXTS]
    return bool(names & _ENDLESS) and texts == [""]


def _parsed(spelling: str) -> tuple[str, str]:
    """Return the name of a type and what stands in its parentheses."""
    plain = _SAID_BESIDE.sub("", spelling)
    found = _ARGUMENTS.search(plain)
    name = _ARGUMENTS.sub("", plain, count=1).replace('"', "")
    return " ".join(name.upper().split()), found[1].strip() if found else ""


def _numbers(arguments: str) -> tuple[int, ...]:
    """Return the numbers of a type; none if it has other arguments, no scale is 0."""
    words = [each.split()[0] for each in arguments.split(",") if each.strip()]
    if not all(word.isdigit() for word in words):
        return ()
    numbers = tuple(map(int, words))
    return numbers[:1] if numbers[1:] == (0,) else numbers


def _squeezed(arguments: str) -> str:
    return re.sub(r"\s*,\s*", ",", arguments)
