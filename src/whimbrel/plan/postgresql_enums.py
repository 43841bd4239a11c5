"""What is done to PostgreSQL's enumerated types.

https://www.postgresql.org/docs/current/sql-altertype.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from alembic.operations import ops

from whimbrel.plan.postgresql_footings import parts_commented
from whimbrel.plan.postgresql_words import (
    literal,
    named,
    qualified,
    quoted,
    said_sql,
    statement,
    values_of,
)
from whimbrel.plan.remade_types import MADE, MULTIRANGE
from whimbrel.plan.step import Autocommitted
from whimbrel.schema.changes import EnumChange
from whimbrel.schema.names import fitted_name, unique_name
from whimbrel.schema.state import Enum


def spellings(enum: Enum) -> tuple[str, ...]:
    """Return how the catalog may spell the type: bare, quoted, with its schema."""
    names = (enum.name, quoted(enum.name), f'"{enum.name}"')
    if enum.schema is None:
        return names
    schemas = (enum.schema, quoted(enum.schema), f'"{enum.schema}"')
    return tuple(f"{schema}.{name}" for schema in schemas for name in names)


def enum_operations(change: EnumChange) -> Iterator[ops.MigrateOperation]:
    """Yield what makes, alters or drops an enumerated type."""
    before, after = change.before, change.after
    if after is not None and before is None:
        values = ", ".join(literal(value) for value in after.values)
        made = f"CREATE TYPE {_name(after)} AS ENUM ({values})"
        yield statement(values_of(after.options).get(MADE, made))
        yield from _said(None, after)
    elif before is not None and after is None:
        yield statement(f"DROP TYPE {_name(before)}")
    elif before is not None and after is not None:
        yield from _altered(before, after, change)


def _altered(
    before: Enum, after: Enum, change: EnumChange
) -> Iterator[ops.MigrateOperation]:
    if before.schema != after.schema:
        schema = quoted(after.schema or "public")
        yield statement(f"ALTER TYPE {_name(before)} SET SCHEMA {schema}")
        before = replace(before, schema=after.schema)
    if before.name != after.name:
        new = quoted(after.name)
        yield statement(f"ALTER TYPE {_name(before)} RENAME TO {new}")
        yield from _multirange_renamed(before, after)
    for each in change.renamed:
        values = f"{literal(each.before)} TO {literal(each.after)}"
        yield statement(f"ALTER TYPE {_name(after)} RENAME VALUE {values}")
    if not change.renamed:
        yield from _said(before, after)
        yield from _added(before, after)


def _multirange_renamed(before: Enum, after: Enum) -> Iterator[ops.MigrateOperation]:
    """Yield what gives the type of several ranges, if there is one, a name as well.

    So it does to the functions that make values of both: they have their names.
    """
    found = multirange_change(EnumChange(before=before, after=after))
    if found is None or found.before is None or found.after is None:
        return
    new = quoted(found.after.name)
    yield statement(f"ALTER TYPE {_name(found.before)} RENAME TO {new}")
    types = (_name(after), _name(found.after))
    both = ", ".join(f"{literal(each)}::regtype" for each in types)
    yield statement(
        "DO $$ DECLARE each regprocedure; BEGIN FOR each IN SELECT objid FROM pg_depend"
        " WHERE classid = 'pg_proc'::regclass AND refclassid = 'pg_type'::regclass"
        f" AND deptype = 'i' AND refobjid IN ({both}) LOOP EXECUTE"
        f" format('ALTER FUNCTION %s RENAME TO %I', each, {literal(after.name)});"
        " END LOOP; END $$"
    )


def multirange_change(change: EnumChange) -> EnumChange | None:
    """Return what becomes of the type of several ranges as a range type is renamed."""
    before, after = change.before, change.after
    if before is None or after is None:
        return None
    found = MULTIRANGE.search(values_of(before.options).get(MADE, ""))
    if found is None:
        return None
    name = named(found["name"])
    new = fitted_name(after.name, "", "multirange")
    return EnumChange(
        before=Enum(name=name.name, schema=name.schema),
        after=Enum(name=new, schema=name.schema),
    )


def _said(before: Enum | None, after: Enum) -> Iterator[ops.MigrateOperation]:
    """Yield what gives a type its comment."""
    old, new = (
        values_of(each.options).get("type_comment") if each else None
        for each in (before, after)
    )
    if old != new:
        yield statement(said_sql(f"TYPE {_name(after)}", new))
    if before is None:
        yield from parts_commented(_name(after), {}, values_of(after.options))


def _added(before: Enum, after: Enum) -> Iterator[ops.MigrateOperation]:
    """Yield what adds values, each in its place.

    A new value cannot be used before it is committed: so it is, at once, and may
    be there already when a script is run again.
    """
    known = list(before.values)
    for place, value in enumerate(after.values):
        if value in known:
            continue
        where = ""
        if place == 0 and known:
            where = f" BEFORE {literal(known[0])}"
        elif place < len(known):
            where = f" AFTER {literal(after.values[place - 1])}"
        known.insert(place, value)
        yield Autocommitted(
            statement(
                f"ALTER TYPE {_name(after)} ADD VALUE IF NOT EXISTS"
                f" {literal(value)}{where}"
            ).sqltext
        )


def set_aside_as(change: EnumChange, others: Iterable[Enum]) -> Enum | None:
    """Return the old type under another name, if it cannot become the new one."""
    before, after = change.before, change.after
    if before is None or after is None or change.renamed:
        return None
    if (before.name, before.schema) != (after.name, after.schema):
        return None
    if any(each.name == MADE for each in before.options | after.options):
        return _aside(before, others)
    if [each for each in after.values if each in before.values] == [*before.values]:
        return None
    return _aside(before, others)


def _aside(enum: Enum, others: Iterable[Enum]) -> Enum:
    taken = {each.name for each in others}
    return replace(enum, name=unique_name(f"{enum.name}_old", taken))


def _name(enum: Enum) -> str:
    return qualified(enum.name, enum.schema)
