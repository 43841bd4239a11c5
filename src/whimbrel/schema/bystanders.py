"""What stands beside the tables of two databases and is not compared, if it differs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Bystander:
    """A view, a trigger, a routine or an event, and all that makes it what it is."""

    kind: str
    name: str
    text: str
    table: str | None = field(default=None, compare=False)
    """The table that it goes with, if it does and the reader tells."""

    def __str__(self) -> str:
        """Return what it is, and its name."""
        return f"{self.kind} {self.name}"


def told_bystanders(
    current: Iterable[Bystander], wanted: Iterable[Bystander]
) -> tuple[str, ...]:
    """Return in a sentence which of them differ, if some do."""
    old, new = ({str(each): each.text for each in side} for side in (current, wanted))
    found = {
        "only the first has": old.keys() - new.keys(),
        "only the second has": new.keys() - old.keys(),
        "different": {each for each in old if old[each] != new.get(each, old[each])},
    }
    told = [f"{how} {', '.join(sorted(found[how]))}" for how in found if found[how]]
    if not told:
        return ()
    return (f"Not compared, and left to scripts of your own: {'; '.join(told)}.",)
