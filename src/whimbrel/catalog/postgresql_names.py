"""The names that PostgreSQL gives to what nobody named, and how it cuts long ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count

from whimbrel.schema.again import nameless
from whimbrel.schema.names import are_unlike, fitted_name
from whimbrel.schema.state import (
    Check,
    Constraint,
    Exclusion,
    ForeignKey,
    Naming,
    PrimaryKey,
    Table,
    Unique,
)


LONGEST = 63
"""The bytes of a name: https://www.postgresql.org/docs/current/limits.html."""

_KEYS = (PrimaryKey, Unique, Exclusion)
"""The constraints that stand on an index."""

_LABELS: dict[type[object], str] = {
    PrimaryKey: "pkey",
    Unique: "key",
    ForeignKey: "fkey",
    Check: "check",
    Exclusion: "excl",
}


def clipped(name: str, longest: int = LONGEST) -> str:
    """Return *name* as the server keeps it: no longer than *longest* bytes."""
    if len(name) <= longest and name.isascii():
        return name
    return name.encode()[:longest].decode(errors="ignore")


def stored_name(name: str) -> str:
    """Return a name of the models as the server keeps it.

    It is cut if it is too long, and folded if it says that it is not to be quoted.
    """
    if type(name) is str and len(name) <= LONGEST and name.isascii():
        return name  # which is the rule
    is_bare = getattr(name, "quote", None) is False
    return clipped(str(name).lower() if is_bare else str(name))


_NAME = r"""(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)"""
_CHAIN = re.compile(
    r"""[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"""
    rf"""(?<![\w$])(?P<chain>{_NAME}(?:\s*\.\s*{_NAME})*)(?![\w$]|\s*[.(])"""
)
_LINK = re.compile(_NAME)


def unqualified(text: str, table: str, schema: str, columns: Collection[str]) -> str:
    """Return an expression that names its columns by themselves: ``a`` for ``t.a``.

    Args:
        text: the expression, as SQL.
        table: the table whose expression it is.
        schema: the schema of the table.
        columns: the columns of the table.
    """

    def last(found: re.Match[str]) -> str:
        written = _LINK.findall(found["chain"] or "")
        names = tuple(map(_name, written))
        is_column = names[-1:] and names[-1] in columns
        if is_column and names[:-1] in ((table,), (schema, table)):
            return str(written[-1])
        return found[0]

    return _CHAIN.sub(last, text)


def _name(written: str) -> str:
    """Return the name that is meant by what is *written*."""
    if written.startswith('"'):
        return written[1:-1].replace('""', '"')
    return written.lower()


def server_name(kind: type[Constraint], table: str, columns: Sequence[str]) -> str:
    """Return the name that the server gives to a constraint without one.

    Args:
        kind: the class of the constraint.
        table: the bare name of its table.
        columns: its columns, the included ones too; for a check those that its
            expression names.
    """
    if kind is PrimaryKey:
        return fitted_name(table, "", "pkey")
    if kind is Check:
        columns = columns if len(columns) == 1 else ()
    return fitted_name(table, _joined(columns), _LABELS[kind])


def kept(constraints: Iterable[Constraint]) -> list[Constraint]:
    """Return those of a table's *constraints* that the server keeps, in their order.

    Of several keys that say the same it keeps one: the primary key, or else the
    first; an unnamed one takes the name of the other.  See transformIndexConstraints
    in the server's parse_utilcmd.c.  It would keep all checks and foreign keys, but
    what one of them says again without a name is nothing more.
    """
    keys: list[PrimaryKey | Unique | Exclusion] = []
    ordered = sorted(constraints, key=lambda each: not isinstance(each, PrimaryKey))
    if are_unlike(ordered):
        return sorted(ordered, key=lambda each: not isinstance(each, _KEYS))
    for each in ordered:
        if not isinstance(each, _KEYS):
            continue
        place = next((n for n, key in enumerate(keys) if _is_again(key, each)), None)
        if place is None:
            keys.append(each)
        elif keys[place].naming is Naming.SERVER:
            keys[place] = replace(keys[place], name=each.name, naming=each.naming)
    return [*keys, *_once(ordered)]


def _once(constraints: Iterable[Constraint]) -> list[Constraint]:
    """Return the checks and foreign keys, none without a name that is said already.

    A named one can be said twice, too: scripts that are imported add to the models.
    """
    others = [each for each in constraints if not isinstance(each, _KEYS)]
    named = dict.fromkeys(e for e in others if e.naming is not Naming.SERVER)
    said = {nameless(each): each for each in (*reversed(others), *reversed(named))}
    return [*named, *(each for each in said.values() if each not in named)]


def repeated(
    constraints: Collection[Constraint],
) -> frozenset[tuple[Constraint, Constraint]]:
    """Return what says what another one says, each behind that.

    Of checks and foreign keys that is what has no name.
    """
    if are_unlike(constraints):
        return frozenset()
    return frozenset({*_keys_again(constraints), *_said_again(constraints)})


def _said_again(
    constraints: Iterable[Constraint],
) -> Iterator[tuple[Constraint, Constraint]]:
    """Yield the checks and foreign keys without a name that say what another says."""
    constraints = tuple(constraints)
    firsts = {nameless(each): each for each in reversed(_once(constraints))}
    numbers: Counter[Constraint] = Counter()
    for each in constraints:
        if each.naming is not Naming.SERVER or isinstance(each, _KEYS):
            continue
        first = firsts[nameless(each)]
        number = numbers[first]
        numbers[first] += 1
        if first is not each:
            name = _with_number(each.name, number) if number else each.name
            yield first, replace(each, name=name)


def _keys_again(
    constraints: Iterable[Constraint],
) -> set[tuple[Constraint, Constraint]]:
    """Return the keys that say what another one says, each behind that."""
    keys = [each for each in constraints if isinstance(each, _KEYS)]
    firsts: list[Constraint] = []
    found: set[tuple[Constraint, Constraint]] = set()
    for key in sorted(keys, key=lambda each: not isinstance(each, PrimaryKey)):
        first = next((each for each in firsts if _is_again(each, key)), None)
        if first is None:
            firsts.append(key)
        elif first != key:
            found.add((first, key))
    return found


def _is_again(key: Constraint, other: Constraint) -> bool:
    """Whether two keys say the same; a primary key is unique, too."""
    if isinstance(key, PrimaryKey | Unique) and isinstance(other, PrimaryKey | Unique):
        return key.columns == other.columns and key.options == other.options
    return replace(key, name=other.name, naming=other.naming) == other


def told_apart(tables: Iterable[Table]) -> list[Table]:
    """Return *tables*; what the server would number to tell it apart has a number.

    Keys stand on indexes, which share their names with all else in their schema.
    """
    ordered = sorted(tables, key=lambda table: str(table.name))
    taken: Counter[tuple[str | None, str]] = Counter()
    for table in ordered:
        schema = table.name.schema
        taken[schema, table.name.name] += 1
        names = (index.name for index in table.indexes)
        taken.update((schema, name) for name in names)
        taken.update((schema, key.name) for key in _keys(table))
    return [_numbered(table, taken) for table in ordered]


def _keys(table: Table) -> Iterator[PrimaryKey | Unique | Exclusion]:
    for each in table.constraints:
        if isinstance(each, _KEYS):
            yield each


def _numbered(table: Table, taken: Counter[tuple[str | None, str]]) -> Table:
    """Return *table* with those made-up names numbered that another thing has."""
    names = {each.name for each in table.constraints}
    if len(names) == len(table.constraints) and all(
        taken[table.name.schema, key.name] == 1 for key in _keys(table)
    ):
        return table
    own = Counter([each.name for each in table.constraints])
    made: dict[Constraint, Constraint] = {}
    for each in sorted(table.constraints, key=repr):
        if each.naming is not Naming.SERVER:
            continue
        is_key = isinstance(each, _KEYS)
        place = (table.name.schema, each.name)
        if own[each.name] > 1 or (is_key and taken[place] > 1):
            own[each.name] -= 1
            taken[place] -= 1
            name = each.name
            for number in count(1):
                name = _with_number(each.name, number)
                if not own[name] and not taken[table.name.schema, name]:
                    break
            own[name] += 1
            taken[table.name.schema, name] += 1
            made[each] = replace(each, name=name)
    if not made:
        return table
    constraints = frozenset(made.get(each, each) for each in table.constraints)
    return replace(table, constraints=constraints)


def _with_number(name: str, number: int) -> str:
    """Return a made-up *name* with a number behind it, cut if it is too long."""
    return f"{clipped(name, LONGEST - len(str(number)))}{number}"


def _joined(columns: Iterable[str]) -> str:
    """Return the names of columns in one, as far as the server looks at them."""
    columns = tuple(columns)
    joined = "_".join(columns)
    if len(joined) <= LONGEST and joined.isascii():
        return joined
    joined = ""
    for column in columns:
        joined = f"{joined}_{column}" if joined else column
        if len(joined.encode()) > LONGEST:
            break
    return joined
