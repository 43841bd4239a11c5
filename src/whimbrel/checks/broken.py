"""What stands beside the tables and would work no more: views, triggers, routines.

MySQL and MariaDB let a table or a column go, or have another name, of which such a
thing speaks, and say nothing until somebody uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from alembic.operations import ops
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from whimbrel.catalog.bystanders import read_bystanders
from whimbrel.checks.outlook import Foresight, Outlook
from whimbrel.checks.rule import Finding
from whimbrel.checks.statements import words_of
from whimbrel.schema.bystanders import Bystander
from whimbrel.schema.dialect import dialect_of
from whimbrel.schema.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaving:
    """A live table, or a column of it, that is there no more by that name."""

    table: str
    column: str | None
    how: str

    @property
    def subject(self) -> str:
        """The thing by its full name."""
        return self.table if self.column is None else f"{self.table}.{self.column}"

    def is_named_by(self, bystander: Bystander) -> bool:
        """Whether a thing beside the tables seems to speak of it.

        A trigger goes, or gets another name, with its table.
        """
        said = words_of(bystander.text)
        names = [self.table, *([self.column] if self.column is not None else [])]
        if not all(said.issuperset(words_of(each)) for each in names):
            return False
        return self.column is not None or bystander.table != self.table


class Bystanders:
    """What stands beside the tables of a database, and is asked for once.

    Args:
        foresights: all that is pending; what is spoken of there is taken care of.
        connection: leads to the database.
    """

    def __init__(self, foresights: Iterable[Foresight], connection: Connection) -> None:
        self._connection = connection
        self._pending = [e.operation for each in foresights for e in each.operations]
        self._is_silent = not dialect_of(connection).lets_onlookers_break
        self._there: frozenset[Bystander] | None = None

    def broken_by(
        self, operation: ops.MigrateOperation, outlook: Outlook
    ) -> Iterator[Finding]:
        """Yield what would work no more when *operation* has been carried out."""
        leaving = None if self._is_silent else _leaving(operation, outlook)
        if leaving is None or self._comes_again(leaving):
            return
        for each in sorted(self._left(), key=str):
            if leaving.is_named_by(each):
                yield Finding(
                    code="W501",
                    subject=leaving.subject,
                    sentence=f"The {each} seems to speak of {leaving.subject}, which"
                    f" {leaving.how}; the server will not say that it works no more.",
                    remedy=f"Drop the {each.kind} in the script and make it anew:"
                    f' op.execute("DROP {each.kind.upper()} {_quoted(each.name)}")'
                    " and so on.",
                )

    def _left(self) -> Iterable[Bystander]:
        """Return what stands there and no pending statement speaks of."""
        if self._there is None:
            said = words_of(
                " ".join(
                    str(each.sqltext)
                    for each in self._pending
                    if isinstance(each, ops.ExecuteSQLOp)
                )
            )
            self._there = frozenset(
                each
                for each in _bystanders(self._connection)
                if not said.issuperset(words_of(each.name))
            )
        return self._there

    def _comes_again(self, leaving: _Leaving) -> bool:
        """Whether a pending operation makes another thing of that name."""
        return any(
            (leaving.table, leaving.column) in _made_by(each) for each in self._pending
        )


def _quoted(name: str) -> str:
    """Return a name as the statements of MySQL and MariaDB say it."""
    return "`{}`".format(name.replace("`", "``"))


def _bystanders(connection: Connection) -> frozenset[Bystander]:
    try:
        return read_bystanders(connection, Scope())
    except DBAPIError:  # a role that may not look there
        return frozenset()


def _leaving(operation: ops.MigrateOperation, outlook: Outlook) -> _Leaving | None:
    """Return what there is no more, by the name that it has now."""
    column, how = None, "is dropped"
    match operation:
        case ops.DropTableOp():
            pass
        case ops.RenameTableOp():
            how = f"is called {operation.new_table_name} then"
        case ops.DropColumnOp():
            column = operation.column_name
        case ops.AlterColumnOp() if operation.modify_name not in (
            None,
            operation.column_name,
        ):
            column, how = operation.column_name, f"is {operation.modify_name} then"
        case _:
            return None
    standing = outlook.table(operation.table_name, operation.schema)
    if standing is None or standing.live.name.schema is not None:
        return None
    if column is None:
        return _Leaving(table=standing.live.name.name, column=None, how=how)
    held = standing.columns.get(column)
    if held is None or held.live is None:
        return None
    return _Leaving(table=standing.live.name.name, column=held.live.name, how=how)


def _made_by(operation: ops.MigrateOperation) -> set[tuple[str, str | None]]:
    """Return the table, and the column of a table, that an operation makes."""
    match operation:
        case ops.CreateTableOp():
            return {(operation.table_name, None)}
        case ops.RenameTableOp():
            return {(operation.new_table_name, None)}
        case ops.AddColumnOp():
            return {(operation.table_name, operation.column.name)}
        case ops.AlterColumnOp() if operation.modify_name is not None:
            return {(operation.table_name, operation.modify_name)}
        case _:
            return set()
