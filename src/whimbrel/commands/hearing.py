"""What is heard of a run: told at once if somebody listens, kept for the report."""

from __future__ import annotations

import json
from typing import Any

from alembic.config import Config

from whimbrel.commands.preflight import Lookout, Precautions
from whimbrel.report.progress_line import ProgressLine
from whimbrel.report.report import Line, Report, Tone
from whimbrel.run.event import Event, Tell


NOTHING_TO_DO = Line("Nothing to do: the database is there already.", Tone.DIM)

STEPS = ("upgrade", "downgrade", "stamp")
"""The kinds of events that tell of a script that is done."""


class Hearing:
    """Hears the lines and the events of one run.

    Args:
        config: the project's configuration; its attribute ``tell`` listens.
        precautions: what is to be looked at before the run.
        hears: a listener of the caller's.
        is_silent: the run writes SQL, and has nothing else to tell.
        is_verbose: tell each operation.
    """

    def __init__(
        self,
        config: Config,
        precautions: Precautions,
        hears: Tell,
        *,
        is_silent: bool,
        is_verbose: bool = False,
    ) -> None:
        self.hears = hears
        self.is_silent = is_silent
        self.is_verbose = is_verbose
        self.precautions = precautions
        is_told = not (is_silent or precautions.is_json)
        self._tell = config.attributes.get("tell") if is_told else None
        self._bottom: ProgressLine | None = config.attributes.get("progress")
        self._lines: list[Line] = []
        self._events: list[Event] = []
        self.lookout = Lookout(config, precautions, self.say)

    def say(self, line: Line) -> None:
        """Take a line."""
        self._lines.append(line)
        if self._tell is not None:
            self._tell(line)

    def hear(self, event: Event) -> None:
        """Take an event.

        What is not done yet is shown and not kept. If all begins once more, so does
        what is kept.
        """
        self.hears(event)
        is_shown_only = event.progress is not None or event.kind == "operation"
        if is_shown_only and not self.is_verbose:
            if self._bottom is not None:
                self._bottom.show(event.text)
            return
        if self._bottom is not None:
            self._bottom.hide()
        if event.kind == "again":
            self._events.clear()
            self._lines.clear()
        self._events.append(event)
        self.say(_line(event))

    @property
    def report(self) -> Report:
        """What there is to tell in the end."""
        data: dict[str, Any] = {
            "steps": [
                {"kind": each.kind, "revision": each.revision, "seconds": each.seconds}
                for each in self._events
                if each.kind in STEPS
            ],
            "notices": [each.text for each in self._events if each.kind == "notice"],
            **self.lookout.data,
        }
        if self.is_silent:
            return Report(data=data)
        findings = self.lookout.findings
        fails = any(each.is_certain_failure for each in findings)
        code = int(fails and self.precautions.is_only_shown)
        if self.precautions.is_json:
            text = json.dumps(data, indent=2, ensure_ascii=False)
            return Report(
                lines=(Line(text),), data=data, findings=findings, exit_code=code
            )
        lines = () if self._tell is not None else tuple(self._lines)
        is_due = self.precautions.is_only_shown and "pending" in data
        if not data["steps"] and not is_due:
            lines = (*lines, NOTHING_TO_DO)
        return Report(lines=lines, data=data, findings=findings, exit_code=code)


def _line(event: Event) -> Line:
    if event.kind in ("notice", "again"):
        return Line(event.text, Tone.WARN)
    tone = Tone.DIM if event.kind == "operation" else Tone.GOOD
    return Line(f"{event.text} ({event.seconds:.2f} s)", tone)
