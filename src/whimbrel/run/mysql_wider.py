"""Whether a type that a script only mentions holds all that a column holds, and more.

On MySQL and MariaDB, Alembic writes ``existing_type`` into its ``MODIFY``, so that
scripts use it to give an enumerated type another value or a text more room. What
would lose something is another matter: there the mention is a slip.
"""

from __future__ import annotations

import re


_TYPE = re.compile(r"(?P<name>[a-z]+)\s*(?:\((?P<inside>.*)\))?", re.I | re.DOTALL)
_VALUE = re.compile(r"'(?:[^'\\]|''|\\.)*'", re.DOTALL)
"""One of a list as a script and ``SHOW CREATE TABLE`` write it, where a backslash
escapes; the catalog's spelling of a type has none of those."""
_LADDERS = (
    ("tinyint", "smallint", "mediumint", "int", "bigint"),
    ("tinytext", "text", "mediumtext", "longtext"),
    ("tinyblob", "blob", "mediumblob", "longblob"),
    ("float", "double"),
)
_ALIASES = {"integer": "int", "bool": "tinyint", "boolean": "tinyint"}
_MEASURED = ("char", "varchar", "binary", "varbinary", "datetime", "timestamp", "time")
_LISTED = ("enum", "set")
_LONGEST_NUMBER = 20
"""So many characters has the longest whole number, with its sign."""


def is_wider(mentioned: str, own: str) -> bool:
    """Whether the type *mentioned* holds more than a column's *own*, and all of that.

    Both are SQL, as in ``CREATE TABLE``.
    """
    name, inside = _parsed(mentioned)
    before, inside_before = _parsed(own)
    if name == before and name in _LISTED:
        return set(_VALUE.findall(inside)) > set(_VALUE.findall(inside_before))
    if name == before and name in _MEASURED:
        return _number(inside) > _number(inside_before)
    return _is_higher(name, before) or _takes_text(name, inside, before)


def _parsed(type_: str) -> tuple[str, str]:
    found = _TYPE.match(type_.strip())
    if found is None:
        return "", ""
    name = found["name"].lower()
    return _ALIASES.get(name, name), found["inside"] or ""


def _number(inside: str) -> int:
    return int(inside) if inside.strip().isdigit() else 0


def _is_higher(name: str, before: str) -> bool:
    return any(
        name in each and before in each and each.index(name) > each.index(before)
        for each in _LADDERS
    )


def _takes_text(name: str, inside: str, before: str) -> bool:
    """Whether a text takes what was a number, a value of a list or a shorter text."""
    whole, texts, *_ = _LADDERS
    if name in texts[1:]:
        return before in (*whole, "char", "varchar", "enum")
    return name == "varchar" and before in whole and _number(inside) >= _LONGEST_NUMBER
