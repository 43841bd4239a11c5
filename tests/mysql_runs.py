"""Scripts run on MariaDB: by our operations, and by plain Alembic's."""

import re
from contextlib import contextmanager

import sqlalchemy as sa
from alembic.ddl import mysql as alembic_mysql
from alembic.ddl.impl import _impls
from alembic.migration import MigrationContext
from alembic.operations import Operations as PlainOperations

from whimbrel.run.runtime import Operations, owned_context


def emptied(connection):
    """Drop all tables."""
    connection.rollback()
    connection.exec_driver_sql("SET foreign_key_checks = 0")
    for name in sa.inspect(connection).get_table_names():
        quoted = name.replace("`", "``").replace("%", "%%")
        connection.exec_driver_sql(f"DROP TABLE `{quoted}`")
    connection.exec_driver_sql("SET foreign_key_checks = 1")
    connection.commit()


def forget_statistics(connection):
    """Let an index have a name that it had before.

    MariaDB writes statistics beside all statements, and may do so by the old name just
    as an index gets a new one; then it never gives it the old one back (error 1022).
    """
    if getattr(connection.dialect, "is_mariadb", False):
        connection.exec_driver_sql(
            "DELETE FROM mysql.innodb_index_stats WHERE database_name = DATABASE()"
        )
        connection.commit()


@contextmanager
def ours(connection):
    """Let scripts run as a run of ours lets them."""
    forget_statistics(connection)
    context = owned_context(MigrationContext.configure(connection))
    with Operations.context(context), context.begin_transaction():
        yield
    connection.commit()


@contextmanager
def plain(connection):
    """Let scripts run as Alembic alone does, its own implementation in place."""
    forget_statistics(connection)
    kept = dict(_impls)
    _impls["mysql"] = alembic_mysql.MySQLImpl
    try:
        context = MigrationContext.configure(connection)
        with PlainOperations.context(context), context.begin_transaction():
            yield
        connection.commit()
    finally:
        _impls.update(kept)


def tables(connection):
    """Return SHOW CREATE TABLE of each table, its lines in an order of their own."""
    found = {}
    for name in sa.inspect(connection).get_table_names():
        (_, text) = connection.exec_driver_sql(f"SHOW CREATE TABLE `{name}`").one()
        head, *lines, tail = text.splitlines()
        counted = re.sub(r" AUTO_INCREMENT=\d+", "", tail)
        found[name] = [head, *sorted(line.strip(" ,") for line in lines), counted]
    connection.rollback()
    return found
