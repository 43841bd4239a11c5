"""Models on binds that the scripts of a folder do not manage: nothing makes them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import to_list
from sqlalchemy import MetaData

from whimbrel.config import Config as OwnConfig
from whimbrel.config import metadatas_of, models_of_binds
from whimbrel.report.report import Line, Tone
from whimbrel.run.binds import MORE_DATABASES, ChosenBind


SHOWN = 5
"""So many tables of a bind are named."""


class Managed:
    """The binds and the models that an environment went through."""

    def __init__(self) -> None:
        self.binds: set[str | None] = set()
        self.models: list[MetaData] = []

    def note(self, context: MigrationContext) -> None:
        """Take in the database and the models of *context*."""
        self.binds.add(getattr(context, "arguments", {}).get("engine_name"))
        self.models += to_list(context.opts.get("target_metadata"), default=[])

    def lacks(self, config: Config) -> tuple[Line, ...]:
        """Return a line for each bind of the app whose models nothing here makes.

        Nothing is said of a command that is about one bind.

        Args:
            config: its attribute ``db`` is what holds the models of the app; without
                an app, they are those that the user or the settings name.
        """
        if not self.binds or ChosenBind.of(config).wanted is not None:
            return ()
        db = config.attributes.get("db")
        named = _named(config) if db is None else metadatas_of(db)
        return tuple(self._told(named))

    def _told(self, named: Mapping[str, tuple[MetaData, ...]]) -> Iterator[Line]:
        for bind, models in named.items():
            names = sorted(name for metadata in models for name in metadata.tables)
            if not bind or not names or self._has(bind, models):
                continue
            remedy = MORE_DATABASES
            if None not in self.binds:
                remedy = f"Say where it is: SQLALCHEMY_BINDS has no {bind!r}."
            text = f"The bind {bind!r} is not managed here: {_listed(names)}. {remedy}"
            yield Line(text, Tone.WARN)

    def _has(self, bind: str, models: Collection[MetaData]) -> bool:
        return (
            bind in self.binds
            or any(each is known for each in models for known in self.models)
            or any(
                table.info.get("bind_key") == bind
                for metadata in self.models
                for table in metadata.tables.values()
            )
        )


def _named(config: Config) -> Mapping[str, tuple[MetaData, ...]]:
    """Return the models of binds among those that somebody named."""
    names = config.attributes.get("metadata")
    if not names and isinstance(config, OwnConfig):
        names = config.settings.get("metadata")
    words = [names] if isinstance(names, str) else names
    if not isinstance(words, list | tuple):
        return {}
    return models_of_binds([each for each in words if isinstance(each, str)])


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    many = "table" if len(names) == 1 else "tables"
    return f"the {many} {', '.join(names[:SHOWN])}{more}"
