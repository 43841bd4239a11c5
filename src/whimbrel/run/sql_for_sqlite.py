"""SQLite's SQL where it is written and not run (``--sql``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alembic.ddl.sqlite import SQLiteImpl as AlembicSQLiteImpl
from sqlalchemy.engine import Connection

from whimbrel.run.shadow import Shadow


class WritingSQLite(AlembicSQLiteImpl):
    """Alembic's implementation, which writes what alters a table as scripts made it."""

    shadow: Shadow | None = None
    """What the scripts made so far, in ``--sql`` mode."""

    _held: list[str] | None = None
    _keys_are_off = False

    @property
    def _is_live(self) -> bool:
        """Whether there is a database to look at; not so in ``--sql`` mode."""
        return not self.as_sql and isinstance(self.connection, Connection)

    def knows(self, table_name: str, schema: str | None = None) -> bool:
        """Whether a table can be looked at: in the database, or as scripts made it."""
        if self._is_live:
            return True
        return self.shadow is not None and self.shadow.has_table(table_name, schema)

    def write_down(self, alter: Callable[[Any], None]) -> None:
        """Write the statements with which *alter* alters what the scripts made.

        Args:
            alter: is called with what alters the shadow.
        """
        assert self.shadow is not None
        shadow, self.shadow = self.shadow, None  # it has heard of them already
        statements = shadow.statements(alter)
        if any(each.startswith("PRAGMA legacy") for each in statements):
            self._switch_off_keys()
        for each in statements:
            self.static_output(each + self.command_terminator)
        self.shadow = shadow

    def _switch_off_keys(self) -> None:
        """Write that foreign keys are not to cascade, before the transaction."""
        if not self._keys_are_off:
            self._keys_are_off = True
            held, self._held = self._held or [], None
            for each in ("PRAGMA foreign_keys=OFF;", *held):
                super().static_output(each)

    def static_output(self, text: str) -> None:
        """Write *text*; from a BEGIN on it is held until something may precede it."""
        if self.shadow is not None:
            self.shadow.hear(text)
        if self._held is None:
            super().static_output(text)
        else:
            self._held.append(text)

    def emit_begin(self) -> None:
        """Write ``BEGIN``, which may have to wait for what must stand before it."""
        self._held = None if self._keys_are_off else []
        super().emit_begin()

    def emit_commit(self) -> None:
        """Write ``COMMIT`` and all that waited."""
        held, self._held = self._held or [], None
        for each in held:
            super().static_output(each)
        super().emit_commit()
