"""A project's process_revision_directives has the last word on a script."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.operations import ops

from histories import HISTORIES, config_of, write_history
from whimbrel.commands import check, database, look, scripts
from whimbrel.commands.wishes import Wishes
from whimbrel.errors import (
    ConfigError,
    DifferencesFound,
    OnlookerInTheWay,
    SeveralHeads,
)


ENV = """
from alembic import context
from sqlalchemy import create_engine

config = context.config
engine = create_engine(config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection, **config.attributes["options"])
    with context.begin_transaction():
        context.run_migrations()
"""


@pytest.fixture
def project(tmp_path):
    """Makes a project with a history, one table in its models and a hook in env.py."""

    def make(history, hook=None, url=None):
        folder = write_history(tmp_path / "migrations", HISTORIES[history])
        (folder / "env.py").write_text(ENV)
        (folder / "script.py.mako").write_text(TEMPLATE)
        metadata = sa.MetaData()
        sa.Table("item", metadata, sa.Column("id", sa.Integer, primary_key=True))
        config = config_of(folder)
        if url is not None:
            config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
        config.attributes["options"] = {
            "target_metadata": metadata,
            "process_revision_directives": hook,
        }
        database.upgrade(config, "heads")
        return config

    return make


TEMPLATE = """
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
"""


def test_a_hook_adds_imports(project):
    """
    What a hook adds to the imports of a script stands at its top, once.
    """

    def hook(_context, _revision, directives):
        directives[0].imports.update({"import json", "import sqlalchemy as sa"})

    report = scripts.revision(project("linear", hook), autogenerate=True)

    lines = Path(report.script_path).read_text().splitlines()
    assert lines.count("import json") == 1

    later = scripts.revision(project("linear"), message="by hand")
    assert "import json" not in Path(later.script_path).read_text()


def test_a_hook_chooses_the_head(project):
    """
    Of several heads a hook may take one; without a hook the user is asked to.
    """

    def hook(_context, _revision, directives):
        directives[0].head = "eeee"

    config = project("branched", hook)
    report = scripts.revision(config, autogenerate=True)

    assert "down_revision = 'eeee'" in Path(report.script_path).read_text()


def test_several_heads_are_told_before_anything_is_compared(project):
    """
    Nothing is asked or compared for a script that has no place.
    """
    config = project("branched")
    config.attributes["options"]["include_object"] = pytest.fail

    with pytest.raises(SeveralHeads, match="please specify the head revision"):
        scripts.revision(config, autogenerate=True)


def test_a_hook_that_fails_is_named_with_what_was_found(project):
    """
    A hook that does not know an operation hides nothing of what there is to know.
    """

    def hook(_context, _revision, _directives):
        raise NotImplementedError("What is this?")

    config = project("linear", hook)

    for verb in (
        check.check,
        lambda config: scripts.revision(config, autogenerate=True),
    ):
        with pytest.raises(ConfigError) as caught:
            verb(config)
        told = str(caught.value)
        assert f"({__name__}.{hook.__qualname__}) failed" in told
        assert "NotImplementedError: What is this?" in told
        assert "+ table item (id)" in told


@pytest.mark.parametrize("is_filtered", [False, True])
def test_what_is_in_the_way_refuses_only_what_is_to_be_written(
    project, postgresql_url, is_filtered
):
    """
    A column may stay by the will of a hook; without one, check tells all differences.
    """

    def hook(_context, _revision, directives):
        if is_filtered:
            directives[0].upgrade_ops.ops.clear()
            directives[0].downgrade_ops.ops.clear()

    config = project("linear", hook, postgresql_url)
    script = Path(config.get_main_option("script_location"), "versions", "cccc_.py")
    script.write_text(f"{script.read_text()}# makes item.old\n")
    engine = sa.create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE item (id serial PRIMARY KEY, old text)"
        )
        connection.exec_driver_sql("CREATE VIEW v AS SELECT old FROM item")
    engine.dispose()

    if is_filtered:
        assert "The view v reads item.old" in check.check(config).text
        told = scripts.revision(config, autogenerate=True).text
        assert "No changes detected." in told
    else:
        with pytest.raises(
            DifferencesFound, match=r"- column item\.old: text"
        ) as caught:
            check.check(config)
        assert "The view v reads item.old" in str(caught.value)
        with pytest.raises(OnlookerInTheWay):
            scripts.revision(config, autogenerate=True)


def not_the_hidden(_object, name, _kind, _is_reflected, _other):
    return name != "hidden"


@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize(
    ("takes", "left"),
    [("all", ()), ("columns", (0,)), ("tables", (1,)), ("nothing", (0, 1))],
)
def test_what_a_hook_took_out_is_no_loss(project, rows, takes, left):
    """Of what the script no longer drops nothing is told, with rows or without."""

    def hook(_context, _revision, directives):
        operations = directives[0].upgrade_ops
        if takes == "all":
            directives[:] = []
        elif takes == "columns":
            directives[0].downgrade_ops.ops.clear()
            for each in operations.ops:
                if isinstance(each, ops.ModifyTableOps):
                    each.ops = []
        elif takes == "tables":
            operations.ops = [
                each for each in operations.ops if not isinstance(each, ops.DropTableOp)
            ]

    config = project("linear", hook)
    config.attributes["options"]["include_object"] = not_the_hidden
    engine = sa.create_engine(config.get_main_option("sqlalchemy.url"))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE old (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql(
            "CREATE TABLE item (id INTEGER PRIMARY KEY, old INTEGER, hidden INTEGER)"
        )
        if rows:
            connection.exec_driver_sql("INSERT INTO old VALUES (1)")
            connection.exec_driver_sql("INSERT INTO item (id, old) VALUES (1, 2)")
    wishes = Wishes(drop=("old", "item.old", "item.hidden"))
    report = scripts.revision(config, autogenerate=True, wishes=wishes)

    words = ("W101", "W102") if rows else ("Loss: old goes", "Loss: item.old goes")
    told = {each for each in words if each in report.text}
    assert told == {words[each] for each in left}
    assert "hidden goes" not in report.text


def test_a_hook_makes_several_scripts(project):
    """
    A program is told all the scripts that were written.
    """

    def hook(_context, _revision, directives):
        first = directives[0]
        other = ops.MigrationScript(
            "ffff", ops.UpgradeOps([]), ops.DowngradeOps([]), head=first.rev_id
        )
        directives.append(other)

    config = project("linear", hook)
    report = scripts.revision(config, autogenerate=True, rev_id="dddd")

    first, second = report.data["scripts"]
    assert "dddd" in first
    assert "ffff" in second
    assert report.script_path == report.data["scripts"][-1]


def test_several_scripts_of_a_hook_are_not_proved_one_by_one(project):
    """
    A script may need what the one before it made; that they were not proved is told.
    """

    def hook(_context, _revision, directives):
        whole = directives[0]
        later = ops.UpgradeOps([ops.CreateIndexOp("ix_id", "item", ["id"])])
        directives.append(
            ops.MigrationScript("ffff", later, ops.DowngradeOps([]), head=whole.rev_id)
        )

    config = project("linear", hook)
    report = scripts.revision(config, autogenerate=True, rev_id="dddd")

    assert "Proof: left out, a hook of the project made several scripts." in report.text
    database.upgrade(config, "head")


def test_a_hook_may_leave_the_way_back_out(project):
    """
    A downgrade that a hook took away need not lead back; the upgrade is still proved.
    """

    def hook(_context, _revision, directives):
        directives[0].downgrade_ops.ops.clear()

    report = scripts.revision(project("linear", hook), autogenerate=True)

    assert report.lines[-1].text == (
        "Proof: on a scratch database the upgrade reaches the models, the downgrade"
        " runs (a hook changed it)."
    )


def test_a_template_may_have_no_way_back(project):
    """
    Where the project's template has no downgrade(), the upgrade is proved, and it is said.
    """
    config = project("linear")
    template = Path(config.get_main_option("script_location"), "script.py.mako")
    template.write_text(TEMPLATE.partition("def downgrade")[0])

    report = scripts.revision(config, autogenerate=True)

    assert report.lines[-1].text == (
        "Proof: on a scratch database the upgrade reaches the models; there is no"
        " downgrade, for the template has none."
    )
    database.upgrade(config, "head")


def test_a_head_that_another_one_depends_on_is_applied_with_it(project):
    """
    A stamp does not hold a head that another one depends on; the database is at head.
    """
    config = project("depending")

    with pytest.raises(DifferencesFound, match="table item"):
        check.check(config)
    assert look.is_at_heads(config)
    look.current(config, check_heads=True)


def test_a_script_without_changes_has_no_made_message(project):
    """
    A message is made from changes; where nothing was compared there is none, as ever.
    """
    config = project("linear")
    config.set_main_option("revision_environment", "true")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")

    report = scripts.revision(config, rev_id="dddd")

    assert Path(report.script_path).name == "dddd_.py"
