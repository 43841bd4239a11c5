"""The line at the bottom of a terminal that tells how far a run is."""

from __future__ import annotations

import shutil
from typing import TextIO

from whimbrel.report.once import is_terminal


_ERASED = "\r\x1b[K"


class ProgressLine:
    """A line on a terminal; what is shown next takes its place.

    Args:
        stream: where it is shown, if that is a terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = is_terminal(stream)
        self._is_shown = False

    def show(self, text: str) -> None:
        """Show *text* in the place of what was shown."""
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"{_ERASED}{text[:width]}")
            self._stream.flush()
            self._is_shown = True

    def hide(self) -> None:
        """Leave nothing behind."""
        if self._is_shown:
            self._stream.write(_ERASED)
            self._stream.flush()
            self._is_shown = False
