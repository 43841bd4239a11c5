"""Lost scripts, unknown stamps, edited scripts, drift: mended on PostgreSQL and MariaDB."""

import json
import shutil
import subprocess

import pytest
import sqlalchemy as sa

from stories.user_app import APP, MAIL, app_on


SETTINGS = "[tool.whimbrel]\nledger = true\n"


class Place:
    """A project whose database is on a server."""

    def __init__(self, terminal, url):
        self.terminal = terminal
        self.engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        terminal.write("app.py", app_on(url).replace("#mail", MAIL))

    def rows(self, *statements):
        """Run statements; return the rows of the last one."""
        with self.engine.begin() as connection:
            for each in statements:
                result = connection.exec_driver_sql(each)
            return [tuple(row) for row in result] if result.returns_rows else []

    @property
    def database(self):
        """All that stands in the database: columns, indexes, rows."""
        inspector = sa.inspect(self.engine)
        return {
            name: (
                [repr(each) for each in inspector.get_columns(name)],
                sorted(str(each["name"]) for each in inspector.get_indexes(name)),
                self.rows(f"SELECT * FROM {self.quoted(name)}"),
            )
            for name in inspector.get_table_names()
        }

    def quoted(self, name):
        return self.engine.dialect.identifier_preparer.quote(name)

    @property
    def users(self):
        return self.rows(f"SELECT name FROM {self.quoted('user')}")

    @property
    def stamps(self):
        return [each for (each,) in self.rows("SELECT * FROM alembic_version")]

    @property
    def versions(self):
        return sorted((self.terminal.folder / "migrations/versions").glob("*.py"))

    def stamp(self, revision):
        self.rows(f"UPDATE alembic_version SET version_num = '{revision}'")

    def empty(self):
        """Drop all tables."""
        for name in sa.inspect(self.engine).get_table_names():
            self.rows(f"DROP TABLE {self.quoted(name)}")

    def proposes(self, *said):
        """`repair` shows a plan with *said*, and changes nothing until told to."""
        before = self.database, self.terminal.everything()
        answer = self.terminal.type("flask db repair")
        assert 1 == answer.status, answer
        assert [] == [each for each in said if each not in answer.stdout], answer
        assert before == (self.database, self.terminal.everything())
        self.terminal.does("flask db repair --yes")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where the folders of scripts are kept once they were made."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(params=["postgresql", "mariadb", "mysql"])
def place(request, terminal, kept):
    """An app with two scripts, both applied, and a row; there is no ledger."""
    place = Place(terminal, request.getfixturevalue(f"{request.param}_url"))
    made = kept / request.param
    if not made.exists():
        whole = (terminal.folder / "app.py").read_text()
        terminal.write("app.py", whole.replace(MAIL, "#mail"))
        terminal.does("flask db init")
        terminal.does("flask db migrate -m users --rev-id aaaa1111")
        terminal.write("app.py", whole)
        terminal.does("flask db migrate -m mail --rev-id bbbb2222")
        shutil.copytree(terminal.folder / "migrations", made)
    else:
        shutil.copytree(made, terminal.folder / "migrations")
    terminal.does("flask db upgrade")
    place.rows(f"INSERT INTO {place.quoted('user')} (name, mail) VALUES ('john', 'j')")
    yield place
    place.engine.dispose()


def git(place, *words):
    who = ("-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    subprocess.run(
        ["git", "-C", place.terminal.folder, *who, *words],
        capture_output=True,
        check=True,
    )


def test_all_is_well(place):
    """Nothing is told where nothing is wrong, and nothing is left on the server."""
    before = place.database
    assert "holds what its revision" in place.terminal.does("flask db repair").stdout
    assert "as its scripts made it" in place.terminal.does("flask db drift").stdout
    assert "Nothing is pending" in place.terminal.does("flask db status").stdout
    assert before == place.database


def test_a_foreign_revision(place):
    """The revision that the database equals is found; if it equals none, the nearest."""
    place.stamp("ffff9999")
    assert 1 == place.terminal.type("flask db status").status
    place.terminal.refuses("flask db upgrade", "ffff9999", "flask db repair")
    place.proposes("ffff9999", "stands at bbbb2222")
    assert ["bbbb2222"] == place.stamps
    assert "No changes" in place.terminal.does("flask db migrate").stdout

    place.stamp("ffff9999")
    on = f" ON {place.quoted('user')}" if place.engine.name == "mysql" else ""
    place.rows(f"DROP INDEX ix_user_mail{on}")
    before = place.database
    answer = place.terminal.type("flask db repair --yes")
    assert 1 == answer.status
    assert "The nearest is bbbb2222" in answer.stdout
    assert "+ index ix_user_mail" in answer.stdout
    assert before == place.database


def test_a_lost_folder(place):
    """The folder is made again with a script of what the database holds."""
    before = place.database
    shutil.rmtree(place.terminal.folder / "migrations")
    place.proposes("Plan:")
    assert 1 == len(place.versions)
    assert "No changes" in place.terminal.does("flask db migrate").stdout
    assert before["user"] == place.database["user"]
    place.empty()
    place.terminal.does("flask db upgrade")
    place.terminal.does("flask db check")
    assert before["user"][:2] == place.database["user"][:2]


def test_a_lost_folder_comes_from_the_ledger(place):
    """With a ledger, the scripts' names and places in the history are known."""
    place.empty()
    place.terminal.write("pyproject.toml", SETTINGS)
    place.terminal.does("flask db upgrade")
    for path in place.versions:
        path.unlink()
    answer = place.terminal.type("flask db repair")
    assert 1 == answer.status
    assert "bbbb2222" in answer.stdout
    place.terminal.does("flask db repair --yes")
    place.terminal.does("flask db check")


def test_half_a_folder(place):
    """A script that another one follows is named, and written again from git."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    before = place.database
    git(place, "init")
    git(place, "add", "migrations")
    git(place, "commit", "-m", "scripts")
    first = next(path for path in place.versions if "aaaa1111" in path.name)
    text = first.read_text()
    first.unlink()
    place.terminal.refuses("flask db upgrade", "aaaa1111", "repair")
    place.proposes("aaaa1111", "from git")
    assert text == first.read_text()
    place.terminal.does("flask db check")
    assert before == place.database


def test_an_edited_script(place):
    """The ledger says that a script was edited after it ran."""
    place.empty()
    place.terminal.write("pyproject.toml", SETTINGS)
    place.terminal.does("flask db upgrade")
    script = next(path for path in place.versions if "bbbb2222" in path.name)
    script.write_text(
        script.read_text().replace("length=50", "length=60") + "\nx = 1\n"
    )
    answer = place.terminal.type("flask db status")
    assert 1 == answer.status
    assert "Edited after it was applied: bbbb2222 (mail)" in answer.stdout
    data = json.loads(place.terminal.type("flask db status --json").stdout)
    assert ["bbbb2222"] == data["databases"][0]["edited"]
    listed = place.terminal.does("flask db history --applied").stdout
    assert "edited since" in listed


def test_the_wrong_database(place):
    """A database of another application is told, and not touched."""
    place.rows(f"DROP TABLE {place.quoted('user')}")
    place.rows("CREATE TABLE wp_posts (id INTEGER PRIMARY KEY)")
    place.stamp("ffff9999")
    before = place.database
    for verb in ("upgrade", "migrate", "check", "downgrade"):
        place.terminal.refuses(f"flask db {verb}", "wrong database", "wp_posts")
    assert before == place.database


def test_drift_is_told_and_taken_back(place):
    """What was done by hand differs from the scripts; a script brings it back."""
    user = place.quoted("user")
    on = f" ON {user}" if place.engine.name == "mysql" else ""
    place.rows(f"DROP INDEX ix_user_mail{on}")
    place.rows(f"ALTER TABLE {user} ADD COLUMN by_hand INTEGER")
    told = place.terminal.type("flask db drift")
    assert 2 == told.status
    assert "+ index ix_user_mail" in told.stdout
    assert "- column user.by_hand" in told.stdout
    place.terminal.does("flask db drift --fix -m back")
    place.terminal.does("flask db upgrade")
    place.terminal.does("flask db drift")
    place.terminal.does("flask db check")
    assert [("john",)] == place.users


def test_a_baseline(place):
    """A database without a history gets one, and another database the same tables."""
    before = place.database["user"]
    shutil.rmtree(place.terminal.folder / "migrations")
    place.rows("DROP TABLE alembic_version")
    place.terminal.does("flask db init -t flask")
    for path in place.versions:
        path.unlink()
    said = place.terminal.does("flask db baseline -m start").stdout
    assert "noted to stand at" in said
    assert "(head)" in place.terminal.does("flask db current").stdout
    assert "No changes" in place.terminal.does("flask db migrate").stdout
    assert before == place.database["user"]
    place.empty()
    place.terminal.does("flask db upgrade")
    place.terminal.does("flask db check")
    assert before[:2] == place.database["user"][:2]


def test_what_create_all_made_is_taken_in(place):
    """`upgrade` notes the revision that a database without a stamp equals."""
    assert "#mail" in APP
    place.rows("DROP TABLE alembic_version")
    place.terminal.does("flask db upgrade")
    assert ["bbbb2222"] == place.stamps
    assert [("john",)] == place.users
