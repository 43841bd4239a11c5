"""Where the models and the database come from: every kind of db, binds, async drivers."""

import asyncio

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy_lite import SQLAlchemy as Lite
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase

import whimbrel
from faces.conftest import tables
from whimbrel.config import Config, named_metadata, targets_of
from whimbrel.errors import ConfigError, ModelsError


EVERYTHING = {"item", "tag", "alembic_version"}


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "thing"
    id = sa.Column(sa.Integer, primary_key=True)


def flask_sqlalchemy(app, url):
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    return SQLAlchemy(app), {}


def lite(app, url):
    app.config["SQLALCHEMY_ENGINES"] = {"default": url}
    return Lite(app), {"target_metadata": Base.metadata}


def lite_async(app, url):
    url = url.replace("sqlite", "sqlite+aiosqlite")
    app.config["SQLALCHEMY_ASYNC_ENGINES"] = {"default": url}
    return Lite(app), {"target_metadata": Base}


def metadata_and_url(app, url):
    return Base.metadata, {"url": url}


def base_and_engine(app, url):
    return Base, {"engine": sa.create_engine(url)}


def base_and_async_engine(app, url):
    url = url.replace("sqlite", "sqlite+aiosqlite")
    return Base, {"engine": create_async_engine(url)}


def base_and_settings_of_the_app(app, url):
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    return Base, {}


KINDS = [
    flask_sqlalchemy, lite, lite_async, metadata_and_url, base_and_engine,
    base_and_async_engine, base_and_settings_of_the_app,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_db_leads_to_its_database(here, scripts, kind):
    """Migrate(app, db) knows the database of every kind of db."""
    app = Flask("app")
    with app.app_context():
        db, options = kind(app, f"sqlite:///{here / 'app.db'}")
        whimbrel.Migrate(app, db, **options)
        whimbrel.upgrade()
    assert EVERYTHING == tables(here / "app.db")


def test_an_async_database_works_inside_a_running_loop(here, scripts):
    """An app that upgrades while its event loop runs is not refused."""
    app = Flask("app")
    whimbrel.Migrate(app, Base, url=f"sqlite+aiosqlite:///{here / 'app.db'}")

    async def start():
        with app.app_context():
            whimbrel.upgrade()

    asyncio.run(start())
    assert EVERYTHING == tables(here / "app.db")


@pytest.mark.parametrize(
    ("db", "metadata"),
    [
        (Base.metadata, None),
        (Base, None),
        ([Base], None),
        (None, Base),
        (object(), [Base.metadata]),
    ],
)
def test_models_are_found_in_whatever_holds_them(db, metadata):
    """A MetaData, a base, or several of them are models."""
    (target,) = targets_of(db, metadata=metadata, engine="sqlite://")
    assert (Base.metadata,) == target.metadata
    assert "sqlite://" == str(target.url)


def test_a_target_without_a_database_says_what_to_give():
    """Nothing that leads to a database is an error with the ways to name one."""
    with pytest.raises(ConfigError, match="--url"):
        _ = targets_of(Base)[0].url


def test_binds_are_targets_of_their_own():
    """Each bind of Flask-SQLAlchemy has its engine and its models; the default is first."""
    app = Flask("app")
    app.config["SQLALCHEMY_BINDS"] = {"logs": "sqlite:///logs", None: "sqlite:///main"}
    db = SQLAlchemy(app)
    sa.Table("a", db.metadata, sa.Column("id", sa.Integer))
    with app.app_context():
        db.Table("b", sa.Column("id", sa.Integer), bind_key="logs")
        default, logs = targets_of(db)
    assert ("", "logs") == (default.bind, logs.bind)
    assert ["a"] == list(default.metadata[0].tables)
    assert ["b"] == list(logs.metadata[0].tables)
    assert default.url != logs.url


SEVERAL = '''\
"""several"""
from alembic import op

revision = "c3"
down_revision = None


def upgrade(engine_name):
    globals()[f"upgrade_{engine_name}"]()


def downgrade(engine_name):
    globals()[f"downgrade_{engine_name}"]()


def upgrade_():
    op.execute("CREATE TABLE main_table (id INTEGER)")


def downgrade_():
    op.execute("DROP TABLE main_table")


def upgrade_logs():
    op.execute("CREATE TABLE log_table (id INTEGER)")


def downgrade_logs():
    op.execute("DROP TABLE log_table")
'''


@pytest.fixture
def binds(here):
    """An app with two databases, in its context."""
    app = Flask("app")
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{here / 'main.db'}"
    app.config["SQLALCHEMY_BINDS"] = {"logs": f"sqlite:///{here / 'logs.db'}"}
    whimbrel.Migrate(app, SQLAlchemy(app))
    with app.app_context():
        yield app


@pytest.fixture
def several(here, binds):
    """A script for both databases."""
    versions = here / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "c3_several.py").write_text(SEVERAL)


def test_a_script_for_several_databases_reaches_each(here, several):
    """Functions called upgrade_<bind> run on the database of the bind."""
    whimbrel.upgrade()
    assert {"main_table", "alembic_version"} == tables(here / "main.db")
    assert {"log_table", "alembic_version"} == tables(here / "logs.db")
    whimbrel.downgrade()
    assert {"alembic_version"} == tables(here / "main.db") == tables(here / "logs.db")


def test_sql_for_several_databases_goes_to_files(here, several):
    """With --sql each bind has a file called by its name."""
    whimbrel.upgrade(sql=True)
    assert "log_table" in (here / "logs.sql").read_text()
    assert "main_table" in (here / ".sql").read_text()
    assert "main_table" not in (here / "logs.sql").read_text()


def test_several_databases_end_together(here, several):
    """When the script of one database fails, the other one is left as it was too."""
    script = here / "migrations" / "versions" / "c3_several.py"
    script.write_text(SEVERAL.replace("CREATE TABLE log_table (id INTEGER)", "oops"))
    with pytest.raises(Exception, match="oops"):
        whimbrel.upgrade()
    assert set() == tables(here / "main.db")


def test_a_folder_made_for_one_database_manages_one(here, scripts, binds):
    """A script.py.mako without engine names means one database, whatever binds there are."""
    (here / "migrations" / "script.py.mako").write_text("def upgrade():\n")
    whimbrel.upgrade()
    assert EVERYTHING == tables(here / "main.db")
    assert not (here / "logs.db").exists()


def test_a_connection_of_the_callers_is_used(here, scripts):
    """`config.attributes["connection"]` is what the scripts run on."""
    from whimbrel.commands import database
    from whimbrel.env import run_migrations

    config = Config()
    config.set_main_option("script_location", "migrations")
    engine = sa.create_engine(f"sqlite:///{here / 'app.db'}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        config.attributes["default_environment"] = run_migrations
        database.upgrade(config, "head")
    assert EVERYTHING == tables(here / "app.db")


def test_an_env_py_of_three_lines_may_say_more(here, scripts, binds):
    """run_migrations() takes what configure() takes, and it wins over the app's."""
    (scripts / "env.py").write_text(
        "from whimbrel.env import run_migrations\n\n"
        f"run_migrations(several=False, version_table='v', url='sqlite:///{here}/x.db')\n"
    )
    whimbrel.upgrade()
    assert {"item", "tag", "v"} == tables(here / "x.db")


MODULES = {
    "good_models": "import sqlalchemy as sa\nBase = sa.MetaData()\nclass db:\n    metadata = Base\n",
    "broken_models": "import sqlalchemy\nimport nosuch_module\n",
    "empty_models": "x = 1\n",
}


@pytest.fixture
def modules(here, monkeypatch):
    """Modules that can be imported by their names."""
    monkeypatch.syspath_prepend(here)
    for name, text in MODULES.items():
        (here / f"{name}.py").write_text(text)


@pytest.mark.parametrize("name", ["good_models:Base", "good_models", "good_models:db"])
def test_models_are_named_by_module_and_attribute(modules, name):
    """`package.module:Base` names models; without a name the usual ones are tried."""
    import good_models

    assert (good_models.Base,) == named_metadata(name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nosuch_module:Base", "nosuch_module"),
        ("broken_models:Base", "broken_models: ModuleNotFoundError"),
        ("empty_models:Base", "no Base"),
        ("empty_models:x.y", r"no x\.y"),
        ("empty_models", "no models in empty_models"),
    ],
)
def test_models_that_are_not_there_are_told(modules, name, said):
    """Models that cannot be imported are an error that names the module and the thing."""
    with pytest.raises(ModelsError, match=said):
        named_metadata(name)
