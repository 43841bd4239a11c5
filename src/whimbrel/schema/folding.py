"""Names of tables as people write them, where the server keeps them in small letters.

MySQL and MariaDB do so where ``lower_case_table_names`` is not 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from whimbrel.schema.fills import Fill
from whimbrel.schema.renames import Rename, TableRename
from whimbrel.schema.state import State, TableName


def kept_renames(renames: Iterable[Rename], state: State) -> tuple[Rename, ...]:
    """Return *renames* with the names of tables as the database of *state* has them.

    A new name that is kept as the old one is none.
    """
    kept = (_kept_rename(each, state) for each in renames)
    return tuple(each for each in kept if each.before != each.after)


def kept_fills(fills: Iterable[Fill], state: State) -> tuple[Fill, ...]:
    """Return *fills* with the names of tables as the database of *state* has them."""
    return tuple(replace(each, table=_kept(each.table, state)) for each in fills)


def kept_patterns(patterns: Collection[str], state: State) -> tuple[str, ...]:
    """Return patterns of names; those that tables have are written in small letters."""
    small = [each.lower() for each in patterns] if state.folds_names else []
    return tuple(dict.fromkeys((*patterns, *small)))


def _kept_rename(rename: Rename, state: State) -> Rename:
    if isinstance(rename, TableRename):
        return TableRename(
            before=_kept(rename.before, state), after=_kept(rename.after, state)
        )
    return replace(rename, table=_kept(rename.table, state))


def _kept(name: TableName, state: State) -> TableName:
    if not state.folds_names:
        return name
    return TableName(name.name.lower(), name.schema and name.schema.lower())
