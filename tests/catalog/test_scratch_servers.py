"""On a server a scratch database stands beside the original, and goes again."""

import asyncio
import secrets
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from whimbrel.catalog.scratch import copy_surroundings, scratch_like
from whimbrel.catalog.scratch_server import is_held, is_leftover, new_name
from whimbrel.errors import NoScratch
from whimbrel.schema.scope import Scope


PG_NAMES = "SELECT datname FROM pg_database"
MY_NAMES = "SHOW DATABASES"


@pytest.fixture(params=["postgresql", "mariadb", "mysql"])
def url(request):
    return request.getfixturevalue(f"{request.param}_url")


@contextmanager
def connected(url, **options):
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool, **options)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def names(connection):
    sql = PG_NAMES if connection.dialect.name == "postgresql" else MY_NAMES
    return set(connection.exec_driver_sql(sql).scalars())


def here(connection):
    function = {"postgresql": "current_database()"}.get(
        connection.dialect.name, "database()"
    )
    return connection.exec_driver_sql(f"SELECT {function}").scalar()


def run(connection, *statements):
    for statement in statements:
        connection.exec_driver_sql(statement)
    connection.commit()


def test_it_is_another_database_and_goes_again(url):
    """What is done there is not done to the original, and nothing is left."""
    with connected(url) as connection:
        run(connection, "CREATE TABLE item (id int)")
        with scratch_like(connection) as scratch:
            mine = here(scratch)
            assert mine in names(connection)
            assert mine != here(connection)
            assert sa.inspect(scratch).get_table_names() == []
            run(scratch, "CREATE TABLE extra (id int)")
        connection.rollback()
        assert mine not in names(connection)
        assert sa.inspect(connection).get_table_names() == ["item"]


def test_it_goes_when_a_script_fails(url):
    """An error in the block, or a transaction left open, changes nothing of that."""
    with connected(url) as connection:
        seen = []
        with pytest.raises(DBAPIError), scratch_like(connection) as scratch:
            run(scratch, seen.append(here(scratch)) or "SELECT 1", "SELECT wrong")
        (mine,) = seen
        connection.rollback()
        assert mine not in names(connection)


def test_leftovers_of_killed_runs_go(url):
    """Those older than an hour; younger ones may be in use, others are not ours."""
    old = f"_whimbrel_scratch_0000000001_{secrets.token_hex(4)}"
    young, other = new_name(), f"_whimbrel_scratch_mine_{secrets.token_hex(4)}"
    with connected(url, isolation_level="AUTOCOMMIT") as connection:
        for name in (old, young, other):
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        try:
            with scratch_like(connection):
                pass
            assert {old, young, other} & names(connection) == {young, other}
        finally:
            for name in (old, young, other):
                connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")


def test_only_names_of_our_own_making_are_leftovers():
    """Nothing else can be taken for one."""
    assert is_leftover("_whimbrel_scratch_1500000000_0123abcd")
    assert not is_leftover(new_name())
    assert not is_leftover("_whimbrel_scratch_1500000000_0123abcd_mine")
    assert not is_leftover("x_whimbrel_scratch_1500000000_0123abcd")


def test_listeners_and_arguments_of_the_app_apply(url):
    """Hooks of the engine and ``connect_args`` count for the scratch database too."""
    key = "application_name" if url.startswith("postgresql") else "program_name"
    calls = []
    with connected(url, connect_args={key: "my app"}) as connection:
        event = sa.event.listen
        event(connection.engine, "connect", lambda driver, _: calls.append(driver))

        @sa.event.listens_for(connection.engine, "do_connect")
        def remember(dialect, record, args, parameters):
            calls.append(parameters[key])

        with scratch_like(connection) as scratch:
            assert scratch.connection.driver_connection in calls
            assert "my app" in calls


def test_an_app_that_makes_its_connections_itself(url):
    """A ``creator`` leads to one database; the scratch database is found all the same."""
    with connected(url) as first:
        connect = first.engine.pool._creator

        def mine():
            return connect()

        engine = sa.create_engine(url, creator=mine, poolclass=sa.pool.NullPool)
        with engine.connect() as connection, scratch_like(connection) as scratch:
            assert here(scratch).startswith("_whimbrel_scratch_")


def test_a_scratch_url_is_used_instead(url):
    """The server that it names need not be that of the original."""
    with connected(url) as connection:
        name = sa.make_url(url).set(drivername=connection.engine.url.drivername)
        with scratch_like(connection, url=str(name)) as scratch:
            assert here(scratch).startswith("_whimbrel_scratch_")


# PostgreSQL


def test_postgresql_settings_schemas_and_extensions(postgresql_url):
    """What decides how things are spelled and found is as in the original."""
    with connected(postgresql_url) as connection:
        database = here(connection)
        run(
            connection,
            'CREATE SCHEMA "My Schema"',
            "CREATE SCHEMA tools",
            "CREATE EXTENSION hstore SCHEMA tools",
            f"ALTER DATABASE {database} SET timezone = 'Asia/Tokyo'",
        )
    with connected(postgresql_url) as connection:
        run(connection, 'SET search_path = "My Schema", tools')
        connection.dialect.default_schema_name = "My Schema"
        with scratch_like(connection, Scope((None, "other"))) as scratch:
            for query in ("SHOW search_path", "SHOW timezone", "SHOW server_encoding"):
                assert [scratch.exec_driver_sql(query).scalar()] == [
                    connection.exec_driver_sql(query).scalar()
                ]
            run(scratch, "CREATE TABLE t (h hstore)", "CREATE TABLE other.t (id int)")
            assert sa.inspect(scratch).has_table("t", "My Schema")
            assert scratch.dialect.default_schema_name == "My Schema"


SURROUNDINGS = (
    "CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2'",
    "CREATE DOMAIN even AS int NOT NULL DEFAULT 2 CONSTRAINT is_even CHECK (twice(VALUE) %% 4 = 0)",
    "CREATE TYPE pair AS (a int, b text)",
    "CREATE COLLATION german (provider = icu, locale = 'de-u-co-phonebk', deterministic = false)",
)
UPON_TABLES = (
    "CREATE VIEW upper_view AS SELECT id FROM lower_view",
    "CREATE TRIGGER tr BEFORE UPDATE OF id ON item FOR EACH ROW EXECUTE FUNCTION noted()",
    "CREATE POLICY mine ON item FOR SELECT TO public USING (id > 0)",
)
TABLE = (
    "CREATE TABLE item (id even, p pair, n text COLLATE german, CHECK (twice(id) > 0))"
)


def test_postgresql_surroundings_are_copied(postgresql_url):
    """Functions, types and collations before the tables; views, triggers after them."""
    with connected(postgresql_url) as connection:
        run(
            connection,
            *SURROUNDINGS,
            TABLE,
            "CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            "CREATE VIEW lower_view AS SELECT id, n FROM item WHERE n <> '%%'",
            *UPON_TABLES,
            "CREATE EXTENSION hstore",
        )
        with scratch_like(connection) as scratch:
            copy_surroundings(connection, scratch, Scope(), are_tables_there=False)
            run(scratch, TABLE)
            copy_surroundings(connection, scratch, Scope(), are_tables_there=True)
            for query in (
                "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1",
                "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger ORDER BY 1",
                "SELECT policyname, cmd, qual FROM pg_policies",
                "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
            ):
                there = connection.exec_driver_sql(query).all()
                assert there
                assert scratch.exec_driver_sql(query).all() == there


@contextmanager
def as_role(url, *grants):
    """The URL of a role that may connect, and what *grants* say."""
    role = f"whimbrel_{secrets.token_hex(4)}"
    database = sa.make_url(url).database
    with connected(url, isolation_level="AUTOCOMMIT") as admin:
        admin.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
        try:
            for grant in grants:
                admin.exec_driver_sql(grant.format(role=role, database=database))
            made = sa.make_url(url).set(username=role, password="secret")
            yield made.render_as_string(hide_password=False)
        finally:
            admin.exec_driver_sql(f"DROP OWNED BY {role}")
            admin.exec_driver_sql(f"DROP ROLE {role}")


def test_a_role_without_databases_gets_a_schema_that_nobody_can_commit(postgresql_url):
    """Whatever a script does, COMMIT included, the original never sees it."""
    grant = "GRANT CREATE ON DATABASE {database} TO {role}"
    with as_role(postgresql_url, grant) as url, connected(url) as connection:
        with scratch_like(connection) as scratch:
            assert is_held(scratch)
            assert here(scratch) == here(connection)
            scratch.exec_driver_sql("CREATE TABLE extra (id int)")
            name = scratch.dialect.default_schema_name
            assert sa.inspect(scratch).get_table_names(name) == ["extra"]
            with pytest.raises(IntegrityError):
                scratch.commit()
        assert name not in sa.inspect(connection).get_schema_names()


def test_a_role_that_may_make_nothing_is_told(postgresql_url):
    """The error says why, and what would help."""
    with (
        as_role(postgresql_url) as url,
        connected(url) as connection,
        pytest.raises(NoScratch, match="permission denied") as told,
        scratch_like(connection),
    ):
        pass
    assert "scratch_url" in told.value.remedy


def test_several_schemas_cannot_be_held(postgresql_url):
    """One schema cannot stand for two; that is told, and nothing is tried."""
    grant = "GRANT CREATE ON DATABASE {database} TO {role}"
    with (
        as_role(postgresql_url, grant) as url,
        connected(url) as connection,
        pytest.raises(NoScratch, match="several schemas"),
        scratch_like(connection, Scope((None, "other"))),
    ):
        pass


def test_an_asynchronous_engine_gets_a_synchronous_scratch_database(postgresql_url):
    """The event loop is over when the script is tried."""
    from sqlalchemy.ext.asyncio import create_async_engine

    def check(connection):
        with scratch_like(connection) as scratch:
            assert not scratch.dialect.is_async
            assert here(scratch).startswith("_whimbrel_scratch_")

    async def main():
        engine = create_async_engine(postgresql_url)
        async with engine.connect() as connection:
            await connection.run_sync(check)
        await engine.dispose()

    asyncio.run(main())


def test_a_socket_in_the_url_stays(postgresql_url):
    """``?host=/run/postgresql`` names no host, and is kept."""
    with connected(postgresql_url) as connection:
        place = connection.exec_driver_sql("SHOW unix_socket_directories").scalar()
    url = sa.make_url(postgresql_url)
    socket = url.set(host=None, query={"host": (place or "").split(",")[0]})
    try:
        with connected(socket) as connection, scratch_like(connection) as scratch:
            assert here(scratch).startswith("_whimbrel_scratch_")
    except sa.exc.OperationalError as error:
        pytest.skip(f"the server's socket cannot be used: {str(error)[:60]}")


# MySQL and MariaDB


def test_mariadb_settings_are_those_of_the_session(mariadb_url):
    """Charset and collation of the database, and the mode of the session."""
    query = (
        "SELECT @@sql_mode, @@character_set_database, @@collation_database, @@time_zone"
    )
    with connected(mariadb_url) as connection:
        run(
            connection,
            f"ALTER DATABASE {here(connection)} CHARACTER SET latin1 COLLATE latin1_german2_ci",
            "SET SESSION sql_mode = 'ANSI_QUOTES', SESSION time_zone = '+03:00'",
        )
        with scratch_like(connection) as scratch:
            there = scratch.exec_driver_sql(query).all()
        assert there == connection.exec_driver_sql(query).all()


@pytest.mark.parametrize(
    "statement", ["USE {}", "DROP TABLE {}.item", "SELECT * FROM `{}` . `item`"]
)
def test_a_script_cannot_leave_a_scratch_database_of_mysql(mariadb_url, statement):
    """Statements that name the original are refused before they run."""
    with connected(mariadb_url) as connection:
        run(connection, "CREATE TABLE item (id int)")
        with scratch_like(connection) as scratch:
            run(scratch, "CREATE TABLE item (id int)", "SELECT item.id FROM item")
            with pytest.raises(NoScratch, match="leaves the scratch database"):
                scratch.exec_driver_sql(statement.format(here(connection)))
        assert sa.inspect(connection).get_table_names() == ["item"]


def test_models_that_name_other_databases_of_mysql_are_not_tried(mariadb_url):
    """A schema is a database there; it is said that there is no proof."""
    with (
        connected(mariadb_url) as connection,
        pytest.raises(NoScratch, match="other_database"),
        scratch_like(connection, Scope((None, "other_database"))),
    ):
        pass
