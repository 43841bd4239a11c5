"""What speaks of a column that gets another name, so that MySQL refuses to rename it.

It does not refuse where the same statement lets that speak of the new name: checks,
defaults, generated columns and indexes over expressions.  MariaDB does so by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from whimbrel.plan.mysql_text import (
    adding_check,
    adding_index,
    called,
    in_index,
    modifying,
    quoted,
)
from whimbrel.schema.state import (
    Check,
    Constraint,
    Expression,
    Index,
    IndexPart,
    Table,
)


Words = Callable[[IndexPart], list[str]]
Thing = TypeVar("Thing", bound=Constraint | Index)


def speaking(table: Table, before: str, after: str, words: Words) -> list[str]:
    """Return the clauses by which all that speaks of *before* speaks of *after*.

    Args:
        table: the table, where the column has its old name.
        before: that name.
        after: the new one.
        words: what stands in the place of a part of an index.
    """
    naming = _Naming(before, after)
    return [
        *naming.checks(table),
        *naming.columns(table),
        *naming.indexes(table, words),
    ]


@dataclass(frozen=True, slots=True)
class _Naming:
    before: str
    after: str

    def checks(self, table: Table) -> Iterator[str]:
        for check in _by_name(table.constraints, Check):
            if self._is_meant(check.expression):
                yield f"DROP CHECK {quoted(check.name)}"
                fresh = self._fresh(check.expression)
                yield adding_check(replace(check, expression=fresh))

    def columns(self, table: Table) -> Iterator[str]:
        for column in table.ordered_columns:
            computed, default = column.computed, column.default
            if computed is not None and self._is_meant(computed.expression):
                fresh = replace(computed, expression=self._fresh(computed.expression))
                yield modifying(column, replace(column, computed=fresh))
            elif default is not None and self._is_meant(default):
                text = self._fresh(default).text
                yield f"ALTER {quoted(column.name)} SET DEFAULT {text}"

    def indexes(self, table: Table, words: Words) -> Iterator[str]:
        for index in _by_name(table.indexes, Index):
            if any(part.expression for part in index.parts) and any(
                map(self._is_of, index.parts)
            ):
                parts = [in_index(each, words(each)) for each in self._parts(index)]
                yield f"DROP INDEX {quoted(index.name)}"
                yield adding_index(index, parts, is_mariadb=False)

    def _parts(self, index: Index) -> Iterator[IndexPart]:
        for part in index.parts:
            column = self.after if part.column == self.before else part.column
            expression = part.expression and self._fresh(part.expression)
            yield replace(part, column=column, expression=expression)

    def _is_of(self, part: IndexPart) -> bool:
        return part.expression is not None and self._is_meant(part.expression)

    def _is_meant(self, expression: Expression) -> bool:
        return self._fresh(expression).canonical != expression.canonical

    def _fresh(self, expression: Expression) -> Expression:
        """Return an expression that speaks of the new name."""
        sql = called(expression.canonical, self.before, self.after)
        text = f"({sql})" if expression.text == f"({expression.canonical})" else sql
        return Expression(sql, text)


def _by_name(things: Iterable[object], kind: type[Thing]) -> list[Thing]:
    found = [each for each in things if isinstance(each, kind)]
    return sorted(found, key=lambda each: each.name)
