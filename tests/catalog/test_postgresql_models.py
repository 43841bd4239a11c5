"""What models say for PostgreSQL, each thing of it, is what the catalog tells."""

from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from later_words import cases
from models_of_postgresql import TELLS_STORAGE, stored
from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.errors import ModelsError, NoTemporaryTables
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import Naming, State, Table, TableName, Unique


SCOPE = Scope(schemas=(None, "other"))


@pytest.fixture(scope="module")
def engine(lasting_postgresql_url):
    engine = sa.create_engine(lasting_postgresql_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA other")
        for each in ("btree_gist", "pg_trgm", "citext", "cube SCHEMA other"):
            connection.exec_driver_sql(f"CREATE EXTENSION {each}")
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine):
    with engine.connect() as connection:
        yield connection


class Known(sa.types.UserDefinedType):
    """A type that an extension brings, as pgvector's or PostGIS's would."""

    cache_ok = True

    def __init__(self, name):
        self.name = name

    def get_col_spec(self, **kw):
        return self.name


def table(*items, **options):
    """Return models of one table of three columns, and whatever else."""
    columns = [
        sa.Column("a", sa.Integer),
        sa.Column("b", sa.Text),
        sa.Column("r", pg.INT4RANGE),
    ]
    metadata = sa.MetaData()
    sa.Table("t", metadata, *columns, *items, **options)
    return metadata


def column(*words, **options):
    """Return models of one table of one column."""
    metadata = sa.MetaData()
    sa.Table("t", metadata, sa.Column("a", *words, **options))
    return metadata


def alone():
    """Return models with an enumerated type that stands by itself."""
    metadata = table()
    sa.Enum("a", "b", name="alone", metadata=metadata)
    return metadata


MODELS = {
    "partitioned": lambda: table(postgresql_partition_by="range (a)"),
    "partitioned by an expression": lambda: table(postgresql_partition_by="LIST (lower(b))"),
    "unlogged": lambda: table(prefixes=["UNLOGGED"]),
    "parameters": lambda: table(**stored(fillfactor=70, autovacuum_enabled=False)),
    "toast": lambda: table(**stored(**{"toast.autovacuum_enabled": False})),
    "heap": lambda: table(postgresql_using="heap"),
    "comment": lambda: table(comment="It's 100%"),
    "comment of nothing": lambda: table(sa.Column("d", sa.Text, comment=""), comment=""),
    "tablespace": lambda: table(postgresql_tablespace="pg_default"),
    "excluding": lambda: table(pg.ExcludeConstraint(("a", "="), ("r", "&&"))),
    "excluding much": lambda: table(
        pg.ExcludeConstraint(
            (sa.func.lower(sa.column("b")), "="),
            (sa.column("r"), "&&"),
            name="no two",
            where=sa.text("a > 0"),
            deferrable=True,
            initially="DEFERRED",
        )
    ),
    "excluding by a class": lambda: table(
        pg.ExcludeConstraint(("b", "="), using="hash", ops={"b": "text_pattern_ops"})
    ),
    "excluding again": lambda: table(
        pg.ExcludeConstraint(("r", "&&"), name="e1"),
        pg.ExcludeConstraint(("r", "&&"), name="e2"),
        pg.ExcludeConstraint(("r", "&&"), deferrable=True),
    ),
    "comments": lambda: table(
        sa.PrimaryKeyConstraint("a", name="k", comment="it's :a 5%"),
        sa.UniqueConstraint("b", name="u", comment="ü"),
        sa.CheckConstraint("a > 0", name="c", comment="positive"),
        sa.ForeignKeyConstraint(["a"], ["t.a"], name="f", comment="itself"),
        pg.ExcludeConstraint(("r", "&&"), name="x", comment="alone"),
    ),
    "method": lambda: table(sa.Index("i", "r", postgresql_using="gist")),
    "class": lambda: table(
        sa.Index("i", "b", postgresql_using="gin", postgresql_ops={"b": "gin_trgm_ops"})
    ),
    "class with parameters": lambda: table(
        sa.Index("i", "b", postgresql_using="gist",
                 postgresql_ops={"b": "gist_trgm_ops(siglen=32)"})
    ),
    "order": lambda: table(
        sa.Index("i", sa.column("a").desc(), sa.column("b").asc().nulls_first())
    ),
    "collation": lambda: table(sa.Index("i", sa.text('b COLLATE "C"'))),
    "expression": lambda: table(sa.Index("i", sa.text("(a % 7)"), sa.text("lower(b) DESC"))),
    "labelled": lambda: table(
        sa.Index("i", sa.func.lower(sa.column("b")).label("low"),
                 postgresql_ops={"low": "text_pattern_ops"})
    ),
    "partial": lambda: table(sa.Index("i", "a", postgresql_where=sa.text("b LIKE 'x%'"))),
    "included": lambda: table(sa.Index("i", "a", postgresql_include=["b"], unique=True)),
    "index parameters": lambda: table(
        sa.Index("i", "a", postgresql_with={"fillfactor": 50, "deduplicate_items": False})
    ),
    "nulls": lambda: table(
        sa.Index("i", "a", unique=True, postgresql_nulls_not_distinct=True)
    ),
    "concurrently": lambda: table(sa.Index("i", "a", postgresql_concurrently=False)),
    "key": lambda: table(sa.PrimaryKeyConstraint("a", postgresql_include=["b"])),
    "unique": lambda: table(
        sa.UniqueConstraint("a", postgresql_include=["b"], deferrable=True,
                            postgresql_nulls_not_distinct=True, initially="DEFERRED")
    ),
    "same again": lambda: table(sa.UniqueConstraint("a"), sa.UniqueConstraint("a", name="u")),
    "checks again": lambda: table(sa.CheckConstraint("a > 0"), sa.CheckConstraint("a > 0")),
    "two columns": lambda: table(sa.CheckConstraint("a > length(b)")),
    "self": lambda: table(
        sa.UniqueConstraint("a"),
        sa.ForeignKeyConstraint(["a"], ["t.a"], ondelete="SET NULL (a)", match="FULL",
                                onupdate="cascade", deferrable=True,
                                initially="DEFERRED"),
    ),
    "citext": lambda: column(pg.CITEXT, server_default="x"),
    "known": lambda: column(Known("other.cube")),
    "sequence": lambda: column(sa.Integer, sa.Sequence("s", start=3, increment=-1, minvalue=-9,
                                               maxvalue=7, cache=2, cycle=True)),
    "small sequence": lambda: column(sa.Integer, sa.Sequence("s", data_type=sa.SmallInteger)),
    "sequence elsewhere": lambda: column(sa.Integer, sa.Sequence("S", schema="other")),
    "next value": lambda: column(
        sa.Integer, sa.Sequence("s 1"),
        server_default=sa.Sequence("s 1").next_value()
    ),
    "enum": lambda: column(sa.Enum("a", "it's", name="E e"), server_default="it's"),
    "enum elsewhere": lambda: column(sa.Enum("a", name="e", schema="other"), server_default="a"),
    "array of enums": lambda: column(sa.ARRAY(sa.Enum("a", name="e")), server_default="{a}"),
    "array": lambda: column(sa.ARRAY(sa.Integer), server_default=sa.text("'{}'")),
    "array cast": lambda: column(sa.ARRAY(sa.Text), server_default=sa.text("'{}'::text[]")),
    "json": lambda: column(pg.JSONB, server_default=sa.text("'{}'::jsonb")),
    "hstore": lambda: column(sa.JSON().with_variant(pg.JSONB, "postgresql")),
    "generated": lambda: column(sa.Uuid, server_default=sa.func.gen_random_uuid()),
    "moment": lambda: column(sa.DateTime, server_default=sa.text("timezone('utc', now())")),
    "interval": lambda: column(sa.Interval, server_default=sa.text("'1 day'")),
    "true": lambda: column(sa.Boolean, server_default=sa.true()),
    "t": lambda: column(sa.Boolean, server_default="t"),
    "percent": lambda: column(sa.Text, server_default=sa.text("'%s %% %(x)s'")),
    "backslash": lambda: column(sa.Text, server_default="a\\b'c"),
    "enum of no column": alone,
    "domain": lambda: column(pg.DOMAIN("d", sa.Text, check="VALUE <> 'it''s'")),
    "domain elsewhere": lambda: column(pg.DOMAIN("D", sa.Integer, schema="other")),
}  # fmt: skip


LATER = {
    "heap": ("postgresql_using of tables",),
    "nulls": ("postgresql_nulls_not_distinct",),
    "key": ("postgresql_include of keys",),
    "unique": ("postgresql_include of keys", "postgresql_nulls_not_distinct"),
    "self": ("SET NULL (column)",),
}


@pytest.mark.parametrize("name", cases(MODELS, **LATER))
def test_what_models_say_is_what_the_catalog_tells(name, connection):
    """Each thing that models can say: read before and after create_all(), no churn."""
    assert_is_told(MODELS[name](), connection)


def assert_is_told(metadata, connection):
    """Models and catalog tell the same, and create_all() changes nothing of it."""
    before = read_models([metadata], connection, SCOPE)
    metadata.create_all(connection)
    current = read_state(connection, SCOPE)
    wanted = adopt_names(before, current)

    assert diff(current, wanted) == ()
    assert wanted == current
    assert read_models([metadata], connection, SCOPE) == before


@pytest.mark.parametrize("schema", [None, "other"])
def test_columns_may_be_said_with_their_table(schema, connection):
    """SQL that names columns as ``t.a`` is read as the server reads it in CREATE TABLE."""
    metadata = table(
        sa.CheckConstraint("t.a > 0 AND t.b <> 't.a'", name="ck"),
        sa.CheckConstraint('"t"."a" < 9 OR T.a IS NULL'),
        sa.Column("twice", sa.Integer, sa.Computed("t.a * 2", persisted=True)),
        sa.Index("ix", sa.text("lower(t.b)"), postgresql_where=sa.text("t.a > 1")),
        pg.ExcludeConstraint(("r", "&&"), where=sa.text("t.a > 2")),
        schema=schema,
    )
    assert_is_told(metadata, connection)


def test_a_part_of_a_table_is_left_alone(connection):
    """Models may have a partition as a table, to query it: nothing is wrong with it."""
    metadata = table(postgresql_partition_by="RANGE (a)")
    metadata.create_all(connection)
    connection.exec_driver_sql(
        "CREATE TABLE part PARTITION OF t FOR VALUES FROM (0) TO (10)"
    )
    sa.Table("part", metadata, sa.Column("a", sa.Integer, primary_key=True))

    current = read_state(connection, SCOPE)
    wanted = adopt_names(read_models([metadata], connection, SCOPE), current)

    assert current.partitions == {TableName("part")}
    assert diff(current, wanted) == ()


@pytest.mark.parametrize("type_", [sa.Text, sa.String(9), sa.Integer])
def test_how_values_are_stored_stays_where_it_can(type_, connection):
    """Models cannot say it; a column that becomes a number has no use for it."""
    connection.exec_driver_sql("CREATE TABLE t (a text COMPRESSION lz4)")
    connection.exec_driver_sql("ALTER TABLE t ALTER a SET STORAGE external")
    current = read_state(connection, SCOPE)

    wanted = adopt_names(read_models([column(type_)], connection, SCOPE), current)

    kept = {table.columns[0].options for table in (*wanted.tables, *current.tables)}
    assert len(kept) == (2 if type_ is sa.Integer else 1)


def test_the_keys_of_a_circle_stay_after_they_are_made(connection):
    """``create_all()`` changes models: its ALTER TABLE ADD CONSTRAINT leaves a rule."""
    metadata = sa.MetaData()
    sa.Table(
        "t",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("u", sa.ForeignKey("u.id", name="to_u", use_alter=True)),
    )
    sa.Table(
        "u",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("t", sa.ForeignKey("t.id", name="to_t")),
    )
    assert_is_told(metadata, connection)


def test_a_serial_column_may_be_said_by_its_default(connection):
    """Models that were made from a database say of a SERIAL column what it is."""
    said = sa.text("nextval('t_id_seq'::regclass)")
    metadata = sa.MetaData()
    sa.Table("t", metadata, sa.Column("id", sa.Integer, primary_key=True,
                                      server_default=said))  # fmt: skip
    connection.exec_driver_sql("CREATE TABLE t (id serial PRIMARY KEY)")
    current = read_state(connection, SCOPE)

    wanted = adopt_names(read_models([metadata], connection, SCOPE), current)
    assert wanted == current


@pytest.mark.parametrize("name", ["uq", None])
def test_keys_that_say_the_same_may_both_be_there(name, connection):
    """CREATE TABLE makes one of them, ALTER TABLE both; either is what models say."""
    metadata = table(sa.PrimaryKeyConstraint("b"), sa.UniqueConstraint("b", name=name))
    connection.exec_driver_sql(
        "CREATE TABLE t (a int, b text PRIMARY KEY, r int4range)"
    )
    connection.exec_driver_sql("ALTER TABLE t ADD CONSTRAINT uq UNIQUE (b)")
    both = read_state(connection, SCOPE)
    connection.exec_driver_sql("ALTER TABLE t ADD CONSTRAINT uq2 UNIQUE (b)")
    three = read_state(connection, SCOPE)
    wanted = read_models([metadata], connection, SCOPE)

    assert diff(both, adopt_names(wanted, both)) == ()
    assert len(diff(three, adopt_names(wanted, three))) == 1


NOW = ("now()", "CURRENT_TIMESTAMP", "transaction_timestamp()")


@pytest.mark.parametrize("there", NOW)
@pytest.mark.parametrize("said", NOW)
def test_the_moment_is_one_default_however_it_is_spelled(there, said, connection):
    """PostgreSQL keeps each word for it; the database's own stays, a string is one."""
    before = [f"{there} + '1 day'", f"'{there}'", there]
    wanted = [sa.text(f"{said} + '1 day'"), sa.text(f"'{there}'"), sa.text(said)]
    types = [sa.DateTime, sa.Text, sa.DateTime(timezone=True)]
    columns = []
    for name, type_, default in zip("abc", types, wanted, strict=True):
        columns.append(sa.Column(name, type_, server_default=default))
    metadata = sa.MetaData()
    sa.Table("t", metadata, *columns)
    connection.exec_driver_sql(
        "CREATE TABLE t (a timestamp DEFAULT {}, b text DEFAULT {},"
        " c timestamptz DEFAULT {})".format(*before)
    )
    current = read_state(connection, SCOPE)

    assert diff(current, read_models([metadata], connection, SCOPE)) == ()
    assert [str(each.default) for each in one(current.tables).columns][2] == there


@pytest.mark.parametrize(
    "said", ["clock_timestamp()", "CURRENT_TIMESTAMP(3)", "'now()'"]
)
def test_another_moment_is_another_default(said, connection):
    """Neither a rounded moment nor that of a statement or of today is the transaction's."""
    connection.exec_driver_sql("CREATE TABLE t (a timestamp DEFAULT CURRENT_TIMESTAMP)")
    current = read_state(connection, SCOPE)
    metadata = column(sa.DateTime, server_default=sa.text(said))

    assert len(diff(current, read_models([metadata], connection, SCOPE))) == 1


def one(things):
    (thing,) = things
    return thing


def test_an_unnamed_constraint_has_the_name_that_is_there(connection):
    """Whatever the server's own name would be: what says the same is the same."""
    metadata = table(sa.UniqueConstraint("a"), sa.CheckConstraint("a > 0"))
    metadata.create_all(connection)
    for old, new in (("t_a_key", "old one"), ("t_a_check", "old check")):
        connection.exec_driver_sql(f'ALTER TABLE t RENAME CONSTRAINT {old} TO "{new}"')
    current = read_state(connection, SCOPE)

    wanted = adopt_names(read_models([metadata], connection, SCOPE), current)
    assert diff(current, wanted) == ()


def test_an_explicit_name_that_differs_is_a_change(connection):
    """A name that the models give is not that which the server made."""
    table(sa.UniqueConstraint("a")).create_all(connection)
    current = read_state(connection, SCOPE)
    metadata = table(sa.UniqueConstraint("a", name="uq_a"))

    wanted = adopt_names(read_models([metadata], connection, SCOPE), current)
    assert {
        each.name: (change.before is each)
        for change in diff(current, wanted)
        for each in (change.before, change.after)
        if each is not None
    } == {"t_a_key": True, "uq_a": False}


def test_an_unnamed_constraint_that_is_new_gets_the_servers_name():
    """The script writes the name that the server would have made."""
    made = Unique(name="t_a_key", columns=("a",), naming=Naming.SERVER)
    table = Table(name=TableName("t"), constraints=frozenset({made}))
    (adopted,) = adopt_names(State(tables=frozenset({table})), State()).tables
    (unique,) = adopted.constraints
    assert (unique.name, unique.naming) == ("t_a_key", Naming.GIVEN)


@pytest.mark.parametrize("is_valid", [True, False])
def test_a_constraint_that_needs_no_proof_may_have_one(is_valid, connection):
    """NOT VALID is a way to make a constraint; rows that were seen since are fine."""
    check = sa.CheckConstraint("a > 0", postgresql_not_valid=True)
    metadata = table(check)
    table().create_all(connection)
    connection.exec_driver_sql("ALTER TABLE t ADD CHECK (a > 0) NOT VALID")
    if is_valid:
        connection.exec_driver_sql("ALTER TABLE t VALIDATE CONSTRAINT t_a_check")
    current = read_state(connection, SCOPE)

    wanted = adopt_names(read_models([metadata], connection, SCOPE), current)
    assert diff(current, wanted) == ()
    plain = read_models([table(sa.CheckConstraint("a > 0"))], connection, SCOPE)
    assert bool(diff(current, adopt_names(plain, current))) is not is_valid


def test_an_enum_that_a_type_of_the_app_names_stays(connection):
    """A column whose type only names an enumerated type keeps it in the database."""
    connection.exec_driver_sql("CREATE TYPE mood AS ENUM ('a')")
    metadata = column(Known("mood"))
    metadata.create_all(connection)
    current = read_state(connection, SCOPE)

    wanted = adopt_names(read_models([metadata], connection, SCOPE), current)
    assert diff(current, wanted) == ()


def test_an_enum_with_other_values_is_seen(connection):
    """Values of the models that the database lacks change the enum and nothing else."""
    column(sa.Enum("a", name="e"), server_default="a").create_all(connection)
    current = read_state(connection, SCOPE)
    metadata = column(sa.Enum("a", "b", name="e"), server_default="a")

    (change,) = diff(current, read_models([metadata], connection, SCOPE))
    assert (change.before.values, change.after.values) == (("a",), ("a", "b"))
    assert read_state(connection, SCOPE) == current


def test_two_enums_of_one_name_are_refused(connection):
    """Nobody can tell which of two value lists is meant."""
    metadata = column(sa.Enum("a", name="e"))
    sa.Table("u", metadata, sa.Column("a", sa.Enum("b", name="e")))
    with pytest.raises(ModelsError, match="Two enumerated types are called e"):
        read_models([metadata], connection, SCOPE)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        (column(Known("vector(3)")), ["t.a", "vector(3)", "CREATE EXTENSION"]),
        (column(sa.Integer, server_default="x"), ["t.a", "INTEGER", "invalid input"]),
        (column(sa.Text, server_default=sa.func.nobodys()), ["t.a", "nobodys"]),
        (table(sa.CheckConstraint("b > 0")), ["check (b > 0)", "t"]),
        (
            table(sa.Index("i", "b", postgresql_ops={"b": "x_ops"})),
            ["index i", "x_ops"],
        ),
        pytest.param(
            table(**stored(nonsense=1)),
            ["table t", "nonsense"],
            marks=pytest.mark.skipif(not TELLS_STORAGE, reason="models cannot say it"),
        ),
        (table(pg.ExcludeConstraint(("b", "&&"))), ["constraint (EXCLUDE", "of t"]),
    ],
    ids=["type", "default", "function", "check", "index", "table", "exclusion"],
)
def test_what_the_server_refuses_is_named(metadata, words, connection):
    """The error names the table and what of it, what the server says, what to do."""
    connection.exec_driver_sql("CREATE TABLE other.before ()")
    with pytest.raises(ModelsError) as caught:
        read_models([metadata], connection, SCOPE)
    told = str(caught.value)
    assert [word for word in words if word not in told] == []
    assert read_state(connection, SCOPE).tables  # the transaction goes on


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "AUTOCOMMIT"])
def test_nothing_is_left_and_nothing_disturbed(isolation, engine):
    """Neither a table nor a type nor a setting; and no transaction stays open."""
    metadata = column(sa.Enum("a", name="e"), sa.Sequence("s"))
    engine = engine.execution_options(isolation_level=isolation)
    with engine.connect() as connection:
        read_models([metadata], connection, SCOPE)
        read_state(connection, SCOPE)
        assert not connection.in_transaction()
        assert connection.scalar(sa.text("SHOW search_path")) == '"$user", public'
        left = "SELECT count(*) FROM pg_class WHERE relname LIKE '%whimbrel%'"
        assert connection.scalar(sa.text(left)) == 0
        assert not connection.scalar(sa.text("SELECT to_regtype('e') IS NOT NULL"))


def test_a_role_that_may_only_connect_and_make_temporary_tables_will_do(engine):
    """No other right is needed to read models, enumerated types among them."""
    metadata = column(sa.Enum("a", name="e"), server_default="a")
    metadata.create_all(engine)
    with as_role(engine, "TEMPORARY") as connection:
        current = read_state(connection, SCOPE)
        read = read_models([metadata], connection, SCOPE)
        new = read_models([column(sa.Enum("b", name="e"))], connection, SCOPE)
    metadata.drop_all(engine)
    assert read == current
    assert {each.values for each in new.enums} == {("b",)}


def test_a_role_that_may_make_no_temporary_tables_is_told(engine):
    """The error says which right is missing."""
    with as_role(engine) as connection, pytest.raises(NoTemporaryTables) as caught:
        read_models([column(sa.Text)], connection, SCOPE)
    assert "GRANT TEMPORARY" in caught.value.remedy


@contextmanager
def as_role(engine, *rights):
    """Yield a connection of a role with nothing but some *rights* on the database."""
    name = f"whimbrel_{engine.url.database[-12:]}"
    database = engine.url.database
    with engine.begin() as connection:
        for each in (
            f"REVOKE ALL ON DATABASE {database} FROM PUBLIC",
            f"CREATE ROLE {name}",
            *(f"GRANT {right} ON DATABASE {database} TO {name}" for right in rights),
        ):
            connection.exec_driver_sql(each)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"SET ROLE {name}")
            yield connection
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"REVOKE ALL ON DATABASE {database} FROM {name}")
            connection.exec_driver_sql(f"DROP ROLE {name}")


def test_names_follow_the_schemas_that_they_are_translated_to(connection):
    """Tables, types and sequences go where schema_translate_map sends them."""
    connection = connection.execution_options(schema_translate_map={"tenant": "other"})
    metadata = sa.MetaData(schema="tenant")
    sa.Table("t", metadata, sa.Column("a", sa.Enum("a", name="e"), server_default="a"))
    before = read_models([metadata], connection, SCOPE)
    metadata.create_all(connection)

    assert before == read_state(connection, SCOPE)
    assert read_models([metadata], connection, SCOPE) == before
    assert {str(each.name) for each in before.tables} == {"other.t"}


def test_what_lies_elsewhere_on_the_path_is_found_and_spelled_alike(connection):
    """A type that only the session's own search path finds is told with its schema."""
    connection.exec_driver_sql("SET LOCAL search_path = public, other")
    metadata = column(Known("cube"))
    metadata.create_all(connection)

    current = read_state(connection, SCOPE)
    assert read_models([metadata], connection, SCOPE) == current
    assert {
        each.type.spelling for table in current.tables for each in table.columns
    } == {"other.cube"}
    assert connection.scalar(sa.text("SHOW search_path")) == "public, other"


def test_a_check_that_is_said_twice_is_one(connection):
    """A script may hold one that speaks of a model's columns, which adds it again."""
    metadata = table(sa.CheckConstraint("a > 0", name="positive"))
    again = sa.CheckConstraint("a > 0", name="positive")
    metadata.tables["t"].append_constraint(again)
    (found,) = read_models([metadata], connection, SCOPE).tables
    assert [each.name for each in found.constraints] == ["positive"]


SAID = {
    "check": lambda name: sa.CheckConstraint("a > 1", name=name),
    "foreign key": lambda name: sa.ForeignKeyConstraint(["a"], ["of.a"], name),
}
AGAIN = [(None,) * 2, (None,) * 3, ("n", None), (None, "n"), ("o", None, "n")]


@pytest.mark.parametrize("names", AGAIN)
@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_what_models_say_again_without_a_name(connection, said, names):
    """A database that has it as often as models say is no other, nor one with less."""

    def models(names):
        metadata = table(sa.CheckConstraint("a < 9"), *map(said, names))
        sa.Table("of", metadata, sa.Column("a", sa.Integer, primary_key=True))
        return metadata

    assert_is_told(models(names), connection)
    models(names).drop_all(connection)
    named = [each for each in names if each]
    models(named or [None]).create_all(connection)
    current = read_state(connection, SCOPE)
    wanted = read_models([models(names)], connection, SCOPE)
    assert diff(current, adopt_names(wanted, current)) == ()
