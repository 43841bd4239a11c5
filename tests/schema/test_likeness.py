"""What must be taken for a rename, what may be one, and what is none."""

import pytest

from whimbrel.schema.diff import diff
from whimbrel.schema.likeness import (
    Placed,
    Verdict,
    candidates,
    column_likeness,
    names_resemble,
    table_likeness,
)
from whimbrel.schema.state import (
    Check,
    Column,
    Computed,
    Expression,
    ForeignKey,
    Index,
    IndexPart,
    PrimaryKey,
    State,
    Table,
    TableName,
    Type,
    Unique,
)


ALIKE, PLAUSIBLE, UNLIKE = Verdict.ALIKE, Verdict.PLAUSIBLE, Verdict.UNLIKE


def col(text):
    """A column from "name TYPE", with "!" for NOT NULL and "=x" for a default."""
    name, _, rest = text.partition(" ")
    rest, _, default = rest.partition("=")
    return Column(
        name=name,
        type=Type(rest.rstrip("!")),
        nullable=not rest.endswith("!"),
        default=Expression(default, default) if default else None,
    )


def table(*columns, name="user", constraints=(), indexes=()):
    return Table(
        name=TableName(name),
        columns=tuple(
            Column(**{**{s: getattr(each, s) for s in each.__slots__}, "position": i})
            for i, each in enumerate(
                col(text) if isinstance(text, str) else text for text in columns
            )
        ),
        constraints=frozenset(constraints),
        indexes=frozenset(indexes),
    )


def unique(column):
    return Unique(name=f"uq_{column}", columns=(column,))


def key(column, target="team", **more):
    return ForeignKey(
        name=f"fk_{column}",
        columns=(column,),
        target=TableName(target),
        target_columns=("id",),
        **more,
    )


def check(text):
    return Check(name="ck", expression=Expression(text, text))


def verdict(before, after, hangs=(), hangs_after=()):
    """The verdict on the only column that goes and the only one that comes."""
    old = table("id INTEGER!", *before, constraints=hangs)
    new = table("id INTEGER!", *after, constraints=hangs_after)
    old_names = {each.name for each in old.columns}
    new_names = {each.name for each in new.columns}
    (gone,) = (each for each in old.columns if each.name not in new_names)
    (come,) = (each for each in new.columns if each.name not in old_names)
    return column_likeness(
        Placed(table=old, column=gone), Placed(table=new, column=come)
    ).verdict


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # alike in all: a rename, whatever the names
        (["email VARCHAR(50)"], ["email_address VARCHAR(50)"], ALIKE),
        (["name VARCHAR(50)"], ["title VARCHAR(50)"], ALIKE),
        (["name VARCHAR(50)!"], ["title VARCHAR(50)!"], ALIKE),
        (["n TEXT=x"], ["m TEXT=x"], ALIKE),
        (["a TEXT", "x TEXT", "b TEXT"], ["a TEXT", "y TEXT", "b TEXT"], ALIKE),
        # only the case differs: a rename, even with a wider type
        (["Name VARCHAR(50)"], ["name VARCHAR(50)"], ALIKE),
        (["Name VARCHAR(50)"], ["name VARCHAR(80)"], ALIKE),
        (["userId INTEGER"], ["userid BIGINT!"], ALIKE),
        # one thing differs: a person must tell
        (["name VARCHAR(50)"], ["title VARCHAR(80)"], PLAUSIBLE),
        (["qty INTEGER"], ["amount BIGINT"], PLAUSIBLE),
        (["name VARCHAR(50)"], ["title VARCHAR(50)!"], PLAUSIBLE),
        (["name TEXT=x"], ["title TEXT=y"], PLAUSIBLE),
        (["x TEXT", "a TEXT"], ["a TEXT", "y TEXT"], PLAUSIBLE),
        (["created INTEGER"], ["created_at DATETIME"], PLAUSIBLE),
        (["mail TEXT", "a TEXT"], ["a TEXT", "email VARCHAR(80)"], PLAUSIBLE),
        # too much differs: two columns
        (["name VARCHAR(50)"], ["birthday DATE"], UNLIKE),
        (["qty INTEGER"], ["note TEXT"], UNLIKE),
        (["active BOOLEAN!"], ["state VARCHAR(9)"], UNLIKE),
        (["x TEXT!", "a TEXT"], ["a TEXT", "bio VARCHAR(80)"], UNLIKE),
        (["data JSON"], ["blob_ BLOB"], UNLIKE),
    ],
)
def test_columns(before, after, expected):
    """Type, nullability, place, default and names decide, in this order."""
    assert verdict(before, after) is expected


@pytest.mark.parametrize(
    ("hangs", "hangs_after", "expected"),
    [
        ([unique("a")], [unique("b")], ALIKE),
        ([key("a")], [key("b")], ALIKE),
        ([check("a > 0")], [check("b > 0")], ALIKE),
        ([unique("a")], [], PLAUSIBLE),
        ([key("a")], [key("b", "project")], PLAUSIBLE),
        ([key("a")], [key("b", on_delete="CASCADE")], PLAUSIBLE),
        ([check("a > 0")], [check("b > 1")], PLAUSIBLE),
    ],
)
def test_what_hangs_on_a_column_counts(hangs, hangs_after, expected):
    """Keys and checks are compared by what they are, not by their names."""
    assert verdict(["a INTEGER"], ["b INTEGER"], hangs, hangs_after) is expected


def test_a_generated_column_is_no_new_name_of_a_stored_one():
    """Values that are computed are not those that were stored."""
    made = Column(
        name="b",
        type=Type("INTEGER"),
        computed=Computed(expression=Expression("id", "id"), is_stored=True),
    )
    assert verdict(["a INTEGER"], [made]) is UNLIKE


KEY = PrimaryKey(name="pk", columns=("id",))


@pytest.mark.parametrize(
    ("before", "after", "names", "expected"),
    [
        (["id I!", "name T"], ["id I!", "name T"], ("item", "thing"), ALIKE),
        (["id I!", "a T", "b T"], ["id I!", "a T", "b T"], ("A", "a"), ALIKE),
        (["id I!", "a T", "b T"], ["id I!", "a T", "c T"], ("Item", "item"), ALIKE),
        (["id I!"], ["id I!"], ("note", "notes"), ALIKE),
        (["id I!", "a T", "b T"], ["id I!", "a T", "b T!"], ("x", "q"), PLAUSIBLE),
        (["id I!", "a T", "b T"], ["id I!", "a T", "c T"], ("user", "users"), UNLIKE),
        (["id I!", "a T", "b T", "c T"], ["id I!", "a T", "b T", "d T"],
         ("user", "users"), PLAUSIBLE),
        (["id I!", "a T", "b T", "c T"], ["id I!", "a T", "b T", "d T"],
         ("one", "zwei"), UNLIKE),
        (["id I!"], ["id I!"], ("one", "zwei"), UNLIKE),
        (["id I!", "a T"], ["id I!", "z T"], ("one", "zwei"), UNLIKE),
        (["id I!", "a T"], ["id I!", "z T"], ("user", "users"), UNLIKE),
        (["id I!", "a T", "b T"], ["id I!", "a I", "b I"], ("one", "zwei"), UNLIKE),
    ],
)  # fmt: skip
def test_tables(before, after, names, expected):
    """Tables are told by their columns; an id alone tells nothing."""
    old, new = (
        table(*columns, name=name, constraints=[KEY])
        for columns, name in zip((before, after), names, strict=True)
    )
    assert table_likeness(old, new).verdict is expected


def test_a_table_that_refers_to_itself_may_be_renamed():
    """A key that leads home leads home by the new name too."""
    old, new = (
        table("id I!", "up I", name=name, constraints=[KEY, key("up", name)])
        for name in ("tree", "node")
    )
    assert table_likeness(old, new).verdict is ALIKE


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("email", "email_address", True),
        ("mail", "email", True),
        ("createdAt", "created_on", True),
        ("colour", "color", True),
        ("name", "title", False),
        ("qty", "amount", False),
        ("a_id", "b_id", True),
    ],
)
def test_names(one, other, expected):
    """Names resemble each other by a shared word or by most letters."""
    assert names_resemble(one, other) is expected


def found(before, after):
    current, wanted = (State(frozenset(each)) for each in (before, after))
    pairs = candidates(diff(current, wanted), current, wanted)
    return [
        [(str(each.rename.before), str(each.rename.after)) for each in group]
        for group in (pairs.certain, pairs.uncertain)
    ]


def test_a_pair_is_certain_only_if_there_is_no_other():
    """With two of one kind, a person must tell which became which."""
    one = [table("id I!", "a T")], [table("id I!", "x T")]
    two = [table("id I!", "a T", "b T")], [table("id I!", "x T", "y T")]

    assert found(*one) == [[("a", "x")], []]
    assert found(*two) == [[], [("a", "x"), ("b", "y"), ("a", "y"), ("b", "x")]]


def test_pairs_are_sought_in_one_table_only():
    """A column that moved to another table is none that got another name."""
    before = [table("id I!", "phone T", name="a"), table("id I!", name="b")]
    after = [table("id I!", name="a"), table("id I!", "phone T", name="b")]

    assert found(before, after) == [[], []]


def test_an_index_tells_as_keys_do():
    """What hangs on a column counts, be it a key or an index."""

    def indexed(column):
        index = Index(name=f"ix_{column}", parts=(IndexPart(column=column),))
        return [table("id I!", f"{column} T", indexes=[index])]

    assert found(indexed("a"), indexed("b")) == [[("a", "b")], []]
    assert found(indexed("a"), [table("id I!", "b T")]) == [[], [("a", "b")]]
