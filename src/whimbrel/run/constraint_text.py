"""The constraints of a table's text, wherever they stand: found, added, taken out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from whimbrel.catalog.sqlite_ddl import (
    Clause,
    ClauseKind,
    ColumnText,
    TableText,
    canonical,
    folded,
    mentioned,
    parse_clause,
    parse_constraint,
    quote,
    tokens,
)
from whimbrel.run.alter_text import Draft, restarted, set_column


CONSTRAINTS = (
    ClauseKind.PRIMARY_KEY,
    ClauseKind.UNIQUE,
    ClauseKind.REFERENCES,
    ClauseKind.CHECK,
)


@dataclass(frozen=True, slots=True)
class Place:
    """A constraint and where it stands: among the columns, or in one of them."""

    clause: Clause
    column: ColumnText | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that a key names."""
        if self.column is not None:
            return (self.column.name,)
        return tuple(part.name for part in self.clause.columns)


def places(text: TableText) -> tuple[Place, ...]:
    """Return all constraints of a table, wherever they stand."""
    found: list[Place] = []
    for item in text.items:
        if isinstance(item, Clause):
            found.append(Place(item))
        else:
            found += [
                Place(clause, item)
                for clause in item.clauses
                if clause.kind in CONSTRAINTS
            ]
    return tuple(found)


def add_constraint(draft: Draft, written: str) -> Draft:
    """Add a constraint that stands among the columns.

    One of its kind and name goes, as Alembic does; so does the present primary key
    when another one comes.  Checks of one name are several if they speak of
    different columns: two columns of one Enum have them so.
    """
    clause = parse_constraint(written)
    for place in places(draft.text):
        is_replaced = place.clause.kind is clause.kind and (
            clause.kind is ClauseKind.PRIMARY_KEY
            or (
                _is_same_name(place.clause.name, clause.name)
                and not _speak_of_others(draft, place.clause, clause)
            )
        )
        if is_replaced:
            if clause.kind is ClauseKind.PRIMARY_KEY and place.clause.is_autoincrement:
                kept = _autoincrement_kept(draft, place, clause)
                if kept is not None:
                    return kept
            draft = drop_constraint(draft, place)
    last = draft.text.items[-1]
    sibling = draft.text.columns[-1]
    before = last.before if isinstance(last, Clause) else sibling.before
    return draft.with_items([*draft.text.items, replace(clause, before=before)])


def _is_same_name(one: str | None, other: str | None) -> bool:
    return bool(one and other) and folded(str(one)) == folded(str(other))


def _speak_of_others(draft: Draft, one: Clause, other: Clause) -> bool:
    """Whether two checks speak of different columns."""
    if one.kind is not ClauseKind.CHECK:
        return False
    names = [
        set(mentioned(each.expression or "", draft.column_names))
        for each in (one, other)
    ]
    return all(names) and names[0].isdisjoint(names[1])


def _autoincrement_kept(draft: Draft, place: Place, clause: Clause) -> Draft | None:
    """Let one that counts say what a new primary key of the same column says."""
    names = [folded(part.name) for part in clause.columns]
    if names != [folded(name) for name in place.columns] or place.column is None:
        return None
    start = f"CONSTRAINT {quote(clause.name)} " if clause.name else ""
    conflict = f" ON CONFLICT {clause.on_conflict}" if clause.on_conflict else ""
    written = f"{start}PRIMARY KEY{conflict} AUTOINCREMENT"
    renamed = replace(parse_clause(written), before=place.clause.before)
    return _with_clauses(
        draft, place.column, lambda each: renamed if each is place.clause else each
    )


def drop_constraint(draft: Draft, place: Place) -> Draft:
    """Take a constraint out of the table."""
    if place.column is None:
        kept = [item for item in draft.text.items if item is not place.clause]
        return draft.with_items(restarted(kept))
    is_reference = place.clause.kind is ClauseKind.REFERENCES
    return _with_clauses(
        draft,
        place.column,
        lambda each: (
            None
            if each is place.clause
            or (is_reference and each.kind is ClauseKind.DEFERRABLE)
            else each
        ),
    )


def drop_with_repetitions(draft: Draft, place: Place) -> Draft:
    """Take a constraint out, and those that only say again what it says.

    These have its name, or none.
    """
    said, name = _content(place), place.clause.name
    draft = drop_constraint(draft, place)
    while True:
        again = [
            each
            for each in places(draft.text)
            if each.clause.name is None or _is_same_name(each.clause.name, name)
            if _content(each) == said
        ]
        if not again:
            return draft
        draft = drop_constraint(draft, again[0])


def _content(place: Place) -> tuple[object, ...]:
    clause = place.clause
    is_check = clause.kind is ClauseKind.CHECK
    return (
        clause.kind,
        canonical(clause.expression or ""),
        () if is_check else tuple(map(folded, place.columns)),
        clause.reference,
        clause.on_conflict,
    )


def _with_clauses(
    draft: Draft, column: ColumnText, change: Callable[[Clause], Clause | None]
) -> Draft:
    clauses = (change(clause) for clause in column.clauses)
    kept = tuple(clause for clause in clauses if clause is not None)
    return set_column(draft, column.name, replace(column, clauses=kept))


def nameless(clause: Clause) -> str:
    """Return the text of a constraint without its name."""
    if clause.name is None:
        return clause.text
    parts = tokens(clause.text)[2:-1]
    return "".join(part.before + part.text for part in parts).strip()
