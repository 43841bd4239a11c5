"""The tests find their servers, or start throw-away ones and leave nothing of them."""

import subprocess
import sys
from pathlib import Path

import pytest

import servers


NOWHERE = {
    "WHIMBREL_POSTGRESQL": "postgresql+psycopg://postgres@127.0.0.1:1/postgres",
    "WHIMBREL_MARIADB": "mysql+pymysql://root@127.0.0.1:1/mysql",
    "WHIMBREL_MYSQL": "mysql+pymysql://root@127.0.0.1:1/mysql",
}


@pytest.mark.parametrize("variable", NOWHERE)
def test_a_throw_away_server_serves_and_goes(variable):
    """Where nobody answers, a server is started from what is installed."""
    try:
        with servers.STARTED_BY[variable]() as url:
            assert servers.unreachable(url, variable) == ""
    except RuntimeError as error:
        if "not installed" in str(error):
            pytest.skip(str(error))
        raise
    assert servers.unreachable(url)


def test_the_exit_code_is_that_of_the_command():
    """What fails, fails."""
    command = [sys.executable, Path(servers.__file__), sys.executable, "-c", "exit(3)"]
    assert subprocess.run(command, check=False).returncode == 3
