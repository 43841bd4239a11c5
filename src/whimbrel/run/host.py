"""The application in whose process we run: its logging is left as it is.

An env.py calls ``fileConfig()``, which replaces the root's handlers and silences
every logger that the ini file does not name.  That is meant for a command line.
"""

from __future__ import annotations

import logging
import logging.config
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from whimbrel.errors import Interrupted


ENDING = (signal.SIGINT, signal.SIGTERM)
"""What asks a program to end."""

CONFIGURING = ("fileConfig", "dictConfig")
"""What in ``logging.config`` an env.py calls to set up a command line."""


@dataclass(frozen=True, slots=True)
class _LoggerState:
    """How a logger was set."""

    logger: logging.Logger
    level: int
    handlers: tuple[logging.Handler, ...]
    is_disabled: bool
    propagates: bool

    def restore(self) -> None:
        """Set the logger as it was."""
        self.logger.setLevel(self.level)
        self.logger.handlers[:] = self.handlers
        self.logger.disabled = self.is_disabled
        self.logger.propagate = self.propagates


@contextmanager
def logging_left_alone(*, is_left_alone: bool = True) -> Iterator[None]:
    """Let nothing configure logging in the block; undo after it what still did.

    Args:
        is_left_alone: False for a command line, which logs as env.py says.
    """
    if not is_left_alone:
        yield
        return
    states = [_state(logger) for logger in (logging.root, *_loggers())]
    threshold = logging.root.manager.disable
    # fileConfig() would close the handlers that it finds in this list
    registered = logging._handlerList[:]  # type: ignore[attr-defined]
    logging._handlerList.clear()  # type: ignore[attr-defined]
    try:
        with _unconfigured():
            yield
    finally:
        logging._handlerList[:0] = registered  # type: ignore[attr-defined]
        known = {id(state.logger) for state in states}
        for logger in _loggers():
            if id(logger) not in known:
                logger.disabled = False
        for state in states:
            state.restore()
        logging.disable(threshold)


@contextmanager
def _unconfigured() -> Iterator[None]:
    """Let the functions that configure logging do nothing, for this thread alone."""
    mine = threading.get_ident()
    real = {name: getattr(logging.config, name) for name in CONFIGURING}

    def for_others(configure: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return None if threading.get_ident() == mine else configure(*args, **kwargs)

        return call

    for name, configure in real.items():
        setattr(logging.config, name, for_others(configure))
    try:
        yield
    finally:
        for name, configure in real.items():
            setattr(logging.config, name, configure)


@contextmanager
def ended_on_request(
    tell: Callable[[str], None], *, is_heard: bool
) -> Iterator[Callable[[], bool]]:
    """Give the block a question: whether somebody has asked to end it.

    The first Ctrl-C or SIGTERM asks, the second one ends the block at once.

    Args:
        tell: is told that it was asked.
        is_heard: False where an application hears its signals itself.

    Raises:
        Interrupted: somebody asked, and the block came to its end.
    """
    asked: list[int] = []
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not is_heard or not in_main_thread:
        yield bool
        return

    def ask(number: int, _frame: object) -> None:
        asked.append(number)
        if len(asked) > 1:
            raise KeyboardInterrupt
        tell("Ending the run after this statement; once more ends it at once.")

    before = {each: signal.signal(each, ask) for each in ENDING}
    try:
        yield lambda: bool(asked)
    except Interrupted as error:
        error.exit_code = 128 + asked[0] if asked else error.exit_code
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ended_at_once() -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM end the block: a person is asked, nothing runs.

    Raises:
        KeyboardInterrupt: it was ended.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.signal(each, signal.default_int_handler) for each in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def nothing_logged(name: str) -> Iterator[None]:
    """Keep what this thread tells the logger *name* from everybody, in the block."""
    mine = threading.get_ident()

    def is_of_others(record: logging.LogRecord) -> bool:
        return record.thread != mine

    logger = logging.getLogger(name)
    logger.addFilter(is_of_others)
    try:
        yield
    finally:
        logger.removeFilter(is_of_others)


def _loggers() -> list[logging.Logger]:
    return [
        logger
        for logger in list(logging.root.manager.loggerDict.values())
        if isinstance(logger, logging.Logger)
    ]


def _state(logger: logging.Logger) -> _LoggerState:
    return _LoggerState(
        logger,
        logger.level,
        tuple(logger.handlers),
        logger.disabled,
        logger.propagate,
    )
