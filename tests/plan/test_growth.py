"""Law: twice as much to do takes about twice as long to plan."""

import cProfile
import pstats

import pytest

from whimbrel.plan.build import build
from whimbrel.plan.way_back import let_operations_be_undone
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.diff import diff
from whimbrel.schema.state import (
    Column,
    Enum,
    Onlooker,
    State,
    Table,
    TableName,
    Type,
    Use,
)


SERVER = Dialect("postgresql", (15,))
SOME = 60
"""So many that what is done for each pair of them would tell."""


def tables(count, type_):
    column = Column(name="a", type=Type(type_))
    return frozenset(
        Table(name=TableName(f"t{number}"), columns=(column,))
        for number in range(count)
    )


def views(count):
    return tuple(
        Onlooker(
            kind="view",
            name=TableName(f"v{number}"),
            uses=frozenset([Use(TableName(f"t{number}"), "a")]),
            dropped=f"DROP VIEW v{number}",
            made=(f"CREATE VIEW v{number} AS SELECT a FROM t{number}",),
        )
        for number in range(count)
    )


def enums(count, value):
    return frozenset(
        Enum(name=f"e{number}", schema=None, values=(value,)) for number in range(count)
    )


KINDS = {
    "views": lambda n: (
        State(tables=tables(n, "integer"), onlookers=views(n)),
        State(tables=tables(n, "bigint")),
    ),
    "types": lambda n: (
        State(tables=tables(n, "integer"), enums=enums(n, "a")),
        State(tables=tables(n, "bigint"), enums=enums(n, "a")),
    ),
}


def calls(current, wanted):
    """Return how many functions are called for a plan that can be reversed."""
    profile = cProfile.Profile()
    with profile:
        let_operations_be_undone(build(diff(current, wanted), current, wanted, SERVER))
    return pstats.Stats(profile).total_calls


@pytest.mark.parametrize("kind", KINDS)
def test_twice_as_much_takes_twice_as_long(kind):
    """However many tables, views and types there are."""
    once, twice = (calls(*KINDS[kind](count)) for count in (SOME, 2 * SOME))
    assert twice < 2.6 * once
