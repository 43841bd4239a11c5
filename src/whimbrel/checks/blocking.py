"""What makes others wait: operations that hold a lock while they read or write rows.

https://www.postgresql.org/docs/current/explicit-locking.html and
https://mariadb.com/kb/en/innodb-online-ddl-overview/ tell which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from whimbrel.catalog.mysql_widths import width_of
from whimbrel.catalog.postgresql_functions import is_any_volatile
from whimbrel.checks.holdings import numbers_rows
from whimbrel.checks.outlook import Outlook, Standing
from whimbrel.checks.rule import Finding
from whimbrel.plan import mysql_rewrites
from whimbrel.plan.postgresql_rewrites import keeps_rows
from whimbrel.schema.dialect import dialect_of
from whimbrel.schema.state import Column


EXCLUSIVE = "locked against everybody"

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_CALL = re.compile(r"""'(?:[^']|'')*'|(?:"((?:[^"]|"")+)"|(\w+))\s*\(""")
"""A text, which is passed by, or what may be the call of a function."""


def blocked(
    operation: ops.MigrateOperation, outlook: Outlook, connection: Connection
) -> Iterator[Finding]:
    """Yield how *operation* makes those wait who use its table.

    Args:
        operation: what is pending.
        outlook: what will stand there by then; a new table has no users yet.
        connection: the database.
    """
    dialect = dialect_of(connection)
    if dialect.name == "postgresql":
        yield from _on_postgresql(operation, outlook, connection)
    elif dialect.name in ("mysql", "mariadb"):
        yield from _on_mysql(operation, outlook, connection)


def _on_postgresql(
    operation: ops.MigrateOperation, outlook: Outlook, connection: Connection
) -> Iterator[Finding]:
    match operation:
        case ops.CreateIndexOp() if not operation.kw.get("postgresql_concurrently"):
            yield from _index(operation, outlook)
        case ops.CreateUniqueConstraintOp() | ops.CreatePrimaryKeyOp():
            yield from _key(operation, outlook)
        case ops.AddColumnOp():
            if _is_written_into_rows(operation.column, connection):
                yield from _filled(operation, outlook)
        case ops.AlterColumnOp():
            yield from _altered(operation, outlook)
        case ops.CreateCheckConstraintOp():
            yield from _read(operation.table_name, operation.schema, outlook, "a check")
        case ops.CreateForeignKeyOp():
            schema = operation.kw.get("source_schema")
            yield from _read(operation.source_table, schema, outlook, "a foreign key")


def _altered(operation: ops.AlterColumnOp, outlook: Outlook) -> Iterator[Finding]:
    if operation.modify_type is not None:
        if not _keeps_rows(operation, outlook):
            yield from _rewritten(operation, outlook)
    elif operation.modify_nullable is False:
        what = f"NOT NULL for {operation.column_name}"
        yield from _read(operation.table_name, operation.schema, outlook, what)


def _index(operation: ops.CreateIndexOp, outlook: Outlook) -> Iterator[Finding]:
    standing = outlook.table(operation.table_name, operation.schema)
    if standing is not None:
        yield Finding(
            code="W201",
            subject=str(operation.index_name),
            sentence=f"CREATE INDEX {operation.index_name} locks"
            f" {standing.live.name} against writes while it is built.",
            remedy="Build it with postgresql_concurrently=True within"
            " op.get_context().autocommit_block().",
        )


def _key(
    operation: ops.CreateUniqueConstraintOp | ops.CreatePrimaryKeyOp, outlook: Outlook
) -> Iterator[Finding]:
    standing = outlook.table(operation.table_name, operation.schema)
    if standing is None:
        return
    table, is_unique = (
        standing.live.name,
        isinstance(operation, ops.CreateUniqueConstraintOp),
    )
    key = "a unique constraint" if is_unique else "a primary key"
    yield Finding(
        code="W201",
        subject=str(operation.constraint_name or table),
        sentence=f"The index of {key} locks {table} against everybody while it is"
        " built.",
        remedy="On a big table build a unique index with postgresql_concurrently=True,"
        " then ALTER TABLE ... ADD CONSTRAINT ... USING INDEX.",
    )


def _is_written_into_rows(column: sa.Column[Any], connection: Connection) -> bool:
    """Whether a new column has a value of its own in each row, which is written then.

    One value for all rows is only noted in the catalog, unless it is to be tried by the
    conditions of a domain.
    """
    if numbers_rows(column):
        return True
    if column.computed is not None:
        return column.computed.persisted is not False
    default = getattr(column.server_default, "arg", None)
    if isinstance(column.type, postgresql.DOMAIN):
        return column.type.check is not None or bool(column.type.not_null)
    if default is None or isinstance(default, str):
        return False
    written = str(default.compile(dialect=_DIALECT))
    calls = (
        quoted.replace('""', '"') or plain.lower()
        for quoted, plain in _CALL.findall(written)
    )
    return is_any_volatile(connection, filter(None, calls))


def _filled(operation: ops.AddColumnOp, outlook: Outlook) -> Iterator[Finding]:
    standing = outlook.table(operation.table_name, operation.schema)
    if standing is not None:
        subject = f"{standing.live.name}.{operation.column.name}"
        yield Finding(
            code="W202",
            subject=subject,
            sentence=f"Each row gets a value of its own in {subject}: that may write"
            f" the whole table anew, {EXCLUSIVE}.",
            remedy="On a big table add the column without it, fill it in portions, then"
            " set the default.",
        )


def _on_mysql(
    operation: ops.MigrateOperation, outlook: Outlook, connection: Connection
) -> Iterator[Finding]:
    if not isinstance(operation, ops.AlterColumnOp) or operation.modify_type is None:
        return
    live = _live(operation, outlook)
    standing = outlook.table(operation.table_name, operation.schema)
    if live is not None and standing is not None:
        width = width_of(connection, standing.live.name, live.name)
        is_nullable = operation.modify_nullable in (None, live.nullable)
        if is_nullable and mysql_rewrites.keeps_rows(
            live, operation.modify_type, width
        ):
            return
    yield from _rewritten(operation, outlook, "while others can only read it")


def _live(operation: ops.AlterColumnOp, outlook: Outlook) -> Column | None:
    """Return the column of *operation* as it is now, if it is there."""
    standing = outlook.table(operation.table_name, operation.schema)
    held = standing and standing.columns.get(operation.column_name)
    return held.live if held else None


def _keeps_rows(operation: ops.AlterColumnOp, outlook: Outlook) -> bool:
    if outlook.table(operation.table_name, operation.schema) is None:
        return True
    live = _live(operation, outlook)
    return (
        live is not None
        and operation.modify_type is not None
        and keeps_rows(live, operation.modify_type)
    )


def _rewritten(
    operation: ops.AlterColumnOp, outlook: Outlook, how: str = EXCLUSIVE
) -> Iterator[Finding]:
    standing = outlook.table(operation.table_name, operation.schema)
    if standing is None or standing.is_new(operation.column_name):
        return
    yield Finding(
        code="W202",
        subject=f"{standing.live.name}.{operation.column_name}",
        sentence=f"A new type of {standing.live.name}.{operation.column_name} may write"
        f" the whole table anew, {how}.",
        remedy="Where that takes too long: a new column, filled in portions, then two"
        " renames.",
    )


def _read(
    table: str, schema: str | None, outlook: Outlook, what: str
) -> Iterator[Finding]:
    standing: Standing | None = outlook.table(table, schema)
    if standing is not None:
        yield Finding(
            code="W203",
            subject=str(standing.live.name),
            sentence=f"{what[0].upper()}{what[1:]} reads all rows of"
            f" {standing.live.name} while others cannot write to it.",
            remedy="On a big table add it NOT VALID first, and validate it in a"
            " transaction of its own.",
        )
