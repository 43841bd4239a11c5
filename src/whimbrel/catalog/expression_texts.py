"""Expressions as SQLAlchemy's compiler writes them, those alike once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import TextClause
from sqlalchemy.sql.compiler import DDLCompiler

from whimbrel.catalog.wording import AnyColumn


class ExpressionTexts:
    """What a compiler makes of expressions and defaults.

    Args:
        ddl: the compiler; what it writes hangs on nothing but what it is given.
    """

    def __init__(self, ddl: DDLCompiler) -> None:
        self._ddl = ddl
        self._texts: dict[str, str] = {}
        self._defaults: dict[str, str] = {}

    def text(self, expression: Any) -> str:
        """Return *expression*, its columns without their table."""
        if type(expression) is not TextClause or expression._bindparams:
            return self._written(expression)
        known = self._texts.get(expression.text)
        if known is None:
            known = self._texts[expression.text] = self._written(expression)
        return known

    def default(self, column: AnyColumn) -> str:
        """Return what stands behind DEFAULT; nothing if there is none."""
        said = getattr(column.server_default, "arg", None)
        if type(said) is not str:
            return self._ddl.get_column_default_string(column) or ""
        known = self._defaults.get(said)
        if known is None:
            known = self._ddl.get_column_default_string(column) or ""
            self._defaults[said] = known
        return known

    def _written(self, expression: Any) -> str:
        return self._ddl.sql_compiler.process(
            expression, include_table=False, literal_binds=True
        )
