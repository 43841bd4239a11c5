"""The order of the scripts: what must be true of it, and the walks along it.

No two scripts carry one id, none follows one that is not there, no circle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from graphlib import CycleError, TopologicalSorter
from operator import or_
from typing import Any, Literal

from alembic.script import Script
from alembic.script.revision import Revision, RevisionError, RevisionMap
from alembic.util import to_tuple

from whimbrel.script.refusals import (
    RefusedCircle,
    RefusedDuplicate,
    RefusedLabel,
    RefusedRevision,
)


def refuse_disorder(scripts: Sequence[Script], directory: str, program: str) -> None:
    """Raise an error of ours if *scripts* are no history.

    Args:
        scripts: all that there are.
        directory: the folder that they are in, for the remedy.
        program: what the user types, for the remedy.

    Raises:
        DuplicateRevision: two carry one id.
        HistoryError: two carry one branch label.
        UnknownRevision: one follows or needs a revision that is not there.
        CyclicHistory: they follow each other in a circle.
    """
    by_id = {script.revision: script for script in scripts}
    if len(by_id) < len(scripts):
        raise _duplicate(scripts)
    by_name = _with_labels(scripts, by_id)
    before = {}
    for script in scripts:
        followed = _followed(script)
        for name in followed:
            if name not in by_name:
                raise _stranger(script, name, directory, program)
        before[script.revision] = [by_name[name].revision for name in followed]
    _refuse_circles(before, by_id)


def _followed(script: Script) -> tuple[str, ...]:
    """Return the names of all that must run before *script*."""
    followed: tuple[str, ...] = script._versioned_down_revisions
    if script.dependencies:
        followed += to_tuple(script.dependencies, default=())
    return followed


def _duplicate(scripts: Sequence[Script]) -> RefusedDuplicate:
    counts = Counter(script.revision for script in scripts)
    revision = next(each for each, count in counts.items() if count > 1)
    paths = tuple(each.path for each in scripts if each.revision == revision)
    return RefusedDuplicate(
        f"Revision {revision} is present more than once: {' and '.join(paths)}.",
        "Give one of them another id, and write it into what follows it, or take the "
        "file that is not needed out of the folder.",
        revision=revision,
        paths=paths,
    )


def _with_labels(
    scripts: Sequence[Script], by_id: Mapping[str, Script]
) -> dict[str, Script]:
    """Return *scripts* by their ids and by the labels of their branches."""
    by_name = dict(by_id)
    for script in scripts:
        for label in script.branch_labels:
            if label in by_name:
                raise RefusedLabel(
                    f"Branch name '{label}' in revision {script.revision} already used "
                    f"by revision {by_name[label].revision}.",
                    f"Write another label into {script.path}.",
                    label=label,
                    path=script.path,
                )
            by_name[label] = script
    return by_name


def _stranger(
    script: Script, name: str, directory: str, program: str
) -> RefusedRevision:
    kind = "depends_on"
    if name in script._versioned_down_revisions:
        kind = "down_revision"
    return RefusedRevision(
        f"Can't locate revision identified by '{name}': it is the {kind} of "
        f"{script.revision} ({script.path}), but no script in {directory} carries it.",
        f"`{program} repair` looks for it in git and in the ledgers, and shows its plan"
        f" before it changes anything. If it is nowhere, mend the {kind}.",
        revision=name,
        path=script.path,
    )


def _refuse_circles(
    before: Mapping[str, Sequence[str]], by_id: Mapping[str, Script]
) -> None:
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        raise RefusedCircle(
            f"Cycle is detected in revisions: {' -> '.join(circle)}.",
            "Mend the down_revision or depends_on of one of these: "
            f"{', '.join(by_id[each].path for each in circle[1:])}.",
            revisions=tuple(circle),
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of several lines of a history, from where they part to its head.

    Args:
        head: where it ends.
        only: the revisions that no other side has, the latest first.
    """

    head: str
    only: tuple[str, ...]


class Graph(RevisionMap):
    """Alembic's map of the revisions, with the same answers in less time.

    Two of its walks start anew from every revision, which takes seconds in a
    history of thousands with branches; these look at each revision once.
    """

    def _filter_into_branch_heads(
        self, targets: Iterable[Revision | Literal["base"] | None]
    ) -> set[Revision | Literal["base"] | None]:
        """Return those of *targets* that no other one of them follows."""
        candidates = set(targets)
        followed = {
            self._revision_map[name]
            for each in candidates
            if isinstance(each, Revision)
            for name in each._versioned_down_revisions
        }
        return candidates.difference(
            self._get_ancestor_nodes(followed, include_dependencies=False)
        )

    def stamp_of_all(self) -> set[str]:
        """Return what the stamp of a database holds that has all scripts.

        A head that another script depends on stands behind that one, and not in it.
        """
        return set(self._real_heads)

    def sides(self, heads: Iterable[str]) -> tuple[Side, ...]:
        """Return what each of *heads* has that no other one of them has."""
        before = {head: self.ids_before(head) for head in heads}
        return tuple(
            Side(
                head=head,
                only=tuple(
                    each
                    for each in self._topological_sort(
                        [self._script(each) for each in own], [self._script(head)]
                    )
                    if each in own
                ),
            )
            for head, ids in before.items()
            for own in [ids.difference(*(before[o] for o in before if o != head))]
        )

    def parting(self, heads: Iterable[str]) -> tuple[str, ...]:
        """Return the last revisions that all of *heads* follow, if there are any."""
        shared = set.intersection(*(self.ids_before(head) for head in heads))
        passed = {
            each
            for one in shared
            for each in self._script(one)._normalized_down_revisions
        }
        return tuple(self._in_order(shared - passed))

    def ids_before(self, revision: str) -> set[str]:
        """Return the ids of *revision* and of all that must run before it."""
        nodes = self._get_ancestor_nodes([self._script(revision)])
        return {each.revision for each in nodes}

    def _parse_upgrade_target(
        self, current_revisions: Any, target: Any, assert_relative_length: bool
    ) -> tuple[Any, ...]:
        """Return what *target* stands for; Alembic lets ``abcd+99`` stand for None."""
        targets = super()._parse_upgrade_target(
            current_revisions, target, assert_relative_length
        )
        if not all(isinstance(each, Revision) for each in targets):
            raise RevisionError(f"Relative revision {target} didn't produce a revision")
        return targets

    def _topological_sort(
        self, revisions: Collection[Revision], heads: Any
    ) -> list[str]:
        """Return the ids of *revisions*, each before all that it follows.

        Where several orders are possible it is Alembic's: one line is followed down
        as far as no other one needs to come first.
        """
        todo = {each.revision for each in revisions}
        tips = self._in_order({each.revision for each in heads} & todo)
        is_ancestor = _Ancestry(self)
        sorted_ids: list[str] = []
        at = 0
        while tips:
            tip = tips[at]
            blocking = (
                place
                for place, other in enumerate(tips)
                if place != at and is_ancestor(tip, other)
            )
            first = next(blocking, None)
            if first is not None:
                at = first
                continue
            sorted_ids.append(tip)
            todo.remove(tip)
            below = [
                each
                for each in self._script(tip)._normalized_down_revisions
                if each in todo and each not in tips
            ]
            tips[at : at + 1] = below[:1]
            tips += below[1:]
            if not below:
                at = max(at - 1, 0)
        if todo:
            raise RevisionError(
                f"No way leads from {_told(heads)} to {', '.join(sorted(todo))}"
            )
        return sorted_ids

    def _in_order(self, ids: Collection[str]) -> list[str]:
        """Return *ids* in the order in which their scripts were read."""
        if len(ids) < 2:  # noqa: PLR2004  # nothing to order
            return list(ids)
        return [each for each in self._revision_map if each in ids and each]

    def _script(self, revision: str) -> Revision:
        script = self._revision_map[revision]
        assert script is not None
        return script


def _told(revisions: Iterable[Revision]) -> str:
    return ", ".join(sorted(each.revision for each in revisions)) or "the base"


class _Ancestry:
    """Tells whether one revision comes before another; reads the graph at most once.

    The ancestors of a revision are the bits of an integer: thousands of revisions
    need thousands of short operations, where sets would need millions of entries.
    """

    def __init__(self, graph: RevisionMap) -> None:
        self._graph = graph

    def __call__(self, before: str, after: str) -> bool:
        """Return whether *before* is an ancestor of *after*."""
        return bool(self._masks[after] & self._bits[before])

    @cached_property
    def _bits(self) -> dict[str, int]:
        before = {
            each.revision: each._normalized_down_revisions
            for each in self._graph._revision_map.values()
            if each is not None
        }
        order = TopologicalSorter(before).static_order()
        return {revision: 1 << place for place, revision in enumerate(order)}

    @cached_property
    def _masks(self) -> dict[str, int]:
        masks: dict[str, int] = {}
        for revision, bit in self._bits.items():
            script = self._graph._revision_map[revision]
            assert script is not None
            below = (masks[each] for each in script._normalized_down_revisions)
            masks[revision] = reduce(or_, below, bit)
        return masks
