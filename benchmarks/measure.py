"""How we measure: alternating runs, medians, and tables that tell both sides."""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of a table: what was measured, theirs and ours in seconds."""

    what: str
    theirs: float
    ours: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.theirs / self.ours


def alternating(
    theirs: Callable[[], object], ours: Callable[[], object], rounds: int
) -> tuple[float, float]:
    """Run both *rounds* times in turns, after one to warm up; return both medians."""
    theirs(), ours()
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        pair = ((theirs, times[0]), (ours, times[1]))
        for run, into in pair if number % 2 == 0 else reversed(pair):
            into.append(seconds(run))
    return statistics.median(times[0]), statistics.median(times[1])


def seconds(run: Callable[[], object]) -> float:
    """Return how long *run* takes."""
    gc.collect()
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def table(title: str, rows: list[Row], theirs: str, unit: str = "ms") -> str:
    """Return *rows* as a table for the terminal."""
    scale = {"s": 1, "ms": 1000}[unit]
    lines = [f"\n{title}", f"{'':<34}{theirs:>16}{'whimbrel':>14}{'ratio':>10}"]
    for row in rows:
        lines.append(
            f"{row.what:<34}{row.theirs * scale:>13,.1f} {unit}"
            f"{row.ours * scale:>11,.1f} {unit}{row.ratio:>9.1f}x"
        )
    return "\n".join(lines)


def in_fresh_interpreter(
    script: str, *words: str, env: Mapping[str, str] | None = None
):
    """Run a file of ours with *words* in an interpreter of its own; return its JSON."""
    done = subprocess.run(
        [sys.executable, script, *words],
        capture_output=True, text=True, check=False, env=env,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])
