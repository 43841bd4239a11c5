"""What was done to a database is known, also when the scripts are not there any more."""

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from whimbrel.run.journal import (
    JournalEntry,
    forget,
    journal_table,
    mark_done,
    read_journal,
    write_entries,
)
from whimbrel.run.ledger import (
    LedgerEntry,
    ahead_of,
    applied,
    edited,
    ledger_table,
    read_ledger,
    write_entry,
)
from whimbrel.schema.scope import VERSION_TABLE


@pytest.fixture(params=["sqlite", "postgresql", "mariadb", "mysql"])
def any_engine(request, tmp_path):
    """An empty database of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'app.db'}"
    else:
        url = request.getfixturevalue(f"{request.param}_url")
    engine = sa.create_engine(url)
    yield engine
    engine.dispose()


def entry(number, revision, direction="upgrade", follows=()):
    return LedgerEntry(
        number=number, revision=revision, direction=direction, follows=follows
    )


def test_what_is_written_is_read_again(any_engine, project):
    """Name, text and checksum of a script come back, however long the script is."""
    project.script("a1", "pass")
    project.script("a2", "pass\n" + "# a line of a long script\n" * 5000)
    scripts = ScriptDirectory.from_config(project.config)
    with any_engine.begin() as connection:
        assert read_ledger(connection) == ()
        ledger_table().create(connection)
        for revision in ("a1", "a2"):
            script = scripts.get_revision(revision)
            write_entry(connection, VERSION_TABLE, "upgrade", script, 1.5)
    with any_engine.connect() as connection:
        first, second = read_ledger(connection)
    assert (first.revision, first.follows, first.seconds) == ("a1", (), 1.5)
    assert second.follows == ("a1",)
    text = (project.path / "versions" / "a2.py").read_text()
    assert second.script == text
    assert edited((first, second), scripts.get_revision) == ()
    (project.path / "versions" / "a2.py").write_text(text + "x = 1\n")
    assert [
        each.revision for each in edited((first, second), scripts.get_revision)
    ] == ["a2"]


def test_a_downgrade_takes_back():
    """What was downgraded does not stand any more; what came again does."""
    entries = (entry(1, "a"), entry(2, "b"), entry(3, "b", "downgrade"))
    assert list(applied(entries)) == ["a"]
    assert list(applied((*entries, entry(4, "b")))) == ["a", "b"]


def test_how_far_a_database_is_ahead():
    """The ledger knows the way from the last revision that is known to here."""
    entries = (
        entry(1, "a"),
        entry(2, "b", follows=("a",)),
        entry(3, "c", follows=("b",)),
    )
    ahead = ahead_of(entries, ["c"], {"a"}.__contains__)
    assert [each.revision for each in ahead] == ["c", "b"]
    assert ahead_of(entries, ["c"], {"a", "b", "c"}.__contains__) == ()
    assert ahead_of(entries, ["z"], {"a"}.__contains__) == ()


def test_a_journal_is_kept_and_forgotten(any_engine):
    """Entries come back; one that was begun is done when that is noted."""
    begun = JournalEntry(
        number=0,
        revision="a1",
        direction="upgrade",
        statement="ALTER",
        before="f",
        session=7,
        outcomes=({"seen": []},),
    )
    done = JournalEntry(number=0, revision="a1", direction="upgrade", times=3)
    with any_engine.begin() as connection:
        assert read_journal(connection) == ()
        journal_table().create(connection)
        write_entries(connection, VERSION_TABLE, [done, begun])
        first, second = read_journal(connection)
        assert (first.times, first.is_done, second.is_done) == (3, True, False)
        assert (second.statement, second.session) == ("ALTER", 7)
        mark_done(connection, VERSION_TABLE)
        assert read_journal(connection)[1].is_done
        assert read_journal(connection)[1].outcomes == ({"seen": []},)
        forget(connection, VERSION_TABLE, revision="a1")
        assert read_journal(connection) == ()
