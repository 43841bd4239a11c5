"""An expression in, its lines out: how black and ruff break what is too long."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

from whimbrel.script.expression import (
    OPERATORS,
    Binding,
    Flat,
    Original,
    Unsure,
    binding,
    end_of,
    is_generator_call,
    keyword_prefix,
    operand_bindings,
    unary_operand_binding,
    width_of,
)


STEP = 4
LINKS_ON_ONE_LINE = 2
Bracketed = ast.Call | ast.List | ast.Tuple | ast.Set | ast.Dict


@dataclass(frozen=True, slots=True)
class Piece:
    """An expression in its place: what stands before it, and how it must hold."""

    node: ast.expr
    before: str = ""
    least: int = Binding.TEST


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a chain of calls: a name with its dots, or a bracket."""

    text: str
    node: ast.Call | ast.Subscript | None = None

    @property
    def has_contents(self) -> bool:
        """Whether it is a bracket that has something in it."""
        return self.node is not None and len(self.text) > len("()")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression goes.

    Args:
        indent: the column of its first line.
        before: what stands before it on its first line.
        after: what stands after it on its last line.
        is_inside: whether brackets stand around it, so that it may break anywhere.
    """

    indent: int
    before: str = ""
    after: str = ""
    is_inside: bool = True

    def line(self, text: str) -> str:
        """Return the line that *text* makes here."""
        return f"{' ' * self.indent}{self.before}{text}{self.after}"

    def around(self, opening: str, body: Sequence[str], closing: str) -> list[str]:
        """Return *body* between an opening and a closing bracket."""
        margin = " " * self.indent
        first = f"{margin}{self.before}{opening}"
        return [first, *body, f"{margin}{closing}{self.after}"]


class Room:
    """Knows what fits on a line, and what the source keeps open.

    Args:
        source: the text that the expressions were parsed from.
        width: the number of columns that a line may have.
    """

    def __init__(self, source: str, width: int) -> None:
        self.source = Original(source)
        self.flat = Flat(self.source)
        self.width = width
        self._kept_open: dict[ast.AST, bool] = {}

    def _fits(self, node: ast.expr, place: Place, least: int = Binding.TEST) -> bool:
        if self._holds_open(node):
            return False
        return width_of(place.line(self.flat.text(node, least))) <= self.width

    def _is_kept_open(self, node: ast.AST) -> bool:
        """Whether a trailing comma at the end of a line keeps brackets open."""
        if not isinstance(node, Bracketed):
            return False
        ends = [end_of(each) for each in _contents(node)]
        is_tuple_of_one = isinstance(node, ast.Tuple) and len(ends) == 1
        if not ends or is_tuple_of_one:
            return False
        rest = self.source.between(max(ends), end_of(node))
        return "," in rest and "\n" in rest

    def _holds_open(self, node: ast.AST) -> bool:
        """Whether *node* or anything in it is kept open."""
        if node not in self._kept_open:
            children = ast.iter_child_nodes(node)
            self._kept_open[node] = self._is_kept_open(node) or any(
                self._holds_open(child) for child in children
            )
        return self._kept_open[node]

    def _is_part_open(self, part: Part) -> bool:
        """Whether a bracket holds something that a trailing comma keeps open."""
        node = part.node
        if isinstance(node, ast.Call):
            if self._is_kept_open(node):
                return True
        elif node is None:
            return False
        return any(map(self._holds_open, _contents(node)))


class Chains(Room):
    """Writes calls, and chains of them, in several lines."""

    @abstractmethod
    def lines(self, piece: Piece, indent: int, after: str = "") -> list[str]:
        """Return the lines of an expression within brackets."""

    def _chain(self, node: ast.expr, place: Place) -> list[str]:
        """Break a chain: at its dots if there are several, else in one bracket."""
        links = self._links(node)
        if place.is_inside and len(links) > LINKS_ON_ONE_LINE:
            return self._fluent(links, place)
        if place.before and not place.is_inside and len(links) > 1:
            raise Unsure
        parts = [part for link in links for part in link]
        return self._in_a_bracket(parts, place)

    def _links(self, node: ast.expr) -> list[list[Part]]:
        """Return the links of a chain: a dot after a bracket begins the next one."""
        trailers = []
        while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
            trailers.append(node)
            node = node.func if isinstance(node, ast.Call) else node.value
        links = [[Part(self.flat.text(node, Binding.ATOM))]]
        for trailer in reversed(trailers):
            owner = trailer.func if isinstance(trailer, ast.Call) else trailer.value
            text = self.flat.text(trailer)[len(self.flat.text(owner, Binding.ATOM)) :]
            if isinstance(trailer, ast.Attribute):
                if links[-1][-1].text[-1] in ")]}":
                    links.append([])
                links[-1].append(Part(text))
            else:
                links[-1].append(Part(text, trailer))
        return links

    def _fluent(self, links: Sequence[Sequence[Part]], place: Place) -> list[str]:
        lines: list[str] = []
        for number, link in enumerate(links):
            before = "" if number else place.before
            after = place.after if number == len(links) - 1 else ""
            here = Place(place.indent, before, after)
            line = here.line("".join(part.text for part in link))
            if width_of(line) > self.width or any(map(self._is_part_open, link)):
                lines += self._in_a_bracket(link, here)
            else:
                lines.append(line)
        return lines

    def _in_a_bracket(self, parts: Sequence[Part], place: Place) -> list[str]:
        """Break the last bracket before which everything fits on one line."""
        text = "".join(part.text for part in parts)
        brackets = [n for n, each in enumerate(parts) if each.has_contents]
        kept_open = [n for n in brackets if self._is_part_open(parts[n])]
        if not brackets or (width_of(place.line(text)) <= self.width and not kept_open):
            return [place.line(text)]
        if len(kept_open) > 1:
            raise Unsure
        chosen = self._choose(parts, kept_open or brackets, place)
        bracket, rest = parts[chosen], parts[chosen + 1 :]
        tail = bracket.text[-1] + "".join(part.text for part in rest)
        if width_of(replace(place, before="").line(tail)) > self.width:
            raise Unsure
        start = replace(place, after=bracket.text[0])
        return [
            *self._in_a_bracket(parts[:chosen], start),
            *self._contents(bracket.node, place.indent + STEP),
            replace(place, before="").line(tail),
        ]

    def _choose(self, parts: Sequence[Part], among: Sequence[int], place: Place) -> int:
        """Return the bracket to break: around it there must be room for the rest."""
        for number in reversed(among):
            head = "".join(part.text for part in parts[:number])
            tail = "".join(part.text for part in parts[number + 1 :])
            ends = (
                replace(place, after="(").line(head),
                replace(place, before=")").line(tail),
            )
            if max(map(width_of, ends)) <= self.width:
                return number
        first = "".join(part.text for part in parts[: among[0]])
        has_room = width_of(replace(place, after="(").line(first)) <= self.width
        if len(among) > LINKS_ON_ONE_LINE or (len(among) > 1 and not has_room):
            raise Unsure  # here the two formatters disagree
        return among[-1]

    def _contents(self, node: ast.expr | None, indent: int) -> list[str]:
        if isinstance(node, ast.Call):
            return self._arguments(node, indent)
        assert isinstance(node, ast.Subscript)
        index = node.slice
        elements = index.elts if isinstance(index, ast.Tuple) else [index]
        if any(isinstance(each, ast.Slice) for each in elements):
            raise Unsure
        line = " " * indent + ", ".join(self.flat.texts(elements))
        if width_of(line) <= self.width:
            return [line]
        return self._body([Piece(each) for each in elements], indent, is_open=False)

    def _arguments(self, node: ast.Call, indent: int) -> list[str]:
        """Return the arguments of a call: on one line if they fit."""
        if is_generator_call(node):
            only = node.args[0]
            assert isinstance(only, ast.GeneratorExp)
            return self._comprehension(only, indent)
        pieces = [Piece(each) for each in node.args]
        pieces += [Piece(each.value, keyword_prefix(each)) for each in node.keywords]
        line = " " * indent + ", ".join(self.flat.arguments(node))
        if width_of(line) <= self.width and not self._is_part_open(Part("", node)):
            return [line]
        return self._body(pieces, indent, self._is_kept_open(node))

    def _each(self, pieces: Sequence[Piece], indent: int) -> list[str]:
        """Return each piece in lines of its own, with a comma."""
        return [
            line for piece in pieces for line in self.lines(piece, indent, after=",")
        ]

    def _body(self, pieces: Sequence[Piece], indent: int, is_open: bool) -> list[str]:
        """Return what stands in brackets: a comma follows unless it stands alone."""
        if len(pieces) == 1 and not is_open:
            return self.lines(pieces[0], indent)
        return self._each(pieces, indent)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, indent: int
    ) -> list[str]:
        """Return an element and its clauses, on one line if that is long enough."""
        clauses = self.flat.clauses(node.generators)
        margin = " " * indent
        line = margin + " ".join([self.flat.text(node.elt), *clauses])
        is_open = self._holds_open(node)
        if width_of(line) <= self.width and not is_open:
            return [line]
        lines = [margin + clause for clause in clauses]
        if is_open or any(width_of(each) > self.width for each in lines):
            raise Unsure
        return [*self.lines(Piece(node.elt), indent), *lines]


class Layout(Chains):
    """Writes any expression in lines of a given width."""

    def statement(
        self, node: ast.expr, indent: int, before: str = "", after: str = ""
    ) -> list[str]:
        """Return the lines of an expression that brackets do not stand around.

        Raises:
            Unsure: it is too long, and not a call.
        """
        place = Place(indent, before, after, is_inside=False)
        if self._fits(node, place):
            return [place.line(self.flat.text(node))]
        if not isinstance(node, ast.Call):
            raise Unsure
        return self._chain(node, place)

    def lines(self, piece: Piece, indent: int, after: str = "") -> list[str]:
        """Return the lines of an expression within brackets."""
        place = Place(indent, piece.before, after)
        node = piece.node
        if self._fits(node, place, piece.least):
            return [place.line(self.flat.text(node, piece.least))]
        if binding(node) < piece.least or isinstance(node, ast.IfExp):
            inner = Place(indent + STEP)
            fits = self._fits(node, inner)
            text = [inner.line(self.flat.text(node))] if fits else None
            return place.around("(", text or self._broken(node, inner), ")")
        return self._broken(node, place)

    def _broken(self, node: ast.expr, place: Place) -> list[str]:
        write = getattr(self, f"_break_{type(node).__name__.lower()}", None)
        if write is None:
            return [place.line(self.flat.text(node))]
        lines: list[str] = write(node, place)
        return lines

    def _break_list(self, node: ast.List, place: Place) -> list[str]:
        return self._collection(node, "[", node.elts, "]", place)

    def _break_set(self, node: ast.Set, place: Place) -> list[str]:
        return self._collection(node, "{", node.elts, "}", place)

    def _break_tuple(self, node: ast.Tuple, place: Place) -> list[str]:
        if len(node.elts) == 1:
            body = self._each([Piece(node.elts[0])], place.indent + STEP)
            return place.around("(", body, ")")
        return self._collection(node, "(", node.elts, ")", place)

    def _collection(
        self,
        node: ast.expr,
        opening: str,
        elements: Sequence[ast.expr],
        closing: str,
        place: Place,
    ) -> list[str]:
        if not elements:
            return [place.line(opening + closing)]
        pieces = [Piece(each) for each in elements]
        body = self._body(pieces, place.indent + STEP, self._is_kept_open(node))
        return place.around(opening, body, closing)

    def _break_dict(self, node: ast.Dict, place: Place) -> list[str]:
        if not node.keys:
            return [place.line("{}")]
        befores = self.flat.entries(node)
        pieces = [
            Piece(value, before)
            for value, before in zip(node.values, befores, strict=True)
        ]
        body = self._body(pieces, place.indent + STEP, self._is_kept_open(node))
        return place.around("{", body, "}")

    def _break_listcomp(self, node: ast.ListComp, place: Place) -> list[str]:
        body = self._comprehension(node, place.indent + STEP)
        return place.around("[", body, "]")

    def _break_setcomp(self, node: ast.SetComp, place: Place) -> list[str]:
        body = self._comprehension(node, place.indent + STEP)
        return place.around("{", body, "}")

    def _break_generatorexp(self, node: ast.GeneratorExp, place: Place) -> list[str]:
        body = self._comprehension(node, place.indent + STEP)
        return place.around("(", body, ")")

    def _break_starred(self, node: ast.Starred, place: Place) -> list[str]:
        piece = Piece(node.value, f"{place.before}*", Binding.BIT_OR)
        return self.lines(piece, place.indent, place.after)

    def _break_unaryop(self, node: ast.UnaryOp, place: Place) -> list[str]:
        before = place.before + OPERATORS[type(node.op)]
        piece = Piece(node.operand, before, unary_operand_binding(node))
        return self.lines(piece, place.indent, place.after)

    def _break_binop(self, node: ast.BinOp, place: Place) -> list[str]:
        return self._operands(_terms(node), place)

    def _break_boolop(self, node: ast.BoolOp, place: Place) -> list[str]:
        before = f"{OPERATORS[type(node.op)]} "
        least = Binding.NOT
        first, *others = node.values
        pieces = [Piece(first, "", least)]
        pieces += [Piece(each, before, least) for each in others]
        return self._operands(pieces, place)

    def _break_compare(self, node: ast.Compare, place: Place) -> list[str]:
        least = Binding.COMPARE + 1
        pieces = [Piece(node.left, "", least)]
        for operator, side in zip(node.ops, node.comparators, strict=True):
            pieces.append(Piece(side, f"{OPERATORS[type(operator)]} ", least))
        return self._operands(pieces, place)

    def _break_ifexp(self, node: ast.IfExp, place: Place) -> list[str]:
        pieces = [
            Piece(node.body, "", Binding.OR),
            Piece(node.test, "if ", Binding.OR),
            Piece(node.orelse, "else "),
        ]
        return self._operands(pieces, place)

    def _operands(self, pieces: Sequence[Piece], place: Place) -> list[str]:
        """Return each operand in lines of its own, its operator before it."""
        lines: list[str] = []
        for number, piece in enumerate(pieces):
            before = piece.before if number else place.before
            after = place.after if number == len(pieces) - 1 else ""
            here = Piece(piece.node, before, piece.least)
            lines += self.lines(here, place.indent, after)
        return lines

    def _break_call(self, node: ast.Call, place: Place) -> list[str]:
        return self._chain(node, place)

    def _break_attribute(self, node: ast.Attribute, place: Place) -> list[str]:
        return self._chain(node, place)

    def _break_subscript(self, node: ast.Subscript, place: Place) -> list[str]:
        return self._chain(node, place)


def _contents(node: ast.expr) -> list[ast.expr]:
    """Return the expressions that stand in the brackets of *node*."""
    match node:
        case ast.Call():
            return [*node.args, *(each.value for each in node.keywords)]
        case ast.List() | ast.Tuple() | ast.Set():
            return node.elts
        case ast.Dict():
            return node.values
        case ast.Subscript():
            return [node.slice]
        case _:
            return []


def _is_power(node: ast.expr) -> TypeGuard[ast.BinOp]:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)


def _terms(node: ast.BinOp) -> list[Piece]:
    """Return the operands of operators that bind alike, each with its operator."""
    left, right = operand_bindings(node.op)
    before = f"{OPERATORS[type(node.op)]} "
    last, inner = Piece(node.right, before, right), node.left
    if isinstance(node.op, ast.Pow) and _is_power(node.right):
        first, *others = _terms(node.right)  # a ** b ** c is a ** (b ** c)
        return [Piece(inner, "", left), replace(first, before=before), *others]
    if isinstance(inner, ast.BinOp) and binding(inner) == binding(node) == left:
        return [*_terms(inner), last]
    return [Piece(inner, "", left), last]
