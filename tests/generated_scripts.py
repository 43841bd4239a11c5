"""What the laws of generated scripts share: databases, and scripts for them."""

import types
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations import ops
from mako.template import Template
from sqlalchemy.pool import StaticPool

import whimbrel
from models_of_all_sorts import create_all
from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.plan.build import build
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.dialect import dialect_of
from whimbrel.schema.diff import diff
from whimbrel.schema.renames import firm_names, parse_renames, rename_all
from whimbrel.schema.scope import Scope
from whimbrel.script.render import render
from whimbrel.script.save import Part, _variables


TEMPLATE = Path(whimbrel.__file__).parent / "script/templates/generic/script.py.mako"
OPTIONS = {
    "render_as_batch": True,
    "sqlalchemy_module_prefix": "sa.",
    "alembic_module_prefix": "op.",
    "user_module_prefix": None,
    "render_item": None,
    "transactional_ddl": True,
}


EVERYTHING = Scope()


@contextmanager
def database(metadata=None):
    """Give a connection to a database in memory, with the tables of *metadata*."""
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as connection:
        if metadata is not None:
            create_all(metadata, connection)
            connection.commit()
        yield connection
    engine.dispose()


@dataclass(frozen=True)
class Generated:
    """A script, and the two states between which it leads."""

    current: object
    wanted: object
    changes: tuple
    body: object
    source: str

    @property
    def module(self):
        module = types.ModuleType("script")
        exec(compile(self.source, "script.py", "exec"), module.__dict__)
        return module


def generated(connection, metadata, *renames, scope=EVERYTHING):
    """Return the script that leads from what *connection* has to *metadata*."""
    current = read_state(connection, scope)
    named = parse_renames(renames)
    renamings, renamed = rename_all(current, named)
    models = firm_names(read_models([metadata], connection, scope), named)
    wanted = adopt_names(models, renamed)
    changes = renamings + diff(renamed, wanted)
    plan = build(changes, current, wanted, dialect_of(connection))
    context = MigrationContext.configure(connection, opts=dict(OPTIONS))
    body = render(
        ops.UpgradeOps([step.operation for step in plan.upgrade]),
        ops.DowngradeOps([step.operation for step in plan.downgrade]),
        AutogenContext(context, autogenerate=False),
    )
    return Generated(current, wanted, changes, body, _source(body))


def _source(body):
    part = Part(upgrade_token="upgrades", downgrade_token="downgrades", body=body)
    return _template().render(
        message="change the models",
        up_revision="abc",
        down_revision=None,
        branch_labels=None,
        depends_on=None,
        create_date="today",
        **_variables((part,), ()),
    )


@cache
def _template():
    return Template(filename=str(TEMPLATE))


def differences(connection, wanted, scope=EVERYTHING):
    """Return what still lies between a database and a state, names adopted."""
    found = read_state(connection, scope)
    return diff(found, adopt_names(wanted, found))
