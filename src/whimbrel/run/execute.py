"""The running of pending scripts, told step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from alembic.runtime.migration import MigrationContext, RevisionStep, StampStep
from alembic.script import ScriptDirectory

from whimbrel.run.event import Event, Tell, tell_nobody
from whimbrel.run.progress import Listener, Progress, heard_by
from whimbrel.run.runtime import Context


LookAhead: TypeAlias = Callable[
    [list[RevisionStep], MigrationContext], list[RevisionStep]
]
Steps: TypeAlias = Callable[[Any, MigrationContext], Iterable[Any]]


def _look_nowhere(
    steps: list[RevisionStep], _context: MigrationContext
) -> list[RevisionStep]:
    return steps


def upgrade_fn(
    history: ScriptDirectory,
    revision: str,
    tell: Tell = tell_nobody,
    look_ahead: LookAhead = _look_nowhere,
) -> Steps:
    """Return what an environment runs to upgrade to *revision*.

    *look_ahead* gets the steps before the first one runs: it returns those that
    are to be run, or raises.
    """

    def steps(rev: Any, context: MigrationContext) -> Iterable[Any]:
        scripts = history._upgrade_revs(revision, rev)
        _expect(scripts, context)
        return _told(look_ahead(scripts, context), "upgrade", tell)

    return steps


def downgrade_fn(
    history: ScriptDirectory,
    revision: str,
    tell: Tell = tell_nobody,
    look_ahead: LookAhead = _look_nowhere,
) -> Steps:
    """Return what an environment runs to downgrade to *revision*.

    *look_ahead* gets the steps before the first one runs: it returns those that
    are to be run, or raises.
    """

    def steps(rev: Any, context: MigrationContext) -> Iterable[Any]:
        scripts = history._downgrade_revs(revision, rev)
        _expect(scripts, context)
        return _told(look_ahead(scripts, context), "downgrade", tell)

    return steps


def stamp_fn(
    history: ScriptDirectory,
    revisions: str | tuple[str, ...],
    tell: Tell = tell_nobody,
) -> Steps:
    """Return what an environment runs to note *revisions* without running scripts.

    What no script carries is forgotten: the stamp says where the database stands.
    """

    def steps(rev: Any, context: MigrationContext) -> Iterable[Any]:
        names = (revisions,) if isinstance(revisions, str) else tuple(revisions)
        known = rev if context.as_sql else _without_unknown(history, rev, context)
        return _told(history._stamp_revs(names, known), "stamp", tell)

    return steps


def _without_unknown(
    history: ScriptDirectory, rev: tuple[str, ...], context: MigrationContext
) -> tuple[str, ...]:
    """Return *rev* without the revisions that no script carries, which are deleted."""
    carried = history.revision_map._revision_map
    unknown = [each for each in rev if each not in carried]
    if unknown:
        column = context._version.c.version_num
        context.impl._exec(context._version.delete().where(column.in_(unknown)))
    return tuple(each for each in rev if each not in unknown)


def _expect(scripts: Sequence[RevisionStep], context: MigrationContext) -> None:
    """Refuse to pass by what an earlier run left half done."""
    if isinstance(context, Context) and context.care is not None:
        context.care.expect(scripts)


def _told(
    steps: Iterable[RevisionStep | StampStep], kind: str, tell: Tell
) -> Iterator[RevisionStep | StampStep]:
    """Yield *steps*; each is told when the next is asked for, so when it is done.

    One that takes long is told of before, too.
    """
    for step in steps:
        start = time.perf_counter()
        with heard_by(_listener(step, kind, tell)):
            yield step
        tell(
            Event(
                kind=kind,
                revision=_revision(step),
                text=told_step(step, kind),
                seconds=time.perf_counter() - start,
            )
        )


def _listener(step: RevisionStep | StampStep, kind: str, tell: Tell) -> Listener:
    """Return what tells how far a step is."""

    def hear(progress: Progress) -> None:
        tell(
            Event(
                kind=kind,
                revision=_revision(step),
                text=progress.text,
                seconds=progress.seconds,
                progress=progress,
            )
        )

    return hear


def told_step(step: RevisionStep | StampStep, kind: str) -> str:
    """Return a line such as ``upgrade <base> -> 3f2a, add users``."""
    ends = (step.from_revisions_no_deps, step.to_revisions_no_deps)
    start, end = (", ".join(each) or "<base>" for each in ends)
    doc = f", {step.doc}" if isinstance(step, RevisionStep) and step.doc else ""
    return f"{kind} {start} -> {end}{doc}"


def _revision(step: RevisionStep | StampStep) -> str:
    if isinstance(step, RevisionStep):
        return str(step.revision.revision)
    return ", ".join(step.to_revisions)
