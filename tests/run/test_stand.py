"""A scratch database on a server stands as the original does, indexes included."""

import sqlalchemy as sa

from whimbrel.catalog.read import read_state
from whimbrel.catalog.scratch import scratch_like
from whimbrel.run.stand import stand
from whimbrel.schema.scope import Scope


def test_the_index_of_a_key_that_the_server_named(mariadb_url):
    """Its name is not that of the key, so that a script can drop it there too."""
    engine = sa.create_engine(mariadb_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE owner (id INT PRIMARY KEY)")
        connection.exec_driver_sql(
            "CREATE TABLE item (id INT PRIMARY KEY, owner_id INT,"
            " FOREIGN KEY (owner_id) REFERENCES owner (id))"
        )
    with engine.connect() as source:
        scope = Scope()
        current = read_state(source, scope)
        with scratch_like(source, scope) as scratch:
            stand(source, scratch, scope, current)
            names = sa.inspect(scratch).get_indexes("item")

            assert read_state(scratch, scope) == current
            assert [each["name"] for each in names] == ["owner_id"]
    engine.dispose()
