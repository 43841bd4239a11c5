"""The laws of script/save.py and of the templates: one content, one file."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import alembic
import black
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate.api import AutogenContext
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import ops

from whimbrel import script as scripts
from whimbrel.errors import ConfigError
from whimbrel.plan.build import build
from whimbrel.plan.spelled import Spelled
from whimbrel.plan.step import BatchOptions, TableOps
from whimbrel.schema.changes import ColumnChange, TableChange
from whimbrel.schema.state import Column, Table, TableName, Type
from whimbrel.script.history import History
from whimbrel.script.render import render
from whimbrel.script.save import Part, message_of, save


TEMPLATES = Path(scripts.__file__).parent / "templates"
ALEMBICS = Path(alembic.__file__).parent / "templates"
RUFF = Path(sys.executable).parent / "ruff"
PREFIXES = {
    "sqlalchemy_module_prefix": "sa.",
    "alembic_module_prefix": "op.",
    "user_module_prefix": None,
    "render_as_batch": True,
}


def config_of(folder, template, **settings):
    """
    Return the settings of a project that has only a folder for scripts.
    """
    (folder / "versions").mkdir(exist_ok=True)
    (folder / "script.py.mako").write_text(
        (template / "script.py.mako").read_text(encoding="utf-8")
    )
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("databases", "one, two")
    for name, value in settings.items():
        config.set_main_option(name, value)
    return config


def part(upgrade, downgrade, name=""):
    with sa.create_engine("sqlite://").connect() as connection:
        found = MigrationContext.configure(connection, opts=dict(PREFIXES))
        found.opts.update(PREFIXES)
        context = AutogenContext(found, autogenerate=False)
        body = render(ops.UpgradeOps(upgrade), ops.DowngradeOps(downgrade), context)
    return Part(
        upgrade_token=f"{name}upgrades", downgrade_token=f"{name}downgrades", body=body
    )


def saved(config, *parts, message="what it does", rev_id=None, changes=(), **said):
    directive = ops.MigrationScript(
        rev_id or "0123456789ab",
        ops.UpgradeOps([]),
        ops.DowngradeOps([]),
        message=message,
        **said,
    )
    directive.head = directive.head or "head"
    history = History.from_config(config)
    return save(
        directive, parts, changes, history, {"config": config}, has_made_id=not rev_id
    )


def table(name, *types):
    columns = [sa.Column(f"a{n}", each) for n, each in enumerate(types)]
    return ops.CreateTableOp(name, columns)


NOTHING = part([], [])
A_TABLE = part([table("t", sa.Integer(), sa.String(9))], [ops.DropTableOp("t")])
DROP_ONLY = part([ops.DropTableOp("t")], [table("t", sa.DateTime())])
BLOCK = TableOps(
    "t",
    [ops.CreateUniqueConstraintOp("uq", "t", ["a0", "a1"])],
    batch=BatchOptions(unnamed=("uq",)),
)
ODD = part(
    [table("t", Spelled("ODD"), sa.dialects.sqlite.JSON(), Spelled("EVEN(2)")), BLOCK],
    [ops.DropTableOp("t"), BLOCK],
)
ALONE = part([ops.DropTableOp("a")], [ops.DropTableOp("b")])
PARTS = {
    "a table": A_TABLE,
    "a drop": DROP_ONLY,
    "types of its own": ODD,
    "no types at all": ALONE,
}
OUR_TEMPLATES = ["generic", "async", "pyproject", "pyproject_async"]


@pytest.mark.parametrize("template", OUR_TEMPLATES)
@pytest.mark.parametrize("content", PARTS.values(), ids=PARTS)
def test_no_tool_changes_a_script_or_complains(tmp_path, template, content):
    """
    black and `ruff format` leave a new script alone, `ruff check` says
    nothing: no import is missing, none is unused.
    """
    config = config_of(tmp_path, TEMPLATES / template)
    one = saved(config, content)
    two = saved(config, content, rev_id="second")

    for script in (one, two):
        text = Path(script.path).read_text()
        assert text == black.format_str(text, mode=black.Mode())
        for words in (["format", "--check"], ["check"]):
            done = subprocess.run(
                [RUFF, *words, "--isolated", "--no-cache", script.path],
                capture_output=True,
                text=True,
                check=False,
            )
            assert not done.returncode, f"{done.stdout}\n{text}"


def test_no_tool_changes_a_script_for_several_databases(tmp_path):
    """
    The same holds where a script has functions for each database.
    """
    config = config_of(tmp_path, TEMPLATES / "multidb")
    parts = [part(*OPERATIONS, name="one_"), part([], [], name="two_")]

    script = saved(config, *parts)

    text = Path(script.path).read_text()
    assert "def upgrade_one():" in text
    assert "def downgrade_two():\n    pass\n" in text
    assert text == black.format_str(text, mode=black.Mode())
    command_line = [RUFF, "check", "--isolated", "--no-cache", script.path]
    assert not subprocess.run(command_line, check=False).returncode


OPERATIONS = ([table("t", sa.Integer(), Spelled("ODD"))], [ops.DropTableOp("t")])


def older_templates():
    found = [ALEMBICS / name for name in ("generic", "async", "pyproject")]
    peer = find_spec("flask_migrate")
    if peer is not None:
        found.append(Path(peer.origin).parent / "templates" / "flask")
    return found


@pytest.mark.parametrize("template", older_templates(), ids=lambda path: path.name)
def test_templates_of_others_get_all_that_a_script_needs(tmp_path, template):
    """
    A script written with a template of Alembic's or Flask-Migrate's runs
    under plain Alembic, types of its own and all.
    """
    config = config_of(tmp_path, template)
    content = part(
        [table("t", sa.Integer(), Spelled("ODD(7)"), sa.dialects.sqlite.JSON())],
        [ops.DropTableOp("t")],
    )
    saved(config, content)
    (tmp_path / "env.py").write_text(
        "from alembic import context\n"
        "context.configure(connection=context.config.attributes['connection'])\n"
        "with context.begin_transaction():\n"
        "    context.run_migrations()\n"
    )

    with sa.create_engine("sqlite://").connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        columns = connection.exec_driver_sql("PRAGMA table_info(t)").all()
        assert ["INTEGER", "ODD(7)", "JSON"] == [each.type for each in columns]
        command.downgrade(config, "base")
        assert not sa.inspect(connection).has_table("t")


def test_the_same_content_gives_the_same_file(tmp_path):
    """
    The id is made from the content: twice the same in two places, another
    one for other content, and never one that is taken.
    """
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    configs = [config_of(folder, TEMPLATES / "generic") for folder in folders]
    one, two = (saved(config, A_TABLE) for config in configs[:2])
    other = saved(configs[2], DROP_ONLY)

    assert one.revision == two.revision != other.revision
    lines = [Path(script.path).read_text().splitlines() for script in (one, two)]
    different = [a for a, b in zip(*lines, strict=True) if a != b]
    assert all(line.startswith("Create Date: ") for line in different)
    again = saved(configs[0], A_TABLE, head="base", splice=True)
    assert one.revision != again.revision


def test_an_id_that_was_asked_for_is_kept(tmp_path):
    """
    --rev-id, or a hook of the project, says what the id is.
    """
    config = config_of(tmp_path, TEMPLATES / "generic")

    assert "mine" == saved(config, A_TABLE, rev_id="mine").revision


def test_a_message_that_was_asked_for_is_kept(tmp_path):
    """
    What a user says stands in the script, quotes and backslashes and all.
    """
    config = config_of(tmp_path, TEMPLATES / "generic")

    message = '"quoted" C:\\new and """more""" é'
    script = saved(config, A_TABLE, message=message)
    text = Path(script.path).read_text(encoding="utf-8")

    assert script.module.__doc__.startswith(f"{message}\n")
    assert "quoted_c_new_and_more_é" in Path(script.path).name
    assert text == black.format_str(text, mode=black.Mode())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "message", ["\\d", 'a "', '\\"', '"', '""', '""""', "\\", '\\"""']
)
def test_any_message_can_be_all_of_a_docstring(tmp_path, message):
    """
    A project's own template may say nothing but the message there.
    """
    config = config_of(tmp_path, TEMPLATES / "generic")
    template = Path(tmp_path, "script.py.mako")
    head, _, others = template.read_text().partition("${message}")
    _, _, rest = others.partition("${create_date}\n")
    template.write_text(f"{head}${{message}}{rest}")

    assert saved(config, A_TABLE, message=message).module.__doc__ == message


USER = Table(name=TableName("user"))
NICK = Column(name="nick", type=Type("TEXT"))
COLUMNS = [
    ColumnChange(
        table=USER.name, before=None, after=Column(name=f"n{n}", type=Type("TEXT"))
    )
    for n in range(20)
]
MESSAGES = [
    ([TableChange(before=None, after=USER)], "add table user"),
    (
        [
            ColumnChange(table=USER.name, before=None, after=NICK),
            ColumnChange(table=USER.name, before=NICK, after=None),
        ],
        "add user.nick, drop user.nick",
    ),
    ([], ""),
]


@pytest.mark.parametrize(("changes", "message"), MESSAGES)
def test_a_message_tells_the_changes(changes, message):
    """
    Who gives no message gets one that says what is done.
    """
    assert message == message_of(changes)


def test_a_message_stays_short():
    """
    Of many changes, the first are told and the others counted.
    """
    message = message_of(COLUMNS)

    assert len(message) < 90
    assert message.endswith("more")


@pytest.mark.parametrize(
    ("settings", "pattern"),
    [
        ({}, "[0-9][0-9][0-9][0-9]_[0-9][0-9]_[0-9][0-9]_[0-9]*-mine_what_it_does.py"),
        ({"file_template": "%%(rev)s"}, "mine.py"),
    ],
)
def test_a_file_is_called_by_its_date_unless_the_project_says_otherwise(
    tmp_path, settings, pattern
):
    """
    A project without settings has files that stand in the order of time.
    """
    config = config_of(tmp_path, TEMPLATES / "generic", **settings)

    saved(config, A_TABLE, rev_id="mine")

    [path] = (tmp_path / "versions").glob("*.py")
    assert path.match(pattern)


def test_imports_of_a_hook_reach_the_script(tmp_path):
    """
    What process_revision_directives adds to `imports` is written too.
    """
    config = config_of(tmp_path, TEMPLATES / "generic")

    script = saved(config, A_TABLE, imports={"import uuid"})

    assert "\nimport uuid\n" in Path(script.path).read_text()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    """
    The message names the place, and nothing is left behind.
    """
    config = config_of(tmp_path, TEMPLATES / "generic")
    (tmp_path / "versions").rmdir()
    (tmp_path / "versions").write_text("a file stands in the way")

    with pytest.raises(ConfigError) as caught:
        saved(config, A_TABLE)

    assert str(tmp_path) in str(caught.value)


def test_the_plan_of_changes_becomes_a_script(tmp_path):
    """
    From changes to a file, with nothing but the rooms in between.
    """
    from whimbrel.schema.dialect import Dialect
    from whimbrel.schema.state import State

    after = Table(name=TableName("t"), columns=(NICK,))
    changes = (TableChange(before=None, after=after),)
    wanted = State(tables=frozenset([after]))
    plan = build(changes, State(), wanted, Dialect("sqlite"))
    steps = [[step.operation for step in way] for way in (plan.upgrade, plan.downgrade)]

    script = saved(
        config_of(tmp_path, TEMPLATES / "generic"),
        part(*steps),
        message=None,
        changes=changes,
    )

    assert "add table t" == script.doc
    assert hasattr(script.module, "upgrade")
