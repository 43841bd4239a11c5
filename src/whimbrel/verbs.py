"""The verbs with their options and arguments, spelled once for all faces."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import click


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option, spelled once for all commands that have it."""

    flags: tuple[str, ...]
    help: str
    is_flag: bool = False
    multiple: bool = False
    default: str | None = None

    def parameter(self, name: str) -> click.Option:
        """Return this option for one command, its value under *name*."""
        return click.Option(
            [*self.flags, name],
            help=self.help,
            is_flag=self.is_flag,
            multiple=self.multiple,
            default=False if self.is_flag else () if self.multiple else self.default,
        )


def _flag(flag: str, help: str, *more: str) -> Option:
    return Option(flags=(flag, *more), help=help, is_flag=True)


def _value(flag: str, help: str, *more: str, **rest: Any) -> Option:
    return Option(flags=(flag, *more), help=help, **rest)


OPTIONS: Mapping[str, Option] = {
    "directory": _value("-d", "Folder of the scripts.", "--directory"),
    "x_arg": _value("-x", "Argument for env.py, name=value.", "--x-arg", multiple=True),
    "bind": _value("--bind", "Only this one of several databases."),
    "message": _value("-m", "What the script does.", "--message"),
    "template": _value("-t", "Template for the new folder.", "--template"),
    "multidb": _flag("--multidb", "Support several databases."),
    "package": _flag("--package", "Write __init__.py files too."),
    "autogenerate": _flag("--autogenerate", "Write what leads to the models."),
    "sql": _flag("--sql", "Print the SQL instead of running it."),
    "tag": _value("--tag", "Any text, for env.py to use."),
    "head": _value("--head", "Head or branch@head to follow.", default="head"),
    "splice": _flag("--splice", "Follow a revision that is not a head."),
    "branch_label": _value("--branch-label", "Label of a new branch."),
    "version_path": _value("--version-path", "Folder for the new script."),
    "rev_id": _value("--rev-id", "Id of the script, instead of a made one."),
    "depends_on": _value(
        "--depends-on", "Revision that must run first.", multiple=True
    ),
    "rev_range": _value("-r", "Revisions to list, [start]:[end].", "--rev-range"),
    "verbose": _flag("-v", "Tell more.", "--verbose"),
    "indicate_current": _flag("-i", "Mark what is applied.", "--indicate-current"),
    "resolve_dependencies": _flag(
        "--resolve-dependencies", "Treat dependencies as earlier revisions."
    ),
    "check_heads": _flag("-c", "Fail if a head is not applied.", "--check-heads"),
    "lock_timeout": _value("--lock-timeout", "Seconds to wait for other runs."),
    "allow_ahead": _flag("--allow-ahead", "Be content with a database ahead of here."),
    "applied": _flag("--applied", "List what was done to the database."),
    "purge": _flag("--purge", "Empty the version table first."),
    "rename": _value("--rename", "This is a rename, old:new.", multiple=True),
    "no_rename": _flag("--no-rename", "Nothing else was renamed."),
    "fill": _value("--fill", "Value for rows, table.column=value.", multiple=True),
    "fill_sql": _value(
        "--fill-sql", "The same as SQL, table.column=expression.", multiple=True
    ),
    "server_defaults": _flag(
        "--server-defaults", "Give what is new the models' Python defaults."
    ),
    "no_input": _flag("--no-input", "Ask nothing, even on a terminal."),
    "keep": _flag("--keep", "Keep a script that fails its proof."),
    "yes": _flag("-y", "Do what the plan says, asking nothing.", "--yes"),
    "fix": _flag("--fix", "Write the scripts that bring the database back."),
    "accept": _flag("--accept", "Write one that takes the difference in, and note it."),
    "only_history": _flag("--history", "Check the scripts alone, without a database."),
    "force": _flag("--force", "Go on although both sides change one thing."),
    "onto": _value("--onto", "Head that it is to follow."),
    "takes_all": _flag("--all", "Take the tables too that the models do not know."),
    "rebase_revision": _value("--rebase", "Let this script follow the other head."),
    "init": _flag("--init", "Make the folder if there is none."),
    "no_proof": _flag("--no-proof", "Do not run the script on a scratch database."),
    "drop": _value("--drop", "Drop this though no script made it.", multiple=True),
    "plan": _flag("--plan", "Show what would be done, and do nothing."),
    "atomic": _flag("--atomic", "All scripts in one transaction, or none."),
    "no_preflight": _flag("--no-preflight", "Do not ask the rows before the run."),
    "allow_loss": _flag("--allow-loss", "Values that will be lost are meant to be."),
    "refuse_loss": _flag("--refuse-loss", "Stop where values would be lost."),
    "as_sql": _flag("--sql", "Tell it as SQL."),
    "script": _value("--script", "Write it to this file as an Alembic script."),
    "json": _flag("--json", "Tell it as JSON."),
    "schema": _value(
        "--schema", "Compare this schema beside the default one.", multiple=True
    ),
    "include": _value(
        "--include", "Compare only tables like this pattern.", multiple=True
    ),
    "exclude": _value(
        "--exclude", "Leave out tables like this pattern.", multiple=True
    ),
    "dialect_url": _value("--dialect-url", "Database whose server reads SQL files."),
    "rename_constraints": _flag(
        "--rename-constraints", "Let a naming convention rename what is there."
    ),
}

#: what is asked of ``diff``
DIFFED = ("as_sql", "script", "json", "schema", "include", "exclude", "dialect_url")
#: what is asked of ``migrate`` beyond Alembic's options
WISHES = (
    "rename",
    "no_rename",
    "fill",
    "fill_sql",
    "drop",
    "allow_loss",
    "server_defaults",
    "no_input",
    "rename_constraints",
    "keep",
    "no_proof",
)
#: what is done before a run
PRECAUTIONS = ("plan", "no_preflight", "allow_loss", "refuse_loss", "atomic", "json")
#: what places a new script in its history
PLACE = ("message", "sql", "head", "splice", "branch_label", "version_path", "rev_id")


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One command: its words, and the room where it is done.

    Args:
        room: the file in ``commands/``.
        argument: the name of what stands without an option.
        default: the argument's value if it is left out.
        is_many: the argument may be given several times.
        needs_project: it is about scripts, or about the database of a project.
    """

    name: str
    room: str
    help: str
    options: tuple[str, ...] = ()
    argument: str = ""
    default: str | None = None
    is_many: bool = False
    needs_project: bool = True

    def parameters(self, *more: str) -> list[click.Parameter]:
        """Return the click parameters of this verb, and of the options *more*."""
        names = (*more, *self.options)
        found: list[click.Parameter] = [OPTIONS[n].parameter(n) for n in names]
        if self.argument:
            nargs = -1 if self.is_many else 1
            default = None if self.is_many else self.default
            found.append(
                click.Argument(
                    [self.argument], nargs=nargs, default=default, required=False
                )
            )
        return found


VERBS: Mapping[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb(name="list_templates", room="look", help="List the templates of init."),
        Verb(
            name="init",
            room="scripts",
            help="Make a folder for scripts.",
            options=("template", "package"),
            argument="directory",
            default="migrations",
        ),
        Verb(
            name="revision",
            room="scripts",
            help="Write a new script.",
            options=(*PLACE, "autogenerate", "depends_on", *WISHES, "bind"),
        ),
        Verb(
            name="migrate",
            room="scripts",
            help="Write the script that leads to the models.",
            options=(*PLACE, "depends_on", *WISHES, "init", "bind"),
        ),
        Verb(
            name="edit",
            room="scripts",
            help="Open a script in $EDITOR.",
            argument="revision",
            default="head",
        ),
        Verb(
            name="merge",
            room="merge",
            help="Join heads into one, with a new script.",
            options=("message", "branch_label", "rev_id", "splice", "force"),
            argument="revisions",
            default="heads",
            is_many=True,
        ),
        Verb(
            name="upgrade",
            room="database",
            help="Bring the database to a later revision.",
            options=(
                *("sql", "tag", "lock_timeout", "verbose", "allow_ahead"),
                *(*PRECAUTIONS, "bind"),
            ),
            argument="revision",
            default="head",
        ),
        Verb(
            name="downgrade",
            room="database",
            help="Bring the database to an earlier revision.",
            options=("sql", "tag", "lock_timeout", "verbose", *PRECAUTIONS, "bind"),
            argument="revision",
            default="-1",
        ),
        Verb(
            name="show",
            room="look",
            help="Show a script.",
            argument="revision",
            default="head",
        ),
        Verb(
            name="history",
            room="look",
            help="List the scripts, the latest first.",
            options=("rev_range", "verbose", "indicate_current", "applied", "bind"),
        ),
        Verb(
            name="heads",
            room="look",
            help="List the heads of the history.",
            options=("verbose", "resolve_dependencies"),
        ),
        Verb(
            name="branches",
            room="look",
            help="List where the history branches.",
            options=("verbose",),
        ),
        Verb(
            name="current",
            room="look",
            help="Tell where the database stands.",
            options=("check_heads", "verbose", "bind"),
        ),
        Verb(
            name="stamp",
            room="database",
            help="Note a revision as applied, running nothing.",
            options=("sql", "tag", "purge", "lock_timeout", "bind"),
            argument="revisions",
            default="head",
            is_many=True,
        ),
        Verb(
            name="rebase",
            room="rebase",
            help="Let a script that was not applied yet follow another head.",
            options=("onto",),
            argument="revision",
            default="head",
        ),
        Verb(
            name="baseline",
            room="baseline",
            help="Write a first script for what is in the database, and note it.",
            options=("message", "rev_id", "takes_all", "bind"),
        ),
        Verb(
            name="drift",
            room="drift",
            help="Tell how the database differs from what its scripts make; 2 if so.",
            options=("fix", "accept", "message", "json", "bind"),
        ),
        Verb(
            name="status",
            room="status",
            help="Tell where things stand: 2 if scripts are pending, 1 if wrong.",
            options=("json", "bind"),
        ),
        Verb(
            name="repair",
            room="repair",
            help="Find out what is wrong with the history, and mend it.",
            options=("yes", "rebase_revision", "bind"),
        ),
        Verb(
            name="check",
            room="check",
            help="Fail if the models and the database differ.",
            options=(
                "rename",
                "no_rename",
                "fill",
                "drop",
                "rename_constraints",
                "only_history",
                "json",
                "bind",
            ),
        ),
        Verb(
            name="diff",
            room="differ",
            help="Tell what leads from one schema to another; exit code 2 if they"
            " differ. Each is the URL of a database, a file of SQL, or models as"
            " package.module:Base.",
            options=(*DIFFED, "rename", "fill"),
            argument="schemas",
            is_many=True,
            needs_project=False,
        ),
        Verb(
            name="ensure_version",
            room="database",
            help="Create the version table if it is not there.",
            options=("sql", "bind"),
        ),
    )
}


class Word(click.Command):
    """A command that takes ``-1`` as an argument, as Alembic does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Move relative revisions behind the options, where click takes them."""
        if "--" not in args:
            steps = [each for each in args if re.fullmatch(r"-\d+", each)]
            if steps:
                others = [each for each in args if each not in steps]
                args = [*others, "--", *steps]
        return super().parse_args(ctx, args)


class Words(click.Group):
    """A group with a command for each verb, made when the first one is asked for.

    Args:
        make: makes the command of a verb.
        has_all: the verbs that need no project are among them.
    """

    def __init__(
        self,
        *args: Any,
        make: Callable[[Verb], Word],
        has_all: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        del self.__dict__["commands"]  # an app that starts needs none of them
        self.make = make
        self.has_all = has_all

    @cached_property
    def commands(self) -> dict[str, click.Command]:  # type: ignore[override]  # click sets it
        """The commands by their names, with ``-``."""
        known = [v for v in VERBS.values() if self.has_all or v.needs_project]
        made = [self.make(verb) for verb in known]
        return {command.name or "": command for command in made}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command *cmd_name*, written with ``_`` or with ``-``."""
        return super().get_command(ctx, cmd_name.replace("_", "-"))
