"""The garbage collector, kept from walking the process while a state is made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector from walking the process meanwhile.

    A state of 1,000 tables is 100,000 objects that all stay; looking for garbage
    among them, and among the models, would take longer than the reading.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
