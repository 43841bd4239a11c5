"""A schema looks otherwise after each statement that changes it, and only then."""

import sqlalchemy as sa

from whimbrel.catalog.fingerprint import fingerprint


STATEMENTS = (
    "CREATE TABLE t (a int)",
    "CREATE VIEW v AS SELECT a FROM t",
    "CREATE PROCEDURE p() SELECT 1",
    "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1",
    "CREATE EVENT e ON SCHEDULE EVERY 1 YEAR DO SELECT 1",
)


def test_each_statement_is_seen(mariadb_url):
    """Whatever the server's version has of functions to make a text short."""
    engine = sa.create_engine(mariadb_url, poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        before = fingerprint(connection)
        for statement in STATEMENTS:
            connection.exec_driver_sql(statement)
            after = fingerprint(connection)
            assert after != before, statement
            assert fingerprint(connection) == after
            before = after
