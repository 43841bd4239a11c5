"""``python manage.py db ...``, for projects that still start that way.

What Flask-Script offered, on today's Flask: a ``manage.py`` goes on working when its
imports are changed to ``from whimbrel.manage import Manager, MigrateCommand``.
"""

from __future__ import annotations

import argparse
import code
import getpass
import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click
from flask import Flask
from flask.cli import ScriptInfo

from whimbrel import cli


Function = TypeVar("Function", bound=Callable[..., Any])

YES = ("y", "yes", "1", "on", "true", "t")
NO = ("n", "no", "0", "off", "false", "f")


class Option:
    """One argument of a command, in the words of ``argparse.add_argument``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs

    def add_to(self, parser: Any) -> None:
        """Let *parser* know this option."""
        parser.add_argument(*self.args, **self.kwargs)


class Group:
    """Options that are shown together, or of which only one may be given."""

    def __init__(
        self,
        *options: Option,
        title: str | None = None,
        description: str | None = None,
        exclusive: bool = False,
        required: bool = False,
    ) -> None:
        self.options = options
        self.title = title
        self.description = description
        self.is_exclusive = exclusive
        self.is_required = required

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Let *parser* know the options of this group."""
        group: Any
        if self.is_exclusive:
            group = parser.add_mutually_exclusive_group(required=self.is_required)
        else:
            group = parser.add_argument_group(self.title, self.description)
        for option in self.options:
            option.add_to(group)


class Command:
    """A command: subclass it and write ``run()``, or make it from a function.

    Args:
        func: the function to run; its arguments become those of the command, and
            arguments that have a default become options.
    """

    option_list: Sequence[Option | Group] = ()
    help_args: Sequence[str] | None = None
    capture_all_args = False

    def __init__(self, func: Callable[..., Any] | None = None) -> None:
        if func is not None:
            self.run = func  # type: ignore[method-assign]  # a command made of a function
            self.__doc__ = func.__doc__
            self.option_list = _options_of(func)

    def get_options(self) -> Iterable[Option | Group]:
        """Return the options of this command."""
        return self.option_list

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Do what the command is for."""
        raise NotImplementedError(f"{type(self).__name__} has no run().")

    def __call__(self, app: Flask, *args: Any, **kwargs: Any) -> Any:
        """Run in a context of *app*."""
        with app.test_request_context():
            return self.run(*args, **kwargs)

    def handle(self, prog: str, app: Flask, args: Sequence[str]) -> Any:
        """Take *args* apart and run."""
        parser = _parser(prog, (self.__doc__ or "").partition("\n\n")[0])
        for option in self.get_options():
            option.add_to(parser)
        if self.capture_all_args:
            known, rest = parser.parse_known_args(args)
            return self(app, rest, **vars(known))
        return self(app, **vars(parser.parse_args(args)))


class Shell(Command):
    """Start a Python shell with the app at hand.

    Args:
        banner: what the shell says first.
        make_context: returns the names that the shell knows.
        use_ipython: use IPython if it is installed.
    """

    option_list = (
        Option("--no-ipython", action="store_true", dest="no_ipython"),
        Option("--no-bpython", action="store_true", dest="no_bpython"),
    )

    def __init__(
        self,
        banner: str = "",
        make_context: Callable[[], Mapping[str, Any]] | None = None,
        use_ipython: bool = True,
        **_others: Any,
    ) -> None:
        super().__init__()
        self.banner = banner
        self.make_context = make_context
        self.use_ipython = use_ipython

    def __call__(self, app: Flask, *_args: Any, **kwargs: Any) -> Any:
        """Start the shell in a context of *app*."""
        with app.test_request_context():
            make = self.make_context or app.make_shell_context
            names = {"app": app, **make()}
            self.run(names, is_plain=kwargs.get("no_ipython", False))

    def run(self, names: dict[str, Any], *, is_plain: bool = False) -> None:
        """Start the shell that is installed."""
        if self.use_ipython and not is_plain:
            try:
                ipython = importlib.import_module("IPython")
            except ImportError:
                pass
            else:
                ipython.embed(user_ns=names, banner1=self.banner)
                return
        with suppress(ImportError):  # without it, lines cannot be edited
            importlib.import_module("readline")
        code.interact(self.banner or None, local=names)


class Server(Command):
    """Start the development server.

    Args:
        use_debugger: show the debugger; by default, as the app's debug flag says.
        use_reloader: start again when a file changes; by default likewise.
        options: what else ``werkzeug.serving.run_simple()`` takes.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 5000,
        use_debugger: bool | None = None,
        use_reloader: bool | None = None,
        threaded: bool = True,
        processes: int = 1,
        **options: Any,
    ) -> None:
        super().__init__()
        self.host = host
        self.port = port
        self.use_debugger = use_debugger
        self.use_reloader = use_reloader
        self.threaded = threaded
        self.processes = processes
        self.server_options = options

    def get_options(self) -> Iterable[Option | Group]:
        """Return the options of ``runserver``."""
        on: dict[str, Any] = {"action": "store_true"}
        off: dict[str, Any] = {"action": "store_false"}
        debugger: dict[str, Any] = {
            "dest": "use_debugger",
            "default": self.use_debugger,
        }
        reloader: dict[str, Any] = {
            "dest": "use_reloader",
            "default": self.use_reloader,
        }
        return (
            Option("-h", "--host", default=self.host),
            Option("-p", "--port", type=int, default=self.port),
            Option("--threaded", default=self.threaded, **on),
            Option("--processes", type=int, default=self.processes),
            Option("-d", "--debug", **on, **debugger),
            Option("-D", "--no-debug", **off, **debugger),
            Option("-r", "--reload", **on, **reloader),
            Option("-R", "--no-reload", **off, **reloader),
        )

    def __call__(self, app: Flask, *_args: Any, **kwargs: Any) -> Any:
        """Serve *app* until the server is stopped."""
        from werkzeug.serving import run_simple

        for name in ("use_debugger", "use_reloader"):
            if kwargs.get(name) is None:
                kwargs[name] = app.debug
        options = {**kwargs, **self.server_options}
        if options["processes"] > 1:
            options["threaded"] = False
        run_simple(options.pop("host"), options.pop("port"), app, **options)


class Words:
    """A group of click commands, such as ``flask db``, as a command of a Manager."""

    def __init__(self, group: Callable[[], click.Command]) -> None:
        self.group = group

    def handle(self, prog: str, app: Flask, args: Sequence[str]) -> Any:
        """Let the group take *args* apart and run."""
        with app.test_request_context():
            return self.group().main(
                list(args),
                prog_name=prog,
                obj=ScriptInfo(create_app=lambda: app),
                auto_envvar_prefix="FLASK_DB",
            )

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]  # read for the help
        return self.group().help


MigrateCommand = Words(lambda: cli.db)


class Manager:
    """The commands of a ``manage.py``.

    Args:
        app: the app, or a function that makes it from the values of the options;
            None for a manager that is a command of another one.
        with_default_commands: offer ``runserver`` and ``shell``; by default, if
            there is an app.
        usage: the usage line of the help.
        description: what the help says first; *help* is the same.
    """

    def __init__(
        self,
        app: Flask | Callable[..., Flask] | None = None,
        with_default_commands: bool | None = None,
        usage: str | None = None,
        help: str | None = None,  # Flask-Script's word
        description: str | None = None,
        **_others: Any,
    ) -> None:
        self.app = app
        self.usage = usage
        self.description = description or help
        self.parent: Manager | None = None
        self._commands: dict[str, Any] = {}
        self._options: list[Option] = []
        if with_default_commands or (with_default_commands is None and app is not None):
            self._commands = {"runserver": Server(), "shell": Shell()}

    def add_option(self, *args: Any, **kwargs: Any) -> None:
        """Give every command an option, which the function that makes the app gets."""
        self._options.append(Option(*args, **kwargs))

    def add_command(self, *args: Any, **kwargs: Any) -> None:
        """Add a command, given as ``name, command`` or as a command with a name."""
        command = kwargs.pop("command", None) or args[-1]
        name = args[0] if len(args) > 1 else _name_of(command)
        if inspect.isclass(command):
            command = command(**kwargs)
        if isinstance(command, click.Command):
            command = Words(lambda group=command: group)  # type: ignore[misc]
        if isinstance(command, Manager):
            command.parent = self
        self._commands[name] = command

    def command(self, func: Function) -> Function:
        """Make *func* a command; used as a decorator."""
        self._commands[func.__name__] = Command(func)
        return func

    def option(self, *args: Any, **kwargs: Any) -> Callable[[Function], Function]:
        """Give a function an option and make it a command; used as a decorator."""
        option = Option(*args, **kwargs)

        def decorate(func: Function) -> Function:
            command = self._commands.get(func.__name__)
            if command is None or getattr(command, "run", None) is not func:
                command = Command(func)
                command.option_list = ()
                self._commands[func.__name__] = command
            command.option_list = (option, *command.option_list)
            return func

        return decorate

    def shell(self, func: Function) -> Function:
        """Let *func* return the names that ``shell`` knows; used as a decorator."""
        self._commands["shell"] = Shell(make_context=func)
        return func

    def run(
        self,
        commands: Mapping[str, Any] | None = None,
        default_command: str | None = None,
    ) -> None:
        """Do what the command line says and end the program."""
        for name, command in (commands or {}).items():
            self.add_command(name, command)
        args = sys.argv[1:] or ([default_command] if default_command else [])
        result = self.handle(f"python {Path(sys.argv[0]).name}", None, args)
        cli.leave(result if isinstance(result, int) else 0)

    def handle(self, prog: str, app: Flask | None, args: Sequence[str]) -> Any:
        """Find the command that *args* name and run it."""
        parser = _parser(prog, self.description, usage=self.usage)
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = self._listing()
        for option in self._options:
            option.add_to(parser)
        parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
        parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
        said = vars(parser.parse_args(args))
        name, rest = said.pop("command"), said.pop("rest")
        if name not in self._commands:
            what = f"there is no command {name}" if name else "a command is missing"
            parser.error(f"{what}; choose from {', '.join(sorted(self._commands))}")
        command = self._commands[name]
        return command.handle(f"{prog} {name}", self(app, **said), rest)

    def __call__(self, app: Flask | None = None, **options: Any) -> Flask:
        """Return the app, made if it must be."""
        if isinstance(self.app, Flask):
            return self.app
        made = app if self.app is None else self.app(**options)
        assert made is not None, "a manager without an app is a command of another one"
        return made

    def _listing(self) -> str:
        width = max((len(name) for name in self._commands), default=0)
        lines = [
            f"  {name:{width}}  {_first_line(command)}".rstrip()
            for name, command in sorted(self._commands.items())
        ]
        return "\n".join(["commands:", *lines])


def prompt(
    name: str, default: str | None = None, *, ask: Callable[[str], str] | None = None
) -> str:
    """Ask for a text until there is one, or return *default*."""
    shown = f" [{default}]" if default else ""
    while True:
        answer = (ask or input)(f"{name}{shown}{' ' if name.endswith('?') else ': '}")
        if answer or default is not None:
            return answer or str(default)


def prompt_pass(name: str, default: str | None = None) -> str:
    """Ask for a text that is not shown."""
    return prompt(name, default, ask=getpass.getpass)


def prompt_bool(
    name: str,
    default: bool = False,
    yes_choices: Sequence[str] = YES,
    no_choices: Sequence[str] = NO,
) -> bool:
    """Ask yes or no until one of them is said."""
    while True:
        answer = prompt(name, (yes_choices if default else no_choices)[0]).lower()
        if answer in yes_choices or answer in no_choices:
            return answer in yes_choices


def prompt_choices(
    name: str,
    choices: Iterable[str | tuple[str, str]],
    default: str | None = None,
    no_choice: Sequence[str] = ("none",),
) -> str | None:
    """Ask for one of *choices*; None for one of the words of *no_choice*."""
    keys = [each if isinstance(each, str) else each[0] for each in choices]
    while True:
        answer = prompt(f"{name} - ({', '.join(keys)})", default).lower()
        if answer in no_choice:
            return None
        if answer in (key.lower() for key in keys):
            return answer


def _parser(prog: str, description: str | None, **rest: Any) -> argparse.ArgumentParser:
    """Return a parser that leaves ``-h`` to options such as the server's host."""
    parser = argparse.ArgumentParser(
        prog,
        description=description,
        add_help=False,
        conflict_handler="resolve",
        **rest,
    )
    parser.add_argument("-?", "-h", "--help", action="help", help="Show this and exit.")
    return parser


def _options_of(func: Callable[..., Any]) -> tuple[Option, ...]:
    return tuple(map(_option_of, inspect.signature(func).parameters.values()))


def _option_of(parameter: inspect.Parameter) -> Option:
    name, default = parameter.name, parameter.default
    if default is inspect.Parameter.empty:
        return Option(name)
    flags = (f"-{name[0]}", f"--{name}")
    if isinstance(default, bool):
        action = "store_false" if default else "store_true"
        return Option(*flags, action=action, dest=name, default=default)
    return Option(*flags, dest=name, default=default)


def _name_of(command: Any) -> str:
    named = getattr(command, "name", None)
    kind = command if inspect.isclass(command) else type(command)
    return str(named or kind.__name__.lower())


def _first_line(command: Any) -> str:
    text = command.description if isinstance(command, Manager) else command.__doc__
    return (text or "").strip().partition("\n")[0]
