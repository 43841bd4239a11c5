"""What is done to what PostgreSQL's tables stand on: domains, other types, schemas.

https://www.postgresql.org/docs/current/sql-alterdomain.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from alembic.operations import ops

from whimbrel.plan.postgresql_words import (
    listed,
    named,
    qualified,
    quoted,
    said_sql,
    statement,
    values_of,
)
from whimbrel.schema.changes import FootingChange
from whimbrel.schema.state import Footing, Option, State, TableName


PART = "part "
SAID = "said "
FIRM = ("type", "collation", "made")
"""What no statement makes another."""


def footing_made(footing: Footing) -> Iterator[ops.MigrateOperation]:
    """Yield what makes something that tables stand on, with its comment."""
    yield statement(footing.made)
    yield from _commented(None, footing)


def footing_dropped(footing: Footing) -> ops.MigrateOperation:
    """Return what drops a type, or a schema."""
    return statement(f"DROP {footing.kind.upper()} {_name(footing)}")


def footings_dropped(
    start: State, end: State, kind: str
) -> Iterator[ops.MigrateOperation]:
    """Yield what drops that of one kind which came with the tables that go."""
    for footing in reversed(start.footings):
        is_gone = footing.is_needed and footing not in end.footings
        if is_gone and footing.kind == kind:
            yield footing_dropped(footing)


def is_remade(change: FootingChange, *, is_held: bool) -> bool:
    """Whether a type that columns have can only be replaced by another one.

    The server does not add a constraint to a domain of which a column has an array,
    or whose values are within others.

    Args:
        change: what becomes of the type.
        is_held: columns have such values within others.
    """
    before, after = change.before, change.after
    if before is None or after is None or not before.is_needed:
        return False
    old, new = values_of(before.says), values_of(after.says)
    if _must_be_anew(old, new):
        return True
    return is_held and any(
        old.get(each) != new.get(each)
        for each in {*old, *new}
        if each.startswith(PART) or each == "not_null"
        if "attributes" not in new
    )


def is_ended(change: FootingChange) -> bool:
    """Whether a type goes, or is dropped and made anew."""
    before, after = change.before, change.after
    if before is None or before.kind != "type":
        return False
    return after is None or _must_be_anew(values_of(before.says), values_of(after.says))


def footing_operations(change: FootingChange) -> Iterator[ops.MigrateOperation]:
    """Yield what makes something that tables stand on another, where it stands."""
    before, after = change.before, change.after
    if before is None or after is None:
        return
    old, new = values_of(before.says), values_of(after.says)
    if _must_be_anew(old, new):
        yield footing_dropped(before)
        yield from footing_made(after)
        return
    is_composite = "attributes" in new
    parts = _attribute_words(old, new) if is_composite else _domain_words(old, new)
    for words in parts:
        kind = "TYPE" if is_composite else "DOMAIN"
        yield statement(f"ALTER {kind} {_name(after)} {words}")
    yield from _commented(before, after)


def _must_be_anew(old: dict[str, str], new: dict[str, str]) -> bool:
    """Whether no statement makes the one the other.

    Values of a composite type are made by the order of its attributes, and new ones
    come last.
    """
    before, after = (listed(each.get("attributes")) for each in (old, new))
    kept = [each for each in before if each in after]
    added = [each for each in after if each not in before]
    firm = (*FIRM, *(PART + each for each in kept))
    return [*kept, *added] != after or any(
        old.get(each) != new.get(each) for each in firm
    )


def _attribute_words(old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    before, after = (listed(each.get("attributes")) for each in (old, new))
    for each in before:
        if each not in after:
            yield f"DROP ATTRIBUTE {quoted(each)}"
    for each in after:
        if each not in before:
            yield f"ADD ATTRIBUTE {quoted(each)} {new[PART + each]}"


def _domain_words(old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    if old.get("default") != new.get("default"):
        default = new.get("default")
        yield "DROP DEFAULT" if default is None else f"SET DEFAULT {default}"
    if old.get("not_null") != new.get("not_null"):
        yield "SET NOT NULL" if "not_null" in new else "DROP NOT NULL"
    checks = sorted(each for each in {*old, *new} if each.startswith(PART))
    others = [each for each in checks if old.get(each) != new.get(each)]
    for each in others:
        if each in old:
            yield f"DROP CONSTRAINT {quoted(each.removeprefix(PART))}"
    for each in others:
        if each in new:
            yield f"ADD CONSTRAINT {quoted(each.removeprefix(PART))} {new[each]}"


def _commented(
    before: Footing | None, after: Footing
) -> Iterator[ops.MigrateOperation]:
    old, new = (
        values_of(each.says).get("comment") if each else None
        for each in (before, after)
    )
    if old != new:
        yield statement(said_sql(f"{after.kind.upper()} {_name(after)}", new))
    were, are = (values_of(each.says) if each else {} for each in (before, after))
    yield from parts_commented(_name(after), were, are)


def parts_commented(
    name: str, were: dict[str, str], are: dict[str, str]
) -> Iterator[ops.MigrateOperation]:
    """Yield what comments on attributes of a type, or on the checks of a domain.

    A check that becomes another is a new one, without a comment.
    """
    for each in sorted(are):
        if not each.startswith(PART):
            continue
        part = each.removeprefix(PART)
        is_new = were.get(each) != are[each]
        old = None if is_new else were.get(SAID + part)
        if old != are.get(SAID + part):
            what = f"CONSTRAINT {quoted(part)} ON DOMAIN {name}"
            if "attributes" in are:
                what = f"COLUMN {name}.{quoted(part)}"
            yield statement(said_sql(what, are.get(SAID + part)))


def footing_followed(footing: Footing, names: Mapping[TableName, TableName]) -> Footing:
    """Return a type as it is said when what it is made of has other *names*."""
    said = values_of(footing.says)
    is_composite = "attributes" in said
    told = {}
    for each, value in said.items():
        is_type = each.startswith(PART) if is_composite else each == "type"
        told[each] = _followed(value, names) if is_type else value
    if told == said:
        return footing
    made = footing.made.replace(f" AS {said.get('type')}", f" AS {told.get('type')}", 1)
    if is_composite:
        parts = (f"{quoted(e)} {told[PART + e]}" for e in listed(told["attributes"]))
        made = f"CREATE TYPE {_name(footing)} AS ({', '.join(parts)})"
    says = frozenset(Option(name, value) for name, value in told.items())
    return replace(footing, made=made, says=says)


def _followed(spelling: str, names: Mapping[TableName, TableName]) -> str:
    base, collate, collation = spelling.partition(" COLLATE ")
    new = names.get(named(base.removesuffix("[]")))
    if new is None:
        return spelling
    array = "[]" if base.endswith("[]") else ""
    return f"{qualified(new.name, new.schema)}{array}{collate}{collation}"


def _name(footing: Footing) -> str:
    return qualified(footing.name, footing.schema)
