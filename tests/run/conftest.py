"""The databases and projects that the tests of running work on."""

import pytest

from running import Database, Project


@pytest.fixture
def database(tmp_path):
    """An empty SQLite file."""
    return Database(tmp_path / "app.db")


@pytest.fixture
def project(tmp_path):
    """An empty folder of scripts."""
    return Project(tmp_path / "migrations")
