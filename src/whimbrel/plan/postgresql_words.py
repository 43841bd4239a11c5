"""PostgreSQL's statements for what neither SQLAlchemy nor Alembic has words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.exc import CompileError

from whimbrel.plan.items import has_word, text
from whimbrel.plan.spelled import sqlalchemy_dialect
from whimbrel.schema.state import (
    Check,
    Column,
    Constraint,
    Exclusion,
    ExclusionPart,
    ForeignKey,
    Index,
    IndexPart,
    Options,
    PrimaryKey,
    TableName,
    Unique,
)


PREPARER = sqlalchemy_dialect("postgresql").identifier_preparer

NAME = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')


def quoted(name: str) -> str:
    """Return *name* as an identifier in SQL."""
    return PREPARER.quote(name)


def qualified(name: str, schema: str | None) -> str:
    """Return a name with its schema as SQL writes it."""
    return ".".join(quoted(each) for each in (schema, name) if each)


def table_sql(table: TableName) -> str:
    """Return the name of a table as SQL writes it."""
    return qualified(table.name, table.schema)


def named(written: str) -> TableName:
    """Return the table that SQL writes so."""
    parts = [
        within.replace('""', '"') if within else bare
        for within, bare in NAME.findall(written)
    ]
    return TableName(parts[-1], parts[0] if len(parts) > 1 else None)


def literal(value: str) -> str:
    """Return *value* as a string in SQL."""
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


_QUOTED = re.compile(r'"(?:[^"]|"")+"')


def unmarked(sql: str) -> str:
    """Return SQL whose names have no percent signs, which drivers take for parameters.

    https://www.postgresql.org/docs/current/sql-syntax-lexical.html: U&"..." tells a
    character by its number.
    """
    return _QUOTED.sub(_numbered, sql)


def _numbered(found: re.Match[str]) -> str:
    name = found[0]
    if "%" not in name:
        return name
    escaped = name.replace("\\", r"\\").replace("%", r"\0025")
    return f"U&{escaped}"


def statement(sql: str) -> ops.ExecuteSQLOp:
    """Return the operation that is a statement, whatever colons it has."""
    return ops.ExecuteSQLOp(text(sql).text)


def values_of(options: Options) -> dict[str, str]:
    """Return options by their names."""
    return {option.name: option.value for option in options}


def listed(value: str | None) -> list[str]:
    """Return the names that an option lists."""
    return [str(each) for each in json.loads(value)] if value else []


def parameters(value: str | None) -> dict[str, str]:
    """Return the storage parameters that an option holds."""
    found: dict[str, str] = json.loads(value) if value else {}
    return found


def columns_sql(columns: Iterable[str]) -> str:
    """Return names as a list in parentheses."""
    return f"({', '.join(quoted(each) for each in columns)})"


def type_sql(column: Column) -> str:
    """Return the type of a column with its collation as SQL writes it."""
    if column.collation is None:
        return column.type.spelling
    return f"{column.type.spelling} COLLATE {collation_sql(column.collation)}"


def collation_sql(collation: str) -> str:
    """Return the name of a collation as SQL writes it."""
    schema, _, name = collation.rpartition(".")
    names = (each for each in (schema, name) if each)
    return ".".join(each if each.startswith(QUOTE) else quoted(each) for each in names)


QUOTE = '"'


def said_sql(what: str, comment: str | None) -> str:
    """Return the statement that gives a thing its comment, or takes it."""
    return f"COMMENT ON {what} IS {'NULL' if comment is None else literal(comment)}"


STORED = ("key_with", "key_tablespace")
"""How the index of a key is stored."""


def is_plain(constraint: Constraint) -> bool:
    """Whether Alembic's operations can say all of a constraint but its comments."""
    said = values_of(constraint.options).keys() - {*COMMENTS}
    match constraint:
        case Exclusion():
            return said.isdisjoint(STORED) and all(
                part.column is not None and not (part.options or part.descending)
                for part in constraint.parts
            )
        case Unique():
            unsayable = {"include", "index_of", *STORED}
            if not has_word("unique constraint", "postgresql_nulls_not_distinct"):
                unsayable.add("nulls_not_distinct")
            return said.isdisjoint(unsayable)
        case ForeignKey(on_delete=on_delete):
            # SQLAlchemy parts "table.column" at the dot, drivers see parameters
            names = (constraint.target.name, *constraint.target_columns)
            is_dotted = any("." in name for name in names)
            return not said and not is_dotted and _is_spoken(on_delete)
        case _:
            return not said


@lru_cache(maxsize=64)
def _is_spoken(on_delete: str | None) -> bool:
    """Whether SQLAlchemy writes what a foreign key does, and drivers take it as it is.

    Its earlier versions know no ``SET NULL (a)``.
    """
    dialect = sqlalchemy_dialect("postgresql")
    compiler: Any = dialect.ddl_compiler(dialect, None)  # type: ignore[arg-type]  # a compiler of parts needs no statement
    try:
        compiler.define_constraint_cascades(
            sa.ForeignKeyConstraint([], [], ondelete=on_delete)
        )
    except CompileError:
        return False
    return "%" not in (on_delete or "")


COMMENTS = ("comment", "index_comment")
"""What is said of a constraint, and of an index, be it that of a constraint."""


def comments_sql(
    table: TableName,
    before: Constraint | Index | None,
    after: Constraint | Index,
) -> Iterator[str]:
    """Yield the statements that give a constraint or an index its comments."""
    what = {
        "comment": f"CONSTRAINT {quoted(after.name)} ON {table_sql(table)}",
        "index_comment": f"INDEX {qualified(after.name, table.schema)}",
    }
    old, new = (values_of(each.options) if each else {} for each in (before, after))
    for each in COMMENTS:
        if old.get(each) != new.get(each):
            yield said_sql(what[each], new.get(each))


def add_constraint_sql(table: TableName, constraint: Constraint) -> str:
    """Return the statement that adds a constraint, with all that it says."""
    words = [f"ALTER TABLE {table_sql(table)} ADD CONSTRAINT"]
    words += [quoted(constraint.name), *_constraint_words(constraint)]
    return " ".join(words)


def _constraint_words(constraint: Constraint) -> Iterator[str]:
    options = values_of(constraint.options)
    yield from _body_words(constraint, options)
    if "include" in options:
        yield f"INCLUDE {columns_sql(listed(options['include']))}"
    if "key_with" in options:
        said = parameters(options["key_with"]).items()
        words = (f"{name} = {_parameter(value)}" for name, value in sorted(said))
        yield f"WITH ({', '.join(words)})"
    if "key_tablespace" in options:
        yield f"USING INDEX TABLESPACE {quoted(options['key_tablespace'])}"
    if isinstance(constraint, Exclusion) and constraint.where is not None:
        yield f"WHERE ({constraint.where})"
    yield from _ending(options)


def _body_words(constraint: Constraint, options: Mapping[str, str]) -> Iterator[str]:
    match constraint:
        case PrimaryKey():
            yield f"PRIMARY KEY {columns_sql(constraint.columns)}"
        case Unique():
            yield "UNIQUE"
            if "nulls_not_distinct" in options:
                yield "NULLS NOT DISTINCT"
            yield columns_sql(constraint.columns)
        case Check():
            yield f"CHECK ({constraint.expression})"
        case ForeignKey():
            yield from _key_words(constraint)
        case Exclusion():
            parts = ", ".join(map(_excluded, constraint.parts))
            yield f"EXCLUDE USING {constraint.using} ({parts})"


def _ending(options: Mapping[str, str]) -> Iterator[str]:
    if "deferrable" in options:
        yield f"DEFERRABLE INITIALLY {options['deferrable'].upper()}"
    words = {
        "no_inherit": "NO INHERIT",
        "not_enforced": "NOT ENFORCED",
        "not_valid": "NOT VALID",
    }
    yield from (words[name] for name in words if name in options)


def _key_words(key: ForeignKey) -> Iterator[str]:
    yield f"FOREIGN KEY {columns_sql(key.columns)}"
    yield f"REFERENCES {table_sql(key.target)} {columns_sql(key.target_columns)}"
    if key.match is not None:
        yield f"MATCH {key.match}"
    if key.on_delete is not None:
        yield f"ON DELETE {key.on_delete}"
    if key.on_update is not None:
        yield f"ON UPDATE {key.on_update}"
    if key.deferrable:
        yield "DEFERRABLE"
    if key.initially_deferred:
        yield "INITIALLY DEFERRED"


def _excluded(part: ExclusionPart) -> str:
    place = IndexPart(
        column=part.column,
        expression=part.expression,
        descending=part.descending,
        options=part.options,
    )
    return " ".join([*part_words(place), "WITH", part.operator])


def part_words(part: IndexPart) -> list[str]:
    """Return what stands in the place of *part* in ``CREATE INDEX``."""
    options = values_of(part.options)
    words = [quoted(part.column) if part.column is not None else str(part.expression)]
    if "collation" in options:
        words.append(f"COLLATE {collation_sql(options['collation'])}")
    if "ops" in options:
        words.append(options["ops"])
    if part.descending:
        words.append("DESC")
    if "nulls" in options:
        words.append(f"NULLS {options['nulls'].upper()}")
    return words


def storage_sql(before: str | None, after: str | None) -> Iterator[str]:
    """Yield what sets storage parameters, and what takes them back."""
    old, new = parameters(before), parameters(after)
    said = [
        f"{name} = {_parameter(value)}"
        for name, value in sorted(new.items())
        if old.get(name) != value
    ]
    if said:
        yield f"SET ({', '.join(said)})"
    if gone := sorted(old.keys() - new.keys()):
        yield f"RESET ({', '.join(gone)})"


def _parameter(value: str) -> str:
    return (
        value if value.replace(".", "").replace("_", "").isalnum() else literal(value)
    )
