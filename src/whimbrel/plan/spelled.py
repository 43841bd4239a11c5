"""The SQLAlchemy type by which a script writes a column's type."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from sqlalchemy import types as sqltypes
from sqlalchemy.dialects import registry
from sqlalchemy.engine import Dialect as SQLAlchemyDialect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType
from sqlalchemy.util import immutabledict

from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import Column


class Spelled(UserDefinedType[Any]):
    """A type that SQLAlchemy has no class for, told as the database spells it.

    A script writes it as a small class of its own, so that it stays free of us.
    """

    cache_ok = True

    def __init__(self, spelling: str) -> None:
        self.spelling = spelling

    def get_col_spec(self, **_: Any) -> str:
        """Return the spelling, for ``CREATE TABLE`` and ``CAST``."""
        return self.spelling


@lru_cache(maxsize=8)
def sqlalchemy_dialect(name: str) -> SQLAlchemyDialect:
    """Return SQLAlchemy's dialect of that name, for texts that no driver reads yet."""
    dialect: SQLAlchemyDialect = registry.load(name)()
    dialect.identifier_preparer._double_percents = False
    return dialect


def column_type(column: Column, dialect: Dialect) -> TypeEngine[Any]:
    """Return the type of *column*, its collation told by the type.

    It is that of the models if there is one; otherwise SQLAlchemy's own whose
    DDL is exactly the spelling; otherwise a `Spelled`.
    """
    if column.type.form is not None:
        return without_check(column.type.form)
    return _by_spelling(column.type.spelling, dialect.name, column.collation)


def existing_type(column: Column, dialect: Dialect) -> TypeEngine[Any]:
    """Return the type that *column* has before it is altered.

    A script that only alters away from a type of the app's own should not need
    it: the type may be gone by then, and would drop a check that has its own
    line.
    """
    form = column.type.form
    if form is not None and not is_own(form):
        return without_check(form)
    found = _by_spelling(column.type.spelling, dialect.name, column.collation)
    if form is not None and isinstance(found, Spelled):
        return without_check(form)
    return found


def is_own(form: TypeEngine[Any]) -> bool:
    """Whether a type is the app's, or of another package than SQLAlchemy."""
    return isinstance(form, TypeDecorator) or not form.__module__.startswith(
        "sqlalchemy."
    )


def without_check(form: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return a Boolean or Enum that makes no check, other types as they are.

    Checks are written as constraints of their own.
    """
    variants = form._variant_mapping
    plain_variants = {name: without_check(each) for name, each in variants.items()}
    makes_check = getattr(form, "create_constraint", False) and not isinstance(
        form, TypeDecorator
    )
    is_plain = all(plain_variants[name] is variants[name] for name in variants)
    if not makes_check and is_plain:
        return form
    plain = copy.copy(form)
    if makes_check:
        plain.create_constraint = False  # type: ignore[attr-defined]  # Boolean, Enum
    if not is_plain:
        # there is no public way to exchange a type's variants
        plain._variant_mapping = immutabledict(plain_variants)
    return plain


def _by_spelling(
    spelling: str, dialect_name: str, collation: str | None
) -> TypeEngine[Any]:
    dialect = sqlalchemy_dialect(dialect_name)
    for candidate in _candidates(spelling, dialect, collation):
        if _normal(ddl_of(candidate, dialect)) == _normal(_full(spelling, collation)):
            return candidate
    return Spelled(_full(spelling, collation))


def _full(spelling: str, collation: str | None) -> str:
    return f"{spelling} COLLATE {collation}".lstrip() if collation else spelling


SPELLING = re.compile(r"(?P<name>\w[\w ]*?)\s*(?:\((?P<arguments>[\d,\s]*)\))?")


def _candidates(
    spelling: str, dialect: SQLAlchemyDialect, collation: str | None
) -> Iterator[TypeEngine[Any]]:
    """Yield the types that may be spelled so: SQLAlchemy's, then the dialect's."""
    match = SPELLING.fullmatch(spelling)
    if match is None:
        return
    name, arguments = match["name"], match["arguments"]
    numbers = [int(each) for each in re.findall(r"\d+", arguments or "")]
    general = getattr(sqltypes, name.upper().replace(" ", "_"), None)
    own = getattr(dialect, "ischema_names", {}).get(name.upper())
    for found in (general, own):
        if not isinstance(found, type) or not issubclass(found, TypeEngine):
            continue
        given = {"collation": collation} if collation else {}
        try:
            yield found(*numbers, **given)
        except TypeError:  # other arguments than these
            continue


def ddl_of(candidate: TypeEngine[Any], dialect: SQLAlchemyDialect) -> str | None:
    """Return a type as *dialect* writes it; None if that has no words for it."""
    try:
        return candidate.compile(dialect=dialect)
    except (SQLAlchemyError, AttributeError, NotImplementedError):
        return None  # not on this dialect


def _normal(ddl: str | None) -> str | None:
    """Return DDL without what does not tell types apart: spaces at commas, quotes."""
    if ddl is None:
        return None
    return re.sub(r"\s*([(),])\s*", r"\1", ddl).replace('"', "")
