"""One bind of several: `--bind` touches it and no other, whoever wrote the env.py."""

import pytest


APP = """\
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from whimbrel import Migrate

app = Flask(__name__)
app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///{here}/app.db'
app.config['SQLALCHEMY_BINDS'] = {
    'logs': 'sqlite:///{here}/logs.db',
    'side': 'sqlite:///{here}/side.db',
}
db = SQLAlchemy()
migrate = Migrate(app, db, ledger=True)
db.init_app(app)


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)


class Entry(db.Model):
    __bind_key__ = 'logs'
    id = db.Column(db.Integer, primary_key=True)
"""

# what the --multidb folders of Flask-Migrate do
THEIR_ENV = """\
from alembic import context
from flask import current_app

config = context.config
db = current_app.extensions["migrate"].db
names = ["", *current_app.config["SQLALCHEMY_BINDS"]]


def run_migrations_offline():
    for name in names:
        with open("%s.sql" % name, "w") as buffer:
            context.configure(
                url=str(db.engines[name or None].url),
                output_buffer=buffer,
                target_metadata=db.metadatas.get(name or None),
                literal_binds=True,
            )
            with context.begin_transaction():
                context.run_migrations(engine_name=name)


def run_migrations_online():
    conf_args = current_app.extensions["migrate"].configure_args
    engines = {name: {"engine": db.engines[name or None]} for name in names}
    for rec in engines.values():
        rec["connection"] = conn = rec["engine"].connect()
        rec["transaction"] = conn.begin()
    try:
        for name, rec in engines.items():
            context.configure(
                connection=rec["connection"],
                upgrade_token="%s_upgrades" % name,
                downgrade_token="%s_downgrades" % name,
                target_metadata=db.metadatas.get(name or None),
                **conf_args
            )
            context.run_migrations(engine_name=name)
        for rec in engines.values():
            rec["transaction"].commit()
    except:
        for rec in engines.values():
            rec["transaction"].rollback()
        raise
    finally:
        for rec in engines.values():
            rec["connection"].close()


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
"""

LATER = """

class Visit(db.Model):
    __bind_key__ = 'logs'
    id = db.Column(db.Integer, primary_key=True)


class Group(db.Model):
    id = db.Column(db.Integer, primary_key=True)
"""


@pytest.fixture(params=["ours", "Flask-Migrate's"])
def binds(terminal, request):
    """A project with three databases, its first script run on all."""
    terminal.write("app.py", APP)
    terminal.does("flask db init --multidb")
    if request.param != "ours":
        terminal.write("migrations/env.py", THEIR_ENV)
    terminal.does("flask db migrate -m first")
    terminal.does("flask db upgrade")
    return terminal


def others(terminal):
    """All that stands in the databases that are not called logs."""
    found = terminal.everything()
    return {name: found[name] for name in ("app.db", "side.db")}


def test_each_command_touches_one_bind(binds):
    """There and back, noted and looked at: the other databases stay as they are."""
    before = others(binds)
    binds.write("app.py", APP + LATER)
    binds.does("flask db migrate -m visits --bind logs")
    assert "visit" in binds.scripts[-1]
    assert "group" not in binds.scripts[-1]
    for line in (
        "upgrade --bind logs",
        "check --bind logs",
        "drift --bind logs",
        "status --bind logs",
        "downgrade --bind logs",
        "stamp head --bind logs",
        "stamp --purge head --bind logs",
        "ensure-version --bind logs",
        "repair --bind logs --yes",
        "upgrade --bind logs --sql",
    ):
        answer = binds.type(f"flask db {line}")
        assert before == others(binds), line
        assert "error" not in answer.text, answer
        is_there = line[:5] in ("upgra", "check", "drift", "statu")
        is_there = is_there and "--sql" not in line
        assert is_there is ("visit" in binds.schema("logs.db")), answer


def test_only_one_bind_is_told_of(binds):
    """What is listed is listed of the one database; `default` is the one without a name."""
    for verb in ("current -v", "status", "drift", "history --applied"):
        told = binds.does(f"flask db {verb} --bind logs").text
        assert "logs.db" in told, verb
        assert "side.db" not in told, verb
        assert "app.db" not in told, verb
        assert "app.db" in binds.does(f"flask db {verb} --bind default").text, verb


def test_the_others_come_later(binds):
    """A database that was left out runs its scripts with the next command for all."""
    binds.edit("app.py", "class Entry", LATER.strip() + "\n\n\nclass Entry")
    binds.does("flask db migrate -m later")
    binds.does("flask db upgrade --bind logs")
    assert 2 == binds.type("flask db status").status
    assert "group" not in binds.schema()
    binds.does("flask db upgrade")
    assert "group" in binds.schema()
    binds.does("flask db check")


@pytest.mark.parametrize("verb", ["upgrade", "migrate", "stamp head", "current"])
def test_a_bind_that_there_is_not(binds, verb):
    """The names that there are, are told; nothing is done."""
    binds.refuses(
        f"flask db {verb} --bind nosuch", "'nosuch'", "default, logs, side", status=2
    )


def test_a_folder_for_one_database_has_one_bind(terminal):
    """It is called default; another name is refused with what to do."""
    terminal.write("app.py", APP)
    terminal.does("flask db init -t flask")
    terminal.does("flask db migrate -m first")
    terminal.refuses("flask db upgrade --bind logs", "init --multidb", status=2)
    terminal.does("flask db upgrade --bind default")
    assert "user" in terminal.schema()


def test_a_bind_that_is_left_out_cannot_be_reached(binds):
    """It is not in the way; an env.py that connects to it all the same is named."""
    binds.edit("app.py", f"{binds.folder}/side.db", "/nowhere/side.db")
    is_ours = "whimbrel" in (binds.folder / "migrations/env.py").read_text()
    if is_ours:
        assert 0 == binds.type("flask db current --bind logs").status
    else:
        said = "env.py connects to every bind before --bind logs can leave any out"
        binds.refuses("flask db current --bind logs", said, "init --multidb")


def test_an_env_py_that_names_nothing_is_refused(binds):
    """Where nobody can tell which database is which, none is touched."""
    text = THEIR_ENV.replace("run_migrations(engine_name=name)", "run_migrations()")
    binds.write("migrations/env.py", text)
    before = others(binds)
    binds.refuses("flask db downgrade --bind logs", "engine_name=...", status=2)
    assert before == others(binds)


def test_models_that_no_script_here_makes(terminal):
    """A folder for one database says which models it leaves out, and what to do."""
    terminal.write("app.py", APP)
    terminal.does("flask db init -t flask")
    told = terminal.does("flask db migrate -m first").text
    assert "The bind 'logs' is not managed here: the table entry." in told
    assert "init --multidb" in told
    assert "user" in terminal.scripts[0]
    assert "entry" not in terminal.scripts[0]
    terminal.does("flask db upgrade")
    assert "'logs' is not managed" in terminal.does("flask db check").text
    terminal.edit("app.py", "class Entry", LATER.strip() + "\n\n\nclass Entry")
    assert "the tables entry, visit" in terminal.type("flask db check").text

    terminal.does("flask db init --multidb -d several")
    for name in ("env.py", "script.py.mako"):
        path = terminal.folder / "several" / name
        terminal.write(f"migrations/{name}", path.read_text())
    assert "not managed" not in terminal.does("flask db upgrade").text
    told = terminal.does("flask db migrate -m all").text
    assert "not managed" not in told
    terminal.does("flask db upgrade")
    assert {"entry", "visit"} == set(terminal.schema("logs.db"))


def test_a_bind_without_a_database(binds):
    """Models on a bind that the settings of the app do not know are named."""
    binds.write("app.py", APP + LATER.replace("'logs'", "'typo'"))
    told = binds.does("flask db migrate -m typo").text
    assert "The bind 'typo' is not managed here: the table visit." in told
    assert "SQLALCHEMY_BINDS has no 'typo'" in told


def test_from_python(binds, monkeypatch):
    """The functions of the package take it too."""
    monkeypatch.syspath_prepend(binds.folder)
    binds.forget()
    import app

    import whimbrel

    before = others(binds)
    with app.app.app_context():
        whimbrel.downgrade(bind="logs")
        assert before == others(binds)
        assert {} == binds.schema("logs.db")
        whimbrel.stamp(revision="head", bind="logs")
        assert 1 == whimbrel.current(bind="logs").text.count("head")
        for engine in app.db.engines.values():
            engine.dispose()
    binds.forget()


PLAIN = """\
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

class Base(DeclarativeBase):
    pass

class User(Base):
    __tablename__ = "user"
    id = sa.Column(sa.Integer, primary_key=True)

class Entry(Base):
    __tablename__ = "entry"
    __table_args__ = {"info": {"bind_key": "logs"}}
    id = sa.Column(sa.Integer, primary_key=True)
"""


@pytest.mark.parametrize("is_setting", [True, False])
def test_models_of_a_bind_without_an_app(terminal, is_setting):
    """The plain command leaves them out, and says so."""
    terminal.write("plain.py", PLAIN)
    words = "whimbrel -d scripts --url sqlite:///app.db"
    if is_setting:
        terminal.write("pyproject.toml", "[tool.whimbrel]\nmetadata = 'plain:Base'\n")
    else:
        words += " --metadata plain:Base"
    terminal.does("whimbrel init scripts")
    (terminal.folder / "scripts/env.py").unlink()
    told = terminal.does(f"{words} migrate -m first").text
    assert "The bind 'logs' is not managed here: the table entry." in told
    assert "entry" not in terminal.scripts[0]
