"""Puts a script at its place in the graph and on disk, with a name that tells.

The same changes give the same file: the id of a revision is made from what the
script says and follows, and the message, if nobody gives one, from the changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from alembic.operations import ops
from alembic.script import Script
from mako.template import Template

from whimbrel.errors import ConfigError, ended
from whimbrel.schema.changes import (
    Change,
    ColumnChange,
    ConstraintChange,
    EnumChange,
    FactsChange,
    FootingChange,
    IndexChange,
    SequenceChange,
    TableChange,
    ValueChange,
    told_as_renames,
)
from whimbrel.script.expression import within_docstring
from whimbrel.script.format import indented
from whimbrel.script.history import History
from whimbrel.script.imports import import_block
from whimbrel.script.render import ScriptBody


LONGEST_MESSAGE = 72
"""What of a message made from changes is told, the rest becomes a number."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a script does to one database, and where its template takes it.

    Args:
        upgrade_token: the template's variable for the body of the upgrade.
        downgrade_token: the template's variable for the body of the downgrade.
        body: both bodies, and what they import.
    """

    upgrade_token: str
    downgrade_token: str
    body: ScriptBody


def save(
    directive: ops.MigrationScript,
    parts: Iterable[Part],
    changes: Iterable[Change],
    history: History,
    template_args: Mapping[str, Any],
    *,
    has_made_id: bool,
) -> Script:
    """Write a script into its folder and return it.

    Args:
        directive: what the project's hooks left of the script: its message, its
            place in the graph, its id.
        parts: what it does, one for each database.
        changes: what it is for; a message is made from them if there is none.
        history: the scripts that are there.
        template_args: further variables for the template.
        has_made_id: the id of *directive* is a random one, which gives way to
            one made from the content.

    Raises:
        ConfigError: the folder cannot be written.
    """
    bodies = tuple(parts)
    message = directive.message
    if message is None and bodies:
        message = message_of(changes) or None
    rev_id = directive.rev_id
    if has_made_id and bodies:
        rev_id = _made_id(directive, bodies, message, history)
    assert rev_id is not None
    try:
        script = history.generate_revision(
            rev_id,
            message,
            refresh=True,
            head=directive.head,
            splice=directive.splice,
            branch_labels=directive.branch_label,
            version_path=directive.version_path,
            depends_on=directive.depends_on,
            **template_args,
            **_variables(bodies, directive.imports),
        )
    except OSError as cause:
        raise ConfigError(
            ended(
                f"The script cannot be written to {cause.filename}: {cause.strerror}"
            ),
            "Mend the permissions of the folder, then run the command again.",
        ) from cause
    assert script is not None
    note_heads(history)
    return script


HEAD_FILE = "head"
"""The file in a folder of scripts that names its heads, if the project wants one."""

HEAD_FILE_SAYS = """\
# The newest script. Two branches that each add one change this line, so that git
# shows the conflict when they meet; `rebase` or `merge` mend it. Delete this file
# if you do not want that.
"""


def note_heads(history: History, *, is_new: bool = False) -> None:
    """Write the heads into the file that names them, where there is one.

    Args:
        history: the scripts; they are read anew.
        is_new: make the file if it is not there.
    """
    file = Path(history.dir, HEAD_FILE)
    if file.is_file() or is_new:
        heads = "".join(f"{head}\n" for head in sorted(history.get_heads()))
        rewrite(str(file), f"{HEAD_FILE_SAYS}{heads}")


def noted_heads(history: History) -> frozenset[str] | None:
    """Return the heads that the file names; None if there is no such file."""
    file = Path(history.dir, HEAD_FILE)
    if not file.is_file():
        return None
    lines = map(str.strip, file.read_text(encoding="utf-8").splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


def write_again(path: str, text: str) -> None:
    """Write a script that was lost, as it was.

    Raises:
        ConfigError: there is a file of that name, or it cannot be written.
    """
    file = Path(path)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text if text.endswith("\n") else f"{text}\n")
    except OSError as cause:
        raise ConfigError(
            ended(f"The script cannot be written to {path}: {cause.strerror}"),
            "Move away what is there, or mend the permissions of the folder.",
        ) from cause


def rewrite(path: str, text: str) -> None:
    """Let the script at *path* say *text*, whole or not at all.

    Raises:
        ConfigError: it cannot be written.
    """
    file = Path(path)
    unfinished = file.with_name(f".{file.name}.part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(file)
    except OSError as cause:
        raise ConfigError(
            ended(f"The script {path} cannot be written: {cause.strerror}"),
            "Mend its permissions, then run the command again.",
        ) from cause


def _variables(parts: tuple[Part, ...], imports: Iterable[str]) -> dict[str, str]:
    """Return the variables of the template that hold what the script does.

    Every template writes the imports; so the classes that a script must carry
    stand behind them, with the blank lines that a class wants.
    """
    if not parts:
        return {}
    found: dict[str, str] = {}
    needed, classes = set(imports), set[str]()
    for part in parts:
        found[part.upgrade_token] = indented(part.body.upgrades).strip()
        found[part.downgrade_token] = indented(part.body.downgrades).strip()
        needed |= part.body.imports
        classes.update(part.body.preamble)
    block = import_block(needed)
    if classes:
        block = "\n\n\n".join([block, *sorted(classes), ""]).removesuffix("\n\n")
    found["imports"] = block
    return found


def _made_id(
    directive: ops.MigrationScript,
    parts: tuple[Part, ...],
    message: str | None,
    history: History,
) -> str:
    """Return an id made from what the script does, says and follows."""
    said = [repr(directive.head), *sorted(history.get_heads()), message or ""]
    for part in parts:
        said += [part.upgrade_token, part.body.upgrades, part.body.downgrades]
    known = {script.revision for script in history.walk_revisions()}
    number = 0
    while True:
        content = "\0".join([*said, str(number)]).encode()
        made = hashlib.sha256(content).hexdigest()[:12]
        if made not in known:
            return made
        number += 1


def message_of(changes: Iterable[Change]) -> str:
    """Return a message that tells what *changes* do, short enough for a file name.

    It is empty if there are none.
    """
    said = list(dict.fromkeys(_said(each) for each in told_as_renames(changes)))
    message = ""
    for number, words in enumerate(said):
        longer = f"{message}, {words}" if message else words
        if len(longer) > LONGEST_MESSAGE and message:
            return f"{message} and {len(said) - number} more"
        message = longer
    return message


def _said(change: Change) -> str:  # noqa: PLR0911  # one for each kind of change
    match change:
        case TableChange(before=before, after=after):
            return _verb("table", before and before.name, after and after.name)
        case (
            EnumChange(before=old, after=new)
            | SequenceChange(before=old, after=new)
            | FootingChange(before=old, after=new)
        ):
            return _verb(_kind(change), old and old.name, new and new.name)
        case ColumnChange(table=table, before=column, after=wanted):
            names = column and column.name, wanted and wanted.name
            return _verb("", *(name and f"{table}.{name}" for name in names))
        case ConstraintChange(table=table, before=key, after=wanted_key):
            kind = type(key or wanted_key).__name__.lower()
            kinds = {"primarykey": "primary key", "foreignkey": "foreign key"}
            place = f"{kinds.get(kind, kind)} of {table}"
            return _verb("", key and place, wanted_key and place)
        case IndexChange(before=index, after=wanted_index):
            old_name = index and index.name
            return _verb("index", old_name, wanted_index and wanted_index.name)
        case FactsChange(table=table):
            return f"change options of {table}"
        case ValueChange(table=name, column=column_name):
            return f"change values of {name}.{column_name}"


def _kind(change: EnumChange | SequenceChange | FootingChange) -> str:
    if isinstance(change, FootingChange):
        return change.kind
    return "enum" if isinstance(change, EnumChange) else "sequence"


def _verb(kind: str, before: object, after: object) -> str:
    """Return "add table user" and the like."""
    space = f"{kind} " if kind else ""
    if before is None:
        return f"add {space}{after}"
    if after is None:
        return f"drop {space}{before}"
    if before != after:
        return f"rename {space}{before} to {after}"
    return f"change {space}{after}"


def save_alone(path: Path, part: Part, message: str) -> None:
    """Write a script that stands at no place in any history.

    Raises:
        ConfigError: the file cannot be written.
    """
    made = "\0".join([message, part.body.upgrades, part.body.downgrades]).encode()
    template = Path(__file__).parent / "templates" / "generic" / "script.py.mako"
    try:
        text = Template(template.read_text(encoding="utf-8")).render_unicode(
            message=within_docstring(message or path.stem),
            up_revision=hashlib.sha256(made).hexdigest()[:12],
            down_revision=None,
            branch_labels=None,
            depends_on=None,
            create_date=datetime.now(timezone.utc).isoformat(" ", "seconds"),
            comma=", ".join,
            **_variables((part,), ()),
        )
        path.write_text(text, encoding="utf-8")
    except OSError as cause:
        raise ConfigError(
            ended(f"The script cannot be written to {path}: {cause.strerror}"),
            "Name a file in a folder that you may write to.",
        ) from cause
