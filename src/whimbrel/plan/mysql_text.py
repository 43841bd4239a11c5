"""Columns and statements of MySQL and MariaDB as SQL, where Alembic has no words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from alembic.operations import ops

from whimbrel.plan.items import text
from whimbrel.schema.state import (
    Check,
    Column,
    Constraint,
    Expression,
    Index,
    IndexPart,
    Naming,
    Option,
    Options,
    PrimaryKey,
    Table,
    TableName,
    Unique,
)


STRING = re.compile(r"'(?:[^'\\]|\\.|'')*'", re.DOTALL)
ESCAPES = {"0": "\0", "n": "\n", "r": "\r", "t": "\t", "b": "\b", "Z": "\x1a"}


def values(options: Options) -> dict[str, str]:
    """Return options by their names."""
    return {option.name: option.value for option in options}


def quoted(name: str) -> str:
    """Return *name* as an identifier in SQL."""
    escaped = name.replace("`", "``")
    return f"`{escaped}`"


QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`", re.DOTALL)


def called(sql: str, before: str, after: str) -> str:
    """Return SQL of the server's in which the column *before* is called *after*."""
    old = quoted(before).casefold()
    return QUOTED.sub(
        lambda match: quoted(after) if match[0].casefold() == old else match[0], sql
    )


def table_in_sql(name: TableName) -> str:
    """Return the name of a table in SQL."""
    return ".".join(quoted(each) for each in (name.schema, name.name) if each)


def literal(value: str) -> str:
    """Return *value* as a string in SQL."""
    escaped = value.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
    return f"'{escaped}'"


def unescaped(written: str) -> str:
    """Return what a string in SQL, quotes and all, means."""
    inner = written[1:-1].replace("''", "'")
    return re.sub(
        r"\\(.)", lambda match: ESCAPES.get(match[1], match[1]), inner, flags=re.DOTALL
    )


def altering(table: TableName, *clauses: str) -> ops.ExecuteSQLOp:
    """Return the statement that alters a table."""
    return execute(f"ALTER TABLE {table_in_sql(table)} {', '.join(clauses)}")


def execute(sql: str) -> ops.ExecuteSQLOp:
    """Return a statement as an operation; Alembic reads ``:name`` as a parameter."""
    return ops.ExecuteSQLOp(text(sql).text)


def default_in_sql(default: Expression) -> str:
    """Return a default as the server told it."""
    return default.canonical or default.text


def definition(column: Column, check: Check | None = None) -> str:
    """Return all that stands behind a column's name in ``MODIFY``."""
    options = values(column.options)
    said = [column.type.spelling]
    if "compressed" in options:
        said.append("COMPRESSED")
    if column.collation is not None:
        said.append(f"COLLATE {column.collation}")
    if column.computed is not None:
        kind = "STORED" if column.computed.is_stored else "VIRTUAL"
        said.append(f"GENERATED ALWAYS AS ({column.computed.expression.text}) {kind}")
        said += [] if column.nullable else ["NOT NULL"]
    else:
        said.append("NULL" if column.nullable else "NOT NULL")
        if column.default is not None:
            said.append(f"DEFAULT {default_in_sql(column.default)}")
    said += [
        f"{sql} {options[key]}" for key, sql in WITH_VALUE.items() if key in options
    ]
    said += [sql for key, sql in FLAGS.items() if key in options]
    if column.comment is not None:
        said.append(f"COMMENT {literal(column.comment)}")
    if check is not None:
        said.append(f"CHECK ({check.expression.text})")
    return " ".join(said)


WITH_VALUE = {"on_update": "ON UPDATE", "srid": "SRID"}
FLAGS = {
    "autoincrement": "AUTO_INCREMENT",
    "invisible": "INVISIBLE",
    "unversioned": "WITHOUT SYSTEM VERSIONING",
}


def modifying(before: Column, after: Column, check: Check | None = None) -> str:
    """Return the clause that makes a column another."""
    if before.name == after.name:
        return f"MODIFY {quoted(after.name)} {definition(after, check)}"
    names = f"{quoted(before.name)} {quoted(after.name)}"
    return f"CHANGE {names} {definition(after, check)}"


def primary_key(key: PrimaryKey) -> str:
    """Return a primary key as it stands in ``ALTER TABLE ... ADD``."""
    said = values(key.options)
    lengths = json.loads(said.get("length", "{}"))
    falling = said.get("descending", "").split(",")
    parts = (
        quoted(each)
        + (f"({lengths[each]})" if each in lengths else "")
        + (" DESC" if each in falling else "")
        for each in key.columns
    )
    using = f" USING {said['using'].upper()}" if "using" in said else ""
    comment = f" COMMENT {literal(said['comment'])}" if "comment" in said else ""
    return f"PRIMARY KEY ({', '.join(parts)}){using}{comment}"


def is_counting(column: Column) -> bool:
    """Whether a column has AUTO_INCREMENT."""
    return Option("autoincrement", "on") in column.options


def column_of_check(thing: object, table: Table) -> str | None:
    """Return the column in whose definition a check stands, if it is in one.

    Such a check has no name; it goes by that of its column.
    """
    if not isinstance(thing, Check) or thing.naming is not Naming.NONE:
        return None
    return next((each.name for each in table.columns if each.name == thing.name), None)


def loose_checks(constraints: Iterable[Constraint]) -> list[Check]:
    """Return the checks that are not enforced, by name."""
    checks = [
        each
        for each in constraints
        if isinstance(each, Check) and Option("enforced", "off") in each.options
    ]
    return sorted(checks, key=lambda each: each.name)


def adding_check(check: Check) -> str:
    """Return the clause that adds a check, with all that is said of it."""
    name = "" if check.naming is Naming.NONE else f"CONSTRAINT {quoted(check.name)} "
    end = " NOT ENFORCED" if loose_checks([check]) else ""
    return f"ADD {name}CHECK ({check.expression.text}){end}"


def check_beside(column: Column, table: Table) -> Check | None:
    """Return the check that stands in the definition of a column of *table*."""
    for each in table.constraints:
        if isinstance(each, Check) and column_of_check(each, table) == column.name:
            return each
    return None


def says_more_of_index(index: Index | Unique) -> bool:
    """Whether SQLAlchemy has no words for all that is said of an index."""
    return not {"comment", "ignored"}.isdisjoint(values(index.options))


def adding_index(index: Index | Unique, parts: Iterable[str], is_mariadb: bool) -> str:
    """Return the clause that adds an index, with all that is said of it."""
    said = values(index.options)
    is_unique = isinstance(index, Unique) or index.unique
    kind = "UNIQUE" if is_unique else said.get("prefix", "").upper()
    name = "" if index.naming is Naming.NONE else quoted(index.name)
    words = ["ADD", kind, "INDEX", name, f"({', '.join(parts)})"]
    if "using" in said:
        words.append(f"USING {said['using'].upper()}")
    if "with_parser" in said:
        words.append(f"WITH PARSER {said['with_parser']}")
    if "comment" in said:
        words.append(f"COMMENT {literal(said['comment'])}")
    if "ignored" in said:
        words.append("IGNORED" if is_mariadb else "INVISIBLE")
    return " ".join(filter(None, words))


def with_length(part: IndexPart, words: list[str]) -> list[str]:
    """Return the words of a part; SQLAlchemy knows no length of one that descends."""
    length = values(part.options).get("length") if part.descending else None
    return words if length is None else [f"{words[0]}({length})", *words[1:]]


def in_index(part: IndexPart, words: Sequence[str]) -> str:
    """Return a part of an index with its length, which SQLAlchemy says elsewhere."""
    length = values(part.options).get("length")
    is_said = length is None or part.descending
    first = words[0] if is_said else f"{words[0]}({length})"
    return " ".join([first, *words[1:]])
