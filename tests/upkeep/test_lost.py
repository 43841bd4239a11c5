"""A database at a revision that no script carries: which case it is, what mends it."""

import shutil
import sqlite3
import subprocess

import pytest

from histories import LINEAR, Drawn, config_of, write_history
from whimbrel.commands import database, look
from whimbrel.errors import HistoryError, UnknownRevision
from whimbrel.upkeep.versioned import kept_scripts


def stamped(path, revision, *tables):
    """Make a database that stands at *revision* and has *tables*."""
    with sqlite3.connect(path / "app.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
        for name in tables:
            connection.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY)")
    connection.close()


def stamps(path):
    with sqlite3.connect(path / "app.db") as connection:
        rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    connection.close()
    return [revision for (revision,) in rows]


def git(path, *words):
    who = ("-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", "-C", path, *who, *words], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A folder of scripts in git, three on main and two more on a branch."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    monkeypatch.chdir(tmp_path)
    write_history(tmp_path / "migrations", LINEAR)
    git(tmp_path, "init", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "start")
    git(tmp_path, "checkout", "-b", "feature")
    more = (Drawn("dddd", "cccc"), Drawn("eeee", "dddd"))
    write_history(tmp_path / "migrations", more)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "tags for posts")
    git(tmp_path, "checkout", "main")
    return tmp_path


def told(config):
    with pytest.raises(UnknownRevision) as caught:
        database.upgrade(config, "head")
    return caught.value


def test_a_script_on_another_branch_is_found(repository):
    """
    The branch and the commit are named; the command given brings all that is
    missing, and then the database is at head.
    """
    config = config_of(repository / "migrations")
    stamped(repository, "eeee")

    error = told(config)

    assert "on another branch" == error.facts["case"]
    assert "branch feature" in error.sentence
    assert "'tags for posts'" in error.sentence
    command = error.remedy.split("`")[1]
    subprocess.run(command.split(), cwd=repository, check=True)
    assert "eeee (head)\n" == look.current(config).text


def test_a_deleted_script_is_found(repository):
    """
    A script that only a commit has, and no branch, is brought back from there.
    """
    config = config_of(repository / "migrations")
    git(repository, "checkout", "feature")
    git(repository, "rm", "migrations/versions/eeee_.py")
    git(repository, "commit", "-m", "not needed")
    stamped(repository, "eeee")

    error = told(config)

    assert "deleted" == error.facts["case"]
    subprocess.run(error.remedy.split("`")[1].split(), cwd=repository, check=True)
    assert "eeee (head)\n" == look.current(config).text


def test_without_git_nothing_is_found(tmp_path):
    """
    A folder in no repository, or a revision that git has never seen, is no error.
    """
    folder = write_history(tmp_path / "migrations", LINEAR)
    assert () == kept_scripts(str(folder), "dddd", iter(("aaaa", "bbbb", "cccc")))
    assert () == kept_scripts(str(tmp_path / "gone" / "x"), "dddd", iter(()))


def test_an_empty_folder_is_told(tmp_path):
    """
    With no script at all, the folder was lost.
    """
    config = config_of(write_history(tmp_path / "migrations", ()))
    stamped(tmp_path, "1234", "user")

    error = told(config)

    assert "folder lost" == error.facts["case"]
    assert "`whimbrel repair`" in error.remedy


def test_the_wrong_database_is_told(tmp_path):
    """
    Tables of which no script and no model speaks are another application's.
    """
    script = Drawn("aaaa", doc="makes the table orders")
    config = config_of(write_history(tmp_path / "migrations", (script,)))
    stamped(tmp_path, "1234", "wp_posts", "wp_users")

    error = told(config)

    assert "wrong database" == error.facts["case"]
    assert "wp_posts, wp_users" in error.sentence
    assert "app.db" in error.sentence


def test_a_database_ahead_is_told(tmp_path):
    """
    Tables that the scripts speak of, at a revision that nobody knows: it is ahead.
    """
    script = Drawn("aaaa", doc="makes the table orders")
    config = config_of(write_history(tmp_path / "migrations", (script,)))
    stamped(tmp_path, "1234", "orders", "tags")

    error = told(config)

    assert "database ahead" == error.facts["case"]
    assert "ahead of this checkout" in error.sentence


VERBS = {
    "upgrade": lambda config: database.upgrade(config, "head"),
    "downgrade": lambda config: database.downgrade(config, "-1"),
    "downgrade to base": lambda config: database.downgrade(config, "base"),
    "history -i": lambda config: look.history(config, indicate_current=True),
    "history -r": lambda config: look.history(config, "current:"),
    "show current": lambda config: look.show(config, "current"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_tells(verb, tmp_path):
    """
    Every command that needs to know where the database stands tells the case.
    """
    config = config_of(write_history(tmp_path / "migrations", LINEAR))
    stamped(tmp_path, "1234")

    with pytest.raises(UnknownRevision, match="stands at it, but no script") as caught:
        VERBS[verb](config)

    assert "`whimbrel repair`" in caught.value.remedy


def test_a_stamp_works_nevertheless(tmp_path):
    """
    `stamp` needs no --purge: what no script carries is forgotten.
    """
    config = config_of(write_history(tmp_path / "migrations", LINEAR))
    stamped(tmp_path, "1234")

    database.stamp(config, "bbbb")
    assert ["bbbb"] == stamps(tmp_path)

    with sqlite3.connect(tmp_path / "app.db") as connection:
        connection.execute("INSERT INTO alembic_version VALUES ('1234')")
    connection.close()
    database.stamp(config, "head")
    assert ["cccc"] == stamps(tmp_path)


def test_a_stamp_of_what_is_not_there_changes_nothing(tmp_path):
    """
    A stamp that fails keeps what the version table said.
    """
    config = config_of(write_history(tmp_path / "migrations", LINEAR))
    stamped(tmp_path, "1234")

    with pytest.raises(UnknownRevision):
        database.stamp(config, "zzzz")

    assert ["1234"] == stamps(tmp_path)


def test_nothing_to_undo_is_told_plainly(tmp_path):
    """
    A downgrade of a database to which nothing was applied says so.
    """
    config = config_of(write_history(tmp_path / "migrations", LINEAR))

    with pytest.raises(HistoryError, match="nothing has been applied"):
        database.downgrade(config, "-1")
