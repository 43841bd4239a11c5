"""Import lines in, one block of them out, as isort orders it."""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable


WIDTH = 88


def import_block(lines: Iterable[str]) -> str:
    """Return *lines* merged and in order: the standard library, then all others.

    Args:
        lines: import statements; what is none stands at the end, as it is.
    """
    plain: set[str] = set()
    names: dict[str, set[str]] = defaultdict(set)
    others: list[str] = []
    for line in sorted({line.strip() for line in lines} - {""}):
        for node in _statements(line):
            match node:
                case ast.Import():
                    plain.update(map(ast.unparse, node.names))
                case ast.ImportFrom():
                    module = "." * node.level + (node.module or "")
                    names[module].update(map(ast.unparse, node.names))
                case _:
                    others.append(line)
    sections = [_section(plain, names, is_standard=each) for each in (True, False)]
    return "\n\n".join(filter(None, [*sections, "\n".join(dict.fromkeys(others))]))


def _statements(line: str) -> list[ast.stmt]:
    """Return the imports of a line, or one statement that is none."""
    try:
        body = ast.parse(line).body
    except SyntaxError:
        return [ast.Pass()]
    if "#" in line or not all(isinstance(n, ast.Import | ast.ImportFrom) for n in body):
        return [ast.Pass()]
    return body


def _section(plain: set[str], names: dict[str, set[str]], *, is_standard: bool) -> str:
    lines = [
        f"import {name}"
        for name in sorted(plain, key=str.lower)
        if _is_standard(name) is is_standard
    ]
    lines += [
        _from(module, names[module])
        for module in sorted(names, key=str.lower)
        if _is_standard(module) is is_standard
    ]
    return "\n".join(lines)


def _is_standard(module: str) -> bool:
    top = re.match(r"\w*", module)
    return top is not None and top[0] in sys.stdlib_module_names


def _from(module: str, names: set[str]) -> str:
    ordered = sorted(names, key=_kind_and_name)
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= WIDTH:
        return line
    inner = "".join(f"    {name},\n" for name in ordered)
    return f"from {module} import (\n{inner})"


def _kind_and_name(name: str) -> tuple[int, str]:
    """Return where isort puts a name: constants, then classes, then functions."""
    if name.isupper() and len(name) > 1:
        return (0, name)
    return (1 if name[:1].isupper() else 2, name)
