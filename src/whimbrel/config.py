"""The settings of a project, read once, and the databases that they lead to."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.config import Config as AlembicConfig
from alembic.util import compat
from sqlalchemy import MetaData, engine_from_config, make_url
from sqlalchemy.engine import URL, Engine
from sqlalchemy.pool import NullPool

from whimbrel.errors import ConfigError, ModelsError, UsageError, ended


if TYPE_CHECKING:  # needs greenlet, which SQLAlchemy itself does not require
    from sqlalchemy.ext.asyncio import AsyncEngine
    from typing_extensions import TypeIs


#: the settings of a run; Migrate(...), [tool.whimbrel] and alembic.ini have them
RUN_KEYS = ("lock_timeout", "lock_wait", "ledger", "head_file", "allow_ahead", "loss")

#: keys of [tool.whimbrel] that are ours; every other one goes to configure()
OWN_KEYS = {"url", "metadata", "directory", "script_location", *RUN_KEYS}

#: how a file says yes and no
FLAGS = {"true": True, "yes": True, "on": True, "1": True} | {
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}

#: where to look for the metadata when only a module was named
USUAL_NAMES = ("metadata", "Base", "db", "Model")

NAME_THE_MODELS = (
    "Name them as package.module:Base, with --metadata on the command line or as"
    " `metadata` under [tool.whimbrel] in pyproject.toml."
)


class Config(AlembicConfig):
    """Alembic's Config, which also knows [tool.whimbrel] and our templates.

    Args:
        template_directory: a folder of templates to use instead of ours.
        program: what the user typed, for commands in messages: ``flask db``.
        settings_file: the file with [tool.whimbrel], if it is not the one that
            Alembic's own settings are read from.
        given: settings that the app gives; they win over those of files.
    """

    def __init__(
        self,
        *args: Any,
        template_directory: str | None = None,
        program: str | None = None,
        settings_file: Path | None = None,
        given: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("stdout", sys.stdout)  # as it is now, not at import
        super().__init__(*args, **kwargs)
        self.template_directory = template_directory
        self.settings_file = settings_file
        self.given = given or {}
        if program is not None:
            self.attributes.setdefault("program", program)

    def get_template_directory(self) -> str:
        """Return the folder that holds the templates of ``init``."""
        if self.template_directory:
            return self.template_directory
        return str(Path(__file__).parent / "script" / "templates")

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The table [tool.whimbrel] of pyproject.toml, with %(here)s filled in."""
        path = self.settings_file or self._toml_file_path
        if path is None or not path.is_file():
            return {}
        try:
            data = compat.tomllib.loads(path.read_text(encoding="utf-8"))
        except ValueError as cause:
            raise ConfigError(
                ended(f"{path} is not valid TOML: {cause}"),
                "Mend that line of the file.",
            ) from cause
        table = data.get("tool", {}).get("whimbrel", {})
        here = path.absolute().parent.as_posix()
        return {key: _placed(value, here) for key, value in table.items()}

    @property
    def configure_options(self) -> dict[str, Any]:
        """What [tool.whimbrel] says to ``EnvironmentContext.configure()``."""
        return {k: v for k, v in self.settings.items() if k not in OWN_KEYS}

    @property
    def has_settings(self) -> bool:
        """Whether any file says something about this project's migrations."""
        ini = self._config_file_path
        has_ini = ini is not None and ini.is_file()
        return has_ini or bool(self.settings or self.toml_alembic_config)


def setting(config: AlembicConfig, name: str) -> Any:
    """Return a setting of runs: of the app, of [tool.whimbrel], or of alembic.ini.

    Args:
        config: Alembic's own is asked for what alembic.ini says.
        name: one of RUN_KEYS.
    """
    said = None
    if isinstance(config, Config):
        said = config.given.get(name)
        said = config.settings.get(name) if said is None else said
    if said is not None:
        return said
    file = config.config_file_name
    has_section = file is None or Path(file).is_file()  # else it would be an error
    return config.get_main_option(name) if has_section else None


def flag(config: AlembicConfig, name: str) -> bool | None:
    """Return a setting that is a yes or a no; None if nobody says.

    Args:
        config: Alembic's own is asked for what alembic.ini says.
        name: one of RUN_KEYS.

    Raises:
        UsageError: what is said is neither.
    """
    said = setting(config, name)
    if said is None or isinstance(said, bool):
        return said
    known = FLAGS.get(str(said).strip().lower())
    if known is None:
        raise UsageError(
            f"The setting {name} = {said!r} is neither true nor false.",
            f"Write `{name} = true` or `{name} = false`.",
        )
    return known


@dataclass(frozen=True, kw_only=True)
class Target:
    """One database of a project and the models that describe it.

    Args:
        bind: the name of the bind; empty for the default one.
        engine: leads to the database; None if nothing says where it is.
        metadata: the models; empty if nothing names them.
    """

    bind: str = ""
    engine: Engine | AsyncEngine | None = None
    metadata: tuple[MetaData, ...] = ()

    @property
    def url(self) -> URL:
        """The URL of the database.

        Raises:
            ConfigError: nothing says where the database is.
        """
        return self.reachable.url

    @property
    def reachable(self) -> Engine | AsyncEngine:
        """The engine, if there is one.

        Raises:
            ConfigError: nothing says where the database is.
        """
        if self.engine is None:
            raise ConfigError(
                "Nothing says where the database is.",
                "Give its URL with --url, as sqlalchemy.url in alembic.ini, or as `url`"
                " under [tool.whimbrel] in pyproject.toml.",
            )
        return self.engine

    @property
    def title(self) -> str:
        """What the database is called in messages."""
        return self.bind or "<default>"


def targets_of(
    db: Any, *, metadata: Any = None, engine: Any = None
) -> tuple[Target, ...]:
    """Return the databases behind *db*, the default one first.

    Args:
        db: a Flask-SQLAlchemy, Flask-SQLAlchemy-Lite or Alchemical object, a
            MetaData, a declarative base, or a sequence of those.
        metadata: the models, where *db* does not hold them; a mapping gives them
            by bind.
        engine: an engine or URL, where *db* does not lead to one.
    """
    engines = {"": as_engine(engine)} if engine is not None else engines_of(db)
    models = metadatas_of(db) if metadata is None else _by_bind(metadata)
    names = ["", *(name for name in engines if name)]
    return tuple(
        Target(bind=name, engine=engines.get(name), metadata=models.get(name, ()))
        for name in names
    )


def engines_of(db: Any) -> dict[str, Engine | AsyncEngine | None]:
    """Return the engines of *db* by bind; the default one is called ``""``."""
    found: dict[str, Engine | AsyncEngine | None] = {}
    for attribute in ("async_engines", "engines"):  # the latter wins
        named = getattr(db, attribute, None)
        if isinstance(named, Mapping):
            found.update({_bind_name(k): named[k] for k in named})
    if found:
        return found
    get_engine = getattr(db, "get_engine", None)
    if get_engine is not None:
        binds: Iterable[str] = getattr(db, "bind_names", tuple)()
        return {"": get_engine(), **{name: get_engine(bind=name) for name in binds}}
    engine = getattr(db, "engine", None) or getattr(db, "bind", None)
    return {"": engine if is_engine(engine) else None}


def metadatas_of(db: Any) -> dict[str, tuple[MetaData, ...]]:
    """Return the models of *db* by bind; those of the default one under ``""``."""
    named = getattr(db, "metadatas", None)
    if isinstance(named, Mapping):
        return {_bind_name(key): (named[key],) for key in named}
    if isinstance(db, MetaData):
        return {"": (db,)}
    if isinstance(db, Iterable):
        return {"": tuple(each for one in db for each in metadatas_of(one).get("", ()))}
    metadata = getattr(db, "metadata", None)
    return _split_by_bind(metadata) if isinstance(metadata, MetaData) else {}


def is_async(engine: Any) -> TypeIs[AsyncEngine]:
    """Whether *engine* is an asynchronous one, known without importing its class."""
    return isinstance(getattr(engine, "sync_engine", None), Engine)


def is_engine(given: Any) -> TypeIs[Engine | AsyncEngine]:
    """Whether *given* is an engine of either kind."""
    return isinstance(given, Engine) or is_async(given)


def as_engine(given: Any) -> Engine | AsyncEngine:
    """Return an engine for *given*, an engine or a URL."""
    if is_engine(given):
        return given
    return engine_from_section({"sqlalchemy.url": given})


def engine_from_section(section: Mapping[str, Any]) -> Engine | AsyncEngine:
    """Return an engine for the ``sqlalchemy.*`` keys of *section* of an ini file."""
    url = make_url(section["sqlalchemy.url"])
    options = {**section, "sqlalchemy.url": url}
    if url.get_dialect().is_async:
        asynchronous: Any = importlib.import_module("sqlalchemy.ext.asyncio")
        made: AsyncEngine = asynchronous.async_engine_from_config(
            options, poolclass=NullPool
        )
        return made
    return engine_from_config(options, poolclass=NullPool)


def named_metadata(names: str | Iterable[str]) -> tuple[MetaData, ...]:
    """Return the metadata that names such as ``package.module:Base`` stand for.

    Raises:
        ModelsError: the module cannot be imported, or there is no such thing in it.
    """
    return tuple(each for name in _parted(names) for each in _named(name)[""])


def models_of_binds(names: str | Iterable[str]) -> dict[str, tuple[MetaData, ...]]:
    """Return the models that :func:`named_metadata` leaves out, by their bind.

    Raises:
        ModelsError: the module cannot be imported, or there is no such thing in it.
    """
    found: dict[str, tuple[MetaData, ...]] = {}
    for name in _parted(names):
        for bind, models in _named(name).items():
            found[bind] = (*found.get(bind, ()), *models)
    return {bind: models for bind, models in found.items() if bind}


def _parted(names: str | Iterable[str]) -> list[str]:
    each = [names] if isinstance(names, str) else names
    return [word for text in each for word in text.replace(",", " ").split()]


def _named(name: str) -> dict[str, tuple[MetaData, ...]]:
    module_name, _, path = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as cause:  # whatever the models' module raises
        raise ModelsError(
            ended(
                f"The models cannot be imported: {module_name}:"
                f" {type(cause).__name__}: {cause}"
            ),
            "Mend that module, or name another one: --metadata package.module:Base.",
        ) from cause
    candidates = (path,) if path else USUAL_NAMES
    for candidate in candidates:
        found = metadatas_of(_attribute(module, candidate))
        if found.get(""):
            return found
    what = path or "Base or metadata"
    raise ModelsError(
        f"There are no models in {module_name}: no {what}.", NAME_THE_MODELS
    )


def _attribute(module: Any, path: str) -> Any:
    found = module
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def _bind_name(key: str | None) -> str:
    return "" if key in (None, "default") else str(key)


def _by_bind(metadata: Any) -> dict[str, tuple[MetaData, ...]]:
    if isinstance(metadata, Mapping):
        return {
            _bind_name(key): metadatas_of(value).get("", ())
            for key, value in metadata.items()
        }
    return metadatas_of(metadata)


def _split_by_bind(metadata: MetaData) -> dict[str, tuple[MetaData, ...]]:
    """Sort tables by ``info["bind_key"]``, where *db* has one MetaData."""
    binds = {table.info.get("bind_key") for table in metadata.tables.values()}
    if binds <= {None}:
        return {"": (metadata,)}
    parts = {_bind_name(bind): MetaData() for bind in (None, *binds)}
    for table in metadata.sorted_tables:
        table.to_metadata(parts[_bind_name(table.info.get("bind_key"))])
    return {bind: (part,) for bind, part in parts.items()}


def _placed(value: Any, here: str) -> Any:
    if isinstance(value, str):
        return value.replace("%(here)s", here)
    if isinstance(value, list):
        return [_placed(each, here) for each in value]
    return value
