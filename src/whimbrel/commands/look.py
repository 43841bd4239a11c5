"""The commands that leave no trace: history, heads, branches, show, current.

Each returns a report whose lines are those of Alembic's command of that name,
character for character, and whose data says the same to a program.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script
from alembic.util import (
    CommandError,
    DatabaseNotAtHead,
    asbool,
    obfuscate_url_pw,
    to_tuple,
)

from whimbrel.commands.ahead import may_be_ahead, revisions_ahead
from whimbrel.commands.applied import list_applied
from whimbrel.commands.unknown import lost_at, refusing_unknown
from whimbrel.errors import NotAtHead, UsageError
from whimbrel.report.report import Line, Report, Tone, plain_lines
from whimbrel.run.journal import look_into_journal
from whimbrel.run.runtime import run_environment
from whimbrel.schema.state import TableName
from whimbrel.script.history import History, program_of


class BehindHead(NotAtHead, DatabaseNotAtHead):
    """The database does not stand at the history's heads; Alembic's error too."""


class RefusedRange(UsageError, CommandError):
    """A range of revisions is not written as one; Alembic's error too."""


def list_templates(config: Config) -> Report:
    """List the templates that a migrations folder can be made from."""
    folders = sorted(
        path
        for path in Path(config.get_template_directory()).iterdir()
        if (path / "README").is_file()
    )
    synopses = {path.name: _first_line(path / "README") for path in folders}
    texts = ["Available templates:\n"]
    texts += [f"{name} - {synopsis}" for name, synopsis in synopses.items()]
    if "generic" in synopses:
        texts += [
            "\nTemplates are used via the 'init' command, e.g.:",
            f"\n  {program_of(config)} init --template generic ./scripts",
        ]
    return Report(lines=plain_lines(*texts), data={"templates": synopses})


def history(
    config: Config,
    rev_range: str | None = None,
    verbose: bool = False,
    indicate_current: bool = False,
    applied: bool = False,
) -> Report:
    """List the scripts, the latest first.

    Args:
        config: where the scripts are.
        rev_range: ``start:end``, each of them may be left out or be ``current``.
        verbose: tell all of each script.
        indicate_current: mark those that the database stands at.
        applied: list what was done to the database instead.

    Raises:
        UsageError: the range is not written as one.
        HistoryError: there are no such revisions.
    """
    if applied:
        return list_applied(config)
    scripts = History.from_config(config)
    base, head = _ends(rev_range)
    listing = _Listing()

    def tell(rev: Any, _context: MigrationContext | None = None) -> list[Any]:
        first = rev if base == "current" and head != "current" else base
        last = rev if head == "current" else head
        for script in scripts.walk_revisions(first or "base", last or "heads"):
            if indicate_current:
                script._db_current_indicator = script.revision in rev
            listing.add(
                script,
                script.cmd_format(
                    verbose=verbose,
                    include_branches=True,
                    include_doc=True,
                    include_parents=True,
                ),
            )
        return []

    option = getattr(config, "get_alembic_option", config.get_main_option)
    needs_environment = indicate_current or asbool(option("revision_environment"))
    if needs_environment or "current" in (base, head):
        fn = refusing_unknown(scripts, tell)
        run_environment(config, scripts, fn, dont_mutate=True)
    else:
        tell(())
    return listing.report


def heads(
    config: Config, verbose: bool = False, resolve_dependencies: bool = False
) -> Report:
    """Tell the scripts that none follows.

    Args:
        config: where the scripts are.
        verbose: tell all of each script.
        resolve_dependencies: leave out those that another one depends on.
    """
    scripts = History.from_config(config)
    listing = _Listing()
    wanted = "heads" if resolve_dependencies else scripts.get_heads()
    for script in scripts.get_revisions(wanted):
        text = script.cmd_format(verbose, include_branches=True, tree_indicators=False)
        listing.add(script, text)
    return listing.report


def branches(config: Config, verbose: bool = False) -> Report:
    """Tell the scripts that several others follow.

    Args:
        config: where the scripts are.
        verbose: tell all of each script.
    """
    scripts = History.from_config(config)
    listing = _Listing()
    for script in scripts.walk_revisions():
        if script.is_branch_point:
            indent = " " * len(str(script.revision))
            following = "\n".join(
                f"{indent} -> "
                + scripts.get_revision(each).cmd_format(
                    False, include_branches=True, include_doc=verbose
                )
                for each in script.nextrev
            )
            text = script.cmd_format(verbose, include_branches=True)
            listing.add(script, f"{text}\n{following}\n")
    return listing.report


def show(config: Config, rev: str) -> Report:
    """Tell all of the scripts that *rev* stands for, ``current`` among others.

    Raises:
        UnknownRevision: there is no such script.
    """
    scripts = History.from_config(config)
    listing = _Listing()
    found: Collection[Script]
    if rev == "current":
        found = current_heads(config, scripts)
    else:
        found = scripts.get_revisions(rev)
    for script in found:
        listing.add(script, script.log_entry)
    return listing.report


def current(config: Config, check_heads: bool = False, verbose: bool = False) -> Report:
    """Tell at which revisions the database stands; 1 is the exit code of unknown ones.

    Args:
        config: where the scripts and the database are.
        check_heads: refuse a database that is not at all heads.
        verbose: tell all of each script, and which database it is.

    Raises:
        NotAtHead: the database is behind, and *check_heads* asks for it.
    """
    scripts = History.from_config(config)
    listing = _Listing()
    databases: list[Mapping[str, object]] = []
    told: list[Line] = []

    def tell(rev: Any, context: MigrationContext) -> list[Any]:
        url = _url(context)
        if verbose:
            listing.texts.append(f"Current revision(s) for {url}:")
        if check_heads:
            _demand_heads(scripts, context, url)
        lost = lost_at(scripts, rev, context)
        unknown = lost.revisions if lost else ()
        listing.texts += [f"{each} (no script carries it)" for each in unknown]
        if lost is not None:
            told.extend((Line(lost.sentence, Tone.BAD), Line(lost.remedy)))
        known = tuple(each for each in rev if each not in unknown)
        at = scripts.in_order(scripts.get_all_current(known))
        for script in at:
            listing.add(script, script.cmd_format(verbose))
        places = [*unknown, *(each.revision for each in at)]
        databases.append({"url": url, "current": places, "unknown": list(unknown)})
        return []

    run_environment(config, scripts, tell, dont_mutate=True)
    return Report(
        lines=(*plain_lines(*listing.texts), *told),
        exit_code=1 if told else 0,
        data={"databases": databases, "revisions": listing.revisions},
    )


def is_at_heads(config: Config) -> bool:
    """Return whether every database of *config* stands at all heads, and is whole."""
    scripts = History.from_config(config)
    wanted = scripts.graph.stamp_of_all()
    answers: list[bool] = []
    allows_ahead = may_be_ahead(config)

    def ask(_rev: Any, context: MigrationContext) -> list[Any]:
        connection = context.connection
        assert connection is not None
        table = TableName(context.version_table, context.version_table_schema)
        heads = context.get_current_heads()
        is_ahead = allows_ahead and bool(revisions_ahead(scripts, heads, context))
        is_there = is_ahead or set(heads) == wanted
        answers.append(is_there and not look_into_journal(connection, table))
        return []

    run_environment(config, scripts, ask, dont_mutate=True)
    return all(answers)


def current_heads(config: Config, history: History) -> tuple[Script, ...]:
    """Return the scripts that the databases of *config* are stamped with.

    Raises:
        UnknownRevision: one is stamped with a revision that no script carries.
    """
    found: list[Script] = []

    def keep(rev: Any, _context: MigrationContext) -> list[Any]:
        found.extend(history.get_revisions(rev))
        return []

    fn = refusing_unknown(history, keep)
    run_environment(config, history, fn, dont_mutate=True)
    return tuple(found)


class _Listing:
    """Scripts as they are told to people and to programs."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.revisions: list[Mapping[str, object]] = []

    def add(self, script: Script, text: str) -> None:
        """Tell *script* by *text*."""
        self.texts.append(text)
        self.revisions.append(_facts(script))

    @property
    def report(self) -> Report:
        """What was told."""
        return Report(
            lines=plain_lines(*self.texts), data={"revisions": self.revisions}
        )


def _facts(script: Script) -> Mapping[str, object]:
    """Return what a program reads of *script*."""
    return {
        "revision": script.revision,
        "down_revision": list(script._versioned_down_revisions),
        "depends_on": list(to_tuple(script.dependencies, default=())),
        "branch_labels": sorted(script.branch_labels),
        "is_head": script.is_head,
        "is_current": script._db_current_indicator,
        "doc": script.doc,
        "path": script.path,
    }


def _first_line(path: Path) -> str:
    return next(iter(path.read_text("utf-8").splitlines()), "").rstrip()


def _ends(rev_range: str | None) -> Iterator[str | None]:
    """Return the start and the end of *rev_range*, None where it leaves one out."""
    if rev_range is None:
        return iter((None, None))
    ends = rev_range.strip().split(":")
    if len(ends) != 2:  # noqa: PLR2004  # a range has two ends
        raise RefusedRange(
            "History range requires [start]:[end], [start]:, or :[end].",
            f"Write for instance `base:{rev_range or 'head'}`.",
            rev_range=rev_range,
        )
    return iter(ends)


def _url(context: MigrationContext) -> str:
    """Return the URL of the database, without its password."""
    if context.connection is None:
        return ""
    return obfuscate_url_pw(context.connection.engine.url)  # type: ignore[arg-type]  # takes a URL too


def _demand_heads(history: History, context: MigrationContext, url: str) -> None:
    at, wanted = set(context.get_current_heads()), history.graph.stamp_of_all()
    if at != wanted:
        raise BehindHead(
            "Database is not on all head revisions: "
            f"{url} is at {_names(at)}, the scripts lead to {_names(wanted)}.",
            f"Bring it there with `{history.program} upgrade heads`.",
            current=at,
            heads=wanted,
        )


def _names(revisions: Collection[str]) -> str:
    return ", ".join(sorted(revisions)) or "no revision"
