"""What the values forbid that are to become another type: too long, or not of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.types import TypeEngine

from whimbrel.checks.misfits import is_text, misfit
from whimbrel.checks.outlook import Outlook, Rows, Standing
from whimbrel.checks.rows import Question
from whimbrel.checks.statements import words_of
from whimbrel.plan.postgresql_fitting import Fitting
from whimbrel.plan.postgresql_words import quoted
from whimbrel.plan.spelled import sqlalchemy_dialect
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import Column


def cast_questions(
    operation: ops.MigrateOperation, outlook: Outlook, dialect: Dialect
) -> Iterator[Question]:
    """Yield what must be asked of values before their column is altered."""
    if not isinstance(operation, ops.AlterColumnOp) or operation.modify_type is None:
        return
    standing = outlook.table(operation.table_name, operation.schema)
    if standing is None or standing.are_rows_changed or not dialect.enforces_types:
        return
    held = standing.columns.get(operation.column_name)
    if held is None or held.live is None or held.value is None:
        return
    after = sa.types.to_instance(operation.modify_type)
    cast = _Cast(
        standing=standing,
        name=operation.column_name,
        live=held.live,
        after=after.dialect_impl(sqlalchemy_dialect(dialect.name)),
        using=str(operation.kw.get(f"{dialect.name}_using") or ""),
        dialect=dialect,
    )
    question = cast.question()
    if question is not None:
        yield question


_VARYING = r"(?:character\s+varying|varchar|character|char|bpchar)\s*\(\s*\d+\s*\)"
_CUT = re.compile(
    rf"\s*(?:CAST\s*\((?P<cast>.*)\s+AS\s+{_VARYING}\s*\)|(?P<colons>.*)::\s*{_VARYING})"
    r"\s*",
    re.IGNORECASE | re.DOTALL,
)
_CAST = re.compile(r"(?P<value>.*)::\s*[\w\". ]+(?:\(\d+\))?\s*", re.DOTALL)
_LENGTH = re.compile(r"\((\d+)\)")
_OPAQUE = re.compile(r"\w*blob|\w*binary|bytea|bit|json|.*\[\]", re.IGNORECASE)

MEND = "Mend the values before the upgrade, or in the script before its alter_column()."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cast:
    """A column whose values are to become those of another type.

    Args:
        standing: its table.
        name: the column's name by then.
        live: the column as it is.
        after: the new type.
        using: the script's expression for the new values; empty without one.
        dialect: the database.
    """

    standing: Standing
    name: str
    live: Column
    after: TypeEngine[Any]
    using: str
    dialect: Dialect

    def question(self) -> Question | None:
        """Return what must be asked of the values; None if they all fit."""
        after = self.after
        if isinstance(after, sa.Enum) and after.native_enum:
            return self._outside_of_enum(after) if after.enums else None
        if isinstance(after, sa.String) and not _OPAQUE.match(self.live.type.spelling):
            return self._too_long(after.length)
        if self.dialect.casts_in_queries:
            return self._attempt()
        value = self.standing.source.c[self.live.name]
        wrong = misfit(self.live, value, after, self.dialect)
        return self._misfitting(wrong) if wrong is not None else None

    @property
    def _place(self) -> str:
        return f"{self.standing.live.name}.{self.name}"

    @property
    def _spelling(self) -> str:
        return str(self.after.compile(dialect=sqlalchemy_dialect(self.dialect.name)))

    def _values(self, using: str) -> tuple[Rows, sa.ColumnElement[Any]] | None:
        """Return the rows, and the values that an expression gives them."""
        if not using:
            return self.standing.all_rows, self.standing.source.c[self.live.name]
        rows = self.standing.rows_for(using)
        return (rows, sa.literal_column(f"({using})")) if rows is not None else None

    def _outside_of_enum(self, enum: sa.Enum) -> Question | None:
        using = self.using
        while matched := _CAST.fullmatch(using):
            using = matched["value"]
        found = self._values(using)
        if found is None:
            return None
        rows, value = found
        values = [str(each) for each in enum.enums]
        outside = sa.cast(value, sa.String()).not_in(values)
        return Question(
            code="W307",
            subject=self._place,
            rows=rows.where(outside).add_columns(value),
            keys=(*rows.key_names, self.name),
            found=f"{{rows}} of {self.standing.live.name} hold{{s}} a value in"
            f" {self.name} that the enum ({', '.join(values)}) lacks",
            remedy="Give the rows another value, or name what became of the old one:"
            f" migrate --rename {self._place}=OLD:NEW.",
        )

    def _too_long(self, length: int | None) -> Question | None:
        """Return what finds texts that are too long, cut off by the script or not."""
        said = _LENGTH.search(self.live.type.spelling)
        was = int(said[1]) if said and is_text(self.live) else None
        if length is None or (was is not None and was <= length and not self.using):
            return None
        cut = _CUT.fullmatch(self.using)
        found = self._values((cut["cast"] or cut["colons"]) if cut else self.using)
        if found is None:
            return None
        rows, value = found
        text: sa.ColumnElement[Any] = sa.cast(value, sa.String())
        are_varying = "var" in self.live.type.spelling and "VAR" in self._spelling
        if not (are_varying and self.dialect.counts_spaces):
            text = sa.func.rtrim(text)
        becomes = "they would be cut" if cut else "the new type would refuse them"
        return Question(
            code="W103" if cut else "W305",
            subject=self._place,
            rows=rows.where(sa.func.char_length(text) > length),
            keys=rows.key_names,
            found=f"{{rows}} of {self.standing.live.name} {{have}} more than {length}"
            f" characters in {self.name}; {becomes}",
            remedy="Shorten the values, or let the column be as long as they are.",
        )

    def _attempt(self) -> Question | None:
        """Return the query that casts all values, and what counts those that fail."""
        found = self._values(self.using)
        if found is None:
            return None
        rows, value = found
        words = words_of(f"{self.using} {self.name}")
        fitting = Fitting(
            table=self.standing.live.name,
            called=self.standing.name,
            columns={
                name: held.live.name
                for name, held in self.standing.columns.items()
                if held.live is not None and words.issuperset(words_of(name))
            },
            expression=self.using or quoted(self.name),
            type=self._spelling,
        )
        cast = sa.func.count(sa.cast(value, self.after))
        asked = self._misfitting(sa.literal_column(fitting.condition))
        return replace(
            asked,
            attempt=sa.select(cast).select_from(rows.source),
            before=(fitting.statement,),
            refusal=f"Values of {self._place} do not fit the new type"
            f" {self._spelling}: {{words}}",
        )

    def _misfitting(self, wrong: sa.ColumnElement[bool]) -> Question:
        rows, value = self.standing.all_rows, self.standing.source.c[self.live.name]
        table = self.standing.live.name
        return Question(
            code="W306",
            subject=self._place,
            rows=rows.where(wrong).add_columns(value),
            keys=(*rows.key_names, self.live.name),
            found=f"{{rows}} of {table} {{have}} a value in {self.name} that does not"
            f" fit the new type {self._spelling}",
            remedy=MEND,
        )
