"""What the values forbid that are to become another type: too long, or not of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.types import TypeEngine

from whimbrel.checks.outlook import Outlook, Standing
from whimbrel.checks.ranges import beyond
from whimbrel.checks.rows import Question, key_of, rows_where
from whimbrel.plan.spelled import sqlalchemy_dialect
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import Column


WHOLE = r"^[[:space:]]*[-+]?[0-9]+([.]0*)?[[:space:]]*$"
NUMBER = (
    r"^[[:space:]]*[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?[[:space:]]*$"
)


def cast_questions(
    operation: ops.MigrateOperation, outlook: Outlook, dialect: Dialect
) -> Iterator[Question]:
    """Yield what must be asked of values before their column is altered."""
    if not isinstance(operation, ops.AlterColumnOp) or operation.modify_type is None:
        return
    standing = outlook.table(operation.table_name, operation.schema)
    if standing is None or standing.are_rows_changed or not dialect.enforces_types:
        return
    live = standing.columns.get(operation.column_name)
    if live is None:
        return
    after = sa.types.to_instance(operation.modify_type)
    after = after.dialect_impl(sqlalchemy_dialect(dialect.name))
    if isinstance(after, sa.Enum) and _has_values(after, dialect):
        yield _outside_of_enum(standing, live, after)
    elif _is_narrower(live, after):
        yield _too_long(
            standing, live, after, is_cut="postgresql_using" in operation.kw
        )
    elif dialect.casts_in_queries:
        yield _attempt(standing, live, after, operation.kw.get("postgresql_using"))
    else:
        yield from _by_pattern(standing, live, after)


def _has_values(enum: sa.Enum, dialect: Dialect) -> bool:
    return bool(enum.enums) and (enum.native_enum or not dialect.casts_in_queries)


def _outside_of_enum(standing: Standing, live: Column, enum: sa.Enum) -> Question:
    value = sa.cast(standing.source.c[live.name], sa.String)
    values = [str(each) for each in enum.enums]
    return _question(
        "W307",
        standing,
        live,
        value.not_in(values),
        found=f"{{rows}} of {standing.live.name} hold{{s}} a value in {live.name} that"
        f" the enum ({', '.join(values)}) lacks",
        remedy="Give the rows another value, or name what became of the old one:"
        f" migrate --rename {standing.live.name}.{live.name}=OLD:NEW.",
    )


def _question(
    code: str,
    standing: Standing,
    live: Column,
    condition: Any,
    *,
    found: str,
    remedy: str,
) -> Question:
    return Question(
        code=code,
        subject=f"{standing.live.name}.{live.name}",
        rows=rows_where(standing, condition),
        keys=key_of(standing.live),
        found=found,
        remedy=remedy,
    )


_TEXTUAL = re.compile(r"(?:character varying|character|varchar|char|\w*text)\b", re.I)
_LENGTH = re.compile(r"\((\d+)\)")


def _is_text(column: Column) -> bool:
    return _TEXTUAL.match(column.type.spelling) is not None


def _is_narrower(before: Column, after: TypeEngine[Any]) -> bool:
    """Whether both are strings, and the new one takes less than the old one."""
    length = getattr(after, "length", None)
    if not isinstance(after, sa.String) or length is None or not _is_text(before):
        return False
    said = _LENGTH.search(before.type.spelling)
    return said is None or int(said[1]) > length


def _too_long(
    standing: Standing, live: Column, after: TypeEngine[Any], *, is_cut: bool
) -> Question:
    length = getattr(after, "length", None)
    value = sa.func.rtrim(standing.source.c[live.name])
    becomes = "they would be cut" if is_cut else "the new type would refuse them"
    return _question(
        "W103" if is_cut else "W305",
        standing,
        live,
        sa.func.char_length(value) > length,
        found=f"{{rows}} of {standing.live.name} {{have}} more than {length} characters"
        f" in {live.name}; {becomes}",
        remedy="Shorten the values, or let the column be as long as they are.",
    )


def _attempt(
    standing: Standing, live: Column, after: TypeEngine[Any], using: str | None
) -> Question:
    """Return the query that casts all values, as the operation will."""
    column = standing.source.c[live.name]
    cast: Any = sa.cast(column, after) if using is None else sa.text(f"({using})")
    attempted = sa.func.count(cast)
    source = standing.source
    return Question(
        code="W306",
        subject=f"{standing.live.name}.{live.name}",
        rows=sa.select(attempted).select_from(source),
        keys=(),
        found=f"Values of {standing.live.name}.{live.name} do not fit the new type"
        f" {after!r}: {{words}}",
        remedy="Mend the values before the upgrade, or in the script before its"
        " alter_column().",
        is_attempt=True,
    )


def _by_pattern(
    standing: Standing, live: Column, after: TypeEngine[Any]
) -> Iterator[Question]:
    """Yield what finds texts that are no numbers or times, and numbers too great."""
    if not _is_text(live):
        if (misfit := beyond(live, standing.source.c[live.name], after)) is not None:
            yield _misfitting(standing, live, after, misfit)
        return
    column = standing.source.c[live.name]
    if isinstance(after, sa.Integer):
        misfit = ~column.regexp_match(WHOLE)
    elif isinstance(after, sa.Numeric | sa.Float):
        misfit = ~column.regexp_match(NUMBER)
    elif isinstance(after, sa.DateTime | sa.Date):
        misfit = sa.and_(column.is_not(None), sa.cast(column, sa.DateTime).is_(None))
    else:
        return
    yield _misfitting(standing, live, after, misfit)


def _misfitting(
    standing: Standing, live: Column, after: TypeEngine[Any], misfit: Any
) -> Question:
    return _question(
        "W306",
        standing,
        live,
        misfit,
        found=f"{{rows}} of {standing.live.name} {{have}} values in {live.name} that do"
        f" not fit the new type {after!r}",
        remedy="Mend the values before the upgrade, or in the script before its"
        " alter_column().",
    )
