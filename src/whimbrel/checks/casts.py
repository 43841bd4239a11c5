"""What the values forbid that are to become another type: too long, or not of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from whimbrel.checks.distortions import Distortion, Retyping, Value, distortion
from whimbrel.checks.enum_values import EnumValues
from whimbrel.checks.misfits import beyond_charset, is_text, misfit
from whimbrel.checks.outlook import Outlook, Rows, Standing
from whimbrel.checks.rows import Question
from whimbrel.checks.rule import Finding
from whimbrel.checks.statements import words_of
from whimbrel.plan.mysql_casts import WITHOUT_CAST, has_cast, uncast
from whimbrel.plan.postgresql_fitting import Fitting
from whimbrel.plan.postgresql_words import quoted
from whimbrel.plan.spelled import ddl_of, sqlalchemy_dialect
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import Column


def cast_questions(
    operation: ops.MigrateOperation, outlook: Outlook, dialect: Dialect
) -> Iterator[Question]:
    """Yield what must be asked of values before their column is altered."""
    retyped = _retyped(operation, outlook)
    if retyped is None or retyped.standing.are_rows_changed:
        return
    spelling = retyped.spelling(dialect)
    if spelling is None:  # the run will say so
        return
    using = retyped.operation.kw.get(f"{dialect.name}_using")
    cast = _Cast(
        standing=retyped.standing,
        name=retyped.operation.column_name,
        live=retyped.live,
        after=_own(retyped.operation.modify_type, dialect),
        spelling=spelling,
        using=str(using or ""),
        dialect=dialect,
    )
    asked = [cast.distorted()]
    if dialect.enforces_types:
        asked = [cast.refused(), cast.beyond_charset(), *asked]
    yield from (each for each in asked if each is not None)


def castless(
    operation: ops.MigrateOperation, outlook: Outlook, dialect: Dialect
) -> Iterator[Finding]:
    """Yield what is said where the server refuses a new type, rows or not."""
    retyped = _retyped(operation, outlook)
    if retyped is None:
        return
    before, after = retyped.live.type.spelling, retyped.spelling(dialect)
    if after is not None and not has_cast(before, after, dialect):
        place = f"{retyped.standing.live.name}.{retyped.operation.column_name}"
        yield Finding(
            code="W310",
            subject=place,
            sentence=uncast(place, before, after),
            remedy=WITHOUT_CAST,
        )


@dataclass(frozen=True, slots=True)
class _Retyped:
    """A column of values that an operation gives another type."""

    operation: ops.AlterColumnOp
    standing: Standing
    live: Column

    def spelling(self, dialect: Dialect) -> str | None:
        """Return what the new type is called; None if the dialect has no such type."""
        wanted = sa.types.to_instance(self.operation.modify_type)
        return ddl_of(wanted, sqlalchemy_dialect(dialect.name))


def _retyped(operation: ops.MigrateOperation, outlook: Outlook) -> _Retyped | None:
    """Return what *operation* gives another type; None if nothing of the database."""
    if not isinstance(operation, ops.AlterColumnOp) or operation.modify_type is None:
        return None
    standing = outlook.table(operation.table_name, operation.schema)
    held = standing and standing.columns.get(operation.column_name)
    if standing is None or not held or held.live is None or held.value is None:
        return None
    return _Retyped(operation, standing, held.live)


def _own(said: Any, dialect: Dialect) -> TypeEngine[Any]:
    """Return a type as the database has it, also where an app wraps it in its own."""
    spoken = sqlalchemy_dialect(dialect.name)
    type_: TypeEngine[Any] = sa.types.to_instance(said)
    while isinstance(type_, sa.types.TypeDecorator):
        type_ = type_.load_dialect_impl(spoken)
    return type_.dialect_impl(spoken)


_VARYING = r"(?:character\s+varying|varchar|character|char|bpchar)\s*\(\s*\d+\s*\)"
_CUT = re.compile(
    rf"\s*(?:CAST\s*\((?P<cast>.*)\s+AS\s+{_VARYING}\s*\)|(?P<colons>.*)::\s*{_VARYING})"
    r"\s*",
    re.IGNORECASE | re.DOTALL,
)
_TYPE = (
    r"(?P<type>[\w\". ]+(?:\(\s*\d+\s*(?:,\s*-?\d+\s*)?\)"
    r"(?:\s+with(?:out)?\s+time\s+zone)?)?)"
)
_CAST = re.compile(rf"(?P<value>.*)::\s*{_TYPE}\s*", re.I | re.DOTALL)
_CAST_AS = re.compile(
    rf"\s*CAST\s*\((?P<value>.*)\s+AS\s+{_TYPE}\s*\)\s*", re.I | re.DOTALL
)
_IS_SET = re.compile(r"\s*<>\s*0\Z")
_LENGTH = re.compile(r"\((\d+)\)")
_OPAQUE = re.compile(r"\w*blob|\w*binary|bytea|bit|json|.*\[\]", re.IGNORECASE)


def _plain_casts(using: str, name: str, spelling: str) -> tuple[str, ...] | None:
    """Return the types through which values go; None if the script computes them.

    Args:
        using: the script's expression for the new values; empty without one.
        name: the name of the column.
        spelling: what the new type is called.
    """
    casts = [spelling]
    while matched := _CAST.fullmatch(using) or _CAST_AS.fullmatch(using):
        using = matched["value"]
        casts.insert(0, matched["type"].strip())
    bare = _IS_SET.sub("", using.strip()).replace('"', "")
    if bare not in ("", name):
        return None
    return tuple({each.casefold(): each for each in casts}.values())


MEND = "Mend the values before the upgrade, or in the script before its alter_column()."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cast:
    """A column whose values are to become those of another type.

    Args:
        standing: its table.
        name: the column's name by then.
        live: the column as it is.
        after: the new type.
        spelling: what the new type is called.
        using: the script's expression for the new values; empty without one.
        dialect: the database.
    """

    standing: Standing
    name: str
    live: Column
    after: TypeEngine[Any]
    spelling: str
    using: str
    dialect: Dialect

    def refused(self) -> Question | None:
        """Return what finds the values that the new type refuses; None if it cannot."""
        after = self.after
        if isinstance(after, sa.Enum) and after.native_enum:
            return self._outside_of_enum(after) if after.enums else None
        is_long = isinstance(after, sa.String) and not isinstance(after, mysql.SET)
        if is_long and not _OPAQUE.match(self.live.type.spelling):
            return self._too_long(getattr(after, "length", None))
        if self.dialect.casts_in_queries:
            return self._attempt()
        wrong = self._wrong
        return self._misfitting(wrong) if wrong is not None else None

    @property
    def _wrong(self) -> sa.ColumnElement[bool] | None:
        """What is true of values that the new type refuses, where no cast tells."""
        if not self.dialect.enforces_types:
            return None
        value = self.standing.source.c[self.live.name]
        return misfit(self.live, value, self.after, self.dialect)

    def beyond_charset(self) -> Question | None:
        """Return what finds texts with characters that a new character set lacks."""
        if not self.dialect.has_charsets or not isinstance(self.after, sa.String):
            return None
        value = self.standing.source.c[self.live.name]
        lost = beyond_charset(self.live, value, self.after)
        return self._misfitting(lost) if lost is not None else None

    def distorted(self) -> Question | None:
        """Return what finds the values that become others, and nobody would hear."""
        casts = _plain_casts(self.using, self.name, self.spelling)
        if casts is None:
            return None
        value = self.standing.source.c[self.live.name]
        found = distortion(
            Retyping(
                live=self.live,
                value=value,
                after=self.after,
                spelling=self.spelling,
                casts=casts,
                dialect=self.dialect,
            )
        )
        return self._distorting(found, value) if found is not None else None

    @property
    def _place(self) -> str:
        return f"{self.standing.live.name}.{self.name}"

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
        values = EnumValues(
            value=value, live=self.live, enum=enum, dialect=self.dialect
        )
        return Question(
            code="W307",
            subject=self._place,
            rows=rows.where(values.outside).add_columns(value),
            keys=(*rows.key_names, self.name),
            found=f"{{rows}} of {self.standing.live.name} hold{{s}} a value in"
            f" {self.name} that the enum ({', '.join(values.values)}) lacks",
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
        are_varying = "var" in self.live.type.spelling and "VAR" in self.spelling
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
        fitting = self._fitting
        cast = sa.func.count(sa.cast(value, self.after))
        asked = self._misfitting(sa.literal_column(fitting.condition))
        return replace(
            asked,
            attempt=sa.select(cast).select_from(rows.source),
            before=(fitting.statement,),
            refusal=f"Values of {self._place} do not fit the new type"
            f" {self.spelling}: {{words}}",
        )

    @property
    def _fitting(self) -> Fitting:
        """What tells of each row whether its value fits, where no query can."""
        words = words_of(f"{self.using} {self.name}")
        return Fitting(
            table=self.standing.live.name,
            called=self.standing.name,
            columns={
                name: held.live.name
                for name, held in self.standing.columns.items()
                if held.live is not None and words.issuperset(words_of(name))
            },
            expression=self.using or quoted(self.name),
            type=self.spelling,
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
            f" fit the new type {self.spelling}",
            remedy=MEND,
        )

    def _distorting(self, found: Distortion, value: Value) -> Question:
        """Return what finds them; where a value makes it fail, those that fit count."""
        rows, table = self.standing.all_rows, self.standing.live.name

        def asked(condition: sa.ColumnElement[Any]) -> Question:
            return Question(
                code="W104",
                subject=self._place,
                rows=rows.where(condition).add_columns(
                    value, found.becomes.label("becomes")
                ),
                keys=(*rows.key_names, self.live.name, "becomes"),
                found=f"{{rows}} of {table} {{have}} a value in {self.name} that"
                f" becomes another under the new type {self.spelling}",
                remedy="Choose a type that keeps them, or copy the values to a column"
                " of their own before.",
            )

        if not self.dialect.casts_in_queries:
            wrong = self._wrong
            if wrong is None:
                return asked(found.condition)
            return asked(sa.and_(sa.not_(wrong), found.condition))
        fitting = self._fitting
        fits: sa.ColumnElement[bool] = sa.not_(sa.literal_column(fitting.condition))
        spare = asked(sa.case((fits, found.condition), else_=sa.false()))
        return replace(
            asked(found.condition), spare=replace(spare, before=(fitting.statement,))
        )
