"""The first half of the article on Alembic and Flask-Migrate: a project without Flask.

`alembic` becomes `whimbrel` and the URL is SQLite's; models.py and what is written
into env.py are the article's.
"""

import warnings

import pytest


MODELS = """\
from sqlalchemy import Column,Integer,String,create_engine,Text
from sqlalchemy.orm import sessionmaker
from sqlalchemy.ext.declarative import declarative_base
Base = declarative_base()
class User(Base):
  __tablename__ = 'user'
  id = Column(Integer,primary_key=True)
  username = Column(String(20),nullable=False)
  password = Column(String(100),nullable=False)
class Article(Base):
  __tablename__ = 'article'
  id = Column(Integer,primary_key=True)
  title = Column(String(100),nullable=False)
  content = Column(Text, nullable=False)
"""

IN_ENV_PY = """\
import os
import sys
sys.path.append(os.path.dirname(os.path.abspath(__file__)) + "/../")
from models import Base
"""


@pytest.fixture(autouse=True)
def _old_spelling():
    """SQLAlchemy warns of the article's import of declarative_base."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def set_up(terminal, program):
    """Do the steps 1.1.1 to 1.1.3 of the article."""
    terminal.does(f"{program} init alembic")
    terminal.write("models.py", MODELS)
    terminal.edit(
        "alembic.ini",
        "sqlalchemy.url = driver://user:pass@localhost/dbname",
        f"sqlalchemy.url = sqlite:///{terminal.folder}/app.db",
    )
    env = terminal.folder / "alembic/env.py"
    env.write_text(IN_ENV_PY + env.read_text())
    terminal.edit(
        "alembic/env.py", "target_metadata = None", "target_metadata = Base.metadata"
    )


@pytest.mark.parametrize("maker", ["whimbrel", "alembic"])
def test_the_steps_of_the_article(terminal, maker):
    """
    init, models, settings, revision --autogenerate, upgrade, heads, history, current,
    downgrade: in a folder of ours and in one that Alembic made.
    """
    set_up(terminal, maker)
    made = terminal.does('whimbrel revision --autogenerate -m "first commit"').stdout
    assert "+ table user (id, username, password)" in made
    terminal.does("whimbrel upgrade head")
    assert {"user", "article"} == set(terminal.schema())
    ((revision,),) = terminal.rows("SELECT version_num FROM alembic_version")
    assert f"{revision} (head)\n" == terminal.does("whimbrel heads").stdout
    assert f"{revision} (head)\n" == terminal.does("whimbrel current").stdout
    assert f"<base> -> {revision} (head), first commit\n" == (
        terminal.does("whimbrel history").stdout
    )

    terminal.edit("models.py", "String(20)", "String(50)")
    terminal.does('whimbrel revision --autogenerate -m "longer names"')
    terminal.does("whimbrel upgrade head")
    assert "VARCHAR(50)" == terminal.columns("user")["username"]
    terminal.does(f"whimbrel downgrade {revision}")
    assert "VARCHAR(20)" == terminal.columns("user")["username"]
    terminal.does("whimbrel downgrade base")
    assert {} == terminal.schema()


def test_both_programs_work_on_one_folder(terminal):
    """What one of them wrote and ran, the other one reads, runs back and goes on with."""
    set_up(terminal, "whimbrel")
    terminal.does("whimbrel revision --autogenerate -m ours")
    terminal.does("alembic upgrade head")
    terminal.does("alembic check")
    terminal.does("whimbrel check")
    terminal.edit("models.py", "String(20)", "String(50)")
    terminal.does("alembic revision -m theirs --autogenerate")
    ours, theirs = terminal.does("whimbrel history"), terminal.does("alembic history")
    assert ours.stdout == theirs.stdout
    assert terminal.does("whimbrel current").stdout == (
        terminal.does("alembic current").stdout
    )
    terminal.does("alembic downgrade base")
    assert {} == terminal.schema()


def test_the_classic_mistakes(terminal):
    """
    A revision that is not there, a database behind head, a model not imported: each
    is told in a sentence with a remedy, and nothing is changed.
    """
    set_up(terminal, "whimbrel")
    terminal.does("whimbrel revision --autogenerate -m first")
    terminal.does("whimbrel upgrade head")
    terminal.rows("UPDATE alembic_version SET version_num = '3b47eb2e3c5f'")
    terminal.refuses(
        "whimbrel upgrade head",
        "Can't locate revision identified by '3b47eb2e3c5f'", "whimbrel repair",
    )  # fmt: skip
    terminal.does("whimbrel stamp head")
    terminal.does("whimbrel check")
    terminal.edit("alembic/env.py", "= Base.metadata", "= None")
    terminal.refuses(
        "whimbrel revision --autogenerate -m second", "target_metadata in env.py"
    )
