"""A column of a whole gets another name, and what its parts and heirs have follows."""

import pytest

from commands.test_diff_heirs import asked, fill, led


MADE = {
    "parts": (
        "CREATE TABLE o (id int PRIMARY KEY); CREATE TABLE p (k int, {0} int, c text)"
        " PARTITION BY LIST (k); CREATE TABLE h PARTITION OF p FOR VALUES IN (1) PARTITION BY"
        " LIST (k); CREATE TABLE g PARTITION OF h FOR VALUES IN (1)"
    ),
    "heirs": (
        "CREATE TABLE o (id int PRIMARY KEY); CREATE TABLE p (k int, {0} int, c text);"
        " CREATE TABLE h () INHERITS (p); CREATE TABLE g () INHERITS (h)"
    ),
}
OWN = {
    "a check": "ALTER TABLE {1} ADD CONSTRAINT own CHECK ({0} > k)",
    "an index": "CREATE INDEX own ON {1} ({0}, k)",
    "an index of an expression": "CREATE INDEX own ON {1} ((k + {0})) WHERE {0} > 3",
    "an index that includes": "CREATE INDEX own ON {1} (k) INCLUDE ({0})",
    "a foreign key": (
        "ALTER TABLE {1} ADD CONSTRAINT own FOREIGN KEY ({0}) REFERENCES o (id)"
    ),
    "a foreign key to it": (
        "ALTER TABLE {1} ADD CONSTRAINT own UNIQUE (k, {0}); CREATE TABLE r (k int, v int,"
        " CONSTRAINT away FOREIGN KEY (k, v) REFERENCES {1} (k, {0}))"
    ),
    "defaults": (
        "ALTER TABLE {1} ALTER {0} SET DEFAULT 4; ALTER TABLE {1} ALTER c SET DEFAULT 'é'"
    ),
    "the default of another": "ALTER TABLE {1} ALTER c SET DEFAULT 'x'",
    "not null": "ALTER TABLE {1} ALTER {0} SET NOT NULL, ALTER c SET NOT NULL",
}
OF_ONE = {
    "an exclusion": (
        MADE["parts"],
        "ALTER TABLE g ADD CONSTRAINT own EXCLUDE USING btree ((k + {0}) WITH =)",
    ),
    "a generated column": (
        MADE["heirs"],
        "ALTER TABLE h ADD z int GENERATED ALWAYS AS ({0} + 1) STORED",
    ),
    "it is parted by the column": (
        MADE["parts"].replace(" LIST (k); CREATE TABLE g", " LIST ({0}); CREATE TABLE g"),
        "SELECT 1",
    ),
    "it has the column by itself": (
        MADE["heirs"].replace("h () INH", "h ({0} int DEFAULT 8) INH"),
        "CREATE INDEX own ON h ({0})",
    ),
    "it inherits in two ways": (
        MADE["heirs"],
        "CREATE TABLE i () INHERITS (p); CREATE TABLE d (CONSTRAINT own CHECK ({0} > 0))"
        " INHERITS (h, i)",
    ),
}  # fmt: skip
EACH = {
    f"{own} of {table} among {made}": (MADE[made], OWN[own].replace("{1}", table))
    for own in OWN
    for made in MADE
    for table in "hg"
} | OF_ONE


@pytest.mark.parametrize("name", EACH)
def test_what_is_their_own_follows(databases, tmp_path, name):
    """There and back, and nothing of it is made again."""
    before, after = (
        "; ".join(each.replace("{0}", column) for each in EACH[name])
        for column in ("a", '"z%"')
    )
    fill(databases[0], before)
    led(databases, tmp_path, after, before, "--rename", "p.a:p.z%")
    script = (tmp_path / "script.py").read_text()
    upgrade = script.partition("def upgrade")[2].partition("def downgrade")[0]
    assert upgrade.count("op.") == 1, script


@pytest.mark.parametrize("made", MADE)
def test_a_check_without_a_name_is_called_anew(databases, tmp_path, made):
    """The server leaves it the name that it made of the column's old one."""
    own = "ALTER TABLE h ADD CHECK ({0} > 0)"
    before, after = (f"{MADE[made]}; {own}".format(each) for each in ("a", "b"))
    fill(databases[0], before)
    led(databases, tmp_path, after, before, "--rename", "p.a:p.b")
    assert "DROP CONSTRAINT" not in (tmp_path / "script.py").read_text()


@pytest.mark.parametrize("made", MADE)
def test_what_is_their_own_changes_beside_a_rename(databases, tmp_path, made):
    """A view stands in the way, a check goes, an index comes, rows stay."""
    before = (
        f"{MADE[made].format('a')}; ALTER TABLE h ADD CONSTRAINT own CHECK (a > k); CREATE"
        " VIEW v AS SELECT a, c FROM h; INSERT INTO g VALUES (1, 5, 'x')"
    )
    after = (
        f"{MADE[made].format('b')}; ALTER TABLE h ADD CONSTRAINT own CHECK (b > k + 1); CREATE"
        " INDEX i ON g (b); ALTER TABLE p ALTER c TYPE varchar(9); CREATE VIEW v AS SELECT b AS"
        " a, c FROM h"
    )
    fill(databases[0], before)
    led(databases, tmp_path, after, before, "--rename", "p.a:p.b")
    assert asked(databases[0], "SELECT b, c FROM g") == [(5, "x")]


def test_a_rename_may_be_said_of_the_heir_as_well(databases, tmp_path):
    """Names are swapped, of the heir's own columns too."""
    made = (
        "CREATE TABLE p ({0} int, {1} int); CREATE TABLE h ({0} int, {1} int) INHERITS (p);"
        " ALTER TABLE h ADD CONSTRAINT own CHECK ({0} > {1} + 1)"
    )
    before, after = made.format("a", "b"), made.format("b", "a")
    fill(databases[0], f"{before}; INSERT INTO h VALUES (7, 1)")
    said = [
        each for t in "hp" for e in ("a:b", "b:a") for each in ("--rename", f"{t}.{e}")
    ]
    led(databases, tmp_path, after, before, *said)
    assert asked(databases[0], "SELECT b, a FROM h") == [(7, 1)]


@pytest.mark.parametrize("made", MADE)
def test_a_whole_gets_another_name(databases, tmp_path, made):
    """With a column of it; what is made from it stays what it is."""
    own = "; ALTER TABLE g ADD CONSTRAINT own CHECK ({0} > k)"
    before = (MADE[made] + own).format("a")
    after = (MADE[made] + own).replace(" p (k", ' "p 1" (k').format("b")
    after = after.replace("(p)", '("p 1")').replace("OF p ", 'OF "p 1" ')
    fill(databases[0], before)
    led(databases, tmp_path, after, before, "--rename", "p:p 1", "--rename", "p 1.a:b")
    assert "DETACH" not in (tmp_path / "script.py").read_text()
