"""A script that was just written is run on a scratch database, up and down."""

from __future__ import annotations

from dataclasses import dataclass

from alembic.operations import ops
from alembic.script import Script

from whimbrel.catalog.postgresql_anew import is_worded_anew
from whimbrel.commands.compare import Comparison
from whimbrel.commands.generate import Target
from whimbrel.commands.trial import Ground, NoGround
from whimbrel.errors import NoScratch
from whimbrel.report.report import Line, Tone, describe_changes
from whimbrel.run.replay import prove
from whimbrel.schema.apply import apply_all
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


@dataclass(frozen=True, kw_only=True)
class Functions:
    """The names of the two functions of a script, for one database.

    A template may leave the way back out.
    """

    upgrade: str
    downgrade: str | None


CHANGED = "runs (a hook changed it)"
NO_WAY_BACK = (
    "Proof: on a scratch database the upgrade reaches the models; there is no"
    " downgrade, for the template has none."
)


def prove_script(
    script: Script, directive: ops.MigrationScript, target: Target
) -> Proof:
    """Run *script* on the scratch database of *target*, up and down.

    A script whose operations were changed by a hook of the project is told of, and
    kept whatever it does: the hook may know what the models do not say.
    """
    functions = _functions(script, target.upgrade_token)
    if not hasattr(script.module, functions.upgrade):
        return _left_out(f"the script has no function {functions.upgrade}()")
    place = _place(directive, target.upgrade_token)
    planned = Planned(
        upgrade=place is not None
        and target.is_as_planned(directive.upgrade_ops_list[place]),
        downgrade=place is not None
        and target.is_back_as_planned(directive.downgrade_ops_list[place]),
    )
    match target.ground:
        case Ground() as ground:
            proof = _proved(script, functions, target.comparison, ground, planned)
            return _doubted(proof, ground) if ground.flaws else proof
        case NoGround(why=why, remedy=remedy):
            return _left_out(why, remedy)
        case None:
            return _left_out("there is nothing to run")


def _proved(
    script: Script,
    functions: Functions,
    comparison: Comparison,
    ground: Ground,
    planned: Planned,
) -> Proof:
    try:
        goal = apply_all(ground.start, comparison.changes)
        verdict = prove(
            script.module,
            ground.scratch,
            ground.start,
            goal if planned.upgrade else None,
            comparison.scope,
            upgrade=functions.upgrade,
            downgrade=functions.downgrade,
        )
    except NoScratch as cause:
        return _left_out(cause.sentence, cause.remedy)
    except Exception as cause:  # whatever a script raises, the proof has failed
        return _failed(f"the script does not run: {cause}", (), planned)
    made, scratch = comparison.changes, ground.scratch
    left, left_back = (
        tuple(each for each in found if not is_worded_anew(each, made, end, scratch))
        for found, end in ((verdict.upgrade, goal), (verdict.downgrade, ground.start))
    )
    left_back = tuple(each for each in left_back if each not in comparison.plan.left)
    if functions.downgrade is None and not left:
        return Proof(line=Line(NO_WAY_BACK, Tone.GOOD), holds=True)
    return _told(left, left_back, planned)


def _doubted(proof: Proof, ground: Ground) -> Proof:
    """Return *proof*, which tells little where the scratch database differs."""
    told = describe_changes(ground.flaws)
    said = "holds" if proof.holds else "does not hold"
    text = f"{proof.line.text} It {said} on a database that differs from yours:"
    line = Line(text, Tone.WARN)
    return Proof(line=line, holds=True, differences=(*proof.differences, *told))


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


def _left_out(why: str, remedy: str = "") -> Proof:
    line = Line(f"Proof: left out. {why[:1].upper()}{why[1:]}", Tone.WARN)
    told = (Line(remedy, Tone.WARN),) if remedy else ()
    return Proof(line=line, holds=True, differences=told)


def _place(directive: ops.MigrationScript, token: str) -> int | None:
    """Return where the operations of a database stand in the lists of a script."""
    for place, container in enumerate(directive.upgrade_ops_list):
        if container.upgrade_token == token:
            return place
    return None


def _functions(script: Script, token: str) -> Functions:
    suffix = _function_suffix(token)
    back = f"downgrade{suffix}"
    has_back = hasattr(script.module, back)
    return Functions(upgrade=f"upgrade{suffix}", downgrade=back if has_back else None)


def _function_suffix(token: str) -> str:
    """Return what follows ``upgrade`` in the name of the function of a database.

    The multidb templates of Alembic and Flask-Migrate write ``upgrade_<name>()``
    for the token ``<name>_upgrades``, and ``upgrade()`` for ``upgrades``.
    """
    name = token.removesuffix("upgrades")
    return f"_{name.removesuffix('_')}" if name else ""
