"""Law: what rows forbid is found before it is tried, and nothing else is."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import ops
from sqlalchemy.dialects import mysql, postgresql

from whimbrel.catalog.read import read_state
from whimbrel.catalog.rows import fullness, has_nulls, has_rows
from whimbrel.checks.outlook import Foreseen, Foresight
from whimbrel.checks.preflight import preflight
from whimbrel.checks.rule import RULES, Severity, accepted_codes
from whimbrel.plan.spelled import Spelled
from whimbrel.run.runtime import Operations, owned_context
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import TableName


@pytest.fixture(params=["sqlite", "postgresql", "mariadb", "mysql"])
def connection(request, tmp_path):
    """A live database with a parent and a child table, and rows of all sorts."""
    url = f"sqlite:///{tmp_path}/app.db"
    if request.param != "sqlite":
        url = request.getfixturevalue(f"{request.param}_url")
    engine = sa.create_engine(url)
    metadata = sa.MetaData()
    parent = sa.Table("parent", metadata, sa.Column("id", sa.Integer, primary_key=True))
    child = sa.Table(
        "child",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(40)),
        sa.Column("number", sa.String(40)),
        sa.Column("parent_id", sa.Integer),
        sa.Column("clean", sa.Integer, nullable=False),
    )
    metadata.create_all(engine)
    with engine.connect() as connection:
        connection.execute(parent.insert(), [{"id": 1}])
        rows = [
            ("long enough to be cut", "1", 1, 1),
            ("twice", "two", 1, 2),
            ("twice", "3", 7, 3),
            (None, "4", None, 4),
        ]
        names = ["name", "number", "parent_id", "clean"]
        connection.execute(
            child.insert(), [dict(zip(names, row, strict=True)) for row in rows]
        )
        connection.commit()
        yield connection
    engine.dispose()


def found(connection, *operations, **facts):
    """What is found about operations that are pending, as (code, count) pairs."""
    foresight = Foresight(
        operations=tuple(Foreseen(operation=each) for each in operations)
    )
    state = read_state(connection, Scope())
    findings = preflight([replace(foresight, **facts)], state, connection)
    return [
        (each.code, each.count) for each in findings if not each.code.startswith("W2")
    ]


def altered(column, **said):
    return ops.AlterColumnOp("child", column, **said)


BAD = {
    "null": (altered("name", modify_nullable=False), ("W301", 1)),
    "duplicate": (ops.CreateUniqueConstraintOp("uq", "child", ["name"]), ("W302", 1)),
    "duplicate in an index": (
        ops.CreateIndexOp("ix", "child", ["parent_id"], unique=True),
        ("W302", 1),
    ),
    "orphan": (
        ops.CreateForeignKeyOp("fk", "child", "parent", ["parent_id"], ["id"]),
        ("W303", 1),
    ),
    "check": (ops.CreateCheckConstraintOp("ck", "child", "clean > 2"), ("W304", 2)),
    "dropped table": (ops.DropTableOp("child"), ("W101", 4)),
    "dropped column": (ops.DropColumnOp("child", "parent_id"), ("W102", 3)),
}
GOOD = {
    "no null": altered("clean", modify_nullable=False),
    "no duplicate": ops.CreateUniqueConstraintOp("uq", "child", ["clean"]),
    "no duplicate pair": ops.CreateUniqueConstraintOp("uq", "child", ["name", "clean"]),
    "check": ops.CreateCheckConstraintOp("ck", "child", "clean > 0"),
    "plain index": ops.CreateIndexOp("ix", "child", ["name"]),
    "nullable column": ops.AddColumnOp("child", sa.Column("new", sa.Integer)),
    "column with a default": ops.AddColumnOp(
        "child", sa.Column("new", sa.Integer, nullable=False, server_default="0")
    ),
    "longer": altered("name", modify_type=sa.String(50)),
}


@pytest.mark.parametrize(("operation", "expected"), BAD.values(), ids=BAD)
def test_what_rows_forbid_is_counted(connection, operation, expected):
    """Each danger is found with the number of its rows."""
    assert found(connection, operation) == [expected]


@pytest.mark.parametrize("operation", GOOD.values(), ids=GOOD)
def test_what_rows_allow_is_not_found(connection, operation):
    """There are no false alarms."""
    assert found(connection, operation) == []


def added(name="new", type_=None, *words, **said):
    return ops.AddColumnOp(
        "child", sa.Column(name, type_ or sa.Integer(), *words, **said)
    )


def default(type_, written):
    return added(type_=type_, server_default=sa.text(written))


WHOLE = postgresql.DOMAIN("whole", sa.Integer(), check="VALUE > 0")
FREE = postgresql.DOMAIN("free", sa.Integer())
STANDING = (
    "CREATE SEQUENCE counted", "CREATE SCHEMA app",
    "CREATE FUNCTION steady(a int) RETURNS int STABLE RETURN a",
    "CREATE FUNCTION app.\"Jumpy\"() RETURNS int AS 'BEGIN RETURN 3; END' LANGUAGE plpgsql",
    "CREATE DOMAIN whole AS int CHECK (VALUE > 0)", "CREATE DOMAIN free AS int",
)  # fmt: skip
BLOCKING = {
    "nothing": (added(), []),
    "one value": (added(server_default="7"), []),
    "one time": (added(type_=sa.DateTime(), server_default=sa.func.now()), []),
    "a value for each row": (
        added(type_=sa.Float(), server_default=sa.text("random()")),
        ["W202"],
    ),
    "one time, cut": (default(sa.DateTime(), "CURRENT_TIMESTAMP(3)"), []),
    "a cast": (default(sa.Numeric(10, 2), "CAST('1.5' AS NUMERIC(10,2))"), []),
    "a text that looks like a call": (default(sa.Text(), "'random()'::text"), []),
    "a time for each row": (default(sa.DateTime(), "clock_timestamp()"), ["W202"]),
    "a value of its own in a cast": (
        default(sa.Text(), 'CAST("gen_random_uuid"() AS text)'),
        ["W202"],
    ),
    "a number of a sequence": (default(sa.Integer(), "nextval('counted')"), ["W202"]),
    "a function of the user's, stable": (default(sa.Integer(), "steady(3)"), []),
    "a function of the user's": (default(sa.Integer(), 'app."Jumpy"()'), ["W202"]),
    "a domain": (default(WHOLE, "7"), ["W202"]),
    "a domain without a condition": (default(FREE, "7"), []),
    "identity": (added("new", None, sa.Identity()), ["W202"]),
    "serial": (added("new", Spelled("SERIAL"), nullable=False), ["W202"]),
    "generated": (
        added("new", None, sa.Computed("clean * 2", persisted=True)),
        ["W202"],
    ),
    "longer": (altered("name", modify_type=sa.String(50)), []),
    "another type": (altered("clean", modify_type=sa.BigInteger()), ["W202"]),
    "not null": (altered("clean", modify_nullable=False), ["W203"]),
    "check": (ops.CreateCheckConstraintOp("ck", "child", "clean > 0"), ["W203"]),
    "index": (ops.CreateIndexOp("ix", "child", ["clean"]), ["W201"]),
    "unique": (ops.CreateUniqueConstraintOp("uq", "child", ["clean"]), ["W201"]),
    "default": (altered("clean", modify_server_default="4"), []),
}


@pytest.mark.parametrize(("operation", "expected"), BLOCKING.values(), ids=BLOCKING)
@pytest.mark.parametrize("connection", ["postgresql"], indirect=True)
def test_what_writes_a_table_anew_is_said(connection, operation, expected):
    """PostgreSQL's own files tell which operations write all rows again."""
    for statement in STANDING:
        connection.exec_driver_sql(statement)
    foresight = Foresight(operations=(Foreseen(operation=operation),))
    state = read_state(connection, Scope())
    findings = preflight([foresight], state, connection)
    assert [each.code for each in findings] == expected
    file = sa.text("SELECT pg_relation_filenode('child')")
    before = connection.scalar(file)
    context = owned_context(MigrationContext.configure(connection))
    Operations(context).invoke(operation)
    assert (connection.scalar(file) != before) == ("W202" in expected)


def test_rows_without_a_value_for_a_new_column(connection):
    """MySQL and MariaDB invent a value, which is worse than a failure."""
    column = sa.Column("new", sa.Integer, nullable=False)
    code = "W309" if connection.dialect.name == "mysql" else "W308"

    assert found(connection, ops.AddColumnOp("child", column)) == [(code, 4)]


COUNTING = {
    "serial": sa.Column("new", Spelled("BIGSERIAL"), nullable=False),
    "key": sa.Column("new", sa.Integer, primary_key=True),
}


@pytest.mark.parametrize("column", COUNTING.values(), ids=COUNTING)
@pytest.mark.parametrize("connection", ["postgresql"], indirect=True)
def test_a_new_column_that_counts_by_itself(connection, column):
    """The server gives each row a number, so nothing fails, and the rows are numbered."""
    column = column._copy()
    key = ops.CreateUniqueConstraintOp("uq", "child", ["new"])

    assert found(connection, ops.AddColumnOp("child", column), key) == []
    context = owned_context(MigrationContext.configure(connection))
    Operations(context).invoke(ops.AddColumnOp("child", column))
    numbers = connection.scalars(sa.text("SELECT new FROM child ORDER BY new"))
    assert [*numbers] == [1, 2, 3, 4]


@pytest.mark.parametrize("connection", ["mariadb", "mysql"], indirect=True)
def test_several_values_of_a_set_are_not_too_long(connection):
    """A SET takes more than its longest value."""
    connection.exec_driver_sql("ALTER TABLE child ADD s SET('a', 'b', 'c')")
    connection.exec_driver_sql("UPDATE child SET s = 'a,c'")
    other = altered("s", modify_type=mysql.SET("x", "a", "c"))

    assert found(connection, other) == []
    context = owned_context(MigrationContext.configure(connection))
    Operations(context).invoke(other)
    assert connection.scalar(sa.text("SELECT DISTINCT s FROM child")) == "a,c"


def test_a_number_stays_what_it_is_under_a_wider_type(connection):
    """So what comes behind the new type is asked as well."""
    wider = altered("parent_id", modify_type=sa.BigInteger())
    narrower = altered("clean", modify_type=sa.SmallInteger())
    key = ops.CreateForeignKeyOp("fk", "child", "parent", ["parent_id"], ["id"])
    other = ops.CreateForeignKeyOp("fk", "child", "parent", ["clean"], ["id"])

    assert found(connection, wider, key) == [("W303", 1)]
    assert found(connection, narrower, other) == []


ALTERED = {
    "MODIFY `id` int NOT NULL, DROP PRIMARY KEY, ADD PRIMARY KEY (`parent_id`)": [
        ("W301", 1),
        ("W302", 1),
    ],
    "CHANGE `name` `n` varchar(40) NULL, DROP PRIMARY KEY, ADD PRIMARY KEY (`id`, `n`)": [
        ("W301", 1)
    ],
    "MODIFY `number` int NOT NULL": [("W306", 1)],
    "MODIFY `name` varchar(40) NULL, DROP PRIMARY KEY, ADD PRIMARY KEY (`clean`)": [],
}


@pytest.mark.parametrize(("clauses", "expected"), ALTERED.items(), ids=range(4))
@pytest.mark.parametrize("connection", ["mariadb", "mysql"], indirect=True)
def test_what_a_statement_of_several_clauses_alters(connection, clauses, expected):
    """The rows are asked as if each clause were an operation, and those behind it too."""
    alter = ops.ExecuteSQLOp(f"ALTER TABLE `child` {clauses}")
    child = ops.AlterColumnOp("child", "clean", modify_nullable=False)

    assert sorted(found(connection, alter, child)) == expected


@pytest.mark.parametrize("connection", ["mariadb"], indirect=True)
def test_a_statement_that_breaks_off_is_not_understood(connection):
    """What the server will say of it comes at the run."""
    whole = "ALTER TABLE `child` CHANGE `name` `n` int NOT NULL, ADD PRIMARY KEY (`id`)"
    places = [match.end() for match in re.finditer(r"\W|\w+", whole[:-1])]
    broken = [whole[:end] for end in places]
    more = ["ADD PRIMARY KEY ()", "MODIFY `name` foo(", "MODIFY `name` '"]
    broken += [f"ALTER TABLE child {each}" for each in more]

    assert len(broken) > 20
    for text in broken:
        found(connection, ops.ExecuteSQLOp(text))


def test_values_that_a_type_does_not_take(connection):
    """SQLite takes any value in any column; the others refuse."""
    shorter = altered("name", modify_type=sa.String(10))
    number = altered(
        "number", modify_type=sa.Integer(), postgresql_using="number::integer"
    )
    expected = {
        "sqlite": ([], []),
        "postgresql": ([("W305", 1)], [("W306", 1)]),
        "mysql": ([("W305", 1)], [("W306", 1)]),
    }[connection.dialect.name]

    assert (found(connection, shorter), found(connection, number)) == expected


def test_rows_that_a_script_mends_first_are_not_asked(connection):
    """Who can tell what they will be like?"""
    mend = ops.ExecuteSQLOp("UPDATE child SET name = 'x' WHERE name IS NULL")

    assert found(connection, mend, altered("name", modify_nullable=False)) == []


def test_values_that_were_copied_are_not_lost(connection):
    """A column that a statement reads before is dropped in peace."""
    copy = ops.ExecuteSQLOp("UPDATE child SET number = parent_id")

    assert found(connection, copy, ops.DropColumnOp("child", "parent_id")) == []
    assert found(connection, copy, ops.DropColumnOp("child", "name")) == [("W102", 3)]


def test_a_renamed_thing_is_asked_by_its_name_of_today(connection):
    """The operations speak of names that the database does not know yet."""
    pending = [
        ops.RenameTableOp("child", "kid"),
        ops.AlterColumnOp("kid", "name", modify_name="title"),
        ops.AlterColumnOp("kid", "title", modify_nullable=False),
        ops.DropTableOp("kid"),
    ]

    assert found(connection, *pending) == [("W301", 1), ("W101", 4)]


def test_what_was_accepted_is_silent(connection):
    """A comment beside the operation, or above it, is a yes."""
    source = "def upgrade():\n    # accepted: W101\n    op.drop_table('child')\n"
    pending = (Foreseen(operation=ops.DropTableOp("child"), line=3),)

    assert found(connection, source=source, operations=pending) == []
    assert accepted_codes(source, 1) == frozenset()
    assert found(connection, operations=pending) == [("W101", 4)]


def test_the_transaction_goes_on(connection):
    """A question that cannot be carried out leaves no trace in the run."""
    connection.execute(sa.text("UPDATE child SET clean = 9 WHERE id = 1"))
    nonsense = ops.CreateCheckConstraintOp("ck", "child", "nosuch(clean) > 2")

    assert found(connection, nonsense) == []
    count = connection.scalar(sa.text("SELECT count(*) FROM child WHERE clean = 9"))
    assert count == 1


def test_numbers_that_a_type_cannot_hold(connection):
    """A number too great is found before a server that refuses it is asked."""
    connection.execute(sa.text("UPDATE child SET clean = 40000 WHERE clean = 2"))
    connection.commit()
    smaller = altered("clean", modify_type=sa.SmallInteger())
    exact = altered("clean", modify_type=sa.Numeric(6, 2))
    same = altered("clean", modify_type=sa.Numeric(9, 2))
    codes = {
        kind: [code for code, _ in found(connection, operation)]
        for kind, operation in (("small", smaller), ("exact", exact), ("same", same))
    }
    refused = [] if connection.dialect.name == "sqlite" else ["W306"]

    assert codes == {"small": refused, "exact": refused, "same": []}


def test_a_check_beside_a_new_column(connection):
    """What the check does not name has nothing to do with it."""
    new = ops.AddColumnOp("child", sa.Column("new", sa.Integer))
    asked = ops.CreateCheckConstraintOp("ck", "child", "clean > 2")
    unasked = ops.CreateCheckConstraintOp("ck", "child", "new > 2")

    assert found(connection, new, asked) == [("W304", 2)]
    assert found(connection, new, unasked) == []


def test_a_new_column_that_is_closed_in_a_step_of_its_own(connection):
    """It is empty unless a default or a statement fills it."""
    new = sa.Column("new", sa.Integer)
    full = sa.Column("new", sa.Integer, server_default="0")
    closed = altered("new", modify_nullable=False)
    filled = ops.ExecuteSQLOp("UPDATE child SET new = 1")

    assert found(connection, ops.AddColumnOp("child", new), closed) == [("W308", 4)]
    assert found(connection, ops.AddColumnOp("child", full), closed) == []
    assert found(connection, ops.AddColumnOp("child", new), filled, closed) == []


def test_what_a_statement_reaches_by_a_foreign_key_is_not_asked(connection):
    """Rows go with those that they refer to; who can tell which stay?"""
    connection.execute(sa.text("UPDATE child SET parent_id = NULL WHERE id = 3"))
    key = ops.CreateForeignKeyOp(
        "fk", "child", "parent", ["parent_id"], ["id"], ondelete="CASCADE"
    )
    operations = Operations(owned_context(MigrationContext.configure(connection)))
    operations.invoke(key)
    connection.commit()
    gone = ops.ExecuteSQLOp("DELETE FROM parent")
    unique = ops.CreateUniqueConstraintOp("uq", "child", ["name"])

    assert found(connection, unique) == [("W302", 1)]
    assert found(connection, gone, unique) == []


@pytest.mark.parametrize("call", ["SELECT mend_all()", "CALL mend_all()"])
def test_what_a_function_does_nobody_knows(connection, call):
    """It may have mended the rows."""
    unique = ops.CreateUniqueConstraintOp("uq", "child", ["name"])

    assert found(connection, ops.ExecuteSQLOp(call), unique) == []
    assert found(connection, ops.ExecuteSQLOp("SELECT 1"), unique) == [("W302", 1)]


def test_a_check_that_a_value_breaks_off(connection):
    """PostgreSQL refuses to divide by zero, in the query as in the run."""
    check = ops.CreateCheckConstraintOp("ck", "child", "10 / (clean - 1) < 5")
    expected = {"sqlite": 2, "mysql": 2, "postgresql": 0}[connection.dialect.name]

    assert found(connection, check) == [("W304", expected)]


SLOW = {
    "sqlite": "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT"
    " 9000000) SELECT count(*) FROM n) < clean",
    "postgresql": "pg_sleep(9) IS NULL",
    "mysql": "sleep(9) > clean",
}


def test_nobody_waits_for_an_answer(connection):
    """It is said that the rows were not asked, and the run goes on."""
    check = ops.CreateCheckConstraintOp("ck", "child", SLOW[connection.dialect.name])
    foresight = Foresight(operations=(Foreseen(operation=check),))
    state = read_state(connection, Scope())
    key = ops.CreateUniqueConstraintOp("uq", "child", ["name"])

    findings = preflight([foresight], state, connection, patience=0.1)

    [late] = [each for each in findings if each.severity is not Severity.BLOCKS]
    assert (late.code, late.is_certain_failure) == ("W401", False)
    assert late.query.startswith("SELECT child.id FROM child")
    assert found(connection, key) == [("W302", 1)]


def test_what_the_rows_of_a_table_tell(connection):
    """Nobody knows where the server does not answer."""
    nowhere = TableName("nowhere")

    assert has_rows(connection, TableName("child")) is True
    assert has_nulls(connection, TableName("child"), "clean") is False
    assert has_nulls(connection, TableName("child"), "name") is True
    assert str(fullness(connection, TableName("child"), "name")) == (
        "a value in 3 of the 4 rows"
    )
    assert has_rows(connection, nowhere) is None
    assert fullness(connection, nowhere, "name") is None


def test_the_guide_tells_every_rule():
    """Each code stands there with its title and with what becomes of the run."""
    words = {
        Severity.FAILS: "stops",
        Severity.LOSES: "loss",
        Severity.BLOCKS: "others wait",
        Severity.BREAKS: "goes on",
        Severity.UNKNOWN: "goes on",
    }
    guide = Path(__file__).parents[2] / "docs" / "guide-runs.md"
    told = [
        line for line in guide.read_text().splitlines() if re.match(r"\| W\d", line)
    ]

    assert told == [
        f"| {code} | {rule.title} | {words[rule.severity]} |"
        for code, rule in RULES.items()
    ]
