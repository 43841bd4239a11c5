"""Runs a command with servers for it to test on: those that answer, or throw-away ones.

    python tests/servers.py pytest -q

A server that answers at its usual place is used as it is.  Otherwise one is started
from what is installed: its data in a folder of its own, its port a free one, both
gone when the command ends.  What is not installed is said; its tests are skipped.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy as sa


USUAL = {
    "WHIMBREL_POSTGRESQL": "postgresql+psycopg://postgres@127.0.0.1:5432/postgres",
    "WHIMBREL_MARIADB": "mysql+pymysql://root@127.0.0.1:3306/mysql",
    "WHIMBREL_MYSQL": "mysql+pymysql://root@127.0.0.1:3307/mysql",
}
IS_MARIADB = {"WHIMBREL_MARIADB": True, "WHIMBREL_MYSQL": False}
PLACES = (
    "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin",
    "/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/usr/local/mysql/bin",
    "/opt/homebrew/opt/*/bin", "/usr/local/opt/*/bin",
)  # fmt: skip
PATIENCE = 60


def url_of(variable):
    """Where the server of that kind is looked for."""
    return os.environ.get(variable) or USUAL[variable]


def unreachable(url, variable=None):
    """Return why nobody answers at *url*; an empty text if somebody does.

    A server of another kind than *variable* is about counts as nobody.
    """
    try:
        engine = sa.create_engine(url, connect_args={"connect_timeout": 3})
        with engine.connect() as connection:
            is_mariadb = getattr(connection.dialect, "is_mariadb", None)
    except Exception as error:  # whatever it is, it is the reason to skip
        return str(error).splitlines()[0]
    if IS_MARIADB.get(variable, is_mariadb) != is_mariadb:
        return f"{'MariaDB' if is_mariadb else 'MySQL'} answers there"
    return ""


def found(*names):
    """Return the first program of these names that is installed, the newest of it."""
    return next((each for name in names for each in _installed(name)), None)


def _installed(name):
    if shutil.which(name):
        yield shutil.which(name)
    for place in PLACES:
        folders = Path("/").glob(place.lstrip("/"))
        for folder in sorted(folders, key=lambda each: each.parts, reverse=True):
            if os.access(folder / name, os.X_OK):
                yield str(folder / name)


def found_mysqld(*, is_mariadb):
    """Return a ``mysqld`` of that kind; MariaDB's may be called so as well."""
    for program in _installed("mysqld"):
        told = subprocess.run(
            [program, "--no-defaults", "--version"],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        if told.returncode == 0 and ("MariaDB" in told.stdout) is is_mariadb:
            return program
    return None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def somebody():
    """Who runs the server: not root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "mysql", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return {}


@contextmanager
def data_folder(who):
    folder = Path(tempfile.mkdtemp(prefix="whimbrel_server_"))
    if who:
        os.chown(folder, who["user"], who["group"])
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def process(words, url, folder, who):
    """Run a server until the end of the block; wait until it answers."""
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            words, stdout=log, stderr=log, cwd=folder, start_new_session=True, **who
        )
    try:
        end = time.monotonic() + PATIENCE
        while why := unreachable(url):
            if server.poll() is not None or time.monotonic() > end:
                log = (folder / "log").read_text(errors="replace")[-800:]
                raise RuntimeError(f"{words[0]} does not start: {why}\n{log}")
            time.sleep(0.2)
        yield
    finally:
        server.send_signal(signal.SIGINT if "postgres" in words[0] else signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def prepare(words, folder, who):
    done = subprocess.run(
        words, check=False, capture_output=True, text=True, cwd=folder, **who
    )
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed: {(done.stderr or done.stdout)[-800:]}")


@contextmanager
def postgresql():
    """Yield the URL of a throw-away PostgreSQL server."""
    initdb = found("initdb")
    if initdb is None:
        raise RuntimeError("PostgreSQL is not installed (no initdb)")
    who, port = somebody(), free_port()
    with data_folder(who) as folder:
        data = str(folder / "data")
        words = [initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        prepare([*words, "--no-locale", "--no-sync"], folder, who)
        server = str(Path(initdb).resolve().with_name("postgres"))
        words = [server, "-D", data, "-p", str(port), "-k", str(folder)]
        for setting in (
            "listen_addresses=127.0.0.1", "fsync=off", "synchronous_commit=off",
            "full_page_writes=off", "max_connections=200",
        ):  # fmt: skip
            words += ["-c", setting]
        url = f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
        with process(words, url, folder, who):
            yield url


@contextmanager
def mariadb(*settings):
    """Yield the URL of a throw-away MariaDB server.

    Args:
        settings: options that it is made and started with.
    """
    server = found("mariadbd") or found_mysqld(is_mariadb=True)
    installer = found("mariadb-install-db", "mysql_install_db")
    if server is None or installer is None:
        raise RuntimeError("MariaDB is not installed (no mariadbd)")
    making = [installer, "--no-defaults", "--skip-test-db"]
    making.append("--auth-root-authentication-method=normal")
    # without it, the server's own default is latin1, in which our names cannot be written
    settings = ("--character-set-server=utf8mb4", *settings)
    with _one_of_mysql(server, making, settings) as url:
        yield url


@contextmanager
def mysql(*settings):
    """Yield the URL of a throw-away MySQL server.

    Args:
        settings: options that it is made and started with.
    """
    server = found_mysqld(is_mariadb=False)
    if server is None:
        raise RuntimeError("MySQL is not installed (no mysqld that is not MariaDB's)")
    making = [server, "--no-defaults", "--initialize-insecure"]
    if os.geteuid() == 0 and not somebody():
        settings = ("--user=root", *settings)
    quiet = ("--mysqlx=OFF", "--secure-file-priv=NULL")
    with _one_of_mysql(server, making, (*quiet, *settings)) as url:
        yield url


@contextmanager
def _one_of_mysql(server, making, settings):
    who, port = somebody(), free_port()
    with data_folder(who) as folder:
        data = f"--datadir={folder / 'data'}"
        prepare([*making, data, *settings], folder, who)
        words = [server, "--no-defaults", data, f"--port={port}", *settings]
        words += [f"--socket={folder / 's'}", f"--pid-file={folder / 'pid'}"]
        words += ["--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0"]
        url = f"mysql+pymysql://root@127.0.0.1:{port}/mysql"
        with process(words, url, folder, who):
            yield url


STARTED_BY = {
    "WHIMBREL_POSTGRESQL": postgresql,
    "WHIMBREL_MARIADB": mariadb,
    "WHIMBREL_MYSQL": mysql,
}


def main(command):
    """Run *command*, and return its exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    environment = dict(os.environ)
    with ExitStack() as stack:
        for variable, start in STARTED_BY.items():
            url = url_of(variable)
            if unreachable(url, variable):
                try:
                    url = stack.enter_context(start())
                    print(f"Started for these tests: {url}", file=sys.stderr)
                except Exception as error:  # the tests will be skipped, loudly
                    print(f"NOT TESTED there: {error}", file=sys.stderr)
            environment[variable] = url
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
