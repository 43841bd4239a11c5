"""What create_all() makes of models is what we read from the same models."""

import sqlalchemy as sa
from hypothesis import given

from models_of_all_sorts import create_all, metadatas
from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope


@given(metadatas())
def test_models_are_what_create_all_makes_of_them(metadata):
    """
    For any models, the state of a database that create_all() made equals the
    state of the models, once what is unnamed has taken its equal's name.
    """
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        create_all(metadata, connection)
        current = read_state(connection, Scope())
        wanted = adopt_names(read_models([metadata], connection, Scope()), current)
    engine.dispose()
    assert diff(current, wanted) == ()
    assert wanted == current
