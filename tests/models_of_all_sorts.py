"""Random MetaData of all sorts, as an app for SQLite might declare it."""

import warnings

import sqlalchemy as sa
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import conv

from later_words import KNOWN


class Lower(sa.types.TypeDecorator):
    """A string of an app's own."""

    impl = sa.String
    cache_ok = True


class Kind(sa.types.TypeDecorator):
    """An enumeration of an app's own, which brings its check."""

    impl = sa.Enum
    cache_ok = True

    def __init__(self):
        super().__init__("a", "b", name="kind", create_constraint=True)


class JsonHere(sa.types.TypeDecorator):
    """A type that stores itself differently on each database."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect):
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.JSON())
        return dialect.type_descriptor(sa.Text())


class Point(sa.types.UserDefinedType):
    """A type that only the app knows."""

    cache_ok = True

    def get_col_spec(self, **kw):
        return "Point  with  precision(3,4)"


STRICT_TYPES = [sa.Integer, sa.Text, sa.REAL, sa.LargeBinary, sa.INTEGER]
PLAIN_TYPES = [
    *STRICT_TYPES,
    sa.SmallInteger,
    sa.BigInteger,
    sa.String,
    lambda: sa.String(20),
    lambda: sa.Unicode(5),
    sa.UnicodeText,
    lambda: sa.CHAR(3),
    lambda: sa.NCHAR(3),
    sa.Numeric,
    lambda: sa.Numeric(5),
    lambda: sa.Numeric(10, 2),
    lambda: sa.DECIMAL(8, 3),
    sa.Float,
    lambda: sa.Float(24),
    sa.Double,
    sa.DOUBLE_PRECISION,
    sa.Boolean,
    sa.Date,
    sa.DateTime,
    lambda: sa.DateTime(timezone=True),
    lambda: sqlite.DATETIME(
        storage_format="%(year)04d%(month)02d%(day)02d", regexp="(.*)"
    ),
    sa.Time,
    sa.TIMESTAMP,
    sa.Interval,
    sa.JSON,
    sa.Uuid,
    lambda: sa.Uuid(as_uuid=False),
    sa.PickleType,
    lambda: sa.LargeBinary(10),
    lambda: sa.VARBINARY(8),
    lambda: sa.String(20, collation="NOCASE"),
    lambda: sa.Text(collation="RTRIM"),
    lambda: sa.String(5, collation="binary"),
    lambda: sa.Enum("a", "it's", "100%", name="quoted"),
    lambda: Lower(20),
    JsonHere,
    Point,
    lambda: sa.String(20).with_variant(sa.Text(), "sqlite"),
    lambda: sa.String().with_variant(sa.String(9, collation="NOCASE"), "sqlite"),
    lambda: sa.JSON().with_variant(sa.String(7), "postgresql"),
]
CHECKING_TYPES = [
    lambda: sa.Boolean(create_constraint=True),
    lambda: sa.Boolean(create_constraint=True, name="ck_bool"),
    lambda: sa.Enum("a", "it's", "x:y", create_constraint=True),
    lambda: sa.Enum("a", "b", name="e", create_constraint=True, length=20),
    lambda: sa.String(5).with_variant(
        sa.Enum("a", name="v", create_constraint=True), "sqlite"
    ),
    lambda: sa.Enum("a", name="w", create_constraint=True).with_variant(
        sa.String(5), "sqlite"
    ),
    Kind,
]
NAMES = [
    "a",
    "B",
    "MixedCase",
    "order",
    "select",
    "Group",
    "naïve",
    "漢字",
    "with space",
    'quo"te',
    "it's",
    "per%cent",
    "col:on",
    "do.t",
    "1st",
    "generated",
    "[bracket]",
]
CONVENTIONS = [
    None,
    {
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    },
    {
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "unique_constraint_of_the_table_%(table_name)s_on_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    },
]
DEFAULTS = [
    "x",
    "it's",
    "100%",
    "0",
    "",
    "{}",
    sa.text("0"),
    sa.text("-1"),
    sa.text("+1.5"),
    sa.text("1e10"),
    sa.text("true"),
    sa.text("NULL"),
    sa.text("x'00ff'"),
    sa.text("CURRENT_TIMESTAMP"),
    sa.text("current_date"),
    sa.text("(1 + 1)"),
    sa.text("( 'a'||'b' )"),
    sa.text("'a\\:b'"),
    sa.text("(datetime('now'))"),
    sa.func.now(),
    sa.func.current_timestamp(),
    sa.func.lower("A"),
    sa.true(),
    sa.false(),
    sa.null(),
    sa.literal(5),
    sa.literal("five's"),
    sa.FetchedValue(),
]
SPACES = "  " if "two spaces in an action" in KNOWN else " "
ACTIONS = [None, "CASCADE", "set null", f"SET{SPACES}DEFAULT", "RESTRICT", "no action"]
CONFLICTS = ["ROLLBACK", "ABORT", "FAIL", "ignore", "REPLACE"]


def quoted(name):
    return '"' + name.replace('"', '""').replace(":", "\\:") + '"'


def maybe(strategy):
    return st.none() | strategy


@st.composite
def metadatas(draw):
    """Draw a MetaData with some tables that SQLite can create."""
    convention = draw(st.sampled_from(CONVENTIONS))
    metadata = sa.MetaData(naming_convention=convention)
    for name in draw(
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)
    ):
        _table(draw, metadata, name)
    tables = list(metadata.tables.values())
    for table in tables:
        _foreign_keys(draw, table, tables)
        _uniques(draw, table)
        _checks(draw, table)
        _indexes(draw, table)
    return metadata


def create_all(metadata, connection):
    """Create the tables; cycles of foreign keys are no news here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metadata.create_all(connection)


def _table(draw, metadata, name):
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
    key_size = draw(st.integers(0, min(2, len(names))))
    options = {}
    if draw(st.booleans()):
        if "sqlite_strict" in KNOWN:
            options["sqlite_strict"] = draw(st.booleans())
        options["sqlite_with_rowid"] = draw(st.booleans()) or not key_size
        if options["sqlite_with_rowid"] and key_size == 1:
            options["sqlite_autoincrement"] = draw(st.booleans())
    conflicts = maybe(st.just(draw(st.sampled_from(CONFLICTS))))
    types = PLAIN_TYPES + CHECKING_TYPES
    if options.get("sqlite_strict"):
        types = STRICT_TYPES
    columns = [
        _key_column(draw, each, types, conflicts)
        if position < key_size
        else _column(draw, each, types, conflicts, position > 0)
        for position, each in enumerate(names)
    ]
    key = {}
    if key_size and draw(st.booleans()):
        key = {"name": draw(maybe(st.sampled_from(["pk", "the key"])))}
        key["sqlite_on_conflict"] = draw(conflicts)
        keys = draw(
            st.permutations([column for column in columns if column.primary_key])
        )
        columns.append(sa.PrimaryKeyConstraint(*keys, **key))
    sa.Table(name, metadata, *columns, info={"conflicts": conflicts}, **options)


def _key_column(draw, name, types, conflicts):
    type_ = draw(st.sampled_from([sa.Integer, draw(st.sampled_from(types))]))()
    return sa.Column(
        name,
        type_,
        primary_key=True,
        nullable=draw(st.booleans()),
        sqlite_on_conflict_primary_key=draw(conflicts),
    )


def _column(draw, name, types, conflicts, may_be_computed):
    type_ = draw(st.sampled_from(types))()
    settings = {}
    if may_be_computed and draw(st.integers(0, 4)) == 0:
        return sa.Column(name, type_, sa.Computed(*_computed(draw)))
    args = [type_]
    if draw(st.integers(0, 5)) == 0:
        args.append(
            sa.CheckConstraint(f"{quoted(name)} <> 'x'", name=_name(draw, "ck"))
        )
    default = draw(maybe(st.sampled_from(DEFAULTS)))
    settings["nullable"] = draw(st.booleans())
    settings["index"] = draw(maybe(st.booleans()))
    settings["unique"] = draw(maybe(st.booleans()))
    if not settings["nullable"]:
        settings["sqlite_on_conflict_not_null"] = draw(conflicts)
    if settings["index"]:
        settings["unique"] = None
    if settings["unique"]:
        settings["sqlite_on_conflict_unique"] = draw(conflicts)
    return sa.Column(name, *args, server_default=default, **settings)


def _computed(draw):
    text = draw(st.sampled_from(["1 + 1", "(abs( -1 ))", "coalesce(NULL, 'it''s')"]))
    return text, draw(st.sampled_from([None, True, False]))


def _name(draw, prefix):
    explicit = st.sampled_from(
        [f"{prefix}_given", f"{prefix} Of'\"All", conv("c" * 70)]
    )
    return draw(maybe(explicit))


def _some(draw, columns, limit=2):
    columns = list(columns)
    return draw(
        st.lists(
            st.sampled_from(columns),
            min_size=1,
            max_size=min(limit, len(columns)),
            unique_by=lambda column: column.name,
        )
    )


def _foreign_keys(draw, table, tables):
    for number in range(draw(st.integers(0, 2))):
        target = draw(st.sampled_from(tables))
        refer = list(target.c)
        size = draw(st.integers(1, min(2, len(refer), len(table.c))))
        refer = draw(st.permutations(refer))[:size]
        columns = draw(st.permutations(list(table.c)))[:size]
        is_strict = table.dialect_kwargs.get("sqlite_strict")
        if not is_strict and draw(st.booleans()):
            name = f"typeless {number}"
            table.append_column(sa.Column(name, sa.ForeignKey(refer[0])))
            continue
        deferrable = draw(st.sampled_from([None, True, False]))
        given = _name(draw, "fk")
        table.append_constraint(
            sa.ForeignKeyConstraint(
                columns,
                refer,
                name=given,
                ondelete=draw(st.sampled_from(ACTIONS)),
                onupdate=draw(st.sampled_from(ACTIONS)),
                deferrable=deferrable,
                initially=None
                if deferrable is None
                else draw(st.sampled_from([None, "DEFERRED", "immediate"])),
                match=draw(st.sampled_from([None, "FULL", "simple", "PARTIAL"])),
                use_alter=bool(given) and draw(st.booleans()),
            )
        )


def _uniques(draw, table):
    for _ in range(draw(st.integers(0, 2))):
        table.append_constraint(
            sa.UniqueConstraint(
                *_some(draw, table.c),
                name=_name(draw, "uq"),
                sqlite_on_conflict=draw(table.info["conflicts"]),
            )
        )


def _checks(draw, table):
    for _ in range(draw(st.integers(0, 2))):
        (column,) = _some(draw, table.c, 1)
        name = quoted(column.name)
        condition = draw(
            st.sampled_from(
                [
                    sa.type_coerce(column, sa.Integer) > 5,
                    sa.type_coerce(column, sa.String).in_(["x", "it's"]),
                    sa.type_coerce(column, sa.String).like("a%"),
                    column.is_not(None),
                    f"{name} != 'it''s' OR({name} IS  NULL)",
                    f"(length({name}) > 2) AND (1 == 1)",
                    sa.text(f"{name} BETWEEN 1 and 10 /* why */"),
                    "CASE WHEN 1 > 0 THEN 1 ELSE 0 END",
                ]
            )
        )
        table.append_constraint(sa.CheckConstraint(condition, name=_name(draw, "ck")))


def _indexes(draw, table):
    for number in range(draw(st.integers(0, 2))):
        given = [_part(draw, column) for column in _some(draw, table.c)]
        where = None
        if draw(st.booleans()):
            (column,) = _some(draw, table.c, 1)
            where = draw(
                st.sampled_from(
                    [
                        column.is_not(None),
                        sa.type_coerce(column, sa.Integer) > 5,
                        sa.text(f"{quoted(column.name)} <> 'it''s'"),
                    ]
                )
            )
        sa.Index(
            f"{draw(st.sampled_from(['ix', 'Index Of']))} {table.name} {number}",
            *given,
            unique=draw(st.booleans()),
            sqlite_where=where,
            _table=table,
        )


def _part(draw, column):
    name = quoted(column.name)
    text = sa.type_coerce(column, sa.String)
    return draw(
        st.sampled_from(
            [
                column,
                column,
                column.desc(),
                column.asc(),
                sa.func.lower(column),
                sa.func.coalesce(text, "x"),
                text.collate("NOCASE"),
                text.collate("binary").desc(),
                sa.text(name),
                sa.text(f"{name.upper()} DESC"),
                sa.text(f"({name}||'x')"),
                sa.text(f"lower({name}), {name} COLLATE RTRIM"),
            ]
        )
    )
