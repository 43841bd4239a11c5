"""What tests of readers share: roles of a server that may do little."""

import pytest
import sqlalchemy as sa


@pytest.fixture
def as_role(mariadb_url):
    """Give what connects as a role that has some privileges on the database."""
    server = sa.create_engine(mariadb_url, isolation_level="AUTOCOMMIT")
    database = server.url.database
    role = database[-20:]
    engines = []

    def connect(privileges):
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE USER {role}@'%%'")
            connection.exec_driver_sql(f"CREATE USER {role}@'127.0.0.1'")
            for host in ("%%", "127.0.0.1"):
                connection.exec_driver_sql(
                    f"GRANT {privileges} ON {database}.* TO {role}@'{host}'"
                )
        url = server.url.set(username=role, password=None)
        engines.append(sa.create_engine(url))
        return engines[-1].connect()

    yield connect
    for engine in engines:
        engine.dispose()
    with server.connect() as connection:
        for host in ("%%", "127.0.0.1"):
            connection.exec_driver_sql(f"DROP USER IF EXISTS {role}@'{host}'")
    server.dispose()
