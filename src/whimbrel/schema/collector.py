"""The garbage collector, kept from walking the process while a state is made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


FEW = 100
"""So many objects may be frozen without anybody having asked for it."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector from walking the process meanwhile.

    A state of 1,000 tables is 100,000 objects that all stay; looking for garbage
    among them, and among the models, would take longer than the reading.  They are
    called old at the end, which costs nothing, so that the next look at what is
    young does not walk them either.  Where an app has frozen its objects, to share
    them with processes that it forks, they are left so.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled and gc.get_freeze_count() < FEW:
            gc.freeze()
            gc.unfreeze()
        if was_enabled:
            gc.enable()
