"""A script that was just written is run on a scratch database, up and down."""

from __future__ import annotations

from dataclasses import dataclass

from alembic.operations import ops
from alembic.script import Script

from whimbrel.commands.generate import Target
from whimbrel.report.report import Line, Tone, describe_changes
from whimbrel.run.replay import prove
from whimbrel.schema.changes import Change


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Whether a script does what it should, and what it does wrong."""

    line: Line
    holds: bool
    differences: tuple[Line, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Planned:
    """Which directions of a script the project's hooks left as they were planned."""

    upgrade: bool
    downgrade: bool


CHANGED = "runs (a hook changed it)"


def prove_script(
    script: Script, directive: ops.MigrationScript, target: Target
) -> Proof:
    """Run *script* on the scratch database of *target*, up and down.

    A script whose operations were changed by a hook of the project is told of, and
    kept whatever it does: the hook may know what the models do not say.
    """
    suffix = _function_suffix(target.upgrade_token)
    upgrade, downgrade = f"upgrade{suffix}", f"downgrade{suffix}"
    if not hasattr(script.module, upgrade):
        return _left_out(f"the script has no function {upgrade}()")
    place = _place(directive, target.upgrade_token)
    planned = Planned(
        upgrade=place is not None
        and target.is_as_planned(directive.upgrade_ops_list[place]),
        downgrade=place is not None
        and target.is_back_as_planned(directive.downgrade_ops_list[place]),
    )
    comparison = target.comparison
    start = comparison.start
    try:
        verdict = prove(
            script.module,
            comparison.scratch,
            start,
            comparison.goal if planned.upgrade else None,
            comparison.scope,
            upgrade=upgrade,
            downgrade=downgrade,
        )
    except Exception as cause:  # whatever a script raises, the proof has failed
        return _failed(f"the script does not run: {cause}", (), planned)
    return _told(verdict.upgrade, verdict.downgrade, planned)


def _told(
    upgrade: tuple[Change, ...], downgrade: tuple[Change, ...], planned: Planned
) -> Proof:
    if upgrade:
        return _failed("after the upgrade the database still lacks:", upgrade, planned)
    if downgrade and planned.downgrade:
        what = "after the downgrade the database still lacks:"
        return _failed(what, downgrade, planned)
    reached = "reaches the models" if planned.upgrade else CHANGED
    returned = "leads back" if planned.downgrade or not downgrade else CHANGED
    text = (
        f"Proof: on a scratch database the upgrade {reached}, the downgrade {returned}."
    )
    return Proof(line=Line(text, Tone.GOOD), holds=True)


def _failed(what: str, changes: tuple[Change, ...], planned: Planned) -> Proof:
    """Return that the proof failed, which a hook of the project may have meant."""
    told = describe_changes(changes)
    if planned.upgrade and planned.downgrade:
        line = Line(f"Proof failed: {what}", Tone.BAD)
        return Proof(line=line, holds=False, differences=told)
    line = Line(f"Proof: a hook of the project changed the script; {what}", Tone.WARN)
    return Proof(line=line, holds=True, differences=told)


def _left_out(why: str) -> Proof:
    return Proof(line=Line(f"Proof: left out, {why}.", Tone.WARN), holds=True)


def _place(directive: ops.MigrationScript, token: str) -> int | None:
    """Return where the operations of a database stand in the lists of a script."""
    for place, container in enumerate(directive.upgrade_ops_list):
        if container.upgrade_token == token:
            return place
    return None


def _function_suffix(token: str) -> str:
    """Return what follows ``upgrade`` in the name of the function of a database.

    The multidb templates of Alembic and Flask-Migrate write ``upgrade_<name>()``
    for the token ``<name>_upgrades``, and ``upgrade()`` for ``upgrades``.
    """
    name = token.removesuffix("upgrades")
    return f"_{name.removesuffix('_')}" if name else ""
