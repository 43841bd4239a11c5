"""A report tells changes in plain words, in one order, with colours only for terminals."""

import itertools
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from whimbrel.cli import show
from whimbrel.config import Config
from whimbrel.report.report import Line, Report, Tone, describe_changes, plain_lines
from whimbrel.report.terminal import told
from whimbrel.schema.changes import (
    ColumnChange,
    ConstraintChange,
    EnumChange,
    FactsChange,
    IndexChange,
    TableChange,
    TableFacts,
    reverse,
)
from whimbrel.schema.state import (
    Check,
    Column,
    Computed,
    Enum,
    Expression,
    ForeignKey,
    Identity,
    Index,
    IndexPart,
    Naming,
    Option,
    PrimaryKey,
    Table,
    TableName,
    Type,
    Unique,
)


USER = TableName("user")
POST = TableName("post", "blog")
ID = Column(name="id", type=Type("INTEGER"), nullable=False)


def _sql(text):
    return Expression(text, text)


def _column(name="email", spelling="VARCHAR(64)", **facts):
    return Column(name=name, type=Type(spelling), **facts)


def _became(before, after, table=USER):
    return ColumnChange(table=table, before=before, after=after)


def _constraint(before, after, table=USER):
    return ConstraintChange(table=table, before=before, after=after)


def _key(name="fk_post_user", **facts):
    return ForeignKey(
        name=name, columns=("user_id",), target=USER, target_columns=("id",), **facts
    )


NAME = (IndexPart(column="name"),)


def _index(name="ix_user_name", parts=NAME, **facts):
    return Index(name=name, parts=parts, **facts)


def _indexed(before, after):
    return IndexChange(table=USER, before=before, after=after)


TAG = Table(
    name=TableName("tag"),
    columns=(
        Column(name="name", type=Type("TEXT"), position=2),
        Column(name="id", type=Type("INTEGER"), position=1),
    ),
)
UNIQUE = Unique(name="uq_user_email", columns=("email",))
UNNAMED = Unique(name="uq_user_email", columns=("email",), naming=Naming.NONE)
CHECK = Check(name="ck_user_age", expression=_sql("age > 0"))
NOCASE = frozenset({Option("collation", "NOCASE")})

WORDS = [
    (TableChange(before=None, after=TAG), "+ table tag (id, name)"),
    (TableChange(before=TAG, after=None), "- table tag (id, name)"),
    (
        TableChange(before=TAG, after=Table(name=POST, columns=TAG.columns)),
        "> table tag -> blog.post",
    ),
    (
        FactsChange(
            table=USER,
            before=TableFacts(options=frozenset(), comment="a"),
            after=TableFacts(options=frozenset({Option("strict", "on")}), comment="b"),
        ),
        "~ table user: strict on, COMMENT 'a' -> 'b'",
    ),
    (
        FactsChange(
            table=USER,
            before=TableFacts(options=frozenset({Option("strict", "on")})),
            after=TableFacts(options=frozenset()),
        ),
        "~ table user: no strict",
    ),
    (_became(None, _column()), "+ column user.email: VARCHAR(64)"),
    (_became(_column(), None, POST), "- column blog.post.email: VARCHAR(64)"),
    (
        _became(None, _column(nullable=False, default=_sql("'x'"), collation="NOCASE")),
        "+ column user.email: VARCHAR(64), NOT NULL, DEFAULT 'x', COLLATE NOCASE",
    ),
    (
        _became(_column(), _column(spelling="VARCHAR(256)", nullable=False)),
        "~ column user.email: VARCHAR(64) -> VARCHAR(256), NOT NULL",
    ),
    (_became(_column(nullable=False), _column()), "~ column user.email: NULL"),
    (
        _became(_column(default=_sql("'draft'")), _column(default=_sql("'new'"))),
        "~ default of user.email: 'draft' -> 'new'",
    ),
    (
        _became(_column(), _column(default=_sql("'new'")), POST),
        "~ default of blog.post.email: none -> 'new'",
    ),
    (
        _became(_column(default=_sql("1")), _column()),
        "~ default of user.email: 1 -> none",
    ),
    (
        _became(_column(default=_sql("1")), _column(nullable=False)),
        "~ column user.email: NOT NULL, no DEFAULT",
    ),
    (_became(_column("mail"), _column()), "> column user.mail -> user.email"),
    (
        _became(_column("mail"), _column(default=_sql("1"))),
        "> column user.mail -> user.email: DEFAULT 1",
    ),
    (
        _became(_column("mail"), _column(spelling="TEXT")),
        "> column user.mail -> user.email: VARCHAR(64) -> TEXT",
    ),
    (
        _became(
            _column(),
            _column(computed=Computed(expression=_sql("a + 1"), is_stored=True)),
        ),
        "~ column user.email: GENERATED AS (a + 1) STORED",
    ),
    (
        _became(
            _column(identity=Identity(is_always=True)),
            _column(
                comment="mail",
                options=frozenset({Option("not_null_on_conflict", "FAIL")}),
            ),
        ),
        "~ column user.email: no IDENTITY, COMMENT 'mail', not_null_on_conflict FAIL",
    ),
    (_constraint(None, UNIQUE), "+ unique user(email) as uq_user_email"),
    (_constraint(UNIQUE, None), "- unique user(email) as uq_user_email"),
    (_constraint(None, UNNAMED), "+ unique user(email)"),
    (_constraint(UNNAMED, UNIQUE), "~ unique user(email): named uq_user_email"),
    (_constraint(UNIQUE, UNNAMED), "~ unique user(email): unnamed"),
    (
        _constraint(UNIQUE, Unique(name="u", columns=("email",))),
        "> unique user(email): uq_user_email -> u",
    ),
    (
        _constraint(UNIQUE, Unique(name="uq_user_email", columns=("email", "age"))),
        "~ unique user(email): (email) -> (email, age)",
    ),
    (
        _constraint(
            None,
            PrimaryKey(
                name="pk",
                columns=("a", "b"),
                options=frozenset({Option("on_conflict", "IGNORE")}),
            ),
        ),
        "+ primary key user(a, b) as pk: on_conflict IGNORE",
    ),
    (_constraint(None, CHECK), "+ check user(age > 0) as ck_user_age"),
    (
        _constraint(CHECK, Check(name="ck_user_age", expression=_sql("age > 18"))),
        "~ check user(age > 0): age > 0 -> age > 18",
    ),
    (
        _constraint(None, _key(on_delete="CASCADE", deferrable=True), POST),
        "+ foreign key blog.post(user_id) -> user(id) as fk_post_user: "
        "ON DELETE CASCADE, DEFERRABLE",
    ),
    (
        _constraint(_key(), _key(on_delete="CASCADE"), POST),
        "~ foreign key blog.post(user_id) -> user(id): ON DELETE CASCADE",
    ),
    (
        _constraint(_key(on_delete="CASCADE", initially_deferred=True), _key(), POST),
        "~ foreign key blog.post(user_id) -> user(id): no ON DELETE, INITIALLY IMMEDIATE",
    ),
    (_indexed(None, _index()), "+ index ix_user_name on user(name)"),
    (_indexed(_index(), None), "- index ix_user_name on user(name)"),
    (_indexed(_index(), _index("ix")), "> index ix_user_name -> ix"),
    (
        _indexed(
            None,
            _index(
                unique=True,
                where=_sql("age > 3"),
                parts=(
                    IndexPart(column="name", options=NOCASE),
                    IndexPart(expression=_sql("lower(x)"), descending=True),
                ),
            ),
        ),
        "+ unique index ix_user_name on user(name collation NOCASE, lower(x) DESC)"
        " WHERE age > 3",
    ),
    (
        _indexed(_index(), _index(unique=True, where=_sql("a"))),
        "~ unique index ix_user_name: UNIQUE, WHERE a",
    ),
    (
        _indexed(_index(unique=True), _index(parts=(IndexPart(column="x"),))),
        "~ index ix_user_name: (name) -> (x), not UNIQUE",
    ),
    (
        EnumChange(before=None, after=Enum(name="mood", schema="x", values=("a", "b"))),
        "+ enum x.mood ('a', 'b')",
    ),
    (
        EnumChange(
            before=Enum(name="m", values=("a",)), after=Enum(name="m", values=("b",))
        ),
        "~ enum m: ('a') -> ('b')",
    ),
]


@pytest.mark.parametrize(("change", "words"), WORDS, ids=[words for _, words in WORDS])
def test_a_change_is_told_in_plain_words(change, words):
    """
    One line for each change: a mark, the thing by its full name, what becomes of it.
    """
    assert [line.text for line in describe_changes([change])] == [words]


@pytest.mark.parametrize("change", [change for change, _ in WORDS])
def test_a_change_back_has_words_too(change):
    """
    What can be told one way can be told the other way, with the mark turned round.
    """
    turned = {"+": "-", "-": "+", "~": "~", ">": ">"}
    (line,) = describe_changes([change])
    (back,) = describe_changes([reverse(change)])

    assert "\n" not in back.text
    assert back.text[0] == turned[line.text[0]]
    assert back.text != line.text


def test_order_is_always_the_same():
    """
    Changes are told by table, then kind, then name, however they come.
    """
    changes = [change for change, _ in WORDS if isinstance(change, ColumnChange)][:1]
    changes += [
        TableChange(before=None, after=TAG),
        _indexed(None, _index()),
        _constraint(None, UNIQUE),
        EnumChange(before=None, after=Enum(name="mood")),
    ]
    orders = {describe_changes(order) for order in itertools.permutations(changes)}

    assert [[line.text.split()[1] for line in order] for order in orders] == [
        ["enum", "table", "column", "unique", "index"]
    ]


def test_marks_have_tones():
    """
    What comes is good, what goes is bad, what becomes something else wants a look.
    """
    tones = {line.text[0]: line.tone for line in describe_changes(c for c, _ in WORDS)}

    assert tones == {"+": Tone.GOOD, "-": Tone.BAD, "~": Tone.WARN, ">": Tone.WARN}


def test_plain_text_is_the_lines_and_nothing_else():
    """
    Without a terminal the text is exactly the lines.
    """
    report = Report(lines=(*plain_lines("a\n\nb", "[bold]c"), Line("d", Tone.BAD)))

    assert told(report, is_terminal=False) == "a\n\nb\n[bold]c\nd\n"
    assert told(Report(), is_terminal=False) == ""


def test_a_terminal_gets_colours_and_the_same_words():
    """
    In a terminal tones are colours; no word, however long, is another one for it.
    """
    long = "x" * 300 + " [red] 'quoted' 12:30 " + "y" * 300
    report = Report(
        lines=(Line("good", Tone.GOOD), Line(long, Tone.DIM), Line("plain"))
    )

    text = told(report, is_terminal=True)

    assert "\x1b[32mgood\x1b[0m" in text
    assert re.sub(r"\x1b\[[0-9;]*m", "", text) == report.text


def test_plain_output_does_not_import_rich():
    """
    A look that is told without colours does without rich.
    """
    code = (
        "import sys\n"
        "from whimbrel.report.report import Report, plain_lines\n"
        "from whimbrel.report.terminal import told\n"
        "told(Report(lines=plain_lines('a')), is_terminal=True)\n"
        "told(Report(lines=plain_lines('a')), is_terminal=False)\n"
        "sys.exit('rich' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_stream_that_knows_nothing_of_terminals_is_written_to():
    """An app may put an object of its own in the place of sys.stdout."""

    parts = []
    stream = SimpleNamespace(write=parts.append, flush=lambda: None)
    show(Config(stdout=stream), Report(lines=(Line("Done."),)))
    assert "".join(parts) == "Done.\n"
