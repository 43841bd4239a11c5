"""Changes are parted so that rows meet both their old and their new value allowed."""

from whimbrel.schema.changes import ColumnChange, ConstraintChange, ValueChange
from whimbrel.schema.state import Check, Column, Expression, TableName, Type
from whimbrel.schema.values import split_at_values


ITEM = TableName("item")
RENAME = ValueChange(table=ITEM, column="v", before="b", after="bb")


def becomes(before, after, name="v"):
    return ColumnChange(
        table=ITEM,
        before=Column(name=name, type=Type(before)),
        after=Column(name=name, type=Type(after)),
    )


def check(text):
    return Check(name="ck", expression=Expression(text, text))


def test_without_a_value_all_is_left_together():
    """Nothing is parted where no value changes."""
    change = becomes("enum('a')", "enum('b')")

    split = split_at_values([change])

    assert (split.before, split.values, split.after) == ((), (), (change,))


def test_types_that_list_their_values_list_both_meanwhile():
    """MySQL's type takes both values while the rows change."""
    split = split_at_values([RENAME, becomes("enum('a','b')", "enum('a','bb')")])

    assert split.values == (RENAME,)
    assert split.before == (becomes("enum('a','b')", "enum('a','b','bb')"),)
    assert split.after == (becomes("enum('a','b','bb')", "enum('a','bb')"),)


def test_lengths_grow_before_and_shrink_afterwards():
    """There is room for the value in the rows."""
    longer = becomes("varchar(1)", "varchar(2)")
    shorter = becomes("varchar(2)", "varchar(1)")

    assert split_at_values([RENAME, longer]).before == (longer,)
    assert split_at_values([RENAME, shorter]).after == (shorter,)


def test_a_check_goes_before_and_comes_afterwards():
    """No check stands in the way of either value."""
    change = ConstraintChange(table=ITEM, before=check("v='b'"), after=check("v='bb'"))

    split = split_at_values([RENAME, change, becomes("integer", "bigint", "other")])

    assert [each.after for each in split.before] == [None]
    assert {type(each) for each in split.after} == {ColumnChange, ConstraintChange}
    assert [each.before for each in split.after if each.before == check("v='b'")] == []
