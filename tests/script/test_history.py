"""A history answers as Alembic's ScriptDirectory does, without importing a script."""

import subprocess
import sys
import warnings
from dataclasses import dataclass
from functools import partial

import pytest
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import Revision, RevisionMap
from alembic.util import CommandError
from hypothesis import given
from hypothesis import strategies as st

from histories import HISTORIES, LINEAR, Drawn, config_of, write_history
from whimbrel.errors import (
    BrokenScript,
    ConfigError,
    CyclicHistory,
    DuplicateRevision,
    HistoryError,
    NoMigrationsFolder,
    SeveralHeads,
    UnknownRevision,
)
from whimbrel.script.graph import Graph
from whimbrel.script.history import History


@pytest.fixture(params=HISTORIES)
def folder(request, tmp_path):
    return write_history(tmp_path / "migrations", HISTORIES[request.param])


def _ids(scripts):
    return [script and script.revision for script in scripts]


QUESTIONS = {
    "heads": lambda scripts: scripts.get_heads(),
    "heads with dependencies": lambda scripts: scripts.get_heads(True),
    "bases": lambda scripts: scripts.get_bases(),
    "base": lambda scripts: scripts.get_base(),
    "current head": lambda scripts: scripts.get_current_head(),
    "all": lambda scripts: _ids(scripts.walk_revisions()),
    "all told": lambda scripts: [str(each) for each in scripts.walk_revisions()],
    "upgrade from nothing": lambda scripts: [
        str(step) for step in scripts._upgrade_revs("heads", ())
    ],
    "downgrade": lambda scripts: [
        str(step)
        for step in scripts._downgrade_revs("base", tuple(scripts.get_heads()))
    ],
    "stamp": lambda scripts: [str(s) for s in scripts._stamp_revs("heads", ())],
    "stamp down": lambda scripts: [
        str(s) for s in scripts._stamp_revs("aaaa", tuple(scripts.get_heads()))
    ],
    "all current": lambda scripts: sorted(
        _ids(scripts.get_all_current(tuple(scripts.get_heads())))
    ),
}
SYMBOLS = (
    "head", "heads", "base", "bbbb", "bbb", "cccc-1", "aaaa+1", "head-1", "+1", "-1",
    "other@head", "other@base", "side@head", "other@-1", "side@+1", "alias@heads",
    "xyz", "a", "side", "aaaa:cccc", None,
)  # fmt: skip


@dataclass(frozen=True)
class Refused:
    """A question had no answer; Alembic may die of an assertion, we give a reason."""

    reason: str

    def says(self, other):
        return isinstance(other, Refused) and self.reason.startswith(other.reason)


def _answer(question, scripts):
    """Return what *scripts* answer, or how they refuse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return question(scripts)
    except Exception as refusal:
        return Refused(str(refusal).rstrip("."))


def _agree(ours, theirs):
    return ours.says(theirs) if isinstance(ours, Refused) else ours == theirs


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_answers_are_alembics(question, folder):
    """
    Whatever is asked of the graph, the answer is Alembic's.
    """
    ours = _answer(QUESTIONS[question], History(folder))
    theirs = _answer(QUESTIONS[question], ScriptDirectory(folder))

    assert _agree(ours, theirs), (ours, theirs)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_symbols_mean_what_they_mean_to_alembic(symbol, folder):
    """
    Partial ids, relative ids, labels: each finds what it finds in Alembic.
    """
    for question in (
        lambda scripts: _ids(scripts.get_revisions(symbol)),
        lambda scripts: scripts.get_revision(symbol).revision,
        lambda scripts: scripts.as_revision_number(symbol),
        lambda scripts: [str(s) for s in scripts._upgrade_revs(symbol, "aaaa")],
        lambda scripts: [
            str(s) for s in scripts._downgrade_revs(symbol, tuple(scripts.get_heads()))
        ],
        lambda scripts: _ids(scripts.iterate_revisions("heads", symbol)),
    ):
        ours = _answer(question, History(folder))
        theirs = _answer(question, ScriptDirectory(folder))
        assert _agree(ours, theirs), (ours, theirs)


@st.composite
def graphs(draw):
    """Revisions that follow one, several or none of those before, or depend on them."""
    ids = [f"r{number:03}" for number in range(draw(st.integers(1, 14)))]
    drawn = []
    for place, revision in enumerate(ids):
        before = st.sampled_from(ids[:place]) if place else st.nothing()
        few = st.lists(before, unique=True, max_size=3) if place else st.just([])
        down = tuple(draw(few))
        depends = tuple(each for each in draw(few) if each not in down)[:1]
        label = draw(st.none() | st.just(f"label_{place}"))
        drawn.append((revision, down or None, depends or None, label))
    return drawn


@given(graphs(), st.data())
def test_walks_are_alembics(graph, data):
    """
    In any graph the walks that look at each revision once give Alembic's answers.
    """
    made = []
    for kind in (RevisionMap, Graph):
        revisions = [
            Revision(name, down, dependencies=depends, branch_labels=label)
            for name, down, depends, label in graph
        ]
        made.append(kind(partial(iter, revisions)))
    theirs, ours = made
    some = st.sampled_from([revision for revision, *_ in graph])
    current = tuple(data.draw(st.lists(some, unique=True, max_size=3)))
    lower = data.draw(st.none() | some)

    for walk in (
        lambda map_: _ids(map_.iterate_revisions("heads", None)),
        lambda map_: _ids(map_.iterate_revisions("heads", lower, inclusive=True)),
        lambda map_: _ids(map_.iterate_revisions("heads", current, implicit_base=True)),
        lambda map_: _ids(
            map_.iterate_revisions(current, lower, select_for_downgrade=True)
        ),
        lambda map_: set(_ids(map_._get_all_current(current))),
    ):
        our_answer, their_answer = _answer(walk, ours), _answer(walk, theirs)
        is_refused = isinstance(their_answer, Refused)  # a reason may name sets
        assert isinstance(our_answer, Refused) if is_refused else True
        assert is_refused or our_answer == their_answer


def test_no_script_is_imported_to_know_the_graph(tmp_path):
    """
    A script runs when it is its turn and not before.
    """
    folder = write_history(tmp_path / "migrations", LINEAR)
    for path in (folder / "versions").iterdir():
        path.write_text(path.read_text() + "\nraise RuntimeError('imported')\n")
    history = History(folder)

    assert history.get_current_head() == "cccc"
    assert [each.doc for each in history.walk_revisions()] == ["what it does"] * 3
    assert "Parent: bbbb" in history.get_revision("cccc").log_entry
    with pytest.raises(BrokenScript, match="imported"):
        assert history.get_revision("aaaa").module


def test_the_module_of_a_script_is_the_imported_one(tmp_path):
    """
    A script given out is Alembic's Script in every respect, its module included.
    """
    folder = write_history(tmp_path / "migrations", LINEAR)

    script = History(folder).get_revision("bbbb")
    theirs = ScriptDirectory(folder).get_revision("bbbb")

    assert isinstance(script, Script)
    assert script.module.down_revision == "aaaa"
    assert callable(script.module.upgrade)
    assert script.module is script.module
    for fact in ("doc", "longdoc", "path", "log_entry", "is_head", "branch_labels"):
        assert getattr(script, fact) == getattr(theirs, fact)
    assert script.cmd_format(verbose=False) == theirs.cmd_format(verbose=False)


def test_only_what_alembic_takes_for_a_script_is_one(tmp_path):
    """
    Caches, editors' locks, packages and other files are no scripts.
    """
    versions = write_history(tmp_path / "migrations", LINEAR) / "versions"
    for name in (".#aaaa_.py", "__init__.py", "notes.txt", "x.py~", "x.pyc", "y.pyo"):
        (versions / name).write_text("not a script")
    for name in ("__pycache__", "deeper"):
        (versions / name).mkdir()
        (versions / name / "z.py").write_text("not a script")

    assert len(list(History(tmp_path / "migrations").walk_revisions())) == 3


PLACES = {
    "several folders": {"version_locations": "{0}/versions {0}/more"},
    "folders in folders": {"recursive_version_locations": "true"},
    "a separator": {
        "version_locations": "{0}/versions:{0}/more",
        "path_separator": ":",
    },
    "old separator": {
        "version_locations": "{0}/versions;{0}/more",
        "version_path_separator": ";",
    },
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scripts_are_found_where_the_settings_say(place, tmp_path):
    """
    Several folders, folders in folders, separators: as Alembic finds them.
    """
    more = "versions/2024" if place == "folders in folders" else "more"
    drawn = (*LINEAR, Drawn("dddd", "cccc", folder=more))
    folder = write_history(tmp_path / "migrations", drawn)
    config = config_of(
        folder, **{key: value.format(folder) for key, value in PLACES[place].items()}
    )

    ours = History.from_config(config)
    theirs = ScriptDirectory.from_config(config)

    assert ours.get_heads() == ["dddd"]
    assert [each.path for each in ours.walk_revisions()] == [
        each.path for each in theirs.walk_revisions()
    ]


def test_settings_come_from_pyproject_as_well(tmp_path):
    """
    [tool.alembic] in pyproject.toml is read as Alembic reads it.
    """
    write_history(tmp_path / "db", (*LINEAR, Drawn("dddd", "cccc", folder="more")))
    (tmp_path / "pyproject.toml").write_text(
        "[tool.alembic]\n"
        'script_location = "%(here)s/db"\n'
        'version_locations = ["%(here)s/db/versions", "%(here)s/db/more"]\n'
        'file_template = "x_%%(rev)s"\n'
        "truncate_slug_length = 7\n"
    )

    history = History.from_config(Config(toml_file=tmp_path / "pyproject.toml"))

    assert history.get_heads() == ["dddd"]
    assert history.file_template == "x_%(rev)s"
    assert history.truncate_slug_length == 7


def test_links_are_followed_and_a_file_is_read_once(tmp_path):
    """
    A script that is found by two ways is one script, with a warning.
    """
    folder = write_history(tmp_path / "migrations", LINEAR)
    (folder / "more").mkdir()
    (folder / "more" / "aaaa_.py").symlink_to(folder / "versions" / "aaaa_.py")
    history = History(folder, version_locations=[folder / "versions", folder / "more"])

    with pytest.warns(UserWarning, match="loaded twice"):
        assert history.get_heads() == ["cccc"]


def test_a_folder_without_sources_is_read(tmp_path):
    """
    With `sourceless`, compiled scripts are enough.
    """
    folder = write_history(tmp_path / "migrations", LINEAR)
    command = [sys.executable, "-m", "compileall", "-q", "-b", folder / "versions"]
    subprocess.run(command, check=True)
    (folder / "versions" / "aaaa_.py").unlink()
    (folder / "versions" / "bbbb_.py").unlink()

    for scripts in (ScriptDirectory, History):
        found = list(scripts(folder, sourceless=True).walk_revisions())
        assert _ids(found) == ["cccc", "bbbb", "aaaa"]


def test_an_env_py_may_choose_the_folders(tmp_path):
    """
    `context.script.version_locations = [...]` counts, even after a first look.
    """
    drawn = [
        Drawn("aaaa"),
        Drawn("1111", folder="other"),
        Drawn("2222", "1111", folder="other"),
    ]
    folder = write_history(tmp_path / "migrations", drawn)
    (folder / "env.py").write_text(
        "from pathlib import Path\n"
        "from alembic import context\n"
        "other = Path(__file__).parent / 'other'\n"
        "context.script.version_locations = [str(other)]\n"
    )
    config = config_of(folder)
    history = History.from_config(config)
    assert history.get_heads() == ["aaaa"]

    with EnvironmentContext(config, history):
        history.run_env()

    assert history.get_heads() == ["2222"]


def test_no_env_py_is_needed(tmp_path):
    """
    Without an env.py the default environment runs; with one it does not.
    """
    folder = write_history(tmp_path / "migrations", LINEAR)
    (folder / "env.py").write_text("import sys\nsys.modules['_test_env_ran'] = 1\n")
    calls = []
    config = config_of(folder)
    config.attributes["default_environment"] = lambda: calls.append("default")

    try:
        History.from_config(config).run_env()
        assert sys.modules.pop("_test_env_ran") == 1
    finally:
        sys.modules.pop("_test_env_ran", None)
    assert calls == []

    (folder / "env.py").unlink()
    History.from_config(config).run_env()
    assert calls == ["default"]


def test_a_new_script_joins_the_graph(tmp_path):
    """
    What generate_revision writes is the new head, its own id excepted nothing is new.
    """
    folder = write_history(tmp_path / "migrations", LINEAR)
    (folder / "script.py.mako").write_text(
        '"""${message}"""\nrevision = ${repr(up_revision)}\n'
        "down_revision = ${repr(down_revision)}\nbranch_labels = None\n"
    )
    history = History(folder, messaging_opts={"quiet": True})

    script = history.generate_revision("dddd", "more", head="head")
    assert script.path == str(folder / "versions" / "dddd_more.py")
    assert history.get_heads() == History(folder).get_heads() == ["dddd"]

    with pytest.raises(DuplicateRevision, match="bbbb") as caught:
        history.generate_revision("bbbb", "again", head="head")
    assert isinstance(caught.value, CommandError)
    assert len(list((folder / "versions").glob("*.py"))) == 4


BAD_HISTORIES = {
    "two with one id": (
        (*LINEAR, Drawn("bbbb", "aaaa", folder="versions/x")),
        DuplicateRevision,
        (
            "Revision bbbb is present more than once",
            "versions/x/bbbb_.py",
            "versions/bbbb_.py",
        ),
    ),
    "a circle": (
        (Drawn("aaaa", "cccc"), Drawn("bbbb", "aaaa"), Drawn("cccc", "bbbb")),
        CyclicHistory,
        ("Cycle is detected in revisions", "aaaa", "bbbb", "cccc"),
    ),
    "a circle above a base": (
        (*LINEAR, Drawn("dddd", ("aaaa", "eeee")), Drawn("eeee", "dddd")),
        CyclicHistory,
        ("dddd", "eeee"),
    ),
    "a circle of dependencies": (
        (*LINEAR, Drawn("1111", depends="2222"), Drawn("2222", "1111")),
        CyclicHistory,
        ("1111", "2222"),
    ),
    "one that follows itself": (
        (Drawn("aaaa", "aaaa"),),
        CyclicHistory,
        ("aaaa_.py follows itself",),
    ),
    "one that follows nobody there": (
        (*LINEAR, Drawn("eeee", "dddd")),
        UnknownRevision,
        (
            "Can't locate revision identified by 'dddd'",
            "down_revision of eeee",
            "eeee_.py",
        ),
    ),
    "one that needs nobody there": (
        (*LINEAR, Drawn("eeee", "cccc", depends="label")),
        UnknownRevision,
        ("Can't locate revision identified by 'label'", "depends_on of eeee"),
    ),
    "one label twice": (
        (*LINEAR, Drawn("1111", labels="x"), Drawn("2222", labels="x")),
        HistoryError,
        ("Branch name 'x' in revision 2222 already used by revision 1111",),
    ),
    "an id with a sign": ((Drawn("a-b"),), BrokenScript, ("a-b_.py", "not allowed")),
}


@pytest.mark.parametrize("case", BAD_HISTORIES)
def test_what_is_no_history_is_refused(case, tmp_path):
    """
    Scripts that form no history are refused whatever is asked: who, where, what to do.
    """
    drawn, error, said = BAD_HISTORIES[case]
    folder = write_history(tmp_path / "migrations", drawn)

    for question in (
        lambda history: history.get_heads(),
        lambda history: history.get_revision("head"),
        lambda history: list(history.walk_revisions()),
        lambda history: history._upgrade_revs("heads", ()),
    ):
        with pytest.raises(error) as caught:
            question(History(folder, recursive_version_locations=True))
        assert isinstance(caught.value, CommandError)
        assert caught.value.remedy
        for words in said:
            assert words in str(caught.value)


REFUSALS = {
    "unknown": (
        lambda h: h.get_revision("xyzxyz"),
        UnknownRevision,
        ("Can't locate revision identified by 'xyzxyz'", "whimbrel history"),
    ),
    "nearly known": (
        lambda h: h.get_revision("ccc0"),
        UnknownRevision,
        ("identified by 'ccc0'", "Did you mean cccc"),
    ),
    "too short": (
        lambda h: h.get_revision("z"),
        UnknownRevision,
        ("identified by 'z'", "at least four characters"),
    ),
    "no such branch": (
        lambda h: h.get_revision("nobranch@aaaa"),
        UnknownRevision,
        ("identified by 'nobranch'",),
    ),
    "unknown to upgrade": (
        lambda h: h._upgrade_revs("xyzxyz", "aaaa"),
        UnknownRevision,
        ("identified by 'xyzxyz'",),
    ),
    "unknown current": (
        lambda h: h.get_all_current(("xyzxyz",)),
        UnknownRevision,
        ("identified by 'xyzxyz'", "stamped", "version control"),
    ),
    "several heads": (
        lambda h: h.get_revision("head"),
        SeveralHeads,
        (
            "Multiple head revisions are present",
            "whimbrel merge cccc eeee",
            "what it does",
        ),
    ),
    "several heads to upgrade": (
        lambda h: h._upgrade_revs("head", "aaaa"),
        SeveralHeads,
        ("Multiple head revisions are present",),
    ),
    "one head asked": (
        lambda h: h.get_current_head(),
        SeveralHeads,
        ("The script directory has multiple heads",),
    ),
    "too far": (
        lambda h: h._upgrade_revs("eeee+9", "aaaa"),
        HistoryError,
        ("Relative revision eeee+9 didn't produce", "whimbrel current"),
    ),
    "not on the way": (
        lambda h: h._downgrade_revs("eeee", "cccc"),
        HistoryError,
        ("Destination eeee is not a valid downgrade target",),
    ),
    "not in a range": (
        lambda h: list(h.walk_revisions("eeee", "cccc")),
        HistoryError,
        ("does not refer to ancestor/descendant",),
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_is_a_sentence_that_helps(case, tmp_path):
    """
    A refusal keeps Alembic's words, is Alembic's CommandError too, and says what to do.
    """
    ask, error, said = REFUSALS[case]
    folder = write_history(tmp_path / "migrations", HISTORIES["branched"])

    with pytest.raises(error) as caught:
        ask(History(folder))

    assert isinstance(caught.value, CommandError)
    assert caught.value.remedy
    for words in said:
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("program", "command"),
    [(None, "`whimbrel init {folder}`"), ("flask db", "`flask db init`")],
)
def test_a_missing_folder_says_how_to_make_one(program, command, tmp_path):
    """
    The remedy is written for the program that the user typed.
    """
    folder = tmp_path / "migrations"
    config = config_of(folder)
    if program:
        config.attributes["program"] = program

    with pytest.raises(NoMigrationsFolder) as caught:
        History.from_config(config)

    assert isinstance(caught.value, CommandError)
    assert f"There is no migrations folder at {folder}" in str(caught.value)
    assert command.format(folder=folder) in str(caught.value)
    with pytest.raises(NoMigrationsFolder):
        History(folder)


def test_settings_that_point_nowhere_are_told(tmp_path):
    """
    Without script_location, and without any environment, the error says so.
    """
    with pytest.raises(ConfigError, match="script_location"):
        History.from_config(Config())
    folder = write_history(tmp_path / "migrations", LINEAR)
    (folder / "env.py").unlink()
    with pytest.raises(ConfigError, match=r"There is no env\.py in"):
        History(folder).run_env()
    (folder / "env.py").write_text("x = (\n")
    with pytest.raises(BrokenScript, match=r"env\.py, line 1,"):
        History(folder).run_env()


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("upgrade", lambda history: history._upgrade_revs("head", ())),
        ("downgrade", lambda history: history._downgrade_revs("base", "cccc")),
    ],
)
def test_what_lacks_the_function_to_run_is_named(name, ask, tmp_path):
    """
    A script without upgrade() or downgrade() is refused before any script runs.
    """
    folder = write_history(tmp_path / "migrations", LINEAR)
    path = folder / "versions" / "bbbb_.py"
    path.write_text(path.read_text().replace(f"def {name}(", "def other("))

    with pytest.raises(BrokenScript, match=rf"bbbb_\.py has no function {name}\(\)"):
        ask(History(folder))
