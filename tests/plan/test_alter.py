"""What is done to a table that stays: each difference as operations, there and back."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from plan_telling import told
from whimbrel.plan.build import build
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.diff import diff
from whimbrel.schema.state import (
    Check,
    Column,
    Computed,
    Expression,
    ForeignKey,
    Index,
    IndexPart,
    Naming,
    Option,
    PrimaryKey,
    State,
    Table,
    TableName,
    Type,
    Unique,
)


SQLITE = Dialect("sqlite")
POSTGRESQL = Dialect("postgresql")


def e(text):
    return Expression(text, text)


def options(**said):
    return frozenset(Option(name, value) for name, value in said.items())


def plan_of(before, after, dialect=SQLITE):
    """The plan that leads from one table (or nothing) to another."""
    current, wanted = (
        State(frozenset(filter(None, tables))) for tables in ([before], [after])
    )
    return build(diff(current, wanted), current, wanted, dialect)


def table(*things, **said):
    columns = [each for each in things if isinstance(each, Column)]
    columns = [replace(each, position=n) for n, each in enumerate(columns)]
    return Table(
        name=TableName("item"),
        columns=tuple(columns),
        indexes=frozenset(each for each in things if isinstance(each, Index)),
        constraints=frozenset(
            each for each in things if not isinstance(each, Column | Index)
        ),
        **said,
    )


def index(name, *columns, **said):
    parts = tuple(IndexPart(column=each) for each in columns)
    return Index(**{"name": name, "parts": parts, **said})


INTEGER, VARCHAR = Type("INTEGER"), Type("VARCHAR(20)")
A = Column(name="a", type=INTEGER)
B = Column(name="b", type=VARCHAR)
TWICE = Computed(expression=e("a * 2"), is_stored=False)
THRICE = Computed(expression=e("a * 3"), is_stored=False)
C = Column(name="c", type=INTEGER, computed=TWICE)
PK = PrimaryKey(name="pk_item", columns=("a",))
UQ = Unique(name="uq_item_a", columns=("a",))
UNNAMED = Unique(name="uq_item_b", columns=("b",), naming=Naming.NONE)
CK = Check(name="ck_item_a", expression=e("a > 0"))
FK = ForeignKey(
    name="fk_item_a_other",
    columns=("a",),
    target=TableName("other"),
    target_columns=("id",),
)
NAMING = {
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
}
UNNAMED_UQ = "naming_convention=" + str({"uq": NAMING["uq"]})
UNNAMED_PK = "naming_convention=" + str({"pk": NAMING["pk"]})


def unnamed(*names):
    return "table_kwargs=" + str({"info": {"unnamed": list(names)}})


CASES = {
    "a column comes": (
        table(A), table(A, B),
        ["alter item", "  add b VARCHAR(length=20)"],
        ["alter item", "  drop b"],
    ),
    "columns come in their order, generated ones last": (
        table(A), table(A, C, B),
        ["alter item", "  add b VARCHAR(length=20)", "  add c INTEGER()"],
        ["alter item", "  drop c", "  drop b"],
    ),
    "a longer string": (
        table(B), table(replace(B, type=Type("VARCHAR(30)"))),
        ["alter item", "  alter b: type=VARCHAR(length=30)"],
        ["alter item", "  alter b: type=VARCHAR(length=20)"],
    ),
    "a collation": (
        table(B), table(replace(B, collation="NOCASE")),
        ["alter item", "  alter b: type=VARCHAR(length=20, collation='NOCASE')"],
        ["alter item", "  alter b: type=VARCHAR(length=20)"],
    ),
    "nullability": (
        table(A), table(replace(A, nullable=False)),
        ["alter item", "  alter a: nullable=False"],
        ["alter item", "  alter a: nullable=True"],
    ),
    "a default": (
        table(B), table(replace(B, default=e("'it''s'"))),
        ["alter item", "  alter b: default=\"it's\""],
        ["alter item", "  alter b: default=None"],
    ),
    "a default that is an expression": (
        table(replace(B, default=e("'x' || ':y'"))),
        table(replace(B, default=e("CURRENT_TIMESTAMP"))),
        ["alter item", "  alter b: default='CURRENT_TIMESTAMP'"],
        ["alter item", r"  alter b: default=" + repr(r"('x' || '\:y')")],
    ),
    "a comment": (
        table(A), table(replace(A, comment="why")),
        ["alter item", "  alter a: comment='why'"],
        ["alter item", "  alter a: comment=None"],
    ),
    "a comment of the table": (
        table(A), table(A, comment="why"),
        ["alter item", "  comment why"],
        ["alter item", "  no comment"],
    ),
    "what happens on a NULL": (
        table(replace(A, nullable=False)),
        table(replace(A, nullable=False, options=options(not_null_on_conflict="FAIL"))),
        ["alter item",
         "  alter a: nullable=False, sqlite_on_conflict_not_null='FAIL'"],
        ["alter item", "  alter a: nullable=False, sqlite_on_conflict_not_null=None"],
    ),
    "a generated column's expression, and what stands on it": (
        table(A, C, index("ix", "c"), index("other", "a")),
        table(A, replace(C, computed=THRICE), index("ix", "c"), index("other", "a")),
        ["alter item", "  drop index ix on item", "  drop c", "  add c INTEGER()",
         "  create index ix on item"],
        ["alter item", "  drop index ix on item", "  drop c", "  add c INTEGER()",
         "  create index ix on item"],
    ),
    "an unnamed unique constraint": (
        table(B), table(B, UNNAMED),
        [f"alter item {unnamed('uq_item_b')}", "  add unique uq_item_b"],
        [f"alter item {UNNAMED_UQ}", "  drop unique uq_item_b"],
    ),
    "an unnamed constraint gets a name": (
        table(B, UNNAMED), table(B, replace(UNNAMED, naming=Naming.GIVEN)),
        [f"alter item {UNNAMED_UQ}", "  drop unique uq_item_b",
         "  add unique uq_item_b"],
        [f"alter item {unnamed('uq_item_b')}", "  drop unique uq_item_b",
         "  add unique uq_item_b"],
    ),
    "an unnamed check is found by its name, not by a convention": (
        table(A, replace(CK, naming=Naming.NONE)), table(A),
        ["alter item", "  drop check ck_item_a"],
        [f"alter item {unnamed('ck_item_a')}", "  add check ck_item_a: a > 0"],
    ),
    "an unnamed primary key is replaced": (
        table(A, B, replace(PK, naming=Naming.NONE)),
        table(A, B, replace(PK, columns=("b",), naming=Naming.NONE)),
        [f"alter item {unnamed('pk_item')}", "  add primary pk_item"],
        [f"alter item {unnamed('pk_item')}", "  add primary pk_item"],
    ),
    "a named primary key is dropped by its name": (
        table(A, B, PK), table(A, B, replace(PK, columns=("b",))),
        ["alter item", "  drop primary pk_item", "  add primary pk_item"],
        ["alter item", "  drop primary pk_item", "  add primary pk_item"],
    ),
    "a primary key goes": (
        table(A, replace(PK, naming=Naming.NONE)), table(A),
        [f"alter item {UNNAMED_PK}", "  drop primary pk_item"],
        [f"alter item {unnamed('pk_item')}", "  add primary pk_item"],
    ),
    "everything at once": (
        table(A), table(A, replace(B, nullable=False), PK, UQ, CK, FK, index("ix", "b")),
        ["alter item", "  add b VARCHAR(length=20)", "  add primary pk_item",
         "  add unique uq_item_a", "  add check ck_item_a: a > 0",
         "  create index ix on item", "  add foreignkey fk_item_a_other to other"],
        ["alter item", "  drop foreignkey fk_item_a_other", "  drop index ix on item",
         "  drop check ck_item_a", "  drop unique uq_item_a", "  drop primary pk_item",
         "  drop b"],
    ),
    "an index of more than columns stands beside the batch": (
        table(A, index("ix", parts=(IndexPart(column="a", descending=True),))),
        table(A, B, index("ix", parts=(IndexPart(expression=e("abs(a)")),))),
        ["drop index ix on item", "alter item", "  add b VARCHAR(length=20)",
         "create index ix on item"],
        ["drop index ix on item", "alter item", "  drop b", "create index ix on item"],
    ),
    "the options of a table": (
        table(A, options=options(without_rowid="on")),
        table(A, options=options(strict="on")),
        ["alter item recreate=always "
         "table_kwargs={'sqlite_strict': True, 'sqlite_with_rowid': True}"],
        ["alter item recreate=always "
         "table_kwargs={'sqlite_strict': False, 'sqlite_with_rowid': False}"],
    ),
    "a table comes with its indexes": (
        None, table(A, B, PK, UNNAMED, FK, CK, index("ix", "b")),
        ["create table item (a, b, primary pk_item, unique, "
         "foreignkey fk_item_a_other, check ck_item_a)", "create index ix on item"],
        ["drop table item"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_difference_is_told_as_operations(case):
    """Each difference has its operations, and the way back has those that undo them."""
    before, after, upgrade, downgrade = CASES[case]

    plan = plan_of(before, after)

    assert told(plan.upgrade) == upgrade
    assert told(plan.downgrade) == downgrade


@pytest.mark.parametrize("case", CASES)
def test_the_way_back_is_planned_as_the_way_there(case):
    """The downgrade of a plan is the upgrade of the plan that leads back."""
    before, after, _, _ = CASES[case]

    there, back = plan_of(before, after), plan_of(after, before)

    assert told(there.downgrade) == told(back.upgrade)
    assert told(there.upgrade) == told(back.downgrade)


@pytest.mark.parametrize("case", CASES)
def test_every_step_knows_its_changes(case):
    """Steps serve changes, and no change is forgotten."""
    before, after, _, _ = CASES[case]
    current, wanted = (
        State(frozenset(filter(None, tables))) for tables in ([before], [after])
    )

    plan = build(changes := diff(current, wanted), current, wanted, SQLITE)

    assert {each for step in plan.upgrade for each in step.changes} == set(changes)
    assert all(step.changes and step.in_transaction for step in plan.upgrade)


def test_a_generated_column_that_becomes_plain_keeps_its_values():
    """
    A plain column takes the values of a generated one before that goes, then its
    name; what the column shall say is said when the values are there.
    """
    plain = replace(C, computed=None, nullable=False, default=e("'7'"))
    index_ = index("ix_c", "c")
    plan = plan_of(table(A, C, index_), table(A, plain, index_))

    assert told(plan.upgrade) == [
        "alter item",
        "  add c_values INTEGER()",
        "UPDATE item SET c_values = c",
        "alter item",
        "  drop index ix_c on item",
        "  drop c",
        "  alter c_values: nullable=False, name='c', default='7'",
        "alter item",
        "  create index ix_c on item",
    ]
    assert [step.loses for step in plan.upgrade] == [(), (), (), ()]
    assert told(plan.downgrade)[-3:] == [
        "  drop c",
        "  add c INTEGER()",
        "  create index ix_c on item",
    ]
    assert [step.loses for step in plan.downgrade] == [plan.downgrade[0].changes]


def test_generated_columns_go_before_what_they_are_made_from():
    """One that is made from another goes first and comes last, wherever it stands."""
    other = replace(
        C, name="b", computed=Computed(expression=e("c + 1"), is_stored=False)
    )
    plan = plan_of(table(other, C, A), table(A, replace(C, computed=None)))
    assert told(plan.upgrade)[3:] == [
        "alter item",
        "  drop b",
        "  drop c",
        "  alter c_values: name='c'",
    ]

    plan = plan_of(table(A), table(other, C, A))
    assert told(plan.upgrade)[1:] == ["  add c INTEGER()", "  add b INTEGER()"]
    assert told(plan.downgrade)[1:] == ["  drop b", "  drop c"]


def test_what_is_made_from_a_replaced_column_comes_again():
    """A generated column, and what stands on it, waits for what it is made from."""
    other = replace(B, computed=Computed(expression=e("c + 1"), is_stored=False))
    on_it = index("ix_b", "b")
    before, after = (
        table(A, C, other, on_it),
        table(A, replace(C, computed=THRICE), other, on_it),
    )

    assert told(plan_of(before, after).upgrade) == [
        "alter item",
        "  drop index ix_b on item",
        "  drop b",
        "  drop c",
        "  add c INTEGER()",
        "  add b VARCHAR(length=20)",
        "  create index ix_b on item",
    ]
    otherwise = table(
        A, replace(C, computed=THRICE), replace(other, type=INTEGER), on_it
    )
    assert told(plan_of(before, otherwise).upgrade)[4:] == [
        "  add c INTEGER()",
        "  add b INTEGER()",
        "  create index ix_b on item",
    ]
    plain = table(A, replace(C, computed=None), other, on_it)
    assert told(plan_of(before, plain).upgrade)[3:] == [
        "alter item",
        "  drop index ix_b on item",
        "  drop b",
        "  drop c",
        "  alter c_values: name='c'",
        "alter item",
        "  add b VARCHAR(length=20)",
        "  create index ix_b on item",
    ]


def test_what_keeps_the_values_has_a_name_that_is_free():
    """The column that keeps values takes no other column's name."""
    other = replace(B, name="c_values")
    plan = plan_of(table(A, C, other), table(A, replace(C, computed=None)))

    assert told(plan.upgrade)[:3] == [
        "alter item",
        "  add c_values_1 INTEGER()",
        "UPDATE item SET c_values_1 = c",
    ]


def test_a_table_is_never_without_a_column():
    """Where all columns go, the new ones come first."""
    plan = plan_of(table(A), table(B, C))

    assert told(plan.upgrade) == [
        "alter item",
        "  add b VARCHAR(length=20)",
        "  drop a",
        "  add c INTEGER()",
    ]


def test_a_check_on_a_column_with_a_quote_in_its_name_goes_along():
    """What speaks of a column is found however its name is quoted."""
    column = replace(A, name='a"b')
    check = Check(name="ck", expression=e('"a""b" > 0'))
    plan = plan_of(
        table(B, column, check), table(B, replace(column, computed=TWICE), check)
    )

    assert told(plan.upgrade) == [
        "alter item",
        "  drop check ck",
        '  drop a"b',
        '  add a"b INTEGER()',
        '  add check ck: "a""b" > 0',
    ]


def test_a_generated_column_that_goes_loses_nothing():
    """A generated column has no values of its own."""
    (step,) = plan_of(table(A, C), table(A)).upgrade

    assert step.loses == ()


def test_where_there_is_alter_the_primary_key_is_dropped_first():
    """Only a database that makes the table anew replaces a key without a drop."""
    unnamed_key = replace(PK, naming=Naming.NONE)

    plan = plan_of(
        table(A, B, unnamed_key),
        table(A, B, replace(unnamed_key, columns=("b",))),
        POSTGRESQL,
    )

    assert [line.strip().split(" pk")[0] for line in told(plan.upgrade)[1:]] == [
        "drop primary",
        "add primary",
    ]


class Money(sa.TypeDecorator):
    """A type of an app that makes its own check."""

    impl = sa.Boolean(create_constraint=True, name="ck_money")
    cache_ok = True

    def __repr__(self):
        return "Money()"


def test_a_check_that_a_type_makes_is_not_written_beside_it():
    """The type makes the check where its column comes; dropping it has its line."""
    paid = Column(name="paid", type=Type("BOOLEAN", Money()))
    check = Check(name="ck_money", expression=e("paid IN (0, 1)"), of_type=True)

    whole = plan_of(None, table(A, paid, check))
    part = plan_of(table(A), table(A, paid, check))

    assert told(whole.upgrade) == ["create table item (a, paid)"]
    assert told(part.upgrade) == ["alter item", "  add paid Money()"]
    assert told(part.downgrade) == [
        "alter item",
        "  drop check ck_money",
        "  drop paid",
    ]


def test_a_column_is_altered_from_what_the_database_says():
    """What was there is told by its spelling, so that the app's type may be gone."""
    paid = Column(
        name="paid", type=Type("BOOLEAN", Money()), nullable=False, default=e("0")
    )
    plan = plan_of(table(paid), table(replace(paid, type=INTEGER)))

    (operation,) = plan.upgrade[0].operation.ops

    assert repr(operation.existing_type) == "BOOLEAN()"
    assert operation.existing_nullable is False
    assert operation.existing_server_default.arg.text == "0"
    assert operation.modify_nullable is None
    assert operation.modify_server_default is False


def test_dropped_things_can_be_made_again_by_a_hook():
    """Alembic's ``reverse()`` works on what we drop, as hooks expect."""
    before = table(A, B, UQ, FK, index("ix", "b", where=e("b > 0")))
    plan = plan_of(before, table(A))
    (drop,) = plan_of(before, None).upgrade

    kinds = [type(each.reverse()).__name__ for each in plan.upgrade[0].operation.ops]

    assert kinds == [
        "CreateForeignKeyOp",
        "CreateIndexOp",
        "CreateUniqueConstraintOp",
        "AddColumnOp",
    ]
    assert drop.operation.reverse().to_table().c.keys() == ["a", "b"]
    assert plan.upgrade[0].operation.as_diffs()


def test_what_shares_its_name_comes_again():
    """A script drops by name, so all of that name go, and who stays comes again."""
    checks = [Check(name="kind", expression=e(f"{each} in (1)")) for each in "ab"]
    plan = plan_of(table(A, B, *checks), table(A, checks[0]))

    assert told(plan.upgrade) == [
        "alter item",
        "  drop check kind",
        "  drop check kind",
        "  drop b",
        "  add check kind: a in (1)",
    ]


@pytest.mark.parametrize("option", ["strict", "without_rowid"])
def test_a_column_stays_closed_when_the_key_does_not_close_it(option):
    """
    In such a table the columns of the key take no NULL, whatever they say; one that
    leaves the key, or is in it when the table becomes an ordinary one, must say so.
    """
    closed = [replace(each, nullable=False) for each in (A, B)]
    before = table(
        *closed, replace(PK, columns=("a", "b")), options=options(**{option: "on"})
    )
    narrower = replace(before, constraints=frozenset([PK]))
    ordinary = replace(before, options=frozenset())

    assert "  alter b: nullable=False" in told(plan_of(before, narrower).upgrade)
    assert told(plan_of(before, ordinary).upgrade)[1:] == [
        "  alter a: nullable=False",
        "  alter b: nullable=False",
    ]
    assert told(plan_of(before, ordinary).downgrade)[1:] == []
