"""Leads databases on MySQL or MariaDB from one schema of a pair to the other.

For each pair from the test corpora of other tools: `whimbrel diff` writes a script,
plain Alembic runs it, and the server is asked by SHOW CREATE TABLE whether all tables
are as desired; a second comparison must be empty.  Then the script leads back, and up
again under our own runtime.  Readers of ours judge nothing.  The order of columns and
keys is no difference, nor is where AUTO_INCREMENT stands.

    WHIMBREL_CORPORA=folder python tests/corpora/run_mysql.py [part of a name]
"""

import os
import re
import sys
import traceback
from collections import Counter
from pathlib import Path

import pymysql
import sqlalchemy as sa
from pymysql.constants import CLIENT


sys.path.insert(0, str(Path(__file__).parents[1]))

from pairs import Judge, Result, done, loaded, tried

from mysql_runs import ours, plain
from whimbrel.commands.differ import diff
from whimbrel.errors import WhimbrelError


ORDER = (
    "reached", "but for idle words", "not back", "not by our runtime", "differs again",
    "refused", "wrong", "failed", "crashed", "not loaded", "no tables",
)  # fmt: skip
SKIPPED = ("not loaded", "no tables")

_COUNTED = re.compile(r" AUTO_INCREMENT=\d+")
_IDLE = re.compile(
    r" USING HASH| KEY_BLOCK_SIZE=\d+| CONNECTION='[^']*'"
    r"| PAGE_CHECKSUM=1| TRANSACTIONAL=1"
    r"| ON (?:DELETE|UPDATE) (?:NO ACTION|RESTRICT)| CHARACTER SET \w+| COLLATE \w+"
    r"|_(?:latin1|utf8mb[34])(?=')"
)
"""What engines take and do not heed, and what only SHOW CREATE TABLE tells of.

MEMORY heeds one word, and uses what the other says where none is said. Aria uses what
its two words say here. Attributes are the same in capitals. Of collations it tells how
they were said; what they are stands beside the lines.
"""
_TREE = re.compile(" USING BTREE")
_ATTRIBUTE = re.compile(r" `\w+`='[^']*'")
_COLLATIONS = """
SELECT table_name, column_name, collation_name FROM information_schema.columns
WHERE table_schema = %s AND collation_name IS NOT NULL
"""


class Bench:
    """Two databases on a server, made anew for each pair."""

    def __init__(self, url):
        url = sa.make_url(url)
        name = f"whimbrel_corpus_{os.getpid()}"
        self.current, self.desired = f"{name}_a", f"{name}_b"
        self.urls = [
            url.set(database=each).render_as_string(hide_password=False)
            for each in (self.current, self.desired)
        ]
        self.raw = pymysql.connect(
            host=url.host, port=url.port or 3306, user=url.username,
            password=url.password or "", client_flag=CLIENT.MULTI_STATEMENTS,
            autocommit=True, charset="utf8mb4", use_unicode=False,
        )  # fmt: skip
        self.engine = sa.create_engine(self.urls[0], poolclass=sa.NullPool)

    def close(self):
        for name in (self.current, self.desired):
            self.run(f"DROP DATABASE IF EXISTS {name}")
        self.raw.close()

    def run(self, sql):
        """Send SQL as it is; the server takes it apart."""
        with self.raw.cursor() as cursor:
            cursor.execute(sql)
            while cursor.nextset():
                pass

    def load(self, name, sql):
        self.run(
            f"DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name}"
            f" CHARACTER SET utf8mb4; USE {name}; SET foreign_key_checks = 1"
        )
        if re.sub(r"--[^\n]*|#[^\n]*|\s", "", sql):
            self.run(sql)

    def tables(self, name):
        """Return SHOW CREATE TABLE of all tables, lines in an order of their own."""
        found = {}
        with self.raw.cursor() as cursor:
            cursor.execute(f"SHOW FULL TABLES FROM {name}")
            for table, kind in map(_texts, cursor.fetchall()):
                if kind in ("BASE TABLE", "SYSTEM VERSIONED"):
                    quoted = table.replace("`", "``")
                    cursor.execute(f"SHOW CREATE TABLE {name}.`{quoted}`")
                    told = _texts(cursor.fetchone())[1].replace(f"`{name}`.", "")
                    lines = _COUNTED.sub("", told).splitlines()
                    found[table] = sorted(line.strip(" ,") for line in lines)
            cursor.execute(_COLLATIONS, name)
            for table, *told in map(_texts, cursor.fetchall()):
                if table in found:
                    found[table].append(" is ".join(told))
        return {table: sorted(lines) for table, lines in found.items()}


def _texts(row):
    """Return a row as texts: MariaDB tells binary defaults in bytes that are none."""
    return [str(each, "utf-8", "backslashreplace") for each in row]


def judged(bench, pair, folder):
    """Return what became of a pair."""
    try:
        bench.load(bench.desired, pair.desired)
        bench.load(bench.current, pair.current)
    except pymysql.MySQLError as error:
        return Result(pair, "not loaded", str(error))
    before, wanted = bench.tables(bench.current), bench.tables(bench.desired)
    if not before and not wanted:
        return Result(pair, "no tables")
    script = folder / "script.py"
    script.unlink(missing_ok=True)
    try:
        diff(None, bench.urls, script=str(script))
    except WhimbrelError as error:
        return Result(pair, "refused", str(error))
    except Exception:
        return Result(pair, "crashed", traceback.format_exc()[-800:])
    return followed(bench, pair, loaded(script), before, wanted)


def followed(bench, pair, script, before, wanted):
    """Return what a script comes to: up, compared again, back, and up by us."""
    if failed := done(bench, plain, script.upgrade):
        return Result(pair, "failed", failed)
    found = bench.tables(bench.current)
    word = "reached"
    if found != wanted:
        told = difference(found, wanted)
        if heeded(found) != heeded(wanted):
            return Result(pair, "wrong", told)
        word = "but for idle words"
    again = diff(None, bench.urls)
    if again.exit_code:
        told = "; ".join(line.text for line in again.lines)
        return Result(pair, "differs again", told)
    if failed := ended(bench, plain, script.downgrade, before):
        return Result(pair, "not back", failed)
    if failed := ended(bench, ours, script.upgrade, wanted):
        return Result(pair, "not by our runtime", failed)
    return Result(pair, word, "" if word == "reached" else told)


def ended(bench, way, function, wanted):
    """Run a function of a script; return what is not as *wanted* then."""
    failed = done(bench, way, function)
    found = bench.tables(bench.current)
    is_there = heeded(found) == heeded(wanted)
    return failed or ("" if is_there else difference(found, wanted))


def heeded(tables):
    """Return *tables* without the words that the server does not heed."""
    found = {}
    for name, lines in tables.items():
        in_memory = any("ENGINE=MEMORY" in each for each in lines)
        idle = [_IDLE.sub("", each) for each in lines]
        lowered = [_ATTRIBUTE.sub(lambda match: match[0].lower(), e) for e in idle]
        found[name] = [e if in_memory else _TREE.sub("", e) for e in lowered]
    return found


def difference(found, wanted):
    """Return the lines in which tables differ."""
    told = []
    for name in sorted({*found, *wanted}):
        has, should = Counter(found.get(name, [])), Counter(wanted.get(name, []))
        told += [f"- {line}" for line in (has - should).elements()]
        told += [f"+ {line}" for line in (should - has).elements()]
    return " | ".join(told)


JUDGE = Judge("mysql", "WHIMBREL_MARIADB", Bench, judged, ORDER, SKIPPED)

if __name__ == "__main__":
    sys.exit(tried(JUDGE, sys.argv[1:]))
