"""Which values become others under a new type that takes them all the same.

No cast refuses them, so nobody would hear of it: a price that is rounded, a moment
that loses its hour, the zeros at the beginning of a text that becomes a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from whimbrel.catalog.sqlite_tokens import affinity
from whimbrel.checks.enum_values import EnumValues
from whimbrel.checks.misfits import converted, is_text
from whimbrel.checks.numbers import SINGLE, Number, number_of
from whimbrel.plan.postgresql_types import STRINGS, Spelling, parsed
from whimbrel.plan.spelled import Spelled
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import Column


Value = sa.ColumnElement[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distortion:
    """What a new type makes of values that it takes.

    Args:
        condition: what is true of the values that become others.
        becomes: what they become.
    """

    condition: sa.ColumnElement[bool]
    becomes: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Retyping:
    """A column whose values become those of another type.

    Args:
        live: the column as it is.
        value: stands for it in a query.
        after: the new type.
        spelling: what the new type is called.
        casts: the types through which the values go, by a script's own words.
        dialect: the database.
    """

    live: Column
    value: Value
    after: TypeEngine[Any]
    spelling: str
    casts: tuple[str, ...]
    dialect: Dialect

    @property
    def was(self) -> str:
        """What the type of the column is called."""
        return self.live.type.spelling

    def number(self, spelling: str) -> Number | None:
        """Return what a type of numbers keeps."""
        return number_of(spelling, self.dialect)

    @property
    def is_between_numbers(self) -> bool:
        """Whether numbers become numbers of which less is kept."""
        old, new = self.number(self.was), self.number(self.spelling)
        return old is not None and new is not None and not new.keeps(old)


def distortion(retyping: Retyping) -> Distortion | None:
    """Return which values of a column become others; None if all stay what they are."""
    dialect = retyping.dialect
    if not dialect.enforces_types:
        return _by_affinity(retyping)
    if dialect.casts_in_queries:
        return _by_cast(retyping)
    return _by_rounding(retyping)


# -- a cast in a query does what the alteration does ---------------------------------


LEADING = r"^[[:space:]]*([-+]?0[0-9]|[+])"
"""A text that begins with what no number keeps: a zip code, a number of a phone."""

_NAMES = {
    "timestamp": "timestamp without time zone",
    "time": "time without time zone",
    "varchar": "character varying",
}
_WITHOUT, _WITH = " without time zone", " with time zone"
_AND_BACK: dict[str, tuple[str, ...]] = {
    f"timestamp{_WITHOUT}": ("date", f"timestamp{_WITHOUT}", f"timestamp{_WITH}"),
    f"timestamp{_WITH}": ("date", f"timestamp{_WITH}"),
    f"time{_WITHOUT}": (f"time{_WITHOUT}",),
    f"time{_WITH}": (f"time{_WITH}", f"time{_WITHOUT}"),
    "interval": (f"time{_WITHOUT}",),
    "inet": ("cidr",),
    "numeric": ("money",),
}
"""What becomes another type and back, the same only where nothing was lost."""

_FINEST = 6
"""So many digits of a second are kept where nothing is said."""


def _by_cast(retyping: Retyping) -> Distortion | None:
    value = retyping.value
    becomes = value
    for each in retyping.casts:
        becomes = sa.cast(becomes, Spelled(each))
    old, new = parsed(retyping.was), _named(retyping.spelling)
    if old.is_array or new.is_array:
        return None
    if new.name == "boolean":
        if retyping.number(retyping.was) is None:
            return None
        return Distortion(condition=value.not_in((0, 1)), becomes=value != 0)
    if old.name in STRINGS:
        condition = _text_cast(retyping, becomes, old, new)
    elif retyping.is_between_numbers:
        condition = _exact(becomes) != _exact(value)
    else:
        condition = _moment_cast(retyping, becomes, old, new)
    return _found(condition, becomes)


def _named(spelling: str) -> Spelling:
    parts = parsed(spelling.lower())
    return Spelling(_NAMES.get(parts.name, parts.name), parts.numbers, parts.is_array)


def _found(
    condition: sa.ColumnElement[bool] | None, becomes: Value
) -> Distortion | None:
    if condition is None:
        return None
    return Distortion(condition=condition, becomes=becomes)


def _exact(value: Value) -> Value:
    """Return a number with all its digits: a cast from a text rounds none away."""
    return sa.cast(sa.cast(value, Spelled("text")), Spelled("numeric"))


def _moment_cast(
    retyping: Retyping, becomes: Value, old: Spelling, new: Spelling
) -> sa.ColumnElement[bool] | None:
    """Return what is true of moments, and the like, that do not come back the same."""
    value = retyping.value
    if old.name == f"timestamp{_WITH}" and new.name == f"timestamp{_WITHOUT}":
        return sa.func.timezone("UTC", value) != becomes
    if old.name.startswith("timestamp") and new.name.startswith("time w"):
        return value.is_not(None)
    if _goes_and_comes_back(old, new):
        return sa.cast(becomes, Spelled(retyping.was)) != value
    return None


def _goes_and_comes_back(old: Spelling, new: Spelling) -> bool:
    if old.name.startswith("interval") and new.name.startswith("interval"):
        return old != new
    if new.name not in _AND_BACK.get(old.name, ()):
        return False
    was, becomes = ((*each.numbers, _FINEST)[0] for each in (old, new))
    return old.name != new.name or becomes < was


def _without_spaces(
    value: Value, old: Spelling, new: Spelling
) -> sa.ColumnElement[bool] | None:
    """Return what is true of texts of which only spaces at the end are too many."""
    (most,) = new.numbers or (0,)
    if not most or (old.numbers and old.numbers[0] <= most):
        return None
    length = sa.func.char_length
    return sa.and_(length(value) > most, length(sa.func.rtrim(value)) <= most)


def _text_cast(
    retyping: Retyping, becomes: Value, old: Spelling, new: Spelling
) -> sa.ColumnElement[bool] | None:
    """Return what is true of texts that say more than the new type keeps."""
    value = retyping.value
    if new.name == "character varying":
        return _without_spaces(value, old, new)
    if retyping.number(retyping.spelling) is not None:
        told = sa.cast(value, Spelled("numeric"))
        return sa.or_(value.regexp_match(LEADING), told != _exact(becomes))
    moment, there = (sa.cast(value, Spelled(f"timestamp{z}")) for z in ("", "tz"))
    if new.name == "date":
        return moment != sa.cast(becomes, Spelled("timestamp"))
    if new.name == f"timestamp{_WITHOUT}":
        return sa.or_(moment != becomes, sa.cast(there, Spelled("timestamp")) != moment)
    if new.name == f"timestamp{_WITH}":
        return there != becomes
    return None


# -- a type says only how values like to be stored -----------------------------------


_SURE = 15
"""So many digits of a text are kept by a floating-point number, whatever they are."""


def _by_affinity(retyping: Retyping) -> Distortion | None:
    """Return which values are stored as others where the rows are written anew.

    https://www.sqlite.org/datatype3.html#type_affinity
    """
    old, new = (affinity(each) for each in (retyping.was, retyping.spelling))
    value = retyping.value
    kind = sa.func.typeof(value)
    if new in (old, "BLOB"):
        return None
    becomes = sa.cast(value, Spelled("NUMERIC" if new == "INTEGER" else new))
    if new == "TEXT":
        back = sa.cast(becomes, Spelled("REAL"))
        return _found(sa.and_(kind == "real", back != value), becomes)
    condition = sa.and_(kind == "text", _says_more_than_a_number(value))
    if new == "REAL":
        condition = sa.or_(condition, sa.and_(kind == "integer", becomes != value))
    return _found(condition, becomes)


def _says_more_than_a_number(text: Value) -> sa.ColumnElement[bool]:
    """Return what is true of texts that become numbers, and not all of them is kept."""
    number = sa.cast(text, Spelled("NUMERIC"))
    bare = sa.func.trim(text)
    digits = sa.func.trim(
        sa.func.replace(sa.func.ltrim(bare, "-+0."), ".", ""), sa.literal("0")
    )
    patterns = ("0[0-9]*", "[-+]0[0-9]*", "+*")
    return sa.and_(
        text == number,
        sa.or_(
            *(bare.op("GLOB")(each) for each in patterns),
            sa.and_(
                sa.func.typeof(number) == "real",
                sa.func.length(digits) > _SURE,
            ),
        ),
    )


# -- a type takes values, and nobody is told what became of them ----------------------


_DECIMAL = "DECIMAL(65,30)"
_MOMENT = re.compile(
    r"(?P<name>datetime|timestamp|time|date)\b\s*(?:\((?P<digits>\d)\))?", re.I
)
_FINEST_MOMENT = f"datetime({_FINEST})"
_SAME = {"timestamp": "datetime"}


def _by_rounding(retyping: Retyping) -> Distortion | None:
    """Return which values become others by the rules of MySQL and MariaDB."""
    value, after = retyping.value, retyping.after
    new = retyping.number(retyping.spelling)
    if isinstance(after, sa.Enum):
        values = EnumValues(
            value=value, live=retyping.live, enum=after, dialect=retyping.dialect
        )
        return Distortion(condition=values.taken_for_others, becomes=values.becomes)
    if retyping.was.startswith("enum"):
        if new is None:
            return None
        return Distortion(condition=value.is_not(None), becomes=value + 0)
    if new is not None and is_text(retyping.live):
        becomes = _rounded(value, new)
        is_rounded = _decimal(becomes, new) != converted(value, _DECIMAL)
        said = sa.or_(value.regexp_match(LEADING), is_rounded)
        return Distortion(condition=said, becomes=becomes)
    old = retyping.number(retyping.was)
    if old is not None and new is not None and not new.keeps(old):
        becomes = _rounded(value, new)
        condition = _decimal(becomes, new) != _decimal(value, old)
        return Distortion(condition=condition, becomes=becomes)
    return _of_moments(retyping)


def _decimal(value: Value, kind: Number) -> Value:
    """Return a number with the digits that are shown of it."""
    if not kind.is_floating:
        return value
    return converted(converted(value, "CHAR"), _DECIMAL)


def _rounded(value: Value, new: Number) -> Value:
    """Return what a type of numbers makes of a value."""
    if new.is_floating:
        return converted(value, "FLOAT" if new.bits == SINGLE else "DOUBLE")
    rounded: Value = sa.func.round(converted(value, _DECIMAL), new.scale or 0)
    return rounded


def _of_moments(retyping: Retyping) -> Distortion | None:
    """Return which moments lose their day, their hour, or a part of a second."""
    old, new = (_moment_of(each) for each in (retyping.was, retyping.spelling))
    if new is None or not (old or is_text(retyping.live)):
        return None
    if old is not None and (
        old.name == "date" or (old.name == new.name and old.digits <= new.digits)
    ):
        return None
    value = retyping.value
    becomes = converted(value, new.spelling)
    if new.name == "time" and old is not None and old.name == "datetime":
        return Distortion(condition=value.is_not(None), becomes=becomes)
    if new.name == "date":
        condition = becomes != converted(value, _FINEST_MOMENT)
        return Distortion(condition=condition, becomes=becomes)
    # MariaDB compares what it converts with all its digits, even where it shows fewer
    finest = converted(value, f"{new.name}({_FINEST})")
    lost = sa.func.microsecond(finest) % 10 ** (_FINEST - new.digits)
    return Distortion(condition=lost != 0, becomes=becomes)


@dataclass(frozen=True, slots=True)
class _Moment:
    """A type of days, hours or both, and how many digits of a second it keeps."""

    name: str
    digits: int

    @property
    def spelling(self) -> str:
        """What a cast calls it."""
        return self.name if self.name == "date" else f"{self.name}({self.digits})"


def _moment_of(spelling: str) -> _Moment | None:
    found = _MOMENT.match(spelling)
    if found is None:
        return None
    name = _SAME.get(found["name"].lower(), found["name"].lower())
    return _Moment(name, int(found["digits"] or 0))
