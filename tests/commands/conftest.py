"""What the tests of commands share: projects, and databases to compare."""

import pytest
from sqlalchemy import create_engine, make_url

from stories.terminal import Terminal


HEAD = """
import sqlalchemy as sa
from sqlalchemy.orm import declarative_base
Base = declarative_base()
"""

PROGRAM = "whimbrel --metadata models:Base --url sqlite:///app.db"


class Project:
    """Models in a file, a database beside it, and the commands between them."""

    def __init__(self, terminal):
        self.terminal = terminal
        self.rows = terminal.rows
        self.schema = terminal.schema
        self.columns = terminal.columns

    def models(self, text, head=""):
        """Write *text* as the models."""
        self.terminal.write("models.py", HEAD + head + text)

    def begin(self, text, *statements, head=""):
        """Make the database of the models *text*, and put rows into it."""
        self.models(text, head)
        self.does("migrate --init")
        self.does("upgrade")
        for statement in statements:
            self.rows(statement)

    def does(self, line):
        """Do *line*, which must succeed; return what it said."""
        return self.terminal.does(f"{PROGRAM} {line}").text

    def refuses(self, line, *said, status=2):
        """Do *line*, which must be refused with nothing changed."""
        return self.terminal.refuses(f"{PROGRAM} {line}", *said, status=status).text

    def runs(self, line=""):
        """Migrate and upgrade; the models must then be reached. Return what was said."""
        told = self.does(f"migrate {line}")
        self.does("upgrade")
        self.does("check")
        return told

    @property
    def script(self):
        """The last script."""
        return self.terminal.scripts[-1]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project."""
    monkeypatch.chdir(tmp_path)
    return Project(Terminal(tmp_path))


@pytest.fixture(scope="module")
def databases(lasting_postgresql_url):
    """The URLs of two empty databases."""
    url = make_url(lasting_postgresql_url)
    other = url.set(database=f"{url.database}_b")
    engine = create_engine(lasting_postgresql_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {other.database}")
        yield lasting_postgresql_url, other.render_as_string(hide_password=False)
        connection.exec_driver_sql(f"DROP DATABASE {other.database} WITH (FORCE)")
    engine.dispose()
