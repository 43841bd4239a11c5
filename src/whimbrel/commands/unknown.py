"""What is told when a database stands at a revision that no script carries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from alembic.runtime.migration import MigrationContext
from alembic.util import to_list

from whimbrel.catalog.read import read_state
from whimbrel.errors import WhimbrelError
from whimbrel.run.ledger import applied, read_ledger
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import TableName
from whimbrel.script.history import History
from whimbrel.script.refusals import RefusedRevision
from whimbrel.upkeep.lost import Lost, Surroundings, unknown_among, why_lost


Steps = Callable[[Any, MigrationContext], Iterable[Any]]


class LostRevision(RefusedRevision):
    """A database stands at a revision that no script carries."""

    def __init__(self, lost: Lost) -> None:
        super().__init__(
            lost.sentence,
            lost.remedy,
            revision=lost.revisions[0],
            case=lost.case.value,
        )


def refusing_unknown(history: History, fn: Steps) -> Steps:
    """Return *fn*, which an environment runs, for databases whose place is known.

    Args:
        history: the scripts that are there.
        fn: what is done if they carry all revisions that the database stands at.
    """

    def steps(rev: Any, context: MigrationContext) -> Iterable[Any]:
        lost = lost_at(history, rev, context)
        if lost is not None:
            raise LostRevision(lost)
        return fn(rev, context)

    return steps


def lost_at(history: History, rev: Any, context: MigrationContext) -> Lost | None:
    """Return what is known of the revisions of *context* that no script carries.

    None if each of them has its script, or if nobody is asked: SQL is written.
    """
    if context.connection is None or context.as_sql:
        return None
    unknown = unknown_among(history, tuple(rev or ()))
    return why_lost(unknown, history, _around(context)) if unknown else None


def _around(context: MigrationContext) -> Surroundings:
    assert context.connection is not None
    url = context.connection.engine.url.render_as_string(hide_password=True)
    table = TableName(context.version_table, context.version_table_schema)
    ledger = applied(read_ledger(context.connection, table))
    return Surroundings(
        database=url,
        tables=_tables(context),
        wanted=_wanted(context),
        applied={
            revision: f"The ledger there calls it {entry.name!r}, applied {entry.at}."
            for revision, entry in ledger.items()
        },
    )


def _tables(context: MigrationContext) -> frozenset[TableName] | None:
    """Return the tables of the database; None if they cannot be read."""
    scope = Scope(
        version_table=TableName(context.version_table, context.version_table_schema)
    )
    assert context.connection is not None
    try:
        state = read_state(context.connection, scope)
    except WhimbrelError:
        return None
    return frozenset(table.name for table in state.tables)


def _wanted(context: MigrationContext) -> frozenset[TableName]:
    metadatas = to_list(context.opts.get("target_metadata"), default=[])
    return frozenset(
        TableName(table.name, table.schema)
        for metadata in metadatas
        for table in metadata.tables.values()
    )
