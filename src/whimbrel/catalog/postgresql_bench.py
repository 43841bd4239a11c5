"""The temporary tables in which the server spells the forms of models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy.exc import DBAPIError

from whimbrel.catalog.postgresql import tables_of
from whimbrel.catalog.postgresql_named_types import StandIns
from whimbrel.catalog.postgresql_names import clipped
from whimbrel.catalog.postgresql_session import Session
from whimbrel.catalog.wording import (
    CheckForm,
    ColumnForm,
    ExclusionForm,
    Form,
    Forms,
    IndexForm,
    Need,
    SpelledColumn,
    SpelledExclusion,
    SpelledIndex,
    Spellings,
    TableForm,
    Unspeakable,
)
from whimbrel.errors import DatabaseError, NoTemporaryTables
from whimbrel.schema.state import (
    Check,
    Column,
    Exclusion,
    Expression,
    Index,
    IndexPart,
    Table,
)


_OURS = (
    "c.relnamespace = pg_catalog.pg_my_temp_schema()"
    " AND c.relkind IN ('r', 'p') AND pg_catalog.starts_with(c.relname, 'whimbrel_')"
)
_MOST_COLUMNS = 1000
"""PostgreSQL's tables have at most 1600 columns."""


_MENTIONS = f"""
SELECT k.conname, CASE WHEN k.contype = 'c' THEN
    ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
          WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))
    ELSE ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
               WHERE a.attrelid = k.conindid ORDER BY a.attnum) END
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
WHERE k.contype IN ('c', 'x') AND {_OURS}
"""


@dataclass(slots=True)
class _Temporary:
    """A temporary table: its columns by name, and what else it says."""

    name: str
    columns: dict[str, str] = field(default_factory=dict)
    checks: list[str] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)
    suffix: str = ""

    def has_room(self, needs: Iterable[Need]) -> bool:
        """Whether columns of these names can stand in the table."""
        return len(self.columns) < _MOST_COLUMNS and all(
            self.columns.get(need.name, need.type_text) == need.type_text
            for need in needs
        )

    def statements(self) -> Iterator[str]:
        """Yield what makes the table."""
        columns = [f"{_quoted(name)} {text}" for name, text in self.columns.items()]
        lines = ", ".join([*columns, *self.checks])
        yield f"CREATE TEMPORARY TABLE {self.name} ({lines}){self.suffix}"
        yield from self.indexes


@dataclass(slots=True)
class _Found:
    """What stands in the temporary tables, by name."""

    columns: dict[str, Column] = field(default_factory=dict)
    checks: dict[str, Check] = field(default_factory=dict)
    exclusions: dict[str, Exclusion] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)

    def take(self, table: Table) -> None:
        """Take over what *table* holds."""
        self.tables[table.name.name] = table
        self.columns.update((each.name, each) for each in table.columns)
        self.indexes.update((each.name, each) for each in table.indexes)
        for constraint in table.constraints:
            if isinstance(constraint, Check):
                self.checks[constraint.name] = constraint
            elif isinstance(constraint, Exclusion):
                self.exclusions[constraint.name] = constraint


class Bench:
    """Lays out forms in temporary tables, and reads what the server made of them."""

    def __init__(self, session: Session, texts: StandIns) -> None:
        self._session = session
        self._texts = texts
        self._tables: list[_Temporary] = []
        self._names: dict[Form, str] = {}

    def lay(self, forms: Forms) -> None:
        """Make the temporary tables.

        Raises:
            Unspeakable: the server refuses one of the forms.
            NoTemporaryTables: it lets nobody make such tables here.
        """
        ordered: list[Form] = [
            *forms.columns, *forms.checks, *forms.indexes, *forms.tables,
            *forms.exclusions,
        ]  # fmt: skip
        for number, form in enumerate(ordered):
            self._names[form] = f"whimbrel_{number}"
            self._place(form, self._names[form], self._tables)
        try:
            self._make(self._tables)
        except DBAPIError as cause:
            self._blame(ordered)
            raise DatabaseError(
                f"The database refuses the models as a whole: {cause.orig}",
                "Please report this, with the models that make it happen.",
            ) from cause

    def spellings(self, forms: Forms) -> Spellings:
        """Return what the server made of the *forms* that lie on the bench."""
        self._session.see_only_default_schema()
        found = _Found()
        for table in tables_of(self._session, _OURS, lambda _: True):
            found.take(table)
        mentions = {row[0]: tuple(row[1]) for row in self._session.rows(_MENTIONS)}
        names = self._names
        return Spellings(
            columns={
                form: self._column(form, found.columns[names[form]])
                for form in forms.columns
            },
            checks={
                form: self._back(found.checks[names[form]].expression, form.text)
                for form in forms.checks
            },
            indexes={
                form: self._index(form, found.indexes[names[form]])
                for form in forms.indexes
            },
            tables={
                form: found.tables[f"{names[form]}_table"].options
                for form in forms.tables
            },
            mentions={form: mentions[names[form]] for form in forms.checks},
            exclusions={
                form: SpelledExclusion(
                    self._exclusion(found.exclusions[names[form]]),
                    mentions[names[form]],
                )
                for form in forms.exclusions
            },
        )

    def _make(self, tables: Iterable[_Temporary]) -> None:
        """Make temporary tables, or leave all as it is."""
        statements = [each for table in tables for each in table.statements()]
        self._session.run("SAVEPOINT whimbrel_forms")
        try:
            self._session.run_all([*self._texts.statements, *statements])
        except DBAPIError:
            self._session.run("ROLLBACK TO SAVEPOINT whimbrel_forms")
            raise

    def _blame(self, forms: Iterable[Form]) -> None:
        """Find out which of the forms the server refuses, one by one."""
        self._attempt([_Temporary("whimbrel_probe")], _no_temporary_tables)
        for form in forms:
            tables: list[_Temporary] = []
            self._place(form, "whimbrel_probe", tables)
            self._attempt(tables, partial(Unspeakable, form))

    def _attempt(
        self,
        tables: Sequence[_Temporary],
        error: Callable[[BaseException], Exception],
    ) -> None:
        try:
            self._make(tables)
        except DBAPIError as cause:
            raise error(cause.orig or cause) from cause
        self._session.run("ROLLBACK TO SAVEPOINT whimbrel_forms")

    def _place(self, form: Form, name: str, tables: list[_Temporary]) -> None:
        """Write *form* into one of the *tables*, or into a new one."""
        away = self._texts.away
        needs = [Need(clipped(need.name), away(need.type_text)) for need in form.needs]
        if isinstance(form, TableForm):
            table = _Temporary(f"{name}_table", suffix=away(form.text))
            table.columns["whimbrel_wide"] = "TEXT"  # gives it room for long values
            tables.append(table)
        else:
            table = _with_room(tables, needs)
        table.columns.update((need.name, need.type_text) for need in needs)
        match form:
            case ColumnForm():
                table.columns[name] = away(_definition(form))
            case CheckForm():
                table.checks.append(f"CONSTRAINT {name} CHECK ({away(form.text)})")
            case IndexForm():
                method = form.using or "btree"
                where = f" WHERE {away(form.where)}" if form.where else ""
                table.indexes.append(
                    f"CREATE INDEX {name} ON pg_temp.{table.name}"
                    f" USING {method} ({away(form.parts)}){where}"
                )
            case ExclusionForm():
                table.checks.append(f"CONSTRAINT {name} {away(form.text)}")
            case TableForm():
                pass

    def _column(self, form: ColumnForm, column: Column) -> SpelledColumn:
        default, computed = column.default, column.computed
        return SpelledColumn(
            type_spelling=self._texts.back(column.type.spelling),
            collation=column.collation,
            default=self._back(default, form.default or "") if default else None,
            computed=self._back(computed.expression, form.computed or "")
            if computed
            else None,
            identity=column.identity,
        )

    def _index(self, form: IndexForm, index: Index) -> SpelledIndex:
        where = index.where
        return SpelledIndex(
            parts=tuple(map(self._part, index.parts)),
            where=self._back(where, form.where or "") if where else None,
        )

    def _part(self, part: IndexPart) -> IndexPart:
        if part.expression is None:
            return part
        text = self._texts.back(part.expression.canonical)
        return replace(part, expression=Expression(text, text))

    def _exclusion(self, exclusion: Exclusion) -> Exclusion:
        where = exclusion.where
        parts = (
            part
            if part.expression is None
            else replace(
                part, expression=self._back(part.expression, part.expression.text)
            )
            for part in exclusion.parts
        )
        return replace(
            exclusion,
            parts=tuple(parts),
            where=self._back(where, where.text) if where else None,
        )

    def _back(self, expression: Expression, text: str) -> Expression:
        """Return an expression as the catalog spells it and as the models write it."""
        back = self._texts.back
        return Expression(back(expression.canonical), back(text))


def _with_room(tables: list[_Temporary], needs: Sequence[Need]) -> _Temporary:
    """Return the first of the *tables* that can have columns as needed."""
    for table in tables:
        if not table.suffix and table.has_room(needs):
            return table
    tables.append(_Temporary(f"whimbrel_table_{len(tables)}"))
    return tables[-1]


def _definition(form: ColumnForm) -> str:
    """Return what follows the name of a column."""
    if form.identity is not None:
        return f"{form.type_text} {form.identity}"
    if form.computed is not None:
        return f"{form.type_text} GENERATED ALWAYS AS ({form.computed}) STORED"
    if form.default is not None:
        return f"{form.type_text} DEFAULT {form.default}"
    return form.type_text


def _no_temporary_tables(cause: BaseException) -> NoTemporaryTables:
    return NoTemporaryTables(
        f"No temporary table can be made in this database: {cause}",
        "Models are spelled by the database in temporary tables, which are taken back"
        " at once. Let the role make them: GRANT TEMPORARY ON DATABASE ... TO ...;"
        " and see to it that the transaction is not read-only.",
    )


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
