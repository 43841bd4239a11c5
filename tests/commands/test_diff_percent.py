"""Scripts run whatever percent signs there are, which drivers take for parameters."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from commands.test_diff_heirs import compared, fill
from postgresql_pairs import connected, run_plainly, script_between, state_of
from whimbrel.catalog.models import read_models
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.diff import diff
from whimbrel.schema.scope import Scope


TYPES = (
    """CREATE DOMAIN "d\\%""x" AS text DEFAULT '%s' CHECK (VALUE LIKE '%s%');"""
    """CREATE TYPE "r%" AS RANGE (SUBTYPE = int4); CREATE TYPE "e%" AS ENUM ('a%');"""
)
PAIRS = {
    "types": (
        "CREATE TABLE t (a int)",
        f'{TYPES} CREATE TABLE t (a int, b "d\\%""x", c "d\\%""x"[], e "e%"[]);'
        ' CREATE TABLE u (r "r%" DEFAULT \'[2,3)\', c "d\\%""x" COLLATE "C")',
    ),
    "a partitioned table": (
        "CREATE SCHEMA s",
        "CREATE SCHEMA s; CREATE TABLE x (a int PRIMARY KEY); CREATE TYPE e AS ENUM ('a');"
        """CREATE TABLE s."t%:" (a int CHECK (a % 2 = 0), b e, c text DEFAULT '%s :x',"""
        " d int NOT NULL REFERENCES x DEFERRABLE, e serial, f int GENERATED ALWAYS AS"
        " (a % 7) STORED, g bigint GENERATED ALWAYS AS IDENTITY) PARTITION BY LIST"
        " ((a % 3)); CREATE INDEX \"i%\" ON s.\"t%:\" (b);"
        """COMMENT ON TABLE s."t%:" IS ':c %'; COMMENT ON COLUMN s."t%:".c IS '%s';"""
        'CREATE TABLE s.p PARTITION OF s."t%:" FOR VALUES IN (1) PARTITION BY LIST'
        " ((a % 5))",
    ),
    "parted by a name": (
        "SELECT 1",
        'CREATE TABLE t ("a%" int) PARTITION BY RANGE ("a%")',
    ),
    "a docstring": ("SELECT 1", 'CREATE TABLE "a""""""\\d" ("\\e" int)'),
    "a reference": (
        'CREATE TABLE a ("i%" int PRIMARY KEY); CREATE TABLE b ("i%" int)',
        'CREATE TABLE a ("i%" int PRIMARY KEY); CREATE TABLE b ("i%" int REFERENCES a ON'
        ' DELETE SET NULL ("i%")); CREATE TABLE c ("i%" int REFERENCES a ON DELETE SET'
        ' DEFAULT ("i%"))',
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("error:invalid escape sequence")
@pytest.mark.parametrize("pair", PAIRS)
def test_scripts_between_databases(databases, tmp_path, pair):
    """Names, and what tables are parted by, are as they are wanted, there and back."""
    for url, sql in zip(databases, PAIRS[pair], strict=True):
        fill(url, f"DROP SCHEMA IF EXISTS s CASCADE; {sql}")
    _, module = compared(databases, tmp_path / "script.py", "--schema", "s")
    for verb in ("upgrade", "downgrade", "upgrade"):
        with connected(databases[0]) as connection:
            run_plainly(connection, module[verb])
    told, _ = compared(databases, tmp_path / "again.py", "--schema", "s")
    assert told.startswith("No differences")


def parted():
    metadata = sa.MetaData()
    sa.Table(
        "p",
        metadata,
        sa.Column("c", sa.Integer, server_default=sa.text("7 % 4"), comment="5% %s"),
        sa.Column("e", sa.Enum("a%", "%s", name="e%"), server_default="a%"),
        sa.Column("f", pg.DOMAIN("f%", sa.Integer, check="VALUE % 2 = 0")),
        sa.CheckConstraint("c % 2 = 0", name="ck%"),
        sa.Index("i%", sa.text("(c % 3)"), postgresql_where=sa.text("e <> '%s'")),
        postgresql_partition_by="LIST ((c %% 4))",
    )
    return metadata


def test_models_double_what_drivers_read(postgresql):
    """So create_all() needs it where SQLAlchemy sends text as it is."""
    empty = state_of(postgresql)
    wanted = read_models([parted()], postgresql, Scope())
    script = script_between(postgresql, empty, wanted)

    run_plainly(postgresql, script.module.upgrade)
    current = state_of(postgresql)
    assert diff(current, adopt_names(wanted, current)) == ()
    run_plainly(postgresql, script.module.downgrade)

    parted().create_all(postgresql)
    postgresql.commit()
    current = state_of(postgresql)
    assert diff(current, adopt_names(wanted, current)) == ()
