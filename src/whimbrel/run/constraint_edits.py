"""What a script says of constraints, as edits of the text of their table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Constraint,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    UniqueConstraint,
)

from whimbrel.catalog.sqlite_ddl import (
    ClauseKind,
    folded,
    parse_constraint,
    tokens,
)
from whimbrel.catalog.sqlite_master import SchemaText
from whimbrel.errors import MigrationFailed
from whimbrel.run import alter_text, constraint_text, ddl_text
from whimbrel.run.column_edits import ColumnEdits
from whimbrel.run.constraint_names import (
    Convention,
    NoSuchConstraint,
    Wanted,
    find_constraint,
)
from whimbrel.run.stored_table import all_texts


_KINDS: dict[type[Constraint], ClauseKind] = {
    PrimaryKeyConstraint: ClauseKind.PRIMARY_KEY,
    UniqueConstraint: ClauseKind.UNIQUE,
    ForeignKeyConstraint: ClauseKind.REFERENCES,
    CheckConstraint: ClauseKind.CHECK,
}


class ConstraintEdits(ColumnEdits):
    """The edits of a table's constraints, and of its columns."""

    def _add_column(self, _table_name: str, column: Column[Any], **others: Any) -> None:
        inline = others.pop("inline_references", False)
        super()._add_column(_table_name, column, **others)
        if inline and len(column.foreign_keys) == 1:
            (key,) = column.foreign_keys
            if key.constraint is not None:
                self._add_constraint(key.constraint)

    def _add_constraint(self, const: Constraint, **_others: Any) -> None:
        if ddl_text.is_created(self.dialect, const):
            written = self._written(const)
            self.draft = constraint_text.add_constraint(self.draft, written)

    def _written(self, const: Constraint) -> str:
        """Return a constraint as SQL, with the names that columns have by now."""
        written = ddl_text.constraint_text(self.dialect, const)
        if not written:
            raise MigrationFailed(
                f"A constraint of {self.table.name} cannot be written for this"
                f" database: {const!r}.",
                "A foreign key cannot lead from one attached database to another.",
                table=self.table.name,
            )
        names = {
            old: new
            for old, new in self.renamed.items()
            if not self.draft.has_column(old)
        }
        own, rest = _at_references(written)
        written = alter_text.renamed(own, names) + rest
        clause = parse_constraint(written)
        if clause.name is not None and clause.name in self._unnamed:
            return constraint_text.nameless(clause)
        return written

    @property
    def _unnamed(self) -> Sequence[str]:
        """The names that only the script knows: the table has these without one."""
        info = (self.options.get("table_kwargs") or {}).get("info") or {}
        return tuple(info.get("unnamed", ()))

    def _drop_constraint(
        self, const: Constraint, *, if_exists: bool | None = None, **_others: Any
    ) -> None:
        is_of_type = bool(getattr(const, "_type_bound", False))
        name = str(const.name) if isinstance(const.name, str) else None
        wanted = Wanted(
            name=name,
            kind=next((k for cls, k in _KINDS.items() if isinstance(const, cls)), None),
            expression=self._checked(const) if is_of_type and name is None else None,
        )
        try:
            place = find_constraint(
                self.draft.text, wanted, self._conventions(), self._other_texts
            )
        except NoSuchConstraint:
            if is_of_type or if_exists:
                return
            raise
        self.draft = constraint_text.drop_with_repetitions(self.draft, place)

    def _checked(self, const: Constraint) -> str | None:
        """Return what a check says, with the names that columns have by now."""
        if not isinstance(const, CheckConstraint):
            return None
        written = ddl_text.constraint_text(self.dialect, const) or ""
        return parse_constraint(alter_text.renamed(written, self.renamed)).expression

    def _conventions(self) -> Iterator[Convention]:
        """Yield the naming conventions that may have made a name."""
        given = self.options.get("naming_convention")
        if given:
            yield given
        metadata = self.impl.context_opts.get("target_metadata")
        several = metadata if isinstance(metadata, list | tuple) else [metadata]
        for each in several:
            convention = getattr(each, "naming_convention", None)
            if convention:
                yield convention

    def _other_texts(self) -> Sequence[SchemaText]:
        texts = all_texts(self.table.connection, self.table.schema)
        return [
            text
            for text in texts
            if text.kind == "table" and not folded(text.name).startswith("sqlite_")
        ]


def _at_references(written: str) -> tuple[str, str]:
    """Cut a foreign key where it begins to speak of the other table."""
    start = 0
    for token in tokens(written):
        if token.word == "REFERENCES":
            return written[:start], written[start:]
        start += len(token.before) + len(token.text)
    return written, ""
