"""Columns of models that say all that counts of them by themselves.

Most columns have a name, a type, perhaps a default, and take NULL or not; and many
tables have the same ones.  What is equal need not be drafted and built again.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from sqlalchemy import TextClause
from sqlalchemy.schema import DefaultClause
from sqlalchemy.sql.elements import False_, True_
from sqlalchemy.sql.functions import AnsiFunction, now

from whimbrel.catalog.type_texts import TypeTexts
from whimbrel.catalog.wording import AnyColumn


Made = TypeVar("Made")
Said = tuple[Any, ...]


class PlainColumns(Generic[Made]):
    """Keeps what was made of a plain column for those that say the same.

    Args:
        types: tells types apart.
        has_defaults: Python's default of a column counts, too.
    """

    def __init__(self, types: TypeTexts, *, has_defaults: bool) -> None:
        self._types = types
        self._has_defaults = has_defaults
        self._made: dict[Said, Made] = {}

    def known(self, column: AnyColumn, setting: str) -> tuple[Said | None, Made | None]:
        """Return what *column* says, if it is plain, and what was made of its like.

        Args:
            column: the column.
            setting: what of its table counts.
        """
        if self._has_defaults and column.default is not None:
            return None, None
        said = _said_by(column, setting, self._types)
        if said is None:
            return None, None
        try:
            return said, self._made.get(said)
        except TypeError:  # its type holds what cannot be looked up
            return None, None

    def keep(self, said: Said | None, made: Made) -> Made:
        """Keep what was *made* of a column, if it is plain, and return it."""
        if said is not None:
            self._made[said] = made
        return made


def _said_by(column: AnyColumn, setting: str, types: TypeTexts) -> Said | None:
    """Return all that *column* says; columns of which that is equal are alike.

    None if it says more than can be compared at a glance, or if it hangs on its
    table, as a column of the primary key does.
    """
    if (
        column.primary_key
        or column.computed is not None
        or column.identity is not None
        or column.constraints
        or "dialect_options" in column.__dict__
    ):
        return None
    type_key = types.key(column)
    if type_key is None:
        return None
    default: Said | None = ()
    if column.server_default is not None:
        default = _said_by_default(column.server_default)
        if default is None:
            return None
    name = column.name
    said = (name, getattr(name, "quote", None), column.nullable, column.comment)
    return (*said, default, setting, type_key)


def _said_by_default(default: Any) -> Said | None:
    """Return all that a default says, if it is a plain value or the time."""
    if not isinstance(default, DefaultClause):
        return None
    said = default.arg
    if isinstance(said, str):
        return (str, said)
    if isinstance(said, TextClause):
        is_value = not said._bindparams and "(" not in said.text
        return (TextClause, said.text) if is_value else None
    if isinstance(said, True_ | False_):
        return (type(said),)
    is_time = isinstance(said, AnsiFunction | now) and not len(said.clauses)
    return (type(said),) if is_time else None
