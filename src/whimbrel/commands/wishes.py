"""What a user may ask of ``migrate`` and ``check`` beyond Alembic's options."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a user may ask of ``migrate`` and ``check`` beyond Alembic's options.

    Args:
        rename: renames to take as such, ``old:new`` (see the guide).
        no_rename: nothing was renamed but what *rename* says.
        fill: values for the rows of new NOT NULL columns, ``table.column=value``.
        fill_sql: the same as SQL, ``table.column=expression``.
        drop: names, or patterns of names, to drop although no script of the history
            speaks of them, or although most of the tables are among them.
        allow_loss: what is lost is meant; the script says so beside the operation.
        server_defaults: what is new gets the models' Python defaults as its own.
        no_input: ask nothing, even on a terminal.
        must_be_at_head: refuse where the database is not at the history's head.
        rename_constraints: let a naming convention rename what is there.
        is_proved: run the script on a scratch database before handing it over.
        is_kept: leave a script that fails its proof where it is.
        takes_all: in a first script, take the tables that the models lack too.
        ignores_stamp: the database may stand at a revision that no script carries.
        is_written: a script comes of it, so that what is unsure must be decided.
    """

    rename: tuple[str, ...] = ()
    no_rename: bool = False
    fill: tuple[str, ...] = ()
    fill_sql: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    allow_loss: bool = False
    server_defaults: bool = False
    no_input: bool = False
    rename_constraints: bool = False
    is_proved: bool = True
    must_be_at_head: bool = False
    is_kept: bool = False
    takes_all: bool = False
    ignores_stamp: bool = False
    is_written: bool = True


def wishes_of(words: dict[str, Any]) -> Wishes:
    """Take the wishes out of the options of a command, one for each field.

    Two options have names of their own: ``keep`` and ``no_proof``.
    """
    said = {"is_kept": words.pop("keep", False)}
    said["is_proved"] = not words.pop("no_proof", False)
    for field in fields(Wishes):
        if field.name in words:
            value = words.pop(field.name)
            is_one = isinstance(field.default, tuple) and isinstance(value, str)
            said[field.name] = (value,) if is_one else _frozen(value)
    return Wishes(**said)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def is_named(name: str, patterns: Collection[str]) -> bool:
    """Whether a name was given, by itself or by a pattern such as ``old_*``."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)
