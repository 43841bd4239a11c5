"""A column type in, the code by which a script writes it and its imports out.

What is written is tried: it must make a type whose DDL is that of the original.
Where that fails, the type that the database has is written instead.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

import sqlalchemy
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlalchemy.util import immutabledict

from whimbrel.errors import UnrenderableType
from whimbrel.plan.spelled import Spelled, without_check
from whimbrel.script.arguments import (
    call,
    inner_arguments,
    own_arguments,
    says_its_arguments,
    takes_more,
    written_arguments,
)
from whimbrel.script.expression import quoted
from whimbrel.script.references import (
    Prefixes,
    Source,
    Unwritable,
    Values,
    joined,
    reference,
)


Type = TypeEngine[Any]
Spelling = Callable[[Type, "Types"], Source]

REMEDY = (
    "Write it yourself in the render_item hook of env.py, or give the type's class a"
    " __repr__ that says how it is made."
)


class Types:
    """Writes types as a project wants them.

    Args:
        dialect: the database for which the DDL must be the same.
        prefixes: what the project wants before names.
    """

    def __init__(self, dialect: Dialect, prefixes: Prefixes) -> None:
        self.dialect = dialect
        self.prefixes = prefixes
        self._tried: dict[Source, str | None] = {}

    @cached_property
    def plain(self) -> Types:
        """The same without the project's prefixes, for trying what is written."""
        return Types(self.dialect, Prefixes())

    @cached_property
    def values(self) -> Values:
        """Writes the arguments of types."""
        return Values(self.prefixes, self.source)

    def source(self, type_: Type, where: str = "a column") -> Source:
        """Return how a script writes *type_*.

        Args:
            type_: the type.
            where: the column that has it, for messages.

        Raises:
            UnrenderableType: nothing that could be written makes such a type.
        """
        form = without_check(type_)
        if self.ddl(form) is None and not _is_builtin(form):
            raise UnrenderableType(
                f"The type {type(type_).__qualname__} of {where} says no SQL for"
                f" {self.dialect.name}.",
                REMEDY,
                type=type_,
                column=where,
            )
        variants = form._variant_mapping
        if not variants:
            return self._single(form, where)
        base = copy.copy(form)
        base._variant_mapping = immutabledict()
        parts = [self._single(base, where)]
        for name in sorted(variants):
            part = self.source(variants[name], where)
            parts.append(part.wrapped(".with_variant(", f", {name!r})"))
        return joined("%s", parts, "")

    def _single(self, type_: Type, where: str) -> Source:
        reasons: list[str] = []
        for spell in SPELLINGS:
            try:
                written = spell(type_, self)
                if self._makes(spell(type_, self.plain), type_):
                    return written
            except Unwritable as reason:
                reasons += reason.args
        return self._as_in_the_database(type_, where, reasons)

    def _as_in_the_database(
        self, type_: Type, where: str, reasons: list[str]
    ) -> Source:
        """Return the database's type, for one that scripts cannot name or make."""
        name = type(type_).__qualname__
        because = "".join(f": {reason}" for reason in reasons[:1])
        inner = _inner(type_, self.dialect)
        ddl = self.ddl(type_)
        if inner is not None:
            found = self.source(inner, where)
        elif ddl is not None:
            found = self._single(Spelled(ddl), where)
        else:
            raise UnrenderableType(
                f"The type {name} of {where} cannot be written into a script{because}.",
                REMEDY,
                type=type_,
                column=where,
            )
        note = f"{where}: the type {name} is written as {found.code}{because}."
        return joined("%s", (found, Source("", notes=(note,))), "")

    def _makes(self, source: Source, type_: Type) -> bool:
        """Whether *source*, without prefixes, makes a type like *type_*."""
        if source.classes:
            return True
        if source not in self._tried:
            made = _evaluated(source)
            is_type = isinstance(made, TypeEngine)
            self._tried[source] = self.signature(made) if is_type else None
        found = self._tried[source]
        return found is not None and found == self.signature(type_)

    def signature(self, type_: Type) -> str:
        """Return what tells types apart: their DDL, and all that an enum is made by."""
        enums = getattr(type_, "enums", ())
        is_made = getattr(type_, "create_type", None)
        ddl = self.ddl(type_)
        name = ddl if ddl is not None else type(type_).__qualname__
        return repr((name, enums, is_made))

    def ddl(self, type_: Type) -> str | None:
        """Return how the database's DDL spells *type_*; None if it has no such type."""
        try:
            return str(type_.compile(dialect=self.dialect))
        except Exception:  # whatever the app's own type raises
            return None


def _is_builtin(type_: Type) -> bool:
    return type(type_).__module__.startswith("sqlalchemy.")


def _evaluated(source: Source) -> Any:
    """Return what a piece of code makes; None if it makes nothing."""
    names: dict[str, Any] = {"sa": sqlalchemy}
    try:
        exec("\n".join(sorted(source.imports)), names)
        return eval(source.code, names)
    except Exception:  # whatever the app's own type raises
        return None


def _inner(type_: Type, dialect: Dialect) -> Type | None:
    """Return the type that a decorating one has on a dialect."""
    if not isinstance(type_, TypeDecorator):
        return None
    try:
        return type_.load_dialect_impl(dialect)
    except Exception:  # whatever the app's own type raises
        return None


def _spell_spelled(type_: Type, _: Types) -> Source:
    """Write a small class for a type that SQLAlchemy has none for."""
    if not isinstance(type_, Spelled):
        raise Unwritable  # it has a class of its own
    name = _class_name(type_.spelling)
    text = CLASS.format(name=name, spelling=quoted(type_.spelling))
    line = "from sqlalchemy.types import UserDefinedType"
    return Source(f"{name}()", frozenset({line}), frozenset({text}))


def _spell_by_repr(type_: Type, types: Types) -> Source:
    """Write what the type says of itself, if SQLAlchemy or its author made it so."""
    if not _is_builtin(type_) and not says_its_arguments(type_):
        raise Unwritable  # nobody wrote down how it is made
    return reference(type(type_), types.prefixes).wrapped("", written_arguments(type_))


def _spell_by_signature(type_: Type, types: Types) -> Source:
    """Write the arguments that the class asks for and the object keeps."""
    function = reference(type(type_), types.prefixes)
    return call(function, own_arguments(type_), types.values)


def _spell_with_inner(type_: Type, types: Types) -> Source:
    """Write also what a decorating type passed on to the one that it decorates."""
    if not isinstance(type_, TypeDecorator) or not takes_more(type_):
        raise Unwritable  # it keeps all that it is given
    function = reference(type(type_), types.prefixes)
    arguments = [*own_arguments(type_), *inner_arguments(type_)]
    return call(function, arguments, types.values)


SPELLINGS: tuple[Spelling, ...] = (
    _spell_spelled,
    _spell_by_repr,
    _spell_by_signature,
    _spell_with_inner,
)


CLASS = """\
class {name}(UserDefinedType):
    cache_ok = True

    def get_col_spec(self, **kw):
        return {spelling}"""

PLAIN = re.compile(r"[A-Z]+( [A-Z]+)*(\(\d+(, ?\d+)*\))?( [A-Z]+)*")


def _class_name(spelling: str) -> str:
    """Return a name for the class of a type that is spelled so."""
    if not spelling:
        return "Untyped"
    if not PLAIN.fullmatch(spelling):
        digest = hashlib.md5(spelling.encode(), usedforsecurity=False)
        return f"Type_{digest.hexdigest()[:6]}"
    return "".join(
        word.capitalize() if word.isalpha() else f"_{word}"
        for word in re.findall(r"[A-Z]+|\d+", spelling)
    )
