"""What can happen to the models of an app on MySQL or MariaDB, each by itself."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql


def models(*tables):
    """MetaData of tables, each a function of it."""
    metadata = sa.MetaData()
    for table in tables:
        table(metadata)
    return metadata


def item(*things, **options):
    """A table called item."""
    return table("item", *things, **options)


def table(name, *things, key=True, **options):
    def made(metadata):
        own = [sa.Column("id", sa.Integer, primary_key=True)] if key else []
        sa.Table(name, metadata, *own, *(each() for each in things), **options)

    return made


def col(*args, **kw):
    return lambda: sa.Column(*(a() if isinstance(a, Later) else a for a in args), **kw)


class Later:
    """Something that SQLAlchemy attaches, so that it is made anew each time."""

    def __init__(self, kind, *args, **kw):
        self.make = lambda: kind(*args, **kw)

    def __call__(self):
        return self.make()


def fk(*args, **kw):
    return Later(sa.ForeignKey, *args, **kw)


def later(kind, *args, **kw):
    return Later(kind, *args, **kw)


INT, S = sa.Integer(), sa.String(20)
A = col("a", INT)
OWNER = table("owner", col("code", INT, unique=True), col("name", S))
NOW = "CURRENT_TIMESTAMP"
ABOVE = "a > 0"


def column(*args, **kw):
    return (item(col("a", *args, **kw), col("z", INT)),)


CASES = {
    "type": (column(INT), column(sa.BigInteger())),
    "text": (column(S), column(sa.Text())),
    "longer": (column(S, nullable=False), column(sa.String(80), nullable=False)),
    "unsigned": (column(INT), column(mysql.INTEGER(unsigned=True))),
    "zerofill": (column(mysql.INTEGER(display_width=5, zerofill=True)), column(INT)),
    "enum": (
        column(sa.Enum("b", "a", "it's")),
        column(sa.Enum("b", "c", "a", "it's"), server_default="c"),
    ),
    "set": (column(mysql.SET("a", "b")), column(mysql.SET("a", "b", "c"))),
    "decimal": (column(sa.Numeric(8, 2)), column(sa.Numeric(10, 4))),
    "double": (column(sa.Float()), column(sa.Double())),
    "fraction": (column(sa.DateTime()), column(mysql.DATETIME(fsp=6))),
    "bool": (column(sa.Boolean()), column(sa.SmallInteger())),
    "json": (column(sa.JSON()), column(sa.Text())),
    "blob": (column(sa.LargeBinary()), column(mysql.LONGBLOB())),
    "year": (column(mysql.YEAR()), column(sa.Integer())),
    "bit": (column(mysql.BIT(3)), column(mysql.BIT(5))),
    "not null": (column(INT), column(INT, nullable=False)),
    "default": (column(S, server_default="x"), column(S, server_default="it's \\ %")),
    "default gone": (column(INT, server_default="5", comment="c"), column(INT)),
    "only a default gone": (column(S, server_default="x"), column(S)),
    "default in parentheses": (
        (item(col("a", S), col("b", sa.Text()), col("c", sa.JSON())),),
        (
            item(
                col("a", S, server_default=sa.text("('x')")),
                col("b", sa.Text(), server_default=sa.text("('it''s')")),
                col("c", sa.JSON(), server_default=sa.text("('[]')"), nullable=False),
            ),
        ),
    ),
    "default expression": (
        column(sa.String(40), server_default=sa.text("(uuid())"), nullable=False),
        column(sa.String(40), server_default=sa.text("(concat('a:b', '%'))")),
    ),
    "on update": (
        column(sa.DateTime(), server_default=sa.text(NOW)),
        column(sa.DateTime(), server_default=sa.text(f"{NOW} ON UPDATE {NOW}")),
    ),
    "on update without default": (
        column(sa.DateTime()),
        column(sa.DateTime(), server_default=sa.text(f"NULL ON UPDATE {NOW}")),
    ),
    "timestamp": (
        column(sa.TIMESTAMP(), server_default=sa.text(NOW), nullable=False),
        column(sa.TIMESTAMP(), nullable=True),
    ),
    "comment": (column(INT, comment="it's: 5% \\"), column(INT, nullable=False)),
    "collation": (
        column(sa.String(20, collation="utf8mb4_bin")),
        column(sa.String(20, collation="latin1_swedish_ci"), comment="x"),
    ),
    "collation gone": (column(sa.String(20, collation="utf8mb4_bin")), column(S)),
    "counting": (
        (
            table(
                "item", col("id", INT, primary_key=True, autoincrement=False), key=False
            ),
        ),
        (table("item", col("id", INT, primary_key=True), key=False),),
    ),
    "counting, longer": (
        (item(A),),
        (table("item", col("id", sa.BigInteger(), primary_key=True), A, key=False),),
    ),
    "key changed": (
        (
            table(
                "item",
                col("a", INT, primary_key=True),
                col("b", INT, primary_key=True),
                key=False,
            ),
        ),
        (
            table(
                "item",
                col("a", INT, primary_key=True, autoincrement=True),
                col("b", INT),
                key=False,
            ),
        ),
    ),
    "key on another column": (
        (item(col("b", S, nullable=False)),),
        (
            table(
                "item",
                col("id", INT, nullable=False),
                col("b", S, primary_key=True),
                key=False,
            ),
        ),
    ),
    "key column new": (
        (table("item", col("b", S, primary_key=True), key=False),),
        (item(col("b", S, nullable=False)),),
    ),
    "no key": (
        (table("item", col("a", INT, primary_key=True), key=False),),
        (table("item", col("a", INT, nullable=False), key=False),),
    ),
    "computed": (
        column(INT, Later(sa.Computed, "z + 1", persisted=True)),
        column(INT, Later(sa.Computed, "z + 2", persisted=False)),
    ),
    "computed comment": (
        column(INT, Later(sa.Computed, "z + 1", persisted=True)),
        column(INT, Later(sa.Computed, "z + 1", persisted=True), comment="c"),
    ),
    "computed to plain": (
        column(INT, Later(sa.Computed, "z + 1", persisted=False)),
        column(INT),
    ),
    "plain to computed": (
        column(INT),
        column(INT, Later(sa.Computed, "z + 1", persisted=True)),
    ),
    "index": (column(INT), column(INT, index=True)),
    "index renamed": (
        (item(A, later(sa.Index, "ix_one", "a")),),
        (item(A, later(sa.Index, "ix_two", "a")),),
    ),
    "index prefix": (
        (
            item(
                col("a", S),
                later(sa.Index, "ix_a", "a", mysql_length=5, mariadb_length=5),
            ),
        ),
        (
            item(
                col("a", S),
                later(sa.Index, "ix_a", "a", mysql_length=9, mariadb_length=9),
            ),
        ),
    ),
    "index descending": (
        (item(A, later(sa.Index, "ix_a", sa.text("a DESC"))),),
        (item(A, later(sa.Index, "ix_a", "a")),),
    ),
    "fulltext": (
        column(sa.Text()),
        (
            item(
                col("a", sa.Text()),
                col("z", INT),
                later(
                    sa.Index,
                    "ft",
                    "a",
                    mysql_prefix="FULLTEXT",
                    mariadb_prefix="FULLTEXT",
                ),
            ),
        ),
    ),
    "unique": (column(S), column(S, unique=True)),
    "unique becomes an index": (
        column(S, unique=True),
        column(S, unique=True, index=True),
    ),
    "unique named": (
        (item(A, later(sa.UniqueConstraint, "a", name="uq_one")),),
        (item(A, later(sa.UniqueConstraint, "a", name="uq_two")),),
    ),
    "unique of one more": (
        (item(A, col("z", INT), later(sa.UniqueConstraint, "a")),),
        (
            item(
                A,
                col("z", INT),
                later(sa.UniqueConstraint, "a"),
                later(sa.UniqueConstraint, "a", "z"),
            ),
        ),
    ),
    "unique wider": (
        (item(A, col("z", INT), later(sa.UniqueConstraint, "a", name="uq")),),
        (item(A, col("z", INT), later(sa.UniqueConstraint, "a", "z", name="uq")),),
    ),
    "check": (
        (item(A, later(sa.CheckConstraint, "a > 0", name="ck")),),
        (item(A, later(sa.CheckConstraint, "a > 1", name="ck")),),
    ),
    "check unnamed": (
        column(INT),
        (item(A, col("z", INT), later(sa.CheckConstraint, "a <> z")),),
    ),
    "check in a column": (
        column(INT, Later(sa.CheckConstraint, "a > 0")),
        column(sa.BigInteger(), Later(sa.CheckConstraint, "a > 0"), comment="x"),
    ),
    "check of a column gone": (
        column(INT, Later(sa.CheckConstraint, "a > 0")),
        column(INT),
    ),
    "check in a column of a new table": (
        (),
        column(INT, Later(sa.CheckConstraint, ABOVE)),
    ),
    "check in a column comes": (
        column(INT),
        column(INT, Later(sa.CheckConstraint, ABOVE), nullable=False),
    ),
    "check in a new column": (
        (item(A),),
        (item(A, col("b", INT, Later(sa.CheckConstraint, "b <> ':c' AND b < a"))),),
    ),
    "check in a new column without NULL": (
        (item(A),),
        (item(A, col("b", S, Later(sa.CheckConstraint, "b <> ''"), nullable=False)),),
    ),
    "check in a new column of two": (
        (item(A),),
        (item(A, col("b", INT, Later(sa.CheckConstraint, "b < c")), col("c", INT)),),
    ),
    "check in a column of another": (
        (item(A),),
        (item(A, col("b", INT, Later(sa.CheckConstraint, ABOVE))),),
    ),
    "check in a column becomes another": (
        (item(A, col("b", INT, Later(sa.CheckConstraint, ABOVE))),),
        (item(A, col("b", INT, Later(sa.CheckConstraint, "b > 7"))),),
    ),
    "check in a column with JSON": (
        column(sa.JSON()),
        column(sa.JSON(), Later(sa.CheckConstraint, "json_length(a) > 0")),
    ),
    "check in a computed column": (
        column(INT),
        column(INT, Later(sa.Computed, "z + 1"), Later(sa.CheckConstraint, ABOVE)),
    ),
    "fk": ((OWNER, item(A)), (OWNER, item(col("a", INT, fk("owner.id"))))),
    "fk named": (
        (OWNER, item(A)),
        (OWNER, item(col("a", INT, fk("owner.id", name="fk_a")))),
    ),
    "fk action": (
        (OWNER, item(col("a", INT, fk("owner.id")))),
        (OWNER, item(col("a", INT, fk("owner.id", ondelete="CASCADE")))),
    ),
    "fk gets an index": (
        (OWNER, item(col("a", INT, fk("owner.id", name="fk_a")))),
        (OWNER, item(col("a", INT, fk("owner.id", name="fk_a"), index=True))),
    ),
    "fk and its index go": (
        (OWNER, item(col("a", INT, fk("owner.id", name="fk_a"), index=True))),
        (OWNER, item(A)),
    ),
    "fk column goes": (
        (OWNER, item(A, col("b", INT, fk("owner.id"), index=True))),
        (OWNER, item(A)),
    ),
    "fk index wider": (
        (
            OWNER,
            item(
                col("a", INT, fk("owner.id")), col("z", INT), later(sa.Index, "ix", "a")
            ),
        ),
        (
            OWNER,
            item(
                col("a", INT, fk("owner.id")),
                col("z", INT),
                later(sa.Index, "ix", "a", "z"),
            ),
        ),
    ),
    "fk retyped": (
        (
            table("owner", col("code", INT, unique=True)),
            item(col("a", INT, fk("owner.code"))),
        ),
        (
            table("owner", col("code", sa.BigInteger(), unique=True)),
            item(col("a", sa.BigInteger(), fk("owner.code"))),
        ),
    ),
    "fk key retyped": (
        (table("owner", col("name", S)), item(col("a", INT, fk("owner.id")))),
        (
            table(
                "owner",
                col("id", sa.BigInteger(), primary_key=True),
                col("name", S),
                key=False,
            ),
            item(col("a", sa.BigInteger(), fk("owner.id"))),
        ),
    ),
    "fk to another column": (
        (OWNER, item(col("a", INT, fk("owner.id")))),
        (OWNER, item(col("a", INT, fk("owner.code")))),
    ),
    "fk to itself": (
        (item(A),),
        (item(col("a", INT, fk("item.id", name="fk_self"))),),
    ),
    "circle": (
        (item(A),),
        (
            item(col("a", INT, fk("other.id", name="fk_there"))),
            table("other", col("b", INT, fk("item.id", name="fk_back"))),
        ),
    ),
    "circle without names": (
        (),
        (
            item(col("a", INT, fk("other.id"))),
            table("other", col("b", INT, fk("item.id"))),
        ),
    ),
    "circle comes": (
        (
            item(A),
            table("other", col("b", INT), col("c", INT, fk("item.id", name="fk_c"))),
        ),
        (
            item(col("a", INT, fk("other.id"))),
            table(
                "other",
                col("b", INT, fk("item.id")),
                col("c", INT, fk("item.id", name="fk_c")),
            ),
        ),
    ),
    "fks retyped": (
        (
            table("owner", col("name", S)),
            item(col("a", INT, fk("owner.id")), col("z", INT, fk("owner.id"))),
        ),
        (
            table("owner", col("id", sa.BigInteger(), primary_key=True), key=False),
            item(
                col("a", sa.BigInteger(), fk("owner.id")),
                col("z", sa.BigInteger(), fk("owner.id")),
                col("b", sa.BigInteger(), fk("owner.id")),
            ),
        ),
    ),
    "circle gone": (
        (
            item(col("a", INT, fk("other.id", name="fk_there"))),
            table("other", col("b", INT, fk("item.id", name="fk_back"))),
        ),
        (item(A),),
    ),
    "column comes": (
        column(INT),
        (item(A, col("z", INT), col("b", S, nullable=False)),),
    ),
    "tables": ((OWNER,), (table("other", col("b", S)),)),
    "comment of table": ((item(A, comment="it's"),), (item(A),)),
    "engine": ((item(A),), (item(A, mysql_engine="MyISAM", mariadb_engine="MyISAM"),)),
    "row format": (
        (item(A, mysql_row_format="COMPACT", mariadb_row_format="COMPACT"),),
        (item(A, mysql_row_format="DYNAMIC", mariadb_row_format="DYNAMIC"),),
    ),
    "collation of table": (
        (
            item(
                col("a", S),
                col("t", sa.Text()),
                mysql_collate="latin1_bin",
                mariadb_collate="latin1_bin",
            ),
        ),
        (
            item(
                col("a", S),
                col("t", sa.Text()),
                mysql_collate="utf8mb4_unicode_ci",
                mariadb_collate="utf8mb4_unicode_ci",
            ),
        ),
    ),
    "collation of table gone": (
        (
            item(
                col("a", S),
                col("t", sa.Text()),
                mysql_collate="latin1_bin",
                mariadb_collate="latin1_bin",
            ),
        ),
        (item(col("a", S), col("t", sa.Text())),),
    ),
}

MARIADB_ONLY = {
    "check in a new column",
    "check in a new column of two",
    "check in a column of another",
    "check in a column becomes another",
}
"""Where a check in a column speaks of another column: MySQL refuses such models."""


def marked(cases, only, others=None):
    """Cases for a parameter; those named in *only* are for one server.

    *Others* are further marks of cases.
    """
    marks = {case: [pytest.mark.only_on(server)] for case, server in only.items()}
    for case, mark in (others or {}).items():
        marks.setdefault(case, []).append(mark)
    return [pytest.param(case, marks=marks.get(case, [])) for case in cases]


FOR_ALL = marked(CASES, dict.fromkeys(MARIADB_ONLY, "mariadb"))
