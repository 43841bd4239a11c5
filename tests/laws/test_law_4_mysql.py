"""Law 4 on MariaDB and MySQL: a generated script leads to the models, and back, rows and all."""

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql

from conftest import SOAK
from drawing import Drawing
from generated_scripts import differences, generated
from mysql_runs import emptied, ours, plain


TABLES = ["item", "Order", "näher", "per%cent"]
NUMBERS = [sa.Integer(), sa.BigInteger(), sa.Numeric(12, 2), sa.Double()]
TEXTS = [sa.String(20), sa.String(50), mysql.VARCHAR(20, collation="utf8mb4_bin")]
MOMENTS = [sa.DateTime(), mysql.DATETIME(fsp=3), sa.TIMESTAMP()]
KINDS = [sa.Enum("a", "b"), sa.Enum("b", "a", "it's"), sa.String(9)]
NOW = "CURRENT_TIMESTAMP"
UPDATED = sa.text(f"{NOW} ON UPDATE {NOW}")
GROUPS = {
    "select": (NUMBERS, ["0", "7", sa.text("(1 + 2)")], 5),
    "漢字": (TEXTS, ["", "it's \\ 5% :x", sa.text("(concat('a', ':b'))")], "Zürich ☃"),
    "q`t": (MOMENTS, [sa.text(NOW), UPDATED], "2024-02-03 04:05:06"),
    "kind": (KINDS, ["a", "b"], "b"),
    "body": ([sa.Text(), sa.JSON()], [], '"x"'),
}
"""The types that a column may have one after the other, its defaults, and a value."""

EXPRESSIONS = ["id2 + 1", "id2 * 2"]
CHECKS = ["id2 > 0", "id2 <> 5", "id2 < 1000 OR id2 > 2000"]
ACTIONS = [{}, {}, {"ondelete": "CASCADE"}, {"onupdate": "SET NULL"}]


class Draft(Drawing):
    """Draws models for one of the two servers."""

    def __init__(self, draw, is_mariadb):
        super().__init__(draw)
        self.is_mariadb = is_mariadb
        self.metadata = sa.MetaData()

    def models(self):
        names = [each for each in TABLES if self.is_so(3) is False]
        ids = {each: self.one_of([sa.Integer, sa.BigInteger]) for each in names}
        for name in names:
            self.table(name, ids)
        return self.metadata

    def table(self, name, ids):
        columns = [
            sa.Column("id", ids[name](), primary_key=True),
            sa.Column("id2", sa.Integer()),
        ]
        columns += [self.column(each) for each in GROUPS if self.is_so()]
        if self.is_so(3):
            computed = sa.Computed(self.one_of(EXPRESSIONS), persisted=self.is_so())
            columns.append(sa.Column("made", sa.Integer(), computed))
        things = []
        for target in (each for each in ids if self.is_so(3)):
            given = self.one_of([None, f"fk {name} {target}"])
            column = sa.Column(f"to_{target[:2]}", ids[target]())
            columns.append(column)
            if self.is_so():
                target_column = f"{target}.id"
                key = sa.ForeignKeyConstraint(
                    [column.name], [target_column], given, **self.one_of(ACTIONS)
                )
                things.append(key)
        if self.is_so(3):
            # names of checks are per table on MariaDB, per database on MySQL
            named = "ck one" if self.is_mariadb else f"ck {name}"
            check = self.one_of([None, named])
            things.append(sa.CheckConstraint(self.one_of(CHECKS), name=check))
        comment = self.one_of([None, None, "it's"])
        table = sa.Table(name, self.metadata, *columns, *things, comment=comment)
        for number in range(self.draw(st.integers(0, 2))):
            self.index(table, number)

    def column(self, name):
        types, defaults, _ = GROUPS[name]
        default = self.one_of(defaults) if defaults and self.is_so() else None
        type_ = self.one_of(types)
        if isinstance(type_, sa.Numeric) and isinstance(default, sa.TextClause):
            default = "7"
        if not self.is_mariadb and getattr(type_, "fsp", None) and default is not None:
            # MySQL takes only a moment as fine as the column
            default = sa.text(default.text.replace(NOW, f"{NOW}({type_.fsp})"))
        return sa.Column(
            name,
            type_,
            nullable=default is None or self.is_so(),
            server_default=default,
            comment=self.one_of([None, None, "50%", "it's"]),
        )

    def index(self, table, number):
        free = [each for each in table.columns if each.name not in ("body", "made")]
        size = self.draw(st.integers(1, 2))
        chosen = [self.one_of(free) for _ in range(size)]
        columns = list(dict.fromkeys(chosen))
        name = f"ix {number}"
        if "id" in [each.name for each in columns] and self.is_so():
            table.append_constraint(
                sa.UniqueConstraint(*columns, name=self.one_of([None, name]))
            )
        else:
            sa.Index(name, *columns)


@st.composite
def pairs(draw, is_mariadb):
    """Two models; where both have a table and a column, values fit both."""
    return Draft(draw, is_mariadb).models(), Draft(draw, is_mariadb).models()


def filled(connection, metadata):
    """Insert two rows into each table; return what they hold."""
    for table in metadata.sorted_tables:
        for number in (1, 2):
            values = {"id": number, "id2": 2500 if number == 1 else 3500}
            for column in table.columns:
                if column.name in GROUPS:
                    values[column.name] = GROUPS[column.name][2]
            plain = sa.table(table.name, *(sa.column(each) for each in values))
            connection.execute(plain.insert().values(values))
    connection.commit()


def told(connection, metadata, names):
    """What the rows hold in the columns that two models have in common."""
    found = {}
    for table in metadata.tables.values():
        for column in sorted(set(table.columns.keys()) & names.get(table.name, set())):
            of = sa.table(table.name, sa.column("id"), sa.column(column))
            query = sa.select(of.c.id, of.c[column]).order_by(of.c.id)
            rows = connection.execute(query).all()
            found[table.name, column] = [(a, _plain(b)) for a, b in rows]
    connection.rollback()
    return found


def _plain(value):
    """A value as every type that it may have tells it."""
    is_number = isinstance(value, int | float) or hasattr(value, "quantize")
    return float(value) if is_number else str(value).split(".")[0]


def common(former, latter):
    return {
        name: {
            each
            for each in {*table.columns.keys()} & {*latter.tables[name].columns.keys()}
            if each != "made"
        }
        for name, table in former.tables.items()
        if name in latter.tables
    }


@pytest.mark.parametrize("runtime", [ours, plain])
def test_a_script_leads_there_and_back_and_rows_survive(mariadb, runtime):
    """For any two models: up and down reach the states exactly; common values stay."""

    @settings(max_examples=2000 if SOAK else 12)
    @given(pairs(mariadb.dialect.is_mariadb))
    def law(pair):
        former, latter = pair
        emptied(mariadb)
        former.create_all(mariadb)
        mariadb.commit()
        filled(mariadb, former)
        names = common(former, latter)
        before = told(mariadb, former, names)
        script = generated(mariadb, latter)
        mariadb.commit()
        try:
            with runtime(mariadb):
                script.module.upgrade()
            assert differences(mariadb, script.wanted) == ()
            assert told(mariadb, latter, names) == before
            with runtime(mariadb):
                script.module.downgrade()
            assert differences(mariadb, script.current) == ()
            assert told(mariadb, former, names) == before
        except BaseException:
            print(script.source)
            raise

    law()
