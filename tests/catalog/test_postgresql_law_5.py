"""On PostgreSQL too, what create_all() makes of models is what we read from them."""

import os

import pytest
import sqlalchemy as sa
from hypothesis import assume, given, settings

from models_of_postgresql import is_created, metadatas
from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope


SCOPE = Scope(schemas=(None, "other"))


@pytest.fixture
def engine(postgresql_url):
    engine = sa.create_engine(postgresql_url)
    yield engine
    engine.dispose()


@given(metadata=metadatas())
@settings(max_examples=3000 if os.environ.get("WHIMBREL_SOAK") else 40)
def test_models_are_what_create_all_makes_of_them(metadata, engine):
    """
    For any models, the state of a database that create_all() made equals the
    state of the models, be it read before or after; and no difference is found.
    """
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE SCHEMA other")  # taken back, as all here
        before = read_models([metadata], connection, SCOPE)
        assume(is_created(metadata, connection))
        current = read_state(connection, SCOPE)
        after = read_models([metadata], connection, SCOPE)
        connection.rollback()
    wanted = adopt_names(before, current)
    assert diff(current, wanted) == ()
    assert wanted == current
    assert after == before
