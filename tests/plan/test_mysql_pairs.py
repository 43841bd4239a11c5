"""Pairs of schemas told in SQL, on MariaDB: what is told, led there and back exactly."""

import re

import pytest
import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations import ops

from generated_scripts import OPTIONS, _source
from later_words import needs
from mysql_cases import marked
from mysql_runs import emptied, ours, plain, tables
from whimbrel.catalog.models import read_models
from whimbrel.catalog.read import read_state
from whimbrel.errors import Unalterable
from whimbrel.plan.build import build
from whimbrel.schema.adopting import adopt_names
from whimbrel.schema.dialect import dialect_of
from whimbrel.schema.diff import diff
from whimbrel.schema.key_indexes import with_indexes_told
from whimbrel.schema.scope import Scope
from whimbrel.schema.state import State
from whimbrel.script.render import render


OWNER = (
    "CREATE TABLE owner (id INT PRIMARY KEY, a INT UNIQUE, b INT, UNIQUE two (a, b));"
)
KEY = "c{0} INT, FOREIGN KEY (c{0}) REFERENCES owner (id)"
INSIDE = "CREATE TABLE item (a INT NOT NULL, id INT NOT NULL AUTO_INCREMENT, c INT"
YEARS = (
    "CREATE TABLE years (id INT NOT NULL, y INT NOT NULL, s TEXT, PRIMARY KEY (id, y))"
)
RANGE = "PARTITION BY RANGE (y) (PARTITION old VALUES LESS THAN (2000), PARTITION"
PAIRS = {
    "bits have a default": (
        "CREATE TABLE item (a BIT(3) DEFAULT b'101')",
        "CREATE TABLE item (a BIT(8) DEFAULT b'1', b BIT(2) NOT NULL DEFAULT b'11');"
        " CREATE TABLE other (a BIT(64) DEFAULT b'0')",
    ),
    "an index goes to which a foreign key of another table refers": (
        f"{OWNER} CREATE TABLE item (c INT, FOREIGN KEY (c) REFERENCES owner (a))",
        "CREATE TABLE owner (id INT PRIMARY KEY, a INT, b INT, UNIQUE KEY one (a));"
        " CREATE TABLE item (c INT, FOREIGN KEY (c) REFERENCES owner (a))",
    ),
    "keys in memory are trees, or no more": (
        "CREATE TABLE item (a INT, b INT, PRIMARY KEY (a) USING BTREE, KEY x (b)) ENGINE MEMORY",
        "CREATE TABLE item (a INT, b INT, PRIMARY KEY (a), KEY x (b) USING BTREE) ENGINE MEMORY;"
        " CREATE TABLE new (a INT AUTO_INCREMENT, PRIMARY KEY (a) USING BTREE) ENGINE MEMORY",
    ),
    "a table goes into memory without its texts": (
        "CREATE TABLE item (a VARCHAR(20), b TEXT, FULLTEXT KEY x (b))",
        "CREATE TABLE item (a VARCHAR(20), b VARCHAR(9), KEY y (a)) ENGINE MEMORY",
    ),
    "tables of Aria are crash-safe, and without checksums": (
        "CREATE TABLE item (a INT) ENGINE Aria TRANSACTIONAL=0",
        "CREATE TABLE item (a INT) ENGINE Aria PAGE_CHECKSUM=0",
    ),
    "a part of an index has a length and descends": (
        "CREATE TABLE item (a VARCHAR(99), b TEXT, KEY one (a))",
        "CREATE TABLE item (a VARCHAR(99), b TEXT, KEY one (b (9) DESC, a (20)),"
        " UNIQUE KEY two (a (20) DESC))",
    ),
    "a descending index serves a foreign key, where the server lets it": (
        f"{OWNER} CREATE TABLE item (c INT)",
        f"{OWNER} CREATE TABLE item (c INT, d INT, KEY one (c DESC, d),"
        " CONSTRAINT of_owner FOREIGN KEY (c) REFERENCES owner (id))",
    ),
    "a generated column becomes one that counts": (
        "CREATE TABLE item (a INT AS (c + 1), b INT PRIMARY KEY AUTO_INCREMENT, c INT)",
        "CREATE TABLE item (a INT AUTO_INCREMENT, b INT, KEY one (a))",
    ),
    "a generated column becomes one of which much is said": (
        "CREATE TABLE item (a INT, t DATETIME AS ('2000-01-01') STORED,"
        " i INT AS (a * 2))",
        "CREATE TABLE item (a INT, t DATETIME NULL ON UPDATE CURRENT_TIMESTAMP,"
        " i INT INVISIBLE COMMENT 'i')",
    ),
    "a column counts behind another one of an index, as MyISAM lets it": (
        "CREATE TABLE item (a INT, b INT, KEY one (a)) ENGINE=MyISAM",
        "CREATE TABLE item (a INT, b INT, c INT NOT NULL AUTO_INCREMENT, KEY one (a, c),"
        " KEY two (b)) ENGINE=MyISAM",
    ),
    "another table has a check beside a column of the same name": (
        "CREATE TABLE item (id INT PRIMARY KEY, a INT CHECK (a > 0))",
        "CREATE TABLE thing (code INT PRIMARY KEY, b INT, a INT CHECK (a > 0))",
    ),
    "tables get an engine that has foreign keys": (
        f"{OWNER.replace(';', ' ENGINE=MyISAM;')} CREATE TABLE item (c INT, d CHAR(9),"
        " KEY (c)) ENGINE=MEMORY",
        f"{OWNER} CREATE TABLE item (c INT, d TEXT, CONSTRAINT of_owner FOREIGN KEY (c)"
        " REFERENCES owner (id)) ROW_FORMAT=COMPRESSED",
    ),
    "a column counts inside a key, and its table gets an engine that has foreign keys": (
        f"{OWNER} {INSIDE}, PRIMARY KEY (a, id)) ENGINE=MyISAM",
        f"{OWNER} {INSIDE}, PRIMARY KEY (a, id), KEY (id), KEY (c), CONSTRAINT of_owner"
        " FOREIGN KEY (c) REFERENCES owner (id))",
    ),
    "a column counts inside a key no more, for its table gets another engine": (
        f"{OWNER} {INSIDE}, PRIMARY KEY (a, id)) ENGINE=MyISAM",
        f"{OWNER} {INSIDE.replace(' AUTO_INCREMENT', '')}, PRIMARY KEY (a, id), KEY (c),"
        " CONSTRAINT of_owner FOREIGN KEY (c) REFERENCES owner (id)) ROW_FORMAT=COMPACT",
    ),
    "both tables of a foreign key get another character set": (
        "CREATE TABLE p (code VARCHAR(20) PRIMARY KEY) CHARSET latin1; CREATE TABLE kid"
        " (code VARCHAR(20), FOREIGN KEY (code) REFERENCES p (code)) CHARSET latin1",
        "CREATE TABLE p (code VARCHAR(20) PRIMARY KEY) CHARSET utf8mb4; CREATE TABLE kid"
        " (code VARCHAR(20), FOREIGN KEY (code) REFERENCES p (code)) CHARSET utf8mb4",
    ),
    "texts that change get another character set with their table": (
        "CREATE TABLE item (a VARCHAR(20), b VARCHAR(9), c TEXT) CHARSET latin1",
        "CREATE TABLE item (a VARCHAR(20) NOT NULL, b VARCHAR(12)) CHARSET utf8mb4",
    ),
    "what stands on texts stays as they get another character set": (
        "CREATE TABLE item (a VARCHAR(9) CHECK (char_length(a) < 5),"
        " b ENUM('a', 'é', '中') DEFAULT '中', c VARCHAR(20) AS (upper(a)) STORED,"
        " d VARCHAR(20) AS (lower(a)) VIRTUAL, e CHAR(2)) CHARSET utf8mb4",
        "CREATE TABLE item (a VARCHAR(9) CHECK (char_length(a) < 5),"
        " b ENUM('a', 'é') NOT NULL DEFAULT 'é', c VARCHAR(20) AS (upper(a)) STORED,"
        " d VARCHAR(20), e CHAR(3)) CHARSET latin1",
    ),
    "two foreign keys of one column go with their index": (
        OWNER + "CREATE TABLE item (id INT PRIMARY KEY, o INT,"
        " CONSTRAINT one FOREIGN KEY (o) REFERENCES owner (id),"
        " CONSTRAINT two FOREIGN KEY (o) REFERENCES item (id))",
        OWNER + "CREATE TABLE item (id INT PRIMARY KEY, o INT)",
    ),
    "values of an enum have percent signs": (
        "CREATE TABLE item (a ENUM('5%'))",
        "CREATE TABLE item (a ENUM('5%', '10%', 'it''s') DEFAULT '10%', b SET('%d'))",
    ),
    "defaults speak of columns that go and come": (
        "CREATE TABLE item (a VARCHAR(9), b VARCHAR(20), c VARCHAR(30) DEFAULT (upper(b)))",
        "CREATE TABLE item (a VARCHAR(9) DEFAULT (lower(d)), c VARCHAR(30) DEFAULT 'x',"
        " d VARCHAR(9))",
    ),
    "new columns have defaults that speak of others behind them": (
        "CREATE TABLE item (a INT)",
        "CREATE TABLE item (a INT, b INT DEFAULT (c + 1), c INT, d INT DEFAULT (b + 1))",
    ),
    "a default speaks of the column whose default spoke of its own": (
        "CREATE TABLE item (a INT, b INT DEFAULT (a + 1))",
        "CREATE TABLE item (a INT DEFAULT (b + 1), b INT)",
    ),
    "what a default speaks of goes with it": (
        "CREATE TABLE item (a INT, b VARCHAR(20), c VARCHAR(30) DEFAULT (upper(b)))",
        "CREATE TABLE item (a INT)",
    ),
    "partitions by the key, whatever it is, go with it": (
        "CREATE TABLE item (a INT NOT NULL, b INT, PRIMARY KEY (a)) PARTITION BY KEY ()"
        " PARTITIONS 2",
        "CREATE TABLE item (a INT, b INT)",
    ),
    "an index gives its place to another, and keys refer to it": (
        "CREATE TABLE owner (id INT PRIMARY KEY, a INT, b INT, KEY one (a, b));"
        " CREATE TABLE item (c INT, d INT, KEY at_c (c),"
        " FOREIGN KEY (c) REFERENCES owner (a))",
        "CREATE TABLE owner (id INT PRIMARY KEY, a INT, b INT, KEY two (a));"
        " CREATE TABLE item (c INT, d INT, KEY at_c (c, d),"
        " FOREIGN KEY (c) REFERENCES owner (a))",
    ),
    "a new table refers to what has an index since": (
        "CREATE TABLE owner (id INT PRIMARY KEY, a INT)",
        "CREATE TABLE owner (id INT PRIMARY KEY, a INT, KEY (a));"
        " CREATE TABLE item (c INT, KEY (c), FOREIGN KEY (c) REFERENCES owner (a))",
    ),
    "a history begins where columns come": (
        "CREATE TABLE item (a INT)",
        "CREATE TABLE item (a INT, b INT) WITH SYSTEM VERSIONING",
    ),
    "all columns go, and one comes that takes no NULL": (
        "CREATE TABLE item (a VARCHAR(9) NOT NULL)",
        "CREATE TABLE item (b VARCHAR(9) NOT NULL)",
    ),
    "all columns become others under their own names": (
        "CREATE TABLE item (a INT NOT NULL, b INT AS (a * 2))",
        "CREATE TABLE item (a INT AS (1) STORED, b INT AS (a * 3) STORED)",
    ),
    "a unique key and an index swap their names": (
        "CREATE TABLE item (a INT, b INT, UNIQUE one (a, b), KEY two (b, a DESC))",
        "CREATE TABLE item (a INT, b INT, UNIQUE two (a, b), KEY one (b, a DESC))",
    ),
    "a counting column comes with its unique key": (
        "CREATE TABLE item (a INT)",
        "CREATE TABLE item (a INT, id INT NOT NULL AUTO_INCREMENT, UNIQUE (id))",
    ),
    "a counting column comes with its index": (
        "CREATE TABLE item (a INT)",
        "CREATE TABLE item (a INT, id INT AUTO_INCREMENT, KEY at_id (id, a), KEY (a))",
    ),
    "tables come whose columns count by an index": (
        "",
        "CREATE TABLE item (a INT, id INT AUTO_INCREMENT INVISIBLE, KEY at_id (id, a));"
        "CREATE TABLE part (s TEXT, id INT AUTO_INCREMENT, KEY (id), PRIMARY KEY (s(9)))",
    ),
    "more keys than ten come": (
        OWNER + "CREATE TABLE item (id INT)",
        f"{OWNER}CREATE TABLE item (id INT, {', '.join(map(KEY.format, range(11)))})",
    ),
    "a column counts once it has its key": (
        "CREATE TABLE item (a INT, id INT NOT NULL)",
        "CREATE TABLE item (a INT, id INT NOT NULL AUTO_INCREMENT, UNIQUE nth (id))",
    ),
    "a primary key gets a comment": (
        "CREATE TABLE item (a INT PRIMARY KEY, b INT)",
        "CREATE TABLE item (a INT, b INT, PRIMARY KEY (a) COMMENT 'it''s \\\\ :a')",
    ),
    "a primary key with a comment becomes another": (
        "CREATE TABLE item (a INT, b INT NOT NULL, PRIMARY KEY (a) COMMENT 'one')",
        "CREATE TABLE item (a INT, b INT, PRIMARY KEY (a, b) COMMENT 'two')",
    ),
    "a table with a commented key comes": (
        "",
        "CREATE TABLE item (a INT AUTO_INCREMENT, PRIMARY KEY (a) COMMENT 'one')",
    ),
    "a compressed column comes": (
        "CREATE TABLE item (id INT PRIMARY KEY)",
        "CREATE TABLE item (id INT PRIMARY KEY, s TEXT COMPRESSED CHARSET latin1)",
    ),
    "a table with a compressed column comes": (
        "",
        "CREATE TABLE item (s VARCHAR(99) COMPRESSED NOT NULL, b LONGBLOB COMPRESSED)",
    ),
    "a column is compressed": (
        "CREATE TABLE item (s TEXT NOT NULL, b BLOB COMPRESSED COMMENT 'b')",
        "CREATE TABLE item (s TEXT COMPRESSED NOT NULL, b BLOB COMMENT 'b')",
    ),
    "pages are compressed": (
        "CREATE TABLE item (id INT)",
        "CREATE TABLE item (id INT) PAGE_COMPRESSED=1 PAGE_COMPRESSION_LEVEL=9",
    ),
    "the indexes of a new table's keys have the server's names": (
        "",
        OWNER + "CREATE TABLE item (id INT, o INT, p INT, q INT, r INT,"
        " FOREIGN KEY (o) REFERENCES owner (id), FOREIGN KEY (p) REFERENCES owner (id),"
        " CONSTRAINT named FOREIGN KEY (q, r) REFERENCES owner (a, b))",
    ),
    "a new table's keys are numbered": (
        "",
        OWNER + "CREATE TABLE item (id INT, o INT, p INT, q INT,"
        " FOREIGN KEY (o) REFERENCES owner (id), FOREIGN KEY (q) REFERENCES owner (a),"
        " FOREIGN KEY (p) REFERENCES owner (id))",
    ),
    "keys of a circle come": (
        "",
        "CREATE TABLE a (id INT PRIMARY KEY, b INT);"
        "CREATE TABLE b (id INT PRIMARY KEY, a INT, FOREIGN KEY (a) REFERENCES a (id));"
        "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id)",
    ),
    "the index of a named key has a name of its own": (
        OWNER + "CREATE TABLE item (id INT, o INT)",
        OWNER + "CREATE TABLE item (id INT, o INT, KEY o (o),"
        " CONSTRAINT named FOREIGN KEY (o) REFERENCES owner (id))",
    ),
    "the index of a new table's named key has a name of its own": (
        OWNER,
        OWNER + "CREATE TABLE item (id INT, o INT, KEY o (o),"
        " CONSTRAINT named FOREIGN KEY (o) REFERENCES owner (id))",
    ),
    "the index of a key gets another name": (
        OWNER + "CREATE TABLE item (id INT, o INT,"
        " CONSTRAINT named FOREIGN KEY (o) REFERENCES owner (id))",
        OWNER + "CREATE TABLE item (id INT, o INT, KEY o (o),"
        " CONSTRAINT named FOREIGN KEY (o) REFERENCES owner (id))",
    ),
    "the index of a key that becomes another does, too": (
        OWNER + "CREATE TABLE item (id INT, o INT, FOREIGN KEY (o) REFERENCES owner (id))",
        OWNER + "CREATE TABLE item (id INT, o INT, CONSTRAINT named FOREIGN KEY (o)"
        " REFERENCES owner (id) ON DELETE CASCADE)",
    ),
    "a table in partitions comes": (
        "",
        f"{YEARS} COMMENT 'PARTITION BY :y' {RANGE} `new one` VALUES LESS THAN MAXVALUE)",
    ),
    "a table in partitions of texts comes": (
        "",
        "CREATE TABLE item (id VARCHAR(9)) PARTITION BY LIST COLUMNS (id)"
        " (PARTITION a VALUES IN ('100 %', ':b'), PARTITION b VALUES IN (NULL))",
    ),
    "the history of a table begins": (
        "CREATE TABLE item (a INT, b INT)",
        "CREATE TABLE item (a INT, b INT WITHOUT SYSTEM VERSIONING, c INT)"
        " WITH SYSTEM VERSIONING",
    ),
    "a table with a history becomes another": (
        "CREATE TABLE item (a INT PRIMARY KEY, b INT WITHOUT SYSTEM VERSIONING, c TEXT)"
        " WITH SYSTEM VERSIONING",
        "CREATE TABLE item (a BIGINT PRIMARY KEY, b INT NOT NULL WITHOUT SYSTEM VERSIONING)"
        " WITH SYSTEM VERSIONING",
    ),
    "the only column with a history goes": (
        "CREATE TABLE item (a INT WITHOUT SYSTEM VERSIONING, b INT) WITH SYSTEM VERSIONING",
        "CREATE TABLE item (a INT WITHOUT SYSTEM VERSIONING, c TEXT) WITH SYSTEM VERSIONING",
    ),
    "the only column with a history gives it to another": (
        "CREATE TABLE item (a INT WITHOUT SYSTEM VERSIONING, b INT, c INT)"
        " WITH SYSTEM VERSIONING",
        "CREATE TABLE item (a INT, b INT WITHOUT SYSTEM VERSIONING) WITH SYSTEM VERSIONING",
    ),
    "the only column with a history goes, and all history": (
        "CREATE TABLE item (a INT WITHOUT SYSTEM VERSIONING, b INT) WITH SYSTEM VERSIONING",
        "CREATE TABLE item (a INT)",
    ),
    "a table with a history comes": (
        "",
        "CREATE TABLE item (a INT PRIMARY KEY, b INT WITHOUT SYSTEM VERSIONING COMMENT 'b')"
        " WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME LIMIT 100 PARTITIONS 3",
    ),
    "names of a check and a key move to other tables": (
        OWNER + "CREATE TABLE b (id INT, o INT, CONSTRAINT ck CHECK (id > 1),"
        " CONSTRAINT fk FOREIGN KEY (o) REFERENCES owner (id));"
        "CREATE TABLE c (id INT, CONSTRAINT kc CHECK (id > 1))",
        OWNER + "CREATE TABLE b (id INT, o INT, CONSTRAINT kc CHECK (id > 3));"
        "CREATE TABLE a (id INT, o INT, CONSTRAINT ck CHECK (id > 1),"
        " CONSTRAINT fk FOREIGN KEY (o) REFERENCES owner (id))",
    ),
    "a table is parted": (YEARS, f"{YEARS} PARTITION BY HASH (y + id) PARTITIONS 3"),
    "a table is parted in another way": (
        f"{YEARS} {RANGE} late VALUES LESS THAN (2030))",
        f"{YEARS} PARTITION BY LIST (y) SUBPARTITION BY HASH (id) SUBPARTITIONS 2"
        " (PARTITION a VALUES IN (1, 2) COMMENT = 'it''s', PARTITION b VALUES IN (3))",
    ),
    "partitions come and go": (
        f"{YEARS} {RANGE} late VALUES LESS THAN (2030))",
        f"{YEARS} {RANGE} more VALUES LESS THAN (2010))",
    ),
    "a table is parted by a column that comes with its key": (
        "CREATE TABLE item (id INT PRIMARY KEY, a INT)",
        "CREATE TABLE item (id INT, z INT NOT NULL, PRIMARY KEY (id, z))"
        " PARTITION BY KEY (z) PARTITIONS 2",
    ),
}  # fmt: skip
MARIADB_ONLY = {
    name
    for name, pair in PAIRS.items()
    if re.search(r"COMPRESSED|VERSIONING|Aria|owner \(a\)", str(pair))
}
ITEM = "CREATE TABLE item (id INT PRIMARY KEY, a INT, s VARCHAR(40), j JSON"
EASED = "SET @was = @@sql_mode, sql_mode = ''"
OF_MYSQL = {
    "checks are not enforced": (
        f"{ITEM}, CONSTRAINT one CHECK (a > 1), CONSTRAINT two CHECK (a > 2) NOT ENFORCED)",
        f"{ITEM}, CONSTRAINT one CHECK (a > 1) NOT ENFORCED, CONSTRAINT two CHECK (a > 2),"
        " CONSTRAINT new CHECK (s <> 'it''s :x \\\\ 100%') NOT ENFORCED)",
    ),
    "a table with a check that is not enforced comes": (
        "", f"{ITEM}, CONSTRAINT one CHECK (a > 1) NOT ENFORCED, CHECK (a <> 7))",
    ),
    "indexes over expressions": (
        f"{ITEM}, KEY one ((a + 1), s), KEY two ((lower(s)) DESC), KEY gone ((a * 2)))",
        f"{ITEM}, KEY one ((a + 2), s DESC), UNIQUE KEY two ((lower(s))) COMMENT 'c',"
        " KEY three ((cast(j->'$.a' as unsigned array))) INVISIBLE,"
        " KEY four ((cast(j->>'$.\"it''s\"' as char(20)))))",
    ),
    "a table with indexes over expressions comes": (
        "",
        f"{ITEM}, KEY one ((a + 2), s DESC), UNIQUE KEY two ((concat(s, ':x', '5%'))),"
        " KEY three ((cast(j->'$.a' as unsigned array))))",
    ),
    "defaults are expressions": (
        f"{ITEM}, t TEXT, p POINT, b INT DEFAULT 3, d DATETIME DEFAULT (now()))",
        f"{ITEM}, t TEXT DEFAULT ('it''s :x 5%'), p POINT DEFAULT (point(1, 2)),"
        " b INT DEFAULT (a + 1), d DATETIME DEFAULT CURRENT_TIMESTAMP,"
        " n JSON DEFAULT (json_object('a', '中')) NOT NULL)",
    ),
    "binary defaults": (
        f"{ITEM}, b BINARY(4) DEFAULT 'ab', v VARBINARY(9) DEFAULT 0x00FF)",
        f"{ITEM}, b BINARY(4) DEFAULT 0x00610000 NOT NULL, v VARBINARY(9) DEFAULT 'it''s')",
    ),
    "a reference system comes and goes": (
        f"{ITEM}, p POINT NOT NULL SRID 4326, q POINT NOT NULL)",
        f"{ITEM}, p POINT NOT NULL, q POINT NOT NULL SRID 4326, SPATIAL KEY at (q))",
    ),
    "a reference system comes and goes under an index": (
        f"{ITEM}, p POINT NOT NULL SRID 4326, q POINT NOT NULL, SPATIAL KEY (p), KEY (a),"
        " SPATIAL KEY at (q))",
        f"{ITEM}, p POINT NOT NULL, q POINT NOT NULL SRID 3857, SPATIAL KEY (p), KEY (a),"
        " SPATIAL KEY at (q))",
    ),
    "generated columns are closed to NULL, and opened": (
        f"{ITEM}, g INT AS (a + 1), h VARCHAR(50) AS (concat(s, 'x')) STORED NOT NULL)",
        f"{ITEM}, g INT AS (a + 1) NOT NULL, h VARCHAR(50) AS (concat(s, 'x')) STORED)",
    ),
    "a default speaks of a new column whose own is an expression": (
        "CREATE TABLE item (b INT, x INT DEFAULT (b))",
        "CREATE TABLE item (a INT DEFAULT (7 + 1), g INT AS (a), b INT DEFAULT (a + g))",
    ),
    "defaults are no days": (
        f"{EASED}; {ITEM}, d DATE NOT NULL DEFAULT '0000-00-00', x INT)",
        f"{EASED}; {ITEM}, d DATE NOT NULL DEFAULT '2000-00-01', t TIMESTAMP NOT NULL"
        " DEFAULT '0000-00-00 00:00:00'); CREATE TABLE other (d DATE DEFAULT '0000-00-00')",
    ),
    "columns are hidden": (
        f"{ITEM}, h INT DEFAULT 3)",
        f"{ITEM}, h INT INVISIBLE DEFAULT 3, g INT AS (a + 1) STORED INVISIBLE COMMENT 'c')",
    ),
    "vectors": (f"{ITEM})", f"{ITEM}, v VECTOR(3), w VECTOR(9) NOT NULL)"),
    "generated columns become others": (
        f"{ITEM}, g INT AS (a + 1), h VARCHAR(50) AS (concat(s, 'it''s')) STORED, KEY (g))",
        f"{ITEM}, g BIGINT AS (a + 2), h VARCHAR(60) AS (concat(s, '中')) STORED NOT NULL,"
        " KEY (g))",
    ),
    "a directed primary key": (
        "CREATE TABLE item (a INT, b INT, PRIMARY KEY (a, b))",
        "CREATE TABLE item (a INT, b INT, PRIMARY KEY (a DESC, b))",
    ),
    "options of a table": (
        f"{ITEM})",
        f"{ITEM}) ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8 STATS_PERSISTENT=0"
        " STATS_AUTO_RECALC=1 STATS_SAMPLE_PAGES=9 COMMENT='it''s' CHARSET=latin1",
    ),
    "a table with all options comes": (
        "",
        f"{ITEM}) ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8 STATS_PERSISTENT=0 MAX_ROWS=9"
        " STATS_AUTO_RECALC=1 STATS_SAMPLE_PAGES=9 COMMENT='it''s' COLLATE=latin1_bin",
    ),
    "compression of pages ends": (f"{ITEM}) COMPRESSION='zlib'", f"{ITEM})"),
    "a new column's default gives each row another value": (
        f"{ITEM})",
        f"{ITEM}, b CHAR(36) NOT NULL DEFAULT (uuid()) COMMENT ':b', UNIQUE (b),"
        " c VARCHAR(90) DEFAULT (concat(current_user(), '%')) INVISIBLE)",
    ),
    "compression of pages": (
        f"{ITEM}) COMPRESSION='zlib'",
        f"{ITEM}) COMPRESSION='lz4'",
    ),
    "what other engines heed": (
        f"{ITEM})",
        f"{ITEM}, KEY (a), KEY two (s)) AVG_ROW_LENGTH=9 DELAY_KEY_WRITE=1 CHECKSUM=1 PACK_KEYS=1",
    ),
    "texts of other character sets": (
        f"{ITEM}, x VARCHAR(9) CHARSET latin1 DEFAULT 'é', e ENUM('a', 'é') CHARSET latin1)",
        f"{ITEM}, x VARCHAR(9) COLLATE utf8mb4_bin DEFAULT 'é', e ENUM('a', 'é', '中'),"
        " n NCHAR(5), c CHAR(3) CHARSET ascii DEFAULT ('x'))",
    ),
    "a column counts down the rows": (
        f"{ITEM}, KEY (a))", f"{ITEM.replace('a INT', 'a INT NOT NULL')}, UNIQUE (a, s))",
    ),
}  # fmt: skip
PAIRS |= OF_MYSQL
SERVERS = dict.fromkeys(MARIADB_ONLY, "mariadb") | dict.fromkeys(OF_MYSQL, "mysql")


def made(connection, sql):
    for statement in sql.split(";"):
        if statement.strip():
            connection.exec_driver_sql(statement.replace("%", "%%"))
    if sql.startswith(EASED):
        connection.exec_driver_sql("SET sql_mode = @was")
    connection.commit()


def script_between(connection, current, wanted):
    current, wanted = with_indexes_told(current, wanted)
    wanted = adopt_names(wanted, current)
    plan = build(diff(current, wanted), current, wanted, dialect_of(connection))
    context = MigrationContext.configure(connection, opts=dict(OPTIONS))
    body = render(
        ops.UpgradeOps([step.operation for step in plan.upgrade]),
        ops.DowngradeOps([step.operation for step in plan.downgrade]),
        AutogenContext(context, autogenerate=False),
    )
    source = _source(body)
    found = {}
    exec(compile(source, "script.py", "exec"), found)
    return found


@pytest.fixture(scope="module")
def connection(lasting_mariadb):
    return lasting_mariadb


LATER = {
    "values of an enum have percent signs": needs("percent signs in enums on MySQL")
}


@pytest.mark.parametrize("name", marked(PAIRS, SERVERS, LATER))
def test_there_and_back(connection, name):
    """Plain Alembic makes what was wanted, and what was; our own runtime as well."""
    current, desired = PAIRS[name]
    emptied(connection)
    made(connection, desired)
    wanted, target = tables(connection), read_state(connection, Scope())
    emptied(connection)
    made(connection, current)
    first, state = tables(connection), read_state(connection, Scope())
    connection.commit()
    script = script_between(connection, state, target)
    connection.commit()

    with plain(connection):
        script["upgrade"]()
    assert tables(connection) == wanted
    assert diff(read_state(connection, Scope()), target) == ()
    connection.commit()
    with plain(connection):
        script["downgrade"]()
    assert tables(connection) == first
    with ours(connection):
        script["upgrade"]()
    assert tables(connection) == wanted


PERIOD = (
    "CREATE TABLE item (a INT, s TIMESTAMP(6) GENERATED ALWAYS AS ROW START,"
    " e TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e))"
    " WITH SYSTEM VERSIONING"
)


@pytest.mark.only_on("mariadb")
@pytest.mark.parametrize("other", ["", "CREATE TABLE item (a INT)"])
def test_the_times_of_rows_are_not_made_or_dropped(connection, other):
    """What no generated script can do is said, not tried."""
    emptied(connection)
    made(connection, other)
    without = read_state(connection, Scope())
    emptied(connection)
    made(connection, PERIOD)
    state = read_state(connection, Scope())
    connection.commit()

    assert diff(state, state) == ()
    with pytest.raises(Unalterable, match="tells since or until when a row is valid"):
        script_between(connection, without, state)


@pytest.mark.only_on("mariadb")
@pytest.mark.parametrize("key", ["UNIQUE", "PRIMARY KEY"])
def test_a_period_of_the_applications_own_is_left_alone(mariadb_url, key):
    """Models have no words for it; a script that would have to say it is refused."""
    engine = sa.create_engine(mariadb_url)
    with engine.connect() as connection:
        made(
            connection,
            "CREATE TABLE item (n INT NOT NULL, a DATE NOT NULL, b DATE NOT NULL,"
            f" PERIOD FOR `of``it` (a, b), {key} (n, `of``it` WITHOUT OVERLAPS))",
        )
        state = read_state(connection, Scope())
        metadata = sa.MetaData()
        columns = [sa.Column(each, sa.Date, nullable=False) for each in "ab"]
        number = sa.Column(
            "n", sa.Integer, nullable=False, primary_key=key != "UNIQUE", autoincrement=False
        )  # fmt: skip
        sa.Table("item", metadata, number, *columns)
        wanted = adopt_names(read_models([metadata], connection, Scope()), state)
        assert diff(state, wanted) == ()
        emptied(connection)
        made(
            connection,
            "CREATE TABLE item (n INT NOT NULL, a DATE NOT NULL, b DATE NOT NULL)",
        )
        plain_state = read_state(connection, Scope())
        for one, other in (
            (plain_state, state),
            (state, plain_state),
            (State(), state),
        ):
            with pytest.raises(Unalterable, match=r"item has a period of its own"):
                script_between(connection, one, other)
    engine.dispose()


@pytest.mark.only_on("mysql")
def test_rows_take_what_a_new_default_gives_them(connection):
    """MySQL does not let such a column be added; each row has a value nevertheless."""
    emptied(connection)
    made(connection, f"{ITEM}, u CHAR(36) NOT NULL DEFAULT (uuid()))")
    target = read_state(connection, Scope())
    emptied(connection)
    made(connection, f"{ITEM}); INSERT INTO item (id) VALUES (1), (2), (3)")
    script = script_between(connection, read_state(connection, Scope()), target)
    connection.commit()

    with ours(connection):
        script["upgrade"]()
    found = connection.scalars(sa.text("SELECT u FROM item")).all()
    assert len({*found}) == 3
    assert {len(each) for each in found} == {36}
