"""Renames on MariaDB: each leads to the tables of create_all(), and back."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from generated_scripts import differences, generated
from mysql_cases import (
    ABOVE,
    INT,
    NOW,
    OWNER,
    A,
    S,
    col,
    fk,
    item,
    later,
    models,
    table,
)
from mysql_runs import emptied, ours, plain, tables
from whimbrel.errors import Unalterable


UPDATED = sa.text(f"{NOW} ON UPDATE {NOW}")


def renamed(*args, **kw):
    """Models with a column that is renamed."""
    return (
        (item(col("a", *args, **kw), col("z", INT)),),
        (item(col("b", *args, **kw), col("z", INT)),),
        "item.a:b",
    )


CASES = {
    "number": renamed(INT, server_default="5", nullable=False, comment="it's"),
    "moment": renamed(sa.DateTime(), server_default=UPDATED, nullable=False),
    "stamp": renamed(sa.TIMESTAMP(), server_default=UPDATED, nullable=False),
    "json": renamed(sa.JSON(), nullable=False),
    "enum": renamed(sa.Enum("x", "it's"), server_default="x"),
    "collation": renamed(sa.String(9, collation="utf8mb4_bin")),
    "computed": renamed(INT, later(sa.Computed, "z + 1", persisted=True)),
    "expression": renamed(sa.String(40), server_default=sa.text("(uuid())")),
    "zerofill": renamed(mysql.INTEGER(display_width=5, zerofill=True)),
    "indexed": renamed(S, index=True),
    "unique": renamed(S, unique=True),
    "key": (
        (table("item", col("id", INT, primary_key=True), key=False),),
        (table("item", col("no", INT, primary_key=True), key=False),),
        "item.id:no",
    ),
    "called like a function": (
        (item(A, col("abs", INT), col("z", INT, later(sa.Computed, "abs(a) + 1"))),),
        (item(A, col("b", INT), col("z", INT, later(sa.Computed, "abs(a) + 1"))),),
        "item.abs:b",
    ),
    "computed of it": (
        (item(A, col("z", INT, later(sa.Computed, "a + 1"))),),
        (item(col("b", INT), col("z", INT, later(sa.Computed, "b + 1"))),),
        "item.a:b",
    ),
    "check of it": (
        (item(A, later(sa.CheckConstraint, ABOVE, name="ck")),),
        (item(col("b", INT), later(sa.CheckConstraint, "b > 0", name="ck")),),
        "item.a:b",
    ),
    "two checks of it, and texts like it": (
        (
            item(
                col("a", S),
                col("c", sa.String(40), server_default="`a`"),
                later(sa.CheckConstraint, "a <> 'it''s `a` \\\\' and c <> 'a'"),
                later(sa.CheckConstraint, "length(a) > length(c)", name="ck"),
            ),
        ),
        (
            item(
                col("b", S),
                col("c", sa.String(40), server_default="`a`"),
                later(sa.CheckConstraint, "b <> 'it''s `a` \\\\' and c <> 'a'"),
                later(sa.CheckConstraint, "length(b) > length(c)", name="ck"),
            ),
        ),
        "item.a:b",
    ),
    "stored of it": (
        (item(A, col("z", INT, later(sa.Computed, "a + 1", persisted=True))),),
        (
            item(
                col("b", INT),
                col("z", INT, later(sa.Computed, "b + 1", persisted=True)),
            ),
        ),
        "item.a:b",
    ),
    "check without a name": (
        (item(A, later(sa.CheckConstraint, ABOVE)),),
        (item(col("b", INT), later(sa.CheckConstraint, "b > 0")),),
        "item.a:b",
    ),
    "check beside it": (
        (item(col("a", INT, later(sa.CheckConstraint, ABOVE))),),
        (item(col("b", INT, later(sa.CheckConstraint, "b > 0"))),),
        "item.a:b",
    ),
    "refers": (
        (OWNER, item(col("a", INT, fk("owner.id")))),
        (OWNER, item(col("b", INT, fk("owner.id")))),
        "item.a:b",
    ),
    "referred to": (
        (OWNER, item(col("a", INT, fk("owner.code")))),
        (
            table("owner", col("no", INT, unique=True), col("name", S)),
            item(col("a", INT, fk("owner.no"))),
        ),
        "owner.code:no",
    ),
    "case": (
        (item(col("userId", INT, index=True)),),
        (item(col("userid", INT, index=True)),),
        "item.userId:userid",
    ),
    "table": (
        (OWNER, item(col("a", INT, fk("owner.id")), col("z", INT, fk("owner.code")))),
        (
            OWNER,
            table(
                "word", col("a", INT, fk("owner.id")), col("z", INT, fk("owner.code"))
            ),
        ),
        "item:word",
    ),
    "table with more": (
        (OWNER, item(col("a", INT, fk("owner.id")), col("z", INT))),
        (
            OWNER,
            table("word", col("a", INT, fk("owner.id")), col("z", INT, fk("owner.id"))),
        ),
        "item:word",
    ),
    "table referred to": (
        (OWNER, item(col("a", INT, fk("owner.id")))),
        (
            table("boss", col("code", INT, unique=True), col("name", S)),
            item(col("a", INT, fk("boss.id"))),
        ),
        "owner:boss",
    ),
    "case of a table": (
        (OWNER, table("MegviiAsset", col("a", INT, fk("owner.id")))),
        (OWNER, table("megviiasset", col("a", INT, fk("owner.id")))),
        "MegviiAsset:megviiasset",
    ),
}


INDEXED = {
    "default of it": (
        (item(A, col("z", INT, server_default=sa.text("(a + 1)"))),),
        (item(col("b", INT), col("z", INT, server_default=sa.text("(b + 1)"))),),
        "item.a:b",
    ),
    "index over it": (
        (item(A, later(sa.Index, "ix", sa.text("(a + 1)"), "a")),),
        (item(col("b", INT), later(sa.Index, "ix", sa.text("(b + 1)"), "b")),),
        "item.a:b",
    ),
    "index over what is made of it": (
        (
            item(
                A,
                col("z", INT, later(sa.Computed, "a + 1")),
                later(
                    sa.Index, "ix", sa.text("(z + a)"), sa.text("id DESC"), unique=True
                ),
            ),
        ),
        (
            item(
                col("b", INT),
                col("z", INT, later(sa.Computed, "b + 1")),
                later(
                    sa.Index, "ix", sa.text("(z + b)"), sa.text("id DESC"), unique=True
                ),
            ),
        ),
        "item.a:b",
    ),
}
"""What only MySQL has."""


@pytest.mark.parametrize("runtime", [ours, plain])
@pytest.mark.parametrize(
    "case",
    [*CASES, *(pytest.param(e, marks=pytest.mark.only_on("mysql")) for e in INDEXED)],
)
def test_renames(mariadb, case, runtime):
    """Names change and nothing else does, also under plain Alembic."""
    before, after, *said = (CASES | INDEXED)[case]
    before, after = models(*before), models(*after)
    after.create_all(mariadb)
    mariadb.commit()
    wanted = tables(mariadb)
    emptied(mariadb)
    before.create_all(mariadb)
    mariadb.commit()
    first = tables(mariadb)
    script = generated(mariadb, after, *said)
    mariadb.commit()

    with runtime(mariadb):
        script.module.upgrade()

    assert differences(mariadb, script.wanted) == ()
    assert tables(mariadb) == wanted
    with runtime(mariadb):
        script.module.downgrade()
    assert differences(mariadb, script.current) == ()
    assert tables(mariadb) == first


PARTED = {
    "HASH (a) PARTITIONS 2": True,
    "KEY (a) PARTITIONS 2": True,
    "RANGE COLUMNS (a) (PARTITION z VALUES LESS THAN (10))": True,
    "RANGE (z) SUBPARTITION BY HASH (a) (PARTITION p VALUES LESS THAN (10))": True,
    "LIST (z) (PARTITION a VALUES IN (10))": False,
    "HASH (z) PARTITIONS 2": False,
}


@pytest.mark.only_on("mysql")
@pytest.mark.parametrize("parting", PARTED)
def test_what_parts_a_table_keeps_its_name(mariadb, parting):
    """MySQL refuses it; that is told before there is a script, and of no other column."""
    mariadb.exec_driver_sql(f"CREATE TABLE item (a int, z int) PARTITION BY {parting}")
    wanted = models(table("item", col("b", INT), col("z", INT), key=False))
    if PARTED[parting]:
        with pytest.raises(Unalterable, match=r"item\.a: .* partitioned by it"):
            generated(mariadb, wanted, "item.a:b")
        return
    script = generated(mariadb, wanted, "item.a:b")
    mariadb.commit()
    with ours(mariadb):
        script.module.upgrade()
    assert differences(mariadb, script.wanted) == ()
