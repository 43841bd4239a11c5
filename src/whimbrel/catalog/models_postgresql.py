"""What PostgreSQL makes of models: the server spells it, in tables that don't stay."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from typing import Any

from alembic.util import to_list
from sqlalchemy import (
    CheckConstraint,
    Column,
    Constraint,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.sql import coercions, roles
from sqlalchemy.sql.compiler import DDLCompiler

from whimbrel.catalog.postgresql_bench import Bench
from whimbrel.catalog.postgresql_named_types import Named, StandIns, named_things
from whimbrel.catalog.postgresql_names import (
    kept,
    repeated,
    server_name,
    stored_name,
    told_apart,
    unqualified,
)
from whimbrel.catalog.postgresql_serial import serial_type
from whimbrel.catalog.postgresql_session import Session
from whimbrel.catalog.postgresql_spoken import words
from whimbrel.catalog.wording import (
    AnyColumn,
    ColumnForm,
    Forms,
    Made,
    Spellings,
    Thing,
    Wording,
)
from whimbrel.schema.state import NO_OPTIONS, Enum, Naming, Option, Options
from whimbrel.schema.state import Constraint as StoredConstraint
from whimbrel.schema.state import Sequence as StoredSequence
from whimbrel.schema.state import Table as StoredTable


_SERIAL = frozenset({Option("serial", "on")})
_MAY_BE_INVALID = frozenset({Option("not_valid", "may")})
UNSAID = frozenset(
    {
        *("index_comment", "index_statistics"),
        *("type_comment", "sequence_comment", "sequence_unlogged", "owned_by"),
        *("storage", "compression", "statistics", "settings"),
        *("key_with", "key_tablespace"),
        *("row_security", "force_row_security", "replica_identity", "cluster_on"),
        *("inherited_defaults", "inherited_not_null", "partition_of", "of_type"),
    }
)
_NAME = re.compile(r'"((?:[^"]|"")+)"|([^\W\d]\w*)')


class PostgreSQLWording(Wording):
    """The server is asked for everything that it spells in its own words."""

    unsaid = UNSAID

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.session = Session(connection)
        options = connection.get_execution_options()
        translation = options.get("schema_translate_map") or {}
        self.dialect = _named_by_schema(self.dialect, translation)
        self.ddl: DDLCompiler = self.dialect.ddl_compiler(self.dialect, None)  # type: ignore[arg-type]  # a compiler of parts needs no statement
        self.named = Named()
        self._serial = cache(partial(serial_type, dialect=self.dialect))

    def prepare(self, metadatas: Sequence[MetaData], tables: Iterable[Table]) -> None:
        """Find the types and sequences that the models name."""
        self.named = named_things(metadatas, tables, self.dialect)

    @property
    def enums(self) -> frozenset[Enum]:
        """The enumerated types that the models describe."""
        return self.named.enums

    @property
    def sequences(self) -> frozenset[StoredSequence]:
        """The sequences that the models describe."""
        return frozenset(self.named.standing(self.dialect))

    def exclusion_text(self, constraint: Constraint) -> str | None:
        """Return what an exclusion constraint says, without its name."""
        if not isinstance(constraint, ExcludeConstraint):
            return None
        text = self.ddl.process(constraint)
        if constraint.name is not None:
            name = self.dialect.identifier_preparer.format_constraint(constraint)
            text = text.removeprefix(f"CONSTRAINT {name} ")
        return self.unqualified(text, constraint.table)

    def unqualified(self, text: str, table: Table) -> str:
        """Return an expression that the server takes in a temporary table."""
        return _unqualified(text, table, self.dialect.default_schema_name)

    def spell(self, forms: Forms) -> Spellings:
        """Return what the server makes of all *forms* in temporary tables.

        Raises:
            Unspeakable: the server refuses one of them.
            NoTemporaryTables: it lets nobody make such tables here.
        """
        with self.session.undone():
            stand_ins = StandIns.of(self.named, self.session, self.ddl)
            bench = Bench(self.session, stand_ins)
            bench.lay(forms)
            self.footings = tuple(stand_ins.domains)
            self.discords = tuple(stand_ins.discords(self.session))
            self.speaking = partial(words, reserved=self.session.reserved)
            return bench.spellings(forms)

    def mentioned(self, text: str, columns: Iterable[str]) -> tuple[str, ...]:
        """Return those of *columns* that *text* names, in order of appearance."""
        known = {str(column): column for column in columns}
        names = (
            quoted.replace('""', '"') if quoted else bare.lower()
            for quoted, bare in _NAME.findall(text)
        )
        return tuple(dict.fromkeys(known[name] for name in names if name in known))

    def unnamed(
        self,
        kind: type[StoredConstraint],
        table: str,
        columns: tuple[str, ...],
        target: str = "",  # noqa: ARG002 - not in PostgreSQL's names
    ) -> Made:
        """Return the name that the server will give to a constraint without one."""
        return Made(server_name(kind, table, columns), Naming.SERVER)

    stored_name = staticmethod(stored_name)
    kept = staticmethod(kept)
    repeated = staticmethod(repeated)

    def told_apart(self, tables: list[StoredTable]) -> list[StoredTable]:
        """Return *tables* with the numbers that tell their unnamed keys apart."""
        return told_apart(tables)

    def column_form(self, column: AnyColumn) -> ColumnForm | None:
        """Return the form of a serial column: that of a plain integer."""
        type_ = self._serial(column)
        return None if type_ is None else ColumnForm(type_)

    def identity_text(self, column: AnyColumn) -> str | None:
        """Return what makes *column* an identity."""
        if column.identity is None or not self.dialect.supports_identity_columns:
            return None
        return self.ddl.process(column.identity)

    def is_nullable(self, form: ColumnForm, column: AnyColumn) -> bool:
        """Return whether the database takes NULL in *column*: a key takes none."""
        if not column.nullable or column.primary_key or form.identity:
            return False
        return self._serial(column) is None

    def predicate(self, index: Index) -> Any:
        """Return the condition of a partial index, or None."""
        where = super().predicate(index)
        if where is None:
            return None
        return coercions.expect(roles.DDLExpressionRole, where)

    def index_parts(self, index: Index, written: Callable[[Any], str]) -> str | None:
        """Return what *index* says between its parentheses; None if only columns."""
        classes = self.said(index, "ops") or {}
        expressions: list[Any] = list(index.expressions)
        if not classes and all(isinstance(each, Column) for each in expressions):
            return None
        return ", ".join(_part(each, classes, written) for each in expressions)

    def table_text(self, table: Table) -> str | None:
        """Return what the server spells of a table's options."""
        said = {
            name: self.said(table, name) for name in ("partition_by", "using", "with")
        }
        if not any(said.values()):
            return None
        parts = [
            f" {word} {value}"
            for word, value in (
                ("PARTITION BY", _as_sent(said["partition_by"], self.session)),
                ("USING", said["using"]),
            )
            if value
        ]
        if said["with"]:
            parts.append(f" WITH ({_parameters(said['with'])})")
        return "".join(parts)

    def options(self, thing: Thing) -> Options:
        """Return what the keyword arguments ``postgresql_...`` say of *thing*."""
        match thing:
            case Column():
                return _SERIAL if self._serial(thing) else NO_OPTIONS
            case Table():
                return self._table_options(thing)
            case PrimaryKeyConstraint() | UniqueConstraint():
                return self._key_options(thing)
            case CheckConstraint() | ForeignKeyConstraint():
                return _MAY_BE_INVALID if self.said(thing, "not_valid") else NO_OPTIONS
            case Index():
                return self._index_options(thing)
            case _:
                return NO_OPTIONS

    def _table_options(self, table: Table) -> Options:
        parents = to_list(self.said(table, "inherits"), default=[])
        quote = self.dialect.identifier_preparer.quote
        return _told(
            unlogged="UNLOGGED" in map(str.upper, table._prefixes),
            tablespace=self._tablespace(table),
            inherits=_listed([quote(parent) for parent in parents]),
        )

    def _key_options(self, key: PrimaryKeyConstraint | UniqueConstraint) -> Options:
        if not (key.deferrable or key.initially) and self.is_silent(key):
            return NO_OPTIONS
        return _told(
            deferrable=_deferrable(key),
            include=self._included(key),
            nulls_not_distinct=bool(self.said(key, "nulls_not_distinct")),
        )

    def _index_options(self, index: Index) -> Options:
        if self.is_silent(index):
            return NO_OPTIONS
        method = (self.said(index, "using") or "btree").lower()
        parameters = self.said(index, "with")
        return _told(
            using="" if method == "btree" else method,
            include=self._included(index),
            tablespace=self._tablespace(index),
            nulls_not_distinct=bool(self.said(index, "nulls_not_distinct")),
            **{"with": _stored_parameters(parameters) if parameters else None},
        )

    def _tablespace(self, thing: Table | Index) -> str | None:
        """Return where *thing* lies, unless all of the database lies there."""
        said = self.said(thing, "tablespace")
        usual = self.session.default_tablespace if said else None
        return None if said == usual else str(said)

    def _included(self, thing: Index | PrimaryKeyConstraint | UniqueConstraint) -> str:
        """Return the columns that an index carries along, as an option's value."""
        said = self.said(thing, "include")
        if not said:
            return ""
        table: Any = thing.table
        columns = (table.c[each] if isinstance(each, str) else each for each in said)
        return _listed([self.stored_name(column.name) for column in columns])


def _named_by_schema(dialect: Dialect, translation: Any) -> Dialect:
    """Let the preparer of *dialect* name types by the schemas that they get."""
    preparer: Any = dialect.identifier_preparer

    def schema_for_object(thing: Any) -> str | None:
        schema = translation.get(thing.schema, thing.schema)
        is_usual = schema == dialect.default_schema_name
        if is_usual and getattr(thing, "name", None) not in dialect.ischema_names:  # type: ignore[attr-defined]  # PostgreSQL's has them
            return None
        return None if schema is None else str(schema)

    preparer.schema_for_object = schema_for_object
    return dialect


def _as_sent(text: str | None, session: Session) -> str | None:
    """Return what the server gets of a *text* that SQLAlchemy leaves as it is.

    Where drivers mark parameters by percent signs, models must double those.
    """
    return text.replace("%%", "%") if text and session.doubles_percents else text


def _deferrable(key: PrimaryKeyConstraint | UniqueConstraint) -> str:
    is_deferred = (key.initially or "").upper() == "DEFERRED"
    if not key.deferrable and (key.deferrable is False or not is_deferred):
        return ""
    return "deferred" if is_deferred else "immediate"


def _unqualified(text: str, table: Table, default_schema: str | None) -> str:
    if "." not in text:
        return text
    schema = table.schema or default_schema or ""
    columns = {str(column.name) for column in table.columns}
    return unqualified(text, str(table.name), schema, columns)


def _part(expression: Any, classes: Any, written: Callable[[Any], str]) -> str:
    """Return one part of an index as CREATE INDEX has it."""
    text = written(
        expression if isinstance(expression, Column) else expression.self_group()
    )
    key = getattr(expression, "key", None)
    return f"{text} {classes[key]}" if key in classes else text


def _parameters(parameters: Any) -> str:
    """Return storage parameters as SQL lists them."""
    return ", ".join(
        name if value is None else f"{name} = {_value(value)}"
        for name, value in parameters.items()
    )


def _stored_parameters(parameters: Any) -> str:
    said = {
        name.lower(): "true" if value is None else _value(value).lower().strip("'")
        for name, value in parameters.items()
    }
    return json.dumps(said, sort_keys=True, ensure_ascii=False)


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(names: Sequence[str]) -> str:
    return json.dumps(names, ensure_ascii=False) if names else ""


def _told(**said: str | bool | None) -> Options:
    """Return options; what is False or empty is not told, True is "on"."""
    if not any(said.values()):
        return NO_OPTIONS
    return frozenset(
        Option(name, "on" if value is True else str(value))
        for name, value in said.items()
        if value
    )
