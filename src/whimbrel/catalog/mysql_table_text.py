"""What SHOW CREATE TABLE of MySQL and MariaDB says: lossless, and to be edited."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from whimbrel.errors import DatabaseError


class Kind(IntEnum):
    """What a clause of a column is, in the order in which a column is written."""

    TYPE = 1
    CHARSET = 2
    COLLATE = 3
    OTHER = 4
    GENERATED = 5
    NULL = 6
    DEFAULT = 7
    ON_UPDATE = 8
    AUTO_INCREMENT = 9
    INVISIBLE = 10
    COMMENT = 11
    CHECK = 12


class ItemKind(IntEnum):
    """What stands in a table beside its columns."""

    PRIMARY_KEY = 1
    UNIQUE = 2
    INDEX = 3
    FOREIGN_KEY = 4
    CHECK = 5
    OTHER = 6


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of a column's definition, as the server wrote it."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnText:
    """A column's definition, as the server wrote it."""

    name: str
    clauses: tuple[Clause, ...]

    def clause(self, kind: Kind) -> str | None:
        """Return what the definition says of *kind*, if it does."""
        found = [each.text for each in self.clauses if each.kind is kind]
        return " ".join(found) if found else None

    def with_clause(self, kind: Kind, text: str | None) -> ColumnText:
        """Return the definition with another clause of *kind*, or without any."""
        kept = tuple(each for each in self.clauses if each.kind is not kind)
        added = (Clause(kind, text),) if text else ()
        return replace(self, clauses=(*kept, *added))

    @property
    def definition(self) -> str:
        """All that stands behind the name in ``MODIFY``."""
        ordered = sorted(self.clauses, key=lambda each: each.kind)
        return " ".join(each.text for each in ordered)

    @property
    def is_nullable(self) -> bool:
        """Whether the column takes NULL."""
        return self.clause(Kind.NULL) != "NOT NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemText:
    """A key, an index or a constraint of a table.

    Args:
        kind: what it is.
        name: its name; empty if it has none.
        columns: its columns; None stands for an expression.
        is_plain: an index over whole columns in ascending order.
        target: what a foreign key refers to, as written.
        target_columns: the columns that it refers to.
        expression: what a check says.
        column: the column in whose definition a check stands.
        written: all that the server says of it, if it stands by itself.
    """

    kind: ItemKind
    name: str
    columns: tuple[str | None, ...] = ()
    is_plain: bool = True
    target: tuple[str, ...] = ()
    target_columns: tuple[str, ...] = ()
    expression: str = ""
    column: str | None = None
    written: str = ""

    @property
    def columns_named(self) -> tuple[str, ...]:
        """The columns, without the places where expressions stand."""
        return tuple(column for column in self.columns if column is not None)

    def serves(self, columns: Sequence[str]) -> bool:
        """Whether a foreign key of *columns* can use this index."""
        kinds = (ItemKind.PRIMARY_KEY, ItemKind.UNIQUE, ItemKind.INDEX)
        leading = [folded(each or "") for each in self.columns[: len(columns)]]
        return (
            self.kind in kinds
            and self.is_plain
            and leading == list(map(folded, columns))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TableText:
    """A table's definition.

    Args:
        columns: its columns, in order.
        items: its keys, indexes and constraints, the checks of columns among them.
        options: what stands behind the parentheses.
    """

    columns: tuple[ColumnText, ...]
    items: tuple[ItemText, ...]
    options: str

    def column(self, name: str) -> ColumnText | None:
        """Return the column called *name*, if there is one; case does not count."""
        alike = (each for each in self.columns if folded(each.name) == folded(name))
        return next(alike, None)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    is_word: bool

    @property
    def word(self) -> str:
        return self.text.upper() if self.is_word else self.text


_STRING = r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\""
_BARE_STRING = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\""
_PATTERN = (
    r"(?P<other>/\*.*?\*/|{string}|`(?:[^`]|``)*`)|(?P<word>[\w$.]+)|(?P<sign>\S)"
)
_WITH_ESCAPES = re.compile(_PATTERN.format(string=_STRING), re.DOTALL)
_WITHOUT_ESCAPES = re.compile(_PATTERN.format(string=_BARE_STRING), re.DOTALL)


def folded(name: str) -> str:
    """Return the name of a column or an index as the server compares it."""
    return name.casefold()


def parse_table(sql: str, *, has_escapes: bool = True) -> TableText:
    """Return what a ``CREATE TABLE`` of the server says.

    Args:
        sql: what ``SHOW CREATE TABLE`` told.
        has_escapes: whether a backslash escapes; not so under the SQL mode
            ``NO_BACKSLASH_ESCAPES``.

    Raises:
        DatabaseError: the text is not understood.
    """
    start = _body(sql, has_escapes)
    end = _closing(sql, start, has_escapes)
    columns: list[ColumnText] = []
    items: list[ItemText] = []
    for written in _split(sql[start + 1 : end], has_escapes):
        tokens = _tokens(written, has_escapes)
        if tokens[0].is_word:
            item = _item(tokens, written, has_escapes)
            items.append(replace(item, written=written))
        else:
            column = parse_column(written, has_escapes=has_escapes)
            columns.append(column)
            items.extend(_checks_of(column, has_escapes))
    return TableText(
        columns=tuple(columns), items=tuple(items), options=sql[end + 1 :].strip()
    )


def parse_column(written: str, *, has_escapes: bool = True) -> ColumnText:
    """Return what the definition of a column says, its name in front."""
    spans = list(_spans(written, has_escapes))
    name = unquoted(spans[0][0].text)
    rest = _grouped(spans[1:], written)
    clauses: list[Clause] = []
    place = 0
    while place < len(rest):
        kind, length = _next_clause([each.word for each in rest[place:]], not clauses)
        text = " ".join(each.text for each in rest[place : place + length])
        clauses.append(Clause(kind, text))
        place += length
    return ColumnText(name=name, clauses=tuple(clauses))


def unquoted(name: str) -> str:
    """Return the name that a quoted name means."""
    if len(name) > 1 and name[0] == name[-1] and name[0] in '`"':
        return name[1:-1].replace(name[0] * 2, name[0])
    return name


_STARTS = {
    "CHARACTER": Kind.CHARSET,
    "CHARSET": Kind.CHARSET,
    "COLLATE": Kind.COLLATE,
    "GENERATED": Kind.GENERATED,
    "AS": Kind.GENERATED,
    "NOT": Kind.NULL,
    "NULL": Kind.NULL,
    "DEFAULT": Kind.DEFAULT,
    "ON": Kind.ON_UPDATE,
    "AUTO_INCREMENT": Kind.AUTO_INCREMENT,
    "INVISIBLE": Kind.INVISIBLE,
    "COMMENT": Kind.COMMENT,
    "CHECK": Kind.CHECK,
    "CONSTRAINT": Kind.CHECK,
}
_OTHER_STARTS = (
    "VISIBLE",
    "WITH",
    "WITHOUT",
    "COLUMN_FORMAT",
    "STORAGE",
    "SRID",
    "REF_SYSTEM_ID",
    "UNIQUE",
    "PRIMARY",
    "KEY",
    "REFERENCES",
)
_OF_TWO_WORDS = {"CHARACTER": 3, "CHARSET": 2, "COLLATE": 2, "COMMENT": 2, "NOT": 2}


def _next_clause(words: Sequence[str], is_first: bool) -> tuple[Kind, int]:
    """Return the kind of the clause that begins with the first of *words*, its length.

    A clause ends where the next begins; what may look like a beginning within it
    (``DEFAULT NULL``, ``ON UPDATE``, ``CONSTRAINT x CHECK``) is passed over.
    """
    first = words[0]
    if is_first:
        kind, at_least = Kind.TYPE, 1
    elif first.startswith("/*"):
        is_invisible = "INVISIBLE" in first.upper()
        return (Kind.INVISIBLE if is_invisible else Kind.OTHER), 1
    else:
        kind = _STARTS.get(first, Kind.OTHER)
        at_least = 3 if kind is Kind.CHECK and first == "CONSTRAINT" else 2
        at_least = 1 if first in ("NULL", "AUTO_INCREMENT", "INVISIBLE") else at_least
    if first in _OF_TWO_WORDS and not is_first:
        return kind, min(_OF_TWO_WORDS[first], len(words))
    length = min(at_least, len(words))
    while length < len(words) and not _begins_clause(words[length], kind):
        length += 1
    return kind, length


def _begins_clause(word: str, within: Kind) -> bool:
    if word == "AS" and within is Kind.GENERATED:
        return False
    return word in _STARTS or word in _OTHER_STARTS or word.startswith("/*")


def _checks_of(column: ColumnText, has_escapes: bool) -> Iterator[ItemText]:
    for clause in column.clauses:
        if clause.kind is Kind.CHECK:
            start = clause.text.index("(")
            end = _closing(clause.text, start, has_escapes)
            yield ItemText(
                kind=ItemKind.CHECK,
                name=column.name,
                columns=(column.name,),
                expression=clause.text[start + 1 : end],
                column=column.name,
            )


_SPECIAL = ("FULLTEXT", "SPATIAL", "VECTOR")
_INDEXES = {
    "PRIMARY": ItemKind.PRIMARY_KEY,
    "UNIQUE": ItemKind.UNIQUE,
    "KEY": ItemKind.INDEX,
    "INDEX": ItemKind.INDEX,
    **dict.fromkeys(_SPECIAL, ItemKind.INDEX),
}


def _item(tokens: list[_Token], written: str, has_escapes: bool) -> ItemText:
    """Return a key, an index or a constraint."""
    name, rest = "", tokens
    if tokens[0].word == "CONSTRAINT":
        is_named = tokens[1].word not in ("FOREIGN", "CHECK", "PRIMARY", "UNIQUE")
        name = unquoted(tokens[1].text) if is_named else ""
        rest = tokens[2:] if is_named else tokens[1:]
    first = rest[0].word
    if first == "FOREIGN":
        return _foreign_key(name, rest)
    if first == "CHECK":
        start = _body(written, has_escapes)
        end = _closing(written, start, has_escapes)
        said = written[start + 1 : end]
        quoted = (each.text for each in _tokens(said, has_escapes))
        columns = dict.fromkeys(unquoted(each) for each in quoted if each[0] == "`")
        return ItemText(
            kind=ItemKind.CHECK, name=name, columns=tuple(columns), expression=said
        )
    if first in _INDEXES:
        index = _index(_INDEXES[first], "PRIMARY" if first == "PRIMARY" else name, rest)
        return replace(index, is_plain=index.is_plain and first not in _SPECIAL)
    return ItemText(kind=ItemKind.OTHER, name=name)


def _index(kind: ItemKind, name: str, tokens: list[_Token]) -> ItemText:
    """Return an index from ``KEY `name` (`a`(10),`b` DESC) ...``."""
    opening = next(place for place, each in enumerate(tokens) if each.text == "(")
    named = [each for each in tokens[:opening] if not each.is_word]
    parts = [part for part in _parts(tokens[opening:]) if part]
    columns = tuple(None if p[0].text == "(" else unquoted(p[0].text) for p in parts)
    return ItemText(
        kind=kind,
        name=unquoted(named[0].text) if named else name,
        columns=columns,
        is_plain=all(len(part) == 1 for part in parts),
    )


def _foreign_key(name: str, tokens: list[_Token]) -> ItemText:
    references = [each.word for each in tokens].index("REFERENCES")
    own, other = tokens[2:references], tokens[references + 1 :]
    opening = [each.text for each in other].index("(")
    target = [unquoted(e.text) for e in other[:opening] if e.text != "."]
    return ItemText(
        kind=ItemKind.FOREIGN_KEY,
        name=name,
        columns=tuple(_names(own)),
        target=tuple(target),
        target_columns=tuple(_names(other[opening:])),
    )


def _names(tokens: list[_Token]) -> list[str]:
    return [unquoted(part[0].text) for part in _parts(tokens) if part]


def _parts(tokens: list[_Token]) -> list[list[_Token]]:
    """Return what stands between the commas of the first pair of parentheses."""
    parts: list[list[_Token]] = [[]]
    depth = 0
    for token in tokens:
        depth -= token.text == ")"
        if depth == 0 and token.text == ")":
            break
        if depth == 1 and token.text == ",":
            parts.append([])
        elif depth:
            parts[-1].append(token)
        depth += token.text == "("
    return parts


def _spans(sql: str, has_escapes: bool) -> Iterator[tuple[_Token, int, int]]:
    pattern = _WITH_ESCAPES if has_escapes else _WITHOUT_ESCAPES
    for match in pattern.finditer(sql):
        is_word = match.lastgroup == "word"
        yield _Token(match.group(), is_word), match.start(), match.end()


def _tokens(sql: str, has_escapes: bool) -> list[_Token]:
    return [token for token, _, _ in _spans(sql, has_escapes)]


def _grouped(spans: Iterable[tuple[_Token, int, int]], sql: str) -> list[_Token]:
    """Return tokens, with what stands in parentheses or is glued together as one."""
    found: list[tuple[_Token, int]] = []
    depth = start = 0
    for token, begin, end in spans:
        depth -= token.text == ")"
        if depth == 0 and token.text == ")":
            found.append((_Token(sql[start:end], False), start))
            found = _glued(found, sql, end)
        elif depth == 0 and token.text != "(":
            found.append((token, begin))
            found = _glued(found, sql, end)
        if token.text == "(":
            start = begin if depth == 0 else start
            depth += 1
    return [token for token, _ in found]


def _glued(
    found: list[tuple[_Token, int]], sql: str, end: int
) -> list[tuple[_Token, int]]:
    """Join the last two tokens if nothing stands between them (``varchar(50)``)."""
    match found:
        case [*_, (first, begin), (second, start)]:
            pass
        case _:
            return found
    is_apart = begin + len(first.text) < start or second.text.startswith("/*")
    if is_apart or first.text.startswith("/*"):
        return found
    return [*found[:-2], (_Token(sql[begin:end], False), begin)]


def _body(sql: str, has_escapes: bool) -> int:
    for token, begin, _ in _spans(sql, has_escapes):
        if token.text == "(":
            return begin
    raise DatabaseError(f"The definition of a table is not understood: {sql[:60]}")


def _closing(sql: str, start: int, has_escapes: bool) -> int:
    depth = 0
    for token, begin, _ in _spans(sql[start:], has_escapes):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0:
            return start + begin
    raise DatabaseError(f"The definition of a table has no end: {sql[:60]}")


def _split(sql: str, has_escapes: bool) -> Iterator[str]:
    """Yield what stands between the commas outside of parentheses."""
    depth = start = 0
    for token, begin, end in _spans(sql, has_escapes):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.text == ",":
            yield sql[start:begin].strip()
            start = end
    yield sql[start:].strip()
