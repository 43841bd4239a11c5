"""Databases that Alembic has no implementation for: they get that of their kin."""

from __future__ import annotations

from alembic.ddl.impl import DefaultImpl, _impls
from sqlalchemy.engine import Dialect


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
