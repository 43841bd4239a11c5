"""Pairs of models for PostgreSQL, and rows that both accept."""

import sqlalchemy as sa
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql as pg

from drawing import Drawing


TABLES = ["item", "Order", "näher", "per%cent"]
NOW = [sa.func.now(), sa.text("CURRENT_TIMESTAMP")]
WORDS = ["", "it's \\ 5% :x", sa.text("lower('A' || ':b')")]
ZONED = lambda: sa.DateTime(timezone=True)  # noqa: E731
GROUPS = {
    "select": (
        [(sa.Integer, ["0", sa.text("1 + 2")]), (sa.BigInteger, ["7"]),
         (sa.SmallInteger, []), (lambda: sa.Numeric(12, 2), ["7", "-1.5"]),
         (sa.Numeric, ["0"]), (sa.Double, ["0"]), (lambda: sa.String(20), ["0"]),
         (lambda: pg.DOMAIN("positive", sa.Numeric, check="VALUE > 0"), ["5"])],
        ["5", "7", "9"],
    ),
    "漢字": (
        [(sa.Text, WORDS), (lambda: sa.String(20), WORDS),
         (lambda: sa.String(50, collation="C"), []), (lambda: sa.CHAR(20), []),
         (sa.LargeBinary, []),
         (lambda: pg.DOMAIN("word", sa.Text, not_null=False), ["x"])],
        ["Zürich ☃", "it's 5%", "b\"q"],
    ),
    'q"t': (
        [(sa.DateTime, NOW), (ZONED, NOW), (lambda: pg.TIMESTAMP(precision=3), []),
         (lambda: sa.String(40), [])],
        ["2024-02-03 04:05:06", "2023-02-03 04:05:06", "2022-02-03 04:05:06"],
    ),
    "kind": (
        [("kind", ["a", "b"]), ("other", ["a"]), (lambda: sa.String(9), ["b"]),
         (lambda: sa.Enum("a", "b", native_enum=False), []),
         (lambda: sa.Enum("b", "a", native_enum=False, create_constraint=True), [])],
        ["a", "b", "a"],
    ),
    "kinds": (
        [("kind[]", ["{a}"]), ("other[]", []), (lambda: sa.ARRAY(sa.String(9)), [])],
        ["{a,b}", "{b}", "{}"],
    ),
    "flag": (
        [(sa.Boolean, [sa.true()]), (sa.Integer, ["1"]), (sa.SmallInteger, ["0"])],
        ["1", "0", "1"],
    ),
    "body": (
        [(sa.JSON, ["{}"]), (pg.JSONB, ['{"a": "50%"}']), (sa.Text, ["[]"])],
        ['{"a": 1}', "[2]", "null"],
    ),
    "key": (
        [(sa.Uuid, [sa.text("gen_random_uuid()")]), (lambda: sa.String(36), [])],
        [f"{n}0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11" for n in "abc"],
    ),
    "list": (
        [(lambda: sa.ARRAY(sa.Integer), ["{}"]),
         (lambda: sa.ARRAY(sa.BigInteger), ["{1}"]), (lambda: sa.ARRAY(sa.Text), [])],
        ["{1,2}", "{3}", "{}"],
    ),
    "net": (
        [(pg.INET, []), (pg.CIDR, []), (lambda: sa.String(30), [])],
        ["10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8"],
    ),
    "period": ([(pg.INT4RANGE, [])], ["[1,3)", "[3,5)", "[7,9)"]),
}  # fmt: skip
"""The types that a column may have one after the other, their defaults, and values."""

KINDS = [("a", "b"), ("b", "a", "it's"), ("a", "50%", "b"), ("a", "b", "c")]
SORTABLE = [each for each in GROUPS if each not in ("body", "kind", "kinds", "flag")]
IDS = [
    lambda type_: [type_],
    lambda type_: [type_, sa.Identity()],
    lambda type_: [type_, sa.Identity(always=True, start=5, increment=2)],
]
COMPUTED = ["id2 + 1", "id2 * 2", "length(id2::text)"]
CHECKS = [
    "id2 > 0",
    "id2 <> 5",
    "id2 < 1000 OR id2 > 2000",
    "id2 IN (2501, 2502, 2503)",
]
ACTIONS = [
    {}, {"ondelete": "CASCADE"}, {"onupdate": "SET NULL"}, {"match": "FULL"},
    {"deferrable": True, "initially": "DEFERRED"},
]  # fmt: skip
PLACES = [None, None, "other"]


class Draft(Drawing):
    """Draws models."""

    def __init__(self, draw, schemas):
        super().__init__(draw)
        self.schemas = schemas
        self.metadata = sa.MetaData()
        self.enums = {
            name: sa.Enum(
                *self.one_of(KINDS),
                name=name,
                metadata=self.metadata,
                schema=self.schemas[name],
            )
            for name in ("kind", "other")
        }

    def models(self):
        names = [each for each in TABLES if self.is_so(4) is False]
        ids = {each: self.one_of([sa.Integer, sa.BigInteger]) for each in names}
        for name in names:
            self.table(name, ids)
        return self.metadata

    def table(self, name, ids):
        key = self.one_of([("id",), ("id",), ("id", "id2"), ("id2", "id"), ("id2",)])
        counted = self.one_of(IDS)(ids[name]())
        columns = [
            sa.Column("id", *counted, nullable=False),
            sa.Column("id2", sa.Integer(), nullable="id2" not in key and self.is_so()),
            *[self.column(each) for each in GROUPS if self.is_so()],
        ]
        if self.is_so(3):
            computed = sa.Computed(self.one_of(COMPUTED), persisted=True)
            columns.append(sa.Column("made", sa.Integer(), computed))
        things = [sa.PrimaryKeyConstraint(*key, name=self.one_of([None, f"pk {name}"]))]
        if key != ("id",):
            things.append(
                sa.UniqueConstraint("id", name=self.one_of([None, f"u {name}"]))
            )
        for target in (each for each in ids if self.is_so(3)):
            columns.append(sa.Column(f"to_{target[:2]}", ids[target]()))
            if self.is_so(3) is False:
                things.append(self.foreign_key(name, target, columns[-1]))
        if self.is_so(3):
            check = self.one_of([None, "ck one"])
            things.append(sa.CheckConstraint(self.one_of(CHECKS), name=check))
        comment = self.one_of([None, None, "it's"])
        schema = self.schemas[name]
        table = sa.Table(
            name, self.metadata, *columns, *things, comment=comment, schema=schema
        )
        for number in range(self.draw(st.integers(0, 2))):
            self.index(table, number)

    def foreign_key(self, name, target, column):
        schema = self.schemas[target]
        whole = f"{schema}.{target}.id" if schema else f"{target}.id"
        called = self.one_of([None, f"fk {name} {target}"])
        return sa.ForeignKeyConstraint(
            [column.name], [whole], called, **self.one_of(ACTIONS)
        )

    def column(self, name):
        made, defaults = self.one_of(GROUPS[name][0])
        default = self.one_of(defaults) if defaults and self.is_so() else None
        if isinstance(made, str):
            type_ = self.enums[made.removesuffix("[]")]
            type_ = sa.ARRAY(type_) if made.endswith("[]") else type_
        else:
            type_ = made()
        return sa.Column(
            name,
            type_,
            nullable=default is None or self.is_so(),
            server_default=default,
            comment=self.one_of([None, None, "50%", "it's"]),
        )

    def index(self, table, number):
        """Draw an index or a constraint over some columns."""
        name = f"ix {table.name} {number}"
        free = [each for each in table.columns if each.name in SORTABLE]
        ids = [table.c.id, table.c.id2]
        chosen = list(dict.fromkeys(self.one_of([*free, *ids]) for _ in range(2)))
        if any(each.server_default is not None for each in chosen):
            chosen = [*(each for each in chosen if each is not table.c.id), table.c.id]
        keywords = self.one_of([
            {}, {"unique": True}, {"postgresql_where": sa.text("id2 > 5")},
            {"postgresql_include": ["id"]}, {"postgresql_with": {"fillfactor": 60}},
        ])  # fmt: skip
        match self.draw(st.integers(0, 4)):
            case 0 | 1:
                sa.Index(name, *chosen, **keywords)
            case 2:
                unique = self.one_of([{}, {"deferrable": True}])
                things = sa.UniqueConstraint(*chosen, name=name, **unique)
                table.append_constraint(things)
            case 3 if "period" in table.c:
                table.append_constraint(
                    pg.ExcludeConstraint(("period", "&&"), name=name)
                )
            case _:
                text = (
                    sa.cast(chosen[0], sa.Text)
                    if "net" in chosen[0].name
                    else chosen[0]
                )
                sa.Index(name, sa.func.coalesce(text, text), chosen[-1].desc())


LOOK = "CREATE FUNCTION public.look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'"
ONLOOKERS = [
    "CREATE VIEW public.v_{n} AS SELECT id, {column} AS c FROM {table}",
    "CREATE MATERIALIZED VIEW public.m_{n} AS SELECT max(id) FROM {table} WHERE {column} IS NULL",
    "CREATE TRIGGER t_{n} BEFORE UPDATE OF {column} ON {table} FOR EACH ROW"
    " EXECUTE FUNCTION public.look()",
    "CREATE TRIGGER w_{n} AFTER INSERT ON {table} FOR EACH ROW WHEN (new.{column} IS NOT NULL)"
    " EXECUTE FUNCTION public.look()",
    "CREATE POLICY p_{n} ON {table} FOR UPDATE USING ({column} IS NOT NULL)",
    "CREATE RULE r_{n} AS ON DELETE TO {table} WHERE old.{column} IS NULL DO ALSO NOTHING",
]  # fmt: skip
HANGING = """
SELECT oid::regclass::text, pg_get_viewdef(oid) FROM pg_class
WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace
UNION ALL SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT policyname, tablename || cmd || qual FROM pg_policies
UNION ALL SELECT rulename, definition FROM pg_rules WHERE schemaname IN ('public', 'other')
ORDER BY 1
"""


@st.composite
def pairs(draw):
    """Two models; where both have a table and a column, values fit both."""
    of = [*TABLES, "kind", "other"]
    schemas = {each: draw(st.sampled_from(PLACES)) for each in of}
    return Draft(draw, schemas).models(), Draft(draw, schemas).models()


def look_on(connection, former, latter, choices):
    """Let views, triggers, policies and rules read what both models have."""
    quote = connection.dialect.identifier_preparer
    connection.exec_driver_sql(LOOK)
    read = [
        (former.tables[name], each)
        for name, columns in sorted(common(former, latter).items())
        for each in sorted({*columns, *made_in_both(former, latter, name)})
    ]
    for number, (kind, place) in enumerate(choices if read else ()):
        table, column = read[place % len(read)]
        sql = ONLOOKERS[kind % len(ONLOOKERS)].format(
            n=number, table=quote.format_table(table), column=quote.quote(column)
        )
        connection.exec_driver_sql(sql.replace("%%", "%").replace("%", "%%"))


def made_in_both(former, latter, name):
    tables = former.tables[name], latter.tables[name]
    return {"made"} if all("made" in each.c for each in tables) else set()


def hanging(connection):
    """Return what looks on, by name, as the server spells it."""
    found = [
        tuple(row) for row in connection.exec_driver_sql(HANGING.replace("%", "%%"))
    ]
    connection.commit()
    return found


def fill(connection, former, latter):
    """Insert three rows into each table; the last has nothing where both take that."""
    for table in former.tables.values():
        other = latter.tables.get(table.key)
        for number in range(3):
            values = {"id2": str(2501 + number)}
            if table.c.id.identity is None and not is_serial(table):
                values["id"] = str(number + 1)
            for column in (each for each in table.columns if each.name in GROUPS):
                also = other.c.get(column.name) if other is not None else None
                may_be_null = column.nullable and (also is None or also.nullable)
                value = GROUPS[column.name][1][number]
                values[column.name] = None if number == 2 and may_be_null else value
            insert(connection, table, values)
    for table in former.tables.values():
        for target in former.tables.values():
            name = f"to_{target.name[:2]}"
            if name in table.c:
                _refer(connection, table, target, name)


def is_serial(table):
    return (
        table._autoincrement_column is table.c.id and table.c.id.server_default is None
    )


def insert(connection, table, values):
    quote = connection.dialect.identifier_preparer
    names = ", ".join(map(quote.quote, values)).replace("%%", "%")
    said = ", ".join(
        _literal(each, table.c[name].type) for name, each in values.items()
    )
    sql = f"INSERT INTO {quote.format_table(table)} ({names}) VALUES ({said})"
    connection.exec_driver_sql(sql.replace("%%", "%").replace("%", "%%"))


def _literal(value, type_):
    if value is None:
        return "NULL"
    quoted = "'" + value.replace("'", "''") + "'"
    if isinstance(type_, sa.LargeBinary):
        return f"convert_to({quoted}, 'UTF8')"
    return quoted


def _refer(connection, table, target, name):
    """Let a row refer to the one that has its place in another table."""
    own, other = (
        sa.table(
            e.name, sa.column("id"), sa.column("id2"), sa.column(name), schema=e.schema
        )
        for e in (table, target)
    )
    other = other.alias("o")
    picked = sa.select(other.c.id).where(other.c.id2 == own.c.id2).scalar_subquery()
    connection.execute(own.update().values({name: picked}))


def told(connection, metadata, names):
    """Return what the rows hold in the columns that two models have in common."""
    found = {}
    for table in metadata.tables.values():
        common = sorted(names.get(table.key, ()))
        if common:
            of = sa.table(table.name, *map(sa.column, common), schema=table.schema)
            told = [_told(of.c[each], table.c[each].type) for each in common]
            rows = connection.execute(sa.select(*told).order_by(of.c.id))
            found[table.key] = [dict(zip(common, row, strict=True)) for row in rows]
    connection.commit()
    return found


def lost(before, after):
    """Return what is not what it was: the column, and the values by then and now."""
    pairs = (
        (f"{name}.{each}", old[each], new[each])
        for name, rows in before.items()
        for old, new in zip(rows, after[name], strict=True)
        for each in old
    )
    return [(where, old, new) for where, old, new in pairs if old != new]


def _told(column, type_):
    """Return what tells a value alike, whichever type of its group it has."""
    plain = sa.type_coerce(column, sa.Text)
    match column.name:
        case "select":
            return sa.cast(sa.cast(column, sa.Text), sa.Double)
        case "漢字":
            text = plain
            if isinstance(type_, sa.LargeBinary):
                text = sa.func.convert_from(column, "UTF8")
            return sa.func.rtrim(sa.cast(text, sa.Text))
        case 'q"t':
            return sa.func.left(sa.cast(column, sa.Text), 19)
        case "flag":
            return sa.cast(sa.cast(column, sa.Text), sa.Boolean)
        case "body":
            return sa.cast(sa.cast(sa.cast(column, sa.Text), pg.JSONB), sa.Text)
    return sa.cast(column, sa.Text)


def common(former, latter):
    """Return the columns that two models have in common, by table."""
    return {
        name: {*table.columns.keys()} & {*latter.tables[name].columns.keys()} - {"made"}
        for name, table in former.tables.items()
        if name in latter.tables
    }


def stalled(connection, metadata):
    """Return the tables that would give a number which a row has already."""
    found = []
    for table in metadata.tables.values():
        if table.c.id.identity is None and not is_serial(table):
            continue
        name = connection.dialect.identifier_preparer.format_table(table)
        name = name.replace("%%", "%")
        sequence = sa.func.pg_get_serial_sequence(name, "id")
        of = sa.table(table.name, sa.column("id"), schema=table.schema)
        highest = sa.select(sa.func.coalesce(sa.func.max(of.c.id), 0)).scalar_subquery()
        query = sa.select(sa.func.nextval(sa.cast(sequence, pg.REGCLASS)) <= highest)
        if connection.execute(query).scalar():
            found.append(name)
    connection.commit()
    return found
