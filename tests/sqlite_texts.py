"""CREATE TABLE texts that SQLite accepts, in all the ways in which people write them."""

from hypothesis import strategies as st


NAMES = (
    "id",
    "name",
    "Größe",
    "order",
    "two words",
    'a"b',
    "gen`d",
    "KEY",
    "a,(b",
    "--c",
)
TYPES = ("", "INTEGER", "int", "VARCHAR(20)", "varchar (20 )", "NUMERIC(10, 2)",
         "UNSIGNED BIG INT", "double  precision", '"my type"', "[odd type]", "TEXT",
         "DECIMAL(+5,-2)", "timestamp /* utc */ with", "generated")  # fmt: skip
STRICT_TYPES = ("INTEGER", "INT", "TEXT", "REAL", "BLOB", "ANY")
LITERALS = ("1", "-1", "+ 2.5e3", "'it''s, (x)'", "NULL", "CURRENT_TIMESTAMP", "x'ab'",
            "true", "(1 + (2))", "( datetime('now') )", '"word"', "bare", "(-1)",
            "0xFF", "('a' || ')')")  # fmt: skip
CONFLICTS = ("", " ON CONFLICT IGNORE", " on conflict REPLACE", " ON CONFLICT ABORT")
ACTIONS = ("", " ON DELETE CASCADE", " ON UPDATE SET NULL ON DELETE NO ACTION",
           " on delete set default MATCH FULL", " MATCH SIMPLE ON UPDATE RESTRICT")  # fmt: skip
DEFERRED = ("", " DEFERRABLE", " NOT DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED",
            " deferrable initially immediate", " NOT DEFERRABLE INITIALLY DEFERRED")  # fmt: skip
GAPS = (" ", "\n\t", " /* a, ( */ ", " -- it's b,)\n ", "  ")
QUOTES = ('"{}"', "[{}]", "`{}`", "'{}'", "{}")


@st.composite
def written(draw, name):
    """A name in one of the quotings that can hold it."""
    style = draw(st.sampled_from(QUOTES))
    if style == "{}":
        plain = name.isidentifier() and name.upper() not in ("ORDER", "UNIQUE")
        return name if plain else '"' + name.replace('"', '""') + '"'
    end = style[-1]
    return style.format(name if end == "]" else name.replace(end, end * 2))


def one_of(*choices):
    return st.sampled_from(choices)


@st.composite
def named(draw, clause):
    if draw(st.integers(0, 3)):
        return clause
    gap = draw(st.sampled_from(GAPS))
    return f"CONSTRAINT {draw(written(draw(one_of('c1', 'unique', 'two words'))))}{gap}{clause}"


@st.composite
def condition(draw, names):
    column = draw(written(draw(st.sampled_from(names))).filter(lambda x: x[0] != "'"))
    return draw(
        one_of(
            f"{column} > 0",
            f"({column} IS NOT NULL) or length({column}) < 3",
            f"{column} IN ('a', ',', ')') -- why\n ",
        )
    )


@st.composite
def reference(draw):
    target = draw(
        one_of("parent", '"PARENT"', "parent (id)", "[parent]( `ID` )", "missing(x)")
    )
    action = draw(st.sampled_from(ACTIONS))
    return f"REFERENCES {target}{action}{draw(st.sampled_from(DEFERRED))}"


@st.composite
def column(draw, name, names, strict, may_be_computed):
    types = STRICT_TYPES if strict else TYPES
    clauses = [
        one_of("NOT NULL", "not null", "NULL"),
        one_of(*[f"NOT NULL{conflict}" for conflict in CONFLICTS]),
        one_of(*[f"UNIQUE{conflict}" for conflict in CONFLICTS]),
        one_of("COLLATE nocase", "COLLATE RTRIM", "collate BINARY", "COLLATE 'NOCASE'"),
        condition(names).map("CHECK ({})".format),
        reference(),
    ]
    if may_be_computed and draw(st.integers(0, 5)) == 0:
        body = draw(one_of("AS (1, 2)", "AS (abs(-3) + 1)")).replace("1, 2", "1 + 2")
        always = draw(one_of("", "GENERATED ALWAYS "))
        kept = draw(one_of("", " STORED", " virtual"))
        clauses.append(st.just(always + body + kept))
    else:
        clauses.append(st.sampled_from(LITERALS).map("DEFAULT {}".format))
    chosen = draw(st.lists(st.sampled_from(clauses), max_size=4, unique_by=id))
    text = draw(written(name)) + " " + draw(st.sampled_from(types))
    for clause in chosen:
        text += draw(st.sampled_from(GAPS)) + draw(named(draw(clause)))
    return text


@st.composite
def constraint(draw, names):
    keys = [
        draw(written(name))
        for name in draw(
            st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)
        )
    ]
    ordered = draw(one_of("", " DESC", " COLLATE nocase", " COLLATE BINARY asc"))
    conflict = draw(st.sampled_from(CONFLICTS))
    text = draw(
        one_of(
            f"UNIQUE ({', '.join(keys)}{ordered}){conflict}",
            f"CHECK ({draw(condition(names))})",
            f"FOREIGN KEY ({keys[0]}) {draw(reference())}",
        )
    )
    return draw(named(text))


@st.composite
def primary_key(draw, names, rowid):
    """A primary key as a clause of the first column, or as a constraint."""
    first = draw(written(names[0]))
    more = "".join(
        f", {draw(written(name))}" for name in names[1 : draw(one_of(1, 1, 2))]
    )
    order = draw(one_of("", " ASC", " DESC"))
    kinds = [
        f"PRIMARY KEY{order}{draw(st.sampled_from(CONFLICTS))}",
        f"PRIMARY KEY ({first}{order}{more})",
    ]
    if rowid:
        kinds.append("")
    return (
        draw(named(draw(st.sampled_from(kinds))))
        if draw(st.booleans())
        else draw(st.sampled_from(kinds))
    )


@st.composite
def create_tables(draw):
    """A CREATE TABLE text of a table that SQLite makes (nearly always)."""
    strict = draw(st.integers(0, 4)) == 0
    rowid = draw(st.integers(0, 4)) > 0
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=4, unique=True))
    key = draw(primary_key(names, rowid))
    columns = [
        draw(column(name, names, strict, place > 1)) for place, name in enumerate(names)
    ]
    constraints = draw(st.lists(constraint(names), max_size=3))
    if "PRIMARY KEY (" in key:
        constraints.insert(0, key)
    elif key.strip():
        columns[0] += " " + key
    text = draw(st.sampled_from(GAPS)).join(
        ["CREATE TABLE", draw(one_of("", "IF NOT EXISTS ", "main."))]
    )
    text += draw(one_of("item", '"item"', "[item]")) + draw(st.sampled_from(GAPS)) + "("
    text += ",".join(draw(st.sampled_from(GAPS)) + each for each in columns)
    for place, each in enumerate(constraints):
        comma = "," if place == 0 else draw(one_of(",", "", " "))
        text += comma + draw(st.sampled_from(GAPS)) + each
    options = [
        each for each in ("STRICT" * strict, "WITHOUT  ROWID" * (not rowid)) if each
    ]
    return (
        text
        + draw(st.sampled_from(GAPS))
        + ")"
        + " , ".join(draw(st.permutations(options)))
    )
