"""What the three lines of a project's env.py call: the way to its databases.

A project without env.py gets the same. The whole file is::

    from whimbrel.env import run_migrations

    run_migrations()
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from logging.config import fileConfig
from pathlib import Path
from typing import Any

from alembic import context
from alembic.config import Config as AlembicConfig
from sqlalchemy.engine import Connection

from whimbrel.config import (
    Config,
    Target,
    as_engine,
    engine_from_section,
    is_async,
    named_metadata,
    targets_of,
)
from whimbrel.run.binds import ChosenBind


logger = logging.getLogger("alembic.env")


@dataclass(frozen=True, kw_only=True)
class Project:
    """The databases of a project and how its environment is configured.

    Args:
        options: what ``EnvironmentContext.configure()`` is given.
        is_several: its scripts have a function for each bind.
        is_two_phase: all databases commit together, where they can.
        connection: a connection of the caller's to work on.
    """

    targets: tuple[Target, ...]
    options: dict[str, Any]
    is_several: bool
    is_two_phase: bool
    connection: Connection | None

    @property
    def default(self) -> Target:
        """The one database of a project that manages one."""
        return self.targets[0]


def run_migrations(
    *, several: bool | None = None, two_phase: bool = False, **options: Any
) -> None:
    """Run what the current command asks for, on every database of the project.

    Args:
        several: whether scripts have a function for each bind; by default, what
            script.py.mako says, and without one, how many binds there are.
        two_phase: commit all databases together, where they can.
        options: what ``EnvironmentContext.configure()`` takes; they win over those
            of ``Migrate(...)`` and of pyproject.toml. ``engine``, ``url`` and
            ``target_metadata`` name the database and the models.
    """
    config = context.config
    _set_up_logging(config)
    found = _found_targets(config, options)
    project = Project(
        targets=found,
        options=_configure_options(config, options),
        is_several=_is_several(found) if several is None else several,
        is_two_phase=two_phase,
        connection=_given_connection(config),
    )
    if context.is_offline_mode():
        _run_offline(project)
    else:
        _run_online(project)


def _run_offline(project: Project) -> None:
    """Write SQL: to the output of the command, or to a file for each bind."""
    if not project.is_several:
        _write_sql(project, project.default)
        return
    for target in _chosen(project):
        path = Path(f"{target.bind}.sql")
        logger.info("Migrating database %s", target.title)
        logger.info("Writing output to %s", path)
        with path.open("w", encoding="utf-8") as buffer:
            _write_sql(project, target, output_buffer=buffer)


def _write_sql(project: Project, target: Target, **options: Any) -> None:
    context.configure(
        **{
            "url": target.url,
            "literal_binds": True,
            **_options_for(project, target),
            **options,
        }
    )
    with context.begin_transaction():
        context.run_migrations(**_function_arguments(project, target))


def _run_online(project: Project) -> None:
    if project.connection is not None and not project.is_several:
        _migrate_one(project, project.connection)
        return
    targets = _chosen(project) if project.is_several else (project.default,)
    if any(is_async(target.reachable) for target in targets):
        _to_its_end(lambda: _migrate_async(project, targets))
        return
    with ExitStack() as stack:
        connections = [
            stack.enter_context(target.reachable.connect())  # type: ignore[arg-type]  # none is asynchronous here
            for target in targets
        ]
        _migrate(project, targets, connections)


async def _migrate_async(project: Project, targets: Sequence[Target]) -> None:
    """Migrate over asynchronous drivers, by SQLAlchemy's bridge to them."""
    async with AsyncExitStack() as stack:
        connections: list[Connection] = []
        bridge: Any = None
        for target in targets:
            engine = target.reachable
            if is_async(engine):
                bridge = await stack.enter_async_context(engine.connect())
                connections.append(bridge.sync_connection)
            else:
                connections.append(stack.enter_context(engine.connect()))
        await bridge.run_sync(lambda _: _migrate(project, targets, connections))


def _to_its_end(begin: Callable[[], Any]) -> None:
    """Run a coroutine to its end, also where an event loop is running already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(begin())
        return
    caller = contextvars.copy_context()
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(caller.run, lambda: asyncio.run(begin())).result()


def _migrate(
    project: Project, targets: Sequence[Target], connections: Sequence[Connection]
) -> None:
    if project.is_several:
        _migrate_several(project, targets, connections)
    else:
        _migrate_one(project, connections[0])


def _migrate_one(project: Project, connection: Connection) -> None:
    options = _options_for(project, project.default)
    context.configure(connection=connection, **options)
    with context.begin_transaction():
        context.run_migrations()


def _migrate_several(
    project: Project, targets: Sequence[Target], connections: Sequence[Connection]
) -> None:
    """Migrate all databases in transactions that end together."""
    begin = Connection.begin_twophase if project.is_two_phase else Connection.begin
    transactions: list[Any] = []
    try:
        transactions.extend(begin(connection) for connection in connections)
        for target, connection in zip(targets, connections, strict=True):
            logger.info("Migrating database %s", target.title)
            context.configure(connection=connection, **_options_for(project, target))
            context.run_migrations(**_function_arguments(project, target))
        if project.is_two_phase:
            for transaction in transactions:
                transaction.prepare()
        for transaction in transactions:
            transaction.commit()
    except BaseException:
        for transaction in transactions:
            transaction.rollback()
        raise


def _options_for(project: Project, target: Target) -> dict[str, Any]:
    """Return what ``configure()`` is told about *target*."""
    metadata = target.metadata
    options = dict(project.options)
    options["target_metadata"] = metadata[0] if len(metadata) == 1 else metadata or None
    if not options.get("process_revision_directives"):
        options["process_revision_directives"] = _leave_out_empty(project)
    if project.is_several:
        options["upgrade_token"] = f"{target.bind}_upgrades"
        options["downgrade_token"] = f"{target.bind}_downgrades"
    return options


def _function_arguments(project: Project, target: Target) -> dict[str, str]:
    return {"engine_name": target.bind} if project.is_several else {}


def _leave_out_empty(project: Project) -> Callable[[Any, Any, list[Any]], None]:
    """Return the hook that keeps `migrate` from writing a script without operations."""
    config = context.config
    passes = len(_chosen(project)) if project.is_several else 1

    def leave_out_empty(_context: Any, _revision: Any, directives: list[Any]) -> None:
        if not directives or not getattr(config.cmd_opts, "autogenerate", False):
            return
        containers = directives[0].upgrade_ops_list
        if len(containers) >= passes and all(each.is_empty() for each in containers):
            directives[:] = []
            logger.info("No changes in schema detected.")

    return leave_out_empty


def _reachable(project: Project) -> tuple[Target, ...]:
    """Return the databases that there are; an app may have binds and no default."""
    there = tuple(target for target in project.targets if target.engine is not None)
    return there or (project.default,)


def _chosen(project: Project) -> tuple[Target, ...]:
    """Return the databases that the command is about: one, if it names its bind."""
    chosen = ChosenBind.of(context.config)
    found = [each for each in _reachable(project) if chosen.takes(each.bind)]
    chosen.demand()
    return tuple(found)


def _is_several(targets: Sequence[Target]) -> bool:
    template = Path(context.script.dir) / "script.py.mako"
    if template.is_file():
        return "engine_name" in template.read_text(encoding="utf-8")
    return len(targets) > 1


def _given_connection(config: AlembicConfig) -> Connection | None:
    connection = config.attributes.get("connection")
    return getattr(connection, "sync_connection", connection)


def _found_targets(
    config: AlembicConfig, options: dict[str, Any]
) -> tuple[Target, ...]:
    """Return the databases that the words, the app or the settings name."""
    given = {**_flask_options(), **options}
    said = config.attributes
    engine = said.get("url") or given.get("engine") or given.get("url")
    metadata = said.get("metadata") or given.get("target_metadata")
    extension = _flask_extension()
    if extension is None and metadata is None:
        metadata = _settings(config).get("metadata")
    db = extension.db if extension is not None else None
    found = targets_of(db, metadata=_models(metadata), engine=engine)
    if found[0].engine is not None or len(found) > 1 or _given_connection(config):
        return found
    url = _flask_url() or _settings(config).get("url")
    engine = as_engine(url) if url else _engine_of_the_ini_file(config)
    return (Target(engine=engine, metadata=found[0].metadata),)


def _models(metadata: Any) -> Any:
    """Return *metadata* with names such as ``package.module:Base`` looked up."""
    if isinstance(metadata, str):
        return named_metadata(metadata)
    if isinstance(metadata, list | tuple) and all(isinstance(m, str) for m in metadata):
        return named_metadata(metadata) or None
    return metadata


def _engine_of_the_ini_file(config: AlembicConfig) -> Any:
    section = config.get_section(config.config_ini_section, {})
    return engine_from_section(section) if section.get("sqlalchemy.url") else None


def _settings(config: AlembicConfig) -> Any:
    return config.settings if isinstance(config, Config) else {}


def _configure_options(
    config: AlembicConfig, options: dict[str, Any]
) -> dict[str, Any]:
    settings = config.configure_options if isinstance(config, Config) else {}
    chosen = {"render_as_batch": True, **settings, **_flask_options(), **options}
    return {k: v for k, v in chosen.items() if k not in ("engine", "url")}


def _flask_extension() -> Any:
    """Return what ``Migrate(app, db)`` left in the current app, if there is one."""
    flask = sys.modules.get("flask")
    if flask is None or not flask.has_app_context():
        return None
    return flask.current_app.extensions.get("migrate")


def _flask_options() -> dict[str, Any]:
    extension = _flask_extension()
    return {} if extension is None else dict(extension.configure_args)


def _flask_url() -> Any:
    """Return the URL in the app's settings, for an app whose db is only its models."""
    if _flask_extension() is None:
        return None
    return sys.modules["flask"].current_app.config.get("SQLALCHEMY_DATABASE_URI")


def _set_up_logging(config: AlembicConfig) -> None:
    """Do what the ini file says about logging; only for a command, never for an app."""
    path = config.config_file_name
    if (
        not config.attributes.get("keep_logging")
        or not path
        or not Path(path).is_file()
    ):
        return
    if config.file_config.has_section("loggers"):
        fileConfig(path, disable_existing_loggers=False)
