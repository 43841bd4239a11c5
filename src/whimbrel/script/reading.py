"""What the text of a script says of its place in the history, read without running it.

Three ways, from fast to slow, each of them only where the one before is not sure:
a look at the lines above the first function, a parse of the whole file, and an
import.  The first serves what Alembic's templates have written for years; names
that are computed, imported or bound in an ``if`` are left to the last, which is
what Alembic does with every file.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from alembic.util import load_python_file

from whimbrel.errors import ended
from whimbrel.script.refusals import RefusedScript


NAMES = ("revision", "down_revision", "branch_labels", "depends_on")

Identifiers: TypeAlias = str | tuple[str, ...] | None

_STRING = r"""(?:[rRuU]?"[^"\\\n]*"|[rRuU]?'[^'\\\n]*')"""
_SEVERAL = rf"[(\[]\s*(?:{_STRING}\s*(?:,\s*)?)*[)\]]"
_MENTION = re.compile(
    rf"^(?P<name>{'|'.join(NAMES)})[ \t]*(?::[^=\n]*)?=[ \t]*"
    rf"(?P<value>None|{_STRING}|{_SEVERAL})[ \t]*(?:\#[^\n]*)?$"
    r"|^\#[^\n]*$"
    rf"|\b(?:{'|'.join(NAMES)}|import[ \t]*[(]?[ \t]*\*)(?![\w])",
    re.MULTILINE,
)
_PREAMBLE = re.compile(r"(?:[ \t\f]*(?:\#[^\n]*)?\n)*")
_FIRST_BLOCK = re.compile(r"^(?:def |async |class |@)", re.MULTILINE)
_LATER_BINDINGS = tuple(
    f"\n{start}"
    for start in (*NAMES, "if ", "try:", "for ", "with ", "from ", "import ", "del ")
)
_OTHER_ENCODING = re.compile(rb"coding[:=][ \t]*(?!utf-?8\b|[ \t])", re.IGNORECASE)
_LEGACY_NAME = re.compile(r"([a-f0-9]+)\.py$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What a script says of itself: its id, what it follows, and its docstring.

    ``module`` is there when the script had to be imported to know the rest.
    """

    revision: str
    down_revision: Identifiers
    branch_labels: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    doc: str = ""
    module: ModuleType | None = None


def read_heading(path: str) -> Heading:
    """Return what the script at *path* says of itself.

    Raises:
        BrokenScript: it is not Python, it cannot be imported although it must be,
            or it does not say its revision id and what it follows.
    """
    # there may be thousands: pathlib and a buffer would take twice as long
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        source = file.read()
    return _in_the_text(source, path) or _by_importing(path)


def heading_of(source: bytes, path: str) -> Heading:
    """Return what the text of a script says, which need not be in any file.

    Args:
        source: the text.
        path: what the script is called in errors.

    Raises:
        BrokenScript: it is not Python, or would have to be imported to be known.
    """
    heading = _in_the_text(source, path)
    if heading is None:
        raise RefusedScript(
            f"The text of {path} does not say plainly what it follows.",
            "Write revision and down_revision as plain assignments.",
            path=path,
        )
    return heading


def _in_the_text(source: bytes, path: str) -> Heading | None:
    heading = _at_a_glance(source, path)
    return _by_parsing(source, path) if heading is None else heading


def load_script(path: str) -> ModuleType:
    """Import the script at *path*, as Alembic does.

    Raises:
        BrokenScript: it is not Python, or it fails while it is imported.
    """
    file = Path(path)
    try:
        return load_python_file(file.parent, file.name)
    except SyntaxError as error:
        raise no_python(path, error) from error
    except Exception as error:
        at = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == path
        ]
        line = at[-1] if at else None
        raise RefusedScript(
            ended(
                f"The script {_place(path, line)} cannot be imported: "
                f"{type(error).__name__}: {error}"
            ),
            "Mend it, or take it out of the folder.",
            path=path,
            line=line,
        ) from error


def _at_a_glance(source: bytes, path: str) -> Heading | None:
    """Return what the top lines say, None if they leave any doubt."""
    if source.startswith(b"\xef\xbb\xbf") or _OTHER_ENCODING.search(source, 0, 200):
        return None
    try:
        text = source.decode()
    except UnicodeDecodeError:
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    start = _PREAMBLE.match(text).end()  # type: ignore[union-attr]  # matches ""
    docstring = _docstring(text, start)
    block = _FIRST_BLOCK.search(text, docstring.end) if docstring else None
    if docstring is None or block is None:
        return None
    if any(text.find(each, block.start()) >= 0 for each in _LATER_BINDINGS):
        return None
    found = _assignments(text, docstring.end, block.start())
    if found is None or "revision" not in found or "down_revision" not in found:
        return None
    return _heading(found, docstring.text, path)


@dataclass(frozen=True, slots=True)
class _Docstring:
    """A docstring's text, and where the line after it begins."""

    text: str
    end: int


def _docstring(text: str, start: int) -> _Docstring | None:
    """Return the plain docstring at *start*, an empty one if there is none."""
    quotes = text[start : start + 3]
    if quotes not in ('"""', "'''"):
        is_string = text[start : start + 1] in ('"', "'") or text[
            start + 1 : start + 2
        ] in ('"', "'")
        return None if is_string else _Docstring("", start)
    end = text.find(quotes, start + 3)
    line_end = text.find("\n", end)
    doc = text[start + 3 : end]
    if end < 0 or line_end < 0 or "\\" in doc or text[end + 3 : line_end].strip():
        return None
    return _Docstring(doc, line_end)


def _assignments(text: str, start: int, end: int) -> dict[str, Any] | None:
    """Return what is assigned to our names, None if one is met in another way."""
    found: dict[str, Any] = {}
    last = start
    for mention in _MENTION.finditer(text, start, end):
        name, value = mention.group("name", "value")
        if name is None:
            if not mention.group().startswith("#"):
                return None
            continue
        if name in found:
            return None
        found[name] = _literal(value)
        last = mention.start()
    if text.find('"""', start, last) >= 0 or text.find("'''", start, last) >= 0:
        return None  # what looks like an assignment may stand in a string
    return found


def _literal(source: str) -> Any:
    """Return the value of a literal, the frequent ones without a parser."""
    if source == "None":
        return None
    if source[0] in "\"'":
        return source[1:-1]
    return ast.literal_eval(source)


def _by_parsing(source: bytes, path: str) -> Heading | None:
    """Return what plain assignments say, None if a name is bound in another way."""
    try:
        tree = ast.parse(source, path)
    except SyntaxError as error:
        raise no_python(path, error) from error
    except ValueError as error:
        raise RefusedScript(
            ended(f"The script {path} is not Python: {error}"),
            "Mend it, or take it out of the folder.",
            path=path,
        ) from error
    found: dict[str, Any] = {}
    try:
        for statement in tree.body:
            for target in _plain_targets(statement):
                found[target] = ast.literal_eval(statement.value)  # type: ignore[attr-defined]  # an assignment
    except ValueError:
        return None
    if "revision" not in found or "down_revision" not in found:
        return None
    return _heading(found, ast.get_docstring(tree, clean=False) or "", path)


def _plain_targets(statement: ast.stmt) -> Iterator[str]:
    """Yield the names of ours that *statement* assigns a value to.

    Raises:
        ValueError: it binds one in any other way.
    """
    match statement:
        case ast.Assign(targets=targets) if all(
            isinstance(target, ast.Name) for target in targets
        ):
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            yield from (name for name in names if name in NAMES)
        case ast.AnnAssign(target=ast.Name(id=name), value=value):
            if name in NAMES and value is not None:
                yield name
        case _ if _binds(statement):
            raise ValueError(statement)


def _binds(statement: ast.stmt) -> bool:
    """Whether *statement* may bind one of our names."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return statement.name in NAMES
    for node in ast.walk(statement):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) if name in NAMES:
                return True
            case ast.alias(name=name, asname=asname) if (asname or name) in (
                *NAMES,
                "*",
            ):
                return True
    return False


def _by_importing(path: str) -> Heading:
    """Return what the imported script says, which is what Alembic goes by."""
    module = load_script(path)
    name = Path(path).name
    if hasattr(module, "revision"):
        revision = module.revision
    elif legacy := _LEGACY_NAME.match(name):
        revision = legacy.group(1)
    else:
        raise RefusedScript(
            f"Could not determine revision id from filename {name}. Be sure the "
            "'revision' variable is declared inside the script.",
            f'Write `revision = "..."` into {path}, or take it out of the folder.',
            path=path,
        )
    if not hasattr(module, "down_revision"):
        raise RefusedScript(
            f"The script {path} does not say which revision it follows.",
            'Write `down_revision = "..."` into it, or `down_revision = None` if it '
            "is the first.",
            path=path,
        )
    found = {each: getattr(module, each, None) for each in NAMES}
    found["revision"] = revision
    return _heading(found, module.__doc__ or "", path, module)


def _heading(
    found: dict[str, Any], doc: str, path: str, module: ModuleType | None = None
) -> Heading:
    """Return the heading that these values make.

    Raises:
        BrokenScript: one of them is not what Alembic takes.
    """
    revision, down = found["revision"], found["down_revision"]
    if not isinstance(revision, str):
        raise RefusedScript(
            f"The script {path} has a revision id that is not a string: {revision!r}.",
            f'Write it in quotes: revision = "{revision}".',
            path=path,
        )
    if sys.version_info >= (3, 13) and doc and module is None:
        doc = inspect.cleandoc(doc)  # as the compiler does since then
    return Heading(
        revision=revision,
        down_revision=down if isinstance(down, str) else _several(down, path) or None,
        branch_labels=_several(found.get("branch_labels"), path),
        depends_on=_several(found.get("depends_on"), path),
        doc=doc,
        module=module,
    )


def _several(value: object, path: str) -> tuple[str, ...]:
    """Return the identifiers that a script writes as None, one string or several."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, tuple | list | set | frozenset):
        several = tuple(value)
        if all(isinstance(each, str) for each in several):
            return several
    raise RefusedScript(
        f"The script {path} names a revision or a branch by what is no string: "
        f"{value!r}.",
        "down_revision, branch_labels and depends_on take a string, several, or None.",
        path=path,
    )


def no_python(path: str, error: SyntaxError) -> RefusedScript:
    """Return the error that the file at *path* is not Python."""
    # the file that the parser stopped in may be one that the script imports
    place = _place(error.filename or path, error.lineno)
    return RefusedScript(
        ended(f"The script {place} is not valid Python: {error.msg}"),
        "Mend that line; nothing was run.",
        path=path,
        line=error.lineno,
    )


def _place(path: str, line: int | None) -> str:
    return f"{path}, line {line}," if line else path


def source_of(path: str) -> bytes:
    """Return what the file of a script holds; nothing if it is no longer there."""
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def checksum(source: bytes) -> str:
    """Return a checksum of a script; line ends and blanks at them do not count."""
    lines = [line.rstrip() for line in source.splitlines()]
    return hashlib.sha256(b"\n".join(lines).rstrip()).hexdigest()
