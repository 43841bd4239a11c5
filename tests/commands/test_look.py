"""The commands that only look say what Alembic's say, and leave no trace."""

import json
import sqlite3
from io import StringIO

import pytest
from alembic import command
from alembic.util import CommandError, DatabaseNotAtHead

from histories import HISTORIES, LINEAR, config_of, write_history
from whimbrel.commands import look
from whimbrel.errors import NotAtHead, UnknownRevision, UsageError
from whimbrel.script.history import History


STAMPS = {
    "empty": (),
    "linear": ("bbbb",),
    "branched": ("cccc", "dddd"),
    "merged": ("dddd",),
    "several bases": ("2222", "bbbb"),
    "depending": ("3333",),
    "ids that are not hex": ("0.36.0",),
}


@pytest.fixture(params=HISTORIES)
def config(request, tmp_path):
    """A drawn history, and a database that stands somewhere in it."""
    folder = write_history(tmp_path / "migrations", HISTORIES[request.param])
    _stamp(tmp_path / "app.db", *STAMPS[request.param])
    return config_of(folder)


def _stamp(path, *revisions):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        for revision in revisions:
            connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
    connection.close()


def _printed(verb, config, **options):
    config.stdout = StringIO()
    getattr(command, verb)(config, **options)
    return config.stdout.getvalue()


LOOKS = [
    ("history", {}),
    ("history", {"verbose": True}),
    ("history", {"indicate_current": True}),
    ("history", {"verbose": True, "indicate_current": True}),
    ("history", {"rev_range": "base:heads"}),
    ("history", {"rev_range": ":"}),
    ("heads", {}),
    ("heads", {"verbose": True}),
    ("heads", {"resolve_dependencies": True}),
    ("heads", {"verbose": True, "resolve_dependencies": True}),
    ("branches", {}),
    ("branches", {"verbose": True}),
    ("show", {"rev": "heads"}),
    ("show", {"rev": "base"}),
    ("show", {"rev": "current"}),
]


@pytest.mark.parametrize(("verb", "options"), LOOKS)
def test_lines_are_alembics(verb, options, config):
    """
    Every command that looks tells what Alembic prints, character for character.
    """
    report = getattr(look, verb)(config, **options)

    assert report.text == _printed(verb, config, **options)
    assert report.exit_code == 0


@pytest.mark.parametrize("verbose", [False, True])
def test_current_is_alembics(verbose, config):
    """
    `current` tells what Alembic prints; several scripts in the order of their files.
    """
    report = look.current(config, verbose=verbose)
    printed = _printed("current", config, verbose=verbose)

    assert sorted(report.text.splitlines()) == sorted(printed.splitlines())
    if len(report.data["databases"][0]["current"]) < 2:
        assert report.text == printed


RANGES = [
    *("bbbb:", ":bbbb", "aaaa:cccc", "bbbb:current", "base:current", "current:"),
    *("current:cccc", "aaaa:head", ":bbb", "bbbb:+1"),
]


@pytest.mark.parametrize("rev_range", RANGES)
def test_ranges_are_alembics(rev_range, tmp_path):
    """
    A range of the history is the one that Alembic takes, `current` included.
    """
    config = config_of(write_history(tmp_path / "migrations", LINEAR))
    _stamp(tmp_path / "app.db", "bbbb")

    for options in ({}, {"indicate_current": True}, {"verbose": True}):
        printed = _printed("history", config, rev_range=rev_range, **options)
        assert look.history(config, rev_range, **options).text == printed


def test_environment_runs_when_the_settings_ask_for_it(tmp_path):
    """
    With `revision_environment`, `history` runs the env.py, as Alembic's does.
    """
    folder = write_history(tmp_path / "migrations", LINEAR)
    config = config_of(folder, revision_environment="true")
    (folder / "env.py").write_text(
        (folder / "env.py").read_text() + "\nopen(__file__ + '.ran', 'w').close()\n"
    )

    assert look.history(config).text == _printed("history", config_of(folder))
    assert (folder / "env.py.ran").exists()


def test_a_look_leaves_no_trace(tmp_path):
    """
    Looking at a database that was never migrated makes no table in it.
    """
    config = config_of(write_history(tmp_path / "migrations", LINEAR))
    sqlite3.connect(tmp_path / "app.db").close()

    look.current(config)
    look.show(config, "current")
    look.history(config, indicate_current=True)
    look.history(config, "base:current")

    with sqlite3.connect(tmp_path / "app.db") as connection:
        assert connection.execute("SELECT * FROM sqlite_schema").fetchall() == []
    connection.close()


def test_current_can_demand_the_heads(tmp_path):
    """
    With check_heads, a database that is behind is refused and one at head is not.
    """
    config = config_of(write_history(tmp_path / "migrations", LINEAR))
    _stamp(tmp_path / "app.db", "bbbb")

    with pytest.raises(
        NotAtHead, match="Database is not on all head revisions"
    ) as caught:
        look.current(config, check_heads=True)
    assert isinstance(caught.value, DatabaseNotAtHead)
    assert "is at bbbb, the scripts lead to cccc" in str(caught.value)
    assert "`whimbrel upgrade heads`" in caught.value.remedy

    with sqlite3.connect(tmp_path / "app.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'cccc'")
    connection.close()
    assert look.current(config, check_heads=True).text == "cccc (head)\n"


def test_a_password_stays_where_it_is(tmp_path):
    """
    The URL that `current -v` tells has no password in it.
    """
    folder = write_history(tmp_path / "migrations", LINEAR)
    (folder / "env.py").write_text(
        "from alembic import context\n"
        "from sqlalchemy import create_engine, make_url\n"
        "engine = create_engine('sqlite://')\n"
        "engine.url = make_url('postgresql://me:secret@there/x')\n"
        "with engine.connect() as connection:\n"
        "    context.configure(connection=connection)\n"
        "    context.run_migrations()\n"
    )

    report = look.current(config_of(folder), verbose=True)

    assert report.text == "Current revision(s) for postgresql://me:***@there/x:\n"


def test_a_stamp_that_no_script_carries_is_told(tmp_path):
    """
    A database that stands at a lost revision: its name, and what to do.
    """
    config = config_of(write_history(tmp_path / "migrations", LINEAR))
    config.attributes["program"] = "flask db"
    _stamp(tmp_path / "app.db", "1234abcd")

    with pytest.raises(UnknownRevision) as caught:
        look.show(config, "current")
    assert "Can't locate revision identified by '1234abcd'" in str(caught.value)
    assert "`flask db repair`" in caught.value.remedy
    told = look.current(config)
    assert 1 == told.exit_code
    assert told.text.startswith("1234abcd (no script carries it)\n")
    assert caught.value.sentence in told.text


@pytest.mark.parametrize("rev_range", ["aaaa", "a:b:c", ""])
def test_what_is_no_range_is_refused(rev_range, tmp_path):
    """
    A range needs its two ends, and the error says how to write one.
    """
    config = config_of(write_history(tmp_path / "migrations", LINEAR))

    with pytest.raises(UsageError, match="History range requires") as caught:
        look.history(config, rev_range)
    assert isinstance(caught.value, CommandError)


def test_data_is_for_programs(config):
    """
    What a report tells to people it has as plain data too.
    """
    data = json.loads(json.dumps(look.history(config).data))

    assert [each["revision"] for each in data["revisions"]] == [
        line.split(" -> ")[1].split(",")[0].split(" ")[0]
        for line in _printed("history", config).splitlines()
    ]


def test_current_heads_are_the_stamps(config):
    """
    current_heads gives the scripts that the database is stamped with.
    """
    history = History.from_config(config)
    stamps = [script.revision for script in look.current_heads(config, history)]

    shown = _printed("show", config, rev="current").splitlines()
    assert stamps == [line.split()[1] for line in shown if line.startswith("Rev: ")]


def test_templates_are_listed(config):
    """
    The templates are Alembic's list, in order, and the example is for the program.
    """
    config.attributes["program"] = "alembic"

    told, printed = look.list_templates(config).text, _printed("list_templates", config)

    assert sorted(told.splitlines()) == sorted(printed.splitlines())
    assert told.index("async") < told.index("generic") < told.index("multidb")


def test_templates_of_others_need_no_example(config, tmp_path):
    """
    A folder of other templates is listed without an example that would not work.
    """
    (tmp_path / "mine" / "shop").mkdir(parents=True)
    (tmp_path / "mine" / "shop" / "README").write_text("For a shop.\nMore.\n")
    config.get_template_directory = lambda: str(tmp_path / "mine")

    assert look.list_templates(config).text == (
        "Available templates:\n\nshop - For a shop.\n"
    )
