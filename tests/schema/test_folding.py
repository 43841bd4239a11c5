"""Names of tables in options are those of the database, where it folds them."""

import pytest

from whimbrel.schema.fills import parse_fills
from whimbrel.schema.folding import kept_fills, kept_patterns, kept_renames
from whimbrel.schema.renames import parse_renames
from whimbrel.schema.state import State


SMALL, AS_WRITTEN = State(folds_names=True), State()


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("MegviiAsset:Account", "megviiasset:account"),
        ("Account.Mail:eMail", "account.Mail:eMail"),
        ("Account.state=Activ:Active", "account.state=Activ:Active"),
    ],
)
def test_only_tables_are_folded(said, kept):
    """Columns and values keep their capitals."""
    assert kept_renames(parse_renames([said]), SMALL) == parse_renames([kept])
    assert kept_renames(parse_renames([said]), AS_WRITTEN) == parse_renames([said])


def test_what_is_kept_under_its_name_is_no_rename():
    """A name that differs in case only is the same one there."""
    said = parse_renames(["MegviiAsset:megviiasset"])

    assert kept_renames(said, SMALL) == ()
    assert kept_renames(said, AS_WRITTEN) == said
    assert kept_renames(parse_renames(["user:user"]), AS_WRITTEN) == ()


def test_fills_and_patterns():
    """So are the tables of other options."""
    (fill,) = kept_fills(parse_fills(["Account.Age=1"]), SMALL)

    assert (fill.table.name, fill.column) == ("account", "Age")
    assert kept_patterns(["Tmp_*"], SMALL) == ("Tmp_*", "tmp_*")
    assert kept_patterns(["Tmp_*"], AS_WRITTEN) == ("Tmp_*",)
