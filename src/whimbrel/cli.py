"""The command ``whimbrel``: words in, exit code out; only this file prints or exits.

What all faces share stands here too: how a verb is done, how its report is shown,
how an error is told.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import click

from whimbrel.errors import (
    ConfigError,
    DatabaseError,
    HistoryError,
    Unreachable,
    UsageError,
    WhimbrelError,
    ended,
)
from whimbrel.verbs import PRECAUTIONS, VERBS, WISHES, Verb, Word, Words


# ------------------------------------------------------- the deed and the answer


def perform(verb: str, config: Any, *arguments: Any, **options: Any) -> Any:
    """Do *verb* for the project of *config* and return its Report."""
    room = importlib.import_module(f"whimbrel.commands.{VERBS[verb].room}")
    if (bind := options.pop("bind", None)) is not None:
        config.attributes["bind"] = bind
    is_run = "no_preflight" in VERBS[verb].options
    if not is_run and any(name in options for name in WISHES):
        wishes = importlib.import_module("whimbrel.commands.wishes")
        options["wishes"] = wishes.wishes_of(options)
    if is_run and any(name in options for name in PRECAUTIONS):
        ahead = importlib.import_module("whimbrel.commands.preflight")
        options["precautions"] = ahead.precautions_of(options)
    if config.attributes.get("tell") is None:
        return getattr(room, verb)(config, *arguments, **options)
    from whimbrel.report.once import not_told_twice

    try:
        with not_told_twice():
            return getattr(room, verb)(config, *arguments, **options)
    finally:
        config.attributes["progress"].hide()


def arranged(verb: Verb, words: dict[str, Any]) -> tuple[Any, ...]:
    """Take what *verb* is given by position out of *words*, and put the rest right."""
    if verb.name == "migrate":
        template = words.pop("template", "")
        words["init_template"] = template if words.pop("init", False) else None
    if verb.name == "repair":
        words["init_template"] = words.pop("template", "")
    if "depends_on" in words:
        words["depends_on"] = list(words["depends_on"] or ()) or None
    if not verb.argument:
        return ()
    said: Any = words.pop(verb.argument, None) or verb.default
    if isinstance(said, tuple):
        said = list(said)
    if verb.name == "downgrade" and words.get("sql") and said == "-1":
        said = "head:-1"
    return (said,)


def run_default_environment() -> None:
    """Stand in for the env.py of a project that has none."""
    importlib.import_module("whimbrel.env").run_migrations()


def show(config: Any, report: Any) -> None:
    """Print what there is to tell, to where *config* prints."""
    from whimbrel.report import terminal
    from whimbrel.report.once import is_terminal

    is_coloured = is_terminal(config.stdout) and "NO_COLOR" not in os.environ
    text = terminal.told(report, is_terminal=is_coloured)
    if text:
        config.print_stdout(text.removesuffix("\n"))


def tell_at_once(config: Any) -> None:
    """Let the steps of a run be shown when they are done, not when all are.

    How far a long one is, is shown on a terminal, and questions are asked there.
    """
    from whimbrel.report.asking import ask_at_terminal, is_someone_there
    from whimbrel.report.progress_line import ProgressLine
    from whimbrel.report.report import Report

    config.attributes["progress"] = ProgressLine(sys.stderr)
    config.attributes["tell"] = lambda line: show(config, Report(lines=(line,)))
    if is_someone_there():
        config.attributes["ask"] = ask_at_terminal


def leave(code: int = 0) -> NoReturn:
    """End the program."""
    sys.exit(code)


@contextmanager
def told(*, is_raised: bool = False, is_debugged: bool = False) -> Iterator[None]:
    """Tell an error as a sentence and end the program.

    It is written to sys.stderr whatever the project's logging configuration does.

    Args:
        is_raised: raise it instead, with its traceback.
        is_debugged: raise it if it is none of ours: someone looks for its cause.
    """
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise
    except Exception as cause:
        error = our_error(cause)
        if is_raised or (is_debugged and error is None):
            raise
        error = error or _strangers_error(cause)
        sys.stderr.write(wording(error, place_of(cause)))
        leave(error.exit_code)


def _strangers_error(cause: Exception) -> WhimbrelError:
    """Return the error that tells an exception of anybody's code."""
    if isinstance(cause, OSError) and cause.filename:
        return ConfigError(
            ended(f"{cause.filename} cannot be used: {cause.strerror}"),
            "Check that it is there, and who may read and write it.",
        )
    return WhimbrelError(f"{type(cause).__name__}: {cause}")


def our_error(cause: Exception) -> WhimbrelError | None:
    """Return the error of ours that tells *cause*; None for any program's own error.

    The libraries' classes are known by their names: what failed before a library
    was imported needs no import to be told.
    """
    if isinstance(cause, WhimbrelError):
        return cause
    kinds = {f"{kind.__module__}.{kind.__name__}" for kind in type(cause).__mro__}
    if "alembic.util.exc.CommandError" in kinds:
        return HistoryError(str(cause))
    if kinds & {"sqlalchemy.exc.DBAPIError", "sqlalchemy.exc.TimeoutError"}:
        return _database_error(cause)
    if _is_about_a_url(cause, kinds):
        return ConfigError(
            f"The URL of the database cannot be used: {cause}",
            "Mend it where it is set: in the app, with --url, or as sqlalchemy.url in"
            " alembic.ini. It looks like dialect+driver://user:password@host/database.",
        )
    if isinstance(cause, RuntimeError) and "application context" in str(cause):
        return UsageError(
            "This needs the Flask application, and there is none.",
            "Use `flask db`, or from Python: with app.app_context(): ...",
        )
    return None


def _is_about_a_url(cause: BaseException, kinds: set[str]) -> bool:
    """Whether SQLAlchemy refused a URL; the same classes also tell of models."""
    if not kinds & {"sqlalchemy.exc.ArgumentError", "sqlalchemy.exc.NoSuchModuleError"}:
        return False
    codes = [frame.f_code for frame, _ in traceback.walk_tb(cause.__traceback__)]
    return any(
        code.co_name == "create_connect_args"
        or Path(code.co_filename).parts[-3:] == ("sqlalchemy", "engine", "url.py")
        for code in codes
    )


def _database_error(cause: Any) -> DatabaseError:
    if getattr(cause, "statement", None) is None:
        return Unreachable(
            f"The database cannot be reached: {getattr(cause, 'orig', cause)}",
            "Check its URL and the password, that its server is running, and that this"
            " program itself does not hold all connections of its pool.",
        )
    return DatabaseError(
        f"The database refused: {cause.orig}\n{cause.statement.strip()}"
    )


def wording(error: WhimbrelError, place: str = "") -> str:
    """Return *error* as it is shown: code, sentence, remedy, place in the code."""
    text = str(error)
    if place and place not in text:
        text = f"{text}\n({place})"
    first, *rest = text.splitlines() or [""]
    head = f"error    {error.code}   "
    lines = [head + first, *(" " * len(head) + line for line in rest)]
    return "\n".join(lines) + "\n"


def place_of(error: BaseException) -> str:
    """Return the file and line of the project's own code where *error* came from.

    A line that called us is no such place, nor is any for an error of ours that has
    no other cause: its sentence tells what to mend.
    """
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, SyntaxError) and cause.filename:
        return _place(cause.filename, cause.lineno or 0)
    if isinstance(cause, WhimbrelError):
        return ""
    frames = traceback.extract_tb(cause.__traceback__)
    told = [frame for frame in frames if _whose(frame.filename) is not None]
    if not told or _whose(told[-1].filename) == "ours":
        return ""
    return _place(told[-1].filename, told[-1].lineno or 0)


def _whose(path: str) -> str | None:
    """Return whose code a file holds: ours, the project's, or None for a library's."""
    if path.startswith(str(Path(__file__).parent)):
        return "ours"
    return "the project's" if _is_of_the_project(path) else None


def _is_of_the_project(path: str) -> bool:
    libraries = (sys.prefix, sys.base_prefix, str(Path(__file__).parent), "<")
    in_prefix = path.startswith(libraries)
    return not in_prefix and "site-packages" not in path and Path(path).is_file()


def _place(path: str, line: int) -> str:
    relative = os.path.relpath(path)
    return f"{path if relative.startswith('..') else relative}, line {line}"


# ------------------------------------------------------------- the program


@dataclass(frozen=True, kw_only=True)
class Said:
    """What was said before the command, for all commands."""

    config: tuple[str, ...]
    name: str
    x: tuple[str, ...]
    raiseerr: bool
    quiet: bool
    metadata: tuple[str, ...]
    url: str | None
    directory: str | None

    @property
    def names_a_project(self) -> bool:
        """Whether a project can be told from this, without any file."""
        return bool(self.metadata or self.url or self.directory)


@dataclass(frozen=True, kw_only=True)
class Files:
    """The files that hold a project's settings, whether they exist or not."""

    ini: str
    toml: str


def find_files(named: tuple[str, ...]) -> Files:
    """Return the files to read: those *named*, $ALEMBIC_CONFIG, or the usual ones."""
    said = list(named)
    standard = os.environ.get("ALEMBIC_CONFIG")
    inis = [name for name in said if Path(name).name != "pyproject.toml"]
    tomls = [name for name in said if Path(name).name == "pyproject.toml"]
    if len(inis) > 1 or len(tomls) > 1:
        raise UsageError(
            "Only one ini file and one pyproject.toml may be named.",
            "Give -c at most twice: once for each kind of file.",
        )
    if standard and Path(standard).name == "pyproject.toml":
        return Files(ini=(inis or ["alembic.ini"])[0], toml=(tomls or [standard])[0])
    return Files(
        ini=(inis or [standard or "alembic.ini"])[0],
        toml=(tomls or ["pyproject.toml"])[0],
    )


def make_config(said: Said, verb: Verb, words: Mapping[str, Any]) -> Any:
    """Return the Config for *verb*, from files and from what was said.

    Raises:
        ConfigError: nothing tells which project is meant.
    """
    from whimbrel.config import Config

    files = find_files(said.config)
    config = Config(
        files.ini,
        files.toml,
        said.name,
        program="whimbrel",
        cmd_opts=_command_options(said, verb, words),
        attributes={
            "default_environment": run_default_environment,
            "keep_logging": True,
            "metadata": said.metadata or None,
            "url": said.url,
        },
    )
    tell_at_once(config)
    if verb.name in ("init", "list_templates") or not verb.needs_project:
        return config
    if not (config.has_settings or said.names_a_project):
        raise _no_settings(files)
    _set(config, "script_location", _directory(said, config))
    _set(config, "sqlalchemy.url", said.url)
    if said.metadata or config.settings.get("metadata"):
        sys.path.insert(0, str(Path.cwd()))
    return config


def _directory(said: Said, config: Any) -> str | None:
    """Return the folder of the scripts, unless a file of Alembic's names it."""
    if said.directory or config.get_alembic_option("script_location"):
        return said.directory
    settings = config.settings
    named = settings.get("directory") or settings.get("script_location")
    return str(named or "migrations")


def _set(config: Any, name: str, value: str | None) -> None:
    if value is not None:
        config.set_main_option(name, value.replace("%", "%%"))


def _command_options(said: Said, verb: Verb, words: Mapping[str, Any]) -> Namespace:
    """Return what env.py files find in ``config.cmd_opts``, as Alembic fills it."""
    import alembic.command

    options = {
        **words,
        "autogenerate": words.get("autogenerate", verb.name == "migrate"),
    }
    name = "revision" if verb.name == "migrate" else verb.name
    command = getattr(alembic.command, name, None)
    positional = [verb.argument] if verb.argument else []
    return Namespace(
        config=list(said.config) or None,
        name=said.name,
        x=list(said.x) or None,
        raiseerr=said.raiseerr,
        quiet=said.quiet,
        cmd=(command, positional, list(verb.options)),
        **options,
    )


def _no_settings(files: Files) -> ConfigError:
    theirs = Path("migrations", "alembic.ini")
    if theirs.is_file():
        remedy = (
            f"For the folder of a Flask app use `flask db`; or name it: -c {theirs}."
        )
    else:
        remedy = (
            "Start with `whimbrel init migrations`, or name the models and the"
            " database: --metadata package.module:Base --url sqlite:///app.db."
        )
    return ConfigError(f"There are no settings here: no {files.ini}.", remedy)


def _command(verb: Verb) -> Word:
    """Return *verb* as a command of the program."""

    def callback(**words: Any) -> None:
        said = click.get_current_context().find_object(Said)
        assert said is not None
        with told(is_raised=said.raiseerr):
            config = make_config(said, verb, words)
            if verb.name == "init":
                words["directory"] = words["directory"] or said.directory
                words["template"] = words["template"] or "generic"
            report = perform(verb.name, config, *arranged(verb, words), **words)
            show(config, report)
            if report.exit_code:
                leave(report.exit_code)

    name = verb.name.replace("_", "-")
    return Word(name, callback=callback, params=verb.parameters(), help=verb.help)


def _show_version(ctx: click.Context, _option: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        click.echo(f"whimbrel {version('whimbrel')} (alembic {version('alembic')})")
        ctx.exit()


@click.group(
    "whimbrel",
    cls=Words,
    make=_command,
    has_all=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "-c", "--config", multiple=True, help="The alembic.ini or pyproject.toml."
)
@click.option("-n", "--name", default="alembic", help="Section of the ini file.")
@click.option("-x", multiple=True, help="Argument for env.py, name=value.")
@click.option("--raiseerr", is_flag=True, help="Show the traceback of an error.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing to stdout.")
@click.option("--metadata", multiple=True, help="The models: package.module:Base.")
@click.option("--url", help="The URL of the database.")
@click.option("-d", "--directory", help="Folder of the scripts.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.pass_context
def whimbrel(ctx: click.Context, /, **said: Any) -> None:
    """Change databases to fit models."""
    ctx.obj = Said(**said)


def main() -> None:
    """Run the program."""
    whimbrel(prog_name="whimbrel")


def __getattr__(name: str) -> Any:
    """Give the group of ``flask db``, which Flask-Migrate has in its cli module."""
    if name == "db":
        return importlib.import_module("whimbrel.flask").db
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
