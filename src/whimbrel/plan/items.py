"""What SQLAlchemy and Alembic want to be given: texts, and arguments of constraints."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError
from sqlalchemy.sql.elements import TextClause

from whimbrel.schema.state import (
    Computed,
    Exclusion,
    ExclusionPart,
    ForeignKey,
    Identity,
)


STRING = re.compile(r"'(?:[^']|'')*'")
BIND = re.compile(r"(?<![:\w\\]):(\w+)(?![:\w])")
ESCAPED = re.compile(r"\\(:\w*(?![:\w]))")


def text(sql: str) -> TextClause:
    r"""Return *sql* as SQLAlchemy's text, in which ``:name`` is no parameter.

    The escapes (``\:name``) are part of ``.text``, as a script must write them.
    """
    return sa.text(BIND.sub(r"\\:\1", ESCAPED.sub(r"\\\\\1", sql)))


MADE_WITH: dict[str, Callable[[dict[str, Any]], Any]] = {
    "table": lambda said: sa.Table("t", sa.MetaData(), **said),
    "index": lambda said: sa.Index("i", **said),
    "unique constraint": lambda said: sa.UniqueConstraint(**said),
}
"""What can have a word of one dialect's that the installed SQLAlchemy may lack."""


@lru_cache(maxsize=256)
def has_word(kind: str, word: str) -> bool:
    """Whether SQLAlchemy takes *word*, such as ``sqlite_strict``, for such a thing."""
    try:
        MADE_WITH[kind]({word: None})
    except ArgumentError:
        return False
    return True


def identity_item(identity: Identity) -> sa.Identity:
    """Return what makes a column an identity column."""
    said: dict[str, Any] = {
        each.name: each.value == "on" if each.name == "cycle" else int(each.value)
        for each in sorted(identity.options)
    }
    return sa.Identity(always=identity.is_always, **said)


def computed_item(computed: Computed) -> sa.Computed:
    """Return what makes a column a generated one."""
    return sa.Computed(text(computed.expression.text), persisted=computed.is_stored)


def excluded(part: ExclusionPart) -> tuple[Any, str]:
    """Return a part of an exclusion constraint, and its operator."""
    if part.column is not None:
        return sa.column(part.column), part.operator
    return text(str(part.expression)), part.operator


def exclusion_arguments(exclusion: Exclusion) -> dict[str, Any]:
    """Return what an exclusion constraint says beside its parts."""
    said: dict[str, Any] = {"using": exclusion.using}
    if exclusion.where is not None:
        said["where"] = text(exclusion.where.text)
    return said


def key_arguments(key: ForeignKey) -> dict[str, Any]:
    """Return what a foreign key says beside its columns, and would not hold anyway."""
    said = {
        "onupdate": key.on_update,
        "ondelete": key.on_delete,
        "deferrable": key.deferrable or None,
        "initially": "DEFERRED" if key.initially_deferred else None,
        "match": key.match,
    }
    return {name: value for name, value in said.items() if value is not None}
