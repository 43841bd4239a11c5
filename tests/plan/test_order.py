"""In which order tables are made, altered and dropped."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from alembic.operations import ops
from hypothesis import given

from plan_telling import told
from schema_states import states_of_tables
from whimbrel.plan.build import build
from whimbrel.plan.step import TableOps
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.changes import ColumnChange, TableChange
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.diff import diff
from whimbrel.schema.renames import ColumnRename, TableRename, rename_all
from whimbrel.schema.state import (
    NO_OPTIONS,
    Column,
    ForeignKey,
    Index,
    IndexPart,
    PrimaryKey,
    State,
    Table,
    TableName,
    Type,
    Unique,
)


SQLITE, POSTGRESQL = Dialect("sqlite"), Dialect("postgresql")


def table(name, *targets, columns=("id",), things=(), indexes=()):
    """A table whose column ``id`` refers to the ``id`` of each target."""
    keys = {
        ForeignKey(
            name=f"fk_{name}_{target}",
            columns=("id",),
            target=TableName(target),
            target_columns=("id",),
        )
        for target in targets
    }
    return Table(
        name=TableName(name),
        columns=tuple(Column(name=each, type=Type("INTEGER")) for each in columns),
        constraints=frozenset(keys | set(things)),
        indexes=frozenset(
            Index(name=each, parts=(IndexPart(column="id"),)) for each in indexes
        ),
    )


def plan_of(before, after, dialect=SQLITE):
    current, wanted = State(frozenset(before)), State(frozenset(after))
    return build(diff(current, wanted), current, wanted, dialect)


def short(steps):
    return [line.split(" (")[0] for line in told(steps)]


def test_a_table_is_made_after_those_it_refers_to():
    """Tables come in the order of their foreign keys, and go in the other one."""
    plan = plan_of([], [table("a", "b"), table("b", "c"), table("c"), table("d", "d")])

    assert short(plan.upgrade) == [f"create table {name}" for name in "cbad"]
    assert short(plan.downgrade) == [f"drop table {name}" for name in "abcd"]


def test_a_circle_of_keys_is_written_inline_on_sqlite():
    """SQLite takes a key to a table that is not there yet, and so do its tables."""
    plan = plan_of([], [table("a", "b"), table("b", "a")])

    assert told(plan.upgrade) == [
        "create table a (id, foreignkey fk_a_b)",
        "create table b (id, foreignkey fk_b_a)",
    ]
    assert told(plan.downgrade) == ["drop table a", "drop table b"]


def test_a_circle_of_keys_is_opened_where_there_is_alter():
    """One key of the circle is added after the tables, and dropped before them."""
    plan = plan_of([], [table("a", "b"), table("b", "a")], POSTGRESQL)

    assert told(plan.upgrade) == [
        "create table a (id)",
        "create table b (id, foreignkey fk_b_a)",
        "alter a",
        "  add foreignkey fk_a_b to b",
    ]
    assert told(plan.downgrade) == [
        "alter b",
        "  drop foreignkey fk_b_a",
        "drop table a",
        "drop table b",
    ]


def test_a_key_goes_before_its_target_and_comes_after_it():
    """A foreign key never refers to a table that is not there."""
    plan = plan_of([table("a", "old"), table("old")], [table("a", "new"), table("new")])

    assert short(plan.upgrade) == [
        "create table new",
        "alter a",
        "  drop foreignkey fk_a_old",
        "  add foreignkey fk_a_new to new",
        "drop table old",
    ]


def test_a_table_waits_for_the_column_that_it_refers_to():
    """What refers to a new column or key of a table comes after its alteration."""
    code = Unique(name="uq_b_code", columns=("code",))
    key = ForeignKey(
        name="fk", columns=("id",), target=TableName("b"), target_columns=("code",)
    )
    plan = plan_of(
        [table("b")],
        [table("a", things=[key]), table("b", columns=("id", "code"), things=[code])],
    )

    assert short(plan.upgrade) == [
        "alter b",
        "  add code INTEGER()",
        "  add unique uq_b_code",
        "create table a",
    ]
    assert short(plan.downgrade) == [
        "drop table a",
        "alter b",
        "  drop unique uq_b_code",
        "  drop code",
    ]


def test_a_table_goes_before_another_takes_its_name():
    """Databases that do not tell cases apart must see the one go first."""
    plan = plan_of([table("Item")], [table("item")])

    assert short(plan.upgrade) == ["drop table Item", "create table item"]
    assert short(plan.downgrade) == ["drop table item", "create table Item"]


def test_an_index_goes_before_another_table_takes_its_name():
    """The name of an index is unique in the whole schema."""
    plan = plan_of([table("b", indexes=["ix"])], [table("a", indexes=["ix"])])

    assert short(plan.upgrade) == [
        "drop index ix on b",
        "create table a",
        "create index ix on a",
        "drop table b",
    ]


def test_a_key_is_lifted_while_what_it_stands_on_is_made_anew():
    """A foreign key that stays cannot hold up a new primary key of its target."""
    old = PrimaryKey(name="pk_old", columns=("id",))
    plan = plan_of(
        [table("a", "b"), table("b", things=[old])],
        [table("a", "b"), table("b", things=[replace(old, name="pk_new")])],
        Dialect("mssql"),
    )

    assert told(plan.upgrade) == [
        "alter a",
        "  drop foreignkey fk_a_b",
        "alter b",
        "  drop primary pk_old",
        "  add primary pk_new",
        "alter a",
        "  add foreignkey fk_a_b to b",
    ]


def test_renames_come_first_and_are_undone_last():
    """What follows a rename speaks of the new name, there and back."""
    current = State(frozenset({table("a"), table("b", "a")}))
    wanted = State(
        frozenset(
            {table("c", columns=("key", "more")), table("b", "c", indexes=["ix"])}
        )
    )
    renames = [
        TableRename(before=TableName("a"), after=TableName("c")),
        ColumnRename(table=TableName("c"), before="id", after="key"),
    ]
    changes, renamed = rename_all(current, renames)
    changes += diff(renamed, wanted)

    plan = build(changes, current, wanted, SQLITE)

    assert [type(each) for each in changes[:2]] == [TableChange, ColumnChange]
    assert told(plan.upgrade)[:3] == [
        "rename table a to c",
        "alter c",
        "  alter id: name='key'",
    ]
    assert told(plan.downgrade)[-3:] == [
        "alter c",
        "  alter key: name='id'",
        "rename table c to a",
    ]
    assert "  add more INTEGER()" in told(plan.upgrade)


def sound(state):
    """A state whose keys have targets, without options that only strategies know."""
    there = {each.name for each in state.tables}

    def bare(each):
        return replace(
            each,
            options=NO_OPTIONS,
            columns=tuple(replace(c, options=NO_OPTIONS) for c in each.columns),
            constraints=frozenset(
                constraint
                for constraint in each.constraints
                if not isinstance(constraint, ForeignKey) or constraint.target in there
            ),
        )

    return State(frozenset(map(bare, state.tables)))


@given(states_of_tables(), states_of_tables())
def test_no_key_ever_refers_to_what_is_not_there(current, wanted):
    """At every moment of a plan, each foreign key has its target."""
    current = adopt_names(sound(current), State())
    wanted = adopt_names(sound(wanted), current)
    plan = build(diff(current, wanted), current, wanted, POSTGRESQL)

    for steps, state in [(plan.upgrade, current), (plan.downgrade, wanted)]:
        targets = {
            table.name.name: {
                key.name: key.target.name
                for key in table.constraints
                if isinstance(key, ForeignKey)
            }
            for table in state.tables
        }
        for step in steps:
            inner = [step.operation]
            if isinstance(step.operation, TableOps):
                inner = step.operation.ops
            for operation in inner:
                happen(operation, targets)
                for name, keys in targets.items():
                    missing = set(keys.values()) - targets.keys()
                    assert not missing, (name, told(steps))


def happen(operation, targets):
    """Carry an operation out on a dict of tables, their keys and targets."""
    match operation:
        case ops.CreateTableOp():
            targets[operation.table_name] = {
                each.name: each.elements[0].target_fullname.split(".")[0]
                for each in operation.columns
                if each.__visit_name__ == "foreign_key_constraint"
            }
        case ops.DropTableOp():
            del targets[operation.table_name]
        case ops.RenameTableOp():  # its name is taken; what refers to it follows
            old, new = operation.table_name, operation.new_table_name
            targets[new] = targets.pop(old)
            for keys in targets.values():
                keys.update({key: new for key, name in keys.items() if name == old})
        case ops.CreateForeignKeyOp():
            keys = targets[operation.source_table]
            keys[operation.constraint_name] = operation.referent_table
        case ops.DropConstraintOp(constraint_type="foreignkey"):
            del targets[operation.table_name][operation.constraint_name]


@given(states_of_tables(), states_of_tables())
def test_every_pair_of_states_has_a_plan(current, wanted):
    """A plan serves all changes, both ways, and there is none where nothing differs."""
    wanted = adopt_names(wanted, current)
    changes = diff(current, wanted)

    plan = build(changes, current, wanted, SQLITE)

    assert bool(plan.upgrade) == bool(plan.downgrade) == bool(spoken_of(changes))
    # a column that is replaced also stands there by halves: it goes, it comes
    assert {each for step in plan.upgrade for each in step.changes} >= spoken_of(
        changes
    )
    assert build((), current, current, SQLITE).upgrade == ()


def spoken_of(changes):
    """All changes but those of tables where only options of our strategies differ."""
    alone = {
        each.table
        for each in changes
        if not isinstance(each, TableChange) and type(each).__name__ != "FactsChange"
    }
    return {
        each
        for each in changes
        if type(each).__name__ != "FactsChange" or each.table in alone
    }


SCRIPT = """
import sys
sys.path[:0] = {path!r}
from test_order import SQLITE, POSTGRESQL, plan_of, short, table, told
names = "abcdefgh"
before = [table(n, *names[:i]) for i, n in enumerate(names)]
after = [table(n, names[-1 - i % 8], indexes=[f"ix_{{n}}", f"iy_{{n}}"])
         for i, n in enumerate(names[2:] + "xyz")]
for dialect in (SQLITE, POSTGRESQL):
    plan = plan_of(before, after, dialect)
    print(*told(plan.upgrade), *told(plan.downgrade), sep="\\n")
"""


def test_a_plan_does_not_depend_on_the_hash_seed():
    """The same states give the same plan in every process."""
    here = Path(__file__).parent
    paths = [str(here), str(here.parent), str(here.parents[1] / "src")]

    first, second = (
        subprocess.run(
            [sys.executable, "-c", SCRIPT.format(path=paths)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "7")
    )

    assert first == second
    assert "create table" in first
