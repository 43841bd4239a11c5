"""The laws of script/render.py: plain Alembic, complete, and good to read."""

import textwrap

import pytest
import sqlalchemy as sa
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations import MigrateOperation, ops
from sqlalchemy.sql.elements import conv

from whimbrel.plan.spelled import Spelled
from whimbrel.plan.step import BatchOptions, TableOps
from whimbrel.script.render import render


@pytest.fixture
def context():
    """
    Make the context of a project on SQLite, with options of its env.py.
    """
    engine = sa.create_engine("sqlite://")
    connection = engine.connect()

    def make(**options):
        found = MigrationContext.configure(
            connection, opts={"render_as_batch": True, **options}
        )
        for name, value in DEFAULTS.items():
            found.opts.setdefault(name, value)
        return AutogenContext(found, autogenerate=False)

    yield make
    connection.close()
    engine.dispose()


DEFAULTS = {
    "sqlalchemy_module_prefix": "sa.",
    "alembic_module_prefix": "op.",
    "user_module_prefix": None,
    "render_item": None,
}


def written(context, *operations):
    return render(ops.UpgradeOps(list(operations)), ops.DowngradeOps([]), context)


def column(name, type_=None, *more, **said):
    return sa.Column(name, type_ or sa.Integer(), *more, **said)


def batch(*operations, **options):
    return TableOps("item", list(operations), batch=BatchOptions(**options))


UNIQUE = ops.CreateUniqueConstraintOp(conv("uq_item_a"), "item", ["a"])
DROP = ops.DropConstraintOp("uq_item_a", "item", "unique")

STATEMENTS = {
    "nothing": ([], "pass"),
    "a table": (
        [
            ops.CreateTableOp(
                "item",
                [
                    column("id", nullable=False),
                    column("a", sa.String(9), server_default="it's 'so'"),
                    column("b", sa.DateTime(), server_default=sa.text("a \\:b % 1")),
                    column("c", sa.Integer(), sa.Computed(sa.text("a || '\\:x'"))),
                    column("d", Spelled("VARYING CHARACTER(255)")),
                    sa.PrimaryKeyConstraint("id", sqlite_on_conflict="IGNORE"),
                    sa.CheckConstraint(sa.text("a != '\\:b'"), name=conv("ck_a")),
                    sa.ForeignKeyConstraint(["a"], ["user.id"], ondelete="CASCADE"),
                ],
                sqlite_autoincrement=True,
            )
        ],
        """
        op.create_table(
            "item",
            sa.Column("id", sa.Integer(), nullable=False),
            sa.Column("a", sa.String(length=9), server_default="it's 'so'", nullable=True),
            sa.Column(
                "b", sa.DateTime(), server_default=sa.text("a \\\\:b % 1"), nullable=True
            ),
            sa.Column("c", sa.Integer(), sa.Computed("a || '\\\\:x'"), nullable=True),
            sa.Column("d", VaryingCharacter_255(), nullable=True),
            sa.CheckConstraint("a != '\\\\:b'", name=op.f("ck_a")),
            sa.ForeignKeyConstraint(["a"], ["user.id"], ondelete="CASCADE"),
            sa.PrimaryKeyConstraint("id", sqlite_on_conflict="IGNORE"),
            sqlite_autoincrement=True,
        )
        """,
    ),
    "a block": (
        [batch(ops.AddColumnOp("item", column("b"))), ops.DropTableOp("other")],
        """
        with op.batch_alter_table("item", schema=None) as batch_op:
            batch_op.add_column(sa.Column("b", sa.Integer(), nullable=True))

        op.drop_table("other")
        """,
    ),
    "a block that leaves a constraint without a name": (
        [batch(UNIQUE, unnamed=("uq_item_a",))],
        """
        with op.batch_alter_table(
            "item", schema=None, table_kwargs={"info": {"unnamed": ["uq_item_a"]}}
        ) as batch_op:
            batch_op.create_unique_constraint(batch_op.f("uq_item_a"), ["a"])
        """,
    ),
    "a block that finds a constraint without a name": (
        [batch(DROP, naming_convention={"uq": "uq_%(table_name)s_%(column_0_name)s"})],
        """
        with op.batch_alter_table(
            "item",
            schema=None,
            naming_convention={"uq": "uq_%(table_name)s_%(column_0_name)s"},
        ) as batch_op:
            batch_op.drop_constraint("uq_item_a", type_="unique")
        """,
    ),
    "a block about the table as a whole": (
        [batch(recreate="always", table_kwargs={"sqlite_strict": True})],
        """
        with op.batch_alter_table(
            "item", schema=None, recreate="always", table_kwargs={"sqlite_strict": True}
        ) as batch_op:
            pass
        """,
    ),
    "an altered column": (
        [
            batch(
                ops.AlterColumnOp(
                    "item",
                    "a",
                    existing_type=sa.String(9),
                    modify_type=sa.String(99),
                    modify_nullable=False,
                    modify_server_default=sa.text("CURRENT_TIMESTAMP"),
                    sqlite_on_conflict_not_null="IGNORE",
                )
            )
        ],
        """
        with op.batch_alter_table("item", schema=None) as batch_op:
            batch_op.alter_column(
                "a",
                existing_type=sa.String(length=9),
                server_default=sa.text("CURRENT_TIMESTAMP"),
                type_=sa.String(length=99),
                nullable=False,
                sqlite_on_conflict_not_null="IGNORE",
            )
        """,
    ),
    "a primary key": (
        [batch(ops.CreatePrimaryKeyOp(conv("pk"), "item", ["a", "b"]))],
        """
        with op.batch_alter_table("item", schema=None) as batch_op:
            batch_op.create_primary_key(batch_op.f("pk"), ["a", "b"])
        """,
    ),
    "a primary key that says what happens on a conflict": (
        [
            batch(
                ops.CreatePrimaryKeyOp(
                    conv("pk"), "item", ["a", "b"], sqlite_on_conflict="FAIL"
                ),
                recreate="always",
            )
        ],
        """
        with op.batch_alter_table(
            "item",
            schema=None,
            recreate="always",
            table_args=(
                sa.PrimaryKeyConstraint(
                    "a", "b", name=op.f("pk"), sqlite_on_conflict="FAIL"
                ),
            ),
        ) as batch_op:
            pass
        """,
    ),
    "a table gets another name": (
        [
            ops.RenameTableOp("item", "thing"),
            ops.RenameTableOp("item", "thing", schema="aux"),
        ],
        """
        op.rename_table("item", "thing")
        op.rename_table("item", "thing", schema="aux")
        """,
    ),
    "a statement": (
        [ops.ExecuteSQLOp("UPDATE item SET a = 'it''s \\:b'")],
        """
        op.execute("UPDATE item SET a = 'it''s \\\\:b'")
        """,
    ),
    "comments": (
        [
            ops.CreateTableCommentOp("item", "why", existing_comment="how"),
            ops.DropTableCommentOp("item", existing_comment="why"),
            batch(ops.CreateTableCommentOp("item", "why")),
        ],
        """
        op.create_table_comment("item", "why", existing_comment="how", schema=None)
        op.drop_table_comment("item", existing_comment="why", schema=None)

        with op.batch_alter_table("item", schema=None) as batch_op:
            batch_op.create_table_comment("why", existing_comment=None)
        """,
    ),
    "indexes": (
        [
            ops.CreateIndexOp(
                conv("ix"),
                "item",
                [sa.text("lower(a)"), "b"],
                unique=True,
                sqlite_where=sa.text("a > 1"),
            ),
            ops.DropIndexOp("iy", "item"),
        ],
        """
        op.create_index(
            op.f("ix"),
            "item",
            [sa.literal_column("lower(a)"), "b"],
            unique=True,
            sqlite_where=sa.text("a > 1"),
        )
        op.drop_index("iy", table_name="item")
        """,
    ),
}


@pytest.mark.parametrize(
    ("operations", "expected"), STATEMENTS.values(), ids=STATEMENTS
)
def test_operations_are_written_like_this(context, operations, expected):
    """
    Every operation becomes what a person would write.
    """
    body = written(context(), *operations)

    assert textwrap.dedent(expected).strip("\n") == body.upgrades
    assert "pass" == body.downgrades


def test_a_type_without_a_name_comes_with_its_class(context):
    """
    What a script carries of its own is handed over beside its imports.
    """
    body = written(
        context(), batch(ops.AddColumnOp("item", column("a", Spelled("ODD(1)"))))
    )

    [text] = body.preamble
    assert text.startswith("class Odd_1(UserDefinedType):")
    assert {"from sqlalchemy.types import UserDefinedType"} == body.imports


PLAIN = {
    "plain operations": ((UNIQUE,), {}, "op.create_unique_constraint("),
    "a table that must be made anew": (
        (),
        {"recreate": "always", "table_kwargs": {"sqlite_strict": True}},
        "with op.batch_alter_table(",
    ),
    "what SQLite cannot do without": (
        (UNIQUE,),
        {"unnamed": ("uq_item_a",)},
        "with op.batch_alter_table(",
    ),
}


@pytest.mark.parametrize(("operations", "options", "start"), PLAIN.values(), ids=PLAIN)
def test_without_batch_mode_a_block_is_written_only_where_needed(
    context, operations, options, start
):
    """
    A project that does not want blocks gets them where nothing else would do.
    """
    plain = context(render_as_batch=False)

    assert written(plain, batch(*operations, **options)).upgrades.startswith(start)


def test_the_projects_hook_comes_first(context):
    """
    render_item writes what it wants, adds imports, and leaves the rest to us.
    """

    def render_item(kind, thing, autogen_context):
        if kind == "type" and isinstance(thing, sa.String):
            autogen_context.imports.add("import mine")
            return f"mine.Text({thing.length})"
        return False

    given = context(render_item=render_item)
    body = written(given, ops.AddColumnOp("item", column("a", sa.String(9))))

    assert 'op.add_column("item", sa.Column("a", mine.Text(9), nullable=True))' == (
        body.upgrades
    )
    assert {"import mine"} == body.imports == given.imports


def test_the_projects_prefixes_are_written(context):
    """
    Names begin as the project's template imports them.
    """
    given = context(alembic_module_prefix="o.", sqlalchemy_module_prefix="sqla.")

    body = written(given, ops.AddColumnOp("item", column("a")), batch(DROP))

    assert 'o.add_column("item", sqla.Column("a", sqla.Integer(), nullable=True))' in (
        body.upgrades
    )
    assert "with o.batch_alter_table(" in body.upgrades


def test_operations_of_other_packages_are_written_by_them(context):
    """
    What is registered with Alembic is asked, blocks and all.
    """

    class MakeView(MigrateOperation):
        pass

    @renderers.dispatch_for(MakeView)
    def _(autogen_context, operation):
        autogen_context.imports.add("import views")
        return ["with views.there():", "op.make_view('v')", "", "op.done()"]

    body = written(context(), MakeView())

    assert body.upgrades == ('with views.there():\n    op.make_view("v")\n\nop.done()')
    assert {"import views"} == body.imports
