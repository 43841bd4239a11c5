"""The state of a SQLite database, read from its own catalog.

One query for each schema: the texts in ``sqlite_master`` tell all that the pragmas
do, and what they don't.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy.engine import Connection

from whimbrel.catalog.sqlite_ddl import (
    Clause,
    ClauseKind,
    ColumnText,
    IndexPartText,
    TableText,
    default_expression,
    expression,
    folded,
    is_virtual,
    mentioned,
    parse_index,
    parse_table,
    type_spelling,
)
from whimbrel.catalog.sqlite_master import SchemaText, read_texts
from whimbrel.catalog.sqlite_spoken import words
from whimbrel.schema.names import default_name, each_once, tell_apart
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import (
    NO_OPTIONS,
    Check,
    Column,
    Computed,
    Constraint,
    Expression,
    ForeignKey,
    Index,
    IndexPart,
    Naming,
    Option,
    Options,
    PrimaryKey,
    State,
    Table,
    TableName,
    Type,
    Unique,
)


def read_sqlite(connection: Connection, scope: Scope) -> State:
    """Return the state of the SQLite database at the other end of *connection*.

    Raises:
        DatabaseError: if a schema of the scope is not attached.
    """
    tables = (
        table
        for schema in scope.schemas
        for table in tables_of(read_texts(connection, schema), scope, schema)
    )
    return State(tables=frozenset(tables), speaking=words)


def tables_of(
    texts: Iterable[SchemaText], scope: Scope, schema: str | None = None
) -> tuple[Table, ...]:
    """Return the tables that the texts of one schema make.

    Args:
        texts: the texts of tables and indexes; others are passed over.
        scope: which of the tables are ours.
        schema: the schema by which the tables are called.
    """
    tables: dict[str, str] = {}
    indexes: dict[str, list[str]] = {}
    for text in texts:
        if text.kind == "index":
            indexes.setdefault(folded(text.table), []).append(text.sql)
        elif text.kind == "table" and not is_virtual(text.sql):
            tables[folded(text.table)] = text.sql
    definitions = {key: _Definition.of(sql) for key, sql in tables.items()}
    columns = _Columns()
    return tuple(
        _Reading(name, definition, definitions).table(columns, indexes.get(key, ()))
        for key, definition in definitions.items()
        if scope.has(name := TableName(definition.text.name, schema))
    )


@dataclass(frozen=True, slots=True)
class _Definition:
    """What a table's text says, and what is asked of it more than once.

    Args:
        text: the parsed text.
        columns: the names of its columns, in their order.
        key: the clause of its primary key.
        key_columns: the columns of its primary key.
    """

    text: TableText
    columns: tuple[str, ...]
    key: Clause | None
    key_columns: tuple[str, ...]

    @classmethod
    def of(cls, sql: str) -> _Definition:
        """Return the definition that a CREATE TABLE text holds."""
        text = parse_table(sql)
        columns = tuple(
            [item.name for item in text.items if isinstance(item, ColumnText)]
        )
        for clause, names in _clauses(text):
            if clause.kind is ClauseKind.PRIMARY_KEY:
                return cls(text, columns, clause, _spelled(names, columns))
        return cls(text, columns, None, ())


class _Columns:
    """The columns of one reading; those that are written alike are made once."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int, bool], Column] = {}

    def column(self, text: ColumnText, position: int, never_null: bool) -> Column:
        """Return the column of a definition that lives as long as the reading."""
        key = (id(text), position, never_null)
        column = self._made.get(key)
        if column is None:
            column = self._made[key] = _column(text, position, never_null)
        return column


class _Reading:
    """One table being read."""

    def __init__(
        self,
        name: TableName,
        definition: _Definition,
        definitions: Mapping[str, _Definition],
    ) -> None:
        self.name = name
        self.text = definition.text
        self.columns = definition.columns
        self.key = definition.key
        self.key_columns = definition.key_columns
        self.definitions = definitions

    def table(self, made: _Columns, indexes: Iterable[str]) -> Table:
        """Return the table; *indexes* are the texts of its indexes."""
        never_null = self._never_null()
        columns = tuple(
            [
                made.column(column, position, column.name in never_null)
                for position, column in enumerate(self.text.columns)
            ]
        )
        collations = {column.name: column.collation for column in columns}
        return Table(
            name=self.name,
            columns=columns,
            constraints=frozenset(_told_apart(each_once(self._constraints()))),
            indexes=frozenset([_index(sql, collations) for sql in indexes]),
            options=self._options(),
        )

    def _constraints(self) -> Iterator[Constraint]:
        for clause, names in _clauses(self.text):
            columns = _spelled(names, self.columns)
            match clause.kind:
                case ClauseKind.PRIMARY_KEY:
                    yield self._primary_key(clause, columns)
                case ClauseKind.UNIQUE:
                    yield self._unique(clause, columns)
                case ClauseKind.REFERENCES:
                    yield self._foreign_key(clause, columns)
                case ClauseKind.CHECK:
                    yield self._check(clause)
                case _:
                    pass

    def _primary_key(self, clause: Clause, columns: tuple[str, ...]) -> PrimaryKey:
        options = _key_options(clause, columns, self.text)
        if clause.is_descending:
            options |= {Option("descending", columns[0])}
        return PrimaryKey(
            name=clause.name or default_name(PrimaryKey, self.name.name, columns),
            columns=columns,
            options=options,
            naming=_naming(clause),
        )

    def _unique(self, clause: Clause, columns: tuple[str, ...]) -> Unique:
        return Unique(
            name=clause.name or default_name(Unique, self.name.name, columns),
            columns=columns,
            options=_key_options(clause, columns, self.text),
            naming=_naming(clause),
        )

    def _check(self, clause: Clause) -> Check:
        body = clause.expression or ""
        name = clause.name
        if not name:
            named = mentioned(body, self.columns)
            name = default_name(Check, self.name.name, named)
        return Check(name=name, expression=expression(body), naming=_naming(clause))

    def _foreign_key(self, clause: Clause, columns: tuple[str, ...]) -> ForeignKey:
        reference = clause.reference
        if reference is None:
            raise AssertionError("A REFERENCES clause has a reference.")
        target = self.definitions.get(folded(reference.table))
        target_name = target.text.name if target else reference.table
        target_columns = reference.columns
        if target is not None:
            named = target_columns or target.key_columns
            target_columns = _spelled(named, target.columns)
        name = clause.name or default_name(
            ForeignKey, self.name.name, columns, target_name
        )
        return ForeignKey(
            name=name,
            columns=columns,
            target=TableName(target_name, self.name.schema),
            target_columns=target_columns,
            on_delete=_unless(reference.on_delete, "NO ACTION"),
            on_update=_unless(reference.on_update, "NO ACTION"),
            match=_unless(_unless(reference.match, "SIMPLE"), "NONE"),
            deferrable=reference.is_deferrable,
            initially_deferred=reference.is_initially_deferred,
            naming=_naming(clause),
        )

    def _never_null(self) -> frozenset[str]:
        """Return the columns that are not nullable though they do not say so."""
        options = self.text.options
        if not options or ("STRICT" in options and self._key_is_rowid()):
            return frozenset()
        return frozenset(self.key_columns)

    def _key_is_rowid(self) -> bool:
        """Whether the primary key is another name of the rowid."""
        if "WITHOUT ROWID" in self.text.options or len(self.key_columns) != 1:
            return False
        (key,) = self.key_columns
        column = next(each for each in self.text.columns if each.name == key)
        descends = self.key is not None and self.key.is_descending
        return type_spelling(column.type_text) == "INTEGER" and not descends

    def _options(self) -> Options:
        said = [option.lower().replace(" ", "_") for option in self.text.options]
        if self.key is not None and self.key.is_autoincrement:
            said.append("autoincrement")
        return frozenset(Option(name, "on") for name in said) if said else NO_OPTIONS


_CONSTRAINTS = (
    ClauseKind.PRIMARY_KEY,
    ClauseKind.UNIQUE,
    ClauseKind.REFERENCES,
    ClauseKind.CHECK,
)


def _clauses(text: TableText) -> Iterator[tuple[Clause, tuple[str, ...]]]:
    """Yield the constraints of a table and their columns, as both are written."""
    for item in text.items:
        if isinstance(item, Clause):
            yield item, tuple([part.name for part in item.columns])
        else:
            for clause in item.clauses:
                if clause.kind in _CONSTRAINTS:
                    yield clause, (item.name,)


def _spelled(names: tuple[str, ...], columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return *names* as those of *columns* are spelled that they refer to."""
    if all(map(columns.__contains__, names)):
        return names
    known = {folded(column): column for column in columns}
    return tuple(known.get(folded(name), name) for name in names)


def _naming(clause: Clause) -> Naming:
    return Naming.GIVEN if clause.name else Naming.NONE


def _unless(word: str | None, default: str) -> str | None:
    """Return *word*, or None if it says what holds anyway."""
    return None if word == default else word


def _key_options(clause: Clause, columns: tuple[str, ...], text: TableText) -> Options:
    """Return what a key of a table says of itself beyond its columns."""
    conflict = _unless(clause.on_conflict, "ABORT")
    options = {Option("on_conflict", conflict)} if conflict else set()
    for part, column in zip(clause.columns, columns, strict=False):
        if part.is_descending and clause.kind is ClauseKind.PRIMARY_KEY:
            options.add(Option("descending", column))
        collation = (part.collation or "").upper()
        if collation and collation != _collation_of(column, text):
            options.add(Option("collation", f"{column} {collation}"))
    return frozenset(options) if options else NO_OPTIONS


def _collation_of(name: str, text: TableText) -> str:
    """Return the collation that a column of a table has."""
    column = next((each for each in text.columns if each.name == name), None)
    clause = column.clause(ClauseKind.COLLATE) if column else None
    return ((clause and clause.collation) or "BINARY").upper()


def _told_apart(constraints: Iterable[Constraint]) -> Iterable[Constraint]:
    """Number the made-up names that are alike, if there are any."""
    found = tuple(constraints)
    names = {(type(each), each.name) for each in found}
    return found if len(names) == len(found) else tell_apart(found)


@lru_cache(maxsize=4096)
def _type(written: str) -> Type:
    return Type(type_spelling(written))


def _column(text: ColumnText, position: int, never_null: bool) -> Column:
    nullable, default, collation, computed = not never_null, None, None, None
    options = NO_OPTIONS
    for clause in text.clauses:
        match clause.kind:
            case ClauseKind.NOT_NULL:
                nullable = False
                conflict = _unless(clause.on_conflict, "ABORT")
                if conflict:
                    options = frozenset({Option("not_null_on_conflict", conflict)})
            case ClauseKind.DEFAULT:
                type_ = type_spelling(text.type_text)
                default = default_expression(clause.expression or "", type_)
            case ClauseKind.COLLATE:
                collation = _unless((clause.collation or "").upper(), "BINARY")
            case ClauseKind.GENERATED:
                computed = _computed(clause.expression or "", clause.is_stored)
            case _:
                pass
    return Column(
        name=text.name,
        type=_type(text.type_text),
        nullable=nullable,
        default=default,
        collation=collation,
        computed=computed,
        options=options,
        position=position,
    )


def _computed(body: str, is_stored: bool) -> Computed:
    return Computed(expression=expression(body), is_stored=is_stored)


def _index(sql: str, collations: Mapping[str, str | None]) -> Index:
    """Return the index that a text makes.

    Args:
        sql: the CREATE INDEX statement.
        collations: the columns of the index's table, with their collations.
    """
    text = parse_index(sql)
    return Index(
        name=text.name,
        parts=tuple(index_part(part, collations) for part in text.parts),
        unique=text.unique,
        where=expression(text.where) if text.where else None,
    )


def index_part(text: IndexPartText, collations: Mapping[str, str | None]) -> IndexPart:
    """Return the part of an index that a text tells.

    A collation that the column has anyway is not told.

    Args:
        text: the part as written.
        collations: the columns of the index's table, with their collations.
    """
    column = None
    if text.column is not None:
        (column,) = _spelled((text.column,), tuple(collations))
    if column not in collations:
        column = None
    usual = collations.get(column or "")
    collation = text.collation.upper() if text.collation else usual or "BINARY"
    options = NO_OPTIONS
    if collation != (usual or "BINARY"):
        options = frozenset({Option("collation", collation)})
    body: Expression | None = None if column else expression(text.expression)
    return IndexPart(
        column=column, expression=body, descending=text.is_descending, options=options
    )
