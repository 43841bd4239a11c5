"""
The house keeps its rules.

Each test is one rule of the house; it names the files and lines to mend.
"""

import ast
import itertools
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest


PROJECT = Path(__file__).parents[2]
SOURCE = PROJECT / "src" / "whimbrel"
TEMPLATES = SOURCE / "script" / "templates"
FILES = sorted(p for p in SOURCE.rglob("*.py") if TEMPLATES not in p.parents)

NAMES_A_DIALECT = re.compile(
    r"schema/dialect\.py|catalog/.*|plan/.*|checks/blocking\.py"
    r"|run/(lock|waiting)\.py|run/alter_\w+\.py|run/transactions?\w*\.py"
)
DIALECT = re.compile(r"(sqlite|postgres(ql)?|mysql|mariadb|oracle|mssql)", re.I)
PRINTS_OR_EXITS = {"cli.py", "__main__.py"}
IMPORTS_LATE = {
    "__init__.py", "__main__.py", "cli.py", "env.py", "flask.py", "manage.py",
}  # fmt: skip
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "base", "manager", "common"}


@cache
def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def where(path, node=None):
    at = f":{node.lineno}" if node is not None else ""
    return f"{path.relative_to(SOURCE).as_posix()}{at}"


def nodes(*kinds):
    """Yield (path, node) for every node of *kinds* in our source."""
    for path in FILES:
        for node in ast.walk(parsed(path)):
            if isinstance(node, kinds):
                yield path, node


def own_lines(node):
    """The lines of a function or class, its docstring not counted."""
    count = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node):
        count -= node.body[0].end_lineno - node.body[0].lineno + 1
    return count


def test_there_is_a_house():
    """The rules below look at files; without any they would all be kept."""
    assert len(FILES) > 10


def test_a_file_says_what_it_owns():
    """The first line of the module docstring is a full sentence."""
    lines = {
        path: (ast.get_docstring(parsed(path)) or "").split("\n")[0] for path in FILES
    }
    assert [] == [where(p) for p, line in lines.items() if not line.endswith(".")]


def test_a_file_fits_a_mind():
    """A file has at most 450 lines."""
    long = {where(path): path.read_text().count("\n") for path in FILES}
    assert {} == {name: count for name, count in long.items() if count > 450}


def test_a_function_fits_a_screen():
    """A function has at most 50 lines, its docstring not counted."""
    functions = nodes(ast.FunctionDef, ast.AsyncFunctionDef)
    assert [] == [where(p, f) for p, f in functions if own_lines(f) > 50]


def test_half_of_the_functions_are_a_glance():
    """The median function has at most 12 lines; most are far below the limit."""
    functions = nodes(ast.FunctionDef, ast.AsyncFunctionDef)
    lengths = sorted(own_lines(f) for _, f in functions)
    assert lengths[len(lengths) // 2] <= 12


def test_a_class_fits_a_mind():
    """A class has at most 200 lines."""
    assert [] == [where(p, c) for p, c in nodes(ast.ClassDef) if own_lines(c) > 200]


def test_a_file_is_called_by_what_it_owns():
    """No file is called by a word that could stand on any door."""
    assert [] == [where(path) for path in FILES if path.stem in SAYS_NOTHING]


def test_an_inner_package_has_no_face():
    """The __init__ of a room holds its docstring; who wants a thing imports its file."""
    inner = [p for p in FILES if p.name == "__init__.py" and p.parent != SOURCE]
    assert [] == [where(path) for path in inner if len(parsed(path).body) != 1]


def test_only_few_rooms_name_a_dialect():
    """Dialects differ in few places; everywhere else a dialect is a value one asks."""
    named = [
        f"{where(path, node)} {node.value}"
        for path, node in nodes(ast.Constant)
        if isinstance(node.value, str) and DIALECT.fullmatch(node.value)
        if not NAMES_A_DIALECT.fullmatch(where(path))
    ]
    assert [] == named


def test_only_the_face_prints_or_exits():
    """Whoever calls us from Python gets a value or an exception."""
    ends = {
        "print", "exit", "quit", "sys.exit", "os._exit",
        "click.echo", "click.secho", "sys.stdout.write", "sys.stderr.write",
    }  # fmt: skip
    calls = [
        f"{where(path, node)} {ast.unparse(node.func)}"
        for path, node in nodes(ast.Call)
        if where(path) not in PRINTS_OR_EXITS and ast.unparse(node.func) in ends
    ]
    assert [] == calls


def test_nobody_raises_system_exit_but_the_face():
    """A library function never ends the program that called it."""
    raised = [
        where(path, node)
        for path, node in nodes(ast.Raise)
        if where(path) not in PRINTS_OR_EXITS
        if node.exc is not None and "SystemExit" in ast.unparse(node.exc)
    ]
    assert [] == raised


def test_no_import_hides_from_the_reader():
    """
    We import our own modules at the top of a file, never under TYPE_CHECKING
    and never inside a function; only the faces import late, to stay cheap.
    """
    hidden = [
        where(path, node)
        for path, node in nodes(ast.Import, ast.ImportFrom)
        if where(path) not in IMPORTS_LATE and is_ours(node)
        if all(node is not each for each in parsed(path).body)
    ]
    assert [] == hidden


def is_ours(node):
    if isinstance(node, ast.ImportFrom):
        return node.level > 0 or (node.module or "").split(".")[0] == "whimbrel"
    return any(alias.name.split(".")[0] == "whimbrel" for alias in node.names)


def test_we_import_the_file_that_owns_a_thing():
    """Ours are imported by their full name, never relatively."""
    relative = [where(p, n) for p, n in nodes(ast.ImportFrom) if n.level > 0]
    assert [] == relative


def test_we_do_not_shout():
    """No message has an exclamation mark but one of Alembic's; there are no emoji."""
    shouts = re.compile(
        r"[A-Za-z](?<!loaded twice)!(\s|$)|[\U0001F300-\U0001FAFF\u2705\u274C]"
    )
    loud = [
        where(path, node)
        for path, node in nodes(ast.Constant)
        if isinstance(node.value, str) and shouts.search(node.value)
    ]
    assert [] == loud


def test_a_sentence_has_one_full_stop():
    """What others wrote may end with one: `ended()` sees to that, no f-string adds it."""
    theirs = {"cause", "error", "exception", "refused"}
    twice = [
        where(path, node)
        for path, node in nodes(ast.JoinedStr)
        for words, stop in itertools.pairwise(node.values)
        if isinstance(words, ast.FormattedValue)
        and isinstance(stop, ast.Constant)
        and (stop.value == "." or stop.value.startswith(". "))
        and theirs & {each.id for each in ast.walk(words) if isinstance(each, ast.Name)}
    ]
    assert [] == twice


def test_nothing_is_left_for_later():
    """What stands here is whole: no TODO, no stub."""
    waits = re.compile(r"\b(TODO|FIXME|XXX)\b")
    later = [
        f"{where(path)}:{number}"
        for path in FILES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if waits.search(line)
    ]
    assert [] == later


def test_the_path_of_the_data_runs_one_way():
    """The layers of the house, as pyproject.toml has them, are kept by every import."""
    tool = Path(sys.executable).with_name("lint-imports")
    if not tool.exists():
        pytest.skip("import-linter is not installed")
    said = subprocess.run(
        [tool, "--no-logo", "--no-cache"],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stdout + said.stderr


def test_nothing_was_left_in_the_projects_own_folder():
    """A command that is tried here by hand, or by a test, is tried elsewhere."""
    left = ("migrations", "alembic.ini", "versions", "app.db")
    assert [] == [name for name in left if (PROJECT / name).exists()]
