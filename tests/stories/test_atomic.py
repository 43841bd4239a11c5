"""Stories of ``--atomic``: all scripts of a run, or none of them."""

import pytest
import sqlalchemy as sa


ENV = """
from alembic import context
from sqlalchemy import create_engine

url = {url!r}
with create_engine(url).connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""
SCRIPT = """
import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {down!r}


def upgrade():
    {body}


def downgrade():
    op.drop_table({revision!r})
"""
CREATES = "op.create_table({name!r}, sa.Column('id', sa.Integer, primary_key=True))"
FAILS = "op.execute('SELECT nosuch FROM nowhere')"
BY_ITSELF = "with op.get_context().autocommit_block(): op.execute('SELECT 1')"


@pytest.fixture(params=["sqlite", "postgresql", "mariadb", "mysql"])
def project(request, terminal):
    """Three scripts, of which the last does what the test says."""
    url = f"sqlite:///{terminal.folder}/app.db"
    if request.param != "sqlite":
        url = request.getfixturevalue(f"{request.param}_url")

    def make(last):
        terminal.does("alembic init migrations")
        terminal.write("migrations/env.py", ENV.format(url=url))
        bodies = {name: CREATES.format(name=name) for name in ("aa", "bb")}
        down = None
        for revision, body in {**bodies, "cc": last}.items():
            text = SCRIPT.format(revision=revision, down=down, body=body)
            terminal.write(f"migrations/versions/{revision}.py", text)
            down = revision
        return url

    return make


def fails(terminal, line):
    answer = terminal.type(line)
    assert answer.status, answer
    return answer.text


def tables(url):
    engine = sa.create_engine(url)
    try:
        return {each for each in sa.inspect(engine).get_table_names() if len(each) == 2}
    finally:
        engine.dispose()


def test_what_came_before_a_failure_is_undone(project, terminal):
    """
    An env.py that wants a transaction for each script gives way to --atomic; where
    each statement commits by itself, that is said before anything is done.
    """
    url = project(FAILS)
    told = fails(terminal, "whimbrel upgrade head --atomic")

    assert tables(url) == set()
    if url.startswith("mysql"):
        assert "--atomic cannot hold there" in told
    else:
        fails(terminal, "whimbrel upgrade head")
        assert tables(url) == {"aa", "bb"}


def test_a_script_that_commits_is_refused(project, terminal):
    """
    An autocommit block and --atomic cannot both have their way.
    """
    url = project(BY_ITSELF)
    told = fails(terminal, "whimbrel upgrade head --atomic")

    assert tables(url) == set()
    assert "--atomic" in told
