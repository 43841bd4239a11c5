"""Law: whatever a table looks like, an alteration changes what it says and no more."""

import os
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from sqlalchemy.pool import StaticPool

from whimbrel.catalog.read import read_state
from whimbrel.catalog.sqlite_ddl import mentioned, parse_table, quote
from whimbrel.errors import MigrationFailed
from whimbrel.run import copy_rows, own_indexes
from whimbrel.run.runtime import Operations, owned_context
from whimbrel.schema.names import each_once
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import (
    Check,
    ForeignKey,
    Naming,
    PrimaryKey,
    TableName,
    Unique,
)


ALTERATIONS = 20_000 if os.environ.get("WHIMBREL_SOAK") else 300

NAMES = ["a", "b", "Cc", "select", "d d", 'e"e', "group", "Ä"]
TYPES = [
    "INTEGER",
    "VARCHAR(20)",
    "TEXT",
    "NUMERIC(10, 2)",
    "FLOAT",
    "BLOB",
    "",
    "DATETIME",
]
SA_TYPES = [
    sa.Integer(),
    sa.BigInteger(),
    sa.String(20),
    sa.String(300),
    sa.Text(),
    sa.Numeric(10, 2),
    sa.Float(),
    sa.DateTime(),
    sa.LargeBinary(),
]
SPACE = st.sampled_from([" ", "\n  ", " /* c, (' */ ", "\n\t-- it's, (\n  "])


@st.composite
def columns(draw):
    """The definitions of some columns, and what their rows may hold."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=5, unique=True))
    result = []
    for name in names:
        parts = [quote(name), draw(st.sampled_from(TYPES))]
        if draw(st.booleans()):
            default = st.sampled_from(
                ["1", "-2.5", "'x''y'", "NULL", "CURRENT_TIMESTAMP", "(1 + 1)"]
            )
            parts.append("DEFAULT " + draw(default))
        if draw(st.integers(0, 4)) == 0:
            parts.append(
                "NOT NULL" + draw(st.sampled_from(["", " ON CONFLICT IGNORE"]))
            )
        if draw(st.integers(0, 4)) == 0:
            parts.append(
                "COLLATE " + draw(st.sampled_from(["NOCASE", "RTRIM", "BINARY"]))
            )
        if draw(st.integers(0, 5)) == 0:
            named = f"CONSTRAINT uq_{len(result)} UNIQUE ON CONFLICT FAIL"
            parts.append(draw(st.sampled_from(["UNIQUE", named])))
        if draw(st.integers(0, 5)) == 0:
            parts.append(f"CHECK (item.{quote(name)} <> 'no')")
        if draw(st.integers(0, 5)) == 0:
            parts.append("REFERENCES other ON DELETE SET NULL")
        result.append((name, " ".join(part for part in parts if part)))
    return result


@st.composite
def tables(draw):
    """A CREATE TABLE text with its columns' names."""
    body = draw(columns())
    names = [name for name, _ in body]
    items = [text for _, text in body]
    first, second = (quote(name) for name in names[:2])
    key = draw(
        st.sampled_from(
            [
                "id INTEGER PRIMARY KEY",
                "id INTEGER PRIMARY KEY AUTOINCREMENT",
                "id INTEGER NOT NULL CONSTRAINT pk PRIMARY KEY DESC",
                "id BIGINT NOT NULL PRIMARY KEY",
                "id INTEGER NOT NULL",
                None,
            ]
        )
    )
    options = ""
    if key:
        items.insert(draw(st.integers(0, len(items))), key)
        if "AUTO" not in key and "PRIMARY" in key:
            options = draw(st.sampled_from(["", "", " WITHOUT ROWID"]))
    if draw(st.integers(0, 4)) == 0:
        stored = draw(st.sampled_from(["STORED", "VIRTUAL"]))
        items.append(f"gen TEXT AS (coalesce({first}, '') || 'x') {stored}")
    constraints = [
        f"UNIQUE ({first}, {second} COLLATE NOCASE)",
        f"CONSTRAINT uq UNIQUE ({second}) ON CONFLICT IGNORE",
        f"CONSTRAINT ck CHECK ({first} <> 'no' OR {second} IS NULL)",
        f"CHECK (length({second}) < 100)",
        f"FOREIGN KEY ({first}) REFERENCES other (id) ON UPDATE CASCADE",
        f"FOREIGN KEY ({second}) REFERENCES item ({second})",
    ]
    if key and "PRIMARY" not in key:
        constraints.append("PRIMARY KEY (id)")
    items += draw(st.lists(st.sampled_from(constraints), max_size=3, unique=True))
    spaces = [draw(SPACE) for _ in items]
    text = ",".join(space + item for space, item in zip(spaces, items, strict=True))
    return f"CREATE TABLE item ({text}{draw(SPACE)}){options}", names


AROUND = [
    "CREATE INDEX ix_first ON item ({0})",
    "CREATE UNIQUE INDEX ix_both ON item ({1} DESC, {0} COLLATE RTRIM)",
    "CREATE INDEX ix_part ON item (lower({0})) WHERE {1} IS NOT NULL",
    "CREATE TRIGGER tr AFTER UPDATE OF {0} ON item BEGIN DELETE FROM log; END",
    "CREATE TRIGGER tr_log AFTER INSERT ON log BEGIN UPDATE item SET {1} = {1}; END",
    "CREATE VIEW v AS SELECT {0}, 1 AS one FROM item",
]


@st.composite
def databases(draw):
    """The statements that make a database, and the columns of its table."""
    table, names = draw(tables())
    quoted = [quote(name) for name in draw(st.permutations(names))]
    rows = draw(
        st.lists(st.tuples(*(values(n) for n in range(len(names)))), max_size=4)
    )
    around = draw(st.lists(st.sampled_from(AROUND), max_size=4, unique=True))
    inserts = [
        f"INSERT OR ABORT INTO item ({', '.join(map(quote, names))}{_id(table)})"
        f" VALUES ({', '.join(row)}{_number(table, place)})"
        for place, row in enumerate(rows)
    ]
    return [
        "CREATE TABLE other (id INTEGER PRIMARY KEY)",
        "INSERT INTO other VALUES (1), (2), (3), (4)",
        "CREATE TABLE log (x)",
        "CREATE TABLE child (item_id REFERENCES item ON DELETE CASCADE)",
        table,
        *inserts,
        "INSERT INTO child SELECT 1 FROM item",
        *(text.format(*quoted) for text in around),
    ], names


def values(_place):
    """A literal of some type."""
    return st.sampled_from(
        ["NULL", "1", "2", "3", "'4'", "'text'", "'007'", "1.5", "x'00ff'", "'1e3'"]
    )


def _id(table):
    return ", id" if " id " in table else ""


def _number(table, place):
    return f", {place * 3 + 1}" if " id " in table else ""


@st.composite
def alterations(draw, names):
    """One operation: its name, its arguments, and what else it says."""
    column = draw(st.sampled_from(names))
    other = draw(st.sampled_from(names))
    kinds = {
        "type": ("alter_column", (column,), {"type_": draw(st.sampled_from(SA_TYPES))}),
        "nullable": ("alter_column", (column,), {"nullable": draw(st.booleans())}),
        "default": (
            "alter_column",
            (column,),
            {
                "server_default": draw(
                    st.sampled_from([None, "x", sa.text("7"), sa.func.now()])
                )
            },
        ),
        "drop": ("drop_column", (column,), {}),
        "rename": ("alter_column", (column,), {"new_column_name": "renamed"}),
        "unique": ("create_unique_constraint", ("uq_new", sorted({column, other})), {}),
        "check": (
            "create_check_constraint",
            ("ck_new", sa.column(column) != "bad"),
            {},
        ),
        "foreign key": (
            "create_foreign_key",
            ("fk_new", "other", [column], ["id"]),
            {},
        ),
        "primary key": ("create_primary_key", ("pk_new", [column]), {}),
        "add": (
            "add_column",
            (
                sa.Column(
                    "new",
                    draw(st.sampled_from(SA_TYPES)),
                    server_default=draw(st.sampled_from([None, "5", sa.func.now()])),
                    nullable=draw(st.booleans()),
                ),
            ),
            draw(
                st.sampled_from(
                    [{}, {"insert_after": column}, {"insert_before": column}]
                )
            ),
        ),
        "constraint": ("drop_constraint", (draw(st.integers(0, 9)),), {}),
    }
    kind = draw(st.sampled_from(sorted(kinds)))
    return (kind, *kinds[kind])


@st.composite
def cases(draw):
    """A database, a batch of operations on its table, and how many rows are many."""
    statements, names = draw(databases())
    batch = [draw(alterations(names)) for _ in range(draw(st.integers(1, 3)))]
    recreate = draw(st.sampled_from(["auto", "auto", "always"]))
    return statements, batch, recreate, draw(st.sampled_from([-1, 0, 1, 1000]))


def _facts(connection):
    """All that should stay, by name."""
    texts = connection.exec_driver_sql(
        "SELECT type, name, sql FROM sqlite_master"
    ).all()
    return {(kind, name): sql for kind, name, sql in texts}


def _rows(connection, columns):
    order = "id" if "id" in columns else "rowid"
    listed = ", ".join(map(quote, columns))
    return connection.exec_driver_sql(
        f"SELECT {listed} FROM item ORDER BY {order}"
    ).all()


def _state(connection):
    scope = Scope(accepts=lambda name: name.name == "item")
    return read_state(connection, scope).table(TableName("item"))


def _make(statements):
    with closing(sqlite3.connect(":memory:")) as probe:
        try:
            for statement in statements:
                probe.execute(statement)
        except sqlite3.Error:
            assume(False)
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    connection = engine.connect()
    for statement in statements:
        connection.exec_driver_sql(statement)
    connection.commit()
    connection.exec_driver_sql("PRAGMA foreign_keys=ON")
    connection.commit()
    return connection


@settings(max_examples=ALTERATIONS)
@given(cases())
def test_what_is_not_spoken_of_stays(case):
    """Rows, other columns, constraints, indexes, triggers, views: all stay."""
    statements, batch, recreate, many = case
    connection = _make(statements)
    try:
        with pytest.MonkeyPatch.context() as small:
            small.setattr(own_indexes, "FEW", many)
            small.setattr(copy_rows, "CHUNK", max(many, 1))
            _check(connection, batch, recreate)
    finally:
        connection.close()
        connection.engine.dispose()


def _dump(connection):
    """All that is there; Python's own dump stumbles over keys that lead nowhere."""
    driver = connection.connection.driver_connection
    made = driver.execute("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2")
    made = made.fetchall()
    factory, driver.text_factory = driver.text_factory, bytes  # not all is UTF-8
    rows = [
        driver.execute(f'SELECT * FROM "{name}"').fetchall()
        for kind, name, _ in made
        if kind == "table"
    ]
    driver.text_factory = factory
    return made, rows


def _check(connection, batch, recreate):
    before, state = _facts(connection), _state(connection)
    batch = _with_names(batch, state)
    columns = _plain_columns(before[("table", "item")])
    rows = _rows(connection, columns)
    violations = _violations(connection)
    dump = _dump(connection)
    sequence = _sequence(connection)
    connection.commit()
    try:
        _alter(connection, batch, recreate)
    except MigrationFailed as error:
        event(f"refused: {error.sentence[:18]} {error.sentence[-40:]}")
        assert _dump(connection) == dump
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        return
    event("done")
    kinds = {kind for kind, *_ in batch}
    after, changed = _facts(connection), _state(connection)
    _rows_stay(connection, columns, rows, batch)
    if "rename" not in kinds:
        _texts_stay(before, after, batch)
        assert changed == _expected(state, batch, changed)
    assert _soundness(connection) == ["ok"]
    assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    if not kinds & {
        "foreign key",
        "type",
        "drop",
        "rename",
        "primary key",
        "unique",
        "constraint",
    }:
        assert _violations(connection) == violations
    if "primary key" not in kinds and "drop" not in kinds and "constraint" not in kinds:
        assert _sequence(connection) == sequence


def _with_names(batch, state):
    """Let drop_constraint name a constraint that there is."""
    constraints = sorted(state.constraints, key=repr)
    result, gone = [], set()
    for kind, operation, arguments, options in batch:
        if kind == "constraint":
            left = [each for each in constraints if each not in gone]
            assume(left)
            chosen = left[arguments[0] % len(left)]
            gone.add(chosen)
            types = {
                Unique: "unique",
                Check: "check",
                ForeignKey: "foreignkey",
                PrimaryKey: "primary",
            }
            result.append(
                (kind, operation, (chosen.name,), {"type_": types[type(chosen)]})
            )
        else:
            result.append((kind, operation, arguments, options))
    return result


def _alter(connection, batch, recreate):
    context = MigrationContext.configure(connection, opts={"transactional_ddl": True})
    with owned_context(context).begin_transaction():
        op = Operations(context)
        with op.batch_alter_table("item", recreate=recreate) as batch_op:
            for _, operation, arguments, options in batch:
                getattr(batch_op, operation)(*arguments, **options)


def _plain_columns(sql):
    return [
        column.name
        for column in parse_table(sql).columns
        if not any(clause.kind.name == "GENERATED" for clause in column.clauses)
    ]


def _rows_stay(connection, columns, rows, batch):
    text = _facts(connection)[("table", "item")]
    there = _plain_columns(text)
    renamed = {a[0]: "renamed" for k, _, a, _ in batch if k == "rename"}
    retyped = {a[0] for k, _, a, _ in batch if k == "type"}
    kept = [each for each in columns if renamed.get(each, each) in there]
    assert set(columns) - set(kept) <= {a[0] for k, _, a, _ in batch if k == "drop"}
    if "WITHOUT ROWID" in text and "id" not in kept:
        return
    order = "id" if "id" in columns else "rowid"
    listed = ", ".join(quote(renamed.get(each, each)) for each in kept)
    if any(k == "primary key" for k, *_ in batch) and order == "rowid":
        return
    now = connection.exec_driver_sql(
        f"SELECT {listed} FROM item ORDER BY {order}"
    ).all()
    places = [columns.index(each) for each in kept]
    for row, old in zip(now, rows, strict=True):
        for value, place, name in zip(row, places, kept, strict=True):
            if name in retyped:
                assert _loosely(value) == _loosely(old[place])
            else:
                assert (type(value), value) == (type(old[place]), old[place])


def _loosely(value):
    if isinstance(value, bytes) or value is None:
        return value
    try:
        return float(value)
    except ValueError:
        return value


def _texts_stay(before, after, batch):
    dropped = {a[0] for k, _, a, _ in batch if k == "drop"}
    for (kind, name), sql in before.items():
        if name == "item" or name.startswith("sqlite_"):
            continue
        if kind == "index" and mentioned(sql, dropped):
            assert (kind, name) not in after
            continue
        assert after[(kind, name)] == sql
    old = {c.name: c for c in parse_table(before[("table", "item")]).columns}
    new = {c.name: c for c in parse_table(after[("table", "item")]).columns}
    spoken = {
        a[0] for k, _, a, _ in batch if k in ("type", "nullable", "default", "drop")
    }
    if not {k for k, *_ in batch} & {"constraint", "primary key", "drop"}:
        for name in set(old) - spoken:
            assert new[name].text == old[name].text
            assert new[name].before == old[name].before


def _expected(state, batch, reached):
    """The state after the batch, by the meaning of its operations."""
    for kind, _, arguments, options in batch:
        match kind:
            case "drop":
                state = _without(state, arguments[0])
            case "constraint":
                named = {c for c in state.constraints if c.name == arguments[0]}
                said = {_bare(c) for c in named}
                gone = named | {
                    c
                    for c in state.constraints
                    if c.naming.name == "NONE" and _bare(c) in said
                }
                state = replace(state, constraints=state.constraints - gone)
            case "nullable":
                state = _column(state, arguments[0], nullable=options["nullable"])
            case "type" | "default":
                now = (
                    {c.name: c for c in reached.columns}[arguments[0]]
                    if arguments[0] in {c.name for c in reached.columns}
                    else None
                )
                if now is not None:
                    state = _column(
                        state, arguments[0], type=now.type, default=now.default
                    )
    return _with_new(state, batch, reached)


def _column(state, name, **changes):
    columns = tuple(
        replace(c, **_settled(c, changes)) if c.name == name else c
        for c in state.columns
    )
    return replace(state, columns=columns)


def _settled(column, changes):
    if changes.get("nullable") is True:
        return {**changes, "options": frozenset()}
    return changes


def _without(state, name):
    columns = tuple(c for c in state.columns if c.name != name)
    constraints = set()
    for each in state.constraints:
        if isinstance(each, Check):
            if not mentioned(each.expression.canonical, [name]):
                constraints.add(each)
        elif name not in each.columns:
            constraints.add(each)
        elif isinstance(each, PrimaryKey) and len(each.columns) > 1:
            constraints.add(
                replace(each, columns=tuple(c for c in each.columns if c != name))
            )
    indexes = {
        index
        for index in state.indexes
        if not any(
            part.column == name
            or (part.expression and mentioned(part.expression.canonical, [name]))
            for part in index.parts
        )
        and not (index.where and mentioned(index.where.canonical, [name]))
    }
    return replace(
        state,
        columns=columns,
        constraints=frozenset(constraints),
        indexes=frozenset(indexes),
    )


def _with_new(state, batch, reached):
    """Add what the batch adds, as it was read: only that it is there is expected."""
    names = {
        "unique": "uq_new",
        "check": "ck_new",
        "foreign key": "fk_new",
        "primary key": "pk_new",
    }
    for kind, *_ in batch:
        if kind == "add":
            new = [c for c in reached.columns if c.name == "new"]
            assert new
            if not any(c.name == "new" for c in state.columns):
                state = replace(state, columns=(*state.columns, *new))
        elif kind in names:
            new = {c for c in reached.constraints if c.name == names[kind]}
            kept = state.constraints
            if kind == "primary key":
                kept = frozenset(c for c in kept if not isinstance(c, PrimaryKey))
                state = replace(state, options=reached.options)
            state = replace(
                state,
                constraints=frozenset(c for c in kept if c.name != names[kind]) | new,
            )
    if any(kind in ("constraint", "drop", "primary key") for kind, *_ in batch):
        state = replace(state, options=reached.options)
        nullable = {c.name: c.nullable for c in reached.columns}
        if "without" in str(state.options):
            state = replace(
                state,
                columns=tuple(
                    replace(c, nullable=nullable[c.name]) for c in state.columns
                ),
            )
    by_content = {_bare(c): c for c in reached.constraints}
    kinds = (Unique, Check, ForeignKey, PrimaryKey)
    once = (
        each_once(c for c in state.constraints if type(c) is kind) for kind in kinds
    )
    state = replace(state, constraints=frozenset(c for each in once for c in each))
    return replace(
        state,
        constraints=frozenset(
            by_content.get(_bare(c), c) if c.naming.name == "NONE" else c
            for c in state.constraints
        ),
    )


def _bare(constraint):
    return replace(constraint, name="", naming=Naming.NONE)


def _violations(connection):
    found = []
    for table in ("item", "child"):
        try:
            rows = connection.exec_driver_sql(
                f"PRAGMA foreign_key_check({table})"
            ).all()
        except sa.exc.OperationalError:
            rows = ["mismatch"]
        found += sorted(str(row[:3]) for row in rows)
    return found


def _sequence(connection):
    if ("table", "sqlite_sequence") not in _facts(connection):
        return None
    return connection.exec_driver_sql("SELECT * FROM sqlite_sequence").all()


def _soundness(connection):
    """What SQLite finds wrong, but for what it finds wrong in a new copy as well."""
    driver = connection.connection.driver_connection
    found = driver.execute("PRAGMA integrity_check").fetchall()
    if found == [("ok",)]:
        return ["ok"]
    with closing(sqlite3.connect(":memory:")) as copy:
        copy.executescript("".join(f"{line}\n" for line in driver.iterdump()))
        same = copy.execute("PRAGMA integrity_check").fetchall()
    return ["ok"] if same == found else found
