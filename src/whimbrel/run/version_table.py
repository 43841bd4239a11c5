"""The table of revisions, wide enough for ids that people can read.

Alembic makes it for 32 characters. SQLite does not mind longer ones; a server refuses
them once the script has run, when it is too late.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from alembic.runtime.migration import MigrationContext
from sqlalchemy import String, Table, inspect
from sqlalchemy.exc import DBAPIError

from whimbrel.errors import DatabaseError
from whimbrel.schema.dialect import described


ALEMBICS = 32
WIDE = 128
"""Four bytes for each still fit into the key of an old MySQL's index."""

log = logging.getLogger("alembic.runtime.migration")


def widen_before_it_is_made(context: MigrationContext) -> None:
    """Let the table of *context* be made wide, should it have to be made.

    Offline it stays Alembic's as long as that will do: others compare such files.
    """
    if described(context.dialect).is_one_file or context.as_sql:
        return
    column = context._version.c.version_num
    if isinstance(column.type, String) and column.type.length == ALEMBICS:
        column.type = String(WIDE)


def make_room(context: MigrationContext, revisions: Iterable[str]) -> None:
    """See to it that the table can take *revisions*.

    Raises:
        DatabaseError: it cannot be widened.
    """
    longest = max(revisions, key=len, default="")
    if len(longest) <= ALEMBICS or described(context.dialect).is_one_file:
        return
    table = context._version
    width = ALEMBICS if context.as_sql else _width(context, table)
    if width is None or width >= len(longest):
        return
    wide = max(WIDE, len(longest))
    try:
        context.impl.alter_column(
            table.name,
            "version_num",
            type_=String(wide),
            existing_type=String(width),
            existing_nullable=False,
            schema=table.schema,
        )
    except DBAPIError as cause:
        raise DatabaseError(
            f"The revision {longest} has {len(longest)} characters, the column"
            f" version_num of {table.fullname} takes {width}, and it cannot be widened:"
            f" {cause.orig}",
            "Nothing was run. Let the owner of the table widen the column to"
            f" VARCHAR({wide}), then try again.",
            table=table.fullname,
        ) from cause
    log.warning(
        "The column version_num of %s was widened from %d to %d characters, for %s.",
        table.fullname,
        width,
        wide,
        longest,
    )


def _width(context: MigrationContext, table: Table) -> int | None:
    """Return how many characters the column takes; None if it takes any number."""
    assert context.connection is not None
    for column in inspect(context.connection).get_columns(table.name, table.schema):
        if column["name"] == "version_num":
            return getattr(column["type"], "length", None)
    return None
