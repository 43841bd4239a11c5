"""`whimbrel diff` on servers: its SQL is for their own clients, and leads there."""

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from mysql_cases import marked
from whimbrel.catalog.sql_file import load_sql
from whimbrel.cli import whimbrel


POSTGRESQL = {
    "percent signs are not doubled": (
        "CREATE TABLE t (a text, b int)",
        """CREATE TYPE rate AS ENUM ('5%', '10%');
        CREATE TABLE t (a text DEFAULT '50% :off' CHECK (a NOT LIKE 'x%'), b int, "c%d" rate);
        CREATE INDEX "i%" ON t ((b % 7));
        COMMENT ON COLUMN t.a IS '100% :sure'""",
    ),
    "what a table stands on comes before it": (
        "CREATE TABLE t (a text)",
        """CREATE EXTENSION citext; CREATE SCHEMA apart;
        CREATE DOMAIN apart.name AS varchar(20) NOT NULL CHECK (value <> '%');
        CREATE TYPE place AS (street apart.name, zip int);
        CREATE TYPE span AS RANGE (SUBTYPE = float8);
        CREATE TABLE t (a citext, b place[], c span);
        CREATE INDEX "i%" ON t (c)""",
    ),
    "what nothing stood on yet is there": (
        """CREATE DOMAIN name_of AS text; CREATE TYPE idle AS (a int);
        CREATE TABLE t (a text); CREATE INDEX "i%" ON t (a)""",
        """CREATE DOMAIN name_of AS text;
        CREATE TABLE t (a name_of); CREATE INDEX "i%" ON t (a)""",
    ),
    "a view goes where the wanted schema has it no more": (
        """CREATE TABLE t (a int, b int, c int); CREATE INDEX "i%" ON t (a);
        CREATE VIEW gone AS SELECT b FROM t; CREATE VIEW other AS SELECT a, c FROM t""",
        """CREATE TABLE t (a bigint); CREATE INDEX "i%" ON t (a);
        CREATE VIEW other AS SELECT a FROM t""",
    ),
}
MARIADB = {
    "percent signs are not doubled": (
        "CREATE TABLE t (a varchar(20), b int)",
        """CREATE TABLE t (a varchar(20) DEFAULT '50% :off' COMMENT '100% :sure', b int,
        `c%d` enum('5%', '10%'), CONSTRAINT x CHECK (a NOT LIKE 'x%'))""",
    ),
    "the index of a foreign key keeps its name": (
        """CREATE TABLE p (id int PRIMARY KEY);
        CREATE TABLE c (a int, CONSTRAINT c_ibfk_1 FOREIGN KEY (a) REFERENCES p (id))""",
        """CREATE TABLE p (id int PRIMARY KEY);
        CREATE TABLE c (a int, CONSTRAINT c_ibfk_1 FOREIGN KEY (a) REFERENCES p (id)
         ON DELETE CASCADE)""",
    ),
    "a default asks the sequence beside it": (
        "CREATE TABLE t (a int)",
        "CREATE SEQUENCE s; CREATE TABLE t (a int DEFAULT nextval(s))",
    ),
    "a table that keeps its history is a table": (
        "CREATE TABLE t (a int) WITH SYSTEM VERSIONING",
        "CREATE TABLE t (a int) WITH SYSTEM VERSIONING; CREATE TABLE u (a int)",
    ),
}
ONLY_MARIADB = {
    name: "mariadb"
    for name, pair in MARIADB.items()
    if any(word in str(pair) for word in ("SEQUENCE", "VERSIONING"))
}


def told(url, wanted, *words):
    result = CliRunner().invoke(whimbrel, ["diff", url, str(wanted), *words])
    assert result.exit_code in (0, 2), result.output
    return result.output


def load(url, path, sql):
    """Run a file of SQL; return the names of the indexes that are there then."""
    path.write_text(sql)
    engine = create_engine(url)
    with engine.connect() as connection:
        load_sql(connection, path)
        connection.commit()
        found = connection.execute(text(INDEXES[engine.dialect.name])).scalars().all()
    engine.dispose()
    return found


INDEXES = {
    "postgresql": "SELECT relname FROM pg_class WHERE relkind = 'i' AND relname ~ '^i'",
    "mysql": "SELECT index_name FROM information_schema.statistics"
    " WHERE table_schema = DATABASE() AND table_name = 'c'",
}


def reaches(url, folder, before, after):
    """Run the SQL of a diff, and say what is there and what still differs then."""
    wanted = folder / "wanted.sql"
    wanted.write_text(after)
    were = load(url, folder / "before.sql", before)
    are = load(url, folder / "change.sql", told(url, wanted, "--sql"))
    return were, are, told(url, wanted)


@pytest.mark.parametrize("case", POSTGRESQL)
def test_the_sql_leads_there_on_postgresql(case, postgresql_url, tmp_path):
    """A second comparison finds nothing."""
    _, are, rest = reaches(postgresql_url, tmp_path, *POSTGRESQL[case])
    assert rest == "No differences.\n"
    assert are == ["i%"]


@pytest.mark.parametrize("case", marked(MARIADB, ONLY_MARIADB))
def test_the_sql_leads_there_on_mariadb(case, mariadb_url, tmp_path):
    """A second comparison finds nothing, and the names that nobody gave stay."""
    were, are, rest = reaches(mariadb_url, tmp_path, *MARIADB[case])
    assert rest == "No differences.\n"
    assert are == were


def test_a_column_keeps_its_rows_as_its_name_gets_other_letters(mariadb_url, tmp_path):
    """No table can have both, so that it is a rename, whatever else becomes of it."""
    wanted = tmp_path / "wanted.sql"
    wanted.write_text("CREATE TABLE t (ID int PRIMARY KEY, Note text, KEY n (Note(5)))")
    before = "CREATE TABLE t (id int PRIMARY KEY, note varchar(9), KEY n (note(5)))"
    load(mariadb_url, tmp_path / "before.sql", before)
    engine = create_engine(mariadb_url)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO t VALUES (7, 'x')"))
    load(mariadb_url, tmp_path / "change.sql", told(mariadb_url, wanted, "--sql"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT * FROM t")).mappings().all() == [
            {"ID": 7, "Note": "x"}
        ]
    engine.dispose()
    assert told(mariadb_url, wanted) == "No differences.\n"


BESIDE = {
    "mariadb": (
        "CREATE PROCEDURE p (IN a int) SELECT 1; CREATE FUNCTION f (a int) RETURNS int"
        " DETERMINISTIC RETURN a; CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW"
        " SET new.b = 1",
        "CREATE PROCEDURE p (IN b int) SELECT 1; CREATE FUNCTION f (a int) RETURNS int"
        " DETERMINISTIC RETURN a; CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO"
        " SELECT 1",
        "only the first has trigger g, view gone; only the second has event e, view new;"
        " different procedure p",
    ),
    "postgresql": (
        "CREATE MATERIALIZED VIEW m AS SELECT a FROM t",
        "CREATE MATERIALIZED VIEW m AS SELECT b FROM t; CREATE TRIGGER g BEFORE UPDATE ON"
        " t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "only the first has view gone; only the second has trigger g on t, view new;"
        " different materialized view m",
    ),
}


def says_what_is_beside(url, folder, first, second, expected):
    """Whether a diff names it, but where it is about some of the tables."""
    both = "CREATE TABLE t (a int, b int); CREATE VIEW same AS SELECT t.a FROM t"
    engine = create_engine(url)
    with engine.begin() as connection:
        for each in f"{both}; CREATE VIEW gone AS SELECT b FROM t; {first}".split("; "):
            connection.exec_driver_sql(each)
    engine.dispose()
    wanted = folder / "wanted.sql"
    wanted.write_text(f"{both}; CREATE VIEW new AS SELECT a FROM t; {second}")

    beside = f"Not compared, and left to scripts of your own: {expected}.\n"
    assert told(url, wanted) == f"{beside}No differences.\n"
    assert told(url, wanted, "--include", "t") == "No differences.\n"
    return told(url, wanted, "--sql") == f"-- {beside}"


def test_what_differs_beside_the_tables_is_said_on_mariadb(mariadb_url, tmp_path):
    """Nobody takes two databases for equal that differ in what is not managed."""
    assert says_what_is_beside(mariadb_url, tmp_path, *BESIDE["mariadb"])


def test_what_differs_beside_the_tables_is_said_on_postgresql(postgresql_url, tmp_path):
    """Functions are left out, on which tables may stand."""
    assert says_what_is_beside(postgresql_url, tmp_path, *BESIDE["postgresql"])


def test_what_differs_beside_the_tables_is_said_on_sqlite(tmp_path):
    """Its file keeps views as they were written."""
    expected = "only the first has view gone; only the second has view new"
    url = f"sqlite:///{tmp_path / 'first.db'}"
    assert says_what_is_beside(url, tmp_path, "SELECT 1", "SELECT 1", expected)
