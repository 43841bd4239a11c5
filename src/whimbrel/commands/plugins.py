"""What third-party comparators, registered with Alembic, find by themselves.

Packages such as alembic_utils register functions that compare things which are
no tables: views, functions, triggers.  They go on doing so.
"""

from __future__ import annotations

from alembic.autogenerate import compare
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.runtime.plugins import Plugin
from alembic.util import PriorityDispatcher


def third_party_operations(
    context: MigrationContext,
) -> tuple[ops.MigrateOperation, ...]:
    """Return the operations that comparators other than Alembic's own propose.

    They are called for the targets ``autogenerate`` and ``schema``, as Alembic
    calls them; see https://alembic.sqlalchemy.org/en/latest/api/autogenerate.html.
    """
    autogen = AutogenContext(context, autogenerate=False)
    autogen.comparators = _registered(context)
    found = ops.UpgradeOps([])
    dialect = context.dialect.name
    schemas = {None} if not context.opts.get("include_schemas") else _schemas(autogen)
    autogen.comparators.dispatch("autogenerate", qualifier=dialect)(autogen, found)
    autogen.comparators.dispatch("schema", qualifier=dialect)(autogen, found, schemas)
    return tuple(found.ops)


def _registered(context: MigrationContext) -> PriorityDispatcher:
    """Return the comparators that are registered, without Alembic's built-in ones."""
    comparators = compare.comparators.branch()
    names = context.opts.get("autogenerate_plugins") or ()
    others = [name for name in names if not name.lstrip("~").startswith("alembic.")]
    if any(not name.startswith("~") for name in others):
        Plugin.populate_autogenerate_priority_dispatch(comparators, others)
    return comparators


def _schemas(autogen: AutogenContext) -> set[str | None]:
    inspector = autogen.inspector
    names: set[str | None] = set(inspector.get_schema_names())
    names.discard("information_schema")
    names.discard(inspector.default_schema_name)
    return names | {None}
