"""Expressions that speak of a column by its name, and what they say under another."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from whimbrel.schema.state import (
    Check,
    Constraint,
    Exclusion,
    Expression,
    Index,
    Option,
    Options,
    State,
    Table,
    TableName,
)


Words: TypeAlias = Callable[[Expression], Expression]
Swap: TypeAlias = Callable[[str], str]

_COLUMNS_LISTED = "include"
_COLUMNS_SORTED = "inherited_not_null"
_COLUMNS_KEYED = "inherited_defaults"
_TABLES_LISTED = "inherits"
_TABLE_FIRST = "partition_of"
_COLUMNS_SPOKEN_OF = "partition_by"

_STRING = r"'(?:[^']|'')*'"
_ESCAPED = r"'(?:[^'\\]|\\.|'')*'"
"""A string where a backslash escapes."""


def words(before: str, after: str, quote: str = "") -> Words:
    """Return what replaces a column's name within expressions, but not in strings.

    Args:
        before: the name.
        after: what stands there afterwards.
        quote: what stands around each name, if it always does.
    """
    string = _ESCAPED if quote else _STRING
    name = rf"(?<!\w)({re.escape(before)})(?!\w)"
    if quote:
        name = f"({re.escape(_quoted(before, quote))})"
    pattern = re.compile(f"{string}|{name}", re.IGNORECASE | re.DOTALL)

    def swapped(text: str, new: str) -> str:
        written = _quoted(new, quote)
        return pattern.sub(
            lambda match: match[0] if match[1] is None else written, text
        )

    def replaced(expression: Expression) -> Expression:
        return Expression(
            swapped(expression.canonical, after.lower()),
            swapped(expression.text, after),
        )

    return replaced


def words_of(state: State, before: str, after: str) -> Words:
    """Return what replaces a column's name within the expressions of *state*."""
    return (state.speaking or words)(before, after)


def speaks_of(state: State, thing: Constraint | Index, column: str) -> bool:
    """Whether a constraint or an index of *state* stands on *column*."""
    if isinstance(thing, Check):
        said = [thing.expression]
    elif isinstance(thing, Index | Exclusion):
        if any(part.column == column for part in thing.parts):
            return True
        found = (*(part.expression for part in thing.parts), thing.where)
        said = [each for each in found if each is not None]
    else:
        return column in thing.columns
    called = words_of(state, column, "")
    return any(called(each) != each for each in said)


def written_name(state: State, name: str) -> str:
    """Return *name* as the expressions of *state* write it."""
    if state.speaking is None:
        return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else f'"{name}"'
    any_name = "a"
    return str(words_of(state, any_name, name)(Expression(any_name, any_name)))


def written_place(state: State, name: TableName) -> str:
    """Return the name of a table as *state* writes it among options."""
    parts = (each for each in (name.schema, name.name) if each is not None)
    return ".".join(written_name(state, each) for each in parts)


def tables_named(options: Options) -> list[str]:
    """Return the tables that *options* say a table is made from."""
    names: list[str] = []
    for option in options:
        if option.name == _TABLES_LISTED:
            names += json.loads(option.value)
        elif option.name == _TABLE_FIRST:
            names += json.loads(option.value)[:1]
    return names


def tables_called(options: Options, before: str, after: str) -> Options:
    """Return *options* with a table that they name by its new name."""

    def called(option: Option) -> Option:
        if option.name not in {_TABLES_LISTED, _TABLE_FIRST}:
            return option
        names, rest = json.loads(option.value), []
        if option.name == _TABLE_FIRST:
            names, rest = names[:1], names[1:]
        names = [after if each == before else each for each in names]
        return _telling(option, names + rest)

    return frozenset(map(called, options)) if options else options


def _telling(option: Option, value: object) -> Option:
    told = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return replace(option, value=told)


def _quoted(name: str, quote: str) -> str:
    return f"{quote}{name.replace(quote, quote * 2)}{quote}" if quote else name


def with_defaults_called(table: Table, spoken: Words) -> Table:
    """Return *table* with defaults that speak of a column by its new name."""
    columns = (
        replace(each, default=spoken(each.default)) if each.default else each
        for each in table.columns
    )
    return replace(table, columns=tuple(columns))


def text_called(text: str | None, spoken: Words) -> str | None:
    """Return a text that may speak of columns, such as ``SET NULL (a)``."""
    return spoken(Expression("", text)).text if text and "(" in text else text


def options_called(options: Options, swap: Swap, spoken: Words) -> Options:
    """Return *options* with the columns that they name by their new names."""

    def called(option: Option) -> Option:
        if option.name == _COLUMNS_LISTED:
            return _telling(option, [swap(each) for each in json.loads(option.value)])
        if option.name == _COLUMNS_SORTED:
            return _telling(option, sorted(map(swap, json.loads(option.value))))
        if option.name == _COLUMNS_KEYED:
            said = json.loads(option.value)
            return _telling(option, {swap(each): said[each] for each in said})
        if option.name == _COLUMNS_SPOKEN_OF:
            return replace(option, value=text_called(option.value, spoken) or "")
        return option

    return frozenset(map(called, options)) if options else options
