"""What the server keeps of a table that models describe, and what it adds."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from operator import is_

from whimbrel.catalog.mysql_spelling import (
    HAVE_KEYS,
    action,
    as_unique,
    is_plain,
    unserving,
)
from whimbrel.schema.again import nameless
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.names import are_unlike, each_once, unique_name
from whimbrel.schema.state import (
    Constraint,
    Following,
    ForeignKey,
    Index,
    IndexPart,
    Naming,
    PrimaryKey,
    Table,
    Unique,
)


RENAMES_INDEXES = {True: (10, 5, 2), False: (5, 7)}
"""Since when an index can be renamed: MariaDB, MySQL."""

_RARE = re.compile(r"[^\0-\uFFFF]")
"""The characters that a comment does not keep."""


def following(server: Dialect) -> frozenset[Following]:
    """Return which names of the server's own making follow others there.

    Those of keys and checks do by themselves, those of indexes because they can.
    """
    found = {Following.KEYS}
    if not server.is_mariadb:
        found.add(Following.CHECKS)
    if server.version >= RENAMES_INDEXES[server.is_mariadb]:
        found.add(Following.INDEXES)
    return frozenset(found)


def repeated(
    constraints: Collection[Constraint],
) -> frozenset[tuple[Constraint, Constraint]]:
    """Return what says without a name what another one says, each behind that.

    The server keeps all of them.
    """
    if are_unlike(constraints):
        return frozenset()
    said = [
        _key(each) if isinstance(each, ForeignKey) else each for each in constraints
    ]
    firsts = each_once(said)
    if len(firsts) == len(said):
        return frozenset()
    first = {nameless(each): each for each in reversed(firsts)}
    kept = {each for each in firsts if each.naming is Naming.NONE}
    taken = {each.name for each in said}
    found: set[tuple[Constraint, Constraint]] = set()
    for each in (each for each in said if each.naming is Naming.NONE):
        if each in kept:
            kept.remove(each)
            continue
        name = unique_name(each.name, taken)
        taken.add(name)
        found.add((first[nameless(each)], replace(each, name=name)))
    return frozenset(found)


def stored(table: Table, engine: str, *, has_descending: bool) -> Table:
    """Return *table* as the server tells it.

    Args:
        table: the table as its models say.
        engine: its storage engine.
        has_descending: the server knows the direction of an index.
    """
    old = [each for each in table.constraints if isinstance(each, ForeignKey)]
    kept = [_primary(each, engine) for each in table.constraints]
    constraints: list[Constraint] = [
        each for each in kept if not isinstance(each, ForeignKey)
    ]
    keys = [_key(each) for each in old]
    indexes = [_index(each, engine, has_descending) for each in table.indexes]
    if engine.lower() in HAVE_KEYS:
        is_kept = _are(old, keys)
        constraints += keys
    else:
        is_kept = not keys
        indexes += _left_by_keys(keys, constraints, indexes)
        keys = []
    unique = [each for each in indexes if each.unique and is_plain(each)]
    left = unserving([each for each in indexes if each not in unique], keys)
    if is_kept and _are(table.constraints, kept) and _are(table.indexes, left):
        return table  # which is the rule; to make another one takes time
    constraints += [as_unique(index, is_index=True) for index in unique]
    return replace(
        table,
        constraints=frozenset(constraints),
        indexes=frozenset(left),
    )


def told_forgotten(table: Table, engine: str) -> tuple[str, ...]:
    """Return a sentence for a table that gets none of its foreign keys, if it has any.

    Its engine does not know them, and the server says nothing.
    """
    keys = [each for each in table.constraints if isinstance(each, ForeignKey)]
    if not keys or engine.lower() in HAVE_KEYS:
        return ()
    columns = ", ".join(sorted({name for key in keys for name in key.columns}))
    return (
        f"{table.name}: the models say foreign keys of {columns}, and the engine"
        f" {engine} keeps none, without a word. If they are wanted, the table must be"
        " one of InnoDB: mysql_engine.",
    )


def commented(table: Table) -> Table:
    """Return *table* with its comments as the server keeps them."""
    said = [table.comment, *(column.comment for column in table.columns)]
    if not any(_RARE.search(each) for each in said if each):
        return table
    columns = [
        replace(column, comment=_kept(column.comment)) for column in table.columns
    ]
    return replace(table, columns=tuple(columns), comment=_kept(table.comment))


def _kept(comment: str | None) -> str | None:
    return comment and _RARE.sub("?", comment)


def _are(before: Collection[object], after: Collection[object]) -> bool:
    return len(before) == len(after) and all(map(is_, before, after))


def _primary(constraint: Constraint, engine: str) -> Constraint:
    """Return a primary key without what its engine does not heed."""
    if not isinstance(constraint, PrimaryKey) or engine.lower() == "memory":
        return constraint
    kept = frozenset(each for each in constraint.options if each.name != "using")
    if len(kept) == len(constraint.options):
        return constraint
    return replace(constraint, options=kept)


def _index(index: Index, engine: str, has_descending: bool) -> Index:
    """Return an index without what its kind, or the server, does not know."""
    if not index.options and has_descending:
        return index
    said = {option.name: option for option in index.options}
    parts = index.parts
    if "prefix" in said:
        parts = tuple(IndexPart(column=part.column) for part in parts)
    elif not has_descending:
        parts = tuple(replace(part, descending=False) for part in parts)
    if engine.lower() != "memory":
        said.pop("using", None)
    return replace(index, parts=parts, options=frozenset(said.values()))


def _key(key: ForeignKey) -> ForeignKey:
    """Return a foreign key as the server keeps it: it knows no deferral."""
    if not (key.on_delete or key.on_update or key.match or key.deferrable):
        return key
    return replace(
        key,
        on_delete=action(key.on_delete),
        on_update=action(key.on_update),
        match=None,
        deferrable=False,
        initially_deferred=False,
    )


def _left_by_keys(
    keys: Iterable[ForeignKey],
    constraints: Iterable[Constraint],
    indexes: Iterable[Index],
) -> list[Index]:
    """Return the indexes that foreign keys leave where the engine forgets the keys."""
    there = [
        tuple(part.column for part in index.parts if part.column) for index in indexes
    ]
    there += [
        each.columns for each in constraints if isinstance(each, Unique | PrimaryKey)
    ]
    made = []
    for key in sorted(keys, key=repr):
        if not any(columns[: len(key.columns)] == key.columns for columns in there):
            there.append(key.columns)
            is_named = key.naming is not Naming.NONE
            made.append(
                Index(
                    name=key.name if is_named else key.columns[0],
                    parts=tuple(IndexPart(column=column) for column in key.columns),
                    naming=key.naming,
                )
            )
    return made
