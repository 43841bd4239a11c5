"""The one spelling of a column, an index and a key, whichever way the server told it.

The reader asks information_schema, models are spelled by SHOW CREATE TABLE of
temporary tables; what both say is put into the same words here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from whimbrel.catalog.mysql_ddl import ColumnText
from whimbrel.catalog.mysql_tokens import literal, quoted
from whimbrel.schema.state import (
    NO_OPTIONS,
    Expression,
    ForeignKey,
    Index,
    IndexPart,
    Option,
    Options,
    Unique,
)


_COMPRESSED = re.compile(r"\s*/\*M?!\d*\s*COMPRESSED\s*(?:\*/)?")
_INTRODUCER = re.compile(r"_(?:utf8mb4|utf8mb3|utf8|latin1|ascii)\s?(?=')")
_JSON = "json"
_BESIDES = frozenset({"comment", "ignored"})
_BARE_FORMATS = ("FIXED", "DYNAMIC")
"""The row formats of Aria whose tables do not survive a crash unless they shall."""

_NOW = re.compile(r"CURRENT_TIMESTAMP(?:\(\d+\))?$")
NO_ACTION = ("NO ACTION", "RESTRICT")
"""The two ways in which a foreign key says that it holds; they do the same."""

HAVE_KEYS = ("innodb", "ndb", "ndbcluster", "pbxt")
"""The storage engines that know foreign keys; the others forget them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelled:
    """What a column says, in the words of a state."""

    type: str
    nullable: bool
    collation: str | None
    default: Expression | None
    computed: Expression | None
    options: Options


def spelled(text: ColumnText, collation: str) -> Spelled:
    """Return a column in the words of a state.

    Args:
        text: the column as the server tells it.
        collation: the default collation of its table, which need not be told.
    """
    as_json = is_json(text)
    own = None if as_json or text.collation == collation else text.collation
    return Spelled(
        type=_JSON if as_json else _COMPRESSED.sub("", text.type),
        nullable=text.nullable,
        collation=own,
        default=_expression(text.default),
        computed=_expression(text.computed),
        options=_column_options(text),
    )


def is_json(text: ColumnText) -> bool:
    """Whether a column is what MariaDB makes of JSON: a longtext that checks itself."""
    return (
        text.type == "longtext"
        and text.collation == "utf8mb4_bin"
        and text.check == f"json_valid({quoted(text.name)})"
    )


def _expression(text: str | None) -> Expression | None:
    return None if text is None else expression(text)


def expression(text: str) -> Expression:
    """Return an expression as the server tells it.

    Where it says which character set a string came in, it is that of a connection.
    """
    plain = _INTRODUCER.sub("", text)
    return Expression(plain, plain)


def _column_options(text: ColumnText) -> Options:
    said = {
        "on_update": text.on_update,
        "autoincrement": "on" if text.counts else None,
        "invisible": "on" if text.is_invisible else None,
        "unversioned": "on" if text.is_unversioned else None,
        "compressed": "on" if "COMPRESSED" in text.type else None,
        "srid": text.srid,
    }
    return options(said.items())


def options(said: Iterable[tuple[str, str | None]]) -> Options:
    """Return what is said at all as options."""
    found = [Option(name, value) for name, value in said if value is not None]
    return frozenset(found) if found else NO_OPTIONS


def action(written: str | None) -> str | None:
    """Return what a foreign key does, None if it just holds."""
    words = written.upper() if written else None
    return None if words in NO_ACTION else words


def table_options(create_options: str) -> dict[str, str]:
    """Return what CREATE_OPTIONS says of a table; of partitions it says nothing."""
    found = re.findall(r"`?(\w+)`?=('[^']*'|\S+)", create_options)
    return {
        name.lower(): _value(value.strip("'"))
        for name, value in found
        if name.upper() != "DIRECTORY"
    }


def unusual(said: Mapping[str, str | None], engine: str) -> dict[str, str | None]:
    """Return what is said of a table, without what holds for Aria's tables anyway.

    MariaDB tells some of that, said or not; and leaves it when the engine is another.
    """
    is_bare = engine.lower() == "aria" and said.get("row_format") in _BARE_FORMATS
    usual = {"transactional": "0" if is_bare else "1", "page_checksum": "1"}
    return {name: said[name] for name in said if said[name] != usual.get(name, "")}


def _value(written: str) -> str:
    return written.upper() if written.isalpha() else written


def is_plain(index: Index) -> bool:
    """Whether an index is nothing but columns, whatever else is said of it."""
    for part in index.parts:
        if part.column is None or part.descending or part.options:
            return False
    return not index.options or _BESIDES.issuperset(
        option.name for option in index.options
    )


def as_unique(index: Index, *, is_index: bool) -> Unique:
    """Return a plain unique index as the constraint that it is as well."""
    return Unique(
        name=index.name,
        columns=tuple([part.column or "" for part in index.parts]),
        options=index.options,
        naming=index.naming,
        is_index=is_index,
    )


def serves(index: Index, key: str, columns: tuple[str, ...]) -> bool:
    """Whether *index* is what the server makes by itself for a foreign key.

    Args:
        index: one of the table that has the key.
        key: the name of the key.
        columns: its columns.
    """
    if index.unique or index.options or len(index.parts) != len(columns):
        return False
    if index.parts[0].column != columns[0] or not is_plain(index):
        return False
    if tuple([part.column for part in index.parts]) != columns:
        return False
    numbered = re.escape(columns[0]) + r"(_\d+)?"
    return index.name == key or re.fullmatch(numbered, index.name) is not None


def unserving(indexes: Iterable[Index], keys: Collection[ForeignKey]) -> list[Index]:
    """Return *indexes* without those that the server makes for *keys*."""
    return [
        index
        for index in indexes
        if not any(serves(index, key.name, key.columns) for key in keys)
    ]


def part_options(length: int | None) -> Options:
    """Return what is said of a part of an index: how much of the column it has."""
    return NO_OPTIONS if not length else frozenset({Option("length", str(length))})


def mysql_default(value: str, type_: str, *, is_expression: bool) -> str:
    """Return what stands behind DEFAULT, from what MySQL's COLUMN_DEFAULT says.

    SHOW CREATE TABLE quotes each literal, but for those of bits.  An expression that
    asks for the time is called otherwise than the default that does.
    """
    if _NOW.match(value) and type_.startswith(("timestamp", "datetime")):
        return value
    if is_expression:
        return f"({value})"
    if re.match(r"b'[01]*'$", value):
        return value
    return literal(value)


def _part_expression(text: str) -> Expression:
    plain = expression(text).canonical
    return Expression(plain, f"({plain})")


def index_part(
    column: str | None, direction: str | None, length: int | None, text: str | None
) -> IndexPart:
    """Return a part of an index.

    Args:
        column: the name of the column, None if the part is an expression.
        direction: D for a descending part.
        length: how much of the column is in the index, None for all of it.
        text: the expression.
    """
    return IndexPart(
        column=column,
        expression=_part_expression(text) if column is None and text else None,
        descending=direction == "D",
        options=part_options(length),
    )
