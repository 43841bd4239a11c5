"""Databases that Alembic has no implementation for: they get that of their kin."""

from __future__ import annotations

import sys
from typing import Any

from alembic.ddl.impl import DefaultImpl, _impls
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles


def let_alembic_know(dialect: Dialect) -> None:
    """Give *dialect* an implementation of DDL where Alembic knows none.

    Alembic ends with ``KeyError: 'duckdb'``, for instance; the manuals of such
    dialects tell to write a class of two lines in env.py, which wins over this one.
    The implementation is that of the dialect from which this one is made, or else
    the plain one.
    """
    if dialect.name in _impls:
        return
    kin = (vars(each).get("name") for each in type(dialect).__mro__)
    base = next((_impls[name] for name in kin if name in _impls), DefaultImpl)
    type("OfKin", (base,), {"__dialect__": dialect.name})
    _let_statements_be_written(base, dialect.name)


def _let_statements_be_written(base: type[DefaultImpl], name: str) -> None:
    """Let the statements of *base* be written for *name* as they are for its own.

    Who writes them is registered for one name, and those of kin have another.
    """
    for each in vars(sys.modules[base.__module__]).values():
        writers: Any = getattr(each, "_compiler_dispatcher", None)
        write = writers.specs.get(base.__dialect__) if writers is not None else None
        if write is not None and name not in writers.specs:
            compiles(each, name)(write)
