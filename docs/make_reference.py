"""Writes what the documents say of commands, names and rooms, from the code itself.

Hand-written text stays: only what stands between `<!-- begin: NAME -->` and
`<!-- end -->` is replaced.  With `--check` nothing is written, and the exit code
tells whether something would be.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from flask import Flask

import whimbrel
import whimbrel.cli


PAGES = tuple(Path(__file__).with_name(name) for name in ("reference.md", "design.md"))
SOURCE = Path(whimbrel.__file__).parent
PART = re.compile(
    r"(?P<begin><!-- begin: (?P<name>[^>]+) -->\n).*?(?P<end><!-- end -->)", re.DOTALL
)


def flask_group() -> click.Group:
    """Return the group that Migrate registers with an application."""
    app = Flask("reference")
    whimbrel.Migrate(app, object())
    group = app.cli.commands["db"]
    assert isinstance(group, click.Group)
    return group


def plain_group() -> click.Group:
    """Return the group behind the command `whimbrel`."""
    return next(
        each for each in vars(whimbrel.cli).values() if isinstance(each, click.Group)
    )


def commands(group: click.Group, name: str) -> Iterator[str]:
    """Yield the lines that describe *group* and each of its commands."""
    context = click.Context(group, info_name=name)
    yield from described(group, context)
    for word in sorted(group.commands):
        command = group.commands[word]
        if command.hidden:
            continue
        inner = click.Context(command, info_name=word, parent=context)
        yield f"### `{name} {word}`"
        yield ""
        yield from described(command, inner)


def described(command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield usage, help and parameters of one command."""
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f"    {context.command_path} {pieces}"
    yield ""
    yield inspect.cleandoc((command.help or "").split("\f")[0])
    yield ""
    records = [
        record
        for each in command.params
        if isinstance(each, click.Option) and not each.hidden
        if (record := each.get_help_record(context))
    ]
    if records:
        yield "| Option | Meaning |"
        yield "|---|---|"
        for left, right in records:
            yield f"| `{escaped(left)}` | {escaped(right)} |"
        yield ""


def escaped(text: str) -> str:
    """Return *text* fit for a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("``", "`")


def names() -> Iterator[str]:
    """Yield one line for each public name of the package."""
    for name in sorted(whimbrel.__all__):
        value = getattr(whimbrel, name)
        line = (inspect.getdoc(value) or "").split("\n")[0] if callable(value) else ""
        yield f"- `{name}{signature(value)}`" + (f"  \n  {line}" if line else "")
    yield ""


def signature(value: object) -> str:
    """Return how *value* is called; nothing for what is not called."""
    if not callable(value):
        return ""
    try:
        return re.sub(
            r"'([\w |\[\].,]+)'(?=[,)= ]|$)", r"\1", str(inspect.signature(value))
        )
    except (TypeError, ValueError):
        return "(...)"


def rooms() -> Iterator[str]:
    """Yield one line for each file of the package: its path and what it owns."""
    for folder in (SOURCE, *sorted(p.parent for p in SOURCE.glob("*/__init__.py"))):
        face = folder / "__init__.py"
        name = f"{folder.relative_to(SOURCE.parent).as_posix()}/"
        yield f"**`{name}`** {first_line(face)}"
        yield ""
        others = sorted(path for path in folder.glob("*.py") if path != face)
        if others:
            yield "| File | Owns |"
            yield "|---|---|"
            for path in others:
                yield f"| `{path.name}` | {escaped(first_line(path))} |"
            yield ""


def first_line(path: Path) -> str:
    """Return the first line of the docstring of the module at *path*."""
    text = path.read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").split("\n")[0]


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "flask db": lambda: commands(flask_group(), "flask db"),
    "whimbrel": lambda: commands(plain_group(), "whimbrel"),
    "names": names,
    "rooms": rooms,
}


def renewed(text: str) -> str:
    """Return *text* with every generated part made anew."""

    def part(match: re.Match[str]) -> str:
        lines = "\n".join(PARTS[match["name"]]())
        return f"{match['begin']}\n{lines}\n{match['end']}"

    return PART.sub(part, text)


def main() -> None:
    """Write the pages, or check them."""
    behind = []
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        after = renewed(before)
        if after != before:
            behind.append(page)
        if "--check" not in sys.argv[1:]:
            page.write_text(after, encoding="utf-8")
    if "--check" in sys.argv[1:]:
        sys.exit(bool(behind))
    for page in behind:
        print(f"{page.name}: written anew")


if __name__ == "__main__":
    main()
