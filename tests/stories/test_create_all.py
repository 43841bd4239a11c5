"""A database made by create_all() gets a history, and another one the same tables."""

import sqlite3

import pytest

from stories.user_app import APP, MAIL


@pytest.fixture
def project(terminal):
    """An app whose database was made by create_all(), with a row and a stranger."""
    terminal.write("app.py", APP)
    create_all(terminal)
    terminal.rows("INSERT INTO user (name) VALUES ('john')")
    terminal.rows("CREATE TABLE of_another_app (id INTEGER PRIMARY KEY)")
    return terminal


def create_all(terminal, text="db.create_all()"):
    terminal.write(
        "make.py", f"from app import app, db\nwith app.app_context():\n    {text}\n"
    )
    terminal.does("python make.py")


def elsewhere(terminal):
    """Run all scripts on an empty database; return its tables."""
    (terminal.folder / "app.db").rename(terminal.folder / "kept.db")
    terminal.does("flask db upgrade")
    schema = terminal.schema()
    (terminal.folder / "kept.db").replace(terminal.folder / "app.db")
    return schema


@pytest.mark.parametrize("is_first", [True, False], ids=["init first", "tables first"])
def test_the_first_script_makes_what_is_there(terminal, is_first):
    """
    Whether the folder or the tables came first, a script makes the tables elsewhere,
    and here it is noted as applied.
    """
    terminal.write("app.py", APP)
    if is_first:
        terminal.does("flask db init")
        create_all(terminal)
    else:
        create_all(terminal)
        said = terminal.does("flask db init").stdout
        assert "there before the history" in said
        assert "Next: `flask db upgrade` notes here" in said
    before = terminal.schema()
    said = terminal.does("flask db migrate -m first").stdout
    assert ("there before the history" if is_first else "No changes") in said
    terminal.does("flask db check")
    assert 1 == len(terminal.scripts)
    assert "equals revision" in terminal.does("flask db upgrade").stdout
    assert before == terminal.schema()
    assert before == elsewhere(terminal)
    assert "No changes" in terminal.does("flask db migrate").stdout


def test_what_the_models_want_beyond_is_a_second_script(terminal):
    """
    Tables that are behind the models: the first script makes them as they are, the
    second one brings them to the models, with the message that was given.
    """
    terminal.write("app.py", APP)
    terminal.does("flask db init")
    create_all(terminal)
    terminal.rows("INSERT INTO user (name) VALUES ('john')")
    before = terminal.schema()
    terminal.edit("app.py", "#mail", MAIL)

    terminal.does("flask db migrate -m mail --rev-id 1234")

    first, second = terminal.scripts
    assert "create_table" in first
    assert "mail" not in first
    assert second.startswith('"""mail')
    assert "create_table" not in second
    terminal.does("flask db upgrade")
    assert [(1, "john", None)] == terminal.rows("SELECT * FROM user")
    assert terminal.schema() == elsewhere(terminal)
    terminal.does("flask db downgrade")
    assert before == terminal.schema()


def test_the_tables_of_others_are_left_alone(project):
    """
    A table that the models do not know is in no script, and stays.
    """
    said = project.does("flask db init").stdout
    assert "Left alone" in said
    project.edit("app.py", "#mail", MAIL)
    project.does("flask db migrate")
    project.does("flask db upgrade")
    project.does("flask db check")

    assert "of_another_app" in project.schema()
    assert not any("of_another_app" in text for text in project.scripts)
    assert [(1, "john", None)] == project.rows("SELECT * FROM user")


def test_a_database_that_equals_no_revision_is_refused(project):
    """
    Without a stamp and different from every revision: the difference is shown, and
    the stamp that the error names lets the upgrade go on.
    """
    project.does("flask db init")
    project.edit("app.py", "#mail", MAIL)
    project.does("flask db migrate")
    project.rows("ALTER TABLE user ADD COLUMN mail VARCHAR(30)")

    refused = project.refuses("flask db upgrade", "no stamp", "user.mail")

    assert "`flask db stamp" in refused.stderr
    assert "E203" in refused.stderr


def test_later_databases_are_noted_where_they_stand(project):
    """
    A database made by create_all() of later models is noted at the later revision.
    """
    project.does("flask db init")
    project.edit("app.py", "#mail", MAIL)
    project.does("flask db migrate -m mail")
    (project.folder / "app.db").unlink()
    create_all(project)

    project.does("flask db upgrade")

    assert "(head)" in project.does("flask db current").stdout
    with sqlite3.connect(project.folder / "app.db") as connection:
        assert 1 == len(connection.execute("SELECT * FROM alembic_version").fetchall())
    connection.close()


def test_init_needs_no_database(terminal):
    """
    Without a database, or without the models' tables in it, init only makes a folder,
    and no file of a database.
    """
    terminal.write("app.py", APP)
    terminal.does("flask db init")
    assert [] == terminal.scripts
    assert not (terminal.folder / "app.db").exists()
