"""Whimbrel changes databases to fit models.

This is the face for a Flask app: ``Migrate`` and the verbs, to be called inside an
application context. Each returns a Report and raises a
:class:`~whimbrel.errors.WhimbrelError`. Nothing is imported before it is needed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar


__all__ = [
    "Config",
    "Migrate",
    "alembic_version",
    "baseline",
    "branches",
    "check",
    "current",
    "downgrade",
    "drift",
    "edit",
    "ensure_version",
    "heads",
    "history",
    "init",
    "is_current",
    "list_templates",
    "merge",
    "migrate",
    "rebase",
    "repair",
    "revision",
    "show",
    "stamp",
    "status",
    "upgrade",
]

Callback = TypeVar("Callback", bound=Callable[..., Any])


class MigrateConfig:
    """What ``current_app.extensions["migrate"]`` is, for env.py files to read."""

    def __init__(self, migrate: Migrate, db: Any, **kwargs: Any) -> None:
        self.migrate = migrate
        self.db = db
        self.directory = migrate.directory
        self.configure_args = kwargs

    @property
    def metadata(self) -> Any:
        """The models of the default database."""
        return self.db.metadata


class Migrate:
    """The Flask extension that gives an app its migrations.

    Args:
        app: the app; without it, call :meth:`init_app` later.
        db: a Flask-SQLAlchemy or Flask-SQLAlchemy-Lite object, a MetaData, or a
            declarative base.
        directory: the folder of the scripts.
        command: the name of the command group, ``flask db``.
        kwargs: what ``EnvironmentContext.configure()`` takes; ``target_metadata``
            names the models and ``engine`` or ``url`` the database where *db*
            does not. The settings of [tool.whimbrel] may stand here too.
    """

    def __init__(
        self,
        app: Any = None,
        db: Any = None,
        directory: str | Path = "migrations",
        command: str = "db",
        compare_type: Any = True,
        render_as_batch: bool = True,
        **kwargs: Any,
    ) -> None:
        self.configure_callbacks: list[Callable[[Any], Any]] = []
        self.db = db
        self.command = command
        self.directory = str(directory)
        usual = {"compare_type": compare_type, "render_as_batch": render_as_batch}
        self.alembic_ctx_kwargs = kwargs | usual
        if app is not None and db is not None:
            self.init_app(app, db, directory)

    def init_app(
        self,
        app: Any,
        db: Any = None,
        directory: str | Path | None = None,
        command: str | None = None,
        compare_type: Any = None,
        render_as_batch: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Register the extension and its commands with *app*."""
        self.db = db if db is not None else self.db
        self.command = command or self.command
        self.directory = str(directory or self.directory)
        self.alembic_ctx_kwargs.update(kwargs)
        if compare_type is not None:
            self.alembic_ctx_kwargs["compare_type"] = compare_type
        if render_as_batch is not None:
            self.alembic_ctx_kwargs["render_as_batch"] = render_as_batch
        app.extensions["migrate"] = MigrateConfig(
            self, self.db, **self.alembic_ctx_kwargs
        )
        from whimbrel.flask import db as group

        app.cli.add_command(group, name=self.command)

    def configure(self, f: Callback) -> Callback:
        """Let *f* change the Config before a command runs; used as a decorator."""
        self.configure_callbacks.append(f)
        return f

    def call_configure_callbacks(self, config: Any) -> Any:
        """Return *config* as the app's callbacks leave it."""
        for callback in self.configure_callbacks:
            config = callback(config)
        return config

    def get_config(
        self,
        directory: str | Path | None = None,
        x_arg: str | Iterable[str] | None = None,
        opts: Iterable[str] | None = None,
    ) -> Any:
        """Return the Config of this app's migrations.

        Args:
            directory: the folder of the scripts, if it is another one.
            x_arg: the arguments for env.py.
            opts: the names of ``config.cmd_opts`` to set.
        """
        from whimbrel.flask import new_config

        options = argparse.Namespace(**dict.fromkeys(opts or (), True))
        folder = str(directory or self.directory)
        config = new_config(folder, options, x_arg, self.alembic_ctx_kwargs)
        return self.call_configure_callbacks(config)


def list_templates() -> Any:
    """List the templates that ``init`` can use."""
    return _do("list_templates", None)


def init(
    directory: str | Path | None = None,
    multidb: bool = False,
    template: str | None = None,
    package: bool = False,
) -> Any:
    """Make a folder for scripts.

    Args:
        directory: the folder; by default, the one given to ``Migrate``.
        multidb: let scripts have a function for each bind.
        template: the name of a template, or a path to one.
        package: write ``__init__.py`` files too.
    """
    words = {"multidb": multidb, "template": template, "package": package}
    return _do("init", directory, **words)


def revision(
    directory: str | Path | None = None,
    message: str | None = None,
    autogenerate: bool = False,
    sql: bool = False,
    head: str = "head",
    splice: bool = False,
    branch_label: str | None = None,
    version_path: str | None = None,
    rev_id: str | None = None,
    **wishes: Any,
) -> Any:
    """Write a new script.

    *wishes* are the further options of ``flask db revision``, such as ``depends_on``.
    """
    return _do(
        "revision",
        directory,
        message=message,
        autogenerate=autogenerate,
        sql=sql,
        head=head,
        splice=splice,
        branch_label=branch_label,
        version_path=version_path,
        rev_id=rev_id,
        **wishes,
    )


def migrate(
    directory: str | Path | None = None,
    message: str | None = None,
    sql: bool = False,
    head: str = "head",
    splice: bool = False,
    branch_label: str | None = None,
    version_path: str | None = None,
    rev_id: str | None = None,
    x_arg: str | Iterable[str] | None = None,
    **wishes: Any,
) -> Any:
    """Write the script that leads to the models.

    *wishes* are the further options of ``flask db migrate``, such as ``rename``.
    """
    return _do(
        "migrate",
        directory,
        x_arg,
        message=message,
        sql=sql,
        head=head,
        splice=splice,
        branch_label=branch_label,
        version_path=version_path,
        rev_id=rev_id,
        **wishes,
    )


def edit(directory: str | Path | None = None, revision: str = "current") -> Any:
    """Open a script in $EDITOR."""
    return _do("edit", directory, revision=revision)


def merge(
    directory: str | Path | None = None,
    revisions: str | Iterable[str] = "",
    message: str | None = None,
    branch_label: str | None = None,
    rev_id: str | None = None,
    *,
    splice: bool = False,
    force: bool = False,
) -> Any:
    """Join heads into one with a new script; all heads if none is named."""
    return _do(
        "merge",
        directory,
        revisions=revisions,
        message=message,
        branch_label=branch_label,
        rev_id=rev_id,
        splice=splice,
        force=force,
    )


def rebase(
    revision: str = "head", directory: str | Path | None = None, **words: Any
) -> Any:
    """Let the scripts of one head, not applied yet, follow another: the head *onto*."""
    return _do("rebase", directory, revision=revision, **words)


def baseline(directory: str | Path | None = None, **words: Any) -> Any:
    """Write a first script for what is in the database, and note it as applied."""
    return _do("baseline", directory, **words)


def drift(directory: str | Path | None = None, **words: Any) -> Any:
    """Compare each database with what its scripts make; exit code 2 if they differ."""
    return _do("drift", directory, **words)


def status(directory: str | Path | None = None, **words: Any) -> Any:
    """Tell where each database stands, what is pending and what is wrong."""
    return _do("status", directory, **words)


def repair(directory: str | Path | None = None, **words: Any) -> Any:
    """Find out what is wrong with the history; mend it if *yes* says so."""
    return _do("repair", directory, **words)


def upgrade(
    directory: str | Path | None = None,
    revision: str = "head",
    sql: bool = False,
    tag: str | None = None,
    x_arg: str | Iterable[str] | None = None,
    *,
    wait: bool = True,
    timeout: float | None = None,
    on_event: Callable[[Any], Any] | None = None,
    allow_ahead: bool = False,
    **precautions: Any,
) -> Any:
    """Bring the database to a later revision.

    Args:
        directory: the folder of the scripts.
        revision: where to.
        sql: write the SQL instead.
        tag: any text, for env.py.
        x_arg: arguments for env.py.
        wait: wait for another run; else it raises ``whimbrel.errors.Locked`` at once.
        timeout: for so many seconds it waits; then it raises that.
        on_event: is called with each :class:`whimbrel.run.event.Event`.
        allow_ahead: be content with a database that is ahead of this code.
        precautions: ``no_preflight``, ``allow_loss``, ``refuse_loss``, ``atomic``,
            and ``bind``: only this one of several databases.
    """
    words = {**_heard(wait, timeout, on_event), **precautions}
    words |= {"revision": revision, "sql": sql, "tag": tag, "allow_ahead": allow_ahead}
    return _do("upgrade", directory, x_arg, **words)


def downgrade(
    directory: str | Path | None = None,
    revision: str = "-1",
    sql: bool = False,
    tag: str | None = None,
    x_arg: str | Iterable[str] | None = None,
    *,
    timeout: float | None = None,
    on_event: Callable[[Any], Any] | None = None,
    **precautions: Any,
) -> Any:
    """Bring the database to an earlier revision; the words are those of upgrade."""
    words = {**_heard(precautions.pop("wait", True), timeout, on_event), **precautions}
    words |= {"revision": revision, "sql": sql, "tag": tag}
    return _do("downgrade", directory, x_arg, **words)


def _heard(wait: bool, timeout: Any, on_event: Any) -> dict[str, Any]:
    words = {"lock_timeout": timeout if wait else 0.0}
    return words | ({"on_event": on_event} if on_event else {})


def show(directory: str | Path | None = None, revision: str = "head") -> Any:
    """Show a script."""
    return _do("show", directory, revision=revision)


def history(
    directory: str | Path | None = None,
    rev_range: str | None = None,
    verbose: bool = False,
    indicate_current: bool = False,
    **words: Any,
) -> Any:
    """List the scripts, the latest first."""
    words |= {"verbose": verbose, "indicate_current": indicate_current}
    return _do("history", directory, rev_range=rev_range, **words)


def heads(
    directory: str | Path | None = None,
    verbose: bool = False,
    resolve_dependencies: bool = False,
) -> Any:
    """List the heads of the history."""
    words = {"verbose": verbose, "resolve_dependencies": resolve_dependencies}
    return _do("heads", directory, **words)


def branches(directory: str | Path | None = None, verbose: bool = False) -> Any:
    """List where the history branches."""
    return _do("branches", directory, verbose=verbose)


def current(
    directory: str | Path | None = None,
    verbose: bool = False,
    **words: Any,
) -> Any:
    """Tell where each database stands."""
    return _do("current", directory, verbose=verbose, **words)


def stamp(
    directory: str | Path | None = None,
    revision: str | Iterable[str] = "head",
    sql: bool = False,
    tag: str | None = None,
    purge: bool = False,
    **words: Any,
) -> Any:
    """Note revisions as applied, running nothing."""
    words |= {"revisions": revision, "sql": sql, "tag": tag, "purge": purge}
    return _do("stamp", directory, **words)


def check(directory: str | Path | None = None, **wishes: Any) -> Any:
    """Raise DifferencesFound if the models and the database differ."""
    return _do("check", directory, **wishes)


def ensure_version(directory: str | Path | None = None, **words: Any) -> Any:
    """Create the version table if it is not there."""
    return _do("ensure_version", directory, **words)


def is_current(app: Any = None, directory: str | Path | None = None) -> bool:
    """Return whether the databases of *app* stand where its scripts lead to.

    For the probe that tells when an app is ready: it changes nothing, waits for
    nobody, and says no where the database cannot be reached.

    Args:
        app: the app; without it, the current one.
        directory: the folder of the scripts.
    """
    from whimbrel.flask import stands_at_heads

    return stands_at_heads(app, directory)


def _do(
    verb: str, directory: str | Path | None, x_arg: Any = None, **words: Any
) -> Any:
    """Do *verb* for the current app; a command writes the same words."""
    from whimbrel.flask import do

    return do(verb, directory, x_arg, **words)


def __getattr__(name: str) -> Any:
    """Give what would cost every app the import of Alembic only to those who ask."""
    if name == "Config":
        from whimbrel.config import Config

        return Config
    if name == "MigrateCommand":  # what Flask-Migrate 2 had for Flask-Script
        from whimbrel.manage import MigrateCommand

        return MigrateCommand
    if name == "alembic_version":
        from alembic import __version__

        return tuple(int(part) for part in __version__.split(".")[:3])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
