"""Which schemas, tables and names are ours to manage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from whimbrel.schema.state import TableName


def _everything(_: TableName) -> bool:
    return True


VERSION_TABLE = TableName("alembic_version")
"""What Alembic calls the table of the revisions, unless told otherwise."""


OURS = "_whimbrel_"
"""With that the names of all tables begin that we make beside it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What of a database a history manages.

    Args:
        schemas: the schemas to read; None among them is the default one.
        version_table: the table of the revisions, which is never ours.
        accepts: whether a table of the database is to be read at all.
    """

    schemas: tuple[str | None, ...] = (None,)
    version_table: TableName = VERSION_TABLE
    accepts: Callable[[TableName], bool] = _everything

    def has(self, name: TableName) -> bool:
        """Whether the table of that name is ours."""
        if name == self.version_table or name.name.startswith(OURS):
            return False
        return self.accepts(name)
