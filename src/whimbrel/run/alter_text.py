"""Edits of a table's CREATE TABLE text: a draft in, the next draft out.

Nothing here touches a database.  What an edit does not speak of stays as it was
written, to the last comment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from sqlalchemy.util import topological

from whimbrel.catalog.sqlite_ddl import (
    Clause,
    ClauseKind,
    ColumnText,
    Item,
    KeyPart,
    TableText,
    canonical,
    folded,
    mentioned,
    parse_clause,
    parse_column,
    parse_constraint,
    quote,
    tokens,
    unquoted,
)
from whimbrel.errors import MigrationFailed


_ORDER = (ClauseKind.COLLATE, ClauseKind.DEFAULT, ClauseKind.NOT_NULL)
"""Where these clauses stand in what SQLAlchemy writes: first, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A table as it is to be, and where the values of its columns come from.

    Args:
        text: the definition as it is to be.
        sources: for each column (its name folded) the column that it was; a column
            that is new is not among them.
    """

    text: TableText
    sources: Mapping[str, str]

    @classmethod
    def of(cls, text: TableText) -> Draft:
        """Return the draft that changes nothing."""
        names = [column.name for column in text.columns]
        return cls(text=text, sources={folded(name): name for name in names})

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        return tuple(column.name for column in self.text.columns)

    def has_column(self, name: str) -> bool:
        """Whether there is a column of that name."""
        return folded(name) in map(folded, self.column_names)

    def column(self, name: str) -> ColumnText:
        """Return the column of that name.

        Raises:
            MigrationFailed: there is none.
        """
        for column in self.text.columns:
            if folded(column.name) == folded(name):
                return column
        raise MigrationFailed(
            f"Table {self.text.name} has no column {name}; it has"
            f" {', '.join(self.column_names)}.",
            "Name the column in the script as the database does.",
            table=self.text.name,
            column=name,
        )

    def with_items(self, items: Iterable[Item]) -> Draft:
        """Return the draft with other columns and constraints."""
        return replace(self, text=replace(self.text, items=tuple(items)))


# -- columns ----------------------------------------------------------------------


def set_column(draft: Draft, name: str, column: ColumnText) -> Draft:
    """Put *column* in the place of the column of that name."""
    old = draft.column(name)
    return draft.with_items(
        column if item is old else item for item in draft.text.items
    )


def set_type(draft: Draft, name: str, written: str) -> Draft:
    """Give a column the type that *written* says, and its collation if it says one."""
    column = draft.column(name)
    wanted = parse_column(f"x {written}")
    changed = replace(column, type_text=wanted.type_text)
    collation = wanted.clause(ClauseKind.COLLATE)
    draft = set_column(draft, name, changed)
    if collation is None:
        return draft
    return set_clause(draft, name, ClauseKind.COLLATE, collation.text)


def set_nullable(draft: Draft, name: str, nullable: bool) -> Draft:
    """Let a column take NULL, or not."""
    column = draft.column(name)
    is_nullable = column.clause(ClauseKind.NOT_NULL) is None
    if is_nullable == nullable:
        return draft
    if nullable:
        return set_clause(draft, name, ClauseKind.NOT_NULL, None)
    draft = set_clause(draft, name, ClauseKind.NULL, None)
    return set_clause(draft, name, ClauseKind.NOT_NULL, "NOT NULL")


def set_on_conflict(draft: Draft, name: str, conflict: str | None) -> Draft:
    """Say what happens to a row in which a NOT NULL column would be NULL."""
    if draft.column(name).clause(ClauseKind.NOT_NULL) is None:
        return draft
    written = f"NOT NULL ON CONFLICT {conflict}" if conflict else "NOT NULL"
    return set_clause(draft, name, ClauseKind.NOT_NULL, written)


def set_clause(draft: Draft, name: str, kind: ClauseKind, written: str | None) -> Draft:
    """Give a column a clause of that kind in the place of its own; None: none."""
    column = draft.column(name)
    clauses = list(column.clauses)
    places = [place for place, each in enumerate(clauses) if each.kind is kind]
    if written is None:
        kept = (each for each in clauses if each.kind is not kind)
        return set_column(draft, name, replace(column, clauses=tuple(kept)))
    clause = parse_clause(written)
    if places:
        if _same_clause(clauses[places[-1]], clause):
            return draft
        clauses[places[-1]] = replace(clause, before=clauses[places[-1]].before)
    else:
        clauses.insert(_place_for(kind, clauses), replace(clause, before=" "))
    return set_column(draft, name, replace(column, clauses=tuple(clauses)))


def _same_clause(one: Clause, other: Clause) -> bool:
    return canonical(one.text) == canonical(other.text)


def _place_for(kind: ClauseKind, clauses: Sequence[Clause]) -> int:
    rank = _ORDER.index(kind) if kind in _ORDER else len(_ORDER)
    for place, clause in enumerate(clauses):
        if clause.kind not in _ORDER or _ORDER.index(clause.kind) > rank:
            return place if kind in _ORDER else len(clauses)
    return len(clauses)


def add_column(
    draft: Draft,
    column: ColumnText,
    *,
    before: str | None = None,
    after: str | None = None,
) -> Draft:
    """Add a column: at the end, or beside another.

    Raises:
        MigrationFailed: there is one of that name.
    """
    if draft.has_column(column.name):
        raise MigrationFailed(
            f"Table {draft.text.name} already has a column {column.name}.",
            "Take it out of the script, or pass if_not_exists=True.",
            table=draft.text.name,
            column=column.name,
        )
    columns = list(draft.text.columns)
    if before is not None:
        place = columns.index(draft.column(before))
    elif after is not None:
        place = _place_behind(draft, columns, after)
    else:
        place = len(columns)
    sibling = columns[-1] if columns else None
    if sibling is not None:
        column = replace(column, before=sibling.before)
    columns.insert(place, column)
    return draft.with_items([*columns, *draft.text.constraints])


def _place_behind(draft: Draft, columns: list[ColumnText], name: str) -> int:
    """Return the place behind a column, and behind those just added there."""
    place = columns.index(draft.column(name)) + 1
    if folded(name) in draft.sources:
        while place < len(columns) and folded(columns[place].name) not in draft.sources:
            place += 1
    return place


def drop_column(draft: Draft, name: str) -> Draft:
    """Drop a column, and the constraints that speak of it.

    Raises:
        MigrationFailed: a generated column is computed from it, or it is the last.
    """
    column = draft.column(name)
    others = [each for each in draft.text.columns if each is not column]
    if not others:
        raise MigrationFailed(
            f"{name} is the only column of {draft.text.name}; a table needs one.",
            "Drop the table, or add another column first.",
            table=draft.text.name,
        )
    _refuse_if_computed_from(draft, column, others)
    items: list[Item] = [_without_checks_of(each, column.name) for each in others]
    items += [
        kept
        for each in draft.text.constraints
        if (kept := _without_part(each, column.name)) is not None
    ]
    sources = {k: v for k, v in draft.sources.items() if k != folded(column.name)}
    return replace(draft.with_items(restarted(items)), sources=sources)


def _refuse_if_computed_from(
    draft: Draft, column: ColumnText, others: Iterable[ColumnText]
) -> None:
    for other in others:
        computed = other.clause(ClauseKind.GENERATED)
        if computed and mentioned(computed.expression or "", [column.name]):
            raise MigrationFailed(
                f"Column {other.name} of {draft.text.name} is computed from"
                f" {column.name}, which is to be dropped.",
                f"Drop {other.name} too, or compute it in another way first.",
                table=draft.text.name,
                column=column.name,
            )


def _without_checks_of(column: ColumnText, name: str) -> ColumnText:
    kept = tuple(
        clause
        for clause in column.clauses
        if clause.kind is not ClauseKind.CHECK
        or not mentioned(clause.expression or "", [name])
    )
    return column if kept == column.clauses else replace(column, clauses=kept)


def _without_part(clause: Clause, name: str) -> Clause | None:
    """Return a constraint without a column: the rest of a primary key, or nothing."""
    if clause.kind is ClauseKind.CHECK:
        return None if mentioned(clause.expression or "", [name]) else clause
    if folded(name) not in [folded(part.name) for part in clause.columns]:
        return clause
    parts = [part for part in clause.columns if folded(part.name) != folded(name)]
    if clause.kind is not ClauseKind.PRIMARY_KEY or not parts:
        return None
    start = f"CONSTRAINT {quote(clause.name)} " if clause.name else ""
    conflict = f" ON CONFLICT {clause.on_conflict}" if clause.on_conflict else ""
    written = f"{start}PRIMARY KEY ({', '.join(map(_written_part, parts))}){conflict}"
    return replace(parse_constraint(written), before=clause.before, after=clause.after)


def _written_part(part: KeyPart) -> str:
    collation = f" COLLATE {quote(part.collation)}" if part.collation else ""
    return f"{quote(part.name)}{collation}{' DESC' if part.is_descending else ''}"


def restarted(items: Sequence[Item]) -> list[Item]:
    """Let a constraint that followed a dropped one without a comma have a comma."""
    return [
        replace(item, follows_comma=True) if isinstance(item, Clause) else item
        for item in items
    ]


def reorder(draft: Draft, orders: Iterable[Sequence[str]]) -> Draft:
    """Bring the columns into an order that respects each of *orders*."""
    names = list(draft.column_names)
    pairs = {
        (draft.column(one).name, draft.column(other).name)
        for order in orders
        for one, other in pairwise(order)
    }
    ordered = topological.sort(pairs, names, deterministic_order=True)
    columns = [draft.column(name) for name in ordered]
    return draft.with_items([*columns, *draft.text.constraints])


# -- expressions ------------------------------------------------------------------


def renamed(sql: str, names: Mapping[str, str]) -> str:
    """Return *sql* with the names of columns replaced; *names* are folded."""
    if not names:
        return sql
    result = ""
    for token in tokens(sql):
        text = token.text
        if token.is_name and not text.startswith("'"):
            new = names.get(folded(unquoted(text)))
            text = quote(new) if new is not None else text
        result += token.before + text
    return result


# -- the table --------------------------------------------------------------------


def unqualified(draft: Draft) -> Draft:
    """Let no expression name the table, so that it can go by another name."""
    name = folded(draft.text.name)
    items: list[Item] = []
    for item in draft.text.items:
        if isinstance(item, Clause):
            items.append(_unqualified(item, name))
        else:
            clauses = tuple(_unqualified(clause, name) for clause in item.clauses)
            items.append(replace(item, clauses=clauses))
    return draft.with_items(items)


def _unqualified(clause: Clause, name: str) -> Clause:
    if clause.kind not in (ClauseKind.CHECK, ClauseKind.GENERATED):
        return clause
    parts = tokens(clause.text)[:-1]
    text, place = "", 0
    while place < len(parts):
        token = parts[place]
        following = parts[place + 1].word if place + 1 < len(parts) else ""
        if token.is_name and following == "." and folded(unquoted(token.text)) == name:
            text += token.before
            place += 2
        else:
            text += token.before + token.text
            place += 1
    return clause if text == clause.text else replace(clause, text=text)


def set_option(draft: Draft, option: str, *, is_on: bool) -> Draft:
    """Write WITHOUT ROWID or STRICT behind the table, or take it away."""
    has = option in draft.text.options
    if has == is_on:
        return draft
    options = [each for each in draft.text.options if each != option]
    if is_on:
        options.append(option)
    return replace(draft, text=replace(draft.text, options=tuple(options)))
