"""What Alembic's tests are given where they import Alembic's own.

Classes by the names that Alembic has for them, and ``alembic.command`` with our
commands behind it: what a command reports is printed to where the Config prints,
as the faces do, and the scripts that it wrote are returned.
"""

import inspect
import os
from types import SimpleNamespace

import alembic.config
import alembic.runtime.migration
import alembic.script

import whimbrel.commands.database
import whimbrel.commands.look
import whimbrel.commands.merge
import whimbrel.commands.scripts
from whimbrel.config import Config
from whimbrel.run.runtime import Context, Operations, owned_context
from whimbrel.run.runtime import Environment as EnvironmentContext
from whimbrel.script.graph import Graph as RevisionMap
from whimbrel.script.history import History as ScriptDirectory


__all__ = [
    "Config",
    "EnvironmentContext",
    "MigrationContext",
    "Operations",
    "RevisionMap",
    "ScriptDirectory",
    "command",
    "config",
    "migration",
    "script",
]


class MigrationContext(Context):
    """Our context, made by the factory that Alembic's tests use."""

    @classmethod
    def configure(cls, *args, **options):
        """Return what Alembic makes, as one of ours."""
        return owned_context(super().configure(*args, **options))


class _Commands:
    """The module ``alembic.command``, answered by ours."""

    def __getattr__(self, name):
        for room in ("look", "scripts", "merge", "database"):
            verb = getattr(getattr(whimbrel.commands, room), name, None)
            if inspect.isfunction(verb):
                return _printing(verb)
        raise AttributeError(f"there is no command {name}")


def _printing(verb):
    def call(config, *args, **options):
        report = verb(config, *args, **options)
        if report.lines:
            config.print_stdout(report.text.removesuffix("\n"))
        paths = report.data.get("scripts", [report.script_path])
        found = [_script(config, path) for path in paths]
        return found if len(found) > 1 else found[0]

    return call


def _script(config, path):
    if path is None:
        return None
    history = ScriptDirectory.from_config(config)
    path = os.path.realpath(path)
    return next(each for each in history.walk_revisions() if each.path == path)


command = _Commands()
config = SimpleNamespace(**{**vars(alembic.config), "Config": Config})
migration = SimpleNamespace(
    **{**vars(alembic.runtime.migration), "MigrationContext": MigrationContext}
)
script = SimpleNamespace(**{**vars(alembic.script), "ScriptDirectory": ScriptDirectory})
