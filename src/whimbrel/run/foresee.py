"""What pending scripts will do, found out without doing it.

The functions of the scripts are run with an ``op`` that notes every operation and
carries out none.  A script that asks the database anything, or works with more than
``op``, is foreseen up to there.
"""

from __future__ import annotations

import builtins
import io
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any

from alembic import context as alembic_context
from alembic.config import Config
from alembic.operations import ops
from alembic.operations.base import BatchOperations
from alembic.operations.batch import BatchOperationsImpl
from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import event
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.exc import NoInspectionAvailable

from whimbrel.checks.outlook import Foreseen, Foresight
from whimbrel.run.binds import for_each_bind
from whimbrel.run.host import nothing_logged
from whimbrel.run.runtime import (
    RUNTIME_LOG,
    Environment,
    Operations,
)


WORKS_ELSEWHERE = frozenset(
    {"os", "subprocess", "shutil", "socket", "urllib", "http", "requests", "httpx"}
    | {"boto3", "smtplib", "tempfile", "redis", "celery"}
)
"""Modules by which a script may do what a database cannot undo."""


WRITING = frozenset("wax+")
"""What in the mode of a file says that it is written."""

CHANGING = (
    *("touch", "mkdir", "unlink", "rmdir", "rename", "replace", "chmod"),
    *("symlink_to", "hardlink_to"),
)
"""What a path can do to files without opening them."""


class Unforeseen(BaseException):
    """The script does what cannot be foreseen; no ``except`` of its own may hide it."""


def foresee(
    steps: Iterable[RevisionStep],
    context: MigrationContext,
    arguments: Mapping[str, Any],
) -> tuple[Foresight, ...]:
    """Return what the scripts of *steps* will do.

    Args:
        steps: what a command is about to run.
        context: the context of that run.
        arguments: what env.py hands to the functions of the scripts.
    """
    with _standing_in(context) as noting:
        return tuple(_foreseen(step, noting, arguments) for step in steps)


def _foreseen(
    step: RevisionStep, noting: _Notes, arguments: Mapping[str, Any]
) -> Foresight:
    script = step.revision
    path = str(getattr(script, "path", ""))
    why = _works_elsewhere(script.module)
    noting.begin(path)
    if not why:
        try:
            for_each_bind(step, step.migration_fn)(**arguments)
        except Unforeseen as unforeseen:
            why = str(unforeseen)
        except NoInspectionAvailable:  # of what op.get_bind() gave
            why = "it asks the database itself"
        except Exception as error:  # whatever a script does with what it gets
            first = next(iter(noting.blindness), "")
            why = first or f"{type(error).__name__}: {error}"
    return Foresight(
        revision=str(script.revision),
        operations=tuple(noting.notes),
        blind_because=why,
        source=_source(path),
    )


def _source(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _works_elsewhere(module: Any) -> str:
    """Say which module of a script may do more than a database can undo."""
    names = {
        str(getattr(each, said, "")).partition(".")[0]
        for each in vars(module).values()
        for said in ("__name__", "__module__")
    }
    found = sorted(names & WORKS_ELSEWHERE)
    return f"it works with {found[0]}" if found else ""


@contextmanager
def _standing_in(live: MigrationContext) -> Iterator[_Notes]:
    """Let ``op`` and ``alembic.context`` note what scripts want, for the block."""
    blindness: list[str] = []
    with nothing_logged(RUNTIME_LOG):
        context = MigrationContext.configure(
            dialect=live.dialect, opts={"as_sql": True, "output_buffer": _Nowhere()}
        )
    context.__class__ = _Imagined
    context.as_sql = False
    bind: Any = _Bind(live.dialect, blindness)
    context.connection = context.impl.connection = bind
    proxy = getattr(alembic_context, "_proxy", None)
    config = proxy.config if proxy is not None else Config()
    with (
        Environment(config, getattr(proxy, "script", None)) as environment,
        _no_database(blindness),
        _no_writing(blindness),
        _no_changing(blindness),
        _Notes.context(context) as noting,
    ):
        environment._migration_context = context
        context.environment_context = environment
        assert isinstance(noting, _Notes)
        noting.blindness = blindness
        yield noting


class _Imagined(MigrationContext):
    """A context whose transactions begin and end nothing."""

    @contextmanager
    def autocommit_block(self) -> Iterator[None]:
        """Let the block be noted like everything else."""
        yield


class _Nowhere:
    """Takes SQL and forgets it."""

    def write(self, _text: str) -> None:
        """Take a piece of text."""

    def flush(self) -> None:
        """Do as a file does."""


class _Bind:
    """What ``op.get_bind()`` gives: it knows its dialect, and that is all."""

    def __init__(self, dialect: Dialect, blindness: list[str]) -> None:
        self.dialect = dialect
        self.name = dialect.name
        self._blindness = blindness

    @property
    def engine(self) -> _Bind:
        """The engine knows no more than the connection."""
        return self

    def __getattr__(self, name: str) -> Any:
        """Refuse everything else."""
        raise _unforeseen("it asks the database itself", self._blindness)


def _unforeseen(why: str, blindness: list[str]) -> Unforeseen:
    blindness.append(why)
    return Unforeseen(why)


@contextmanager
def _no_database(blindness: list[str]) -> Iterator[None]:
    """Refuse every statement of this thread, whatever engine it is for."""
    thread = threading.get_ident()

    def refuse(*_: Any) -> None:
        if threading.get_ident() == thread:
            raise _unforeseen("it works with a connection of its own", blindness)

    event.listen(Engine, "engine_connect", refuse)
    event.listen(Engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        event.remove(Engine, "engine_connect", refuse)
        event.remove(Engine, "before_cursor_execute", refuse)


@contextmanager
def _no_writing(blindness: list[str]) -> Iterator[None]:
    """Let this thread read files, and write none."""
    thread, real, real_of_path = threading.get_ident(), builtins.open, Path.open

    def careful(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        if threading.get_ident() == thread and set(mode) & WRITING:
            raise _unforeseen("it writes a file", blindness)
        return real(file, mode, *args, **options)

    def careful_of_path(path: Path, mode: str = "r", *args: Any, **kw: Any) -> Any:
        return careful(path, mode, *args, **kw)

    builtins.open = io.open = careful
    Path.open = careful_of_path  # type: ignore[assignment, method-assign]  # Python 3.10 keeps io.open elsewhere
    try:
        yield
    finally:
        builtins.open = io.open = real
        Path.open = real_of_path  # type: ignore[method-assign]


@contextmanager
def _no_changing(blindness: list[str]) -> Iterator[None]:
    """Let no path of this thread change files, for the block."""
    thread = threading.get_ident()
    real = {name: getattr(Path, name) for name in CHANGING}

    def careful(change: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(change)
        def changed(*args: Any, **options: Any) -> Any:
            if threading.get_ident() == thread:
                raise _unforeseen("it changes files", blindness)
            return change(*args, **options)

        return changed

    for name, change in real.items():
        setattr(Path, name, careful(change))
    try:
        yield
    finally:
        for name, change in real.items():
            setattr(Path, name, change)


class _Notes(Operations):
    """Operations that are noted.

    Args:
        path: the script that is being run.
        notes: what it wants, in its order.
        blindness: why it cannot be foreseen any further.
    """

    path: str
    notes: list[Foreseen]
    blindness: list[str]

    def begin(self, path: str) -> None:
        """Turn to another script."""
        self.path, self.notes = path, []
        self.blindness.clear()

    def invoke(self, operation: ops.MigrateOperation) -> Any:
        """Note *operation*, and return what a script may need of its result."""
        if isinstance(operation, ops.OpContainer):
            for each in operation.ops:
                self.invoke(each)
            return None
        self.notes.append(Foreseen(operation=operation, line=_line(self.path)))
        if isinstance(operation, ops.CreateTableOp):
            return operation.to_table(self.migration_context)
        return None

    @contextmanager
    def batch_alter_table(
        self, table_name: str, schema: str | None = None, *_: Any, **__: Any
    ) -> Iterator[BatchOperations]:
        """Note what is said of one table."""
        impl = BatchOperationsImpl(  # type: ignore[no-untyped-call]  # Alembic's __init__
            self, table_name, schema, "never", None, (), {}, (), {}, None, None
        )
        yield _BatchNotes(self, impl)

    def run_async(self, *_: Any, **__: Any) -> Any:
        """Refuse what asks the database."""
        raise Unforeseen("it asks the database itself")


class _BatchNotes(BatchOperations):
    """The operations of a batch, noted by those around it."""

    def __init__(self, around: _Notes, impl: BatchOperationsImpl) -> None:
        super().__init__(around.migration_context, impl=impl)
        self._around = around

    def invoke(self, operation: ops.MigrateOperation) -> Any:
        """Note *operation*."""
        return self._around.invoke(operation)


def _line(path: str) -> int:
    """Return the line of the script that is being run now."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == path:
            return frame.f_lineno
        frame = frame.f_back
    return 0
