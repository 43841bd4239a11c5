"""A hook may ask operations for their opposites, as those of Alembic can be asked."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.operations import ops

from commands.test_hooks import ENV, TEMPLATE
from histories import config_of, write_history
from whimbrel.catalog.read import read_state
from whimbrel.commands import database, scripts
from whimbrel.errors import ConfigError
from whimbrel.schema.scope import Scope


class Project:
    """Models that become others, and a database that follows them."""

    def __init__(self, folder, url):
        write_history(folder, ())
        (folder / "env.py").write_text(ENV)
        (folder / "script.py.mako").write_text(TEMPLATE)
        self.config = config_of(folder)
        self.config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
        self.url = url

    def follow(self, models, hook=None):
        """Write the script to *models*, run it, and return it."""
        metadata = sa.MetaData()
        models(metadata)
        self.config.attributes["options"] = {
            "target_metadata": metadata,
            "process_revision_directives": hook,
        }
        report = scripts.revision(self.config, autogenerate=True)
        database.upgrade(self.config, "head")
        return Path(report.script_path).read_text()

    def state(self):
        """Return what the database holds."""
        engine = sa.create_engine(self.url)
        with engine.connect() as connection:
            state = read_state(connection, Scope())
        engine.dispose()
        return state


def reversing(_context, _revision, directives):
    """Write the way back from the operations, in each of the ways there are."""
    for script in directives:
        taken = ops.UpgradeOps(ops=list(script.upgrade_ops.ops))
        script.upgrade_ops.reverse_into(script.downgrade_ops)
        script.downgrade_ops = taken.reverse()


def moods(*values):
    def models(metadata):
        kind = sa.Enum(*values, name="mood")
        sa.Table(
            "person",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("mood", kind, server_default=values[0]),
        )

    return models


def account(kind, *items, more=(), **options):
    def models(metadata):
        sa.Table(
            "account",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("number", kind, *items, **options),
            *(sa.Column(name, sa.Integer) for name in more),
        )

    return models


def sequence(name):
    def models(metadata):
        sa.Sequence(name, metadata=metadata)

    return models


PAIRS = {
    "value": (moods("calm", "glad"), moods("calm", "glad", "sad")),
    "values": (moods("calm", "glad"), moods("glad", "wild")),
    "cast": (account(sa.Text), account(sa.Integer)),
    "not null": (
        account(sa.Integer),
        account(sa.Integer, nullable=False, server_default="7"),
    ),
    "serial": (
        account(sa.Integer),
        account(sa.Integer, sa.Identity(always=True), nullable=False),
    ),
    "sequence": (sequence("first"), sequence("second")),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_what_is_reversed_leads_back_on_postgresql(tmp_path, postgresql_url, pair):
    """
    The way back is what the plan has for it, statements and all.
    """
    leads_back(Project(tmp_path / "migrations", postgresql_url), *PAIRS[pair])


@pytest.mark.parametrize("pair", ["value", "values", "cast", "not null"])
def test_what_is_reversed_leads_back_on_mariadb(tmp_path, mariadb_url, pair):
    """
    The way back is what the plan has for it, statements and all.
    """
    leads_back(Project(tmp_path / "migrations", mariadb_url), *PAIRS[pair])


def leads_back(project, before, after):
    project.follow(before)
    start = project.state()

    script = project.follow(after, reversing)
    assert "whimbrel" not in script
    assert project.state() != start

    database.downgrade(project.config, "-1")
    assert project.state() == start


def two_tables(metadata):
    account(sa.Integer)(metadata)
    moods("calm", "glad")(metadata)


def two_tables_later(metadata):
    account(sa.BigInteger)(metadata)
    moods("calm", "wild")(metadata)


def test_what_a_hook_takes_out_is_not_undone(tmp_path, postgresql_url):
    """
    A hook that leaves a table alone undoes what it left of the rest.
    """

    def hook(_context, _revision, directives):
        upgrade = directives[0].upgrade_ops
        upgrade.ops = [
            each
            for each in upgrade.ops
            if getattr(each, "table_name", None) != "account"
        ]
        upgrade.reverse_into(directives[0].downgrade_ops)

    project = Project(tmp_path / "migrations", postgresql_url)
    project.follow(two_tables)
    start = project.state()

    script = project.follow(two_tables_later, hook)
    assert "account" not in script

    database.downgrade(project.config, "-1")
    assert project.state() == start


def test_what_a_hook_changed_is_undone_as_alembic_would(tmp_path, postgresql_url):
    """
    Of a table's operations some are taken out where they stand: the rest is undone.
    """

    def hook(_context, _revision, directives):
        for each in directives[0].upgrade_ops.ops:
            each.ops = [one for one in each.ops if isinstance(one, ops.AddColumnOp)]
        directives[0].upgrade_ops.reverse_into(directives[0].downgrade_ops)

    project = Project(tmp_path / "migrations", postgresql_url)
    project.follow(account(sa.Integer))

    added = account(sa.BigInteger, more=["more"])
    script = project.follow(added, hook)
    assert "add_column" in script
    assert "drop_column" in script
    assert "alter_column" not in script


def test_a_part_cannot_be_undone_by_itself(tmp_path, postgresql_url):
    """
    A hook that takes out a part of what belongs together is told so, in a sentence.
    """

    def hook(_context, _revision, directives):
        del directives[0].upgrade_ops.ops[0]
        directives[0].upgrade_ops.reverse_into(directives[0].downgrade_ops)

    project = Project(tmp_path / "migrations", postgresql_url)
    project.follow(moods("calm", "glad"))

    with pytest.raises(ConfigError, match="part of what is undone together") as caught:
        project.follow(moods("glad", "wild"), hook)
    assert "ALTER TYPE mood RENAME TO mood_old" in str(caught.value)


def test_a_statement_that_a_hook_words_anew_is_told(tmp_path, postgresql_url):
    """
    What nothing is known to undo any more is named.
    """

    def hook(_context, _revision, directives):
        for each in directives[0].upgrade_ops.ops:
            if isinstance(each, ops.ExecuteSQLOp):
                each.sqltext = f"{each.sqltext} "
        directives[0].upgrade_ops.reverse_into(directives[0].downgrade_ops)

    project = Project(tmp_path / "migrations", postgresql_url)
    project.follow(moods("calm", "glad"))

    with pytest.raises(ConfigError, match=r"undoes this by itself: ALTER TYPE mood"):
        project.follow(moods("glad", "wild"), hook)
