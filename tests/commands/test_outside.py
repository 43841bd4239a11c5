"""What no script of a history speaks of is named and left alone."""

import textwrap

import pytest

from whimbrel.commands.outside import part, with_notes
from whimbrel.config import Config
from whimbrel.schema.changes import (
    ColumnChange,
    ConstraintChange,
    FactsChange,
    IndexChange,
    TableChange,
    TableFacts,
)
from whimbrel.schema.state import (
    Column,
    Index,
    IndexPart,
    Naming,
    Option,
    Table,
    TableName,
    Type,
    Unique,
)
from whimbrel.script.history import History


ITEM = TableName("item")


@pytest.fixture
def history(tmp_path):
    """A history whose only script makes the table item with its index ix_made."""
    folder = tmp_path / "migrations" / "versions"
    folder.mkdir(parents=True)
    (folder / "a1_.py").write_text(
        textwrap.dedent(
            """
            revision = "a1"
            down_revision = None
            def upgrade():
                op.create_table("item", sa.Column("made", sa.Integer()))
                op.create_index("ix_made", "item", ["made"])
            """
        )
    )
    config = Config()
    config.set_main_option("script_location", str(tmp_path / "migrations"))
    return History.from_config(config)


def dropped_index(name):
    index = Index(name=name, parts=(IndexPart(column="made"),))
    return IndexChange(table=ITEM, before=index, after=None)


def dropped_unique(name, naming=Naming.GIVEN):
    unique = Unique(name=name, columns=("made",), naming=naming)
    return ConstraintChange(table=ITEM, before=unique, after=None)


def dropped_column(name):
    column = Column(name=name, type=Type("INTEGER"))
    return ColumnChange(table=ITEM, before=column, after=None)


def dropped_table(name):
    return TableChange(before=Table(name=TableName(name)), after=None)


def lost_options(*names):
    options = frozenset(Option(name, "on") for name in names)
    return FactsChange(
        table=ITEM,
        before=TableFacts(options=options),
        after=TableFacts(options=frozenset()),
    )


def _said(change):
    """The kind of a change and the name of what goes."""
    before = change.before
    return f"{type(change).__name__} {getattr(before, 'name', 'options')}"


OURS = [
    dropped_index("ix_made"),
    dropped_index("ix_item_made"),  # as index=True in a script names it
    dropped_column("made"),
    dropped_table("item"),
    dropped_unique("uq_item_made", Naming.NONE),
    dropped_unique("item_made_key"),  # as PostgreSQL names what a script does not
]
OUTSIDE = [
    dropped_index("dba_index"),
    dropped_column("by_hand"),
    dropped_table("of_another_app"),
    dropped_unique("uq_by_hand"),
    lost_options("strict", "autoincrement"),
]


@pytest.mark.parametrize("change", OURS, ids=_said)
def test_what_a_script_made_may_go(history, change):
    """A script speaks of it, so the models are what lost it."""
    assert part([change], history, ()).ours == (change,)


@pytest.mark.parametrize("change", OUTSIDE, ids=_said)
def test_what_no_script_made_stays(history, change):
    """No script speaks of it, so it is somebody else's."""
    parted = part([change], history, ())

    assert parted.ours == ()
    assert len(parted.outside) == 1


def test_the_user_may_say_that_it_goes(history):
    """Named with --drop, a thing goes whoever made it."""
    change = dropped_table("of_another_app")

    assert part([change], history, ("of_another_app",)).ours == (change,)


def test_a_script_that_makes_all_may_have_made_anything(history, tmp_path):
    """After create_all() in a script nothing tells what is whose."""
    path = next((tmp_path / "migrations" / "versions").glob("*.py"))
    path.write_text(path.read_text() + "    Base.metadata.create_all(op.get_bind())\n")

    assert part(OUTSIDE, history, ()).ours == tuple(OUTSIDE)


@pytest.mark.parametrize("name", ["ix", "two\nlines", "as Größe"])
def test_what_a_script_notes_is_left_alone_in_its_table(history, tmp_path, name):
    """The note is one comment; a thing of that name in another table is no other's."""
    theirs, index = dropped_index(name), Index(name=name, parts=())
    ours = IndexChange(table=TableName("other"), before=index, after=None)
    body = f'op.drop_index("""{name}""")\nop.create_index("""{name}""")'

    noted = with_notes(body, [theirs])

    (note,) = noted.removesuffix(body).splitlines()
    assert note.startswith("# ")
    path = next((tmp_path / "migrations" / "versions").glob("*.py"))
    path.write_text(f"{path.read_text()}\n{noted}\n")
    parted = part([theirs, ours], history, ())
    assert (parted.outside, parted.ours) == ((theirs,), (ours,))


def test_an_empty_history_knows_the_tables_of_the_models(tmp_path):
    """Before the first script, a table that the models lack is another's, no more."""
    (tmp_path / "versions").mkdir()
    config = Config()
    config.set_main_option("script_location", str(tmp_path))

    parted = part(OUTSIDE, History.from_config(config), ())

    assert all(isinstance(each, TableChange) for each in parted.outside)
    assert {*parted.ours, *parted.outside} == set(OUTSIDE)
    assert 1 == len(parted.outside)


def test_options_are_parted_one_by_one(history, tmp_path):
    """An option that a script set goes, the one set by hand stays."""
    path = next((tmp_path / "migrations" / "versions").glob("*.py"))
    path.write_text(path.read_text().replace('made"', 'made", sqlite_strict=True', 1))

    parted = part([lost_options("strict", "autoincrement")], history, ())

    kept = frozenset({Option("autoincrement", "on")})
    assert [change.after.options for change in parted.ours] == [kept]
    assert [
        change.before.options - change.after.options for change in parted.outside
    ] == [kept]
