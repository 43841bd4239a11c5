"""Leads databases on PostgreSQL from one schema of a pair to the other.

For each pair from the test corpora of other tools: `whimbrel diff` writes a script,
plain Alembic runs it, and `pg_dump` tells whether all is as desired; a second
comparison must be empty.  Then the script leads back, and up again under our own
runtime.  Readers of ours judge nothing.  The order of columns and of storage parameters
is no difference, nor is a default that is NULL, nor what the server words anew when its
own dump is restored.  A pair is not tried if its schemas
differ in what is not managed: functions, triggers, views, policies, privileges,
extensions, partitions.

    WHIMBREL_CORPORA=folder python tests/corpora/run_postgresql.py [part of a name]
"""

import os
import re
import shutil
import subprocess
import sys
import traceback
from collections import Counter
from pathlib import Path

import sqlalchemy as sa


sys.path.insert(0, str(Path(__file__).parents[1]))

from pairs import Judge, Result, done, loaded, tried

from mysql_runs import ours, plain
from whimbrel.commands.differ import diff
from whimbrel.errors import WhimbrelError


ORDER = (
    "reached", "not back", "not by our runtime", "differs again",
    "refused", "wrong", "failed", "crashed", "not loaded", "not managed",
)  # fmt: skip
SKIPPED = ("not loaded", "not managed")

NOT_MANAGED = {
    "functions": r"create\s+(?:or\s+replace\s+)?(?:function|procedure)\b[^;]*",
    "triggers": r"create\s+trigger\b[^;]*",
    "policies": r"create\s+policy\b[^;]*",
    "views": r"create\s+(?:or\s+replace\s+)?(?:materialized\s+)?view\b[^;]*",
    "privileges": r"\b(?:grant|revoke)\b[^;]*",
    "extensions": r"create\s+extension\b[^;]*",
}
EMPTY = """
DO $$ DECLARE name text; BEGIN
FOR name IN SELECT nspname FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
    EXECUTE 'DROP SCHEMA ' || quote_ident(name) || ' CASCADE';
END LOOP; FOR name IN SELECT pubname FROM pg_publication LOOP
    EXECUTE 'DROP PUBLICATION ' || quote_ident(name);
END LOOP; CREATE SCHEMA public; END $$
"""
SCHEMAS = """
SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'
AND nspname NOT IN ('information_schema', 'public')
"""
_NULL = re.compile(r" DEFAULT NULL(?:::[\w ]+)?(?= , |\)$)")
_WITH = re.compile(r"\sWITH \(([^()]*)\)")


class Bench:
    """Two databases on a server, emptied for each pair."""

    def __init__(self, url):
        self.url = sa.make_url(url)
        name = f"whimbrel_corpus_{os.getpid()}"
        self.current, self.desired = f"{name}_a", f"{name}_b"
        self.urls = [
            self.url.set(database=each).render_as_string(hide_password=False)
            for each in (self.current, self.desired)
        ]
        for each in (self.current, self.desired):
            self.run(self.url.database, f"CREATE DATABASE {each} TEMPLATE template0")
        self.engine = sa.create_engine(self.urls[0], poolclass=sa.NullPool)

    def close(self):
        for each in (self.current, self.desired):
            self.run(self.url.database, f"DROP DATABASE IF EXISTS {each}")

    def client(self, program, database, *words, sql=None):
        """Run a program of PostgreSQL's own; return what it prints."""
        url, env = self.url, {**os.environ, "PGPASSWORD": self.url.password or ""}
        place = ["-h", url.host or "127.0.0.1", "-p", str(url.port or 5432)]
        command = [program, *place, "-U", url.username or "postgres", *words, database]
        ended = subprocess.run(
            command, input=sql, env=env, capture_output=True, text=True, check=False
        )
        if ended.returncode:
            raise RuntimeError(ended.stderr.strip())
        return ended.stdout

    def run(self, database, sql):
        """Send SQL; each statement stands for itself."""
        words = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1")
        return self.client("psql", database, *words, sql=sql)

    def load(self, database, sql):
        self.run(database, f"SET client_min_messages = error; {EMPTY}; {sql}")

    def schemas(self):
        """Return the schemas of both databases but for the default one."""
        both = (self.run(each, SCHEMAS) for each in (self.current, self.desired))
        return sorted({name for found in both for name in found.split("\n") if name})

    def dump(self, database):
        return self.client("pg_dump", database, "-s", "-O", "-x")

    def told_apart(self, wanted):
        """Return how the first database differs from what a dump makes, if it does.

        The second one is lost where the server words the same anew as it restores.
        """
        found = statements(self.dump(self.current))
        if found == statements(wanted):
            return ""
        try:
            self.load(self.desired, wanted)
            is_reworded = found == statements(self.dump(self.desired))
        except RuntimeError:  # a dump that cannot be restored alone
            is_reworded = False
        return "" if is_reworded else difference(found, statements(wanted))


def statements(dump):
    """Return the statements of a dump, each in one spelling."""
    idle = ("--", "SET ", "\\", "SELECT pg_catalog.set_config")
    lines = [line for line in dump.splitlines() if line.strip()]
    text = "\n".join(line for line in lines if not line.startswith(idle))
    return sorted(filter(None, map(_spelled, re.split(r";(?:\n|$)", text))))


def _spelled(statement):
    statement = statement.strip()
    if re.match(r"CREATE (?:UNLOGGED )?TABLE .*\(\n", statement):
        head, _, rest = statement.partition("(\n")
        body, _, tail = rest.rpartition("\n)")
        lines = sorted(line.strip().rstrip(",") for line in body.splitlines())
        statement = f"{head}({' , '.join(lines)}){tail}"
    statement = _NULL.sub("", statement)
    return _WITH.sub(
        lambda found: f" WITH ({', '.join(sorted(found[1].split(', ')))})", statement
    )


def difference(found, wanted):
    """Return the statements in which two dumps differ."""
    has, should = Counter(found), Counter(wanted)
    told = [f"- {each}" for each in (has - should).elements()]
    return " | ".join([*told, *(f"+ {each}" for each in (should - has).elements())])


def unmanaged(pair):
    """Return in what a pair differs that is not managed, if it does."""
    for name, pattern in NOT_MANAGED.items():
        sides = (
            {" ".join(each.lower().split()) for each in re.findall(pattern, sql, re.I)}
            for sql in (pair.current, pair.desired)
        )
        if next(sides) != next(sides):
            return name
    return None


def judged(bench, pair, folder):
    """Return what became of a pair."""
    if theme := unmanaged(pair):
        return Result(pair, "not managed", theme)
    try:
        bench.load(bench.current, pair.current)
        bench.load(bench.desired, pair.desired)
    except RuntimeError as error:
        return Result(pair, "not loaded", str(error))
    script, schemas = folder / "script.py", bench.schemas()
    script.unlink(missing_ok=True)
    try:
        diff(None, bench.urls, script=str(script), schema=schemas)
    except WhimbrelError as error:
        return Result(pair, "refused", str(error))
    except Exception:
        return Result(pair, "crashed", traceback.format_exc()[-800:])
    return followed(bench, pair, loaded(script), schemas)


def followed(bench, pair, script, schemas):
    """Return what a script comes to: up, compared again, back, and up by us."""
    before, wanted = bench.dump(bench.current), bench.dump(bench.desired)
    if failed := done(bench, plain, script.upgrade):
        return Result(pair, "failed", failed)
    again = diff(None, bench.urls, schema=schemas)
    if told := bench.told_apart(wanted):
        return Result(pair, "wrong", told)
    if again.exit_code:
        told = "; ".join(line.text for line in again.lines)
        return Result(pair, "differs again", told)
    if failed := ended(bench, plain, script.downgrade, before):
        return Result(pair, "not back", failed)
    if failed := ended(bench, ours, script.upgrade, wanted):
        return Result(pair, "not by our runtime", failed)
    return Result(pair, "reached")


def ended(bench, way, function, wanted):
    """Run a function of a script; return what is not as *wanted* then."""
    return done(bench, way, function) or bench.told_apart(wanted)


def _lacking():
    names = [each for each in ("psql", "pg_dump") if shutil.which(each) is None]
    return f"there is no program {' and no '.join(names)}" if names else ""


JUDGE = Judge("postgresql", "WHIMBREL_POSTGRESQL", Bench, judged, ORDER, SKIPPED)

if __name__ == "__main__":
    sys.exit(tried(JUDGE, sys.argv[1:], _lacking()))
