"""The revision graph of a folder of scripts, read without running them.

``History`` is Alembic's ``ScriptDirectory``, in every method of it; what differs:
the scripts are read as text and imported only when they run; two scripts with one
id, a revision that is not there and a circle are refused in a sentence; a folder
without an ``env.py`` has a default one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import RevisionStep
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import (
    CycleDetected,
    MultipleHeads,
    ResolutionError,
    Revision,
    RevisionError,
)
from alembic.util import CommandError, template_to_file, warn

from whimbrel.errors import WhimbrelError, ended
from whimbrel.script.expression import within_docstring
from whimbrel.script.graph import Graph, refuse_disorder
from whimbrel.script.reading import Heading, load_script, no_python, read_heading
from whimbrel.script.refusals import (
    DEFAULT_PROGRAM,
    RefusedCircle,
    RefusedConfig,
    RefusedDuplicate,
    RefusedFolder,
    RefusedScript,
    no_folder,
    no_way,
    nothing_applied,
    several_heads,
    unknown_revision,
)


DATED = "%(year)d_%(month).2d_%(day).2d_%(hour).2d%(minute).2d-%(rev)s_%(slug)s"
"""How scripts are called in a project that has no file with settings."""

PACKAGED_TEMPLATE = Path(__file__).parent / "templates" / "flask" / "script.py.mako"
"""What scripts are made from in a folder that has no script.py.mako."""


def _has_no_file(config: Config) -> bool:
    """Whether nothing but the program says how scripts are to be called."""
    name = config.config_file_name
    has_ini = name is not None and Path(name).exists()
    has_toml = bool(getattr(config, "toml_alembic_config", None))
    return not has_ini and not has_toml and not config.get_main_option("file_template")


class ScriptFile(Script):
    """A script that is known by its text, and imported when its module is asked for."""

    def __init__(self, heading: Heading, path: str) -> None:
        self.path = path
        self._doc = heading.doc
        if heading.module is not None:
            self.module = heading.module
        Revision.__init__(
            self,
            heading.revision,
            heading.down_revision,
            dependencies=heading.depends_on,
            branch_labels=heading.branch_labels,
        )

    @cached_property
    def module(self) -> ModuleType:  # type: ignore[override]  # set at once by Alembic
        """The imported script."""
        return load_script(self.path)

    @property
    def longdoc(self) -> str:
        """The docstring of the script."""
        return self._doc.strip()


class History(ScriptDirectory):
    """The scripts of a migrations folder and the order in which they follow.

    It is made as a ``ScriptDirectory`` is: with the same arguments, or by
    :meth:`from_config`.  Its errors are ours and ``CommandError`` at once.
    """

    program = DEFAULT_PROGRAM
    """What the user types before a command, for remedies that can be pasted."""

    config: Config | None = None
    """The settings that the history was made from, if it was made from any."""

    def __init__(
        self, dir: str | os.PathLike[str], *args: Any, **settings: Any
    ) -> None:
        try:
            super().__init__(dir, *args, **settings)
        except CommandError as error:
            raise no_folder(os.fspath(dir), self.program) from error
        _refuse_file(self.dir)
        self.revision_map = Graph(self._load_revisions)

    @classmethod
    def from_config(cls, config: Config) -> History:
        """Return the history that *config* points to.

        Raises:
            ConfigError: it does not say where the scripts are.
            NoMigrationsFolder: there is no folder where it says.
        """
        program = program_of(config)
        try:
            directory = ScriptDirectory.from_config(config)
        except CommandError as error:
            raise _no_directory(config, program, error) from error
        _refuse_file(directory.dir)
        history = cls.__new__(cls)
        history.config = config
        history.program = program
        for name, value in vars(directory).items():
            setattr(history, name, value)
        if _has_no_file(config):
            history.file_template = DATED
        history.revision_map = Graph(history._load_revisions)
        return history

    @property
    def version_locations(self) -> list[str]:
        """The folders of the scripts; an env.py may set other ones while it runs."""
        return self._locations

    @version_locations.setter
    def version_locations(self, locations: Sequence[str | os.PathLike[str]]) -> None:
        wanted = [os.fspath(location) for location in locations]
        if wanted == vars(self).get("_locations"):
            return
        self._locations = wanted
        for memo in ("_version_locations", "_singular_version_location"):
            vars(self).pop(memo, None)
        self.revision_map = Graph(self._load_revisions)

    def run_env(self) -> None:
        """Run the env.py, or the default environment where there is none.

        Raises:
            ConfigError: there is neither.
            BrokenScript: the env.py is not Python.
        """
        if self.sourceless or Path(self.env_py_location).exists():
            self._run_own_env()
        elif default := _default_environment(self.config):
            default()
        else:
            raise RefusedConfig(
                f"There is no env.py in {self.dir}.",
                "Write one, or let a command write it: see the help of "
                f"`{self.program} init`.",
                path=self.env_py_location,
            )

    def _run_own_env(self) -> None:
        try:
            super().run_env()
        except SyntaxError as error:
            if error.filename != self.env_py_location:
                raise
            raise no_python(self.env_py_location, error) from error

    @property
    def graph(self) -> Graph:
        """The order of the scripts."""
        graph = self.revision_map
        assert isinstance(graph, Graph)
        return graph

    def in_order(self, scripts: Iterable[Script]) -> tuple[Script, ...]:
        """Return *scripts* in the order in which they were read."""
        wanted = {script.revision: script for script in scripts}
        if len(wanted) < 2:  # noqa: PLR2004  # nothing to order
            return tuple(wanted.values())
        known = self.revision_map._revision_map
        return tuple(wanted[each] for each in known if each in wanted)

    def generate_revision(
        self, revid: str, message: str | None, *args: Any, **settings: Any
    ) -> Script | None:
        """Write a new script, as Alembic does; the id must be a new one.

        Raises:
            DuplicateRevision: a script carries that id already.
            BrokenScript: the template makes what is no Python.
        """
        existing = self.revision_map._revision_map.get(revid)
        if isinstance(existing, Script):
            raise RefusedDuplicate(
                f"The revision id {revid} is taken by {existing.path}.",
                "Give another one with --rev-id, or none, and one is made.",
                revision=revid,
                paths=(existing.path,),
            )
        try:
            return super().generate_revision(revid, message, *args, **settings)
        except SyntaxError as error:
            raise no_python(error.filename or self.dir, error) from error

    def _generate_template(self, src: Path, dest: Path, **variables: Any) -> None:
        """Write a script from the folder's template, or from ours, in one piece."""
        template = src if src.exists() else PACKAGED_TEMPLATE
        _write(template, dest, self.output_encoding, variables)

    def load_scripts(self) -> None:
        """Import all scripts: some projects' models are reached from there alone.

        Alembic imports them for every command, so it knows those models too.
        """
        for script in self.walk_revisions():
            _ = script.module

    def _load_revisions(self) -> Iterator[Script]:
        """Yield every script of the folders, once they are known to be in order."""
        scripts = tuple(self.files())
        refuse_disorder(scripts, self.dir, self.program)
        return iter(scripts)

    def files(self) -> Iterator[Script]:
        """Yield every script of the folders, whether they are in order or not."""
        seen: set[str] = set()
        for location in self._version_locations:
            for path in _paths(self, str(location)):
                if path in seen:
                    warn(
                        f"File {path} loaded twice! ignoring. Please ensure "
                        "version_locations is unique."
                    )
                    continue
                seen.add(path)
                script = _script(self, path)
                if script is not None:
                    yield script

    def _upgrade_revs(self, *args: Any, **settings: Any) -> list[RevisionStep]:
        with _needed_functions():
            return super()._upgrade_revs(*args, **settings)

    def _downgrade_revs(
        self, destination: str, current_rev: str | None
    ) -> list[RevisionStep]:
        if not current_rev and re.fullmatch(r"-\d+", destination or ""):
            raise nothing_applied(destination, self.program)
        with _needed_functions():
            return super()._downgrade_revs(destination, current_rev)

    @contextmanager
    def _catch_revision_errors(self, *args: Any, **messages: Any) -> Iterator[None]:
        """Raise Alembic's refusals as ours, with the messages that Alembic gives."""
        try:
            with super()._catch_revision_errors(*args, **messages):
                yield
        except WhimbrelError:
            raise
        except CommandError as error:
            raise self._in_our_words(error) from error.__cause__

    def _in_our_words(self, error: CommandError) -> CommandError:
        match error.__cause__:
            case MultipleHeads() as cause:
                known = self.revision_map._revision_map
                heads = [known.get(each) or each for each in cause.heads]
                parting = self.graph.parting(
                    each for each in cause.heads if each in known
                )
                return several_heads(str(error), heads, parting, self.program)
            case ResolutionError() as cause:
                names = [each for each in self.revision_map._revision_map if each]
                return unknown_revision(str(error), cause, names, self.program)
            case RevisionError():
                return no_way(str(error), self.program)
            case _:
                return error


def _write(
    template: Path, dest: Path, encoding: str, variables: dict[str, Any]
) -> None:
    """Write a script from a template, whole or not at all."""
    unfinished = dest.with_name(f".{dest.name}.part")
    message = within_docstring(variables["message"])
    template_to_file(
        template, unfinished, encoding, **{**variables, "message": message}
    )
    unfinished.replace(dest)


@contextmanager
def _needed_functions() -> Iterator[None]:
    """Refuse a script that lacks the function that is to run, before any one runs."""
    try:
        yield
    except AttributeError as error:
        if not isinstance(error.obj, ModuleType):
            raise
        raise RefusedScript(
            f"The script {error.obj.__file__} has no function {error.name}().",
            "Write one; `pass` is enough where nothing is to be done.",
            path=error.obj.__file__,
        ) from error


def program_of(config: Config) -> str:
    """Return what the user types before a command: ``flask db``, ``whimbrel``."""
    return str(config.attributes.get("program") or DEFAULT_PROGRAM)


def _default_environment(config: Config | None) -> Callable[[], None] | None:
    """Return what stands for the env.py of a folder that has none."""
    found: Callable[[], None] | None
    found = config.attributes.get("default_environment") if config else None
    return found


def _script_file(path: str) -> ScriptFile:
    try:
        return ScriptFile(read_heading(path), path)
    except CycleDetected as error:
        raise RefusedCircle(
            f"The script {path} follows itself.",
            "Mend its down_revision or its depends_on.",
            path=path,
        ) from error
    except RevisionError as error:
        raise RefusedScript(
            ended(f"The script {path} cannot be used: {error}"),
            "Write another revision id into it, and into what follows it.",
            path=path,
        ) from error


def _refuse_file(location: str) -> None:
    if Path(location).is_file():
        raise RefusedConfig(
            f"{location} is a file, and no folder with scripts.",
            "Name the folder with --directory, or move the file away.",
            path=location,
        )


def _no_directory(
    config: Config, program: str, error: CommandError
) -> RefusedFolder | RefusedConfig:
    message = str(error)
    if message.startswith("Path doesn't exist"):
        return no_folder(_location(config), program)
    return RefusedConfig(
        ended(message),
        f"Set script_location in the settings, or start with `{program} init`.",
    )


def _location(config: Config) -> str:
    """Return where *config* says that the scripts are."""
    option = getattr(config, "get_alembic_option", config.get_main_option)
    return str(option("script_location"))


def _script(directory: ScriptDirectory, path: str) -> Script | None:
    """Return the script at *path*, or None where Alembic would pass it over."""
    if not path.endswith(".py"):
        return Script._from_path(directory, Path(path))
    if os.path.basename(path).startswith((".#", "__init__")):  # noqa: PTH119  # per file
        return None
    return _script_file(path)


def _paths(scripts: ScriptDirectory, location: str) -> Iterator[str]:
    """Yield the real paths of the files in *location*, in Alembic's order."""
    if scripts.sourceless:
        for listed in Script._list_py_dir(scripts, Path(location)):
            yield os.path.realpath(listed)
        return
    for root, folders, files in os.walk(location):
        if not root.endswith("__pycache__"):
            yield from _sources(root, files)
        if not scripts.recursive_version_locations:
            return
        folders.sort()


def _sources(root: str, files: list[str]) -> Iterator[str]:
    """Yield the real paths of the Python files among *files*."""
    real_root = os.path.realpath(root)
    for name in sorted(files):
        if name.endswith(".py"):
            path = f"{real_root}{os.sep}{name}"
            yield os.path.realpath(path) if os.path.islink(path) else path  # noqa: PTH114  # one call per file
