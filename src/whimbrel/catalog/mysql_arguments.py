"""What the keyword arguments ``mysql_...`` of a table say, in the server's words."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Table
from sqlalchemy.engine import Connection

from whimbrel.catalog.mysql_partitions import said_of_partitions
from whimbrel.catalog.mysql_rows import Facts, engine_names
from whimbrel.catalog.mysql_spelling import options, unusual
from whimbrel.schema.state import Options


_CHARSETS = ("CHARSET", "DEFAULT_CHARSET", "CHARACTER_SET", "DEFAULT_CHARACTER_SET")
_COLLATIONS = ("COLLATE", "DEFAULT_COLLATE")
_PARTITIONS = ("PARTITION_BY", "PARTITIONS", "SUBPARTITION_BY", "SUBPARTITIONS")
_OTHERS = ("ENGINE", "COMMENT", "AUTO_INCREMENT", "DATA_DIRECTORY", "INDEX_DIRECTORY")
_APART = frozenset((*_CHARSETS, *_COLLATIONS, *_PARTITIONS, *_OTHERS))


class Arguments:
    """Reads what tables say to one dialect.

    Args:
        connection: the server that knows its storage engines.
        facts: what holds for the server and its databases.
    """

    def __init__(self, connection: Connection, facts: Facts) -> None:
        self._connection = connection
        self._facts = facts
        self._start = f"{connection.dialect.name}_"
        self._engines: dict[str, str] = {}

    def setting(self, table: Table) -> str:
        """Return the character set and the collation of *table*, as SQL."""
        said = self._said(table)
        words = [
            f"{word} {said[name]}"
            for word, names in (("CHARSET", _CHARSETS), ("COLLATE", _COLLATIONS))
            for name in names
            if name in said
        ]
        return " ".join(words) or f"COLLATE {self._usual_collation(table)}"

    def options(self, table: Table, collations: Mapping[str, str]) -> Options:
        """Return what is said of *table*, unless it holds anyway.

        Args:
            table: the table of the models.
            collations: which collation tables have, by their settings.
        """
        arguments = self._said(table)
        if not arguments:
            return options(())
        collation = collations.get(self.setting(table))
        engine = self.engine(table)
        said: dict[str, str | None] = {
            name.lower(): value.upper() if value.isalpha() else value
            for name, value in arguments.items()
            if name not in _APART and value.upper() != "DEFAULT"
        }
        said = unusual(said, engine)
        usual = self._usual_collation(table)
        said["collate"] = None if collation == usual else collation
        said["engine"] = None if engine == self._facts.engine else engine
        said["partition_by"] = said_of_partitions(arguments)
        return options(said.items())

    def engine(self, table: Table) -> str:
        """Return the storage engine of *table*, as the server writes it."""
        wanted = self._said(table).get("ENGINE")
        if wanted is None:
            return self._facts.engine
        if not self._engines:
            self._engines = engine_names(self._connection)
        return self._engines.get(wanted.lower(), wanted)

    def _said(self, table: Table) -> dict[str, str]:
        """Return the keyword arguments of a table, as the compiler reads them."""
        if "dialect_options" not in table.__dict__:
            return {}
        return {
            name.removeprefix(self._start).upper(): str(value)
            for name, value in table.kwargs.items()
            if name.startswith(self._start)
        }

    def _usual_collation(self, table: Table) -> str:
        """Return the default collation of the database of *table*."""
        collations = self._facts.collations
        schema = self._facts.folded(str(table.schema or self._facts.database))
        return collations.get(schema) or collations.get(self._facts.database, "")
