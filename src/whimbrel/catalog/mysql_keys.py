"""The keys and indexes of tables, from the rows of information_schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy.engine import Connection

from whimbrel.catalog.mysql_ddl import TableText, parse_table
from whimbrel.catalog.mysql_rows import Catalog, Facts, Place
from whimbrel.catalog.mysql_shown import show_create
from whimbrel.catalog.mysql_spelling import action, index_part, options, serves
from whimbrel.catalog.mysql_tokens import quoted
from whimbrel.schema.names import default_name
from whimbrel.schema.state import (
    ForeignKey,
    Index,
    IndexPart,
    Naming,
    PrimaryKey,
    TableName,
)


class Keys:
    """The keys of all tables of one reading."""

    def __init__(self, connection: Connection, facts: Facts, catalog: Catalog) -> None:
        self._connection = connection
        self._facts = facts
        self._catalog = catalog
        self._known: dict[tuple[Any, ...], IndexPart] = {}

    def primary_key(self, place: Place, name: TableName) -> Iterator[PrimaryKey]:
        """Yield the primary key, if there is one."""
        rows = _parts(self._catalog.indexes.get(place, ()), primary=True)
        for _, parts in rows:
            columns = tuple(part.column_name for part in parts)
            lengths = {part.column_name: part.length for part in parts if part.length}
            falling = ",".join(
                part.column_name for part in parts if part.direction == "D"
            )
            said = {
                "length": json.dumps(lengths, sort_keys=True) if lengths else None,
                "descending": falling or None,
                "using": self._method(place, parts[0]),
                "comment": parts[0].comment or None,
            }
            yield PrimaryKey(
                name=default_name(PrimaryKey, name.name, columns),
                columns=columns,
                options=options(said.items()),
                naming=Naming.NONE,
            )

    def indexes(self, place: Place) -> Iterator[Index]:
        """Yield all indexes but the primary key's, those of constraints too."""
        rows = self._catalog.indexes.get(place, ())
        parser = self._parsers(place) if _have_text(rows) else {}
        for name, parts in _parts(rows, primary=False):
            yield self._index(place, name, parts, parser.get(name))

    def _index(
        self, place: Place, name: str, parts: list[Any], parser: str | None
    ) -> Index:
        first = parts[0]
        prefix = first.kind.lower()
        is_special = prefix in ("fulltext", "spatial")
        said = {
            "prefix": prefix if is_special else None,
            "with_parser": parser,
            "using": self._method(place, first),
            "comment": first.comment or None,
            "ignored": "on" if first.is_hidden == "YES" else None,
        }
        return Index(
            name=name,
            parts=tuple([self._part(part, is_special) for part in parts]),
            unique=not int(first.non_unique),
            options=options(said.items()),
        )

    def _method(self, place: Place, row: Any) -> str | None:
        """Return how an index is kept, where the engine has two ways."""
        (table,) = self._catalog.tables[place]
        in_memory = (table.engine or "").lower() == "memory"
        return "btree" if in_memory and row.kind == "BTREE" else None

    def _part(self, row: Any, is_special: bool) -> IndexPart:
        """Return a part of an index; those that are alike are one."""
        key = (row.column_name, row.direction, row.length, row.expression, is_special)
        part = self._known.get(key)
        if part is None:
            length = None if is_special else row.length
            part = self._known[key] = index_part(
                row.column_name, row.direction, length, row.expression
            )
        return part

    def foreign_keys(
        self, place: Place, indexes: Sequence[Index]
    ) -> Iterator[ForeignKey]:
        """Yield the foreign keys, with the first of *indexes* that serves each."""
        actions = {row.name: row for row in self._catalog.actions.get(place, ())}
        rows = sorted(
            self._catalog.keys.get(place, ()), key=lambda row: (row.name, row.position)
        )
        if rows and not actions:
            actions = {key.name: key for key in self._shown(place).keys}
        for name, group in groupby(rows, key=lambda row: row.name):
            parts = list(group)
            said: Any = actions[name]
            columns = tuple([part.column_name for part in parts])
            served = (each.name for each in indexes if serves(each, name, columns))
            yield ForeignKey(
                name=name,
                columns=columns,
                target=self._facts.located(
                    parts[0].target_schema, parts[0].target_table
                ),
                target_columns=tuple(part.target_column for part in parts),
                on_delete=action(said.on_delete),
                on_update=action(said.on_update),
                index=next(served, None),
            )

    def _parsers(self, place: Place) -> dict[str, str | None]:
        return {key.name: key.parser for key in self._shown(place).keys}

    def shown(self, place: Place) -> str:
        """Return the text of SHOW CREATE TABLE for the table at *place*."""
        return show_create(self._connection, ".".join(map(quoted, place)))

    def _shown(self, place: Place) -> TableText:
        return parse_table(self.shown(place))


_POSITION = attrgetter("position")


def _parts(rows: Iterable[Any], *, primary: bool) -> Iterator[tuple[str, list[Any]]]:
    """Yield each index's name and the rows of its parts, in their order."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        if (row.name == "PRIMARY") == primary:
            found.setdefault(row.name, []).append(row)
    for name in sorted(found):
        parts = found[name]
        if len(parts) > 1:
            parts.sort(key=_POSITION)
        yield name, parts


def _have_text(rows: Iterable[Any]) -> bool:
    return any(row.kind == "FULLTEXT" for row in rows)
