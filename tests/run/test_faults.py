"""Whichever call to the database fails, and how: nothing is lost, and the end is reached."""

import json

import pytest
import sqlalchemy as sa

from conftest import SOAK
from faulty import MAKERS, Faults, failing
from running import Project
from stories.terminal import Terminal
from there_and_back import DOWN, FIRST, OWNERS, UP
from whimbrel.catalog.read import read_state
from whimbrel.run.journal import read_journal
from whimbrel.schema.scope import Scope


TABLES = ("animal", "pet", "owner", "alembic_version", "_whimbrel_journal")


class Place:
    """An empty database, and scripts that make and change its tables."""

    def __init__(self, folder, url):
        self.url = url
        self.dialect = sa.make_url(url).get_backend_name()
        self.engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        self.terminal = Terminal(folder)
        project = Project(folder / "migrations")
        (project.path / "env.py").unlink()
        project.script("a1", FIRST)
        project.script("a2", UP, DOWN)

    def type(self, words):
        """Type a command."""
        return self.terminal.type(f"whimbrel -d migrations --url {self.url} {words}")

    def emptied(self):
        """Drop all tables that there may be."""
        with self.engine.begin() as connection:
            for name in TABLES:
                connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")

    @property
    def everything(self):
        """The state of the database, with the rows of its tables."""
        with self.engine.connect() as connection:
            state = read_state(connection, Scope())
            names = {each.name.name for each in state.tables}
            rows = {
                name: sorted(
                    map(tuple, connection.exec_driver_sql(f"SELECT * FROM {name}"))
                )
                for name in names - {"_whimbrel_journal"}
            }
            tables = {t for t in state.tables if t.name.name != "_whimbrel_journal"}
            return tables, rows

    @property
    def is_half_done(self):
        """Whether the journal has anything to tell."""
        with self.engine.connect() as connection:
            return bool(read_journal(connection))


@pytest.fixture(params=["sqlite", "postgresql", "mariadb", "mysql"])
def place(request, tmp_path, monkeypatch):
    """A database of each kind."""
    monkeypatch.chdir(tmp_path)
    if request.param == "sqlite":
        return Place(tmp_path, f"sqlite:///{tmp_path / 'app.db'}")
    return Place(tmp_path, request.getfixturevalue(f"{request.param}_url"))


@pytest.mark.parametrize("way", ["upgrade", "downgrade"])
def test_every_call_fails_once(place, way):
    """The failure is a sentence, what is left is known, and the next run ends well."""
    start, end = ("a1", "a2") if way == "upgrade" else ("a2", "a1")
    assert 0 == place.type(f"upgrade {start}").status
    before = place.everything
    with failing(place.dialect, Faults()) as faults:
        assert 0 == place.type(f"{way} {end}").status
    wanted, calls = place.everything, faults.count
    assert wanted[1]["owner"] == OWNERS[end]
    kinds = MAKERS[place.dialect][0].kinds
    cases = [(at, kind) for at in range(1, calls + 1) for kind in kinds]
    for at, kind in cases if SOAK else cases[:: 4 * len(kinds) + 1]:
        place.emptied()
        place.type(f"upgrade {start}")
        with failing(place.dialect, Faults(at, kind)) as faults:
            answer = place.type(f"{way} {end} --lock-timeout 3")
        told = (faults.failed, answer)
        assert answer.status in (0, 1), told
        assert "Traceback" not in answer.text, told
        if answer.status:
            assert "error    E" in answer.stderr, told
            after = place.everything
            status = json.loads(place.type("status --json").stdout)["databases"][0]
            if place.is_half_done:
                assert status["interrupted"] == ["a2"], told
            elif status["current"] == [end]:
                assert after == wanted, told
            else:
                assert status["current"] == [start], told
                assert after == before, told
            again = place.type(f"{way} {end}")
            assert 0 == again.status, (told, again)
        assert place.everything == wanted, told
        assert not place.is_half_done
