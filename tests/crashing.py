"""A program that upgrades databases and is killed while it does.

It is told on its standard input, line by line, which database to upgrade and when to
die; each time a copy of it does so, and what became of that is written as a line.
"""

import json
import os
import signal
import sqlite3
import sys
import time
from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from whimbrel.run import copy_rows
from whimbrel.run.execute import upgrade_fn
from whimbrel.run.runtime import run_environment


STEPS = 500
"""A moment is the begin of a statement, or so many steps of SQLite's machine."""

CACHE = 20
"""So few pages are kept in memory that a change reaches the file before its end."""


def upgrade(folder, order, moments):
    """Upgrade the database of *order*; call *moments* at each moment."""
    engine = sa.create_engine(f"sqlite:///{order['database']}")

    @sa.event.listens_for(engine, "connect")
    def watch(driver, _record):
        driver.execute("PRAGMA foreign_keys=ON")
        driver.execute(f"PRAGMA cache_size={CACHE}")
        driver.set_trace_callback(moments)
        driver.set_progress_handler(moments, STEPS)

    config = Config()
    config.set_main_option("script_location", folder)
    config.attributes["engine"] = engine
    config.attributes["options"] = order["options"]
    history = ScriptDirectory.from_config(config)
    fn = upgrade_fn(history, "head")
    run_environment(config, history, fn, destination_rev="head")
    engine.dispose()


def counting(last):
    """Return what counts its calls and dies at number *last*."""
    count = 0

    def moment(*_):
        nonlocal count
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    return moment, lambda: count


def in_the_copy(folder, order, pipe):
    """Upgrade, and write how many moments there were."""
    moment, count = counting(order.get("moment"))
    upgrade(folder, order, moment)
    os.write(pipe, str(count()).encode())


def carried_out(folder, order):
    """Let a copy of this program upgrade; return what became of it."""
    reading, writing = os.pipe()
    start = time.perf_counter()
    copy = os.fork()
    if copy == 0:
        code = 1
        try:
            in_the_copy(folder, order, writing)
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(writing)
    if "delay" in order:
        time.sleep(order["delay"])
        os.kill(copy, signal.SIGKILL)
    _, status = os.waitpid(copy, 0)
    seconds = time.perf_counter() - start
    with os.fdopen(reading) as pipe:
        moments = int(pipe.read() or 0)
    return {
        "killed": os.WIFSIGNALED(status),
        "failed": os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0,
        "moments": moments,
        "seconds": seconds,
    }


def main():
    """Carry out what the lines say, until there are no more."""
    copy_rows.CACHE = 0
    folder = sys.argv[1]
    for line in sys.stdin:
        print(json.dumps(carried_out(folder, json.loads(line))), flush=True)


if __name__ == "__main__":
    assert sqlite3.threadsafety
    assert Path(sys.argv[1]).is_dir()
    main()
