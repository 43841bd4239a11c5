"""Generated Python statements in, text out that black and ruff leave as it is.

Both formatters agree on nearly all of what a migration script holds: calls,
lists, dicts, chains of methods.  Where a statement goes beyond that, it is left
as it was written.  What comes out always means what came in.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from whimbrel.script.expression import Unsure
from whimbrel.script.layout import Layout


STEP = 4
"""The number of columns by which a block is indented."""


def formatted(source: str, width: int = 88) -> str:
    """Return the statements of *source* as black and ``ruff format`` write them.

    A trailing comma that ends a line keeps its call in lines of their own, as it
    does for both formatters.

    Args:
        source: Python statements, with comments and blank lines between them.
        width: the number of columns that a line may have.

    Returns:
        The text without a newline at its end; *source* itself if it cannot be
        parsed.
    """
    try:
        text = _Statements(source, width).text()
    except (SyntaxError, tokenize.TokenError, Unsure):
        return source
    return text if _meaning(text) == _meaning(source) else source


def indented(source: str, by: int = STEP) -> str:
    """Return *source* with all its lines indented, but those within a string."""
    try:
        fixed = _lines_in_strings(_tokens(source))
    except (SyntaxError, tokenize.TokenError):
        fixed = set()
    return "\n".join(
        line if number in fixed or not line.strip() else " " * by + line
        for number, line in enumerate(source.split("\n"), start=1)
    )


def _meaning(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.kind = None
    return ast.dump(tree)


def _tokens(source: str) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO(source).readline))


def _lines_in_strings(tokens: Sequence[tokenize.TokenInfo]) -> set[int]:
    """Return the numbers of the lines that begin within a string."""
    middle = getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)
    return {
        number
        for token in tokens
        if token.type in (tokenize.STRING, middle)
        for number in range(token.start[0] + 1, token.end[0] + 1)
    }


@dataclass(frozen=True, slots=True)
class _Item:
    """A statement or a comment, and where it stands in the source."""

    first: int
    last: int
    node: ast.stmt | None = None
    comment: str = ""

    @property
    def is_block(self) -> bool:
        return isinstance(self.node, ast.With)


class _Statements:
    """Writes statements, one after the other."""

    def __init__(self, source: str, width: int) -> None:
        self.body = ast.parse(source).body
        self.lines = source.split("\n")
        self.layout = Layout(source, width)
        self.width = width
        tokens = _tokens(source)
        self.comments = [each for each in tokens if each.type == tokenize.COMMENT]
        self.in_strings = _lines_in_strings(tokens)

    def text(self) -> str:
        """Return all statements, formatted."""
        return "\n".join(self._block(self.body, 1, len(self.lines), 0, 0))

    def _block(
        self, body: Sequence[ast.stmt], first: int, last: int, column: int, indent: int
    ) -> list[str]:
        """Return the lines of a block that stands between two lines of the source."""
        items = self._items(body, first, last, column)
        lines: list[str] = []
        for number, item in enumerate(items):
            if number and self._is_apart(items, number):
                lines.append("")
            lines += self._item(item, indent)
        return lines

    def _items(
        self, body: Sequence[ast.stmt], first: int, last: int, column: int
    ) -> list[_Item]:
        items = [_Item(_first_line(each), self._end(each), each) for each in body]
        if any(one.last >= other.first for one, other in pairwise(items)):
            raise Unsure  # two statements on one line
        inside = {n for each in items for n in range(each.first, each.last + 1)}
        for each in self.comments:
            line, at = each.start
            if first <= line <= last and at >= column and line not in inside:
                items.append(_Item(line, line, comment=each.string))
        return sorted(items, key=lambda item: item.first)

    def _is_apart(self, items: Sequence[_Item], number: int) -> bool:
        """Whether a blank line stands before an item: where one was, around a block."""
        before, item = items[number - 1], items[number]
        if item.first - before.last > 1 or before.is_block:
            return True
        if before.comment:
            return False
        following = (each for each in items[number:] if not each.comment)
        return getattr(next(following, None), "is_block", False)

    def _item(self, item: _Item, indent: int) -> list[str]:
        if item.node is None:
            return [" " * indent + _spaced(item.comment)]
        try:
            return self._statement(item, item.node, indent)
        except Unsure:
            return list(self._as_it_was(item, indent))

    def _statement(self, item: _Item, node: ast.stmt, indent: int) -> list[str]:
        match node:
            case ast.With(items=[ast.withitem(context_expr=manager) as only]):
                name = only.optional_vars
                after = f" as {self.layout.flat.text(name)}:" if name else ":"
                first = manager.end_lineno or item.first
                self._refuse_comments(item.first, first)
                return [
                    *self.layout.statement(manager, indent, "with ", after),
                    *self._block(node.body, first + 1, item.last, 1, indent + STEP),
                ]
            case ast.Expr():
                self._refuse_comments(item.first, item.last)
                return self.layout.statement(node.value, indent)
            case ast.Assign(targets=[ast.Name(id=name)]):
                self._refuse_comments(item.first, item.last)
                return self.layout.statement(node.value, indent, f"{name} = ")
            case _:
                raise Unsure

    def _end(self, node: ast.stmt) -> int:
        """Return the last line of a statement and of the comments in its block."""
        last = node.end_lineno or node.lineno
        if not hasattr(node, "body"):
            return last
        for each in self.comments:
            line, at = each.start
            is_next = line > last and not any(
                map(str.strip, self.lines[last : line - 1])
            )
            if is_next and at > node.col_offset:
                last = line
        return last

    def _refuse_comments(self, first: int, last: int) -> None:
        """Leave a statement alone that has a comment, or a string over lines."""
        lines = range(first, last + 1)
        if any(each.start[0] in lines for each in self.comments):
            raise Unsure
        if self.in_strings.intersection(lines):
            raise Unsure

    def _as_it_was(self, item: _Item, indent: int) -> Iterator[str]:
        """Yield the lines of a statement as they were, moved to *indent*."""
        first = self.lines[item.first - 1]
        old = len(first) - len(first.lstrip())
        for number in range(item.first, item.last + 1):
            line = self.lines[number - 1]
            if number in self.in_strings:
                yield line
            elif line.strip():
                lead = len(line) - len(line.lstrip())
                yield " " * (indent + max(lead - old, 0)) + line.strip()
            else:
                yield ""


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


def _spaced(comment: str) -> str:
    """Return a comment with a space after its sign."""
    if comment[1:2] in ("", " ", "!", ":", "#"):
        return comment.rstrip()
    return f"# {comment[1:].strip()}"
