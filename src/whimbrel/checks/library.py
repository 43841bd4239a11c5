"""The checks as a library: a plan and a database in, findings out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import chain

from alembic.operations import ops
from sqlalchemy.engine import Connection, Engine

from whimbrel.catalog.read import read_state
from whimbrel.checks.outlook import Foreseen, Foresight
from whimbrel.checks.preflight import preflight
from whimbrel.checks.rule import RULES, Finding
from whimbrel.errors import UsageError
from whimbrel.plan.step import Plan, one_by_one
from whimbrel.schema.scope import Scope


def check(
    plan: Plan | Iterable[ops.MigrateOperation],
    target: Connection | Engine,
    *,
    silenced: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Return what *plan* will meet on the rows of *target*, the worst first.

    Nothing is changed there.

    Args:
        plan: what is to be done: a plan, of which the upgrade counts, or Alembic's
            operations, those of tables one by one or in ``ModifyTableOps``.
        target: the database; the transaction of a connection goes on as it was.
        silenced: the codes that are of no interest, ``W203`` for one.

    Raises:
        UsageError: no rule has a code that is to be silenced.
    """
    unknown = sorted(set(silenced) - set(RULES))
    if unknown:
        raise UsageError(
            f"No rule has the code {', '.join(unknown)}.",
            f"The codes are {', '.join(RULES)}.",
        )
    if isinstance(target, Engine):
        with target.connect() as connection:
            return check(plan, connection, silenced=silenced)
    if isinstance(plan, Plan):
        plan = [step.operation for step in plan.upgrade]
    operations = tuple(Foreseen(operation=each) for each in one_by_one(plan))
    spoken_of = (_schemas_of(each.operation) for each in operations)
    schemas = tuple(dict.fromkeys((None, *chain.from_iterable(spoken_of))))
    state = read_state(target, Scope(schemas=schemas))
    found = preflight([Foresight(operations=operations)], state, target)
    return tuple(each for each in found if each.code not in silenced)


def _schemas_of(operation: ops.MigrateOperation) -> Iterable[str | None]:
    """Return the schemas that *operation* names."""
    if isinstance(operation, ops.CreateForeignKeyOp):
        kw = operation.kw
        return (kw.get("source_schema"), kw.get("referent_schema"))
    return (getattr(operation, "schema", None),)
