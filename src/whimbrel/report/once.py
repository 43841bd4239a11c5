"""What a report tells is not told to a terminal by the log too."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


TOLD_BY_REPORTS = (
    "alembic.runtime.migration",
    "alembic.autogenerate.compare",
    "alembic.env",
    "flask_migrate",
)
"""The loggers whose news a report tells too, and in plain words."""


@contextmanager
def not_told_twice() -> Iterator[None]:
    """Keep the log from telling a terminal what our reports tell it, in the block.

    Files, pipes and other handlers get every record, as the project's settings say.
    """
    loggers = [logging.getLogger(name) for name in TOLD_BY_REPORTS]
    for logger in loggers:
        logger.addFilter(_calm_terminals)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_calm_terminals)


def _calm_terminals(_record: logging.LogRecord) -> bool:
    """Set a filter on the handlers that write to a terminal; they are known by now."""
    loggers = map(logging.getLogger, ("", "alembic", "flask_migrate", *TOLD_BY_REPORTS))
    for handler in (each for logger in loggers for each in logger.handlers):
        if is_terminal(getattr(handler, "stream", None)):
            handler.addFilter(_is_news)
    return True


def is_terminal(stream: Any) -> bool:
    """Whether *stream* is one; what an app puts in its place may not know."""
    ask = getattr(stream, "isatty", None)
    return ask is not None and bool(ask())


def _is_news(record: logging.LogRecord) -> bool:
    return record.levelno > logging.INFO or record.name not in TOLD_BY_REPORTS
