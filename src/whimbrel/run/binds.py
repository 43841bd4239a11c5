"""Scripts that are older than a bind: they have nothing to do for it."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any

from alembic.runtime.migration import RevisionStep


log = logging.getLogger("alembic.runtime.migration")


def for_each_bind(step: RevisionStep, run: Callable[..., Any]) -> Callable[..., Any]:
    """Return *run*, the function of a script, for binds that came after it too.

    A script with functions for other binds, or one of a time when there was only one
    database, says nothing of a later bind; that is told and passed over.
    """

    @functools.wraps(run)
    def call(**kw: Any) -> Any:
        bind = kw.get("engine_name")
        if not isinstance(bind, str):
            return run(**kw)
        is_for_one = not inspect.signature(run).parameters
        if (is_for_one and bind) or _lacks(step, bind):
            revision = getattr(step.revision, "revision", "")
            log.info("Revision %s has nothing for the bind %r", revision, bind)
            return None
        return run() if is_for_one else run(**kw)

    return call


def _lacks(step: RevisionStep, bind: str) -> bool:
    """Whether a script has functions for binds, and none for this one."""
    verb = "downgrade" if step.is_downgrade else "upgrade"
    names = vars(getattr(step.revision, "module", None) or type(step))
    has_some = any(name.startswith(f"{verb}_") for name in names)
    return has_some and f"{verb}_{bind}" not in names
