"""Models of all sorts, as an app for MySQL or MariaDB might declare them."""

import enum

import sqlalchemy as sa
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql

from later_words import KNOWN


class Mood(enum.Enum):
    """An enumeration of Python's."""

    good = 1
    bad = 2


class Lower(sa.types.TypeDecorator):
    """A string of an app's own."""

    impl = sa.String(30)
    cache_ok = True


PERCENT = "%" if "percent signs in enums on MySQL" in KNOWN else ""
CALL = "{}" if "calls as defaults on MySQL" in KNOWN else "({})"
"""How a default is written that is a call: SQLAlchemy adds what MySQL wants, or not."""

TYPES = [
    sa.Integer(), sa.SmallInteger(), sa.BigInteger(), sa.String(20), sa.Unicode(5),
    sa.Text(), sa.UnicodeText(), sa.CHAR(3), sa.NCHAR(3), sa.Numeric(), sa.Numeric(5),
    sa.Numeric(10, 2), sa.DECIMAL(8, 3), sa.Float(), sa.Float(24), sa.Float(53),
    sa.Double(), sa.REAL(), sa.DOUBLE_PRECISION(), sa.Boolean(), sa.Date(),
    sa.DateTime(), sa.Time(), sa.TIMESTAMP(), sa.Interval(), sa.JSON(), sa.Uuid(),
    sa.Uuid(native_uuid=False), sa.LargeBinary(), sa.LargeBinary(16),
    sa.LargeBinary(70000), sa.BINARY(16), sa.VARBINARY(5), sa.Enum("a", "b"),
    sa.Enum(Mood), sa.Enum("x", "yyy", native_enum=False), sa.PickleType(), Lower(),
    mysql.TINYINT(1), mysql.TINYINT(unsigned=True), mysql.INTEGER(11, zerofill=True),
    mysql.BIGINT(unsigned=True), mysql.MEDIUMINT(), mysql.DOUBLE(10, 2),
    mysql.FLOAT(7, 3), mysql.DECIMAL(10, 2, unsigned=True), mysql.BIT(8),
    mysql.YEAR(), mysql.DATETIME(fsp=3), mysql.TIME(fsp=6), mysql.TIMESTAMP(fsp=2),
    mysql.SET("a", "b", "c'd"), mysql.ENUM("x", "y", charset="latin1"),
    mysql.ENUM("中文", f"é, {PERCENT}"), mysql.LONGTEXT(), mysql.MEDIUMTEXT(),
    mysql.TINYTEXT(), mysql.TEXT(500), mysql.VARCHAR(20, collation="utf8mb4_bin"),
    mysql.VARCHAR(20, charset="latin1"), mysql.VARCHAR(20, charset="utf8"),
    mysql.CHAR(3, national=True), mysql.VARCHAR(9, binary=True), mysql.TINYBLOB(),
    mysql.MEDIUMBLOB(), mysql.LONGBLOB(), mysql.JSON(),
    sa.String(30, collation="utf8mb4_unicode_ci"), sa.Text(collation="latin1_bin"),
    sa.JSON().with_variant(mysql.LONGTEXT(), "mysql"),
]  # fmt: skip

NUMBERS = [
    sa.Integer(), sa.BigInteger(), mysql.INTEGER(unsigned=True), sa.Numeric(10, 2),
    sa.Float(), sa.Double(), mysql.TINYINT(1),
]  # fmt: skip
STRINGS = [sa.String(40), sa.CHAR(30), Lower(), mysql.VARCHAR(40, charset="latin1")]
MOMENTS = [sa.DateTime(), sa.TIMESTAMP()]

DEFAULTS = [
    (NUMBERS, ["0", "1", "7.5", sa.text("0"), sa.text("-1"), sa.text("(1 + 2)")]),
    (
        STRINGS,
        ["", "new", 'it\'s \\ \n "q" 50% :x', sa.text(CALL.format("upper('x')"))],
    ),
    (STRINGS, [*map(sa.text, map(CALL.format, ["uuid()", "concat('a', 'b%')"]))]),
    (STRINGS, [sa.text("(concat('it''s \\\\', 'é', \"'\"))")]),
    ([sa.BINARY(4), sa.VARBINARY(9)], ["", "it's", sa.text("0x61006200")]),
    (MOMENTS, [sa.func.now(), sa.text("CURRENT_TIMESTAMP"), sa.text("NULL")]),
    (MOMENTS, [sa.text("CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP")]),
    (
        [mysql.DATETIME(fsp=3), mysql.TIMESTAMP(fsp=3)],
        [
            sa.text("CURRENT_TIMESTAMP(3)"),
            sa.text("CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)"),
        ],
    ),
    ([sa.Boolean()], [sa.true(), sa.false(), "1"]),
    ([sa.Enum("a", "b")], ["a", "b"]),
    ([mysql.SET("a", "b")], ["a", "a,b"]),
    ([sa.JSON()], [sa.text("('{}')"), sa.text("""('{"a": "50%"}')""")]),
    ([sa.Date()], ["2020-01-01", sa.text("(curdate())")]),
]
MARIADB_DEFAULTS = [*DEFAULTS, ([sa.JSON()], ["{}", '{"a": "50%"}'])]
"""A default of JSON is any literal on MariaDB; MySQL wants an expression."""

COMMENTS = [None, None, "", 'it\'s 50% \\ "x"', "中文"]
NAMES = ["a", "b", "Order", "select", "中文", "x y", "a`b", "CamelCase", "j" * 64]
TABLE_OPTIONS = [
    {},
    {},
    {"mysql_engine": "InnoDB"},
    {"mysql_engine": "MyISAM"},
    {"mysql_charset": "latin1"},
    {"mysql_default_charset": "utf8"},
    {"mysql_collate": "utf8mb4_bin"},
    {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_unicode_ci"},
    {"mysql_row_format": "dynamic", "mysql_stats_persistent": "1"},
]


@st.composite
def columns(draw, name, is_mariadb=True):
    """Draw a column that stands for itself."""
    arguments = {
        "nullable": draw(st.booleans()),
        "comment": draw(st.sampled_from(COMMENTS)),
    }
    if draw(st.booleans()):
        return sa.Column(name, draw(st.sampled_from(TYPES)), **arguments)
    types, defaults = draw(
        st.sampled_from(MARIADB_DEFAULTS if is_mariadb else DEFAULTS)
    )
    default = draw(st.sampled_from(defaults))
    if str(default).startswith("NULL"):
        arguments["nullable"] = True
    return sa.Column(
        name, draw(st.sampled_from(types)), server_default=default, **arguments
    )


def _fixed(draw):
    """Return columns that others refer to, and what is made of them."""
    yield sa.Column("id", sa.Integer, primary_key=True)
    yield sa.Column("number", sa.Integer, index=draw(st.booleans()))
    yield sa.Column("word", sa.String(50), unique=draw(st.booleans()))
    yield sa.Column("body", sa.Text)
    if draw(st.booleans()):
        stored = draw(st.sampled_from([None, True, False]))
        written = draw(st.sampled_from(["number + 1", "number*2", "id"]))
        if "id" not in written:
            yield sa.Column("made", sa.Integer, sa.Computed(written, persisted=stored))
        text = draw(st.sampled_from(["concat(word, 'it''s')", "concat(word, 'é')"]))
        yield sa.Column("told", sa.String(60), sa.Computed(text, persisted=stored))


def _things(draw, name, is_mariadb):
    """Return constraints and indexes over the fixed columns."""
    checks = [
        "number > 0", "word like 'a%' or number between 1 and 5", "word <> '中文'",
        "number in (1, 2, 3)", "length(word) > 2 and number is not null",
    ]  # fmt: skip
    drawn = st.lists(st.sampled_from(checks), max_size=2, unique=not is_mariadb)
    for number, check in enumerate(draw(drawn)):
        called = draw(st.sampled_from([None, f"ck_{number}"]))
        yield sa.CheckConstraint(check, name=called)
    if draw(st.booleans()):
        called = draw(st.sampled_from([None, "uq_both"]))
        yield sa.UniqueConstraint("number", "word", name=called)
    indexes = [
        ("ix_desc", [sa.text("word DESC")], {}),
        ("ix_both", [sa.desc("number"), "word"], {}),
        ("ix_length", ["body", "word"], {"mysql_length": {"body": 20, "word": 50}}),
        ("ix_short", ["word"], {"mysql_length": 10, "unique": True}),
        ("ix_text", ["body"], {"mysql_prefix": "FULLTEXT"}),
        ("ix_unique", ["number", "word"], {"unique": True}),
        ("ix 中", ["number"], {"mysql_using": "btree"}),
        ("word", ["word"], {}),
    ]
    chosen = draw(st.lists(st.sampled_from(indexes), max_size=3, unique_by=id))
    for called, parts, arguments in chosen:
        if called != "word" or not name:
            yield sa.Index(called, *parts, **arguments)


@st.composite
def metadatas(draw, is_mariadb=True):
    """Draw the metadata of one or two tables, the second refers to the first."""
    metadata = sa.MetaData()
    names = draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True))
    first = sa.Table(
        draw(st.sampled_from(["t", "Ürün", "group"])),
        metadata,
        *_fixed(draw),
        *[draw(columns(name, is_mariadb)) for name in names],
        *_things(draw, "first", is_mariadb),
        comment=draw(st.sampled_from(COMMENTS)),
        **draw(st.sampled_from(TABLE_OPTIONS)),
    )
    if draw(st.booleans()):
        sa.Table("other", metadata, *_referring(draw, first))
    return metadata


def _referring(draw, first):
    yield sa.Column("id", sa.Integer, primary_key=True)
    options = {}
    if first.dialect_kwargs.get("mysql_engine") != "MyISAM":
        yield sa.Column(
            "first_id",
            sa.ForeignKey(
                first.c.id,
                name=draw(st.sampled_from([None, "fk_first"])),
                ondelete=draw(
                    st.sampled_from([None, "CASCADE", "RESTRICT", "SET NULL"])
                ),
                onupdate=draw(st.sampled_from([None, "NO ACTION", "CASCADE"])),
            ),
            index=draw(st.booleans()),
            unique=draw(st.sampled_from([None, None, True])),
            **options,
        )
