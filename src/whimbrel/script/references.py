"""A Python value in, the code that makes it and the imports that this needs out."""

from __future__ import annotations

import datetime
import decimal
import enum
import importlib
import math
import re
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy
from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine


class Unwritable(Exception):
    """A value that no code in a script can make."""


@dataclass(frozen=True, slots=True)
class Source:
    """A piece of code and what it needs around it.

    Args:
        code: an expression.
        imports: the lines that must stand at the top of the script.
        classes: the small classes that the script must carry.
        notes: what the user should be told about it.
    """

    code: str
    imports: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    def wrapped(self, before: str, after: str = "") -> Source:
        """Return the code with something around it."""
        return replace(self, code=f"{before}{self.code}{after}")


def joined(pattern: str, parts: Iterable[Source], separator: str = ", ") -> Source:
    """Return *pattern* with the codes of all *parts* in the place of ``%s``."""
    found = tuple(parts)
    return Source(
        pattern.replace("%s", separator.join(part.code for part in found)),
        frozenset().union(*(part.imports for part in found)),
        frozenset().union(*(part.classes for part in found)),
        tuple(note for part in found for note in part.notes),
    )


@dataclass(frozen=True, slots=True)
class Prefixes:
    """What a project wants before the names in its scripts.

    Args:
        sqlalchemy: before SQLAlchemy's names.
        user: before the names of the app's own types; None for their module,
            which is then imported.
    """

    sqlalchemy: str = "sa."
    user: str | None = None


def reference(thing: Any, prefixes: Prefixes) -> Source:
    """Return the name by which a script reaches a class or a function.

    Raises:
        Unwritable: it is defined where nobody can import it from.
    """
    module = getattr(thing, "__module__", None)
    name = getattr(thing, "__qualname__", None)
    if not module or not name:
        raise Unwritable(f"{thing!r} has no name")
    dialect = re.match(r"sqlalchemy\.dialects\.(\w+)", module)
    if dialect and _reached(f"sqlalchemy.dialects.{dialect[1]}", name) is thing:
        line = f"from sqlalchemy.dialects import {dialect[1]}"
        return Source(f"{dialect[1]}.{name}", frozenset({line}))
    if getattr(sqlalchemy, name, None) is thing:
        return Source(f"{prefixes.sqlalchemy}{name}")
    if getattr(sqltypes, name, None) is thing:
        return Source(f"types.{name}", frozenset({"from sqlalchemy import types"}))
    if prefixes.user is not None and isinstance(thing, type):
        return Source(f"{prefixes.user}{name}")
    return _imported(thing, module, name)


def _imported(thing: Any, module: str, name: str) -> Source:
    if module == "builtins":
        return Source(name)
    if module == "__main__" or module not in sys.modules:
        raise Unwritable(f"{name} is defined in {module}, which cannot be imported")
    if "<" in name:  # <locals>, <lambda>
        raise Unwritable(f"{name} has no place that it can be imported from")
    if _reached(module, name) is not thing:
        raise Unwritable(f"{module} has another {name} than the one that is used")
    return Source(f"{module}.{name}", frozenset({f"import {module}"}))


def _reached(module: str, name: str) -> Any:
    """Return what stands under a dotted name in a module, None if there is nothing."""
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


class Values:
    """Writes the values that a type may be made with.

    Args:
        prefixes: what the project wants before names.
        of_type: writes a type within a value.
    """

    def __init__(
        self, prefixes: Prefixes, of_type: Callable[[TypeEngine[Any]], Source]
    ) -> None:
        self.prefixes = prefixes
        self.of_type = of_type

    def source(self, value: Any) -> Source:
        """Return the code that makes *value*.

        Raises:
            Unwritable: no code can.
        """
        match value:
            case enum.Enum():
                return reference(type(value), self.prefixes).wrapped(
                    "", f".{value.name}"
                )
            case TypeEngine():
                return self.of_type(value)
            case list() | tuple() | set() | frozenset() | Mapping():
                return self._collection(value)
            case type():
                return reference(value, replace(self.prefixes, user=None))
            case _:
                return self._plain(value)

    def _plain(self, value: Any) -> Source:
        kinds = (bool, int, str, bytes, type(None), type(...))
        if type(value) in kinds or (isinstance(value, float) and math.isfinite(value)):
            return Source(repr(value))
        if isinstance(value, str):  # quoted_name and the like
            return Source(repr(str(value)))
        known = (decimal.Decimal, uuid.UUID, datetime.date, datetime.timedelta)
        if type(value) in (*known, datetime.datetime, datetime.time):
            return self._of_the_standard_library(value)
        if callable(value):
            return reference(value, self.prefixes)
        raise Unwritable(f"{value!r} cannot be written")

    def _of_the_standard_library(self, value: Any) -> Source:
        module = type(value).__module__
        code = repr(value)
        if not code.startswith(f"{module}."):
            code = f"{module}.{code}"
        return Source(code, frozenset({f"import {module}"}))

    def _collection(self, value: Any) -> Source:
        if isinstance(value, Mapping):
            pairs = (
                joined("%s", (self.source(key), self.source(each)), ": ")
                for key, each in value.items()
            )
            return joined("{%s}", pairs)
        items = [self.source(each) for each in value]
        if isinstance(value, set | frozenset):
            items.sort(key=lambda item: item.code)
            return joined(f"{type(value).__name__}([%s])", items)
        if isinstance(value, list):
            return joined("[%s]", items)
        return joined("(%s,)" if len(items) == 1 else "(%s)", items)
