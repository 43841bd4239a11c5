"""The laws of script/format.py: what it writes, no formatter changes."""

import ast
import random
import subprocess
import sys
from pathlib import Path

import black
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from whimbrel.script.format import formatted, indented


RUFF = Path(sys.executable).parent / "ruff"
LENGTHS = [1, 2, 4, 6, 9, 14]


def by_ruff(text):
    """
    Return *text* as ruff writes it, with its own defaults.
    """
    command = [RUFF, "format", "--isolated", "-"]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    return done.stdout


def by_black(text):
    return black.format_str(text, mode=black.Mode())


def in_functions(bodies):
    return "\n\n".join(
        f"def upgrade_{number}():\n{indented(body)}\n"
        for number, body in enumerate(bodies)
    )


def meaning(text):
    return ast.dump(ast.parse(text))


class Writer:
    """
    Writes source as renderers do, carelessly, from choices that it is given.
    """

    def __init__(self, choices):
        self.choices = choices

    def one_of(self, *makers):
        return self.choices.choice(makers)()

    def many(self, make, *counts):
        return [make() for _ in range(self.choices.choice(counts))]

    def name(self):
        return "n" * self.choices.choice(LENGTHS)

    def dotted(self):
        return ".".join(self.many(self.name, 1, 1, 2, 3))

    def string(self):
        letters = self.many(lambda: self.choices.choice("ab'\"\\\n%é"), 0, 1, 3, 6)
        return repr("".join(letters) + "x" * self.choices.choice([0, 3, 20, 60, 90]))

    def constant(self):
        values = ["None", "True", "17", "2.5", "b'ab'", "-1", "..."]
        return self.one_of(self.string, lambda: self.choices.choice(values))

    def argument(self, depth):
        if depth <= 0 or self.choices.random() < 0.25:
            return self.one_of(self.constant, self.dotted)
        makers = [self.call] * 6 + [self.chain, self.list, self.tuple, self.dict]
        makers += [self.operation, self.negation]
        return self.choices.choice(makers)(depth - 1)

    def call(self, depth):
        values = self.many(lambda: self.argument(depth), 0, 1, 1, 2, 3, 4)
        keywords = self.many(lambda: self.argument(depth), 0, 0, 1, 2, 3)
        if self.choices.random() < 0.05:
            values.append(f"*{self.list(depth)}")
        values += [f"{self.name()}{n}={each}" for n, each in enumerate(keywords)]
        return f"{self.dotted()}({', '.join(values)})"

    def chain(self, depth):
        return ".".join(self.many(lambda: self.call(depth), 2, 2, 3, 4))

    def list(self, depth):
        return f"[{', '.join(self.many(lambda: self.argument(depth), 0, 1, 2, 4))}]"

    def tuple(self, depth):
        return f"({''.join(f'{each},' for each in self.many(self.constant, 1, 2, 4))})"

    def dict(self, depth):
        pairs = self.many(lambda: f"{self.name()}: {self.argument(depth)}", 0, 1, 2, 3)
        return f"{{{', '.join(pairs)}}}"

    def operation(self, depth):
        operator = self.choices.choice(["+", "*", "%", "==", "and", "or", "|", "**"])
        return f"({self.argument(depth)} {operator} {self.argument(depth)})"

    def negation(self, depth):
        return f"(-{self.call(depth)})"

    def statement(self):
        text = self.call(self.choices.choice([1, 2, 2]))
        if self.choices.random() < 0.1 and not text.endswith("()"):
            return f"{text[:-1]},\n)"
        return text

    def block(self):
        body = self.many(self.statement, 1, 2, 3)
        head = f"with {self.call(2)} as batch_op:"
        return "\n".join([head, *(indented(each) for each in body)])

    def assignment(self):
        return f"{self.name()} = {self.call(2)}"

    def comment(self):
        return "#comment"

    def blank(self):
        return ""

    def script(self):
        makers = [self.statement] * 3 + [self.block, self.comment, self.blank]
        makers += [self.assignment, lambda: f"{self.call(1)}.{self.call(1)}"]
        parts = self.many(lambda: self.one_of(*makers), 1, 2, 5)
        return "\n".join([*parts, "pass"])


@settings(max_examples=15, deadline=None, phases=[Phase.generate])
@given(st.integers(0, 2**32))
def test_neither_black_nor_ruff_changes_what_is_formatted(seed):
    """
    What formatted() writes is what both formatters would write, and it
    means what the source meant.
    """
    writer = Writer(random.Random(seed))
    sources = [writer.script() for _ in range(20)]

    text = in_functions(formatted(source, 84) for source in sources)

    assert meaning(text) == meaning(in_functions(sources))
    assert text == by_black(text)
    assert text == by_ruff(text)


FORMATTED = {
    "a call that fits stands on one line": (
        "op.create_table('t',\nsa.Column('id', sa.Integer(), nullable=False)\n)",
        'op.create_table("t", sa.Column("id", sa.Integer(), nullable=False))',
    ),
    "a comma at the end of a line keeps it open": (
        "op.create_table('t',\nsa.Column('id', sa.Integer(), ),\n)",
        'op.create_table(\n    "t",\n    sa.Column("id", sa.Integer()),\n)',
    ),
    "the quotes are those that need fewer escapes": (
        "f('it\\'s', 'say \"so\"', 'both \" and \\'')",
        'f("it\'s", \'say "so"\', "both \\" and \'")',
    ),
    "a block stands apart": (
        "a()\nwith b() as c:\n    #why\n    c.d()\n    # end\ne()",
        "a()\n\nwith b() as c:\n    # why\n    c.d()\n    # end\n\ne()",
    ),
    "blank lines are at most one": ("a()\n\n\n\nb()", "a()\n\nb()"),
    "a statement with a comment in it is left as it was": (
        "f('a',  # why\n  'b')\ng('c')",
        "f('a',  # why\n  'b')\ng(\"c\")",
    ),
    "a string over lines is left as it was": (
        "op.execute('''\nSELECT 1\n  ''')",
        "op.execute('''\nSELECT 1\n  ''')",
    ),
    "what cannot be parsed is left as it was": ("f(", "f("),
    "comprehensions and f-strings stay": (
        "sa.Enum(*[e.value for e in E if e], name=f'x{y}', n=0xFF)",
        'sa.Enum(*[e.value for e in E if e], name=f"x{y}", n=0xFF)',
    ),
}


@pytest.mark.parametrize(("source", "expected"), FORMATTED.values(), ids=FORMATTED)
def test_statements_are_written_like_this(source, expected):
    """
    A statement is written so, and writing it again changes nothing.
    """
    assert expected == formatted(source)
    assert expected == formatted(expected)


def test_a_string_over_lines_is_not_indented():
    """
    Indenting a script leaves the strings in it alone.
    """
    text = "f('''a\nb\n''')\n\ng()"

    assert "    f('''a\nb\n''')\n\n    g()" == indented(text)


ODD = [
    "x[1:2, ...]",
    "f(x for x in y)",
    "f(lambda a, *b, c=1, **d: a)",
    "f(a if b else c, not d, ~e, (yield))",
    "f({**a, 'b': c}, *d, **e)",
    "f(a ** -b, (-a) ** b, a.b ** 2, f() ** 2, 2 ** x[1])",
    "f((a, b), (a,), (), {1}, [*a], {k: v for k, v in w})",
    "f(a < b <= c, a is not b, a not in b, (a and b) or not c)",
    "if a:\n   b()\n   # end\nelse:\n   c()\nd()",
    "def f():\n  return 1\nf()",
    "a = b = c",
    "a(); b()",
    "try:\n  a()\nfinally:\n  b()",
    "del x",
    "f('a' 'b', u'c', rb'\\d', r'\\d', 1_000, 1e5, 1J, 0xff, 1E400)",
    "with a, b:\n  c()",
    "f((x := 1), '\\N{BULLET}', '\\udc80', 'ü', '日本')",
]


@pytest.mark.parametrize("source", ODD)
def test_whatever_it_is_keeps_its_meaning(source):
    """
    No statement is so odd that it would be spoiled, at any width.
    """
    for width in (20, 40, 88):
        text = formatted(source, width)

        assert meaning(text).replace("kind='u'", "") == meaning(source).replace(
            ", kind='u'", ""
        )
        assert text == formatted(text, width)
