"""The verbs that change a database: upgrade, downgrade, stamp, ensure_version.

Each takes the project's Config and the parameters that ``alembic.command`` has,
and returns a Report; with *sql* the SQL goes to where the environment writes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from whimbrel.commands.adopt import adopting
from whimbrel.commands.ahead import allowing_ahead, may_be_ahead
from whimbrel.commands.hearing import Hearing
from whimbrel.commands.look import RefusedRange
from whimbrel.commands.offline import knowing_tables
from whimbrel.commands.preflight import Precautions
from whimbrel.commands.unknown import Steps, refusing_unknown
from whimbrel.config import flag, setting
from whimbrel.errors import UsageError
from whimbrel.report.report import Report
from whimbrel.run.event import Conduct, Tell, tell_nobody
from whimbrel.run.execute import downgrade_fn, stamp_fn, upgrade_fn
from whimbrel.run.host import ended_on_request
from whimbrel.run.runtime import run_environment
from whimbrel.script.history import History, program_of


USUAL = Precautions()
NO_CARE = Precautions(is_asked=False, is_shown=False)
"""A stamp runs nothing that could be looked at before."""


@dataclass(frozen=True, kw_only=True)
class Range:
    """Where a run begins, if that is said, and where it ends."""

    start: str | None
    end: str


def upgrade(
    config: Config,
    revision: str,
    sql: bool = False,
    tag: str | None = None,
    lock_timeout: float | str | None = None,
    verbose: bool = False,
    on_event: Tell = tell_nobody,
    allow_ahead: bool = False,
    precautions: Precautions = USUAL,
) -> Report:
    """Bring the database to a later revision.

    Args:
        config: where the scripts and the database are.
        revision: the revision to go to; with *sql* also ``start:end``.
        sql: write the SQL instead of running it.
        tag: any text, for env.py to use.
        lock_timeout: for so many seconds it waits for others.
        verbose: tell each operation.
        on_event: hears of all that happens.
        allow_ahead: leave a database as it is that is ahead of the scripts.
        precautions: what is shown, asked and refused before the run.

    Raises:
        HistoryError: there is no such revision, or no way to it.
        RowsForbid: an operation is certain to fail; nothing was touched.
        LossRefused: values would be lost; nothing was touched.
        MigrationFailed: a script failed.
        Locked: others were at work for too long.
    """
    wanted = _range(revision, "upgrade", is_range_allowed=sql)
    history = History.from_config(config)
    run = Hearing(config, precautions, on_event, is_silent=sql, is_verbose=verbose)
    fn = upgrade_fn(history, wanted.end, run.hear, run.lookout)
    fn = adopting(history, fn, run.hear)
    fn = knowing_tables(history, refusing_unknown(history, fn))
    if may_be_ahead(config, allow_ahead):
        fn = allowing_ahead(history, fn, run.hear)
    _run(
        config,
        history,
        fn,
        replace(
            _conduct(
                config, "upgrade", run.hear, lock_timeout, allow_ahead=allow_ahead
            ),
            is_atomic=precautions.is_atomic,
        ),
        as_sql=sql,
        starting_rev=wanted.start,
        destination_rev=wanted.end,
        tag=tag,
    )
    return run.report


def downgrade(
    config: Config,
    revision: str,
    sql: bool = False,
    tag: str | None = None,
    lock_timeout: float | str | None = None,
    verbose: bool = False,
    on_event: Tell = tell_nobody,
    precautions: Precautions = USUAL,
) -> Report:
    """Bring the database to an earlier revision.

    Args:
        config: where the scripts and the database are.
        revision: the revision to go to; with *sql* it must be ``start:end``.
        sql: write the SQL instead of running it.
        tag: any text, for env.py to use.
        lock_timeout: for so many seconds it waits for others.
        verbose: tell each operation.
        on_event: hears of all that happens.
        precautions: what is shown, asked and refused before the run.

    Raises:
        HistoryError: there is no such revision, or no way to it.
        RowsForbid: an operation is certain to fail; nothing was touched.
        LossRefused: values would be lost; nothing was touched.
        MigrationFailed: a script failed.
        Locked: others were at work for too long.
    """
    wanted = _range(revision, "downgrade", is_range_allowed=sql)
    if sql and wanted.start is None:
        raise RefusedRange(
            "downgrade with --sql requires <fromrev>:<torev>.",
            f"Write for instance `downgrade --sql head:{revision}`.",
        )
    history = History.from_config(config)
    run = Hearing(config, precautions, on_event, is_silent=sql, is_verbose=verbose)
    fn = downgrade_fn(history, wanted.end, run.hear, run.lookout)
    _run(
        config,
        history,
        knowing_tables(history, refusing_unknown(history, fn)),
        replace(
            _conduct(config, "downgrade", run.hear, lock_timeout),
            is_atomic=precautions.is_atomic,
        ),
        as_sql=sql,
        starting_rev=wanted.start,
        destination_rev=wanted.end,
        tag=tag,
    )
    return run.report


def stamp(
    config: Config,
    revision: str | Sequence[str],
    sql: bool = False,
    tag: str | None = None,
    purge: bool = False,
    lock_timeout: float | str | None = None,
    on_event: Tell = tell_nobody,
) -> Report:
    """Note revisions as applied, running nothing.

    Args:
        config: where the scripts and the database are.
        revision: the revision or revisions; with *sql* also ``start:end``.
        sql: write the SQL instead of running it.
        tag: any text, for env.py to use.
        purge: empty the version table first.
        lock_timeout: for so many seconds it waits for others.
        on_event: hears of all that happens.
    """
    given = (revision,) if isinstance(revision, str) else tuple(revision)
    ranges = [_range(each, "stamp", is_range_allowed=sql) for each in given]
    starts = {each.start for each in ranges if each.start is not None}
    if len(starts) > 1:
        raise RefusedRange(
            "Stamp operation with --sql only supports a single starting revision"
            " at a time.",
            "Stamp the branches one after the other.",
        )
    wanted = tuple(each.end for each in ranges)
    history = History.from_config(config)
    run = Hearing(config, NO_CARE, on_event, is_silent=sql)
    _run(
        config,
        history,
        stamp_fn(history, wanted, run.hear),
        _conduct(config, "stamp", run.hear, lock_timeout),
        as_sql=sql,
        starting_rev=next(iter(starts), None),
        destination_rev=wanted,
        tag=tag,
        purge=purge,
    )
    return run.report


def ensure_version(config: Config, sql: bool = False) -> Report:
    """Create the version table if it is not there.

    Args:
        config: where the scripts and the database are.
        sql: write the SQL instead of running it.
    """
    history = History.from_config(config)

    def create(_revision: Any, context: MigrationContext) -> list[Any]:
        context._ensure_version_table()
        return []

    run_environment(config, history, create, as_sql=sql)
    return Report()


def _range(revision: str, verb: str, *, is_range_allowed: bool) -> Range:
    """Return what *revision* says: one revision, or ``start:end``."""
    start, colon, end = revision.partition(":")
    if not colon:
        return Range(start=None, end=revision)
    if not is_range_allowed:
        raise RefusedRange(
            "Range revision not allowed.",
            f"Name the one to go to: `{verb} {end or 'head'}`; ranges are for --sql.",
        )
    return Range(start=start, end=end)


def _run(
    config: Config, history: History, fn: Steps, conduct: Conduct, **options: Any
) -> None:
    """Run the environment; where a command does, signals end it at a good moment."""
    is_command = bool(config.attributes.get("keep_logging", False))
    with ended_on_request(conduct.notice, is_heard=is_command) as is_stopped:
        run_environment(
            config,
            history,
            fn,
            conduct=replace(conduct, is_stopped=is_stopped),
            **options,
        )


def _conduct(
    config: Config,
    direction: str,
    tell: Tell,
    lock_timeout: float | str | None,
    *,
    allow_ahead: bool = False,
) -> Conduct:
    """Return how a run is to behave, as the command and the settings say."""
    patience = setting(config, "lock_timeout") if lock_timeout is None else lock_timeout
    wait = setting(config, "lock_wait")
    has_ledger = flag(config, "ledger")
    if has_ledger is None and may_be_ahead(config, allow_ahead):
        has_ledger = True  # nothing else tells ahead from astray
    usual = Conduct(direction=direction)
    return Conduct(
        direction=direction,
        patience=None if patience is None else _seconds(patience, "--lock-timeout"),
        lock_wait=usual.lock_wait if wait is None else _seconds(wait, "lock_wait"),
        has_ledger=has_ledger,
        program=program_of(config),
        tell=tell,
    )


def _seconds(said: float | str, name: str) -> float:
    try:
        return float(said)
    except ValueError as cause:
        raise UsageError(
            f"{name} wants a number of seconds, not {said!r}.",
            "Write for instance 30, or 0.5.",
        ) from cause
