"""A server that keeps names of tables in small letters (``lower_case_table_names=1``).

It is the default on Windows, and may be said only before the first database is made.
"""

import pytest
import sqlalchemy as sa

import servers
from conftest import SOAK
from stories.terminal import Terminal


MODELS = """
import sqlalchemy as sa
from sqlalchemy.orm import declarative_base
Base = declarative_base()

class Asset(Base):
    __tablename__ = "{name}"
    {args}
    id = sa.Column(sa.Integer, primary_key=True)
    uuid = sa.Column(sa.String(50), index=True)

class Child(Base):
    __tablename__ = "Child"
    id = sa.Column(sa.Integer, primary_key=True)
    asset_id = sa.Column(sa.ForeignKey("{name}.id"))
"""
HINT = "__table_args__ = {'info': {'renamed_from': 'MegviiAsset'}}"
ROWS = (
    "INSERT INTO megviiasset VALUES (1, 'x'), (2, 'y')",
    "INSERT INTO child VALUES (1, 2)",
)


@pytest.fixture(scope="module")
def server():
    """A throw-away server of that kind."""
    if not SOAK:
        pytest.skip("starts a server of its own: WHIMBREL_SOAK=1")
    if servers.found("mariadbd") is None:
        pytest.skip("MariaDB is not installed")
    with servers.mariadb("--lower-case-table-names=1") as url:
        yield sa.make_url(url)


@pytest.fixture
def place(server, tmp_path, monkeypatch):
    """A project whose table is ``MegviiAsset``, with rows in it."""
    monkeypatch.chdir(tmp_path)
    with sa.create_engine(server).begin() as connection:
        connection.exec_driver_sql("CREATE OR REPLACE DATABASE shop")
    place = Place(tmp_path, server.set(database="shop"))
    place.models("MegviiAsset")
    place("migrate --init")
    place("upgrade")
    for statement in ROWS:
        place.sql(statement)
    return place


class Place(Terminal):
    """A terminal with a project, and its database."""

    def __init__(self, folder, url):
        super().__init__(folder)
        self.url = url

    def __call__(self, line):
        """Type a line that must succeed; return all that it says."""
        url = self.url.render_as_string(hide_password=False)
        return self.does(f"whimbrel --metadata models:Base --url {url} {line}").text

    def models(self, name, args=""):
        """Let the table have that name in the models."""
        self.write("models.py", MODELS.replace("{name}", name).replace("{args}", args))

    def sql(self, statement):
        """Run a statement; return the rows that it gives."""
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            result = connection.exec_driver_sql(statement)
            rows = result.fetchall() if result.returns_rows else []
        engine.dispose()
        return list(map(tuple, rows))


@pytest.mark.parametrize(
    ("args", "option"),
    [("", ""), ("", " --rename MegviiAsset:megviiasset"), (HINT, "")],
    ids=["models alone", "option", "hint"],
)
def test_another_case_is_the_same_name(place, args, option):
    """However it is said: nothing is to be done, and nothing is done."""
    place.models("megviiasset", args)

    assert "No changes detected" in place(f"migrate{option}")
    assert [(1, "x"), (2, "y")] == place.sql("SELECT * FROM megviiasset")


@pytest.mark.parametrize(
    ("args", "option"), [("", " --rename MegviiAsset:AssetX"), (HINT, "")]
)
def test_old_names_are_found_as_the_models_had_them(place, args, option):
    """With their capitals; the rows stay, and the way back leads back."""
    place.models("AssetX", args)

    assert "> table megviiasset -> assetx" in place(f"migrate{option}")
    place("upgrade")
    assert [(1, "x"), (2, "y")] == place.sql("SELECT * FROM assetx")
    assert [(1, 2)] == place.sql("SELECT * FROM child")
    assert "No changes detected" in place("migrate")
    place("downgrade")
    assert [(1, "x"), (2, "y")] == place.sql("SELECT * FROM megviiasset")
