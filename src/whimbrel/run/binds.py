"""The one bind that a command is about, and scripts that are older than a bind."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import RevisionStep
from sqlalchemy.exc import DBAPIError

from whimbrel.errors import Unreachable, UsageError


log = logging.getLogger("alembic.runtime.migration")

DEFAULT = "default"
"""What the database without a bind is called by those who name it."""

MORE_DATABASES = (
    "For several databases, put the env.py and script.py.mako that `init --multidb`"
    " makes in another folder in the place of those here; the scripts stay."
)


class ChosenBind:
    """The one database that a command is about, among those that env.py goes through.

    Args:
        wanted: the name of its bind; None if the command is about all of them.
    """

    def __init__(self, wanted: str | None) -> None:
        self.wanted = wanted
        self.seen: list[str] = []
        self.is_named = False

    @classmethod
    def of(cls, config: Config) -> ChosenBind:
        """Return the one that ``--bind`` names."""
        return cls(config.attributes.get("bind"))

    def takes(self, bind: object) -> bool:
        """Whether something is to be done on a database.

        Args:
            bind: how env.py calls it; None where it calls it nothing, because it goes
                through one database.

        Raises:
            UsageError: env.py goes through several and does not name them.
        """
        if self.wanted is None:
            return True
        if bind is None and self.seen:
            raise UsageError(
                "env.py goes through several databases and does not say which is which,"
                f" so that nobody can tell the bind {self.wanted!r}.",
                "Let it call context.run_migrations(engine_name=...) with each name.",
            )
        self.is_named = self.is_named or bind is not None
        self.seen.append(str(bind or DEFAULT))
        return self.seen[-1] == self.wanted

    @contextmanager
    def reached(self) -> Iterator[None]:
        """Tell of an env.py that connects also to what the command leaves out.

        Raises:
            Unreachable: one of those cannot be reached.
        """
        try:
            yield
        except DBAPIError as cause:
            if self.wanted is None or self.wanted in self.seen or cause.statement:
                raise
            raise Unreachable(
                f"env.py connects to every bind before --bind {self.wanted} can leave"
                f" any out, and one of them cannot be reached: {cause.orig}",
                "Let env.py connect to the one that it runs for. The env.py that `init"
                " --multidb` makes does so: put it in the place of yours.",
            ) from cause

    def demand(self) -> None:
        """Refuse a name that none of them has.

        Raises:
            UsageError: there is no such bind here.
        """
        if self.wanted is None or self.wanted in self.seen:
            return
        if not self.is_named:
            raise UsageError(
                "The scripts here are for one database, the default one; the bind"
                f" {self.wanted!r} is not theirs.",
                f"Leave --bind out. {MORE_DATABASES}",
            )
        raise UsageError(
            f"There is no bind {self.wanted!r} here; there are {', '.join(self.seen)}.",
            f"Name one of them, for instance --bind {self.seen[-1]}.",
        )


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
