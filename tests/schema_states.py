"""States of all shapes, for the laws that hold for every one of them."""

from dataclasses import replace

from hypothesis import strategies as st

from whimbrel.schema.names import default_name, tell_apart
from whimbrel.schema.state import (
    Check,
    Column,
    Computed,
    Enum,
    Exclusion,
    ExclusionPart,
    Expression,
    ForeignKey,
    Index,
    IndexPart,
    Naming,
    Option,
    PrimaryKey,
    Sequence,
    State,
    Table,
    TableName,
    Type,
    Unique,
)


NAMES = ["a", "b", "Order", "naïve", "漢字"]
names = st.sampled_from(NAMES)
expressions = st.sampled_from(["0", "'x'", "current_timestamp", "a > 0"]).map(
    lambda text: Expression(text, text)
)
options = st.frozensets(st.builds(Option, names, st.just("on")), max_size=1)


@st.composite
def columns(draw, name, position):
    return Column(
        name=name,
        type=Type(draw(st.sampled_from(["INTEGER", "TEXT", "VARCHAR(20)"]))),
        nullable=draw(st.booleans()),
        default=draw(st.none() | expressions),
        collation=draw(st.sampled_from([None, "NOCASE"])),
        computed=draw(
            st.none()
            | st.builds(Computed, expression=expressions, is_stored=st.booleans())
        ),
        options=draw(options),
        position=position,
    )


@st.composite
def named(draw, kind, table, columns, target=""):
    naming = draw(st.sampled_from(Naming))
    if naming is Naming.NONE:
        return default_name(kind, table, columns, target), naming
    return draw(st.sampled_from(["one", "two", "three"])), naming


def exclusions(column_names):
    parts = st.builds(
        ExclusionPart,
        operator=st.sampled_from(["=", "&&"]),
        column=st.sampled_from(column_names),
    ) | st.builds(ExclusionPart, operator=st.just("="), expression=expressions)
    return st.builds(
        Exclusion,
        name=st.just(""),
        parts=st.lists(parts, min_size=1, max_size=2).map(tuple),
        where=st.none() | expressions,
        using=st.sampled_from(["gist", "btree"]),
        options=options,
    )


enums = st.builds(
    Enum,
    name=names,
    schema=st.sampled_from([None, "s"]),
    values=st.lists(names, max_size=3, unique=True).map(tuple),
)
sequences = st.builds(
    Sequence,
    name=names,
    schema=st.sampled_from([None, "s"]),
    type=st.sampled_from([None, "integer"]),
    options=options,
)


def apart(things):
    return st.lists(
        things, max_size=2, unique_by=lambda each: (each.schema, each.name)
    ).map(frozenset)


@st.composite
def constraints(draw, table, column_names):
    keys = st.lists(
        st.sampled_from(column_names), min_size=1, max_size=2, unique=True
    ).map(tuple)
    found = []
    if draw(st.booleans()):
        key = draw(keys)
        name, naming = draw(named(PrimaryKey, table, key))
        found.append(PrimaryKey(name=name, naming=naming, columns=key))
    for _ in range(draw(st.integers(0, 2))):
        key = draw(keys)
        name, naming = draw(named(Unique, table, key))
        found.append(Unique(name=name, naming=naming, columns=key))
    for _ in range(draw(st.integers(0, 2))):
        expression = draw(expressions)
        name, naming = draw(named(Check, table, ()))
        found.append(Check(name=name, naming=naming, expression=expression))
    for _ in range(draw(st.integers(0, 1))):
        key, target = draw(keys), draw(names)
        name, naming = draw(named(ForeignKey, table, key, target))
        found.append(
            ForeignKey(
                name=name,
                naming=naming,
                columns=key,
                target=TableName(target),
                target_columns=tuple("a" for _ in key),
                on_delete=draw(st.sampled_from([None, "CASCADE"])),
            )
        )
    if draw(st.booleans()):
        exclusion = draw(exclusions(column_names))
        name, naming = draw(named(Exclusion, table, exclusion.columns))
        found.append(replace(exclusion, name=name, naming=naming))
    unique_ones = {(type(each), each.name): each for each in tell_apart(found)}
    return frozenset(unique_ones.values())


@st.composite
def tables(draw, name):
    column_names = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    parts = st.builds(
        IndexPart, column=st.sampled_from(column_names), descending=st.booleans()
    )
    indexes = draw(
        st.lists(
            st.builds(
                Index,
                name=names,
                parts=st.tuples(parts),
                unique=st.booleans(),
                where=st.none() | expressions,
                naming=st.sampled_from([Naming.GIVEN, Naming.CONVENTION]),
            ),
            max_size=2,
            unique_by=lambda index: index.name,
        )
    )
    return Table(
        name=TableName(name),
        columns=tuple(draw(columns(each, i)) for i, each in enumerate(column_names)),
        constraints=draw(constraints(name, column_names)),
        indexes=frozenset(indexes),
        options=draw(options),
    )


@st.composite
def states_of_tables(draw):
    chosen = draw(st.lists(names, max_size=3, unique=True))
    return State(frozenset(draw(tables(name)) for name in chosen))


@st.composite
def states(draw):
    """States of tables and of what stands beside them, on the databases that can."""
    return replace(
        draw(states_of_tables()),
        enums=draw(apart(enums)),
        sequences=draw(apart(sequences)),
    )
