"""The types of columns as SQLAlchemy's compiler writes them, those alike once."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Dialect
from sqlalchemy.types import NullType

from whimbrel.catalog.wording import AnyColumn
from whimbrel.errors import ModelsError, UnrenderableType


class TypeTexts:
    """What the compiler of a dialect makes of types.

    Args:
        dialect: the dialect.
        is_known: its compiler looks at nothing but the type.
    """

    def __init__(self, dialect: Dialect, *, is_known: bool) -> None:
        self._dialect = dialect
        self._is_known = is_known
        self._kinds: dict[type[Any], bool] = {}
        self._texts: dict[tuple[Any, ...], str] = {}

    def text(self, column: AnyColumn) -> str:
        """Return the type of *column* as CREATE TABLE has it.

        Raises:
            ModelsError: it cannot be created there, or there is none.
        """
        key = self.key(column)
        if key is None:
            return self._written(column)
        try:
            text = self._texts.get(key)
        except TypeError:  # it holds what cannot be looked up
            return self._written(column)
        if text is None:
            text = self._texts[key] = self._written(column)
        return text

    def key(self, column: AnyColumn) -> tuple[Any, ...] | None:
        """Return all that the type of *column* says, if it is SQLAlchemy's own.

        Types with equal keys are alike. A key need not be hashable.
        """
        type_ = column.type
        kind = type(type_)
        if not self._is_plain(kind):
            return None
        said = type_.__dict__
        if "dispatch" in said:  # its listeners, which differ for each
            said = {name: value for name, value in said.items() if name != "dispatch"}
        return (kind, *said.items())

    def _is_plain(self, kind: type[Any]) -> bool:
        """Whether a class of types is SQLAlchemy's own, and no app writes it."""
        known = self._kinds.get(kind)
        if known is None:
            is_ours = self._is_known and kind.__module__.startswith("sqlalchemy.")
            known = is_ours and not hasattr(kind, "_compiler_dispatcher")
            self._kinds[kind] = known
        return known

    def _written(self, column: AnyColumn) -> str:
        compiler = self._dialect.type_compiler_instance
        try:
            return compiler.process(column.type, type_expression=column)
        except Exception as cause:  # whatever the app's own type raises
            raise _untold_type(column, self._dialect.name, cause) from cause


def _untold_type(column: AnyColumn, dialect: str, cause: Exception) -> ModelsError:
    """Return the error that says that a column's type cannot be created."""
    where = f"{column.table}.{column.name}"
    if isinstance(column.type, NullType):
        return ModelsError(
            f"The column {where} has no type.",
            "Give it one, or see to it that the table that its foreign key refers"
            " to stands in the models.",
            column=where,
        )
    return UnrenderableType(
        f"The type {column.type!r} of {where} cannot be created on {dialect}: {cause}",
        f"Give it a variant: .with_variant(sqlalchemy.Text(), '{dialect}').",
        column=where,
    )
