"""Names that a database takes for one, though people write them with other letters.

MySQL and MariaDB keep those of tables in small letters where
``lower_case_table_names`` is not 0; columns go by one name whatever its case.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from whimbrel.schema.fills import Fill
from whimbrel.schema.renames import ColumnRename, Rename, TableRename
from whimbrel.schema.state import State, Table, TableName


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


def renames_by_case(current: State, wanted: State) -> Iterator[ColumnRename]:
    """Yield the renames of columns that get another name only by its case."""
    for before in sorted(current.tables, key=lambda each: str(each.name)):
        after = wanted.table(before.name)
        if after is None:
            continue
        old, new = _columns(before), _columns(after)
        for folded in sorted(old.keys() & new.keys()):
            if old[folded] != new[folded]:
                yield ColumnRename(
                    table=before.name, before=old[folded], after=new[folded]
                )


def _columns(table: Table) -> dict[str, str]:
    return {column.name.casefold(): column.name for column in table.columns}


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
