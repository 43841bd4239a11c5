"""The text of a script that is to follow another one than it did."""

from __future__ import annotations

import re

from whimbrel.errors import HistoryError


def reparented(text: str, path: str, before: str | None, after: str) -> str:
    """Return *text*, which follows *before*, as that of a script that follows *after*.

    Its docstring is told too, where it says what it revises.

    Args:
        text: the script.
        path: its file, for errors.
        before: the revision that it follows; None if it is a first script.
        after: the revision that it is to follow.

    Raises:
        HistoryError: it does not say plainly what it follows.
    """
    value = (
        "None" if before is None else rf"(?P<quote>['\"]){re.escape(before)}(?P=quote)"
    )
    line = re.compile(
        rf"^(?P<start>down_revision\b[^=\n]*=[ \t]*){value}", re.MULTILINE
    )
    if len(line.findall(text)) != 1:
        raise HistoryError(
            f"The script {path} does not say plainly that it follows"
            f" {before or 'nothing'}.",
            f'Write `down_revision = "{after}"` into it by hand.',
            path=path,
        )
    text = line.sub(lambda match: f'{match["start"]}"{after}"', text)
    revises = rf"^Revises:[ \t]*{re.escape(before or '')}[ \t]*$"
    return re.sub(revises, f"Revises: {after}", text, count=1, flags=re.MULTILINE)
