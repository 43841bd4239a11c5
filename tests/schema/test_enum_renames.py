"""What follows an enumerated type, or one of its values, that gets another name."""

import pytest

from whimbrel.errors import UsageError
from whimbrel.schema.apply import apply_all
from whimbrel.schema.changes import EnumChange, ValueChange, reverse_all
from whimbrel.schema.diff import diff
from whimbrel.schema.renames import parse_renames, rename_all
from whimbrel.schema.state import (
    Check,
    Column,
    Enum,
    Expression,
    Index,
    IndexPart,
    State,
    Table,
    TableName,
    Type,
)


def said(text):
    return Expression(text, text)


def state(values=("a", "b"), *, name="kind", value="b", spelling=None):
    return State(
        frozenset(
            {
                Table(
                    name=TableName("item"),
                    columns=(
                        Column(
                            name="v",
                            type=Type(spelling or name),
                            default=said(f"'{value}'::{name}"),
                        ),
                        Column(name="all", type=Type(f"{name}[]")),
                        Column(name="note", type=Type("text"), default=said("'b'")),
                    ),
                    constraints=frozenset(
                        {Check(name="ck", expression=said(f"v <> '{value}'::{name}"))}
                    ),
                    indexes=frozenset(
                        {
                            Index(
                                name="ix",
                                parts=(IndexPart(column="v"),),
                                where=said(f"v = '{value}'::{name}"),
                            )
                        }
                    ),
                )
            }
        ),
        frozenset({Enum(name=name, values=values)}),
    )


def test_what_speaks_of_a_value_speaks_of_its_new_name():
    """Defaults, checks and predicates follow a value; other texts do not."""
    changes, renamed = rename_all(state(), parse_renames(["item.v=b:bb"]))

    assert renamed == state(("a", "bb"), value="bb")
    assert apply_all(state(), changes) == renamed
    assert apply_all(renamed, reverse_all(changes)) == state()


def test_what_is_of_a_type_is_of_its_new_name():
    """Columns, arrays and casts follow a type that stands by itself."""
    changes, renamed = rename_all(state(), parse_renames(["kind:Sort"]))

    assert apply_all(state(), changes) == renamed
    assert apply_all(renamed, reverse_all(changes)) == state()
    table = renamed.table(TableName("item"))
    assert {each.type.spelling for each in table.columns} == {
        '"Sort"',
        '"Sort"[]',
        "text",
    }
    assert "::kind" not in repr(renamed)


def test_a_value_may_be_renamed_while_others_come_and_go():
    """What else becomes of the type is a change of its own."""
    changes, renamed = rename_all(state(), parse_renames(["item.v=b:bb"]))
    more = diff(renamed, state(("a", "bb", "c"), value="bb"))

    assert [each.renamed != () for each in (*changes, *more)] == [True, False]
    assert all(isinstance(each, EnumChange) for each in more)


@pytest.mark.parametrize(
    ("values", "spelling"),
    [(("a", "b"), "varchar(1)"), (("a", "b", "bb"), "kind")],
)
def test_rows_change_where_no_type_can_be_told(values, spelling):
    """Without a type of its own, or with both values in it, only rows change."""
    before = state(values, spelling=spelling)

    changes, after = rename_all(before, parse_renames(["item.v=b:bb"]))

    wish = ValueChange(table=TableName("item"), column="v", before="b", after="bb")
    assert changes == (wish,)
    assert after == before
    assert apply_all(before, changes) == before


def test_a_value_of_what_is_not_there_is_told():
    """A column that is not there is refused by name."""
    with pytest.raises(UsageError, match="nix"):
        rename_all(state(), parse_renames(["item.nix=b:bb"]))
    with pytest.raises(UsageError, match="understood"):
        parse_renames(["item=b:bb"])
