"""Tables with rows, and pending operations that these rows forbid or lose values by.

What the rows say is counted here in Python, by the rules of each database, so that
neither a query of ours nor the database itself is the only witness.
"""

import datetime
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

import sqlalchemy as sa
from sqlalchemy.dialects import mysql


NUMBERS = [None, 0, 1, 2, 3, 40000, -7]
WORDS = [None, "", "a", "A", "é", "a ", "ab", "abcdef", "ab     ", "1", "9"]
SPELLED = [None, "7", " 7", "-3", "007", "1.0", "1.5", "1e2", "", "x", "99999999999"]
SPELLED += ["1.55", "+4", "-07"]
DAYS = [None, "2024-01-31", "2024-02-30", "x", "", "2024-01-31 10:00:00"]
DAYS += ["2024-01-31 00:00:00", "2024-01-31 10:00:00+02:00"]
PRICES = [None, 0.0, 1.2345, 1.2, 99.995, -7.5, 12345678.25]
FLOATS = [None, 0.5, 0.1, 0.30000000000000004, 2.0, 1e10]
GREAT = [None, 1, 2**53, 2**53 + 1]
MOMENTS = [
    None,
    datetime.datetime(2024, 1, 31),
    datetime.datetime(2024, 1, 31, 10),
    datetime.datetime(2024, 1, 31, 10, 0, 0, 600000),
    datetime.datetime(2024, 1, 31, 0, 0, 0, 250000),
]
COLOURS = ["red", "green", "it's"]
VALUES = {
    "n": NUMBERS,
    "m": NUMBERS,
    "s": WORDS,
    "k": WORDS,
    "t": SPELLED,
    "d": DAYS,
    "e": [None, *COLOURS],
    "p": PRICES,
    "f": FLOATS,
    "b": GREAT,
    "w": MOMENTS,
}
TYPES = {
    "p": sa.Numeric(12, 4, asdecimal=False),
    "f": sa.Float(53),
    "b": sa.BigInteger(),
    "w": sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb"),
}
REFERENCES = [None, 1, 2, 3]
CHECKS = {
    "n > 0": lambda row: than(row["n"], 0),
    "n > m": lambda row: than(row["n"], row["m"]),
    "n > 0 OR m > 0": lambda row: either(than(row["n"], 0), than(row["m"], 0)),
    "n IS NOT NULL": lambda row: row["n"] is not None,
    "NOT (n > 2)": lambda row: no(than(row["n"], 2)),
    "item.n > 1": lambda row: than(row["n"], 1),
    "'n' <> 'm'": lambda row: True,
}
KINDS = ["item", "a", "ab", "it's"]


def than(one, other):
    return None if one is None or other is None else one > other


def either(one, other):
    return True if one or other else None if None in (one, other) else False


def no(said):
    return None if said is None else not said


@dataclass(repr=False)
class Case:
    """A table with rows, what is pending, and what must be found of it.

    Args:
        name: SQLAlchemy's name of the database.
        rows: the rows of the table ``item``.
        parents: the rows of the table ``parent``.
        has_key: `item` has a primary key.
        operations: what is pending.
        expected: for each of them the codes with their counts.
    """

    name: str
    rows: list
    parents: list
    has_key: bool
    operations: list = field(default_factory=list)
    expected: list = field(default_factory=list)
    at: str = "item"
    names: dict = field(default_factory=dict)

    def __repr__(self):
        """What is needed to see why an example fails."""
        pending = [
            (type(each).__name__, {k: str(v) for k, v in vars(each).items() if v})
            for each in self.operations
        ]
        rows = "\n".join(map(str, self.rows))
        told = "\n".join(map(str, zip(pending, self.expected, strict=True)))
        return f"{self.name}, key {self.has_key}\n{rows}\n{self.parents}\n{told}"

    @property
    def metadata(self):
        metadata = sa.MetaData()
        sa.Table(
            "parent",
            metadata,
            sa.Column("a", sa.Integer, primary_key=True),
            sa.Column("b", sa.Integer, nullable=False),
            sa.UniqueConstraint("a", "b"),
        )
        sa.Table(
            "item",
            metadata,
            sa.Column("id", sa.Integer, primary_key=self.has_key),
            sa.Column("n", sa.Integer),
            sa.Column("m", sa.Integer),
            *(sa.Column(each, sa.String(40)) for each in "sktd"),
            sa.Column("e", sa.Enum(*COLOURS, name="colour")),
            *(sa.Column(each, type_) for each, type_ in TYPES.items()),
            sa.Column("pa", sa.Integer),
            sa.Column("pb", sa.Integer),
        )
        return metadata

    def add(self, operation, *expected):
        self.operations.append(operation)
        self.expected.append(sorted(each for each in expected if each[1]))

    def same(self, value):
        """What two values share that are one to a key."""
        if not isinstance(value, str) or self.name != "mysql":
            return value
        bare = unicodedata.normalize("NFD", value.rstrip(" ").casefold())
        return "".join(each for each in bare if not unicodedata.combining(each))

    def values(self, columns, rows=None):
        rows = self.rows if rows is None else rows
        return [tuple(self.same(row[each]) for each in columns) for row in rows]

    def told(self, column):
        """The name that a column has by now."""
        return self.names.get(column, column)

    @property
    def enforces_types(self):
        return self.name != "sqlite"


def duplicates(values, takes_null=True):
    counted = Counter(each for each in values if not takes_null or None not in each)
    return sum(count > 1 for count in counted.values())


POSTGRESQL = sa.create_engine("postgresql+psycopg://").dialect
BITS = {sa.SmallInteger: 16, sa.Integer: 32, sa.BigInteger: 64}
WHOLE = re.compile(r"\s*[-+]?[0-9]+\s*")
NUMBER = re.compile(r"\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?\s*", re.I)


def fits(value, type_, name):
    """Whether a database takes a value for one of another type."""
    if isinstance(type_, sa.Date | sa.DateTime):
        if isinstance(value, datetime.datetime):
            return True
        has_offset = name == "mysql" and value.endswith("+02:00")
        return str(value).startswith("2024-01") and not has_offset
    text = str(value)
    if not NUMBER.fullmatch(text):
        return False
    number = Decimal(text)
    if isinstance(type_, sa.Integer):
        bits = next(bits for kind, bits in BITS.items() if type(type_) is kind)
        is_whole = not isinstance(value, str) or bool(WHOLE.fullmatch(text))
        return is_whole and abs(round(number)) < 2 ** (bits - 1)
    if isinstance(type_, sa.Float | sa.Boolean):
        return True
    room = Decimal(10) ** (type_.precision - type_.scale)
    return abs(rounded(number, type_.scale)) < room


def rounded(number, scale):
    return number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)


LEADING = re.compile(r"\s*([-+]?0[0-9]|[+])")
"""What a text begins with and a number does not."""


def becomes_another(value, type_, name):
    """Whether a value that fits another type is not the same in it."""
    if name == "sqlite":
        return stored_as_another(value, type_)
    if isinstance(type_, sa.Date):
        moment = str(value)[11:] or "00:00:00"
        return moment != "00:00:00"
    if isinstance(type_, sa.DateTime):
        if isinstance(value, str):
            return value.endswith("+02:00")
        digits = type_.fsp if name == "mysql" else type_.precision
        return value.microsecond % 10 ** (6 - digits) != 0
    if isinstance(type_, sa.Boolean):
        return value not in (0, 1)
    number = Decimal(str(value))
    if isinstance(value, str) and LEADING.match(value):
        return True
    if isinstance(type_, sa.Float):
        return Decimal(repr(float(number))) != number
    scale = 0 if isinstance(type_, sa.Integer) else type_.scale
    return rounded(number, scale) != number


def stored_as_another(value, type_):
    """Whether SQLite, to which a type says little, stores another value."""
    if isinstance(type_, sa.String):
        return isinstance(value, float) and float(f"{value:.15g}") != value
    if isinstance(value, str):
        return bool(NUMBER.fullmatch(value) and LEADING.match(value))
    return isinstance(type_, sa.Float) and float(value) != value
