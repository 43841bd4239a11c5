"""Which texts are values of an enumerated type, and which are taken for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from whimbrel.checks.misfits import converted, is_number
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import Column


PLACE = r"^[[:space:]]*[+]?0*[1-9][0-9]*[[:space:]]*$"
PLACE_OR_ZERO = r"^[[:space:]]*[+]?[0-9]+[[:space:]]*$"
LONGEST_PLACE = 5
"""A text of more characters is no place: there are no more than 65,535 values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumValues:
    """The values of a column that are to become those of an enumerated type.

    Args:
        value: stands for the column in a query.
        live: the column as it is.
        enum: the new type.
        dialect: the database.
    """

    value: sa.ColumnElement[Any]
    live: Column
    enum: sa.Enum
    dialect: Dialect

    @property
    def values(self) -> list[str]:
        """The values of the type."""
        return [str(each) for each in self.enum.enums]

    @property
    def outside(self) -> sa.ColumnElement[bool]:
        """What is true of values that the type refuses."""
        if self.dialect.numbers_enum_values:
            return sa.not_(sa.or_(self._is_value, self._is_place))
        return sa.not_(self._is_value)

    @property
    def taken_for_others(self) -> sa.ColumnElement[bool]:
        """What is true of values that the type takes for others.

        A number stands for the value at that place; capitals, accents and spaces at
        the end are as the collation wants.
        """
        exact = [converted(sa.literal(each), "BINARY") for each in self.values]
        text = converted(self._text, "BINARY")
        is_other = text.not_in(exact)
        return sa.and_(sa.or_(self._is_value, self._is_place), is_other)

    @property
    def becomes(self) -> sa.ColumnElement[Any]:
        """What those values become that the type takes."""
        place: sa.ColumnElement[Any] = sa.func.elt(self._place, *self.values)
        if self.dialect.keeps_no_value:
            place = sa.func.coalesce(place, "")
        if is_number(self.live):
            return place
        whens = [(self._trimmed == each, sa.literal(each)) for each in self.values]
        return sa.case(*whens, else_=place)

    @property
    def _text(self) -> sa.ColumnElement[str]:
        return sa.cast(self.value, sa.String())

    @property
    def _is_value(self) -> sa.ColumnElement[bool]:
        if self.dialect.numbers_enum_values and is_number(self.live):
            return sa.false()
        is_trimmed = self.dialect.numbers_enum_values
        text = self._trimmed if is_trimmed else self._text
        return text.in_(self.values)

    @property
    def _trimmed(self) -> sa.ColumnElement[str]:
        """The text without spaces at its end, which no value has there."""
        return sa.func.rtrim(self._text)

    @property
    def _place(self) -> sa.ColumnElement[int]:
        return converted(self.value, "UNSIGNED")

    @property
    def _is_place(self) -> sa.ColumnElement[bool]:
        least = 0 if self.dialect.keeps_no_value else 1
        is_there = self._place.between(least, len(self.values))
        if is_number(self.live):
            return is_there
        length = sa.func.char_length(self._trimmed)
        pattern = PLACE if least else PLACE_OR_ZERO
        return sa.and_(
            self._text.regexp_match(pattern), length <= LONGEST_PLACE, is_there
        )
