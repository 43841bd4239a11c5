"""What a script says of a column, as edits of its definition on MySQL and MariaDB.

``MODIFY`` forgets whatever it does not repeat, so it repeats what stands there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Column, Computed, Identity, Integer, MetaData, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.types import to_instance

from whimbrel.catalog.mysql_table_text import (
    ColumnText,
    Kind,
    folded,
    parse_column,
)
from whimbrel.run.mysql_wider import is_wider


_TEXT_TYPE = re.compile(
    r"(national\s+)?(n?char|n?varchar|character|(tiny|medium|long)?text|enum|set)\b",
    re.IGNORECASE,
)
_NATIONAL = re.compile(r"national\b|n(var)?char\b", re.IGNORECASE)
"""A type that is a character set as well."""
_ON_UPDATE = re.compile(r"\bON\s+UPDATE\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What ``alter_column()`` says; what it leaves out has Alembic's own default."""

    nullable: bool | None = None
    server_default: Any = False
    type_: Any = None
    existing_type: Any = None
    existing_server_default: Any = None
    autoincrement: Any = None
    comment: Any = False

    @property
    def is_modifying(self) -> bool:
        """Whether Alembic would write a definition, with ``existing_type`` in it."""
        is_said = (self.nullable, self.autoincrement) != (None, None)
        return is_said or self.comment is not False


def edited(
    column: ColumnText, said: Said, dialect: Dialect, *, is_renamed: bool = False
) -> ColumnText:
    """Return the definition of a column after all that a script says of it.

    Args:
        column: its definition as it is.
        said: what the script says.
        dialect: the database's.
        is_renamed: the script gives it another name, too.
    """
    if said.type_ is not None:
        column = _with_type(column, said, dialect)
    elif (is_renamed or said.is_modifying) and _mentions_more(column, said, dialect):
        wider = replace(said, type_=said.existing_type, existing_type=None)
        column = _with_type(column, wider, dialect)
    if said.nullable is not None:
        column = _with_nullable(column, bool(said.nullable), dialect)
    if said.server_default is not False:
        column = _with_default(column, said, dialect)
    if said.autoincrement is not None:
        column = _with_counting(column, bool(said.autoincrement))
    if said.comment is not False:
        written = _compiled(dialect, comment=said.comment or None)
        column = column.with_clause(Kind.COMMENT, written.clause(Kind.COMMENT))
    return column


def without_what_no_type_keeps(column: ColumnText, said: Said) -> ColumnText:
    """Return the definition without what another type may not have.

    That is what the script does not mention, and the server refuses.
    """
    if said.server_default is False:
        column = column.with_clause(Kind.DEFAULT, None)
        column = column.with_clause(Kind.ON_UPDATE, None)
    if said.autoincrement is None:
        column = column.with_clause(Kind.AUTO_INCREMENT, None)
    return column


def renamed(column: ColumnText, name: str) -> ColumnText:
    """Return the definition under another name, its own check speaking of that."""
    old, new = (f"`{each.replace('`', '``')}`" for each in (column.name, name))
    check = column.clause(Kind.CHECK)
    if check is not None:
        column = column.with_clause(Kind.CHECK, check.replace(old, new))
    return replace(column, name=name)


def _compiled(dialect: Dialect, type_: Any = None, **said: Any) -> ColumnText:
    """Return what SQLAlchemy makes of a column, as it stands in ``CREATE TABLE``."""
    default = said.pop("server_default", None)
    if isinstance(default, Computed | Identity):
        arguments: list[Any] = [default._copy()]
    else:
        arguments, said["server_default"] = [], default
    column: Column[Any] = Column("x", type_ or Integer(), *arguments, **said)
    Table("t", MetaData(), column)
    compiler = dialect.ddl_compiler(dialect, None)  # type: ignore[arg-type]  # no statement
    return parse_column(undoubled(compiler.get_column_specification(column), dialect))


def undoubled(sql: str, dialect: Dialect) -> str:
    """Return *sql* with the percent signs single that are doubled for a driver."""
    doubles = getattr(dialect.identifier_preparer, "_double_percents", False)
    return sql.replace("%%", "%") if doubles else sql


def _with_type(column: ColumnText, said: Said, dialect: Dialect) -> ColumnText:
    new = _compiled(dialect, to_instance(said.type_))
    had_text = bool(_TEXT_TYPE.match(column.clause(Kind.TYPE) or ""))
    if _is_json(column):
        had_text = False
        column = column.with_clause(Kind.CHECK, None)
    says_charset = _says_charset(new)
    keeps_charset = (
        not says_charset
        and had_text
        and bool(_TEXT_TYPE.match(new.clause(Kind.TYPE) or ""))
        and not _said_charset(said.existing_type, dialect)
    )
    if not keeps_charset:
        for kind in (Kind.CHARSET, Kind.COLLATE):
            column = column.with_clause(kind, new.clause(kind))
    return column.with_clause(Kind.TYPE, new.clause(Kind.TYPE))


def _mentions_more(column: ColumnText, said: Said, dialect: Dialect) -> bool:
    """Whether the type that a script takes for the column's own one is a wider one."""
    if said.existing_type is None or _is_json(column):
        return False
    mentioned = to_instance(said.existing_type)
    if mentioned._isnull:
        return False
    type_ = _compiled(dialect, mentioned).clause(Kind.TYPE) or ""
    return is_wider(type_, column.clause(Kind.TYPE) or "")


def _is_json(column: ColumnText) -> bool:
    """Whether MariaDB made the column from ``JSON``."""
    name = column.name.replace("`", "``")
    return folded(column.clause(Kind.CHECK) or "") == f"check (json_valid(`{name}`))"


def _says_charset(column: ColumnText) -> bool:
    if _NATIONAL.match(column.clause(Kind.TYPE) or ""):
        return True
    return any(each.kind in (Kind.CHARSET, Kind.COLLATE) for each in column.clauses)


def _said_charset(type_: Any, dialect: Dialect) -> bool:
    """Whether the type that the script says the column had tells its collation."""
    if type_ is None:
        return False
    given = to_instance(type_)
    return not given._isnull and _says_charset(_compiled(dialect, given))


def _with_nullable(
    column: ColumnText, is_nullable: bool, dialect: Dialect
) -> ColumnText:
    if column.clause(Kind.GENERATED) and getattr(dialect, "is_mariadb", False):
        return column  # MariaDB knows no such thing
    if not is_nullable and column.clause(Kind.DEFAULT) == "DEFAULT NULL":
        column = column.with_clause(Kind.DEFAULT, None)
    return column.with_clause(Kind.NULL, "NULL" if is_nullable else "NOT NULL")


def _with_default(column: ColumnText, said: Said, dialect: Dialect) -> ColumnText:
    """Return the definition with the default that is said.

    ``ON UPDATE`` stands in the same text, for a script has no other place for it.
    """
    before, after = said.existing_server_default, said.server_default
    written = _compiled(dialect, server_default=after)
    on_update = written.clause(Kind.ON_UPDATE)
    if on_update is not None or _ON_UPDATE.search(_text_of(before)):
        column = column.with_clause(Kind.ON_UPDATE, on_update)
    default = written.clause(Kind.DEFAULT)
    if default == "DEFAULT NULL" and not column.is_nullable:
        default = None
    if generated := written.clause(Kind.GENERATED):
        column = column.with_clause(Kind.GENERATED, generated)
    return column.with_clause(Kind.DEFAULT, default)


def _text_of(default: Any) -> str:
    argument = getattr(default, "arg", default)
    return str(argument) if argument is not None else ""


def _with_counting(column: ColumnText, is_counting: bool) -> ColumnText:
    if is_counting:
        column = column.with_clause(Kind.DEFAULT, None)
    written = "AUTO_INCREMENT" if is_counting else None
    return column.with_clause(Kind.AUTO_INCREMENT, written)
