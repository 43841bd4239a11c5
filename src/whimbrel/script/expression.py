"""An expression in, its text on one line out, spelled as black and ruff spell it."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Sequence
from enum import IntEnum
from typing import TypeAlias


Spot: TypeAlias = tuple[int, int]
"""A line, counted from one, and a column, counted in bytes."""


class Unsure(Exception):
    """Something is written in a way that is better left as it is."""


class Binding(IntEnum):
    """How closely an expression holds together, the loosest first."""

    YIELD = 0
    TEST = 1
    OR = 2
    AND = 3
    NOT = 4
    COMPARE = 5
    BIT_OR = 6
    BIT_XOR = 7
    BIT_AND = 8
    SHIFT = 9
    SUM = 10
    TERM = 11
    FACTOR = 12
    POWER = 13
    ATOM = 14


OPERATORS: dict[type[ast.AST], str] = {
    **{ast.BitOr: "|", ast.BitXor: "^", ast.BitAnd: "&"},
    **{ast.LShift: "<<", ast.RShift: ">>", ast.Add: "+", ast.Sub: "-"},
    **{ast.Mult: "*", ast.MatMult: "@", ast.Div: "/", ast.Mod: "%"},
    **{ast.FloorDiv: "//", ast.Pow: "**", ast.And: "and", ast.Or: "or"},
    **{ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<="},
    **{ast.Gt: ">", ast.GtE: ">=", ast.Is: "is", ast.IsNot: "is not"},
    **{ast.In: "in", ast.NotIn: "not in"},
    **{ast.Not: "not ", ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"},
}

BINDINGS: dict[type[ast.AST], Binding] = {
    **{ast.BitOr: Binding.BIT_OR, ast.BitXor: Binding.BIT_XOR},
    **{ast.BitAnd: Binding.BIT_AND, ast.LShift: Binding.SHIFT},
    **{ast.RShift: Binding.SHIFT, ast.Add: Binding.SUM, ast.Sub: Binding.SUM},
    **{ast.Mult: Binding.TERM, ast.MatMult: Binding.TERM, ast.Div: Binding.TERM},
    **{ast.Mod: Binding.TERM, ast.FloorDiv: Binding.TERM, ast.Pow: Binding.POWER},
    **{ast.And: Binding.AND, ast.Or: Binding.OR, ast.Not: Binding.NOT},
}

LOOSE = {ast.Yield: Binding.YIELD, ast.YieldFrom: Binding.YIELD}
LOOSE |= {ast.NamedExpr: Binding.YIELD, ast.Lambda: Binding.TEST}
LOOSE |= {
    ast.IfExp: Binding.TEST,
    ast.Compare: Binding.COMPARE,
    ast.Await: Binding.YIELD,
}


def binding(node: ast.expr) -> Binding:
    """Return how closely *node* holds together."""
    match node:
        case ast.BinOp() | ast.BoolOp():
            return BINDINGS[type(node.op)]
        case ast.UnaryOp():
            return BINDINGS.get(type(node.op), Binding.FACTOR)
        case _:
            return LOOSE.get(type(node), Binding.ATOM)


def operand_bindings(operator: ast.operator) -> tuple[Binding, Binding]:
    """Return how closely the operands left and right of *operator* must hold."""
    own = BINDINGS[type(operator)]
    if isinstance(operator, ast.Pow):
        return Binding.ATOM, Binding.FACTOR
    return own, Binding(own + 1)


PLAIN_NUMBER = re.compile(r"\d[\d_]*(\.\d+)?(e[+-]?\d+)?|0x[\dA-F]+")


def unary_operand_binding(node: ast.UnaryOp) -> Binding:
    """Return how closely the operand must hold; black sets -(a**b) in parentheses."""
    is_power = isinstance(node.operand, ast.BinOp | ast.Await)
    return Binding.ATOM if is_power else binding(node)


def width_of(text: str) -> int:
    """Return the number of columns that *text* takes, wide characters counted twice."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def quoted(value: str) -> str:
    """Return the literal of a string, in the quotes that need fewer escapes."""
    # repr() takes single quotes for what has both kinds of them
    return _requoted(value, repr('"' + value)[2:-1])


def within_docstring(text: str) -> str:
    """Return *text* as it must be written in a docstring: at its start, or whole."""
    return re.sub(r'\\|"{3}|^"|"\Z', lambda found: _escaped(found[0]), text)


def _escaped(characters: str) -> str:
    return "".join(f"\\{each}" for each in characters)


def quoted_bytes(value: bytes) -> str:
    """Return the literal of a bytes object, as :func:`quoted` does for a string."""
    return "b" + _requoted(value.decode("latin-1"), repr(b'"' + value)[3:-1])


def _requoted(value: str, body: str) -> str:
    """Return *body*, written for single quotes, in the quotes that suit it."""
    if value.count('"') > value.count("'"):
        return f"'{body}'"
    swapped = {"\\'": "'", '"': '\\"'}
    text = re.sub(r'\\.|"', lambda found: swapped.get(found[0], found[0]), body)
    return f'"{text}"'


class Original:
    """The text that expressions were parsed from.

    Args:
        text: the text, whole.
    """

    def __init__(self, text: str) -> None:
        self._bytes = text.encode(errors="surrogatepass")
        self._starts = [0]
        for line in self._bytes.split(b"\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def between(self, start: Spot, end: Spot) -> str:
        """Return what stands between two spots."""
        first, last = (self._starts[line - 1] + column for line, column in (start, end))
        return self._bytes[first:last].decode(errors="surrogatepass")

    def of(self, node: ast.expr) -> str:
        """Return what *node* was parsed from."""
        return self.between((node.lineno, node.col_offset), end_of(node))


def end_of(node: ast.expr) -> Spot:
    """Return the line and the column, in bytes, at which *node* ends."""
    return node.end_lineno or node.lineno, node.end_col_offset or node.col_offset


class Flat:
    """Writes expressions on one line.

    Args:
        source: the text that the expressions were parsed from.
    """

    def __init__(self, source: Original) -> None:
        self.source = source
        self._texts: dict[ast.expr, str] = {}

    def text(self, node: ast.expr, least: int = Binding.TEST) -> str:
        """Return *node* on one line, in parentheses if it holds less than *least*."""
        text = self._texts.get(node)
        if text is None:
            name = f"_write_{type(node).__name__.lower()}"
            text = getattr(self, name, self.as_it_was)(node)
            self._texts[node] = text
        return f"({text})" if binding(node) < least else text

    def as_it_was(self, node: ast.expr) -> str:
        """Return the source of *node*, which must not span lines."""
        text = self.source.of(node)
        if "\n" in text:
            raise Unsure
        return text

    def texts(self, nodes: Sequence[ast.expr], least: int = Binding.TEST) -> list[str]:
        """Return each of *nodes* on one line."""
        return [self.text(node, least) for node in nodes]

    def entries(self, node: ast.Dict) -> list[str]:
        """Return what stands before each value of a dict: its key, or two stars."""
        return ["**" if key is None else f"{self.text(key)}: " for key in node.keys]

    def arguments(self, node: ast.Call) -> list[str]:
        """Return each argument of a call on one line."""
        keywords = (
            f"{keyword_prefix(each)}{self.text(each.value)}" for each in node.keywords
        )
        return [*self.texts(node.args), *keywords]

    def clauses(self, generators: Sequence[ast.comprehension]) -> list[str]:
        """Return the ``for`` and ``if`` clauses of a comprehension."""
        result = []
        for each in generators:
            if each.is_async:
                raise Unsure
            loop = f"for {self._target(each.target)} in "
            result.append(loop + self.text(each.iter, Binding.OR))
            result.extend(f"if {self.text(test, Binding.OR)}" for test in each.ifs)
        return result

    def _target(self, node: ast.expr) -> str:
        if isinstance(node, ast.Tuple) and len(node.elts) > 1:
            return ", ".join(self.texts(node.elts))
        return self.text(node)

    def _write_constant(self, node: ast.Constant) -> str:
        if isinstance(node.value, str):
            return quoted(node.value)
        if isinstance(node.value, bytes):
            return quoted_bytes(node.value)
        if node.value is ...:
            return "..."
        written = self.source.of(node)
        return written if PLAIN_NUMBER.fullmatch(written) else _number(node.value)

    def _write_joinedstr(self, node: ast.JoinedStr) -> str:
        text = self.as_it_was(node)
        plain = re.fullmatch(r"f'([^'\"\\]*)'", text)
        return f'f"{plain[1]}"' if plain else text

    def _write_name(self, node: ast.Name) -> str:
        return node.id

    def _write_attribute(self, node: ast.Attribute) -> str:
        value = self.text(node.value, Binding.ATOM)
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, int):
            value = f"({value})"
        return f"{value}.{node.attr}"

    def _write_call(self, node: ast.Call) -> str:
        function = self.text(node.func, Binding.ATOM)
        if is_generator_call(node):
            return function + self.text(node.args[0])
        return f"{function}({', '.join(self.arguments(node))})"

    def _write_starred(self, node: ast.Starred) -> str:
        return "*" + self.text(node.value, Binding.BIT_OR)

    def _write_list(self, node: ast.List) -> str:
        return f"[{', '.join(self.texts(node.elts))}]"

    def _write_set(self, node: ast.Set) -> str:
        return f"{{{', '.join(self.texts(node.elts))}}}"

    def _write_tuple(self, node: ast.Tuple) -> str:
        comma = "," if len(node.elts) == 1 else ""
        return f"({', '.join(self.texts(node.elts))}{comma})"

    def _write_dict(self, node: ast.Dict) -> str:
        values = (
            self.text(value, Binding.TEST if key else Binding.BIT_OR)
            for key, value in zip(node.keys, node.values, strict=True)
        )
        pairs = map(str.__add__, self.entries(node), values)
        return f"{{{', '.join(pairs)}}}"

    def _write_listcomp(self, node: ast.ListComp) -> str:
        return f"[{' '.join([self.text(node.elt), *self.clauses(node.generators)])}]"

    def _write_setcomp(self, node: ast.SetComp) -> str:
        inner = " ".join([self.text(node.elt), *self.clauses(node.generators)])
        return f"{{{inner}}}"

    def _write_generatorexp(self, node: ast.GeneratorExp) -> str:
        return f"({' '.join([self.text(node.elt), *self.clauses(node.generators)])})"

    def _write_unaryop(self, node: ast.UnaryOp) -> str:
        return OPERATORS[type(node.op)] + self.text(
            node.operand, unary_operand_binding(node)
        )

    def _write_binop(self, node: ast.BinOp) -> str:
        left, right = operand_bindings(node.op)
        sides = self.text(node.left, left), self.text(node.right, right)
        is_power = isinstance(node.op, ast.Pow) and _is_simple(node.left)
        if is_power and _is_simple(node.right, may_be_signed=True):
            return "**".join(sides)
        return f" {OPERATORS[type(node.op)]} ".join(sides)

    def _write_boolop(self, node: ast.BoolOp) -> str:
        least = binding(node) + 1
        return f" {OPERATORS[type(node.op)]} ".join(self.texts(node.values, least))

    def _write_compare(self, node: ast.Compare) -> str:
        least = Binding.COMPARE + 1
        parts = [self.text(node.left, least)]
        for operator, side in zip(node.ops, node.comparators, strict=True):
            parts += OPERATORS[type(operator)], self.text(side, least)
        return " ".join(parts)

    def _write_ifexp(self, node: ast.IfExp) -> str:
        body = self.text(node.body, Binding.OR)
        test = self.text(node.test, Binding.OR)
        return f"{body} if {test} else {self.text(node.orelse)}"

    def _write_lambda(self, node: ast.Lambda) -> str:
        given = node.args
        if given.defaults or any(given.kw_defaults):
            return self.as_it_was(node)
        names = ast.unparse(given)
        return f"lambda{' ' if names else ''}{names}: {self.text(node.body)}"

    def _write_subscript(self, node: ast.Subscript) -> str:
        value = self.text(node.value, Binding.ATOM)
        index = node.slice
        if isinstance(index, ast.Tuple) and len(index.elts) > 1:
            return f"{value}[{', '.join(map(self._index, index.elts))}]"
        return f"{value}[{self._index(index)}]"

    def _index(self, node: ast.expr) -> str:
        if not isinstance(node, ast.Slice):
            return self.text(node)
        parts = (node.lower, node.upper, node.step)
        if not all(each is None or _is_simple(each) for each in parts):
            raise Unsure
        lower, upper, step = (self.text(each) if each else "" for each in parts)
        return f"{lower}:{upper}:{step}" if step else f"{lower}:{upper}"


def _number(value: object) -> str:
    return repr(value).replace("inf", "1e309")


def keyword_prefix(keyword: ast.keyword) -> str:
    """Return what stands before the value of a keyword argument."""
    return "**" if keyword.arg is None else f"{keyword.arg}="


def is_generator_call(node: ast.Call) -> bool:
    """Whether the parentheses of a call are those of a generator expression."""
    only = len(node.args) == 1 and not node.keywords
    return only and isinstance(node.args[0], ast.GeneratorExp)


def _is_simple(node: ast.expr, *, may_be_signed: bool = False) -> bool:
    """Whether black sets no space between *node* and an operator like ``**``."""
    if may_be_signed and isinstance(node, ast.UnaryOp):
        return not isinstance(node.op, ast.Not) and _is_simple(node.operand)
    while isinstance(node, ast.Attribute):
        node = node.value
    if isinstance(node, ast.Constant):
        return node.value is None or isinstance(node.value, int | float)
    return isinstance(node, ast.Name)
