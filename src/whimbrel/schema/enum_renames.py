"""What follows an enumerated type, or a value, that gets another name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from whimbrel.schema.changes import EnumChange, ValueChange, ValueRename
from whimbrel.schema.spoken import written_name
from whimbrel.schema.state import (
    Check,
    Column,
    Constraint,
    Enum,
    Expression,
    Index,
    State,
    Table,
    TableName,
    Type,
)


ARRAY = "[]"

Words = Callable[[Expression], Expression]


def follow_enum(state: State, change: EnumChange) -> State:
    """Return *state* after *change*; what speaks of a renamed thing follows it."""
    enums = {each for each in state.enums if each != change.before}
    if change.after is not None:
        enums.add(change.after)
    state = replace(state, enums=frozenset(enums))
    if change.before is None or change.after is None:
        return state
    for value in change.renamed:
        state = _follow_value(state, change.before, value)
    if _name(change.before) != _name(change.after):
        state = _follow_name(state, change.before, change.after)
    return state


def enum_of(column: Column, state: State) -> Enum | None:
    """Return the type that stands by itself of which *column* holds values."""
    spelling = column.type.spelling.removesuffix(ARRAY)
    for enum in state.enums:
        if spelling in _spellings(enum):
            return enum
    return None


def rename_of_value(
    state: State, column: Column, wish: ValueChange
) -> EnumChange | None:
    """Return the change of the enumerated type by which a value is renamed.

    There is none where the values are no type of their own, or where the new value
    is already there: then rows change, and the type does not.
    """
    enum = enum_of(column, state)
    if enum is None or wish.before not in enum.values or wish.after in enum.values:
        return None
    values = (wish.after if each == wish.before else each for each in enum.values)
    return EnumChange(
        before=enum,
        after=replace(enum, values=tuple(values)),
        renamed=(ValueRename(before=wish.before, after=wish.after),),
    )


def is_renamed(
    state: State, column: Column, wish: ValueChange, changes: Iterable[object]
) -> bool:
    """Whether *changes* give a value its name already, as one of a type in *state*.

    Other columns may be of that type.
    """
    enum = enum_of(column, state)
    renamed = ValueRename(before=wish.before, after=wish.after)
    return enum is not None and any(
        isinstance(each, EnumChange)
        and each.after is not None
        and _name(each.after) == _name(enum)
        and renamed in each.renamed
        for each in changes
    )


def rename_of_enum(enum: Enum, name: TableName) -> EnumChange:
    """Return the change by which *enum* gets another name."""
    return EnumChange(
        before=enum, after=replace(enum, name=name.name, schema=name.schema)
    )


def find_enum(state: State, name: TableName) -> Enum | None:
    """Return the enumerated type of that name."""
    for enum in state.enums:
        if _name(enum) == name:
            return enum
    return None


def _name(enum: Enum) -> TableName:
    return TableName(enum.name, enum.schema)


def _spellings(enum: Enum) -> tuple[str, ...]:
    """Return how a catalog may write the name of *enum*, bare or with its schema."""
    written = (enum.name, f'"{enum.name}"')
    if enum.schema is None:
        return written
    schemas = (enum.schema, f'"{enum.schema}"')
    return tuple(f"{schema}.{name}" for schema in schemas for name in written)


def _follow_value(state: State, enum: Enum, value: ValueRename) -> State:
    """Return *state*, in its expressions the new value where the old one stood."""
    names = "|".join(re.escape(each) for each in _spellings(enum))
    bare, new = _literal(value.before), _literal(value.after)
    pattern = re.compile(rf"(?<!'){re.escape(bare)}(?=::(?:{names})(?![\w\"]))")

    def renamed(expression: Expression) -> Expression:
        canonical, text = expression.canonical, expression.text
        if not pattern.search(canonical):
            return expression
        called = pattern.sub(lambda _: new, canonical)
        if text == canonical:
            return Expression(called, called)
        return Expression(called, text.replace(bare, new))

    return _with_defaults(_with_words(state, renamed), enum, value)


def _with_defaults(state: State, enum: Enum, value: ValueRename) -> State:
    """Return *state*, the value renamed where it is a default of a column by itself."""
    old, new = _literal(value.before), _literal(value.after)
    spellings = _spellings(enum)

    def followed(column: Column) -> Column:
        default = column.default
        if default is None or default.canonical != old:
            return column
        if column.type.spelling not in spellings:
            return column
        text = default.text.replace(old, new)
        return replace(column, default=Expression(new, text))

    tables = (
        replace(table, columns=tuple(map(followed, table.columns)))
        for table in state.tables
    )
    return replace(state, tables=frozenset(tables))


def _literal(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def _follow_name(state: State, before: Enum, after: Enum) -> State:
    """Return *state*, its columns of the type by the type's new name."""
    old = _spellings(before)
    new = _written(after, state)
    names = "|".join(re.escape(each) for each in sorted(old, key=len, reverse=True))
    cast = re.compile(rf"'(?:[^']|'')*'|(?<=::)(?P<name>{names})(?![\w\"])")

    def called(found: re.Match[str]) -> str:
        return found[0] if found["name"] is None else new

    def renamed(expression: Expression) -> Expression:
        canonical, text = expression.canonical, expression.text
        return Expression(cast.sub(called, canonical), cast.sub(called, text))

    def retyped(column: Column) -> Column:
        spelling = column.type.spelling
        bare = spelling.removesuffix(ARRAY)
        if bare not in old:
            return column
        type_ = Type(new + spelling.removeprefix(bare), column.type.form)
        return replace(column, type=type_)

    tables = (
        replace(table, columns=tuple(map(retyped, table.columns)))
        for table in state.tables
    )
    return _with_words(replace(state, tables=frozenset(tables)), renamed)


def _written(enum: Enum, state: State) -> str:
    """Return the name of *enum* as the expressions of *state* write it."""
    parts = (part for part in (enum.schema, enum.name) if part)
    return ".".join(written_name(state, part) for part in parts)


def _with_words(state: State, words: Words) -> State:
    """Return *state* with all its expressions changed by *words*."""

    def of_column(column: Column) -> Column:
        if column.default is not None:
            column = replace(column, default=words(column.default))
        if column.computed is not None:
            computed = column.computed
            computed = replace(computed, expression=words(computed.expression))
            column = replace(column, computed=computed)
        return column

    def of_constraint(constraint: Constraint) -> Constraint:
        if isinstance(constraint, Check):
            return replace(constraint, expression=words(constraint.expression))
        return constraint

    def of_index(index: Index) -> Index:
        parts = tuple(
            replace(part, expression=words(part.expression))
            if part.expression
            else part
            for part in index.parts
        )
        where = words(index.where) if index.where else None
        return replace(index, parts=parts, where=where)

    def of_table(table: Table) -> Table:
        return replace(
            table,
            columns=tuple(map(of_column, table.columns)),
            constraints=frozenset(map(of_constraint, table.constraints)),
            indexes=frozenset(map(of_index, table.indexes)),
        )

    return replace(state, tables=frozenset(map(of_table, state.tables)))
