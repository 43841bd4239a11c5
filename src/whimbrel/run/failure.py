"""What is told of a script that failed: which one, at which line, in whose words."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from alembic.runtime.migration import MigrationStep
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from whimbrel.errors import Interrupted, MigrationFailed, WhimbrelError, ended


AnyDBAPIError = TypeVar("AnyDBAPIError", bound=DBAPIError)

_TOLD = "_whimbrel_told"
"""Under this name an error of the database carries ours."""

_STATISTICS = "mysql.innodb_index_stats"
"""Where MariaDB may find what it wrote while an index got another name.

It does so beside all statements, and then fails to give the index its first name back.
"""

UNDONE = "Nothing was changed."
UNDONE_ALONE = "What it did was undone; the revisions before it stay done."
UNTOUCHED = "No database was touched."
HALF_DONE = "What the script had done before that line may have stayed."


def left_in_part(done: int) -> str:
    """Say that a script is half done, and that the next run knows how far."""
    what = "statement of it is" if done == 1 else "statements of it are"
    return f"{done} {what} done and will not be done again."


def guarded(
    step: MigrationStep, run: Callable[..., Any], *, left: Callable[[], str]
) -> Callable[..., Any]:
    """Return *run*, the function of *step*, telling its failures in a sentence.

    Args:
        step: the step that the function belongs to.
        run: the ``upgrade`` or ``downgrade`` of its script.
        left: says, after a failure, what it leaves behind.
    """

    @functools.wraps(run)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return run(*args, **kwargs)
        except CommandError:
            raise
        except Interrupted as error:
            error.remedy = f"{left()} Run the command again to go on."
            raise
        except WhimbrelError as error:
            _place(error, step)
            raise
        except Exception as cause:
            told = getattr(cause, _TOLD, None)
            if told is None:
                raise _failed(step, cause, left()) from cause
            _place(told, step)
            raise told from cause

    return call


def explained(error: AnyDBAPIError, told: MigrationFailed) -> AnyDBAPIError:
    """Return the database's *error*, which the user is told of in our words.

    A script may catch it, and look at its number, as under plain Alembic.
    """
    setattr(error, _TOLD, told)
    return error


def _failed(step: MigrationStep, cause: Exception, left: str) -> MigrationFailed:
    path, line = _path(step), _line(step, cause)
    verb = "downgrade" if step.is_downgrade else "upgrade"
    at = f" at {path}, line {line}" if path and line else f" ({path})" if path else ""
    return MigrationFailed(
        f"The {verb} of revision {_revision(step)} failed{at}: {words_of(cause)}",
        f"{left} {_mending(cause)}, then run the command again.",
        revision=_revision(step),
        path=path,
        line=line,
    )


def _mending(cause: Exception) -> str:
    """Say what is to be mended, which need not be the script."""
    if _STATISTICS in words_of(cause):
        return (
            "The server has kept statistics of an index that had the new name before."
            f" Let it forget them, DELETE FROM {_STATISTICS} WHERE database_name ="
            " DATABASE() AND table_name = '...'"
        )
    return "Mend the script or the rows"


def words_of(cause: BaseException) -> str:
    """Return what the database said, or the exception in one line, as a sentence."""
    if isinstance(cause, DBAPIError) and cause.orig is not None:
        said = str(cause.orig)
    else:
        said = f"{type(cause).__name__}: {cause}"
    return ended(said.strip())


def _place(error: WhimbrelError, step: MigrationStep) -> None:
    """Add to *error* where it happened, unless that is known."""
    if isinstance(error, MigrationFailed) and "revision" not in error.facts:
        path, line = _path(step), _line(step, error)
        error.facts.update(revision=_revision(step), path=path, line=line)
        if path and line:
            error.sentence = (
                f"{error.sentence} (Revision {_revision(step)}, {path}, line {line}.)"
            )


def _revision(step: MigrationStep) -> str:
    revision = getattr(step, "revision", None)
    return str(getattr(revision, "revision", "")) or step.name


def _path(step: MigrationStep) -> str | None:
    path = getattr(getattr(step, "revision", None), "path", None)
    return str(path) if path else None


def _line(step: MigrationStep, cause: BaseException) -> int | None:
    """Return the line of the script at which *cause* left it."""
    path = _path(step)
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(cause.__traceback__)
        if frame.filename == path
    ]
    return lines[-1] if lines else None
