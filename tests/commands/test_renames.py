"""What is called otherwise keeps its rows: by option, by hint, or because it is plain."""

import pytest


def user(*columns, name="user", args="", info=""):
    """The text of a model with an id and *columns*."""
    lines = [
        "class User(Base):",
        f"    __tablename__ = {name!r}",
        f"    __table_args__ = ({args}{{'info': {info or '{}'}}})",
        "    id = sa.Column(sa.Integer, primary_key=True)",
        *(f"    {column}" for column in columns),
        "",
    ]
    return "\n".join(lines)


def text(name, length=50, more=""):
    return f"{name} = sa.Column(sa.String({length}){more})"


MAIL = user(text("email", more=", unique=True, index=True"), text("note"))
ROWS = (
    "INSERT INTO user (email, note) VALUES ('a@b', 'x'), (NULL, 'y')",
    "CREATE VIEW seen AS SELECT id FROM user",
)
CONVENTION = """
Base.metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s", "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s", "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s"}
"""


def test_a_hint_in_a_model_is_followed_once(project):
    """A column with the hint takes over the values; later the hint says nothing."""
    project.begin(MAIL, *ROWS)
    hint = ", unique=True, index=True, info={'renamed_from': 'email'}"
    project.models(user(text("address", 80, hint), text("note")))

    told = project.runs()

    assert "> column user.email -> user.address" in told
    assert "Loss" not in told
    assert [("a@b",), (None,)] == project.rows("SELECT address FROM user ORDER BY id")
    assert "No changes detected" in project.does("migrate")
    project.does("downgrade")
    assert [("a@b",), (None,)] == project.rows("SELECT email FROM user ORDER BY id")


def test_a_hint_on_a_table_is_followed_once(project):
    """A table with the hint keeps its rows, and its columns may have hints too."""
    project.begin(MAIL, *ROWS[:1])
    hint = ", unique=True, index=True, info={'renamed_from': ['mail', 'email']}"
    project.models(
        user(text("address", 50, hint), text("note"), name="account",
             info="{'renamed_from': 'user'}")
    )  # fmt: skip

    told = project.runs()

    assert "> table user -> account" in told
    assert [("a@b",), (None,)] == project.rows(
        "SELECT address FROM account ORDER BY id"
    )
    assert "No changes detected" in project.does("migrate")
    project.does("downgrade")
    assert [("a@b",), (None,)] == project.rows("SELECT email FROM user ORDER BY id")


@pytest.mark.parametrize(
    "hint", ["{'renamed_from': 'nothing'}", "{'renamed_from': 'note'}", "{}"]
)
def test_a_hint_at_what_is_not_there_says_nothing(project, hint):
    """Neither an old name that is gone nor one that stays makes a rename."""
    project.begin(MAIL, *ROWS)
    project.models(
        user(text("email", more=", unique=True, index=True"), text("note"),
             text("more", 9, f", info={hint}"))
    )  # fmt: skip

    assert "> " not in project.runs()


def test_a_plain_pair_is_taken_for_a_rename_and_announced(project):
    """One goes, one comes, alike in all: it keeps its values, and that is told."""
    project.begin(MAIL, *ROWS)
    project.models(
        user(text("address", more=", unique=True, index=True"), text("note"))
    )

    told = project.runs()

    assert "Taken for a rename: user.email -> user.address" in told
    assert "--no-rename" in told
    assert [("a@b",), (None,)] == project.rows("SELECT address FROM user ORDER BY id")
    project.does("downgrade")
    assert [("a@b",), (None,)] == project.rows("SELECT email FROM user ORDER BY id")


def test_with_no_rename_nothing_is_taken_for_one(project):
    """The loss is announced instead."""
    project.begin(MAIL, *ROWS)
    project.models(
        user(text("address", more=", unique=True, index=True"), text("note"))
    )

    told = project.runs("--no-rename")

    assert "1 row of user has a value in email, which is lost" in told
    assert [(None,), (None,)] == project.rows("SELECT address FROM user ORDER BY id")


def test_a_doubtful_pair_stops_the_run(project):
    """Nothing is written; both ways on are told, and both can be gone."""
    project.begin(MAIL, *ROWS)
    project.models(user(text("address", 90), text("note")))

    told = project.refuses("migrate", "user.email -> user.address", "--no-rename")

    assert "--rename user.email:user.address" in told
    assert "> column" in project.runs("--rename user.email:user.address")
    assert [("a@b",), (None,)] == project.rows("SELECT address FROM user ORDER BY id")


def test_check_does_not_stop_at_a_doubtful_pair(project):
    """`check` tells the difference, as it stands, and asks for no decision."""
    project.begin(MAIL, *ROWS)
    project.models(user(text("address", 90), text("note")))

    told = project.refuses("check", "user.address", status=1)

    assert "E400" in told


def test_what_is_another_thing_is_dropped_and_told(project):
    """No question for what cannot be a rename."""
    project.begin(MAIL, *ROWS)
    project.models(user("born = sa.Column(sa.Date)", text("note")))

    assert "W102   1 row of user has a value in email" in project.runs()


def test_tables_with_other_columns_are_two_tables(project):
    """A table that goes is announced with its rows."""
    project.begin(MAIL, *ROWS[:1])
    project.models(user("born = sa.Column(sa.Date)", name="event"))

    assert "W101   2 rows of user are lost" in project.runs()


def test_a_column_that_moved_is_told_with_the_remedy(project):
    """What moves to another table is lost unless the script copies it."""
    other = "class Pet(Base):\n    __tablename__ = 'pet'\n    id = sa.Column(sa.Integer, primary_key=True)\n"
    project.begin(MAIL + other, *ROWS)
    email = text("email", more=", unique=True, index=True")
    project.models(user(email) + other + f"    {text('note')}\n")

    told = project.runs()

    assert "Loss: user.note goes with its values, they do not move to pet.note" in told
    assert "UPDATE pet SET note" in told


CASES = [
    ("Email", "email", 50),
    ("userName", "username", 80),
]


@pytest.mark.parametrize(("old", "new", "length"), CASES)
def test_a_change_of_case_is_a_rename(project, old, new, length):
    """Even with another type nothing is asked and nothing lost."""
    project.begin(user(text(old)), f"INSERT INTO user ({old}) VALUES ('x')")
    project.models(user(text(new, length)))

    told = project.runs()

    assert f"> column user.{old} -> user.{new}" in told
    assert [("x",)] == project.rows(f"SELECT {new} FROM user")
    assert new in project.columns("user")
    project.does("downgrade")
    assert old in project.columns("user")


def test_a_table_may_change_its_case(project):
    """The table keeps its rows under its new spelling, and gets the old one back."""
    project.begin(
        user(text("a"), name="MegviiAsset"), "INSERT INTO MegviiAsset (a) VALUES ('x')"
    )
    project.models(user(text("a"), name="megviiasset"))

    assert "> table MegviiAsset -> megviiasset" in project.runs()
    assert [("x",)] == project.rows("SELECT a FROM megviiasset")
    assert "megviiasset" in project.schema()
    project.does("downgrade")
    assert "MegviiAsset" in project.schema()


def bare(schema):
    """The texts without the quotes that SQLite adds when a table is renamed."""
    return {name: str(text).replace('"', "") for name, text in schema.items()}


def test_what_a_convention_named_is_renamed_too(project):
    """Indexes and constraints go by the new names, and by the old ones again."""
    pet = (
        "class Pet(Base):\n    __tablename__ = 'pet'\n"
        "    id = sa.Column(sa.Integer, primary_key=True)\n"
        "    user_id = sa.Column(sa.ForeignKey('{table}.id'))\n"
    )
    project.begin(MAIL + pet.format(table="user"), ROWS[0], head=CONVENTION)
    before = bare(project.schema())
    account = user(
        text("mail", more=", unique=True, index=True"), text("note"), name="account"
    )
    project.models(account + pet.format(table="account"), head=CONVENTION)

    project.runs("--rename user:account --rename account.email:account.mail")

    told = str(project.schema())
    assert "ix_account_mail" in told
    assert "pk_account" in told
    assert "fk_pet_user_id_account" in told
    assert "user_email" not in told
    assert [("a@b",), (None,)] == project.rows("SELECT mail FROM account ORDER BY id")
    project.does("downgrade")
    assert bare(project.schema()) == before


STATE = "state = sa.Column(sa.Enum({values}, name='state'{more}))"


@pytest.mark.parametrize(
    "more", ["", ", create_constraint=True", ", native_enum=False"]
)
def test_rows_follow_a_value_that_is_renamed(project, more):
    """The check lets the new value in, the rows take it, the way back is the same."""
    project.begin(
        user(STATE.format(values="'activ', 'gone'", more=more)),
        "INSERT INTO user (state) VALUES ('activ'), ('gone'), (NULL)",
    )
    before = project.schema()
    project.models(
        user(
            STATE.format(
                values="'it''s active', 'gone'".replace("''", "\\'"), more=more
            )
        )
    )

    told = project.runs('--rename "user.state=activ:it\'s active"')

    assert "value of user.state: 'activ' -> 'it's active'" in told
    states = "SELECT state FROM user ORDER BY id"
    assert [("it's active",), ("gone",), (None,)] == project.rows(states)
    project.does("downgrade")
    assert [("activ",), ("gone",), (None,)] == project.rows(states)
    assert project.schema() == before


TWO = """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from whimbrel import Migrate

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///{here}/app.db"
app.config["SQLALCHEMY_BINDS"] = {"more": "sqlite:///{here}/more.db"}
db = SQLAlchemy(app)
migrate = Migrate(app, db)

class Item(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    mail = db.Column(db.String(50))

class Log(db.Model):
    __bind_key__ = "more"
    id = db.Column(db.Integer, primary_key=True)
"""


def test_options_are_for_the_database_that_they_speak_of(project):
    """With several binds, a rename in the one says nothing of the other."""
    terminal = project.terminal
    terminal.write("app.py", TWO)
    for line in ("init --multidb", "migrate", "upgrade"):
        terminal.does(f"flask db {line}")
    terminal.rows("INSERT INTO item (mail) VALUES ('a@b')")
    terminal.edit(
        "app.py",
        "mail = db.Column(db.String(50))",
        "email = db.Column(db.String(90), nullable=False)",
    )
    terminal.edit(
        "app.py",
        'bind_key__ = "more"',
        'bind_key__ = "more"\n    at = db.Column(db.Integer, nullable=False)',
    )
    terminal.rows("INSERT INTO log (id) VALUES (7)", "more.db")

    terminal.does(
        "flask db migrate --rename item.mail:email --fill item.email=x --fill log.at=1"
    )
    terminal.does("flask db upgrade")

    assert [("a@b",)] == terminal.rows("SELECT email FROM item")
    assert [(7, 1)] == terminal.rows("SELECT id, at FROM log", "more.db")


@pytest.mark.parametrize(
    "option",
    [
        "--rename itme.mail:email",
        "--rename itme:thing",
        "--fill itme.mail=x",
        "--fill-sql itme.mail=1",
        "--drop itme",
    ],
)
def test_an_option_that_no_database_knows_is_misspelled(project, option):
    """With several binds, each passes by what is not its own; all of them must not."""
    terminal = project.terminal
    terminal.write("app.py", TWO)
    for line in ("init --multidb", "migrate", "upgrade"):
        terminal.does(f"flask db {line}")
    terminal.edit("app.py", "String(50)", "String(90)")

    terminal.refuses(
        f"flask db migrate {option}", option, "Mend the spelling", status=2
    )


def test_a_name_to_drop_that_is_misspelled(project):
    """Of a pattern nobody expects that it names something."""
    project.begin(MAIL)
    project.models(user(text("email", 80, ", unique=True, index=True"), text("note")))

    project.refuses("migrate --drop usre", "--drop usre", "no database has")
    project.runs("--drop 'old_*'")


def test_two_columns_exchange_their_names(project):
    """A swap, and a chain that ends in a new name; the way back leads back."""
    project.begin(
        user(text("a"), text("b"), text("c", 20)),
        "INSERT INTO user (a, b, c) VALUES ('was a', 'was b', 'was c')",
    )
    project.models(user(text("a"), text("b"), text("d", 20)))

    project.runs(
        "--rename user.a:b --rename user.b:a --rename user.c:d",
    )

    rows = "SELECT a, b, d FROM user"
    assert [("was b", "was a", "was c")] == project.rows(rows)
    project.does("downgrade")
    assert [("was a", "was b", "was c")] == project.rows("SELECT a, b, c FROM user")
    project.models(user(text("b"), text("c"), text("d", 20)))

    project.does("upgrade")
    project.models(user(text("b", 20), text("a"), text("c")))
    project.runs("--rename user.d:b --rename user.b:a --rename user.a:c")

    rows = "SELECT a, b, c FROM user"
    assert [("was a", "was c", "was b")] == project.rows(rows)
