"""What may be pending for tables with rows, and what must be found of it."""

import re

import sqlalchemy as sa
from alembic.operations import ops
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql, postgresql

from forbidden_rows import (
    CHECKS,
    KINDS,
    POSTGRESQL,
    REFERENCES,
    VALUES,
    Case,
    becomes_another,
    duplicates,
    fits,
    than,
)


class Pending:
    """Draws what is pending for a case; each method is one kind of operation."""

    def __init__(self, draw, case):
        self.draw, self.case = draw, case
        self.spent = set()

    def one_of(self, things):
        return self.draw(st.sampled_from(list(things)))

    def is_so(self):
        return self.draw(st.booleans())

    def columns(self, names="nmsktde"):
        left = [each for each in names if each not in self.spent]
        count = self.draw(st.integers(1, 2))
        return left and self.draw(
            st.lists(st.sampled_from(left), min_size=1, max_size=count, unique=True)
        )

    def column(self, names):
        left = [each for each in names if each not in self.spent]
        return self.one_of(left) if left else None

    def name_of(self, kind):
        return f"{kind}{len(self.case.operations)}"

    def named(self, columns):
        return [self.case.told(each) for each in columns]

    def unique(self):
        if columns := self.columns():
            case = self.case
            self.spent.update(columns)
            case.add(
                ops.CreateUniqueConstraintOp(
                    self.name_of("uq"), case.at, self.named(columns)
                ),
                ("W302", duplicates(case.values(columns))),
            )

    def unique_index(self):
        case = self.case
        columns = self.columns()
        if not columns:
            return
        self.spent.update(columns)
        rows, where = case.rows, None
        if case.name != "mysql" and "m" not in self.spent and self.is_so():
            where = sa.text(f"{case.told('m')} > 0")
            self.spent.add("m")  # of another type, the condition makes no sense
            rows = [row for row in rows if than(row["m"], 0)]
        takes_null = case.name != "postgresql" or self.is_so()
        kw = {f"{case.name}_where": where} if where is not None else {}
        if not takes_null:
            kw["postgresql_nulls_not_distinct"] = True
        case.add(
            ops.CreateIndexOp(
                self.name_of("ix"), case.at, self.named(columns), unique=True, **kw
            ),
            ("W302", duplicates(case.values(columns, rows), takes_null)),
        )

    def expression_index(self):
        """An index whose part is an expression, or the beginning of a text."""
        case = self.case
        if (column := self.column("sk")) is None:
            return
        self.spent.add(column)
        name = case.told(column)
        kw, parts = {}, [sa.text(f"substr({name}, 1, 1)")]
        if case.name == "mysql":
            kw, parts = {"mysql_length": {name: 1}}, [name]
        key = [each if each is None else each[:1] for each in self.all(column)]
        case.add(
            ops.CreateIndexOp(self.name_of("ie"), case.at, parts, unique=True, **kw),
            ("W302", duplicates([(case.same(each),) for each in key])),
        )

    def all(self, column):
        return [row[column] for row in self.case.rows]

    def primary_key(self):
        case = self.case
        columns = self.columns("nms") if not case.has_key else []
        if not columns:
            return
        self.spent.update("nmsktde")
        nulls = [sum(each is None for each in self.all(column)) for column in columns]
        if case.name == "sqlite" and columns not in (["n"], ["m"]):
            nulls = []  # only a key that numbers the rows refuses them
        case.add(
            ops.CreatePrimaryKeyOp(self.name_of("pk"), case.at, self.named(columns)),
            ("W302", duplicates(case.values(columns))),
            *(("W301", each) for each in nulls),
        )

    def not_null(self):
        case = self.case
        if (column := self.column("nmsktde")) is None:
            return
        self.spent.add(column)
        case.add(
            ops.AlterColumnOp(
                case.at,
                case.told(column),
                modify_nullable=False,
                existing_type=case.metadata.tables["item"].c[column].type,
            ),
            ("W301", sum(row[column] is None for row in case.rows)),
        )

    def foreign_key(self):
        case = self.case
        here, there = self.one_of([(["pa"], ["a"]), (["pa", "pb"], ["a", "b"])])
        if self.spent.intersection(here):
            return
        self.spent.update(here)
        is_full = case.name == "postgresql" and self.is_so()
        met = {tuple(row[each] for each in there) for row in case.parents}

        def is_orphan(row):
            key = tuple(row[each] for each in here)
            if None in key:
                return is_full and set(key) != {None}
            return key not in met

        case.add(
            ops.CreateForeignKeyOp(
                self.name_of("fk"),
                case.at,
                "parent",
                self.named(here),
                there,
                **({"match": "FULL"} if is_full else {}),
            ),
            ("W303", sum(map(is_orphan, case.rows))),
        )

    def foreign_key_to_a_new_table(self):
        case = self.case
        if "pb" in self.spent:
            return
        self.spent.add("pb")
        case.add(
            ops.CreateTableOp("fresh", [sa.Column("id", sa.Integer, primary_key=True)])
        )
        case.add(
            ops.CreateForeignKeyOp(
                self.name_of("fr"), case.at, "fresh", [case.told("pb")], ["id"]
            ),
            ("W303", sum(row["pb"] is not None for row in case.rows)),
        )

    def check(self):
        case = self.case
        text, holds = self.one_of(CHECKS.items())
        if self.spent.intersection("nm"):
            return
        self.spent.update("nm")
        said = re.sub(r"(?<!')\b[nm]\b(?!')", lambda each: case.told(each[0]), text)
        said = said.replace("item.", f"{case.at}.")
        condition = sa.text(said) if self.is_so() else said
        case.add(
            ops.CreateCheckConstraintOp(self.name_of("ck"), case.at, condition),
            ("W304", sum(holds(row) is False for row in case.rows)),
        )

    def altered(self, column, type_, **kw):
        self.spent.add(column)
        existing = self.case.metadata.tables["item"].c[column].type
        return ops.AlterColumnOp(
            self.case.at,
            self.case.told(column),
            modify_type=type_,
            existing_type=existing,
            existing_nullable=True,
            **kw,
        )

    def narrower(self):
        case = self.case
        if (column := self.column("sktdnm")) is None:
            return
        is_cut = case.name == "postgresql" and self.is_so()
        length = self.one_of([1, 3])
        using = {"postgresql_using": f"{case.told(column)}::varchar({length})"}
        values = [str(each) for each in self.all(column) if each is not None]
        if case.name == "postgresql" or column in "nm":
            values = [each.rstrip(" ") for each in values]
        count = sum(len(each) > length for each in values)
        are_spaces_cut = case.name == "postgresql" and column in "sktd"
        spaces = sum(
            len(each) > length >= len(each.rstrip(" "))
            for each in self.all(column)
            if each is not None and are_spaces_cut
        )
        case.add(
            self.altered(column, sa.String(length), **(using if is_cut else {})),
            ("W103" if is_cut else "W305", count * case.enforces_types),
            ("W104", spaces),
        )

    def cast(self):
        case = self.case
        column = self.column("tskdnm")
        if column is None:
            return
        types = [sa.Integer(), sa.SmallInteger(), sa.BigInteger(), sa.Numeric(4, 1)]
        types += [sa.Float(53)] if column in "tnm" else []
        types += [sa.Boolean()] if case.name == "postgresql" and column in "nm" else []
        types = [sa.Date(), sa.DateTime()] if column == "d" else types
        type_ = self.one_of(types)
        word = type_.compile(dialect=POSTGRESQL)
        using = f"{case.told(column)}::{word}"
        if isinstance(type_, sa.Boolean):
            using = f"{case.told(column)} <> 0"
        kw = {"postgresql_using": using} if case.name == "postgresql" else {}
        self.retyped(column, type_, **kw)

    def retyped(self, column, type_, **kw):
        case = self.case
        values = [each for each in self.all(column) if each is not None]
        if case.enforces_types and not isinstance(type_, sa.String):
            taken = [each for each in values if fits(each, type_, case.name)]
        else:
            taken = values
        others = sum(becomes_another(each, type_, case.name) for each in taken)
        case.add(
            self.altered(column, type_, **kw),
            ("W306", len(values) - len(taken)),
            ("W104", others),
        )

    def lossy(self):
        """Numbers and moments of which another type keeps less."""
        case = self.case
        if (column := self.column("pfbw")) is None:
            return
        moments = [sa.Date(), postgresql.TIMESTAMP(precision=self.one_of([0, 1]))]
        if case.name == "mysql":
            moments[1] = mysql.DATETIME(fsp=self.one_of([0, 1]))
        types = {
            "p": [sa.Numeric(6, 1), sa.Integer(), sa.Float(53), sa.Numeric(12, 6)],
            "f": [sa.Numeric(14, 2), sa.BigInteger(), sa.String(40)],
            "b": [sa.Float(53), sa.Numeric(20, 2), sa.String(40)],
            "w": [sa.Date()] if case.name == "sqlite" else moments,
        }
        type_ = self.one_of(types[column])
        if isinstance(type_, sa.String) and case.enforces_types:
            return
        self.retyped(column, type_)

    def enum(self):
        case = self.case
        if case.name == "sqlite" or (column := self.column("sk")) is None:
            return
        values = [each for each in self.all(column) if each is not None]
        known = {case.same(each) for each in KINDS}
        places = {str(place) for place, _ in enumerate(KINDS, 1)}
        if case.name == "mysql":
            known |= places
        bad = sum(case.same(each) not in known for each in values)
        kw = {}
        if case.name == "postgresql":
            values = "'item', 'a', 'ab', 'it''s'"
            case.add(ops.ExecuteSQLOp(f"CREATE TYPE kind_{column} AS ENUM ({values})"))
            kw = {"postgresql_using": f"{case.told(column)}::kind_{column}"}
        enum = sa.Enum(*KINDS, name=f"kind_{column}", create_type=False)
        others = sum(case.same(each) in known and each not in KINDS for each in values)
        case.add(self.altered(column, enum, **kw), ("W307", bad), ("W104", others))

    def lesser_enum(self):
        """The values of an enum become fewer, one by another name perhaps."""
        case = self.case
        if case.name == "sqlite" or "e" in self.spent:
            return
        left, kw, renamed = {"red", "it's"}, {}, "green"
        name = case.told("e")
        if case.name == "postgresql":
            if self.is_so():
                renamed = "verde"
                rename = f"ALTER TYPE colour RENAME VALUE 'green' TO '{renamed}'"
                case.add(ops.ExecuteSQLOp(rename))
                left.add("verde")
            values = ", ".join(
                f"'{each.replace(chr(39), chr(39) * 2)}'" for each in left
            )
            case.add(ops.ExecuteSQLOp(f"CREATE TYPE hue AS ENUM ({values})"))
            kw = {"postgresql_using": f"{name}::text::hue"}
        enum = sa.Enum(*sorted(left), name="hue", create_type=False)
        values = [each for each in self.all("e") if each is not None]
        bad = 0 if renamed == "verde" else sum(each not in left for each in values)
        case.add(self.altered("e", enum, **kw), ("W307", bad))

    def new_column(self):
        """One that must have a value, or has one that is a key or not."""
        case = self.case
        name = f"new{len(case.operations)}"
        count = len(case.rows)
        kind = self.one_of(["bare", "unique", "default", "reference", "checked"])
        if kind == "bare":
            column = sa.Column(name, sa.Integer, nullable=False)
            code = "W309" if case.name == "mysql" else "W308"
            case.add(ops.AddColumnOp(case.at, column), (code, count))
            return
        default = (
            {} if self.is_so() else {"server_default": self.one_of(["2", sa.text("2")])}
        )
        column = sa.Column(name, sa.Integer, **default)
        if kind == "unique":
            column = sa.Column(name, sa.Integer, unique=True, **default)
            case.add(
                ops.AddColumnOp(case.at, column),
                ("W302", int(bool(default) and count > 1)),
            )
            return
        case.add(ops.AddColumnOp(case.at, column))
        if kind == "reference":
            is_met = 2 in [row["a"] for row in case.parents]
            case.add(
                ops.CreateForeignKeyOp(f"f{name}", case.at, "parent", [name], ["a"]),
                ("W303", 0 if is_met or not default else count),
            )
        if kind == "checked":
            case.add(
                ops.CreateCheckConstraintOp(f"c{name}", case.at, f"{name} > 5"),
                ("W304", count if default else 0),
            )

    def closed_later(self):
        case = self.case
        name = f"late{len(case.operations)}"
        case.add(ops.AddColumnOp(case.at, sa.Column(name, sa.Integer)))
        case.add(
            ops.AlterColumnOp(
                case.at, name, modify_nullable=False, existing_type=sa.Integer()
            ),
            ("W308", len(case.rows)),
        )

    def drop_column(self):
        case = self.case
        if (column := self.column("sktde")) is None:
            return
        self.spent.add(column)
        case.add(
            ops.DropColumnOp(case.at, case.told(column)),
            ("W102", sum(each is not None for each in self.all(column))),
        )

    def rename_column(self):
        case = self.case
        if (column := self.column("nmskte")) is None or column in case.names:
            return
        new = {"n": "m2", "m": "n2"}.get(column, f"{column}_new")
        operation = ops.AlterColumnOp(
            case.at,
            column,
            modify_name=new,
            existing_type=case.metadata.tables["item"].c[column].type,
            existing_nullable=True,
        )
        case.names[column] = new
        case.add(operation)

    def rename_table(self):
        case = self.case
        if case.at == "item":
            case.add(ops.RenameTableOp("item", "thing"))
            case.at = "thing"

    def mend(self):
        """A statement that gives all rows a value: nobody can tell after it."""
        case = self.case
        if "n" in self.spent:
            return
        self.spent.update("nmsktde", ["pa", "pb"])
        name = case.told("n")
        case.add(ops.ExecuteSQLOp(f"UPDATE {case.at} SET {name} = 5"))
        case.add(
            ops.AlterColumnOp(
                case.at, name, modify_nullable=False, existing_type=sa.Integer()
            )
        )

    def drop_table(self):
        case = self.case
        case.add(ops.DropTableOp(case.at), ("W101", len(case.rows)))
        self.spent.update("nmsktde", ["pa", "pb"])


ORDINARY = [
    "unique", "unique_index", "expression_index", "primary_key", "not_null",
    "foreign_key", "foreign_key_to_a_new_table", "check", "narrower", "cast", "lossy", "enum", "lesser_enum",
    "new_column", "closed_later", "drop_column", "rename_column", "rename_table",
]  # fmt: skip
LAST = ["mend", "drop_table"]


@st.composite
def cases(draw, name):
    """Draw a case for a database."""
    size = draw(st.integers(0, 5))
    row = st.fixed_dictionaries(
        {
            **{each: st.sampled_from(values) for each, values in VALUES.items()},
            "pa": st.sampled_from(REFERENCES),
            "pb": st.sampled_from(REFERENCES),
        }
    )
    rows = draw(st.lists(row, min_size=size, max_size=size))
    if draw(st.booleans()):  # rows that most things like
        rows = [{**each, "n": 1, "t": "7", "d": "2024-01-31"} for each in rows]
    rows = [{"id": number, **each} for number, each in enumerate(rows, 1)]
    parents = draw(st.lists(st.sampled_from([1, 2, 3]), max_size=2, unique=True))
    case = Case(
        name=name,
        rows=rows,
        parents=[{"a": each, "b": draw(st.integers(1, 2))} for each in parents],
        has_key=draw(st.booleans()),
    )
    pending = Pending(draw, case)
    for kind in draw(st.lists(st.sampled_from(ORDINARY), min_size=1, max_size=4)):
        getattr(pending, kind)()
    if draw(st.integers(0, 3)) == 0:
        getattr(pending, draw(st.sampled_from(LAST)))()
    return case
