"""Law: renames are carried out so that each new name is free, whatever their order."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whimbrel.schema.renames import ColumnRename, TableRename, rename_all
from whimbrel.schema.state import Column, State, Table, TableName, Type
from whimbrel.schema.untangling import untangled


HOME = TableName("t")


def table(name, columns):
    made = tuple(Column(name=each, type=Type(f"{each} type")) for each in columns)
    return Table(name=TableName(name), columns=made)


@given(st.permutations("abcdef"), st.sets(st.sampled_from("abcdef")))
def test_columns(new, kept):
    """Chains, swaps and rings: each column has its new name and its own type."""
    pairs = [
        (old, name if old not in kept else f"{name}_new")
        for old, name in zip("abcdef", new, strict=True)
        if old != name
    ]
    gone = {old for old, _ in pairs}
    pairs = [(old, name) for old, name in pairs if name in gone or len(name) > 1]
    state = State(tables=frozenset([table("t", "abcdef")]))
    renames = [ColumnRename(table=HOME, before=old, after=name) for old, name in pairs]

    _, after = rename_all(state, untangled(renames, state))

    called = dict(pairs)
    assert {each.name: each.type.spelling for each in after.table(HOME).columns} == {
        called.get(each, each): f"{each} type" for each in "abcdef"
    }


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_tables(order):
    """A ring of tables, told in any order; their columns follow."""
    ring = [("a", "b"), ("b", "c"), ("c", "a")]
    state = State(tables=frozenset(table(each, f"{each}x") for each in "abc"))
    renames = [
        TableRename(before=TableName(old), after=TableName(new))
        for old, new in (ring[number] for number in order)
    ]
    renames.append(ColumnRename(table=TableName("b"), before="a", after="was_a"))

    _, after = rename_all(state, untangled(renames, state))

    assert {
        each.name.name: [column.name for column in each.columns]
        for each in after.tables
    } == {"b": ["was_a", "x"], "c": ["b", "x"], "a": ["c", "x"]}
