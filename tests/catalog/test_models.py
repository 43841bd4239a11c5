"""Models are told in the words of the database, without creating them."""

import enum

import pytest
import sqlalchemy as sa
from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects import postgresql, registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from later_words import cases
from models_of_all_sorts import JsonHere, Kind, Lower, Point
from whimbrel.catalog.drafts import Drafter, forms_of
from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.errors import ModelsError, UnrenderableType
from whimbrel.schema import state as schema
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import Naming, Option, TableName


CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Color(enum.Enum):
    red = 1
    green = 2


@pytest.fixture
def connection():
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def key(**options):
    return Column("id", Integer, primary_key=True, **options)


def item(*things, convention=None, **options):
    """Return metadata with the table item, made of *things*."""
    metadata = sa.MetaData(naming_convention=convention)
    sa.Table("owner", metadata, key(), Column("n", Integer))
    sa.Table("pair", metadata, *(Column(c, Integer, primary_key=True) for c in "ab"))
    sa.Table("item", metadata, *things, **options)
    return metadata


def state_of(metadata, connection, **scope):
    return read_models([metadata], connection, Scope(**scope))


def table_of(metadata, connection, name="item"):
    return state_of(metadata, connection).table(TableName(name))


def only(things, kind):
    (found,) = (each for each in things if isinstance(each, kind))
    return found


def differences(database, models, connection):
    """Return what differs between the database of some models and other models."""
    database.create_all(connection)
    current = read_state(connection, Scope())
    return diff(current, adopt_names(state_of(models, connection), current))


class Stamp:
    made = mapped_column(sa.DateTime, server_default=func.now(), nullable=False)

    @declared_attr
    def owner_id(cls):
        return mapped_column(ForeignKey("owner.id"))


def declared():
    """Models with mixins, single and joined inheritance, and a cycle."""

    class Base(DeclarativeBase):
        pass

    class Owner(Base):
        __tablename__ = "owner"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str | None] = mapped_column(String(5), index=True)
        first: Mapped[int] = mapped_column(ForeignKey("person.id", use_alter=True))

    class Person(Stamp, Base):
        __tablename__ = "person"
        id = mapped_column(Integer, primary_key=True)
        kind = mapped_column(String(20), nullable=False)
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "p"}

    class Boss(Person):
        level = mapped_column(Integer)
        __mapper_args__ = {"polymorphic_identity": "b"}

    class Engineer(Person):
        __tablename__ = "engineer"
        id = mapped_column(ForeignKey("person.id"), primary_key=True)
        __mapper_args__ = {"polymorphic_identity": "e"}

    return Base.metadata


def numbered(*types):
    return [Column(f"c{number}", type_) for number, type_ in enumerate(types)]


def defaults(*values, type_=String):
    return [
        Column(f"c{number}", type_, server_default=value)
        for number, value in enumerate(values)
    ]


SAME = {
    "checks": lambda: item(
        *(Column(name, Integer) for name in "abc"),
        CheckConstraint("b <> 'it''s'", name="ck_b"),
        CheckConstraint("a < c", name="ck_ac"),
        CheckConstraint("b IN ('x', 'y', '100%')"),
        CheckConstraint("c BETWEEN 1 AND 10", name="ck_c"),
        CheckConstraint("(a IS NULL) OR (c IS NOT NULL)", name="ck_or"),
        CheckConstraint("CASE WHEN a > 1 THEN c > 1 ELSE 1=1 END", name="ck_case"),
    ),
    "checks of columns": lambda: item(
        Column("a", Integer, CheckConstraint("a > 0", name="ck_a")),
        Column("b", Integer, CheckConstraint("b > 0"), CheckConstraint("b < 9")),
        CheckConstraint("b > 0"),
    ),
    "computed": lambda: item(
        Column("a", Integer),
        Column("s", Integer, Computed("a * 2", persisted=True)),
        Column("t", String(40), Computed("coalesce(b, '') ")),
        Column("b", String(20)),
    ),
    "defaults": lambda: item(
        *defaults("{}", "it's", "-1", "", text("'[]'"), text("(1 + 1)"), text("-1")),
        Column("n", sa.Numeric(10, 2), server_default=text("1.5")),
        Column("z", sa.Boolean, server_default=sa.false()),
        Column("d", sa.DateTime, server_default=func.now()),
        Column("e", sa.Enum(Color), server_default="red"),
        Column("f", Integer, server_default=sa.FetchedValue()),
    ),
    "foreign keys": lambda: item(
        key(),
        Column("x", Integer),
        Column("y", Integer),
        Column("up", ForeignKey("item.id", deferrable=True, initially="DEFERRED")),
        Column("o", ForeignKey("owner.id", ondelete="SET NULL", onupdate="cascade")),
        ForeignKeyConstraint(["x", "y"], ["pair.a", "pair.b"], ondelete="NO ACTION"),
    ),
    "indexes": lambda: item(
        Column("a", String(20, collation="NOCASE"), index=True),
        Column("b", Integer, unique=True, index=True),
        Column("d", Integer),
        Index("ix_d", sa.desc("d")),
        Index("ix_ad", "a", sa.desc("d")),
        Index("ix_text", text("D DESC"), text("lower(a)")),
        Index("ix_two", text("a, d DESC")),
        Index("ix_bin", text("a COLLATE BINARY"), text("a COLLATE nocase")),
        Index("ix_e", func.coalesce(text("a"), "x"), unique=True),
        Index("ix_w", "d", sqlite_where=text("d>1 AND a = 'x'")),
    ),
    "options": lambda: item(
        key(),
        Column("a", Integer, nullable=False, sqlite_on_conflict_not_null="FAIL"),
        Column("b", Integer, unique=True, sqlite_on_conflict_unique="IGNORE"),
        sqlite_autoincrement=True,
    ),
    "an autoincrement key under a convention": lambda: item(
        key(), convention=CONVENTION, sqlite_autoincrement=True
    ),
    "without rowid": lambda: item(
        Column("id", String, primary_key=True, nullable=True),
        sqlite_with_rowid=False,
    ),
    "strict": lambda: item(
        Column("id", sa.Text, primary_key=True, nullable=True), sqlite_strict=True
    ),
    "strict with a rowid": lambda: item(key(nullable=True), sqlite_strict=True),
    "types": lambda: item(
        *numbered(
            sa.Numeric(10, 2),
            sa.Float(53),
            sa.Enum("a", "b", native_enum=False, create_constraint=True, length=20),
            sa.Boolean(create_constraint=True, name="ck_b"),
            sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
            String(20).with_variant(sa.Text(), "sqlite"),
            sa.PickleType(),
            sa.Uuid(),
            Lower(20),
            JsonHere(),
            Kind(),
            Point(),
        ),
    ),
    "odd names": lambda: item(
        Column("Group By", Integer, index=True),
        Column('say "no"', Integer, unique=True),
        Column("naïve", Integer, CheckConstraint('"naïve" > 0')),
        Column("x", Integer, key="other"),
        UniqueConstraint("other", name="The Name"),
    ),
    "columns like SQL types": lambda: item(
        *(Column(name, Integer) for name in ("text", "date", "key", "generated"))
    ),
    "declared": declared,
    "a convention": lambda: item(
        key(),
        Column("a", Integer, index=True, unique=True),
        Column("b", ForeignKey("owner.id"), unique=True),
        Column("c", sa.Boolean(create_constraint=True, name="flag")),
        CheckConstraint("a > 0", name="pos"),
        UniqueConstraint("a", "b", name="a" * 100),
        convention=CONVENTION,
    ),
    "several alike without a name": lambda: item(
        Column("a", Integer, unique=True),
        Column("b", Integer),
        UniqueConstraint("a"),
        UniqueConstraint("a", "b"),
        CheckConstraint("a > 0"),
        CheckConstraint("a > 1"),
    ),
}


STRICT = ("sqlite_strict",)


@pytest.mark.parametrize("name", cases(SAME, strict=STRICT, strict_with_a_rowid=STRICT))
def test_what_create_all_made_is_what_the_models_say(connection, name):
    """A database made from models differs from them in nothing."""
    metadata = SAME[name]()
    assert differences(metadata, metadata, connection) == ()


EQUAL = {
    "a check on its column or on the table": (
        lambda: item(Column("a", Integer, CheckConstraint("a>0", name="ck"))),
        lambda: item(Column("a", Integer), CheckConstraint("(a > 0)", name="ck")),
    ),
    "columns in another order": (
        lambda: item(Column("a", Integer), Column("b", Integer)),
        lambda: item(Column("b", Integer), Column("a", Integer)),
    ),
    "a convention that comes later": (
        lambda: item(
            key(),
            Column("a", Integer, unique=True),
            Column("o", ForeignKey("owner.id")),
        ),
        lambda: item(
            key(),
            Column("a", Integer, unique=True),
            Column("o", ForeignKey("owner.id")),
            convention=CONVENTION,
        ),
    ),
    "a convention that gives the same names": (
        lambda: item(
            Column("a", Integer),
            UniqueConstraint("a", name="uq_item_a"),
            CheckConstraint("a > 0", name="ck_item_pos"),
        ),
        lambda: item(
            Column("a", Integer, unique=True),
            CheckConstraint("a > 0", name="pos"),
            convention=CONVENTION,
        ),
    ),
    "the case of a keyword": (
        lambda: item(*defaults(text("CURRENT_TIMESTAMP"))),
        lambda: item(*defaults(text("current_timestamp"))),
    ),
    "an enum class and its names": (
        lambda: item(*numbered(sa.Enum(Color, name="color"))),
        lambda: item(*numbered(sa.Enum("red", "green", name="color"))),
    ),
    "a foreign key on its column or on the table": (
        lambda: item(Column("o", Integer, ForeignKey("owner.id", ondelete="CASCADE"))),
        lambda: item(
            Column("o", Integer),
            ForeignKeyConstraint(["o"], ["owner.id"], ondelete="cascade"),
        ),
    ),
    "a foreign key without a type": (
        lambda: item(Column("o", Integer, ForeignKey("owner.id"))),
        lambda: item(Column("o", ForeignKey("owner.id"))),
    ),
    "defaults and options of Python's side": (
        lambda: item(Column("a", Integer, default=1), *numbered(sa.Uuid())),
        lambda: item(
            Column("a", Integer, onupdate=3), *numbered(sa.Uuid(as_uuid=False))
        ),
    ),
    "a unique flag or constraint": (
        lambda: item(Column("a", Integer, unique=True)),
        lambda: item(Column("a", Integer), UniqueConstraint("a")),
    ),
    "names of types": (
        lambda: item(*numbered(Integer(), String(20), sa.Text(), sa.DateTime())),
        lambda: item(*numbered(sa.INTEGER(), sa.VARCHAR(20), sa.TEXT(), sa.DATETIME())),
    ),
    "a comment": (
        lambda: item(Column("a", Integer)),
        lambda: item(Column("a", Integer, comment="why"), comment="what"),
    ),
    "an identity": (
        lambda: item(Column("a", Integer, nullable=False)),
        lambda: item(Column("a", Integer, sa.Identity(start=3))),
    ),
    "a number in quotes": (
        lambda: item(
            Column("a", Integer, server_default=text("0")),
            Column("b", sa.Boolean, server_default=text("(1)")),
            Column("c", sa.Numeric(10, 2), server_default=text("'-12'")),
        ),
        lambda: item(
            Column("a", Integer, server_default="0"),
            Column("b", sa.Boolean, server_default="1"),
            Column("c", sa.Numeric(10, 2), server_default=text("-12")),
        ),
    ),
    "a foreign key said twice": (
        lambda: item(
            Column("o", Integer),
            ForeignKeyConstraint(["o"], ["owner.id"], name="fk_o", ondelete="CASCADE"),
        ),
        lambda: item(
            Column("o", Integer, ForeignKey("owner.id", ondelete="CASCADE")),
            ForeignKeyConstraint(["o"], ["owner.id"], name="fk_o", ondelete="CASCADE"),
        ),
    ),
    "what only another dialect says": (
        lambda: item(Column("a", Integer), Index("ix", "a")),
        lambda: item(
            Column("a", Integer),
            Index("ix", "a", postgresql_using="btree", postgresql_where=text("a > 1")),
            mysql_engine="InnoDB",
        ),
    ),
}


@pytest.mark.parametrize(("database", "models"), EQUAL.values(), ids=EQUAL)
def test_the_same_said_otherwise_is_the_same(connection, database, models):
    """Two ways to say one thing differ in nothing."""
    assert differences(database(), models(), connection) == ()


def test_a_number_in_quotes_is_text_where_text_is_stored(connection):
    """DEFAULT '007' and DEFAULT 007 differ, and so do '0' and 0 in a text column."""
    for type_, one, other in (
        (String(20), "'0'", "0.0"),
        (Integer(), "'007'", "7"),
        (Integer(), "'x'", "0"),
    ):
        database = item(Column("a", type_, server_default=text(one)))
        models = item(Column("a", type_, server_default=text(other)))
        assert differences(database, models, connection) != ()


DIFFERENT = {
    "type": (String(20), {}),
    "nullability": (Integer(), {"nullable": False}),
    "default": (Integer(), {"server_default": "1"}),
    "unique": (Integer(), {"unique": True}),
    "index": (Integer(), {"index": True}),
    "conflict": (Integer(), {"nullable": False, "sqlite_on_conflict_not_null": "FAIL"}),
    "collation": (sa.INTEGER().with_variant(String(collation="NOCASE"), "sqlite"), {}),
    "check": (sa.Boolean(create_constraint=True), {}),
}


@pytest.mark.parametrize(("type_", "settings"), DIFFERENT.values(), ids=DIFFERENT)
def test_what_differs_is_found(connection, type_, settings):
    """The models' state tells apart what a database tells apart."""
    database = item(Column("a", Integer))
    models = item(Column("a", type_, **settings))
    assert differences(database, models, connection) != ()


def test_the_state_is_made_without_a_statement(connection):
    """Nothing is run on the database, and no table is compiled whole."""
    statements = []

    @sa.event.listens_for(connection, "before_cursor_execute")
    def note(conn, cursor, statement, *rest):
        statements.append(statement)

    state_of(SAME["types"](), connection)
    assert statements == []


def test_only_distinct_forms_are_spelled(connection):
    """However many tables there are, the database spells each form once."""
    metadata = sa.MetaData()
    for number in range(50):
        sa.Table(
            f"t{number}",
            metadata,
            key(),
            *(Column(f"c{size}", String(size)) for size in range(1, 4)),
            Column("n", Integer, server_default="0", index=True),
            CheckConstraint("n > 0"),
            Index(f"ix{number}", text("lower(c1)")),
        )
    drafter = Drafter(connection)
    drafts = [
        drafter.draft(TableName(table.name), table)
        for table in metadata.tables.values()
    ]
    forms = forms_of(drafts)
    counts = (len(forms.columns), len(forms.checks), len(forms.indexes))
    assert counts == (5, 1, 1)


NAMES = [
    (UniqueConstraint("a", name="mine"), None, schema.Unique, "mine", Naming.GIVEN),
    (UniqueConstraint("a"), None, schema.Unique, "uq_item_a", Naming.NONE),
    (UniqueConstraint("a"), CONVENTION, schema.Unique, "uq_item_a", Naming.CONVENTION),
    (PrimaryKeyConstraint("a"), None, schema.PrimaryKey, "pk_item", Naming.NONE),
    (
        PrimaryKeyConstraint("a"),
        CONVENTION,
        schema.PrimaryKey,
        "pk_item",
        Naming.CONVENTION,
    ),
    (CheckConstraint("1 < a"), None, schema.Check, "ck_item_a", Naming.NONE),
    (
        CheckConstraint("1", name="x"),
        CONVENTION,
        schema.Check,
        "ck_item_x",
        Naming.CONVENTION,
    ),
    (
        ForeignKeyConstraint(["a"], ["owner.id"]),
        None,
        schema.ForeignKey,
        "fk_item_a_owner",
        Naming.NONE,
    ),
    (Index("ix_own", "a"), None, schema.Index, "ix_own", Naming.GIVEN),
    (Index(None, "a"), None, schema.Index, "ix_item_a", Naming.CONVENTION),
]


@pytest.mark.parametrize(("thing", "convention", "kind", "name", "naming"), NAMES)
def test_who_gave_a_name_is_known(connection, thing, convention, kind, name, naming):
    """A name is the models' own, their convention's, or made up by us."""
    table = table_of(
        item(Column("a", Integer), thing, convention=convention), connection
    )
    found = only(table.constraints | table.indexes, kind)
    assert (found.name, found.naming) == (name, naming)


def test_an_index_that_is_said_twice_is_one(connection):
    """index=True and an Index of the same name and columns are one index, as named."""
    models = item(Column("a", String, index=True), Index("ix_item_a", "a"))
    (index,) = table_of(models, connection).indexes
    assert (index.name, index.naming) == ("ix_item_a", Naming.GIVEN)


def test_a_column_keeps_the_type_of_the_models(connection):
    """A script can write the type as the models do, or its check with it."""
    metadata = item(
        Column("a", Kind()), Column("b", sa.Enum("x", create_constraint=True))
    )
    table = table_of(metadata, connection)
    models = metadata.tables["item"]
    assert {column.name: column.type.form for column in table.columns} == {
        "a": models.c.a.type,
        "b": models.c.b.type,
    }
    checks = {check.expression.canonical: check.of_type for check in table.constraints}
    assert checks == {"a in ( 'a' , 'b' )": True, "b in ( 'x' )": False}


def test_a_column_takes_a_type_from_what_it_refers_to_but_not_its_check(connection):
    """
    create_all() gives such a column no check, so a script must not write the type of
    the app's own, which would; a column that was given that type has both.
    """
    metadata = sa.MetaData()
    sa.Table("kind", metadata, Column("id", Kind(), ForeignKey("kind.id")))
    sa.Table("item", metadata, Column("kind", ForeignKey("kind.id")))
    state = read_models([metadata], connection, Scope())

    kind, item = (state.table(TableName(name)) for name in ("kind", "item"))
    assert isinstance(kind.columns[0].type.form, Kind)
    assert [each.of_type for each in checks(kind)] == [True]
    assert item.columns[0].type.form is None
    assert item.columns[0].type == kind.columns[0].type
    assert not checks(item)


def checks(table):
    return [each for each in table.constraints if isinstance(each, schema.Check)]


def test_columns_keep_their_place(connection):
    """The order of the columns is that of the models; system columns are none."""
    metadata = item(
        Column("z", Integer), Column("oid", Integer, system=True), Column("a", Integer)
    )
    columns = table_of(metadata, connection).ordered_columns
    assert [column.name for column in columns] == ["z", "a"]


def test_a_key_that_counts_itself_has_no_name(connection):
    """SQLAlchemy writes such a key beside its column, whatever name it has."""
    metadata = item(
        Column("id", Integer),
        PrimaryKeyConstraint("id", name="mine"),
        sqlite_autoincrement=True,
    )
    assert differences(metadata, metadata, connection) == ()
    table = table_of(metadata, connection)
    assert table.primary_key.naming is Naming.NONE
    assert table.options == {Option("autoincrement", "on")}


def test_a_foreign_key_names_columns_not_keys(connection):
    """A target is told by its column's name, be it linked by name or by key."""
    metadata = sa.MetaData()
    sa.Table("t", metadata, Column("real", Integer, key="alias", primary_key=True))
    sa.Table("by_key", metadata, Column("x", ForeignKey("t.alias")))
    sa.Table("by_name", metadata, Column("x", ForeignKey("t.real", link_to_name=True)))
    for name in ("by_key", "by_name"):
        table = table_of(metadata, connection, name)
        key = only(table.constraints, schema.ForeignKey)
        assert key.target_columns == ("real",)
        assert table.columns[0].type.spelling == "INTEGER"


def test_what_is_conditional_is_asked(connection):
    """What ``ddl_if()`` keeps from this database is not wanted."""
    metadata = item(
        Column("a", Integer),
        Index("there", "a").ddl_if(dialect="postgresql"),
        Index("here", "a").ddl_if(dialect="sqlite"),
        CheckConstraint("a > 0", name="there").ddl_if(dialect="postgresql"),
        UniqueConstraint("a", name="here").ddl_if(callable_=lambda *a, **kw: True),
        UniqueConstraint("a", name="never").ddl_if(callable_=lambda *a, **kw: False),
    )
    assert differences(metadata, metadata, connection) == ()
    table = table_of(metadata, connection)
    assert {each.name for each in table.constraints} == {"here"}
    assert {each.name for each in table.indexes} == {"here"}


def test_only_stored_tables_in_scope_are_ours(connection):
    """Views, temporary tables, the version table and foreign schemas are left out."""
    metadata = sa.MetaData()
    for name in ("mine", "alembic_version", "not_mine"):
        sa.Table(name, metadata, key())
    sa.Table("passing", metadata, key(), prefixes=["TEMPORARY"])
    sa.Table("elsewhere", metadata, key(), schema="other")
    if hasattr(sa.schema, "CreateView"):
        select = sa.select(metadata.tables["mine"])
        sa.schema.CreateView(select, "seen", metadata=metadata)
    state = state_of(metadata, connection, accepts=lambda name: name.name != "not_mine")
    assert {str(table.name) for table in state.tables} == {"mine"}


def test_tables_live_in_their_schemas(connection):
    """Attached databases are schemas, and no foreign key leads from one to another."""
    connection.exec_driver_sql("ATTACH ':memory:' AS other")
    metadata = sa.MetaData()
    sa.Table("a", metadata, key(), schema="main")
    sa.Table("b", metadata, key(), Column("a", ForeignKey("main.a.id")), schema="other")
    sa.Table(
        "c", metadata, Column("b", ForeignKey("other.b.id"), index=True), schema="other"
    )
    metadata.create_all(connection)
    scope = Scope(schemas=(None, "other"))
    current = read_state(connection, scope)
    wanted = adopt_names(read_models([metadata], connection, scope), current)
    assert diff(current, wanted) == ()
    assert {str(table.name) for table in wanted.tables} == {"a", "other.b", "other.c"}


def test_schemas_are_translated(connection):
    """A connection's ``schema_translate_map`` says where a table really lives."""
    connection.exec_driver_sql("ATTACH ':memory:' AS real")
    connection = connection.execution_options(schema_translate_map={"models": "real"})
    metadata = sa.MetaData(schema="models")
    sa.Table("a", metadata, key())
    sa.Table("b", metadata, Column("a", ForeignKey("models.a.id")))
    metadata.create_all(connection)
    scope = Scope(schemas=("real",))
    current = read_state(connection, scope)
    wanted = adopt_names(read_models([metadata], connection, scope), current)
    assert len(current.tables) == 2
    assert diff(current, wanted) == ()


def test_several_metadata_are_read_as_one(connection):
    """The tables of all metadata stand in one state; none may stand in two."""
    one, two = sa.MetaData(), sa.MetaData()
    sa.Table("a", one, key())
    sa.Table("b", two, key())
    state = read_models([one, two, one], connection, Scope())
    assert {str(table.name) for table in state.tables} == {"a", "b"}
    sa.Table("a", two, key())
    with pytest.raises(ModelsError, match="The table a stands in two"):
        read_models([one, two], connection, Scope())


WRONG = {
    "a type of another dialect": (
        lambda: item(Column("tags", postgresql.ARRAY(sa.Text))),
        UnrenderableType,
        r"ARRAY\(Text\(\)\) of item.tags cannot be created on sqlite",
    ),
    "no type": (
        lambda: item(Column("tags")),
        ModelsError,
        "The column item.tags has no type",
    ),
    "no target": (
        lambda: item(Column("o", Integer, ForeignKey("nowhere.id"))),
        ModelsError,
        "A foreign key of item leads nowhere",
    ),
    "no target and no type": (
        lambda: item(Column("o", ForeignKey("nowhere.id"))),
        ModelsError,
        "The column item.o has no type",
    ),
    "no target column": (
        lambda: item(Column("o", Integer, ForeignKey("owner.nothing"))),
        ModelsError,
        "A foreign key of item leads nowhere",
    ),
    "an index without a name": (
        lambda: item(Column("a", Integer, index=True), convention={"pk": "pk"}),
        ModelsError,
        "An index of item has no name",
    ),
    "a check that a convention cannot name": (
        lambda: item(
            Column("a", sa.Boolean(create_constraint=True)), convention=CONVENTION
        ),
        ModelsError,
        "of item cannot be named",
    ),
}


@pytest.mark.parametrize(("models", "error", "sentence"), WRONG.values(), ids=WRONG)
def test_models_that_cannot_be_created_are_told(connection, models, error, sentence):
    """What create_all() refuses is refused with a sentence and a remedy."""
    with pytest.raises(error, match=sentence) as raised:
        state_of(models(), connection)
    assert raised.value.remedy


class OtherDialect(SQLiteDialect_pysqlite):
    """A dialect that we have no reader for."""

    name = "other"
    supports_statement_cache = True
    supports_identity_columns = True


def test_a_dialect_that_nobody_knows_is_taken_at_its_word():
    """Without a reader of its own, a dialect's compiler spells what models say."""
    registry.register("other", __name__, "OtherDialect")
    engine = sa.create_engine("other://")
    metadata = item(
        key(),
        Column("a", String(20), server_default="x", comment="why"),
        Column("b", Integer, Computed("id * 2", persisted=True)),
        Column("n", Integer, sa.Identity(always=True, start=3)),
        CheckConstraint("A > 'a'"),
        Index("ix", text("lower(a)")),
        UniqueConstraint("a", deferrable=True, initially="DEFERRED"),
        comment="what",
    )
    with engine.connect() as connection:
        table = table_of(metadata, connection)
    columns = {column.name: column for column in table.columns}
    assert columns["a"].type.spelling == "VARCHAR(20)"
    assert columns["a"].default.canonical == "'x'"
    assert columns["a"].comment == "why"
    assert columns["b"].computed.is_stored
    assert columns["n"].identity.is_always
    assert columns["n"].identity.options == {Option("start", "3")}
    assert only(table.constraints, schema.Check).name == "ck_item_a"
    assert only(table.constraints, schema.Check).expression.canonical == "A > 'a'"
    assert only(table.constraints, schema.Unique).options == {
        Option("deferrable", "deferred")
    }
    assert only(table.indexes, schema.Index).parts[0].expression.canonical == "lower(a)"
    assert table.comment == "what"


def test_an_index_of_nothing_is_left_out_and_told(connection, caplog):
    """No database can make it, so none lacks it; Alembic writes it for ever."""
    with caplog.at_level("WARNING"):
        table = table_of(item(key(), Index("ix_a")), connection)
    assert table.indexes == frozenset()
    assert "The index ix_a of item names no column, and is left out." in caplog.text
