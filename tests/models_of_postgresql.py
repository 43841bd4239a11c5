"""Random MetaData of all sorts, as an app for PostgreSQL might declare it."""

import warnings

import sqlalchemy as sa
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.dialects.postgresql.base import PGDialect

from later_words import KNOWN
from models_of_all_sorts import JsonHere, Lower


SHARED = sa.MetaData()


class Kind(sa.types.TypeDecorator):
    """An enumerated type of an app's own."""

    impl = sa.Enum
    cache_ok = True

    def __init__(self):
        super().__init__("a", "b", name="Kind of thing")


NUMBERS = [
    sa.Integer, sa.SmallInteger, sa.BigInteger, sa.Numeric,
    lambda: sa.Numeric(10, 2), lambda: sa.Numeric(5), sa.Float, lambda: sa.Float(24),
    lambda: sa.Float(53), sa.Double, sa.REAL,
]  # fmt: skip
STRINGS = [
    sa.String, lambda: sa.String(20), sa.Text, sa.UnicodeText, lambda: sa.CHAR(3),
    lambda: sa.String(9, collation="C"), lambda: sa.Text(collation="POSIX"),
    lambda: Lower(7), lambda: sa.String(5).with_variant(sa.Text(), "postgresql"),
]  # fmt: skip
MOMENTS = [
    sa.Date, sa.DateTime, lambda: sa.DateTime(timezone=True), sa.Time,
    lambda: pg.TIMESTAMP(precision=3), lambda: pg.TIME(timezone=True, precision=0),
    lambda: pg.TIMESTAMP(timezone=True, precision=6),
]  # fmt: skip
OTHERS = [
    sa.Boolean, sa.LargeBinary, lambda: sa.LargeBinary(16), sa.Uuid, sa.JSON,
    lambda: sa.Uuid(as_uuid=False), sa.PickleType, sa.Interval, pg.JSONB, pg.INET,
    pg.CIDR, pg.MACADDR, pg.MONEY, pg.TSVECTOR, pg.INT4RANGE, pg.TSTZRANGE,
    pg.DATEMULTIRANGE, pg.OID, lambda: pg.BIT(5), lambda: pg.BIT(3, varying=True),
    lambda: pg.INTERVAL(fields="DAY TO SECOND", precision=3), JsonHere,
    lambda: sa.ARRAY(sa.Integer), lambda: pg.ARRAY(sa.String(3), dimensions=2),
    lambda: pg.ARRAY(pg.ENUM("a", "b", name="in_an_array")), Kind,
    lambda: sa.Enum("a", "it's", "100%", name="Quo ted"),
    lambda: sa.Enum("x", "y", name="elsewhere", schema="other"),
    lambda: sa.Enum("x", "y", name="native_not", native_enum=False),
    lambda: sa.Enum("x", "y", native_enum=False, create_constraint=True),
    lambda: pg.DOMAIN("positive", sa.Integer, check="VALUE > 0"),
    lambda: pg.DOMAIN("coded", sa.String(3), not_null=True, schema="other"),
]  # fmt: skip
KINDS = {"number": NUMBERS, "string": STRINGS, "moment": MOMENTS, "other": OTHERS}
DEFAULTS = {
    "number": ["0", "-1", sa.text("0"), sa.text("-1"), sa.text("1 + 1"), sa.text("NULL")],
    "string": ["x", "it's", "", "100%", "a\\b", sa.text("'x'"), sa.text("lower('X')"),
               sa.text("NULL"), sa.literal("a:b"), sa.text("'x'::text")],
    "moment": [sa.func.now(), sa.text("CURRENT_TIMESTAMP"), sa.text("now()")],
    "other": [sa.text("NULL")],
}  # fmt: skip
CHECKS = {
    "number": ["{} > 0", "{} IN (1, 2)", "{} BETWEEN 1 AND 2 OR {} IS NULL"],
    "string": ["{} <> ''", "{} LIKE 'a%'", "length({}) < 9", "{} IN ('a', 'b')"],
    "moment": ["{} IS NOT NULL"],
    "other": ["{} IS NOT NULL"],
}
NAMES = [
    "a", "B", "MixedCase", "order", "select", "Group", "user", "naïve", "漢字",
    "with space", 'quo"te', "it's", "per%cent", "col:on", "do.t", "1st", "check",
    "time", "列" * 30, "a_very_long_name_that_goes_on_and_on_until_nobody_reads_it_any",
]  # fmt: skip
CONVENTIONS = [
    None,
    None,
    {
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    },
]
ACTIONS = [None, "CASCADE", "SET NULL", "restrict", "NO ACTION", "SET DEFAULT"]


TELLS_STORAGE = "with" in dict(PGDialect.construct_arguments)[sa.Table]
"""Whether models can tell of a table's storage parameters: since SQLAlchemy 2.1."""


UNIQUE_OPTIONS = [
    *([{"postgresql_include": ["id"]}] if "postgresql_include of keys" in KNOWN else []),
    *([{"postgresql_nulls_not_distinct": True}]
      if "postgresql_nulls_not_distinct" in KNOWN else []),
]  # fmt: skip


def stored(**parameters):
    """Return the options of a table that is stored so, where models can tell."""
    return {"postgresql_with": parameters} if TELLS_STORAGE else {}


@st.composite
def metadatas(draw):
    """Return models with a few tables in two schemas."""
    metadata = sa.MetaData(naming_convention=draw(st.sampled_from(CONVENTIONS)))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            _table(draw, metadata, name)
    return metadata


def _table(draw, metadata, name):
    earlier = list(metadata.tables.values())
    options = draw(st.sampled_from([{}, {}, {}, stored(fillfactor=50),
        {"prefixes": ["UNLOGGED"]}]))  # fmt: skip
    table = sa.Table(
        name,
        metadata,
        draw(st.sampled_from(KEYS))(),
        schema=draw(st.sampled_from([None, None, "other", "public"])),
        comment=draw(st.sampled_from([None, None, "It's 100%"])),
        **options,
    )
    kinds = {}
    for column in draw(
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True)
    ):
        kind = kinds[column] = draw(st.sampled_from(list(KINDS)))
        table.append_column(_column(draw, column, kind))
    if earlier and draw(st.booleans()):
        _foreign_key(draw, table, draw(st.sampled_from(earlier)))
    for _ in range(draw(st.integers(0, 2))):
        _check(draw, table, kinds)
    for number in range(draw(st.integers(0, 2))):
        _index(draw, table, kinds, number)
    if draw(st.booleans()):
        _unique(draw, table, kinds)


KEYS = [
    lambda: sa.Column("id", sa.Integer, primary_key=True),
    lambda: sa.Column("id", sa.BigInteger, primary_key=True),
    lambda: sa.Column("id", sa.SmallInteger, primary_key=True, unique=True),
    lambda: sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    lambda: sa.Column("id", sa.Uuid, primary_key=True),
    lambda: sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    lambda: sa.Column(
        "id",
        sa.BigInteger,
        sa.Identity(always=True, start=5, increment=2, minvalue=3, cycle=True, cache=7),
        primary_key=True,
    ),
    lambda: sa.Column(
        "id",
        sa.Integer,
        sa.Identity(increment=-1, start=-1, maxvalue=-1),
        primary_key=True,
    ),
    lambda: sa.Column("id", sa.Integer, unique=True, nullable=False),
]


def _column(draw, name, kind):
    type_ = draw(st.sampled_from(KINDS[kind]))()
    nullable = draw(st.booleans())
    if kind == "number" and draw(st.integers(0, 5)) == 0:
        text = draw(st.sampled_from(["1 + 1", "length(id::text)", "abs(5 % 3)"]))
        return sa.Column(name, sa.BigInteger, sa.Computed(text, persisted=True))
    default = draw(st.sampled_from([None, *DEFAULTS[kind]]))
    if isinstance(type_, sa.Time | pg.TIME | sa.CHAR):
        default = None
    return sa.Column(
        name,
        type_,
        nullable=nullable,
        server_default=default,
        comment=draw(st.sampled_from([None, None, "What's this?"])),
        index=draw(st.sampled_from([None, None, True])) if _sortable(type_) else None,
        unique=draw(st.sampled_from([None, None, True])) if _sortable(type_) else None,
    )


def _sortable(type_):
    return not isinstance(type_, sa.JSON | JsonHere)


def _foreign_key(draw, table, target):
    if not any(
        isinstance(each, sa.PrimaryKeyConstraint) and list(each.columns)
        for each in target.constraints
    ):
        return
    table.append_column(
        sa.Column(
            "parent",
            target.c.id.type,
            sa.ForeignKey(
                target.c.id,
                ondelete=draw(st.sampled_from(ACTIONS)),
                onupdate=draw(st.sampled_from(ACTIONS)),
                deferrable=draw(st.sampled_from([None, True, False])),
                initially=draw(st.sampled_from([None, "IMMEDIATE"])),
                match=draw(st.sampled_from([None, "FULL", "SIMPLE"])),
                name=draw(st.sampled_from([None, "a key"])),
            ),
        )
    )


def _check(draw, table, kinds):
    column = draw(st.sampled_from(list(kinds)))
    quoted = '"' + column.replace('"', '""') + '"'
    text = draw(st.sampled_from(CHECKS[kinds[column]])).replace("{}", quoted)
    if isinstance(table.c[column].type, pg.DOMAIN):
        return
    name = draw(st.sampled_from([None, "ck", "Check it"]))
    names = {each.name for each in table.constraints}
    if name is None and table.metadata.naming_convention.get("ck"):
        return
    if name is None or not {name, f"ck_{name}"} & names:
        table.append_constraint(
            sa.CheckConstraint(sa.text(text.replace(":", "\\:")), name=name)
        )


def _index(draw, table, kinds, number):
    column = draw(st.sampled_from(list(kinds)))
    part = table.c[column]
    kind = kinds[column]
    name = f"ix {table.name[:9]} {table.schema} {number}"
    options = {}
    if kind in ("number", "string", "moment"):
        part = draw(
            st.sampled_from(
                [part, part.desc(), part.asc().nulls_first(), part.desc().nulls_last()]
            )
        )
        options = draw(
            st.sampled_from(
                [
                    {},
                    {"postgresql_with": {"fillfactor": 60}},
                    {"postgresql_include": ["id"]},
                    {"postgresql_where": table.c.id.is_not(None)},
                    {"postgresql_where": sa.text("id IS NOT NULL")},
                    {"unique": True},
                ]
            )
        )
        if kind == "string":
            part = draw(
                st.sampled_from(
                    [part, sa.func.lower(table.c[column]), table.c[column].collate("C")]
                )
            )
            if part is table.c[column]:
                options = {**options, "postgresql_ops": {table.c[column].key: draw(
                    st.sampled_from(["varchar_pattern_ops", "text_ops"]))}}  # fmt: skip
                if isinstance(table.c[column].type, sa.CHAR):
                    options = {}
        sa.Index(name, part, **options)
    elif kind == "other" and isinstance(part.type, pg.JSONB | pg.TSVECTOR):
        sa.Index(name, part, postgresql_using="gin")
    elif _sortable(part.type):
        sa.Index(name, part, postgresql_using="btree")


def _unique(draw, table, kinds):
    columns = [each for each in kinds if _sortable(table.c[each].type)]
    if not columns:
        return
    options = draw(
        st.sampled_from(
            [
                {},
                {"deferrable": True},
                {"deferrable": True, "initially": "DEFERRED"},
                *UNIQUE_OPTIONS,
                {"name": f"uq {table.name[:9]} {table.schema}"},
            ]
        )
    )
    table.append_constraint(
        sa.UniqueConstraint(*[table.c[each] for each in columns[:2]], **options)
    )


def is_created(metadata, connection):
    """Create the tables; return whether the server took them.

    Names of a convention may meet, and some tables may not refer to each other.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with connection.begin_nested():
                metadata.create_all(connection)
        except sa.exc.ProgrammingError:
            return False
    return True
