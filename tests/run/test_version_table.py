"""Readable revision ids fit, in a new table of revisions and in one that Alembic made."""

import logging

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from running import ENV, Project
from whimbrel.errors import DatabaseError


LONG = "20261121_add_the_email_address_to_every_user"
LONGER = f"{LONG}_{'x' * 150}"


@pytest.fixture(params=["postgresql", "mariadb", "mysql"])
def engine(request):
    url = request.getfixturevalue(f"{request.param}_url")
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    yield engine
    engine.dispose()


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path / "migrations", env=ENV)
    project.script(
        "short",
        "op.create_table('a', sa.Column('id', sa.Integer))",
        "op.drop_table('a')",
    )
    project.script(
        LONG, "op.create_table('b', sa.Column('id', sa.Integer))", "op.drop_table('b')"
    )
    return project


def stored(engine):
    with engine.connect() as connection:
        return connection.exec_driver_sql(
            "SELECT version_num FROM alembic_version"
        ).scalar()


def width(engine, table="alembic_version"):
    (column,) = sa.inspect(engine).get_columns(table)
    return column["type"].length


def made_by_alembic(engine, revision):
    with engine.begin() as connection:
        for sql in (
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"
            " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))",
            f"INSERT INTO alembic_version VALUES ('{revision}')",
            "CREATE TABLE a (id INTEGER)",
        ):
            connection.exec_driver_sql(sql)


def test_a_new_table_is_wide(engine, project):
    """Nothing has to be altered when the first long id comes."""
    project.upgrade(engine, "short")
    assert width(engine) == 128
    project.upgrade(engine)
    assert stored(engine) == LONG


def test_an_old_table_is_widened_when_it_must_be(engine, project, caplog):
    """Right before the long id is stored, and it is told; its key stays."""
    made_by_alembic(engine, "short")
    with caplog.at_level(logging.WARNING):
        project.upgrade(engine)
    assert stored(engine) == LONG
    assert width(engine) == 128
    assert "widened from 32 to 128" in caplog.text
    inspector = sa.inspect(engine)
    assert inspector.get_pk_constraint("alembic_version")["constrained_columns"] == [
        "version_num"
    ]
    assert not inspector.get_columns("alembic_version")[0]["nullable"]
    project.downgrade(engine, "short")
    assert stored(engine) == "short"


def test_an_old_table_stays_while_it_will_do(engine, project):
    """What Alembic made is not touched without need."""
    made_by_alembic(engine, "short")
    project.downgrade(engine)
    project.upgrade(engine, "short")
    assert width(engine) == 32


def test_even_a_wide_table_may_be_too_narrow(engine, tmp_path):
    """It becomes as wide as the id."""
    project = Project(tmp_path / "migrations", env=ENV)
    project.script(LONGER, "pass")
    project.upgrade(engine)
    assert stored(engine) == LONGER


def test_plain_alembic_goes_on(engine, project):
    """It reads and writes the table as ever."""
    project.upgrade(engine)
    config = Config()
    config.set_main_option("script_location", str(project.path))
    config.attributes["engine"] = engine
    command.downgrade(config, "base")
    command.upgrade(config, "head")
    assert stored(engine) == LONG


def test_a_role_that_may_not_alter_it_is_told_before_anything_runs(
    postgresql_url, project
):
    """The script is not run: nothing is half done."""
    engine = sa.create_engine(postgresql_url, poolclass=sa.pool.NullPool)
    made_by_alembic(engine, "short")
    with engine.begin() as connection:
        role = f"{sa.make_url(postgresql_url).database}_role"
        for sql in (
            f"CREATE ROLE {role} LOGIN",
            f"GRANT ALL ON SCHEMA public TO {role}",
            f"GRANT ALL ON alembic_version TO {role}",
        ):
            connection.exec_driver_sql(sql)
    other = sa.create_engine(sa.make_url(postgresql_url).set(username=role))
    try:
        with pytest.raises(DatabaseError, match="cannot be widened"):
            project.upgrade(other)
        assert not sa.inspect(engine).has_table("b")
    finally:
        other.dispose()
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP OWNED BY {role}")
            connection.exec_driver_sql(f"DROP ROLE {role}")
        engine.dispose()
