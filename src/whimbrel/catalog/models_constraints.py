"""The constraints of drafted tables, as a state has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from operator import attrgetter

from sqlalchemy import (
    CheckConstraint,
    Constraint,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import IdentifierError, InvalidRequestError
from sqlalchemy.sql.elements import conv

from whimbrel.catalog.drafts import CheckDraft, Drafter, ExclusionDraft, TableDraft
from whimbrel.catalog.wording import AnyColumn, Made, Spellings
from whimbrel.errors import ModelsError
from whimbrel.schema import state as schema
from whimbrel.schema.state import Naming


_PLAIN = re.compile("[a-z_][a-z0-9_]*")
_CREATION = attrgetter("_creation_order")


class ConstraintBuilder:
    """Puts constraints and names into the words of a state."""

    def __init__(self, drafter: Drafter, spellings: Spellings) -> None:
        self.drafter = drafter
        self.wording = drafter.wording
        self.spellings = spellings
        self.preparer = drafter.dialect.identifier_preparer
        self._longest = _longest_name(drafter.dialect)

    def constraints(self, draft: TableDraft) -> Iterator[schema.Constraint]:
        """Yield what CREATE TABLE makes, in its order."""
        table = draft.name.name
        for check in draft.checks:
            yield self._check(check, table)
        for exclusion in draft.exclusions:
            yield self._exclusion(exclusion, table)
        ordered = sorted(draft.table.constraints, key=_CREATION)
        for constraint in ordered:
            if not isinstance(constraint, CheckConstraint) and self.wording.is_emitted(
                constraint, self.drafter.ddl
            ):
                yield from self._key(constraint, table)

    def _key(self, constraint: Constraint, table: str) -> Iterator[schema.Constraint]:
        match constraint:
            case PrimaryKeyConstraint() if constraint.columns:
                yield self._primary_key(constraint, table)
            case UniqueConstraint() if constraint.columns:
                yield self._unique(constraint, table)
            case ForeignKeyConstraint():
                yield self._foreign_key(constraint, table)
            case _:
                pass

    def _primary_key(
        self, constraint: PrimaryKeyConstraint, table: str
    ) -> schema.PrimaryKey:
        columns = list(constraint.columns)
        if constraint._implicit_generated and len(columns) > 1:
            columns = constraint.columns_autoinc_first
        names = self.names(columns)
        made = self._made(constraint, schema.PrimaryKey, table, names)
        return schema.PrimaryKey(
            name=made.name,
            columns=names,
            options=self._options(constraint),
            naming=made.naming,
        )

    def _unique(self, constraint: UniqueConstraint, table: str) -> schema.Unique:
        names = self.names(constraint.columns)
        made = self._made(constraint, schema.Unique, table, names)
        return schema.Unique(
            name=made.name,
            columns=names,
            options=self._options(constraint),
            naming=made.naming,
        )

    def _foreign_key(
        self, constraint: ForeignKeyConstraint, table: str
    ) -> schema.ForeignKey:
        keys = constraint.elements
        columns = self.names(key.parent for key in keys)
        target = self.drafter.name_of(keys[0].column.table)
        made = self._made(constraint, schema.ForeignKey, table, columns, target.name)
        initially = (constraint.initially or "").upper()
        is_deferred = initially == "DEFERRED" and constraint.deferrable is not False
        return schema.ForeignKey(
            name=made.name,
            columns=columns,
            target=target,
            target_columns=self.names(key.column for key in keys),
            on_delete=_action(constraint.ondelete),
            on_update=_action(constraint.onupdate),
            match=_match(constraint.match),
            deferrable=bool(constraint.deferrable) or is_deferred,
            initially_deferred=is_deferred,
            options=self._options(constraint),
            naming=made.naming,
        )

    def _exclusion(self, draft: ExclusionDraft, table: str) -> schema.Exclusion:
        spelled = self.spellings.exclusions[draft.form]
        made = self._made(draft.constraint, schema.Exclusion, table, spelled.words)
        said = spelled.exclusion.options | self._options(draft.constraint)
        return replace(
            spelled.exclusion, name=made.name, naming=made.naming, options=said
        )

    def _check(self, draft: CheckDraft, table: str) -> schema.Check:
        mentions = self.spellings.mentions.get(draft.form, draft.mentions)
        beside = self.wording.beside(draft.constraint)
        if beside is not None:
            made = Made(beside, Naming.NONE)
        else:
            made = self._made(draft.constraint, schema.Check, table, mentions)
        return schema.Check(
            name=made.name,
            expression=self.spellings.checks[draft.form],
            options=self._options(draft.constraint),
            naming=made.naming,
            of_type=_is_of_own_type(draft.constraint),
        )

    def _options(self, constraint: Constraint) -> schema.Options:
        """Return what one dialect can say of a constraint, and its comment."""
        said = self.wording.options(constraint)
        if constraint.comment and self.drafter.dialect.supports_constraint_comments:
            return said | {schema.Option("comment", constraint.comment)}
        return said

    def names(self, columns: Iterable[AnyColumn]) -> tuple[str, ...]:
        """Return the names of *columns* as the database keeps them."""
        return tuple([self.wording.stored_name(column.name) for column in columns])

    def _made(
        self,
        thing: Constraint,
        kind: type[schema.Constraint],
        table: str,
        columns: tuple[str, ...],
        target: str = "",
    ) -> Made:
        """Return the name of a constraint: its own, or one made for it."""
        name = self.name(thing)
        if name is None:
            return self.wording.unnamed(kind, table, columns, target)
        return Made(name, naming_of(thing, name))

    def name(self, thing: Constraint | Index) -> str | None:
        """Return the name that the database gets to know, cut if it is too long."""
        if not self.wording.keeps_name(thing):
            return None
        if type(thing.name) is str and len(thing.name) <= self._longest:
            return self.wording.stored_name(thing.name)
        try:
            name = self.preparer.format_constraint(thing, _alembic_quote=False)
        except (IdentifierError, InvalidRequestError) as cause:
            raise ModelsError(
                f"A constraint or index of {thing.table} cannot be named: {cause}",
                "Give it a shorter name, or one at all: name='...'.",
            ) from cause
        return None if name is None else self.wording.stored_name(name)


def _longest_name(dialect: Dialect) -> int:
    """Return how many characters any name may have that nobody needs to cut."""
    longest = dialect.max_identifier_length
    return min(
        dialect.max_index_name_length or longest,
        dialect.max_constraint_name_length or longest,
    )


def naming_of(thing: Constraint | Index, name: str | None) -> Naming:
    """Return who gave *thing* the name that the database gets to know."""
    if name is None:
        return Naming.NONE
    if isinstance(thing.name, str) and not isinstance(thing.name, conv):
        return Naming.GIVEN
    return Naming.CONVENTION


def _action(written: str | None) -> str | None:
    """Return what a foreign key does, or None if it is the standard's default."""
    verb, _, columns = (written or "").partition("(")
    words = " ".join(verb.upper().split())
    if columns:
        names = (_unquoted(name) for name in columns.rstrip(" )").split(","))
        return f"{words} ({', '.join(names)})"
    return None if words in ("", "NO ACTION") else words


def _unquoted(name: str) -> str:
    """Return a name of SQL without quotes, where it does not need them."""
    name = name.strip()
    plain = name.strip('"')
    if not name.startswith('"'):
        return name.lower()
    return plain if _PLAIN.fullmatch(plain) else name


def _match(written: str | None) -> str | None:
    words = written.upper() if written else None
    return None if words in ("SIMPLE", "NONE") else words


def _is_of_own_type(constraint: CheckConstraint) -> bool:
    """Whether a type that the app made from Boolean or Enum brings the check."""
    if not constraint._type_bound:
        return False
    return any(isinstance(column.type, TypeDecorator) for column in constraint.columns)
