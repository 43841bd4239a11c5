"""What a rename carries along."""

from dataclasses import replace

import pytest

from whimbrel.errors import UsageError
from whimbrel.schema.apply import apply_all
from whimbrel.schema.changes import reverse_all
from whimbrel.schema.names import default_name
from whimbrel.schema.renames import (
    ColumnRename,
    TableRename,
    firm_names,
    is_about,
    meant,
    parse_renames,
    rename_all,
)
from whimbrel.schema.state import (
    Check,
    Column,
    Expression,
    ForeignKey,
    Index,
    IndexPart,
    Naming,
    State,
    Table,
    TableName,
    Type,
    Unique,
)


def column(name):
    return Column(name=name, type=Type("INTEGER"))


ITEM = Table(
    name=TableName("item"),
    columns=(column("id"), column("mail")),
    constraints=frozenset(
        {
            Unique(name="uq_item_mail", columns=("mail",), naming=Naming.NONE),
            Check(name="ck", expression=Expression("mail > 0", "mail > 0")),
        }
    ),
    indexes=frozenset({Index(name="ix", parts=(IndexPart(column="mail"),))}),
)
KID = Table(
    name=TableName("kid"),
    columns=(column("item_mail"),),
    constraints=frozenset(
        {
            ForeignKey(
                name=default_name(ForeignKey, "kid", ("item_mail",), "item"),
                columns=("item_mail",),
                target=TableName("item"),
                target_columns=("mail",),
                naming=Naming.NONE,
            )
        }
    ),
)
BOTH = State(frozenset({ITEM, KID}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:b", TableRename(before=TableName("a"), after=TableName("b"))),
        ("t.a:b", ColumnRename(table=TableName("t"), before="a", after="b")),
        ("t.a:t.b", ColumnRename(table=TableName("t"), before="a", after="b")),
        ("s.t.a:b", ColumnRename(table=TableName("t", "s"), before="a", after="b")),
    ],
)
def test_a_rename_is_said_in_one_word(text, expected):
    """--rename takes old:new for a table and table.old:new for a column."""
    assert parse_renames([text]) == (expected,)


@pytest.mark.parametrize("text", ["a", ":b", "a:", ""])
def test_what_is_no_rename_is_told(text):
    """What is not understood is a sentence with the right form."""
    with pytest.raises(UsageError, match="--rename"):
        parse_renames([text])


def test_keys_checks_indexes_and_foreign_keys_follow_a_column():
    """All that speaks of a column speaks of it by its new name."""
    _, state = rename_all(BOTH, parse_renames(["item.mail:email"]))

    item, kid = state.table(TableName("item")), state.table(TableName("kid"))
    assert {each.name for each in item.columns} == {"id", "email"}
    assert {each.name for each in item.constraints} == {"uq_item_email", "ck"}
    assert "email > 0" in repr(item.constraints)
    assert "mail'" not in repr(item).replace("email'", "")
    assert next(iter(kid.constraints)).target_columns == ("email",)


def test_foreign_keys_of_others_follow_a_table():
    """A foreign key refers to the table by its new name, and is called so."""
    _, state = rename_all(BOTH, parse_renames(["item:thing"]))

    key = next(iter(state.table(TableName("kid")).constraints))
    assert key.target == TableName("thing")
    assert key.name == "fk_kid_item_mail_thing"


@pytest.mark.parametrize("texts", [["item:thing"], ["item.mail:email"]])
def test_a_rename_is_applied_and_undone_like_any_change(texts):
    """Laws 1 and 3 hold for renames."""
    changes, state = rename_all(BOTH, parse_renames(texts))

    assert apply_all(BOTH, changes) == state
    assert apply_all(state, reverse_all(changes)) == BOTH


def test_a_rename_of_what_is_not_there_is_told():
    """A rename that cannot be meant is refused with the name at fault."""
    with pytest.raises(UsageError, match="nothing"):
        rename_all(BOTH, parse_renames(["nothing:thing"]))
    with pytest.raises(UsageError, match="nix"):
        rename_all(BOTH, parse_renames(["item.nix:thing"]))


IN_APP = State(frozenset({Table(name=TableName("item", "app"))}))


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("app.item:app.thing", TableName("thing", "app")),
        ("app.item:thing", TableName("thing", "app")),
        ("app.item:old.item", TableName("item", "old")),
    ],
)
def test_a_schema_is_told_from_a_table(text, after):
    """What stands before a dot is a table, unless only a schema has that name."""
    renames = parse_renames([text])

    assert meant(renames, IN_APP) == (
        TableRename(before=TableName("item", "app"), after=after),
    )
    assert meant(renames, BOTH) == renames


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("item:thing", True),
        ("item.mail:email", True),
        ("item.mail=a:b", True),
        ("other:thing", False),
        ("other.mail:email", False),
    ],
)
def test_a_rename_is_about_one_database(text, expected):
    """With several databases, an option says nothing of those that lack the table."""
    (rename,) = parse_renames([text])

    assert is_about(rename, BOTH, State()) is expected


@pytest.mark.parametrize(("column", "is_firm"), [("mail", True), ("id", False)])
def test_a_check_that_the_server_names_is_called_after_a_renamed_column(
    column, is_firm
):
    """As a key is: ``item_mail_check`` says what it is about."""
    check = Check(
        name="item_mail_check",
        expression=Expression("(mail > 0)", "mail > 0"),
        naming=Naming.SERVER,
    )
    wanted = State(frozenset({replace(ITEM, constraints=frozenset({check}))}))
    rename = ColumnRename(table=ITEM.name, before="old", after=column)

    (table,) = firm_names(wanted, (rename,)).tables

    (found,) = table.constraints
    assert (found.naming is Naming.GIVEN) is is_firm
