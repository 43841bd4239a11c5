"""What a statement in a script may do to rows, as far as its words tell."""

from __future__ import annotations

import re
from dataclasses import dataclass


_WORD = re.compile(r"\w+")
_READS = re.compile(
    r"\s*(SELECT|SHOW|SET|PRAGMA|EXPLAIN|COMMENT|GRANT|REVOKE|ANALYZE|LOCK)\b", re.I
)
_CALLS = re.compile(r"\s*(CALL|EXEC|EXECUTE)\b", re.I)
_ASKS_A_FUNCTION = re.compile(
    r"\s*SELECT\s+(?!(pg_catalog\.)?(pg_\w+|setval|set_config|nextval)\b)[\w.\"]+\s*\(",
    re.I,
)
_MAKES = re.compile(
    r"\s*(CREATE|ALTER|DROP)\s+(OR\s+REPLACE\s+)?(UNIQUE\s+|MATERIALIZED\s+)?"
    r"(TYPE|DOMAIN|SEQUENCE|EXTENSION|INDEX|SCHEMA|VIEW|FUNCTION|TRIGGER|COLLATION)\b",
    re.I,
)
_RENAMES_A_VALUE = re.compile(r"\s*ALTER\s+TYPE\b.*\bRENAME\s+VALUE\b", re.I | re.S)


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text, in small letters."""
    return frozenset(_WORD.findall(text.casefold()))


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a script, which nobody parses."""

    text: str

    @property
    def words(self) -> frozenset[str]:
        """Its words, in small letters."""
        return words_of(self.text)

    @property
    def cascades(self) -> bool:
        """Whether it says that what depends on its things goes with them."""
        return "cascade" in self.words

    @property
    def renames_a_value(self) -> bool:
        """Whether it gives a value of an enumerated type another name."""
        return _RENAMES_A_VALUE.match(self.text) is not None

    @property
    def leaves_rows(self) -> bool:
        """Whether it changes no rows."""
        if _READS.match(self.text):
            return True
        return _MAKES.match(self.text) is not None and not self.cascades

    @property
    def may_do_anything(self) -> bool:
        """Whether it calls what nobody can see from here."""
        if _CALLS.match(self.text):
            return True
        is_call = _ASKS_A_FUNCTION.match(self.text) is not None
        return is_call and "from" not in self.words

    def names(self, thing: str) -> bool:
        """Whether all words of a name stand in it."""
        return self.words.issuperset(words_of(thing))
