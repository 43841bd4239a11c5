"""What all tests share: profiles of Hypothesis, and real servers where there are some."""

import compileall
import os
import sys
import uuid
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

import whimbrel
from servers import unreachable, url_of


POSTGRESQL = url_of("WHIMBREL_POSTGRESQL")

SOAK = bool(os.environ.get("WHIMBREL_SOAK"))

COMMON = settings(
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("test", COMMON, max_examples=100, derandomize=True)
settings.register_profile("soak", COMMON, max_examples=3000, print_blob=True)
settings.load_profile("soak" if SOAK else "test")


@pytest.fixture(scope="session", autouse=True)
def _own_environment():
    """Keep the settings of whoever runs the tests away from the commands under test."""
    kept = pytest.MonkeyPatch()
    for name in list(os.environ):
        if name.startswith("FLASK_") or name in ("ALEMBIC_CONFIG", "NO_COLOR"):
            kept.delenv(name)
    # the files of a project change within a second
    kept.setenv("PYTHONDONTWRITEBYTECODE", "1")
    kept.setattr(sys, "dont_write_bytecode", True)
    # PyMySQL loads all certificates that there are for each connection: 30 ms
    kept.setenv("SSL_CERT_FILE", os.devnull)
    kept.setenv("SSL_CERT_DIR", os.devnull)
    yield
    kept.undo()


@pytest.fixture(scope="session")
def _no_postgresql():
    return unreachable(POSTGRESQL)


@contextmanager
def _throw_away_database(reason, server, kind, drop="DROP DATABASE IF EXISTS {name}"):
    if reason:
        pytest.skip(f"no {kind} at {server}: {reason}")
    name = f"whimbrel_test_{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield sa.make_url(server).set(database=name).render_as_string(False)
        with engine.connect() as connection:
            connection.exec_driver_sql(drop.format(name=name))
    finally:
        engine.dispose()


def _postgresql(reason):
    drop = "DROP DATABASE IF EXISTS {name} WITH (FORCE)"
    return _throw_away_database(reason, POSTGRESQL, "PostgreSQL", drop)


@pytest.fixture
def postgresql_url(_no_postgresql):
    """The URL of an empty PostgreSQL database, dropped after the test."""
    with _postgresql(_no_postgresql) as url:
        yield url


@pytest.fixture(scope="module")
def lasting_postgresql_url(_no_postgresql):
    """The URL of a PostgreSQL database for a module whose tests undo what they do."""
    with _postgresql(_no_postgresql) as url:
        yield url


def pytest_configure(config):
    """Compile the package once, not in each process that a test starts: 0.5 s."""
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(Path(whimbrel.__file__).parent, quiet=2)


def pytest_generate_tests(metafunc):
    """Let each test that uses MariaDB run on MySQL too."""
    if "kind_of_server" in metafunc.fixturenames:
        kinds = ["mariadb", "mysql"]
        metafunc.parametrize("kind_of_server", kinds, indirect=True, scope="session")


def pytest_collection_modifyitems(config, items):
    """Leave out on MySQL what is about things that only MariaDB has."""
    others = [each for each in items if _is_of_another_kind(each)]
    config.hook.pytest_deselected(items=others)
    items[:] = [each for each in items if each not in set(others)]


def _is_of_another_kind(item):
    callspec = getattr(item, "callspec", None)
    kind = callspec.params.get("kind_of_server") if callspec is not None else None
    return any(
        kind not in (None, mark.args[0]) for mark in item.iter_markers("only_on")
    )


@pytest.fixture(scope="session")
def kind_of_server(request):
    """Which of the two a test runs on: mariadb or mysql."""
    return getattr(request, "param", "mariadb")


NAMES = {"mariadb": "MariaDB", "mysql": "MySQL"}


def _server(kind):
    """Return why the server cannot be used, its URL, and what it is called."""
    variable = f"WHIMBREL_{kind.upper()}"
    url = url_of(variable)
    return unreachable(url, variable), url, NAMES[kind]


@pytest.fixture(scope="session")
def _server_of_kind(kind_of_server):
    return _server(kind_of_server)


@pytest.fixture(scope="session")
def _mysql():
    return _server("mysql")


@pytest.fixture
def mariadb_url(_server_of_kind):
    """The URL of an empty MariaDB or MySQL database, dropped after the test.

    A test that names this fixture runs on both.
    """
    with _throw_away_database(*_server_of_kind) as url:
        yield url


@pytest.fixture(scope="module")
def lasting_mariadb_url(_server_of_kind):
    """The URL of a MariaDB database for a module whose tests undo what they do."""
    with _throw_away_database(*_server_of_kind) as url:
        yield url


@contextmanager
def _connected(url):
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def postgresql(postgresql_url):
    """A connection to an empty PostgreSQL database, dropped after the test."""
    with _connected(postgresql_url) as connection:
        yield connection


@pytest.fixture
def mariadb(mariadb_url):
    """A connection to an empty MariaDB or MySQL database, dropped after the test."""
    with _connected(mariadb_url) as connection:
        yield connection


@pytest.fixture(scope="module")
def lasting_postgresql(lasting_postgresql_url):
    """A connection to a PostgreSQL database for a module."""
    with _connected(lasting_postgresql_url) as connection:
        yield connection


@pytest.fixture(scope="module")
def lasting_mariadb(lasting_mariadb_url):
    """A connection to a MariaDB or MySQL database for a module."""
    with _connected(lasting_mariadb_url) as connection:
        yield connection


@pytest.fixture
def mysql_url(_mysql):
    """The URL of an empty MySQL database, dropped after the test."""
    with _throw_away_database(*_mysql) as url:
        yield url


@pytest.fixture(scope="module")
def lasting_mysql_url(_mysql):
    """The URL of a MySQL database for a module whose tests undo what they do."""
    with _throw_away_database(*_mysql) as url:
        yield url


def pytest_terminal_summary(terminalreporter):
    """Say loudly what was not tested, and why."""
    reasons = Counter()
    for report in terminalreporter.stats.get("skipped", ()):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else "no reason"
        reasons[why.removeprefix("Skipped: ")] += 1
    if not reasons:
        return
    terminalreporter.section("NOT TESTED", sep="=", yellow=True, bold=True)
    for reason, count in sorted(reasons.items()):
        terminalreporter.line(f"SKIPPED: {reason} ({count} tests)", yellow=True)
