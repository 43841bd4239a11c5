"""A report as a terminal shows it: in colours there, and plainly everywhere else."""

from __future__ import annotations

import io

from whimbrel.report.report import Report, Tone


_STYLES = {
    Tone.GOOD: "green",
    Tone.WARN: "yellow",
    Tone.BAD: "red",
    Tone.DIM: "dim",
}


def told(report: Report, *, is_terminal: bool = False) -> str:
    """Return *report* as text: exactly its lines, for a terminal with colours.

    Args:
        report: what there is to tell.
        is_terminal: the text goes to a terminal that shows colours.
    """
    if not is_terminal or all(line.tone is Tone.PLAIN for line in report.lines):
        return report.text
    return _coloured(report)


def _coloured(report: Report) -> str:
    # rich is slow to import, and a report without colours does well without it
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, highlight=False)
    for line in report.lines:
        text = Text(line.text, style=_STYLES.get(line.tone, ""))
        console.print(text, soft_wrap=True)
    return stream.getvalue()
