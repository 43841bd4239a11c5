"""A terminal in a project's folder: what is typed runs here, as its own process would."""

import contextlib
import importlib
import io
import logging
import os
import runpy
import shlex
import signal
import sqlite3
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

from alembic.config import CommandLine, Config
from click.testing import CliRunner
from flask.cli import FlaskGroup

from whimbrel.cli import whimbrel
from whimbrel.verbs import VERBS


@dataclass(frozen=True)
class Answer:
    """What a command said, and how it ended."""

    line: str
    status: int
    stdout: str
    stderr: str

    @property
    def text(self):
        """All that the screen shows."""
        return self.stdout + self.stderr

    def __repr__(self):
        return f"$ {self.line}\n{self.stdout}{self.stderr}[{self.status}]"


class Terminal:
    """A folder with files, a database, and commands typed in it.

    Every command finds the files as they are now: the modules of the project are
    forgotten before, and logging is given back after it.
    """

    def __init__(self, folder):
        self.folder = Path(folder)

    def write(self, name, text):
        """Put *text* into the file *name*; ``{here}`` stands for the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{here}", str(self.folder)))
        return path

    def edit(self, name, old, new):
        """Replace *old*, which must stand in the file *name*, by *new*."""
        path = self.folder / name
        text = path.read_text()
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new))

    def type(self, line):
        """Type *line*; return what came of it, well or not."""
        program, *words = shlex.split(line)
        self.forget()
        path = list(sys.path)
        try:
            with logging_given_back():
                return Answer(line, *PROGRAMS[program](words))
        finally:
            sys.path[:] = path
            self.forget()

    def does(self, line):
        """Type *line*, which must succeed; return what it said."""
        answer = self.type(line)
        assert 0 == answer.status, answer
        return answer

    def refuses(self, line, *said, status=1):
        """Type *line*, which must be refused in a sentence with a remedy.

        Nothing may be written or changed, and *said* must be on the screen.
        """
        before = self.everything()
        answer = self.type(line)
        assert status == answer.status, answer
        assert "Traceback" not in answer.text, answer
        assert "error    E" in answer.stderr, answer
        assert [] == [each for each in said if each not in answer.stderr], answer
        sentence, *remedy = answer.stderr.partition("error    E")[2].splitlines()
        assert sentence[6:].strip(), answer
        assert any(line.startswith(" " * 16) for line in remedy), answer
        assert before == self.everything(), answer
        return answer

    def everything(self):
        """All files with their content; those of a database, by its dump."""
        return {
            path.relative_to(self.folder).as_posix(): (
                dump(path) if path.suffix in (".db", ".sqlite") else path.read_bytes()
            )
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    def forget(self):
        """Let Python forget the modules of the folder."""
        for name, module in list(sys.modules.items()):
            where = getattr(module, "__file__", None) or ""
            if where.startswith(str(self.folder)):
                del sys.modules[name]
        importlib.invalidate_caches()
        for path in list(sys.path_importer_cache):
            if not path.startswith(os.sep):  # Python 3.10 keeps where "." was
                del sys.path_importer_cache[path]

    @property
    def scripts(self):
        """The scripts in the order of their history."""
        found = {}
        for path in sorted(self.folder.glob("*/versions/*.py")):
            text = path.read_text()
            found[_value(text, "down_revision")] = (_value(text, "revision"), text)
        ordered, at = [], "None"
        while at in found:
            at, text = found.pop(at)
            ordered.append(text)
        assert not found
        return ordered

    def rows(self, sql, database="app.db"):
        """Run *sql* on the database file and return the rows."""
        with contextlib.closing(sqlite3.connect(self.folder / database)) as connection:
            rows = connection.execute(sql).fetchall()
            connection.commit()
            return rows

    def schema(self, database="app.db"):
        """The project's tables and indexes in the file, by name: the lines of their texts.

        In which order the constraints of a table stand says nothing.
        """
        rows = self.rows(
            "SELECT name, sql FROM sqlite_master WHERE name != 'alembic_version'"
            " AND name NOT LIKE '\\_whimbrel\\_%' ESCAPE '\\' AND sql IS NOT NULL",
            database,
        )
        return {
            name: sorted(line.strip().rstrip(", ") for line in sql.splitlines())
            for name, sql in rows
        }

    def columns(self, table, database="app.db"):
        """The columns of a table: their names and types."""
        return dict(
            self.rows(f"SELECT name, type FROM pragma_table_info('{table}')", database)
        )

    def uniques(self, table, database="app.db"):
        """The columns of each unique constraint of a table."""
        return {
            columns
            for (columns,) in self.rows(
                "SELECT (SELECT group_concat(name) FROM pragma_index_info(i.name))"
                f" FROM pragma_index_list('{table}') AS i WHERE i.origin = 'u'",
                database,
            )
        }

    def foreign_keys(self, table, database="app.db"):
        """The foreign keys of a table: column and referred table."""
        return set(
            self.rows(
                f'SELECT "from", "table" FROM pragma_foreign_key_list(\'{table}\')',
                database,
            )
        )


@contextlib.contextmanager
def logging_given_back():
    """Let a command set up its logging as it likes, and undo that."""
    loggers = [logging.root, *map(logging.getLogger, logging.root.manager.loggerDict)]
    kept = [
        (each, each.level, each.handlers[:], each.disabled, each.propagate)
        for each in loggers
    ]
    registered = logging._handlerList[:]  # fileConfig() closes those that it finds here
    logging._handlerList.clear()
    try:
        yield
    finally:
        logging._handlerList[:0] = registered
        for logger, level, handlers, is_disabled, propagates in kept:
            logger.setLevel(level)
            logger.handlers[:] = handlers
            logger.disabled, logger.propagate = is_disabled, propagates


def _value(text, name):
    """Return what a script sets *name* to, without quotes."""
    for line in text.splitlines():
        left, equals, right = line.partition("=")
        if equals and left.split(":")[0].strip() == name:
            return right.strip().strip("'\"")
    raise AssertionError(f"no {name} in the script:\n{text}")


def dump(path):
    """Return all that a database file holds, as SQL."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return "\n".join(connection.iterdump())


for _room in {verb.room for verb in VERBS.values()}:  # copies find them imported
    importlib.import_module(f"whimbrel.commands.{_room}")


def be_the_program(folder, run, words):
    """Run in this process, which is a child's, what a new one would; never return.

    It costs a tenth of a new one, which would import everything again.
    """
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the runner ignores it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.dont_write_bytecode = True
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
    sys.stderr = os.fdopen(2, "w")
    status = 1
    try:
        run(words)
    except SystemExit as end:
        status = end.code or 0
    except Exception:
        traceback.print_exc()
    else:
        status = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def run_file(words):
    """Run a file of Python as the program, with the words behind it."""
    sys.path.insert(0, "")
    sys.argv = list(words)
    runpy.run_path(words[0], run_name="__main__")


def _click(command, words, **extra):
    result = CliRunner().invoke(command, words, **extra)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def _flask(words):
    return _click(FlaskGroup(), words, prog_name="flask")


def _whimbrel(words):
    return _click(whimbrel, words, prog_name="whimbrel")


def _alembic(words):
    """Do what `alembic` does; its own main() prints to what stdout was at import."""

    def run():
        program = CommandLine("alembic")
        said = program.parser.parse_args(list(words))
        files = (said.config or ["alembic.ini"])[0]
        config = Config(files, ini_section=said.name, cmd_opts=said, stdout=sys.stdout)
        program.run_cmd(config, said)

    return _captured(run)


def _python(words):
    def run():
        kept, sys.argv = sys.argv, list(words)
        try:
            sys.path.insert(0, str(Path.cwd()))
            runpy.run_path(words[0], run_name="__main__")
        finally:
            sys.argv = kept

    return _captured(run)


def _captured(run):
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            run()
        except SystemExit as end:
            status = end.code or 0
    return status, out.getvalue(), err.getvalue()


PROGRAMS = {
    "flask": _flask,
    "whimbrel": _whimbrel,
    "alembic": _alembic,
    "python": _python,
}
